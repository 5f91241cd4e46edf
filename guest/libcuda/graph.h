/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Graphs
 *
 * A node is an operation (op.h) and the nodes on which it depends. An executable graph is the
 * operations in an order that respects the dependencies; launching it gives them to one stream, one
 * after the other, which is one of the orders that CUDA allows.
 *
 * Everything is called with the session's lock held.
 */
#ifndef VGPU_LIBCUDA_GRAPH_H
#define VGPU_LIBCUDA_GRAPH_H

#include "stream.h"

/**
 * struct graph_node - a node
 * @id: unique in the process; names it in executable graphs and clones
 * @original: id of the node of which it is a copy, else its own
 * @type: for the program
 * @op: what it does; OP_EMPTY for CU_GRAPH_NODE_TYPE_EMPTY
 * @deps: nodes on which it depends
 * @params: what cuGraph…NodeGetParams answers
 * @args: pointers into the parameters of a kernel, for params.kernel
 */
struct graph_node {
	CUgraphNode handle;
	struct graph *graph;
	uint64_t id;
	uint64_t original;
	CUgraphNodeType type;
	struct op *op;
	struct node_set deps;
	union {
		CUDA_KERNEL_NODE_PARAMS kernel;
		CUDA_MEMCPY3D copy;
		CUDA_MEMSET_NODE_PARAMS memset;
		CUDA_HOST_NODE_PARAMS host;
		CUDA_MEM_ALLOC_NODE_PARAMS alloc;
		CUdeviceptr free;
		CUDA_BATCH_MEM_OP_NODE_PARAMS memops;
	} params;
	void **args;
	bool visited;
};

struct graph {
	int refs;
	CUgraph handle;
	struct session *session;
	struct node_set nodes;
	struct object_ref *objects; /* user objects */
};

/**
 * node_set_add() - adds a node that is not in the set
 * Return: CUDA_SUCCESS or CUDA_ERROR_OUT_OF_MEMORY
 */
CUresult node_set_add(struct node_set *set, struct graph_node *node);

/**
 * node_set_copy() - makes a set equal to another
 * Return: CUDA_SUCCESS or CUDA_ERROR_OUT_OF_MEMORY
 */
CUresult node_set_copy(struct node_set *to, const struct node_set *from);

/**
 * node_set_clear() - empties a set and frees its memory
 */
void node_set_clear(struct node_set *set);

/**
 * graph_new() - an empty graph with one reference and a handle
 * Return: it, or NULL where memory is exhausted
 */
struct graph *graph_new(struct session *session);

/**
 * graph_hold() - takes a reference
 */
void graph_hold(struct graph *graph);

/**
 * graph_put() - gives a reference back
 */
void graph_put(struct graph *graph);

/**
 * graph_add() - adds a node
 * @op: is cloned
 * @deps: on which it depends
 * @node: out, or NULL
 *
 * Return: CUDA_SUCCESS or CUDA_ERROR_OUT_OF_MEMORY
 */
CUresult graph_add(struct graph *graph, const struct op *op, const struct node_set *deps,
		   struct graph_node **node);

/**
 * graph_clone() - a copy of a graph
 * Return: it with one reference, or NULL
 */
struct graph *graph_clone(const struct graph *graph);

/**
 * graph_order() - the nodes in an order in which each comes after those on which it depends
 * @order: out; the caller clears it
 *
 * Return: CUDA_SUCCESS; CUDA_ERROR_INVALID_VALUE where there is a cycle; CUDA_ERROR_OUT_OF_MEMORY
 */
CUresult graph_order(const struct graph *graph, struct node_set *order);

/**
 * graph_memory() - memory of an allocation node
 * Return: as cuMemAlloc
 */
CUresult graph_memory(struct context *ctx, size_t size, uint64_t *addr);

/**
 * graph_find() - index of a node in a set, or -1
 */
ptrdiff_t node_set_find(const struct node_set *set, const struct graph_node *node);

/**
 * node_set_op() - replaces what a node does
 * @op: is cloned
 *
 * Return: CUDA_SUCCESS or CUDA_ERROR_OUT_OF_MEMORY
 */
CUresult node_replace_op(struct graph_node *node, const struct op *op);

/* Operations from the parameters of nodes; see graph_node.c. */
CUresult node_kernel_op(struct context *ctx, const CUDA_KERNEL_NODE_PARAMS *params, void *buffer,
			struct op *op);
CUresult node_copy_op(struct context *ctx, const CUDA_MEMCPY3D *params, struct op *op);
CUresult node_memset_op(struct context *ctx, const CUDA_MEMSET_NODE_PARAMS *params, struct op *op);
CUresult node_memops_op(struct context *ctx, const CUDA_BATCH_MEM_OP_NODE_PARAMS *p, struct op *op);

/**
 * object_refs_clone() - the user objects of a graph for a copy of it
 */
struct object_ref *object_refs_clone(const struct object_ref *refs);

/**
 * object_refs_put() - gives them back
 */
void object_refs_put(struct object_ref *refs);

/**
 * graph_enter() - begins a call about graphs: the current context, its session's lock held at success
 */
CUresult graph_enter(struct context **ctx);

#endif
