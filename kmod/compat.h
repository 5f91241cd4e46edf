/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * Where kernels from 6.1 on differ. The one place with conditions on the version.
 *
 * Changes of this time that touch nothing here, so that nobody looks for their entries:
 *
 *	6.4	class_create() lost its module argument; classes are static and registered.
 *	6.6	devices' own files beside groups' (CONFIG_VFIO_DEVICE_CDEV) take no driver's part.
 *	6.10	__assign_str() lost its source; trace.h copies into arrays.
 *	6.12	no_llseek is gone; no file operations here name it. asm/unaligned.h moved.
 *	6.13	MODULE_IMPORT_NS() takes a string; no symbol used here is in a namespace.
 *	6.15	del_timer() is gone; only hrtimers are used.
 *	6.17	pfn_t is gone, and with it an argument of vmf_insert_mixed(), which is not used.
 *	6.18	system_wq has a successor; the module has a workqueue of its own.
 */
#ifndef VGPU_COMPAT_H
#define VGPU_COMPAT_H

#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/vfio.h>

/* Whether the kernel is of version 6.@minor, or 7.@minor, or later. */
#define VGPU_SINCE_6(minor) \
	(KERNEL_VERSION(LINUX_VERSION_MAJOR, LINUX_VERSION_PATCHLEVEL, 0) >= \
	 KERNEL_VERSION(6, minor, 0))

#define VGPU_SINCE_7(minor) \
	(KERNEL_VERSION(LINUX_VERSION_MAJOR, LINUX_VERSION_PATCHLEVEL, 0) >= \
	 KERNEL_VERSION(7, minor, 0))

/* 7.0 made the flags that shmem_file_setup_with_mnt() is given a bitmap. */
#if !VGPU_SINCE_7(0)
#define VGPU_SHMEM_NORESERVE VM_NORESERVE
#else
#define VGPU_SHMEM_NORESERVE mk_vma_flags(VMA_NORESERVE_BIT)
#endif

/**
 * vgpu_vm_flags_mod() - set and clear flags of a mapping that is being made
 * @vma: the mapping
 * @set: VM_* to set
 * @clear: VM_* to clear
 *
 * 6.3 made vm_flags read-only and added vm_flags_mod().
 *
 * Context: mmap_lock held for writing.
 */
static inline void vgpu_vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set, vm_flags_t clear)
{
#if !VGPU_SINCE_6(3)
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#else
	vm_flags_mod(vma, set, clear);
#endif
}

/**
 * vgpu_shmem_mmap() - have shmem make a mapping of a file of which the operations were replaced
 * @file: of shmem
 * @vma: the mapping, with @file as its file
 *
 * 6.16 brought mmap_prepare, which filesystems then changed over to, and of which shmem's sets
 * nothing but the operations of the mapping.
 *
 * Return: 0 or a negative errno. Context: in mmap, with mmap_lock held.
 */
static inline int vgpu_shmem_mmap(struct file *file, struct vm_area_struct *vma)
{
	const struct file_operations *fops = file_inode(file)->i_fop;
#if VGPU_SINCE_6(16)
	struct vm_area_desc desc = {
		.mm = vma->vm_mm,
		.file = file,
		.start = vma->vm_start,
		.end = vma->vm_end,
		.pgoff = vma->vm_pgoff,
	};
	int err;

	if (fops->mmap_prepare) {
		err = fops->mmap_prepare(&desc);
		if (!err)
			vma->vm_ops = desc.vm_ops;
		return err;
	}
#endif
	return fops->mmap(file, vma);
}

/**
 * vgpu_eventfd_signal() - add one to an eventfd
 * @ctx: the eventfd
 *
 * 6.8 took away the second argument, the number to add.
 *
 * Context: any.
 */
static inline void vgpu_eventfd_signal(struct eventfd_ctx *ctx)
{
#if !VGPU_SINCE_6(8)
	eventfd_signal(ctx, 1);
#else
	eventfd_signal(ctx);
#endif
}

/**
 * vgpu_hrtimer_init() - set up a timer on CLOCK_MONOTONIC with absolute times
 * @timer: the timer
 * @function: called in interrupt context
 *
 * 6.13 added hrtimer_setup(), 6.15 took away hrtimer_init().
 *
 * Context: any.
 */
static inline void vgpu_hrtimer_init(struct hrtimer *timer,
				     enum hrtimer_restart (*function)(struct hrtimer *timer))
{
#if !VGPU_SINCE_6(13)
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	timer->function = function;
#else
	hrtimer_setup(timer, function, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
#endif
}

/*
 * 6.19 copies struct vfio_region_info from and to user space itself and asks the driver by an
 * operation of its own; before, VFIO_DEVICE_GET_REGION_INFO came by the one for ioctls. Members of
 * struct vfio_device_ops.
 */
#if !VGPU_SINCE_6(19)
#define VGPU_VFIO_REGION_OPS
#else
#define VGPU_VFIO_REGION_OPS .get_region_info_caps = vgpu_vfio_region_info,
#endif

/* What fills in struct vfio_region_info. */
typedef int (*vgpu_region_info_fn)(struct vfio_device *vdev, struct vfio_region_info *info,
				   struct vfio_info_cap *caps);

/**
 * vgpu_region_info_ioctl() - VFIO_DEVICE_GET_REGION_INFO where it comes as an ioctl
 * @vdev: the device
 * @arg: user space's struct vfio_region_info
 * @fill: what answers it; makes no capabilities
 *
 * Return: 0 or a negative errno. Context: may sleep.
 */
static inline long vgpu_region_info_ioctl(struct vfio_device *vdev, unsigned long arg,
					  vgpu_region_info_fn fill)
{
#if !VGPU_SINCE_6(19)
	size_t minsz = offsetofend(struct vfio_region_info, offset);
	struct vfio_region_info info;
	int err;

	if (copy_from_user(&info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	err = fill(vdev, &info, NULL);
	if (err)
		return err;
	return copy_to_user((void __user *)arg, &info, minsz) ? -EFAULT : 0;
#else
	return -ENOTTY;
#endif
}

/* 6.2 brought iommufd to VFIO drivers, 6.6 its detaching. Members of struct vfio_device_ops. */
#if !VGPU_SINCE_6(2)
#define VGPU_VFIO_IOMMUFD_OPS
#elif !VGPU_SINCE_6(6)
#define VGPU_VFIO_IOMMUFD_OPS \
	.bind_iommufd = vfio_iommufd_emulated_bind, \
	.unbind_iommufd = vfio_iommufd_emulated_unbind, \
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,
#else
#define VGPU_VFIO_IOMMUFD_OPS \
	.bind_iommufd = vfio_iommufd_emulated_bind, \
	.unbind_iommufd = vfio_iommufd_emulated_unbind, \
	.attach_ioas = vfio_iommufd_emulated_attach_ioas, \
	.detach_ioas = vfio_iommufd_emulated_detach_ioas,
#endif

/**
 * vgpu_vfio_released() - last thing that a device's release operation does
 * @vdev: the device
 *
 * Before 6.2 the driver's operation had to free the device's memory; since then its caller does.
 *
 * Context: may sleep.
 */
static inline void vgpu_vfio_released(struct vfio_device *vdev)
{
#if !VGPU_SINCE_6(2)
	vfio_free_device(vdev);
#endif
}

#endif /* VGPU_COMPAT_H */
