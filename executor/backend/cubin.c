// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Machine code for a GPU: an ELF file. How much device memory it takes, and how the parameters of its kernels lie, which
 * drivers before CUDA 12.4 do not tell. Its maker does not document the layout beyond ELF's: this is what nvcc emits and
 * how the disassembler that comes with CUDA prints it. Images are the guest's: nothing in them is believed.
 *
 * What is loaded has SHF_ALLOC. Code (.text.KERNEL), constants (.nv.constantN) and initialised variables (.nv.global.init)
 * are in the file; variables without a value (.nv.global) are not, their size is only told. Shared memory
 * (.nv.shared.KERNEL) is told as if it were loaded, and is none of the device's. For parameters there is a section
 * .nv.info.KERNEL for each kernel: records of a format, an attribute and a value, one record EIATTR_KPARAM_INFO for each
 * parameter.
 */

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "cubin.h"

#define SHARED_PREFIX	".nv.shared."
#define ALIGN_MAX	(64u << 10)
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

/**
 * struct elf - what a file header tells
 * @bytes: the file
 * @len: bytes of it
 * @sections: offset of the section headers
 * @num_sections: their number
 * @segments: offset of the program headers
 * @num_segments: their number
 * @names: section with the sections' names
 */
struct elf {
	const char *bytes;
	size_t len;
	uint64_t sections;
	uint64_t num_sections;
	uint64_t segments;
	uint32_t num_segments;
	Elf64_Shdr names;
};

static bool read_section(const struct elf *elf, uint64_t index, Elf64_Shdr *section)
{
	if (index >= elf->num_sections)
		return false;
	memcpy(section, elf->bytes + elf->sections + index * sizeof(*section), sizeof(*section));
	return section->sh_type == SHT_NOBITS || inside(elf->len, section->sh_offset, section->sh_size);
}

/* All headers lie in the file where this is true; what they tell of is checked where it is read. */
static bool open_elf(struct elf *elf, const void *cubin, size_t len)
{
	Elf64_Shdr first = { 0 };
	Elf64_Ehdr header;

	if (len < sizeof(header))
		return false;
	memcpy(&header, cubin, sizeof(header));
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_shentsize != sizeof(first) || !inside(len, header.e_shoff, sizeof(first)))
		return false;
	/* Numbers that have no room in the file's header stand in the first section's. */
	memcpy(&first, (const char *)cubin + header.e_shoff, sizeof(first));
	*elf = (struct elf) {
		.bytes = cubin,
		.len = len,
		.sections = header.e_shoff,
		.num_sections = header.e_shnum ? header.e_shnum : first.sh_size,
		.segments = header.e_phoff,
		.num_segments = header.e_phnum,
	};
	if (elf->num_sections > (len - header.e_shoff) / sizeof(first))
		return false;
	if (elf->num_segments && (header.e_phentsize != sizeof(Elf64_Phdr) ||
				  !inside(len, elf->segments, elf->num_segments * sizeof(Elf64_Phdr))))
		return false;
	return read_section(elf, header.e_shstrndx == SHN_XINDEX ? first.sh_link : header.e_shstrndx, &elf->names);
}

/* The name of a section, NULL where it has none that ends. */
static const char *name_of(const struct elf *elf, const Elf64_Shdr *section)
{
	const char *at;
	size_t most;

	if (elf->names.sh_type == SHT_NOBITS || section->sh_name >= elf->names.sh_size)
		return NULL;
	at = elf->bytes + elf->names.sh_offset + section->sh_name;
	most = elf->names.sh_size - section->sh_name;
	return strnlen(at, most) < most ? at : NULL;
}

static bool is_named(const char *name, const char *prefix, const char *rest)
{
	size_t prefix_len = strlen(prefix);

	return name && !strncmp(name, prefix, prefix_len) && !strcmp(name + prefix_len, rest);
}

static bool find_info(const struct elf *elf, const char *kernel, Elf64_Shdr *info)
{
	uint64_t i;

	for (i = 0; i < elf->num_sections; i++)
		if (read_section(elf, i, info) && info->sh_type != SHT_NOBITS &&
		    is_named(name_of(elf, info), INFO_PREFIX, kernel))
			return true;
	return false;
}

/**
 * cubin_params() - the parameters of a kernel, as its machine code tells them
 * @cubin: ELF file for a GPU; NULL is allowed
 * @len: bytes of it
 * @kernel: name
 * @pairs: set to offset and size of each, by ordinal
 * @most: room in @pairs
 *
 * Return: how many there are; 0 where the file does not tell, or tells nonsense. Context: any.
 */
uint32_t cubin_params(const void *cubin, size_t len, const char *kernel, uint32_t pairs[][2], uint32_t most)
{
	const char *bytes = cubin;
	struct info_record record;
	struct kparam param;
	uint32_t num = 0, seen = 0;
	Elf64_Shdr info;
	struct elf elf;
	size_t at, end;

	if (!cubin || !open_elf(&elf, cubin, len) || !find_info(&elf, kernel, &info))
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

static bool add(uint64_t *sum, uint64_t bytes, uint64_t align)
{
	/* Where each begins is not known: as if each began at the worst place. */
	uint64_t gap = align > 1 && align <= ALIGN_MAX ? align - 1 : 0;

	if (bytes > CUBIN_MEMORY_MAX || *sum > CUBIN_MEMORY_MAX - bytes)
		return false;
	*sum += bytes + (bytes ? gap : 0);
	return true;
}

/* What is loaded, and what is told as shared memory of blocks. */
static bool add_sections(const struct elf *elf, uint64_t *loaded, uint64_t *shared)
{
	Elf64_Shdr section;
	const char *name;
	uint64_t i;

	for (i = 1; i < elf->num_sections; i++) {
		if (!read_section(elf, i, &section))
			return false;
		if (!(section.sh_flags & SHF_ALLOC))
			continue;
		name = name_of(elf, &section);
		if (name && section.sh_type == SHT_NOBITS && section.sh_size <= VGPU_MAX_SHARED &&
		    !strncmp(name, SHARED_PREFIX, strlen(SHARED_PREFIX))) {
			if (!add(shared, section.sh_size, 0))
				return false;
		} else if (!add(loaded, section.sh_size, section.sh_addralign)) {
			return false;
		}
	}
	return true;
}

static bool add_segments(const struct elf *elf, uint64_t *loaded)
{
	Elf64_Phdr segment;
	uint32_t i;

	for (i = 0; i < elf->num_segments; i++) {
		memcpy(&segment, elf->bytes + elf->segments + i * sizeof(segment), sizeof(segment));
		if (segment.p_type == PT_LOAD && !add(loaded, segment.p_memsz, 0))
			return false;
	}
	return true;
}

/**
 * cubin_memory() - device memory that machine code takes when it is loaded
 * @cubin: ELF file for a GPU
 * @len: bytes of it
 * @bytes: set to the memory: code, constants and variables, by what sections or what segments say, where that is more
 *
 * Return: 0; -EINVAL where headers contradict each other or the length, or tell more than CUBIN_MEMORY_MAX. Context: any.
 */
int cubin_memory(const void *cubin, size_t len, uint64_t *bytes)
{
	uint64_t sections = 0, segments = 0, shared = 0;
	struct elf elf;

	if (!open_elf(&elf, cubin, len) || !add_sections(&elf, &sections, &shared) || !add_segments(&elf, &segments))
		return -EINVAL;
	segments = segments > shared ? segments - shared : 0;
	*bytes = sections > segments ? sections : segments;
	return 0;
}
