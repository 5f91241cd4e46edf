// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */
/*
 * GPUs: made when their first supervisor attaches, kept until the module goes. A GPU without supervisor keeps its virtual GPUs, whose
 * sessions wait for the next one.
 */

#include <linux/log2.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include "compat.h"
#include "vgpu.h"

DEFINE_MUTEX(vgpu_gpus_lock);
LIST_HEAD(vgpu_gpus);

static void release_gpu(struct device *dev)
{
	struct vgpu_host_gpu *gpu = container_of(dev, struct vgpu_host_gpu, dev);

	vgpu_gpu_destroy(&gpu->core);
	pci_dev_put(gpu->pdev);
	kfree(gpu);
}

static struct class vgpu_class = {
	.name = "vgpu",
	.dev_groups = vgpu_gpu_groups,
	.dev_release = release_gpu,
};

/* Host operations of the core: see struct vgpu_host_ops. */

static struct vgpu_host_gpu *host_of(struct vgpu_gpu *gpu)
{
	return gpu->host;
}

static void op_signal(struct vgpu_dev *dev, u32 vector)
{
	vgpu_irq_signal(dev->host, vector);
}

static void op_wake_supervisor(struct vgpu_gpu *gpu)
{
	wake_up_interruptible(&host_of(gpu)->events);
}

static void op_schedule_reap(struct vgpu_dev *dev)
{
	struct vgpu_vm *vm = dev->host;

	schedule_work(&vm->reap_work);
}

static void op_schedule_tick(struct vgpu_gpu *gpu, u64 when_ns)
{
	hrtimer_start(&host_of(gpu)->tick, ns_to_ktime(when_ns), HRTIMER_MODE_ABS);
}

static void *op_map_queue(struct vgpu_dev *dev, u64 offset, u64 len)
{
	struct vgpu_vm *vm = dev->host;

	return vgpu_aperture_map(vm->aperture, offset, len);
}

static void op_unmap_queue(struct vgpu_dev *dev, void *addr, u64 offset, u64 len)
{
	struct vgpu_vm *vm = dev->host;

	vgpu_aperture_unmap(vm->aperture, addr, offset, len);
}

static void op_punch(struct vgpu_dev *dev, u64 offset, u64 len)
{
	struct vgpu_vm *vm = dev->host;

	vgpu_aperture_punch(vm->aperture, offset, len);
}

static const struct vgpu_host_ops host_ops = {
	.signal = op_signal,
	.wake_supervisor = op_wake_supervisor,
	.wake_worker = vgpu_executor_wake,
	.kill_worker = vgpu_executor_kill,
	.schedule_reap = op_schedule_reap,
	.schedule_tick = op_schedule_tick,
	.map_queue = op_map_queue,
	.unmap_queue = op_unmap_queue,
	.punch = op_punch,
};

static enum hrtimer_restart tick_expired(struct hrtimer *timer)
{
	struct vgpu_host_gpu *gpu = container_of(timer, struct vgpu_host_gpu, tick);

	queue_work(system_highpri_wq, &gpu->tick_work);
	return HRTIMER_NORESTART;
}

static void tick_work(struct work_struct *work)
{
	struct vgpu_host_gpu *gpu = container_of(work, struct vgpu_host_gpu, tick_work);

	vgpu_gpu_tick(&gpu->core);
}

/**
 * vgpu_type_of() - the size behind an mdev type
 * @type: of one of this module's GPUs
 *
 * Return: the type. Context: any.
 */
struct vgpu_type *vgpu_type_of(struct mdev_type *type)
{
	return container_of(type, struct vgpu_type, mdev);
}

/* Types are powers of two of GiB, up to the whole GPU. */
static void make_types(struct vgpu_host_gpu *gpu)
{
	u64 memory = gpu->core.attach.memory;
	struct vgpu_type *type;
	u64 size;

	for (size = SZ_1G; size <= memory && gpu->num_types < VGPU_MAX_TYPES; size *= 2) {
		type = &gpu->types[gpu->num_types];
		type->limits.memory = size;
		type->limits.aperture = clamp_t(u64, size / 4, SZ_64M, 4ULL * SZ_1G);
		type->limits.deadline_ns = VGPU_DEADLINE_DEFAULT;
		type->limits.depth = VGPU_DEPTH_DEFAULT;
		type->limits.sessions = 16;
		type->limits.tier = VGPU_TIER_MEDIUM;
		snprintf(type->sysfs_name, sizeof(type->sysfs_name), "%llug", size / SZ_1G);
		snprintf(type->pretty_name, sizeof(type->pretty_name), "vgpu %llu GiB", size / SZ_1G);
		type->mdev.sysfs_name = type->sysfs_name;
		type->mdev.pretty_name = type->pretty_name;
		gpu->type_list[gpu->num_types++] = &type->mdev;
	}
}

static int find_parent(struct vgpu_host_gpu *gpu, const char *address, const char **why)
{
	unsigned int domain, bus, slot, function;

	gpu->parent = &gpu->dev;
	if (!address[0])
		return 0;
	if (sscanf(address, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4 || bus > 255 || slot > 31 ||
	    function > 7) {
		*why = "PCI address is not of the form 0000:65:00.0";
		return -EINVAL;
	}
	gpu->pdev = pci_get_domain_bus_and_slot(domain, bus, PCI_DEVFN(slot, function));
	if (!gpu->pdev) {
		*why = "no PCI device has this address";
		return -ENODEV;
	}
	gpu->parent = &gpu->pdev->dev;
	return 0;
}

static struct vgpu_host_gpu *make_gpu(const struct vgpu_exec_attach *attach, const char **why)
{
	struct vgpu_host_gpu *gpu;
	int err;

	gpu = kzalloc(sizeof(*gpu), GFP_KERNEL);
	if (!gpu)
		return ERR_PTR(-ENOMEM);
	vgpu_gpu_init(&gpu->core, attach, &host_ops, gpu);
	init_waitqueue_head(&gpu->events);
	vgpu_hrtimer_init(&gpu->tick, tick_expired);
	INIT_WORK(&gpu->tick_work, tick_work);
	device_initialize(&gpu->dev);
	gpu->dev.class = &vgpu_class;
	err = find_parent(gpu, attach->pci, why);
	if (err)
		goto err_put;
	if (gpu->pdev)
		gpu->dev.parent = &gpu->pdev->dev;
	err = dev_set_name(&gpu->dev, "%s", attach->name);
	if (err)
		goto err_put;
	make_types(gpu);
	if (!gpu->num_types) {
		*why = "memory is less than 1 GiB, the smallest type";
		err = -EINVAL;
		goto err_put;
	}
	err = device_add(&gpu->dev);
	if (err)
		goto err_put;
	err = mdev_register_parent(&gpu->mdev_parent, gpu->parent, &vgpu_mdev_driver, gpu->type_list, gpu->num_types);
	if (err) {
		*why = "the mdev core refused the GPU as parent";
		goto err_del;
	}
	list_add_tail(&gpu->node, &vgpu_gpus);
	return gpu;

err_del:
	device_del(&gpu->dev);
err_put:
	put_device(&gpu->dev);
	return ERR_PTR(err);
}

/**
 * vgpu_gpu_serve() - attach a supervisor to its GPU
 * @attach: checked by vgpu_attach_check()
 * @why: set to the reason where that fails, or left alone
 *
 * A GPU that nobody served before is made.
 *
 * Return: the GPU, or an ERR_PTR(). Context: may sleep.
 */
struct vgpu_host_gpu *vgpu_gpu_serve(const struct vgpu_exec_attach *attach, const char **why)
{
	struct vgpu_host_gpu *gpu, *found = NULL;
	int err;

	mutex_lock(&vgpu_gpus_lock);
	list_for_each_entry(gpu, &vgpu_gpus, node)
		if (!strcmp(dev_name(&gpu->dev), attach->name))
			found = gpu;
	if (!found)
		found = make_gpu(attach, why);
	if (!IS_ERR(found)) {
		err = vgpu_gpu_attach(&found->core, attach, why);
		if (err)
			found = ERR_PTR(err);
	}
	mutex_unlock(&vgpu_gpus_lock);
	return found;
}

/**
 * vgpu_gpus_init() - no GPUs yet
 *
 * Return: 0 or a negative errno. Context: may sleep.
 */
int vgpu_gpus_init(void)
{
	return class_register(&vgpu_class);
}

/**
 * vgpu_gpus_exit() - remove all GPUs and, waiting for their users, their virtual GPUs
 *
 * No supervisor is left: its file holds the module.
 *
 * Context: may sleep.
 */
void vgpu_gpus_exit(void)
{
	struct vgpu_host_gpu *gpu, *next;

	list_for_each_entry_safe(gpu, next, &vgpu_gpus, node) {
		mdev_unregister_parent(&gpu->mdev_parent);
		hrtimer_cancel(&gpu->tick);
		cancel_work_sync(&gpu->tick_work);
		hrtimer_cancel(&gpu->tick);
		list_del(&gpu->node);
		device_unregister(&gpu->dev);
	}
	class_unregister(&vgpu_class);
}
