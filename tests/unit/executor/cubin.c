// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Machine code for GPUs: what it takes of device memory, made by hand, by the assembler of CUDA where there is one, and by
 * somebody hostile. Every image lies in memory of exactly its size, so that AddressSanitizer sees a read beyond it.
 */

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "executor/backend/cubin.h"

#define ROUNDS		50000
#define MOST_SECTIONS	16
#define TEXT_SIZE	0x380
#define GLOBAL_SIZE	(64ULL << 20)

/**
 * struct maker - a file that grows: header, section headers, program headers, names
 */
struct maker {
	Elf64_Ehdr elf;
	Elf64_Shdr sections[MOST_SECTIONS];
	Elf64_Phdr segments[4];
	char names[512];
	size_t names_len;
};

static void begin(struct maker *m)
{
	memset(m, 0, sizeof(*m));
	memcpy(m->elf.e_ident, ELFMAG, SELFMAG);
	m->elf.e_ident[EI_CLASS] = ELFCLASS64;
	m->elf.e_machine = 190;
	m->elf.e_shoff = offsetof(struct maker, sections);
	m->elf.e_shentsize = sizeof(Elf64_Shdr);
	m->elf.e_phoff = offsetof(struct maker, segments);
	m->elf.e_phentsize = sizeof(Elf64_Phdr);
	m->elf.e_shnum = 2;
	m->elf.e_shstrndx = 1;
	m->names_len = 1;
	m->sections[1].sh_type = SHT_STRTAB;
	m->sections[1].sh_offset = offsetof(struct maker, names);
	m->sections[1].sh_size = sizeof(m->names);
}

static Elf64_Shdr *section(struct maker *m, const char *name, uint32_t type, uint64_t flags, uint64_t size)
{
	Elf64_Shdr *s = &m->sections[m->elf.e_shnum++];

	assert_true(m->elf.e_shnum <= MOST_SECTIONS);
	s->sh_name = (Elf64_Word)m->names_len;
	strcpy(m->names + m->names_len, name);
	m->names_len += strlen(name) + 1;
	s->sh_type = type;
	s->sh_flags = flags;
	s->sh_size = size;
	return s;
}

static void segment(struct maker *m, uint32_t type, uint64_t size)
{
	m->segments[m->elf.e_phnum].p_type = type;
	m->segments[m->elf.e_phnum++].p_memsz = size;
}

static int memory_of(const void *image, size_t len, uint64_t *bytes)
{
	void *copy = malloc(len ? len : 1);
	int ret;

	memcpy(copy, image, len);
	*bytes = 0;
	ret = cubin_memory(copy, len, bytes);
	free(copy);
	return ret;
}

/* What nvcc lays out for a module with a large variable. */
static void begin_usual(struct maker *m)
{
	begin(m);
	section(m, ".nv.info", SHT_LOPROC, 0, 0x54);
	section(m, ".debug_frame", SHT_PROGBITS, 0, 0x70);
	section(m, ".text.k", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, TEXT_SIZE);
	section(m, ".nv.global", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, GLOBAL_SIZE);
	section(m, ".nv.shared.k", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, 48 << 10);
}

static void loaded_sections_count(void **state)
{
	struct maker m;
	uint64_t bytes;

	begin_usual(&m);
	assert_int_equal(memory_of(&m, sizeof(m), &bytes), 0);
	assert_int_equal(bytes, TEXT_SIZE + GLOBAL_SIZE);
	/* Segments say the same, with shared memory. */
	segment(&m, PT_LOAD, TEXT_SIZE);
	segment(&m, PT_LOAD, GLOBAL_SIZE + (48 << 10));
	segment(&m, PT_PHDR, 1ULL << 40);
	assert_int_equal(memory_of(&m, sizeof(m), &bytes), 0);
	assert_int_equal(bytes, TEXT_SIZE + GLOBAL_SIZE);
	/* Or they say more. */
	segment(&m, PT_LOAD, 1 << 20);
	assert_int_equal(memory_of(&m, sizeof(m), &bytes), 0);
	assert_int_equal(bytes, TEXT_SIZE + GLOBAL_SIZE + (1 << 20));
}

static void alignment_counts(void **state)
{
	struct maker m;
	uint64_t bytes;

	begin(&m);
	section(&m, ".text.k", SHT_PROGBITS, SHF_ALLOC, 100)->sh_addralign = 128;
	section(&m, ".text.empty", SHT_PROGBITS, SHF_ALLOC, 0)->sh_addralign = 128;
	assert_int_equal(memory_of(&m, sizeof(m), &bytes), 0);
	assert_int_equal(bytes, 100 + 127);
	m.sections[2].sh_addralign = UINT64_MAX;
	assert_int_equal(memory_of(&m, sizeof(m), &bytes), 0);
	assert_int_equal(bytes, 100);
}

static void shared_memory_is_not_the_devices(void **state)
{
	struct maker m;
	uint64_t bytes;

	begin(&m);
	section(&m, ".nv.shared.k", SHT_NOBITS, SHF_ALLOC, VGPU_MAX_SHARED);
	assert_int_equal(memory_of(&m, sizeof(m), &bytes), 0);
	assert_int_equal(bytes, 0);
	/* No kernel has so much: whatever it is, it counts. */
	m.sections[2].sh_size++;
	assert_int_equal(memory_of(&m, sizeof(m), &bytes), 0);
	assert_int_equal(bytes, VGPU_MAX_SHARED + 1);
	/* With bytes in the file it is no shared memory, and without an end it has no name. */
	m.sections[2].sh_size = 1000;
	m.sections[2].sh_type = SHT_PROGBITS;
	assert_int_equal(memory_of(&m, sizeof(m), &bytes), 0);
	assert_int_equal(bytes, 1000);
	m.sections[2].sh_type = SHT_NOBITS;
	m.sections[1].sh_size = m.sections[2].sh_name + strlen(".nv.shared.k");
	assert_int_equal(memory_of(&m, sizeof(m), &bytes), 0);
	assert_int_equal(bytes, 1000);
}

static void many_sections_are_told_in_the_first(void **state)
{
	struct maker m;
	uint64_t bytes;

	begin_usual(&m);
	m.sections[0].sh_size = m.elf.e_shnum;
	m.sections[0].sh_link = 1;
	m.elf.e_shnum = 0;
	m.elf.e_shstrndx = SHN_XINDEX;
	assert_int_equal(memory_of(&m, sizeof(m), &bytes), 0);
	assert_int_equal(bytes, TEXT_SIZE + GLOBAL_SIZE);
	m.sections[0].sh_size = UINT64_MAX / sizeof(Elf64_Shdr) + 2;
	assert_int_equal(memory_of(&m, sizeof(m), &bytes), -EINVAL);
	m.sections[0].sh_size = 0;
	assert_int_equal(memory_of(&m, sizeof(m), &bytes), -EINVAL);
}

/* Each lies in one place about a sound file. */
static void lies_are_refused(void **state)
{
	struct maker sound, m;
	uint64_t bytes;

	begin_usual(&sound);
	segment(&sound, PT_LOAD, 100);
#define REFUSED(...) \
	do { \
		m = sound; \
		__VA_ARGS__; \
		assert_int_equal(memory_of(&m, sizeof(m), &bytes), -EINVAL); \
	} while (0)
	REFUSED(m.elf.e_ident[0] = 0);
	REFUSED(m.elf.e_ident[EI_CLASS] = ELFCLASS32);
	REFUSED(m.elf.e_shoff = sizeof(m));
	REFUSED(m.elf.e_shoff = UINT64_MAX - 8);
	REFUSED(m.elf.e_shentsize = 40);
	REFUSED(m.elf.e_shnum = 60000);
	REFUSED(m.elf.e_shstrndx = 60000);
	REFUSED(m.elf.e_phoff = UINT64_MAX - 8);
	REFUSED(m.elf.e_phnum = 60000);
	REFUSED(m.elf.e_phentsize = 0);
	REFUSED(m.sections[1].sh_offset = sizeof(m));
	REFUSED(m.sections[4].sh_offset = UINT64_MAX);
	REFUSED(m.sections[4].sh_size = UINT64_MAX);
	REFUSED(m.sections[5].sh_size = UINT64_MAX);
	REFUSED(m.sections[5].sh_size = CUBIN_MEMORY_MAX - 100);
	REFUSED(m.segments[0].p_memsz = UINT64_MAX);
#undef REFUSED
	assert_int_equal(memory_of(&sound, sizeof(Elf64_Ehdr) - 1, &bytes), -EINVAL);
	assert_int_equal(memory_of("", 0, &bytes), -EINVAL);
	assert_int_equal(memory_of(&sound, sizeof(sound), &bytes), 0);
}

static void parameters_are_read(void **state)
{
	static const uint32_t records[] = {
		0x000c1704, 0, 0x00000001 | 8 << 16, 4u << 18,
		0x000c1704, 0, 0x00000000, 8u << 18,
		0x00041903,
	};
	uint32_t pairs[4][2];
	struct {
		struct maker m;
		uint32_t info[sizeof(records) / sizeof(records[0])];
	} file;
	Elf64_Shdr *info;

	begin(&file.m);
	info = section(&file.m, ".nv.info.k", SHT_LOPROC, 0, sizeof(records));
	info->sh_offset = sizeof(file.m);
	memcpy(file.info, records, sizeof(records));
	assert_int_equal(cubin_params(&file, sizeof(file), "k", pairs, 4), 2);
	assert_int_equal(pairs[0][0], 0);
	assert_int_equal(pairs[0][1], 8);
	assert_int_equal(pairs[1][0], 8);
	assert_int_equal(pairs[1][1], 4);
	assert_int_equal(cubin_params(&file, sizeof(file), "other", pairs, 4), 0);
	assert_int_equal(cubin_params(&file, sizeof(file), "k", pairs, 1), 0);
	assert_int_equal(cubin_params(NULL, 0, "k", pairs, 4), 0);
	/* A record that goes on behind the section. */
	file.info[4] = 0xffff1704;
	assert_int_equal(cubin_params(&file, sizeof(file), "k", pairs, 4), 0);
}

static void damage_is_survived(void **state)
{
	uint64_t seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 0) : (uint64_t)time(NULL), bytes;
	uint32_t pairs[4][2];
	struct maker m;
	uint32_t i, n;
	void *copy;
	size_t len;

	print_message("seed %llu\n", (unsigned long long)seed);
	srandom((unsigned int)seed);
	for (i = 0; i < ROUNDS; i++) {
		begin_usual(&m);
		segment(&m, PT_LOAD, 100);
		for (n = 1 + (uint32_t)random() % 4; n; n--)
			((unsigned char *)&m)[(size_t)random() % offsetof(struct maker, names)] = (unsigned char)random();
		len = random() % 2 ? sizeof(m) : (size_t)random() % sizeof(m);
		copy = malloc(len ? len : 1);
		memcpy(copy, &m, len);
		if (!cubin_memory(copy, len, &bytes))
			assert_true(bytes <= 2 * CUBIN_MEMORY_MAX);
		cubin_params(copy, len, "k", pairs, 4);
		free(copy);
	}
}

static const char source[] =
	".version 8.0\n.target sm_80\n.address_size 64\n"
	".visible .global .align 4 .b8 large[33554432];\n"
	".visible .const .align 4 .b8 table[1000];\n"
	".visible .entry k(.param .u64 p, .param .u32 n)\n{\n"
	"\t.reg .b64 %rd<3>;\n\t.reg .b32 %r<2>;\n\t.shared .align 4 .b8 own[4096];\n"
	"\tld.param.u64 %rd1, [p];\n\tld.param.u32 %r1, [n];\n\tst.shared.u32 [own], %r1;\n\tld.shared.u32 %r1, [own];\n"
	"\tst.global.u32 [%rd1], %r1;\n\tst.global.u32 [large], %r1;\n\tret;\n}\n";

static size_t assemble(const char *arch, char *image, size_t most)
{
	char text[] = "/tmp/cubin-XXXXXX", made[64], command[256];
	int fd = mkstemp(text);
	size_t len = 0;
	FILE *file;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, source, sizeof(source) - 1), sizeof(source) - 1);
	close(fd);
	snprintf(made, sizeof(made), "%s.cubin", text);
	snprintf(command, sizeof(command), "PATH=$PATH:/usr/local/cuda/bin; ptxas -arch=%s -o %s %s 2>/dev/null", arch, made,
		 text);
	if (!system(command)) {
		file = fopen(made, "r");
		assert_non_null(file);
		len = fread(image, 1, most, file);
		fclose(file);
		unlink(made);
	}
	unlink(text);
	return len;
}

static void what_the_assembler_makes(void **state)
{
	static const char * const archs[] = { "sm_80", "sm_90", "sm_100" };
	static char image[1 << 20];
	uint32_t pairs[4][2], i;
	uint64_t bytes;
	size_t len;

	for (i = 0; i < sizeof(archs) / sizeof(archs[0]); i++) {
		len = assemble(archs[i], image, sizeof(image));
		if (!len) {
			print_message("no ptxas for %s here\n", archs[i]);
			skip();
		}
		assert_int_equal(memory_of(image, len, &bytes), 0);
		/* The variable, the table, and some code: not the shared memory. */
		assert_in_range(bytes, 33554432 + 1000 + 64, 33554432 + 1000 + 4096);
		assert_int_equal(cubin_params(image, len, "k", pairs, 4), 2);
		assert_int_equal(pairs[0][1], 8);
		assert_int_equal(pairs[1][0], 8);
		assert_int_equal(pairs[1][1], 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loaded_sections_count),
		cmocka_unit_test(alignment_counts),
		cmocka_unit_test(shared_memory_is_not_the_devices),
		cmocka_unit_test(many_sections_are_told_in_the_first),
		cmocka_unit_test(lies_are_refused),
		cmocka_unit_test(parameters_are_read),
		cmocka_unit_test(damage_is_survived),
		cmocka_unit_test(what_the_assembler_makes),
	};

	return cmocka_run_group_tests_name("executor-cubin", tests, NULL, NULL);
}
