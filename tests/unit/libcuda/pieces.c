// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Parts of libcuda that need no device: extents, heap, handles, images, entry points. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include "guest/libcuda/extent.h"
#include "guest/libcuda/handle.h"
#include "guest/libcuda/heap.h"
#include "guest/libcuda/image.h"
#include "guest/libcuda/module.h"
#include "guest/libcuda/procaddr.h"

static unsigned int seed;

static unsigned int random_below(unsigned int n)
{
	return rand_r(&seed) % n;
}

static void extents_merge(void **state)
{
	struct extent_set set = { 0 };
	struct extent merged;

	assert_int_equal(extent_merge(&set, 100, 10, NULL), 0);
	assert_int_equal(extent_merge(&set, 120, 10, NULL), 0);
	assert_int_equal(set.count, 2);
	assert_int_equal(extent_merge(&set, 110, 10, &merged), 0);
	assert_int_equal(set.count, 1);
	assert_int_equal(merged.start, 100);
	assert_int_equal(merged.len, 30);
	assert_true(extent_covers(&set, 105, 25));
	assert_false(extent_covers(&set, 105, 26));
	assert_null(extent_find(&set, 130));
	assert_null(extent_find(&set, 99));
	assert_true(extent_take_at(&set, 110, 5));
	assert_int_equal(set.count, 2);
	assert_false(extent_take_at(&set, 109, 2));
	/* Across a border nothing is joined. */
	assert_int_equal(extent_merge_within(&set, 110, 5, 110, 200), 0);
	assert_int_equal(set.count, 2);
	assert_true(extent_remove(&set, 110, &merged));
	assert_int_equal(merged.len, 20);
	assert_false(extent_remove(&set, 111, NULL));
	extent_destroy(&set);
}

static void extents_take_best(void **state)
{
	struct extent_set set = { 0 };
	uint64_t at;

	extent_merge(&set, 0x1000, 0x1000, NULL);
	extent_merge(&set, 0x4000, 0x200, NULL);
	assert_true(extent_take(&set, 0x100, 0x100, &at));
	assert_int_equal(at, 0x4000);
	assert_true(extent_take(&set, 0x180, 0x80, &at));
	assert_int_equal(at, 0x1000);
	assert_true(extent_take(&set, 0x100, 0x400, &at));
	assert_int_equal(at, 0x1400);
	assert_false(extent_take(&set, 0x2000, 1, &at));
	extent_destroy(&set);
}

/* Against a map of bytes. */
static void extents_random(void **state)
{
	enum {
		SPACE = 2048,
		LIVE = 64
	};
	struct extent_set set = { 0 };
	unsigned char taken[SPACE];
	struct {
		uint64_t at, len;
	} live[LIVE];
	unsigned int count = 0;

	memset(taken, 0, sizeof(taken));
	extent_merge(&set, 0, SPACE, NULL);
	for (int i = 0; i < 20000; i++) {
		uint64_t free_bytes = 0, listed = 0;

		if (count < LIVE && random_below(2)) {
			uint64_t len = 1 + random_below(100), align = 1u << random_below(6), at;

			if (extent_take(&set, len, align, &at)) {
				assert_int_equal(at % align, 0);
				for (uint64_t b = at; b < at + len; b++) {
					assert_int_equal(taken[b], 0);
					taken[b] = 1;
				}
				live[count].at = at;
				live[count++].len = len;
			}
		} else if (count) {
			unsigned int n = random_below(count);

			memset(taken + live[n].at, 0, live[n].len);
			assert_int_equal(extent_merge(&set, live[n].at, live[n].len, NULL), 0);
			live[n] = live[--count];
		}
		for (int b = 0; b < SPACE; b++)
			free_bytes += !taken[b];
		for (size_t e = 0; e < set.count; e++) {
			listed += set.v[e].len;
			/* Neighbours are joined. */
			if (e)
				assert_true(set.v[e - 1].start + set.v[e - 1].len < set.v[e].start);
		}
		assert_int_equal(free_bytes, listed);
	}
	extent_destroy(&set);
}

/* A port over ordinary memory, which gives ranges out next to each other. */
struct memory_port {
	struct port port;
	char *memory;
	uint64_t size, used;
	int ranges;
};

static int memory_range(struct port *port, uint64_t len, uint64_t *offset)
{
	struct memory_port *memory = (struct memory_port *)port;

	if (memory->used + len > memory->size)
		return -ENOSPC;
	*offset = memory->used;
	memory->used += len;
	memory->ranges++;
	return 0;
}

static void *memory_map(struct port *port, uint64_t offset, uint64_t len, void *at)
{
	return mmap(at, len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);
}

static const struct port_ops memory_ops = { .range = memory_range, .map = memory_map };

static void heap_random(void **state)
{
	enum {
		LIVE = 500
	};
	struct memory_port port = { { &memory_ops }, NULL, 64 << 20, 0, 0 };
	struct heap heap = { 0 };
	struct {
		struct heap_block block;
		unsigned char mark;
		uint64_t len;
	} live[LIVE];
	unsigned int count = 0, refused = 0;
	void *base;

	base = mmap(NULL, port.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_int_equal(heap_init(&heap, &port.port, port.size), 0);
	assert_int_equal(heap_rebase(&heap, (uint64_t)base), 0);
	for (int i = 0; i < 30000; i++) {
		if (count < LIVE && random_below(5) < 3) {
			static const uint64_t sizes[] = { 1, 64, 100, 4096, 4097, 20000, 300000 };
			uint64_t len = 1 + random_below(sizes[random_below(7)]);
			uint64_t align = random_below(10) ? 64 : 4096;
			unsigned char *p;

			if (heap_alloc(&heap, len, align, &live[count].block)) {
				refused++;
				continue;
			}
			assert_true(live[count].block.len >= len);
			assert_int_equal(live[count].block.offset % align, 0);
			/* Inside one range. */
			assert_true(extent_covers(&heap.ranges, live[count].block.offset,
						  live[count].block.len));
			p = heap_address(&heap, &live[count].block);
			live[count].mark = i;
			live[count].len = len;
			p[0] = live[count].mark;
			p[len - 1] = live[count].mark;
			count++;
		} else if (count) {
			unsigned int n = random_below(count);
			unsigned char *p = heap_address(&heap, &live[n].block);

			assert_int_equal(p[0], live[n].mark);
			assert_int_equal(p[live[n].len - 1], live[n].mark);
			heap_free(&heap, &live[n].block);
			assert_int_equal(live[n].block.len, 0);
			live[n] = live[--count];
		}
	}
	assert_true(port.ranges > 1);
	while (count)
		heap_free(&heap, &live[--count].block);
	assert_int_equal(heap.used, 0);
	/* All but the slabs of the classes is free again, and in one piece for each range. */
	assert_true(heap.free.count >= 1);
	heap_destroy(&heap);
	munmap(base, port.size);
}

static void heap_exhausted(void **state)
{
	struct memory_port port = { { &memory_ops }, NULL, 2 << 20, 0, 0 };
	struct heap heap = { 0 };
	struct heap_block a, b;
	void *base;

	base = mmap(NULL, port.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_int_equal(heap_init(&heap, &port.port, port.size), 0);
	assert_int_equal(heap_rebase(&heap, (uint64_t)base), 0);
	assert_int_equal(heap_alloc(&heap, 1 << 20, 64, &a), 0);
	assert_int_equal(heap_alloc(&heap, 1 << 20, 64, &b), 0);
	assert_int_equal(heap_alloc(&heap, 5000, 64, &b), -ENOMEM);
	heap_free(&heap, &a);
	assert_int_equal(heap_alloc(&heap, 5000, 64, &a), 0);
	/* Two ranges are never one block, neighbours though they are. */
	heap_free(&heap, &a);
	assert_int_equal(heap_alloc(&heap, (1 << 20) + 256, 64, &a), -ENOMEM);
	heap_destroy(&heap);
	munmap(base, port.size);
}

static void handles(void **state)
{
	enum {
		COUNT = 5000
	};
	static int objects[COUNT];
	void *handle[COUNT], *old;

	for (int i = 0; i < COUNT; i++) {
		handle[i] = handle_new(i % 2 ? HANDLE_STREAM : HANDLE_EVENT, &objects[i]);
		assert_non_null(handle[i]);
	}
	for (int i = 0; i < COUNT; i++) {
		assert_ptr_equal(handle_get(i % 2 ? HANDLE_STREAM : HANDLE_EVENT, handle[i]),
				 &objects[i]);
		assert_null(handle_get(i % 2 ? HANDLE_EVENT : HANDLE_STREAM, handle[i]));
	}
	old = handle[7];
	assert_ptr_equal(handle_free(HANDLE_STREAM, old), &objects[7]);
	assert_null(handle_free(HANDLE_STREAM, old));
	handle[7] = handle_new(HANDLE_STREAM, &objects[7]);
	assert_ptr_not_equal(handle[7], old);
	assert_null(handle_get(HANDLE_STREAM, old));
	assert_null(handle_get(HANDLE_STREAM, NULL));
	assert_null(handle_get(HANDLE_STREAM, (void *)1));
	assert_null(handle_get(HANDLE_STREAM, &objects[0]));
	assert_null(handle_get(HANDLE_STREAM, (void *)~0UL));
	for (int i = 0; i < COUNT; i++)
		assert_non_null(handle_free(i % 2 ? HANDLE_STREAM : HANDLE_EVENT, handle[i]));
}

static void handles_random(void **state)
{
	for (int i = 0; i < 1000000; i++) {
		uint64_t value = (uint64_t)rand_r(&seed) << 40 ^ (uint64_t)rand_r(&seed) << 20 ^
				 rand_r(&seed);

		assert_null(handle_get(1 + random_below(14), (void *)(value | 0x6ULL << 60)));
	}
}

static void images(void **state)
{
	static const char ptx[] = ".version 7.0\n.target sm_70\n";
	struct {
		Elf64_Ehdr header;
		Elf64_Shdr sections[2];
		char data[100];
	} elf = { 0 };
	struct {
		uint32_t magic;
		uint16_t version, header_size;
		uint64_t size;
		char data[64];
	} fatbin = { 0xba55ed50, 1, 16, 64, "" };
	struct {
		uint32_t magic, version;
		const void *data;
		void *more;
	} wrapper = { 0x466243b1, 1, &fatbin, NULL };
	unsigned char junk[64] = { 0x7f, 1, 2, 3 };
	struct image image;

	assert_int_equal(image_detect(ptx, &image), 0);
	assert_int_equal(image.type, IMAGE_PTX);
	assert_int_equal(image.len, sizeof(ptx) - 1);

	memcpy(elf.header.e_ident, ELFMAG, SELFMAG);
	elf.header.e_ident[EI_CLASS] = ELFCLASS64;
	elf.header.e_ident[EI_DATA] = ELFDATA2LSB;
	elf.header.e_shoff = offsetof(typeof(elf), sections);
	elf.header.e_shnum = 2;
	elf.header.e_shentsize = sizeof(Elf64_Shdr);
	elf.sections[0].sh_type = SHT_PROGBITS;
	elf.sections[0].sh_offset = offsetof(typeof(elf), data);
	elf.sections[0].sh_size = 77;
	elf.sections[1].sh_type = SHT_NOBITS;
	elf.sections[1].sh_offset = 1 << 20;
	elf.sections[1].sh_size = 1 << 20;
	assert_int_equal(image_detect(&elf, &image), 0);
	assert_int_equal(image.type, IMAGE_ELF);
	assert_int_equal(image.len, offsetof(typeof(elf), data) + 77);
	elf.header.e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(image_detect(&elf, &image), -1);

	assert_int_equal(image_detect(&fatbin, &image), 0);
	assert_int_equal(image.type, IMAGE_FATBIN);
	assert_int_equal(image.len, 80);
	assert_int_equal(image_detect(&wrapper, &image), 0);
	assert_ptr_equal(image.data, &fatbin);
	assert_int_equal(image.len, 80);
	wrapper.data = NULL;
	assert_int_equal(image_detect(&wrapper, &image), -1);
	assert_int_equal(image_detect(junk, &image), -1);
	assert_int_equal(image_detect("", &image), -1);
}

/* Whatever the headers claim: no access to what is not there, an answer, and of a good one that all of it can be read. */
static void damaged_images(void **state)
{
	const size_t page = 4096;
	unsigned char *pages = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct {
		uint32_t magic, version;
		const void *data;
		void *more;
	} wrapper = { 0x466243b1, 1, (void *)16, NULL };
	static const uint64_t sizes[] = { 0, 64, 4096, 1 << 20, 1ull << 40, ~0ull, ~0ull - 64, 1ull << 63 };
	unsigned char *end = pages + 2 * page;
	struct image image;

	assert_true(pages != MAP_FAILED);
	assert_int_equal(mprotect(end, page, PROT_NONE), 0);
	assert_int_equal(image_detect(&wrapper, &image), -1);
	wrapper.data = end;
	assert_int_equal(image_detect(&wrapper, &image), -1);
	for (int round = 0; round < 50000; round++) {
		size_t room = 16 + (size_t)rand_r(&seed) % 600;
		unsigned char *at = end - room;
		uint64_t size = sizes[rand_r(&seed) % 8];
		unsigned char sum = 0;

		memset(at, 0, room);
		switch (rand_r(&seed) % 3) {
		case 0:
			memcpy(at, "\x50\xed\x55\xba\1\0\x10\0", 8);
			memcpy(at + 8, &size, 8);
			break;
		case 1:
			memcpy(at, "\x7f" "ELF\2\1\1", 7);
			for (size_t i = 32; i + 8 < room && i < 64; i++)
				at[i] = rand_r(&seed) % 4 ? 0 : rand_r(&seed);
			if (room > 64)
				at[58] = rand_r(&seed) % 2 ? 64 : 56;
			break;
		default:
			memcpy(at, "\1GPULINK", 8);
			if (room >= 24)
				memcpy(at + 8, &size, 8);
		}
		for (int i = rand_r(&seed) % 4; i > 0; i--)
			at[4 + (size_t)rand_r(&seed) % (room - 4)] = rand_r(&seed);
		if (image_detect(at, &image))
			continue;
		for (size_t i = 0; i < image.len; i++)
			sum += ((const unsigned char *)image.data)[i];
		pages[0] = sum;
	}
	munmap(pages, 3 * page);
}

static void entry_points(void **state)
{
	void *fn, *other;

	assert_int_equal(procaddr_find("cuMemAlloc", 13000, false, &fn), CU_GET_PROC_ADDRESS_SUCCESS);
	assert_ptr_equal(fn, (void *)cuMemAlloc_v2);
	assert_int_equal(procaddr_find("cuCtxCreate", 12000, false, &fn),
			 CU_GET_PROC_ADDRESS_SUCCESS);
	assert_int_equal(procaddr_find("cuCtxCreate", 13000, false, &other),
			 CU_GET_PROC_ADDRESS_SUCCESS);
	assert_ptr_equal(other, (void *)cuCtxCreate_v4);
	assert_ptr_not_equal(fn, other);
	assert_int_equal(procaddr_find("cuMem", 13000, false, &fn),
			 CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND);
	assert_int_equal(procaddr_find("cuMemAllocate", 13000, false, &fn),
			 CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND);
	assert_int_equal(procaddr_find("cuGraphCreate", 9000, false, &fn),
			 CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT);
	assert_int_equal(procaddr_find("cuGraphInstantiate", 12000, false, &fn),
			 CU_GET_PROC_ADDRESS_SUCCESS);
	assert_ptr_equal(fn, (void *)cuGraphInstantiateWithFlags);
	assert_int_equal(procaddr_find("cuGraphInstantiate", 11000, false, &other),
			 CU_GET_PROC_ADDRESS_SUCCESS);
	assert_ptr_not_equal(fn, other);
	/* Whatever is exported is found under some version. */
	for (unsigned int i = 0; i < procaddr_count; i++)
		assert_non_null(procaddr_table[i].fn);
}

static void jit_options(void **state)
{
	char info[10], error[20];
	CUjit_option options[] = { CU_JIT_INFO_LOG_BUFFER, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES,
				   CU_JIT_MAX_REGISTERS, CU_JIT_ERROR_LOG_BUFFER,
				   CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES };
	void *values[] = { info, (void *)10, (void *)32, error, (void *)20 };
	struct jit jit;

	assert_int_equal(jit_parse(&jit, 5, options, values), CUDA_SUCCESS);
	assert_ptr_equal(jit.info_log, info);
	assert_int_equal(jit.info_size, 10);
	assert_ptr_equal(jit.error_log, error);
	assert_int_equal(jit.error_size, 20);
	assert_ptr_equal(jit.error_written, &values[4]);
	/* A size without a buffer is no room. */
	assert_int_equal(jit_parse(&jit, 1, &options[1], &values[1]), CUDA_SUCCESS);
	assert_int_equal(jit.info_size, 0);
	options[2] = (CUjit_option)1000;
	assert_int_equal(jit_parse(&jit, 5, options, values), CUDA_ERROR_INVALID_VALUE);
	assert_int_equal(jit_parse(&jit, 1, NULL, values), CUDA_ERROR_INVALID_VALUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(extents_merge),  cmocka_unit_test(extents_take_best),
		cmocka_unit_test(extents_random), cmocka_unit_test(heap_random),
		cmocka_unit_test(heap_exhausted), cmocka_unit_test(handles),
		cmocka_unit_test(handles_random), cmocka_unit_test(images),
		cmocka_unit_test(damaged_images),
		cmocka_unit_test(entry_points),	  cmocka_unit_test(jit_options),
	};
	const char *given = getenv("SEED");

	seed = given ? strtoul(given, NULL, 0) : (unsigned int)time(NULL);
	printf("seed %u\n", seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
