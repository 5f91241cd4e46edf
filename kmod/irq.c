// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Interrupts: MSI-X vectors, and VFIO's request to let go of the device, each an eventfd that the
 * user of the device gives. There is no error interrupt: on it QEMU stops the whole VM, and a GPU
 * that is lost costs the sessions on it alone.
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

/**
 * vgpu_irq_signal() - raise an MSI-X vector
 * @vm: whose
 * @vector: below VGPU_NUM_VECTORS
 *
 * Context: any process; vgpu_gpu.lock may be held.
 */
void vgpu_irq_signal(struct vgpu_vm *vm, u32 vector)
{
	trigger(vm, VFIO_PCI_MSIX_IRQ_INDEX, vector);
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
