// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdlib.h>
#include <string.h>
#include "handle.h"
#include "link.h"

/**
 * struct link - CUDA's link state
 * @data: struct image_link_header and the records of the inputs
 * @module: loaded by cuLinkComplete and not adopted yet
 */
struct link {
	struct context *ctx;
	CUcontext ctx_handle;
	uint64_t id;
	char *data;
	size_t len;
	size_t capacity;
	bool complete;
	struct jit jit;
	struct module *module;
	struct link *next;
};

static struct link *links; /* guarded by links_lock, which is taken after a session's */
static pthread_mutex_t links_lock = PTHREAD_MUTEX_INITIALIZER;

int link_adopt(struct context *ctx, const struct image *image)
{
	const struct image_link_header *header = image->data;
	struct link *link;
	int number = -1;

	pthread_mutex_lock(&links_lock);
	for (link = links; link; link = link->next) {
		if (link->id != header->id || link->ctx != ctx || !link->module ||
		    image->len != link->len || memcmp(image->data, link->data, link->len))
			continue;
		number = link->module->number;
		handle_free(HANDLE_MODULE, link->module->handle);
		module_abandon(link->module);
		link->module = NULL;
		break;
	}
	pthread_mutex_unlock(&links_lock);
	return number;
}

static char *append(struct link *link, size_t len)
{
	char *at;

	if (link->len + len > link->capacity) {
		size_t capacity = (link->len + len) * 2;
		char *bigger = realloc(link->data, capacity);

		if (!bigger)
			return NULL;
		link->data = bigger;
		link->capacity = capacity;
	}
	at = link->data + link->len;
	link->len += len;
	return at;
}

EXPORT CUresult cuLinkCreate_v2(unsigned int count, CUjit_option *options, void **values,
				CUlinkState *state)
{
	struct image_link_header *header;
	static uint64_t last_id;
	struct context *ctx;
	struct link *link;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!state)
		return CUDA_ERROR_INVALID_VALUE;
	link = calloc(1, sizeof(*link));
	if (!link)
		return CUDA_ERROR_OUT_OF_MEMORY;
	if (jit_parse(&link->jit, count, options, values)) {
		free(link);
		return CUDA_ERROR_INVALID_VALUE;
	}
	link->ctx = ctx;
	link->ctx_handle = ctx->handle;
	link->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	header = (struct image_link_header *)append(link, sizeof(*header));
	*state = header ? handle_new(HANDLE_LINK, link) : NULL;
	if (!*state) {
		free(link->data);
		free(link);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	header->magic = IMAGE_LINK_MAGIC;
	header->id = link->id;
	header->len = 0;
	pthread_mutex_lock(&links_lock);
	link->next = links;
	links = link;
	pthread_mutex_unlock(&links_lock);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuLinkCreate(unsigned int count, CUjit_option *options, void **values,
			     CUlinkState *state)
{
	return cuLinkCreate_v2(count, options, values, state);
}

/* As the image's records are laid out: header, name, bytes, each record padded to 8. */
static CUresult add(struct link *link, CUjitInputType type, const void *data, size_t len,
		    const char *name)
{
	struct vgpu_link_input record = { .len = len, .type = type, .name_len = strlen(name) + 1 };
	size_t used = sizeof(record) + record.name_len + len;
	size_t padded = (used + 7) & ~(size_t)7;
	char *at;

	if (padded > VGPU_MAX_IMAGE || record.name_len > VGPU_MAX_NAME)
		return CUDA_ERROR_INVALID_VALUE;
	at = append(link, padded);
	if (!at)
		return CUDA_ERROR_OUT_OF_MEMORY;
	memcpy(at, &record, sizeof(record));
	memcpy(at + sizeof(record), name, record.name_len);
	memcpy(at + sizeof(record) + record.name_len, data, len);
	memset(at + used, 0, padded - used);
	((struct image_link_header *)link->data)->len = link->len - sizeof(struct image_link_header);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuLinkAddData_v2(CUlinkState state, CUjitInputType type, void *data, size_t len,
				 const char *name, unsigned int count, CUjit_option *options,
				 void **values)
{
	struct context *ctx;
	struct jit jit;
	struct link *link;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	link = handle_get(HANDLE_LINK, state);
	if (!link)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!data || !len || (unsigned int)type >= CU_JIT_NUM_INPUT_TYPES || link->complete ||
	    jit_parse(&jit, count, options, values))
		return CUDA_ERROR_INVALID_VALUE;
	/* PTX is text: the NUL that programs count is none of it. */
	if (type == CU_JIT_INPUT_PTX)
		len = strnlen(data, len);
	return add(link, type, data, len, name ? name : "");
}

EXPORT CUresult cuLinkAddData(CUlinkState state, CUjitInputType type, void *data, size_t len,
			      const char *name, unsigned int count, CUjit_option *options,
			      void **values)
{
	return cuLinkAddData_v2(state, type, data, len, name, count, options, values);
}

EXPORT CUresult cuLinkAddFile_v2(CUlinkState state, CUjitInputType type, const char *path,
				 unsigned int count, CUjit_option *options, void **values)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);
	char *data;
	size_t len;

	if (result)
		return result;
	if (!handle_get(HANDLE_LINK, state))
		return CUDA_ERROR_INVALID_HANDLE;
	if (!path)
		return CUDA_ERROR_INVALID_VALUE;
	result = module_read_file(path, &data, &len);
	if (result)
		return result;
	result = len ? cuLinkAddData_v2(state, type, data, len, path, count, options, values)
		     : CUDA_ERROR_INVALID_IMAGE;
	free(data);
	return result;
}

EXPORT CUresult cuLinkAddFile(CUlinkState state, CUjitInputType type, const char *path,
			      unsigned int count, CUjit_option *options, void **values)
{
	return cuLinkAddFile_v2(state, type, path, count, options, values);
}

EXPORT CUresult cuLinkComplete(CUlinkState state, void **cubin, size_t *size)
{
	struct context *ctx;
	struct link *link;
	struct image image;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	link = handle_get(HANDLE_LINK, state);
	if (!link)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!cubin || link->len == sizeof(struct image_link_header))
		return CUDA_ERROR_INVALID_VALUE;
	if (!link->complete) {
		image.type = IMAGE_LINK;
		image.data = link->data;
		image.len = link->len;
		pthread_mutex_lock(&link->ctx->session->lock);
		result = module_load(link->ctx, &image, &link->jit, &link->module);
		pthread_mutex_unlock(&link->ctx->session->lock);
		if (result)
			return result;
		link->complete = true;
	}
	*cubin = link->data;
	if (size)
		*size = link->len;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuLinkDestroy(CUlinkState state)
{
	struct link *link, **at;
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	link = handle_free(HANDLE_LINK, state);
	if (!link)
		return CUDA_ERROR_INVALID_HANDLE;
	pthread_mutex_lock(&ctx->session->lock);
	pthread_mutex_lock(&links_lock);
	for (at = &links; *at != link; at = &(*at)->next)
		;
	*at = link->next;
	pthread_mutex_unlock(&links_lock);
	/* A context that was destroyed has unloaded its modules. */
	if (link->module && link->ctx->handle == link->ctx_handle) {
		handle_free(HANDLE_MODULE, link->module->handle);
		module_unload(link->module);
	}
	pthread_mutex_unlock(&ctx->session->lock);
	free(link->data);
	free(link);
	return CUDA_SUCCESS;
}
