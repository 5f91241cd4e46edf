// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * GPUs: made when their first supervisor attaches, kept until the module or their PCI device goes.
 * A GPU without supervisor keeps its virtual GPUs, whose sessions wait for the next one.
 */

#include <linux/ctype.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include "compat.h"
#include "netlink.h"

#define APERTURE_MIN ((u64)SZ_1G)
#define APERTURE_MAX (64 * (u64)SZ_1G)

/* See vgpu.h. */
DEFINE_MUTEX(vgpu_gpus_lock);
LIST_HEAD(vgpu_gpus);
struct workqueue_struct *vgpu_wq;

/* Time after which unloading says what it waits for. */
#define GONE_TIMEOUT (30 * HZ)

/* Devices: the module stays until there are none. */
static atomic_t gpus_alive = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(gpus_gone);

/*
 * The mdev core lets go of a type's kobject when the last reference to an mdev of that type goes,
 * which may be after the parent was unregistered; and it holds no reference to the memory that the
 * kobject is in, only to the parent's device, which for a GPU with PCI address is not ours. So the
 * type has operations of its own, which are the core's, but its release then gives back a reference
 * to the GPU.
 */
static const struct kobj_type *mdev_ktype;

static void release_type(struct kobject *kobj)
{
	struct vgpu_type *type = container_of(kobj, struct vgpu_type, mdev.kobj);
	struct vgpu_host_gpu *gpu = type->gpu;

	mdev_ktype->release(kobj);
	put_device(&gpu->dev);
}

static ssize_t show_type(struct kobject *kobj, struct attribute *attr, char *buf)
{
	return mdev_ktype->sysfs_ops->show(kobj, attr, buf);
}

static ssize_t store_type(struct kobject *kobj, struct attribute *attr, const char *buf,
			  size_t count)
{
	return mdev_ktype->sysfs_ops->store(kobj, attr, buf, count);
}

static const struct sysfs_ops type_ops = {
	.show = show_type,
	.store = store_type,
};

static const struct kobj_type type_ktype = {
	.release = release_type,
	.sysfs_ops = &type_ops,
};

/* The types of a GPU were registered. The core's operations are the same for all types. */
static void hold_by_types(struct vgpu_host_gpu *gpu)
{
	struct kobject *kobj;
	u32 i;

	mutex_lock(&vgpu_gpus_lock);
	for (i = 0; i < gpu->num_types; i++) {
		kobj = &gpu->types[i].mdev.kobj;
		mdev_ktype = get_ktype(kobj);
		get_device(&gpu->dev);
		/* Those who use its files meanwhile find the same in either. */
		smp_store_release(&kobj->ktype, &type_ktype);
	}
	mutex_unlock(&vgpu_gpus_lock);
}

static void release_gpu(struct device *dev)
{
	struct vgpu_host_gpu *gpu = container_of(dev, struct vgpu_host_gpu, dev);

	hrtimer_cancel(&gpu->tick);
	cancel_work_sync(&gpu->tick_work);
	/* A tick that was under way may have asked for another, but that one finds nothing. */
	hrtimer_cancel(&gpu->tick);
	cancel_work_sync(&gpu->tick_work);
	vgpu_gpu_destroy(&gpu->core);
	pci_dev_put(gpu->pdev);
	kfree(gpu);
	if (atomic_dec_and_test(&gpus_alive))
		wake_up_all(&gpus_gone);
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

static void op_kill_supervisor(struct vgpu_gpu *gpu)
{
	void *supervisor = READ_ONCE(host_of(gpu)->supervisor);

	if (!supervisor)
		return;
	dev_warn(&host_of(gpu)->dev, "its supervisor reads no events and is killed\n");
	vgpu_executor_kill_supervisor(supervisor);
}

static void op_schedule_reap(struct vgpu_dev *dev)
{
	vgpu_vm_schedule_reap(dev->host);
}

static void op_schedule_tick(struct vgpu_gpu *gpu, u64 when_ns)
{
	hrtimer_start(&host_of(gpu)->tick, ns_to_ktime(when_ns), HRTIMER_MODE_ABS);
}

static void *op_map_queue(struct vgpu_dev *dev, u64 offset, u64 len)
{
	return vgpu_aperture_map_queue(dev->host, offset, len);
}

static void op_unmap_queue(struct vgpu_dev *dev, void *addr, u64 offset, u64 len)
{
	vgpu_aperture_unmap_queue(dev->host, addr);
}

static int op_punch(struct vgpu_dev *dev, u64 offset, u64 len)
{
	return vgpu_aperture_punch(dev->host, offset, len);
}

static void op_event(struct vgpu_gpu *gpu, struct vgpu_dev *dev, const struct vgpu_event *event)
{
	vgpu_netlink_event(host_of(gpu), dev, event);
}

static const struct vgpu_host_ops host_ops = {
	.event = op_event,
	.signal = op_signal,
	.wake_supervisor = op_wake_supervisor,
	.wake_worker = vgpu_executor_wake,
	.kill_worker = vgpu_executor_kill,
	.kill_supervisor = op_kill_supervisor,
	.schedule_reap = op_schedule_reap,
	.schedule_tick = op_schedule_tick,
	.map_queue = op_map_queue,
	.unmap_queue = op_unmap_queue,
	.punch = op_punch,
};

static enum hrtimer_restart tick_expired(struct hrtimer *timer)
{
	struct vgpu_host_gpu *gpu = container_of(timer, struct vgpu_host_gpu, tick);

	queue_work(vgpu_wq, &gpu->tick_work);
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

static void name_type(struct vgpu_type *type)
{
	static const char units[] = "kmg";
	u64 number = type->limits.memory / SZ_1K;
	int unit = 0;

	while (units[unit + 1] && number >= SZ_1K) {
		number /= SZ_1K;
		unit++;
	}
	snprintf(type->sysfs_name, sizeof(type->sysfs_name), "%llu%c", number, units[unit]);
	snprintf(type->pretty_name, sizeof(type->pretty_name), "vGPU %llu %ciB", number,
		 toupper(units[unit]));
	type->mdev.sysfs_name = type->sysfs_name;
	type->mdev.pretty_name = type->pretty_name;
}

static void make_type(struct vgpu_host_gpu *gpu, u64 memory)
{
	struct vgpu_type *type = &gpu->types[gpu->num_types];

	type->gpu = gpu;
	type->limits = vgpu_limits_default;
	type->limits.memory = memory;
	type->limits.aperture = clamp_t(u64, memory, APERTURE_MIN, APERTURE_MAX);
	name_type(type);
	gpu->type_list[gpu->num_types++] = &type->mdev;
}

/* Powers of two from 1 GiB to the whole GPU; a GPU of less has one size, nearly all of it. */
static void make_types(struct vgpu_host_gpu *gpu)
{
	u64 memory = gpu->core.attach.memory;
	u64 size = min_t(u64, SZ_1G, rounddown_pow_of_two(memory));

	for (; size <= memory && gpu->num_types < VGPU_MAX_TYPES; size *= 2)
		make_type(gpu, size);
}

static int find_parent(struct vgpu_host_gpu *gpu, const char *address, const char **why)
{
	unsigned int domain, bus, slot, function;
	struct pci_dev *pdev;

	gpu->parent = &gpu->dev;
	if (!address[0])
		return 0;
	if (sscanf(address, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4 || bus > 255 ||
	    slot > 31 || function > 7) {
		*why = "PCI address is not of the form 0000:65:00.0";
		return -EINVAL;
	}
	pdev = pci_get_domain_bus_and_slot(domain, bus, PCI_DEVFN(slot, function));
	if (!pdev) {
		*why = "no PCI device has this address";
		return -ENODEV;
	}
	gpu->parent = &pdev->dev;
	/* From now on pci_notified() finds the GPU. */
	mutex_lock(&vgpu_gpus_lock);
	gpu->pdev = pdev;
	mutex_unlock(&vgpu_gpus_lock);
	return 0;
}

static struct vgpu_host_gpu *new_gpu(const struct vgpu_exec_attach *attach)
{
	struct vgpu_host_gpu *gpu = kzalloc(sizeof(*gpu), GFP_KERNEL);

	if (!gpu)
		return ERR_PTR(-ENOMEM);
	if (vgpu_gpu_init(&gpu->core, attach, &host_ops, gpu)) {
		kfree(gpu);
		return ERR_PTR(-ENOMEM);
	}
	gpu->core.max_starting = max(VGPU_STARTS, num_online_cpus());
	INIT_LIST_HEAD(&gpu->vms);
	init_waitqueue_head(&gpu->events);
	vgpu_hrtimer_init(&gpu->tick, tick_expired);
	INIT_WORK(&gpu->tick_work, tick_work);
	device_initialize(&gpu->dev);
	gpu->dev.class = &vgpu_class;
	atomic_inc(&gpus_alive);
	make_types(gpu);
	return gpu;
}

/* No PCI device comes or goes meanwhile, but for virtual functions on kernels that do not lock. */
static int add_to_sysfs(struct vgpu_host_gpu *gpu, const char **why)
{
	const struct vgpu_exec_attach *attach = &gpu->core.attach;
	int err;

	err = find_parent(gpu, attach->pci, why);
	if (err)
		return err;
	if (gpu->pdev)
		gpu->dev.parent = &gpu->pdev->dev;
	err = dev_set_name(&gpu->dev, "%s", attach->name);
	if (err)
		return err;
	err = device_add(&gpu->dev);
	if (err) {
		*why = "its device cannot be made";
		return err;
	}
	err = mdev_register_parent(&gpu->mdev_parent, gpu->parent, &vgpu_mdev_driver,
				   gpu->type_list, gpu->num_types);
	if (err) {
		*why = "the mdev core refused it: another driver offers mdevs on its device?";
		device_del(&gpu->dev);
		return err;
	}
	hold_by_types(gpu);
	return 0;
}

static void add_gpu(struct vgpu_host_gpu *gpu)
{
	gpu->serial = vgpu_serial();
	list_add_tail(&gpu->node, &vgpu_gpus);
	vgpu_pools_enter(gpu);
}

static void forget_gpu(struct vgpu_host_gpu *gpu)
{
	mutex_lock(&vgpu_gpus_lock);
	list_del(&gpu->node);
	vgpu_pools_leave(gpu);
	if (gpu->state != VGPU_GPU_NEW)
		vgpu_netlink_gpu(VGPU_CMD_GPU_DEL_NTF, gpu);
	mutex_unlock(&vgpu_gpus_lock);
	put_device(&gpu->dev);
}

static void unpublish_gpu(struct vgpu_host_gpu *gpu)
{
	mdev_unregister_parent(&gpu->mdev_parent);
	vgpu_record_remove(gpu);
	device_del(&gpu->dev);
	forget_gpu(gpu);
}

/* Puts a new GPU into sysfs, where udev and libvirt find it; where that fails, it is forgotten. */
static int publish_gpu(struct vgpu_host_gpu *gpu, const char **why)
{
	bool doomed;
	int err;

	pci_lock_rescan_remove();
	err = add_to_sysfs(gpu, why);
	pci_unlock_rescan_remove();
	if (err) {
		forget_gpu(gpu);
		return err;
	}
	vgpu_record_add(gpu);
	mutex_lock(&vgpu_gpus_lock);
	doomed = gpu->doomed;
	if (!doomed) {
		gpu->state = VGPU_GPU_LIVE;
		vgpu_netlink_gpu(VGPU_CMD_GPU_ADD_NTF, gpu);
	}
	mutex_unlock(&vgpu_gpus_lock);
	if (!doomed)
		return 0;
	*why = "its PCI device was taken out";
	unpublish_gpu(gpu);
	return -ENODEV;
}

/* Attaches to a GPU that is in the list, or puts a new one there, which is then to be published. */
static struct vgpu_host_gpu *find_or_add(const struct vgpu_exec_attach *attach, void *supervisor,
					 const char **why)
{
	struct vgpu_host_gpu *gpu, *found = NULL;
	int err = 0;

	mutex_lock(&vgpu_gpus_lock);
	list_for_each_entry(gpu, &vgpu_gpus, node)
		if (!strcmp(gpu->core.attach.name, attach->name))
			found = gpu;
	if (found && found->state != VGPU_GPU_LIVE) {
		*why = "the GPU is just coming or going: try again";
		err = -EBUSY;
	} else if (!found) {
		found = new_gpu(attach);
		if (IS_ERR(found))
			err = PTR_ERR(found);
		else
			add_gpu(found);
	}
	if (!err)
		err = vgpu_gpu_attach(&found->core, attach, why);
	if (!err) {
		WRITE_ONCE(found->supervisor, supervisor);
		get_device(&found->dev);
	}
	mutex_unlock(&vgpu_gpus_lock);
	return err ? ERR_PTR(err) : found;
}

/**
 * vgpu_gpu_serve() - attach a supervisor to its GPU
 * @attach: checked by vgpu_attach_check()
 * @supervisor: its file
 * @why: set to the reason where that fails, or left alone
 *
 * A GPU that nobody served before is made.
 *
 * Return: the GPU, whose reference vgpu_gpu_leave() gives back, or an ERR_PTR().
 * Context: may sleep.
 */
struct vgpu_host_gpu *vgpu_gpu_serve(const struct vgpu_exec_attach *attach, void *supervisor,
				     const char **why)
{
	struct vgpu_host_gpu *gpu;
	int err;

	gpu = find_or_add(attach, supervisor, why);
	if (IS_ERR(gpu))
		return gpu;
	if (gpu->state == VGPU_GPU_NEW) {
		err = publish_gpu(gpu, why);
		if (err) {
			put_device(&gpu->dev);
			return ERR_PTR(err);
		}
		return gpu;
	}
	mutex_lock(&vgpu_gpus_lock);
	vgpu_netlink_gpu(VGPU_CMD_GPU_CHANGE_NTF, gpu);
	mutex_unlock(&vgpu_gpus_lock);
	return gpu;
}

/* The supervisor, if there is one, serves the GPU no more. */
static void detach(struct vgpu_host_gpu *gpu)
{
	lockdep_assert_held(&vgpu_gpus_lock);
	if (!gpu->supervisor)
		return;
	WRITE_ONCE(gpu->supervisor, NULL);
	vgpu_gpu_detach(&gpu->core);
	vgpu_netlink_gpu(VGPU_CMD_GPU_CHANGE_NTF, gpu);
}

/**
 * vgpu_gpu_leave() - a supervisor's file was released
 * @gpu: from vgpu_gpu_serve()
 * @supervisor: as there
 *
 * Context: may sleep.
 */
void vgpu_gpu_leave(struct vgpu_host_gpu *gpu, void *supervisor)
{
	mutex_lock(&vgpu_gpus_lock);
	if (gpu->supervisor == supervisor)
		detach(gpu);
	mutex_unlock(&vgpu_gpus_lock);
	put_device(&gpu->dev);
}

/**
 * vgpu_gpu_serves() - whether a supervisor still serves its GPU
 * @gpu: from vgpu_gpu_serve()
 * @supervisor: as there
 *
 * Return: false if the GPU was lost. Context: any.
 */
bool vgpu_gpu_serves(struct vgpu_host_gpu *gpu, const void *supervisor)
{
	return READ_ONCE(gpu->supervisor) == supervisor;
}

static struct vgpu_host_gpu *gpu_on(const struct device *dev)
{
	struct vgpu_host_gpu *gpu;

	list_for_each_entry(gpu, &vgpu_gpus, node)
		if (gpu->pdev && &gpu->pdev->dev == dev)
			return gpu;
	return NULL;
}

/* Workers die, and nobody is waited for. */
static void lose_gpu(struct vgpu_host_gpu *gpu)
{
	lockdep_assert_held(&vgpu_gpus_lock);
	dev_warn(&gpu->dev, "%s goes: all sessions are lost\n", dev_name(&gpu->pdev->dev));
	detach(gpu);
	vgpu_gpu_lose(&gpu->core);
	wake_up_interruptible(&gpu->events);
}

/*
 * The driver is being taken from a PCI device. Its lock is held, and the driver waits for its
 * users, so nobody is waited for. The virtual GPUs stay, without a GPU, until a supervisor attaches
 * again.
 */
static void driver_goes(struct device *dev)
{
	struct vgpu_host_gpu *gpu;

	mutex_lock(&vgpu_gpus_lock);
	gpu = gpu_on(dev);
	if (gpu)
		lose_gpu(gpu);
	mutex_unlock(&vgpu_gpus_lock);
}

/*
 * A PCI device is being taken out, its lock not held: waits for its virtual GPUs' users. No
 * supervisor attaches any more.
 */
static void device_goes(struct device *dev)
{
	bool live = false;
	struct vgpu_host_gpu *gpu;

	mutex_lock(&vgpu_gpus_lock);
	gpu = gpu_on(dev);
	if (gpu) {
		live = gpu->state == VGPU_GPU_LIVE;
		/* Who makes a new one takes it away again. */
		gpu->doomed = true;
		if (live)
			gpu->state = VGPU_GPU_LEAVING;
		lose_gpu(gpu);
	}
	mutex_unlock(&vgpu_gpus_lock);
	if (live)
		unpublish_gpu(gpu);
}

static int pci_notified(struct notifier_block *nb, unsigned long action, void *data)
{
	if (action == BUS_NOTIFY_UNBIND_DRIVER)
		driver_goes(data);
	else if (action == BUS_NOTIFY_DEL_DEVICE)
		device_goes(data);
	return NOTIFY_DONE;
}

static struct notifier_block pci_notifier = {
	.notifier_call = pci_notified,
};

/**
 * vgpu_gpus_init() - no GPUs yet
 *
 * Return: 0 or a negative errno. Context: may sleep.
 */
int vgpu_gpus_init(void)
{
	int err;

	vgpu_wq = alloc_workqueue("vgpu", WQ_UNBOUND | WQ_HIGHPRI, 0);
	if (!vgpu_wq)
		return -ENOMEM;
	err = class_register(&vgpu_class);
	if (err)
		goto err_wq;
	err = bus_register_notifier(&pci_bus_type, &pci_notifier);
	if (err)
		goto err_class;
	return 0;

err_class:
	class_unregister(&vgpu_class);
err_wq:
	destroy_workqueue(vgpu_wq);
	return err;
}

/**
 * vgpu_gpus_exit() - remove all GPUs and their virtual GPUs
 *
 * No file is left that could be a supervisor, a worker or a user of a virtual GPU: each holds the
 * module.
 *
 * Context: may sleep.
 */
void vgpu_gpus_exit(void)
{
	struct vgpu_host_gpu *gpu, *next;

	bus_unregister_notifier(&pci_bus_type, &pci_notifier);
	list_for_each_entry_safe(gpu, next, &vgpu_gpus, node)
		unpublish_gpu(gpu);
	if (!wait_event_timeout(gpus_gone, !atomic_read(&gpus_alive), GONE_TIMEOUT)) {
		pr_err("vgpu: leak: %d GPUs are still referenced, waiting for them\n",
		       atomic_read(&gpus_alive));
		wait_event(gpus_gone, !atomic_read(&gpus_alive));
	}
	/*
	 * Whoever let go of the last one may still be on its way out of release_gpu() or
	 * release_type(), without a reference to the module. It does not sleep there.
	 */
	synchronize_rcu_tasks();
	destroy_workqueue(vgpu_wq);
	class_unregister(&vgpu_class);
}
