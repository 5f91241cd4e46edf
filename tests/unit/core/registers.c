// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * BAR0: every register at every width, control operations with every status, reset, limits.
 */

#include "rig.h"

#include <setjmp.h>
#include <cmocka.h>

static int setup(void **state)
{
	struct vgpu_limits limits = rig_limits();
	struct rig *rig = rig_new();

	limits.sessions = 8;
	rig_attach(rig);
	rig_dev_open(rig, 0, &limits);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static u64 rd(struct rig *rig, u64 offset, u32 len)
{
	return vgpu_dev_read(&rig->dev[0].dev, offset, len);
}

static void wr(struct rig *rig, u64 offset, u32 len, u64 value)
{
	vgpu_dev_write(&rig->dev[0].dev, offset, len, value);
}

static void identity_reads_at_every_width(void **state)
{
	static const struct {
		u64 offset;
		u32 len;
		u64 value;
	} regs[] = {
		{ VGPU_REG_MAGIC, 4, VGPU_MAGIC },
		{ VGPU_REG_VERSION, 4, VGPU_VERSION },
		{ VGPU_REG_FEATURES, 8, VGPU_F_ALL },
		{ VGPU_REG_DRIVER_FEATURES, 8, 0 },
		{ VGPU_REG_STATUS, 4, VGPU_STATUS_DRIVER_OK | VGPU_STATUS_GPU_READY },
		{ VGPU_REG_NUM_SESSIONS, 4, 8 },
		{ VGPU_REG_APERTURE_SIZE, 8, RIG_APERTURE },
		{ VGPU_REG_MEMORY_SIZE, 8, RIG_MEMORY },
		{ VGPU_REG_GRANULE, 8, RIG_GRANULE },
		{ VGPU_REG_QUEUE_DEPTH, 4, VGPU_DEPTH_DEFAULT },
		{ VGPU_REG_MEMORY_USED, 8, 0 },
		{ VGPU_REG_CTL_RESULT, 4, 0 },
	};
	struct rig *rig = *state;
	u32 i, byte;

	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		u64 read = 0;

		assert_int_equal(rd(rig, regs[i].offset, regs[i].len), regs[i].value);
		for (byte = 0; byte < regs[i].len; byte++)
			read |= rd(rig, regs[i].offset + byte, 1) << (8 * byte);
		assert_int_equal(read, regs[i].value);
		assert_int_equal(rd(rig, regs[i].offset, 2), regs[i].value & 0xffff);
		assert_int_equal(rd(rig, regs[i].offset, 4), regs[i].value & 0xffffffff);
		if (regs[i].len == 8)
			assert_int_equal(rd(rig, regs[i].offset + 4, 4), regs[i].value >> 32);
	}
}

static void gpu_info_is_the_virtual_gpus(void **state)
{
	struct rig *rig = *state;
	struct vgpu_gpu_info info;
	u32 i;

	for (i = 0; i < sizeof(info); i += 8) {
		u64 value = rd(rig, VGPU_BAR0_GPU_INFO + i, 8);

		memcpy((u8 *)&info + i, &value, sizeof(value));
	}
	assert_int_equal(info.version, VGPU_GPU_INFO_VERSION);
	assert_string_equal(info.name, "Rig GPU");
	assert_int_equal(info.memory, RIG_MEMORY);
	assert_int_equal(info.uuid[15], 1);
	assert_int_equal(rd(rig, VGPU_BAR0_GPU_INFO + sizeof(info), 8), 0);
}

static void rest_of_bar0_reads_zero(void **state)
{
	struct rig *rig = *state;
	u64 offset;

	for (offset = VGPU_REG_CTL_ARG(4); offset < VGPU_REG_SESSION_STATE(0); offset += 4)
		assert_int_equal(rd(rig, offset, 4), 0);
	for (offset = VGPU_REG_SESSION_STATE(VGPU_MAX_SESSIONS); offset < VGPU_BAR0_GPU_INFO; offset += 4)
		assert_int_equal(rd(rig, offset, 4), 0);
	for (offset = VGPU_BAR0_GPU_INFO + sizeof(struct vgpu_gpu_info); offset < VGPU_BAR0_SIZE; offset += 4)
		assert_int_equal(rd(rig, offset, 4), 0);
}

static void insane_accesses_abort(void **state)
{
	struct rig *rig = *state;
	u64 before;

	assert_true(rd(rig, 2, 4) == ~0ULL);
	assert_true(rd(rig, 4, 8) == ~0ULL);
	assert_true(rd(rig, 0, 3) == ~0ULL);
	assert_true(rd(rig, 0, 0) == ~0ULL);
	assert_true(rd(rig, 0, 16) == ~0ULL);
	assert_true(rd(rig, VGPU_BAR0_SIZE, 4) == ~0ULL);
	assert_true(rd(rig, ~7ULL, 8) == ~0ULL);

	before = rig_stats(&rig->dev[0]).counters.bad_registers;
	wr(rig, VGPU_REG_CTL_SESSION + 2, 4, 5);
	wr(rig, VGPU_REG_CTL_SESSION, 2, 5);
	wr(rig, VGPU_REG_CTL_SESSION, 1, 5);
	wr(rig, VGPU_BAR0_SIZE, 4, 5);
	assert_int_equal(rd(rig, VGPU_REG_CTL_SESSION, 4), 0);
	assert_int_equal(rig_stats(&rig->dev[0]).counters.bad_registers, before + 4);
}

static void read_only_and_undefined_writes_are_counted(void **state)
{
	static const u64 offsets[] = {
		VGPU_REG_MAGIC, VGPU_REG_VERSION, VGPU_REG_FEATURES, VGPU_REG_NUM_SESSIONS, VGPU_REG_APERTURE_SIZE,
		VGPU_REG_MEMORY_SIZE, VGPU_REG_GRANULE, VGPU_REG_QUEUE_DEPTH, VGPU_REG_MEMORY_USED, VGPU_REG_CTL_RESULT,
		VGPU_REG_SESSION_STATE(0), VGPU_BAR0_GPU_INFO, VGPU_REG_CTL_ARG(4), 0x300, VGPU_BAR0_MSIX_TABLE - 4,
		VGPU_BAR0_DOORBELL(VGPU_MAX_SESSIONS),
	};
	struct rig *rig = *state;
	u64 before = rig_stats(&rig->dev[0]).counters.bad_registers;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		u64 value = rd(rig, offsets[i], 4);

		wr(rig, offsets[i], 4, 0xdeadbeef);
		assert_int_equal(rd(rig, offsets[i], 4), value);
		assert_int_equal(rig_stats(&rig->dev[0]).counters.bad_registers, before + i + 1);
	}
}

static void arguments_keep_halves_apart(void **state)
{
	struct rig *rig = *state;
	u32 i;

	for (i = 0; i < 4; i++) {
		wr(rig, VGPU_REG_CTL_ARG(i), 8, 0x1111222233334444ULL + i);
		wr(rig, VGPU_REG_CTL_ARG(i) + 4, 4, 0xaaaabbbb);
		assert_int_equal(rd(rig, VGPU_REG_CTL_ARG(i), 8), 0xaaaabbbb33334444ULL + i);
		wr(rig, VGPU_REG_CTL_ARG(i), 4, 0x55556666);
		assert_int_equal(rd(rig, VGPU_REG_CTL_ARG(i), 8), 0xaaaabbbb55556666ULL);
		assert_int_equal(rd(rig, VGPU_REG_CTL_ARG(i) + 4, 4), 0xaaaabbbb);
	}
	wr(rig, VGPU_REG_DRIVER_FEATURES, 8, ~0ULL);
	assert_int_equal(rd(rig, VGPU_REG_DRIVER_FEATURES, 8), VGPU_F_ALL);
	wr(rig, VGPU_REG_CTL_SESSION, 4, 7);
	assert_int_equal(rd(rig, VGPU_REG_CTL_SESSION, 4), 7);
}

static void doorbells_are_counted_whoever_listens(void **state)
{
	struct rig *rig = *state;
	u32 i;

	for (i = 0; i < VGPU_MAX_SESSIONS; i++)
		wr(rig, VGPU_BAR0_DOORBELL(i), 4, 1);
	wr(rig, VGPU_BAR0_DOORBELL(VGPU_MAX_SESSIONS - 1) + VGPU_PAGE_SIZE - 4, 4, 1);
	assert_int_equal(rig_stats(&rig->dev[0]).counters.doorbells, VGPU_MAX_SESSIONS + 1);
	assert_int_equal(rig_stats(&rig->dev[0]).counters.bad_registers, 0);
}

static void create_tells_what_is_wrong(void **state)
{
	static const struct {
		const char *what;
		u32 status, id;
		u64 offset, sq, cq, vector;
	} cases[] = {
		{ "good", VGPU_ST_OK, 0, 0, 128, 128, 1 },
		{ "taken", VGPU_ST_BAD_STATE, 0, 0x10000, 128, 128, 1 },
		{ "number", VGPU_ST_BAD_SESSION, VGPU_MAX_SESSIONS, 0x10000, 128, 128, 1 },
		{ "number", VGPU_ST_BAD_SESSION, ~0u, 0x10000, 128, 128, 1 },
		{ "policy", VGPU_ST_LIMIT, 8, 0x10000, 128, 128, 1 },
		{ "small sq", VGPU_ST_BAD_QUEUE, 1, 0x10000, VGPU_QUEUE_MIN / 2, 128, 1 },
		{ "large sq", VGPU_ST_BAD_QUEUE, 1, 0x10000, VGPU_QUEUE_MAX * 2, 128, 1 },
		{ "odd sq", VGPU_ST_BAD_QUEUE, 1, 0x10000, 48, 128, 1 },
		{ "zero cq", VGPU_ST_BAD_QUEUE, 1, 0x10000, 128, 0, 1 },
		{ "huge cq", VGPU_ST_BAD_QUEUE, 1, 0x10000, 128, 1ULL << 32, 1 },
		{ "vector 0", VGPU_ST_BAD_QUEUE, 1, 0x10000, 128, 128, 0 },
		{ "vector", VGPU_ST_BAD_QUEUE, 1, 0x10000, 128, 128, VGPU_NUM_VECTORS },
		{ "vector", VGPU_ST_BAD_QUEUE, 1, 0x10000, 128, 128, 1ULL << 32 | 1 },
		{ "not aligned", VGPU_ST_BAD_APERTURE, 1, 0x10010, 128, 128, 1 },
		{ "outside", VGPU_ST_BAD_APERTURE, 1, RIG_APERTURE, 128, 128, 1 },
		{ "partly outside", VGPU_ST_BAD_APERTURE, 1, RIG_APERTURE - 0x1000, 128, 128, 1 },
		{ "wraps", VGPU_ST_BAD_APERTURE, 1, -0x1000ULL, 128, 128, 1 },
		{ "overlap", VGPU_ST_OVERLAP, 1, 0x3000, 128, 128, 1 },
		{ "behind", VGPU_ST_OK, 1, 0x4000, 128, 128, 1 },
		{ "largest", VGPU_ST_OK, 2, 0x10000, VGPU_QUEUE_MAX, VGPU_QUEUE_MAX, VGPU_NUM_VECTORS - 1 },
		{ "smallest, last", VGPU_ST_OK, 7, RIG_APERTURE - 0x3000, VGPU_QUEUE_MIN, VGPU_QUEUE_MIN, 1 },
	};
	struct rig *rig = *state;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 status = rig_control(&rig->dev[0], VGPU_CTL_SESSION_CREATE, cases[i].id, cases[i].offset,
					 cases[i].sq, cases[i].cq, cases[i].vector);

		if (status != cases[i].status)
			fail_msg("%s (case %u): %#x, not %#x", cases[i].what, i, status, cases[i].status);
	}
	assert_int_equal(rig_stats(&rig->dev[0]).sessions, 4);
}

static void create_needs_a_driver(void **state)
{
	struct rig *rig = *state;

	wr(rig, VGPU_REG_STATUS, 4, 0);
	assert_true(rd(rig, VGPU_REG_STATUS, 4) & VGPU_STATUS_RESETTING);
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_CREATE, 0, 0, 16, 16, 1), VGPU_ST_BAD_STATE);
	wr(rig, VGPU_REG_STATUS, 4, VGPU_STATUS_DRIVER_OK);
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_CREATE, 0, 0, 16, 16, 1), VGPU_ST_BAD_STATE);
	rig_settle(rig);
	assert_int_equal(rd(rig, VGPU_REG_STATUS, 4), VGPU_STATUS_GPU_READY);
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_CREATE, 0, 0, 16, 16, 1), VGPU_ST_BAD_STATE);
	wr(rig, VGPU_REG_STATUS, 4, VGPU_STATUS_DRIVER_OK);
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_CREATE, 0, 0, 16, 16, 1), VGPU_ST_OK);
}

static void create_without_memory(void **state)
{
	struct rig *rig = *state;
	u32 status;
	long n;

	for (n = 0; ; n++) {
		vgpu_alloc_fail_after = n;
		status = rig_control(&rig->dev[0], VGPU_CTL_SESSION_CREATE, 0, 0, 16, 16, 1);
		vgpu_alloc_fail_after = -1;
		if (status == VGPU_ST_OK)
			break;
		assert_int_equal(status, VGPU_ST_NO_MEMORY);
		assert_int_equal(rig->dev[0].mapped, 0);
		assert_int_equal(rig_stats(&rig->dev[0]).sessions, 0);
	}
	assert_true(n >= 6);
	rig->dev[0].fail_map = true;
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_CREATE, 1, 0x10000, 16, 16, 1), VGPU_ST_NO_MEMORY);
	rig->dev[0].fail_map = false;
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_CREATE, 1, 0x10000, 16, 16, 1), VGPU_ST_OK);
}

/* A reset that begins while SESSION_CREATE allocates: the session does not come into being. */
static void *reset_in_map_queue(struct vgpu_dev *dev, u64 offset, u64 len)
{
	struct rig_dev *rdev = dev->host;

	vgpu_dev_reset(dev);
	rdev->mapped++;
	return rdev->aperture + offset;
}

static void reset_overtakes_create(void **state)
{
	struct rig *rig = *state;
	const struct vgpu_host_ops *ops = rig->gpu.ops;
	struct vgpu_host_ops racy = *ops;

	racy.map_queue = reset_in_map_queue;
	rig->gpu.ops = &racy;
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_CREATE, 0, 0, 16, 16, 1), VGPU_ST_BAD_STATE);
	rig->gpu.ops = ops;
	rig_settle(rig);
	assert_true(vgpu_dev_idle(&rig->dev[0].dev));
	assert_int_equal(rig->dev[0].mapped, 0);
}

static void ranges_tell_what_is_wrong(void **state)
{
	static const struct {
		const char *what;
		u32 status, id;
		u64 offset, len;
	} cases[] = {
		{ "no session", VGPU_ST_BAD_STATE, 3, 0x100000, 0x1000 },
		{ "number", VGPU_ST_BAD_SESSION, VGPU_MAX_SESSIONS, 0x100000, 0x1000 },
		{ "good", VGPU_ST_OK, 0, 0x100000, 0x2000 },
		{ "twice", VGPU_ST_OVERLAP, 0, 0x100000, 0x1000 },
		{ "overlap behind", VGPU_ST_OVERLAP, 1, 0x101000, 0x1000 },
		{ "overlap around", VGPU_ST_OVERLAP, 1, 0xff000, 0x10000 },
		{ "queue area", VGPU_ST_OVERLAP, 0, 0, 0x1000 },
		{ "queue area of another", VGPU_ST_OVERLAP, 0, 0x8000, 0x1000 },
		{ "next to it", VGPU_ST_OK, 1, 0x102000, 0x1000 },
		{ "zero", VGPU_ST_BAD_APERTURE, 0, 0x200000, 0 },
		{ "not aligned", VGPU_ST_BAD_APERTURE, 0, 0x200800, 0x1000 },
		{ "length not aligned", VGPU_ST_BAD_APERTURE, 0, 0x200000, 0x800 },
		{ "outside", VGPU_ST_BAD_APERTURE, 0, RIG_APERTURE, 0x1000 },
		{ "too long", VGPU_ST_BAD_APERTURE, 0, 0x200000, RIG_APERTURE },
		{ "wraps", VGPU_ST_BAD_APERTURE, 0, 0x200000, -0x1000ULL },
		{ "last page", VGPU_ST_OK, 0, RIG_APERTURE - 0x1000, 0x1000 },
	};
	struct rig *rig = *state;
	u32 i;

	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_CREATE, 0, 0, 16, 16, 1), VGPU_ST_OK);
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_CREATE, 1, 0x8000, 16, 16, 1), VGPU_ST_OK);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 status = rig_control(&rig->dev[0], VGPU_CTL_RANGE_ADD, cases[i].id, cases[i].offset, cases[i].len,
					 0, 0);

		if (status != cases[i].status)
			fail_msg("%s (case %u): %#x, not %#x", cases[i].what, i, status, cases[i].status);
	}
	for (i = 2; i < VGPU_MAX_RANGES; i++)
		assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_RANGE_ADD, 0, 0x200000 + i * 0x1000, 0x1000, 0, 0),
				 VGPU_ST_OK);
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_RANGE_ADD, 0, 0x180000, 0x1000, 0, 0), VGPU_ST_LIMIT);
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_RANGE_ADD, 1, 0x180000, 0x1000, 0, 0), VGPU_ST_OK);
}

static void destroy_tells_what_is_wrong(void **state)
{
	struct rig *rig = *state;
	struct rig_dev *dev = &rig->dev[0];
	u32 config;

	assert_int_equal(rig_control(dev, VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0, 0), VGPU_ST_BAD_STATE);
	assert_int_equal(rig_control(dev, VGPU_CTL_SESSION_DESTROY, VGPU_MAX_SESSIONS, 0, 0, 0, 0),
			 VGPU_ST_BAD_SESSION);
	assert_int_equal(rig_control(dev, 0, 0, 0, 0, 0, 0), VGPU_ST_BAD_OP);
	assert_int_equal(rig_control(dev, 4, 0, 0, 0, 0, 0), VGPU_ST_BAD_OP);
	assert_int_equal(rig_control(dev, VGPU_CTL_SESSION_CREATE, 5, 0, 16, 16, 1), VGPU_ST_OK);
	assert_int_equal(rd(rig, VGPU_REG_SESSION_STATE(5), 4), VGPU_SESSION_ACTIVE);
	assert_int_equal(rd(rig, VGPU_REG_SESSION_STATE(4), 8), (u64)VGPU_SESSION_ACTIVE << 32);
	assert_int_equal(rig_control(dev, VGPU_CTL_SESSION_DESTROY, 5, 0, 0, 0, 0), VGPU_ST_OK);
	assert_int_equal(rd(rig, VGPU_REG_SESSION_STATE(5), 4), VGPU_SESSION_CLOSING);
	assert_int_equal(rig_control(dev, VGPU_CTL_SESSION_DESTROY, 5, 0, 0, 0, 0), VGPU_ST_BAD_STATE);
	assert_int_equal(rig_control(dev, VGPU_CTL_RANGE_ADD, 5, 0x100000, 0x1000, 0, 0), VGPU_ST_BAD_STATE);
	assert_int_equal(rig_control(dev, VGPU_CTL_SESSION_CREATE, 5, 0x8000, 16, 16, 1), VGPU_ST_BAD_STATE);
	assert_int_equal(rig_control(dev, VGPU_CTL_SESSION_CREATE, 6, 0, 16, 16, 1), VGPU_ST_OVERLAP);
	config = dev->signals[VGPU_VECTOR_CONFIG];
	dev->aperture[100] = 0xff;
	rig_settle(rig);
	assert_int_equal(dev->signals[VGPU_VECTOR_CONFIG], config + 1);
	assert_int_equal(dev->aperture[100], 0);
	assert_int_equal(rd(rig, VGPU_REG_SESSION_STATE(5), 4), VGPU_SESSION_FREE);
	assert_int_equal(rig_control(dev, VGPU_CTL_SESSION_CREATE, 5, 0, 16, 16, 1), VGPU_ST_OK);
}

static void reset_makes_the_aperture_zero(void **state)
{
	struct rig *rig = *state;
	u64 i;

	memset(rig->dev[0].aperture, 0xa5, RIG_APERTURE);
	wr(rig, VGPU_REG_CTL_ARG(1), 8, 5);
	wr(rig, VGPU_REG_STATUS, 4, 0);
	rig_settle(rig);
	for (i = 0; i < RIG_APERTURE; i++)
		assert_int_equal(rig->dev[0].aperture[i], 0);
	assert_int_equal(rd(rig, VGPU_REG_CTL_ARG(1), 8), 0);
	assert_int_equal(rd(rig, VGPU_REG_STATUS, 4), VGPU_STATUS_GPU_READY);
}

static void limits_are_checked(void **state)
{
	struct rig *rig = *state;
	struct vgpu_limits good = rig->dev[0].dev.limits, bad;
	const char *why;

#define REFUSED(field, value, err) do { \
		bad = good; \
		bad.field = value; \
		why = NULL; \
		assert_int_equal(vgpu_dev_set_limits(&rig->dev[0].dev, &bad, &why), err); \
		assert_non_null(why); \
	} while (0)
	REFUSED(memory, 0, -EINVAL);
	REFUSED(memory, RIG_GRANULE + 1, -EINVAL);
	REFUSED(memory, RIG_GPU_MEMORY + RIG_GRANULE, -ENOSPC);
	REFUSED(aperture, 3ULL << 20, -EINVAL);
	REFUSED(aperture, 1ULL << 19, -EINVAL);
	REFUSED(aperture, RIG_APERTURE * 2, -EBUSY);
	REFUSED(depth, 0, -EINVAL);
	REFUSED(depth, VGPU_DEPTH_MAX + 1, -EINVAL);
	REFUSED(sessions, 0, -EINVAL);
	REFUSED(sessions, VGPU_MAX_SESSIONS + 1, -EINVAL);
	REFUSED(tier, VGPU_TIER_COUNT, -EINVAL);
	REFUSED(weight, VGPU_VM_WEIGHT_MIN - 1, -EINVAL);
	REFUSED(weight, VGPU_VM_WEIGHT_MAX + 1, -EINVAL);
	REFUSED(deadline_ns, 0, -EINVAL);
	REFUSED(deadline_ns, VGPU_DEADLINE_MAX + 1, -EINVAL);
	REFUSED(gpu_share, VGPU_GPU_SHARE_MIN - 1, -EINVAL);
	REFUSED(gpu_share, VGPU_GPU_SHARE_UNIT + 1, -EINVAL);
	REFUSED(gpu_burst_ns, VGPU_GPU_BURST_MIN - 1, -EINVAL);
	REFUSED(gpu_burst_ns, VGPU_GPU_BURST_MAX + 1, -EINVAL);
	REFUSED(copy_rate, VGPU_COPY_RATE_MIN - 1, -EINVAL);
	REFUSED(copy_rate, VGPU_COPY_RATE_MAX + 1, -EINVAL);
	REFUSED(copy_burst, VGPU_COPY_BURST_MIN - 1, -EINVAL);
	REFUSED(copy_burst, VGPU_COPY_BURST_MAX + 1, -EINVAL);
	REFUSED(cmd_rate, VGPU_CMD_RATE_MAX + 1, -EINVAL);
	REFUSED(cmd_burst, 0, -EINVAL);
	REFUSED(cmd_burst, VGPU_CMD_BURST_MAX + 1, -EINVAL);
	REFUSED(strike[VGPU_STRIKE_HANG].threshold, VGPU_STRIKES_MAX + 1, -EINVAL);
	REFUSED(strike[VGPU_STRIKE_FAULT].window_ns, VGPU_STRIKE_WINDOW_MIN - 1, -EINVAL);
	REFUSED(strike[VGPU_STRIKE_DOORBELL].window_ns, VGPU_STRIKE_WINDOW_MAX + 1, -EINVAL);
	REFUSED(quarantine_ns, VGPU_QUARANTINE_MIN - 1, -EINVAL);
	REFUSED(quarantine_max_ns, good.quarantine_ns - 1, -EINVAL);
	REFUSED(quarantine_max_ns, VGPU_QUARANTINE_MAX + 1, -EINVAL);
#undef REFUSED
	good.depth = 7;
	good.sessions = 3;
	assert_int_equal(vgpu_dev_set_limits(&rig->dev[0].dev, &good, &why), 0);
	assert_int_equal(rd(rig, VGPU_REG_QUEUE_DEPTH, 4), 7);
	assert_int_equal(rd(rig, VGPU_REG_NUM_SESSIONS, 4), 3);
}

static void memory_of_the_gpu_is_given_once(void **state)
{
	struct rig *rig = *state;
	struct vgpu_limits limits = rig_limits();
	struct vgpu_dev dev;
	u8 uuid[16] = { 9 };

	assert_int_equal(vgpu_gpu_available(&rig->gpu, RIG_MEMORY), RIG_DEVS - 1);
	limits.memory = RIG_GPU_MEMORY;
	assert_int_equal(vgpu_dev_init(&dev, &rig->gpu, uuid, &limits, NULL), -ENOSPC);
	limits.memory = RIG_GPU_MEMORY - RIG_MEMORY;
	assert_int_equal(vgpu_dev_init(&dev, &rig->gpu, uuid, &limits, NULL), 0);
	assert_int_equal(vgpu_gpu_available(&rig->gpu, RIG_GRANULE), 0);
	vgpu_dev_destroy(&dev);
	assert_int_equal(vgpu_gpu_available(&rig->gpu, RIG_GRANULE), RIG_MEMORY / RIG_GRANULE * (RIG_DEVS - 1));
}

static void attach_is_checked(void **state)
{
	struct rig *rig = *state;
	struct vgpu_exec_attach bad;
	const char *why;

#define REFUSED(statement) do { \
		bad = rig->attach; \
		statement; \
		why = NULL; \
		assert_int_equal(vgpu_attach_check(&bad, &why), -EINVAL); \
		assert_non_null(why); \
	} while (0)
	REFUSED(bad.version++);
	REFUSED(bad.flags = VGPU_ATTACH_FLAGS_ALL + 1);
	REFUSED(bad.reserved[3] = 1);
	REFUSED(bad.name[0] = 0);
	REFUSED(bad.name[0] = '.');
	REFUSED(bad.name[0] = '-');
	REFUSED(bad.name[1] = '/');
	REFUSED(bad.name[1] = 'A');
	REFUSED(memset(bad.name, 'a', sizeof(bad.name)));
	REFUSED(memset(bad.pci, '0', sizeof(bad.pci)));
	REFUSED(bad.granule = 0);
	REFUSED(bad.granule = 3ULL << 20);
	REFUSED(bad.granule = 32ULL << 10);
	REFUSED(bad.granule = 2ULL << 30);
	REFUSED(bad.memory = RIG_GRANULE - 1);
	REFUSED(bad.memory = (1ULL << 44) + 1);
	REFUSED(bad.info.version++);
	REFUSED(bad.info.size--);
	REFUSED(bad.info.num_attrs = VGPU_NUM_ATTRS + 1);
	REFUSED(memset(bad.info.name, 'a', sizeof(bad.info.name)));
#undef REFUSED
	assert_int_equal(vgpu_gpu_attach(&rig->gpu, &rig->attach, &why), -EBUSY);
	vgpu_gpu_detach(&rig->gpu);
	assert_int_equal(rd(rig, VGPU_REG_STATUS, 4), VGPU_STATUS_DRIVER_OK);
	bad = rig->attach;
	bad.granule *= 2;
	assert_int_equal(vgpu_gpu_attach(&rig->gpu, &bad, &why), -EINVAL);
	bad = rig->attach;
	bad.memory = RIG_MEMORY - RIG_GRANULE;
	assert_int_equal(vgpu_gpu_attach(&rig->gpu, &bad, &why), -EINVAL);
	bad = rig->attach;
	strcpy(bad.pci, "0000:65:00.0");
	assert_int_equal(vgpu_gpu_attach(&rig->gpu, &bad, &why), -EINVAL);
	assert_int_equal(vgpu_gpu_attach(&rig->gpu, &rig->attach, &why), 0);
}

static void policies_are_checked(void **state)
{
	struct vgpu_policy bad;
	const char *why;

#define REFUSED(statement) do { \
		bad = vgpu_policy_default; \
		statement; \
		why = NULL; \
		assert_int_equal(vgpu_policy_check(&bad, &why), -EINVAL); \
		assert_non_null(why); \
	} while (0)
	REFUSED(bad.weight[0] = 0);
	REFUSED(bad.weight[2] = VGPU_WEIGHT_MAX + 1);
	REFUSED(bad.aging_ns = VGPU_AGING_MIN - 1);
	REFUSED(bad.aging_ns = VGPU_AGING_MAX + 1);
	REFUSED(bad.slice_ns = VGPU_SLICE_MIN - 1);
	REFUSED(bad.slice_ns = VGPU_SLICE_MAX + 1);
	REFUSED(bad.aging_cap = VGPU_AGING_CAP_MAX + 1);
	REFUSED(bad.kind = VGPU_POLICY_COUNT);
	REFUSED(bad.order = VGPU_ORDER_COUNT);
	REFUSED(bad.charge = VGPU_CHARGE_COUNT);
	REFUSED(bad.window = 0);
	REFUSED(bad.window = VGPU_WINDOW + 1);
#undef REFUSED
	bad = vgpu_policy_default;
	assert_int_equal(vgpu_policy_check(&bad, &why), 0);
}

static void pools_rule_their_gpus(void **state)
{
	struct rig *rig = *state;
	struct vgpu_policy policy, read;
	struct vgpu_pool pool;
	const char *why;

	vgpu_pool_init(&pool, "a name that is much longer than there is room for");
	assert_int_equal(strlen(pool.name), sizeof(pool.name) - 1);
	vgpu_pool_read_policy(&pool, &policy);
	assert_memory_equal(&policy, &vgpu_policy_default, sizeof(policy));
	policy.weight[0] = 99;
	assert_int_equal(vgpu_pool_set_policy(&pool, &policy, &why), 0);
	assert_int_equal(rig->gpu.sched.policy.weight[0], 16);
	vgpu_pool_add(&pool, &rig->gpu);
	assert_int_equal(rig->gpu.sched.policy.weight[0], 99);
	policy.window = 1;
	assert_int_equal(vgpu_pool_set_policy(&pool, &policy, &why), 0);
	assert_int_equal(rig->gpu.sched.policy.window, 1);
	policy.window = 3;
	assert_int_equal(vgpu_pool_set_policy(&pool, &policy, &why), -EINVAL);
	vgpu_pool_read_policy(&pool, &read);
	assert_int_equal(read.window, 1);
	vgpu_pool_remove(&pool, &rig->gpu);
	assert_int_equal(rig->gpu.sched.policy.window, 1);
	vgpu_pool_destroy(&pool);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(identity_reads_at_every_width),
		TEST(gpu_info_is_the_virtual_gpus),
		TEST(rest_of_bar0_reads_zero),
		TEST(insane_accesses_abort),
		TEST(read_only_and_undefined_writes_are_counted),
		TEST(arguments_keep_halves_apart),
		TEST(doorbells_are_counted_whoever_listens),
		TEST(create_tells_what_is_wrong),
		TEST(create_needs_a_driver),
		TEST(create_without_memory),
		TEST(reset_overtakes_create),
		TEST(ranges_tell_what_is_wrong),
		TEST(destroy_tells_what_is_wrong),
		TEST(reset_makes_the_aperture_zero),
		TEST(limits_are_checked),
		TEST(memory_of_the_gpu_is_given_once),
		TEST(attach_is_checked),
		TEST(policies_are_checked),
		TEST(pools_rule_their_gpus),
	};

	return cmocka_run_group_tests_name("core registers", tests, NULL, NULL);
}
