// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
#include <stdio.h>
#include <stdlib.h>

#include "optest.h"

#define RANDOM_VALUES	24
#define MAX_VALUES	64
#define KEPT		0x5a5a5a5a5a5a5a5aull

static const uint64_t int_values[] = {
	0, 1, 2, 3, 5, 7, 31, 32, 33, 63, 64, 255, 0x7f, 0x80, 0x7fff, 0x8000, 0xffff, 0x10000, 0xffffff, 0x800000,
	0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
	0x123456789abcdef0, 0xfffffffe, 0xfffffffffffffffe,
};

static const uint64_t shift_values[] = { 0, 1, 4, 7, 8, 15, 16, 17, 31, 32, 33, 40, 63, 64, 65, 100, 255, 256, 0xffffffff };

static const uint32_t f32_values[] = {
	0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x3f000000, 0x40490fdb, 0x7f7fffff, 0xff7fffff, 0x00800000, 0x80800000,
	0x007fffff, 0x807fffff, 0x00000001, 0x80000001, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc12345, 0x4f000000, 0xcf000000,
	0x4f800000, 0x5f000000, 0xdf000000, 0x3effffff, 0x3f7fffff, 0x4b000001, 0x4b7fffff, 0x40200000, 0xc0200000, 0x42fe0000,
	0x43000000, 0xc3000000, 0x477fe000, 0x477ff000, 0x33800000, 0x33000000, 0x38800000,
};

static const uint64_t f64_values[] = {
	0, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x3fe0000000000000, 0x400921fb54442d18,
	0x7fefffffffffffff, 0xffefffffffffffff, 0x0010000000000000, 0x000fffffffffffff, 0x8000000000000001, 0x7ff0000000000000,
	0xfff0000000000000, 0x7ff8000000000000, 0x41dfffffffc00000, 0x41e0000000000000, 0xc1e0000000200000, 0x43e0000000000000,
	0xc3e0000000000000, 0x43f0000000000000, 0x47efffffe0000000, 0x47effffff0000000, 0x36a0000000000000, 0x3810000000000000,
	0x4004000000000000, 0xc004000000000000, 0x3690000000000000,
};

static const uint16_t half_values[] = {
	0x0000, 0x8000, 0x3c00, 0xbc00, 0x3800, 0x4248, 0x7bff, 0xfbff, 0x0400, 0x03ff, 0x0001, 0x8001, 0x7c00, 0xfc00, 0x7e00,
	0x3bff, 0x6400, 0x5640, 0x3555, 0xc900,
};

static const uint16_t bf16_values[] = {
	0x0000, 0x8000, 0x3f80, 0xbf80, 0x3f00, 0x4049, 0x7f7f, 0xff7f, 0x0080, 0x007f, 0x0001, 0x8001, 0x7f80, 0xff80, 0x7fc0,
	0x3f7f, 0x4300, 0x42c8, 0x3eab, 0xc120,
};

static uint64_t seed = 0x9e3779b97f4a7c15ull;

static unsigned int fill(uint64_t *v, int values)
{
	unsigned int n = 0, i;
	float f;

#define TAKE(array)						\
	for (i = 0; i < sizeof(array) / sizeof((array)[0]); i++)	\
		v[n++] = (array)[i]

	switch (values) {
	case INTS:
		TAKE(int_values);
		break;
	case SHIFTS:
		TAKE(shift_values);
		return n;
	case F32S:
		TAKE(f32_values);
		break;
	case F64S:
		TAKE(f64_values);
		break;
	case HALVES:
		for (i = 0; i < sizeof(half_values) / sizeof(half_values[0]); i++)
			v[n++] = half_values[i] | (uint64_t)half_values[(i * 7 + 3) % 20] << 16;
		break;
	case BF16S:
		for (i = 0; i < sizeof(bf16_values) / sizeof(bf16_values[0]); i++)
			v[n++] = bf16_values[i] | (uint64_t)bf16_values[(i * 7 + 3) % 20] << 16;
		break;
	}
	for (i = 0; i < RANDOM_VALUES; i++) {
		uint64_t r = next_random(&seed);

		if (values == SMALL_F32 || values == ANGLES) {
			f = ((float)(r >> 40) / 16777216.0f - 0.5f) * (values == ANGLES ? 6.28f : 20.0f);
			v[n] = 0;
			memcpy(&v[n++], &f, sizeof(f));
		} else {
			v[n++] = r;
		}
	}
	return n;
#undef TAKE
}

static const char *reg_type(int width)
{
	static const char * const names[] = { "b32", "b16", "b32", "b64", "pred" };

	return names[width];
}

static void add_load(char *text, char name, int width, unsigned int offset)
{
	char line[256];

	if (width == PRED)
		snprintf(line, sizeof(line), "ld.global.u64 %%t, [%%in+%u];\n setp.ne.u64 %%%c, %%t, 0;\n", offset, name);
	else
		snprintf(line, sizeof(line), "ld.global.%s %%%c, [%%in+%u];\n", reg_type(width ? width : B32), name, offset);
	strcat(text, line);
}

/* The instruction, or those in braces, under the guard. */
static void add_guarded(char *text, const char *insns)
{
	char *out = text + strlen(text);
	bool begin = *insns != '{';

	for (; *insns; insns++) {
		if (begin && *insns != ' ') {
			if (*insns != '.' && *insns != '}') {
				memcpy(out, "@%q ", 4);
				out += 4;
			}
			begin = false;
		}
		*out++ = *insns;
		begin |= *insns == ';' || (*insns == '{' && insns[1] == ' ' && (insns[2] == '.' || insns[2] == '@'));
	}
	*out++ = '\n';
	*out = '\0';
}

static char *kernel_text(const struct op_test *t)
{
	char *text = calloc(1, 16384), line[1024];
	unsigned int k;

	strcat(text, ".version 8.7\n.target sm_80\n.address_size 64\n"
	       ".visible .entry op(.param .u64 p_in, .param .u64 p_out, .param .u32 p_n)\n{\n"
	       ".reg .u64 %in, %out, %t, %i;\n.reg .u32 %n, %tix, %cta, %x;\n.reg .pred %p, %q;\n.reg .b32 %t0,%t1,%t2;\n");
	for (k = 0; k < 4; k++) {
		snprintf(line, sizeof(line), ".reg .%s %%%c;\n", reg_type(t->width[k]), "dabc"[k]);
		strcat(text, line);
	}
	strcat(text, "ld.param.u64 %in, [p_in];\nld.param.u64 %out, [p_out];\nld.param.u32 %n, [p_n];\n"
	       "mov.u32 %tix, %tid.x;\nmov.u32 %cta, %ctaid.x;\nmad.lo.u32 %x, %cta, 64, %tix;\n"
	       "setp.ge.u32 %p, %x, %n;\n@%p exit;\n"
	       "mad.wide.u32 %in, %x, 24, %in;\nmad.wide.u32 %out, %x, 16, %out;\n");
	for (k = 0; k < 3; k++)
		add_load(text, (char)('a' + k), t->width[k + 1], k * 8);
	for (k = 0; k < 2; k++) {
		if (t->width[0] == PRED)
			strcat(text, "setp.ne.u32 %d, 1, 0;\n");
		else
			strcat(text, t->width[0] == B64 ? "mov.b64 %d, 0x5a5a5a5a5a5a5a5a;\n" :
			       t->width[0] == B32 ? "mov.b32 %d, 0x5a5a5a5a;\n" : "mov.b16 %d, 0x5a5a;\n");
		if (k) {
			strcat(text, "and.b32 %t0, %x, 5;\nsetp.ne.u32 %q, %t0, 0;\n");
			add_guarded(text, t->text);
		} else {
			strcat(text, t->text);
			strcat(text, "\n");
		}
		if (t->width[0] == PRED)
			strcat(text, "selp.u64 %t, 1, 0, %d;\n");
		else
			strcat(text, t->width[0] == B64 ? "mov.b64 %t, %d;\n" :
			       t->width[0] == B32 ? "cvt.u64.u32 %t, %d;\n" : "cvt.u64.u16 %t, %d;\n");
		strcat(text, k ? "st.global.u64 [%out+8], %t;\n" : "st.global.u64 [%out], %t;\n");
	}
	strcat(text, "ret;\n}\n");
	return text;
}

static uint64_t mask_of(int width)
{
	return width == B64 ? ~0ull : width == B32 ? 0xffffffff : width == B16 ? 0xffff : 1;
}

/* Distance of two values in the units of the last place of the second. */
static bool near(const struct op_test *t, uint64_t got, uint64_t want)
{
	double g, w, ulp;
	int e;

	if (t->ulp == 0 && t->abs == 0)
		return false;
	if (t->width[0] == B32) {
		g = as_f32(got);
		w = as_f32(want);
	} else {
		g = as_f64(got);
		w = as_f64(want);
	}
	if (isnan(g) || isnan(w))
		return isnan(g) && isnan(w);
	if (isinf(w) || isinf(g))
		return g == w;
	frexp(w, &e);
	ulp = ldexp(1.0, (e < (t->width[0] == B32 ? -125 : -1021) ? (t->width[0] == B32 ? -125 : -1021) : e) -
		    (t->width[0] == B32 ? 24 : 53));
	return fabs(g - w) <= t->ulp * ulp + t->abs;
}

static void run_one(struct device *dev, const struct op_test *t)
{
	uint64_t v[3][MAX_VALUES], *in, *out, seen = 0;
	unsigned int n[3], k, total = 1, i;
	char *text = kernel_text(t);
	struct ptx_module *module = device_load_text(dev, text);
	struct dims dims = { 0 };
	int result;

	for (k = 0; k < 3; k++) {
		n[k] = t->width[k + 1] ? fill(v[k], t->values[k]) : 1;
		if (!t->width[k + 1])
			v[k][0] = 0;
		total *= n[k];
	}
	/* All pairs; of triples, a part that changes from run to run of the table. */
	if (total > 6000)
		total = 6000;
	in = device_alloc(dev, total * 24);
	out = device_alloc(dev, total * 16);
	for (i = 0; i < total; i++) {
		unsigned int pick[3] = { i % n[0], i / n[0] % n[1], i / n[0] / n[1] % n[2] };

		if (n[0] * n[1] * n[2] > total)
			for (k = 0; k < 3; k++)
				pick[k] = (unsigned int)(next_random(&seed) >> 20) % n[k];
		for (k = 0; k < 3; k++)
			in[i * 3 + k] = v[k][pick[k]] & (t->width[k + 1] == PRED ? 1 : mask_of(t->width[k + 1]));
	}
	dims.grid[0] = (total + 63) / 64;
	dims.block[0] = 64;
	result = RUN(dev, module, "op", &dims, &in, &out, &total);
	if (result)
		fail_msg("%s: %s", t->text, dev->fault.message);
	for (i = 0; i < total; i++) {
		uint64_t mask = mask_of(t->width[0]);
		uint64_t want = t->ref(in[i * 3], in[i * 3 + 1], in[i * 3 + 2]) & mask;

		for (k = 0; k < 2; k++) {
			uint64_t got = out[i * 2 + k];

			if (k && !(i & 5))
				want = (t->width[0] == PRED ? 1 : KEPT) & mask;
			if (got != want && !((!k || (i & 5)) && near(t, got, want)))
				fail_msg("%s (%s): a=%#llx b=%#llx c=%#llx: got %#llx, want %#llx", t->text,
					 k ? "guarded" : "all lanes", (unsigned long long)in[i * 3],
					 (unsigned long long)in[i * 3 + 1], (unsigned long long)in[i * 3 + 2],
					 (unsigned long long)got, (unsigned long long)want);
			seen++;
		}
	}
	assert_int_equal(seen, total * 2);
	ptx_module_unload(module);
	free(text);
}

void op_tests_run(struct device *dev, const struct op_test *tests, size_t num)
{
	uint64_t top = dev->top;
	size_t i;

	for (i = 0; i < num; i++) {
		run_one(dev, &tests[i]);
		dev->top = top;
	}
}
