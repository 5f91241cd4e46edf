// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdlib.h>
#include <string.h>
#include "event.h"
#include "func.h"
#include "graph.h"
#include "handle.h"

static uint64_t last_id;

CUresult node_set_add(struct node_set *set, struct graph_node *node)
{
	if (node_set_find(set, node) >= 0)
		return CUDA_SUCCESS;
	if (set->count == set->capacity) {
		size_t capacity = set->capacity ? set->capacity * 2 : 4;
		struct graph_node **v = realloc(set->v, capacity * sizeof(struct graph_node *));

		if (!v)
			return CUDA_ERROR_OUT_OF_MEMORY;
		set->v = v;
		set->capacity = capacity;
	}
	set->v[set->count++] = node;
	return CUDA_SUCCESS;
}

CUresult node_set_copy(struct node_set *to, const struct node_set *from)
{
	CUresult result = CUDA_SUCCESS;

	node_set_clear(to);
	for (size_t i = 0; i < from->count && !result; i++)
		result = node_set_add(to, from->v[i]);
	return result;
}

void node_set_clear(struct node_set *set)
{
	free(set->v);
	*set = (struct node_set){ 0 };
}

ptrdiff_t node_set_find(const struct node_set *set, const struct graph_node *node)
{
	/* The newest are looked for most often. */
	for (size_t i = set->count; i--;)
		if (set->v[i] == node)
			return i;
	return -1;
}

struct graph *graph_new(struct session *session)
{
	struct graph *graph = calloc(1, sizeof(*graph));

	if (!graph)
		return NULL;
	graph->refs = 1;
	graph->session = session;
	graph->handle = handle_new(HANDLE_GRAPH, graph);
	if (!graph->handle) {
		free(graph);
		return NULL;
	}
	return graph;
}

void graph_hold(struct graph *graph)
{
	graph->refs++;
}

static void free_node(struct graph_node *node)
{
	handle_free(HANDLE_GRAPH_NODE, node->handle);
	op_destroy(node->op);
	node_set_clear(&node->deps);
	free(node->args);
	free(node);
}

void graph_put(struct graph *graph)
{
	if (--graph->refs)
		return;
	handle_free(HANDLE_GRAPH, graph->handle);
	for (size_t i = 0; i < graph->nodes.count; i++)
		free_node(graph->nodes.v[i]);
	node_set_clear(&graph->nodes);
	object_refs_put(graph->objects);
	free(graph);
}

static CUgraphNodeType type_of(const struct op *op)
{
	switch (op->kind) {
	case OP_KERNEL:
		return CU_GRAPH_NODE_TYPE_KERNEL;
	case OP_COPY:
		return CU_GRAPH_NODE_TYPE_MEMCPY;
	case OP_MEMSET:
		return CU_GRAPH_NODE_TYPE_MEMSET;
	case OP_HOST:
		return CU_GRAPH_NODE_TYPE_HOST;
	case OP_RECORD:
		return CU_GRAPH_NODE_TYPE_EVENT_RECORD;
	case OP_WAIT:
		return CU_GRAPH_NODE_TYPE_WAIT_EVENT;
	case OP_ALLOC:
		return CU_GRAPH_NODE_TYPE_MEM_ALLOC;
	case OP_FREE:
		return CU_GRAPH_NODE_TYPE_MEM_FREE;
	case OP_MEMOPS:
		return CU_GRAPH_NODE_TYPE_BATCH_MEM_OP;
	case OP_GRAPH:
		return CU_GRAPH_NODE_TYPE_GRAPH;
	default:
		return CU_GRAPH_NODE_TYPE_EMPTY;
	}
}

static void describe_copy(const struct copy *copy, CUDA_MEMCPY3D *p)
{
	p->dstMemoryType = copy->dst.kind == SIDE_DEVICE ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
	p->srcMemoryType = copy->src.kind == SIDE_DEVICE ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
	if (copy->dst.kind == SIDE_DEVICE)
		p->dstDevice = copy->dst.addr;
	else
		p->dstHost = (void *)copy->dst.addr;
	if (copy->src.kind == SIDE_DEVICE)
		p->srcDevice = copy->src.addr;
	else
		p->srcHost = (const void *)copy->src.addr;
	p->dstPitch = copy->dst.pitch;
	p->srcPitch = copy->src.pitch;
	p->dstHeight = copy->dst.pitch ? copy->dst.slice / copy->dst.pitch : 0;
	p->srcHeight = copy->src.pitch ? copy->src.slice / copy->src.pitch : 0;
	p->WidthInBytes = copy->width;
	p->Height = copy->height;
	p->Depth = copy->depth;
}

/* Fills in what the program can ask about a node. */
static CUresult describe(struct graph_node *node)
{
	const struct op *op = node->op;

	memset(&node->params, 0, sizeof(node->params));
	switch (op->kind) {
	case OP_KERNEL: {
		const struct vgpu_func_info *info = op->kernel.func->info;
		void **args = realloc(node->args, (info->num_params + 1) * sizeof(void *));

		if (!args)
			return CUDA_ERROR_OUT_OF_MEMORY;
		node->args = args;
		for (uint32_t i = 0; i < info->num_params; i++)
			args[i] = (char *)op->kernel.params + info->params[i].offset;
		node->params.kernel.func = op->kernel.func->handle;
		node->params.kernel.gridDimX = op->kernel.grid[0];
		node->params.kernel.gridDimY = op->kernel.grid[1];
		node->params.kernel.gridDimZ = op->kernel.grid[2];
		node->params.kernel.blockDimX = op->kernel.block[0];
		node->params.kernel.blockDimY = op->kernel.block[1];
		node->params.kernel.blockDimZ = op->kernel.block[2];
		node->params.kernel.sharedMemBytes = op->kernel.shared;
		node->params.kernel.kernelParams = args;
		node->params.kernel.ctx = op->kernel.func->ctx->handle;
		break;
	}
	case OP_COPY:
		describe_copy(&op->copy, &node->params.copy);
		break;
	case OP_MEMSET:
		node->params.memset.dst = op->memset.dst;
		node->params.memset.pitch = op->memset.pitch;
		node->params.memset.value = op->memset.value;
		node->params.memset.elementSize = op->memset.elem;
		node->params.memset.width = op->memset.width;
		node->params.memset.height = op->memset.height;
		break;
	case OP_HOST:
		node->params.host.fn = op->host.fn;
		node->params.host.userData = op->host.data;
		break;
	case OP_ALLOC:
		node->params.alloc.bytesize = op->mem.size;
		node->params.alloc.dptr = op->mem.addr;
		break;
	case OP_FREE:
		node->params.free = op->mem.addr;
		break;
	case OP_MEMOPS:
		node->params.memops.ctx = op->memops.ctx;
		node->params.memops.count = op->memops.count;
		node->params.memops.paramArray = op->memops.ops;
		break;
	default:
		break;
	}
	return CUDA_SUCCESS;
}

CUresult node_replace_op(struct graph_node *node, const struct op *op)
{
	struct op *clone = op_clone(op);

	if (!clone)
		return CUDA_ERROR_OUT_OF_MEMORY;
	op_destroy(node->op);
	node->op = clone;
	node->type = type_of(op);
	return describe(node);
}

CUresult graph_add(struct graph *graph, const struct op *op, const struct node_set *deps,
		   struct graph_node **out)
{
	struct graph_node *node = calloc(1, sizeof(*node));
	CUresult result;

	if (!node)
		return CUDA_ERROR_OUT_OF_MEMORY;
	node->graph = graph;
	node->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	node->original = node->id;
	result = node_replace_op(node, op);
	if (!result)
		result = node_set_copy(&node->deps, deps);
	if (!result) {
		node->handle = handle_new(HANDLE_GRAPH_NODE, node);
		if (!node->handle)
			result = CUDA_ERROR_OUT_OF_MEMORY;
	}
	if (!result)
		result = node_set_add(&graph->nodes, node);
	if (result) {
		free_node(node);
		return result;
	}
	if (out)
		*out = node;
	return CUDA_SUCCESS;
}

struct graph *graph_clone(const struct graph *graph)
{
	struct graph *clone = graph_new(graph->session);
	const struct node_set none = { 0 };

	if (!clone)
		return NULL;
	for (size_t i = 0; i < graph->nodes.count; i++) {
		struct graph_node *node;

		if (graph_add(clone, graph->nodes.v[i]->op, &none, &node))
			goto fail;
		node->original = graph->nodes.v[i]->id;
		/* A child graph is copied too. */
		if (node->op->kind == OP_GRAPH) {
			struct graph *child = graph_clone(node->op->graph.graph);

			if (!child)
				goto fail;
			graph_put(node->op->graph.graph);
			node->op->graph.graph = child;
		}
	}
	for (size_t i = 0; i < graph->nodes.count; i++) {
		const struct node_set *deps = &graph->nodes.v[i]->deps;

		for (size_t d = 0; d < deps->count; d++) {
			ptrdiff_t at = node_set_find(&graph->nodes, deps->v[d]);

			if (node_set_add(&clone->nodes.v[i]->deps, clone->nodes.v[at]))
				goto fail;
		}
	}
	clone->objects = object_refs_clone(graph->objects);
	return clone;
fail:
	graph_put(clone);
	return NULL;
}

CUresult graph_order(const struct graph *graph, struct node_set *order)
{
	size_t before;

	for (size_t i = 0; i < graph->nodes.count; i++)
		graph->nodes.v[i]->visited = false;
	/* Nodes mostly come in an order that serves already: one pass. */
	do {
		before = order->count;
		for (size_t i = 0; i < graph->nodes.count; i++) {
			struct graph_node *node = graph->nodes.v[i];
			bool ready = !node->visited;

			for (size_t d = 0; d < node->deps.count && ready; d++)
				ready = node->deps.v[d]->visited;
			if (!ready)
				continue;
			node->visited = true;
			if (node_set_add(order, node))
				return CUDA_ERROR_OUT_OF_MEMORY;
		}
	} while (order->count != graph->nodes.count && order->count != before);
	return order->count == graph->nodes.count ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult graph_memory(struct context *ctx, size_t size, uint64_t *addr)
{
	return devmem_alloc(ctx->session, DEVMEM_ASYNC, ctx->handle, size, addr);
}

CUresult graph_enter(struct context **ctx)
{
	CUresult result = context_enter(ctx);

	if (!result)
		pthread_mutex_lock(&(*ctx)->session->lock);
	return result;
}

static void leave(struct context *ctx)
{
	pthread_mutex_unlock(&ctx->session->lock);
}

EXPORT CUresult cuGraphCreate(CUgraph *out, unsigned int flags)
{
	struct context *ctx;
	struct graph *graph;
	CUresult result;

	if (!out || flags)
		return CUDA_ERROR_INVALID_VALUE;
	result = graph_enter(&ctx);
	if (result)
		return result;
	graph = graph_new(ctx->session);
	if (graph)
		*out = graph->handle;
	else
		result = CUDA_ERROR_OUT_OF_MEMORY;
	leave(ctx);
	return result;
}

EXPORT CUresult cuGraphDestroy(CUgraph handle)
{
	struct context *ctx;
	struct graph *graph;
	CUresult result = graph_enter(&ctx);

	if (result)
		return result;
	graph = handle_free(HANDLE_GRAPH, handle);
	if (graph)
		graph_put(graph);
	else
		result = CUDA_ERROR_INVALID_VALUE;
	leave(ctx);
	return result;
}

EXPORT CUresult cuGraphClone(CUgraph *out, CUgraph handle)
{
	struct context *ctx;
	struct graph *graph, *clone;
	CUresult result;

	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	result = graph_enter(&ctx);
	if (result)
		return result;
	graph = handle_get(HANDLE_GRAPH, handle);
	clone = graph ? graph_clone(graph) : NULL;
	if (clone)
		*out = clone->handle;
	else
		result = graph ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_ERROR_INVALID_VALUE;
	leave(ctx);
	return result;
}

EXPORT CUresult cuGraphNodeFindInClone(CUgraphNode *out, CUgraphNode original, CUgraph clone_handle)
{
	struct context *ctx;
	struct graph *clone;
	struct graph_node *node;
	CUresult result;

	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	result = graph_enter(&ctx);
	if (result)
		return result;
	clone = handle_get(HANDLE_GRAPH, clone_handle);
	node = handle_get(HANDLE_GRAPH_NODE, original);
	result = CUDA_ERROR_INVALID_VALUE;
	for (size_t i = 0; clone && node && i < clone->nodes.count; i++) {
		if (clone->nodes.v[i]->original == node->id) {
			*out = clone->nodes.v[i]->handle;
			result = CUDA_SUCCESS;
			break;
		}
	}
	leave(ctx);
	return result;
}

EXPORT CUresult cuGraphNodeGetType(CUgraphNode handle, CUgraphNodeType *type)
{
	struct graph_node *node = handle_get(HANDLE_GRAPH_NODE, handle);

	if (!node || !type)
		return CUDA_ERROR_INVALID_VALUE;
	*type = node->type;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphDestroyNode(CUgraphNode handle)
{
	struct context *ctx;
	struct graph_node *node;
	struct graph *graph;
	CUresult result = graph_enter(&ctx);
	ptrdiff_t at;

	if (result)
		return result;
	node = handle_get(HANDLE_GRAPH_NODE, handle);
	if (!node || node->type == CU_GRAPH_NODE_TYPE_MEM_ALLOC ||
	    node->type == CU_GRAPH_NODE_TYPE_MEM_FREE) {
		leave(ctx);
		return node ? CUDA_ERROR_NOT_SUPPORTED : CUDA_ERROR_INVALID_VALUE;
	}
	graph = node->graph;
	for (size_t i = 0; i < graph->nodes.count; i++) {
		struct node_set *deps = &graph->nodes.v[i]->deps;

		at = node_set_find(deps, node);
		if (at >= 0)
			deps->v[at] = deps->v[--deps->count];
	}
	at = node_set_find(&graph->nodes, node);
	memmove(&graph->nodes.v[at], &graph->nodes.v[at + 1],
		(graph->nodes.count - at - 1) * sizeof(graph->nodes.v[0]));
	graph->nodes.count--;
	free_node(node);
	leave(ctx);
	return CUDA_SUCCESS;
}

/* Answers with the handles of nodes that a filter lets through, as the calls that list nodes do. */
struct listing {
	CUgraphNode *out;
	size_t room;
	size_t found;
};

static void list(struct listing *l, const struct graph_node *node)
{
	if (l->out && l->found < l->room)
		l->out[l->found] = node->handle;
	l->found++;
}

static void finish_list(struct listing *l, size_t *count)
{
	/* Room that is left over is filled with NULL, and the count is of those there are. */
	for (size_t i = l->found; l->out && i < l->room; i++)
		l->out[i] = NULL;
	*count = l->out && l->found > l->room ? l->room : l->found;
}

static CUresult list_graph(CUgraph handle, CUgraphNode *out, size_t *count, bool roots)
{
	struct context *ctx;
	struct graph *graph;
	CUresult result = graph_enter(&ctx);

	if (result)
		return result;
	graph = handle_get(HANDLE_GRAPH, handle);
	if (graph && count) {
		struct listing l = { out, out ? *count : 0, 0 };

		for (size_t i = 0; i < graph->nodes.count; i++)
			if (!roots || !graph->nodes.v[i]->deps.count)
				list(&l, graph->nodes.v[i]);
		finish_list(&l, count);
	} else {
		result = CUDA_ERROR_INVALID_VALUE;
	}
	leave(ctx);
	return result;
}

EXPORT CUresult cuGraphGetNodes(CUgraph graph, CUgraphNode *nodes, size_t *count)
{
	return list_graph(graph, nodes, count, false);
}

EXPORT CUresult cuGraphGetRootNodes(CUgraph graph, CUgraphNode *nodes, size_t *count)
{
	return list_graph(graph, nodes, count, true);
}

static CUresult list_node(CUgraphNode handle, CUgraphNode *out, CUgraphEdgeData *edges,
			  size_t *count, bool dependents)
{
	struct context *ctx;
	struct graph_node *node;
	CUresult result = graph_enter(&ctx);

	if (result)
		return result;
	node = handle_get(HANDLE_GRAPH_NODE, handle);
	if (node && count) {
		struct listing l = { out, out ? *count : 0, 0 };
		const struct node_set *nodes = dependents ? &node->graph->nodes : &node->deps;

		for (size_t i = 0; i < nodes->count; i++)
			if (!dependents || node_set_find(&nodes->v[i]->deps, node) >= 0)
				list(&l, nodes->v[i]);
		finish_list(&l, count);
		if (edges)
			memset(edges, 0, *count * sizeof(*edges));
	} else {
		result = CUDA_ERROR_INVALID_VALUE;
	}
	leave(ctx);
	return result;
}

EXPORT CUresult cuGraphNodeGetDependencies(CUgraphNode node, CUgraphNode *out, size_t *count)
{
	return list_node(node, out, NULL, count, false);
}

EXPORT CUresult cuGraphNodeGetDependencies_v2(CUgraphNode node, CUgraphNode *out,
					      CUgraphEdgeData *edges, size_t *count)
{
	return list_node(node, out, edges, count, false);
}

EXPORT CUresult cuGraphNodeGetDependentNodes(CUgraphNode node, CUgraphNode *out, size_t *count)
{
	return list_node(node, out, NULL, count, true);
}

EXPORT CUresult cuGraphNodeGetDependentNodes_v2(CUgraphNode node, CUgraphNode *out,
						CUgraphEdgeData *edges, size_t *count)
{
	return list_node(node, out, edges, count, true);
}

EXPORT CUresult cuGraphGetEdges_v2(CUgraph handle, CUgraphNode *from, CUgraphNode *to,
				   CUgraphEdgeData *edges, size_t *count)
{
	struct context *ctx;
	struct graph *graph;
	CUresult result = graph_enter(&ctx);

	if (result)
		return result;
	graph = handle_get(HANDLE_GRAPH, handle);
	if (!graph || !count || !from != !to) {
		result = CUDA_ERROR_INVALID_VALUE;
	} else {
		struct listing l = { to, to ? *count : 0, 0 };
		struct listing f = { from, from ? *count : 0, 0 };

		for (size_t i = 0; i < graph->nodes.count; i++) {
			const struct node_set *deps = &graph->nodes.v[i]->deps;

			for (size_t d = 0; d < deps->count; d++) {
				list(&f, deps->v[d]);
				list(&l, graph->nodes.v[i]);
			}
		}
		finish_list(&f, count);
		if (to) {
			l.room = *count;
			finish_list(&l, count);
		}
		if (edges)
			memset(edges, 0, *count * sizeof(*edges));
	}
	leave(ctx);
	return result;
}

EXPORT CUresult cuGraphGetEdges(CUgraph graph, CUgraphNode *from, CUgraphNode *to, size_t *count)
{
	return cuGraphGetEdges_v2(graph, from, to, NULL, count);
}

static CUresult change_edges(CUgraph handle, const CUgraphNode *from, const CUgraphNode *to,
			     size_t count, bool add)
{
	struct context *ctx;
	struct graph *graph;
	CUresult result = graph_enter(&ctx);

	if (result)
		return result;
	graph = handle_get(HANDLE_GRAPH, handle);
	if (!graph || (count && (!from || !to)))
		result = CUDA_ERROR_INVALID_VALUE;
	for (size_t i = 0; i < count && !result; i++) {
		struct graph_node *f = handle_get(HANDLE_GRAPH_NODE, from[i]);
		struct graph_node *t = handle_get(HANDLE_GRAPH_NODE, to[i]);
		ptrdiff_t at;

		if (!f || !t || f->graph != graph || t->graph != graph || f == t) {
			result = CUDA_ERROR_INVALID_VALUE;
			break;
		}
		at = node_set_find(&t->deps, f);
		if (add == (at >= 0))
			result = CUDA_ERROR_INVALID_VALUE;
		else if (add)
			result = node_set_add(&t->deps, f);
		else
			t->deps.v[at] = t->deps.v[--t->deps.count];
	}
	leave(ctx);
	return result;
}

EXPORT CUresult cuGraphAddDependencies(CUgraph graph, const CUgraphNode *from,
				       const CUgraphNode *to, size_t count)
{
	return change_edges(graph, from, to, count, true);
}

EXPORT CUresult cuGraphAddDependencies_v2(CUgraph graph, const CUgraphNode *from,
					  const CUgraphNode *to, const CUgraphEdgeData *edges,
					  size_t count)
{
	return change_edges(graph, from, to, count, true);
}

EXPORT CUresult cuGraphRemoveDependencies(CUgraph graph, const CUgraphNode *from,
					  const CUgraphNode *to, size_t count)
{
	return change_edges(graph, from, to, count, false);
}

EXPORT CUresult cuGraphRemoveDependencies_v2(CUgraph graph, const CUgraphNode *from,
					     const CUgraphNode *to, const CUgraphEdgeData *edges,
					     size_t count)
{
	return change_edges(graph, from, to, count, false);
}
