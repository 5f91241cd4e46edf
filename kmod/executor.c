// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * /dev/vgpu-executor: supervisors and workers. The protocol is told in uapi/vgpu_executor.h.
 */

#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include "compat.h"
#include "vgpu.h"

#define RINGS_SIZE PAGE_ALIGN(sizeof(struct vgpu_exec_rings))

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
 * @file: the file
 * @pid: process that took the role
 * @gpu: supervisor: which it serves
 * @session: worker: which it serves
 * @vm: worker: whose, with a reference
 * @rings: worker: shared memory
 * @shmem_ops: worker: what the operations of its mappings of the aperture rest on
 * @wait: worker: where it sleeps
 * @wakes: worker: how often it was woken
 * @waiting: worker: one of its threads is in VGPU_EXEC_WAIT
 * @poll_ns: worker: how long it looks at its session's queue before it sleeps
 *
 * That a worker's file is released means that its process can do nothing any more. For this
 * mappings of the aperture, which are of another file, hold it too.
 */
struct exec_file {
	struct mutex lock; /* taking a role */
	u32 role;
	struct file *file;
	struct pid *pid;
	struct vgpu_host_gpu *gpu;
	struct vgpu_session *session;
	struct vgpu_vm *vm;
	struct vgpu_exec_rings *rings;
	const struct vm_operations_struct *shmem_ops;
	wait_queue_head_t wait;
	u32 wakes;
	atomic_t waiting;
	u32 poll_ns;
};

/* Bounds of exec_file.poll_ns: looking pays where sleeps are shorter than what a wake-up costs. */
#define POLL_MIN_NS	2000u
#define POLL_MAX_NS	50000u

static bool has_role(struct exec_file *exec, enum exec_role role)
{
	/* Pairs with attach() and find_session(): with the role comes what belongs to it. */
	return smp_load_acquire(&exec->role) == role;
}

/* 0 where the caller is the process that took the role; the errno to answer otherwise. */
static int check_role(struct exec_file *exec, enum exec_role role)
{
	if (!has_role(exec, role))
		return -EINVAL;
	return exec->pid == task_tgid(current) ? 0 : -EPERM;
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

	WRITE_ONCE(exec->wakes, exec->wakes + 1);
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

/**
 * vgpu_executor_kill_supervisor() - the kill_supervisor operation of the core
 * @supervisor: file of the supervisor that is attached
 *
 * Context: vgpu_gpu.lock held, which the release of the file takes before the file is gone.
 */
void vgpu_executor_kill_supervisor(void *supervisor)
{
	struct exec_file *exec = supervisor;

	kill_pid(exec->pid, SIGKILL, 1);
}

static int vgpu_exec_open(struct inode *inode, struct file *file)
{
	struct exec_file *exec = kzalloc(sizeof(*exec), GFP_KERNEL);

	if (!exec)
		return -ENOMEM;
	mutex_init(&exec->lock);
	init_waitqueue_head(&exec->wait);
	exec->file = file;
	file->private_data = exec;
	return stream_open(inode, file);
}

static int vgpu_exec_release(struct inode *inode, struct file *file)
{
	struct exec_file *exec = file->private_data;

	if (exec->role == EXEC_SUPERVISOR) {
		vgpu_gpu_leave(exec->gpu, exec);
	} else if (exec->role == EXEC_WORKER) {
		vgpu_worker_release(exec->session);
		vfio_put_device(&exec->vm->vdev);
	}
	vfree(exec->rings);
	put_pid(exec->pid);
	mutex_destroy(&exec->lock);
	kfree(exec);
	return 0;
}

/* GPUs are made of what a supervisor says: being let near the device node is not enough. */
static long attach(struct exec_file *exec, const struct vgpu_exec_attach *attach, const char **why)
{
	struct vgpu_host_gpu *gpu;
	long err;

	if (!capable(CAP_SYS_ADMIN)) {
		*why = "it lacks CAP_SYS_ADMIN";
		return -EPERM;
	}
	err = vgpu_attach_check(attach, why);
	if (err)
		return err;
	mutex_lock(&exec->lock);
	if (exec->role != EXEC_NEW) {
		*why = "this file is attached or bound already";
		err = -EBUSY;
	} else {
		/* The core may kill the process as soon as it is attached. */
		exec->pid = get_pid(task_tgid(current));
		gpu = vgpu_gpu_serve(attach, exec, why);
		if (IS_ERR(gpu)) {
			err = PTR_ERR(gpu);
			put_pid(exec->pid);
			exec->pid = NULL;
		} else {
			exec->gpu = gpu;
			/* Pairs with has_role(). */
			smp_store_release(&exec->role, EXEC_SUPERVISOR);
		}
	}
	mutex_unlock(&exec->lock);
	return err;
}

static long do_attach(struct exec_file *exec, const void __user *arg)
{
	const char *why = "out of memory";
	struct vgpu_exec_attach *copy;
	long err;

	copy = memdup_user(arg, sizeof(*copy));
	if (IS_ERR(copy))
		return PTR_ERR(copy);
	err = attach(exec, copy, &why);
	if (err)
		pr_warn_ratelimited("vgpu: process %d cannot serve a GPU: %s (%ld)\n",
				    task_tgid_nr(current), why, err);
	kfree(copy);
	return err;
}

/* Looks for the session that a token is of, and takes the role if there is one. */
static int find_session(struct exec_file *exec, struct vgpu_exec_bind *bind,
			struct vgpu_exec_rings *rings)
{
	struct vgpu_session *session = NULL;
	struct vgpu_host_gpu *gpu;

	mutex_lock(&vgpu_gpus_lock);
	list_for_each_entry(gpu, &vgpu_gpus, node) {
		session = vgpu_worker_bind(&gpu->core, bind, rings, exec);
		if (session)
			break;
	}
	if (session) {
		/* It is in the GPU's list, which holds it as long as the lock is held. */
		exec->vm = session->dev->host;
		get_device(&exec->vm->vdev.device);
		exec->session = session;
		exec->rings = rings;
		/* Pairs with has_role(). */
		smp_store_release(&exec->role, EXEC_WORKER);
	}
	mutex_unlock(&vgpu_gpus_lock);
	return session ? 0 : -ENOENT;
}

static int bind_file(struct exec_file *exec, struct vgpu_exec_bind *bind,
		     struct vgpu_exec_rings *rings)
{
	int err;

	mutex_lock(&exec->lock);
	if (exec->role != EXEC_NEW) {
		err = -EBUSY;
		goto out;
	}
	/* The core may kill the process as soon as it is bound. */
	exec->pid = get_pid(task_tgid(current));
	err = find_session(exec, bind, rings);
	if (err) {
		put_pid(exec->pid);
		exec->pid = NULL;
	}
out:
	mutex_unlock(&exec->lock);
	return err;
}

static long do_bind(struct exec_file *exec, void __user *arg)
{
	struct vgpu_exec_rings *rings;
	struct vgpu_exec_bind bind;
	int err;

	if (copy_from_user(&bind, arg, sizeof(bind)))
		return -EFAULT;
	if (bind.version != VGPU_EXEC_VERSION || bind.flags || bind.tier ||
	    bind.reserved || !bind.token)
		return -EINVAL;
	rings = vmalloc_user(RINGS_SIZE);
	if (!rings)
		return -ENOMEM;
	err = bind_file(exec, &bind, rings);
	if (err) {
		vfree(rings);
		return err;
	}
	return copy_to_user(arg, &bind, sizeof(bind)) ? -EFAULT : 0;
}

static long do_ready(struct exec_file *exec, const void __user *arg)
{
	struct vgpu_exec_ready ready;
	long err;

	if (copy_from_user(&ready, arg, sizeof(ready)))
		return -EFAULT;
	vgpu_irq_begin(exec->vm);
	err = vgpu_worker_ready(exec->session, &ready);
	vgpu_irq_end(exec->vm);
	return err;
}

/* Completes what the worker has done; consumed and tail as in vgpu_worker_take(). */
static int take(struct exec_file *exec, const u32 *consumed, u32 *tail)
{
	int err;

	vgpu_irq_begin(exec->vm);
	err = vgpu_worker_take(exec->session, consumed, tail);
	vgpu_irq_end(exec->vm);
	return err;
}

/* Nobody else wants this processor, and the process is to go on. */
static bool may_poll(void)
{
	return single_task_running() && !need_resched() && !signal_pending(current);
}

/*
 * Before a worker sleeps, it looks for a while at its session's submission queue, so that a guest
 * that is at work rings no doorbell and no wake-up is waited for. In the time of the worker, which
 * is its tenant's, and for as long as sleeps have lately been short. Returns whether it was woken,
 * which may also be by what it found itself.
 */
static bool poll_queue(struct exec_file *exec, u32 wakes, ktime_t left)
{
	u64 end = ktime_get_ns() + min_t(u64, exec->poll_ns, ktime_to_ns(left));
	bool woken = false;

	if (!may_poll())
		return false;
	vgpu_irq_begin(exec->vm);
	if (vgpu_queue_poll_begin(exec->session)) {
		do {
			vgpu_queue_poll(exec->session);
			vgpu_irq_flush(exec->vm);
			woken = READ_ONCE(exec->wakes) != wakes;
			cpu_relax();
		} while (!woken && may_poll() && ktime_get_ns() < end);
		vgpu_queue_poll_end(exec->session);
	}
	vgpu_irq_end(exec->vm);
	return woken || READ_ONCE(exec->wakes) != wakes;
}

/* Looking pays where waits end soon, however this one ended. */
static void adapt_poll(struct exec_file *exec, u64 waited_ns)
{
	if (waited_ns < POLL_MAX_NS)
		exec->poll_ns = clamp(exec->poll_ns * 2, POLL_MIN_NS, POLL_MAX_NS);
	else
		exec->poll_ns = max(exec->poll_ns / 2, POLL_MIN_NS);
}

static long wait_for_entries(struct exec_file *exec, struct vgpu_exec_wait *wait)
{
	ktime_t end, left;
	u64 since;
	u32 wakes;
	long err;

	end = ktime_add_safe(ktime_get(), ns_to_ktime(min_t(u64, wait->timeout_ns, KTIME_MAX)));
	for (;;) {
		/* What comes after the core has looked, under its lock, wakes once more. */
		wakes = READ_ONCE(exec->wakes);
		err = take(exec, &wait->consumed, &wait->tail);
		if (err)
			return err;
		left = ktime_sub(end, ktime_get());
		if (wait->tail != wait->consumed || left <= 0)
			return 0;
		since = ktime_get_ns();
		err = 0;
		if (!poll_queue(exec, wakes, left))
			err = wait_event_interruptible_hrtimeout(exec->wait,
								 READ_ONCE(exec->wakes) != wakes,
								 left);
		adapt_poll(exec, ktime_get_ns() - since);
		if (err == -ERESTARTSYS)
			return -EINTR;
	}
}

/* One thread at a time: all that wait are woken with vgpu_gpu.lock held, which is others' time. */
static long do_wait(struct exec_file *exec, void __user *arg)
{
	struct vgpu_exec_wait wait;
	long err;

	if (copy_from_user(&wait, arg, sizeof(wait)))
		return -EFAULT;
	if (atomic_cmpxchg(&exec->waiting, 0, 1))
		return -EBUSY;
	err = wait_for_entries(exec, &wait);
	atomic_set_release(&exec->waiting, 0);
	if (err)
		return err;
	return copy_to_user(arg, &wait, sizeof(wait)) ? -EFAULT : 0;
}

static long do_spawn_failed(struct exec_file *exec, const void __user *arg)
{
	struct vgpu_exec_spawn_failed failed;
	int err;

	err = check_role(exec, EXEC_SUPERVISOR);
	if (err)
		return err;
	if (copy_from_user(&failed, arg, sizeof(failed)))
		return -EFAULT;
	mutex_lock(&vgpu_gpus_lock);
	err = vgpu_gpu_serves(exec->gpu, exec) ?
		vgpu_gpu_spawn_failed(&exec->gpu->core, &failed) : -ENODEV;
	mutex_unlock(&vgpu_gpus_lock);
	return err;
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
	case VGPU_EXEC_SPAWN_FAILED:
		return do_spawn_failed(exec, user);
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
		return take(exec, NULL, NULL);
	default:
		return -ENOTTY;
	}
}

static bool may_read(struct exec_file *exec)
{
	return vgpu_gpu_has_event(&exec->gpu->core) || !vgpu_gpu_serves(exec->gpu, exec);
}

/*
 * One event into the buffer: 1, 0 where there is none, or what to answer. A supervisor that was
 * replaced takes nothing that the next one is to read.
 */
static int read_event(struct exec_file *exec, char __user *buf)
{
	struct vgpu_exec_event event;
	int ret = -ENODEV;

	mutex_lock(&vgpu_gpus_lock);
	if (vgpu_gpu_serves(exec->gpu, exec))
		ret = vgpu_gpu_next_event(&exec->gpu->core, &event);
	mutex_unlock(&vgpu_gpus_lock);
	if (ret == 1 && copy_to_user(buf, &event, sizeof(event))) {
		vgpu_gpu_unread_event(&exec->gpu->core, &event);
		ret = -EFAULT;
	}
	return ret;
}

static ssize_t vgpu_exec_read(struct file *file, char __user *buf, size_t count, loff_t *ppos)
{
	const size_t size = sizeof(struct vgpu_exec_event);
	struct exec_file *exec = file->private_data;
	size_t done = 0;
	int ret;

	ret = check_role(exec, EXEC_SUPERVISOR);
	if (ret)
		return ret;
	if (count < size)
		return -EINVAL;
	while (count - done >= size) {
		ret = read_event(exec, buf + done);
		if (ret == 1)
			done += size;
		else if (done)
			break;
		else if (ret)
			return ret;
		else if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		else if (wait_event_interruptible(exec->gpu->events, may_read(exec)))
			return -ERESTARTSYS;
	}
	return done;
}

static __poll_t vgpu_exec_poll(struct file *file, poll_table *table)
{
	struct exec_file *exec = file->private_data;

	if (!has_role(exec, EXEC_SUPERVISOR))
		return EPOLLERR;
	poll_wait(file, &exec->gpu->events, table);
	if (!vgpu_gpu_serves(exec->gpu, exec))
		return EPOLLHUP | EPOLLIN | EPOLLRDNORM;
	return vgpu_gpu_has_event(&exec->gpu->core) ? EPOLLIN | EPOLLRDNORM : 0;
}

/* Mappings of the aperture are shmem's in all but that each holds the worker's file. */

static void aperture_opened(struct vm_area_struct *vma)
{
	struct exec_file *exec = vma->vm_private_data;

	get_file(exec->file);
}

static void aperture_closed(struct vm_area_struct *vma)
{
	struct exec_file *exec = vma->vm_private_data;

	fput(exec->file);
}

static vm_fault_t aperture_fault(struct vm_fault *vmf)
{
	struct exec_file *exec = vmf->vma->vm_private_data;
	vm_fault_t result;

	if (!vgpu_worker_may_fault(exec->session))
		return VM_FAULT_SIGBUS;
	result = exec->shmem_ops->fault(vmf);
	/*
	 * Pages are replaced long after the kill, and each under its lock: a page that is locked
	 * before the kill is mapped in time to be taken away again.
	 */
	if (result & VM_FAULT_LOCKED && !vgpu_worker_may_fault(exec->session)) {
		unlock_page(vmf->page);
		put_page(vmf->page);
		vmf->page = NULL;
		return VM_FAULT_SIGBUS;
	}
	return result;
}

static vm_fault_t aperture_map_pages(struct vm_fault *vmf, pgoff_t start, pgoff_t end)
{
	struct exec_file *exec = vmf->vma->vm_private_data;

	if (!vgpu_worker_may_fault(exec->session))
		return 0;
	return exec->shmem_ops->map_pages(vmf, start, end);
}

static const struct vm_operations_struct aperture_vm_ops = {
	.open = aperture_opened,
	.close = aperture_closed,
	.fault = aperture_fault,
	.map_pages = aperture_map_pages,
};

static int map_aperture(struct exec_file *exec, struct vm_area_struct *vma, u64 offset)
{
	int err;

	if (!vgpu_worker_may_map(exec->session, offset, vma->vm_end - vma->vm_start))
		return -EPERM;
	/* The mapping's own reference to this file goes in exchange for one to the aperture. */
	get_file(exec->file);
	err = vgpu_aperture_mmap(exec->vm, vma, offset);
	if (err) {
		fput(exec->file);
		return err;
	}
	WRITE_ONCE(exec->shmem_ops, vma->vm_ops);
	vma->vm_private_data = exec;
	vma->vm_ops = &aperture_vm_ops;
	return 0;
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
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	vgpu_vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP, VM_MAYEXEC);
	if (pos >= VGPU_EXEC_MMAP_APERTURE)
		return map_aperture(exec, vma, pos - VGPU_EXEC_MMAP_APERTURE);
	if (pos != VGPU_EXEC_MMAP_RINGS || len > RINGS_SIZE)
		return -EINVAL;
	return remap_vmalloc_range(vma, exec->rings, 0);
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
