// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */
/*
 * The aperture: one shmem file for each open virtual GPU.
 *
 * QEMU's mapping of BAR2 and the workers' mappings are mappings of that file (vma_set_file), so that faults are shmem's
 * own: pages come on demand and are charged to who touches them first, and a punched hole reaches every mapping. The file is
 * handed to nobody, and lives from the opening of the virtual GPU to its closing: a mapping that is kept longer is of an
 * orphan that no later user shares.
 */

#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/vmalloc.h>
#include "compat.h"
#include "vgpu.h"

/**
 * vgpu_aperture_create() - a new aperture, all zeros
 * @size: bytes
 *
 * Return: the file, or an ERR_PTR(). Context: may sleep.
 */
struct file *vgpu_aperture_create(u64 size)
{
	return shmem_file_setup("vgpu-aperture", size, VM_NORESERVE);
}

/**
 * vgpu_aperture_destroy() - let go of an aperture
 * @file: from vgpu_aperture_create(); nothing of it is mapped by the kernel
 *
 * What is still mapped by a process loses its pages.
 *
 * Context: may sleep.
 */
void vgpu_aperture_destroy(struct file *file)
{
	vgpu_aperture_punch(file, 0, i_size_read(file_inode(file)));
	fput(file);
}

/**
 * vgpu_aperture_mmap() - map a part of the aperture into a process
 * @file: from vgpu_aperture_create()
 * @vma: being mapped; its length is known to fit
 * @offset: in the aperture
 *
 * Return: 0 or a negative errno. Context: in mmap, with the mmap lock held.
 */
int vgpu_aperture_mmap(struct file *file, struct vm_area_struct *vma, u64 offset)
{
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	vgpu_vm_flags_clear(vma, VM_MAYEXEC);
	vgpu_vm_flags_set(vma, VM_DONTEXPAND);
	vma_set_file(vma, file);
	vma->vm_pgoff = offset >> PAGE_SHIFT;
	return call_mmap(file, vma);
}

/* Moves bytes between a user and the aperture, a page at a time. */
static ssize_t transfer(struct file *file, char __user *buf, size_t count, u64 offset, bool write)
{
	loff_t pos = offset;
	size_t done = 0;
	ssize_t n = 0;
	u8 *page;

	page = (u8 *)__get_free_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	while (done < count) {
		n = min_t(size_t, count - done, PAGE_SIZE);
		if (write && copy_from_user(page, buf + done, n)) {
			n = -EFAULT;
			break;
		}
		n = write ? kernel_write(file, page, n, &pos) : kernel_read(file, page, n, &pos);
		if (n <= 0)
			break;
		if (!write && copy_to_user(buf + done, page, n)) {
			n = -EFAULT;
			break;
		}
		done += n;
	}
	free_page((unsigned long)page);
	return done ? done : n;
}

/**
 * vgpu_aperture_read() - read() of BAR2
 * @file: from vgpu_aperture_create()
 * @buf: of the user
 * @count: bytes, known to fit
 * @offset: in the aperture
 *
 * Return: bytes read or a negative errno. Context: may sleep.
 */
ssize_t vgpu_aperture_read(struct file *file, char __user *buf, size_t count, u64 offset)
{
	return transfer(file, buf, count, offset, false);
}

/**
 * vgpu_aperture_write() - write() to BAR2
 * @file: from vgpu_aperture_create()
 * @buf: of the user
 * @count: bytes, known to fit
 * @offset: in the aperture
 *
 * Return: bytes written or a negative errno. Context: may sleep.
 */
ssize_t vgpu_aperture_write(struct file *file, const char __user *buf, size_t count, u64 offset)
{
	return transfer(file, (char __user *)buf, count, offset, true);
}

/**
 * vgpu_aperture_map() - pages of the aperture as contiguous memory of the kernel
 * @file: from vgpu_aperture_create()
 * @offset: page-aligned
 * @len: bytes, page-aligned
 *
 * The pages stay as long as they are mapped here, also where a hole is punched.
 *
 * Return: the address, NULL if there is no memory. Context: may sleep.
 */
void *vgpu_aperture_map(struct file *file, u64 offset, u64 len)
{
	size_t count = len >> PAGE_SHIFT;
	struct page **pages, *page;
	void *addr = NULL;
	size_t i;

	/* vfree() of the address frees pages and array. */
	pages = kvmalloc_array(count, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return NULL;
	for (i = 0; i < count; i++) {
		page = shmem_read_mapping_page(file->f_mapping, (offset >> PAGE_SHIFT) + i);
		if (IS_ERR(page))
			break;
		set_page_dirty(page);
		pages[i] = page;
	}
	if (i == count)
		addr = vmap(pages, count, VM_MAP | VM_MAP_PUT_PAGES, PAGE_KERNEL);
	if (!addr) {
		while (i--)
			put_page(pages[i]);
		kvfree(pages);
	}
	return addr;
}

/**
 * vgpu_aperture_unmap() - undo vgpu_aperture_map()
 * @file: as there
 * @addr: what it returned
 * @offset: as there
 * @len: as there
 *
 * Context: may sleep.
 */
void vgpu_aperture_unmap(struct file *file, void *addr, u64 offset, u64 len)
{
	vfree(addr);
}

/**
 * vgpu_aperture_punch() - replace pages of the aperture by zeros
 * @file: from vgpu_aperture_create()
 * @offset: page-aligned
 * @len: bytes, page-aligned
 *
 * Every mapping loses the pages; what holds them otherwise, as a long-term pin does, keeps pages that are no longer part of
 * the aperture.
 *
 * Context: may sleep.
 */
void vgpu_aperture_punch(struct file *file, u64 offset, u64 len)
{
	unmap_mapping_range(file->f_mapping, offset, len, 1);
	shmem_truncate_range(file_inode(file), offset, offset + len - 1);
}
