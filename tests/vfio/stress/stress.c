// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Many virtual GPUs at once, used, broken off, reset, closed and killed at random, on a GPU with a
 *real executor whose workers are killed too. Every command gets at most one completion, and exactly
 *one unless its session was ended under it.
 *
 *	vfio-stress GPU SEED PROCESSES ROUNDS
 *
 * Needs vgpu.ko, root, and a supervisor of GPU. Ends in "ok stress ..." or in what went wrong.
 */

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vfio/queue.h"
#include "tests/vfio/standin.h"

#define SESSIONS	4
#define ENTRIES		64
#define COMMANDS	1024		/* of one session at most */
#define GRANULE		(2ULL << 20)
#define RANGE(n)	(0x10000000ULL + (n) * 0x100000ULL)
#define RANGE_LEN	0x100000ULL

static uint64_t random_state;
static char uuid[40];

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 11) % n);
}

#define MUST(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "FAIL %s: %s:%d: not so: %s (errno %d)\n", uuid, __FILE__, \
				__LINE__, #condition, errno); \
			_exit(1); \
		} \
	} while (0)

/**
 * struct load - a session under test
 * @queue: its queues
 * @base: device_base, once SESSION_INIT has completed
 * @seen: commands completed, by sequence number
 * @lost: it has answered that it is lost
 */
struct load {
	struct queue queue;
	uint64_t base;
	uint8_t seen[COMMANDS];
	bool lost;
};

static struct vgpu_cmd random_cmd(struct load *load)
{
	uint64_t range = RANGE(load->queue.session);
	struct vgpu_cmd cmd = { .stream = random_below(4) };
	uint64_t addr = load->base + random_below(8) * GRANULE;
	uint32_t i;

	switch (random_below(8)) {
	case 0:
		cmd.opcode = VGPU_OP_CHUNK_MAP;
		cmd.stream = 0;
		cmd.chunk.addr = addr;
		cmd.chunk.len = GRANULE;
		break;
	case 1:
		cmd.opcode = VGPU_OP_CHUNK_UNMAP;
		cmd.stream = 0;
		cmd.chunk.addr = addr;
		cmd.chunk.len = GRANULE;
		break;
	case 2:
		cmd.opcode = VGPU_OP_COPY_IN;
		cmd.copy = (struct vgpu_op_copy){ addr, range + 4096, 1 + random_below(65536), 0, 0, 1, 0 };
		break;
	case 3:
		cmd.opcode = VGPU_OP_COPY_OUT;
		cmd.copy = (struct vgpu_op_copy){ range + 4096, addr, 1 + random_below(65536), 0, 0, 1, 0 };
		break;
	case 4:
		cmd.opcode = VGPU_OP_MEMSET;
		cmd.memset = (struct vgpu_op_memset){ addr, 1 + random_below(65536), 0, 0x5a, 1, 1, { 0 } };
		break;
	case 5:
		cmd.opcode = VGPU_OP_FENCE;
		cmd.flags = (uint8_t)random_below(2);
		break;
	case 6:
		cmd.opcode = VGPU_OP_STREAM_WAIT;
		cmd.wait.seq = load->queue.tail - 1 - random_below(8);
		break;
	default:
		for (i = 0; i < sizeof(cmd) / 4; i++)
			((uint32_t *)&cmd)[i] = random_below(2) ? 0 : random_below(~0U);
		if (cmd.opcode == VGPU_OP_SESSION_INIT)
			cmd.opcode = 0;
	}
	return cmd;
}

static void take(struct load *load, const struct vgpu_cqe *cqe)
{
	struct queue *queue = &load->queue;
	struct vgpu_session_info info;

	MUST(cqe->seq < queue->tail && !load->seen[cqe->seq]);
	load->seen[cqe->seq] = 1;
	if (cqe->status == VGPU_ST_SESSION_LOST || cqe->status == VGPU_ST_NO_EXECUTOR)
		load->lost = true;
	if (cqe->seq == 0 && cqe->status == VGPU_ST_OK) {
		memcpy(&info, queue->client->aperture + RANGE(queue->session), sizeof(info));
		MUST(info.granule == GRANULE && info.device_base);
		load->base = info.device_base;
	}
}

/* Takes all completions that are due. */
static void drain(struct load *load)
{
	struct vgpu_cqe cqe;

	while (load->queue.head != load->queue.tail) {
		MUST(!queue_wait(&load->queue, &cqe));
		take(load, &cqe);
	}
	MUST(!queue_poll(&load->queue, &cqe));
}

static void submit(struct load *load, const struct vgpu_cmd *cmd)
{
	struct queue *queue = &load->queue;
	struct vgpu_cqe cqe;

	MUST(queue->tail < COMMANDS);
	if (queue->tail - queue->head == ENTRIES) {
		queue_ring(queue);
		MUST(!queue_wait(queue, &cqe));
		take(load, &cqe);
	}
	queue_put(queue, cmd);
	if (!random_below(4))
		queue_ring(queue);
}

static bool begin(struct load *load, struct vfio_client *client, uint32_t session)
{
	struct vgpu_cmd init = { .opcode = VGPU_OP_SESSION_INIT, .init.out = RANGE(session) };

	memset(load, 0, sizeof(*load));
	if (queue_create(&load->queue, client, session, session * 0x100000ULL, ENTRIES, ENTRIES) !=
	    VGPU_ST_OK)
		return false;
	MUST(control(client, session, VGPU_CTL_RANGE_ADD, RANGE(session), RANGE_LEN, 0, 0) == VGPU_ST_OK);
	submit(load, &init);
	queue_ring(&load->queue);
	return true;
}

/* Uses up to SESSIONS sessions and leaves them in any state. */
static void use(struct vfio_client *client)
{
	struct load load[SESSIONS];
	uint32_t i, round, count = 1 + random_below(SESSIONS);
	struct vgpu_cmd cmd;

	for (i = 0; i < count; i++)
		MUST(begin(&load[i], client, i));
	if (random_below(4))
		for (i = 0; i < count; i++)
			drain(&load[i]);
	for (round = random_below(200); round; round--) {
		i = random_below(count);
		if (!load[i].base && random_below(20))
			continue;
		cmd = random_cmd(&load[i]);
		submit(&load[i], &cmd);
		if (load[i].lost || !random_below(150)) {
			MUST(control(client, i, VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0) == VGPU_ST_OK);
			MUST(session_wait_state(client, i, VGPU_SESSION_FREE));
			queue_free(&load[i].queue);
			MUST(begin(&load[i], client, i));
		}
	}
	for (i = 0; i < count; i++) {
		queue_ring(&load[i].queue);
		if (random_below(3))
			drain(&load[i]);
		queue_free(&load[i].queue);
	}
}

static void one_round(void)
{
	struct vfio_client client;
	uint32_t resets = random_below(3);

	MUST(!vfio_client_open(&client, uuid, VFIO_PATH_GROUP));
	vfio_enable_memory(&client);
	do {
		reg_write32(&client, VGPU_REG_STATUS, VGPU_STATUS_DRIVER_OK);
		if (!client.aperture)
			MUST(!vfio_client_map(&client));
		use(&client);
		if (random_below(2))
			MUST(!ioctl(client.device, VFIO_DEVICE_RESET));
		else
			reg_write32(&client, VGPU_REG_STATUS, 0);
		MUST(device_wait_reset(&client));
		MUST(client.aperture[0] == 0 && client.aperture[RANGE(0) + 4096] == 0);
	} while (resets--);
	if (random_below(2))
		reg_write32(&client, VGPU_REG_STATUS, VGPU_STATUS_DRIVER_OK), use(&client);
	if (!random_below(4))
		raise(SIGKILL);
	vfio_client_close(&client);
}

static void settle(void)
{
	uint64_t done = mdev_counter(uuid, "completed") + mdev_counter(uuid, "failed");

	MUST(mdev_counter(uuid, "submitted") == done);
	MUST(mdev_counter(uuid, "waiting") == 0);
	MUST(mdev_counter(uuid, "sessions") == 0);
	MUST(mdev_counter(uuid, "workers") == 0);
	MUST(mdev_counter(uuid, "memory_used") == 0);
	MUST(mdev_counter(uuid, "aperture_used") == 0);
}

/* One virtual GPU: made, used by processes of which some are killed, removed. */
static void one_process(const char *gpu, uint32_t rounds)
{
	int status;
	pid_t pid;

	while (rounds--) {
		MUST(!mdev_create(gpu, "vgpu-1g", uuid));
		do {
			pid = fork();
			if (!pid) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				one_round();
				_exit(0);
			}
			MUST(waitpid(pid, &status, 0) == pid);
			MUST(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
			settle();
		} while (random_below(2));
		MUST(!mdev_remove(uuid));
	}
}

/* The parent of process @pid, 0 if there is no such process or it is not the executor's. */
static pid_t executor_parent(pid_t pid)
{
	char path[64], name[64] = "";
	int parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fscanf(file, "%*d (%63[^)]) %*c %d", name, &parent) != 2 || strncmp(name, "vgpu-", 5))
		parent = 0;
	fclose(file);
	return parent > 1 ? parent : 0;
}

static void kill_a_worker(void)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	pid_t pid, parent, chosen = 0;
	uint32_t count = 0;

	while ((entry = readdir(proc))) {
		pid = atoi(entry->d_name);
		parent = pid > 0 ? executor_parent(pid) : 0;
		if (parent && executor_parent(parent) && !random_below(++count))
			chosen = pid;
	}
	closedir(proc);
	if (chosen)
		kill(chosen, SIGKILL);
}

int main(int argc, char **argv)
{
	int status, failures = 0;
	uint32_t i, processes, rounds, killed = 0;
	uint64_t seed;
	pid_t pid;

	if (argc != 5) {
		fprintf(stderr, "usage: vfio-stress GPU SEED PROCESSES ROUNDS\n");
		return 2;
	}
	seed = strtoull(argv[2], NULL, 0);
	processes = (uint32_t)atoi(argv[3]);
	rounds = (uint32_t)atoi(argv[4]);
	for (i = 0; i < processes; i++) {
		fflush(NULL);
		if (fork())
			continue;
		random_state = (seed + i) * 0x9e3779b97f4a7c15 + 1;
		snprintf(uuid, sizeof(uuid), "57e55000-0000-4000-8000-%012x", i);
		one_process(argv[1], rounds);
		_exit(0);
	}
	random_state = seed * 0x2545f4914f6cdd1d + 1;
	/* A worker dies for every thousand doorbells or so; the clock is the other processes' progress. */
	while (processes) {
		pid = waitpid(-1, &status, WNOHANG);
		if (pid > 0) {
			processes--;
			failures += status != 0;
		} else if (!random_below(64)) {
			kill_a_worker();
			killed++;
		} else {
			usleep(2000);
		}
	}
	printf("%s stress: seed %s, %s processes, %s rounds, %u attempts to kill a worker\n",
	       failures ? "FAIL" : "ok", argv[2], argv[3], argv[4], killed);
	return failures > 0;
}
