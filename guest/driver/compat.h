/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* Where kernels from 6.1 on differ. */
#ifndef VGPU_GUEST_COMPAT_H
#define VGPU_GUEST_COMPAT_H

#include <linux/device.h>
#include <linux/mm.h>
#include <linux/version.h>

/* Whether this is 6.MINOR or newer. */
#define VGPU_SINCE_6(minor) \
	(KERNEL_VERSION(LINUX_VERSION_MAJOR, LINUX_VERSION_PATCHLEVEL, 0) >= \
	 KERNEL_VERSION(6, minor, 0))

/* 6.2 made the device that class.devnode is given const. */
#if !VGPU_SINCE_6(2)
#define VGPU_DEVNODE_CONST
#else
#define VGPU_DEVNODE_CONST	const
#endif

/**
 * vgpu_vm_flags_set() - set flags of a mapping that is being made
 * @vma: the mapping
 * @flags: VM_*
 *
 * 6.3 made vm_flags read-only and added vm_flags_set().
 *
 * Context: mmap_lock held for writing.
 */
static inline void vgpu_vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
#if !VGPU_SINCE_6(3)
	vma->vm_flags |= flags;
#else
	vm_flags_set(vma, flags);
#endif
}

#endif /* VGPU_GUEST_COMPAT_H */
