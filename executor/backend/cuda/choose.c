// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * The choice among the images of a fat binary. The driver would choose by itself, but then nothing would be known of
 * what it takes.
 */

#include <errno.h>

#include "../image.h"
#include "cuda.h"

/* Whether an image runs on this GPU, and better than another: machine code before PTX, then the newest. */
static bool is_better(const struct fatbin_entry *entry, const struct fatbin_entry *best, uint32_t arch)
{
	if (entry->kind == FATBIN_KIND_CUBIN) {
		if (entry->arch / 10 != arch / 10 || entry->arch > arch)
			return false;
	} else if (entry->kind != FATBIN_KIND_PTX || entry->arch > arch) {
		return false;
	}
	if (!best->data || entry->kind != best->kind)
		return !best->data || entry->kind == FATBIN_KIND_CUBIN;
	return entry->arch > best->arch;
}

/**
 * cuda_choose_image() - the image of a fat binary that is for this GPU
 * @image: fat binary
 * @len: bytes of it
 * @chosen: set to it, unpacked, with a NUL behind; to be freed
 * @chosen_len: bytes of it
 *
 * Return: CUresult; CUDA_ERROR_NO_BINARY_FOR_GPU where there is none. Context: any.
 */
CUresult cuda_choose_image(const void *image, size_t len, void **chosen, size_t *chosen_len)
{
	struct fatbin_entry entry, best = { 0 };
	int major = 0, minor = 0, more, error;
	size_t pos = 0;

	if (cu.cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, cuda.device) ||
	    cu.cuDeviceGetAttribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, cuda.device))
		return CUDA_ERROR_INVALID_DEVICE;
	while ((more = fatbin_next(image, len, &pos, &entry)) > 0)
		if (is_better(&entry, &best, (uint32_t)(major * 10 + minor)))
			best = entry;
	if (more < 0)
		return CUDA_ERROR_INVALID_IMAGE;
	if (!best.data)
		return CUDA_ERROR_NO_BINARY_FOR_GPU;
	error = fatbin_unpack(&best, chosen, chosen_len);
	if (error)
		return error == -ENOMEM ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_ERROR_INVALID_IMAGE;
	return CUDA_SUCCESS;
}
