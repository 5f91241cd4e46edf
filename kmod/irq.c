// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */
/*
 * Interrupts: MSI-X vectors and VFIO's two notifications, each an eventfd that the user of the device gives.
 */

#include <linux/eventfd.h>
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
	case VFIO_PCI_ERR_IRQ_INDEX:
	case VFIO_PCI_REQ_IRQ_INDEX:
		return 1;
	default:
		return 0;
	}
}

static struct eventfd_ctx **slot_of(struct vgpu_vm *vm, u32 index, u32 vector)
{
	switch (index) {
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return &vm->msix[vector];
	case VFIO_PCI_ERR_IRQ_INDEX:
		return &vm->err_trigger;
	default:
		return &vm->req_trigger;
	}
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

static void trigger(struct vgpu_vm *vm, u32 index, u32 vector)
{
	struct eventfd_ctx **slot = slot_of(vm, index, vector);

	spin_lock(&vm->irq_lock);
	if (*slot)
		vgpu_eventfd_signal(*slot);
	spin_unlock(&vm->irq_lock);
}

static long set_eventfds(struct vgpu_vm *vm, const struct vfio_irq_set *set, const s32 *fds)
{
	struct eventfd_ctx *ctx;
	u32 i;

	for (i = 0; i < set->count; i++) {
		ctx = NULL;
		if (fds[i] >= 0) {
			ctx = eventfd_ctx_fdget(fds[i]);
			if (IS_ERR(ctx))
				return PTR_ERR(ctx);
		} else if (fds[i] != -1) {
			return -EINVAL;
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
	trigger(vm, VFIO_PCI_REQ_IRQ_INDEX, 0);
	return READ_ONCE(vm->req_trigger);
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
	replace(vm, VFIO_PCI_ERR_IRQ_INDEX, 0, NULL);
	replace(vm, VFIO_PCI_REQ_IRQ_INDEX, 0, NULL);
}
