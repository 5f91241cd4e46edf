/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * A guest without a library: speaks the device's protocol itself, over loopback, to core, worker and soft backend.
 * Functions assert that what must work does.
 */
#ifndef TESTS_LOOPBACK_GUEST_H
#define TESTS_LOOPBACK_GUEST_H

#include <stdint.h>

#include "tests/loopback/loopback.h"

#define ENTRIES		64
#define RANGE_SIZE	(4u << 20)
#define WAIT_MS		60000

/**
 * struct guest - a guest process: a connection, and its session
 * @sock: connection
 * @doorbell: eventfd
 * @interrupt: eventfd
 * @aperture: all of it, mapped
 * @aperture_size: bytes
 * @queue: header of the queue area
 * @sq: submission queue
 * @cq: completion queue
 * @tail: of the SQ
 * @head: of the CQ
 * @range: offset of RANGE_SIZE bytes of payload
 * @info: after init_session()
 */
struct guest {
	int sock;
	int doorbell;
	int interrupt;
	char *aperture;
	uint64_t aperture_size;
	struct vgpu_queue_header *queue;
	struct vgpu_cmd *sq;
	struct vgpu_cqe *cq;
	uint32_t tail;
	uint32_t head;
	uint64_t range;
	struct vgpu_session_info info;
};

extern uint32_t guest_entries;	/* of the queues that open_session() makes: a power of two, ENTRIES at first */
extern const char *guest_vm;	/* virtual GPU that open_guest() asks for */

void call(struct guest *guest, struct lb_msg *msg, int *fds, int num_fds);
void open_guest(struct guest *guest);
void open_session(struct guest *guest);
void close_session(struct guest *guest);
void submit(struct guest *guest, const struct vgpu_cmd *cmd);
struct vgpu_cqe wait_completion(struct guest *guest);
uint16_t run(struct guest *guest, const struct vgpu_cmd *cmd, uint64_t *value);
void init_session(struct guest *guest);
void map_chunk(struct guest *guest, uint64_t offset, uint64_t len);

#endif /* TESTS_LOOPBACK_GUEST_H */
