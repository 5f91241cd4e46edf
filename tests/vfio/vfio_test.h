/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * What the tests share: one stand-in GPU, one virtual GPU on it, one client.
 */
#ifndef VGPU_TEST_VFIO_TEST_H
#define VGPU_TEST_VFIO_TEST_H

#include <inttypes.h>

#include "tests/vfio/queue.h"
#include "tests/vfio/standin.h"
#include "tests/vfio/vfio_client.h"

#define GPU		"standin0"
#define GPU_MEMORY	(4ULL << 30)
#define UUID		"12345678-9abc-4def-8123-456789abcdef"
#define OTHER_UUID	"12345678-9abc-4def-8123-456789abcde0"

/* Where tests put things in the aperture. */
#define QUEUE_AREA(n)	((n) * 0x100000ULL)
#define PAYLOAD(n)	(0x10000000ULL + (n) * 0x1000000ULL)
#define PAYLOAD_LEN	0x100000ULL

/**
 * struct setting - what a test finds set up
 * @supervisor: of GPU
 * @path: how @client was opened
 * @client: virtual GPU UUID, open, memory enabled, driver ready, BAR2 mapped
 * @puppet: for workers, not running
 */
struct setting {
	int supervisor;
	enum vfio_path path;
	struct vfio_client client;
	struct puppet puppet;
};

extern struct setting t;

/**
 * struct test - a test
 * @name: of it
 * @run: 0 if it passed, 1 if not (it has said why), -1 if it was skipped
 * @needs: where it is set, the test is run only with this environment variable
 */
struct test {
	const char *name;
	int (*run)(void);
	const char *needs;
};

int failed(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
int skipped(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define EXPECT(condition) \
	do { \
		if (!(condition)) \
			return failed(__FILE__, __LINE__, "not so: %s", #condition); \
	} while (0)

#define EXPECT_EQ(actual, expected) \
	do { \
		uint64_t actual_ = (uint64_t)(actual), expected_ = (uint64_t)(expected); \
		\
		if (actual_ != expected_) \
			return failed(__FILE__, __LINE__, \
				      "%s is 0x%" PRIx64 " (%" PRId64 "), expected 0x%" PRIx64, \
				      #actual, actual_, (int64_t)actual_, expected_); \
	} while (0)

#define TRY(call) \
	do { \
		int result_ = (call); \
		\
		if (result_) \
			return result_; \
	} while (0)

int open_client(struct vfio_client *client);
void make_ready(struct vfio_client *client);
int start_worker(struct queue *queue);

extern const struct test config_tests[], register_tests[], irq_tests[], aperture_tests[];
extern const struct test session_tests[], command_tests[], worker_tests[];
extern const struct test supervisor_tests[], life_tests[];

#endif /* VGPU_TEST_VFIO_TEST_H */
