// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Matrix instructions of every shape and type, against a product by definition. Which element is in which register of which lane is
 * written here as the PTX ISA's figures have it; the numbers are small, so that every sum is exact in every format.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#define LANES	32
#define MAX_DIM	256

static struct device *dev;

enum kind { F16, BF16, TF32, F64, S8, U8, S4, U4, B1 };

static const struct {
	const char *name;
	unsigned int bits;
} kinds[] = {
	[F16] = { "f16", 16 }, [BF16] = { "bf16", 16 }, [TF32] = { "tf32", 32 }, [F64] = { "f64", 64 }, [S8] = { "s8", 8 },
	[U8] = { "u8", 8 },    [S4] = { "s4", 4 },	[U4] = { "u4", 4 },	 [B1] = { "b1", 1 },
};

/**
 * struct product - a form of mma
 * @a: kind of A's elements
 * @b: of B's
 * @acc: type of C and D: 'h' f16, 'f' f32, 'd' f64, 's' s32
 * @modifier: before the types
 */
struct product {
	unsigned int m, k;
	enum kind a, b;
	char acc;
	const char *modifier;
};

static const struct product products[] = {
	{ 16, 8, F16, F16, 'f', "" },	{ 16, 8, F16, F16, 'h', "" },	{ 16, 16, F16, F16, 'f', "" },	{ 16, 16, F16, F16, 'h', "" },
	{ 16, 8, BF16, BF16, 'f', "" }, { 16, 16, BF16, BF16, 'f', "" }, { 16, 4, TF32, TF32, 'f', "" }, { 16, 8, TF32, TF32, 'f', "" },
	{ 8, 4, F64, F64, 'd', "" },	{ 8, 16, S8, S8, 's', "" },	{ 8, 16, U8, S8, 's', "" },	{ 16, 16, S8, U8, 's', "" },
	{ 16, 16, U8, U8, 's', "" },	{ 16, 32, S8, S8, 's', "" },	{ 16, 32, U8, S8, 's', "" },	{ 16, 32, S8, S8, 's', ".satfinite" },
	{ 8, 32, S4, S4, 's', "" },	{ 8, 32, U4, S4, 's', "" },	{ 16, 32, S4, U4, 's', "" },	{ 16, 32, U4, U4, 's', "" },
	{ 16, 64, S4, S4, 's', "" },	{ 16, 64, U4, S4, 's', ".satfinite" }, { 8, 128, B1, B1, 's', ".xor.popc" },
	{ 16, 128, B1, B1, 's', ".xor.popc" }, { 16, 128, B1, B1, 's', ".and.popc" }, { 16, 256, B1, B1, 's', ".xor.popc" },
	{ 16, 256, B1, B1, 's', ".and.popc" },
};

static uint64_t element(enum kind kind, int value)
{
	_Float16 half = value;
	float single = (float)value;
	double wide = value;
	uint64_t bits = 0;

	switch (kind) {
	case F16:
		memcpy(&bits, &half, 2);
		return bits;
	case BF16:
		memcpy(&bits, &single, 4);
		return bits >> 16;
	case TF32:
		memcpy(&bits, &single, 4);
		return bits;
	case F64:
		memcpy(&bits, &wide, 8);
		return bits;
	default:
		return (uint64_t)value & ((1ull << kinds[kind].bits) - 1);
	}
}

static int draw(enum kind kind, uint64_t *seed)
{
	int r = (int)(next_random(seed) % 256);

	switch (kind) {
	case S8:
		return r - 128;
	case U8:
		return r;
	case S4:
		return r % 16 - 8;
	case U4:
		return r % 16;
	case B1:
		return r % 2;
	default:
		return r % 9 - 4;
	}
}

static int a_matrix[32][MAX_DIM], b_matrix[MAX_DIM][32];
static int64_t c_matrix[32][32], d_matrix[32][32];

/* Register r of a lane: of A rows g and g + 8 in turn, then further along k; of B along k. */
static void fill(const struct product *p, uint64_t *a, uint64_t *b, unsigned int a_regs, unsigned int b_regs)
{
	unsigned int bits = kinds[p->a].bits, per = bits == 64 ? 1 : 32 / bits, lane, r, e;

	for (lane = 0; lane < LANES; lane++) {
		unsigned int group = lane / 4, in_group = lane % 4;

		for (r = 0; r < a_regs; r++)
			for (e = 0, a[r * LANES + lane] = 0; e < per; e++) {
				unsigned int row = p->m == 16 ? group + 8 * (r % 2) : group;
				unsigned int block = p->m == 16 ? r / 2 : r;

				a[r * LANES + lane] |= element(p->a, a_matrix[row][(block * 4 + in_group) * per + e]) << (e * bits % 64);
			}
		for (r = 0; r < b_regs; r++)
			for (e = 0, b[r * LANES + lane] = 0; e < per; e++)
				b[r * LANES + lane] |= element(p->b, b_matrix[(r * 4 + in_group) * per + e][group]) << (e * bits % 64);
	}
}

static void where(unsigned int lane, unsigned int i, unsigned int *row, unsigned int *col)
{
	*row = lane / 4 + 8 * (i / 2);
	*col = lane % 4 * 2 + i % 2;
}

static uint64_t accumulate(char acc, int64_t value)
{
	return acc == 'h' ? element(F16, (int)value) : acc == 'f' ? element(TF32, (int)value) : acc == 'd' ? element(F64, (int)value) :
	       (uint32_t)value;
}

static void make_matrices(const struct product *p, uint64_t *seed)
{
	bool saturates = strstr(p->modifier, "satfinite"), use_and = strstr(p->modifier, "and");
	unsigned int i, j, k;

	for (i = 0; i < p->m; i++)
		for (k = 0; k < p->k; k++)
			a_matrix[i][k] = draw(p->a, seed);
	for (k = 0; k < p->k; k++)
		for (j = 0; j < 8; j++)
			b_matrix[k][j] = draw(p->b, seed);
	for (i = 0; i < p->m; i++)
		for (j = 0; j < 8; j++) {
			int64_t sum;

			c_matrix[i][j] = p->acc == 's' && next_random(seed) % 2 ? (int32_t)(0x7fffff00 ^ -(next_random(seed) % 2)) :
					 draw(F16, seed);
			sum = c_matrix[i][j];
			for (k = 0; k < p->k; k++)
				if (p->a == B1)
					sum += use_and ? a_matrix[i][k] & b_matrix[k][j] : a_matrix[i][k] ^ b_matrix[k][j];
				else
					sum += a_matrix[i][k] * b_matrix[k][j];
			if (saturates)
				sum = sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum;
			d_matrix[i][j] = sum;
		}
}

static void registers(FILE *f, char name, unsigned int num)
{
	for (unsigned int i = 0; i < num; i++)
		fprintf(f, "%s%%%c%u", i ? ", " : "{", name, i);
	fprintf(f, "}");
}

static void moves(FILE *f, char name, unsigned int num, unsigned int bits, bool load)
{
	fprintf(f, "\tld.param.u64 %%p, [p%c];\n\tadd.u64 %%p, %%p, %%o;\n", name);
	for (unsigned int i = 0; i < num; i++)
		if (load)
			fprintf(f, "\tld.global.b%u %%%c%u, [%%p+%u];\n", bits, name, i, i * LANES * 8);
		else
			fprintf(f, "\tst.global.b%u [%%p+%u], %%%c%u;\n", bits, i * LANES * 8, name, i);
}

static const char *acc_name(char acc)
{
	return acc == 'h' ? "f16" : acc == 'f' ? "f32" : acc == 'd' ? "f64" : "s32";
}

static struct ptx_module *load(const char *instruction, const unsigned int *num, unsigned int in_bits, unsigned int acc_bits)
{
	struct ptx_module *module;
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	fprintf(f, ".version 8.0\n.target sm_80\n.address_size 64\n"
		   ".visible .entry k(.param .u64 pa, .param .u64 pb, .param .u64 pc, .param .u64 pd)\n{\n"
		   "\t.reg .b64 %%p, %%o;\n\t.reg .b32 %%t;\n\t.reg .b%u %%a<8>, %%b<8>;\n\t.reg .b%u %%c<8>, %%d<8>;\n",
		in_bits, acc_bits);
	fprintf(f, "\tmov.u32 %%t, %%laneid;\n\tmul.wide.u32 %%o, %%t, 8;\n");
	moves(f, 'a', num[1], in_bits, true);
	moves(f, 'b', num[2], in_bits, true);
	moves(f, 'c', num[3], acc_bits, true);
	fprintf(f, "\t%s ", instruction);
	registers(f, 'd', num[0]);
	fprintf(f, ", ");
	registers(f, 'a', num[1]);
	fprintf(f, ", ");
	registers(f, 'b', num[2]);
	fprintf(f, ", ");
	registers(f, 'c', num[3]);
	fprintf(f, ";\n");
	moves(f, 'd', num[0], acc_bits, false);
	fprintf(f, "\tret;\n}\n");
	fclose(f);
	module = device_load_text(dev, text);
	free(text);
	return module;
}

static void run_product(const struct product *p, uint64_t *seed)
{
	unsigned int per = kinds[p->a].bits == 64 ? 1 : 32 / kinds[p->a].bits, packed = p->acc == 'h' ? 2 : 1, lane, i, row, col;
	unsigned int num[4] = { p->m * 8 / LANES / packed, p->m * p->k / LANES / per, 8 * p->k / LANES / per, p->m * 8 / LANES / packed };
	uint64_t *a = device_alloc(dev, 8 * LANES * 8), *b = device_alloc(dev, 8 * LANES * 8), *c = device_alloc(dev, 8 * LANES * 8);
	uint64_t *d = device_alloc(dev, 8 * LANES * 8), got;
	unsigned int acc_bits = p->acc == 'd' ? 64 : 32;
	struct dims dims = { .block = { LANES } };
	struct ptx_module *module;
	char text[128];

	snprintf(text, sizeof(text), "mma.sync.aligned.m%un8k%u.row.col%s.%s.%s.%s.%s%s", p->m, p->k,
		 strstr(p->modifier, "popc") ? "" : p->modifier, acc_name(p->acc), kinds[p->a].name, kinds[p->b].name, acc_name(p->acc),
		 strstr(p->modifier, "popc") ? p->modifier : "");
	module = load(text, num, p->a == F64 ? 64 : 32, acc_bits);
	make_matrices(p, seed);
	fill(p, a, b, num[1], num[2]);
	memset(c, 0, 8 * LANES * 8);
	for (lane = 0; lane < LANES; lane++)
		for (i = 0; i < p->m * 8 / LANES; i++) {
			where(lane, i, &row, &col);
			c[i / packed * LANES + lane] |= accumulate(p->acc, c_matrix[row][col]) << (i % packed * 16);
		}
	memset(d, 0x5a, 8 * LANES * 8);
	assert_int_equal(RUN(dev, module, "k", &dims, &a, &b, &c, &d), PTX_SUCCESS);
	for (lane = 0; lane < LANES; lane++)
		for (i = 0; i < p->m * 8 / LANES; i++) {
			where(lane, i, &row, &col);
			got = d[i / packed * LANES + lane] >> (i % packed * 16);
			got &= p->acc == 'd' ? ~0ull : p->acc == 'h' ? 0xffff : 0xffffffff;
			if (got != accumulate(p->acc, d_matrix[row][col]))
				fail_msg("%s: element %u, %u is 0x%llx, should be 0x%llx", text, row, col, (unsigned long long)got,
					 (unsigned long long)accumulate(p->acc, d_matrix[row][col]));
		}
	ptx_module_unload(module);
}

static void products_by_definition(void **state)
{
	uint64_t seed = 1;

	for (unsigned int i = 0; i < sizeof(products) / sizeof(*products); i++)
		for (unsigned int round = 0; round < 4; round++)
			run_product(&products[i], &seed);
}

/* m8n8k4 of f16: four products, each of the lanes 4 q to 4 q + 3 and those 16 further. */
static void four_small_products(void **state)
{
	static const char *const layouts[] = { "row", "col" };
	uint64_t *a = device_alloc(dev, 8 * LANES * 8), *b = device_alloc(dev, 8 * LANES * 8), *c = device_alloc(dev, 8 * LANES * 8);
	uint64_t *d = device_alloc(dev, 8 * LANES * 8), seed = 2, got, want;
	struct dims dims = { .block = { LANES } };
	unsigned int form, lane, i, quad;

	for (form = 0; form < 8; form++) {
		bool a_col = form & 1, b_col = form & 2, half = form & 4;
		unsigned int num[4] = { half ? 4 : 8, 2, 2, half ? 4 : 8 };
		int am[4][8][4], bm[4][4][8], cm[4][8][8];
		struct ptx_module *module;
		char text[128];

		snprintf(text, sizeof(text), "mma.sync.aligned.m8n8k4.%s.%s.%s.f16.f16.%s", layouts[a_col], layouts[b_col],
			 half ? "f16" : "f32", half ? "f16" : "f32");
		module = load(text, num, 32, 32);
		for (i = 0; i < sizeof(am) / sizeof(int); i++)
			(&am[0][0][0])[i] = draw(F16, &seed);
		for (i = 0; i < sizeof(bm) / sizeof(int); i++)
			(&bm[0][0][0])[i] = draw(F16, &seed);
		for (i = 0; i < sizeof(cm) / sizeof(int); i++)
			(&cm[0][0][0])[i] = draw(F16, &seed);
		memset(a, 0, 8 * LANES * 8);
		memset(b, 0, 8 * LANES * 8);
		memset(c, 0, 8 * LANES * 8);
		for (lane = 0; lane < LANES; lane++) {
			unsigned int high = lane / 16 * 4;

			quad = lane / 4 % 4;
			for (i = 0; i < 4; i++) {
				int x = a_col ? am[quad][i + high][lane % 4] : am[quad][lane % 4 + high][i];
				int y = b_col ? bm[quad][i][lane % 4 + high] : bm[quad][lane % 4][i + high];

				a[i / 2 * LANES + lane] |= element(F16, x) << (i % 2 * 16);
				b[i / 2 * LANES + lane] |= element(F16, y) << (i % 2 * 16);
			}
			for (i = 0; i < 8; i++)
				if (half)
					c[i / 2 * LANES + lane] |= element(F16, cm[quad][lane % 4 + high][i]) << (i % 2 * 16);
				else
					c[i * LANES + lane] = element(TF32, cm[quad][(lane & 1) + (i & 2) + high][(i & 4) + (lane & 2) + (i & 1)]);
		}
		assert_int_equal(RUN(dev, module, "k", &dims, &a, &b, &c, &d), PTX_SUCCESS);
		for (lane = 0; lane < LANES; lane++)
			for (i = 0; i < 8; i++) {
				unsigned int high = lane / 16 * 4, row = half ? lane % 4 + high : (lane & 1) + (i & 2) + high;
				unsigned int col = half ? i : (i & 4) + (lane & 2) + (i & 1);
				int sum;

				quad = lane / 4 % 4;
				sum = cm[quad][row][col];
				for (unsigned int k = 0; k < 4; k++)
					sum += am[quad][row][k] * bm[quad][k][col];
				want = element(half ? F16 : TF32, sum);
				got = half ? d[i / 2 * LANES + lane] >> (i % 2 * 16) & 0xffff : d[i * LANES + lane] & 0xffffffff;
				if (got != want)
					fail_msg("%s: lane %u, element %u is 0x%llx, should be 0x%llx", text, lane, i,
						 (unsigned long long)got, (unsigned long long)want);
			}
		ptx_module_unload(module);
	}
}

/**
 * struct tile - a form of wmma
 */
struct tile {
	unsigned int m, n, k;
	enum kind kind;
	char acc;
	const char *modifier;	/* of the product */
};

static const struct tile tiles[] = {
	{ 16, 16, 16, F16, 'f', "" },  { 16, 16, 16, F16, 'h', "" }, { 32, 8, 16, F16, 'f', "" },  { 8, 32, 16, F16, 'f', "" },
	{ 32, 8, 16, F16, 'h', "" },   { 8, 32, 16, F16, 'h', "" },  { 16, 16, 16, BF16, 'f', "" }, { 32, 8, 16, BF16, 'f', "" },
	{ 8, 32, 16, BF16, 'f', "" },  { 16, 16, 8, TF32, 'f', "" }, { 8, 8, 4, F64, 'd', ".rn" },   { 16, 16, 16, S8, 's', "" },
	{ 32, 8, 16, U8, 's', "" },    { 8, 32, 16, S8, 's', "" },   { 16, 16, 16, U8, 's', "" },  { 8, 8, 32, S4, 's', "" },
	{ 8, 8, 32, U4, 's', "" },     { 8, 8, 128, B1, 's', ".xor.popc" }, { 8, 8, 128, B1, 's', ".and.popc" },
};

static unsigned int tile_regs(const struct tile *t, char which)
{
	unsigned int bits = kinds[t->kind].bits, per = bits == 64 ? 1 : 32 / bits;

	if (which == 'c')
		return t->m * t->n / LANES / (t->acc == 'h' ? 2 : 1);
	/* Fragments of f16 hold every element twice. */
	if (t->kind == F16)
		return 8;
	return (which == 'a' ? t->m : t->n) * t->k / LANES / per;
}

static void put(void *memory, enum kind kind, unsigned int index, int value)
{
	unsigned int bits = kinds[kind].bits;
	uint8_t *at = (uint8_t *)memory + (uint64_t)index * bits / 8;
	uint64_t v = element(kind, value);

	if (bits < 8)
		*at |= (uint8_t)(v << (index * bits % 8));
	else
		memcpy(at, &v, bits / 8);
}

/* Whole tiles by load, product and store; A row-major or not, B column-major or not, where the type allows both. */
static void run_tile(const struct tile *t, bool a_row, bool b_col, uint64_t *seed)
{
	unsigned int regs[3] = { tile_regs(t, 'a'), tile_regs(t, 'b'), tile_regs(t, 'c') }, i, j, k;
	unsigned int in = t->kind == F64 ? 64 : 32, out = t->acc == 'd' ? 64 : 32, lda = a_row ? t->k : t->m, ldb = b_col ? t->k : t->n;
	const char *type = kinds[t->kind].name, *acc = acc_name(t->acc), *la = a_row ? "row" : "col", *lb = b_col ? "col" : "row";
	unsigned int acc_bytes = t->acc == 'h' ? 2 : out / 8;
	uint8_t *a = device_alloc(dev, 8192), *b = device_alloc(dev, 8192), *c = device_alloc(dev, 8192), *d = device_alloc(dev, 8192);
	struct dims dims = { .block = { LANES } };
	struct ptx_module *module;
	char shape[32], *text;
	size_t len;
	FILE *f;

	snprintf(shape, sizeof(shape), "m%un%uk%u", t->m, t->n, t->k);
	f = open_memstream(&text, &len);
	fprintf(f, ".version 8.0\n.target sm_80\n.address_size 64\n"
		   ".visible .entry k(.param .u64 pa, .param .u64 pb, .param .u64 pc, .param .u64 pd)\n{\n\t.reg .b64 %%p<4>;\n"
		   "\t.reg .b32 %%s;\n\t.reg .b%u %%a<8>, %%b<8>;\n\t.reg .b%u %%c<8>, %%d<8>;\n", in, out);
	for (i = 0; i < 4; i++)
		fprintf(f, "\tld.param.u64 %%p%u, [p%c];\n", i, "abcd"[i]);
	fprintf(f, "\tmov.u32 %%s, %u;\n\twmma.load.a.sync.aligned.%s.%s.global.%s ", lda, la, shape, type);
	registers(f, 'a', regs[0]);
	fprintf(f, ", [%%p0], %%s;\n\tmov.u32 %%s, %u;\n\twmma.load.b.sync.aligned.%s.%s.global.%s ", ldb, lb, shape, type);
	registers(f, 'b', regs[1]);
	fprintf(f, ", [%%p1], %%s;\n\tmov.u32 %%s, %u;\n\twmma.load.c.sync.aligned.row.%s.global.%s ", t->n, shape, acc);
	registers(f, 'c', regs[2]);
	fprintf(f, ", [%%p2], %%s;\n\twmma.mma%s.sync.aligned.%s.%s.%s%s.%s", strstr(t->modifier, "popc") ? t->modifier : "", la, lb, shape,
		strstr(t->modifier, "popc") ? "" : t->modifier, acc);
	if (t->kind == F16)
		fprintf(f, ".%s ", acc);
	else
		fprintf(f, ".%s.%s.%s ", type, type, acc);
	registers(f, 'd', regs[2]);
	fprintf(f, ", ");
	registers(f, 'a', regs[0]);
	fprintf(f, ", ");
	registers(f, 'b', regs[1]);
	fprintf(f, ", ");
	registers(f, 'c', regs[2]);
	fprintf(f, ";\n\twmma.store.d.sync.aligned.row.%s.global.%s [%%p3], ", shape, acc);
	registers(f, 'd', regs[2]);
	fprintf(f, ", %%s;\n\tret;\n}\n");
	fclose(f);
	module = device_load_text(dev, text);
	memset(a, 0, 8192);
	memset(b, 0, 8192);
	for (i = 0; i < t->m; i++)
		for (k = 0; k < t->k; k++) {
			a_matrix[i][k] = draw(t->kind, seed);
			put(a, t->kind, a_row ? i * lda + k : k * lda + i, a_matrix[i][k]);
		}
	for (k = 0; k < t->k; k++)
		for (j = 0; j < t->n; j++) {
			b_matrix[k][j] = draw(t->kind, seed);
			put(b, t->kind, b_col ? j * ldb + k : k * ldb + j, b_matrix[k][j]);
		}
	for (i = 0; i < t->m; i++)
		for (j = 0; j < t->n; j++) {
			uint64_t bits;

			c_matrix[i][j] = draw(F16, seed);
			bits = accumulate(t->acc, c_matrix[i][j]);
			memcpy(c + (i * t->n + j) * acc_bytes, &bits, acc_bytes);
			d_matrix[i][j] = c_matrix[i][j];
			for (k = 0; k < t->k; k++)
				d_matrix[i][j] += t->kind != B1 ? a_matrix[i][k] * b_matrix[k][j] :
						  strstr(t->modifier, "and") ? a_matrix[i][k] & b_matrix[k][j] :
						  a_matrix[i][k] ^ b_matrix[k][j];
		}
	assert_int_equal(RUN(dev, module, "k", &dims, &a, &b, &c, &d), PTX_SUCCESS);
	for (i = 0; i < t->m; i++)
		for (j = 0; j < t->n; j++) {
			uint64_t got = 0, want = accumulate(t->acc, d_matrix[i][j]);

			memcpy(&got, d + (i * t->n + j) * acc_bytes, acc_bytes);
			if (got != want)
				fail_msg("wmma %s %s %s %s: element %u, %u is 0x%llx, should be 0x%llx", shape, type, la, lb, i, j,
					 (unsigned long long)got, (unsigned long long)want);
		}
	ptx_module_unload(module);
	free(text);
}

static void tiles_by_definition(void **state)
{
	uint64_t seed = 3;

	for (unsigned int i = 0; i < sizeof(tiles) / sizeof(*tiles); i++) {
		bool one_layout = kinds[tiles[i].kind].bits < 8;

		for (unsigned int form = 0; form < (one_layout ? 1 : 4); form++)
			run_tile(&tiles[i], !(form & 1), !(form & 2), &seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(products_by_definition),
		cmocka_unit_test(four_small_products),
		cmocka_unit_test(tiles_by_definition),
	};
	int failed;

	dev = device_open(1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	device_close(dev);
	return failed;
}
