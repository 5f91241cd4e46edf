// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* The PCI device: regions, config space, registers. */

#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/vfio/vfio_test.h"

static int test_device_info(void)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	EXPECT_EQ(ioctl(t.client.device, VFIO_DEVICE_GET_INFO, &info), 0);
	EXPECT_EQ(info.flags, VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET);
	EXPECT_EQ(info.num_regions, VFIO_PCI_NUM_REGIONS);
	EXPECT_EQ(info.num_irqs, VFIO_PCI_NUM_IRQS);
	info.argsz = 4;
	EXPECT(ioctl(t.client.device, VFIO_DEVICE_GET_INFO, &info) == -1 && errno == EINVAL);
	EXPECT(ioctl(t.client.device, _IO(VFIO_TYPE, VFIO_BASE + 99)) == -1 && errno == ENOTTY);
	return 0;
}

static int test_region_info(void)
{
	const uint32_t rw = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	const struct {
		uint64_t size;
		uint32_t flags;
	} expected[VFIO_PCI_NUM_REGIONS] = {
		[VFIO_PCI_BAR0_REGION_INDEX] = { VGPU_BAR0_SIZE, rw },
		[VFIO_PCI_BAR2_REGION_INDEX] = { 1ULL << 30, rw | VFIO_REGION_INFO_FLAG_MMAP },
		[VFIO_PCI_CONFIG_REGION_INDEX] = { 4096, rw },
	};
	struct vfio_region_info info = { .argsz = sizeof(info), .index = VFIO_PCI_NUM_REGIONS };
	uint8_t bytes[64];
	int i;

	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		EXPECT_EQ(t.client.region[i].size, expected[i].size);
		EXPECT_EQ(t.client.region[i].flags, expected[i].flags);
		if (!expected[i].size)
			EXPECT_EQ(vfio_read(&t.client, i, 0, bytes, 4), -EINVAL);
		else
			EXPECT_EQ(vfio_read(&t.client, i, expected[i].size, bytes, 4), 0);
	}
	EXPECT(ioctl(t.client.device, VFIO_DEVICE_GET_REGION_INFO, &info) == -1 && errno == EINVAL);
	EXPECT_EQ(vfio_read(&t.client, VFIO_PCI_CONFIG_REGION_INDEX, 4096 - 8, bytes, sizeof(bytes)), 8);
	EXPECT_EQ(vfio_read(&t.client, VFIO_PCI_BAR0_REGION_INDEX, VGPU_BAR0_SIZE - 8, bytes,
			    sizeof(bytes)),
		  8);
	EXPECT_EQ(vfio_read(&t.client, VFIO_PCI_BAR2_REGION_INDEX, (1ULL << 30) - 8, bytes,
			    sizeof(bytes)),
		  8);
	/* A region that does not exist at all, far behind the last. */
	EXPECT_EQ(pread(t.client.device, bytes, 4, (off_t)(1ULL << 62)), -1);
	EXPECT_EQ(errno, EINVAL);
	return 0;
}

static int test_config_header(void)
{
	EXPECT_EQ(vfio_config_read(&t.client, PCI_VENDOR_ID, 2), VGPU_PCI_VENDOR_ID);
	EXPECT_EQ(vfio_config_read(&t.client, PCI_DEVICE_ID, 2), VGPU_PCI_DEVICE_ID);
	EXPECT_EQ(vfio_config_read(&t.client, PCI_CLASS_REVISION, 4),
		  VGPU_PCI_CLASS << 8 | VGPU_PCI_REVISION);
	EXPECT_EQ(vfio_config_read(&t.client, PCI_HEADER_TYPE, 1), PCI_HEADER_TYPE_NORMAL);
	EXPECT_EQ(vfio_config_read(&t.client, PCI_SUBSYSTEM_VENDOR_ID, 2), VGPU_PCI_VENDOR_ID);
	EXPECT_EQ(vfio_config_read(&t.client, PCI_INTERRUPT_PIN, 1), 0);
	EXPECT_EQ(vfio_config_read(&t.client, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST, PCI_STATUS_CAP_LIST);
	return 0;
}

static uint32_t bar_size_bits(uint32_t bar)
{
	uint32_t pos = PCI_BASE_ADDRESS_0 + 4 * bar, before, bits;

	before = vfio_config_read(&t.client, pos, 4);
	vfio_config_write(&t.client, pos, ~0U, 4);
	bits = vfio_config_read(&t.client, pos, 4);
	vfio_config_write(&t.client, pos, before, 4);
	return bits;
}

static int test_bar_sizing(void)
{
	EXPECT_EQ(bar_size_bits(0), ~(VGPU_BAR0_SIZE - 1U) | PCI_BASE_ADDRESS_MEM_TYPE_32);
	EXPECT_EQ(bar_size_bits(1), 0);
	EXPECT_EQ(bar_size_bits(2),
		  ~((1U << 30) - 1) | PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	EXPECT_EQ(bar_size_bits(3), ~0U);
	EXPECT_EQ(bar_size_bits(4), 0);
	EXPECT_EQ(bar_size_bits(5), 0);
	vfio_config_write(&t.client, PCI_ROM_ADDRESS, ~0U, 4);
	EXPECT_EQ(vfio_config_read(&t.client, PCI_ROM_ADDRESS, 4), 0);
	return 0;
}

static uint32_t find_capability(uint8_t id)
{
	uint32_t pos = vfio_config_read(&t.client, PCI_CAPABILITY_LIST, 1);
	int left = 48;

	while (pos && left--) {
		if (vfio_config_read(&t.client, pos, 1) == id)
			return pos;
		pos = vfio_config_read(&t.client, pos + 1, 1);
	}
	return 0;
}

static int test_capabilities(void)
{
	uint32_t msix = find_capability(PCI_CAP_ID_MSIX);
	uint32_t exp = find_capability(PCI_CAP_ID_EXP);
	uint32_t pm = find_capability(PCI_CAP_ID_PM);

	EXPECT(msix && exp && pm);
	EXPECT_EQ(find_capability(PCI_CAP_ID_MSI), 0);
	EXPECT_EQ(vfio_config_read(&t.client, msix + PCI_MSIX_FLAGS, 2), VGPU_NUM_VECTORS - 1);
	EXPECT_EQ(vfio_config_read(&t.client, msix + PCI_MSIX_TABLE, 4),
		  VGPU_BAR0_MSIX_TABLE | VGPU_BAR_REGISTERS);
	EXPECT_EQ(vfio_config_read(&t.client, msix + PCI_MSIX_PBA, 4),
		  VGPU_BAR0_MSIX_PBA | VGPU_BAR_REGISTERS);
	vfio_config_write(&t.client, msix + PCI_MSIX_FLAGS, 0xffff, 2);
	EXPECT_EQ(vfio_config_read(&t.client, msix + PCI_MSIX_FLAGS, 2),
		  PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL | (VGPU_NUM_VECTORS - 1));
	EXPECT_EQ(vfio_config_read(&t.client, exp + PCI_EXP_FLAGS, 2) & PCI_EXP_FLAGS_TYPE,
		  PCI_EXP_TYPE_ENDPOINT << 4);
	EXPECT_EQ(vfio_config_read(&t.client, exp + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR,
		  PCI_EXP_DEVCAP_FLR);
	EXPECT_EQ(vfio_config_read(&t.client, pm + PCI_PM_CTRL, 2), PCI_PM_CTRL_NO_SOFT_RESET);
	EXPECT_EQ(vfio_config_read(&t.client, 0x100, 4), 0);
	return 0;
}

/* Nothing that a guest writes into config space changes what the device is. */
static int test_config_all_ones(void)
{
	uint8_t before[4096], after[4096];
	uint32_t exp = find_capability(PCI_CAP_ID_EXP), msix = find_capability(PCI_CAP_ID_MSIX);
	uint32_t pos, i;
	const struct {
		uint32_t pos, len;
	} writable[] = {
		{ PCI_COMMAND, 2 },	      { PCI_CACHE_LINE_SIZE, 1 },
		{ PCI_BASE_ADDRESS_0, 16 },   { PCI_INTERRUPT_LINE, 1 },
		{ msix + PCI_MSIX_FLAGS, 2 }, { find_capability(PCI_CAP_ID_PM) + PCI_PM_CTRL, 1 },
		{ exp + PCI_EXP_DEVCTL, 2 },  { exp + PCI_EXP_LNKCTL, 1 },
	};
	const uint8_t ones = 0xff;

	EXPECT_EQ(vfio_read(&t.client, VFIO_PCI_CONFIG_REGION_INDEX, 0, before, sizeof(before)),
		  sizeof(before));
	for (pos = 0; pos < sizeof(before); pos++)
		if (pos != exp + PCI_EXP_DEVCTL + 1)	/* holds the bit that resets */
			EXPECT_EQ(vfio_write(&t.client, VFIO_PCI_CONFIG_REGION_INDEX, pos, &ones, 1), 1);
	EXPECT_EQ(vfio_read(&t.client, VFIO_PCI_CONFIG_REGION_INDEX, 0, after, sizeof(after)), sizeof(after));
	for (i = 0; i < sizeof(writable) / sizeof(writable[0]); i++)
		memset(after + writable[i].pos, 0, writable[i].len),
			memset(before + writable[i].pos, 0, writable[i].len);
	for (pos = 0; pos < sizeof(before); pos++)
		if (before[pos] != after[pos])
			return failed(__FILE__, __LINE__,
				      "byte 0x%x of config space went from 0x%x to 0x%x", pos,
				      before[pos], after[pos]);
	return 0;
}

static int test_memory_disabled(void)
{
	vfio_config_write(&t.client, PCI_COMMAND, 0, 2);
	EXPECT_EQ(reg_read32(&t.client, VGPU_REG_MAGIC), ~0U);
	EXPECT_EQ(reg_read64(&t.client, VGPU_REG_APERTURE_SIZE), ~0ULL);
	reg_write64(&t.client, VGPU_REG_CTL_ARG(0), 77);
	vfio_enable_memory(&t.client);
	EXPECT_EQ(reg_read32(&t.client, VGPU_REG_MAGIC), VGPU_MAGIC);
	EXPECT_EQ(reg_read64(&t.client, VGPU_REG_CTL_ARG(0)), 0);
	return 0;
}

static int expect_reset(void)
{
	EXPECT(device_wait_reset(&t.client));
	EXPECT_EQ(reg_read32(&t.client, VGPU_REG_STATUS), VGPU_STATUS_GPU_READY);
	EXPECT_EQ(reg_read64(&t.client, VGPU_REG_CTL_ARG(2)), 0);
	EXPECT_EQ(session_state(&t.client, 0), VGPU_SESSION_FREE);
	EXPECT_EQ(t.client.aperture[QUEUE_AREA(3)], 0);
	return 0;
}

static int dirty(struct queue *queue)
{
	make_ready(&t.client);
	EXPECT_EQ(queue_create(queue, &t.client, 0, QUEUE_AREA(0), 16, 16), VGPU_ST_OK);
	t.client.aperture[QUEUE_AREA(3)] = 0x5a;
	reg_write64(&t.client, VGPU_REG_CTL_ARG(2), 99);
	EXPECT_EQ(reg_read32(&t.client, VGPU_REG_STATUS), VGPU_STATUS_GPU_READY | VGPU_STATUS_DRIVER_OK);
	return 0;
}

/* The three ways to a reset, each of which leaves zeros. */
static int test_resets(void)
{
	struct queue queue;
	uint32_t exp = find_capability(PCI_CAP_ID_EXP);

	TRY(dirty(&queue));
	reg_write32(&t.client, VGPU_REG_STATUS, 0);
	TRY(expect_reset());
	queue_free(&queue);
	TRY(dirty(&queue));
	vfio_config_write(&t.client, exp + PCI_EXP_DEVCTL,
			  vfio_config_read(&t.client, exp + PCI_EXP_DEVCTL, 2) | PCI_EXP_DEVCTL_BCR_FLR, 2);
	EXPECT_EQ(vfio_config_read(&t.client, exp + PCI_EXP_DEVCTL, 2) & PCI_EXP_DEVCTL_BCR_FLR, 0);
	TRY(expect_reset());
	queue_free(&queue);
	TRY(dirty(&queue));
	EXPECT_EQ(ioctl(t.client.device, VFIO_DEVICE_RESET), 0);
	EXPECT_EQ(reg_read32(&t.client, VGPU_REG_STATUS) & VGPU_STATUS_RESETTING, 0);
	TRY(expect_reset());
	queue_free(&queue);
	return 0;
}

const struct test config_tests[] = {
	{ "device-info", test_device_info },
	{ "region-info", test_region_info },
	{ "config-header", test_config_header },
	{ "bar-sizing", test_bar_sizing },
	{ "capabilities", test_capabilities },
	{ "config-all-ones", test_config_all_ones },
	{ "memory-disabled", test_memory_disabled },
	{ "resets", test_resets },
	{ NULL, NULL }
};

static int test_registers(void)
{
	EXPECT_EQ(reg_read32(&t.client, VGPU_REG_MAGIC), VGPU_MAGIC);
	EXPECT_EQ(reg_read32(&t.client, VGPU_REG_VERSION), VGPU_VERSION);
	EXPECT_EQ(reg_read64(&t.client, VGPU_REG_FEATURES), VGPU_F_ALL);
	EXPECT_EQ(reg_read64(&t.client, VGPU_REG_DRIVER_FEATURES), VGPU_F_ALL);
	EXPECT_EQ(reg_read32(&t.client, VGPU_REG_STATUS), VGPU_STATUS_GPU_READY | VGPU_STATUS_DRIVER_OK);
	EXPECT_EQ(reg_read32(&t.client, VGPU_REG_NUM_SESSIONS), 16);
	EXPECT_EQ(reg_read64(&t.client, VGPU_REG_APERTURE_SIZE), 1ULL << 30);
	EXPECT_EQ(reg_read64(&t.client, VGPU_REG_MEMORY_SIZE), 1ULL << 30);
	EXPECT_EQ(reg_read64(&t.client, VGPU_REG_GRANULE), STANDIN_GRANULE);
	EXPECT_EQ(reg_read32(&t.client, VGPU_REG_QUEUE_DEPTH), 1024);
	EXPECT_EQ(reg_read32(&t.client, VGPU_REG_CTL_RESULT), VGPU_ST_OK);
	EXPECT_EQ(reg_read64(&t.client, VGPU_REG_MAGIC), VGPU_MAGIC | (uint64_t)VGPU_VERSION << 32);
	return 0;
}

static int test_read_only_registers(void)
{
	const uint32_t ro[] = {
		VGPU_REG_MAGIC,
		VGPU_REG_VERSION,
		VGPU_REG_FEATURES,
		VGPU_REG_FEATURES + 4,
		VGPU_REG_NUM_SESSIONS,
		VGPU_REG_APERTURE_SIZE,
		VGPU_REG_APERTURE_SIZE + 4,
		VGPU_REG_MEMORY_SIZE,
		VGPU_REG_MEMORY_SIZE + 4,
		VGPU_REG_GRANULE,
		VGPU_REG_GRANULE + 4,
		VGPU_REG_QUEUE_DEPTH,
		VGPU_REG_MEMORY_USED,
		VGPU_REG_CTL_RESULT,
		VGPU_REG_SESSION_STATE(0),
		VGPU_REG_SESSION_STATE(63),
		VGPU_BAR0_GPU_INFO,
		VGPU_BAR0_GPU_INFO + 8,
	};
	uint64_t bad = mdev_counter(UUID, "bad_registers");
	uint32_t before;
	size_t i;

	for (i = 0; i < sizeof(ro) / sizeof(ro[0]); i++) {
		before = reg_read32(&t.client, ro[i]);
		reg_write32(&t.client, ro[i], ~before);
		EXPECT_EQ(reg_read32(&t.client, ro[i]), before);
	}
	EXPECT_EQ(mdev_counter(UUID, "bad_registers"), bad + i);
	return 0;
}

static int test_writable_registers(void)
{
	uint32_t i;

	for (i = 0; i < 4; i++) {
		reg_write64(&t.client, VGPU_REG_CTL_ARG(i), 0x1122334455667700ULL + i);
		EXPECT_EQ(reg_read64(&t.client, VGPU_REG_CTL_ARG(i)), 0x1122334455667700ULL + i);
		reg_write32(&t.client, VGPU_REG_CTL_ARG(i), 0xaabbccdd);
		EXPECT_EQ(reg_read64(&t.client, VGPU_REG_CTL_ARG(i)), 0x11223344aabbccddULL);
		reg_write32(&t.client, VGPU_REG_CTL_ARG(i) + 4, 0xeeff0011);
		EXPECT_EQ(reg_read64(&t.client, VGPU_REG_CTL_ARG(i)), 0xeeff0011aabbccddULL);
	}
	reg_write32(&t.client, VGPU_REG_CTL_SESSION, 0xdeadbeef);
	EXPECT_EQ(reg_read32(&t.client, VGPU_REG_CTL_SESSION), 0xdeadbeef);
	/* Features that the device does not have cannot be taken. */
	reg_write64(&t.client, VGPU_REG_DRIVER_FEATURES, ~0ULL);
	EXPECT_EQ(reg_read64(&t.client, VGPU_REG_DRIVER_FEATURES), VGPU_F_ALL);
	/* Bits of the status that are the device's own stay. */
	reg_write32(&t.client, VGPU_REG_STATUS, ~0U);
	EXPECT_EQ(reg_read32(&t.client, VGPU_REG_STATUS), VGPU_STATUS_GPU_READY | VGPU_STATUS_DRIVER_OK);
	return 0;
}

static int test_undefined_registers(void)
{
	const uint64_t undefined[] = {
		0x048,
		0x0f8,
		0x10c,
		0x130,
		0x1f8,
		VGPU_REG_SESSION_STATE(64),
		0x800,
		0xff8,
		VGPU_BAR0_GPU_INFO + sizeof(struct vgpu_gpu_info),
		VGPU_BAR0_MSIX_TABLE,
		VGPU_BAR0_MSIX_PBA,
		0x4000,
		VGPU_BAR0_DOORBELL(0) - 8,
		VGPU_BAR0_DOORBELL(64),
		VGPU_BAR0_SIZE - 8,
	};
	uint64_t bad = mdev_counter(UUID, "bad_registers");
	size_t i;

	for (i = 0; i < sizeof(undefined) / sizeof(undefined[0]); i++) {
		reg_write32(&t.client, undefined[i], 0x12345678);
		EXPECT_EQ(reg_read32(&t.client, undefined[i]), 0);
		EXPECT_EQ(reg_read64(&t.client, undefined[i] & ~7ULL) >> (undefined[i] & 4 ? 32 : 0) &
				  0xffffffff,
			  0);
	}
	EXPECT_EQ(mdev_counter(UUID, "bad_registers"), bad + i);
	return 0;
}

static int test_access_widths(void)
{
	uint64_t bad = mdev_counter(UUID, "bad_registers");
	uint8_t bytes[16];
	uint16_t half;

	EXPECT_EQ(vfio_read(&t.client, VFIO_PCI_BAR0_REGION_INDEX, VGPU_REG_MAGIC, bytes, 1), 1);
	EXPECT_EQ(bytes[0], VGPU_MAGIC & 0xff);
	EXPECT_EQ(vfio_read(&t.client, VFIO_PCI_BAR0_REGION_INDEX, VGPU_REG_MAGIC + 2, &half, 2), 2);
	EXPECT_EQ(half, VGPU_MAGIC >> 16);
	/* What is not aligned is done in pieces that are. */
	EXPECT_EQ(vfio_read(&t.client, VFIO_PCI_BAR0_REGION_INDEX, VGPU_REG_MAGIC + 1, bytes, 7), 7);
	EXPECT_EQ(bytes[0], VGPU_MAGIC >> 8 & 0xff);
	EXPECT_EQ(bytes[6], VGPU_VERSION >> 24);
	EXPECT_EQ(vfio_read(&t.client, VFIO_PCI_BAR0_REGION_INDEX, VGPU_REG_MAGIC, bytes, 0), 0);
	/* Narrow writes are no accesses to registers. */
	bytes[0] = 7;
	EXPECT_EQ(vfio_write(&t.client, VFIO_PCI_BAR0_REGION_INDEX, VGPU_REG_CTL_SESSION, bytes, 1), 1);
	EXPECT_EQ(vfio_write(&t.client, VFIO_PCI_BAR0_REGION_INDEX, VGPU_REG_CTL_SESSION, bytes, 2), 2);
	EXPECT_EQ(reg_read32(&t.client, VGPU_REG_CTL_SESSION), 0);
	EXPECT_EQ(mdev_counter(UUID, "bad_registers"), bad + 2);
	EXPECT_EQ(vfio_read(&t.client, VFIO_PCI_BAR0_REGION_INDEX, 0, (void *)4096, 4), -EFAULT);
	EXPECT_EQ(vfio_write(&t.client, VFIO_PCI_BAR0_REGION_INDEX, 0, (void *)4096, 4), -EFAULT);
	EXPECT_EQ(vfio_read(&t.client, VFIO_PCI_BAR2_REGION_INDEX, 0, (void *)4096, 4), -EFAULT);
	EXPECT_EQ(vfio_read(&t.client, VFIO_PCI_CONFIG_REGION_INDEX, 0, (void *)4096, 4), -EFAULT);
	return 0;
}

static int test_gpu_info(void)
{
	const uint8_t uuid[16] = { 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0x4d, 0xef,
				   0x81, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };
	struct vgpu_gpu_info info;

	EXPECT_EQ(vfio_read(&t.client, VFIO_PCI_BAR0_REGION_INDEX, VGPU_BAR0_GPU_INFO, &info,
			    sizeof(info)),
		  sizeof(info));
	EXPECT_EQ(info.version, VGPU_GPU_INFO_VERSION);
	EXPECT_EQ(info.size, sizeof(info));
	EXPECT(!strcmp(info.name, "stand-in"));
	EXPECT(!memcmp(info.uuid, uuid, sizeof(uuid)));
	EXPECT_EQ(info.memory, 1ULL << 30);
	EXPECT_EQ(info.cc_major, 8);
	EXPECT_EQ(info.driver_version, 12020);
	EXPECT_EQ(info.attrs[1], 1024);
	EXPECT(info.attrs[2] == -5);
	return 0;
}

const struct test register_tests[] = {
	{ "registers", test_registers },
	{ "read-only-registers", test_read_only_registers },
	{ "writable-registers", test_writable_registers },
	{ "undefined-registers", test_undefined_registers },
	{ "access-widths", test_access_widths },
	{ "gpu-info", test_gpu_info },
	{ NULL, NULL }
};
