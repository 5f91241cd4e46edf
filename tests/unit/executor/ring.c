// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * A worker's end of the rings, against a kernel played by the test.
 */

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executor/ring.h"

#define GENERATION	7
#define THREADS		4
#define PER_THREAD	5000

/**
 * struct kernel - the other end
 * @port: must be first
 * @rings: shared
 * @head: completions taken
 * @seen: by tag: times completed
 * @dead: what kick answers
 * @kicks: how often it was told
 */
struct kernel {
	struct port port;
	struct vgpu_exec_rings *rings;
	pthread_mutex_t lock;
	uint32_t head;
	unsigned char *seen;
	int dead;
	unsigned int kicks;
};

static int kernel_kick(struct port *port)
{
	struct kernel *kernel = (struct kernel *)port;
	const struct vgpu_completion *entry;
	uint32_t tail;

	pthread_mutex_lock(&kernel->lock);
	kernel->kicks++;
	tail = __atomic_load_n(&kernel->rings->completion_tail, __ATOMIC_ACQUIRE);
	assert_true(tail - kernel->head <= VGPU_EXEC_RING_ENTRIES);
	/* Takes a few at a time, so that the ring fills up. */
	if (tail - kernel->head > 100 || kernel->kicks % 3 == 0) {
		for (; kernel->head != tail; kernel->head++) {
			entry = &kernel->rings->completion[kernel->head % VGPU_EXEC_RING_ENTRIES];
			assert_int_equal(entry->generation, GENERATION);
			assert_int_equal(entry->value, entry->tag * 3);
			kernel->seen[entry->tag]++;
		}
		__atomic_store_n(&kernel->rings->completion_head, kernel->head, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&kernel->lock);
	return kernel->dead;
}

static int kernel_wait(struct port *port, uint32_t consumed, uint64_t timeout_ns, uint32_t *tail)
{
	return -ETIMEDOUT;
}

static const struct port_ops kernel_ops = { .kick = kernel_kick, .wait = kernel_wait };

static void start(struct kernel *kernel, struct ring *ring)
{
	memset(kernel, 0, sizeof(*kernel));
	kernel->port.ops = &kernel_ops;
	kernel->rings = calloc(1, sizeof(*kernel->rings));
	kernel->seen = calloc(THREADS * PER_THREAD, 1);
	pthread_mutex_init(&kernel->lock, NULL);
	ring_init(ring, &kernel->port, kernel->rings, GENERATION);
}

static void stop(struct kernel *kernel)
{
	free(kernel->rings);
	free(kernel->seen);
}

static void dispatch(struct kernel *kernel, uint32_t index, const struct vgpu_dispatch *entry)
{
	kernel->rings->dispatch[index % VGPU_EXEC_RING_ENTRIES] = *entry;
	__atomic_store_n(&kernel->rings->dispatch_tail, index + 1, __ATOMIC_RELEASE);
}

static void entries_come_in_order(void **state)
{
	struct vgpu_dispatch entry = { .generation = GENERATION }, got;
	struct kernel kernel;
	struct ring ring;
	uint32_t i;

	start(&kernel, &ring);
	assert_int_equal(ring_next(&ring, &got), 0);
	for (i = 0; i < 3 * VGPU_EXEC_RING_ENTRIES; i++) {
		entry.tag = i;
		entry.cmd.launch.func = i * 5;
		dispatch(&kernel, i, &entry);
		assert_int_equal(ring_next(&ring, &got), 1);
		assert_int_equal(got.tag, i);
		assert_int_equal(got.cmd.launch.func, i * 5);
		assert_int_equal(kernel.rings->dispatch_head, i + 1);
	}
	assert_int_equal(ring_next(&ring, &got), 0);
	stop(&kernel);
}

static void counters_wrap(void **state)
{
	struct vgpu_dispatch entry = { .generation = GENERATION }, got;
	struct kernel kernel;
	struct ring ring;
	uint32_t i, start_at = 0u - 3;

	start(&kernel, &ring);
	ring.consumed = start_at;
	kernel.rings->dispatch_tail = start_at;
	for (i = 0; i < 6; i++) {
		entry.tag = i;
		dispatch(&kernel, start_at + i, &entry);
		assert_int_equal(ring_next(&ring, &got), 1);
		assert_int_equal(got.tag, i);
	}
	stop(&kernel);
}

static void nonsense_is_refused(void **state)
{
	struct vgpu_dispatch entry = { .generation = GENERATION }, got;
	struct kernel kernel;
	struct ring ring;

	start(&kernel, &ring);
	kernel.rings->dispatch_tail = VGPU_EXEC_RING_ENTRIES + 1;
	assert_int_equal(ring_next(&ring, &got), -EPROTO);
	kernel.rings->dispatch_tail = 0;
	entry.generation = GENERATION - 1;
	dispatch(&kernel, 0, &entry);
	assert_int_equal(ring_next(&ring, &got), -EPROTO);
	entry.generation = GENERATION;
	entry.kind = VGPU_DISPATCH_RANGE + 1;
	dispatch(&kernel, 1, &entry);
	assert_int_equal(ring_next(&ring, &got), -EPROTO);
	entry.kind = VGPU_DISPATCH_CMD;
	entry.engine = VGPU_ENGINE_NONE + 1;
	dispatch(&kernel, 2, &entry);
	assert_int_equal(ring_next(&ring, &got), -EPROTO);
	stop(&kernel);
}

static struct ring *shared_ring;

static void *complete_many(void *arg)
{
	uint64_t first = (uint64_t)(uintptr_t)arg * PER_THREAD;
	struct vgpu_completion completion = { .generation = GENERATION };
	uint64_t i;

	for (i = first; i < first + PER_THREAD; i++) {
		completion.tag = i;
		completion.value = i * 3;
		if (ring_complete(shared_ring, &completion))
			return "failed";
	}
	return NULL;
}

static void threads_complete_each_once(void **state)
{
	pthread_t threads[THREADS];
	struct kernel kernel;
	struct ring ring;
	void *failed;
	uintptr_t i;

	start(&kernel, &ring);
	shared_ring = &ring;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, complete_many, (void *)i), 0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	while (kernel.head != THREADS * PER_THREAD)
		kernel_kick(&kernel.port);
	for (i = 0; i < THREADS * PER_THREAD; i++)
		assert_int_equal(kernel.seen[i], 1);
	stop(&kernel);
}

static void full_ring_of_a_dead_kernel(void **state)
{
	struct vgpu_completion completion = { .generation = GENERATION };
	struct kernel kernel;
	struct ring ring;

	start(&kernel, &ring);
	kernel.dead = -ENODEV;
	ring.completion_tail = VGPU_EXEC_RING_ENTRIES;
	assert_int_equal(ring_complete(&ring, &completion), -ENODEV);
	/* Nothing was overwritten. */
	assert_int_equal(ring.completion_tail, VGPU_EXEC_RING_ENTRIES);
	stop(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_come_in_order),
		cmocka_unit_test(counters_wrap),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(threads_complete_each_once),
		cmocka_unit_test(full_ring_of_a_dead_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
