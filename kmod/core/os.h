/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * What the core uses of its surroundings: the kernel's own primitives, or the same names in
 * userspace.
 */
#ifndef VGPU_CORE_OS_H
#define VGPU_CORE_OS_H

#ifdef __KERNEL__

#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/cache.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/lockdep.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/prefetch.h>
#include <linux/random.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/types.h>

/* Of what is to lie in one cache line. */
#define VGPU_CACHE_LINE	____cacheline_aligned

/**
 * vgpu_now_ns() - time on the clock of charges and deadlines
 *
 * Return: nanoseconds of CLOCK_MONOTONIC. Context: any.
 */
static inline u64 vgpu_now_ns(void)
{
	return ktime_get_ns();
}

#else
#include "os_user.h"
#endif

#endif /* VGPU_CORE_OS_H */
