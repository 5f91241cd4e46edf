// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops.h"

#define MAX_VALUES	64
#define SEED		0x2545f4914f6cdd1dull
/* What a result must keep in lanes that are off. */
#define UNTOUCHED	0x5a5a5a5a5a5a5a5aull

static const struct {
	const char *reg;
	const char *load;
	const char *store;
	unsigned int bits;
} types[] = {
	[T_none] = { "b32", "u32", "u32", 0 },	 [T_pred] = { "pred", "u32", "u32", 8 },
	[T_u8] = { "b16", "u8", "u8", 8 },	 [T_s8] = { "b16", "s8", "u8", 8 },
	[T_u16] = { "b16", "u16", "u16", 16 },	 [T_s16] = { "b16", "u16", "u16", 16 },
	[T_u32] = { "b32", "u32", "u32", 32 },	 [T_s32] = { "b32", "u32", "u32", 32 },
	[T_u64] = { "b64", "u64", "u64", 64 },	 [T_s64] = { "b64", "u64", "u64", 64 },
	[T_f16] = { "b16", "u16", "u16", 16 },	 [T_f32] = { "f32", "f32", "f32", 32 },
	[T_f64] = { "f64", "f64", "f64", 64 },
};

static uint64_t mask_of(enum op_type type)
{
	return types[type].bits == 64 ? ~0ull : (1ull << types[type].bits) - 1;
}

/* Values where an operation may go wrong, then random ones. */
static unsigned int values(enum op_type type, uint64_t *v, uint64_t *seed, bool few)
{
	static const uint32_t f32_bits[] = {
		0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 1, 0x80000001, 0x007fffff,
		0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff, 0x3f7fffff, 0x3f800001, 0x3f000000, 0xbf000000, 0x3fc00000, 0x40200000,
		0x4b000001, 0xcb000001, 0x4f000000, 0xcf000000, 0x5f000000, 0x4effffff, 0x42fe0000, 0xc2fe0000, 0x34000000,
	};
	static const uint64_t f64_bits[] = {
		0, 1ull << 63, 0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000,
		0x7ff0000000000001, 1, 0x000fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff, 0x3fefffffffffffff, 0x3ff0000000000001,
		0x3fe0000000000000, 0x4004000000000000, 0x43e0000000000000, 0xc3e0000000000000, 0x41e0000000000000, 0xc1e0000000200000,
		0x36a0000000000000, 0x3810000000000001, 0x47efffffefffffff, 0x3ff0000010000000, 0x3ff0000030000000,
	};
	static const uint16_t f16_bits[] = {
		0, 0x8000, 0x3c00, 0xbc00, 0x7c00, 0xfc00, 0x7e00, 1, 0x8001, 0x03ff, 0x0400, 0x7bff, 0xfbff, 0x3bff, 0x3c01, 0x3800, 0x3555,
	};
	unsigned int n = 0, i, bits = types[type].bits, random = few ? 4 : 16;

	switch (type) {
	case T_none:
		v[0] = 0;
		return 1;
	case T_pred:
		v[0] = 0;
		v[1] = 1;
		return 2;
	case T_f32:
		for (i = 0; i < sizeof(f32_bits) / sizeof(*f32_bits); i++)
			v[n++] = f32_bits[i];
		for (i = 0; i < random; i++)
			v[n++] = (next_random(seed) >> 20 & 0x807fffff) | (118 + next_random(seed) % 20) << 23;
		return n;
	case T_f64:
		for (i = 0; i < sizeof(f64_bits) / sizeof(*f64_bits); i++)
			v[n++] = f64_bits[i];
		for (i = 0; i < random; i++)
			v[n++] = (next_random(seed) & 0x800fffffffffffff) | (1010 + next_random(seed) % 30) << 52;
		return n;
	case T_f16:
		for (i = 0; i < sizeof(f16_bits) / sizeof(*f16_bits); i++)
			v[n++] = f16_bits[i];
		break;
	default:
		for (i = 0; i < 4; i++)
			v[n++] = i;
		v[n++] = 7;
		v[n++] = bits - 1;
		v[n++] = bits;
		v[n++] = bits + 1;
		v[n++] = 255;
		v[n++] = ~0ull;
		v[n++] = ~1ull;
		v[n++] = 1ull << (bits - 1);
		v[n++] = (1ull << (bits - 1)) - 1;
		v[n++] = (1ull << (bits - 1)) + 1;
		v[n++] = 1ull << (bits / 2);
		v[n++] = (1ull << (bits / 2)) - 1;
		v[n++] = 0x0123456789abcdefull;
		v[n++] = 10;
	}
	for (i = 0; i < random; i++)
		v[n++] = next_random(seed) >> (i & 1 ? 0 : next_random(seed) % bits);
	for (i = 0; i < n; i++)
		v[i] &= mask_of(type);
	return n;
}

static void load_operand(FILE *f, char name, enum op_type type)
{
	if (type == T_none)
		return;
	fprintf(f, "\tld.param.u64 %%addr, [p%c];\n\tadd.u64 %%addr, %%addr, %%off;\n", name);
	if (type == T_pred)
		fprintf(f, "\tld.global.u32 %%w, [%%addr];\n\tsetp.ne.u32 %%%c, %%w, 0;\n", name);
	else
		fprintf(f, "\tld.global.%s %%%c, [%%addr];\n", types[type].load, name);
}

/* The kernel of a row: skip lanes whose number modulo 3 is not zero where @holes is set. */
static void write_kernel(FILE *f, const struct op *op, size_t index)
{
	fprintf(f, ".visible .entry op%zu(.param .u64 pa, .param .u64 pb, .param .u64 pc, .param .u64 pd, .param .u32 n,\n", index);
	fprintf(f, "\t.param .u32 holes)\n{\n\t.reg .b64 %%addr, %%off;\n\t.reg .b32 %%i, %%w, %%h;\n\t.reg .pred %%q;\n");
	fprintf(f, "\t.reg .%s %%d;\n\t.reg .%s %%a;\n\t.reg .%s %%b;\n\t.reg .%s %%c;\n", types[op->d].reg, types[op->a].reg,
		types[op->b].reg, types[op->c].reg);
	fprintf(f, "\tmov.u32 %%i, %%ctaid.x;\n\tmov.u32 %%w, %%ntid.x;\n\tmov.u32 %%h, %%tid.x;\n\tmad.lo.u32 %%i, %%i, %%w, %%h;\n");
	fprintf(f, "\tld.param.u32 %%w, [n];\n\tsetp.ge.u32 %%q, %%i, %%w;\n\t@%%q exit;\n\tmul.wide.u32 %%off, %%i, 8;\n");
	load_operand(f, 'a', op->a);
	load_operand(f, 'b', op->b);
	load_operand(f, 'c', op->c);
	load_operand(f, 'd', op->d);
	fprintf(f, "\tld.param.u32 %%h, [holes];\n\trem.u32 %%w, %%i, 3;\n\tmul.lo.u32 %%w, %%w, %%h;\n\tsetp.ne.u32 %%q, %%w, 0;\n");
	fprintf(f, "\t@%%q bra OFF;\n\t%s\nOFF:\n\tld.param.u64 %%addr, [pd];\n\tadd.u64 %%addr, %%addr, %%off;\n", op->text);
	if (op->d == T_pred)
		fprintf(f, "\tselp.u32 %%w, 1, 0, %%d;\n\tst.global.u32 [%%addr], %%w;\n");
	else
		fprintf(f, "\tst.global.%s [%%addr], %%d;\n", types[op->d].store);
	fprintf(f, "\tret;\n}\n");
}

static struct ptx_module *load_row(struct device *dev, const struct op *op, char *log, size_t size)
{
	struct ptx_module *module = NULL;
	struct ptx_log messages = { log, size, 0 };
	struct ptx_input input = { .name = op->text };
	size_t len;
	char *text;
	FILE *f = open_memstream(&text, &len);

	fprintf(f, ".version 8.0\n.target sm_80\n.address_size 64\n");
	write_kernel(f, op, 0);
	fclose(f);
	input.text = text;
	input.len = len;
	if (ptx_module_load(&module, dev->mem, &dev->va, &input, 1, &messages))
		module = NULL;
	free(text);
	return module;
}

static double as_double(enum op_type type, uint64_t bits)
{
	float f;
	double d;
	_Float16 h;

	memcpy(&f, &bits, 4);
	memcpy(&d, &bits, 8);
	memcpy(&h, &bits, 2);
	return type == T_f64 ? d : type == T_f16 ? (double)h : (double)f;
}

static bool right(const struct op *op, uint64_t got, uint64_t want)
{
	double g, w, unit;

	if (got == want)
		return true;
	if (op->d < T_f16)
		return false;
	g = as_double(op->d, got);
	w = as_double(op->d, want);
	if (isnan(g) || isnan(w))
		return isnan(g) && isnan(w);
	if (op->ulp == 0 && op->absolute == 0)
		return false;
	if (isinf(g) || isinf(w))
		return g == w || (fabs(g) >= 0x1.fffff0p127 && fabs(w) >= 0x1.fffff0p127 && signbit(g) == signbit(w));
	unit = op->d == T_f64 ? 0x1p-52 : 0x1p-23;
	return fabs(g - w) <= op->absolute || fabs(g - w) <= op->ulp * unit * fmax(fabs(w), op->d == T_f64 ? 0x1p-1022 : 0x1p-126);
}

static bool run_row(struct device *dev, const struct op *op, char *why, size_t size)
{
	uint64_t v[3][MAX_VALUES], seed = SEED, *mem[4], top = dev->top, t;
	unsigned int num[3], n, i, holes;
	enum op_type type[3] = { op->a, op->b, op->c };
	struct ptx_module *module = load_row(dev, op, why, size);
	struct dims dims = { .block = { 96 } };
	bool ok = true;

	if (!module)
		return false;
	for (i = 0; i < 3; i++)
		num[i] = values(type[i], v[i], &seed, op->c != T_none);
	n = num[0] * num[1] * num[2];
	for (i = 0; i < 4; i++)
		mem[i] = device_alloc(dev, (uint64_t)n * 8);
	for (i = 0; i < n; i++) {
		mem[0][i] = v[0][i % num[0]];
		mem[1][i] = v[1][i / num[0] % num[1]];
		mem[2][i] = v[2][i / num[0] / num[1]];
	}
	dims.grid[0] = (n + 95) / 96;
	for (holes = 0; holes < 2 && ok; holes++) {
		for (i = 0; i < n; i++)
			mem[3][i] = op->d == T_pred ? i & 1 : UNTOUCHED & mask_of(op->d);
		if (RUN(dev, module, "op0", &dims, &mem[0], &mem[1], &mem[2], &mem[3], &n, &holes)) {
			snprintf(why, size, "%s", dev->fault.message);
			ok = false;
			break;
		}
		for (i = 0; i < n && ok; i++) {
			bool off = holes && i % 3;

			t = off ? (op->d == T_pred ? i & 1 : UNTOUCHED & mask_of(op->d)) :
				op->want(mem[0][i], mem[1][i], mem[2][i]) & mask_of(op->d);
			ok = off ? mem[3][i] == t : right(op, mem[3][i] & mask_of(op->d), t);
			if (!ok)
				snprintf(why, size, "a 0x%llx b 0x%llx c 0x%llx: 0x%llx, should be 0x%llx%s", (unsigned long long)mem[0][i],
					 (unsigned long long)mem[1][i], (unsigned long long)mem[2][i], (unsigned long long)mem[3][i],
					 (unsigned long long)t, off ? " (lane is off)" : holes ? " (some lanes are off)" : "");
		}
	}
	ptx_module_unload(module);
	dev->top = top;
	return ok;
}

void ops_run(struct device *dev, const struct op *ops, size_t num)
{
	char why[1024];
	size_t i, bad = 0;

	for (i = 0; i < num; i++) {
		why[0] = '\0';
		if (run_row(dev, &ops[i], why, sizeof(why)))
			continue;
		print_error("%s\n\t%s\n", ops[i].text, why);
		bad++;
	}
	if (bad)
		fail_msg("%zu of %zu instructions are wrong (seed 0x%llx)", bad, num, (unsigned long long)SEED);
}
