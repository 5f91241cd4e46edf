// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Memory, atomics, and what lanes of a warp tell each other. */
#include "ops.h"

/* mode: bytes loaded; type: how; type2: of the register. What is in memory is a. */
static u64 load(const struct form *f, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	return (u64)int_value(f->type, v[0][lane] >> (8 * f->mode));
}

/* The cell was b, and had a stored over its first bytes. */
static u64 store(const struct form *f, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	u64 mask = mask_of(T_BITS(f->type));

	return (v[0][lane] & mask) | (v[1][lane] & ~mask);
}

static u64 second(const struct form *f, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	return v[f->mode][lane];
}

static u64 packed(const struct form *f, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	return v[0][lane] | v[1][lane] << T_BITS(f->type);
}

static u64 unpacked(const struct form *f, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	return v[0][lane] >> (T_BITS(f->type) * (unsigned int)f->mode);
}

/* mode2: 1 the new value is asked for, not the old one; the cell held b, the operand is a, for cas the new value c. */
enum { O_ADD, O_MIN, O_MAX, O_INC, O_DEC, O_AND, O_OR, O_XOR, O_EXCH, O_CAS, O_FADD };

static u64 add_numbers(u16 type, u64 x, u64 y, u64 got)
{
	const struct format *f = format_of(type);
	f128 a = quad_of(f, x), b = quad_of(f, y), s = a + b, t = s - a, missing = (a - (s - t)) + (b - t);
	u64 r;

	if (s - s != 0)
		return same_number(f, round_quad(f, s, 0, TO_NEAREST), got);
	if (s == 0)
		return x == y && a == 0 ? x : 0;
	r = round_quad(f, s, missing > 0 ? 1 : missing < 0 ? -1 : 0, TO_NEAREST);
	/* Whether subnormal numbers are flushed depends on where the cell is. */
	if (f == &single_format && (flush(f, x) != x || flush(f, y) != y || flush(f, r) != r))
		return got;
	return r;
}

static u64 atomic(const struct form *f, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	u64 a = v[0][lane], b = v[1][lane], half;
	s128 x = int_value(f->type, a), y = int_value(f->type, b);

	if (!f->mode2)
		return b;
	switch (f->mode) {
	case O_ADD:
		return (u64)(x + y);
	case O_MIN:
		return (u64)(x < y ? x : y);
	case O_MAX:
		return (u64)(x > y ? x : y);
	case O_INC:
		return b >= a ? 0 : b + 1;
	case O_DEC:
		return !b || b > a ? a : b - 1;
	case O_AND:
		return a & b;
	case O_OR:
		return a | b;
	case O_XOR:
		return a ^ b;
	case O_EXCH:
		return a;
	case O_CAS:
		return a == b ? v[2][lane] : b;
	}
	if (T_BITS(f->type) != 16 || f->d != R_W)
		return add_numbers(f->type, b, a, got);
	half = add_numbers(f->type, b >> 16 & 0xffff, a >> 16 & 0xffff, got >> 16 & 0xffff);
	return half << 16 | add_numbers(f->type, b & 0xffff, a & 0xffff, got & 0xffff);
}

static void atomic_forms(void)
{
	static const struct {
		const char *text;
		int mode;
		u16 type;
		u8 flavour;
		unsigned int bits;
	} ops[] = {
		{ "add.u32", O_ADD, T('u', 32), V_INT, 32 }, { "add.s32", O_ADD, T('s', 32), V_INT, 32 },
		{ "add.u64", O_ADD, T('u', 64), V_INT, 64 }, { "min.u32", O_MIN, T('u', 32), V_INT, 32 },
		{ "min.s32", O_MIN, T('s', 32), V_INT, 32 }, { "min.u64", O_MIN, T('u', 64), V_INT, 64 },
		{ "min.s64", O_MIN, T('s', 64), V_INT, 64 }, { "max.u32", O_MAX, T('u', 32), V_INT, 32 },
		{ "max.s32", O_MAX, T('s', 32), V_INT, 32 }, { "max.u64", O_MAX, T('u', 64), V_INT, 64 },
		{ "max.s64", O_MAX, T('s', 64), V_INT, 64 }, { "inc.u32", O_INC, T('u', 32), V_INT, 32 },
		{ "dec.u32", O_DEC, T('u', 32), V_INT, 32 }, { "and.b32", O_AND, T('b', 32), V_INT, 32 },
		{ "and.b64", O_AND, T('b', 64), V_INT, 64 }, { "or.b32", O_OR, T('b', 32), V_INT, 32 },
		{ "or.b64", O_OR, T('b', 64), V_INT, 64 }, { "xor.b32", O_XOR, T('b', 32), V_INT, 32 },
		{ "xor.b64", O_XOR, T('b', 64), V_INT, 64 }, { "exch.b32", O_EXCH, T('b', 32), V_INT, 32 },
		{ "exch.b64", O_EXCH, T('b', 64), V_INT, 64 }, { "cas.b32", O_CAS, T('b', 32), V_SMALL, 32 },
		{ "cas.b64", O_CAS, T('b', 64), V_SMALL, 64 }, { "cas.b16", O_CAS, T('b', 16), V_SMALL, 16 },
		{ "add.f32", O_FADD, T('f', 32), V_F32, 32 }, { "add.f64", O_FADD, T('f', 64), V_F64, 64 },
		{ "add.noftz.f16x2", O_FADD, T('f', 16), V_F16, 32 }, { "add.noftz.f16", O_FADD, T('f', 16), V_F16, 16 },
		{ "add.noftz.bf16x2", O_FADD, T('B', 16), V_BF16, 32 }, { "add.noftz.bf16", O_FADD, T('B', 16), V_BF16, 16 },
	};
	static const char *const orders[] = { "", ".relaxed.gpu", ".acquire.cta", ".release.sys", ".acq_rel.gpu" };
	static const char *const spaces[] = { ".global", ".shared", "" };
	static const char *const cells[] = { "%G", "%S", "%X" };
	unsigned int i, space, order = 0;

	for (i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		for (space = 0; space < 3; space++, order++) {
			enum reg r = class_of(ops[i].bits);
			struct form f = { .eval = atomic, .type = ops[i].type, .d = r, .s = { r, r, ops[i].mode == O_CAS ? r : R_NONE },
					  .flavour = { ops[i].flavour, ops[i].flavour, V_INT }, .mode = ops[i].mode, .no_imm = true };
			const char *more = ops[i].mode == O_CAS ? ", %c" : "", *to = cells[space], *at = spaces[space];
			const char *how = orders[order % 5];

			form_add(f, "st%s.b%u [%s], %%b; atom%s%s.%s %%d, [%s], %%a%s;", at, ops[i].bits, to, how, at, ops[i].text, to,
				 more);
			f.mode2 = 1;
			form_add(f, "st%s.b%u [%s], %%b; atom%s%s.%s %%d, [%s], %%a%s; ld%s.b%u %%d, [%s];", at, ops[i].bits, to, how,
				 at, ops[i].text, to, more, at, ops[i].bits, to);
			if (ops[i].mode != O_CAS && ops[i].mode != O_EXCH && strcmp(how, ".acquire.cta") && strcmp(how, ".acq_rel.gpu"))
				form_add(f, "st%s.b%u [%s], %%b; red%s%s.%s [%s], %%a; ld%s.b%u %%d, [%s];", at, ops[i].bits, to, how,
					 at, ops[i].text, to, at, ops[i].bits, to);
		}
}

void forms_memory(void)
{
	static const u16 types[] = { T('u', 8), T('s', 8), T('b', 8), T('u', 16), T('s', 16), T('b', 16), T('u', 32), T('s', 32),
				     T('b', 32), T('u', 64), T('s', 64), T('b', 64) };
	static const char *const spaces[] = { ".global", ".shared", ".local", "" };
	static const char *const cells[] = { "%G", "%S", "%L", "%X" };
	static const char *const how[] = { "", ".volatile", ".relaxed.gpu", ".ca" };
	unsigned int i, space, bytes, turn = 0;
	enum reg r;

	for (i = 0; i < sizeof(types) / sizeof(*types); i++)
		for (space = 0; space < 4; space++) {
			bytes = T_BITS(types[i]) / 8;
			for (r = class_of(T_BITS(types[i])); r <= R_D; r++, turn++) {
				struct form f = { .eval = load, .type = types[i], .d = r, .s = { R_D }, .no_imm = true,
						  .mode = (int)(turn % (8 / bytes) * bytes) };
				const char *order = space == 2 ? "" : how[turn % 4];

				form_add(f, "st%s.b64 [%s], %%a; ld%s%s.%c%u %%d, [%s+%d];", spaces[space], cells[space],
					 order, spaces[space], T_KIND(types[i]), T_BITS(types[i]), cells[space], f.mode);
			}
			form_add((struct form){ .eval = store, .type = types[i], .d = R_D, .s = { R_D, R_D }, .no_imm = true },
				 "st%s.u64 [%s], %%b; st%s.%c%u [%s], %%a; ld%s.u64 %%d, [%s];", spaces[space], cells[space], spaces[space],
				 T_KIND(types[i]), T_BITS(types[i]), cells[space], spaces[space], cells[space]);
		}
	for (i = 0; i < 3; i++) {
		struct form f = { .eval = second, .d = R_W, .s = { R_W, R_W, R_W, R_W }, .no_imm = true };
		const char *at = spaces[i], *to = cells[i];

		f.mode = 1;
		form_add(f, "st%s.v2.b32 [%s], {%%a, %%b}; ld%s.v2.u32 {%%tw, %%d}, [%s];", at, to, at, to);
		f.mode = 2;
		form_add(f, "st%s.v4.b32 [%s], {%%a, %%b, %%c, %%e}; ld%s.v4.f32 {%%tw, %%tw, %%d, %%tw}, [%s];", at, to, at, to);
		f.mode = 3;
		form_add(f, "st%s.v4.u32 [%s], {%%a, %%b, %%c, %%e}; ld%s.b32 %%d, [%s+12];", at, to, at, to);
		f.d = R_D;
		f.s[0] = f.s[1] = R_D;
		f.s[2] = f.s[3] = R_NONE;
		f.mode = 0;
		form_add(f, "st%s.v2.b64 [%s], {%%a, %%b}; ld%s.v2.f64 {%%d, %%td}, [%s];", at, to, at, to);
		form_add(f, "mov.b128 %%tq, {%%a, %%b}; st%s.b128 [%s], %%tq; ld%s.b64 %%d, [%s];", at, to, at, to);
		form_add(f, "st%s.v2.b64 [%s], {%%a, %%b}; ld%s.b128 %%tq, [%s]; mov.b128 {%%d, %%td}, %%tq;", at, to, at, to);
		f.mode = 1;
		form_add(f, "mov.b128 %%tq, {%%a, %%b}; st%s.b128 [%s], %%tq; ld%s.u64 %%d, [%s+8];", at, to, at, to);
		form_add(f, "st%s.v2.b64 [%s], {%%a, %%b}; ld%s.b128 %%tq, [%s]; mov.b128 {%%td, %%d}, %%tq;", at, to, at, to);
		f.d = R_H;
		f.s[0] = f.s[1] = f.s[2] = f.s[3] = R_H;
		f.mode = 2;
		form_add(f, "st%s.v4.b16 [%s], {%%a, %%b, %%c, %%e}; ld%s.v4.u16 {%%th, %%th, %%d, %%th}, [%s];", at, to, at, to);
	}
	form_add((struct form){ .eval = packed, .type = T('b', 32), .d = R_D, .s = { R_W, R_W }, .no_imm = true }, "mov.b64 %%d, {%%a, %%b};");
	form_add((struct form){ .eval = packed, .type = T('b', 16), .d = R_W, .s = { R_H, R_H }, .no_imm = true }, "mov.b32 %%d, {%%a, %%b};");
	for (i = 0; i < 2; i++) {
		const char *parts[] = { "{%d, %tw}", "{%tw, %d}", "{%d, %th}", "{%th, %d}" };

		form_add((struct form){ .eval = unpacked, .type = T('b', 32), .d = R_W, .s = { R_D }, .mode = (int)i, .no_imm = true },
			 "mov.b64 %s, %%a;", parts[i]);
		form_add((struct form){ .eval = unpacked, .type = T('b', 16), .d = R_H, .s = { R_W }, .mode = (int)i, .no_imm = true },
			 "mov.b32 %s, %%a;", parts[2 + i]);
	}
	for (i = 0; i < 2; i++) {
		struct form f = { .eval = second, .d = R_D, .s = { R_D, R_D }, .mode = (int)i, .no_imm = true };
		const char *parts = i ? "{%td, %d}" : "{%d, %td}";

		form_add(f, "mov.b128 %%tq, {%%a, %%b}; mov.b128 %s, %%tq;", parts);
		form_add(f, "mov.b128 %%tq, {%%a, %%b}; mov.b128 %%tr, %%tq; mov.b128 %%tq, {%%b, %%a}; mov.b128 %s, %%tr;", parts);
	}
	atomic_forms();
}

/* mode: 0 up, 1 down, 2 bfly, 3 idx; mode2: the predicate is asked for. */
static u64 shuffle(const struct form *f, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	int b = (int)(v[1][lane] & 31), clamp = (int)(v[2][lane] & 31), segment = (int)(v[2][lane] >> 8 & 31), from;
	int last = ((int)lane & segment) | (clamp & ~segment), first = (int)lane & segment;
	bool inside;

	switch (f->mode) {
	case 0:
		from = (int)lane - b;
		inside = from >= last;
		break;
	case 1:
		from = (int)lane + b;
		inside = from <= last;
		break;
	case 2:
		from = (int)lane ^ b;
		inside = from <= last;
		break;
	default:
		from = first | (b & ~segment);
		inside = from <= last;
	}
	return f->mode2 ? inside : v[0][inside ? from : (int)lane];
}

/* mode: 0 all, 1 any, 2 uni, 3 ballot; mode2: negated */
static u64 vote(const struct form *f, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	u64 set = 0;
	unsigned int i;

	for (i = 0; i < LANES; i++)
		set |= (u64)(v[0][i] != (u64)f->mode2) << i;
	switch (f->mode) {
	case 0:
		return set == 0xffffffff;
	case 1:
		return set != 0;
	case 2:
		return set == 0 || set == 0xffffffff;
	default:
		return set;
	}
}

/* mode: 0 any, 1 all, 2 the predicate of all */
static u64 match(const struct form *f, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	u64 same = 0;
	unsigned int i;

	for (i = 0; i < LANES; i++)
		same |= (u64)(v[0][i] == v[0][lane]) << i;
	return !f->mode ? same : f->mode == 1 ? (same == 0xffffffff ? same : 0) : same == 0xffffffff;
}

static u64 reduce(const struct form *f, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	s128 r = int_value(f->type, v[0][0]), x;
	unsigned int i;

	for (i = 1; i < LANES; i++) {
		x = int_value(f->type, v[0][i]);
		switch (f->mode) {
		case O_ADD:
			r += x;
			break;
		case O_MIN:
			r = x < r ? x : r;
			break;
		case O_MAX:
			r = x > r ? x : r;
			break;
		case O_AND:
			r &= x;
			break;
		case O_OR:
			r |= x;
			break;
		default:
			r ^= x;
		}
	}
	return (u64)r;
}

void forms_warp(void)
{
	static const char *const modes[] = { "up", "down", "bfly", "idx" }, *const votes[] = { "all", "any", "uni", "ballot" };
	static const struct {
		const char *text;
		int mode;
		u16 type;
	} reductions[] = {
		{ "add.u32", O_ADD, T('u', 32) }, { "add.s32", O_ADD, T('s', 32) }, { "min.u32", O_MIN, T('u', 32) },
		{ "min.s32", O_MIN, T('s', 32) }, { "max.u32", O_MAX, T('u', 32) }, { "max.s32", O_MAX, T('s', 32) },
		{ "and.b32", O_AND, T('b', 32) }, { "or.b32", O_OR, T('b', 32) }, { "xor.b32", O_XOR, T('b', 32) },
	};
	unsigned int i;

	for (i = 0; i < 4; i++) {
		struct form f = { .eval = shuffle, .d = R_W, .s = { R_W, R_W, R_W }, .flavour = { V_INT, V_SHIFT, V_MASK }, .mode = (int)i,
				  .warp = true };

		form_add(f, "shfl.sync.%s.b32 %%d, %%a, %%b, %%c, -1;", modes[i]);
		form_add(f, "shfl.sync.%s.b32 %%d|%%tp, %%a, %%b, %%c, 0xffffffff;", modes[i]);
		f.mode2 = 1;
		f.d = R_P;
		form_add(f, "shfl.sync.%s.b32 %%tw|%%d, %%a, %%b, %%c, -1;", modes[i]);
		f = (struct form){ .eval = vote, .d = i == 3 ? R_W : R_P, .s = { R_P }, .mode = (int)i, .warp = true, .no_imm = true };
		form_add(f, "vote.sync.%s.%s %%d, %%a, -1;", votes[i], i == 3 ? "b32" : "pred");
		f.mode2 = 1;
		form_add(f, "vote.sync.%s.%s %%d, !%%a, -1;", votes[i], i == 3 ? "b32" : "pred");
	}
	for (i = 0; i < 2; i++) {
		struct form f = { .eval = match, .d = R_W, .s = { i ? R_D : R_W }, .flavour = { V_SMALL }, .warp = true, .no_imm = true };

		form_add(f, "match.any.sync.b%u %%d, %%a, -1;", i ? 64 : 32);
		f.mode = 1;
		form_add(f, "match.all.sync.b%u %%d, %%a, -1;", i ? 64 : 32);
		form_add(f, "match.all.sync.b%u %%d|%%tp, %%a, -1;", i ? 64 : 32);
		f.mode = 2;
		f.d = R_P;
		form_add(f, "match.all.sync.b%u %%tw|%%d, %%a, -1;", i ? 64 : 32);
	}
	for (i = 0; i < sizeof(reductions) / sizeof(*reductions); i++)
		form_add((struct form){ .eval = reduce, .type = reductions[i].type, .d = R_W, .s = { R_W }, .mode = reductions[i].mode,
					.warp = true, .no_imm = true }, "redux.sync.%s %%d, %%a, -1;", reductions[i].text);
}
