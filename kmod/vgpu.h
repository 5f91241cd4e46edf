/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/**
 * DOC: The kernel module
 *
 * vgpu.ko hosts kmod/core: it shows virtual GPUs to VFIO (mdev.c, vfio.c, pci_config.c, irq.c,
 * aperture.c), work to executors (executor.c) and state to operators (sysfs.c, netlink.c,
 * record.c).
 *
 * Locks, in order of nesting:
 *
 *	1. vgpu_gpus_lock (mutex): the list of GPUs, their lists of virtual GPUs, their states and
 *	   supervisors
 *	2. vgpu_dev.ctl (mutex): see core/core.h
 *	3. vgpu_vm.lock (mutex): config space, interrupts being set up, aperture file; taken inside
 *	   mmap_lock
 *	4. vgpu_gpu.lock (spinlock): see core/core.h; or vgpu_vm.irq_lock (spinlock): eventfds;
 *	   neither inside the other
 *
 * No file of sysfs is removed, and nothing that waits for a user of a virtual GPU is called, with
 * vgpu_gpus_lock held.
 *
 * Life: a GPU is a device, /sys/class/vgpu/NAME, whose references are held by the list, by its
 * supervisor's file, by its mdev types' entries in sysfs and by its virtual GPUs. It outlives its
 * supervisor, and goes when the module does or when its PCI device is taken out. The latter waits
 * until the users of its virtual GPUs let go of them, however long that takes, as the removal of
 * any device with users does; QEMU is asked to, and whoever takes a device out ends its guests
 * first. A virtual GPU is a VFIO device, whose references are held by the mdev, by the files of its
 * workers and by work that is queued for it.
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

struct vgpu_host_pool;

#define VGPU_MAX_TYPES 16
#define VGPU_CONFIG_SIZE 4096

/* Regions of a VFIO device file: the index in the upper bits of the offset. */
#define VGPU_REGION_SHIFT 40
#define VGPU_REGION_MASK ((1ULL << VGPU_REGION_SHIFT) - 1)

/**
 * struct vgpu_type - an mdev type: a size of virtual GPU
 * @mdev: what the mdev core knows
 * @gpu: on which
 * @limits: of virtual GPUs of this type
 * @sysfs_name: "1g"
 * @pretty_name: for people
 */
struct vgpu_type {
	struct mdev_type mdev;
	struct vgpu_host_gpu *gpu;
	struct vgpu_limits limits;
	char sysfs_name[16];
	char pretty_name[48];
};

/**
 * enum vgpu_gpu_state - life of a GPU's entry in sysfs
 * @VGPU_GPU_NEW: being made; nobody but its maker looks at it
 * @VGPU_GPU_LIVE: as it should be
 * @VGPU_GPU_LEAVING: its PCI device is going; waits for its virtual GPUs to be let go
 */
enum vgpu_gpu_state {
	VGPU_GPU_NEW,
	VGPU_GPU_LIVE,
	VGPU_GPU_LEAVING,
};

/**
 * struct vgpu_host_gpu - a GPU with its place in sysfs
 * @core: what decides
 * @node: in vgpu_gpus
 * @serial: grows along vgpu_gpus
 * @vms: its virtual GPUs
 * @state: enum vgpu_gpu_state
 * @doomed: its PCI device went while it was VGPU_GPU_NEW
 * @supervisor: file of the supervisor that is attached, or NULL
 * @dev: class device /sys/class/vgpu/NAME
 * @parent: of mdevs: the GPU's PCI device, or @dev where there is none
 * @pdev: the PCI device, or NULL
 * @pool: in which it is, from being on the list to being taken off it
 * @mdev_parent: registered while @state is VGPU_GPU_LIVE
 * @types: sizes
 * @type_list: the same for the mdev core
 * @num_types: of @types
 * @events: where the supervisor waits
 * @record: its directory in debugfs, while @state is VGPU_GPU_LIVE
 * @tick: for vgpu_gpu_tick()
 * @tick_work: likewise
 */
struct vgpu_host_gpu {
	struct vgpu_gpu core;
	struct list_head node;
	u64 serial;
	struct list_head vms;
	enum vgpu_gpu_state state;
	bool doomed;
	void *supervisor;
	struct device dev;
	struct device *parent;
	struct pci_dev *pdev;
	struct vgpu_host_pool *pool;
	struct mdev_parent mdev_parent;
	struct vgpu_type types[VGPU_MAX_TYPES];
	struct mdev_type *type_list[VGPU_MAX_TYPES];
	u32 num_types;
	wait_queue_head_t events;
	struct dentry *record;
	struct hrtimer tick;
	struct work_struct tick_work;
};

/**
 * struct vgpu_event_budget - events told in a second
 * @since_ns: when the second began
 * @told: events since then
 */
struct vgpu_event_budget {
	u64 since_ns;
	u32 told;
};

/**
 * struct vgpu_vm - a virtual GPU as a VFIO device
 * @vdev: what VFIO knows; first
 * @core: what decides
 * @gpu: on which
 * @node: in its list
 * @serial: grows along that
 * @name: UUID as text
 * @lock: guards @config, @aperture, @queues and the setting up of interrupts
 * @config: PCI config space
 * @config_mask: bits of it that may be written
 * @aperture: shmem file, from open to close
 * @queues: queue areas that the kernel has mapped
 * @irq_lock: guards @msix and @request
 * @marked: vectors that are to be raised
 * @raisers: callers of the core that raise what is marked, see irq.c
 * @irq_work: raises what is marked where there are none
 * @msix: eventfds by vector, NULL where none is set
 * @request: eventfd by which the user is asked to let go, or NULL
 * @idle: where reset and close wait
 * @reap_work: for vgpu_dev_reap()
 * @events: told of it; guarded by netlink_event.c
 */
struct vgpu_vm {
	struct vfio_device vdev;
	struct vgpu_dev core;
	struct vgpu_host_gpu *gpu;
	struct list_head node;
	u64 serial;
	char name[UUID_STRING_LEN + 1];
	struct mutex lock; /* config, aperture, queues, setting up of interrupts */
	u8 config[VGPU_CONFIG_SIZE];
	u8 config_mask[VGPU_CONFIG_SIZE];
	struct file *aperture;
	struct list_head queues;
	spinlock_t irq_lock; /* msix, request */
	DECLARE_BITMAP(marked, VGPU_NUM_VECTORS);
	atomic_t raisers;
	struct work_struct irq_work;
	struct eventfd_ctx *msix[VGPU_NUM_VECTORS];
	struct eventfd_ctx *request;
	wait_queue_head_t idle;
	struct work_struct reap_work;
	struct vgpu_event_budget events;
};

extern struct mutex vgpu_gpus_lock;
extern struct list_head vgpu_gpus;
extern struct workqueue_struct *vgpu_wq;
extern struct mdev_driver vgpu_mdev_driver;

/* gpu.c */
int vgpu_gpus_init(void);
void vgpu_gpus_exit(void);
struct vgpu_host_gpu *vgpu_gpu_serve(const struct vgpu_exec_attach *attach, void *supervisor,
				     const char **why);
void vgpu_gpu_leave(struct vgpu_host_gpu *gpu, void *supervisor);
bool vgpu_gpu_serves(struct vgpu_host_gpu *gpu, const void *supervisor);
struct vgpu_type *vgpu_type_of(struct mdev_type *type);

/* mdev.c */
int vgpu_mdev_init(void);
void vgpu_mdev_exit(void);

/* vfio.c */
extern const struct vfio_device_ops vgpu_vfio_ops;
void vgpu_vm_schedule_reap(struct vgpu_vm *vm);

/* pci_config.c */
void vgpu_config_init(struct vgpu_vm *vm);
void vgpu_config_read(struct vgpu_vm *vm, u8 *buf, size_t count, u64 pos);
void vgpu_config_write(struct vgpu_vm *vm, const u8 *buf, size_t count, u64 pos);
bool vgpu_config_memory_enabled(struct vgpu_vm *vm);

/* irq.c */
u32 vgpu_irq_count(u32 index);
long vgpu_irq_set(struct vgpu_vm *vm, const struct vfio_irq_set *set, const void *data);
void vgpu_irq_init(struct vgpu_vm *vm);
void vgpu_irq_destroy(struct vgpu_vm *vm);
void vgpu_irq_signal(struct vgpu_vm *vm, u32 vector);
void vgpu_irq_begin(struct vgpu_vm *vm);
void vgpu_irq_flush(struct vgpu_vm *vm);
void vgpu_irq_end(struct vgpu_vm *vm);
bool vgpu_irq_request(struct vgpu_vm *vm);
void vgpu_irq_release(struct vgpu_vm *vm);

/* aperture.c */
int vgpu_aperture_open(struct vgpu_vm *vm);
void vgpu_aperture_close(struct vgpu_vm *vm);
int vgpu_aperture_mmap(struct vgpu_vm *vm, struct vm_area_struct *vma, u64 offset);
ssize_t vgpu_aperture_read(struct vgpu_vm *vm, char __user *buf, size_t count, u64 offset);
ssize_t vgpu_aperture_write(struct vgpu_vm *vm, const char __user *buf, size_t count, u64 offset);
u64 vgpu_aperture_used(struct vgpu_vm *vm);
void *vgpu_aperture_map_queue(struct vgpu_vm *vm, u64 offset, u64 len);
void vgpu_aperture_unmap_queue(struct vgpu_vm *vm, void *addr);
int vgpu_aperture_init(void);
void vgpu_aperture_exit(void);
int vgpu_aperture_punch(struct vgpu_vm *vm, u64 offset, u64 len);

/* executor.c */
int vgpu_executor_init(void);
void vgpu_executor_exit(void);
void vgpu_executor_wake(struct vgpu_worker *worker);
void vgpu_executor_kill(struct vgpu_worker *worker);
void vgpu_executor_kill_supervisor(void *supervisor);

/* record.c */
void vgpu_record_init(void);
void vgpu_record_exit(void);
void vgpu_record_add(struct vgpu_host_gpu *gpu);
void vgpu_record_remove(struct vgpu_host_gpu *gpu);

/* sysfs.c */
extern const struct attribute_group *vgpu_vm_groups[];
extern const struct attribute_group *vgpu_gpu_groups[];

/* netlink.c; the rest in netlink.h */
int vgpu_netlink_init(void);
void vgpu_netlink_exit(void);

#endif /* VGPU_KMOD_H */
