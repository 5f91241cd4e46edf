// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness.h"

#define RESERVE		(8ull << 30)

static void die(const char *what, const char *name)
{
	fprintf(stderr, "%s: %s\n", what, name);
	exit(1);
}

static int va_alloc(void *ctx, uint64_t size, uint64_t align, uint64_t *addr)
{
	struct device *dev = ctx;
	uint64_t at = (dev->top + align - 1) & ~(align - 1), end = at + size;

	if (end > RESERVE)
		return PTX_ERROR_OUT_OF_MEMORY;
	while (dev->mapped < end) {
		if (soft_mem_map(dev->mem, dev->base + dev->mapped, SOFT_MEM_GRANULE))
			return PTX_ERROR_OUT_OF_MEMORY;
		dev->mapped += SOFT_MEM_GRANULE;
	}
	dev->top = end;
	*addr = dev->base + at;
	return PTX_SUCCESS;
}

static void va_free(void *ctx, uint64_t addr, uint64_t size)
{
}

static void print(void *ctx, const char *text, size_t len)
{
	struct device *dev = ctx;

	if (len > sizeof(dev->printed) - 1 - dev->printed_len)
		len = sizeof(dev->printed) - 1 - dev->printed_len;
	memcpy(dev->printed + dev->printed_len, text, len);
	dev->printed_len += len;
	dev->printed[dev->printed_len] = '\0';
}

struct device *device_open_print(unsigned int threads, void (*print_to)(void *ctx, const char *text, size_t len))
{
	struct ptx_env_config config = { .threads = threads, .print = print_to };
	struct device *dev = calloc(1, sizeof(*dev));
	void *p;

	p = mmap(NULL, RESERVE + SOFT_MEM_GRANULE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!dev || p == MAP_FAILED)
		die("no memory", "device");
	dev->base = ((uint64_t)(uintptr_t)p + SOFT_MEM_GRANULE - 1) & ~(SOFT_MEM_GRANULE - 1);
	if (soft_mem_create(&dev->mem, (void *)(uintptr_t)dev->base, RESERVE))
		die("soft_mem_create", "");
	dev->budget = 1ull << 36;
	dev->va = (struct soft_va_ops){ va_alloc, va_free, dev };
	config.mem = dev->mem;
	config.va = dev->va;
	config.print_ctx = dev;
	if (ptx_env_create(&dev->env, &config))
		die("ptx_env_create", "");
	return dev;
}

struct device *device_open(unsigned int threads)
{
	return device_open_print(threads, print);
}

void device_close(struct device *dev)
{
	ptx_env_destroy(dev->env);
	soft_mem_destroy(dev->mem);
	munmap((void *)(uintptr_t)dev->base, RESERVE);
	free(dev);
}

void *device_alloc(struct device *dev, uint64_t size)
{
	uint64_t addr;

	if (va_alloc(dev, size, 256, &addr))
		die("no device memory", "");
	return (void *)(uintptr_t)addr;
}

struct ptx_module *device_load_text(struct device *dev, const char *text)
{
	struct ptx_input input = { .text = text, .len = strlen(text) };
	struct ptx_module *module;
	char buf[4096];
	struct ptx_log log = { buf, sizeof(buf), 0 };
	int result = ptx_module_load(&module, dev->mem, &dev->va, &input, 1, &log);

	if (result) {
		fprintf(stderr, "%s\n%s", ptx_result_name(result), buf);
		die("module does not load", "");
	}
	return module;
}

char *read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *text;
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0)
		die("cannot read", path);
	rewind(f);
	text = calloc(1, (size_t)size + 1);
	if (!text || fread(text, 1, (size_t)size, f) != (size_t)size)
		die("cannot read", path);
	fclose(f);
	*len = (size_t)size;
	return text;
}

struct ptx_module *device_load_file(struct device *dev, const char *path)
{
	struct ptx_module *module;
	size_t len;
	char *text = read_file(path, &len);

	module = device_load_text(dev, text);
	free(text);
	return module;
}

int device_run(struct device *dev, const struct ptx_module *module, const char *name, const struct dims *dims,
	       void **args)
{
	const struct ptx_function *func = ptx_module_function(module, name);

	if (!func)
		die("no such kernel", name);
	return device_launch(dev, func, dims, args);
}

int device_launch(struct device *dev, const struct ptx_function *func, const struct dims *dims, void **args)
{
	const struct ptx_function_info *info = ptx_function_info(func);
	struct ptx_launch launch = { .func = func, .dynamic_shared = dims->shared, .stop = dev->stop, .budget = dev->budget };
	unsigned char params[PTX_MAX_PARAMS] = { 0 };
	unsigned int i;

	for (i = 0; i < info->num_params; i++) {
		if (!args[i])
			die("too few arguments", info->name);
		memcpy(params + info->params[i].offset, args[i], info->params[i].size);
	}
	for (i = 0; i < 3; i++) {
		launch.grid[i] = dims->grid[i] ? dims->grid[i] : 1;
		launch.block[i] = dims->block[i] ? dims->block[i] : 1;
	}
	launch.params = params;
	launch.params_len = info->params_size;
	return ptx_launch(dev->env, &launch, &dev->fault);
}

uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}
