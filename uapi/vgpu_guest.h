/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* Copyright (c) vgpu authors */
/*
 * Guest driver and libcuda
 * ========================
 *
 * vgpu_guest.ko makes /dev/vgpu0, /dev/vgpu1, … one for each virtual GPU of the guest, for the group "vgpu".
 * VGPU_GUEST_INFO says what the device is; it needs no session and may be called on any open file.
 *
 * VGPU_GUEST_SESSION opens the file's session, at most one. The queue area (see vgpu_device.h) is then
 * mapped from VGPU_GUEST_MMAP_QUEUE, the session's doorbell page from VGPU_GUEST_MMAP_DOORBELL: a 32-bit store of any
 * value to its first word rings it. Payload ranges are taken with VGPU_GUEST_RANGE and mapped from
 * VGPU_GUEST_MMAP_APERTURE plus their offset, at the address that VGPU_OP_SESSION_INIT's answer gives them. Mappings are
 * shared, and are not inherited over fork (VM_DONTCOPY): a child must open the device again.
 *
 * VGPU_GUEST_WAIT sleeps until the session's interrupt count differs from @seen; poll() reports
 * POLLIN under the same condition against the count of the last VGPU_GUEST_WAIT. A change of
 * the session's state counts as an interrupt; where the session is lost, the state says so. The answer is
 * written also when the call fails with ETIMEDOUT or ENODEV.
 *
 * Closing the file (or the end of the process) ends the session; its memory is given out again, cleared, when
 * the host has let go of it. A call that wants a session or memory which an ended session still has waits for that.
 *
 * When the device is removed or reset, the session is gone for good: every call on it fails with ENODEV, poll() reports
 * POLLERR | POLLHUP, and what was mapped becomes a page of the file's own, so that touching it does no harm.
 *
 * Errors: EINVAL for an argument out of range or a reserved field that is not zero; ENOTCONN for what needs a session
 * on a file without one; EBUSY for a second session; EUSERS when all sessions are in use; ENOSPC when the aperture has
 * no room; E2BIG for more than VGPU_MAX_RANGES; EACCES for mapping what is not the session's; EPERM in quarantine;
 * EHOSTDOWN without an executor; ECONNRESET for a range of a lost session; EINTR after a signal; EIO when the device
 * answers nonsense.
 */
#ifndef _UAPI_VGPU_GUEST_H
#define _UAPI_VGPU_GUEST_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include "vgpu_device.h"

#define VGPU_GUEST_VERSION	1

#define VGPU_GUEST_MMAP_APERTURE	0ULL
#define VGPU_GUEST_MMAP_QUEUE		(1ULL << 44)
#define VGPU_GUEST_MMAP_DOORBELL	(2ULL << 44)

/**
 * struct vgpu_guest_info - VGPU_GUEST_INFO
 * @version: out: VGPU_GUEST_VERSION
 * @device_version: out: VGPU_REG_VERSION
 * @features: out: features in use
 * @aperture_size: out: bytes
 * @memory_size: out: device memory quota in bytes
 * @granule: out: bytes
 * @status: out: VGPU_REG_STATUS
 * @num_sessions: out: sessions that the device allows
 * @queue_depth: out: outstanding commands that the device allows
 * @pci_domain: out
 * @pci_bus: out
 * @pci_device: out: device number in bits 7..3, function in 2..0
 * @memory_used: out: bytes of the quota that all sessions have in use
 * @reserved: zero
 * @gpu: out
 */
struct vgpu_guest_info {
	__u32 version;
	__u32 device_version;
	__u64 features;
	__u64 aperture_size;
	__u64 memory_size;
	__u64 granule;
	__u32 status;
	__u32 num_sessions;
	__u32 queue_depth;
	__u32 pci_domain;
	__u32 pci_bus;
	__u32 pci_device;
	__u64 memory_used;
	__u64 reserved[3];
	struct vgpu_gpu_info gpu;
};

/**
 * struct vgpu_guest_session - VGPU_GUEST_SESSION
 * @sq_entries: power of two, VGPU_QUEUE_MIN..VGPU_QUEUE_MAX
 * @cq_entries: likewise
 * @session: out: number
 * @flags: zero
 * @queue_size: out: bytes to map at VGPU_GUEST_MMAP_QUEUE
 * @sq_offset: out: of the SQ in that mapping
 * @cq_offset: out: of the CQ in that mapping
 * @reserved: zero
 */
struct vgpu_guest_session {
	__u32 sq_entries;
	__u32 cq_entries;
	__u32 session;
	__u32 flags;
	__u64 queue_size;
	__u64 sq_offset;
	__u64 cq_offset;
	__u64 reserved[2];
};

/**
 * struct vgpu_guest_range - VGPU_GUEST_RANGE
 * @len: bytes wanted, rounded up to pages
 * @offset: out: in the aperture
 */
struct vgpu_guest_range {
	__u64 len;
	__u64 offset;
};

/**
 * struct vgpu_guest_wait - VGPU_GUEST_WAIT
 * @timeout_ns: longest sleep, -1 for none; ETIMEDOUT when it has passed
 * @seen: interrupt count that the caller has acted on
 * @count: out: interrupt count now
 * @state: out: enum vgpu_session_state
 * @reserved: zero
 */
struct vgpu_guest_wait {
	__s64 timeout_ns;
	__u32 seen;
	__u32 count;
	__u32 state;
	__u32 reserved;
};

#define VGPU_GUEST_MAGIC	0xB8
#define VGPU_GUEST_INFO		_IOR(VGPU_GUEST_MAGIC, 0x00, struct vgpu_guest_info)
#define VGPU_GUEST_SESSION	_IOWR(VGPU_GUEST_MAGIC, 0x01, struct vgpu_guest_session)
#define VGPU_GUEST_RANGE	_IOWR(VGPU_GUEST_MAGIC, 0x02, struct vgpu_guest_range)
#define VGPU_GUEST_WAIT		_IOWR(VGPU_GUEST_MAGIC, 0x03, struct vgpu_guest_wait)

#endif /* _UAPI_VGPU_GUEST_H */
