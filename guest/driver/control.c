// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) vgpu authors
/* Registers and control operations of the device. */
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/io-64-nonatomic-lo-hi.h>

#include "driver.h"

/* What every register of a device reads that was taken away. */
#define VGPU_ABSENT		(~0u)

#define VGPU_RESET_POLL_US	1000

static u32 vgpu_read32(struct vgpu *vgpu, unsigned int reg)
{
	return readl(vgpu->regs + reg);
}

static u64 vgpu_read64(struct vgpu *vgpu, unsigned int reg)
{
	return readq(vgpu->regs + reg);
}

static bool vgpu_reset_over(u32 status)
{
	return status == VGPU_ABSENT || !(status & VGPU_STATUS_RESETTING);
}

static int vgpu_control_reset(struct vgpu *vgpu)
{
	u32 status;
	int ret;

	writel(0, vgpu->regs + VGPU_REG_STATUS);
	ret = read_poll_timeout(vgpu_read32, status, vgpu_reset_over(status), VGPU_RESET_POLL_US,
				VGPU_RESET_TIMEOUT_MS * USEC_PER_MSEC, false, vgpu,
				VGPU_REG_STATUS);
	if (status == VGPU_ABSENT)
		return -ENODEV;
	if (ret)
		dev_err(&vgpu->pdev->dev,
			"reset did not end within %u s (status %#x); see the host's log\n",
			VGPU_RESET_TIMEOUT_MS / 1000, status);
	return ret;
}

static int vgpu_control_identify(struct vgpu *vgpu)
{
	struct device *dev = &vgpu->pdev->dev;
	u32 magic = vgpu_read32(vgpu, VGPU_REG_MAGIC);

	if (magic == VGPU_ABSENT)
		return -ENODEV;
	if (magic != VGPU_MAGIC) {
		dev_err(dev, "magic is %#x, not %#x: not a vgpu device\n", magic, VGPU_MAGIC);
		return -EPROTO;
	}
	vgpu->version = vgpu_read32(vgpu, VGPU_REG_VERSION);
	if (vgpu->version >> 16 != VGPU_VERSION_MAJOR) {
		dev_err(dev, "device has version %u.%u, driver %u: install the host's driver\n",
			vgpu->version >> 16, vgpu->version & 0xffff, VGPU_VERSION_MAJOR);
		return -EPROTO;
	}
	return 0;
}

static int vgpu_control_negotiate(struct vgpu *vgpu)
{
	u64 accepted;

	vgpu->features = vgpu_read64(vgpu, VGPU_REG_FEATURES) & VGPU_F_ALL;
	writeq(vgpu->features, vgpu->regs + VGPU_REG_DRIVER_FEATURES);
	accepted = vgpu_read64(vgpu, VGPU_REG_DRIVER_FEATURES);
	if (accepted != vgpu->features) {
		dev_err(&vgpu->pdev->dev,
			"device took features %#llx for %#llx, which it offered\n", accepted,
			vgpu->features);
		return -EPROTO;
	}
	return 0;
}

static int vgpu_control_read_gpu(struct vgpu *vgpu)
{
	struct vgpu_gpu_info *gpu = &vgpu->gpu;

	__ioread32_copy(gpu, vgpu->regs + VGPU_BAR0_GPU_INFO, sizeof(*gpu) / sizeof(u32));
	if (gpu->version != VGPU_GPU_INFO_VERSION || gpu->size < sizeof(*gpu)) {
		dev_err(&vgpu->pdev->dev,
			"GPU description has version %u and %u bytes, not %u and at least %zu\n",
			gpu->version, gpu->size, VGPU_GPU_INFO_VERSION, sizeof(*gpu));
		return -EPROTO;
	}
	gpu->size = sizeof(*gpu);
	gpu->name[sizeof(gpu->name) - 1] = '\0';
	gpu->num_attrs = min_t(u32, gpu->num_attrs, VGPU_NUM_ATTRS);
	return 0;
}

/**
 * vgpu_control_start() - make the device ready for control operations
 * @vgpu: device with its registers mapped
 *
 * Resets the device, whatever it was doing before.
 *
 * Return: 0, -EPROTO for a device that this driver does not understand, -ENODEV if it is not there,
 * -ETIMEDOUT if it does not leave its reset, -EIO if it does not become ready.
 * Context: process; sleeps. Nobody else uses the device.
 */
int vgpu_control_start(struct vgpu *vgpu)
{
	u32 status;
	int ret;

	ret = vgpu_control_identify(vgpu);
	if (ret)
		return ret;
	ret = vgpu_control_reset(vgpu);
	if (ret)
		return ret;
	ret = vgpu_control_negotiate(vgpu);
	if (ret)
		return ret;
	writel(VGPU_STATUS_DRIVER_OK, vgpu->regs + VGPU_REG_STATUS);
	status = vgpu_read32(vgpu, VGPU_REG_STATUS);
	if (status == VGPU_ABSENT)
		return -ENODEV;
	if (!(status & VGPU_STATUS_DRIVER_OK)) {
		dev_err(&vgpu->pdev->dev, "device does not accept the driver (status %#x)\n",
			status);
		return -EIO;
	}
	return vgpu_control_read_gpu(vgpu);
}

/**
 * vgpu_control_stop() - reset the device, which ends all of its sessions
 * @vgpu: device with its registers mapped; may have been taken away
 *
 * Does not wait for the end of the reset: vgpu_control_start() does.
 *
 * Context: any.
 */
void vgpu_control_stop(struct vgpu *vgpu)
{
	writel(0, vgpu->regs + VGPU_REG_STATUS);
}

/**
 * vgpu_control_num_sessions() - sessions that the host allows now
 * @vgpu: live device
 *
 * Return: 0..VGPU_MAX_SESSIONS.
 * Context: any.
 */
u32 vgpu_control_num_sessions(struct vgpu *vgpu)
{
	return min_t(u32, vgpu_read32(vgpu, VGPU_REG_NUM_SESSIONS), VGPU_MAX_SESSIONS);
}

/**
 * vgpu_control_aperture_size() - size of the aperture as the device tells it
 * @vgpu: device
 *
 * Return: bytes, unchecked.
 * Context: any.
 */
u64 vgpu_control_aperture_size(struct vgpu *vgpu)
{
	return vgpu_read64(vgpu, VGPU_REG_APERTURE_SIZE);
}

static int vgpu_status_to_errno(u32 status)
{
	switch (status) {
	case VGPU_ST_OK:
		return 0;
	case VGPU_ST_LIMIT:
		return -EUSERS;
	case VGPU_ST_NO_MEMORY:
		return -ENOMEM;
	case VGPU_ST_QUARANTINED:
		return -EPERM;
	case VGPU_ST_NO_EXECUTOR:
		return -EHOSTDOWN;
	case VGPU_ST_SESSION_LOST:
	case VGPU_ST_CANCELLED:
	case VGPU_ST_BAD_STATE:
		return -ECONNRESET;
	default:
		return -EIO;
	}
}

static int vgpu_control(struct vgpu *vgpu, enum vgpu_ctl_op op, unsigned int id)
{
	u32 status;
	int ret;

	lockdep_assert_held(&vgpu->ctl);
	writel(id, vgpu->regs + VGPU_REG_CTL_SESSION);
	writel(op, vgpu->regs + VGPU_REG_CTL_OP);
	status = vgpu_read32(vgpu, VGPU_REG_CTL_RESULT);
	if (status == VGPU_ABSENT)
		return -ENODEV;
	ret = vgpu_status_to_errno(status);
	if (ret == -EIO)
		dev_err_ratelimited(&vgpu->pdev->dev,
				    "control operation %u on session %u failed with status %#x\n",
				    op, id, status);
	return ret;
}

static void vgpu_control_arg(struct vgpu *vgpu, unsigned int i, u64 value)
{
	writeq(value, vgpu->regs + VGPU_REG_CTL_ARG(i));
}

/**
 * vgpu_control_create() - tell the device of a new session
 * @vgpu: live device
 * @session: its number, queue area, entries and vector are read
 *
 * Return: 0, -EUSERS if the host allows no more, -EHOSTDOWN without an executor, -EPERM in
 * quarantine, -ENOMEM, -ENODEV if the device is not there, -ECONNRESET or -EIO for other refusals.
 * Context: vgpu.life held for reading, vgpu.ctl held.
 */
int vgpu_control_create(struct vgpu *vgpu, const struct vgpu_session *session)
{
	vgpu_control_arg(vgpu, 0, session->queue.offset);
	vgpu_control_arg(vgpu, 1, session->sq_entries);
	vgpu_control_arg(vgpu, 2, session->cq_entries);
	vgpu_control_arg(vgpu, 3, session->vector);
	return vgpu_control(vgpu, VGPU_CTL_SESSION_CREATE, session->id);
}

/**
 * vgpu_control_destroy() - begin the end of a session
 * @vgpu: live device
 * @id: number of the session
 *
 * Return: as vgpu_control_create(); the session's state says what has become of it.
 * Context: vgpu.life held for reading, vgpu.ctl held.
 */
int vgpu_control_destroy(struct vgpu *vgpu, unsigned int id)
{
	return vgpu_control(vgpu, VGPU_CTL_SESSION_DESTROY, id);
}

/**
 * vgpu_control_add_range() - give a session a payload range
 * @vgpu: live device
 * @id: number of the session
 * @range: disjoint from all other ranges and queue areas
 *
 * Return: as vgpu_control_create(); -EUSERS if the session has VGPU_MAX_RANGES.
 * Context: vgpu.life held for reading, vgpu.ctl held.
 */
int vgpu_control_add_range(struct vgpu *vgpu, unsigned int id, const struct vgpu_extent *range)
{
	vgpu_control_arg(vgpu, 0, range->offset);
	vgpu_control_arg(vgpu, 1, range->len);
	return vgpu_control(vgpu, VGPU_CTL_RANGE_ADD, id);
}

/**
 * vgpu_control_session_state() - state of a session in the device
 * @vgpu: live device
 * @id: number of the session
 *
 * Return: the state; a value that is none counts as VGPU_SESSION_LOST.
 * Context: vgpu.life held for reading.
 */
enum vgpu_session_state vgpu_control_session_state(struct vgpu *vgpu, unsigned int id)
{
	u32 state = vgpu_read32(vgpu, VGPU_REG_SESSION_STATE(id));

	return state <= VGPU_SESSION_CLOSING ? state : VGPU_SESSION_LOST;
}

/**
 * vgpu_control_info() - describe the device
 * @vgpu: live device
 * @info: zeroed; filled in
 *
 * Return: 0, or -ENODEV if the device is not there.
 * Context: vgpu.life held for reading, vgpu.ctl held.
 */
int vgpu_control_info(struct vgpu *vgpu, struct vgpu_guest_info *info)
{
	lockdep_assert_held(&vgpu->ctl);
	info->status = vgpu_read32(vgpu, VGPU_REG_STATUS);
	if (info->status == VGPU_ABSENT)
		return -ENODEV;
	info->version = VGPU_GUEST_VERSION;
	info->device_version = vgpu->version;
	info->features = vgpu->features;
	info->aperture_size = vgpu->aperture.size;
	info->memory_size = vgpu_read64(vgpu, VGPU_REG_MEMORY_SIZE);
	info->memory_used = vgpu_read64(vgpu, VGPU_REG_MEMORY_USED);
	info->granule = vgpu_read64(vgpu, VGPU_REG_GRANULE);
	info->num_sessions = vgpu_control_num_sessions(vgpu);
	info->queue_depth = vgpu_read32(vgpu, VGPU_REG_QUEUE_DEPTH);
	info->pci_domain = pci_domain_nr(vgpu->pdev->bus);
	info->pci_bus = vgpu->pdev->bus->number;
	info->pci_device = vgpu->pdev->devfn;
	info->gpu = vgpu->gpu;
	return 0;
}
