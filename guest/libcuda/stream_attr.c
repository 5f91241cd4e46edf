// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Attributes of streams and kernel nodes, and other calls whose effect the device does not know. */
#include <string.h>
#include "device.h"
#include "graph.h"
#include "handle.h"
#include "stream.h"

static CUresult enter(CUstream handle, bool thread_default, struct stream **stream)
{
	struct context *ctx;
	CUresult result = graph_enter(&ctx);

	if (result)
		return result;
	result = stream_resolve(ctx, handle, thread_default, stream);
	if (!result && (*stream)->session != ctx->session)
		result = CUDA_ERROR_INVALID_HANDLE;
	if (result)
		pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

static CUresult get(CUstream handle, bool thread_default, CUstreamAttrID attr,
		    CUstreamAttrValue *value)
{
	struct stream *stream;
	CUresult result;

	if (!value)
		return CUDA_ERROR_INVALID_VALUE;
	result = enter(handle, thread_default, &stream);
	if (result)
		return result;
	memset(value, 0, sizeof(*value));
	switch (attr) {
	case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
	case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
	case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
		break;
	case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
		value->syncPolicy = CU_SYNC_POLICY_AUTO;
		break;
	case CU_LAUNCH_ATTRIBUTE_PRIORITY:
		value->priority = stream->priority;
		break;
	default:
		result = CUDA_ERROR_INVALID_VALUE;
	}
	pthread_mutex_unlock(&stream->session->lock);
	return result;
}

EXPORT CUresult cuStreamGetAttribute(CUstream stream, CUstreamAttrID attr, CUstreamAttrValue *value)
{
	return get(stream, false, attr, value);
}

EXPORT CUresult cuStreamGetAttribute_ptsz(CUstream stream, CUstreamAttrID attr,
					  CUstreamAttrValue *value)
{
	return get(stream, true, attr, value);
}

/* They are hints about caches and waiting: accepted, without effect. */
static CUresult set(CUstream handle, bool thread_default, CUstreamAttrID attr,
		    const CUstreamAttrValue *value)
{
	struct stream *stream;
	CUresult result;

	if (!value)
		return CUDA_ERROR_INVALID_VALUE;
	result = enter(handle, thread_default, &stream);
	if (result)
		return result;
	switch (attr) {
	case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
	case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
	case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
	case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
		break;
	case CU_LAUNCH_ATTRIBUTE_PRIORITY:
		stream->priority = value->priority;
		break;
	default:
		result = CUDA_ERROR_INVALID_VALUE;
	}
	pthread_mutex_unlock(&stream->session->lock);
	return result;
}

EXPORT CUresult cuStreamSetAttribute(CUstream stream, CUstreamAttrID attr,
				     const CUstreamAttrValue *value)
{
	return set(stream, false, attr, value);
}

EXPORT CUresult cuStreamSetAttribute_ptsz(CUstream stream, CUstreamAttrID attr,
					  const CUstreamAttrValue *value)
{
	return set(stream, true, attr, value);
}

static CUresult copy(CUstream to, CUstream from, bool thread_default)
{
	struct stream *stream;
	CUresult result = enter(to, thread_default, &stream);

	if (result)
		return result;
	pthread_mutex_unlock(&stream->session->lock);
	result = enter(from, thread_default, &stream);
	if (!result)
		pthread_mutex_unlock(&stream->session->lock);
	return result;
}

EXPORT CUresult cuStreamCopyAttributes(CUstream to, CUstream from)
{
	return copy(to, from, false);
}

EXPORT CUresult cuStreamCopyAttributes_ptsz(CUstream to, CUstream from)
{
	return copy(to, from, true);
}

static struct graph_node *kernel_node(CUgraphNode handle)
{
	struct graph_node *node = handle_get(HANDLE_GRAPH_NODE, handle);

	return node && node->type == CU_GRAPH_NODE_TYPE_KERNEL ? node : NULL;
}

EXPORT CUresult cuGraphKernelNodeGetAttribute(CUgraphNode handle, CUkernelNodeAttrID attr,
					      CUkernelNodeAttrValue *value)
{
	struct graph_node *node = kernel_node(handle);

	if (!node || !value || (unsigned int)attr >= CU_LAUNCH_ATTRIBUTE_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	memset(value, 0, sizeof(*value));
	if (attr == CU_LAUNCH_ATTRIBUTE_COOPERATIVE)
		value->cooperative = node->op->kernel.cooperative;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphKernelNodeSetAttribute(CUgraphNode handle, CUkernelNodeAttrID attr,
					      const CUkernelNodeAttrValue *value)
{
	struct graph_node *node = kernel_node(handle);

	if (!node || !value || (unsigned int)attr >= CU_LAUNCH_ATTRIBUTE_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	if (attr == CU_LAUNCH_ATTRIBUTE_COOPERATIVE)
		node->op->kernel.cooperative = value->cooperative;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphKernelNodeCopyAttributes(CUgraphNode to, CUgraphNode from)
{
	struct graph_node *target = kernel_node(to), *source = kernel_node(from);

	if (!target || !source)
		return CUDA_ERROR_INVALID_VALUE;
	target->op->kernel.cooperative = source->op->kernel.cooperative;
	return CUDA_SUCCESS;
}

/* Profiling is the hypervisor's: beginning and ending it in a guest is accepted, as without a profiler. */
EXPORT CUresult cuProfilerStart(void)
{
	struct context *ctx;

	return context_enter(&ctx);
}

EXPORT CUresult cuProfilerStop(void)
{
	struct context *ctx;

	return context_enter(&ctx);
}
