// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) vgpu authors
/* File operations of /dev/vgpuN. */
#include <linux/hrtimer.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "driver.h"

static int vgpu_open(struct inode *inode, struct file *file)
{
	struct vgpu *vgpu = container_of(inode->i_cdev, struct vgpu, cdev);
	struct vgpu_file *vfile;

	vfile = kzalloc(sizeof(*vfile), GFP_KERNEL_ACCOUNT);
	if (!vfile)
		return -ENOMEM;
	vfile->vgpu = vgpu;
	vfile->mapping = file->f_mapping;
	mutex_init(&vfile->lock);

	down_read(&vgpu->life);
	if (vgpu->state != VGPU_LIVE) {
		up_read(&vgpu->life);
		kfree(vfile);
		return -ENODEV;
	}
	get_device(&vgpu->dev);
	mutex_lock(&vgpu->files_lock);
	list_add_tail(&vfile->node, &vgpu->files);
	mutex_unlock(&vgpu->files_lock);
	up_read(&vgpu->life);

	file->private_data = vfile;
	return stream_open(inode, file);
}

static int vgpu_release(struct inode *inode, struct file *file)
{
	struct vgpu_file *vfile = file->private_data;
	struct vgpu *vgpu = vfile->vgpu;

	mutex_lock(&vgpu->files_lock);
	list_del(&vfile->node);
	mutex_unlock(&vgpu->files_lock);
	if (vfile->session)
		vgpu_session_close(vfile->session);
	if (vfile->blank)
		__free_page(vfile->blank);
	kfree(vfile);
	put_device(&vgpu->dev);
	return 0;
}

/**
 * vgpu_files_zap() - take device memory out of all processes
 * @vgpu: device whose sessions have ended
 *
 * Context: process; sleeps. No lock of the driver held.
 */
void vgpu_files_zap(struct vgpu *vgpu)
{
	struct vgpu_file *vfile;

	mutex_lock(&vgpu->files_lock);
	list_for_each_entry(vfile, &vgpu->files, node)
		unmap_mapping_range(vfile->mapping, 0, 0, 1);
	mutex_unlock(&vgpu->files_lock);
}

static long vgpu_ioctl_info(struct vgpu_file *vfile, void __user *arg)
{
	struct vgpu *vgpu = vfile->vgpu;
	struct vgpu_guest_info *info;
	long ret = -ENODEV;

	info = kzalloc(sizeof(*info), GFP_KERNEL);
	if (!info)
		return -ENOMEM;
	down_read(&vgpu->life);
	if (vgpu->state == VGPU_LIVE) {
		mutex_lock(&vgpu->ctl);
		ret = vgpu_control_info(vgpu, info);
		mutex_unlock(&vgpu->ctl);
	}
	up_read(&vgpu->life);
	if (!ret && copy_to_user(arg, info, sizeof(*info)))
		ret = -EFAULT;
	kfree(info);
	return ret;
}

static bool vgpu_entries_valid(u32 entries)
{
	return is_power_of_2(entries) && entries >= VGPU_QUEUE_MIN && entries <= VGPU_QUEUE_MAX;
}

static long vgpu_ioctl_session(struct vgpu_file *vfile, void __user *arg)
{
	struct vgpu_guest_session args;
	struct vgpu_session *session;
	long ret;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (args.flags || args.reserved[0] || args.reserved[1])
		return -EINVAL;
	if (!vgpu_entries_valid(args.sq_entries) || !vgpu_entries_valid(args.cq_entries)) {
		dev_dbg(&vfile->vgpu->dev,
			"%u SQ and %u CQ entries are not powers of two in %u..%u\n",
			args.sq_entries, args.cq_entries, VGPU_QUEUE_MIN, VGPU_QUEUE_MAX);
		return -EINVAL;
	}
	if (mutex_lock_interruptible(&vfile->lock))
		return -ERESTARTSYS;
	ret = -EBUSY;
	if (!vfile->session)
		ret = vgpu_session_open(vfile->vgpu, args.sq_entries, args.cq_entries, &session);
	if (!ret)
		/* Pairs with vgpu_file_session(). */
		smp_store_release(&vfile->session, session);
	mutex_unlock(&vfile->lock);
	if (ret)
		return ret;

	args.session = session->id;
	args.queue_size = session->queue.len;
	args.sq_offset = VGPU_PAGE_SIZE;
	args.cq_offset = VGPU_PAGE_SIZE + PAGE_ALIGN(args.sq_entries * sizeof(struct vgpu_cmd));
	return copy_to_user(arg, &args, sizeof(args)) ? -EFAULT : 0;
}

static long vgpu_ioctl_range(struct vgpu_file *vfile, void __user *arg)
{
	struct vgpu_guest_range args;
	struct vgpu_session *session = vgpu_file_session(vfile);
	long ret;

	if (!session)
		return -ENOTCONN;
	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (mutex_lock_interruptible(&vfile->lock))
		return -ERESTARTSYS;
	ret = vgpu_session_add_range(session, args.len, &args.offset);
	mutex_unlock(&vfile->lock);
	if (ret)
		return ret;
	args.len = PAGE_ALIGN(args.len);
	return copy_to_user(arg, &args, sizeof(args)) ? -EFAULT : 0;
}

static bool vgpu_session_has_news(struct vgpu_session *session, u32 seen)
{
	return (u32)atomic_read(&session->interrupts) != seen || vgpu_session_ended(session);
}

static long vgpu_session_wait(struct vgpu_session *session, u32 seen, s64 timeout_ns)
{
	ktime_t timeout = timeout_ns < 0 ? KTIME_MAX : ns_to_ktime(timeout_ns);
	long ret;

	ret = wait_event_interruptible_hrtimeout(session->wq, vgpu_session_has_news(session, seen),
						 timeout);
	if (ret == -ETIME)
		return -ETIMEDOUT;
	/* A restarted call would begin its whole time again. */
	if (ret == -ERESTARTSYS && timeout_ns >= 0)
		return -EINTR;
	return ret;
}

static long vgpu_ioctl_wait(struct vgpu_file *vfile, void __user *arg)
{
	struct vgpu_guest_wait args;
	struct vgpu_session *session = vgpu_file_session(vfile);
	long ret;

	if (!session)
		return -ENOTCONN;
	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (args.reserved || args.timeout_ns < -1)
		return -EINVAL;
	ret = vgpu_session_wait(session, args.seen, args.timeout_ns);
	args.count = atomic_read(&session->interrupts);
	args.state = READ_ONCE(session->device_state);
	if (vgpu_session_ended(session)) {
		args.state = VGPU_SESSION_LOST;
		ret = -ENODEV;
	}
	WRITE_ONCE(vfile->seen, args.count);
	return copy_to_user(arg, &args, sizeof(args)) ? -EFAULT : ret;
}

static long vgpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vgpu_file *vfile = file->private_data;
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case VGPU_GUEST_INFO:
		return vgpu_ioctl_info(vfile, user);
	case VGPU_GUEST_SESSION:
		return vgpu_ioctl_session(vfile, user);
	case VGPU_GUEST_RANGE:
		return vgpu_ioctl_range(vfile, user);
	case VGPU_GUEST_WAIT:
		return vgpu_ioctl_wait(vfile, user);
	default:
		return -ENOTTY;
	}
}

static __poll_t vgpu_poll(struct file *file, poll_table *table)
{
	struct vgpu_file *vfile = file->private_data;
	struct vgpu_session *session = vgpu_file_session(vfile);

	if (!session)
		return EPOLLERR;
	poll_wait(file, &session->wq, table);
	if (vgpu_session_ended(session))
		return EPOLLERR | EPOLLHUP;
	if (vgpu_session_has_news(session, READ_ONCE(vfile->seen)))
		return EPOLLIN | EPOLLRDNORM;
	return 0;
}

const struct file_operations vgpu_fops = {
	.owner = THIS_MODULE,
	.open = vgpu_open,
	.release = vgpu_release,
	.unlocked_ioctl = vgpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vgpu_mmap,
	.poll = vgpu_poll,
};
