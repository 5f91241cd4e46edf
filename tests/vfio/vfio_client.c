// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/vfio/vfio_client.h"

/* What Debian 12's linux/vfio.h and linux/iommufd.h do not have yet. */
struct bind_iommufd {
	uint32_t argsz;
	uint32_t flags;
	int32_t iommufd;
	uint32_t out_devid;
};

#define BIND_IOMMUFD	_IO(VFIO_TYPE, VFIO_BASE + 18)

/* Name of the device's own VFIO file; false where the kernel makes none. */
static bool cdev_path(const char *uuid, char *path, size_t size)
{
	char dir[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *d;

	snprintf(dir, sizeof(dir), "/sys/bus/mdev/devices/%s/vfio-dev", uuid);
	d = opendir(dir);
	if (!d)
		return false;
	while (!found && (entry = readdir(d)))
		if (!strncmp(entry->d_name, "vfio", 4)) {
			snprintf(path, size, "/dev/vfio/devices/%.64s", entry->d_name);
			found = true;
		}
	closedir(d);
	return found && !access(path, F_OK);
}

/**
 * vfio_cdev_available() - whether the kernel offers VFIO_PATH_CDEV for a device
 * @uuid: of the mdev
 *
 * Return: true if it does.
 */
bool vfio_cdev_available(const char *uuid)
{
	char path[PATH_MAX];

	return cdev_path(uuid, path, sizeof(path)) && !access("/dev/iommu", F_OK);
}

static int open_cdev(struct vfio_client *client, const char *uuid)
{
	struct bind_iommufd bind = { .argsz = sizeof(bind) };
	char path[PATH_MAX];

	if (!cdev_path(uuid, path, sizeof(path)))
		return -ENOENT;
	client->container = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	client->device = open(path, O_RDWR | O_CLOEXEC);
	if (client->container < 0 || client->device < 0)
		return -errno;
	bind.iommufd = client->container;
	return ioctl(client->device, BIND_IOMMUFD, &bind) ? -errno : 0;
}

static int open_group(struct vfio_client *client, const char *uuid)
{
	char link[PATH_MAX], target[PATH_MAX], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/sys/bus/mdev/devices/%s/iommu_group", uuid);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = 0;
	snprintf(path, sizeof(path), "/dev/vfio/%.16s", strrchr(target, '/') + 1);
	client->group = open(path, O_RDWR | O_CLOEXEC);
	if (client->group < 0)
		return -errno;
	client->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (client->container < 0)
		return -errno;
	if (ioctl(client->group, VFIO_GROUP_SET_CONTAINER, &client->container) ||
	    ioctl(client->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return -errno;
	client->device = ioctl(client->group, VFIO_GROUP_GET_DEVICE_FD, uuid);
	return client->device < 0 ? -errno : 0;
}

static int read_regions(struct vfio_client *client)
{
	uint32_t i;

	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		client->region[i] =
			(struct vfio_region_info){ .argsz = sizeof(client->region[i]), .index = i };
		if (ioctl(client->device, VFIO_DEVICE_GET_REGION_INFO, &client->region[i]))
			return -errno;
	}
	return 0;
}

/**
 * vfio_client_open() - open a virtual GPU
 * @client: to be set up
 * @uuid: of the mdev
 * @path: how
 *
 * Return: 0 or a negative errno; vfio_client_close() is to follow in either case.
 */
int vfio_client_open(struct vfio_client *client, const char *uuid, enum vfio_path path)
{
	int err;

	memset(client, 0, sizeof(*client));
	client->container = -1;
	client->group = -1;
	client->device = -1;
	err = path == VFIO_PATH_CDEV ? open_cdev(client, uuid) : open_group(client, uuid);
	return err ? err : read_regions(client);
}

/**
 * vfio_client_close() - let go of the device and all that is mapped of it
 * @client: open, half open or closed
 */
void vfio_client_close(struct vfio_client *client)
{
	vfio_client_unmap(client);
	if (client->device >= 0)
		close(client->device);
	if (client->group >= 0)
		close(client->group);
	if (client->container >= 0)
		close(client->container);
	client->device = -1;
	client->group = -1;
	client->container = -1;
}

/**
 * vfio_client_map() - map all of BAR2
 * @client: open
 *
 * Return: 0 or a negative errno.
 */
int vfio_client_map(struct vfio_client *client)
{
	const struct vfio_region_info *region = &client->region[VFIO_PCI_BAR2_REGION_INDEX];
	void *addr = mmap(NULL, region->size, PROT_READ | PROT_WRITE, MAP_SHARED, client->device,
			  (off_t)region->offset);

	if (addr == MAP_FAILED)
		return -errno;
	client->aperture = addr;
	return 0;
}

/**
 * vfio_client_unmap() - undo vfio_client_map()
 * @client: any
 */
void vfio_client_unmap(struct vfio_client *client)
{
	if (client->aperture)
		munmap(client->aperture, client->region[VFIO_PCI_BAR2_REGION_INDEX].size);
	client->aperture = NULL;
}

/**
 * vfio_read() - read from a region
 * @client: open
 * @region: VFIO_PCI_*_REGION_INDEX
 * @offset: in the region
 * @buf: filled in
 * @len: bytes
 *
 * Return: bytes read or a negative errno.
 */
int vfio_read(struct vfio_client *client, int region, uint64_t offset, void *buf, size_t len)
{
	ssize_t n = pread(client->device, buf, len, (off_t)(client->region[region].offset + offset));

	return n < 0 ? -errno : (int)n;
}

/**
 * vfio_write() - write to a region
 * @client: open
 * @region: VFIO_PCI_*_REGION_INDEX
 * @offset: in the region
 * @buf: what
 * @len: bytes
 *
 * Return: bytes written or a negative errno.
 */
int vfio_write(struct vfio_client *client, int region, uint64_t offset, const void *buf, size_t len)
{
	ssize_t n = pwrite(client->device, buf, len, (off_t)(client->region[region].offset + offset));

	return n < 0 ? -errno : (int)n;
}

static void must(int done, int wanted, const char *what, uint64_t offset)
{
	if (done == wanted)
		return;
	fprintf(stderr, "%s of %d bytes at 0x%llx gave %d\n", what, wanted, (unsigned long long)offset, done);
	abort();
}

uint32_t vfio_config_read(struct vfio_client *client, uint32_t pos, int len)
{
	uint32_t value = 0;

	must(vfio_read(client, VFIO_PCI_CONFIG_REGION_INDEX, pos, &value, len), len, "config read", pos);
	return value;
}

void vfio_config_write(struct vfio_client *client, uint32_t pos, uint32_t value, int len)
{
	must(vfio_write(client, VFIO_PCI_CONFIG_REGION_INDEX, pos, &value, len), len, "config write", pos);
}

/**
 * vfio_enable_memory() - have the device decode its BARs
 * @client: open
 */
void vfio_enable_memory(struct vfio_client *client)
{
	vfio_config_write(client, PCI_COMMAND,
			  vfio_config_read(client, PCI_COMMAND, 2) | PCI_COMMAND_MEMORY, 2);
}

uint32_t reg_read32(struct vfio_client *client, uint64_t offset)
{
	uint32_t value;

	must(vfio_read(client, VFIO_PCI_BAR0_REGION_INDEX, offset, &value, sizeof(value)),
	     sizeof(value), "read", offset);
	return value;
}

uint64_t reg_read64(struct vfio_client *client, uint64_t offset)
{
	uint64_t value;

	must(vfio_read(client, VFIO_PCI_BAR0_REGION_INDEX, offset, &value, sizeof(value)),
	     sizeof(value), "read", offset);
	return value;
}

void reg_write32(struct vfio_client *client, uint64_t offset, uint32_t value)
{
	must(vfio_write(client, VFIO_PCI_BAR0_REGION_INDEX, offset, &value, sizeof(value)),
	     sizeof(value), "write", offset);
}

void reg_write64(struct vfio_client *client, uint64_t offset, uint64_t value)
{
	must(vfio_write(client, VFIO_PCI_BAR0_REGION_INDEX, offset, &value, sizeof(value)),
	     sizeof(value), "write", offset);
}

/**
 * vfio_set_irqs() - VFIO_DEVICE_SET_IRQS
 * @client: open
 * @index: VFIO_PCI_*_IRQ_INDEX
 * @start: first interrupt
 * @count: interrupts
 * @flags: VFIO_IRQ_SET_*
 * @data: behind the header
 * @data_len: bytes of it
 *
 * Return: 0 or a negative errno.
 */
int vfio_set_irqs(struct vfio_client *client, uint32_t index, uint32_t start, uint32_t count, uint32_t flags,
		  const void *data, size_t data_len)
{
	struct vfio_irq_set *set = calloc(1, sizeof(*set) + data_len);
	int err;

	set->argsz = sizeof(*set) + data_len;
	set->flags = flags;
	set->index = index;
	set->start = start;
	set->count = count;
	if (data_len)
		memcpy(set->data, data, data_len);
	err = ioctl(client->device, VFIO_DEVICE_SET_IRQS, set) ? -errno : 0;
	free(set);
	return err;
}

/**
 * vfio_set_eventfd() - have an interrupt signal an eventfd
 * @client: open
 * @index: VFIO_PCI_*_IRQ_INDEX
 * @vector: which
 * @fd: eventfd, or -1 for none
 *
 * Return: 0 or a negative errno.
 */
int vfio_set_eventfd(struct vfio_client *client, uint32_t index, uint32_t vector, int fd)
{
	return vfio_set_irqs(client, index, vector, 1,
			     VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, &fd,
			     sizeof(fd));
}
