// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdio.h>
#include "func.h"
#include "graph.h"
#include "handle.h"

static const char *const type_names[] = {
	[CU_GRAPH_NODE_TYPE_KERNEL] = "kernel",
	[CU_GRAPH_NODE_TYPE_MEMCPY] = "memcpy",
	[CU_GRAPH_NODE_TYPE_MEMSET] = "memset",
	[CU_GRAPH_NODE_TYPE_HOST] = "host",
	[CU_GRAPH_NODE_TYPE_GRAPH] = "graph",
	[CU_GRAPH_NODE_TYPE_EMPTY] = "empty",
	[CU_GRAPH_NODE_TYPE_WAIT_EVENT] = "event wait",
	[CU_GRAPH_NODE_TYPE_EVENT_RECORD] = "event record",
	[CU_GRAPH_NODE_TYPE_MEM_ALLOC] = "alloc",
	[CU_GRAPH_NODE_TYPE_MEM_FREE] = "free",
};

static void print_node(FILE *file, const struct graph_node *node)
{
	const char *type = (size_t)node->type < sizeof(type_names) / sizeof(type_names[0])
				   ? type_names[node->type]
				   : NULL;

	fprintf(file, "\tn%llu [label=\"%s", (unsigned long long)node->id, type ? type : "node");
	if (node->op->kind == OP_KERNEL)
		fprintf(file, "\\n%s", node->op->kernel.func->name);
	fprintf(file, "\"];\n");
	for (size_t i = 0; i < node->deps.count; i++)
		fprintf(file, "\tn%llu -> n%llu;\n", (unsigned long long)node->deps.v[i]->id,
			(unsigned long long)node->id);
}

EXPORT CUresult cuGraphDebugDotPrint(CUgraph handle, const char *path, unsigned int flags)
{
	struct context *ctx;
	struct graph *graph;
	FILE *file = NULL;
	CUresult result;

	if (!path)
		return CUDA_ERROR_INVALID_VALUE;
	result = graph_enter(&ctx);
	if (result)
		return result;
	graph = handle_get(HANDLE_GRAPH, handle);
	if (!graph)
		result = CUDA_ERROR_INVALID_VALUE;
	else
		file = fopen(path, "we");
	if (!result && !file)
		result = CUDA_ERROR_OPERATING_SYSTEM;
	if (file) {
		fprintf(file, "digraph graph_%p {\n", (void *)handle);
		for (size_t i = 0; i < graph->nodes.count; i++)
			print_node(file, graph->nodes.v[i]);
		fprintf(file, "}\n");
		if (fclose(file))
			result = CUDA_ERROR_OPERATING_SYSTEM;
	}
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}
