// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include "os_user.h"
#include "trace.h"

long vgpu_alloc_fail_after = -1;
bool vgpu_alloc_fail_once;

void (*vgpu_trace_hook)(const struct vgpu_trace_event *event);

/**
 * vgpu_user_calloc() - zeroed memory in whole cache lines, or a failure where a test asked for one
 * @n: elements
 * @size: bytes of one
 *
 * Return: memory for free(), or NULL. Context: any.
 */
void *vgpu_user_calloc(size_t n, size_t size)
{
	void *mem;

	if (vgpu_alloc_fail_after == 0) {
		if (vgpu_alloc_fail_once)
			vgpu_alloc_fail_after = -1;
		return NULL;
	}
	if (vgpu_alloc_fail_after > 0)
		vgpu_alloc_fail_after--;
	if (check_mul_overflow(n, size, &size) || posix_memalign(&mem, 64, max(size, 1UL)))
		return NULL;
	return memset(mem, 0, size);
}

/**
 * get_random_u64() - unpredictable bits
 *
 * Return: 64 of them. Context: any.
 */
u64 get_random_u64(void)
{
	u64 value;

	while (getrandom(&value, sizeof(value), 0) != sizeof(value))
		;
	return value;
}

static u64 monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

u64 (*vgpu_clock)(void) = monotonic_ns;

/* red-black trees: no red node has a red child, and all ways from the root down pass as many black nodes */

static void replace_child(struct rb_root *root, struct rb_node *parent, struct rb_node *old, struct rb_node *new)
{
	if (!parent)
		root->rb_node = new;
	else if (parent->rb_left == old)
		parent->rb_left = new;
	else
		parent->rb_right = new;
	if (new)
		new->rb_parent = parent;
}

/* The child of a node takes its place, and the node becomes that one's child on the other side. */
static void rotate(struct rb_root *root, struct rb_node *node, bool left)
{
	struct rb_node *up = left ? node->rb_right : node->rb_left;
	struct rb_node *across = left ? up->rb_left : up->rb_right;

	replace_child(root, node->rb_parent, node, up);
	if (left) {
		node->rb_right = across;
		up->rb_left = node;
	} else {
		node->rb_left = across;
		up->rb_right = node;
	}
	node->rb_parent = up;
	if (across)
		across->rb_parent = node;
}

/**
 * rb_insert_color() - balance a tree after rb_link_node()
 * @node: linked
 * @root: of the tree
 *
 * Context: any.
 */
void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	struct rb_node *parent, *grand, *uncle;
	bool left;

	while ((parent = node->rb_parent) && parent->rb_red) {
		grand = parent->rb_parent;
		left = grand->rb_left == parent;
		uncle = left ? grand->rb_right : grand->rb_left;
		if (uncle && uncle->rb_red) {
			uncle->rb_red = false;
			parent->rb_red = false;
			grand->rb_red = true;
			node = grand;
			continue;
		}
		if (node == (left ? parent->rb_right : parent->rb_left)) {
			rotate(root, parent, left);
			parent = node;
		}
		parent->rb_red = false;
		grand->rb_red = true;
		rotate(root, grand, !left);
		break;
	}
	root->rb_node->rb_red = false;
}

/* A way through the child of parent on which node stands (NULL if it is empty) lacks a black node. */
static void balance_erased(struct rb_root *root, struct rb_node *parent, struct rb_node *node)
{
	struct rb_node *sibling, *near, *far;
	bool left;

	while (parent && (!node || !node->rb_red)) {
		left = parent->rb_left == node;
		sibling = left ? parent->rb_right : parent->rb_left;
		if (sibling->rb_red) {
			sibling->rb_red = false;
			parent->rb_red = true;
			rotate(root, parent, left);
			sibling = left ? parent->rb_right : parent->rb_left;
		}
		near = left ? sibling->rb_left : sibling->rb_right;
		far = left ? sibling->rb_right : sibling->rb_left;
		if ((!near || !near->rb_red) && (!far || !far->rb_red)) {
			sibling->rb_red = true;
			node = parent;
			parent = node->rb_parent;
			continue;
		}
		if (!far || !far->rb_red) {
			near->rb_red = false;
			sibling->rb_red = true;
			rotate(root, sibling, !left);
			far = sibling;
			sibling = near;
		}
		sibling->rb_red = parent->rb_red;
		parent->rb_red = false;
		far->rb_red = false;
		rotate(root, parent, left);
		return;
	}
	if (node)
		node->rb_red = false;
}

/**
 * rb_erase() - take a node out of a tree
 * @node: in the tree
 * @root: of the tree
 *
 * Context: any.
 */
void rb_erase(struct rb_node *node, struct rb_root *root)
{
	struct rb_node *child, *parent, *next;
	bool red = node->rb_red;

	if (node->rb_left && node->rb_right) {
		/* The next node, which has no left child, takes its place and colour. */
		for (next = node->rb_right; next->rb_left;)
			next = next->rb_left;
		red = next->rb_red;
		child = next->rb_right;
		parent = next->rb_parent;
		if (parent == node) {
			parent = next;
		} else {
			replace_child(root, parent, next, child);
			next->rb_right = node->rb_right;
			next->rb_right->rb_parent = next;
		}
		replace_child(root, node->rb_parent, node, next);
		next->rb_left = node->rb_left;
		next->rb_left->rb_parent = next;
		next->rb_red = node->rb_red;
	} else {
		child = node->rb_left ? node->rb_left : node->rb_right;
		parent = node->rb_parent;
		replace_child(root, parent, node, child);
	}
	if (!red)
		balance_erased(root, parent, child);
}

/**
 * rb_next() - the node behind
 * @node: in a tree
 *
 * Return: the node, or NULL if this is the last. Context: any.
 */
struct rb_node *rb_next(const struct rb_node *node)
{
	if (node->rb_right) {
		for (node = node->rb_right; node->rb_left;)
			node = node->rb_left;
		return (struct rb_node *)node;
	}
	while (node->rb_parent && node->rb_parent->rb_right == node)
		node = node->rb_parent;
	return node->rb_parent;
}

/**
 * rb_prev() - the node before
 * @node: in a tree
 *
 * Return: the node, or NULL if this is the first. Context: any.
 */
struct rb_node *rb_prev(const struct rb_node *node)
{
	if (node->rb_left) {
		for (node = node->rb_left; node->rb_right;)
			node = node->rb_right;
		return (struct rb_node *)node;
	}
	while (node->rb_parent && node->rb_parent->rb_left == node)
		node = node->rb_parent;
	return node->rb_parent;
}
