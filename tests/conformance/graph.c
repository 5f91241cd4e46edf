// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Graphs by nodes and by stream capture. */
#include <stdatomic.h>
#include "conform.h"

static CUdeviceptr word(void)
{
	CUdeviceptr p;

	CU(cuMemAlloc(&p, 4));
	CU(cuMemsetD32(p, 0, 1));
	CU(cuCtxSynchronize());
	return p;
}

static unsigned int fetch(CUdeviceptr p)
{
	unsigned int value;

	CU(cuMemcpyDtoH(&value, p, 4));
	return value;
}

static CUDA_KERNEL_NODE_PARAMS kernel_params(void **args)
{
	CUDA_KERNEL_NODE_PARAMS params;

	memset(&params, 0, sizeof(params));
	params.func = conform_kernel("add");
	params.gridDimX = 1;
	params.gridDimY = 1;
	params.gridDimZ = 1;
	params.blockDimX = 1;
	params.blockDimY = 1;
	params.blockDimZ = 1;
	params.kernelParams = args;
	return params;
}

static void add(CUdeviceptr p, unsigned int value, CUstream stream)
{
	unsigned int n = 1;
	void *args[] = { &p, &n, &value };

	CU(cuLaunchKernel(conform_kernel("add"), 1, 1, 1, 1, 1, 1, 0, stream, args, NULL));
}

static void by_nodes(void)
{
	CUdeviceptr p = word();
	unsigned int n = 1, one = 1, ten = 10, result = 0;
	void *args_one[] = { &p, &n, &one }, *args_ten[] = { &p, &n, &ten };
	CUDA_KERNEL_NODE_PARAMS first = kernel_params(args_one), second = kernel_params(args_ten),
				got;
	CUDA_MEMSET_NODE_PARAMS set = {
		.dst = p, .value = 5, .elementSize = 4, .width = 1, .height = 1
	};
	CUDA_MEMCPY3D copy;
	CUgraphNode nodes[4], listed[8];
	CUgraphNodeType type;
	CUgraphExec exec;
	CUgraph graph;
	size_t count = 8;

	CU(cuGraphCreate(&graph, 0));
	CU(cuGraphAddMemsetNode(&nodes[0], graph, NULL, 0, &set, conform_context()));
	CU(cuGraphAddKernelNode(&nodes[1], graph, &nodes[0], 1, &first));
	CU(cuGraphAddKernelNode(&nodes[2], graph, &nodes[1], 1, &second));
	memset(&copy, 0, sizeof(copy));
	copy.srcMemoryType = CU_MEMORYTYPE_DEVICE;
	copy.srcDevice = p;
	copy.dstMemoryType = CU_MEMORYTYPE_HOST;
	copy.dstHost = &result;
	copy.WidthInBytes = 4;
	copy.Height = 1;
	copy.Depth = 1;
	CU(cuGraphAddMemcpyNode(&nodes[3], graph, &nodes[2], 1, &copy, conform_context()));
	CU(cuGraphGetNodes(graph, listed, &count));
	EQUAL(count, 4);
	count = 8;
	CU(cuGraphGetRootNodes(graph, listed, &count));
	EQUAL(count, 1);
	CHECK(listed[0] == nodes[0]);
	CU(cuGraphNodeGetType(nodes[3], &type));
	EQUAL(type, CU_GRAPH_NODE_TYPE_MEMCPY);
	CU(cuGraphKernelNodeGetParams(nodes[2], &got));
	EQUAL(*(unsigned int *)got.kernelParams[2], 10);
	CU(cuGraphInstantiate(&exec, graph, 0));
	for (int i = 0; i < 3; i++) {
		result = 0;
		CU(cuGraphLaunch(exec, NULL));
		CU(cuCtxSynchronize());
		EQUAL(result, 16);
	}
	/* A change to the executable graph, not to the graph. */
	ten = 20;
	CU(cuGraphExecKernelNodeSetParams(exec, nodes[2], &second));
	CU(cuGraphLaunch(exec, NULL));
	CU(cuCtxSynchronize());
	EQUAL(result, 26);
	CU(cuGraphKernelNodeGetParams(nodes[2], &got));
	EQUAL(*(unsigned int *)got.kernelParams[2], 10);
	CU(cuGraphExecDestroy(exec));
	CU(cuGraphDestroy(graph));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuGraphDestroy(graph));
	CU(cuMemFree(p));
}

static void dependencies(void)
{
	CUgraphNode a, b, c, out[4], from[4], to[4];
	CUgraphEdgeData edges[4];
	CUgraph graph;
	CUgraphExec exec;
	size_t count;

	CU(cuGraphCreate(&graph, 0));
	CU(cuGraphAddEmptyNode(&a, graph, NULL, 0));
	CU(cuGraphAddEmptyNode(&b, graph, &a, 1));
	CU(cuGraphAddEmptyNode(&c, graph, NULL, 0));
	CU(cuGraphAddDependencies(graph, &b, &c, NULL, 1));
	count = 4;
	CU(cuGraphNodeGetDependencies(c, out, edges, &count));
	EQUAL(count, 1);
	CHECK(out[0] == b);
	count = 4;
	CU(cuGraphNodeGetDependentNodes(a, out, edges, &count));
	EQUAL(count, 1);
	CHECK(out[0] == b);
	count = 4;
	CU(cuGraphGetEdges(graph, from, to, edges, &count));
	EQUAL(count, 2);
	/* A cycle cannot be instantiated. */
	CU(cuGraphAddDependencies(graph, &c, &a, NULL, 1));
	CHECK(cuGraphInstantiate(&exec, graph, 0) != CUDA_SUCCESS);
	CU(cuGraphRemoveDependencies(graph, &c, &a, NULL, 1));
	CU(cuGraphInstantiate(&exec, graph, 0));
	CU(cuGraphLaunch(exec, NULL));
	CU(cuGraphExecDestroy(exec));
	CU(cuGraphDestroyNode(b));
	count = 4;
	CU(cuGraphGetNodes(graph, out, &count));
	EQUAL(count, 2);
	CU(cuGraphDestroy(graph));
}

static void count_call(void *data)
{
	atomic_fetch_add((atomic_int *)data, 1);
}

static void capture(void)
{
	CUdeviceptr p = word();
	CUstreamCaptureStatus status;
	CUstream stream;
	CUgraph graph;
	CUgraphExec exec;
	atomic_int calls = 0;
	size_t count = 0;

	CU(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	CU(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
	CU(cuStreamIsCapturing(stream, &status));
	EQUAL(status, CU_STREAM_CAPTURE_STATUS_ACTIVE);
	CU(cuMemsetD32Async(p, 100, 1, stream));
	add(p, 1, stream);
	CU(cuLaunchHostFunc(stream, count_call, &calls));
	add(p, 2, stream);
	CU(cuStreamEndCapture(stream, &graph));
	CU(cuStreamIsCapturing(stream, &status));
	EQUAL(status, CU_STREAM_CAPTURE_STATUS_NONE);
	EQUAL(fetch(p), 0);
	CU(cuGraphGetNodes(graph, NULL, &count));
	EQUAL(count, 4);
	CU(cuGraphInstantiate(&exec, graph, 0));
	CU(cuGraphDestroy(graph));
	for (int i = 0; i < 5; i++)
		CU(cuGraphLaunch(exec, stream));
	CU(cuStreamSynchronize(stream));
	EQUAL(fetch(p), 103);
	EQUAL(atomic_load(&calls), 5);
	CU(cuGraphExecDestroy(exec));
	CU(cuStreamDestroy(stream));
	CU(cuMemFree(p));
}

/* A second stream joins by an event and is joined again. */
static void capture_fork(void)
{
	CUdeviceptr p = word(), q = word();
	CUstream first, second;
	CUevent split, merge;
	CUgraph graph;
	CUgraphExec exec;
	CUgraphNode roots[4];
	size_t count = 4;

	CU(cuStreamCreate(&first, CU_STREAM_NON_BLOCKING));
	CU(cuStreamCreate(&second, CU_STREAM_NON_BLOCKING));
	CU(cuEventCreate(&split, CU_EVENT_DISABLE_TIMING));
	CU(cuEventCreate(&merge, CU_EVENT_DISABLE_TIMING));
	CU(cuStreamBeginCapture(first, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
	add(p, 1, first);
	CU(cuEventRecord(split, first));
	CU(cuStreamWaitEvent(second, split, 0));
	add(q, 5, second);
	add(p, 2, first);
	CU(cuEventRecord(merge, second));
	CU(cuStreamWaitEvent(first, merge, 0));
	CU(cuMemcpyDtoDAsync(p, q, 4, first));
	CU(cuStreamEndCapture(first, &graph));
	CU(cuGraphGetRootNodes(graph, roots, &count));
	EQUAL(count, 1);
	CU(cuGraphInstantiate(&exec, graph, 0));
	CU(cuGraphLaunch(exec, first));
	CU(cuGraphLaunch(exec, first));
	CU(cuStreamSynchronize(first));
	EQUAL(fetch(q), 10);
	EQUAL(fetch(p), 10);
	CU(cuGraphExecDestroy(exec));
	CU(cuGraphDestroy(graph));
	CU(cuEventDestroy(split));
	CU(cuEventDestroy(merge));
	CU(cuStreamDestroy(first));
	CU(cuStreamDestroy(second));
	CU(cuMemFree(p));
	CU(cuMemFree(q));
}

static void capture_errors(void)
{
	CUdeviceptr p = word();
	CUstream stream, other;
	CUgraph graph;
	CUevent event;

	CU(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	CU(cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
	CU(cuEventCreate(&event, 0));
	RESULT(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
	       cuStreamBeginCapture(NULL, CU_STREAM_CAPTURE_MODE_RELAXED));
	RESULT(CUDA_ERROR_ILLEGAL_STATE, cuStreamEndCapture(stream, &graph));
	/* Waiting is not allowed, and ends the capture. */
	CU(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
	RESULT(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuStreamSynchronize(stream));
	RESULT(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture(stream, &graph));
	CHECK(!graph);
	/* Unjoined work. */
	CU(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
	CU(cuEventRecord(event, stream));
	CU(cuStreamWaitEvent(other, event, 0));
	add(p, 1, other);
	RESULT(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, cuStreamEndCapture(stream, &graph));
	/* In global mode, unsafe calls are forbidden. */
	CU(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
	RESULT(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuMemFree(p));
	RESULT(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture(stream, &graph));
	/* In relaxed mode they are not. */
	CU(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
	CU(cuMemFree(p));
	CU(cuStreamEndCapture(stream, &graph));
	CU(cuGraphDestroy(graph));
	/* It all goes on. */
	p = word();
	add(p, 4, stream);
	CU(cuStreamSynchronize(stream));
	EQUAL(fetch(p), 4);
	CU(cuEventDestroy(event));
	CU(cuStreamDestroy(stream));
	CU(cuStreamDestroy(other));
	CU(cuMemFree(p));
}

static void update(void)
{
	CUdeviceptr p = word();
	CUgraphExecUpdateResultInfo info;
	CUstream stream;
	CUgraph first, second, third;
	CUgraphExec exec;

	CU(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	CU(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
	add(p, 1, stream);
	add(p, 2, stream);
	CU(cuStreamEndCapture(stream, &first));
	CU(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
	add(p, 10, stream);
	add(p, 20, stream);
	CU(cuStreamEndCapture(stream, &second));
	CU(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
	add(p, 10, stream);
	CU(cuStreamEndCapture(stream, &third));
	CU(cuGraphInstantiate(&exec, first, 0));
	CU(cuGraphLaunch(exec, stream));
	CU(cuGraphExecUpdate(exec, second, &info));
	EQUAL(info.result, CU_GRAPH_EXEC_UPDATE_SUCCESS);
	CU(cuGraphLaunch(exec, stream));
	CU(cuStreamSynchronize(stream));
	EQUAL(fetch(p), 33);
	RESULT(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE, cuGraphExecUpdate(exec, third, &info));
	EQUAL(info.result, CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED);
	CU(cuGraphDestroy(first));
	CU(cuGraphDestroy(second));
	CU(cuGraphDestroy(third));
	CU(cuGraphExecDestroy(exec));
	CU(cuStreamDestroy(stream));
	CU(cuMemFree(p));
}

static void child_and_clone(void)
{
	CUdeviceptr p = word();
	unsigned int n = 1, one = 1;
	void *args[] = { &p, &n, &one };
	CUDA_KERNEL_NODE_PARAMS params = kernel_params(args);
	CUgraphNode node, child_node, found;
	CUgraph child, parent, clone;
	CUgraphExec exec;

	CU(cuGraphCreate(&child, 0));
	CU(cuGraphAddKernelNode(&node, child, NULL, 0, &params));
	CU(cuGraphCreate(&parent, 0));
	CU(cuGraphAddChildGraphNode(&child_node, parent, NULL, 0, child));
	CU(cuGraphAddKernelNode(&node, parent, &child_node, 1, &params));
	CU(cuGraphClone(&clone, parent));
	CU(cuGraphNodeFindInClone(&found, node, clone));
	CHECK(found && found != node);
	CU(cuGraphDestroy(parent));
	CU(cuGraphDestroy(child));
	CU(cuGraphInstantiate(&exec, clone, 0));
	CU(cuGraphLaunch(exec, NULL));
	CU(cuCtxSynchronize());
	EQUAL(fetch(p), 2);
	CU(cuGraphExecDestroy(exec));
	CU(cuGraphDestroy(clone));
	CU(cuMemFree(p));
}

static void user_objects(void)
{
	atomic_int destroyed = 0;
	CUuserObject object;
	CUgraph graph;
	CUgraphExec exec;

	CU(cuUserObjectCreate(&object, &destroyed, count_call, 1, CU_USER_OBJECT_NO_DESTRUCTOR_SYNC));
	CU(cuGraphCreate(&graph, 0));
	CU(cuGraphRetainUserObject(graph, object, 1, CU_GRAPH_USER_OBJECT_MOVE));
	CU(cuGraphInstantiate(&exec, graph, 0));
	CU(cuGraphDestroy(graph));
	EQUAL(atomic_load(&destroyed), 0);
	CU(cuGraphExecDestroy(exec));
	EQUAL(atomic_load(&destroyed), 1);
}

int main(void)
{
	static const struct conform_test tests[] = {
		TEST(by_nodes),	       TEST(dependencies),   TEST(capture),
		TEST(capture_fork),    TEST(capture_errors), TEST(update),
		TEST(child_and_clone), TEST(user_objects),   { NULL },
	};

	return conform_main(tests);
}
