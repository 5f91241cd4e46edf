/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * A userspace VFIO client: what QEMU does with a virtual GPU, without a VM.
 */
#ifndef VGPU_TEST_VFIO_CLIENT_H
#define VGPU_TEST_VFIO_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/vfio.h>

#include "uapi/vgpu_device.h"

/**
 * enum vfio_path - how a device is opened
 * @VFIO_PATH_GROUP: group and container, /dev/vfio/N and /dev/vfio/vfio
 * @VFIO_PATH_CDEV: the device's own file and iommufd, /dev/vfio/devices/vfioN and /dev/iommu
 */
enum vfio_path {
	VFIO_PATH_GROUP,
	VFIO_PATH_CDEV,
};

/**
 * struct vfio_client - an open device
 * @container: container or iommufd
 * @group: group, -1 for VFIO_PATH_CDEV
 * @device: device
 * @region: as VFIO_DEVICE_GET_REGION_INFO told
 * @aperture: BAR2 mapped, NULL if it is not
 */
struct vfio_client {
	int container;
	int group;
	int device;
	struct vfio_region_info region[VFIO_PCI_NUM_REGIONS];
	uint8_t *aperture;
};

bool vfio_cdev_available(const char *uuid);
int vfio_client_open(struct vfio_client *client, const char *uuid, enum vfio_path path);
void vfio_client_close(struct vfio_client *client);
int vfio_client_map(struct vfio_client *client);
void vfio_client_unmap(struct vfio_client *client);

int vfio_read(struct vfio_client *client, int region, uint64_t offset, void *buf, size_t len);
int vfio_write(struct vfio_client *client, int region, uint64_t offset, const void *buf, size_t len);
uint32_t vfio_config_read(struct vfio_client *client, uint32_t pos, int len);
void vfio_config_write(struct vfio_client *client, uint32_t pos, uint32_t value, int len);
void vfio_enable_memory(struct vfio_client *client);

uint32_t reg_read32(struct vfio_client *client, uint64_t offset);
uint64_t reg_read64(struct vfio_client *client, uint64_t offset);
void reg_write32(struct vfio_client *client, uint64_t offset, uint32_t value);
void reg_write64(struct vfio_client *client, uint64_t offset, uint64_t value);

int vfio_set_irqs(struct vfio_client *client, uint32_t index, uint32_t start, uint32_t count, uint32_t flags,
		  const void *data, size_t data_len);
int vfio_set_eventfd(struct vfio_client *client, uint32_t index, uint32_t vector, int fd);

#endif /* VGPU_TEST_VFIO_CLIENT_H */
