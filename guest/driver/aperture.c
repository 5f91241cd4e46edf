// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) vgpu authors
/* Who has which part of the aperture. */
#include <linux/bitmap.h>
#include <linux/vmalloc.h>

#include "driver.h"

/* Doorbells of two sessions must not share a page. */
static_assert(PAGE_SIZE == VGPU_PAGE_SIZE);

/**
 * vgpu_aperture_init() - make the aperture's allocator
 * @aperture: zeroed
 * @phys: guest-physical address, page-aligned
 * @size: bytes, a multiple of the page size, VGPU_PAGE_SIZE..VGPU_APERTURE_MAX
 *
 * Return: 0, or -ENOMEM.
 * Context: process; sleeps.
 */
int vgpu_aperture_init(struct vgpu_aperture *aperture, phys_addr_t phys, u64 size)
{
	unsigned long pages = size >> PAGE_SHIFT;

	aperture->bitmap = vzalloc(BITS_TO_LONGS(pages) * sizeof(long));
	if (!aperture->bitmap)
		return -ENOMEM;
	aperture->phys = phys;
	aperture->size = size;
	aperture->pages = pages;
	aperture->used = 0;
	return 0;
}

/**
 * vgpu_aperture_destroy() - undo vgpu_aperture_init()
 * @aperture: of which no session has a part
 *
 * Context: process; sleeps.
 */
void vgpu_aperture_destroy(struct vgpu_aperture *aperture)
{
	vfree(aperture->bitmap);
}

/**
 * vgpu_aperture_alloc() - take contiguous memory
 * @aperture: where
 * @len: bytes, page-aligned, not zero
 * @extent: set to what was taken
 *
 * Memory of PMD_SIZE and more is aligned to it, so that the host may back it with large pages.
 *
 * Return: 0, or -ENOSPC if no hole is large enough.
 * Context: vgpu.ctl held.
 */
int vgpu_aperture_alloc(struct vgpu_aperture *aperture, u64 len, struct vgpu_extent *extent)
{
	unsigned long align_mask = len >= PMD_SIZE ? (PMD_SIZE >> PAGE_SHIFT) - 1 : 0;
	unsigned long first, count = len >> PAGE_SHIFT;

	if (count > aperture->pages - aperture->used)
		return -ENOSPC;
	first = bitmap_find_next_zero_area(aperture->bitmap, aperture->pages, 0, count, align_mask);
	if (first >= aperture->pages && align_mask)
		first = bitmap_find_next_zero_area(aperture->bitmap, aperture->pages, 0, count, 0);
	if (first >= aperture->pages)
		return -ENOSPC;
	bitmap_set(aperture->bitmap, first, count);
	aperture->used += count;
	extent->offset = (u64)first << PAGE_SHIFT;
	extent->len = len;
	return 0;
}

/**
 * vgpu_aperture_free() - give memory back
 * @aperture: where
 * @extent: as vgpu_aperture_alloc() set it; the device has let go of it
 *
 * Context: vgpu.ctl held.
 */
void vgpu_aperture_free(struct vgpu_aperture *aperture, const struct vgpu_extent *extent)
{
	unsigned long count = extent->len >> PAGE_SHIFT;

	bitmap_clear(aperture->bitmap, extent->offset >> PAGE_SHIFT, count);
	aperture->used -= count;
}
