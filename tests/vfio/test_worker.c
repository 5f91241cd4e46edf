// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Commands that go to a worker, and workers that are not what they should be. */

#include <errno.h>
#include <sys/mman.h>

#include "tests/vfio/vfio_test.h"

#define DEVICE(offset)	(STANDIN_DEVICE_BASE + (offset))

/* A session with a worker that has initialised it. */
static int begin(struct queue *queue)
{
	EXPECT_EQ(queue_create(queue, &t.client, 0, QUEUE_AREA(0), 64, 64), VGPU_ST_OK);
	return start_worker(queue);
}

static int expect_completion(struct queue *queue, uint32_t seq, uint32_t status, uint64_t value)
{
	struct vgpu_cqe cqe;

	EXPECT_EQ(queue_wait(queue, &cqe), 0);
	EXPECT_EQ(cqe.seq, seq);
	EXPECT_EQ(cqe.status, status);
	EXPECT_EQ(cqe.value, value);
	return 0;
}

static int serve(uint32_t opcode, uint32_t engine, uint32_t status, uint64_t value)
{
	struct vgpu_dispatch dispatch;

	EXPECT_EQ(puppet_next(&t.puppet, &dispatch), 0);
	EXPECT_EQ(dispatch.kind, VGPU_DISPATCH_CMD);
	EXPECT_EQ(dispatch.cmd.opcode, opcode);
	EXPECT_EQ(dispatch.engine, engine);
	EXPECT_EQ(dispatch.generation, t.puppet.generation);
	EXPECT_EQ(dispatch.reserved, 0);
	EXPECT_EQ(puppet_complete(&t.puppet, &dispatch, status, value), 0);
	return 0;
}

static struct vgpu_cmd chunk_cmd(uint32_t op, uint64_t addr, uint64_t len)
{
	return (struct vgpu_cmd){ .opcode = (uint8_t)op, .chunk = { .addr = addr, .len = len } };
}

static struct vgpu_cmd copy_cmd(uint32_t op, uint64_t dst, uint64_t src, uint64_t width)
{
	return (struct vgpu_cmd){ .opcode = (uint8_t)op,
				  .stream = 1,
				  .copy = { dst, src, width, 0, 0, 1, 0 } };
}

static struct vgpu_cmd launch_cmd(uint32_t stream)
{
	return (struct vgpu_cmd){ .opcode = VGPU_OP_LAUNCH, .stream = stream,
				  .launch = { .func = 1, .grid = { 1, 1, 1 }, .block = { 32, 1, 1 } } };
}

static int test_commands(void)
{
	struct queue queue;
	struct vgpu_cmd cmd;
	uint32_t seq;

	TRY(begin(&queue));
	cmd = chunk_cmd(VGPU_OP_CHUNK_MAP, DEVICE(0), 4 * STANDIN_GRANULE);
	seq = queue_submit(&queue, &cmd);
	TRY(serve(VGPU_OP_CHUNK_MAP, VGPU_ENGINE_CONTROL, 0, 0));
	TRY(expect_completion(&queue, seq, VGPU_ST_OK, 0));
	EXPECT_EQ(mdev_counter(UUID, "memory_used"), 4 * STANDIN_GRANULE);

	cmd = copy_cmd(VGPU_OP_COPY_IN, DEVICE(64), PAYLOAD(0), 4096);
	seq = queue_submit(&queue, &cmd);
	TRY(serve(VGPU_OP_COPY_IN, VGPU_ENGINE_COPY_IN, 0, 0));
	TRY(expect_completion(&queue, seq, VGPU_ST_OK, 0));
	cmd = launch_cmd(1);
	seq = queue_submit(&queue, &cmd);
	TRY(serve(VGPU_OP_LAUNCH, VGPU_ENGINE_COMPUTE, 0, 0));
	TRY(expect_completion(&queue, seq, VGPU_ST_OK, 0));
	cmd = copy_cmd(VGPU_OP_COPY_OUT, PAYLOAD(0), DEVICE(64), 100);
	seq = queue_submit(&queue, &cmd);
	TRY(serve(VGPU_OP_COPY_OUT, VGPU_ENGINE_COPY_OUT, 0, 0));
	TRY(expect_completion(&queue, seq, VGPU_ST_OK, 0));
	/* A CUresult and a value go through as they are; what is no CUresult becomes one. */
	cmd = launch_cmd(2);
	seq = queue_submit(&queue, &cmd);
	TRY(serve(VGPU_OP_LAUNCH, VGPU_ENGINE_COMPUTE, 700, 0x1122334455667788));
	TRY(expect_completion(&queue, seq, 700, 0x1122334455667788));
	seq = queue_submit(&queue, &cmd);
	TRY(serve(VGPU_OP_LAUNCH, VGPU_ENGINE_COMPUTE, VGPU_ST_QUARANTINED, 0));
	TRY(expect_completion(&queue, seq, 999, 0));

	cmd = chunk_cmd(VGPU_OP_CHUNK_UNMAP, DEVICE(0), 4 * STANDIN_GRANULE);
	seq = queue_submit(&queue, &cmd);
	TRY(serve(VGPU_OP_CHUNK_UNMAP, VGPU_ENGINE_CONTROL, 0, 0));
	TRY(expect_completion(&queue, seq, VGPU_ST_OK, 0));
	EXPECT_EQ(mdev_counter(UUID, "memory_used"), 0);
	EXPECT_EQ(mdev_counter(UUID, "launches"), 1);
	EXPECT_EQ(mdev_counter(UUID, "bytes_in"), 4096);
	EXPECT_EQ(mdev_counter(UUID, "bytes_out"), 100);
	EXPECT_EQ(mdev_counter(UUID, "failed"), 2);
	queue_free(&queue);
	return 0;
}

/* Each malformed command gets its own status, from the kernel, and the session goes on. */
static int test_malformed_commands(void)
{
	const uint64_t end = PAYLOAD(0) + PAYLOAD_LEN;
	const uint64_t area = 5ULL << 30;
	const struct {
		struct vgpu_cmd cmd;
		uint32_t status;
	} bad[] = {
		{ { .opcode = 0 }, VGPU_ST_BAD_OPCODE },
		{ { .opcode = VGPU_OP_COUNT }, VGPU_ST_BAD_OPCODE },
		{ { .opcode = 255 }, VGPU_ST_BAD_OPCODE },
		{ { .opcode = VGPU_OP_SESSION_INIT, .init.out = PAYLOAD(0) }, VGPU_ST_BAD_OPCODE },
		{ { .opcode = VGPU_OP_FENCE, .flags = VGPU_CMD_F_COOPERATIVE }, VGPU_ST_BAD_FLAGS },
		{ { .opcode = VGPU_OP_LAUNCH, .flags = VGPU_CMD_F_ALL }, VGPU_ST_BAD_FLAGS },
		{ { .opcode = VGPU_OP_FENCE, .flags = 0x80 }, VGPU_ST_BAD_FLAGS },
		{ { .opcode = VGPU_OP_FENCE, .reserved0 = 1 }, VGPU_ST_BAD_RESERVED },
		{ { .opcode = VGPU_OP_FENCE, .reserved1 = 1 }, VGPU_ST_BAD_RESERVED },
		{ { .opcode = VGPU_OP_FENCE, .raw[0] = 1 }, VGPU_ST_BAD_RESERVED },
		{ { .opcode = VGPU_OP_STREAM_WAIT, .wait.reserved[10] = 1 }, VGPU_ST_BAD_RESERVED },
		{ { .opcode = VGPU_OP_FENCE, .stream = VGPU_MAX_STREAMS }, VGPU_ST_BAD_STREAM },
		{ { .opcode = VGPU_OP_CTX_CREATE, .stream = 1 }, VGPU_ST_BAD_STREAM },
		{ { .opcode = VGPU_OP_CTX_CREATE, .ctx = VGPU_MAX_CONTEXTS }, VGPU_ST_BAD_CONTEXT },
		{ { .opcode = VGPU_OP_STREAM_WAIT, .wait.seq = 1000000 }, VGPU_ST_BAD_SEQUENCE },
		{ chunk_cmd(VGPU_OP_CHUNK_MAP, DEVICE(0), 0), VGPU_ST_BAD_LENGTH },
		{ chunk_cmd(VGPU_OP_CHUNK_MAP, DEVICE(0), STANDIN_GRANULE - 1), VGPU_ST_BAD_LENGTH },
		{ chunk_cmd(VGPU_OP_CHUNK_MAP, DEVICE(4096), STANDIN_GRANULE), VGPU_ST_BAD_ADDRESS },
		{ chunk_cmd(VGPU_OP_CHUNK_MAP, DEVICE(-STANDIN_GRANULE), STANDIN_GRANULE),
		  VGPU_ST_BAD_ADDRESS },
		{ chunk_cmd(VGPU_OP_CHUNK_MAP, DEVICE(4ULL << 30), STANDIN_GRANULE),
		  VGPU_ST_BAD_ADDRESS },
		{ chunk_cmd(VGPU_OP_CHUNK_MAP, DEVICE(0), 1ULL << 63), VGPU_ST_BAD_ADDRESS },
		{ chunk_cmd(VGPU_OP_CHUNK_MAP, DEVICE(0), (1ULL << 30) + STANDIN_GRANULE),
		  VGPU_ST_QUOTA },
		{ chunk_cmd(VGPU_OP_CHUNK_UNMAP, DEVICE(0), STANDIN_GRANULE), VGPU_ST_NOT_MAPPED },
		{ copy_cmd(VGPU_OP_COPY_IN, DEVICE(0), PAYLOAD(0), 0), VGPU_ST_BAD_LENGTH },
		{ copy_cmd(VGPU_OP_COPY_IN, DEVICE(0), PAYLOAD(0), VGPU_MAX_COPY + 1),
		  VGPU_ST_BAD_LENGTH },
		{ copy_cmd(VGPU_OP_COPY_IN, DEVICE(0), PAYLOAD(1), 16), VGPU_ST_BAD_APERTURE },
		{ copy_cmd(VGPU_OP_COPY_IN, DEVICE(0), QUEUE_AREA(0), 16), VGPU_ST_BAD_APERTURE },
		{ copy_cmd(VGPU_OP_COPY_IN, DEVICE(0), end - 8, 16), VGPU_ST_BAD_APERTURE },
		{ copy_cmd(VGPU_OP_COPY_IN, DEVICE(0), -8ULL, 16), VGPU_ST_BAD_APERTURE },
		{ copy_cmd(VGPU_OP_COPY_IN, DEVICE(area - 8), PAYLOAD(0), 16), VGPU_ST_BAD_ADDRESS },
		{ copy_cmd(VGPU_OP_COPY_IN, 0x1000, PAYLOAD(0), 16), VGPU_ST_BAD_ADDRESS },
		{ copy_cmd(VGPU_OP_COPY_OUT, PAYLOAD(0), DEVICE(-1), 16), VGPU_ST_BAD_ADDRESS },
		{ copy_cmd(VGPU_OP_COPY_OUT, end, DEVICE(0), 16), VGPU_ST_BAD_APERTURE },
		{ { .opcode = VGPU_OP_COPY_DEVICE, .copy = { DEVICE(0), DEVICE(0), 16, 8, 16, 2, 0 } },
		  VGPU_ST_BAD_LENGTH },
		{ { .opcode = VGPU_OP_COPY_DEVICE,
		    .copy = { DEVICE(0), DEVICE(0), 16, 1ULL << 63, 16, 3, 0 } },
		  VGPU_ST_BAD_LENGTH },
		{ { .opcode = VGPU_OP_COPY_DEVICE,
		    .copy = { DEVICE(0), DEVICE(0), 16, 1ULL << 40, 16, 2, 0 } },
		  VGPU_ST_BAD_ADDRESS },
		{ { .opcode = VGPU_OP_MEMSET, .memset = { DEVICE(0), 16, 0, 0, 3, 1, { 0 } } },
		  VGPU_ST_BAD_LENGTH },
		{ { .opcode = VGPU_OP_MEMSET, .memset = { DEVICE(2), 16, 0, 0, 4, 1, { 0 } } },
		  VGPU_ST_BAD_ADDRESS },
		{ { .opcode = VGPU_OP_MODULE_LOAD, .module = { PAYLOAD(0), 0, 0, 0, 1, 0, { 0 } } },
		  VGPU_ST_BAD_LENGTH },
		{ { .opcode = VGPU_OP_MODULE_LOAD,
		    .module = { PAYLOAD(0), 16, 0, 0, 65536, 0, { 0 } } },
		  VGPU_ST_BAD_OBJECT },
		{ { .opcode = VGPU_OP_MODULE_LOAD, .module = { PAYLOAD(0), 16, 0, 0, 1, 2, { 0 } } },
		  VGPU_ST_BAD_FLAGS },
		{ { .opcode = VGPU_OP_MODULE_LOAD, .module = { end - 8, 16, 0, 0, 1, 0, { 0 } } },
		  VGPU_ST_BAD_APERTURE },
		{ { .opcode = VGPU_OP_MODULE_LOAD, .module = { PAYLOAD(0), 16, end, 8, 1, 0, { 0 } } },
		  VGPU_ST_BAD_APERTURE },
		{ { .opcode = VGPU_OP_FUNC_GET, .get = { PAYLOAD(0), PAYLOAD(0), 0, 64, 0, 0, { 0 } } },
		  VGPU_ST_BAD_LENGTH },
		{ { .opcode = VGPU_OP_FUNC_GET, .get = { PAYLOAD(0), PAYLOAD(0), 4, 8, 0, 0, { 0 } } },
		  VGPU_ST_BAD_LENGTH },
		{ { .opcode = VGPU_OP_FUNC_SET, .attr.func = 65536 }, VGPU_ST_BAD_OBJECT },
		{ { .opcode = VGPU_OP_LAUNCH,
		    .launch = { .func = 65536, .grid = { 1, 1, 1 }, .block = { 1, 1, 1 } } },
		  VGPU_ST_BAD_OBJECT },
		{ { .opcode = VGPU_OP_LAUNCH, .launch = { .grid = { 0, 1, 1 }, .block = { 1, 1, 1 } } },
		  VGPU_ST_BAD_DIMENSIONS },
		{ { .opcode = VGPU_OP_LAUNCH,
		    .launch = { .grid = { 1, 65536, 1 }, .block = { 1, 1, 1 } } },
		  VGPU_ST_BAD_DIMENSIONS },
		{ { .opcode = VGPU_OP_LAUNCH,
		    .launch = { .grid = { 1, 1, 1 }, .block = { 1025, 1, 1 } } },
		  VGPU_ST_BAD_DIMENSIONS },
		{ { .opcode = VGPU_OP_LAUNCH,
		    .launch = { .grid = { 1, 1, 1 }, .block = { 1024, 1024, 64 } } },
		  VGPU_ST_BAD_DIMENSIONS },
		{ { .opcode = VGPU_OP_LAUNCH,
		    .launch = { .params_len = VGPU_MAX_PARAMS + 1,
				.grid = { 1, 1, 1 },
				.block = { 1, 1, 1 } } },
		  VGPU_ST_BAD_LENGTH },
		{ { .opcode = VGPU_OP_LAUNCH,
		    .launch = { .params = end - 4,
				.params_len = 8,
				.grid = { 1, 1, 1 },
				.block = { 1, 1, 1 } } },
		  VGPU_ST_BAD_APERTURE },
		{ { .opcode = VGPU_OP_PRINTF_READ, .buffer = { .out = PAYLOAD(0) } },
		  VGPU_ST_BAD_LENGTH },
		{ { .opcode = VGPU_OP_PRINTF_READ,
		    .buffer = { .out = PAYLOAD(0), .len = PAYLOAD_LEN + 1 } },
		  VGPU_ST_BAD_APERTURE },
	};
	struct vgpu_cmd fence = { .opcode = VGPU_OP_FENCE };
	struct vgpu_cqe cqe;
	struct queue queue;
	uint32_t i, seq;

	TRY(begin(&queue));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		seq = queue_submit(&queue, &bad[i].cmd);
		EXPECT_EQ(queue_wait(&queue, &cqe), 0);
		EXPECT_EQ(cqe.seq, seq);
		if (cqe.status != bad[i].status)
			return failed(__FILE__, __LINE__,
				      "malformed command %u (opcode %u): status 0x%x, expected 0x%x",
				      i, bad[i].cmd.opcode, cqe.status, bad[i].status);
	}
	EXPECT_EQ(mdev_counter(UUID, "rejected"), i);
	seq = queue_submit(&queue, &fence);
	TRY(expect_completion(&queue, seq, VGPU_ST_OK, 0));
	queue_free(&queue);
	return 0;
}

/* Streams: order within, waits between, and what the kernel completes itself. */
static int test_streams(void)
{
	struct vgpu_cmd launch1 = launch_cmd(1), launch2 = launch_cmd(2);
	struct vgpu_cmd wait = { .opcode = VGPU_OP_STREAM_WAIT, .stream = 2 };
	struct vgpu_cmd fence = { .opcode = VGPU_OP_FENCE, .flags = VGPU_CMD_F_ALL, .stream = 3 };
	struct vgpu_dispatch first, second;
	struct vgpu_cqe cqe;
	struct queue queue;
	uint32_t seq[4];

	TRY(begin(&queue));
	seq[0] = queue_put(&queue, &launch1);
	wait.wait.seq = seq[0];
	seq[1] = queue_put(&queue, &wait);
	seq[2] = queue_put(&queue, &launch2);
	seq[3] = queue_put(&queue, &fence);
	queue_ring(&queue);
	EXPECT_EQ(puppet_next(&t.puppet, &first), 0);
	EXPECT_EQ(first.cmd.stream, 1);
	/* The other launch is not handed out before the first has completed. */
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_WAIT, 0, t.puppet.consumed, 0, 0), 0);
	EXPECT_EQ(t.puppet.out[0], t.puppet.consumed);
	EXPECT(!queue_poll(&queue, &cqe));
	EXPECT_EQ(puppet_complete(&t.puppet, &first, 0, 0), 0);
	TRY(expect_completion(&queue, seq[0], VGPU_ST_OK, 0));
	TRY(expect_completion(&queue, seq[1], VGPU_ST_OK, 0));
	EXPECT_EQ(puppet_next(&t.puppet, &second), 0);
	EXPECT_EQ(second.cmd.stream, 2);
	EXPECT(!queue_poll(&queue, &cqe));
	EXPECT_EQ(puppet_complete(&t.puppet, &second, 0, 0), 0);
	TRY(expect_completion(&queue, seq[2], VGPU_ST_OK, 0));
	TRY(expect_completion(&queue, seq[3], VGPU_ST_OK, 0));
	queue_free(&queue);
	return 0;
}

/* Completions that are not of a command that the worker has are dropped and counted. */
static int test_hostile_completions(void)
{
	struct vgpu_cmd launch = launch_cmd(1);
	struct vgpu_dispatch d;
	struct vgpu_cqe cqe;
	struct queue queue;
	uint32_t seq, i;

	TRY(begin(&queue));
	seq = queue_submit(&queue, &launch);
	EXPECT_EQ(puppet_next(&t.puppet, &d), 0);
	puppet_call(&t.puppet, PUPPET_COMPLETE, d.tag + 1, d.generation, 0, 0);
	puppet_call(&t.puppet, PUPPET_COMPLETE, d.tag ^ 1ULL << 40, d.generation, 0, 0);
	puppet_call(&t.puppet, PUPPET_COMPLETE, d.tag | 0xffffffff, d.generation, 0, 0);
	puppet_call(&t.puppet, PUPPET_COMPLETE, d.tag, d.generation + 1, 0, 0);
	puppet_call(&t.puppet, PUPPET_COMPLETE, d.tag, d.generation - 1, 0, 0);
	puppet_call(&t.puppet, PUPPET_COMPLETE, 0, 0, 0, 0);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_KICK, 0, 0, 0, 0), 0);
	EXPECT_EQ(mdev_counter(UUID, "bad_completions"), 6);
	EXPECT(!queue_poll(&queue, &cqe));
	for (i = 0; i < 5; i++)
		puppet_call(&t.puppet, PUPPET_COMPLETE, d.tag, d.generation, i ? 1 : 0, i);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_KICK, 0, 0, 0, 0), 0);
	TRY(expect_completion(&queue, seq, VGPU_ST_OK, 0));
	EXPECT(!queue_poll(&queue, &cqe));
	EXPECT_EQ(mdev_counter(UUID, "bad_completions"), 10);
	EXPECT_EQ(session_state(&t.client, 0), VGPU_SESSION_ACTIVE);
	queue_free(&queue);
	return 0;
}

static int expect_lost(struct queue *queue, uint32_t first, uint32_t count, uint32_t status)
{
	struct vgpu_cqe cqe;
	uint64_t seen = 0;
	uint32_t i;

	for (i = 0; i < count; i++) {
		EXPECT_EQ(queue_wait(queue, &cqe), 0);
		EXPECT_EQ(cqe.status, status);
		EXPECT(cqe.seq - first < count && !(seen >> (cqe.seq - first) & 1));
		seen |= 1ULL << (cqe.seq - first);
	}
	EXPECT(!queue_poll(queue, &cqe));
	EXPECT_EQ(session_state(&t.client, queue->session), VGPU_SESSION_LOST);
	return 0;
}

/* A completion ring that cannot be costs the session; the worker is killed. */
static int test_impossible_ring(void)
{
	struct vgpu_cmd launch = launch_cmd(1);
	struct queue queue;
	uint32_t seq;

	TRY(begin(&queue));
	seq = queue_submit(&queue, &launch);
	puppet_call(&t.puppet, PUPPET_SET_TAIL, 0x12345678, 0, 0, 0);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_KICK, 0, 0, 0, 0), -EPIPE);
	EXPECT(puppet_wait_killed(&t.puppet));
	TRY(expect_lost(&queue, seq, 1, VGPU_ST_SESSION_LOST));
	queue_free(&queue);
	return 0;
}

/* The dispatch ring's head is the worker's to lie about: it gets no more than the ring holds. */
static int test_lying_head(void)
{
	const uint32_t heads[] = { 0x80000000, ~0U, 77, 0 };
	struct vgpu_cmd launch = launch_cmd(1);
	struct vgpu_dispatch d;
	struct queue queue;
	uint32_t i, seq;

	TRY(begin(&queue));
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		puppet_call(&t.puppet, PUPPET_CONSUME, heads[i], 0, 0, 0);
		seq = queue_submit(&queue, &launch);
		puppet_call(&t.puppet, PUPPET_CONSUME, t.puppet.consumed, 0, 0, 0);
		EXPECT_EQ(puppet_call(&t.puppet, PUPPET_KICK, 0, 0, 0, 0), 0);
		EXPECT_EQ(puppet_next(&t.puppet, &d), 0);
		EXPECT_EQ(puppet_complete(&t.puppet, &d, 0, 0), 0);
		TRY(expect_completion(&queue, seq, VGPU_ST_OK, 0));
	}
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_WAIT, 0, t.puppet.consumed + 1, 0, 0), -EINVAL);
	queue_free(&queue);
	return 0;
}

/* A worker dies with commands done, begun and waiting: each gets one completion, its own if given. */
static int test_killed_in_mid_flight(void)
{
	struct vgpu_cmd launch = launch_cmd(1), other = launch_cmd(2);
	struct vgpu_dispatch d;
	struct queue queue;
	uint32_t first, i;

	TRY(begin(&queue));
	first = queue_put(&queue, &launch);
	for (i = 1; i < 40; i++)
		queue_put(&queue, i & 1 ? &launch : &other);
	queue_ring(&queue);
	EXPECT_EQ(puppet_next(&t.puppet, &d), 0);
	puppet_call(&t.puppet, PUPPET_COMPLETE, d.tag, d.generation, 0, 7);
	puppet_kill(&t.puppet);
	/* What the dead worker had said counts. */
	TRY(expect_completion(&queue, (uint32_t)(d.tag >> 32), VGPU_ST_OK, 7));
	EXPECT_EQ(d.tag >> 32, first);
	TRY(expect_lost(&queue, first + 1, 39, VGPU_ST_SESSION_LOST));
	EXPECT_EQ(mdev_counter(UUID, "sessions_lost"), 1);
	EXPECT_EQ(mdev_counter(UUID, "workers"), 0);

	/* The same number serves again after it was destroyed. */
	EXPECT_EQ(control(&t.client, 0, VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0), VGPU_ST_OK);
	EXPECT(session_wait_state(&t.client, 0, VGPU_SESSION_FREE));
	queue_free(&queue);
	TRY(begin(&queue));
	queue_free(&queue);
	return 0;
}

/* Destroying a session kills its worker; the number is free when that is gone. */
static int test_destroyed_in_mid_flight(void)
{
	struct vgpu_cmd launch = launch_cmd(1);
	struct queue queue;
	uint32_t i;

	TRY(begin(&queue));
	for (i = 0; i < 20; i++)
		queue_put(&queue, &launch);
	queue_ring(&queue);
	EXPECT_EQ(control(&t.client, 0, VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0), VGPU_ST_OK);
	EXPECT(puppet_wait_killed(&t.puppet));
	EXPECT(session_wait_state(&t.client, 0, VGPU_SESSION_FREE));
	EXPECT_EQ(mdev_counter(UUID, "failed"), 20);
	EXPECT_EQ(mdev_counter(UUID, "waiting"), 0);
	queue_free(&queue);
	return 0;
}

static int test_reset_in_mid_flight(void)
{
	struct vgpu_cmd launch = launch_cmd(1);
	struct queue queue;

	TRY(begin(&queue));
	queue_submit(&queue, &launch);
	reg_write32(&t.client, VGPU_REG_STATUS, 0);
	EXPECT(puppet_wait_killed(&t.puppet));
	EXPECT(device_wait_reset(&t.client));
	EXPECT_EQ(mdev_counter(UUID, "failed"), 1);
	EXPECT_EQ(t.client.aperture[QUEUE_AREA(0)], 0);
	queue_free(&queue);
	return 0;
}

/* The file is good for the process that bound it, once. */
static int test_bound_to_process(void)
{
	struct queue queue;

	TRY(begin(&queue));
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_CHILD_KICK, 0, 0, 0, 0), -EPERM);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_BIND, 1, VGPU_EXEC_VERSION, 0, 0), -EBUSY);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_READY, STANDIN_DEVICE_BASE, STANDIN_APERTURE_BASE,
			      0, 0),
		  -EBUSY);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_MAP, 4096, 4096, PROT_READ, MAP_SHARED), -EINVAL);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_MAP, 0, 1 << 20, PROT_READ, MAP_SHARED), -EINVAL);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_MAP, 0, 4096, PROT_READ, MAP_PRIVATE), -EINVAL);
	EXPECT_EQ(session_state(&t.client, 0), VGPU_SESSION_ACTIVE);
	queue_free(&queue);
	return 0;
}

static int test_bind_and_ready_errors(void)
{
	const uint64_t area = 5ULL << 30;
	struct vgpu_cmd init = { .opcode = VGPU_OP_SESSION_INIT, .init.out = PAYLOAD(0) };
	struct vgpu_exec_event event;
	struct queue queue;

	EXPECT_EQ(queue_create(&queue, &t.client, 0, QUEUE_AREA(0), 16, 16), VGPU_ST_OK);
	EXPECT_EQ(control(&t.client, 0, VGPU_CTL_RANGE_ADD, PAYLOAD(0), PAYLOAD_LEN, 0, 0), VGPU_ST_OK);
	queue_submit(&queue, &init);
	EXPECT_EQ(standin_event(t.supervisor, &event), 0);
	EXPECT_EQ(event.type, VGPU_EVENT_SPAWN);
	EXPECT_EQ(event.session, 0);
	EXPECT_EQ(event.uuid[0], 0x12);
	puppet_start(&t.puppet);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_OPEN, 0, 0, 0, 0), 0);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_KICK, 0, 0, 0, 0), -EINVAL);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_RINGS, 0, 0, 0, 0), -EINVAL);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_BIND, event.token, VGPU_EXEC_VERSION + 1, 0, 0), -EINVAL);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_BIND, event.token, VGPU_EXEC_VERSION, 1, 0), -EINVAL);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_BIND, 0, VGPU_EXEC_VERSION, 0, 0), -EINVAL);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_BIND, event.token ^ 1, VGPU_EXEC_VERSION, 0, 0), -ENOENT);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_BIND, event.token, VGPU_EXEC_VERSION, 0, 0), 0);
	EXPECT_EQ(t.puppet.out[2], 1ULL << 30);
	EXPECT_EQ(t.puppet.out[3], 1ULL << 30);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_READY, 0, STANDIN_APERTURE_BASE, 0, 0), -EINVAL);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_READY, STANDIN_DEVICE_BASE + 4096,
			      STANDIN_APERTURE_BASE, 0, 0),
		  -EINVAL);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_READY, STANDIN_DEVICE_BASE,
			      STANDIN_APERTURE_BASE + 1, 0, 0),
		  -EINVAL);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_READY, STANDIN_DEVICE_BASE,
			      STANDIN_DEVICE_BASE + area - 4096, 0, 0),
		  -EINVAL);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_READY, 1ULL << 47, STANDIN_APERTURE_BASE, 0, 0), -EINVAL);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_READY, -STANDIN_GRANULE, STANDIN_APERTURE_BASE, 0, 0),
		  -EINVAL);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_READY, STANDIN_DEVICE_BASE, STANDIN_APERTURE_BASE,
			      0, 1),
		  -EINVAL);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_READY, STANDIN_DEVICE_BASE, STANDIN_APERTURE_BASE,
			      1000, 0),
		  -EINVAL);
	/* No device could be opened: CUDA_ERROR_NO_DEVICE, which the guest gets to see. */
	puppet_call(&t.puppet, PUPPET_READY, 0, 0, 100, 0);
	EXPECT(puppet_wait_killed(&t.puppet));
	TRY(expect_lost(&queue, 0, 1, 100));
	queue_free(&queue);
	return 0;
}

/* A worker that is asked to end finds ENODEV, also if it is just sleeping; killing it comes first here. */
static int test_reset_wakes_worker(void)
{
	struct queue queue;

	TRY(begin(&queue));
	EXPECT_EQ(control(&t.client, 0, VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0), VGPU_ST_OK);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_WAIT, STANDIN_PATIENCE_NS, t.puppet.consumed, 0, 0), -EPIPE);
	EXPECT(puppet_wait_killed(&t.puppet));
	queue_free(&queue);
	return 0;
}

/* However many threads a worker has, waking it takes the time of one. */
static int test_one_thread_waits(void)
{
	struct queue queue;

	TRY(begin(&queue));
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_WAIT_BESIDE, t.puppet.consumed, 0, 0, 0), -EBUSY);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_KICK, 0, 0, 0, 0), 0);
	EXPECT_EQ(control(&t.client, 0, VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0), VGPU_ST_OK);
	EXPECT(puppet_wait_killed(&t.puppet));
	queue_free(&queue);
	return 0;
}

const struct test worker_tests[] = {
	{ "commands", test_commands },
	{ "malformed-commands", test_malformed_commands },
	{ "streams", test_streams },
	{ "hostile-completions", test_hostile_completions },
	{ "impossible-ring", test_impossible_ring },
	{ "lying-head", test_lying_head },
	{ "killed-in-mid-flight", test_killed_in_mid_flight },
	{ "destroyed-in-mid-flight", test_destroyed_in_mid_flight },
	{ "reset-in-mid-flight", test_reset_in_mid_flight },
	{ "bound-to-process", test_bound_to_process },
	{ "bind-and-ready-errors", test_bind_and_ready_errors },
	{ "reset-wakes-worker", test_reset_wakes_worker },
	{ "one-thread-waits", test_one_thread_waits },
	{ NULL, NULL }
};
