// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Memory taken on the device: malloc and free by many threads, lists, arrays of variable length, a recursive sort. */
#include "offload.h"

#define N 96
#define LENGTH 33

#pragma omp declare target
struct node {
	struct node *next;
	int value;
};

static void __attribute__((noinline)) sort(int *a, int low, int high)
{
	int i = low, j = high, pivot = a[(low + high) / 2], t;

	while (i <= j) {
		while (a[i] < pivot)
			i++;
		while (a[j] > pivot)
			j--;
		if (i <= j) {
			t = a[i];
			a[i++] = a[j];
			a[j--] = t;
		}
	}
	if (low < j)
		sort(a, low, j);
	if (i < high)
		sort(a, i, high);
}
#pragma omp end declare target

static void lists(int device, int *out)
{
	int i;

#pragma omp target teams distribute parallel for if(device) map(from: out[0:N])
	for (i = 0; i < N; i++) {
		struct node *head = NULL, *node;
		int k;

		out[i] = 0;
		for (k = 0; k < 5 + i % 4; k++) {
			node = malloc(sizeof(*node));
			if (!node) {
				out[i] = -1;
				break;
			}
			node->value = i * k;
			node->next = head;
			head = node;
		}
		while (head) {
			node = head;
			head = node->next;
			out[i] = out[i] * 3 + node->value;
			free(node);
		}
	}
}

static void sorts(int device, int *out)
{
	int i;

#pragma omp target teams distribute parallel for if(device) map(from: out[0:N])
	for (i = 0; i < N; i++) {
		int length = LENGTH - i % 5, k;
		int a[length];

		for (k = 0; k < length; k++)
			a[k] = (k * 7919 + i * 31) % 1000;
		sort(a, 0, length - 1);
		out[i] = 0;
		for (k = 0; k < length; k++)
			out[i] = (out[i] * 5 + a[k]) % 1000003;
	}
}

int main(void)
{
	static int out[2][N];

	offload_needs_device();
	lists(1, out[0]);
	lists(0, out[1]);
	same_ints("lists", out[0], out[1], N);
	sorts(1, out[0]);
	sorts(0, out[1]);
	same_ints("sorted arrays", out[0], out[1], N);
	return offload_end();
}
