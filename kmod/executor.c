// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */
/*
 * /dev/vgpu-executor: supervisors and workers. The protocol is told in uapi/vgpu_executor.h.
 */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include "compat.h"
#include "vgpu.h"

#define RINGS_SIZE	PAGE_ALIGN(sizeof(struct vgpu_exec_rings))

/**
 * enum exec_role - what an open file has become
 * @EXEC_NEW: neither
 * @EXEC_SUPERVISOR: attached
 * @EXEC_WORKER: bound
 */
enum exec_role {
	EXEC_NEW,
	EXEC_SUPERVISOR,
	EXEC_WORKER,
};

/**
 * struct exec_file - an open file
 * @lock: guards the taking of a role; once taken, role and what belongs to it stay
 * @role: enum exec_role, read with acquire ordering
 * @pid: process that took the role
 * @gpu: supervisor: which it serves
 * @session: worker: which it serves
 * @vm: worker: whose
 * @rings: worker: shared memory
 * @wait: worker: where it sleeps
 */
struct exec_file {
	struct mutex lock;
	u32 role;
	struct pid *pid;
	struct vgpu_host_gpu *gpu;
	struct vgpu_session *session;
	struct vgpu_vm *vm;
	struct vgpu_exec_rings *rings;
	wait_queue_head_t wait;
};

static bool has_role(struct exec_file *exec, enum exec_role role)
{
	return smp_load_acquire(&exec->role) == role;
}

/* 0 where the caller is the process that took the role; the errno to answer otherwise. */
static int check_role(struct exec_file *exec, enum exec_role role)
{
	if (!has_role(exec, role))
		return -EINVAL;
	return exec->pid == task_tgid(current) ? 0 : -EPERM;
}

/* Lock held, no role taken. */
static void take_role(struct exec_file *exec, enum exec_role role)
{
	exec->pid = get_pid(task_tgid(current));
	smp_store_release(&exec->role, role);
}

/**
 * vgpu_executor_wake() - the wake_worker operation of the core
 * @worker: bound
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_executor_wake(struct vgpu_worker *worker)
{
	struct exec_file *exec = worker->host;

	wake_up_interruptible(&exec->wait);
}

/**
 * vgpu_executor_kill() - the kill_worker operation of the core
 * @worker: bound
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_executor_kill(struct vgpu_worker *worker)
{
	struct exec_file *exec = worker->host;

	kill_pid(exec->pid, SIGKILL, 1);
}

static int vgpu_exec_open(struct inode *inode, struct file *file)
{
	struct exec_file *exec = kzalloc(sizeof(*exec), GFP_KERNEL);

	if (!exec)
		return -ENOMEM;
	mutex_init(&exec->lock);
	init_waitqueue_head(&exec->wait);
	file->private_data = exec;
	return stream_open(inode, file);
}

static int vgpu_exec_release(struct inode *inode, struct file *file)
{
	struct exec_file *exec = file->private_data;

	if (exec->role == EXEC_SUPERVISOR)
		vgpu_gpu_detach(&exec->gpu->core);
	else if (exec->role == EXEC_WORKER)
		vgpu_worker_release(exec->session);
	vfree(exec->rings);
	put_pid(exec->pid);
	mutex_destroy(&exec->lock);
	kfree(exec);
	return 0;
}

static long do_attach(struct exec_file *exec, const void __user *arg)
{
	const char *why = "out of memory";
	struct vgpu_exec_attach *attach;
	struct vgpu_host_gpu *gpu;
	long err;

	attach = memdup_user(arg, sizeof(*attach));
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	err = vgpu_attach_check(attach, &why);
	if (err)
		goto out;
	mutex_lock(&exec->lock);
	if (exec->role != EXEC_NEW) {
		why = "this file is attached or bound already";
		err = -EBUSY;
	} else {
		gpu = vgpu_gpu_serve(attach, &why);
		if (IS_ERR(gpu)) {
			err = PTR_ERR(gpu);
		} else {
			exec->gpu = gpu;
			take_role(exec, EXEC_SUPERVISOR);
		}
	}
	mutex_unlock(&exec->lock);
out:
	if (err)
		pr_warn_ratelimited("vgpu: a supervisor cannot attach: %s (%ld)\n", why, err);
	kfree(attach);
	return err;
}

/* The session that a token is of; ENOENT where there is none. Lock of @exec held. */
static int find_session(struct exec_file *exec, struct vgpu_exec_bind *bind, struct vgpu_exec_rings *rings)
{
	struct vgpu_host_gpu *gpu;

	mutex_lock(&vgpu_gpus_lock);
	list_for_each_entry(gpu, &vgpu_gpus, node) {
		exec->session = vgpu_worker_bind(&gpu->core, bind, rings, exec);
		if (exec->session)
			break;
	}
	mutex_unlock(&vgpu_gpus_lock);
	return exec->session ? 0 : -ENOENT;
}

static long do_bind(struct exec_file *exec, void __user *arg)
{
	struct vgpu_exec_rings *rings;
	struct vgpu_exec_bind bind;
	long err;

	if (copy_from_user(&bind, arg, sizeof(bind)))
		return -EFAULT;
	if (bind.version != VGPU_EXEC_VERSION || bind.flags || bind.reserved[0] || !bind.token)
		return -EINVAL;
	rings = vmalloc_user(RINGS_SIZE);
	if (!rings)
		return -ENOMEM;
	mutex_lock(&exec->lock);
	err = exec->role == EXEC_NEW ? 0 : -EBUSY;
	if (!err) {
		/* The core may kill the process as soon as it is bound. */
		exec->pid = get_pid(task_tgid(current));
		err = find_session(exec, &bind, rings);
		if (err) {
			put_pid(exec->pid);
			exec->pid = NULL;
		} else {
			exec->rings = rings;
			exec->vm = exec->session->dev->host;
			smp_store_release(&exec->role, EXEC_WORKER);
		}
	}
	mutex_unlock(&exec->lock);
	if (err) {
		vfree(rings);
		return err;
	}
	return copy_to_user(arg, &bind, sizeof(bind)) ? -EFAULT : 0;
}

static long do_ready(struct exec_file *exec, const void __user *arg)
{
	struct vgpu_exec_ready ready;

	if (copy_from_user(&ready, arg, sizeof(ready)))
		return -EFAULT;
	return vgpu_worker_ready(exec->session, &ready);
}

/* Whether a sleeping worker has something to do, without a lock: a change is followed by a wake-up. */
static bool worker_has_work(const struct exec_file *exec, u32 consumed)
{
	const struct vgpu_worker *worker = &exec->session->worker;
	u8 state = READ_ONCE(worker->state);

	return READ_ONCE(worker->dispatch_tail) != consumed ||
	       (state != VGPU_WORKER_READY && state != VGPU_WORKER_BOUND);
}

static long do_wait(struct exec_file *exec, void __user *arg)
{
	struct vgpu_exec_wait wait;
	ktime_t timeout;
	u32 consumed;
	long err;

	if (copy_from_user(&wait, arg, sizeof(wait)))
		return -EFAULT;
	consumed = wait.consumed;
	err = vgpu_worker_take(exec->session, &consumed, &wait.tail);
	if (err)
		return err;
	if (wait.tail == consumed && wait.timeout_ns) {
		timeout = ns_to_ktime(min_t(u64, wait.timeout_ns, KTIME_MAX));
		err = wait_event_interruptible_hrtimeout(exec->wait, worker_has_work(exec, consumed), timeout);
		if (err == -ERESTARTSYS)
			return -EINTR;
		err = vgpu_worker_take(exec->session, NULL, &wait.tail);
		if (err)
			return err;
	}
	return copy_to_user(arg, &wait, sizeof(wait)) ? -EFAULT : 0;
}

static long vgpu_exec_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct exec_file *exec = file->private_data;
	void __user *user = (void __user *)arg;
	long err;

	switch (cmd) {
	case VGPU_EXEC_ATTACH:
		return do_attach(exec, user);
	case VGPU_EXEC_BIND:
		return do_bind(exec, user);
	}
	err = check_role(exec, EXEC_WORKER);
	if (err)
		return err;
	switch (cmd) {
	case VGPU_EXEC_READY:
		return do_ready(exec, user);
	case VGPU_EXEC_WAIT:
		return do_wait(exec, user);
	case VGPU_EXEC_KICK:
		return vgpu_worker_take(exec->session, NULL, NULL);
	default:
		return -ENOTTY;
	}
}

static ssize_t vgpu_exec_read(struct file *file, char __user *buf, size_t count, loff_t *ppos)
{
	struct exec_file *exec = file->private_data;
	struct vgpu_exec_event event;
	size_t done = 0;
	int err;

	err = check_role(exec, EXEC_SUPERVISOR);
	if (err)
		return err;
	if (count < sizeof(event))
		return -EINVAL;
	while (count - done >= sizeof(event)) {
		if (vgpu_gpu_next_event(&exec->gpu->core, &event)) {
			if (copy_to_user(buf + done, &event, sizeof(event)))
				return done ? done : -EFAULT;
			done += sizeof(event);
		} else if (done) {
			break;
		} else if (file->f_flags & O_NONBLOCK) {
			return -EAGAIN;
		} else if (wait_event_interruptible(exec->gpu->events, vgpu_gpu_has_event(&exec->gpu->core))) {
			return -EINTR;
		}
	}
	return done;
}

static __poll_t vgpu_exec_poll(struct file *file, poll_table *table)
{
	struct exec_file *exec = file->private_data;

	if (!has_role(exec, EXEC_SUPERVISOR))
		return EPOLLERR;
	poll_wait(file, &exec->gpu->events, table);
	return vgpu_gpu_has_event(&exec->gpu->core) ? EPOLLIN | EPOLLRDNORM : 0;
}

static int vgpu_exec_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct exec_file *exec = file->private_data;
	u64 pos = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 len = vma->vm_end - vma->vm_start;
	int err;

	err = check_role(exec, EXEC_WORKER);
	if (err)
		return err;
	vgpu_vm_flags_set(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP);
	if (pos == VGPU_EXEC_MMAP_RINGS)
		return len <= RINGS_SIZE ? remap_vmalloc_range(vma, exec->rings, 0) : -EINVAL;
	if (pos < VGPU_EXEC_MMAP_APERTURE)
		return -EINVAL;
	pos -= VGPU_EXEC_MMAP_APERTURE;
	if (!vgpu_worker_may_map(exec->session, pos, len))
		return -EPERM;
	return vgpu_aperture_mmap(exec->vm->aperture, vma, pos);
}

static const struct file_operations vgpu_exec_fops = {
	.owner = THIS_MODULE,
	.open = vgpu_exec_open,
	.release = vgpu_exec_release,
	.unlocked_ioctl = vgpu_exec_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.read = vgpu_exec_read,
	.poll = vgpu_exec_poll,
	.mmap = vgpu_exec_mmap,
};

static struct miscdevice vgpu_exec_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vgpu-executor",
	.fops = &vgpu_exec_fops,
	.mode = 0600,
};

/**
 * vgpu_executor_init() - make /dev/vgpu-executor
 *
 * Return: 0 or a negative errno. Context: may sleep.
 */
int vgpu_executor_init(void)
{
	return misc_register(&vgpu_exec_device);
}

/**
 * vgpu_executor_exit() - undo vgpu_executor_init(); no file is open
 *
 * Context: may sleep.
 */
void vgpu_executor_exit(void)
{
	misc_deregister(&vgpu_exec_device);
}
