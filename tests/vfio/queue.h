/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * A session's queue pair, driven by hand.
 */
#ifndef VGPU_TEST_QUEUE_H
#define VGPU_TEST_QUEUE_H

#include "tests/vfio/vfio_client.h"

/**
 * struct queue - a session and what its guest keeps of it
 * @client: of which device
 * @session: number
 * @header: in the aperture
 * @sq: in the aperture
 * @cq: in the aperture
 * @sq_entries: of the SQ
 * @cq_entries: of the CQ
 * @tail: commands submitted
 * @head: completions consumed
 * @eventfd: signalled by the session's vector
 */
struct queue {
	struct vfio_client *client;
	uint32_t session;
	struct vgpu_queue_header *header;
	struct vgpu_cmd *sq;
	struct vgpu_cqe *cq;
	uint32_t sq_entries;
	uint32_t cq_entries;
	uint32_t tail;
	uint32_t head;
	int eventfd;
};

uint32_t control(struct vfio_client *client, uint32_t session, uint32_t op, uint64_t a0, uint64_t a1, uint64_t a2,
		 uint64_t a3);
uint32_t session_state(struct vfio_client *client, uint32_t session);
bool session_wait_state(struct vfio_client *client, uint32_t session, uint32_t state);
bool device_wait_reset(struct vfio_client *client);

uint32_t queue_create(struct queue *queue, struct vfio_client *client, uint32_t session, uint64_t offset,
		      uint32_t sq_entries, uint32_t cq_entries);
void queue_free(struct queue *queue);
uint32_t queue_put(struct queue *queue, const struct vgpu_cmd *cmd);
void queue_ring(struct queue *queue);
uint32_t queue_submit(struct queue *queue, const struct vgpu_cmd *cmd);
bool queue_poll(struct queue *queue, struct vgpu_cqe *cqe);
int queue_wait(struct queue *queue, struct vgpu_cqe *cqe);

#endif /* VGPU_TEST_QUEUE_H */
