// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * The aperture: one shmem file for each open virtual GPU.
 *
 * QEMU's mapping of BAR2 and the workers' mappings are mappings of that file (vma_set_file), so
 * that faults are shmem's own: pages come on demand and are charged to who touches them first, and
 * a punched hole reaches every mapping. The file lives from the opening of the virtual GPU to its
 * closing, which empties it: a mapping that is kept longer faults.
 *
 * The file is handed to nobody, but whoever has a mapping can reach its operations
 * (remap_file_pages(2) maps any other part of the file that a mapping is of, madvise(MADV_REMOVE)
 * punches holes). Its operations are therefore replaced by none; the module itself calls shmem's,
 * which the inode still has.
 *
 * Pages, not huge pages: of a huge page of which a part is punched, the bytes are zeroed where they
 * are if somebody has it pinned, and what a worker that was killed still writes would be seen. The
 * files are of a tmpfs of the module's own, which has no huge pages whatever shmem_enabled says of
 * others. Settings that overrule a mount (shmem_enabled of "force", and those for one size) are
 * noticed by vgpu_aperture_punch().
 */

#include <linux/fs.h>
#include <linux/falloc.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include "compat.h"
#include "vgpu.h"

/**
 * struct queue_map - a queue area that the kernel has mapped
 * @node: in vgpu_vm.queues
 * @addr: where
 * @count: of @pages
 * @pages: referenced, so that they stay what the kernel sees whatever becomes of the file
 */
struct queue_map {
	struct list_head node;
	void *addr;
	size_t count;
	struct page *pages[];
};

/* Where the files are. */
static struct vfsmount *aperture_mnt;

static const struct file_operations aperture_fops = {
	.owner = THIS_MODULE,
};

/**
 * vgpu_aperture_open() - a new aperture, all zeros
 * @vm: that has none
 *
 * Return: 0 or a negative errno. Context: vgpu_vm.lock held; may sleep.
 */
int vgpu_aperture_open(struct vgpu_vm *vm)
{
	const struct file_operations *fops = &aperture_fops;
	struct file *file;

	file = shmem_file_setup_with_mnt(aperture_mnt, "vgpu-aperture", vm->core.limits.aperture,
					 VGPU_SHMEM_NORESERVE);
	if (IS_ERR(file))
		return PTR_ERR(file);
	replace_fops(file, fops_get(fops));
	vm->aperture = file;
	return 0;
}

/**
 * vgpu_aperture_close() - empty the aperture and let go of it
 * @vm: that has one
 *
 * What is still mapped by a process loses its pages for good.
 *
 * Context: may sleep.
 */
void vgpu_aperture_close(struct vgpu_vm *vm)
{
	struct inode *inode;
	struct file *file;

	mutex_lock(&vm->lock);
	file = vm->aperture;
	vm->aperture = NULL;
	mutex_unlock(&vm->lock);

	inode = file_inode(file);
	inode_lock(inode);
	i_size_write(inode, 0);
	unmap_mapping_range(file->f_mapping, 0, 0, 1);
	shmem_truncate_range(inode, 0, (loff_t)-1);
	/* A fault that had looked at the size before may have mapped a page since. */
	unmap_mapping_range(file->f_mapping, 0, 0, 1);
	inode_unlock(inode);
	fput(file);
}

/* The aperture with a reference, NULL where the virtual GPU is closed. */
static struct file *get_aperture(struct vgpu_vm *vm)
{
	struct file *file;

	mutex_lock(&vm->lock);
	file = vm->aperture ? get_file(vm->aperture) : NULL;
	mutex_unlock(&vm->lock);
	return file;
}

/**
 * vgpu_aperture_mmap() - map a part of the aperture into a process
 * @vm: whose
 * @vma: being mapped; its length is known to fit
 * @offset: in the aperture, page-aligned
 *
 * Return: 0; -EINVAL for a private mapping; -EPERM for an executable one; -ENODEV if the virtual
 * GPU is closed. Context: in mmap, with mmap_lock held.
 */
int vgpu_aperture_mmap(struct vgpu_vm *vm, struct vm_area_struct *vma, u64 offset)
{
	struct file *file;
	int err;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	file = get_aperture(vm);
	if (!file)
		return -ENODEV;
	vgpu_vm_flags_mod(vma, VM_DONTEXPAND | VM_DONTDUMP | VM_NOHUGEPAGE, VM_MAYEXEC);
	vma_set_file(vma, file);
	vma->vm_pgoff = offset >> PAGE_SHIFT;
	err = vgpu_shmem_mmap(file, vma);
	fput(file);
	return err;
}

/* Moves bytes between a user and one page; returns how many could not be moved. */
static size_t transfer_page(struct page *page, size_t offset, char __user *buf, size_t count,
			    bool write)
{
	u8 *addr = kmap_local_page(page);
	size_t left;

	if (write)
		left = copy_from_user(addr + offset, buf, count);
	else
		left = copy_to_user(buf, addr + offset, count);
	kunmap_local(addr);
	if (write && left < count)
		set_page_dirty_lock(page);
	return left;
}

static ssize_t transfer(struct vgpu_vm *vm, char __user *buf, size_t count, u64 offset, bool write)
{
	struct address_space *mapping = vm->aperture->f_mapping;
	size_t done = 0, left = 0, n;
	struct page *page;

	while (done < count && !left) {
		n = min_t(size_t, count - done, PAGE_SIZE - offset_in_page(offset + done));
		page = shmem_read_mapping_page(mapping, (offset + done) >> PAGE_SHIFT);
		if (IS_ERR(page))
			return done ? done : PTR_ERR(page);
		left = transfer_page(page, offset_in_page(offset + done), buf + done, n, write);
		put_page(page);
		done += n - left;
		cond_resched();
	}
	return done || !count ? done : -EFAULT;
}

/**
 * vgpu_aperture_read() - read() of BAR2
 * @vm: whose; open
 * @buf: of the user
 * @count: bytes, known to fit
 * @offset: in the aperture
 *
 * Return: bytes read or a negative errno. Context: may sleep.
 */
ssize_t vgpu_aperture_read(struct vgpu_vm *vm, char __user *buf, size_t count, u64 offset)
{
	return transfer(vm, buf, count, offset, false);
}

/**
 * vgpu_aperture_write() - write() to BAR2
 * @vm: whose; open
 * @buf: of the user
 * @count: bytes, known to fit
 * @offset: in the aperture
 *
 * Return: bytes written or a negative errno. Context: may sleep.
 */
ssize_t vgpu_aperture_write(struct vgpu_vm *vm, const char __user *buf, size_t count, u64 offset)
{
	return transfer(vm, (char __user *)buf, count, offset, true);
}

/**
 * vgpu_aperture_used() - memory that the aperture takes now
 * @vm: open or closed
 *
 * Return: bytes. Context: may sleep.
 */
u64 vgpu_aperture_used(struct vgpu_vm *vm)
{
	u64 pages = 0;

	mutex_lock(&vm->lock);
	if (vm->aperture)
		pages = READ_ONCE(vm->aperture->f_mapping->nrpages);
	mutex_unlock(&vm->lock);
	return pages << PAGE_SHIFT;
}

static void free_queue_map(struct queue_map *map)
{
	while (map->count--) {
		set_page_dirty_lock(map->pages[map->count]);
		put_page(map->pages[map->count]);
	}
	kvfree(map);
}

static struct queue_map *get_pages(struct vgpu_vm *vm, u64 offset, size_t count)
{
	struct queue_map *map = kvzalloc(struct_size(map, pages, count), GFP_KERNEL);
	struct page *page;

	if (!map)
		return NULL;
	while (map->count < count) {
		page = shmem_read_mapping_page(vm->aperture->f_mapping,
					       (offset >> PAGE_SHIFT) + map->count);
		if (IS_ERR(page)) {
			free_queue_map(map);
			return NULL;
		}
		map->pages[map->count++] = page;
	}
	return map;
}

/**
 * vgpu_aperture_map_queue() - pages of the aperture as contiguous memory of the kernel
 * @vm: whose; open
 * @offset: page-aligned
 * @len: bytes, page-aligned
 *
 * Return: the address, NULL if there is no memory. Context: may sleep.
 */
void *vgpu_aperture_map_queue(struct vgpu_vm *vm, u64 offset, u64 len)
{
	size_t count = len >> PAGE_SHIFT;
	struct queue_map *map;

	map = get_pages(vm, offset, count);
	if (!map)
		return NULL;
	map->addr = vmap(map->pages, count, VM_MAP, PAGE_KERNEL);
	if (!map->addr) {
		free_queue_map(map);
		return NULL;
	}
	mutex_lock(&vm->lock);
	list_add(&map->node, &vm->queues);
	mutex_unlock(&vm->lock);
	return map->addr;
}

/**
 * vgpu_aperture_unmap_queue() - undo vgpu_aperture_map_queue()
 * @vm: whose; open or closed
 * @addr: what it returned
 *
 * Context: may sleep.
 */
void vgpu_aperture_unmap_queue(struct vgpu_vm *vm, void *addr)
{
	struct queue_map *map, *found = NULL;

	mutex_lock(&vm->lock);
	list_for_each_entry(map, &vm->queues, node)
		if (map->addr == addr)
			found = map;
	if (!WARN_ON(!found))
		list_del(&found->node);
	mutex_unlock(&vm->lock);
	if (!found)
		return;
	vunmap(addr);
	free_queue_map(found);
}

static bool is_in_huge_page(struct address_space *mapping, u64 offset)
{
	struct page *page = find_get_page(mapping, offset >> PAGE_SHIFT);
	bool huge;

	if (!page)
		return false;
	huge = PageCompound(page);
	put_page(page);
	return huge;
}

/**
 * vgpu_aperture_punch() - replace pages of the aperture by zeros
 * @vm: whose; nothing is done where it is closed
 * @offset: page-aligned
 * @len: bytes, page-aligned
 *
 * Every mapping loses the pages; what holds them otherwise, as a long-term pin does, keeps pages
 * that are no longer part of the aperture.
 *
 * Return: 0; -EBUSY where bytes were zeroed in place, in a huge page that is also outside of the
 * range: who holds it still has them. Context: may sleep.
 */
int vgpu_aperture_punch(struct vgpu_vm *vm, u64 offset, u64 len)
{
	struct file *file = get_aperture(vm);
	long err;

	if (!file)
		return 0;
	err = file_inode(file)->i_fop->fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
						 offset, len);
	WARN_ONCE(err, "vgpu: aperture of %s keeps %llu bytes at %llu: %ld\n", vm->name, len,
		  offset, err);
	if (!err && (is_in_huge_page(file->f_mapping, offset) ||
		     is_in_huge_page(file->f_mapping, offset + len - 1)))
		err = -EBUSY;
	fput(file);
	return err;
}

/**
 * vgpu_aperture_init() - have a place for apertures
 *
 * Return: 0 or a negative errno. Context: may sleep.
 */
int vgpu_aperture_init(void)
{
	struct file_system_type *type = get_fs_type("tmpfs");
	char options[] = "huge=never";
	struct vfsmount *mnt;

	if (!type)
		return -ENODEV;
	mnt = vfs_kern_mount(type, SB_KERNMOUNT, type->name, options);
	if (IS_ERR(mnt))
		return PTR_ERR(mnt);
	aperture_mnt = mnt;
	return 0;
}

/**
 * vgpu_aperture_exit() - undo vgpu_aperture_init(); no aperture is open
 *
 * Context: may sleep.
 */
void vgpu_aperture_exit(void)
{
	kern_unmount(aperture_mnt);
}
