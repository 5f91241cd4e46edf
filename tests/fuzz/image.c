// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * libFuzzer over module images: fat binaries (plain, LZ4, zstd), cubins, link containers. The first byte says which of the two kinds of
 * load it is; what is found must lie inside the image or be its own memory.
 */

#include <stdlib.h>
#include <string.h>

#include "executor/backend/image.h"
#include "executor/backend/soft/soft_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned int sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct soft_inputs inputs = { 0 };
	char text[512] = "";
	struct soft_log log = { .text = text, .size = sizeof(text) };
	unsigned int i, sum = 0;
	uint32_t kind;
	char *image;
	int result;
	size_t at;

	if (!size)
		return 0;
	kind = data[0] & 1 ? VGPU_IMAGE_LINK : VGPU_IMAGE_AUTO;
	/* Exactly so many bytes, for AddressSanitizer. */
	image = malloc(size);
	if (!image)
		abort();
	memcpy(image, data + 1, size - 1);
	result = soft_image_inputs(image, size - 1, kind, &inputs, &log);
	if (result && result != PTX_ERROR_OUT_OF_MEMORY && !log.used)
		abort();
	if (!result && !inputs.num)
		abort();
	for (i = 0; i < inputs.num; i++) {
		for (at = 0; at < inputs.inputs[i].len; at++)
			sum += (unsigned char)inputs.inputs[i].text[at];
		if (inputs.inputs[i].name)
			sum += (unsigned int)strlen(inputs.inputs[i].name);
	}
	sink = sum;
	soft_inputs_free(&inputs);
	free(image);
	return 0;
}
