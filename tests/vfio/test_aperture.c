// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* The aperture: mapping, populating, revoking, punching, pinning, as the design rests on it. */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vfio/vfio_test.h"

#define SIZE	(1ULL << 30)

static sigjmp_buf fault_jump;

static void faulted(int signal)
{
	siglongjmp(fault_jump, signal);
}

/* The signal that reading a byte raises, 0 if none. */
static int fault_of(const volatile uint8_t *addr)
{
	struct sigaction action = { .sa_handler = faulted }, old;
	int signal;

	sigaction(SIGBUS, &action, &old);
	signal = sigsetjmp(fault_jump, 1);
	if (!signal)
		(void)*addr;
	sigaction(SIGBUS, &old, NULL);
	return signal;
}

static void *map_bar2(uint64_t offset, uint64_t len, int prot, int flags)
{
	return mmap(NULL, len, prot, flags, t.client.device,
		    (off_t)(t.client.region[VFIO_PCI_BAR2_REGION_INDEX].offset + offset));
}

static int test_mapping(void)
{
	uint8_t bytes[3 * 4096], *second;

	/* Populated on demand: nothing until it is touched, then a page each. */
	EXPECT_EQ(mdev_counter(UUID, "aperture_used"), 0);
	t.client.aperture[0] = 1;
	t.client.aperture[SIZE - 1] = 2;
	EXPECT_EQ(mdev_counter(UUID, "aperture_used"), 2 * 4096);
	memset(t.client.aperture + 0x2000, 0x77, 8192);

	/* A second mapping, of a part, is of the same memory; so is what read() and write() see. */
	second = map_bar2(0x3000, 4096, PROT_READ | PROT_WRITE, MAP_SHARED);
	EXPECT(second != MAP_FAILED);
	EXPECT_EQ(second[5], 0x77);
	second[5] = 0x12;
	EXPECT_EQ(t.client.aperture[0x3005], 0x12);
	EXPECT_EQ(vfio_read(&t.client, VFIO_PCI_BAR2_REGION_INDEX, 0x2801, bytes, sizeof(bytes)),
		  sizeof(bytes));
	EXPECT(bytes[0] == 0x77 && bytes[0x3005 - 0x2801] == 0x12 && bytes[0x4000 - 0x2801] == 0);
	memset(bytes, 0x21, sizeof(bytes));
	EXPECT_EQ(vfio_write(&t.client, VFIO_PCI_BAR2_REGION_INDEX, 0x2801, bytes, sizeof(bytes)),
		  sizeof(bytes));
	EXPECT_EQ(t.client.aperture[0x2800], 0x77);
	EXPECT_EQ(second[0], 0x21);
	EXPECT_EQ(t.client.aperture[0x5800], 0x21);
	EXPECT_EQ(t.client.aperture[0x5801], 0);
	munmap(second, 4096);
	return 0;
}

static int test_mapping_refused(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	void *bar0;

	EXPECT(map_bar2(0, 4096, rw, MAP_PRIVATE) == MAP_FAILED && errno == EINVAL);
	EXPECT(map_bar2(0, 4096, rw | PROT_EXEC, MAP_SHARED) == MAP_FAILED && errno == EPERM);
	EXPECT(map_bar2(SIZE, 4096, rw, MAP_SHARED) == MAP_FAILED && errno == EINVAL);
	EXPECT(map_bar2(SIZE - 4096, 8192, rw, MAP_SHARED) == MAP_FAILED && errno == EINVAL);
	EXPECT(map_bar2(0, SIZE + 4096, rw, MAP_SHARED) == MAP_FAILED && errno == EINVAL);
	bar0 = mmap(NULL, 4096, rw, MAP_SHARED, t.client.device, 0);
	EXPECT(bar0 == MAP_FAILED && errno == EINVAL);
	EXPECT(mprotect(t.client.aperture, 4096, rw | PROT_EXEC) == -1 && errno == EACCES);
	return 0;
}

/* The mapping's file is not to be reached by way of the mapping. */
static int test_file_out_of_reach(void)
{
	uint8_t *part = map_bar2(0x10000, 8192, PROT_READ | PROT_WRITE, MAP_SHARED);

	EXPECT(part != MAP_FAILED);
	t.client.aperture[0] = 0x99;
	t.client.aperture[0x10000] = 0x11;
	EXPECT(syscall(__NR_remap_file_pages, part, 4096, 0, 0, 0) == -1);
	EXPECT(mremap(part, 8192, 16384, MREMAP_MAYMOVE) == MAP_FAILED);
	EXPECT(mremap(part, 0, 16384, MREMAP_MAYMOVE) == MAP_FAILED);
	EXPECT(madvise(part, 4096, MADV_REMOVE) == -1);
	EXPECT_EQ(part[0], 0x11);
	munmap(part, 8192);
	return 0;
}

static int test_fork(void)
{
	int status;
	pid_t pid;

	t.client.aperture[0] = 5;
	pid = fork();
	if (!pid) {
		t.client.aperture[1] = t.client.aperture[0] + 1;
		_exit(0);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
	EXPECT_EQ(t.client.aperture[1], 6);
	return 0;
}

/* A mapping that outlives the device's file faults, and is not of what the next user sees. */
static int test_revoked_on_close(void)
{
	uint8_t *kept = t.client.aperture;

	memset(kept, 0xee, 65536);
	t.client.aperture = NULL;
	vfio_client_close(&t.client);
	EXPECT_EQ(fault_of(kept), SIGBUS);
	EXPECT_EQ(mdev_counter(UUID, "aperture_used"), 0);
	EXPECT_EQ(open_client(&t.client), 0);
	EXPECT_EQ(t.client.aperture[0], 0);
	EXPECT_EQ(t.client.aperture[65535], 0);
	t.client.aperture[0] = 0x44;
	EXPECT_EQ(fault_of(kept), SIGBUS);
	munmap(kept, SIZE);
	return 0;
}

static int test_reset_zeroes(void)
{
	uint64_t offset;

	for (offset = 0; offset < SIZE; offset += SIZE / 64)
		t.client.aperture[offset] = 0x81;
	EXPECT_EQ(mdev_counter(UUID, "aperture_used"), 64 * 4096);
	reg_write32(&t.client, VGPU_REG_STATUS, 0);
	EXPECT(device_wait_reset(&t.client));
	EXPECT_EQ(mdev_counter(UUID, "aperture_used"), 0);
	for (offset = 0; offset < SIZE; offset += SIZE / 64)
		EXPECT_EQ(t.client.aperture[offset], 0);
	return 0;
}

static int map_payload(uint64_t *addr)
{
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_MAP, VGPU_EXEC_MMAP_APERTURE + PAYLOAD(0), PAYLOAD_LEN,
			      PROT_READ | PROT_WRITE, MAP_SHARED), 0);
	*addr = t.puppet.out[0];
	return 0;
}

/* The worker sees its session's ranges and nothing else, by no road. */
static int test_worker_mapping(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	struct queue queue, other;
	uint64_t addr;

	EXPECT_EQ(queue_create(&queue, &t.client, 0, QUEUE_AREA(0), 16, 16), VGPU_ST_OK);
	EXPECT_EQ(queue_create(&other, &t.client, 1, QUEUE_AREA(1), 16, 16), VGPU_ST_OK);
	EXPECT_EQ(control(&t.client, 1, VGPU_CTL_RANGE_ADD, PAYLOAD(1), PAYLOAD_LEN, 0, 0), VGPU_ST_OK);
	TRY(start_worker(&queue));
	t.client.aperture[PAYLOAD(0)] = 0x61;
	t.client.aperture[PAYLOAD(1)] = 0x62;
	TRY(map_payload(&addr));
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_PEEK, addr, 0, 0, 0), 0);
	EXPECT_EQ(t.puppet.out[0], 0x61);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_POKE, addr + 8, 0x1234, 0, 0), 0);
	EXPECT_EQ(t.client.aperture[PAYLOAD(0) + 8], 0x34);

	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_MAP, VGPU_EXEC_MMAP_APERTURE + PAYLOAD(1), 4096, rw,
			      MAP_SHARED),
		  -EPERM);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_MAP, VGPU_EXEC_MMAP_APERTURE + QUEUE_AREA(0), 4096,
			      rw, MAP_SHARED),
		  -EPERM);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_MAP,
			      VGPU_EXEC_MMAP_APERTURE + PAYLOAD(0) + PAYLOAD_LEN - 4096, 8192, rw,
			      MAP_SHARED),
		  -EPERM);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_MAP, VGPU_EXEC_MMAP_APERTURE + SIZE, 4096, rw,
			      MAP_SHARED),
		  -EPERM);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_MAP, VGPU_EXEC_MMAP_APERTURE + PAYLOAD(0), 4096, rw,
			      MAP_PRIVATE),
		  -EINVAL);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_MAP, VGPU_EXEC_MMAP_APERTURE + PAYLOAD(0), 4096,
			      rw | PROT_EXEC, MAP_SHARED),
		  -EPERM);
	EXPECT(puppet_call(&t.puppet, PUPPET_REMAP_FILE_PAGES, addr, 4096, PAYLOAD(1) >> 12, 0) < 0);
	EXPECT(puppet_call(&t.puppet, PUPPET_MREMAP, addr, 0, 2 * PAYLOAD_LEN, 0) < 0);
	EXPECT(puppet_call(&t.puppet, PUPPET_MREMAP, addr, PAYLOAD_LEN, 2 * PAYLOAD_LEN, 0) < 0);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_MPROTECT, addr, 4096, rw | PROT_EXEC, 0), -EACCES);
	EXPECT(puppet_call(&t.puppet, PUPPET_MADVISE, addr, 4096, MADV_REMOVE, 0) < 0);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_CHILD_PEEK, addr, 0, 0, 0), -EFAULT);
	/* What is taken in pieces stays what it was. */
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_UNMAP, addr + 4096, 4096, 0, 0), 0);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_PEEK, addr, 0, 0, 0), 0);
	EXPECT_EQ(t.puppet.out[0], 0x61);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_PEEK, addr + 4096, 0, 0, 0), -EFAULT);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_PEEK, addr + 8192, 0, 0, 0), 0);
	queue_free(&queue);
	queue_free(&other);
	return 0;
}

/* A worker that closes its file and keeps its mapping is still there; then it is killed. */
static int test_mapping_holds_worker(void)
{
	struct queue queue;
	uint64_t addr;

	EXPECT_EQ(queue_create(&queue, &t.client, 0, QUEUE_AREA(0), 16, 16), VGPU_ST_OK);
	TRY(start_worker(&queue));
	TRY(map_payload(&addr));
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_CLOSE, 0, 0, 0, 0), 0);
	EXPECT_EQ(mdev_counter(UUID, "workers"), 1);
	EXPECT_EQ(session_state(&t.client, 0), VGPU_SESSION_ACTIVE);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_UNMAP, addr, PAYLOAD_LEN, 0, 0), -EPIPE);
	EXPECT(puppet_wait_killed(&t.puppet));
	EXPECT_EQ(session_state(&t.client, 0), VGPU_SESSION_LOST);
	EXPECT_EQ(mdev_counter(UUID, "workers"), 0);
	queue_free(&queue);
	return 0;
}

static int pin_payload(uint64_t *addr)
{
	int64_t err;

	TRY(map_payload(addr));
	t.client.aperture[PAYLOAD(0)] = 0x31;
	err = puppet_call(&t.puppet, PUPPET_PIN, *addr, 4096, 0, 0);
	if (err == -EOPNOTSUPP) {
		/* io_uring of 6.1 looks at the mapping's operations; the mapping of BAR2, which the
		 * puppet inherited, has shmem's. */
		*addr = (uintptr_t)t.client.aperture + PAYLOAD(0);
		err = puppet_call(&t.puppet, PUPPET_PIN, *addr, 4096, 0, 0);
	}
	if (err == -ENOSYS || err == -EPERM)
		return skipped("this kernel lets nobody pin memory by io_uring");
	EXPECT_EQ(err, 0);
	return 0;
}

/* DMA that is late, after the worker's end, goes to pages that are no longer in the aperture. */
static int test_pinned_pages_are_replaced(void)
{
	struct queue queue;
	uint64_t addr;

	EXPECT_EQ(queue_create(&queue, &t.client, 0, QUEUE_AREA(0), 16, 16), VGPU_ST_OK);
	TRY(start_worker(&queue));
	TRY(pin_payload(&addr));
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_DMA, addr + 16, 0x1111111111111111, 0, 0), 0);
	EXPECT_EQ(t.client.aperture[PAYLOAD(0) + 16], 0x11);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_LEAVE_PIN, 0, 0, 0, 0), 0);
	EXPECT_EQ(control(&t.client, 0, VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0), VGPU_ST_OK);
	EXPECT(session_wait_state(&t.client, 0, VGPU_SESSION_FREE));
	EXPECT_EQ(mdev_counter(UUID, "aperture_used"), 0);
	EXPECT_EQ(t.client.aperture[PAYLOAD(0) + 16], 0);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_DMA, addr + 16, 0x2222222222222222, 0, 0), 0);
	EXPECT_EQ(t.client.aperture[PAYLOAD(0) + 16], 0);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_UNPIN, 0, 0, 0, 0), 0);
	queue_free(&queue);
	return 0;
}

/* A worker that has a copy to the aperture is killed, and its file stays open: its DMA goes on. */
static int die_slowly(struct queue *queue, uint64_t *addr)
{
	struct vgpu_cmd copy = { .opcode = VGPU_OP_COPY_OUT, .stream = 1,
				 .copy = { PAYLOAD(0), STANDIN_DEVICE_BASE, 64, 0, 0, 1, 0 } };
	struct vgpu_dispatch dispatch;
	struct vgpu_cqe cqe;

	EXPECT_EQ(queue_create(queue, &t.client, 0, QUEUE_AREA(0), 16, 16), VGPU_ST_OK);
	TRY(start_worker(queue));
	queue_submit(queue, &copy);
	EXPECT_EQ(puppet_next(&t.puppet, &dispatch), 0);
	EXPECT_EQ(dispatch.cmd.opcode, VGPU_OP_COPY_OUT);
	TRY(pin_payload(addr));
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_LEAVE_FILE, 0, 0, 0, 0), 0);
	__atomic_store_n(&queue->header->sq_tail, queue->tail + 1000, __ATOMIC_RELEASE);
	queue_ring(queue);
	EXPECT(session_wait_state(&t.client, 0, VGPU_SESSION_LOST));
	EXPECT(!queue_poll(queue, &cqe));
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_DMA, *addr + 16, 0x1111111111111111, 0, 0), 0);
	EXPECT_EQ(t.client.aperture[PAYLOAD(0) + 16], 0x11);
	EXPECT(!queue_poll(queue, &cqe));
	return 0;
}

/* What a killed worker was to write to the aperture completes when it can write no more. */
static int test_late_write_holds_completion(void)
{
	struct vgpu_cqe cqe;
	struct queue queue;
	uint64_t addr;

	TRY(die_slowly(&queue, &addr));
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_CLOSE, 0, 0, 0, 0), 0);
	EXPECT_EQ(queue_wait(&queue, &cqe), 0);
	EXPECT_EQ(cqe.status, VGPU_ST_SESSION_LOST);
	EXPECT_EQ(t.client.aperture[PAYLOAD(0) + 16], 0x11);
	EXPECT_EQ(mdev_counter(UUID, "workers"), 0);
	queue_free(&queue);
	return 0;
}

/* Where that takes too long its pages are replaced, and it completes: what it writes goes nowhere. */
static int test_late_write_goes_nowhere(void)
{
	struct vgpu_cqe cqe;
	struct queue queue;
	uint64_t addr;

	TRY(die_slowly(&queue, &addr));
	EXPECT_EQ(queue_wait(&queue, &cqe), 0);
	EXPECT_EQ(cqe.status, VGPU_ST_SESSION_LOST);
	EXPECT_EQ(t.client.aperture[PAYLOAD(0) + 16], 0);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_DMA, addr + 16, 0x2222222222222222, 0, 0), 0);
	EXPECT_EQ(t.client.aperture[PAYLOAD(0) + 16], 0);
	EXPECT_EQ(mdev_counter(UUID, "workers"), 1);
	EXPECT_EQ(control(&t.client, 0, VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0), VGPU_ST_OK);
	EXPECT_EQ(session_state(&t.client, 0), VGPU_SESSION_CLOSING);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_CLOSE, 0, 0, 0, 0), 0);
	EXPECT(session_wait_state(&t.client, 0, VGPU_SESSION_FREE));
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_DMA, addr + 16, 0x3333333333333333, 0, 0), 0);
	EXPECT_EQ(t.client.aperture[PAYLOAD(0) + 16], 0);
	queue_free(&queue);
	return 0;
}

static int64_t vmstat(const char *name)
{
	char line[128], key[64];
	long long value = -1, number;
	FILE *file = fopen("/proc/vmstat", "re");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %lld", key, &number) == 2 && !strcmp(key, name))
			value = number;
	if (file)
		fclose(file);
	return value;
}

static int write_setting(const char *path, const char *value)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return -errno;
	return fputs(value, file) < 0 || fclose(file) ? -errno : 0;
}

/* Huge pages could not be replaced in part: the aperture has none, whatever the system prefers. */
static int test_no_huge_pages(void)
{
	static const char setting[] = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
	int64_t before = vmstat("nr_shmem_hugepages"), after;

	if (before < 0 || write_setting(setting, "always"))
		return skipped("this kernel has no huge pages for shmem");
	madvise(t.client.aperture, SIZE, MADV_HUGEPAGE);
	t.client.aperture[(64 << 20) + 4096] = 1;
	EXPECT_EQ(queue_create(&(struct queue){ 0 }, &t.client, 0, QUEUE_AREA(5), 16, 16), VGPU_ST_OK);
	after = vmstat("nr_shmem_hugepages");
	write_setting(setting, "never");
	EXPECT_EQ(after, before);
	return 0;
}

const struct test aperture_tests[] = {
	{ "mapping", test_mapping },
	{ "mapping-refused", test_mapping_refused },
	{ "file-out-of-reach", test_file_out_of_reach },
	{ "fork", test_fork },
	{ "revoked-on-close", test_revoked_on_close },
	{ "reset-zeroes", test_reset_zeroes },
	{ "worker-mapping", test_worker_mapping },
	{ "mapping-holds-worker", test_mapping_holds_worker },
	{ "pinned-pages-are-replaced", test_pinned_pages_are_replaced },
	{ "late-write-holds-completion", test_late_write_holds_completion },
	{ "late-write-goes-nowhere", test_late_write_goes_nowhere },
	{ "no-huge-pages", test_no_huge_pages },
	{ NULL, NULL }
};
