// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Interrupts: MSI-X vectors, and VFIO's request to let go of the device, each an eventfd that the
 * user of the device gives. There is no error interrupt: on it QEMU stops the whole VM, and a GPU
 * that is lost costs the sessions on it alone.
 *
 * Raising an eventfd takes as long as its owner wants: it wakes all that wait for it, and a process
 * can have thousands of epoll instances do so. That is neither done under vgpu_gpu.lock nor in the
 * time of a neighbour: under the lock a vector is marked, and whoever calls the core for this very
 * virtual GPU (vgpu_irq_begin() to vgpu_irq_end()) raises what was marked when it is out of it.
 * What is marked while nobody does is left to work of the virtual GPU's own.
 */

#include <linux/eventfd.h>
#include <linux/nospec.h>
#include "compat.h"
#include "vgpu.h"

/**
 * vgpu_irq_count() - interrupts of a kind
 * @index: VFIO_PCI_*_IRQ_INDEX
 *
 * Return: how many, 0 where the device has none. Context: any.
 */
u32 vgpu_irq_count(u32 index)
{
	switch (index) {
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return VGPU_NUM_VECTORS;
	case VFIO_PCI_REQ_IRQ_INDEX:
		return 1;
	default:
		return 0;
	}
}

static struct eventfd_ctx **slot_of(struct vgpu_vm *vm, u32 index, u32 vector)
{
	if (index == VFIO_PCI_REQ_IRQ_INDEX)
		return &vm->request;
	return &vm->msix[array_index_nospec(vector, VGPU_NUM_VECTORS)];
}

static void replace(struct vgpu_vm *vm, u32 index, u32 vector, struct eventfd_ctx *ctx)
{
	struct eventfd_ctx **slot = slot_of(vm, index, vector);

	spin_lock(&vm->irq_lock);
	swap(*slot, ctx);
	spin_unlock(&vm->irq_lock);
	if (ctx)
		eventfd_ctx_put(ctx);
}

static bool trigger(struct vgpu_vm *vm, u32 index, u32 vector)
{
	struct eventfd_ctx **slot = slot_of(vm, index, vector);
	bool set;

	lockdep_assert_not_held(&vm->core.gpu->lock);
	spin_lock(&vm->irq_lock);
	set = *slot;
	if (set)
		vgpu_eventfd_signal(*slot);
	spin_unlock(&vm->irq_lock);
	return set;
}

static struct eventfd_ctx *get_eventfd(s32 fd)
{
	if (fd == -1)
		return NULL;
	return fd < 0 ? ERR_PTR(-EINVAL) : eventfd_ctx_fdget(fd);
}

/* Where one cannot be set, those before it are taken away: all or none. */
static long set_eventfds(struct vgpu_vm *vm, const struct vfio_irq_set *set, const s32 *fds)
{
	struct eventfd_ctx *ctx;
	u32 i;

	for (i = 0; i < set->count; i++) {
		ctx = get_eventfd(fds[i]);
		if (IS_ERR(ctx)) {
			while (i--)
				replace(vm, set->index, set->start + i, NULL);
			return PTR_ERR(ctx);
		}
		replace(vm, set->index, set->start + i, ctx);
	}
	return 0;
}

/**
 * vgpu_irq_set() - VFIO_DEVICE_SET_IRQS
 * @vm: whose
 * @set: checked by vfio_set_irqs_validate_and_prepare()
 * @data: behind it
 *
 * Masking is done by the user, who holds the MSI-X table.
 *
 * Return: 0 or a negative errno. Context: vgpu_vm.lock held.
 */
long vgpu_irq_set(struct vgpu_vm *vm, const struct vfio_irq_set *set, const void *data)
{
	const u8 *bools = data;
	u32 i;

	if ((set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) != VFIO_IRQ_SET_ACTION_TRIGGER)
		return -ENOTTY;
	switch (set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_EVENTFD:
		return set_eventfds(vm, set, data);
	case VFIO_IRQ_SET_DATA_BOOL:
		for (i = 0; i < set->count; i++)
			if (bools[i])
				trigger(vm, set->index, set->start + i);
		return 0;
	default:
		/* A count of 0 takes all of this kind away. */
		if (!set->count) {
			for (i = 0; i < vgpu_irq_count(set->index); i++)
				replace(vm, set->index, i, NULL);
			return 0;
		}
		for (i = 0; i < set->count; i++)
			trigger(vm, set->index, set->start + i);
		return 0;
	}
}

static void raise_marked(struct vgpu_vm *vm)
{
	u32 vector;

	for_each_set_bit(vector, vm->marked, VGPU_NUM_VECTORS)
		if (test_and_clear_bit(vector, vm->marked))
			trigger(vm, VFIO_PCI_MSIX_IRQ_INDEX, vector);
}

static void irq_work(struct work_struct *work)
{
	raise_marked(container_of(work, struct vgpu_vm, irq_work));
}

/**
 * vgpu_irq_init() - before there are interrupts
 * @vm: being made
 *
 * Context: any.
 */
void vgpu_irq_init(struct vgpu_vm *vm)
{
	spin_lock_init(&vm->irq_lock);
	INIT_WORK(&vm->irq_work, irq_work);
}

/**
 * vgpu_irq_destroy() - after the last interrupt
 * @vm: that the core knows no more
 *
 * Context: may sleep.
 */
void vgpu_irq_destroy(struct vgpu_vm *vm)
{
	cancel_work_sync(&vm->irq_work);
}

/**
 * vgpu_irq_signal() - have an MSI-X vector raised as soon as the lock of the GPU was given up
 * @vm: whose; the core knows it, which is all that it takes: it may be going
 * @vector: below VGPU_NUM_VECTORS
 *
 * Context: any process; vgpu_gpu.lock held.
 */
void vgpu_irq_signal(struct vgpu_vm *vm, u32 vector)
{
	set_bit(vector, vm->marked);
	/* Pairs with vgpu_irq_end(): it sees the mark, or it is seen to have gone. */
	smp_mb__after_atomic();
	if (!atomic_read(&vm->raisers))
		queue_work(vgpu_wq, &vm->irq_work);
}

/**
 * vgpu_irq_begin() - the core is about to be called, in the time of a virtual GPU's own user or
 * worker
 * @vm: whose; vgpu_irq_end() follows soon
 *
 * Context: any process.
 */
void vgpu_irq_begin(struct vgpu_vm *vm)
{
	atomic_inc(&vm->raisers);
}

/**
 * vgpu_irq_flush() - raise what has been marked since vgpu_irq_begin()
 * @vm: whose
 *
 * Costs two reads where there is nothing.
 *
 * Context: any process, without vgpu_gpu.lock.
 */
void vgpu_irq_flush(struct vgpu_vm *vm)
{
	if (!bitmap_empty(vm->marked, VGPU_NUM_VECTORS))
		raise_marked(vm);
}

/**
 * vgpu_irq_end() - undo vgpu_irq_begin(), and raise what was marked meanwhile
 * @vm: whose
 *
 * Context: any process, without vgpu_gpu.lock.
 */
void vgpu_irq_end(struct vgpu_vm *vm)
{
	atomic_dec(&vm->raisers);
	/* Pairs with vgpu_irq_signal(). */
	smp_mb__after_atomic();
	vgpu_irq_flush(vm);
}

/**
 * vgpu_irq_request() - ask the user to let go of the device
 * @vm: whose
 *
 * Return: false if the user gave nothing to be asked by. Context: any process.
 */
bool vgpu_irq_request(struct vgpu_vm *vm)
{
	return trigger(vm, VFIO_PCI_REQ_IRQ_INDEX, 0);
}

/**
 * vgpu_irq_release() - let go of all eventfds
 * @vm: whose
 *
 * Context: may sleep.
 */
void vgpu_irq_release(struct vgpu_vm *vm)
{
	u32 i;

	for (i = 0; i < VGPU_NUM_VECTORS; i++)
		replace(vm, VFIO_PCI_MSIX_IRQ_INDEX, i, NULL);
	replace(vm, VFIO_PCI_REQ_IRQ_INDEX, 0, NULL);
}
