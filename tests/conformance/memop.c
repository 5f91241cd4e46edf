// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Stream memory operations: words that streams wait for and write. */
#include "conform.h"

static CUstream first, second;
static CUdeviceptr word; /* of the device, two of 64 bits */
static volatile uint64_t *host; /* pinned, likewise */
static CUdeviceptr host_word;

static void begin(void)
{
	void *p;

	CU(cuStreamCreate(&first, CU_STREAM_NON_BLOCKING));
	CU(cuStreamCreate(&second, CU_STREAM_NON_BLOCKING));
	CU(cuMemAlloc(&word, 16));
	CU(cuMemsetD32(word, 0, 4));
	CU(cuMemHostAlloc(&p, 16, CU_MEMHOSTALLOC_DEVICEMAP));
	CU(cuMemHostGetDevicePointer(&host_word, p, 0));
	host = p;
	host[0] = 0;
	host[1] = 0;
}

static void end(void)
{
	CU(cuStreamDestroy(first));
	CU(cuStreamDestroy(second));
	CU(cuMemFree(word));
	CU(cuMemFreeHost((void *)host));
}

static uint64_t in_device(CUdeviceptr at)
{
	uint64_t value;

	CU(cuMemcpyDtoH(&value, at, sizeof(value)));
	return value;
}

static void fill(CUdeviceptr p, unsigned int n, unsigned int v, CUstream stream)
{
	void *args[] = { &p, &n, &v };

	CU(cuLaunchKernel(conform_kernel("fill"), (n + 255) / 256, 1, 1, 256, 1, 1, 0, stream, args, NULL));
}

/* In the order of the stream, behind a kernel and before a copy; of a half of a word, the other half stays. */
static void writes(void)
{
	CUdeviceptr p;
	unsigned int before = 0, behind = 0;

	begin();
	CU(cuMemAlloc(&p, 4 << 20));
	for (int i = 0; i < 20; i++) {
		fill(p, 1 << 20, i, first);
		CU(cuStreamWriteValue32(first, p + (4 << 20) - 8, 100 + i, 0));
		CU(cuMemcpyDtoHAsync(&before, p + (4 << 20) - 8, 4, first));
		CU(cuMemcpyDtoHAsync(&behind, p + (4 << 20) - 4, 4, first));
		CU(cuStreamSynchronize(first));
		EQUAL(before, 100 + i);
		EQUAL(behind, i);
	}
	CU(cuStreamWriteValue64(first, word, 0x1122334455667788, 0));
	CU(cuStreamWriteValue32(first, word + 12, 9, CU_STREAM_WRITE_VALUE_DEFAULT));
	CU(cuStreamSynchronize(first));
	CHECK(in_device(word) == 0x1122334455667788);
	CHECK(in_device(word + 8) == 9ULL << 32);
	/* Pinned memory, when the kernel before is done. */
	fill(p, 1 << 20, 77, first);
	CU(cuMemcpyDtoHAsync(&before, p + (4 << 20) - 4, 4, first));
	CU(cuStreamWriteValue64(first, host_word + 8, 1, 0));
	while (!host[1])
		;
	EQUAL(before, 77);
	CU(cuStreamWriteValue32(NULL, host_word, 5, 0));
	CU(cuCtxSynchronize());
	CHECK(host[0] == 5);
	CU(cuMemFree(p));
	end();
}

/* The host lets a stream go on, by memory that both see; other streams, and copies, do not wait. */
static void wait_for_the_host(void)
{
	CUdeviceptr p;
	CUevent event;

	begin();
	CU(cuMemAlloc(&p, 4096));
	CU(cuMemsetD32(p, 0, 1024));
	CU(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
	CU(cuStreamWaitValue32(first, host_word, 3, CU_STREAM_WAIT_VALUE_GEQ));
	fill(p, 1024, 6, first);
	CU(cuEventRecord(event, first));
	/* Behind the one that waits. */
	CU(cuStreamWaitEvent(second, event, 0));
	CU(cuStreamWriteValue32(second, word, 8, 0));
	for (int i = 0; i < 3; i++) {
		host[0] = i;
		RESULT(CUDA_ERROR_NOT_READY, cuStreamQuery(first));
		RESULT(CUDA_ERROR_NOT_READY, cuEventQuery(event));
		RESULT(CUDA_ERROR_NOT_READY, cuStreamQuery(second));
		CHECK(in_device(p) == 0);
		CHECK(in_device(word) == 0);
	}
	host[0] = 3;
	CU(cuStreamSynchronize(second));
	CU(cuStreamQuery(first));
	CHECK(in_device(p) == (6ULL << 32 | 6));
	CHECK(in_device(word) == 8);
	CU(cuEventDestroy(event));
	CU(cuMemFree(p));
	end();
}

/* One stream lets another go on, by memory of the device, written by a kernel, a copy, a set and an operation. */
static void wait_for_a_stream(void)
{
	uint64_t value = 40;

	begin();
	CU(cuStreamWaitValue32(second, word, 10, CU_STREAM_WAIT_VALUE_EQ));
	CU(cuStreamWriteValue32(second, word + 8, 1, 0));
	CU(cuStreamWaitValue32(second, word, 20, CU_STREAM_WAIT_VALUE_EQ));
	CU(cuStreamWriteValue32(second, word + 8, 2, 0));
	CU(cuStreamWaitValue32(second, word, 30, CU_STREAM_WAIT_VALUE_EQ));
	CU(cuStreamWriteValue32(second, word + 8, 3, 0));
	CU(cuStreamWaitValue64(second, word, 40, CU_STREAM_WAIT_VALUE_EQ));
	CU(cuStreamWriteValue32(second, word + 8, 4, 0));
	fill(word, 1, 10, first);
	CU(cuStreamWaitValue32(first, word + 8, 1, CU_STREAM_WAIT_VALUE_EQ));
	CU(cuStreamWriteValue32(first, word, 20, 0));
	CU(cuStreamWaitValue32(first, word + 8, 2, CU_STREAM_WAIT_VALUE_EQ));
	CU(cuMemsetD32Async(word, 30, 1, first));
	CU(cuStreamWaitValue32(first, word + 8, 3, CU_STREAM_WAIT_VALUE_EQ));
	CU(cuMemcpyHtoDAsync(word, &value, 8, first));
	CU(cuStreamSynchronize(second));
	CHECK(in_device(word + 8) == 4);
	CU(cuStreamSynchronize(first));
	end();
}

static void goes_on(uint64_t with, bool wide, uint64_t value, unsigned int flags)
{
	host[0] = with;
	if (wide)
		CU(cuStreamWaitValue64(first, host_word, value, flags));
	else
		CU(cuStreamWaitValue32(first, host_word, (cuuint32_t)value, flags));
	CU(cuStreamSynchronize(first));
}

static void waits(uint64_t with, bool wide, uint64_t value, unsigned int flags, uint64_t until)
{
	host[0] = with;
	if (wide)
		CU(cuStreamWaitValue64(first, host_word, value, flags));
	else
		CU(cuStreamWaitValue32(first, host_word, (cuuint32_t)value, flags));
	/* What runs meanwhile in another stream gives it the time to be wrong. */
	for (int i = 0; i < 20; i++) {
		CU(cuStreamWriteValue32(second, word, i, 0));
		CU(cuStreamSynchronize(second));
	}
	RESULT(CUDA_ERROR_NOT_READY, cuStreamQuery(first));
	host[0] = until;
	CU(cuStreamSynchronize(first));
}

static void comparisons(void)
{
	begin();
	goes_on(5, false, 5, CU_STREAM_WAIT_VALUE_GEQ);
	goes_on(6, false, 5, CU_STREAM_WAIT_VALUE_GEQ);
	waits(4, false, 5, CU_STREAM_WAIT_VALUE_GEQ, 5);
	/* Round the end. */
	goes_on(2, false, 0xfffffffe, CU_STREAM_WAIT_VALUE_GEQ);
	waits(0xfffffffd, false, 0xfffffffe, CU_STREAM_WAIT_VALUE_GEQ, 0xffffffff);
	goes_on(1, true, ~0ULL, CU_STREAM_WAIT_VALUE_GEQ);
	waits(0xffffffff, true, 1ULL << 32, CU_STREAM_WAIT_VALUE_GEQ, 1ULL << 32);
	/* Of 32 bits, what is beside them does not matter. */
	goes_on(7ULL << 32 | 5, false, 5, CU_STREAM_WAIT_VALUE_EQ);
	waits(5, true, 7ULL << 32 | 5, CU_STREAM_WAIT_VALUE_EQ, 7ULL << 32 | 5);
	goes_on(6, false, 2, CU_STREAM_WAIT_VALUE_AND);
	waits(5, false, 2, CU_STREAM_WAIT_VALUE_AND, 3);
	waits(5, true, 1ULL << 40, CU_STREAM_WAIT_VALUE_AND, 1ULL << 40);
	goes_on(0x7fffffff, false, 0x7fffffff, CU_STREAM_WAIT_VALUE_NOR);
	waits(0xffff0000, false, 0xffff, CU_STREAM_WAIT_VALUE_NOR, 0);
	waits(~0ULL, true, 0, CU_STREAM_WAIT_VALUE_NOR, ~1ULL);
	end();
}

static CUstreamBatchMemOpParams wait_op(CUdeviceptr at, cuuint32_t value)
{
	CUstreamBatchMemOpParams op;

	memset(&op, 0, sizeof(op));
	op.waitValue.operation = CU_STREAM_MEM_OP_WAIT_VALUE_32;
	op.waitValue.address = at;
	op.waitValue.value = value;
	op.waitValue.flags = CU_STREAM_WAIT_VALUE_EQ;
	return op;
}

static CUstreamBatchMemOpParams write_op(CUdeviceptr at, cuuint64_t value)
{
	CUstreamBatchMemOpParams op;

	memset(&op, 0, sizeof(op));
	op.writeValue.operation = CU_STREAM_MEM_OP_WRITE_VALUE_64;
	op.writeValue.address = at;
	op.writeValue.value64 = value;
	return op;
}

static void batches(void)
{
	CUstreamBatchMemOpParams ops[4];

	begin();
	ops[0] = write_op(word, 1);
	memset(&ops[1], 0, sizeof(ops[1]));
	ops[1].memoryBarrier.operation = CU_STREAM_MEM_OP_BARRIER;
	ops[2] = wait_op(host_word, 1);
	ops[3] = write_op(word, 2);
	CU(cuStreamBatchMemOp(first, 4, ops, 0));
	/* The program's array is its own again. */
	memset(ops, 0xff, sizeof(ops));
	while (in_device(word) != 1)
		;
	RESULT(CUDA_ERROR_NOT_READY, cuStreamQuery(first));
	host[0] = 1;
	CU(cuStreamSynchronize(first));
	CHECK(in_device(word) == 2);
	CU(cuStreamBatchMemOp(first, 0, NULL, 0));
	end();
}

static void refused(void)
{
	CUstreamBatchMemOpParams ops[2];
	uint64_t own = 0;
	int can = 1;

	begin();
	RESULT(CUDA_ERROR_INVALID_VALUE, cuStreamWriteValue32(first, word + 2, 1, 0));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuStreamWriteValue64(first, word + 4, 1, 0));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuStreamWriteValue32(first, 0, 1, 0));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuStreamWaitValue32(first, (CUdeviceptr)(uintptr_t)&own, 0, 0));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuStreamWaitValue32(first, word, 0, 4));
	CU(cuDeviceGetAttribute(&can, CU_DEVICE_ATTRIBUTE_CAN_FLUSH_REMOTE_WRITES, conform_device()));
	if (!can)
		RESULT(CUDA_ERROR_NOT_SUPPORTED, cuStreamWaitValue32(first, word, 0, CU_STREAM_WAIT_VALUE_FLUSH));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuStreamBatchMemOp(first, 1, NULL, 0));
	/* All of it or nothing. */
	ops[0] = write_op(word, 1);
	ops[1] = write_op(word + 3, 1);
	RESULT(CUDA_ERROR_INVALID_VALUE, cuStreamBatchMemOp(first, 2, ops, 0));
	ops[1].operation = (CUstreamBatchMemOpType)99;
	RESULT(CUDA_ERROR_INVALID_VALUE, cuStreamBatchMemOp(first, 2, ops, 0));
	ops[1] = write_op(word, 1);
	RESULT(CUDA_ERROR_INVALID_VALUE, cuStreamBatchMemOp(first, 2, ops, 1));
	CU(cuStreamSynchronize(first));
	CHECK(in_device(word) == 0);
	end();
}

/* Nodes: made, asked, changed, in the executable graph too; and captured. */
static void graphs(void)
{
	CUDA_BATCH_MEM_OP_NODE_PARAMS params, got;
	CUstreamBatchMemOpParams ops[2];
	CUgraphNode node, behind, nodes[4];
	CUgraphNodeType type;
	CUgraphExec exec;
	CUgraph graph;
	size_t count = 4;

	begin();
	memset(&params, 0, sizeof(params));
	params.ctx = conform_context();
	params.count = 2;
	params.paramArray = ops;
	ops[0] = wait_op(host_word, 1);
	ops[1] = write_op(word, 1);
	CU(cuGraphCreate(&graph, 0));
	CU(cuGraphAddBatchMemOpNode(&node, graph, NULL, 0, &params));
	ops[0] = write_op(word + 8, 7);
	params.count = 1;
	CU(cuGraphAddBatchMemOpNode(&behind, graph, &node, 1, &params));
	CU(cuGraphNodeGetType(node, &type));
	EQUAL(type, CU_GRAPH_NODE_TYPE_BATCH_MEM_OP);
	CU(cuGraphBatchMemOpNodeGetParams(node, &got));
	EQUAL(got.count, 2);
	CHECK(got.ctx == conform_context());
	EQUAL(got.paramArray[0].operation, CU_STREAM_MEM_OP_WAIT_VALUE_32);
	CHECK(got.paramArray[1].writeValue.value64 == 1);
	CU(cuGraphInstantiate(&exec, graph, 0));
	CU(cuGraphLaunch(exec, first));
	RESULT(CUDA_ERROR_NOT_READY, cuStreamQuery(first));
	CHECK(in_device(word + 8) == 0);
	host[0] = 1;
	CU(cuStreamSynchronize(first));
	CHECK(in_device(word) == 1);
	CHECK(in_device(word + 8) == 7);
	/* The executable one alone, then the graph alone. */
	ops[0] = write_op(word + 8, 8);
	CU(cuGraphExecBatchMemOpNodeSetParams(exec, behind, &params));
	CU(cuGraphLaunch(exec, first));
	CU(cuStreamSynchronize(first));
	CHECK(in_device(word + 8) == 8);
	ops[0] = write_op(word + 8, 9);
	CU(cuGraphBatchMemOpNodeSetParams(behind, &params));
	CU(cuGraphBatchMemOpNodeGetParams(behind, &got));
	CHECK(got.paramArray[0].writeValue.value64 == 9);
	CU(cuGraphLaunch(exec, first));
	CU(cuStreamSynchronize(first));
	CHECK(in_device(word + 8) == 8);
	params.count = 0;
	RESULT(CUDA_ERROR_INVALID_VALUE, cuGraphBatchMemOpNodeSetParams(behind, &params));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuGraphAddBatchMemOpNode(&node, graph, NULL, 0, &params));
	CU(cuGraphExecDestroy(exec));
	CU(cuGraphDestroy(graph));

	CU(cuStreamBeginCapture(first, CU_STREAM_CAPTURE_MODE_GLOBAL));
	CU(cuStreamWaitValue32(first, host_word, 2, CU_STREAM_WAIT_VALUE_EQ));
	CU(cuStreamWriteValue64(first, word, 22, 0));
	CU(cuStreamEndCapture(first, &graph));
	CU(cuGraphGetNodes(graph, nodes, &count));
	EQUAL(count, 2);
	CU(cuGraphNodeGetType(nodes[0], &type));
	EQUAL(type, CU_GRAPH_NODE_TYPE_BATCH_MEM_OP);
	CU(cuGraphInstantiate(&exec, graph, 0));
	CU(cuGraphLaunch(exec, first));
	CHECK(in_device(word) == 1);
	host[0] = 2;
	CU(cuStreamSynchronize(first));
	CHECK(in_device(word) == 22);
	CU(cuGraphExecDestroy(exec));
	CU(cuGraphDestroy(graph));
	end();
}

int main(void)
{
	static const struct conform_test tests[] = {
		TEST(writes),  TEST(wait_for_the_host), TEST(wait_for_a_stream), TEST(comparisons),
		TEST(batches), TEST(refused),		TEST(graphs),		 { 0 },
	};

	return conform_main(tests);
}
