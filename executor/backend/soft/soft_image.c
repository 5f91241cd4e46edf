// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../image.h"
#include "soft_image.h"

#define INPUTS_MAX	4096
#define ARCH		(10 * PTX_CC_MAJOR + PTX_CC_MINOR)
#define TEXT_(x)	#x
#define TEXT(x)		TEXT_(x)
#define COMPUTE		"compute_" TEXT(PTX_CC_MAJOR) TEXT(PTX_CC_MINOR)
#define ADVICE		"compile with -gencode arch=" COMPUTE ",code=" COMPUTE

/* CUjitInputType */
#define INPUT_PTX	1
#define INPUT_NVVM	5

/**
 * soft_log_add() - write a line
 * @log: to which
 * @format: as printf()
 */
void soft_log_add(struct soft_log *log, const char *format, ...)
{
	va_list args;
	int n;

	if (log->used >= log->size)
		return;
	va_start(args, format);
	n = vsnprintf(log->text + log->used, log->size - log->used, format, args);
	va_end(args);
	if (n > 0)
		log->used += (size_t)n;
	if (log->used >= log->size)
		log->used = log->size - 1;
}

static int add_input(struct soft_inputs *inputs, const char *name, const void *text, size_t len, void *owned)
{
	unsigned int max;
	void *grown;

	if (inputs->num == INPUTS_MAX)
		return PTX_ERROR_INVALID_VALUE;
	if (inputs->num == inputs->max) {
		max = inputs->max ? inputs->max * 2 : 4;
		grown = realloc(inputs->inputs, max * sizeof(*inputs->inputs));
		if (!grown)
			return PTX_ERROR_OUT_OF_MEMORY;
		inputs->inputs = grown;
		grown = realloc(inputs->owned, max * sizeof(*inputs->owned));
		if (!grown)
			return PTX_ERROR_OUT_OF_MEMORY;
		inputs->owned = grown;
		inputs->max = max;
	}
	inputs->inputs[inputs->num].name = name;
	inputs->inputs[inputs->num].text = text;
	inputs->inputs[inputs->num].len = len;
	inputs->owned[inputs->num] = owned;
	inputs->num++;
	return PTX_SUCCESS;
}

/**
 * soft_inputs_free() - free what was found
 * @inputs: from soft_image_inputs(), whatever that returned
 */
void soft_inputs_free(struct soft_inputs *inputs)
{
	unsigned int i;

	for (i = 0; i < inputs->num; i++)
		free(inputs->owned[i]);
	free(inputs->owned);
	free(inputs->inputs);
	memset(inputs, 0, sizeof(*inputs));
}

static const char *shown_name(const char *name)
{
	return name ? name : "image";
}

static int unpack_ptx(const struct fatbin_entry *entry, const char *name, struct soft_inputs *inputs,
		      struct soft_log *log)
{
	void *text;
	size_t len;
	int ret;

	ret = fatbin_unpack(entry, &text, &len);
	switch (ret) {
	case 0:
		break;
	case -ENOMEM:
		return PTX_ERROR_OUT_OF_MEMORY;
	case -EOPNOTSUPP:
		soft_log_add(log,
			     "error   : %s: PTX for compute_%u is packed with zstd, which this vgpu-executor was built without: compile with nvcc --no-compress\n",
			     shown_name(name), entry->arch);
		return PTX_ERROR_NO_BINARY_FOR_GPU;
	default:
		soft_log_add(log, "error   : %s: PTX for compute_%u is damaged: it cannot be unpacked\n",
			     shown_name(name), entry->arch);
		return PTX_ERROR_INVALID_IMAGE;
	}
	ret = add_input(inputs, name, text, len, text);
	if (ret)
		free(text);
	return ret;
}

static int from_fatbin(const char *name, const void *image, size_t len, struct soft_inputs *inputs,
		       struct soft_log *log)
{
	struct fatbin_entry entry, best = { 0 };
	unsigned int cubins = 0, oldest = 0;
	size_t pos = 0;
	int ret;

	while ((ret = fatbin_next(image, len, &pos, &entry)) > 0) {
		if (entry.kind == FATBIN_KIND_CUBIN)
			cubins++;
		if (entry.kind != FATBIN_KIND_PTX)
			continue;
		if (!oldest || entry.arch < oldest)
			oldest = entry.arch;
		if (entry.arch <= ARCH && (!best.data || entry.arch > best.arch))
			best = entry;
	}
	if (ret < 0) {
		soft_log_add(log, "error   : %s: damaged fat binary: an entry at byte %zu of %zu does not fit\n",
			     shown_name(name), pos, len);
		return PTX_ERROR_INVALID_IMAGE;
	}
	if (best.data)
		return unpack_ptx(&best, name, inputs, log);
	if (oldest)
		soft_log_add(log,
			     "error   : %s: the oldest PTX that it holds is for a newer GPU, compute_%u; this one is " COMPUTE ": " ADVICE "\n",
			     shown_name(name), oldest);
	else
		soft_log_add(log,
			     "error   : %s: it holds no PTX, only %u entries of machine code, which the vgpu soft GPU cannot run: " ADVICE "\n",
			     shown_name(name), cubins);
	return PTX_ERROR_NO_BINARY_FOR_GPU;
}

static int from_image(const char *name, const void *image, size_t len, struct soft_inputs *inputs, struct soft_log *log)
{
	enum image_type type = image_type(image, len);

	switch (type) {
	case IMAGE_TEXT:
		return add_input(inputs, name, image, len, NULL);
	case IMAGE_FATBIN:
		return from_fatbin(name, image, len, inputs, log);
	case IMAGE_CUBIN:
		soft_log_add(log,
			     "error   : %s: it is a cubin, machine code for one kind of GPU; the vgpu soft GPU runs PTX: " ADVICE "\n",
			     shown_name(name));
		return PTX_ERROR_NO_BINARY_FOR_GPU;
	case IMAGE_HOST_ELF:
	case IMAGE_ARCHIVE:
	case IMAGE_BITCODE:
		soft_log_add(log,
			     "error   : %s: it is %s; the vgpu soft GPU takes PTX text and fat binaries with PTX\n",
			     shown_name(name), image_type_name(type));
		return PTX_ERROR_NO_BINARY_FOR_GPU;
	default:
		soft_log_add(log, "error   : %s: it is %s: neither PTX text nor a fat binary\n", shown_name(name),
			     image_type_name(type));
		return PTX_ERROR_INVALID_IMAGE;
	}
}

static int from_link(const void *image, size_t len, struct soft_inputs *inputs, struct soft_log *log)
{
	struct link_input input;
	size_t pos = 0;
	int ret, result;

	while ((ret = link_next(image, len, &pos, &input)) > 0) {
		if (input.type > INPUT_NVVM) {
			soft_log_add(log, "error   : %s: input type %u is none that cuLinkAddData knows\n",
				     shown_name(input.name), input.type);
			return PTX_ERROR_INVALID_VALUE;
		}
		if (input.type == INPUT_PTX)
			result = add_input(inputs, input.name, input.data, input.len, NULL);
		else
			result = from_image(input.name, input.data, input.len, inputs, log);
		if (result)
			return result;
	}
	if (ret < 0) {
		soft_log_add(log, "error   : damaged link container: an input at byte %zu of %zu does not fit\n",
			     pos, len);
		return PTX_ERROR_INVALID_IMAGE;
	}
	if (!inputs->num) {
		soft_log_add(log, "error   : nothing to link\n");
		return PTX_ERROR_INVALID_IMAGE;
	}
	return PTX_SUCCESS;
}

/**
 * soft_image_inputs() - find the PTX in an image
 * @image: private copy of its bytes; the inputs point into it
 * @len: of @image
 * @kind: enum vgpu_image_kind
 * @inputs: zeroed; filled in
 * @log: for what is wrong
 *
 * Return: PTX_SUCCESS with at least one input, or a CUresult with the reason in @log.
 */
int soft_image_inputs(const void *image, size_t len, uint32_t kind, struct soft_inputs *inputs, struct soft_log *log)
{
	if (kind == VGPU_IMAGE_LINK)
		return from_link(image, len, inputs, log);
	return from_image(NULL, image, len, inputs, log);
}
