// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Mapped structures: arrays inside, pointers that are mapped along, arrays of structures, nesting, bit fields, unions. */
#include "offload.h"

#define N 300

struct flags {
	unsigned int odd : 1;
	unsigned int third : 1;
	int value : 20;
};

struct body {
	double position[3], speed[3];
	float mass;
	struct flags flags;
	union {
		int whole;
		unsigned char part[4];
	};
};

struct vector {
	int length;
	double *data;
	char name[8];
};

static void move(int device, struct body *bodies)
{
	int i;

#pragma omp target teams distribute parallel for if(device) map(tofrom: bodies[0:N])
	for (i = 0; i < N; i++) {
		int axis;

		for (axis = 0; axis < 3; axis++)
			bodies[i].position[axis] += bodies[i].speed[axis] * 0.125;
		bodies[i].mass *= 2;
		bodies[i].flags.odd = i & 1;
		bodies[i].flags.third = i % 3 == 0;
		bodies[i].flags.value = -i;
		bodies[i].part[2] = (unsigned char)i;
	}
}

static void scale(int device, struct vector *of, double by)
{
	struct vector v = *of;

#pragma omp target if(device) map(tofrom: v) map(tofrom: v.data[0:N])
	{
		int i;

#pragma omp parallel for
		for (i = 0; i < v.length; i++)
			v.data[i] *= by;
		v.name[0] = 'S';
		v.length--;
	}
	of->length = v.length;
	memcpy(of->name, v.name, sizeof(v.name));
}

int main(void)
{
	static struct body bodies[2][N];
	struct vector v[2] = { { N, NULL, "vector" }, { N, NULL, "vector" } };
	int i, k;

	offload_needs_device();
	for (k = 0; k < 2; k++) {
		v[k].data = malloc(N * sizeof(double));
		for (i = 0; i < N; i++) {
			bodies[k][i] = (struct body){ { i, 2 * i, 3 * i }, { 1, i % 5, -i }, (float)i, { 0, 0, 1 }, { i * 65537 } };
			v[k].data[i] = i / 3.0;
		}
	}
	move(1, bodies[0]);
	move(0, bodies[1]);
	for (i = 0; i < N; i++) {
		same_doubles("positions", bodies[0][i].position, bodies[1][i].position, 3, 0);
		same_floats("mass", &bodies[0][i].mass, &bodies[1][i].mass, 1, 0);
		must("flags", bodies[0][i].flags.odd == bodies[1][i].flags.odd && bodies[0][i].flags.third == bodies[1][i].flags.third &&
			      bodies[0][i].flags.value == bodies[1][i].flags.value && bodies[0][i].whole == bodies[1][i].whole);
	}
	scale(1, &v[0], 1.5);
	scale(0, &v[1], 1.5);
	same_doubles("data behind a pointer", v[0].data, v[1].data, N, 0);
	must("members", v[0].length == N - 1 && !strcmp(v[0].name, "Sector"));
	free(v[0].data);
	free(v[1].data);
	return offload_end();
}
