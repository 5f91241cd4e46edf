/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * Module images for the interpreter: finds the PTX in what a guest loads.
 */
#ifndef EXECUTOR_SOFT_IMAGE_H
#define EXECUTOR_SOFT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "ptx.h"

/**
 * struct soft_log - text for the guest, cut off where it is full
 * @text: memory for it
 * @size: bytes of @text
 * @used: bytes written
 */
struct soft_log {
	char *text;
	size_t size;
	size_t used;
};

/**
 * struct soft_inputs - PTX texts found
 * @inputs: for ptx_module_load()
 * @owned: by input: memory to be freed, or NULL
 * @num: of both
 * @max: that both have room for
 */
struct soft_inputs {
	struct ptx_input *inputs;
	void **owned;
	unsigned int num;
	unsigned int max;
};

__attribute__((format(printf, 2, 3))) void soft_log_add(struct soft_log *log, const char *format, ...);
int soft_image_inputs(const void *image, size_t len, uint32_t kind, struct soft_inputs *inputs, struct soft_log *log);
void soft_inputs_free(struct soft_inputs *inputs);

#endif /* EXECUTOR_SOFT_IMAGE_H */
