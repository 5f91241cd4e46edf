/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * Looking again without sleeping, where nobody else wants the processor
 */
#ifndef EXECUTOR_PAUSE_H
#define EXECUTOR_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct pause - one thread's knowledge of the machine; zeroed at first
 * @turns: taken
 * @busy_until_ns: no spinning before
 */
struct pause {
	uint32_t turns;
	uint64_t busy_until_ns;
};

uint64_t pause_now_ns(void);
bool pause_spin(struct pause *pause);

#endif /* EXECUTOR_PAUSE_H */
