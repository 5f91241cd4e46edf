// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * PCI config space: a header of type 0 and the capabilities of a PCI Express endpoint with MSI-X.
 * Every byte has a mask of the bits that may be written, so that reading, writing and the sizing of
 * BARs are the same few lines for all of it.
 */

#include <linux/pci_regs.h>
#include "vgpu.h"

/* Capabilities, chained in this order. */
#define CAP_MSIX 0x40
#define CAP_PM 0x50
#define CAP_EXP 0x60

#define EXP_FLR_BYTE (CAP_EXP + PCI_EXP_DEVCTL + 1)
#define EXP_FLR_BIT (PCI_EXP_DEVCTL_BCR_FLR >> 8)

static_assert(VGPU_NUM_VECTORS * PCI_MSIX_ENTRY_SIZE <= VGPU_BAR0_MSIX_PBA - VGPU_BAR0_MSIX_TABLE);
static_assert(VGPU_BAR0_DOORBELL(VGPU_MAX_SESSIONS) <= VGPU_BAR0_SIZE);

static void set8(struct vgpu_vm *vm, u32 pos, u8 value, u8 mask)
{
	vm->config[pos] = value;
	vm->config_mask[pos] = mask;
}

static void set16(struct vgpu_vm *vm, u32 pos, u16 value, u16 mask)
{
	set8(vm, pos, value & 0xff, mask & 0xff);
	set8(vm, pos + 1, value >> 8, mask >> 8);
}

static void set32(struct vgpu_vm *vm, u32 pos, u32 value, u32 mask)
{
	set16(vm, pos, value & 0xffff, mask & 0xffff);
	set16(vm, pos + 2, value >> 16, mask >> 16);
}

static void set_header(struct vgpu_vm *vm)
{
	u64 aperture_mask = ~(vm->core.limits.aperture - 1);

	set16(vm, PCI_VENDOR_ID, VGPU_PCI_VENDOR_ID, 0);
	set16(vm, PCI_DEVICE_ID, VGPU_PCI_DEVICE_ID, 0);
	set16(vm, PCI_COMMAND, 0,
	      PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	set16(vm, PCI_STATUS, PCI_STATUS_CAP_LIST, 0);
	set32(vm, PCI_CLASS_REVISION, VGPU_PCI_CLASS << 8 | VGPU_PCI_REVISION, 0);
	set8(vm, PCI_CACHE_LINE_SIZE, 0, 0xff);
	set32(vm, PCI_BASE_ADDRESS_0, PCI_BASE_ADDRESS_MEM_TYPE_32, ~(VGPU_BAR0_SIZE - 1));
	set32(vm, PCI_BASE_ADDRESS_2, PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH,
	      lower_32_bits(aperture_mask) & (u32)PCI_BASE_ADDRESS_MEM_MASK);
	set32(vm, PCI_BASE_ADDRESS_3, 0, upper_32_bits(aperture_mask));
	set16(vm, PCI_SUBSYSTEM_VENDOR_ID, VGPU_PCI_VENDOR_ID, 0);
	set16(vm, PCI_SUBSYSTEM_ID, VGPU_PCI_DEVICE_ID, 0);
	set8(vm, PCI_CAPABILITY_LIST, CAP_MSIX, 0);
	set8(vm, PCI_INTERRUPT_LINE, 0, 0xff);
}

static void set_capabilities(struct vgpu_vm *vm)
{
	set16(vm, CAP_MSIX, PCI_CAP_ID_MSIX | CAP_PM << 8, 0);
	set16(vm, CAP_MSIX + PCI_MSIX_FLAGS, VGPU_NUM_VECTORS - 1,
	      PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	set32(vm, CAP_MSIX + PCI_MSIX_TABLE, VGPU_BAR0_MSIX_TABLE | VGPU_BAR_REGISTERS, 0);
	set32(vm, CAP_MSIX + PCI_MSIX_PBA, VGPU_BAR0_MSIX_PBA | VGPU_BAR_REGISTERS, 0);

	set16(vm, CAP_PM, PCI_CAP_ID_PM | CAP_EXP << 8, 0);
	set16(vm, CAP_PM + PCI_PM_PMC, 3, 0);
	set16(vm, CAP_PM + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET, PCI_PM_CTRL_STATE_MASK);

	set16(vm, CAP_EXP, PCI_CAP_ID_EXP, 0);
	set16(vm, CAP_EXP + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_ENDPOINT << 4, 0);
	set32(vm, CAP_EXP + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR, 0);
	set16(vm, CAP_EXP + PCI_EXP_DEVCTL,
	      PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ_512B,
	      PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE |
	      PCI_EXP_DEVCTL_URRE | PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN |
	      PCI_EXP_DEVCTL_READRQ);
	set32(vm, CAP_EXP + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_SLS_2_5GB | 1 << 4, 0);
	set16(vm, CAP_EXP + PCI_EXP_LNKCTL, 0, PCI_EXP_LNKCTL_RCB | PCI_EXP_LNKCTL_CCC);
	set16(vm, CAP_EXP + PCI_EXP_LNKSTA, PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1, 0);
	set16(vm, CAP_EXP + PCI_EXP_LNKCTL2, PCI_EXP_LNKCTL2_TLS_2_5GT, 0);
}

/**
 * vgpu_config_init() - config space as after power-on
 * @vm: whose
 *
 * Context: vgpu_vm.lock held.
 */
void vgpu_config_init(struct vgpu_vm *vm)
{
	memset(vm->config, 0, sizeof(vm->config));
	memset(vm->config_mask, 0, sizeof(vm->config_mask));
	set_header(vm);
	set_capabilities(vm);
}

/**
 * vgpu_config_read() - read config space
 * @vm: whose
 * @buf: to be filled
 * @count: bytes, known to fit
 * @pos: in config space
 *
 * Context: may sleep.
 */
void vgpu_config_read(struct vgpu_vm *vm, u8 *buf, size_t count, u64 pos)
{
	mutex_lock(&vm->lock);
	memcpy(buf, vm->config + pos, count);
	mutex_unlock(&vm->lock);
}

/**
 * vgpu_config_write() - write to config space the bits that may be written
 * @vm: whose
 * @buf: to be written
 * @count: bytes, known to fit
 * @pos: in config space
 *
 * A function level reset resets the device and leaves config space to be restored by who asked for
 * it, as it has to be anyway.
 *
 * Context: may sleep.
 */
void vgpu_config_write(struct vgpu_vm *vm, const u8 *buf, size_t count, u64 pos)
{
	bool flr = false;
	size_t i;
	u8 mask;

	mutex_lock(&vm->lock);
	for (i = 0; i < count; i++) {
		mask = vm->config_mask[pos + i];
		vm->config[pos + i] = (vm->config[pos + i] & ~mask) | (buf[i] & mask);
		if (pos + i == EXP_FLR_BYTE && buf[i] & EXP_FLR_BIT)
			flr = true;
	}
	mutex_unlock(&vm->lock);
	if (flr)
		vgpu_dev_reset(&vm->core);
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
