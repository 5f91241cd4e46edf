// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
#include <string.h>

#include "sreg.h"

static const struct {
	const char *name;
	unsigned char bits;
	bool vector;
} sregs[SR_COUNT] = {
	[SR_NONE] = { "", 0, false },
#define X(id, name, bits, vector) [SR_##id] = { name, bits, vector },
	PTX_SREGS(X)
#undef X
};

static bool is_number(const char *s, unsigned int len, unsigned int max)
{
	unsigned int value = 0, i;

	if (!len || len > 2)
		return false;
	for (i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		value = value * 10 + (s[i] - '0');
	}
	return value <= max;
}

int sreg_find(const char *name, unsigned int len)
{
	int i;

	if (len < 2 || name[0] != '%')
		return SR_NONE;
	name++;
	len--;
	for (i = SR_NONE + 1; i < SR_COUNT; i++)
		if (!strncmp(sregs[i].name, name, len) && !sregs[i].name[len])
			return i;
	if (len > 6 && !memcmp(name, "envreg", 6) && is_number(name + 6, len - 6, 31))
		return SR_ZERO32;
	if (len == 3 && !memcmp(name, "pm", 2) && is_number(name + 2, 1, 7))
		return SR_ZERO32;
	if (len == 6 && !memcmp(name, "pm", 2) && is_number(name + 2, 1, 7) && !memcmp(name + 3, "_64", 3))
		return SR_ZERO64;
	return SR_NONE;
}

bool sreg_is_vector(int sreg)
{
	return sreg > SR_NONE && sreg < SR_COUNT && sregs[sreg].vector;
}

unsigned int sreg_bits(int sreg)
{
	if (sreg >= SR_COUNT)
		return sreg == SR_ZERO64 ? 64 : 32;
	return sregs[sreg].bits;
}
