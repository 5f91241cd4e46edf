// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <elf.h>
#include <string.h>
#include "image.h"

/* What nvcc puts into host objects: a pointer to the fatbin and more. */
#define WRAPPER_MAGIC 0x466243b1u
#define FATBIN_MAGIC 0xba55ed50u

struct wrapper {
	uint32_t magic;
	uint32_t version;
	const void *data;
	void *more;
};

struct fatbin_header {
	uint32_t magic;
	uint16_t version;
	uint16_t header_size;
	uint64_t size; /* of what follows the header */
};

static void at_least(uint64_t *len, uint64_t offset, uint64_t count, uint64_t size)
{
	uint64_t end = offset + count * size;

	if (end > *len)
		*len = end;
}

static int elf_len(const unsigned char *data, size_t *len)
{
	Elf64_Ehdr header;
	uint64_t end = sizeof(header);

	memcpy(&header, data, sizeof(header));
	if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
		return -1;
	at_least(&end, header.e_phoff, header.e_phnum, header.e_phentsize);
	at_least(&end, header.e_shoff, header.e_shnum, header.e_shentsize);
	for (int i = 0; i < header.e_shnum && header.e_shentsize == sizeof(Elf64_Shdr); i++) {
		Elf64_Shdr section;

		memcpy(&section, data + header.e_shoff + (uint64_t)i * sizeof(section),
		       sizeof(section));
		if (section.sh_type != SHT_NOBITS && section.sh_type != SHT_NULL)
			at_least(&end, section.sh_offset, 1, section.sh_size);
	}
	for (int i = 0; i < header.e_phnum && header.e_phentsize == sizeof(Elf64_Phdr); i++) {
		Elf64_Phdr segment;

		memcpy(&segment, data + header.e_phoff + (uint64_t)i * sizeof(segment),
		       sizeof(segment));
		at_least(&end, segment.p_offset, 1, segment.p_filesz);
	}
	*len = end;
	return 0;
}

/* Text: the first bytes up to a NUL are printable or white. */
static int is_text(const unsigned char *data)
{
	for (int i = 0; i < 64; i++) {
		if (!data[i])
			return i > 0;
		if (data[i] < ' ' && !strchr("\t\n\v\f\r", data[i]))
			return 0;
	}
	return 1;
}

int image_detect(const void *data, struct image *image)
{
	struct fatbin_header fatbin;
	struct image_link_header link;
	struct wrapper wrapper;
	uint32_t magic;

	if (!*(const char *)data)
		return -1;
	if (is_text(data)) {
		image->type = IMAGE_PTX;
		image->data = data;
		image->len = strlen(data);
		return 0;
	}
	memcpy(&magic, data, sizeof(magic));
	if (magic == WRAPPER_MAGIC) {
		memcpy(&wrapper, data, sizeof(wrapper));
		if (!wrapper.data)
			return -1;
		data = wrapper.data;
		memcpy(&magic, data, sizeof(magic));
	}
	image->data = data;
	if (magic == FATBIN_MAGIC) {
		memcpy(&fatbin, data, sizeof(fatbin));
		image->type = IMAGE_FATBIN;
		image->len = fatbin.header_size + fatbin.size;
		return fatbin.header_size < sizeof(fatbin) ? -1 : 0;
	}
	if (!memcmp(data, ELFMAG, SELFMAG)) {
		image->type = IMAGE_ELF;
		return elf_len(data, &image->len);
	}
	if (magic == (uint32_t)IMAGE_LINK_MAGIC) {
		memcpy(&link, data, sizeof(link));
		image->type = IMAGE_LINK;
		image->len = sizeof(link) + link.len;
		return link.magic == IMAGE_LINK_MAGIC ? 0 : -1;
	}
	return -1;
}
