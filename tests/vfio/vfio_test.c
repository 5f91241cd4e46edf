// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Goes over a virtual GPU as its user, its executor and its enemies see it. Needs vgpu.ko loaded,
 *root, and no GPU.
 *
 *	vfio-test [--cdev] [TEST]...
 *
 * One line for each test: "ok NAME", "FAIL NAME: why" or "skip NAME: why".
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/vfio/vfio_test.h"

struct setting t;

static char reason[512];

/**
 * failed() - say why a test fails
 * @file: of the test
 * @line: in it
 * @format: as printf()
 *
 * Return: 1, for the test to return.
 */
int failed(const char *file, int line, const char *format, ...)
{
	int n = snprintf(reason, sizeof(reason), "%s:%d: ", file, line);
	va_list args;

	va_start(args, format);
	vsnprintf(reason + n, sizeof(reason) - (size_t)n, format, args);
	va_end(args);
	return 1;
}

/**
 * skipped() - say why a test cannot be run here
 * @format: as printf()
 *
 * Return: -1, for the test to return.
 */
int skipped(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	return -1;
}

/**
 * make_ready() - do what a driver does at first
 * @client: open
 */
void make_ready(struct vfio_client *client)
{
	vfio_enable_memory(client);
	reg_write64(client, VGPU_REG_DRIVER_FEATURES, reg_read64(client, VGPU_REG_FEATURES));
	reg_write32(client, VGPU_REG_STATUS, VGPU_STATUS_DRIVER_OK);
}

/**
 * open_client() - open the virtual GPU, ready to be used
 * @client: to be set up
 *
 * Return: 0 or a negative errno.
 */
int open_client(struct vfio_client *client)
{
	int err;

	err = vfio_client_open(client, UUID, t.path);
	if (err)
		return err;
	make_ready(client);
	return vfio_client_map(client);
}

/**
 * start_worker() - initialise a session, with the puppet as its worker
 * @queue: of a new session
 *
 * The session has the payload range PAYLOAD(its number).
 *
 * Return: as a test.
 */
int start_worker(struct queue *queue)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_SESSION_INIT, .init.out = PAYLOAD(queue->session) };
	struct vgpu_dispatch dispatch;
	struct vgpu_cqe cqe;

	EXPECT_EQ(control(queue->client, queue->session, VGPU_CTL_RANGE_ADD,
			  PAYLOAD(queue->session), PAYLOAD_LEN, 0, 0),
		  VGPU_ST_OK);
	queue_submit(queue, &cmd);
	EXPECT_EQ(puppet_serve(&t.puppet, t.supervisor), 0);
	EXPECT_EQ(puppet_next(&t.puppet, &dispatch), 0);
	EXPECT_EQ(dispatch.kind, VGPU_DISPATCH_RANGE);
	EXPECT_EQ(dispatch.cmd.raw[0], PAYLOAD(queue->session));
	EXPECT_EQ(dispatch.cmd.raw[1], PAYLOAD_LEN);
	EXPECT_EQ(puppet_next(&t.puppet, &dispatch), 0);
	EXPECT_EQ(dispatch.kind, VGPU_DISPATCH_CMD);
	EXPECT_EQ(dispatch.cmd.opcode, VGPU_OP_SESSION_INIT);
	EXPECT_EQ(dispatch.engine, VGPU_ENGINE_CONTROL);
	EXPECT_EQ(puppet_complete(&t.puppet, &dispatch, 0, 0), 0);
	EXPECT_EQ(queue_wait(queue, &cqe), 0);
	EXPECT_EQ(cqe.status, VGPU_ST_OK);
	EXPECT_EQ(cqe.seq, queue->tail - 1);
	return 0;
}

static int set_up(void)
{
	struct vgpu_exec_attach attach;

	memset(&t.puppet, 0, sizeof(t.puppet));
	memset(&t.client, 0, sizeof(t.client));
	t.client.device = -1;
	t.client.group = -1;
	t.client.container = -1;
	standin_describe(&attach, GPU, GPU_MEMORY);
	t.supervisor = standin_attach(&attach);
	if (t.supervisor < 0)
		return failed(__FILE__, __LINE__, "no supervisor could attach: %s", strerror(-t.supervisor));
	EXPECT_EQ(mdev_create(GPU, "vgpu-1g", UUID), 0);
	EXPECT_EQ(open_client(&t.client), 0);
	return 0;
}

static uint64_t settled(const char *name)
{
	return mdev_counter(UUID, name);
}

/* Whatever happened, every command accepted has one completion, and nothing stays. */
static int tear_down(void)
{
	puppet_kill(&t.puppet);
	vfio_client_close(&t.client);
	if (mdev_exists(UUID)) {
		EXPECT_EQ(settled("submitted"), settled("completed") + settled("failed"));
		EXPECT_EQ(settled("waiting"), 0);
		EXPECT_EQ(settled("sessions"), 0);
		EXPECT_EQ(settled("workers"), 0);
		EXPECT_EQ(settled("memory_used"), 0);
		EXPECT_EQ(settled("aperture_used"), 0);
		EXPECT_EQ(mdev_remove(UUID), 0);
		EXPECT(!mdev_exists(UUID));
	}
	EXPECT_EQ(gpu_counter(GPU, "virtual_gpus"), 0);
	EXPECT_EQ(gpu_counter(GPU, "memory_given"), 0);
	if (t.supervisor >= 0)
		close(t.supervisor);
	EXPECT_EQ(gpu_counter(GPU, "attached"), 0);
	return 0;
}

static int run_test(const struct test *test)
{
	int result, cleanup;
	char why[sizeof(reason)];

	result = set_up();
	if (!result)
		result = test->run();
	memcpy(why, reason, sizeof(why));
	cleanup = tear_down();
	if (cleanup && result <= 0) {
		result = cleanup;
		memcpy(why, reason, sizeof(why));
	}
	if (result > 0)
		printf("FAIL %s%s: %s\n", t.path == VFIO_PATH_CDEV ? "cdev-" : "", test->name, why);
	else
		printf("%s %s%s%s%s\n", result ? "skip" : "ok",
		       t.path == VFIO_PATH_CDEV ? "cdev-" : "", test->name, result ? ": " : "",
		       result ? why : "");
	fflush(stdout);
	return result > 0;
}

static bool is_wanted(const struct test *test, char **wanted)
{
	if (test->needs && !getenv(test->needs))
		return false;
	if (!*wanted)
		return true;
	for (; *wanted; wanted++)
		if (!strcmp(*wanted, test->name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	const struct test *groups[] = {
		config_tests,  register_tests, irq_tests,	 aperture_tests, session_tests,
		command_tests, worker_tests,   supervisor_tests, life_tests,
	};
	const struct test *test;
	int failures = 0;
	size_t i;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	argv++;
	if (argc > 1 && !strcmp(*argv, "--cdev")) {
		t.path = VFIO_PATH_CDEV;
		argv++;
	}
	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		for (test = groups[i]; test->name; test++)
			if (is_wanted(test, argv))
				failures += run_test(test);
	return failures > 0;
}
