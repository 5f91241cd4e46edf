// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */
/*
 * Fat binaries as nvcc embeds them: the wrapper that a program passes, and entries that are plain, packed with LZ4 or with zstd. What packs
 * here stores most bytes as they are, which both formats allow (LZ4 block format; RFC 8878, raw and RLE blocks).
 */
#include <elf.h>
#include <stdint.h>
#include "conform.h"

#define WRAPPER_MAGIC	0x466243b1
#define FATBIN_MAGIC	0xba55ed50
#define KIND_PTX	1
#define FLAG_64BIT	0x1
#define FLAG_LZ4	0x2000
#define FLAG_ZSTD	0x8000
#define BLANKS		5000

struct wrapper {
	uint32_t magic;
	uint32_t version;
	const void *data;
	void *unused;
};

static struct {
	uint8_t bytes[32768];
	size_t len;
} image;

static const char text[] =
	".version 6.0\n"
	".target sm_50\n"
	".address_size 64\n"
	".visible .entry answer(.param .u64 out)\n"
	"{\n"
	"	.reg .b64 %a;\n"
	"	ld.param.u64 %a, [out];\n"
	"	st.global.u32 [%a], 42;\n"
	"	ret;\n"
	"}\n";

static void put(const void *bytes, size_t len)
{
	CHECK(len <= sizeof(image.bytes) - image.len);
	memcpy(image.bytes + image.len, bytes, len);
	image.len += len;
}

static void number(uint64_t value, size_t len)
{
	put(&value, len);
}

static void begin(void)
{
	image.len = 0;
	number(FATBIN_MAGIC, 4);
	number(1, 2);
	number(16, 2);
	number(0, 8);
}

static void entry(uint16_t kind, uint32_t arch, uint64_t flags, const void *data, size_t len, size_t unpacked)
{
	size_t padded = (len + 7) & ~(size_t)7;

	number(kind, 2);
	number(0x101, 2);
	number(64, 4);
	number(padded, 8);
	number(unpacked ? len : 0, 4);
	number(0, 8);
	number(arch, 4);
	number(0, 8);
	number(flags | FLAG_64BIT, 8);
	number(0, 8);
	number(unpacked, 8);
	put(data, len);
	number(0, padded - len);
}

/* The header says how much follows it. */
static const struct wrapper *end(void)
{
	static struct wrapper wrapper;
	uint64_t body = image.len - 16;

	memcpy(image.bytes + 8, &body, sizeof(body));
	wrapper = (struct wrapper){ .magic = WRAPPER_MAGIC, .version = 1, .data = image.bytes };
	return &wrapper;
}

/* The text, then blanks: literals, then a match of the byte before. Returns the length packed. */
static size_t pack_lz4(uint8_t *to)
{
	size_t literals = strlen(text) + 1, matched = BLANKS - 1 - 5, at = 0, more;

	to[at++] = 0xff;
	for (more = literals - 15; more >= 255; more -= 255)
		to[at++] = 255;
	to[at++] = (uint8_t)more;
	memcpy(to + at, text, strlen(text));
	to[at + strlen(text)] = ' ';
	at += literals;
	to[at++] = 1;
	to[at++] = 0;
	for (more = matched - 4 - 15; more >= 255; more -= 255)
		to[at++] = 255;
	to[at++] = (uint8_t)more;
	/* The last five bytes are literals. */
	to[at++] = 5 << 4;
	memset(to + at, ' ', 5);
	return at + 5;
}

static size_t zstd_block(uint8_t *to, uint32_t size, uint32_t type, uint32_t last, const void *bytes, size_t len)
{
	uint32_t header = last | type << 1 | size << 3;

	memcpy(to, &header, 3);
	memcpy(to + 3, bytes, len);
	return 3 + len;
}

/* A frame of one segment: its content's size in four bytes, a raw block of the text, a block of one blank repeated. */
static size_t pack_zstd(uint8_t *to)
{
	static const uint8_t magic[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x20 | 2 << 6 };
	uint32_t content = (uint32_t)strlen(text) + BLANKS;
	size_t at = sizeof(magic);

	memcpy(to, magic, sizeof(magic));
	memcpy(to + at, &content, 4);
	at += 4;
	at += zstd_block(to + at, (uint32_t)strlen(text), 0, 0, text, strlen(text));
	at += zstd_block(to + at, BLANKS, 1, 1, " ", 1);
	return at;
}

static void runs(CUfunction function)
{
	CUdeviceptr out;
	uint32_t value = 0;
	void *args[] = { &out };

	CU(cuMemAlloc(&out, 4));
	CU(cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, NULL, args, NULL));
	CU(cuMemcpyDtoH(&value, out, 4));
	CU(cuMemFree(out));
	EQUAL(value, 42);
}

/* By each call that takes one. */
static void is_loaded(const struct wrapper *wrapper)
{
	CUfunction function;
	CUlibrary library;
	CUkernel kernel;
	CUmodule module;

	CU(cuModuleLoadData(&module, wrapper));
	CU(cuModuleGetFunction(&function, module, "answer"));
	runs(function);
	CU(cuModuleUnload(module));
	CU(cuModuleLoadFatBinary(&module, wrapper));
	CU(cuModuleGetFunction(&function, module, "answer"));
	runs(function);
	CU(cuModuleUnload(module));
	CU(cuLibraryLoadData(&library, wrapper, NULL, NULL, 0, NULL, NULL, 0));
	CU(cuLibraryGetKernel(&kernel, library, "answer"));
	CU(cuKernelGetFunction(&function, kernel));
	runs(function);
	CU(cuLibraryUnload(library));
}

static void plain(void)
{
	begin();
	entry(KIND_PTX, 50, 0, text, sizeof(text), 0);
	is_loaded(end());
}

static void lz4(void)
{
	static uint8_t packed[4096];
	size_t len = pack_lz4(packed);

	begin();
	entry(KIND_PTX, 50, FLAG_LZ4, packed, len, strlen(text) + BLANKS);
	is_loaded(end());
}

static void zstd(void)
{
	static uint8_t packed[4096];
	size_t len = pack_zstd(packed);

	begin();
	entry(KIND_PTX, 50, FLAG_ZSTD, packed, len, strlen(text) + BLANKS);
	is_loaded(end());
}

/* Text for a later GPU than any is passed over. */
static void the_fitting_one(void)
{
	static const char later[] = ".version 9.9\n.target sm_999\n.address_size 64\n";

	begin();
	entry(KIND_PTX, 999, 0, later, sizeof(later), 0);
	entry(KIND_PTX, 50, 0, text, sizeof(text), 0);
	is_loaded(end());
}

static void nothing_fits(void)
{
	static const char later[] = ".version 9.9\n.target sm_999\n.address_size 64\n";
	CUmodule module;

	begin();
	entry(KIND_PTX, 999, 0, later, sizeof(later), 0);
	RESULT(CUDA_ERROR_NO_BINARY_FOR_GPU, cuModuleLoadData(&module, end()));
}

/* Machine code, alone: a driver that runs some finds this one empty, one that runs none says what to give it instead. */
static void machine_code(void)
{
	Elf64_Ehdr cubin = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = 190, /* EM_CUDA */
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(cubin),
	};
	static char log[512];
	CUjit_option options[] = { CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES };
	void *values[] = { log, (void *)sizeof(log) };
	CUmodule module;
	CUresult result = cuModuleLoadDataEx(&module, &cubin, 2, options, values);

	if (result == CUDA_ERROR_INVALID_IMAGE)
		return;
	EQUAL(result, CUDA_ERROR_NO_BINARY_FOR_GPU);
	CHECK(strstr(log, "cubin") && strstr(log, "PTX"));
}

static void damaged(void)
{
	static uint8_t packed[4096];
	size_t len = pack_zstd(packed);
	CUmodule module;
	CUresult result;

	packed[6] ^= 1;
	begin();
	entry(KIND_PTX, 50, FLAG_ZSTD, packed, len, strlen(text) + BLANKS);
	result = cuModuleLoadData(&module, end());
	CHECK(result == CUDA_ERROR_INVALID_IMAGE || result == CUDA_ERROR_INVALID_PTX || result == CUDA_ERROR_NO_BINARY_FOR_GPU);
}

int main(void)
{
	static const struct conform_test tests[] = {
		TEST(plain),	   TEST(lz4),	  TEST(zstd), TEST(the_fitting_one),
		TEST(nothing_fits), TEST(machine_code), TEST(damaged), { 0 },
	};

	return conform_main(tests);
}
