// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Supervisors that come and go, virtual GPUs that are made, used and removed. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vfio/vfio_test.h"

#define PCI_ROUNDS	10

static int test_attach_errors(void)
{
	struct vgpu_exec_attach good, bad;

	standin_describe(&good, "standin1", GPU_MEMORY);
#define REFUSED(change, error) \
	do { \
		bad = good; \
		change; \
		EXPECT_EQ(standin_attach(&bad), error); \
	} while (0)
	REFUSED(bad.version = 0, -EINVAL);
	REFUSED(bad.flags = VGPU_ATTACH_FLAGS_ALL + 1, -EINVAL);
	REFUSED(bad.reserved[3] = 1, -EINVAL);
	REFUSED(bad.name[0] = 0, -EINVAL);
	REFUSED(bad.name[0] = '/', -EINVAL);
	REFUSED(bad.name[0] = '.', -EINVAL);
	REFUSED(memset(bad.name, 'a', sizeof(bad.name)), -EINVAL);
	REFUSED(memset(bad.pci, '0', sizeof(bad.pci)), -EINVAL);
	REFUSED(strcpy(bad.pci, "nonsense"), -EINVAL);
	REFUSED(strcpy(bad.pci, "0000:00:1f.9"), -EINVAL);
	REFUSED(strcpy(bad.pci, "0000:ff:1e.7"), -ENODEV);
	REFUSED(bad.granule = 3, -EINVAL);
	REFUSED(bad.granule = 4096, -EINVAL);
	REFUSED(bad.memory = 0, -EINVAL);
	REFUSED(bad.memory = ~0ULL, -EINVAL);
	REFUSED(bad.info.version = 2, -EINVAL);
	REFUSED(bad.info.size = 8, -EINVAL);
	REFUSED(bad.info.num_attrs = VGPU_NUM_ATTRS + 1, -EINVAL);
	REFUSED(memset(bad.info.name, 'a', sizeof(bad.info.name)), -EINVAL);
	/* The GPU's name is taken, and it is not of that PCI address. */
	REFUSED(strcpy(bad.name, GPU), -EBUSY);
	EXPECT(access("/sys/class/vgpu/standin1", F_OK));
	return 0;
}

/* A GPU outlives its supervisor, and takes the next one if that has the same GPU. */
static int test_supervisor_comes_back(void)
{
	struct vgpu_exec_attach attach;

	close(t.supervisor);
	t.supervisor = -1;
	EXPECT_EQ(gpu_counter(GPU, "attached"), 0);
	EXPECT_EQ(reg_read32(&t.client, VGPU_REG_STATUS), VGPU_STATUS_DRIVER_OK);
	standin_describe(&attach, GPU, GPU_MEMORY);
	attach.granule *= 2;
	EXPECT_EQ(standin_attach(&attach), -EINVAL);
	standin_describe(&attach, GPU, (1ULL << 30) - STANDIN_GRANULE);
	EXPECT_EQ(standin_attach(&attach), -EINVAL);
	standin_describe(&attach, GPU, GPU_MEMORY);
	t.supervisor = standin_attach(&attach);
	EXPECT(t.supervisor >= 0);
	EXPECT_EQ(reg_read32(&t.client, VGPU_REG_STATUS), VGPU_STATUS_DRIVER_OK | VGPU_STATUS_GPU_READY);
	return 0;
}

/* A token dies with the supervisor that was told it; the next one is told another. */
static int test_token_of_dead_supervisor(void)
{
	struct vgpu_cmd init = { .opcode = VGPU_OP_SESSION_INIT, .init.out = PAYLOAD(0) };
	struct vgpu_exec_event event;
	struct vgpu_exec_attach attach;
	struct vgpu_dispatch dispatch;
	struct queue queue;

	EXPECT_EQ(queue_create(&queue, &t.client, 0, QUEUE_AREA(0), 16, 16), VGPU_ST_OK);
	EXPECT_EQ(control(&t.client, 0, VGPU_CTL_RANGE_ADD, PAYLOAD(0), PAYLOAD_LEN, 0, 0), VGPU_ST_OK);
	queue_submit(&queue, &init);
	EXPECT_EQ(standin_event(t.supervisor, &event), 0);
	close(t.supervisor);
	puppet_start(&t.puppet);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_OPEN, 0, 0, 0, 0), 0);
	EXPECT_EQ(puppet_call(&t.puppet, PUPPET_BIND, event.token, VGPU_EXEC_VERSION, 0, 0), -ENOENT);
	puppet_kill(&t.puppet);
	standin_describe(&attach, GPU, GPU_MEMORY);
	t.supervisor = standin_attach(&attach);
	EXPECT(t.supervisor >= 0);
	EXPECT_EQ(puppet_serve(&t.puppet, t.supervisor), 0);
	EXPECT_EQ(puppet_next(&t.puppet, &dispatch), 0);
	queue_free(&queue);
	return 0;
}

/* Workers go on without supervisor. */
static int test_worker_outlives_supervisor(void)
{
	struct vgpu_cmd launch = { .opcode = VGPU_OP_LAUNCH, .stream = 1,
				   .launch = { .grid = { 1, 1, 1 }, .block = { 1, 1, 1 } } };
	struct vgpu_dispatch dispatch;
	struct vgpu_cqe cqe;
	struct queue queue;

	EXPECT_EQ(queue_create(&queue, &t.client, 0, QUEUE_AREA(0), 16, 16), VGPU_ST_OK);
	TRY(start_worker(&queue));
	close(t.supervisor);
	t.supervisor = -1;
	queue_submit(&queue, &launch);
	EXPECT_EQ(puppet_next(&t.puppet, &dispatch), 0);
	EXPECT_EQ(puppet_complete(&t.puppet, &dispatch, 0, 0), 0);
	EXPECT_EQ(queue_wait(&queue, &cqe), 0);
	EXPECT_EQ(cqe.status, VGPU_ST_OK);
	queue_free(&queue);
	return 0;
}

static int begin_session(struct queue *queue)
{
	struct vgpu_cmd init = { .opcode = VGPU_OP_SESSION_INIT, .init.out = PAYLOAD(0) };

	EXPECT_EQ(queue_create(queue, &t.client, 0, QUEUE_AREA(0), 16, 16), VGPU_ST_OK);
	EXPECT_EQ(control(&t.client, 0, VGPU_CTL_RANGE_ADD, PAYLOAD(0), PAYLOAD_LEN, 0, 0), VGPU_ST_OK);
	queue_submit(queue, &init);
	return 0;
}

/* An event that could not be copied to its reader is still to be read. */
static int test_event_is_not_lost(void)
{
	struct vgpu_exec_event event;
	struct vgpu_dispatch dispatch;
	struct queue queue;
	void *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	TRY(begin_session(&queue));
	EXPECT(read(t.supervisor, nowhere, sizeof(event)) == -1 && errno == EFAULT);
	munmap(nowhere, 4096);
	EXPECT_EQ(puppet_serve(&t.puppet, t.supervisor), 0);
	EXPECT_EQ(puppet_next(&t.puppet, &dispatch), 0);
	queue_free(&queue);
	return 0;
}

/* Workers that die before they bind are told of: others are tried at once, and not for ever. */
static int test_spawn_failed(void)
{
	struct vgpu_exec_spawn_failed told = { .token = 1 };
	struct vgpu_exec_event event;
	struct vgpu_cqe cqe;
	struct queue queue;
	uint64_t token = 0;
	int plain, i;

	plain = open(VGPU_EXEC_DEVICE, O_RDWR | O_CLOEXEC);
	EXPECT(plain >= 0);
	EXPECT(ioctl(plain, VGPU_EXEC_SPAWN_FAILED, &told) == -1 && errno == EINVAL);
	close(plain);
	EXPECT(ioctl(t.supervisor, VGPU_EXEC_SPAWN_FAILED, &told) == -1 && errno == ENOENT);
	TRY(begin_session(&queue));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(standin_event(t.supervisor, &event), 0);
		EXPECT(event.token != token);
		token = event.token;
		told = (struct vgpu_exec_spawn_failed){ .token = token, .reserved = 1 };
		EXPECT(ioctl(t.supervisor, VGPU_EXEC_SPAWN_FAILED, &told) == -1 && errno == EINVAL);
		told.reserved = 0;
		EXPECT_EQ(ioctl(t.supervisor, VGPU_EXEC_SPAWN_FAILED, &told), 0);
		EXPECT(ioctl(t.supervisor, VGPU_EXEC_SPAWN_FAILED, &told) == -1 && errno == ENOENT);
	}
	EXPECT_EQ(queue_wait(&queue, &cqe), 0);
	EXPECT_EQ(cqe.status, VGPU_ST_NO_EXECUTOR);
	EXPECT_EQ(session_state(&t.client, 0), VGPU_SESSION_LOST);
	queue_free(&queue);
	return 0;
}

/* A supervisor that leaves an event unread hangs: it is killed, and the next one finds the event. */
static int test_supervisor_hangs(void)
{
	struct vgpu_exec_attach attach;
	struct vgpu_dispatch dispatch;
	struct queue queue;
	int ready[2], status;
	pid_t pid;
	char byte;

	close(t.supervisor);
	t.supervisor = -1;
	standin_describe(&attach, GPU, GPU_MEMORY);
	EXPECT_EQ(pipe2(ready, O_CLOEXEC), 0);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		if (standin_attach(&attach) < 0 || write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	EXPECT_EQ(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	TRY(begin_session(&queue));
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	t.supervisor = standin_attach(&attach);
	EXPECT(t.supervisor >= 0);
	EXPECT_EQ(puppet_serve(&t.puppet, t.supervisor), 0);
	EXPECT_EQ(puppet_next(&t.puppet, &dispatch), 0);
	queue_free(&queue);
	return 0;
}

static int test_supervisor_calls(void)
{
	struct vgpu_exec_event event;
	struct pollfd p = { .fd = t.supervisor, .events = POLLIN };
	int plain;

	EXPECT_EQ(poll(&p, 1, 0), 0);
	EXPECT_EQ(fcntl(t.supervisor, F_SETFL, O_NONBLOCK), 0);
	EXPECT(read(t.supervisor, &event, sizeof(event)) == -1 && errno == EAGAIN);
	EXPECT(read(t.supervisor, &event, sizeof(event) - 1) == -1 && errno == EINVAL);
	EXPECT(mmap(NULL, 4096, PROT_READ, MAP_SHARED, t.supervisor, 0) == MAP_FAILED && errno == EINVAL);
	plain = open(VGPU_EXEC_DEVICE, O_RDWR | O_CLOEXEC);
	EXPECT(plain >= 0);
	EXPECT(read(plain, &event, sizeof(event)) == -1 && errno == EINVAL);
	p.fd = plain;
	EXPECT_EQ(poll(&p, 1, 0), 1);
	EXPECT_EQ(p.revents & POLLERR, POLLERR);
	close(plain);
	return 0;
}

const struct test supervisor_tests[] = {
	{ "attach-errors", test_attach_errors },
	{ "supervisor-comes-back", test_supervisor_comes_back },
	{ "token-of-dead-supervisor", test_token_of_dead_supervisor },
	{ "worker-outlives-supervisor", test_worker_outlives_supervisor },
	{ "event-is-not-lost", test_event_is_not_lost },
	{ "spawn-failed", test_spawn_failed },
	{ "supervisor-hangs", test_supervisor_hangs },
	{ "supervisor-calls", test_supervisor_calls },
	{ NULL, NULL }
};

static int64_t available(const char *type)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path),
		 "/sys/class/mdev_bus/%s/mdev_supported_types/%s/available_instances", GPU, type);
	return read_number(path);
}

static int test_budget(void)
{
	EXPECT_EQ(available("vgpu-1g"), 3);
	EXPECT_EQ(available("vgpu-2g"), 1);
	EXPECT_EQ(available("vgpu-4g"), 0);
	EXPECT_EQ(available("vgpu-8g"), -ENOENT);
	EXPECT_EQ(mdev_create(GPU, "vgpu-4g", OTHER_UUID), -ENOSPC);
	EXPECT(!mdev_exists(OTHER_UUID));
	EXPECT_EQ(mdev_create(GPU, "vgpu-2g", OTHER_UUID), 0);
	EXPECT_EQ(available("vgpu-1g"), 1);
	EXPECT_EQ(mdev_counter(OTHER_UUID, "memory_quota"), 2ULL << 30);
	EXPECT_EQ(mdev_counter(OTHER_UUID, "aperture_size"), 2ULL << 30);
	EXPECT_EQ(mdev_create(GPU, "vgpu-1g", UUID), -EEXIST);
	EXPECT_EQ(gpu_counter(GPU, "memory_given"), 3ULL << 30);
	EXPECT_EQ(gpu_counter(GPU, "memory_total"), GPU_MEMORY);
	EXPECT_EQ(gpu_counter(GPU, "virtual_gpus"), 2);
	EXPECT_EQ(mdev_remove(OTHER_UUID), 0);
	EXPECT_EQ(available("vgpu-1g"), 3);
	return 0;
}

static int test_second_user(void)
{
	struct vfio_client second;

	EXPECT(vfio_client_open(&second, UUID, t.path) < 0);
	vfio_client_close(&second);
	EXPECT_EQ(reg_read32(&t.client, VGPU_REG_MAGIC), VGPU_MAGIC);
	return 0;
}

static void *remover(void *result)
{
	*(int *)result = mdev_remove(UUID);
	return NULL;
}

/* The user is asked to let go; the removal ends when it does, and so do commands in flight. */
static int test_removal_in_use(void)
{
	int request = eventfd(0, EFD_CLOEXEC), result = -1;
	struct vgpu_cmd launch = { .opcode = VGPU_OP_LAUNCH, .stream = 1,
				   .launch = { .grid = { 1, 1, 1 }, .block = { 1, 1, 1 } } };
	struct vgpu_cqe cqe;
	struct queue queue;
	pthread_t thread;
	uint64_t count;

	EXPECT_EQ(queue_create(&queue, &t.client, 0, QUEUE_AREA(0), 16, 16), VGPU_ST_OK);
	TRY(start_worker(&queue));
	queue_submit(&queue, &launch);
	EXPECT_EQ(vfio_set_eventfd(&t.client, VFIO_PCI_REQ_IRQ_INDEX, 0, request), 0);
	EXPECT_EQ(pthread_create(&thread, NULL, remover, &result), 0);
	EXPECT_EQ(read(request, &count, sizeof(count)), sizeof(count));
	/* It is still all there. */
	EXPECT_EQ(reg_read32(&t.client, VGPU_REG_MAGIC), VGPU_MAGIC);
	EXPECT_EQ(session_state(&t.client, 0), VGPU_SESSION_ACTIVE);
	EXPECT(!queue_poll(&queue, &cqe));
	queue_free(&queue);
	vfio_client_close(&t.client);
	pthread_join(thread, NULL);
	EXPECT_EQ(result, 0);
	EXPECT(!mdev_exists(UUID));
	EXPECT(puppet_wait_killed(&t.puppet));
	close(request);
	return 0;
}

/* What a client's process does until it is killed; it owns nothing of its parent's. */
static void client_process(int ready)
{
	struct vgpu_cmd init = { .opcode = VGPU_OP_SESSION_INIT, .init.out = PAYLOAD(0) };
	struct vfio_client client;
	struct queue queue;
	char byte = 1;

	if (open_client(&client) || queue_create(&queue, &client, 0, QUEUE_AREA(0), 64, 64) != VGPU_ST_OK ||
	    control(&client, 0, VGPU_CTL_RANGE_ADD, PAYLOAD(0), PAYLOAD_LEN, 0, 0) != VGPU_ST_OK)
		_exit(1);
	queue_submit(&queue, &init);
	if (write(ready, &byte, 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* The client is killed, as QEMU may be; its worker dies, and the virtual GPU serves the next user. */
static int test_client_killed(void)
{
	int ready[2];
	pid_t pid;
	char byte;

	vfio_client_close(&t.client);
	EXPECT_EQ(pipe2(ready, O_CLOEXEC), 0);
	fflush(NULL);
	pid = fork();
	if (!pid)
		client_process(ready[1]);
	close(ready[1]);
	EXPECT_EQ(read(ready[0], &byte, 1), 1);
	EXPECT_EQ(puppet_serve(&t.puppet, t.supervisor), 0);
	EXPECT_EQ(mdev_counter(UUID, "workers"), 1);
	kill(pid, SIGKILL);
	EXPECT_EQ(waitpid(pid, NULL, 0), pid);
	EXPECT(puppet_wait_killed(&t.puppet));
	/* The group is busy until the dead process's files are closed, which waitpid() saw done. */
	EXPECT_EQ(open_client(&t.client), 0);
	EXPECT_EQ(t.client.aperture[QUEUE_AREA(0)], 0);
	EXPECT_EQ(session_state(&t.client, 0), VGPU_SESSION_FREE);
	close(ready[0]);
	return 0;
}

/* One after the other, many times, with and without use. */
static int test_many(void)
{
	struct vfio_client client;
	char uuid[40];
	int i;

	for (i = 0; i < 30; i++) {
		snprintf(uuid, sizeof(uuid), "12345678-9abc-4def-9123-%012x", i);
		EXPECT_EQ(mdev_create(GPU, "vgpu-1g", uuid), 0);
		EXPECT_EQ(vfio_client_open(&client, uuid, t.path), 0);
		make_ready(&client);
		EXPECT_EQ(vfio_client_map(&client), 0);
		client.aperture[i * 4096] = 1;
		if (i & 1)
			EXPECT_EQ(control(&client, 0, VGPU_CTL_SESSION_CREATE, 0x100000, 4096, 4096,
					  1),
				  VGPU_ST_OK);
		vfio_client_close(&client);
		EXPECT_EQ(mdev_remove(uuid), 0);
	}
	return 0;
}

static int expect_lost_gpu(int supervisor)
{
	struct pollfd p = { .fd = supervisor, .events = POLLIN };
	struct vgpu_exec_event event;

	EXPECT_EQ(poll(&p, 1, 0), 1);
	EXPECT_EQ(p.revents & POLLHUP, POLLHUP);
	EXPECT(read(supervisor, &event, sizeof(event)) == -1 && errno == ENODEV);
	return 0;
}

static int unbind(const char *address, const char *driver, const struct vgpu_exec_attach *attach,
		  int *supervisor)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/unbind", driver);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	EXPECT(fd >= 0);
	EXPECT_EQ(write(fd, address, strlen(address)), strlen(address));
	close(fd);
	TRY(expect_lost_gpu(*supervisor));
	EXPECT_EQ(gpu_counter("standin2", "attached"), 0);
	EXPECT(mdev_exists(OTHER_UUID));
	/* It may be served again before the old supervisor's file is closed, which takes nothing then. */
	fd = standin_attach(attach);
	EXPECT(fd >= 0);
	close(*supervisor);
	*supervisor = fd;
	EXPECT_EQ(gpu_counter("standin2", "attached"), 1);
	return 0;
}

static int write_one(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	EXPECT(fd >= 0);
	EXPECT_EQ(write(fd, "1", 1), 1);
	close(fd);
	return 0;
}

static void *attach_while_possible(void *arg)
{
	static int fd;

	do
		fd = standin_attach(arg);
	while (fd == -EBUSY);
	return &fd;
}

/* A supervisor that attaches while its PCI device goes has lost it, or comes too late. */
static int test_pci_race(void)
{
	const char *address = getenv("VFIO_TEST_PCI");
	struct vgpu_exec_attach attach;
	char path[PATH_MAX];
	pthread_t racer;
	void *second;
	int first, i;

	if (!address)
		return skipped("no PCI device to spare: VFIO_TEST_PCI names one");
	standin_describe(&attach, "standin3", GPU_MEMORY);
	snprintf(attach.pci, sizeof(attach.pci), "%s", address);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove", address);
	for (i = 0; i < PCI_ROUNDS; i++) {
		/* The GPU is there before, every other time. */
		if (i % 2) {
			first = standin_attach(&attach);
			EXPECT(first >= 0);
			close(first);
		}
		EXPECT_EQ(pthread_create(&racer, NULL, attach_while_possible, &attach), 0);
		TRY(write_one(path));
		pthread_join(racer, &second);
		if (*(int *)second >= 0) {
			TRY(expect_lost_gpu(*(int *)second));
			close(*(int *)second);
		} else {
			EXPECT_EQ(*(int *)second, -ENODEV);
		}
		EXPECT(access("/sys/class/vgpu/standin3", F_OK));
		TRY(write_one("/sys/bus/pci/rescan"));
	}
	return 0;
}

/* A GPU with a PCI address has its mdevs under its PCI device, which can lose its driver, and go. */
static int test_pci_parent(void)
{
	const char *address = getenv("VFIO_TEST_PCI"), *driver = getenv("VFIO_TEST_PCI_DRIVER");
	char path[PATH_MAX], type[64];
	struct vgpu_exec_attach attach;
	int fd, remove;

	if (!address)
		return skipped(
			"no PCI device to spare: VFIO_TEST_PCI names one, VFIO_TEST_PCI_DRIVER its driver");
	standin_describe(&attach, "standin2", GPU_MEMORY);
	snprintf(attach.pci, sizeof(attach.pci), "%s", address);
	fd = standin_attach(&attach);
	EXPECT(fd >= 0);
	snprintf(type, sizeof(type), "%s-1g", driver ? driver : "pci");
	EXPECT_EQ(mdev_create(address, type, OTHER_UUID), 0);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", address, OTHER_UUID);
	EXPECT(!access(path, F_OK));
	EXPECT_EQ(gpu_counter("standin2", "attached"), 1);
	if (driver)
		TRY(unbind(address, driver, &attach, &fd));
	/* Taken out: the GPU goes with its PCI device. */
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove", address);
	remove = open(path, O_WRONLY | O_CLOEXEC);
	EXPECT(remove >= 0);
	EXPECT_EQ(write(remove, "1", 1), 1);
	close(remove);
	EXPECT_EQ(expect_lost_gpu(fd), 0);
	close(fd);
	unsetenv("VFIO_TEST_PCI");
	EXPECT(!mdev_exists(OTHER_UUID));
	EXPECT(access("/sys/class/vgpu/standin2", F_OK));
	return 0;
}

/*
 * A device that is passed through beside a virtual GPU: it has VFIO pin all that the machine maps, and so have
 * memory for all of the aperture.
 */
static int test_pinned(void)
{
	const char *number = getenv("VFIO_TEST_NIC_GROUP");
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map), .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE };
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap) };
	const uint64_t size = mdev_counter(UUID, "aperture_size");
	char path[PATH_MAX];
	int group;

	if (t.path != VFIO_PATH_GROUP)
		return skipped("it is about groups in one container");
	map.vaddr = (uintptr_t)t.client.aperture;
	map.iova = 1ULL << 32;
	map.size = size;
	unmap.iova = map.iova;
	unmap.size = map.size;
	t.client.aperture[0] = 1;
	/* Without it a mapping takes no memory. */
	EXPECT_EQ(ioctl(t.client.container, VFIO_IOMMU_MAP_DMA, &map), 0);
	EXPECT_EQ(mdev_counter(UUID, "aperture_used"), 4096);
	EXPECT_EQ(ioctl(t.client.container, VFIO_IOMMU_UNMAP_DMA, &unmap), 0);
	snprintf(path, sizeof(path), "/dev/vfio/%s", number);
	group = open(path, O_RDWR | O_CLOEXEC);
	EXPECT(group >= 0);
	EXPECT_EQ(ioctl(group, VFIO_GROUP_SET_CONTAINER, &t.client.container), 0);
	unmap.size = map.size;
	EXPECT_EQ(ioctl(t.client.container, VFIO_IOMMU_MAP_DMA, &map), 0);
	EXPECT_EQ(mdev_counter(UUID, "aperture_used"), size);
	EXPECT_EQ(ioctl(t.client.container, VFIO_IOMMU_UNMAP_DMA, &unmap), 0);
	EXPECT_EQ(mdev_counter(UUID, "aperture_used"), size);
	close(group);
	return 0;
}

const struct test life_tests[] = {
	{ "pinned-by-pass-through", test_pinned, "VFIO_TEST_NIC_GROUP" },
	{ "budget", test_budget },
	{ "second-user", test_second_user },
	{ "removal-in-use", test_removal_in_use },
	{ "client-killed", test_client_killed },
	{ "many", test_many },
	{ "pci-race", test_pci_race },
	{ "pci-parent", test_pci_parent },
	{ NULL, NULL }
};
