// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
#include <pthread.h>
#include <string.h>

#include "hash.h"
#include "types.h"

const struct type_info ptx_types[T_COUNT] = {
	[T_NONE] = { "", 0, TK_NONE },
#define X(id, name, bits, kind) [T_##id] = { name, bits, kind },
	PTX_TYPES(X)
#undef X
};

const struct mod_info ptx_modifiers[M_COUNT] = {
#define X(id, name, bits, kind) [T_##id] = { name, MC_TYPE },
	PTX_TYPES(X)
#undef X
#define X(cat, id, name) [M_##cat##_##id] = { name, MC_##cat },
	PTX_MODIFIERS(X)
#undef X
};

#define MOD_BUCKETS	1024

static uint16_t mod_table[MOD_BUCKETS];
static pthread_once_t mod_once = PTHREAD_ONCE_INIT;

static void mod_table_fill(void)
{
	unsigned int i, h;

	for (i = T_NONE + 1; i < M_COUNT; i++) {
		h = hash_bytes(ptx_modifiers[i].name, strlen(ptx_modifiers[i].name)) % MOD_BUCKETS;
		while (mod_table[h])
			h = (h + 1) % MOD_BUCKETS;
		mod_table[h] = i;
	}
}

int ptx_modifier_find(const char *name, unsigned int len)
{
	unsigned int h;

	pthread_once(&mod_once, mod_table_fill);
	for (h = hash_bytes(name, len) % MOD_BUCKETS; mod_table[h]; h = (h + 1) % MOD_BUCKETS) {
		const char *s = ptx_modifiers[mod_table[h]].name;

		if (!strncmp(s, name, len) && !s[len])
			return mod_table[h];
	}
	return -1;
}
