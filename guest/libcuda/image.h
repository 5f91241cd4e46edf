/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Module images: what they are and how long they are
 *
 * The Driver API takes images without their length. PTX text ends at its NUL, ELF and fatbin
 * headers tell theirs, what cuLinkComplete made carries a header of this library.
 */
#ifndef VGPU_LIBCUDA_IMAGE_H
#define VGPU_LIBCUDA_IMAGE_H

#include <stddef.h>
#include <stdint.h>

enum image_type {
	IMAGE_PTX,
	IMAGE_ELF,
	IMAGE_FATBIN,
	IMAGE_LINK,
};

/**
 * struct image - a module image
 * @type: what it is
 * @data: first byte
 * @len: bytes; of PTX without the NUL
 */
struct image {
	enum image_type type;
	const void *data;
	size_t len;
};

/**
 * struct image_link_header - before the records of a linked image (struct vgpu_link_input)
 * @magic: IMAGE_LINK_MAGIC
 * @len: bytes of records that follow
 * @id: number of the link in this process, for adopting the module that cuLinkComplete loaded
 */
struct image_link_header {
	uint64_t magic;
	uint64_t len;
	uint64_t id;
};

/* "\1GPULINK": its first byte keeps it from being taken for PTX text. */
#define IMAGE_LINK_MAGIC 0x4b4e494c55504701ULL

/**
 * image_detect() - finds out what an image is
 * @data: as given to cuModuleLoadData; what lies behind the structures that it shows is read
 * @image: out; of a wrapper around a fatbin, the fatbin
 *
 * A damaged image may claim to be longer than the memory that it lies in, or to lie elsewhere.
 *
 * Return: 0, or -1 where it is none of the known, or not all of it can be read
 */
int image_detect(const void *data, struct image *image);

#endif
