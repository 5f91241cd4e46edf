// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdlib.h>
#include <string.h>
#include "capture.h"
#include "device.h"
#include "hostmem.h"
#include "log.h"

#define ALLOC_FLAGS \
	(CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP | CU_MEMHOSTALLOC_WRITECOMBINED)
#define REGISTER_FLAGS \
	(CU_MEMHOSTREGISTER_PORTABLE | CU_MEMHOSTREGISTER_DEVICEMAP | \
	 CU_MEMHOSTREGISTER_IOMEMORY | CU_MEMHOSTREGISTER_READ_ONLY)

struct host_memory *hostmem_find(struct session *session, uint64_t addr, uint64_t *start,
				 uint64_t *len)
{
	struct extent *extent = extent_find(&session->pinned, addr);

	if (!extent)
		extent = extent_find(&session->registered, addr);
	if (!extent)
		return NULL;
	if (start)
		*start = extent->start;
	if (len)
		*len = extent->len;
	return extent->data;
}

CUresult hostmem_alloc(struct context *ctx, size_t size, unsigned int flags, bool managed, void **p)
{
	struct session *session = ctx->session;
	struct host_memory *memory = calloc(1, sizeof(*memory));
	CUresult result;

	if (!memory)
		return CUDA_ERROR_OUT_OF_MEMORY;
	memory->ctx = ctx->handle;
	memory->id = devmem_id();
	memory->flags = flags;
	memory->managed = managed;
	pthread_mutex_lock(&session->lock);
	result = capture_check_unsafe(session);
	if (!result && heap_alloc(&session->heap, size, VGPU_PAGE_SIZE, &memory->block)) {
		/* What is in flight may give room back. */
		while (queue_wait_any(&session->queue))
			;
		if (heap_alloc(&session->heap, size, VGPU_PAGE_SIZE, &memory->block))
			result = CUDA_ERROR_OUT_OF_MEMORY;
	}
	if (!result) {
		*p = heap_address(&session->heap, &memory->block);
		if (extent_insert(&session->pinned, (uint64_t)*p, size, memory)) {
			heap_free(&session->heap, &memory->block);
			result = CUDA_ERROR_OUT_OF_MEMORY;
		} else {
			session->pinned_bytes += memory->block.len;
		}
	}
	pthread_mutex_unlock(&session->lock);
	if (result)
		free(memory);
	return result;
}

EXPORT CUresult cuMemHostAlloc(void **p, size_t size, unsigned int flags)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!p || !size || flags & ~ALLOC_FLAGS)
		return CUDA_ERROR_INVALID_VALUE;
	return hostmem_alloc(ctx, size, flags, false, p);
}

EXPORT CUresult cuMemAllocHost_v2(void **p, size_t size)
{
	/* With unified addressing all pinned memory is portable and mapped. */
	return cuMemHostAlloc(p, size, CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP);
}

EXPORT CUresult cuMemAllocHost(void **p, unsigned int size)
{
	return cuMemAllocHost_v2(p, size);
}

static void drop(struct session *session, struct host_memory *memory)
{
	session->pinned_bytes -= memory->block.len;
	heap_free(&session->heap, &memory->block);
	free(memory);
}

CUresult hostmem_free(struct session *session, uint64_t addr, bool managed)
{
	struct extent *found = extent_find(&session->pinned, addr);
	struct extent extent;

	if (!found || found->start != addr || ((struct host_memory *)found->data)->managed != managed)
		return CUDA_ERROR_INVALID_VALUE;
	extent_remove(&session->pinned, addr, &extent);
	drop(session, extent.data);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuMemFreeHost(void *p)
{
	struct context *ctx;
	struct session *session;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	session = session_of((uint64_t)p);
	if (!session || !session_is_aperture(session, (uint64_t)p))
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&session->lock);
	result = capture_check_unsafe(session);
	if (!result) {
		context_synchronize(ctx);
		result = hostmem_free(session, (uint64_t)p, false);
	}
	if (!result)
		result = session->error;
	pthread_mutex_unlock(&session->lock);
	return result;
}

void hostmem_free_ctx(struct session *session, CUcontext ctx)
{
	struct extent extent;
	size_t i = 0;

	while (i < session->pinned.count) {
		struct host_memory *memory = session->pinned.v[i].data;

		if (memory->ctx != ctx) {
			i++;
			continue;
		}
		extent_remove(&session->pinned, session->pinned.v[i].start, &extent);
		drop(session, memory);
	}
	for (i = 0; i < session->registered.count;) {
		struct host_memory *memory = session->registered.v[i].data;

		if (memory->ctx != ctx) {
			i++;
			continue;
		}
		extent_remove(&session->registered, session->registered.v[i].start, &extent);
		free(memory);
	}
}

struct session *hostmem_lock_registered(const void *p)
{
	for (int i = 0; i < device_count(); i++) {
		struct device *device;
		struct session *session;

		if (device_get(i, &device))
			continue;
		session = device->session;
		if (!session)
			continue;
		pthread_mutex_lock(&session->lock);
		if (extent_find(&session->registered, (uint64_t)p))
			return session;
		pthread_mutex_unlock(&session->lock);
	}
	return NULL;
}

/* Finds the allocation or registration that holds p; its session's lock is held at success. */
static struct host_memory *find(void *p, struct session **session)
{
	struct host_memory *memory;

	*session = session_of((uint64_t)p);
	if (!*session) {
		*session = hostmem_lock_registered(p);
		return *session ? hostmem_find(*session, (uint64_t)p, NULL, NULL) : NULL;
	}
	pthread_mutex_lock(&(*session)->lock);
	memory = hostmem_find(*session, (uint64_t)p, NULL, NULL);
	if (!memory)
		pthread_mutex_unlock(&(*session)->lock);
	return memory;
}

EXPORT CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *addr, void *p, unsigned int flags)
{
	struct context *ctx;
	struct session *session;
	struct host_memory *memory;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!addr || flags)
		return CUDA_ERROR_INVALID_VALUE;
	memory = find(p, &session);
	if (!memory)
		return CUDA_ERROR_INVALID_VALUE;
	if (memory->registered) {
		/* Pages of the guest's own; what the GPU reaches of a guest is the aperture. */
		log_line("cuMemHostGetDevicePointer: %p is memory of cuMemHostRegister, which copies reach and "
			 "kernels do not: take it from cuMemHostAlloc",
			 p);
		result = CUDA_ERROR_INVALID_VALUE;
	} else {
		*addr = (CUdeviceptr)p;
	}
	pthread_mutex_unlock(&session->lock);
	return result;
}

EXPORT CUresult cuMemHostGetFlags(unsigned int *flags, void *p)
{
	struct context *ctx;
	struct session *session;
	struct host_memory *memory;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!flags)
		return CUDA_ERROR_INVALID_VALUE;
	memory = find(p, &session);
	if (!memory)
		return CUDA_ERROR_INVALID_VALUE;
	*flags = memory->flags;
	pthread_mutex_unlock(&session->lock);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuMemHostRegister_v2(void *p, size_t size, unsigned int flags)
{
	struct context *ctx;
	struct session *session;
	struct host_memory *memory;
	CUresult result = context_enter(&ctx);
	uint64_t addr = (uint64_t)p;

	if (result)
		return result;
	session = ctx->session;
	if (!p || !size || addr + size < addr || flags & ~REGISTER_FLAGS)
		return CUDA_ERROR_INVALID_VALUE;
	if (flags & CU_MEMHOSTREGISTER_IOMEMORY)
		return CUDA_ERROR_NOT_SUPPORTED;
	if (session_of(addr))
		return CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
	memory = calloc(1, sizeof(*memory));
	if (!memory)
		return CUDA_ERROR_OUT_OF_MEMORY;
	memory->ctx = ctx->handle;
	memory->id = devmem_id();
	memory->flags = flags;
	memory->registered = true;
	pthread_mutex_lock(&session->lock);
	for (size_t i = 0; i < session->registered.count && !result; i++) {
		struct extent *extent = &session->registered.v[i];

		if (addr < extent->start + extent->len && extent->start < addr + size)
			result = CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
	}
	if (!result && extent_insert(&session->registered, addr, size, memory))
		result = CUDA_ERROR_OUT_OF_MEMORY;
	pthread_mutex_unlock(&session->lock);
	if (result)
		free(memory);
	return result;
}

EXPORT CUresult cuMemHostRegister(void *p, size_t size, unsigned int flags)
{
	return cuMemHostRegister_v2(p, size, flags);
}

EXPORT CUresult cuMemHostUnregister(void *p)
{
	struct context *ctx;
	struct session *session;
	struct extent extent;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	session = hostmem_lock_registered(p);
	if (!session)
		return CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
	if (extent_find(&session->registered, (uint64_t)p)->start == (uint64_t)p) {
		extent_remove(&session->registered, (uint64_t)p, &extent);
		free(extent.data);
	} else {
		result = CUDA_ERROR_INVALID_VALUE;
	}
	pthread_mutex_unlock(&session->lock);
	return result;
}
