// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Memory that cannot be had: the life of a virtual GPU, from its making to its end, with the first allocation failing, then the
 * second, and so on until none is left, once that one alone and once all from it on. Each time what is accepted is completed,
 * what is refused says so, nothing leaks (AddressSanitizer looks), and the same GPU serves the next virtual GPU.
 */

#include "rig.h"

#include <setjmp.h>
#include <cmocka.h>

#define CU_OUT_OF_MEMORY	2
#define ALLOCATIONS_MAX		1000

/* A command that is complete, one way or the other; false where its session cannot go on without it. */
static bool expect(struct rig_guest *guest, u32 seq, bool needed)
{
	u16 status;

	rig_work(guest->dev->rig);
	status = rig_expect(guest, seq).status;
	assert_true(status == VGPU_ST_OK || status == CU_OUT_OF_MEMORY);
	return status == VGPU_ST_OK || !needed;
}

static bool begin(struct rig_guest *guest, struct rig_dev *dev, u32 id)
{
	struct vgpu_cmd cmd = rig_cmd(VGPU_OP_SESSION_INIT, 0);
	u32 status = rig_guest_create(guest, dev, id, id * 0x8000ULL, 128, 128);

	if (status == VGPU_ST_NO_MEMORY)
		return false;
	assert_int_equal(status, VGPU_ST_OK);
	assert_int_equal(rig_control(dev, VGPU_CTL_RANGE_ADD, id, rig_range(id), 0x4000, 0, 0), VGPU_ST_OK);
	cmd.init.out = rig_range(id);
	return expect(guest, rig_submit(guest, cmd), true);
}

static void work(struct rig_guest *guest)
{
	u32 stream;

	for (stream = 1; stream < 6; stream++) {
		expect(guest, rig_submit(guest, rig_copy_in(guest->id, stream)), false);
		expect(guest, rig_submit(guest, rig_launch(stream)), false);
		expect(guest, rig_submit(guest, rig_copy_out(guest->id, stream)), false);
		rig_now += 1000000ULL << stream;
	}
	if (expect(guest, rig_submit(guest, rig_chunk(VGPU_OP_CHUNK_MAP, 0, 2)), true))
		expect(guest, rig_submit(guest, rig_chunk(VGPU_OP_CHUNK_UNMAP, 0, 2)), false);
}

static void live(struct rig *rig)
{
	struct vgpu_limits limits = rig_limits();
	struct rig_guest one, two;
	bool has_one, has_two;

	rig_dev_open(rig, 0, &limits);
	has_one = begin(&one, &rig->dev[0], 0);
	has_two = begin(&two, &rig->dev[0], 1);
	if (has_one)
		work(&one);
	if (has_two)
		work(&two);
	rig_check_invariants(rig);
	rig_dev_close(&rig->dev[0]);
}

/* Fails an allocation of a life; false where there was none of that number. */
static bool live_without(struct rig *rig, long number, bool alone)
{
	bool failed;

	snprintf(rig_note, sizeof(rig_note), "allocation %ld fails%s", number, alone ? "" : ", and those after it");
	vgpu_alloc_fail_once = alone;
	vgpu_alloc_fail_after = number;
	live(rig);
	failed = alone ? vgpu_alloc_fail_after < 0 : vgpu_alloc_fail_after == 0;
	vgpu_alloc_fail_after = -1;
	vgpu_alloc_fail_once = false;
	return failed;
}

static void every_allocation(bool alone)
{
	struct rig *rig = rig_new();
	struct rig_guest guest;
	struct vgpu_limits limits = rig_limits();
	long number;

	rig_attach(rig);
	for (number = 0; live_without(rig, number, alone); number++)
		assert_true(number < ALLOCATIONS_MAX);
	/* Two sessions with their tables, a stream for each number used, what is measured. */
	assert_true(number > 20);
	rig_dev_open(rig, 0, &limits);
	assert_true(begin(&guest, &rig->dev[0], 0));
	rig_free(rig);
	rig_note[0] = 0;
}

static void every_allocation_fails_once(void **state)
{
	every_allocation(true);
}

static void every_allocation_is_the_last(void **state)
{
	every_allocation(false);
}

static void a_gpu_needs_its_memory(void **state)
{
	struct rig *rig = rig_new();
	const struct vgpu_host_ops *ops = rig->gpu.ops;
	long number = 0;
	int err;

	vgpu_gpu_destroy(&rig->gpu);
	do {
		vgpu_alloc_fail_after = number++;
		err = vgpu_gpu_init(&rig->gpu, &rig->attach, ops, rig);
		assert_true(!err || err == -ENOMEM);
	} while (err);
	vgpu_alloc_fail_after = -1;
	assert_true(number > 1);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gpu_needs_its_memory),
		cmocka_unit_test(every_allocation_fails_once),
		cmocka_unit_test(every_allocation_is_the_last),
	};

	return cmocka_run_group_tests_name("core memory", tests, NULL, NULL);
}
