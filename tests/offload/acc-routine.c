// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* OpenACC: routines of each level of parallelism, called from regions and from one another; properties of the device. */
#include "offload.h"

#define ROWS 24
#define COLS 64

#pragma acc routine seq
static int __attribute__((noinline)) collatz(int n)
{
	int steps = 0;

	while (n != 1) {
		n = n % 2 ? 3 * n + 1 : n / 2;
		steps++;
	}
	return steps;
}

#pragma acc routine vector
static void __attribute__((noinline)) fill(int *row, int base)
{
	int j;

#pragma acc loop vector
	for (j = 0; j < COLS; j++)
		row[j] = collatz(base + j + 1);
}

#pragma acc routine worker
static void __attribute__((noinline)) shift(int *rows, int n)
{
	int i;

#pragma acc loop worker vector
	for (i = 0; i < n * COLS; i++)
		rows[i] = rows[i] * 2 + 1;
}

static void run(int *out, int device)
{
	int i;

#pragma acc parallel loop gang vector_length(32) copyout(out[0:ROWS * COLS]) if(device)
	for (i = 0; i < ROWS; i++)
		fill(out + i * COLS, i * COLS);
#pragma acc parallel loop gang num_workers(4) vector_length(32) copy(out[0:ROWS * COLS]) if(device)
	for (i = 0; i < ROWS; i += 2)
		shift(out + i * COLS, 2);
}

int main(void)
{
	static int out[2][ROWS * COLS];
	acc_device_t type = acc_get_device_type();

	offload_needs_device();
	must("the device's type", type == acc_device_nvidia && acc_get_num_devices(type) >= 1);
	must("the device's memory", acc_get_property(0, type, acc_property_memory) > 0);
	must("the device's name", acc_get_property_string(0, type, acc_property_name) != NULL);
	run(out[0], 1);
	run(out[1], 0);
	same_ints("routines", out[0], out[1], ROWS * COLS);
	return offload_end();
}
