/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* Kernels whose control flow, calls or synchronisation is the difficulty. Compiled by nvcc and by clang; see Makefile. */
#include "device.h"

/* Bitonic sort of a block of keys in shared memory. */
extern "C" __global__ void bitonic_sort(int *keys)
{
	__shared__ int s[512];
	int t = threadIdx.x;

	s[t] = keys[blockIdx.x * 512 + t];
	__syncthreads();
	for (int k = 2; k <= 512; k <<= 1) {
		for (int j = k >> 1; j; j >>= 1) {
			int o = t ^ j;

			if (o > t) {
				int a = s[t], b = s[o];

				if ((a > b) == !(t & k)) {
					s[t] = b;
					s[o] = a;
				}
			}
			__syncthreads();
		}
	}
	keys[blockIdx.x * 512 + t] = s[t];
}

#define TOP 8

/* The TOP greatest of a row for each thread, by insertion into a local array. */
extern "C" __global__ void top_k(const float *x, float *values, int *where, int cols)
{
	int row = blockIdx.x * blockDim.x + threadIdx.x;
	float best[TOP];
	int at[TOP];

	for (int i = 0; i < TOP; i++) {
		best[i] = -1e30f;
		at[i] = -1;
	}
	for (int j = 0; j < cols; j++) {
		float v = x[row * cols + j];
		int i = TOP;

		while (i > 0 && v > best[i - 1])
			i--;
		for (int m = TOP - 1; m > i; m--) {
			best[m] = best[m - 1];
			at[m] = at[m - 1];
		}
		if (i < TOP) {
			best[i] = v;
			at[i] = j;
		}
	}
	for (int i = 0; i < TOP; i++) {
		values[row * TOP + i] = best[i];
		where[row * TOP + i] = at[i];
	}
}

static __device__ __noinline__ int ackermann(int m, int n)
{
	if (!m)
		return n + 1;
	if (!n)
		return ackermann(m - 1, 1);
	return ackermann(m - 1, ackermann(m, n - 1));
}

extern "C" __global__ void recursion(int *out)
{
	int i = threadIdx.x;

	out[i] = ackermann(i % 3, i / 3 % 5);
}

static __device__ __noinline__ unsigned int op_add(unsigned int a, unsigned int b) { return a + b; }
static __device__ __noinline__ unsigned int op_mul(unsigned int a, unsigned int b) { return a * b; }
static __device__ __noinline__ unsigned int op_xor(unsigned int a, unsigned int b) { return a ^ b; }
static __device__ __noinline__ unsigned int op_gcd(unsigned int a, unsigned int b)
{
	while (b) {
		unsigned int t = a % b;

		a = b;
		b = t;
	}
	return a;
}

typedef unsigned int (*binary_op)(unsigned int, unsigned int);
static __device__ const binary_op ops[] = { op_add, op_mul, op_xor, op_gcd };

extern "C" __global__ void indirect_call(const unsigned int *a, const unsigned int *b, const int *which, unsigned int *out, int n)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n)
		out[i] = ops[which[i] & 3](a[i], b[i]);
}

struct animal {
	int legs;
	__device__ explicit animal(int n) : legs(n) {}
	virtual __device__ int noise(int loud) const { return loud * legs; }
};

struct bird : animal {
	__device__ bird() : animal(2) {}
	__device__ int noise(int loud) const override { return 1000 + loud; }
};

extern "C" __global__ void virtual_call(int *out)
{
	animal a(4);
	bird b;
	const animal *which = threadIdx.x % 3 ? &a : &b;

	asm volatile("" : "+l"(which) : : "memory");
	out[threadIdx.x] = which->noise(threadIdx.x);
}

/* A stack machine over bytes: a switch that becomes brx.idx or a tree, loops, a local array. */
extern "C" __global__ void byte_machine(const unsigned char *code, int len, const int *in, int *out)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x, stack[16], sp = 0, acc = in[i], steps = 0;

	for (int pc = 0; pc < len && steps < 1000; pc++, steps++) {
		switch (code[pc]) {
		case 0:
			stack[sp++ & 15] = acc;
			break;
		case 1:
			acc += stack[--sp & 15];
			break;
		case 2:
			acc *= 3;
			break;
		case 3:
			acc ^= acc >> 3;
			break;
		case 4:
			acc = -acc;
			break;
		case 5:
			if (acc & 1)
				pc++;
			break;
		case 6:
			acc = acc > 100 ? acc - 100 : acc + 7;
			break;
		case 7:
			if (acc % 5)
				pc = pc > 3 ? pc - 3 : -1;
			break;
		case 8:
			acc = (int)((unsigned int)acc << 5 | (unsigned int)acc >> 27);
			break;
		case 9:
			acc = acc / 7 + acc % 11;
			break;
		default:
			acc++;
		}
	}
	out[i] = acc;
}

extern "C" __global__ void hello(int n)
{
	if ((int)threadIdx.x < n)
		printf("thread %d of %s: %5.2f %c %llx %%\n", (int)threadIdx.x, "block", threadIdx.x * 0.5, 'a' + threadIdx.x,
		       0x123456789abcull + threadIdx.x);
}

/* Steps of the Collatz sequence: loops of different length in the lanes of a warp. */
extern "C" __global__ void collatz(unsigned int *steps, int n)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;
	unsigned long long v = (unsigned int)i + 1;
	unsigned int s = 0;

	if (i >= n)
		return;
	while (v != 1) {
		v = v & 1 ? 3 * v + 1 : v / 2;
		s++;
	}
	steps[i] = s;
}

/* A lock that lanes of one warp contend for; progress needs each lane scheduled on its own. */
extern "C" __global__ void spin_lock(int *lock, volatile int *counter)
{
	bool done = false;

	while (!done) {
		if (!atomic_cas(lock, 0, 1)) {
			*counter = *counter + 1;
			fence();
			atomic_exchange(lock, 0);
			done = true;
		}
	}
}

/* Largest of an array, and a sum of doubles by compare and swap. */
extern "C" __global__ void atomics(const int *x, int n, int *top, double *sum)
{
	for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
		atomic_max(top, x[i]);

		unsigned long long *bits = (unsigned long long *)sum, old = *bits, seen;

		do {
			seen = old;
			union {
				unsigned long long u;
				double d;
			} v;
			v.u = seen;
			v.d += x[i];
			old = atomic_cas(bits, seen, v.u);
		} while (old != seen);
	}
}

/* Keeps the positive elements in order: ballots give each lane its place; *count is how many. One warp. */
extern "C" __global__ void compact(const int *in, int *out, int *count, int n)
{
	int base = 0;

	for (int i = 0; i < n; i += 32) {
		int v = i + (int)threadIdx.x < n ? in[i + threadIdx.x] : 0;
		unsigned int mask = lanes_where(v > 0), below = mask & ((1u << threadIdx.x) - 1);
		int rank = 0;

		for (unsigned int m = below; m; m &= m - 1)
			rank++;
		if (v > 0)
			out[base + rank] = v;
		for (unsigned int m = mask; m; m &= m - 1)
			base++;
	}
	if (!threadIdx.x)
		*count = base;
}

/* Inclusive scan of a warp by shuffles. */
extern "C" __global__ void scan_warp(const int *in, int *out)
{
	int v = in[blockIdx.x * 32 + threadIdx.x];

	for (int d = 1; d < 32; d <<= 1) {
		int o = shfl_up(v, d);

		if ((int)threadIdx.x >= d)
			v += o;
	}
	out[blockIdx.x * 32 + threadIdx.x] = v;
}

struct params {
	char tag;
	short scale;
	int table[7];
	double bias;
	struct {
		unsigned char r, g, b;
	} colour[2];
};

/* A structure as a parameter, indexed by what is only known at run time. */
extern "C" __global__ void struct_param(params p, char pad, double *out)
{
	int i = threadIdx.x;

	out[i] = p.table[i % 7] * p.scale + p.bias + p.colour[i & 1].g + p.tag + pad;
}

struct node {
	node *next;
	int value;
};

/* Each thread builds a list on the heap, sums it and frees it. */
extern "C" __global__ void heap_list(int *out)
{
	node *head = nullptr;
	int sum = 0;

	for (int i = 0; i <= (int)threadIdx.x; i++) {
		node *n = (node *)malloc(sizeof(node));

		if (!n) {
			out[threadIdx.x] = -1;
			return;
		}
		n->next = head;
		n->value = i * 3 + 1;
		head = n;
	}
	while (head) {
		node *n = head->next;

		sum += head->value;
		free(head);
		head = n;
	}
	out[threadIdx.x] = sum;
}

/* Blocks in turn pass a token on in global memory; needs that a waiting block does not keep another from running. */
extern "C" __global__ void block_chain(volatile int *turn, int *order)
{
	if (!threadIdx.x) {
		while (*turn != (int)blockIdx.x)
			;
		order[blockIdx.x] = (int)blockIdx.x * 2 + 1;
		fence();
		*turn = (int)blockIdx.x + 1;
	}
}
