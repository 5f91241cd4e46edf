/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * Where kernels from 6.1 on differ. The one place with conditions on the version.
 */
#ifndef VGPU_COMPAT_H
#define VGPU_COMPAT_H

#include <linux/eventfd.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/version.h>
#include <linux/vfio.h>

/* Whether the kernel is of version 6.@minor or later. */
#define VGPU_SINCE_6(minor) \
	(KERNEL_VERSION(LINUX_VERSION_MAJOR, LINUX_VERSION_PATCHLEVEL, 0) >= \
	 KERNEL_VERSION(6, minor, 0))

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
