// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/**
 * DOC: Decision logs of a live GPU
 *
 * debugfs has vgpu/NAME/decisions for each GPU. While it is open, the GPU's scheduler keeps its
 * decision log (uapi/vgpu_sched.h), which is read from it: whole events, as many as there are;
 * EAGAIN where there is none, poll() tells when there is. One reader at a time, EBUSY for others.
 *
 * The log goes through a ring of bounded size. Where the reader is too slow, events are lost from
 * then on, as a log with a hole is of no use, until it has read what is left; then come
 * VGPU_SCHED_LOST with their number, and a log that begins anew.
 */

#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "vgpu.h"

#define RING_EVENTS	65536u	/* 4 MiB, some seconds of a busy GPU; a power of two */

/**
 * struct recorder - an open file
 * @gpu: whose log it is; a reference is held
 * @lock: one read at a time; guards @head
 * @wait: where poll() waits
 * @head: events read
 * @tail: events written
 * @lost: events lost since; guarded by vgpu_gpu.lock
 * @ring: RING_EVENTS
 */
struct recorder {
	struct vgpu_host_gpu *gpu;
	struct mutex lock; /* head */
	wait_queue_head_t wait;
	u32 head;
	u32 tail;
	u64 lost;
	struct vgpu_sched_event *ring;
};

static struct dentry *root;

/* Context: vgpu_gpu.lock held, or nothing is being logged. */
static bool put(struct recorder *recorder, const struct vgpu_sched_event *event)
{
	/* Pairs with the release in take(): places that are read may be written. */
	if (recorder->tail - smp_load_acquire(&recorder->head) == RING_EVENTS)
		return false;
	recorder->ring[recorder->tail % RING_EVENTS] = *event;
	/* Pairs with the reader's acquire: the event before the index. */
	smp_store_release(&recorder->tail, recorder->tail + 1);
	return true;
}

static void log_event(struct vgpu_sched *sched, const struct vgpu_sched_event *event)
{
	struct recorder *recorder = sched->log_host;

	if (recorder->lost || !put(recorder, event))
		WRITE_ONCE(recorder->lost, recorder->lost + 1);
	if (wq_has_sleeper(&recorder->wait))
		wake_up_interruptible(&recorder->wait);
}

/* After a loss, when all that was written before is read. Context: vgpu_gpu.lock held. */
static void tell_lost(void *log_host)
{
	struct vgpu_sched_event event = { .op = VGPU_SCHED_LOST, .now_ns = vgpu_now_ns() };
	struct recorder *recorder = log_host;

	event.a[0] = recorder->lost;
	WRITE_ONCE(recorder->lost, 0);
	put(recorder, &event);
}

static bool is_empty(const struct recorder *recorder)
{
	/* Pairs with put(): the index before the events. */
	return smp_load_acquire(&recorder->tail) == recorder->head;
}

static ssize_t take(struct recorder *recorder, char __user *buf, size_t count)
{
	u32 from = recorder->head % RING_EVENTS;
	size_t events, bytes;

	/* Pairs with put(): the index before the events. */
	events = smp_load_acquire(&recorder->tail) - recorder->head;
	events = min3(events, (size_t)(RING_EVENTS - from), count / sizeof(*recorder->ring));
	bytes = events * sizeof(*recorder->ring);
	if (copy_to_user(buf, recorder->ring + from, bytes))
		return -EFAULT;
	/* The writer may use their places from here on. */
	smp_store_release(&recorder->head, recorder->head + (u32)events);
	return bytes;
}

static ssize_t record_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct recorder *recorder = file->private_data;
	ssize_t n;
	int err;

	if (count < sizeof(*recorder->ring))
		return -EINVAL;
	err = mutex_lock_interruptible(&recorder->lock);
	if (err)
		return err;
	if (is_empty(recorder) && READ_ONCE(recorder->lost))
		vgpu_gpu_record_anew(&recorder->gpu->core, tell_lost);
	n = is_empty(recorder) ? -EAGAIN : take(recorder, buf, count);
	mutex_unlock(&recorder->lock);
	return n;
}

static __poll_t record_poll(struct file *file, poll_table *table)
{
	struct recorder *recorder = file->private_data;

	poll_wait(file, &recorder->wait, table);
	return !is_empty(recorder) || READ_ONCE(recorder->lost) ? EPOLLIN | EPOLLRDNORM : 0;
}

static int record_open(struct inode *inode, struct file *file)
{
	struct recorder *recorder = kzalloc(sizeof(*recorder), GFP_KERNEL);
	int err;

	if (!recorder)
		return -ENOMEM;
	recorder->ring = kvcalloc(RING_EVENTS, sizeof(*recorder->ring), GFP_KERNEL);
	if (!recorder->ring) {
		kfree(recorder);
		return -ENOMEM;
	}
	recorder->gpu = inode->i_private;
	mutex_init(&recorder->lock);
	init_waitqueue_head(&recorder->wait);
	err = vgpu_gpu_record(&recorder->gpu->core, log_event, recorder);
	if (err) {
		kvfree(recorder->ring);
		kfree(recorder);
		return err;
	}
	get_device(&recorder->gpu->dev);
	file->private_data = recorder;
	return nonseekable_open(inode, file);
}

static int record_release(struct inode *inode, struct file *file)
{
	struct recorder *recorder = file->private_data;

	vgpu_gpu_record_end(&recorder->gpu->core);
	put_device(&recorder->gpu->dev);
	mutex_destroy(&recorder->lock);
	kvfree(recorder->ring);
	kfree(recorder);
	return 0;
}

static const struct file_operations record_fops = {
	.owner = THIS_MODULE,
	.open = record_open,
	.release = record_release,
	.read = record_read,
	.poll = record_poll,
};

/**
 * vgpu_record_init() - make the directory of decision logs
 *
 * Where the kernel has no debugfs, nothing can be recorded and all else works.
 *
 * Context: may sleep.
 */
void vgpu_record_init(void)
{
	root = debugfs_create_dir("vgpu", NULL);
}

/**
 * vgpu_record_exit() - undo vgpu_record_init()
 *
 * Context: may sleep.
 */
void vgpu_record_exit(void)
{
	debugfs_remove(root);
}

/**
 * vgpu_record_add() - make a GPU's decision log
 * @gpu: in sysfs
 *
 * Context: may sleep.
 */
void vgpu_record_add(struct vgpu_host_gpu *gpu)
{
	gpu->record = debugfs_create_dir(dev_name(&gpu->dev), root);
	debugfs_create_file("decisions", 0400, gpu->record, gpu, &record_fops);
}

/**
 * vgpu_record_remove() - undo vgpu_record_add()
 * @gpu: still in sysfs
 *
 * A file that is open goes on keeping its log, which cannot be read any more.
 *
 * Context: may sleep.
 */
void vgpu_record_remove(struct vgpu_host_gpu *gpu)
{
	debugfs_remove(gpu->record);
}
