// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Sessions and commands as far as the kernel itself answers them. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/vfio/vfio_test.h"

static uint32_t create(uint32_t id, uint64_t offset, uint64_t sq, uint64_t cq, uint64_t vector)
{
	return control(&t.client, id, VGPU_CTL_SESSION_CREATE, offset, sq, cq, vector);
}

static uint32_t add_range(uint32_t id, uint64_t offset, uint64_t len)
{
	return control(&t.client, id, VGPU_CTL_RANGE_ADD, offset, len, 0, 0);
}

static uint32_t destroy(uint32_t id)
{
	return control(&t.client, id, VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0);
}

static int test_control_errors(void)
{
	const uint64_t size = 1ULL << 30;

	EXPECT_EQ(control(&t.client, 0, 0, 0, 0, 0, 0), VGPU_ST_BAD_OP);
	EXPECT_EQ(control(&t.client, 0, 4, 0, 0, 0, 0), VGPU_ST_BAD_OP);
	EXPECT_EQ(create(64, 0, 16, 16, 1), VGPU_ST_BAD_SESSION);
	EXPECT_EQ(create(~0U, 0, 16, 16, 1), VGPU_ST_BAD_SESSION);
	EXPECT_EQ(create(16, 0, 16, 16, 1), VGPU_ST_LIMIT);
	EXPECT_EQ(create(0, 0, 8, 16, 1), VGPU_ST_BAD_QUEUE);
	EXPECT_EQ(create(0, 0, 17, 16, 1), VGPU_ST_BAD_QUEUE);
	EXPECT_EQ(create(0, 0, 8192, 16, 1), VGPU_ST_BAD_QUEUE);
	EXPECT_EQ(create(0, 0, 0, 16, 1), VGPU_ST_BAD_QUEUE);
	EXPECT_EQ(create(0, 0, 16, 0, 1), VGPU_ST_BAD_QUEUE);
	EXPECT_EQ(create(0, 0, 1ULL << 32 | 16, 16, 1), VGPU_ST_BAD_QUEUE);
	EXPECT_EQ(create(0, 0, 16, 16, 0), VGPU_ST_BAD_QUEUE);
	EXPECT_EQ(create(0, 0, 16, 16, VGPU_NUM_VECTORS), VGPU_ST_BAD_QUEUE);
	EXPECT_EQ(create(0, 0, 16, 16, 1ULL << 32 | 1), VGPU_ST_BAD_QUEUE);
	EXPECT_EQ(create(0, 512, 16, 16, 1), VGPU_ST_BAD_APERTURE);
	EXPECT_EQ(create(0, size, 16, 16, 1), VGPU_ST_BAD_APERTURE);
	EXPECT_EQ(create(0, size - 8192, 16, 16, 1), VGPU_ST_BAD_APERTURE);
	EXPECT_EQ(create(0, -4096ULL, 16, 16, 1), VGPU_ST_BAD_APERTURE);
	EXPECT_EQ(add_range(64, 0, 4096), VGPU_ST_BAD_SESSION);
	EXPECT_EQ(add_range(0, 0x10000, 4096), VGPU_ST_BAD_STATE);
	EXPECT_EQ(destroy(0), VGPU_ST_BAD_STATE);
	EXPECT_EQ(destroy(64), VGPU_ST_BAD_SESSION);

	EXPECT_EQ(create(0, 0, 16, 16, 1), VGPU_ST_OK);
	EXPECT_EQ(session_state(&t.client, 0), VGPU_SESSION_ACTIVE);
	EXPECT_EQ(create(0, 0x100000, 16, 16, 1), VGPU_ST_BAD_STATE);
	EXPECT_EQ(create(1, 0, 16, 16, 2), VGPU_ST_OVERLAP);
	EXPECT_EQ(create(1, 0x2000, 16, 16, 2), VGPU_ST_OVERLAP);
	EXPECT_EQ(add_range(0, 0x2000, 4096), VGPU_ST_OVERLAP);
	EXPECT_EQ(add_range(0, 0x10000, 0), VGPU_ST_BAD_APERTURE);
	EXPECT_EQ(add_range(0, 0x10000, 4095), VGPU_ST_BAD_APERTURE);
	EXPECT_EQ(add_range(0, 0x10001, 4096), VGPU_ST_BAD_APERTURE);
	EXPECT_EQ(add_range(0, size - 4096, 8192), VGPU_ST_BAD_APERTURE);
	EXPECT_EQ(add_range(0, 4096, -4096ULL), VGPU_ST_BAD_APERTURE);
	EXPECT_EQ(add_range(0, 0x10000, 0x10000), VGPU_ST_OK);
	EXPECT_EQ(add_range(0, 0x10000, 0x1000), VGPU_ST_OVERLAP);
	EXPECT_EQ(create(1, 0x1f000, 16, 16, 2), VGPU_ST_OVERLAP);
	return 0;
}

static int test_driver_not_ready(void)
{
	reg_write32(&t.client, VGPU_REG_STATUS, 0);
	EXPECT(device_wait_reset(&t.client));
	EXPECT_EQ(create(0, 0, 16, 16, 1), VGPU_ST_BAD_STATE);
	return 0;
}

static int test_all_sessions_and_ranges(void)
{
	uint32_t i;

	for (i = 0; i < 16; i++)
		EXPECT_EQ(create(i, QUEUE_AREA(i), 4096, 4096, 1 + i), VGPU_ST_OK);
	EXPECT_EQ(mdev_counter(UUID, "sessions"), 16);
	for (i = 0; i < VGPU_MAX_RANGES; i++)
		EXPECT_EQ(add_range(3, PAYLOAD(0) + i * 8192, 4096), VGPU_ST_OK);
	EXPECT_EQ(add_range(3, PAYLOAD(0) + i * 8192, 4096), VGPU_ST_LIMIT);
	for (i = 0; i < 16; i++) {
		EXPECT_EQ(destroy(i), VGPU_ST_OK);
		EXPECT(session_wait_state(&t.client, i, VGPU_SESSION_FREE));
	}
	EXPECT_EQ(mdev_counter(UUID, "sessions"), 0);
	return 0;
}

/* The config vector tells that a session is free, and its memory is zero by then. */
static int test_destroy(void)
{
	int config = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct pollfd p = { .fd = config, .events = POLLIN };
	uint64_t count, value;

	EXPECT_EQ(vfio_set_eventfd(&t.client, VFIO_PCI_MSIX_IRQ_INDEX, VGPU_VECTOR_CONFIG, config), 0);
	EXPECT_EQ(create(2, QUEUE_AREA(2), 16, 16, 3), VGPU_ST_OK);
	EXPECT_EQ(add_range(2, PAYLOAD(2), PAYLOAD_LEN), VGPU_ST_OK);
	memset(t.client.aperture + PAYLOAD(2), 0xa5, PAYLOAD_LEN);
	memset(t.client.aperture + QUEUE_AREA(2) + 4096, 0xa5, 4096);
	EXPECT_EQ(mdev_counter(UUID, "aperture_used"), PAYLOAD_LEN + 3 * 4096);
	EXPECT_EQ(destroy(2), VGPU_ST_OK);
	while (session_state(&t.client, 2) != VGPU_SESSION_FREE) {
		EXPECT_EQ(poll(&p, 1, 10000), 1);
		EXPECT_EQ(read(config, &count, sizeof(count)), sizeof(count));
	}
	EXPECT_EQ(mdev_counter(UUID, "aperture_used"), 0);
	memcpy(&value, t.client.aperture + PAYLOAD(2) + 8192, sizeof(value));
	EXPECT_EQ(value, 0);
	memcpy(&value, t.client.aperture + QUEUE_AREA(2) + 4096, sizeof(value));
	EXPECT_EQ(value, 0);
	EXPECT_EQ(create(2, QUEUE_AREA(2), 16, 16, 3), VGPU_ST_OK);
	close(config);
	return 0;
}

const struct test session_tests[] = {
	{ "control-errors", test_control_errors },
	{ "driver-not-ready", test_driver_not_ready },
	{ "all-sessions-and-ranges", test_all_sessions_and_ranges },
	{ "destroy", test_destroy },
	{ NULL, NULL }
};

static int expect_status(struct queue *queue, const struct vgpu_cmd *cmd, uint32_t status, const char *what)
{
	struct vgpu_cqe cqe;
	uint32_t seq = queue_submit(queue, cmd);

	EXPECT_EQ(queue_wait(queue, &cqe), 0);
	EXPECT_EQ(cqe.seq, seq);
	if (cqe.status != status)
		return failed(__FILE__, __LINE__, "%s: status is 0x%x, expected 0x%x", what,
			      cqe.status, status);
	return 0;
}

/* Before SESSION_INIT nothing else is allowed, and what is malformed is refused without a worker. */
static int test_before_init(void)
{
	struct queue queue;
	struct vgpu_cmd cmd;
	uint32_t op;

	EXPECT_EQ(queue_create(&queue, &t.client, 0, QUEUE_AREA(0), 16, 16), VGPU_ST_OK);
	EXPECT_EQ(add_range(0, PAYLOAD(0), PAYLOAD_LEN), VGPU_ST_OK);
	for (op = 0; op < 256; op++) {
		if (op == VGPU_OP_SESSION_INIT)
			continue;
		cmd = (struct vgpu_cmd){ .opcode = (uint8_t)op };
		TRY(expect_status(&queue, &cmd, VGPU_ST_BAD_OPCODE, "opcode before SESSION_INIT"));
	}
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_SESSION_INIT, .flags = 1 };
	TRY(expect_status(&queue, &cmd, VGPU_ST_BAD_FLAGS, "flags"));
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_SESSION_INIT, .reserved0 = 1 };
	TRY(expect_status(&queue, &cmd, VGPU_ST_BAD_RESERVED, "reserved0"));
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_SESSION_INIT, .init.reserved[4] = 1 };
	TRY(expect_status(&queue, &cmd, VGPU_ST_BAD_RESERVED, "last bytes"));
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_SESSION_INIT, .stream = 1 };
	TRY(expect_status(&queue, &cmd, VGPU_ST_BAD_STREAM, "stream"));
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_SESSION_INIT, .init.out = PAYLOAD(1) };
	TRY(expect_status(&queue, &cmd, VGPU_ST_BAD_APERTURE, "out"));
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_SESSION_INIT, .init.out = PAYLOAD(0) + PAYLOAD_LEN - 8 };
	TRY(expect_status(&queue, &cmd, VGPU_ST_BAD_APERTURE, "end of out"));
	EXPECT_EQ(mdev_counter(UUID, "rejected"), 255 + 6);
	EXPECT_EQ(mdev_counter(UUID, "failed"), 255 + 6);
	EXPECT_EQ(mdev_counter(UUID, "submitted"), 255 + 6);
	queue_free(&queue);
	return 0;
}

/* Indices that make no sense cost the session, and nothing else. */
static int test_bad_indices(void)
{
	const struct {
		uint32_t sq_tail, cq_head;
	} bad[] = { { 17, 0 }, { 0, 1 }, { 0x80000000, 0 }, { 1, 0x80000000 }, { ~0U, 0 } };
	struct queue queue, other;
	struct vgpu_cmd cmd = { .opcode = 200 };
	uint32_t i;

	EXPECT_EQ(queue_create(&other, &t.client, 1, QUEUE_AREA(1), 16, 16), VGPU_ST_OK);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_EQ(queue_create(&queue, &t.client, 0, QUEUE_AREA(0), 16, 16), VGPU_ST_OK);
		queue.header->sq_tail = bad[i].sq_tail;
		queue.header->cq_head = bad[i].cq_head;
		queue_ring(&queue);
		EXPECT_EQ(session_state(&t.client, 0), VGPU_SESSION_LOST);
		EXPECT_EQ(mdev_counter(UUID, "sessions_lost"), i + 1);
		EXPECT_EQ(destroy(0), VGPU_ST_OK);
		EXPECT(session_wait_state(&t.client, 0, VGPU_SESSION_FREE));
		queue_free(&queue);
	}
	TRY(expect_status(&other, &cmd, VGPU_ST_BAD_OPCODE, "the neighbour"));
	EXPECT_EQ(session_state(&t.client, 1), VGPU_SESSION_ACTIVE);
	queue_free(&other);
	return 0;
}

/* A lost session goes on completing what is submitted. */
static int test_lost_session_answers(void)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_FENCE };
	struct queue queue;

	EXPECT_EQ(queue_create(&queue, &t.client, 0, QUEUE_AREA(0), 16, 16), VGPU_ST_OK);
	queue.header->sq_tail = 17;
	queue_ring(&queue);
	EXPECT_EQ(session_state(&t.client, 0), VGPU_SESSION_LOST);
	queue.header->sq_tail = 0;
	TRY(expect_status(&queue, &cmd, VGPU_ST_SESSION_LOST, "fence"));
	queue_free(&queue);
	return 0;
}

/* The queue wraps many times; phase bits and sequence numbers follow. */
static int test_queue_wraps(void)
{
	struct vgpu_cmd cmd = { .opcode = 255 };
	struct vgpu_cqe cqe;
	struct queue queue;
	uint32_t round, i;

	EXPECT_EQ(queue_create(&queue, &t.client, 0, QUEUE_AREA(0), 32, 16), VGPU_ST_OK);
	for (round = 0; round < 40; round++) {
		for (i = 0; i < 16; i++)
			queue_put(&queue, &cmd);
		queue_ring(&queue);
		for (i = 0; i < 16; i++) {
			EXPECT_EQ(queue_wait(&queue, &cqe), 0);
			EXPECT_EQ(cqe.seq, round * 16 + i);
		}
		EXPECT(!queue_poll(&queue, &cqe));
		EXPECT_EQ(queue.header->sq_head, queue.tail);
		EXPECT_EQ(queue.header->sq_event, queue.tail);
		EXPECT_EQ(queue.header->cq_tail, queue.tail);
	}
	EXPECT_EQ(mdev_counter(UUID, "doorbells"), 40);
	queue_free(&queue);
	return 0;
}

const struct test command_tests[] = {
	{ "before-init", test_before_init },
	{ "bad-indices", test_bad_indices },
	{ "lost-session-answers", test_lost_session_answers },
	{ "queue-wraps", test_queue_wraps },
	{ NULL, NULL }
};
