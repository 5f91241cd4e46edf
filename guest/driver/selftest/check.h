/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* Checks: each runs in a process of its own, and fails at the first expectation not met. */
#ifndef VGPU_SELFTEST_CHECK_H
#define VGPU_SELFTEST_CHECK_H

#include <stdbool.h>
#include <stdnoreturn.h>
#include <linux/types.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/**
 * struct check - one behaviour
 * @name: of the behaviour
 * @run: returns if it holds, calls check_fail() if not, check_skip() if it cannot be tried here
 */
struct check {
	const char *name;
	void (*run)(void);
};

extern const char *check_device;
extern unsigned int check_seed;
extern const struct check session_checks[];
extern const struct check memory_checks[];
extern const struct check removal_checks[];

noreturn void check_fail(const char *file, int line, const char *format, ...);
noreturn void check_skip(const char *why);
void check_note(const char *format, ...);
const char *check_attribute(const char *name);
__u64 check_number(const char *name);
void check_until(const char *name, __u64 value);

/* @actual has to be @wanted; both are integers. */
#define EXPECT(actual, wanted)									\
	do {											\
		long long actual_ = (actual), wanted_ = (wanted);				\
		if (actual_ != wanted_)								\
			check_fail(__FILE__, __LINE__, "%s is %lld, not %lld", #actual,		\
				   actual_, wanted_);						\
	} while (0)

#define EXPECT_TRUE(condition)									\
	do {											\
		if (!(condition))								\
			check_fail(__FILE__, __LINE__, "not true: %s", #condition);		\
	} while (0)

#endif /* VGPU_SELFTEST_CHECK_H */
