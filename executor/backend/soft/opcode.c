// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "hash.h"
#include "opcode.h"

static const char * const opcode_names[PO_COUNT] = {
	[PO_LABEL] = "",
#define X(id, name) [PO_##id] = name,
	PTX_OPCODES(X)
#undef X
};

#define OPCODE_BUCKETS	512

static uint16_t opcode_table[OPCODE_BUCKETS];
static pthread_once_t opcode_once = PTHREAD_ONCE_INIT;

static void opcode_table_fill(void)
{
	unsigned int i, h;

	for (i = PO_LABEL + 1; i < PO_COUNT; i++) {
		h = hash_bytes(opcode_names[i], strlen(opcode_names[i])) % OPCODE_BUCKETS;
		while (opcode_table[h])
			h = (h + 1) % OPCODE_BUCKETS;
		opcode_table[h] = i;
	}
}

const char *ptx_opcode_name(unsigned int op)
{
	return op < PO_COUNT ? opcode_names[op] : "";
}

int ptx_opcode_find(const char *name, unsigned int len)
{
	unsigned int h;

	pthread_once(&opcode_once, opcode_table_fill);
	for (h = hash_bytes(name, len) % OPCODE_BUCKETS; opcode_table[h]; h = (h + 1) % OPCODE_BUCKETS) {
		const char *s = opcode_names[opcode_table[h]];

		if (!strncmp(s, name, len) && !s[len])
			return opcode_table[h];
	}
	return -1;
}
