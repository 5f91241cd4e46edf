/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* Fundamental types of PTX and the modifiers that follow an opcode's name. */
#ifndef EXECUTOR_SOFT_TYPES_H
#define EXECUTOR_SOFT_TYPES_H

#include <stdbool.h>
#include <stdint.h>

/* X(suffix, name, bits, kind) */
#define PTX_TYPES(X)			\
	X(PRED, "pred", 1, TK_PRED)	\
	X(B8, "b8", 8, TK_BITS)		\
	X(U8, "u8", 8, TK_UNSIGNED)	\
	X(S8, "s8", 8, TK_SIGNED)	\
	X(B16, "b16", 16, TK_BITS)	\
	X(U16, "u16", 16, TK_UNSIGNED)	\
	X(S16, "s16", 16, TK_SIGNED)	\
	X(F16, "f16", 16, TK_FLOAT)	\
	X(BF16, "bf16", 16, TK_FLOAT)	\
	X(B32, "b32", 32, TK_BITS)	\
	X(U32, "u32", 32, TK_UNSIGNED)	\
	X(S32, "s32", 32, TK_SIGNED)	\
	X(F32, "f32", 32, TK_FLOAT)	\
	X(TF32, "tf32", 32, TK_FLOAT)	\
	X(F16X2, "f16x2", 32, TK_FLOAT)	\
	X(BF16X2, "bf16x2", 32, TK_FLOAT) \
	X(U16X2, "u16x2", 32, TK_UNSIGNED) \
	X(S16X2, "s16x2", 32, TK_SIGNED) \
	X(B64, "b64", 64, TK_BITS)	\
	X(U64, "u64", 64, TK_UNSIGNED)	\
	X(S64, "s64", 64, TK_SIGNED)	\
	X(F64, "f64", 64, TK_FLOAT)	\
	X(F32X2, "f32x2", 64, TK_FLOAT)	\
	X(B128, "b128", 128, TK_BITS)	\
	X(E4M3X2, "e4m3x2", 16, TK_FLOAT) \
	X(E5M2X2, "e5m2x2", 16, TK_FLOAT) \
	X(E4M3, "e4m3", 8, TK_FLOAT)	\
	X(E5M2, "e5m2", 8, TK_FLOAT)	\
	X(U4, "u4", 4, TK_UNSIGNED)	\
	X(S4, "s4", 4, TK_SIGNED)	\
	X(B1, "b1", 1, TK_BITS)		\
	X(TEXREF, "texref", 64, TK_OPAQUE) \
	X(SAMPLERREF, "samplerref", 64, TK_OPAQUE) \
	X(SURFREF, "surfref", 64, TK_OPAQUE)

enum type_kind {
	TK_NONE, TK_PRED, TK_BITS, TK_UNSIGNED, TK_SIGNED, TK_FLOAT, TK_OPAQUE,
};

enum ptx_type {
	T_NONE,
#define X(id, name, bits, kind) T_##id,
	PTX_TYPES(X)
#undef X
	T_COUNT
};

/**
 * struct type_info - a type
 * @name: without the dot
 * @bits: width of a value
 * @kind: class of values
 */
struct type_info {
	const char *name;
	uint8_t bits;
	uint8_t kind;
};

extern const struct type_info ptx_types[T_COUNT];

static inline unsigned int type_bits(unsigned int type)
{
	return ptx_types[type].bits;
}

static inline unsigned int type_bytes(unsigned int type)
{
	return (ptx_types[type].bits + 7) / 8;
}

static inline bool type_is_float(unsigned int type)
{
	return ptx_types[type].kind == TK_FLOAT;
}

static inline bool type_is_signed(unsigned int type)
{
	return ptx_types[type].kind == TK_SIGNED;
}

static inline bool type_is_int(unsigned int type)
{
	return ptx_types[type].kind == TK_SIGNED || ptx_types[type].kind == TK_UNSIGNED ||
	       ptx_types[type].kind == TK_BITS;
}

/*
 * Modifiers. Every modifier belongs to a category; an instruction has at most one modifier of each category (types,
 * flags and cache hints aside). X(category, value, name)
 */
#define PTX_MODIFIERS(X)				\
	X(SPACE, PARAM, "param")			\
	X(SPACE, GLOBAL, "global")			\
	X(SPACE, SHARED, "shared")			\
	X(SPACE, LOCAL, "local")			\
	X(SPACE, CONST, "const")			\
	X(SPACE, SHARED_CTA, "shared::cta")		\
	X(SPACE, SHARED_CLUSTER, "shared::cluster")	\
	X(SPACE, PARAM_ENTRY, "param::entry")		\
	X(SPACE, PARAM_FUNC, "param::func")		\
	X(SPACE, GENERIC, "generic")			\
	X(SPACE, SREG, "sreg")				\
	X(ROUND, RN, "rn")				\
	X(ROUND, RZ, "rz")				\
	X(ROUND, RM, "rm")				\
	X(ROUND, RP, "rp")				\
	X(ROUND, RNA, "rna")				\
	X(ROUND, RNI, "rni")				\
	X(ROUND, RZI, "rzi")				\
	X(ROUND, RMI, "rmi")				\
	X(ROUND, RPI, "rpi")				\
	X(CMP, EQ, "eq")				\
	X(CMP, NE, "ne")				\
	X(CMP, LT, "lt")				\
	X(CMP, LE, "le")				\
	X(CMP, GT, "gt")				\
	X(CMP, GE, "ge")				\
	X(CMP, LS, "ls")				\
	X(CMP, HS, "hs")				\
	X(CMP, EQU, "equ")				\
	X(CMP, NEU, "neu")				\
	X(CMP, LTU, "ltu")				\
	X(CMP, LEU, "leu")				\
	X(CMP, GTU, "gtu")				\
	X(CMP, GEU, "geu")				\
	X(CMP, NUM, "num")				\
	X(CMP, NAN, "nan")				\
	X(HALF, LO, "lo")				\
	X(HALF, HI, "hi")				\
	X(HALF, WIDE, "wide")				\
	X(RED, AND, "and")				\
	X(RED, OR, "or")				\
	X(RED, XOR, "xor")				\
	X(RED, ADD, "add")				\
	X(RED, MIN, "min")				\
	X(RED, MAX, "max")				\
	X(RED, INC, "inc")				\
	X(RED, DEC, "dec")				\
	X(RED, EXCH, "exch")				\
	X(RED, CAS, "cas")				\
	X(RED, POPC, "popc")				\
	X(VEC, V2, "v2")				\
	X(VEC, V4, "v4")				\
	X(VEC, V8, "v8")				\
	X(SEM, WEAK, "weak")				\
	X(SEM, RELAXED, "relaxed")			\
	X(SEM, ACQUIRE, "acquire")			\
	X(SEM, RELEASE, "release")			\
	X(SEM, ACQ_REL, "acq_rel")			\
	X(SEM, SC, "sc")				\
	X(SEM, VOLATILE, "volatile")			\
	X(SCOPE, CTA, "cta")				\
	X(SCOPE, CLUSTER, "cluster")			\
	X(SCOPE, GPU, "gpu")				\
	X(SCOPE, SYS, "sys")				\
	X(SCOPE, GL, "gl")				\
	X(VOTE, ALL, "all")				\
	X(VOTE, ANY, "any")				\
	X(VOTE, BALLOT, "ballot")			\
	X(MODE, UP, "up")				\
	X(MODE, DOWN, "down")				\
	X(MODE, BFLY, "bfly")				\
	X(MODE, IDX, "idx")				\
	X(MODE, F4E, "f4e")				\
	X(MODE, B4E, "b4e")				\
	X(MODE, RC8, "rc8")				\
	X(MODE, ECL, "ecl")				\
	X(MODE, ECR, "ecr")				\
	X(MODE, RC16, "rc16")				\
	X(MODE, L, "l")					\
	X(MODE, R, "r")					\
	X(TEST, FINITE, "finite")			\
	X(TEST, INFINITE, "infinite")			\
	X(TEST, NUMBER, "number")			\
	X(TEST, NOTANUMBER, "notanumber")		\
	X(TEST, NORMAL, "normal")			\
	X(TEST, SUBNORMAL, "subnormal")			\
	X(WRAP, CLAMP, "clamp")				\
	X(WRAP, WRAP, "wrap")				\
	X(WRAP, ZERO, "zero")				\
	X(WRAP, TRAP, "trap")				\
	X(SYNC, SYNC, "sync")				\
	X(SYNC, ARRIVE, "arrive")			\
	X(SYNC, RED, "red")				\
	X(SYNC, WAIT, "wait")				\
	X(SYNC, WARP, "warp")				\
	X(LAYOUT, ROW, "row")				\
	X(LAYOUT, COL, "col")				\
	X(SHAPE, M8N8K4, "m8n8k4")			\
	X(SHAPE, M8N8K16, "m8n8k16")			\
	X(SHAPE, M8N8K32, "m8n8k32")			\
	X(SHAPE, M8N8K128, "m8n8k128")			\
	X(SHAPE, M16N8K4, "m16n8k4")			\
	X(SHAPE, M16N8K8, "m16n8k8")			\
	X(SHAPE, M16N8K16, "m16n8k16")			\
	X(SHAPE, M16N8K32, "m16n8k32")			\
	X(SHAPE, M16N8K64, "m16n8k64")			\
	X(SHAPE, M16N8K128, "m16n8k128")		\
	X(SHAPE, M16N8K256, "m16n8k256")		\
	X(SHAPE, M16N16K16, "m16n16k16")		\
	X(SHAPE, M16N16K8, "m16n16k8")			\
	X(SHAPE, M32N8K16, "m32n8k16")			\
	X(SHAPE, M8N32K16, "m8n32k16")			\
	X(SHAPE, M8N8, "m8n8")				\
	X(WMMA, LOAD, "load")				\
	X(WMMA, STORE, "store")				\
	X(WMMA, MMA, "mma")				\
	X(FRAG, A, "a")					\
	X(FRAG, B, "b")					\
	X(FRAG, C, "c")					\
	X(FRAG, D, "d")					\
	X(COUNT, X1, "x1")				\
	X(COUNT, X2, "x2")				\
	X(COUNT, X4, "x4")				\
	X(ASYNC, ASYNC, "async")			\
	X(ASYNC, COMMIT_GROUP, "commit_group")		\
	X(ASYNC, WAIT_GROUP, "wait_group")		\
	X(ASYNC, WAIT_ALL, "wait_all")			\
	X(ASYNC, BULK, "bulk")				\
	X(MBAR, MBARRIER, "mbarrier")			\
	X(MBAR, INIT, "init")				\
	X(MBAR, INVAL, "inval")				\
	X(MBAR, ARRIVE_DROP, "arrive_drop")		\
	X(MBAR, TEST_WAIT, "test_wait")			\
	X(MBAR, TRY_WAIT, "try_wait")			\
	X(MBAR, PENDING_COUNT, "pending_count")		\
	X(MBAR, EXPECT_TX, "expect_tx")			\
	X(MBAR, COMPLETE_TX, "complete_tx")		\
	X(GEOM, G1D, "1d")				\
	X(GEOM, G2D, "2d")				\
	X(GEOM, G3D, "3d")				\
	X(GEOM, A1D, "a1d")				\
	X(GEOM, A2D, "a2d")				\
	X(GEOM, CUBE, "cube")				\
	X(GEOM, ACUBE, "acube")				\
	X(GEOM, G2DMS, "2dms")				\
	X(GEOM, A2DMS, "a2dms")				\
	X(QUERY, WIDTH, "width")			\
	X(QUERY, HEIGHT, "height")			\
	X(QUERY, DEPTH, "depth")			\
	X(QUERY, CHANNEL_DATA_TYPE, "channel_data_type")	\
	X(QUERY, CHANNEL_ORDER, "channel_order")	\
	X(QUERY, NORMALIZED_COORDS, "normalized_coords")	\
	X(QUERY, FORCE_UNNORMALIZED_COORDS, "force_unnormalized_coords")	\
	X(QUERY, FILTER_MODE, "filter_mode")		\
	X(QUERY, ADDR_MODE_0, "addr_mode_0")		\
	X(QUERY, ADDR_MODE_1, "addr_mode_1")		\
	X(QUERY, ADDR_MODE_2, "addr_mode_2")		\
	X(LOD, LEVEL, "level")				\
	X(LOD, GRAD, "grad")				\
	X(CACHE, CA, "ca")				\
	X(CACHE, CG, "cg")				\
	X(CACHE, CS, "cs")				\
	X(CACHE, LU, "lu")				\
	X(CACHE, CV, "cv")				\
	X(CACHE, WB, "wb")				\
	X(CACHE, WT, "wt")				\
	X(CACHE, EL_NORMAL, "L1::evict_normal")		\
	X(CACHE, EL_UNCHANGED, "L1::evict_unchanged")	\
	X(CACHE, EL_FIRST, "L1::evict_first")		\
	X(CACHE, EL_LAST, "L1::evict_last")		\
	X(CACHE, EL_NONE, "L1::no_allocate")		\
	X(CACHE, E2_NORMAL, "L2::evict_normal")		\
	X(CACHE, E2_FIRST, "L2::evict_first")		\
	X(CACHE, E2_LAST, "L2::evict_last")		\
	X(CACHE, E2_UNCHANGED, "L2::evict_unchanged")	\
	X(CACHE, P64, "L2::64B")			\
	X(CACHE, P128, "L2::128B")			\
	X(CACHE, P256, "L2::256B")			\
	X(CACHE, L1, "L1")				\
	X(CACHE, L2, "L2")				\
	X(CACHE, L2_128, "L2::discard")			\
	X(CACHE, FRACTIONAL, "fractional")		\
	X(CACHE, RANGE, "range")			\
	X(FLAG, SAT, "sat")				\
	X(FLAG, FTZ, "ftz")				\
	X(FLAG, APPROX, "approx")			\
	X(FLAG, FULL, "full")				\
	X(FLAG, CC, "cc")				\
	X(FLAG, UNI, "uni")				\
	X(FLAG, ALIGNED, "aligned")			\
	X(FLAG, NC, "nc")				\
	X(FLAG, NOFTZ, "noftz")				\
	X(FLAG, RELU, "relu")				\
	X(FLAG, XORSIGN, "xorsign")			\
	X(FLAG, ABS, "abs")				\
	X(FLAG, NAN, "NaN")				\
	X(FLAG, SHIFTAMT, "shiftamt")			\
	X(FLAG, TO, "to")				\
	X(FLAG, SATFINITE, "satfinite")			\
	X(FLAG, TRANS, "trans")				\
	X(FLAG, NOINC, "noinc")				\
	X(FLAG, NOCOMPLETE, "noComplete")		\
	X(FLAG, PARITY, "parity")			\
	X(FLAG, CACHE_HINT, "L2::cache_hint")		\
	X(FLAG, MMIO, "mmio")				\
	X(FLAG, PROXY, "proxy")				\
	X(FLAG, ALIAS, "alias")				\
	X(FLAG, TENSORMAP, "tensormap::generic")	\
	X(FLAG, P_ASYNC, "async::generic")		\
	X(FLAG, MBARRIER_INIT, "mbarrier_init")		\
	X(FLAG, SYNC_RESTRICT, "sync_restrict::shared::cta")	\
	X(FLAG, UNIFIED, "unified")			\
	X(FLAG, SPARSE, "sp")				\
	X(FLAG, SPARSE_ORDERED, "sp::ordered_metadata")	\
	X(FLAG, SHIFT7, "shr7")				\
	X(FLAG, SHIFT15, "shr15")			\
	X(FLAG, PO, "po")				\
	X(FLAG, BASE, "base")				\
	X(FLAG, COMPLETE_TX, "mbarrier::complete_tx::bytes")	\
	X(FLAG, PACK, "pack")				\
	X(FLAG, RELAXED_ARRIVE, "exit")

enum mod_category {
	MC_TYPE,
	MC_SPACE, MC_ROUND, MC_CMP, MC_HALF, MC_RED, MC_VEC, MC_SEM, MC_SCOPE, MC_VOTE, MC_MODE, MC_TEST, MC_WRAP,
	MC_SYNC, MC_LAYOUT, MC_SHAPE, MC_WMMA, MC_FRAG, MC_COUNT, MC_ASYNC, MC_MBAR, MC_GEOM, MC_QUERY, MC_LOD, MC_CACHE,
	MC_FLAG,
	MC_NUM
};

/* M_SPACE_GLOBAL and so on; the first T_COUNT values are the types. */
enum ptx_modifier {
	M_TYPES_END = T_COUNT - 1,
#define X(cat, id, name) M_##cat##_##id,
	PTX_MODIFIERS(X)
#undef X
	M_COUNT
};

/* Flags as bits of a set; they are the last modifiers of the list. */
#define MFLAG(id)	(1ull << (M_FLAG_##id - M_FLAG_SAT))

/**
 * struct mod_info - a modifier
 * @name: without the dot
 * @category: enum mod_category
 */
struct mod_info {
	const char *name;
	uint8_t category;
};

extern const struct mod_info ptx_modifiers[M_COUNT];

/**
 * ptx_modifier_find - looks a modifier up
 * @name: without the dot
 * @len: bytes of it
 *
 * Return: enum ptx_modifier, or -1.
 */
int ptx_modifier_find(const char *name, unsigned int len);

#endif
