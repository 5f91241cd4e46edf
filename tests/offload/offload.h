/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* What the offload tests share: every region is run twice, on the device and on the host, and the results are compared. */
#ifndef TESTS_OFFLOAD_H
#define TESTS_OFFLOAD_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int offload_failures;

static inline void same_ints(const char *what, const int *device, const int *host, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		if (device[i] != host[i]) {
			printf("%s: element %d is %d on the device, %d on the host\n", what, i, device[i], host[i]);
			offload_failures++;
			return;
		}
	}
}

static inline void same_doubles(const char *what, const double *device, const double *host, int n, double tolerance)
{
	int i;

	for (i = 0; i < n; i++) {
		if (!(fabs(device[i] - host[i]) <= tolerance * (1 + fabs(host[i])))) {
			printf("%s: element %d is %.17g on the device, %.17g on the host\n", what, i, device[i], host[i]);
			offload_failures++;
			return;
		}
	}
}

static inline void same_floats(const char *what, const float *device, const float *host, int n, double tolerance)
{
	int i;

	for (i = 0; i < n; i++) {
		if (!(fabs((double)device[i] - host[i]) <= tolerance * (1 + fabs((double)host[i])))) {
			printf("%s: element %d is %.9g on the device, %.9g on the host\n", what, i, (double)device[i], (double)host[i]);
			offload_failures++;
			return;
		}
	}
}

static inline void must(const char *what, int holds)
{
	if (!holds) {
		printf("%s: does not hold\n", what);
		offload_failures++;
	}
}

#ifdef _OPENMP
#include <omp.h>

/* Without a device the runtime would compute everything on the host, in silence. */
static inline void offload_needs_device(void)
{
	int host = 1;

#pragma omp target map(from: host)
	host = omp_is_initial_device();
	must("target regions run on the device", !host);
}
#endif

#ifdef _OPENACC
#include <openacc.h>

static inline void offload_needs_device(void)
{
	int host = 1;

#pragma acc parallel copyout(host)
	host = acc_on_device(acc_device_host);
	must("parallel regions run on the device", !host);
}
#endif

static inline int offload_end(void)
{
	puts(offload_failures ? "WRONG" : "right");
	return offload_failures ? 1 : 0;
}

#endif
