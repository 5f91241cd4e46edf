// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Fat binaries, as nvcc and clang emit them: a header, and entries one behind the other, each of PTX or of machine
 * code for one architecture, plain or packed. The layout is not documented by its maker; this is how files of CUDA 8
 * to 13 look. More than one fat binary may stand one behind the other.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "image.h"

#define FATBIN_MAGIC		0xba55ed50u
#define ZSTD_FRAME_MAGIC	0xfd2fb528u
#define FLAG_LZ4		0x2000u
#define FLAG_ZSTD		0x8000u
/* More than any PTX; less than what would hurt the machine. */
#define UNPACKED_MAX		(256u << 20)

struct fatbin_header {
	uint32_t magic;
	uint16_t version;
	uint16_t header_size;
	uint64_t size;			/* of all entries */
};

struct fatbin_entry_header {
	uint16_t kind;
	uint16_t version;
	uint32_t header_size;
	uint64_t size;			/* from the header's end to the next entry */
	uint32_t packed_size;		/* bytes of it that are used, where packed */
	uint32_t options_offset;
	uint16_t minor;
	uint16_t major;
	uint32_t arch;
	uint32_t name_offset;
	uint32_t name_len;
	uint64_t flags;
	uint64_t reserved;
	uint64_t unpacked_size;
};

_Static_assert(sizeof(struct fatbin_header) == 16, "16 bytes in the file");
_Static_assert(sizeof(struct fatbin_entry_header) == 64, "64 bytes in the file");

/* Steps over headers of fat binaries; 1 where an entry follows, 0 at the end. */
static int skip_header(const char *fatbin, size_t len, size_t *pos)
{
	struct fatbin_header header;

	while (*pos == 0 || (len - *pos >= sizeof(header) && !memcmp(fatbin + *pos, &(uint32_t){ FATBIN_MAGIC }, 4))) {
		if (len - *pos < sizeof(header))
			return -EINVAL;
		memcpy(&header, fatbin + *pos, sizeof(header));
		if (header.magic != FATBIN_MAGIC || header.header_size < sizeof(header) ||
		    header.header_size > len - *pos)
			return -EINVAL;
		*pos += header.header_size;
		if (*pos == len)
			return 0;
	}
	return *pos < len;
}

/**
 * fatbin_next() - walk through a fat binary
 * @fatbin: its bytes
 * @len: of @fatbin
 * @pos: 0 at first; moved on
 * @entry: filled in; points into @fatbin
 *
 * Return: 1 with an entry, 0 at the end, -EINVAL where the file is damaged. Context: any.
 */
int fatbin_next(const void *fatbin, size_t len, size_t *pos, struct fatbin_entry *entry)
{
	const char *bytes = fatbin;
	struct fatbin_entry_header header;
	size_t left, used;
	int ret;

	ret = skip_header(bytes, len, pos);
	if (ret <= 0)
		return ret;
	left = len - *pos;
	/* What follows the last entry is padding. */
	if (left < sizeof(header))
		return 0;
	memcpy(&header, bytes + *pos, sizeof(header));
	if (!header.kind && !header.header_size)
		return 0;
	if (header.header_size < sizeof(header) || header.header_size > left ||
	    header.size > left - header.header_size)
		return -EINVAL;
	memset(entry, 0, sizeof(*entry));
	entry->kind = header.kind;
	entry->arch = header.arch;
	entry->data = bytes + *pos + header.header_size;
	used = header.size;
	if (header.flags & (FLAG_LZ4 | FLAG_ZSTD)) {
		if (header.packed_size > header.size || header.unpacked_size > UNPACKED_MAX)
			return -EINVAL;
		if (header.packed_size)
			used = header.packed_size;
		entry->packing = header.flags & FLAG_ZSTD ? FATBIN_ZSTD : FATBIN_LZ4;
		if (used >= 4 && !memcmp(entry->data, &(uint32_t){ ZSTD_FRAME_MAGIC }, 4))
			entry->packing = FATBIN_ZSTD;
		entry->unpacked_len = header.unpacked_size;
	} else {
		entry->unpacked_len = used;
	}
	entry->len = used;
	*pos += header.header_size + header.size;
	return 1;
}

/* A length that goes on in further bytes while they are 255; false at the end of the input. */
static int more_length(const uint8_t *in, size_t in_len, size_t *at, size_t *length)
{
	uint8_t byte;

	do {
		if (*at == in_len)
			return -EINVAL;
		byte = in[(*at)++];
		*length += byte;
	} while (byte == 255);
	return 0;
}

/**
 * lz4_unpack() - unpack one LZ4 block
 * @in: the block
 * @in_len: bytes of it; zeros may follow the end of the last sequence
 * @out: for the result
 * @out_len: bytes that it has
 * @unpacked: set to the bytes written
 *
 * The format is that of LZ4's block description: a token with the lengths of literals and match, the literals, the
 * distance. Return: 0 or -EINVAL. Context: any.
 */
int lz4_unpack(const void *in, size_t in_len, void *out, size_t out_len, size_t *unpacked)
{
	const uint8_t *from = in;
	uint8_t *to = out;
	size_t at = 0, used = 0;

	while (at < in_len && used < out_len) {
		uint8_t token = from[at++];
		size_t literals = token >> 4;
		size_t match = token & 15;
		size_t distance, i;

		if (literals == 15 && more_length(from, in_len, &at, &literals))
			return -EINVAL;
		if (literals > in_len - at || literals > out_len - used)
			return -EINVAL;
		memcpy(to + used, from + at, literals);
		at += literals;
		used += literals;
		if (used == out_len || at == in_len)
			break;
		if (in_len - at < 2)
			return -EINVAL;
		distance = from[at] | (size_t)from[at + 1] << 8;
		at += 2;
		if (match == 15 && more_length(from, in_len, &at, &match))
			return -EINVAL;
		match += 4;
		if (!distance || distance > used || match > out_len - used)
			return -EINVAL;
		/* Source and destination may overlap: byte by byte repeats the pattern. */
		for (i = 0; i < match; i++, used++)
			to[used] = to[used - distance];
	}
	*unpacked = used;
	return 0;
}

static int zstd_unpack(const void *in, size_t in_len, void *out, size_t out_len, size_t *unpacked)
{
#ifdef HAVE_ZSTD
	size_t n = ZSTD_findFrameCompressedSize(in, in_len);

	if (ZSTD_isError(n))
		return -EINVAL;
	n = ZSTD_decompress(out, out_len, in, n);
	if (ZSTD_isError(n))
		return -EINVAL;
	*unpacked = n;
	return 0;
#else
	return -EOPNOTSUPP;
#endif
}

/**
 * fatbin_unpack() - the bytes of an entry
 * @entry: from fatbin_next()
 * @data: set to memory for free(), with a NUL behind the bytes
 * @len: set to the bytes
 *
 * Return: 0, -EINVAL where they are damaged, -EOPNOTSUPP where this build cannot unpack them, or -ENOMEM. Context: any.
 */
int fatbin_unpack(const struct fatbin_entry *entry, void **data, size_t *len)
{
	char *bytes = malloc(entry->unpacked_len + 1);
	int ret = 0;

	if (!bytes)
		return -ENOMEM;
	*len = entry->unpacked_len;
	switch (entry->packing) {
	case FATBIN_PLAIN:
		memcpy(bytes, entry->data, entry->len);
		break;
	case FATBIN_LZ4:
		ret = lz4_unpack(entry->data, entry->len, bytes, entry->unpacked_len, len);
		break;
	case FATBIN_ZSTD:
		ret = zstd_unpack(entry->data, entry->len, bytes, entry->unpacked_len, len);
		break;
	}
	if (ret) {
		free(bytes);
		return ret;
	}
	bytes[*len] = '\0';
	*data = bytes;
	return 0;
}
