/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * Module images: what they are, the inputs of a link container, the entries of a fat binary. Images come from guests:
 * every length in them is checked before it is used.
 */
#ifndef EXECUTOR_IMAGE_H
#define EXECUTOR_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "../../uapi/vgpu_device.h"

/**
 * enum image_type - what bytes are
 * @IMAGE_TEXT: begins as PTX may: letters, white space, comments
 * @IMAGE_CUBIN: ELF for a GPU
 * @IMAGE_HOST_ELF: other ELF
 * @IMAGE_FATBIN: fat binary
 * @IMAGE_FATBIN_WRAPPER: the pointer to a fat binary that compilers emit, useless outside its process
 * @IMAGE_ARCHIVE: library archive
 * @IMAGE_BITCODE: NVVM or LLVM bitcode
 * @IMAGE_UNKNOWN: none of these
 */
enum image_type {
	IMAGE_TEXT,
	IMAGE_CUBIN,
	IMAGE_HOST_ELF,
	IMAGE_FATBIN,
	IMAGE_FATBIN_WRAPPER,
	IMAGE_ARCHIVE,
	IMAGE_BITCODE,
	IMAGE_UNKNOWN,
};

enum image_type image_type(const void *image, size_t len);
const char *image_type_name(enum image_type type);

/**
 * struct link_input - one input of a link container
 * @name: NUL-terminated, NULL where it has none
 * @data: its bytes
 * @len: of @data
 * @type: CUjitInputType
 */
struct link_input {
	const char *name;
	const void *data;
	size_t len;
	uint32_t type;
};

int link_next(const void *image, size_t len, size_t *pos, struct link_input *input);

#define FATBIN_KIND_PTX		1
#define FATBIN_KIND_CUBIN	2

/**
 * enum fatbin_packing - how the bytes of an entry are stored
 */
enum fatbin_packing {
	FATBIN_PLAIN,
	FATBIN_LZ4,
	FATBIN_ZSTD,
};

/**
 * struct fatbin_entry - one entry of a fat binary
 * @data: as stored
 * @len: of @data
 * @unpacked_len: bytes once unpacked
 * @kind: FATBIN_KIND_*, or another
 * @arch: 10 * major + minor of the compute capability
 * @packing: how it is stored
 */
struct fatbin_entry {
	const void *data;
	size_t len;
	size_t unpacked_len;
	uint32_t kind;
	uint32_t arch;
	enum fatbin_packing packing;
};

int fatbin_next(const void *fatbin, size_t len, size_t *pos, struct fatbin_entry *entry);
int fatbin_unpack(const struct fatbin_entry *entry, void **data, size_t *len);
int lz4_unpack(const void *in, size_t in_len, void *out, size_t out_len, size_t *unpacked);

#endif /* EXECUTOR_IMAGE_H */
