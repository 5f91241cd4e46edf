// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Images from guests: link containers and fat binaries, sound ones and hostile ones. Every image lies in memory of
 * exactly its size, so that AddressSanitizer sees a read beyond it.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "executor/backend/image.h"
#include "executor/backend/soft/soft_image.h"

#define ROUNDS	20000

static const char ptx[] = ".version 8.0\n.target sm_80\n.address_size 64\n";

/**
 * struct builder - an image that grows
 */
struct builder {
	unsigned char bytes[65536];
	size_t len;
};

static void put(struct builder *builder, const void *bytes, size_t len)
{
	assert_true(len <= sizeof(builder->bytes) - builder->len);
	if (!len)
		return;
	memcpy(builder->bytes + builder->len, bytes, len);
	builder->len += len;
}

static void put_number(struct builder *builder, uint64_t value, size_t len)
{
	put(builder, &value, len);
}

static void pad(struct builder *builder)
{
	while (builder->len % 8)
		put_number(builder, 0, 1);
}

static void put_link(struct builder *builder, uint32_t type, const char *name, const void *data, size_t len)
{
	size_t name_len = name ? strlen(name) + 1 : 0;

	put_number(builder, len, 8);
	put_number(builder, type, 4);
	put_number(builder, name_len, 4);
	put(builder, name, name_len);
	put(builder, data, len);
	pad(builder);
}

static void put_fatbin_header(struct builder *builder, uint64_t size)
{
	put_number(builder, 0xba55ed50, 4);
	put_number(builder, 1, 2);
	put_number(builder, 16, 2);
	put_number(builder, size, 8);
}

static void put_entry(struct builder *builder, uint16_t kind, uint32_t arch, uint64_t flags, const void *data,
		      size_t len, size_t unpacked)
{
	size_t padded = (len + 7) & ~(size_t)7;

	put_number(builder, kind, 2);
	put_number(builder, 0x101, 2);
	put_number(builder, 64, 4);
	put_number(builder, padded, 8);
	put_number(builder, flags ? len : 0, 4);
	put_number(builder, 0, 4);
	put_number(builder, 0, 4);
	put_number(builder, arch, 4);
	put_number(builder, 0, 8);
	put_number(builder, flags | 1, 8);
	put_number(builder, 0, 8);
	put_number(builder, unpacked, 8);
	put(builder, data, len);
	pad(builder);
}

/* As soft_image_inputs(), over memory of exactly the image's size. */
static int inputs_of(const void *image, size_t len, uint32_t kind, struct soft_inputs *inputs, char *text, void **copy)
{
	struct soft_log log = { .text = text, .size = 512 };

	text[0] = '\0';
	memset(inputs, 0, sizeof(*inputs));
	*copy = malloc(len ? len : 1);
	memcpy(*copy, image, len);
	return soft_image_inputs(*copy, len, kind, inputs, &log);
}

static void types_are_told_apart(void **state)
{
	static const unsigned char wrapper[] = { 0xb1, 0x43, 0x62, 0x46 };
	static const unsigned char bitcode[] = { 'B', 'C', 0xc0, 0xde };
	unsigned char elf[20] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };

	assert_int_equal(image_type(ptx, sizeof(ptx) - 1), IMAGE_TEXT);
	assert_int_equal(image_type("// c\n", 5), IMAGE_TEXT);
	assert_int_equal(image_type("", 0), IMAGE_UNKNOWN);
	assert_int_equal(image_type("\0", 1), IMAGE_UNKNOWN);
	assert_int_equal(image_type("\x01.version", 9), IMAGE_UNKNOWN);
	assert_int_equal(image_type(wrapper, 4), IMAGE_FATBIN_WRAPPER);
	assert_int_equal(image_type(bitcode, 4), IMAGE_BITCODE);
	assert_int_equal(image_type("!<arch>\nx", 9), IMAGE_ARCHIVE);
	assert_int_equal(image_type(elf, 4), IMAGE_HOST_ELF);
	elf[18] = 62;
	assert_int_equal(image_type(elf, 20), IMAGE_HOST_ELF);
	elf[18] = 190;
	assert_int_equal(image_type(elf, 20), IMAGE_CUBIN);
	assert_int_equal(image_type(elf, 19), IMAGE_HOST_ELF);
}

static void link_inputs_come_in_order(void **state)
{
	static struct builder builder;
	struct soft_inputs inputs;
	char log[512];
	void *copy;

	builder.len = 0;
	put_link(&builder, 1, "first.ptx", ptx, sizeof(ptx) - 1);
	put_link(&builder, 1, NULL, "second", 6);
	assert_int_equal(inputs_of(builder.bytes, builder.len, VGPU_IMAGE_LINK, &inputs, log, &copy), 0);
	assert_int_equal(inputs.num, 2);
	assert_string_equal(inputs.inputs[0].name, "first.ptx");
	assert_int_equal(inputs.inputs[0].len, sizeof(ptx) - 1);
	assert_memory_equal(inputs.inputs[0].text, ptx, sizeof(ptx) - 1);
	assert_null(inputs.inputs[1].name);
	assert_memory_equal(inputs.inputs[1].text, "second", 6);
	soft_inputs_free(&inputs);
	free(copy);

	/* The padding of the last may be missing. */
	builder.len -= 2;
	assert_int_equal(inputs_of(builder.bytes, builder.len, VGPU_IMAGE_LINK, &inputs, log, &copy), 0);
	assert_int_equal(inputs.num, 2);
	soft_inputs_free(&inputs);
	free(copy);
}

static void damaged_links_are_refused(void **state)
{
	static struct builder builder;
	struct soft_inputs inputs;
	char log[512];
	void *copy;
	size_t cut;

	builder.len = 0;
	put_link(&builder, 1, "a", "12345678901234", 14);
	for (cut = 1; cut < builder.len; cut++) {
		assert_int_equal(inputs_of(builder.bytes, cut, VGPU_IMAGE_LINK, &inputs, log, &copy), 200);
		assert_non_null(strstr(log, "damaged link container"));
		soft_inputs_free(&inputs);
		free(copy);
	}
	/* A name without its NUL. */
	builder.bytes[17] = 'x';
	assert_int_equal(inputs_of(builder.bytes, builder.len, VGPU_IMAGE_LINK, &inputs, log, &copy), 200);
	soft_inputs_free(&inputs);
	free(copy);
	/* A length that wraps with what stands before it. */
	builder.len = 0;
	put_number(&builder, UINT64_MAX - 15, 8);
	put_number(&builder, 1, 4);
	put_number(&builder, 0, 4);
	assert_int_equal(inputs_of(builder.bytes, builder.len, VGPU_IMAGE_LINK, &inputs, log, &copy), 200);
	soft_inputs_free(&inputs);
	free(copy);
	/* A type that there is not. */
	builder.len = 0;
	put_link(&builder, 77, NULL, "x", 1);
	assert_int_equal(inputs_of(builder.bytes, builder.len, VGPU_IMAGE_LINK, &inputs, log, &copy), 1);
	assert_non_null(strstr(log, "77"));
	soft_inputs_free(&inputs);
	free(copy);
	assert_int_equal(inputs_of("", 0, VGPU_IMAGE_LINK, &inputs, log, &copy), 200);
	soft_inputs_free(&inputs);
	free(copy);
}

static void the_newest_fitting_ptx_is_chosen(void **state)
{
	static struct builder builder;
	struct soft_inputs inputs;
	char log[512];
	void *copy;

	builder.len = 0;
	put_fatbin_header(&builder, 0);
	put_entry(&builder, FATBIN_KIND_CUBIN, 80, 0, "machine code", 12, 0);
	put_entry(&builder, FATBIN_KIND_PTX, 52, 0, "for 52", 6, 0);
	put_entry(&builder, FATBIN_KIND_PTX, 75, 0, "for 75", 6, 0);
	put_entry(&builder, FATBIN_KIND_PTX, 120, 0, "for 120", 7, 0);
	put_entry(&builder, FATBIN_KIND_PTX, 60, 0, "for 60", 6, 0);
	assert_int_equal(inputs_of(builder.bytes, builder.len, VGPU_IMAGE_AUTO, &inputs, log, &copy), 0);
	assert_int_equal(inputs.num, 1);
	assert_memory_equal(inputs.inputs[0].text, "for 75", 6);
	soft_inputs_free(&inputs);
	free(copy);
}

static void fatbins_without_fitting_ptx(void **state)
{
	static struct builder builder;
	struct soft_inputs inputs;
	char log[512];
	void *copy;

	builder.len = 0;
	put_fatbin_header(&builder, 0);
	put_entry(&builder, FATBIN_KIND_CUBIN, 80, 0, "machine code", 12, 0);
	assert_int_equal(inputs_of(builder.bytes, builder.len, VGPU_IMAGE_AUTO, &inputs, log, &copy), 209);
	assert_non_null(strstr(log, "no PTX"));
	soft_inputs_free(&inputs);
	free(copy);
	put_entry(&builder, FATBIN_KIND_PTX, 120, 0, "for 120", 7, 0);
	assert_int_equal(inputs_of(builder.bytes, builder.len, VGPU_IMAGE_AUTO, &inputs, log, &copy), 209);
	assert_non_null(strstr(log, "compute_120"));
	soft_inputs_free(&inputs);
	free(copy);
}

/* LZ4 by hand: 3 literals, a match that overlaps itself, a last literal. */
static const unsigned char packed[] = { 0x35, 'a', 'b', 'c', 3, 0, 0x10, 'd' };
static const char unpacked[] = "abcabcabcabcd";

static void lz4_is_unpacked(void **state)
{
	static struct builder builder;
	struct soft_inputs inputs;
	char log[512], out[64];
	size_t len;
	void *copy;

	assert_int_equal(lz4_unpack(packed, sizeof(packed), out, sizeof(out), &len), 0);
	assert_int_equal(len, 13);
	assert_memory_equal(out, unpacked, 13);
	builder.len = 0;
	put_fatbin_header(&builder, 0);
	put_entry(&builder, FATBIN_KIND_PTX, 80, 0x2000, packed, sizeof(packed), 13);
	assert_int_equal(inputs_of(builder.bytes, builder.len, VGPU_IMAGE_AUTO, &inputs, log, &copy), 0);
	assert_int_equal(inputs.inputs[0].len, 13);
	assert_memory_equal(inputs.inputs[0].text, unpacked, 14);
	soft_inputs_free(&inputs);
	free(copy);
}

static void hostile_lz4(void **state)
{
	static const unsigned char before_start[] = { 0x15, 'a', 2, 0 };
	static const unsigned char no_distance[] = { 0x15, 'a', 0, 0 };
	static const unsigned char endless[] = { 0xf0, 255, 255, 255 };
	static const unsigned char too_many[] = { 0x40, 'a', 'b' };
	static const unsigned char cut[] = { 0x15, 'a', 1 };
	char out[8];
	size_t len;

	assert_int_equal(lz4_unpack(before_start, 4, out, 8, &len), -EINVAL);
	assert_int_equal(lz4_unpack(no_distance, 4, out, 8, &len), -EINVAL);
	assert_int_equal(lz4_unpack(endless, 4, out, 8, &len), -EINVAL);
	assert_int_equal(lz4_unpack(too_many, 3, out, 8, &len), -EINVAL);
	assert_int_equal(lz4_unpack(cut, 3, out, 8, &len), -EINVAL);
	/* More than there is room for. */
	assert_int_equal(lz4_unpack(packed, sizeof(packed), out, 8, &len), -EINVAL);
}

static void a_claimed_size_is_bounded(void **state)
{
	static struct builder builder;
	struct fatbin_entry entry;
	size_t pos = 0;

	builder.len = 0;
	put_fatbin_header(&builder, 0);
	put_entry(&builder, FATBIN_KIND_PTX, 80, 0x2000, packed, sizeof(packed), (size_t)1 << 40);
	assert_int_equal(fatbin_next(builder.bytes, builder.len, &pos, &entry), -EINVAL);
}

/* Whatever the bytes are: no crash, no read beyond them, an end. */
static void random_damage(void **state)
{
	static struct builder good, bad;
	const char *given = getenv("SEED");
	unsigned int seed = given ? (unsigned int)strtoul(given, NULL, 0) : (unsigned int)time(NULL);
	struct soft_inputs inputs;
	char log[512];
	void *copy;
	int round, i, damage;

	printf("SEED=%u\n", seed);
	srandom(seed);
	for (round = 0; round < ROUNDS; round++) {
		good.len = 0;
		if (round & 1) {
			put_link(&good, random() % 7, "name", ptx, sizeof(ptx) - 1);
			put_link(&good, 2, NULL, "", 0);
		} else {
			put_fatbin_header(&good, 0);
			put_entry(&good, FATBIN_KIND_PTX, 80, random() & 1 ? 0x2000 : 0x8000, packed, sizeof(packed),
				  13);
			put_entry(&good, FATBIN_KIND_PTX, 75, 0, ptx, sizeof(ptx) - 1, 0);
			put_fatbin_header(&good, 0);
			put_entry(&good, FATBIN_KIND_CUBIN, 80, 0, "code", 4, 0);
		}
		bad = good;
		damage = (int)(random() % 6);
		for (i = 0; i < damage; i++)
			bad.bytes[(size_t)random() % bad.len] = (unsigned char)(random() & 1 ? random() : 0xff);
		if (random() % 4 == 0)
			bad.len = (size_t)random() % (bad.len + 1);
		inputs_of(bad.bytes, bad.len, round & 1 ? VGPU_IMAGE_LINK : VGPU_IMAGE_AUTO, &inputs, log, &copy);
		for (i = 0; i < (int)inputs.num; i++)
			assert_true(inputs.inputs[i].len == 0 || inputs.inputs[i].text);
		soft_inputs_free(&inputs);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_told_apart),
		cmocka_unit_test(link_inputs_come_in_order),
		cmocka_unit_test(damaged_links_are_refused),
		cmocka_unit_test(the_newest_fitting_ptx_is_chosen),
		cmocka_unit_test(fatbins_without_fitting_ptx),
		cmocka_unit_test(lz4_is_unpacked),
		cmocka_unit_test(hostile_lz4),
		cmocka_unit_test(a_claimed_size_is_bounded),
		cmocka_unit_test(random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
