// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdlib.h>
#include "device.h"
#include "graph.h"
#include "handle.h"

struct user_object {
	CUuserObject handle;
	uint64_t refs;
	void *data;
	CUhostFn destroy;
};

/* References of a graph to user objects. */
struct object_ref {
	struct user_object *object;
	uint64_t count;
	struct object_ref *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards reference counts; taken last */

static bool release(struct user_object *object, uint64_t count)
{
	bool last;

	pthread_mutex_lock(&lock);
	if (object->refs < count) {
		pthread_mutex_unlock(&lock);
		return false;
	}
	object->refs -= count;
	last = !object->refs;
	pthread_mutex_unlock(&lock);
	if (last) {
		handle_free(HANDLE_USER_OBJECT, object->handle);
		object->destroy(object->data);
		free(object);
	}
	return true;
}

static void retain(struct user_object *object, uint64_t count)
{
	pthread_mutex_lock(&lock);
	object->refs += count;
	pthread_mutex_unlock(&lock);
}

static struct object_ref *add(struct object_ref *refs, struct user_object *object, uint64_t count)
{
	struct object_ref *ref = malloc(sizeof(*ref));

	if (!ref)
		return NULL;
	ref->object = object;
	ref->count = count;
	ref->next = refs;
	return ref;
}

struct object_ref *object_refs_clone(const struct object_ref *refs)
{
	struct object_ref *clone = NULL;

	for (; refs; refs = refs->next) {
		struct object_ref *ref = add(clone, refs->object, refs->count);

		if (!ref)
			break;
		retain(refs->object, refs->count);
		clone = ref;
	}
	return clone;
}

void object_refs_put(struct object_ref *refs)
{
	while (refs) {
		struct object_ref *next = refs->next;

		release(refs->object, refs->count);
		free(refs);
		refs = next;
	}
}

EXPORT CUresult cuUserObjectCreate(CUuserObject *out, void *data, CUhostFn destroy,
				   unsigned int refs, unsigned int flags)
{
	struct user_object *object;

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!out || !destroy || !refs || flags != CU_USER_OBJECT_NO_DESTRUCTOR_SYNC)
		return CUDA_ERROR_INVALID_VALUE;
	object = calloc(1, sizeof(*object));
	if (!object)
		return CUDA_ERROR_OUT_OF_MEMORY;
	object->refs = refs;
	object->data = data;
	object->destroy = destroy;
	object->handle = handle_new(HANDLE_USER_OBJECT, object);
	if (!object->handle) {
		free(object);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	*out = object->handle;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuUserObjectRetain(CUuserObject handle, unsigned int count)
{
	struct user_object *object = handle_get(HANDLE_USER_OBJECT, handle);

	if (!object || !count)
		return CUDA_ERROR_INVALID_VALUE;
	retain(object, count);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuUserObjectRelease(CUuserObject handle, unsigned int count)
{
	struct user_object *object = handle_get(HANDLE_USER_OBJECT, handle);

	return object && count && release(object, count) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuGraphRetainUserObject(CUgraph graph_handle, CUuserObject handle,
					unsigned int count, unsigned int flags)
{
	struct user_object *object = handle_get(HANDLE_USER_OBJECT, handle);
	struct context *ctx;
	struct graph *graph;
	struct object_ref *ref;
	CUresult result = graph_enter(&ctx);

	if (result)
		return result;
	graph = handle_get(HANDLE_GRAPH, graph_handle);
	if (!graph || !object || !count || flags & ~CU_GRAPH_USER_OBJECT_MOVE) {
		result = CUDA_ERROR_INVALID_VALUE;
	} else {
		ref = add(graph->objects, object, count);
		if (ref) {
			/* Moved references are the caller's. */
			if (!(flags & CU_GRAPH_USER_OBJECT_MOVE))
				retain(object, count);
			graph->objects = ref;
		} else {
			result = CUDA_ERROR_OUT_OF_MEMORY;
		}
	}
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuGraphReleaseUserObject(CUgraph graph_handle, CUuserObject handle, unsigned int count)
{
	struct user_object *object = handle_get(HANDLE_USER_OBJECT, handle);
	struct context *ctx;
	struct graph *graph;
	CUresult result = graph_enter(&ctx);

	if (result)
		return result;
	graph = handle_get(HANDLE_GRAPH, graph_handle);
	result = CUDA_ERROR_INVALID_VALUE;
	for (struct object_ref **at = graph ? &graph->objects : NULL; at && *at && object && count;
	     at = &(*at)->next) {
		struct object_ref *ref = *at;

		if (ref->object != object || ref->count < count)
			continue;
		ref->count -= count;
		if (!ref->count) {
			*at = ref->next;
			free(ref);
		}
		release(object, count);
		result = CUDA_SUCCESS;
		break;
	}
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}
