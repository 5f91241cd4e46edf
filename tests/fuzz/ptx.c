// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * libFuzzer over the PTX interpreter: the input is PTX text. What loads is launched, with a small budget: texts that are nearly right are
 * found by mutation of the committed PTX, by its lines and words as well as by its bytes.
 */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "executor/backend/soft/insn.h"
#include "executor/backend/soft/ptx.h"

#define RESERVE		(256ull << 20)
#define KEPT		(16ull << 20)
#define BUFFER		(1u << 16)
#define MAX_KERNELS	4
#define BUDGET		4000
#define MAX_WORDS	4096
#define MAX_LINES	2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len, uint8_t *out, size_t max,
				 unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

extern const struct exec_table exec_table_base;

/* Handlers for one instruction set are enough here, and quicker to build than three. */
const struct exec_table *exec_select(void)
{
	return &exec_table_base;
}

const char *exec_op_name(unsigned int op)
{
	return op < XO_COUNT ? "handler" : "?";
}

static struct {
	struct soft_mem *mem;
	struct ptx_env *env;
	uint64_t base;
	uint64_t top;
	uint64_t mapped;
} gpu;

static int va_alloc(void *ctx, uint64_t size, uint64_t align, uint64_t *addr)
{
	uint64_t at = (gpu.top + align - 1) & ~(align - 1);

	if (size > RESERVE || at > RESERVE - size)
		return PTX_ERROR_OUT_OF_MEMORY;
	for (; gpu.mapped < at + size; gpu.mapped += SOFT_MEM_GRANULE)
		if (soft_mem_map(gpu.mem, gpu.base + gpu.mapped, SOFT_MEM_GRANULE))
			return PTX_ERROR_OUT_OF_MEMORY;
	gpu.top = at + size;
	*addr = gpu.base + at;
	return PTX_SUCCESS;
}

static void va_free(void *ctx, uint64_t addr, uint64_t size)
{
}

static const struct soft_va_ops va = { va_alloc, va_free, NULL };

static void open_env(void)
{
	struct ptx_env_config config = { .threads = 1, .va = va, .heap_size = 1 << 20, .mem = gpu.mem };

	if (ptx_env_create(&gpu.env, &config))
		abort();
}

static void open_gpu(void)
{
	char *p = mmap(NULL, RESERVE + SOFT_MEM_GRANULE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		abort();
	gpu.base = ((uint64_t)p + SOFT_MEM_GRANULE - 1) & ~(SOFT_MEM_GRANULE - 1);
	if (soft_mem_create(&gpu.mem, (void *)gpu.base, RESERVE))
		abort();
	open_env();
}

/* Over the start of the buffer; of every kind, and with every way of reading. */
static uint64_t make_texture(uint32_t number, uint64_t buffer)
{
	struct ptx_texture texture = {
		.addr = buffer, .width = 24, .kind = (uint8_t)(number % 6), .format = number & 1 ? PTX_FORMAT_FLOAT : PTX_FORMAT_U8,
		.channels = (uint8_t)(1u << number % 3), .address = { number & 3, number >> 1 & 3, number >> 2 & 3 },
		.filter = number >> 2 & 1, .normalized = number >> 1 & 1, .border = { 1, 2, 3, 4 },
	};
	uint64_t handle = 0;

	if (texture.kind != PTX_TEXTURE_LINEAR) {
		texture.height = texture.kind & 1 ? 1 : 5;
		texture.depth = texture.kind > 2 ? 3 : 1;
		texture.pitch = 512;
	}
	if (ptx_env_set_texture(gpu.env, number, &texture, &handle))
		abort();
	return handle;
}

static void run_kernel(const struct ptx_function *func, uint64_t buffer, const uint64_t *second)
{
	const struct ptx_function_info *info = ptx_function_info(func);
	static unsigned char params[PTX_MAX_PARAMS];
	struct ptx_launch launch = {
		.func = func, .grid = { 2, 1, 1 }, .block = { 33, 2, 1 }, .dynamic_shared = 1024,
		.params = params, .params_len = info->params_size, .budget = BUDGET,
	};
	struct ptx_fault fault;
	uint32_t i, n;

	memset(params, 0, info->params_size);
	for (i = 0; i < info->num_params; i++)
		if (info->params[i].size == 8) {
			memcpy(params + info->params[i].offset, i == 1 ? second : &buffer, 8);
		} else {
			n = 40;
			memcpy(params + info->params[i].offset, &n, info->params[i].size < 4 ? info->params[i].size : 4);
		}
	for (i = 0; i < 3; i++)
		if (info->required_block[i])
			launch.block[i] = info->required_block[i];
	memset(&fault, 0, sizeof(fault));
	/* What a fault says must be there to be said. */
	if (ptx_launch(gpu.env, &launch, &fault) && strlen(fault.message) >= sizeof(fault.message))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ptx_input input = { .text = (const char *)data, .len = size };
	char text[512];
	struct ptx_log log = { text, sizeof(text), 0 };
	const struct ptx_function *func;
	struct ptx_module *module;
	uint64_t buffer, second;
	unsigned int i;
	int result;

	if (!gpu.mem)
		open_gpu();
	result = ptx_module_load(&module, gpu.mem, &va, &input, 1, &log);
	if (log.used >= sizeof(text) || (result && result != PTX_ERROR_OUT_OF_MEMORY && !log.used))
		abort();
	if (!result) {
		if (va_alloc(NULL, BUFFER, 256, &buffer))
			abort();
		second = memmem(data, size, "tex.", 4) ? make_texture(size % 64, buffer) : buffer;
		for (i = 0; i < MAX_KERNELS && (func = ptx_module_function_at(module, i)); i++)
			run_kernel(func, buffer, &second);
		ptx_module_unload(module);
	}
	/* Everything starts anew, the kernels' heap too. */
	ptx_env_destroy(gpu.env);
	gpu.top = 0;
	if (gpu.mapped > KEPT) {
		soft_mem_unmap(gpu.mem, gpu.base + KEPT, gpu.mapped - KEPT);
		gpu.mapped = KEPT;
	}
	open_env();
	return 0;
}

/* Mutation */

static uint32_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 16);
}

struct piece {
	size_t at;
	size_t len;
};

static bool is_word(int c)
{
	return isalnum(c) || c == '_' || c == '$' || c == '%' || c == '.' || c == ':';
}

static size_t split_lines(const uint8_t *data, size_t size, struct piece *lines)
{
	size_t n = 0, at = 0;

	while (at < size && n < MAX_LINES) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		size_t len = end ? (size_t)(end - data) + 1 - at : size - at;

		lines[n++] = (struct piece){ at, len };
		at += len;
	}
	return n;
}

/* Words; those with dots in them are split there, dot first, so that modifiers are words. */
static size_t split_words(const uint8_t *data, size_t size, struct piece *words)
{
	size_t n = 0, at = 0, end;

	while (at < size && n < MAX_WORDS) {
		if (!is_word(data[at])) {
			at++;
			continue;
		}
		for (end = at + 1; end < size && is_word(data[end]) && data[end] != '.'; end++)
			;
		words[n++] = (struct piece){ at, end - at };
		at = end;
	}
	return n;
}

static size_t replace(uint8_t *data, size_t size, size_t max, struct piece old, const uint8_t *with, size_t len)
{
	static uint8_t copy[1 << 20];

	if (len > sizeof(copy) || size - old.len + len > max)
		return size;
	if (len)
		memcpy(copy, with, len);
	memmove(data + old.at + len, data + old.at + old.len, size - old.at - old.len);
	memcpy(data + old.at, copy, len);
	return size - old.len + len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	static const char *const texts[] = {
		"0", "1", "-1", "31", "32", "33", "255", "256", "65535", "65536", "2147483647", "2147483648", "4294967295", "4294967296",
		"9223372036854775807", "18446744073709551615", "0f7F800000", "0f00000001", "0d7FF8000000000000", "0x", "%p1", "%r1", "%rd1",
		"%f1", "%fd1", "%rs1", "%tid", "%tid.x", "%clock64", "%globaltimer", "WARP_SZ", ".u8", ".s16", ".b32", ".u64", ".f16", ".f16x2",
		".bf16", ".f32", ".f64", ".pred", ".b128", ".v2", ".v4", ".sat", ".ftz", ".rn", ".rz", ".wide", ".lo", ".hi", ".cc", ".uni",
		".sync", ".aligned", ".shared", ".global", ".local", ".param", ".const", ".volatile", ".relaxed", ".gpu", ".sys", "{", "}", "(",
		")", "[", "]", ",", ";", "+", "@", "!", ".func", ".entry", ".reg", ".extern", ".visible", ".weak", ".align", ".branchtargets",
		".callprototype", ".pragma", ".loc", ".file", ".section", ".alias", ".maxntid", ".reqntid", ".minnctapersm", "ret", "exit",
		"trap", "call", "bra", "brx.idx", "bar.sync", "vote.sync.any.pred", "shfl.sync.bfly.b32", "atom.cas.b64", "mma.sync", "cp.async",
	};
	static struct piece words[MAX_WORDS], lines[MAX_LINES];
	uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;
	size_t num_lines, num_words;
	const char *text;
	struct piece a, b;

	switch (next_random(&state) % 10) {
	case 0:
	case 1:
		return LLVMFuzzerMutate(data, size, max);
	case 2:
	case 3:
	case 4:
		num_lines = split_lines(data, size, lines);
		if (num_lines < 2)
			break;
		a = lines[next_random(&state) % num_lines];
		b = lines[next_random(&state) % num_lines];
		switch (next_random(&state) % 3) {
		case 0:	/* a line away */
			return replace(data, size, max, a, NULL, 0);
		case 1:	/* a line once more, elsewhere */
			return replace(data, size, max, (struct piece){ a.at, 0 }, data + b.at, b.len);
		default: /* a line in another's place */
			return replace(data, size, max, a, data + b.at, b.len);
		}
	default:
		num_words = split_words(data, size, words);
		if (num_words < 2)
			break;
		a = words[next_random(&state) % num_words];
		b = words[next_random(&state) % num_words];
		if (next_random(&state) % 2)
			return replace(data, size, max, a, data + b.at, b.len);
		text = texts[next_random(&state) % (sizeof(texts) / sizeof(*texts))];
		return replace(data, size, max, a, (const uint8_t *)text, strlen(text));
	}
	return LLVMFuzzerMutate(data, size, max);
}

/* Lines of one text inside another. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len, uint8_t *out, size_t max,
				 unsigned int seed)
{
	static struct piece from[MAX_LINES], to[MAX_LINES];
	uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;
	size_t num_from = split_lines(b, b_len, from), num_to = split_lines(a, a_len, to), first, last, len;

	if (!num_from || !num_to || a_len > max)
		return 0;
	first = next_random(&state) % num_from;
	last = first + next_random(&state) % 8;
	if (last >= num_from)
		last = num_from - 1;
	len = from[last].at + from[last].len - from[first].at;
	memcpy(out, a, a_len);
	return replace(out, a_len, max, (struct piece){ to[next_random(&state) % num_to].at, 0 }, b + from[first].at, len);
}
