// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Parameters of kernels, read from machine code for drivers that do not tell them (before CUDA 12.4), and for this the
 * choice among the images of a fat binary.
 *
 * A cubin is an ELF file with a section .nv.info.KERNEL for each kernel: records of a format, an attribute and a value.
 * One record EIATTR_KPARAM_INFO stands for each parameter. The layout is not documented by its maker; this is how the
 * disassembler that comes with CUDA prints it. Images are the guest's: nothing in them is believed.
 */

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../image.h"
#include "cuda.h"

#define INFO_PREFIX	".nv.info."

/* Formats: a value of 0, 1 or 2 bytes in the record itself, or of so many bytes behind it. */
#define FORMAT_BYTES	4
#define ATTR_KPARAM	0x17
#define KPARAM_LEN	12
/* In the last word of the value: size above, how it is passed below. */
#define KPARAM_SIZE_SHIFT 18

struct info_record {
	uint8_t format;
	uint8_t attribute;
	uint16_t value;
};

struct kparam {
	uint32_t index;
	uint16_t ordinal;
	uint16_t offset;
	uint32_t passed;
};

_Static_assert(sizeof(struct kparam) == KPARAM_LEN, "12 bytes in the file");

static bool inside(size_t len, uint64_t offset, uint64_t size)
{
	return offset <= len && size <= len - offset;
}

static bool read_section(const char *cubin, size_t len, const Elf64_Ehdr *elf, uint32_t index, Elf64_Shdr *section)
{
	uint64_t at;

	if (index >= elf->e_shnum || elf->e_shentsize != sizeof(*section) || elf->e_shoff > len)
		return false;
	at = elf->e_shoff + (uint64_t)index * sizeof(*section);
	if (!inside(len, at, sizeof(*section)))
		return false;
	memcpy(section, cubin + at, sizeof(*section));
	return section->sh_type == SHT_NOBITS || inside(len, section->sh_offset, section->sh_size);
}

static bool is_named(const char *cubin, const Elf64_Shdr *names, const Elf64_Shdr *section, const char *prefix,
		     const char *name)
{
	const char *at;
	size_t most, prefix_len = strlen(prefix);

	if (section->sh_name >= names->sh_size)
		return false;
	at = cubin + names->sh_offset + section->sh_name;
	most = names->sh_size - section->sh_name;
	return most > prefix_len && !memcmp(at, prefix, prefix_len) && strnlen(at, most) < most &&
	       !strcmp(at + prefix_len, name);
}

static bool find_info(const char *cubin, size_t len, const char *kernel, Elf64_Shdr *info)
{
	Elf64_Shdr names;
	Elf64_Ehdr elf;
	uint32_t i;

	if (len < sizeof(elf))
		return false;
	memcpy(&elf, cubin, sizeof(elf));
	if (memcmp(elf.e_ident, ELFMAG, SELFMAG) || elf.e_ident[EI_CLASS] != ELFCLASS64 ||
	    !read_section(cubin, len, &elf, elf.e_shstrndx, &names) || names.sh_type == SHT_NOBITS)
		return false;
	for (i = 0; i < elf.e_shnum; i++)
		if (read_section(cubin, len, &elf, i, info) && info->sh_type != SHT_NOBITS &&
		    is_named(cubin, &names, info, INFO_PREFIX, kernel))
			return true;
	return false;
}

/**
 * cuda_params_of() - the parameters of a kernel, as its machine code tells them
 * @cubin: ELF file for a GPU; NULL is allowed
 * @len: bytes of it
 * @kernel: name
 * @pairs: set to offset and size of each, by ordinal
 * @most: room in @pairs
 *
 * Return: how many there are; 0 where the file does not tell, or tells nonsense. Context: any.
 */
uint32_t cuda_params_of(const void *cubin, size_t len, const char *kernel, uint32_t pairs[][2], uint32_t most)
{
	const char *bytes = cubin;
	struct info_record record;
	struct kparam param;
	uint32_t num = 0, seen = 0;
	Elf64_Shdr info;
	size_t at, end;

	if (!cubin || !find_info(bytes, len, kernel, &info))
		return 0;
	memset(pairs, 0, most * sizeof(pairs[0]));
	at = info.sh_offset;
	end = at + info.sh_size;
	for (; end - at >= sizeof(record); at += record.format == FORMAT_BYTES ? record.value : 0) {
		memcpy(&record, bytes + at, sizeof(record));
		at += sizeof(record);
		if (record.format == FORMAT_BYTES && record.value > end - at)
			return 0;
		if (record.format != FORMAT_BYTES || record.attribute != ATTR_KPARAM || record.value != KPARAM_LEN)
			continue;
		memcpy(&param, bytes + at, sizeof(param));
		if (param.ordinal >= most || pairs[param.ordinal][1])
			return 0;
		pairs[param.ordinal][0] = param.offset;
		pairs[param.ordinal][1] = param.passed >> KPARAM_SIZE_SHIFT;
		if (!pairs[param.ordinal][1])
			return 0;
		seen++;
		if (param.ordinal >= num)
			num = param.ordinal + 1u;
	}
	return seen == num ? num : 0;
}

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
