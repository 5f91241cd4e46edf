/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* A session made by hand, over /dev/vgpuN. */
#ifndef VGPU_SELFTEST_CLIENT_H
#define VGPU_SELFTEST_CLIENT_H

#include <stdbool.h>

#include "uapi/vgpu_guest.h"

#define CLIENT_ENTRIES		64
#define CLIENT_TIMEOUT_NS	(60LL * 1000000000)

/**
 * struct client - an open device, and what is mapped of its session
 * @fd: of the device
 * @session: as VGPU_GUEST_SESSION answered
 * @header: queue area
 * @sq: submission queue
 * @cq: completion queue
 * @doorbell: its page
 * @tail: index of the next command
 * @head: index of the next completion
 * @count: interrupts seen
 * @state: session state that the last wait reported
 */
struct client {
	int fd;
	struct vgpu_guest_session session;
	struct vgpu_queue_header *header;
	struct vgpu_cmd *sq;
	struct vgpu_cqe *cq;
	__u32 *doorbell;
	__u32 tail;
	__u32 head;
	__u32 count;
	__u32 state;
};

int client_open(void);
int client_session(int fd, struct vgpu_guest_session *session);
int client_start(struct client *client);
void client_stop(struct client *client);
int client_range(int fd, __u64 len, __u64 *offset);
void *client_map(int fd, __u64 offset, __u64 len);
__u32 client_submit(struct client *client, const struct vgpu_cmd *cmd);
bool client_poll(struct client *client, struct vgpu_cqe *cqe);
int client_wait(struct client *client, struct vgpu_cqe *cqe);
int client_wait_interrupt(struct client *client, __s64 timeout_ns);

#endif /* VGPU_SELFTEST_CLIENT_H */
