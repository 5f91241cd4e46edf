/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* Special registers. */
#ifndef EXECUTOR_SOFT_SREG_H
#define EXECUTOR_SOFT_SREG_H

#include <stdbool.h>

/* X(id, name, bits, vector) */
#define PTX_SREGS(X)						\
	X(TID, "tid", 32, true)					\
	X(NTID, "ntid", 32, true)				\
	X(CTAID, "ctaid", 32, true)				\
	X(NCTAID, "nctaid", 32, true)				\
	X(CLUSTERID, "clusterid", 32, true)			\
	X(NCLUSTERID, "nclusterid", 32, true)			\
	X(CLUSTER_CTAID, "cluster_ctaid", 32, true)		\
	X(CLUSTER_NCTAID, "cluster_nctaid", 32, true)		\
	X(CLUSTER_CTARANK, "cluster_ctarank", 32, false)	\
	X(CLUSTER_NCTARANK, "cluster_nctarank", 32, false)	\
	X(IS_EXPLICIT_CLUSTER, "is_explicit_cluster", 1, false)	\
	X(LANEID, "laneid", 32, false)				\
	X(WARPID, "warpid", 32, false)				\
	X(NWARPID, "nwarpid", 32, false)			\
	X(SMID, "smid", 32, false)				\
	X(NSMID, "nsmid", 32, false)				\
	X(GRIDID, "gridid", 64, false)				\
	X(LANEMASK_EQ, "lanemask_eq", 32, false)		\
	X(LANEMASK_LE, "lanemask_le", 32, false)		\
	X(LANEMASK_LT, "lanemask_lt", 32, false)		\
	X(LANEMASK_GE, "lanemask_ge", 32, false)		\
	X(LANEMASK_GT, "lanemask_gt", 32, false)		\
	X(CLOCK, "clock", 32, false)				\
	X(CLOCK_HI, "clock_hi", 32, false)			\
	X(CLOCK64, "clock64", 64, false)			\
	X(GLOBALTIMER, "globaltimer", 64, false)		\
	X(GLOBALTIMER_LO, "globaltimer_lo", 32, false)		\
	X(GLOBALTIMER_HI, "globaltimer_hi", 32, false)		\
	X(TOTAL_SMEM_SIZE, "total_smem_size", 32, false)	\
	X(AGGR_SMEM_SIZE, "aggr_smem_size", 32, false)		\
	X(DYNAMIC_SMEM_SIZE, "dynamic_smem_size", 32, false)	\
	X(RESERVED_SMEM_OFFSET_BEGIN, "reserved_smem_offset_begin", 32, false)	\
	X(RESERVED_SMEM_OFFSET_END, "reserved_smem_offset_end", 32, false)	\
	X(RESERVED_SMEM_OFFSET_CAP, "reserved_smem_offset_cap", 32, false)	\
	X(RESERVED_SMEM_OFFSET_0, "reserved_smem_offset_0", 32, false)	\
	X(RESERVED_SMEM_OFFSET_1, "reserved_smem_offset_1", 32, false)	\
	X(CURRENT_GRAPH_EXEC, "current_graph_exec", 64, false)	\
	X(ENVREG1, "envreg1", 32, false)			\
	X(ENVREG2, "envreg2", 32, false)

enum sreg {
	SR_NONE,
#define X(id, name, bits, vector) SR_##id,
	PTX_SREGS(X)
#undef X
	SR_COUNT,
	/* %pm0..7, %pm0_64..7_64 and the other %envreg0..31 read as zero. */
	SR_ZERO32 = SR_COUNT,
	SR_ZERO64,
};

/**
 * sreg_find - looks a special register up
 * @name: name with its %
 * @len: bytes of it
 *
 * Return: enum sreg, or SR_NONE.
 */
int sreg_find(const char *name, unsigned int len);

/**
 * sreg_is_vector - tells whether a special register has components
 * @sreg: enum sreg
 */
bool sreg_is_vector(int sreg);

/**
 * sreg_bits - width of a special register or its components
 * @sreg: enum sreg
 */
unsigned int sreg_bits(int sreg);

#endif
