// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "tests/vfio/queue.h"
#include "tests/vfio/standin.h"

/**
 * control() - a control operation
 * @client: on which device
 * @session: number
 * @op: enum vgpu_ctl_op
 * @a0: first argument
 * @a1: second
 * @a2: third
 * @a3: fourth
 *
 * Return: enum vgpu_status.
 */
uint32_t control(struct vfio_client *client, uint32_t session, uint32_t op, uint64_t a0,
		 uint64_t a1, uint64_t a2, uint64_t a3)
{
	reg_write32(client, VGPU_REG_CTL_SESSION, session);
	reg_write64(client, VGPU_REG_CTL_ARG(0), a0);
	reg_write64(client, VGPU_REG_CTL_ARG(1), a1);
	reg_write64(client, VGPU_REG_CTL_ARG(2), a2);
	reg_write64(client, VGPU_REG_CTL_ARG(3), a3);
	reg_write32(client, VGPU_REG_CTL_OP, op);
	return reg_read32(client, VGPU_REG_CTL_RESULT);
}

uint32_t session_state(struct vfio_client *client, uint32_t session)
{
	return reg_read32(client, VGPU_REG_SESSION_STATE(session));
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static bool wait_register(struct vfio_client *client, uint64_t offset, uint32_t mask, uint32_t value)
{
	uint64_t end = now_ns() + STANDIN_PATIENCE_NS;

	while ((reg_read32(client, offset) & mask) != value)
		if (now_ns() > end)
			return false;
	return true;
}

bool session_wait_state(struct vfio_client *client, uint32_t session, uint32_t state)
{
	return wait_register(client, VGPU_REG_SESSION_STATE(session), ~0U, state);
}

bool device_wait_reset(struct vfio_client *client)
{
	return wait_register(client, VGPU_REG_STATUS, VGPU_STATUS_RESETTING, 0);
}

/**
 * queue_create() - make a session whose vector is its number and one
 * @queue: to be set up
 * @client: on which device, its aperture mapped
 * @session: number
 * @offset: of the queue area
 * @sq_entries: of the SQ
 * @cq_entries: of the CQ
 *
 * Return: enum vgpu_status.
 */
uint32_t queue_create(struct queue *queue, struct vfio_client *client, uint32_t session, uint64_t offset,
		      uint32_t sq_entries, uint32_t cq_entries)
{
	uint32_t vector = 1 + session;
	uint32_t status;
	uint64_t sq_len = (sq_entries * sizeof(struct vgpu_cmd) + 4095) & ~4095ULL;

	memset(queue, 0, sizeof(*queue));
	queue->client = client;
	queue->session = session;
	queue->header = (void *)(client->aperture + offset);
	queue->sq = (void *)(client->aperture + offset + VGPU_PAGE_SIZE);
	queue->cq = (void *)(client->aperture + offset + VGPU_PAGE_SIZE + sq_len);
	queue->sq_entries = sq_entries;
	queue->cq_entries = cq_entries;
	queue->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vfio_set_eventfd(client, VFIO_PCI_MSIX_IRQ_INDEX, vector, queue->eventfd);
	status = control(client, session, VGPU_CTL_SESSION_CREATE, offset, sq_entries, cq_entries, vector);
	if (status != VGPU_ST_OK)
		queue_free(queue);
	return status;
}

/**
 * queue_free() - let go of what the guest keeps of a session
 * @queue: any
 */
void queue_free(struct queue *queue)
{
	if (!queue->client)
		return;
	vfio_set_eventfd(queue->client, VFIO_PCI_MSIX_IRQ_INDEX, 1 + queue->session, -1);
	close(queue->eventfd);
	queue->client = NULL;
}

/**
 * queue_put() - submit a command without telling the device
 * @queue: whose
 * @cmd: the command
 *
 * Return: its sequence number.
 */
uint32_t queue_put(struct queue *queue, const struct vgpu_cmd *cmd)
{
	queue->sq[queue->tail & (queue->sq_entries - 1)] = *cmd;
	__atomic_store_n(&queue->header->sq_tail, queue->tail + 1, __ATOMIC_RELEASE);
	return queue->tail++;
}

void queue_ring(struct queue *queue)
{
	reg_write32(queue->client, VGPU_BAR0_DOORBELL(queue->session), 1);
}

/**
 * queue_submit() - submit a command and ring the doorbell
 * @queue: whose
 * @cmd: the command
 *
 * Return: its sequence number.
 */
uint32_t queue_submit(struct queue *queue, const struct vgpu_cmd *cmd)
{
	uint32_t seq = queue_put(queue, cmd);

	queue_ring(queue);
	return seq;
}

/**
 * queue_poll() - look for a completion
 * @queue: whose
 * @cqe: filled in
 *
 * Return: false if there is none.
 */
bool queue_poll(struct queue *queue, struct vgpu_cqe *cqe)
{
	const struct vgpu_cqe *slot = &queue->cq[queue->head & (queue->cq_entries - 1)];
	uint16_t phase = queue->head & queue->cq_entries ? 0 : 1;

	if (__atomic_load_n(&slot->phase, __ATOMIC_ACQUIRE) != phase)
		return false;
	*cqe = *slot;
	queue->head++;
	__atomic_store_n(&queue->header->cq_head, queue->head, __ATOMIC_RELEASE);
	return true;
}

/**
 * queue_wait() - wait for a completion, by interrupt
 * @queue: whose
 * @cqe: filled in
 *
 * Return: 0, or -ETIMEDOUT if none comes.
 */
int queue_wait(struct queue *queue, struct vgpu_cqe *cqe)
{
	struct pollfd p = { .fd = queue->eventfd, .events = POLLIN };
	uint64_t count;

	for (;;) {
		if (queue_poll(queue, cqe))
			return 0;
		__atomic_store_n(&queue->header->cq_event, queue->head, __ATOMIC_SEQ_CST);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (queue_poll(queue, cqe))
			return 0;
		if (poll(&p, 1, STANDIN_PATIENCE_NS / 1000000) != 1)
			return -ETIMEDOUT;
		if (read(queue->eventfd, &count, sizeof(count)) != sizeof(count))
			return -EIO;
	}
}
