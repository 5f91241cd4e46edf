// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) vgpu authors
/* Checks of the aperture: who may map what, what is given back, how it is cached. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "client.h"

#define PAGE		VGPU_PAGE_SIZE
#define MAPPED_EXIT	3
#define SAMPLE		(256 << 10)

static bool is_zero(const void *addr, __u64 len)
{
	const char *bytes = addr;

	return !bytes[0] && !memcmp(bytes, bytes + 1, len - 1);
}

static void expect_refused(int fd, __u64 offset, __u64 len)
{
	EXPECT_TRUE(!client_map(fd, offset, len));
	EXPECT(errno, EACCES);
}

/* The attribute tells of the page table entries that processes got. */
static void check_cache_mode(void)
{
	struct client client;
	__u64 offset;
	char *memory;

	EXPECT(client_start(&client), 0);
	EXPECT(client_range(client.fd, PAGE, &offset), 0);
	memory = client_map(client.fd, VGPU_GUEST_MMAP_APERTURE + offset, PAGE);
	EXPECT_TRUE(memory);
	*memory = 1;
	EXPECT(client.header->cq_tail, 0);
	client_stop(&client);
	EXPECT(strcmp(check_attribute("aperture_cache"), "write-back"), 0);
}

static void check_mappings(void)
{
	__u64 size = check_number("aperture_size"), offset, foreign;
	struct client client, other;
	char *memory;

	EXPECT(client_start(&client), 0);
	EXPECT(client_start(&other), 0);
	EXPECT(client_range(client.fd, 3 * PAGE - 1, &offset), 0);
	EXPECT(client_range(other.fd, PAGE, &foreign), 0);

	expect_refused(client.fd, VGPU_GUEST_MMAP_APERTURE + foreign, PAGE);
	expect_refused(client.fd, VGPU_GUEST_MMAP_APERTURE + offset, 4 * PAGE);
	expect_refused(client.fd, VGPU_GUEST_MMAP_APERTURE + offset + 3 * PAGE, PAGE);
	expect_refused(client.fd, VGPU_GUEST_MMAP_APERTURE + size - PAGE, PAGE);
	expect_refused(client.fd, VGPU_GUEST_MMAP_APERTURE + size, PAGE);
	expect_refused(client.fd, VGPU_GUEST_MMAP_QUEUE, client.session.queue_size + PAGE);
	expect_refused(client.fd, VGPU_GUEST_MMAP_QUEUE + client.session.queue_size, PAGE);
	expect_refused(client.fd, VGPU_GUEST_MMAP_DOORBELL, 2 * PAGE);
	expect_refused(client.fd, VGPU_GUEST_MMAP_DOORBELL + PAGE, PAGE);
	EXPECT_TRUE(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, client.fd,
			 VGPU_GUEST_MMAP_APERTURE + offset) == MAP_FAILED);
	EXPECT(errno, EINVAL);

	memory = client_map(client.fd, VGPU_GUEST_MMAP_APERTURE + offset, 3 * PAGE);
	EXPECT_TRUE(memory);
	EXPECT_TRUE(is_zero(memory, 3 * PAGE));
	memset(memory, 0x5a, 3 * PAGE);
	EXPECT_TRUE(mremap(memory, 3 * PAGE, 4 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED);

	/* A second mapping of a part shows the same memory. */
	memory = client_map(client.fd, VGPU_GUEST_MMAP_APERTURE + offset + PAGE, PAGE);
	EXPECT_TRUE(memory);
	EXPECT(memory[PAGE - 1], 0x5a);
	client_stop(&client);
	client_stop(&other);
}

static void check_partial_unmap(void)
{
	__u64 offset, len = 8 * PAGE;
	struct client client;
	char *memory;

	EXPECT(client_start(&client), 0);
	EXPECT(client_range(client.fd, len, &offset), 0);
	memory = client_map(client.fd, VGPU_GUEST_MMAP_APERTURE + offset, len);
	EXPECT_TRUE(memory);
	memset(memory, 1, len);
	EXPECT(munmap(memory, PAGE), 0);
	EXPECT(munmap(memory + 4 * PAGE, PAGE), 0);
	EXPECT(memory[PAGE], 1);
	EXPECT(memory[7 * PAGE], 1);
	EXPECT(mprotect(memory + PAGE, PAGE, PROT_READ), 0);
	EXPECT(memory[PAGE], 1);
	client_stop(&client);
	/* The rest of the mapping goes with the process; the memory must come back then. */
	EXPECT(munmap(memory + PAGE, 3 * PAGE), 0);
	EXPECT(munmap(memory + 5 * PAGE, 3 * PAGE), 0);
	check_until("aperture_used", 0);
}

static void exit_on_fault(int signal)
{
	(void)signal;
	_exit(MAPPED_EXIT);
}

static void check_fork(void)
{
	struct client client;
	__u64 offset;
	char *memory;
	int status;
	pid_t pid;

	EXPECT(client_start(&client), 0);
	EXPECT(client_range(client.fd, PAGE, &offset), 0);
	memory = client_map(client.fd, VGPU_GUEST_MMAP_APERTURE + offset, PAGE);
	EXPECT_TRUE(memory);
	*memory = 1;
	pid = fork();
	EXPECT_TRUE(pid >= 0);
	if (!pid) {
		signal(SIGSEGV, exit_on_fault);
		_exit(__atomic_load_n(memory, __ATOMIC_SEQ_CST));
	}
	EXPECT(waitpid(pid, &status, 0), pid);
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT(WEXITSTATUS(status), MAPPED_EXIT);
	client_stop(&client);
}

static void check_many_ranges(void)
{
	struct client client;
	__u64 offset;
	unsigned int i;

	EXPECT(client_start(&client), 0);
	for (i = 0; i < VGPU_MAX_RANGES; i++)
		EXPECT(client_range(client.fd, PAGE, &offset), 0);
	EXPECT(client_range(client.fd, PAGE, &offset), -E2BIG);
	client_stop(&client);
	check_until("aperture_used", 0);
}

/*
 * Takes what is free, from large pieces to small ones, and returns the bytes taken. One page in
 * SAMPLE bytes is looked at and filled, because emulation makes each of them dear.
 */
static __u64 take_all(int fd, unsigned char value)
{
	__u64 len = check_number("aperture_size"), offset, taken = 0, i;
	char *memory;
	int ret;

	while (len >= PAGE) {
		ret = client_range(fd, len, &offset);
		if (ret == -ENOSPC || ret == -E2BIG) {
			len /= 2;
			continue;
		}
		EXPECT(ret, 0);
		memory = client_map(fd, VGPU_GUEST_MMAP_APERTURE + offset, len);
		EXPECT_TRUE(memory);
		for (i = 0; i < len; i += SAMPLE) {
			EXPECT_TRUE(is_zero(memory + i, PAGE));
			memset(memory + i, value, PAGE);
		}
		munmap(memory, len);
		taken += len;
	}
	return taken;
}

/* What one session wrote, no later one reads; and it gets all of the memory again. */
static void check_cleared(void)
{
	__u64 taken[2];
	struct client client;
	unsigned int round;

	for (round = 0; round < 2; round++) {
		EXPECT(client_start(&client), 0);
		EXPECT_TRUE(is_zero(client.header, client.session.queue_size));
		taken[round] = take_all(client.fd, 0xa5);
		client_stop(&client);
	}
	EXPECT(taken[1], taken[0]);
	check_until("aperture_used", 0);
}

static double copy_rate(void *to, const void *from, size_t len)
{
	struct timespec before, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	memcpy(to, from, len);
	clock_gettime(CLOCK_MONOTONIC, &after);
	return len / ((after.tv_sec - before.tv_sec) * 1e9 + after.tv_nsec - before.tv_nsec) * 1e3;
}

static void check_copy_rate(void)
{
	size_t len = 256 << 10;
	struct client client;
	char *own[2], *memory;
	__u64 offset;

	EXPECT(client_start(&client), 0);
	EXPECT(client_range(client.fd, len, &offset), 0);
	memory = client_map(client.fd, VGPU_GUEST_MMAP_APERTURE + offset, len);
	own[0] = malloc(len);
	own[1] = malloc(len);
	EXPECT_TRUE(memory && own[0] && own[1]);
	memset(memory, 1, len);
	memset(own[0], 2, len);
	memset(own[1], 3, len);
	check_note("MB/s: %.0f within memory, %.0f to the aperture, %.0f from it",
		   copy_rate(own[0], own[1], len), copy_rate(memory, own[0], len),
		   copy_rate(own[1], memory, len));
	EXPECT(memcmp(own[0], own[1], len), 0);
	client_stop(&client);
}

static void churn(unsigned int seed)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_FENCE };
	struct client client;
	__u64 offset, len;
	char *memory;
	int rounds = 8, ret;

	while (rounds--) {
		ret = client_start(&client);
		if (ret == -EUSERS || ret == -ENOSPC)
			continue;
		EXPECT(ret, 0);
		len = (__u64)PAGE * (1 + rand_r(&seed) % 32);
		ret = client_range(client.fd, len, &offset);
		if (!ret) {
			memory = client_map(client.fd, VGPU_GUEST_MMAP_APERTURE + offset, len);
			EXPECT_TRUE(memory);
			EXPECT_TRUE(is_zero(memory, len));
			memset(memory, seed | 1, len);
			munmap(memory, len);
		} else {
			EXPECT(ret, -ENOSPC);
		}
		if (rand_r(&seed) % 2) {
			cmd.opcode = VGPU_OP_SESSION_INIT;
			cmd.init.out = offset;
			client_submit(&client, &cmd);
		}
		if (rand_r(&seed) % 8 == 0)
			raise(SIGKILL);
		client_stop(&client);
	}
}

/* Many processes come and go, some of them killed, with work under way. */
static void check_churn(void)
{
	enum { CHILDREN = 6 };
	pid_t pids[CHILDREN];
	unsigned int i;
	int status;

	for (i = 0; i < CHILDREN; i++) {
		pids[i] = fork();
		EXPECT_TRUE(pids[i] >= 0);
		if (!pids[i]) {
			churn(check_seed + i);
			_exit(0);
		}
	}
	for (i = 0; i < CHILDREN; i++) {
		EXPECT(waitpid(pids[i], &status, 0), pids[i]);
		EXPECT_TRUE((WIFEXITED(status) && !WEXITSTATUS(status)) ||
			    (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
	}
	check_until("sessions", 0);
	EXPECT(check_number("aperture_used"), 0);
}

const struct check memory_checks[] = {
	{ "cache-mode", check_cache_mode },
	{ "mappings", check_mappings },
	{ "partial-unmap", check_partial_unmap },
	{ "fork", check_fork },
	{ "many-ranges", check_many_ranges },
	{ "cleared", check_cleared },
	{ "copy-rate", check_copy_rate },
	{ "churn", check_churn },
	{ }
};
