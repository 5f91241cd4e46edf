// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* What a region prints arrives on the program's standard output, in the order in which one thread printed it. */
#include <unistd.h>
#include "offload.h"

int main(void)
{
	char text[512] = "";
	const char *want = "from the device: 42 -7 3.5 word\n0\n1\n2\n";
	FILE *file = tmpfile();
	int out = dup(1), i;
	size_t n;

	offload_needs_device();
	if (!file || out < 0)
		return 1;
	fflush(stdout);
	dup2(fileno(file), 1);
#pragma omp target
	{
		printf("from the device: %d %d %.1f %s\n", 42, -7, 3.5, "word");
		for (i = 0; i < 3; i++)
			printf("%d\n", i);
	}
	fflush(stdout);
	dup2(out, 1);
	rewind(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = 0;
	if (strcmp(text, want)) {
		printf("printed '%s', expected '%s'\n", text, want);
		offload_failures++;
	}
	return offload_end();
}
