/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (c) vgpu authors */
/**
 * DOC: The kernel module
 *
 * vgpu.ko hosts kmod/core: it shows virtual GPUs to VFIO (mdev.c, vfio.c, pci_config.c, irq.c, aperture.c), work to
 * executors (executor.c) and state to operators (sysfs.c, netlink.c).
 *
 * Locks, in order of nesting; those of the core come between 2 and 3:
 *
 *	1. vgpu_gpus_lock (mutex): the list of GPUs; GPUs are made, never removed, while the module is loaded
 *	2. vgpu_vm.lock (mutex): config space, interrupts being set up, aperture file
 *	3. vgpu_vm.irq_lock (spinlock): eventfds, taken with vgpu_gpu.lock held to signal
 */
#ifndef VGPU_KMOD_H
#define VGPU_KMOD_H

#include <linux/device.h>
#include <linux/hrtimer.h>
#include <linux/mdev.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/vfio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "core/core.h"

#define VGPU_MAX_TYPES		16
#define VGPU_CONFIG_SIZE	256

/* Regions of a VFIO device file: the index in the upper bits of the offset. */
#define VGPU_REGION_SHIFT	40
#define VGPU_REGION_MASK	((1ULL << VGPU_REGION_SHIFT) - 1)

/**
 * struct vgpu_type - an mdev type: a size of virtual GPU
 * @mdev: what the mdev core knows
 * @limits: of virtual GPUs of this type
 * @sysfs_name: "1g"
 * @pretty_name: for people
 */
struct vgpu_type {
	struct mdev_type mdev;
	struct vgpu_limits limits;
	char sysfs_name[8];
	char pretty_name[48];
};

/**
 * struct vgpu_host_gpu - a GPU with its place in sysfs
 * @core: what decides
 * @node: in vgpu_gpus
 * @dev: class device /sys/class/vgpu/NAME
 * @parent: of mdevs: the GPU's PCI device, or @dev where there is none
 * @pdev: the PCI device, or NULL
 * @mdev_parent: registered once @num_types is not 0
 * @types: sizes
 * @type_list: the same for the mdev core
 * @num_types: of @types
 * @events: where the supervisor waits
 * @tick: for vgpu_gpu_tick()
 * @tick_work: likewise
 */
struct vgpu_host_gpu {
	struct vgpu_gpu core;
	struct list_head node;
	struct device dev;
	struct device *parent;
	struct pci_dev *pdev;
	struct mdev_parent mdev_parent;
	struct vgpu_type types[VGPU_MAX_TYPES];
	struct mdev_type *type_list[VGPU_MAX_TYPES];
	u32 num_types;
	wait_queue_head_t events;
	struct hrtimer tick;
	struct work_struct tick_work;
};

/**
 * struct vgpu_vm - a virtual GPU as a VFIO device
 * @vdev: what VFIO knows; first
 * @core: what decides
 * @gpu: on which
 * @lock: guards @config, @aperture and the setting up of interrupts
 * @config: PCI config space
 * @config_mask: bits of it that may be written
 * @aperture: shmem file, from open to close
 * @irq_lock: guards @msix, @err_trigger and @req_trigger
 * @msix: eventfds by vector, NULL where none is set
 * @err_trigger: eventfd for errors, or NULL
 * @req_trigger: eventfd by which the user is asked to let go, or NULL
 * @idle: where reset and close wait
 * @reap_work: for vgpu_dev_reap()
 */
struct vgpu_vm {
	struct vfio_device vdev;
	struct vgpu_dev core;
	struct vgpu_host_gpu *gpu;
	struct mutex lock;
	u8 config[VGPU_CONFIG_SIZE];
	u8 config_mask[VGPU_CONFIG_SIZE];
	struct file *aperture;
	spinlock_t irq_lock;
	struct eventfd_ctx *msix[VGPU_NUM_VECTORS];
	struct eventfd_ctx *err_trigger;
	struct eventfd_ctx *req_trigger;
	wait_queue_head_t idle;
	struct work_struct reap_work;
};

extern struct mutex vgpu_gpus_lock;
extern struct list_head vgpu_gpus;
extern struct mdev_driver vgpu_mdev_driver;

/* gpu.c */
int vgpu_gpus_init(void);
void vgpu_gpus_exit(void);
struct vgpu_host_gpu *vgpu_gpu_serve(const struct vgpu_exec_attach *attach, const char **why);
struct vgpu_type *vgpu_type_of(struct mdev_type *type);

/* mdev.c */
int vgpu_mdev_init(void);
void vgpu_mdev_exit(void);

/* vfio.c */
extern const struct vfio_device_ops vgpu_vfio_ops;
int vgpu_vm_reset(struct vgpu_vm *vm);

/* pci_config.c */
void vgpu_config_init(struct vgpu_vm *vm);
ssize_t vgpu_config_read(struct vgpu_vm *vm, u8 *buf, size_t count, u64 pos);
ssize_t vgpu_config_write(struct vgpu_vm *vm, const u8 *buf, size_t count, u64 pos);
bool vgpu_config_memory_enabled(struct vgpu_vm *vm);

/* irq.c */
u32 vgpu_irq_count(u32 index);
long vgpu_irq_set(struct vgpu_vm *vm, const struct vfio_irq_set *set, const void *data);
void vgpu_irq_signal(struct vgpu_vm *vm, u32 vector);
bool vgpu_irq_request(struct vgpu_vm *vm);
void vgpu_irq_release(struct vgpu_vm *vm);

/* aperture.c */
struct file *vgpu_aperture_create(u64 size);
void vgpu_aperture_destroy(struct file *file);
int vgpu_aperture_mmap(struct file *file, struct vm_area_struct *vma, u64 offset);
ssize_t vgpu_aperture_read(struct file *file, char __user *buf, size_t count, u64 offset);
ssize_t vgpu_aperture_write(struct file *file, const char __user *buf, size_t count, u64 offset);
void *vgpu_aperture_map(struct file *file, u64 offset, u64 len);
void vgpu_aperture_unmap(struct file *file, void *addr, u64 offset, u64 len);
void vgpu_aperture_punch(struct file *file, u64 offset, u64 len);

/* executor.c */
int vgpu_executor_init(void);
void vgpu_executor_exit(void);
void vgpu_executor_wake(struct vgpu_worker *worker);
void vgpu_executor_kill(struct vgpu_worker *worker);

/* sysfs.c */
extern const struct attribute_group *vgpu_vm_groups[];
extern const struct attribute_group *vgpu_gpu_groups[];

/* netlink.c */
int vgpu_netlink_init(void);
void vgpu_netlink_exit(void);

#endif /* VGPU_KMOD_H */
