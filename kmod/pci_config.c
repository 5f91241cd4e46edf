// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */
/*
 * PCI config space: a header of type 0 with MSI-X as its one capability. Every byte has a mask of the bits that may be
 * written, so that reading, writing and the sizing of BARs are the same few lines for all of it.
 */

#include <linux/pci_regs.h>
#include "vgpu.h"

#define CAP_MSIX	0x40

static void set16(struct vgpu_vm *vm, u32 pos, u16 value, u16 mask)
{
	__le16 le_value = cpu_to_le16(value);
	__le16 le_mask = cpu_to_le16(mask);

	memcpy(vm->config + pos, &le_value, sizeof(le_value));
	memcpy(vm->config_mask + pos, &le_mask, sizeof(le_mask));
}

static void set32(struct vgpu_vm *vm, u32 pos, u32 value, u32 mask)
{
	__le32 le_value = cpu_to_le32(value);
	__le32 le_mask = cpu_to_le32(mask);

	memcpy(vm->config + pos, &le_value, sizeof(le_value));
	memcpy(vm->config_mask + pos, &le_mask, sizeof(le_mask));
}

/**
 * vgpu_config_init() - config space as after power-on
 * @vm: whose
 *
 * Context: vgpu_vm.lock held, or nobody else knows @vm.
 */
void vgpu_config_init(struct vgpu_vm *vm)
{
	u64 aperture_mask = ~(vm->core.limits.aperture - 1);

	memset(vm->config, 0, sizeof(vm->config));
	memset(vm->config_mask, 0, sizeof(vm->config_mask));
	set16(vm, PCI_VENDOR_ID, VGPU_PCI_VENDOR_ID, 0);
	set16(vm, PCI_DEVICE_ID, VGPU_PCI_DEVICE_ID, 0);
	set16(vm, PCI_COMMAND, 0, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	set16(vm, PCI_STATUS, PCI_STATUS_CAP_LIST, 0);
	set32(vm, PCI_CLASS_REVISION, VGPU_PCI_CLASS << 8 | VGPU_PCI_REVISION, 0);
	set32(vm, PCI_BASE_ADDRESS_0, PCI_BASE_ADDRESS_MEM_TYPE_32, ~(VGPU_BAR0_SIZE - 1));
	set32(vm, PCI_BASE_ADDRESS_2, PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH,
	      lower_32_bits(aperture_mask) & PCI_BASE_ADDRESS_MEM_MASK);
	set32(vm, PCI_BASE_ADDRESS_3, 0, upper_32_bits(aperture_mask));
	set16(vm, PCI_SUBSYSTEM_VENDOR_ID, VGPU_PCI_VENDOR_ID, 0);
	set16(vm, PCI_SUBSYSTEM_ID, VGPU_PCI_DEVICE_ID, 0);
	vm->config[PCI_CAPABILITY_LIST] = CAP_MSIX;
	vm->config_mask[PCI_INTERRUPT_LINE] = 0xff;

	vm->config[CAP_MSIX + PCI_CAP_LIST_ID] = PCI_CAP_ID_MSIX;
	set16(vm, CAP_MSIX + PCI_MSIX_FLAGS, VGPU_NUM_VECTORS - 1, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	set32(vm, CAP_MSIX + PCI_MSIX_TABLE, VGPU_BAR0_MSIX_TABLE | VGPU_BAR_REGISTERS, 0);
	set32(vm, CAP_MSIX + PCI_MSIX_PBA, VGPU_BAR0_MSIX_PBA | VGPU_BAR_REGISTERS, 0);
}

static_assert(VGPU_NUM_VECTORS * PCI_MSIX_ENTRY_SIZE <= VGPU_BAR0_MSIX_PBA - VGPU_BAR0_MSIX_TABLE);
static_assert(VGPU_BAR0_DOORBELL(VGPU_MAX_SESSIONS) <= VGPU_BAR0_SIZE);

/**
 * vgpu_config_read() - read config space
 * @vm: whose
 * @buf: to be filled
 * @count: bytes, known to fit
 * @pos: in config space
 *
 * Return: @count. Context: may sleep.
 */
ssize_t vgpu_config_read(struct vgpu_vm *vm, u8 *buf, size_t count, u64 pos)
{
	mutex_lock(&vm->lock);
	memcpy(buf, vm->config + pos, count);
	mutex_unlock(&vm->lock);
	return count;
}

/**
 * vgpu_config_write() - write to config space the bits that may be written
 * @vm: whose
 * @buf: to be written
 * @count: bytes, known to fit
 * @pos: in config space
 *
 * Return: @count. Context: may sleep.
 */
ssize_t vgpu_config_write(struct vgpu_vm *vm, const u8 *buf, size_t count, u64 pos)
{
	size_t i;
	u8 mask;

	mutex_lock(&vm->lock);
	for (i = 0; i < count; i++) {
		mask = vm->config_mask[pos + i];
		vm->config[pos + i] = (vm->config[pos + i] & ~mask) | (buf[i] & mask);
	}
	mutex_unlock(&vm->lock);
	return count;
}

/**
 * vgpu_config_memory_enabled() - whether the guest has enabled the BARs
 * @vm: whose
 *
 * Return: true if accesses to BARs are decoded. Context: any process.
 */
bool vgpu_config_memory_enabled(struct vgpu_vm *vm)
{
	return READ_ONCE(vm->config[PCI_COMMAND]) & PCI_COMMAND_MEMORY;
}
