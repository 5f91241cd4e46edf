// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * A virtual GPU's VFIO device file: opening, regions, interrupts, reset.
 */

#include <linux/mm.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include "compat.h"
#include "policy.h"

/* Nothing holds off for long the signal that kills workers: what takes longer is told. */
#define RESET_TIMEOUT (10 * HZ)

static struct vgpu_vm *to_vm(struct vfio_device *vdev)
{
	return container_of(vdev, struct vgpu_vm, vdev);
}

static bool wait_idle(struct vgpu_vm *vm)
{
	return wait_event_timeout(vm->idle, vgpu_dev_idle(&vm->core), RESET_TIMEOUT);
}

static int vgpu_vfio_open(struct vfio_device *vdev)
{
	struct vgpu_vm *vm = to_vm(vdev);
	int err;

	if (!vgpu_dev_idle(&vm->core)) {
		dev_warn_ratelimited(vdev->dev, "a worker that was killed has not ended: try again\n");
		return -EBUSY;
	}
	mutex_lock(&vm->lock);
	vgpu_config_init(vm);
	err = vgpu_aperture_open(vm);
	mutex_unlock(&vm->lock);
	return err;
}

/* A worker that does not end keeps pages that nobody else gets, and the virtual GPU busy. */
static void vgpu_vfio_close(struct vfio_device *vdev)
{
	struct vgpu_vm *vm = to_vm(vdev);

	vgpu_dev_reset(&vm->core);
	if (!wait_idle(vm))
		dev_warn(vdev->dev, "closed, but a worker was killed %u s ago and has not ended\n",
			 RESET_TIMEOUT / HZ);
	vgpu_irq_release(vm);
	vgpu_aperture_close(vm);
}

static long reset(struct vgpu_vm *vm)
{
	vgpu_dev_reset(&vm->core);
	return wait_idle(vm) ? 0 : -ETIMEDOUT;
}

static u64 region_size(const struct vgpu_vm *vm, u32 index)
{
	switch (index) {
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return VGPU_CONFIG_SIZE;
	case VFIO_PCI_BAR0_REGION_INDEX:
		return VGPU_BAR0_SIZE;
	case VFIO_PCI_BAR2_REGION_INDEX:
		return vm->core.limits.aperture;
	default:
		return 0;
	}
}

/* Bytes of the next access to registers: as much as alignment and what is left allow. */
static u32 access_width(u64 pos, size_t left)
{
	if (IS_ALIGNED(pos, 8) && left >= 8)
		return 8;
	if (IS_ALIGNED(pos, 4) && left >= 4)
		return 4;
	return IS_ALIGNED(pos, 2) && left >= 2 ? 2 : 1;
}

static ssize_t read_registers(struct vgpu_vm *vm, char __user *buf, size_t count, u64 pos)
{
	size_t done = 0;
	__le64 raw;
	u32 width;

	while (done < count) {
		width = access_width(pos + done, count - done);
		raw = cpu_to_le64(vgpu_config_memory_enabled(vm)
					  ? vgpu_dev_read(&vm->core, pos + done, width)
					  : ~0ULL);
		if (copy_to_user(buf + done, &raw, width))
			return -EFAULT;
		done += width;
	}
	return done;
}

static ssize_t write_registers(struct vgpu_vm *vm, const char __user *buf, size_t count, u64 pos)
{
	size_t done = 0;
	__le64 raw;
	u32 width;

	while (done < count) {
		width = access_width(pos + done, count - done);
		raw = 0;
		if (copy_from_user(&raw, buf + done, width))
			return -EFAULT;
		if (vgpu_config_memory_enabled(vm)) {
			vgpu_irq_begin(vm);
			vgpu_dev_write(&vm->core, pos + done, width, le64_to_cpu(raw));
			vgpu_irq_end(vm);
		}
		done += width;
	}
	return done;
}

static ssize_t access_config(struct vgpu_vm *vm, char __user *buf, size_t count, u64 pos,
			     bool write)
{
	size_t done, n;
	u8 bytes[64];

	for (done = 0; done < count; done += n) {
		n = min(count - done, sizeof(bytes));
		if (!write)
			vgpu_config_read(vm, bytes, n, pos + done);
		if (write ? copy_from_user(bytes, buf + done, n) :
			    copy_to_user(buf + done, bytes, n))
			return -EFAULT;
		if (write)
			vgpu_config_write(vm, bytes, n, pos + done);
	}
	return done;
}

static ssize_t access_region(struct vgpu_vm *vm, char __user *buf, size_t count, loff_t *ppos,
			     bool write)
{
	u32 index = *ppos >> VGPU_REGION_SHIFT;
	u64 pos = *ppos & VGPU_REGION_MASK;
	u64 size = region_size(vm, index);
	ssize_t n;

	if (!size)
		return -EINVAL;
	if (pos >= size)
		return 0;
	count = min_t(u64, min_t(u64, count, size - pos), MAX_RW_COUNT);
	switch (index) {
	case VFIO_PCI_CONFIG_REGION_INDEX:
		n = access_config(vm, buf, count, pos, write);
		break;
	case VFIO_PCI_BAR0_REGION_INDEX:
		n = write ? write_registers(vm, buf, count, pos)
			  : read_registers(vm, buf, count, pos);
		break;
	default:
		n = write ? vgpu_aperture_write(vm, buf, count, pos)
			  : vgpu_aperture_read(vm, buf, count, pos);
	}
	if (n > 0)
		*ppos += n;
	return n;
}

static ssize_t vgpu_vfio_read(struct vfio_device *vdev, char __user *buf, size_t count,
			      loff_t *ppos)
{
	return access_region(to_vm(vdev), buf, count, ppos, false);
}

static ssize_t vgpu_vfio_write(struct vfio_device *vdev, const char __user *buf, size_t count,
			       loff_t *ppos)
{
	return access_region(to_vm(vdev), (char __user *)buf, count, ppos, true);
}

static int vgpu_vfio_mmap(struct vfio_device *vdev, struct vm_area_struct *vma)
{
	u32 index = vma->vm_pgoff >> (VGPU_REGION_SHIFT - PAGE_SHIFT);
	u64 offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) & VGPU_REGION_MASK;
	struct vgpu_vm *vm = to_vm(vdev);
	u64 len = vma->vm_end - vma->vm_start;
	u64 size = region_size(vm, index);

	if (index != VFIO_PCI_BAR2_REGION_INDEX || len > size || offset > size - len)
		return -EINVAL;
	return vgpu_aperture_mmap(vm, vma, offset);
}

static long get_info(unsigned long arg)
{
	size_t minsz = offsetofend(struct vfio_device_info, num_irqs);
	struct vfio_device_info info;

	if (copy_from_user(&info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	info.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = VFIO_PCI_NUM_REGIONS;
	info.num_irqs = VFIO_PCI_NUM_IRQS;
	return copy_to_user((void __user *)arg, &info, minsz) ? -EFAULT : 0;
}

static int vgpu_vfio_region_info(struct vfio_device *vdev, struct vfio_region_info *info,
				 struct vfio_info_cap *caps)
{
	if (info->index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	info->size = region_size(to_vm(vdev), info->index);
	info->offset = (u64)info->index << VGPU_REGION_SHIFT;
	info->cap_offset = 0;
	info->flags = info->size ? VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE : 0;
	if (info->index == VFIO_PCI_BAR2_REGION_INDEX)
		info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	return 0;
}

static long get_irq_info(unsigned long arg)
{
	size_t minsz = offsetofend(struct vfio_irq_info, count);
	struct vfio_irq_info info;

	if (copy_from_user(&info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz || info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info.count = vgpu_irq_count(info.index);
	info.flags = info.count ? VFIO_IRQ_INFO_EVENTFD : 0;
	return copy_to_user((void __user *)arg, &info, minsz) ? -EFAULT : 0;
}

static long set_irqs(struct vgpu_vm *vm, unsigned long arg)
{
	size_t minsz = offsetofend(struct vfio_irq_set, count);
	struct vfio_irq_set set;
	void *data = NULL;
	size_t size = 0;
	long err;

	if (copy_from_user(&set, (void __user *)arg, minsz))
		return -EFAULT;
	if (set.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	err = vfio_set_irqs_validate_and_prepare(&set, vgpu_irq_count(set.index), VFIO_PCI_NUM_IRQS,
						 &size);
	if (err)
		return err;
	if (size) {
		data = memdup_user((void __user *)(arg + minsz), size);
		if (IS_ERR(data))
			return PTR_ERR(data);
	}
	mutex_lock(&vm->lock);
	err = vgpu_irq_set(vm, &set, data);
	mutex_unlock(&vm->lock);
	kfree(data);
	return err;
}

static long vgpu_vfio_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg)
{
	struct vgpu_vm *vm = to_vm(vdev);

	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return get_info(arg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return vgpu_region_info_ioctl(vdev, arg, vgpu_vfio_region_info);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return get_irq_info(arg);
	case VFIO_DEVICE_SET_IRQS:
		return set_irqs(vm, arg);
	case VFIO_DEVICE_RESET:
		return reset(vm);
	default:
		return -ENOTTY;
	}
}

static void vgpu_vfio_request(struct vfio_device *vdev, unsigned int count)
{
	if (!vgpu_irq_request(to_vm(vdev)) && !count)
		dev_notice(vdev->dev,
			   "removal waits: the device's user gave no way to be asked to let go\n");
}

/* A guid_t has its first three fields in little-endian order, CUDA and RFC 9562 big-endian. */
static void uuid_of(const struct mdev_device *mdev, u8 uuid[16])
{
	const u8 *b = mdev->uuid.b;
	const u8 head[8] = { b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6] };

	memcpy(uuid, head, 8);
	memcpy(uuid + 8, b + 8, 8);
}

static void reap_work(struct work_struct *work)
{
	struct vgpu_vm *vm = container_of(work, struct vgpu_vm, reap_work);

	vgpu_dev_reap(&vm->core);
	wake_up_all(&vm->idle);
	vfio_put_device(&vm->vdev);
}

/**
 * vgpu_vm_schedule_reap() - have vgpu_dev_reap() called
 * @vm: that has a reference
 *
 * Context: any; vgpu_gpu.lock may be held.
 */
void vgpu_vm_schedule_reap(struct vgpu_vm *vm)
{
	get_device(&vm->vdev.device);
	if (!queue_work(vgpu_wq, &vm->reap_work))
		vfio_put_device(&vm->vdev);
}

static const char *refusal(int err)
{
	if (err == -ENOSPC)
		return "the GPU has not so much memory left, or as many virtual GPUs as it can";
	return "its memory is not a multiple of the GPU's granule";
}

static int vgpu_vfio_init(struct vfio_device *vdev)
{
	struct vgpu_vm *vm = to_vm(vdev);
	struct mdev_device *mdev = to_mdev_device(vdev->dev);
	struct vgpu_type *type = vgpu_type_of(mdev->type);
	struct vgpu_limits limits;
	const char *why = NULL;
	u8 uuid[16];
	int err;

	vm->gpu = container_of(mdev->type->parent, struct vgpu_host_gpu, mdev_parent);
	mutex_init(&vm->lock);
	vgpu_irq_init(vm);
	init_waitqueue_head(&vm->idle);
	INIT_WORK(&vm->reap_work, reap_work);
	INIT_LIST_HEAD(&vm->queues);
	INIT_LIST_HEAD(&vm->node);
	strscpy(vm->name, dev_name(vdev->dev), sizeof(vm->name));
	uuid_of(mdev, uuid);
	err = vgpu_policy_limits(vm->gpu, type, uuid, &limits, &why);
	if (!err)
		err = vgpu_dev_init(&vm->core, &vm->gpu->core, uuid, &limits, vm);
	if (err) {
		dev_err(vdev->dev, "virtual GPU is refused: %s\n", why ?: refusal(err));
		return err;
	}
	get_device(&vm->gpu->dev);
	return 0;
}

/* The last reference is gone: no worker has the virtual GPU, and all that it had was reaped. */
static void vgpu_vfio_release(struct vfio_device *vdev)
{
	struct vgpu_vm *vm = to_vm(vdev);
	struct vgpu_host_gpu *gpu = vm->gpu;

	vgpu_dev_destroy(&vm->core);
	vgpu_irq_destroy(vm);
	mutex_destroy(&vm->lock);
	vgpu_vfio_released(vdev);
	put_device(&gpu->dev);
}

const struct vfio_device_ops vgpu_vfio_ops = {
	.name = "vgpu",
	.init = vgpu_vfio_init,
	.release = vgpu_vfio_release,
	.open_device = vgpu_vfio_open,
	.close_device = vgpu_vfio_close,
	.read = vgpu_vfio_read,
	.write = vgpu_vfio_write,
	.mmap = vgpu_vfio_mmap,
	.ioctl = vgpu_vfio_ioctl,
	.request = vgpu_vfio_request,
	VGPU_VFIO_REGION_OPS
	VGPU_VFIO_IOMMUFD_OPS
};
