// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include "../../uapi/vgpu_device.h"
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

/*
 * What headers say about where an image ends is not to be trusted: it is read through the kernel, which tells where nothing
 * is. Where a filter of system calls forbids that, memory is taken to be there.
 */
static int fetch(void *to, const void *from, size_t len)
{
	struct iovec local = { to, len }, remote = { (void *)from, len };
	ssize_t n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);

	if (n < 0 && (errno == EPERM || errno == ENOSYS)) {
		memcpy(to, from, len);
		return 0;
	}
	return n == (ssize_t)len ? 0 : -1;
}

#define PROBES 512 /* pages looked at by one system call */

/* Whether every page of an image can be read: a byte of each is. */
static int readable(const void *data, size_t len)
{
	static const size_t page = VGPU_PAGE_SIZE;
	uintptr_t at = (uintptr_t)data, end = at + len;
	struct iovec local, remote[PROBES];
	char bytes[PROBES];

	if (!len || len > VGPU_MAX_IMAGE || end < at)
		return -1;
	while (at < end) {
		unsigned int n;
		ssize_t got;

		for (n = 0; n < PROBES && at < end; n++) {
			remote[n] = (struct iovec){ (void *)at, 1 };
			at = (at & ~(page - 1)) + page;
		}
		local = (struct iovec){ bytes, n };
		got = process_vm_readv(getpid(), &local, 1, remote, n, 0);
		if (got < 0 && (errno == EPERM || errno == ENOSYS))
			return 0;
		if (got != (ssize_t)n)
			return -1;
	}
	return 0;
}

/* The end of a part that a header names, kept within what an image may have. */
static int at_least(uint64_t *len, uint64_t offset, uint64_t count, uint64_t size)
{
	if (offset > VGPU_MAX_IMAGE || (count && size > VGPU_MAX_IMAGE / count))
		return -1;
	if (offset + count * size > *len)
		*len = offset + count * size;
	return 0;
}

static int elf_len(const unsigned char *data, size_t *len)
{
	Elf64_Ehdr header;
	uint64_t end = sizeof(header);

	if (fetch(&header, data, sizeof(header)) || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_ident[EI_DATA] != ELFDATA2LSB)
		return -1;
	if (at_least(&end, header.e_phoff, header.e_phnum, header.e_phentsize) ||
	    at_least(&end, header.e_shoff, header.e_shnum, header.e_shentsize))
		return -1;
	for (int i = 0; i < header.e_shnum && header.e_shentsize == sizeof(Elf64_Shdr); i++) {
		Elf64_Shdr section;

		if (fetch(&section, data + header.e_shoff + (uint64_t)i * sizeof(section), sizeof(section)))
			return -1;
		if (section.sh_type != SHT_NOBITS && section.sh_type != SHT_NULL &&
		    at_least(&end, section.sh_offset, 1, section.sh_size))
			return -1;
	}
	for (int i = 0; i < header.e_phnum && header.e_phentsize == sizeof(Elf64_Phdr); i++) {
		Elf64_Phdr segment;

		if (fetch(&segment, data + header.e_phoff + (uint64_t)i * sizeof(segment), sizeof(segment)) ||
		    at_least(&end, segment.p_offset, 1, segment.p_filesz))
			return -1;
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
	if (fetch(&magic, data, sizeof(magic)))
		return -1;
	if (magic == WRAPPER_MAGIC) {
		if (fetch(&wrapper, data, sizeof(wrapper)) || !wrapper.data)
			return -1;
		data = wrapper.data;
		if (fetch(&magic, data, sizeof(magic)))
			return -1;
	}
	image->data = data;
	if (magic == FATBIN_MAGIC) {
		if (fetch(&fatbin, data, sizeof(fatbin)) || fatbin.header_size < sizeof(fatbin) ||
		    fatbin.size > VGPU_MAX_IMAGE)
			return -1;
		image->type = IMAGE_FATBIN;
		image->len = fatbin.header_size + fatbin.size;
	} else if (!memcmp(&magic, ELFMAG, SELFMAG)) {
		image->type = IMAGE_ELF;
		if (elf_len(data, &image->len))
			return -1;
	} else if (magic == (uint32_t)IMAGE_LINK_MAGIC) {
		if (fetch(&link, data, sizeof(link)) || link.magic != IMAGE_LINK_MAGIC || link.len > VGPU_MAX_IMAGE)
			return -1;
		image->type = IMAGE_LINK;
		image->len = sizeof(link) + link.len;
	} else {
		return -1;
	}
	return readable(data, image->len);
}
