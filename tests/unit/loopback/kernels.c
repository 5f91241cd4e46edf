// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Modules and launches, seen through the device's protocol: results, errors as CUDA gives them, faults, hangs. Run by
 * tests/loopback/run.
 */

#include <setjmp.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guest.h"

#define MODULE		1
#define IMAGE_AT	0
#define LOG_AT		(1u << 20)
#define LOG_LEN		4096
#define NAME_AT		(LOG_AT + LOG_LEN)
#define OUT_AT		(NAME_AT + 4096)
#define OUT_LEN		1024
#define PARAMS_AT	(OUT_AT + OUT_LEN)
#define DATA_AT		(2u << 20)

#define CU_INVALID_VALUE	1
#define CU_INVALID_HANDLE	400
#define CU_OUT_OF_MEMORY 2
#define CU_NOT_FOUND		500
#define CU_ILLEGAL_ADDRESS	700
#define CU_OUT_OF_RESOURCES	701
#define CU_LAUNCH_TIMEOUT	702
#define CU_LAUNCH_FAILED	719
#define CU_INVALID_PTX		218

static const char ptx_head[] =
	".version 7.0\n"
	".target sm_70\n"
	".address_size 64\n";

/* out[i] = a[i] + b[i], i < n */
static const char ptx_add[] =
	".visible .entry add(.param .u64 out, .param .u64 a, .param .u64 b, .param .u32 n)\n"
	"{\n"
	"	.reg .pred %p;\n"
	"	.reg .b32 %r<6>;\n"
	"	.reg .b64 %rd<8>;\n"
	"	ld.param.u64 %rd1, [out];\n"
	"	ld.param.u64 %rd2, [a];\n"
	"	ld.param.u64 %rd3, [b];\n"
	"	ld.param.u32 %r1, [n];\n"
	"	mov.u32 %r2, %ctaid.x;\n"
	"	mov.u32 %r3, %ntid.x;\n"
	"	mov.u32 %r4, %tid.x;\n"
	"	mad.lo.s32 %r2, %r2, %r3, %r4;\n"
	"	setp.ge.u32 %p, %r2, %r1;\n"
	"	@%p bra DONE;\n"
	"	mul.wide.u32 %rd4, %r2, 4;\n"
	"	add.s64 %rd2, %rd2, %rd4;\n"
	"	add.s64 %rd3, %rd3, %rd4;\n"
	"	add.s64 %rd1, %rd1, %rd4;\n"
	"	ld.global.u32 %r3, [%rd2];\n"
	"	ld.global.u32 %r4, [%rd3];\n"
	"	add.s32 %r3, %r3, %r4;\n"
	"	st.global.u32 [%rd1], %r3;\n"
	"DONE:\n"
	"	ret;\n"
	"}\n";

static const char ptx_poke[] =
	".visible .entry poke(.param .u64 where)\n"
	"{\n"
	"	.reg .b64 %rd;\n"
	"	ld.param.u64 %rd, [where];\n"
	"	st.global.u32 [%rd], 1;\n"
	"	ret;\n"
	"}\n"
	".visible .entry fall()\n"
	"{\n"
	"	trap;\n"
	"}\n";

static const char ptx_spin[] =
	".visible .entry spin()\n"
	"{\n"
	"AGAIN:\n"
	"	bra AGAIN;\n"
	"}\n";

static const char ptx_bounds[] =
	".visible .entry narrow() .maxntid 64, 1, 1 { ret; }\n"
	".visible .entry exact() .reqntid 32, 2, 1 { ret; }\n"
	".extern .shared .align 4 .b8 pool[];\n"
	".visible .entry wide() { .reg .b32 %r; ld.shared.u32 %r, [pool]; ret; }\n";

static const char ptx_caller[] =
	".extern .func (.param .b32 r) twice(.param .b32 x);\n"
	".visible .global .u32 answer;\n"
	".visible .entry use(.param .u32 x)\n"
	"{\n"
	"	.reg .b32 %r<2>;\n"
	"	ld.param.u32 %r0, [x];\n"
	"	.param .b32 in;\n"
	"	.param .b32 out;\n"
	"	st.param.b32 [in], %r0;\n"
	"	call.uni (out), twice, (in);\n"
	"	ld.param.b32 %r1, [out];\n"
	"	st.global.u32 [answer], %r1;\n"
	"	ret;\n"
	"}\n";

static const char ptx_callee[] =
	".visible .func (.param .b32 r) twice(.param .b32 x)\n"
	"{\n"
	"	.reg .b32 %r;\n"
	"	ld.param.b32 %r, [x];\n"
	"	add.s32 %r, %r, %r;\n"
	"	st.param.b32 [r], %r;\n"
	"	ret;\n"
	"}\n";

static char *payload(struct guest *guest, uint32_t at)
{
	return guest->aperture + guest->range + at;
}

static uint16_t load_image(struct guest *guest, size_t len, uint32_t kind, char *log)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_MODULE_LOAD, .ctx = 1 };
	uint64_t value = 0;
	uint16_t status;

	cmd.module.image = guest->range + IMAGE_AT;
	cmd.module.image_len = len;
	cmd.module.log = guest->range + LOG_AT;
	cmd.module.log_len = LOG_LEN;
	cmd.module.module = MODULE;
	cmd.module.kind = kind;
	status = run(guest, &cmd, &value);
	if (log)
		snprintf(log, LOG_LEN, "%.*s", (int)(uint32_t)value, payload(guest, LOG_AT));
	else if (status)
		print_error("%.*s", (int)(uint32_t)value, payload(guest, LOG_AT));
	return status;
}

static uint16_t load_ptx(struct guest *guest, const char *body, char *log)
{
	int len = sprintf(payload(guest, IMAGE_AT), "%s%s", ptx_head, body);

	return load_image(guest, (size_t)len, VGPU_IMAGE_AUTO, log);
}

static uint16_t get(struct guest *guest, uint8_t opcode, const char *name, uint32_t id)
{
	struct vgpu_cmd cmd = { .opcode = opcode, .ctx = 1 };

	strcpy(payload(guest, NAME_AT), name);
	cmd.get.name = guest->range + NAME_AT;
	cmd.get.name_len = (uint32_t)strlen(name);
	cmd.get.out = guest->range + OUT_AT;
	cmd.get.out_len = OUT_LEN;
	cmd.get.module = MODULE;
	cmd.get.id = id;
	return run(guest, &cmd, NULL);
}

static struct vgpu_cmd launch_of(struct guest *guest, uint32_t func, uint32_t grid, uint32_t block, const void *params,
				 size_t params_len)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_LAUNCH, .stream = 1, .ctx = 1 };

	if (params_len)
		memcpy(payload(guest, PARAMS_AT), params, params_len);
	cmd.launch.params = params_len ? guest->range + PARAMS_AT : 0;
	cmd.launch.params_len = (uint32_t)params_len;
	cmd.launch.func = func;
	cmd.launch.grid[0] = grid;
	cmd.launch.grid[1] = 1;
	cmd.launch.grid[2] = 1;
	cmd.launch.block[0] = block;
	cmd.launch.block[1] = 1;
	cmd.launch.block[2] = 1;
	return cmd;
}

static uint16_t launch(struct guest *guest, uint32_t func, uint32_t grid, uint32_t block, const void *params,
		       size_t params_len)
{
	struct vgpu_cmd cmd = launch_of(guest, func, grid, block, params, params_len);

	return run(guest, &cmd, NULL);
}

static void open_with(struct guest *guest, const char *body)
{
	open_session(guest);
	init_session(guest);
	map_chunk(guest, 0, guest->info.granule);
	assert_int_equal(load_ptx(guest, body, NULL), VGPU_ST_OK);
}

static void copy(struct guest *guest, uint8_t opcode, uint64_t dst, uint64_t src, uint64_t len)
{
	struct vgpu_cmd cmd = { .opcode = opcode, .ctx = 1, .copy = { .dst = dst, .src = src, .width = len,
								      .height = 1 } };

	assert_int_equal(run(guest, &cmd, NULL), VGPU_ST_OK);
}

/* Adds on the device and compares; so it tells whether a session computes. */
static void add_and_compare(struct guest *guest)
{
	const struct vgpu_func_info *info = (void *)payload(guest, OUT_AT);
	uint64_t device = guest->info.device_base;
	uint32_t *words = (void *)payload(guest, DATA_AT);
	struct {
		uint64_t out, a, b;
		uint32_t n;
	} params = { device, device + 65536, device + 131072, 10000 };
	uint32_t i;

	assert_int_equal(get(guest, VGPU_OP_FUNC_GET, "add", 3), VGPU_ST_OK);
	assert_int_equal(info->num_params, 4);
	assert_int_equal(info->params_size, 28);
	assert_int_equal(info->params[3].offset, 24);
	assert_int_equal(info->params[3].size, 4);
	for (i = 0; i < params.n; i++) {
		words[i] = i * 3;
		words[16384 + i] = i ^ 0x1234;
	}
	copy(guest, VGPU_OP_COPY_IN, params.a, guest->range + DATA_AT, 4 * params.n);
	copy(guest, VGPU_OP_COPY_IN, params.b, guest->range + DATA_AT + 65536, 4 * params.n);
	assert_int_equal(launch(guest, 3, 40, 256, &params, 28), VGPU_ST_OK);
	copy(guest, VGPU_OP_COPY_OUT, guest->range + DATA_AT + 131072, params.out, 4 * params.n);
	for (i = 0; i < params.n; i++)
		assert_int_equal(words[32768 + i], i * 3 + (i ^ 0x1234));
}

static void vectors_are_added(void **state)
{
	struct guest guest;

	open_with(&guest, ptx_add);
	add_and_compare(&guest);
	close_session(&guest);
}

static void pinned_memory_has_one_address(void **state)
{
	struct guest guest;
	uint64_t there;
	uint32_t *word;

	open_with(&guest, ptx_poke);
	word = (void *)payload(&guest, DATA_AT);
	*word = 0;
	there = guest.info.aperture_base + guest.range + DATA_AT;
	assert_int_equal(get(&guest, VGPU_OP_FUNC_GET, "poke", 1), VGPU_ST_OK);
	assert_int_equal(launch(&guest, 1, 1, 1, &there, 8), VGPU_ST_OK);
	assert_int_equal(*word, 1);
	close_session(&guest);
}

static void a_fault_is_the_sessions_end(void **state)
{
	struct vgpu_cmd fence = { .opcode = VGPU_OP_FENCE, .flags = VGPU_CMD_F_ALL };
	struct vgpu_cmd set = { .opcode = VGPU_OP_MEMSET, .ctx = 1 };
	struct guest guest, neighbour;
	uint64_t nowhere;

	open_with(&neighbour, ptx_add);
	open_with(&guest, ptx_poke);
	assert_int_equal(get(&guest, VGPU_OP_FUNC_GET, "poke", 1), VGPU_ST_OK);
	nowhere = guest.info.device_base + guest.info.granule;
	assert_int_equal(launch(&guest, 1, 1, 1, &nowhere, 8), CU_ILLEGAL_ADDRESS);
	/* Sticky, for whatever comes. */
	set.memset.dst = guest.info.device_base;
	set.memset.width = 1;
	set.memset.elem = 1;
	set.memset.height = 1;
	assert_int_equal(run(&guest, &set, NULL), CU_ILLEGAL_ADDRESS);
	assert_int_equal(get(&guest, VGPU_OP_FUNC_GET, "poke", 2), CU_ILLEGAL_ADDRESS);
	assert_int_equal(run(&guest, &fence, NULL), VGPU_ST_OK);
	close_session(&guest);

	open_with(&guest, ptx_poke);
	assert_int_equal(get(&guest, VGPU_OP_FUNC_GET, "fall", 1), VGPU_ST_OK);
	assert_int_equal(launch(&guest, 1, 1, 1, NULL, 0), CU_LAUNCH_FAILED);
	set.memset.dst = guest.info.device_base;
	assert_int_equal(run(&guest, &set, NULL), CU_LAUNCH_FAILED);
	close_session(&guest);
	add_and_compare(&neighbour);
	close_session(&neighbour);
}

static void launches_that_cannot_be(void **state)
{
	struct vgpu_cmd cmd;
	uint64_t params[4] = { 0 };
	struct guest guest;

	open_with(&guest, ptx_bounds);
	assert_int_equal(get(&guest, VGPU_OP_FUNC_GET, "narrow", 1), VGPU_ST_OK);
	assert_int_equal(get(&guest, VGPU_OP_FUNC_GET, "exact", 2), VGPU_ST_OK);
	assert_int_equal(get(&guest, VGPU_OP_FUNC_GET, "wide", 3), VGPU_ST_OK);
	assert_int_equal(get(&guest, VGPU_OP_FUNC_GET, "none", 4), CU_NOT_FOUND);
	assert_int_equal(launch(&guest, 1, 1, 64, NULL, 0), VGPU_ST_OK);
	assert_int_equal(launch(&guest, 1, 1, 65, NULL, 0), CU_OUT_OF_RESOURCES);
	assert_int_equal(launch(&guest, 2, 1, 64, NULL, 0), CU_INVALID_VALUE);
	assert_int_equal(launch(&guest, 4, 1, 1, NULL, 0), CU_INVALID_HANDLE);
	cmd = launch_of(&guest, 2, 1, 32, NULL, 0);
	cmd.launch.block[1] = 2;
	assert_int_equal(run(&guest, &cmd, NULL), VGPU_ST_OK);
	/* Beyond 48 KiB of shared memory a function has to be told first. */
	cmd = launch_of(&guest, 3, 1, 32, NULL, 0);
	cmd.launch.shared = 48 << 10;
	assert_int_equal(run(&guest, &cmd, NULL), VGPU_ST_OK);
	cmd.launch.shared = 64 << 10;
	assert_int_equal(run(&guest, &cmd, NULL), CU_INVALID_VALUE);
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_FUNC_SET, .attr = { .func = 3, .attr = 8, .value = 64 << 10 } };
	assert_int_equal(run(&guest, &cmd, NULL), VGPU_ST_OK);
	cmd = launch_of(&guest, 3, 1, 32, NULL, 0);
	cmd.launch.shared = 64 << 10;
	assert_int_equal(run(&guest, &cmd, NULL), VGPU_ST_OK);
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_MODULE_UNLOAD, .module.module = MODULE };
	assert_int_equal(run(&guest, &cmd, NULL), VGPU_ST_OK);
	assert_int_equal(launch(&guest, 1, 1, 64, NULL, 0), CU_INVALID_HANDLE);

	assert_int_equal(load_ptx(&guest, ptx_add, NULL), VGPU_ST_OK);
	assert_int_equal(get(&guest, VGPU_OP_FUNC_GET, "add", 1), VGPU_ST_OK);
	assert_int_equal(launch(&guest, 1, 1, 1, params, 27), CU_INVALID_VALUE);
	/* None of these is sticky. */
	add_and_compare(&guest);
	close_session(&guest);
}

static void wrong_ptx_is_explained(void **state)
{
	struct guest guest;
	char log[LOG_LEN];

	open_session(&guest);
	init_session(&guest);
	assert_int_equal(load_ptx(&guest, ".visible .entry k()\n{\n\tfrobnicate.u32 %r1;\n}\n", log), CU_INVALID_PTX);
	assert_non_null(strstr(log, "line 6"));
	assert_non_null(strstr(log, "frobnicate"));
	close_session(&guest);
}

static size_t add_input(struct guest *guest, size_t at, const char *name, const char *body)
{
	struct vgpu_link_input input = { .type = 1, .name_len = (uint32_t)strlen(name) + 1 };
	char *to = payload(guest, IMAGE_AT) + at;

	input.len = (uint64_t)sprintf(to + sizeof(input) + input.name_len, "%s%s", ptx_head, body);
	memcpy(to, &input, sizeof(input));
	memcpy(to + sizeof(input), name, input.name_len);
	return (at + sizeof(input) + input.name_len + input.len + 7) & ~(size_t)7;
}

static uint64_t memory_used(struct guest *guest)
{
	struct lb_msg msg = { .op = LB_STATS };

	call(guest, &msg, NULL, 0);
	assert_int_equal(msg.error, 0);
	return msg.stats.memory_used;
}

static uint16_t reserve(struct guest *guest, uint64_t bytes)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_RESERVE, .reserve.bytes = bytes };
	uint64_t value;
	uint16_t status = run(guest, &cmd, &value);

	/* Of so small modules, one granule is all that can be lacking. */
	assert_int_equal(value >> VGPU_LACKING_SHIFT, status ? 1 : 0);
	return status;
}

static void modules_are_linked(void **state)
{
	const struct vgpu_global_info *global;
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_MODULE_UNLOAD, .ctx = 1 };
	struct guest guest;
	char log[LOG_LEN];
	uint64_t answer, before;
	uint32_t x = 21;
	size_t len;

	open_session(&guest);
	/* What sessions before this one had is given back when their workers are gone. */
	while (memory_used(&guest))
		sched_yield();
	init_session(&guest);
	before = memory_used(&guest);
	assert_int_equal(reserve(&guest, guest.info.granule), VGPU_ST_OK);
	len = add_input(&guest, 0, "caller", ptx_caller);
	assert_int_not_equal(load_image(&guest, len, VGPU_IMAGE_LINK, log), VGPU_ST_OK);
	assert_non_null(strstr(log, "twice"));
	len = add_input(&guest, len, "callee", ptx_callee);
	/* Its variable takes device memory, which is in the quota from when it is asked for until it is given back. */
	assert_int_equal(reserve(&guest, 0), VGPU_ST_OK);
	assert_int_equal(load_image(&guest, len, VGPU_IMAGE_LINK, NULL), CU_OUT_OF_MEMORY);
	assert_int_equal(memory_used(&guest), before);
	assert_int_equal(reserve(&guest, guest.info.granule), VGPU_ST_OK);
	assert_int_equal(load_image(&guest, len, VGPU_IMAGE_LINK, NULL), VGPU_ST_OK);
	assert_int_equal(reserve(&guest, 0), CU_OUT_OF_MEMORY);
	assert_int_equal(memory_used(&guest), before + guest.info.granule);
	assert_int_equal(get(&guest, VGPU_OP_FUNC_GET, "use", 1), VGPU_ST_OK);
	assert_int_equal(launch(&guest, 1, 1, 1, &x, 4), VGPU_ST_OK);
	assert_int_equal(get(&guest, VGPU_OP_GLOBAL_GET, "answer", 0), VGPU_ST_OK);
	global = (void *)payload(&guest, OUT_AT);
	assert_int_equal(global->size, 4);
	answer = global->addr;
	assert_true(answer >= guest.info.device_base + guest.info.chunk_size);
	copy(&guest, VGPU_OP_COPY_OUT, guest.range + DATA_AT, answer, 4);
	assert_int_equal(*(uint32_t *)payload(&guest, DATA_AT), 42);
	assert_int_equal(get(&guest, VGPU_OP_GLOBAL_GET, "question", 0), CU_NOT_FOUND);
	cmd.module.module = MODULE;
	assert_int_equal(run(&guest, &cmd, NULL), VGPU_ST_OK);
	assert_int_equal(reserve(&guest, 0), VGPU_ST_OK);
	assert_int_equal(memory_used(&guest), before);
	close_session(&guest);
}

/* For a loopback with a short deadline. */
static void a_hang_is_ended(void **state)
{
	struct guest guest, neighbour;
	struct vgpu_cmd cmd;

	open_with(&neighbour, ptx_add);
	open_with(&guest, ptx_spin);
	assert_int_equal(get(&guest, VGPU_OP_FUNC_GET, "spin", 1), VGPU_ST_OK);
	assert_int_equal(launch(&guest, 1, 64, 64, NULL, 0), CU_LAUNCH_TIMEOUT);
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_FENCE };
	assert_int_equal(run(&guest, &cmd, NULL), VGPU_ST_SESSION_LOST);
	add_and_compare(&neighbour);
	close_session(&guest);
	close_session(&neighbour);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_are_added),
		cmocka_unit_test(pinned_memory_has_one_address),
		cmocka_unit_test(a_fault_is_the_sessions_end),
		cmocka_unit_test(launches_that_cannot_be),
		cmocka_unit_test(wrong_ptx_is_explained),
		cmocka_unit_test(modules_are_linked),
	};
	const struct CMUnitTest hang[] = {
		cmocka_unit_test(a_hang_is_ended),
	};

	if (argc > 1 && !strcmp(argv[1], "hang"))
		return cmocka_run_group_tests(hang, NULL, NULL);
	/* An argument chooses tests, by a pattern with * and ?. */
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
