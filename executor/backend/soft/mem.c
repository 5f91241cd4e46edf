// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * DOC: Device memory
 *
 * A bitmap says which granules of the adopted range are mapped. Chunks that may have aliases are mappings that can be shared, which others
 * are not for their speed: the pages of those are large where the machine likes. Memory of the host that kernels may reach is in a small sorted
 * array. Both are read by running kernels, through a cache of one range in each warp, so a lock held for reading suffices.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "mem.h"

struct host_range {
	uint64_t addr;
	uint64_t len;
};

/**
 * struct share - a chunk that may have aliases, or is one
 * @addr: of it
 * @len: bytes
 * @source: address of the chunk whose alias it is, 0 if it is none
 */
struct share {
	uint64_t addr;
	uint64_t len;
	uint64_t source;
};

struct soft_mem {
	uint64_t base;
	uint64_t size;
	uint64_t granules;
	uint64_t *mapped;
	struct host_range *hosts;
	size_t num_hosts;
	struct share *shares;
	size_t num_shares;
	pthread_rwlock_t lock;
};

#define WORD_BITS	64

static bool granule_mapped(const struct soft_mem *mem, uint64_t g)
{
	return mem->mapped[g / WORD_BITS] >> (g % WORD_BITS) & 1;
}

int soft_mem_create(struct soft_mem **out, void *base, uint64_t size)
{
	uint64_t addr = (uint64_t)(uintptr_t)base;
	struct soft_mem *mem;

	if (!size || addr % SOFT_MEM_GRANULE || size % SOFT_MEM_GRANULE || addr + size < addr)
		return PTX_ERROR_INVALID_VALUE;
	mem = calloc(1, sizeof(*mem));
	if (!mem)
		return PTX_ERROR_OUT_OF_MEMORY;
	mem->base = addr;
	mem->size = size;
	mem->granules = size / SOFT_MEM_GRANULE;
	mem->mapped = calloc((mem->granules + WORD_BITS - 1) / WORD_BITS, sizeof(*mem->mapped));
	if (!mem->mapped || pthread_rwlock_init(&mem->lock, NULL)) {
		free(mem->mapped);
		free(mem);
		return PTX_ERROR_OUT_OF_MEMORY;
	}
	*out = mem;
	return PTX_SUCCESS;
}

static void unback(uint64_t addr, uint64_t len)
{
	/* A new mapping in place of the old drops the pages at once. */
	mmap((void *)(uintptr_t)addr, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

void soft_mem_destroy(struct soft_mem *mem)
{
	uint64_t g;

	if (!mem)
		return;
	for (g = 0; g < mem->granules; g++)
		if (granule_mapped(mem, g))
			unback(mem->base + g * SOFT_MEM_GRANULE, SOFT_MEM_GRANULE);
	pthread_rwlock_destroy(&mem->lock);
	free(mem->mapped);
	free(mem->hosts);
	free(mem->shares);
	free(mem);
}

static bool range_inside(const struct soft_mem *mem, uint64_t addr, uint64_t len)
{
	return len && !(addr % SOFT_MEM_GRANULE) && !(len % SOFT_MEM_GRANULE) && addr >= mem->base &&
	       len <= mem->size && addr - mem->base <= mem->size - len;
}

static bool range_is(const struct soft_mem *mem, uint64_t addr, uint64_t len, bool mapped)
{
	uint64_t g = (addr - mem->base) / SOFT_MEM_GRANULE, end = g + len / SOFT_MEM_GRANULE;

	for (; g < end; g++)
		if (granule_mapped(mem, g) != mapped)
			return false;
	return true;
}

static void range_set(struct soft_mem *mem, uint64_t addr, uint64_t len, bool mapped)
{
	uint64_t g = (addr - mem->base) / SOFT_MEM_GRANULE, end = g + len / SOFT_MEM_GRANULE, bit;

	for (; g < end; g++) {
		bit = 1ull << (g % WORD_BITS);
		if (mapped)
			mem->mapped[g / WORD_BITS] |= bit;
		else
			mem->mapped[g / WORD_BITS] &= ~bit;
	}
}

static int map(struct soft_mem *mem, uint64_t addr, uint64_t len, int kind)
{
	void *p;

	if (!range_inside(mem, addr, len) || !range_is(mem, addr, len, false))
		return PTX_ERROR_INVALID_VALUE;
	p = mmap((void *)(uintptr_t)addr, len, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	if (p == MAP_FAILED)
		return PTX_ERROR_OUT_OF_MEMORY;
	range_set(mem, addr, len, true);
	return PTX_SUCCESS;
}

int soft_mem_map(struct soft_mem *mem, uint64_t addr, uint64_t len)
{
	int result;

	pthread_rwlock_wrlock(&mem->lock);
	result = map(mem, addr, len, MAP_PRIVATE);
	pthread_rwlock_unlock(&mem->lock);
	return result;
}

static bool room_for_share(struct soft_mem *mem)
{
	struct share *shares = realloc(mem->shares, (mem->num_shares + 1) * sizeof(*shares));

	if (shares)
		mem->shares = shares;
	return shares;
}

int soft_mem_map_shared(struct soft_mem *mem, uint64_t addr, uint64_t len)
{
	int result = PTX_ERROR_OUT_OF_MEMORY;

	pthread_rwlock_wrlock(&mem->lock);
	if (room_for_share(mem))
		result = map(mem, addr, len, MAP_SHARED);
	if (!result)
		mem->shares[mem->num_shares++] = (struct share){ .addr = addr, .len = len };
	pthread_rwlock_unlock(&mem->lock);
	return result;
}

static bool can_have_aliases(const struct soft_mem *mem, uint64_t addr, uint64_t len)
{
	size_t i;

	for (i = 0; i < mem->num_shares; i++)
		if (mem->shares[i].addr == addr && mem->shares[i].len == len)
			return !mem->shares[i].source;
	return false;
}

int soft_mem_alias(struct soft_mem *mem, uint64_t addr, uint64_t len, uint64_t source)
{
	int result = PTX_ERROR_INVALID_VALUE;
	void *p;

	pthread_rwlock_wrlock(&mem->lock);
	if (!range_inside(mem, addr, len) || !range_is(mem, addr, len, false) || !can_have_aliases(mem, source, len))
		goto out;
	result = PTX_ERROR_OUT_OF_MEMORY;
	if (!room_for_share(mem))
		goto out;
	/* Of a length of nothing, a shared mapping's pages get a second one. */
	p = mremap((void *)(uintptr_t)source, 0, len, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)(uintptr_t)addr);
	if (p == MAP_FAILED) {
		unback(addr, len);
		goto out;
	}
	range_set(mem, addr, len, true);
	mem->shares[mem->num_shares++] = (struct share){ .addr = addr, .len = len, .source = source };
	result = PTX_SUCCESS;
out:
	pthread_rwlock_unlock(&mem->lock);
	return result;
}

/* Neither a part of an alias, or of what may have some, goes away, nor what has some. */
static bool shares_allow(const struct soft_mem *mem, uint64_t addr, uint64_t len)
{
	const struct share *share;
	size_t i;

	for (i = 0; i < mem->num_shares; i++) {
		share = &mem->shares[i];
		if (share->source && share->source < addr + len && addr < share->source + share->len)
			return false;
		if (share->addr < addr + len && addr < share->addr + share->len &&
		    (share->addr < addr || share->addr + share->len > addr + len))
			return false;
	}
	return true;
}

static void forget_shares(struct soft_mem *mem, uint64_t addr, uint64_t len)
{
	size_t i, kept = 0;

	for (i = 0; i < mem->num_shares; i++)
		if (mem->shares[i].addr < addr || mem->shares[i].addr >= addr + len)
			mem->shares[kept++] = mem->shares[i];
	mem->num_shares = kept;
}

int soft_mem_unmap(struct soft_mem *mem, uint64_t addr, uint64_t len)
{
	int result = PTX_SUCCESS;

	pthread_rwlock_wrlock(&mem->lock);
	if (!range_inside(mem, addr, len) || !range_is(mem, addr, len, true) || !shares_allow(mem, addr, len)) {
		result = PTX_ERROR_INVALID_VALUE;
	} else {
		forget_shares(mem, addr, len);
		range_set(mem, addr, len, false);
		unback(addr, len);
	}
	pthread_rwlock_unlock(&mem->lock);
	return result;
}

int soft_mem_add_host(struct soft_mem *mem, uint64_t addr, uint64_t len)
{
	struct host_range *hosts;
	int result = PTX_ERROR_INVALID_VALUE;
	size_t i;

	pthread_rwlock_wrlock(&mem->lock);
	if (!len || addr + len < addr || (addr < mem->base + mem->size && mem->base < addr + len))
		goto out;
	for (i = 0; i < mem->num_hosts && mem->hosts[i].addr < addr; i++)
		;
	if ((i && mem->hosts[i - 1].addr + mem->hosts[i - 1].len > addr) ||
	    (i < mem->num_hosts && mem->hosts[i].addr < addr + len))
		goto out;
	result = PTX_ERROR_OUT_OF_MEMORY;
	hosts = realloc(mem->hosts, (mem->num_hosts + 1) * sizeof(*hosts));
	if (!hosts)
		goto out;
	mem->hosts = hosts;
	memmove(hosts + i + 1, hosts + i, (mem->num_hosts - i) * sizeof(*hosts));
	hosts[i].addr = addr;
	hosts[i].len = len;
	mem->num_hosts++;
	result = PTX_SUCCESS;
out:
	pthread_rwlock_unlock(&mem->lock);
	return result;
}

int soft_mem_remove_host(struct soft_mem *mem, uint64_t addr, uint64_t len)
{
	int result = PTX_ERROR_INVALID_VALUE;
	size_t i;

	pthread_rwlock_wrlock(&mem->lock);
	for (i = 0; i < mem->num_hosts; i++) {
		if (mem->hosts[i].addr == addr && mem->hosts[i].len == len) {
			mem->num_hosts--;
			memmove(mem->hosts + i, mem->hosts + i + 1, (mem->num_hosts - i) * sizeof(*mem->hosts));
			result = PTX_SUCCESS;
			break;
		}
	}
	pthread_rwlock_unlock(&mem->lock);
	return result;
}

static bool device_extent(const struct soft_mem *mem, uint64_t addr, uint64_t *start, uint64_t *len)
{
	uint64_t g = (addr - mem->base) / SOFT_MEM_GRANULE, first = g, end = g + 1;

	if (!granule_mapped(mem, g))
		return false;
	while (first) {
		if (!(first % WORD_BITS) && mem->mapped[first / WORD_BITS - 1] == ~0ull)
			first -= WORD_BITS;
		else if (granule_mapped(mem, first - 1))
			first--;
		else
			break;
	}
	while (end < mem->granules) {
		if (!(end % WORD_BITS) && end + WORD_BITS <= mem->granules && mem->mapped[end / WORD_BITS] == ~0ull)
			end += WORD_BITS;
		else if (granule_mapped(mem, end))
			end++;
		else
			break;
	}
	*start = mem->base + first * SOFT_MEM_GRANULE;
	*len = (end - first) * SOFT_MEM_GRANULE;
	return true;
}

static bool host_extent(const struct soft_mem *mem, uint64_t addr, uint64_t *start, uint64_t *len)
{
	size_t lo = 0, hi = mem->num_hosts, mid, end;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (addr - mem->hosts[mid].addr < mem->hosts[mid].len) {
			/* Ranges that touch are one. */
			for (end = mid; mid && mem->hosts[mid - 1].addr + mem->hosts[mid - 1].len ==
					       mem->hosts[mid].addr; mid--)
				;
			while (end + 1 < mem->num_hosts &&
			       mem->hosts[end].addr + mem->hosts[end].len == mem->hosts[end + 1].addr)
				end++;
			*start = mem->hosts[mid].addr;
			*len = mem->hosts[end].addr + mem->hosts[end].len - *start;
			return true;
		}
		if (addr < mem->hosts[mid].addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return false;
}

bool soft_mem_extent(struct soft_mem *mem, uint64_t addr, uint64_t *start, uint64_t *len)
{
	bool found;

	pthread_rwlock_rdlock(&mem->lock);
	if (addr - mem->base < mem->size)
		found = device_extent(mem, addr, start, len);
	else
		found = host_extent(mem, addr, start, len);
	pthread_rwlock_unlock(&mem->lock);
	return found;
}

bool soft_mem_valid(struct soft_mem *mem, uint64_t addr, uint64_t len)
{
	uint64_t start, extent;

	if (!soft_mem_extent(mem, addr, &start, &extent))
		return false;
	return len <= extent - (addr - start);
}
