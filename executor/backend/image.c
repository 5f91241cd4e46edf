// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "image.h"

#define EM_CUDA_MACHINE		190
#define FATBIN_MAGIC		0xba55ed50u
#define WRAPPER_MAGIC		0x466243b1u
#define BITCODE_MAGIC		0xdec04342u	/* "BC", 0xc0de */
#define LINK_ALIGN		8

static uint32_t word_at(const void *image, size_t len, size_t offset)
{
	uint32_t word = 0;

	if (offset <= len && len - offset >= sizeof(word))
		memcpy(&word, (const char *)image + offset, sizeof(word));
	return word;
}

static bool is_text(const unsigned char *image, size_t len)
{
	size_t i;

	for (i = 0; i < len && i < 64 && image[i]; i++) {
		if (image[i] < 0x20 && !strchr("\t\n\v\f\r", image[i]))
			return false;
	}
	return i > 0;
}

/**
 * image_type() - tell what an image is
 * @image: its bytes
 * @len: of @image
 *
 * Return: what it looks like; nothing is checked beyond its first bytes. Context: any.
 */
enum image_type image_type(const void *image, size_t len)
{
	uint16_t machine = 0;

	switch (word_at(image, len, 0)) {
	case FATBIN_MAGIC:
		return IMAGE_FATBIN;
	case WRAPPER_MAGIC:
		return IMAGE_FATBIN_WRAPPER;
	case BITCODE_MAGIC:
		return IMAGE_BITCODE;
	}
	if (len >= SELFMAG && !memcmp(image, ELFMAG, SELFMAG)) {
		if (len >= offsetof(Elf64_Ehdr, e_version))
			memcpy(&machine, (const char *)image + offsetof(Elf64_Ehdr, e_machine), sizeof(machine));
		return machine == EM_CUDA_MACHINE ? IMAGE_CUBIN : IMAGE_HOST_ELF;
	}
	if (len >= 8 && !memcmp(image, "!<arch>\n", 8))
		return IMAGE_ARCHIVE;
	return is_text(image, len) ? IMAGE_TEXT : IMAGE_UNKNOWN;
}

/**
 * image_type_name() - what people call it
 * @type: from image_type()
 *
 * Return: a noun with its article. Context: any.
 */
const char *image_type_name(enum image_type type)
{
	static const char * const names[] = {
		[IMAGE_TEXT] = "PTX text",
		[IMAGE_CUBIN] = "a cubin",
		[IMAGE_HOST_ELF] = "a host object file",
		[IMAGE_FATBIN] = "a fat binary",
		[IMAGE_FATBIN_WRAPPER] = "a fat binary wrapper",
		[IMAGE_ARCHIVE] = "a library archive",
		[IMAGE_BITCODE] = "NVVM bitcode",
		[IMAGE_UNKNOWN] = "of no known format",
	};

	return names[type];
}

/**
 * link_next() - walk through a link container, VGPU_IMAGE_LINK
 * @image: its bytes
 * @len: of @image
 * @pos: 0 at first; moved on
 * @input: filled in; points into @image
 *
 * Return: 1 with an input, 0 at the end, -EINVAL where the container is damaged. Context: any.
 */
int link_next(const void *image, size_t len, size_t *pos, struct link_input *input)
{
	const char *at = (const char *)image + *pos;
	size_t left = len - *pos;
	struct vgpu_link_input header;
	size_t size;

	if (!left)
		return 0;
	if (left < sizeof(header))
		return -EINVAL;
	memcpy(&header, at, sizeof(header));
	left -= sizeof(header);
	if (header.name_len > VGPU_MAX_NAME || header.name_len > left || header.len > left - header.name_len)
		return -EINVAL;
	at += sizeof(header);
	if (header.name_len && at[header.name_len - 1])
		return -EINVAL;
	input->name = header.name_len ? at : NULL;
	input->data = at + header.name_len;
	input->len = header.len;
	input->type = header.type;

	size = sizeof(header) + header.name_len + header.len;
	size = (size + LINK_ALIGN - 1) & ~(size_t)(LINK_ALIGN - 1);
	*pos = size < len - *pos ? *pos + size : len;
	return 1;
}
