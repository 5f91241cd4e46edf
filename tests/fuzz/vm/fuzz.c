// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Blind fuzzing of the module, on a kernel that looks for errors:
 *
 *	vfio-fuzz guest    SECONDS SEED    a guest that owns the device: registers, config space, queues that change under
 *	                                   the kernel's eyes, aperture, interrupts, resets
 *	vfio-fuzz executor SECONDS SEED    an executor against the character device, beside a guest that asks for workers
 *	vfio-fuzz netlink  SECONDS SEED    an administrator against the netlink family
 *
 * Needs vgpu.ko, a GPU soft0 with a supervisor, and root. What is wrong shows in the kernel's log, and in what works afterwards.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/vfio/queue.h"
#include "tests/vfio/standin.h"
#include "uapi/vgpu_netlink.h"

#define UUID		"f0220000-0000-4000-8000-000000000001"
#define SESSIONS	4
#define APERTURE	(1ULL << 30)

static _Thread_local uint64_t state;
static uint64_t end_ns;
static atomic_ullong steps;
static struct vfio_client client;
static atomic_bool mapped;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t wide(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)((wide() >> 11) % n);
}

/* Numbers at which things go wrong. */
static uint64_t interesting(void)
{
	switch (below(6)) {
	case 0:
		return below(16);
	case 1:
		return 1ULL << below(64);
	case 2:
		return (1ULL << below(64)) - 1;
	case 3:
		return -(uint64_t)below(8192);
	case 4:
		return (uint64_t)below(0x40000) * 4096;
	default:
		return wide();
	}
}

static uint64_t queue_at(uint32_t session)
{
	return 0x100000ULL * (1 + session);
}

static uint64_t range_at(uint32_t session)
{
	return 0x10000000ULL + 0x100000ULL * session;
}

static struct vgpu_cmd some_cmd(uint32_t session)
{
	struct vgpu_cmd cmd = { .opcode = (uint8_t)below(VGPU_OP_COUNT + 2), .stream = below(4), .ctx = below(3) };
	uint32_t i;

	for (i = 0; i < 6; i++)
		cmd.raw[i] = below(3) ? interesting() : range_at(session) + below(0x100000);
	if (!below(3))
		memset(cmd.raw + 1 + below(4), 0, 8 * (1 + below(1)));
	if (cmd.opcode == VGPU_OP_SESSION_INIT) {
		memset(cmd.raw, 0, sizeof(cmd.raw));
		cmd.stream = 0;
		cmd.ctx = 0;
		cmd.init.out = range_at(session);
	}
	return cmd;
}

/* Writes into the queues while the kernel reads them. */
static void *scribble(void *seed)
{
	struct vgpu_queue_header *header;
	struct vgpu_cmd *sq, cmd;
	uint32_t session, *word;

	state = (uint64_t)(uintptr_t)seed * 0x9e3779b97f4a7c15ULL + 1;
	while (now_ns() < end_ns) {
		if (!mapped) {
			sched_yield();
			continue;
		}
		session = below(SESSIONS);
		header = (void *)(client.aperture + queue_at(session));
		sq = (void *)(client.aperture + queue_at(session) + VGPU_PAGE_SIZE);
		cmd = some_cmd(session);
		sq[below(64)] = cmd;
		word = (uint32_t *)header + below(sizeof(*header) / 4);
		if (!below(200))
			__atomic_store_n(word, (uint32_t)interesting(), __ATOMIC_RELAXED);
		else if (!below(4))
			__atomic_store_n(&header->sq_tail, header->sq_head + below(20), __ATOMIC_RELAXED);
		else
			__atomic_store_n(&header->cq_head, header->cq_tail, __ATOMIC_RELAXED);
		if (!below(16))
			memset(client.aperture + range_at(session) + below(0xf0000), (int)below(256), below(4096));
		steps++;
	}
	return NULL;
}

static void open_device(void)
{
	uint32_t i;

	if (vfio_client_open(&client, UUID, VFIO_PATH_GROUP))
		return;
	vfio_enable_memory(&client);
	reg_write32(&client, VGPU_REG_STATUS, VGPU_STATUS_DRIVER_OK);
	if (vfio_client_map(&client))
		return;
	for (i = 0; i < SESSIONS; i++) {
		control(&client, i, VGPU_CTL_SESSION_CREATE, queue_at(i), 64, 64, 1 + i);
		control(&client, i, VGPU_CTL_RANGE_ADD, range_at(i), 0x100000, 0, 0);
	}
	mapped = true;
}

static void guest_step(void)
{
	uint64_t offset = below(4) ? below(0x200) * 4 : below(VGPU_BAR0_SIZE / 4) * 4ULL, value = interesting();
	uint32_t session = below(SESSIONS);
	uint8_t bytes[64];
	int fd;

	switch (below(24)) {
	case 0:
		vfio_write(&client, VFIO_PCI_BAR0_REGION_INDEX, offset, &value, 1ULL << below(4));
		break;
	case 1:
		vfio_read(&client, VFIO_PCI_BAR0_REGION_INDEX, interesting() & 0xffffff, bytes, below(sizeof(bytes)));
		break;
	case 2:
		vfio_config_write(&client, below(256), (uint32_t)value, 1 << below(3));
		vfio_enable_memory(&client);
		break;
	case 3:
		control(&client, session, below(5), interesting(), 1ULL << below(14), 1ULL << below(14), below(70));
		break;
	case 4:
		control(&client, session, VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0);
		break;
	case 5:
	case 6:
		control(&client, session, VGPU_CTL_SESSION_CREATE, queue_at(session), 64, 64, 1 + session);
		control(&client, session, VGPU_CTL_RANGE_ADD, range_at(session), 0x100000, 0, 0);
		break;
	case 7:
		reg_write32(&client, VGPU_REG_STATUS, VGPU_STATUS_DRIVER_OK);
		break;
	case 8:
		if (!below(20))
			reg_write32(&client, VGPU_REG_STATUS, 0);
		break;
	case 9:
		if (!below(40))
			ioctl(client.device, VFIO_DEVICE_RESET);
		break;
	case 10:
		fd = eventfd(0, EFD_CLOEXEC);
		vfio_set_eventfd(&client, below(6), below(80), below(2) ? fd : -1);
		close(fd);
		break;
	case 11:
		vfio_set_irqs(&client, (uint32_t)below(8), (uint32_t)interesting(), (uint32_t)interesting(),
			      below(64), bytes, below(sizeof(bytes)));
		break;
	case 12:
		vfio_write(&client, VFIO_PCI_BAR2_REGION_INDEX, interesting() % (2 * APERTURE), bytes, below(64));
		break;
	case 13:
		if (!below(30)) {
			mapped = false;
			/* The other thread may be in the middle of a step: the mapping stays, of the closed device. */
			reg_write32(&client, VGPU_REG_STATUS, 0);
			device_wait_reset(&client);
			reg_write32(&client, VGPU_REG_STATUS, VGPU_STATUS_DRIVER_OK);
			mapped = true;
		}
		break;
	default:
		reg_write32(&client, VGPU_BAR0_DOORBELL((uint64_t)below(VGPU_MAX_SESSIONS)), (uint32_t)value);
		for (fd = 0; fd < SESSIONS; fd++)
			reg_write32(&client, VGPU_BAR0_DOORBELL((uint64_t)fd), 1);
	}
	steps++;
}

static int fuzz_guest(uint64_t seed)
{
	pthread_t thread;

	open_device();
	if (!mapped) {
		printf("FAIL fuzz-guest: the device cannot be opened\n");
		return 1;
	}
	pthread_create(&thread, NULL, scribble, (void *)(uintptr_t)(seed + 1));
	while (now_ns() < end_ns)
		guest_step();
	pthread_join(thread, NULL);
	vfio_client_close(&client);
	return 0;
}

/* A guest whose sessions ask for workers, and whose commands wait for them. */
static void ask(uint64_t seed)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_SESSION_INIT };
	struct queue queues[SESSIONS];
	uint32_t i;

	state = seed;
	while (now_ns() < end_ns + 2000000000ULL) {
		if (vfio_client_open(&client, UUID, VFIO_PATH_GROUP))
			_exit(0);
		vfio_enable_memory(&client);
		reg_write32(&client, VGPU_REG_STATUS, VGPU_STATUS_DRIVER_OK);
		vfio_client_map(&client);
		for (i = 0; i < SESSIONS; i++) {
			if (queue_create(&queues[i], &client, i, queue_at(i), 64, 64) != VGPU_ST_OK)
				continue;
			control(&client, i, VGPU_CTL_RANGE_ADD, range_at(i), 0x100000, 0, 0);
			cmd.init.out = range_at(i);
			queue_submit(&queues[i], &cmd);
			queue_submit(&queues[i], &(struct vgpu_cmd){ .opcode = VGPU_OP_CTX_CREATE, .ctx = 1 });
		}
		poll(NULL, 0, (int)below(300));
		vfio_client_close(&client);
	}
	_exit(0);
}

static void garbage(void *to, size_t len)
{
	uint8_t *bytes = to;

	while (len--)
		*bytes++ = below(3) ? 0 : (uint8_t)below(256);
}

static void worker_of(uint64_t token)
{
	struct vgpu_exec_bind bind = { .token = token, .version = VGPU_EXEC_VERSION };
	struct vgpu_exec_ready ready = { .device_base = 1ULL << 45, .aperture_base = 1ULL << 44 };
	struct vgpu_exec_wait wait = { 0 };
	struct vgpu_exec_rings *rings;
	int fd = open(VGPU_EXEC_DEVICE, O_RDWR | O_CLOEXEC), i;

	if (fd < 0 || ioctl(fd, VGPU_EXEC_BIND, &bind))
		_exit(0);
	rings = mmap(NULL, sizeof(*rings), PROT_READ | PROT_WRITE, MAP_SHARED, fd, VGPU_EXEC_MMAP_RINGS);
	if (rings == MAP_FAILED)
		_exit(0);
	if (!below(4))
		garbage(&ready, sizeof(ready));
	ioctl(fd, VGPU_EXEC_READY, &ready);
	for (i = 0; i < 400; i++) {
		switch (below(8)) {
		case 0:
			garbage(&rings->completion[below(VGPU_EXEC_RING_ENTRIES)], sizeof(struct vgpu_completion));
			rings->completion_tail += below(3);
			break;
		case 1:
			rings->completion[rings->completion_tail % VGPU_EXEC_RING_ENTRIES] = (struct vgpu_completion){
				.tag = rings->dispatch[below(8)].tag, .generation = bind.generation,
				.status = below(1200) };
			__atomic_store_n(&rings->completion_tail, rings->completion_tail + 1, __ATOMIC_RELEASE);
			break;
		case 2:
			if (!below(40))
				garbage(rings, 128);
			break;
		case 3:
			rings->dispatch_head = below(4) ? rings->dispatch_tail : (uint32_t)interesting();
			break;
		case 4:
			mmap(NULL, 4096ULL << below(4), PROT_READ | PROT_WRITE, below(4) ? MAP_SHARED : MAP_PRIVATE, fd,
			     (off_t)((below(2) ? VGPU_EXEC_MMAP_APERTURE + range_at(below(SESSIONS)) : interesting()) &
				     ~4095ULL));
			break;
		case 5:
			wait.timeout_ns = below(1000000);
			wait.consumed = below(4) ? rings->dispatch_tail : (uint32_t)interesting();
			ioctl(fd, VGPU_EXEC_WAIT, &wait);
			break;
		case 6:
			ioctl(fd, VGPU_EXEC_KICK);
			break;
		default:
			garbage(&ready, sizeof(ready));
			ioctl(fd, _IOC(below(4), VGPU_EXEC_MAGIC, below(9), below(64)), &ready);
		}
		steps++;
	}
	_exit(0);
}

static int attach_as(const char *name)
{
	struct vgpu_exec_attach attach;

	standin_describe(&attach, name, 4ULL << 30);
	return standin_attach(&attach);
}

static void strange_attach(void)
{
	struct vgpu_exec_attach attach;
	uint32_t i, n = 1 + below(6);
	int fd;

	standin_describe(&attach, "fuzz1", 4ULL << 30);
	for (i = 0; i < n; i++)
		((uint8_t *)&attach)[below(below(2) ? 128 : sizeof(attach))] = (uint8_t)below(256);
	/* Names of its own would stay until the module goes. */
	memcpy(attach.name, "fuzz1", 6);
	memset(attach.pci, 0, sizeof(attach.pci));
	fd = standin_attach(&attach);
	if (fd >= 0)
		close(fd);
}

static int fuzz_executor(uint64_t seed)
{
	struct vgpu_exec_spawn_failed failed = { 0 };
	struct vgpu_exec_event event;
	int supervisor = attach_as("fuzz0"), fd;
	pid_t guest, pid;

	if (supervisor < 0 || mdev_create("fuzz0", "vgpu-1g", UUID)) {
		printf("FAIL fuzz-executor: no GPU, or no virtual GPU: %s\n", strerror(errno));
		return 1;
	}
	fcntl(supervisor, F_SETFL, O_NONBLOCK);
	fflush(NULL);
	guest = fork();
	if (!guest) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(supervisor);
		ask(seed);
	}
	while (now_ns() < end_ns) {
		struct pollfd p = { .fd = supervisor, .events = POLLIN };

		poll(&p, 1, 20);
		if (read(supervisor, &event, sizeof(event)) == sizeof(event)) {
			if (!below(8)) {
				failed.token = event.token;
				failed.status = below(1100);
				ioctl(supervisor, VGPU_EXEC_SPAWN_FAILED, &failed);
			} else {
				pid = fork();
				if (!pid) {
					prctl(PR_SET_PDEATHSIG, SIGKILL);
					close(supervisor);
					worker_of(event.token);
				}
			}
		}
		switch (below(8)) {
		case 0:
			read(supervisor, (void *)(uintptr_t)interesting(), below(256));
			break;
		case 1:
			garbage(&failed, sizeof(failed));
			ioctl(supervisor, _IOC(below(4), VGPU_EXEC_MAGIC, below(9), below(64)), &failed);
			break;
		case 2:
			strange_attach();
			break;
		case 3:
			fd = open(VGPU_EXEC_DEVICE, O_RDWR | O_CLOEXEC);
			garbage(&failed, sizeof(failed));
			ioctl(fd, _IOC(below(4), VGPU_EXEC_MAGIC, below(9), below(64)), &failed);
			mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, (off_t)(interesting() & ~4095ULL));
			close(fd);
			break;
		case 4:
			if (!below(20)) {
				close(supervisor);
				supervisor = attach_as("fuzz0");
				fcntl(supervisor, F_SETFL, O_NONBLOCK);
			}
			break;
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		steps++;
	}
	kill(guest, SIGKILL);
	close(supervisor);
	while (waitpid(-1, NULL, 0) > 0)
		;
	return mdev_remove(UUID) ? 1 : 0;
}

static int family;
static int sock;

static int find_family(void)
{
	struct {
		struct nlmsghdr h;
		struct genlmsghdr g;
		struct nlattr a;
		char name[8];
	} request = {
		.h = { .nlmsg_len = sizeof(request), .nlmsg_type = GENL_ID_CTRL, .nlmsg_flags = NLM_F_REQUEST },
		.g = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 },
		.a = { .nla_len = NLA_HDRLEN + 5, .nla_type = CTRL_ATTR_FAMILY_NAME },
		.name = "vgpu",
	};
	uint8_t answer[8192];
	struct nlattr *attr;
	ssize_t n, at;

	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (sock < 0 || send(sock, &request, sizeof(request), 0) < 0)
		return -1;
	n = recv(sock, answer, sizeof(answer), 0);
	for (at = NLMSG_HDRLEN + GENL_HDRLEN; at + NLA_HDRLEN <= n; at += NLA_ALIGN(attr->nla_len)) {
		attr = (struct nlattr *)(answer + at);
		if (attr->nla_len < NLA_HDRLEN)
			break;
		if (attr->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(uint16_t *)(answer + at + NLA_HDRLEN);
	}
	return -1;
}

static size_t put_attrs(uint8_t *to, size_t room, int depth)
{
	static const char *const strings[] = { "soft0", "default", UUID, "fuzz", "", "a-pool" };
	size_t at = 0, len;
	uint32_t count = below(6);

	while (count-- && at + 300 < room) {
		struct nlattr *attr = (struct nlattr *)(to + at);
		uint8_t *value = to + at + NLA_HDRLEN;
		const char *string;
		uint64_t number = interesting();

		attr->nla_type = (uint16_t)(below(40) | (below(8) ? 0 : NLA_F_NESTED));
		switch (below(6)) {
		case 0:
			string = strings[below(6)];
			len = strlen(string) + below(2);
			memcpy(value, string, len);
			break;
		case 1:
			len = 16;
			memcpy(value, "\xf0\x22\x00\x00\x00\x00\x40\x00\x80\x00\x00\x00\x00\x00\x00\x01", 16);
			break;
		case 2:
			len = depth < 4 ? put_attrs(value, room - at - NLA_HDRLEN, depth + 1) : 0;
			attr->nla_type |= NLA_F_NESTED;
			break;
		case 3:
			len = below(64);
			garbage(value, len);
			break;
		default:
			len = 1ULL << below(4);
			memcpy(value, &number, len);
		}
		attr->nla_len = (uint16_t)(NLA_HDRLEN + len);
		if (!below(100))
			attr->nla_len = (uint16_t)interesting();
		at += NLA_ALIGN(NLA_HDRLEN + len);
	}
	return at;
}

static int fuzz_netlink(uint64_t seed)
{
	static union {
		struct nlmsghdr h;
		uint8_t bytes[4096];
	} message;
	static uint8_t answer[65536];
	struct genlmsghdr *genl = NLMSG_DATA(&message.h);
	size_t len;
	int i;

	family = find_family();
	if (family < 0) {
		printf("FAIL fuzz-netlink: there is no family vgpu\n");
		return 1;
	}
	mdev_create("soft0", "vgpu-1g", UUID);
	while (now_ns() < end_ns) {
		memset(&message, 0, sizeof(message));
		len = put_attrs(message.bytes + NLMSG_HDRLEN + GENL_HDRLEN,
				sizeof(message) - NLMSG_HDRLEN - GENL_HDRLEN, 0);
		message.h.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + GENL_HDRLEN + len);
		message.h.nlmsg_type = (uint16_t)family;
		message.h.nlmsg_flags = NLM_F_REQUEST | (below(2) ? NLM_F_ACK : 0) | (below(3) ? 0 : NLM_F_DUMP);
		message.h.nlmsg_seq = (uint32_t)steps;
		genl->cmd = (uint8_t)(below(50) ? below(40) : below(256));
		genl->version = below(50) ? 1 : (uint8_t)below(256);
		send(sock, &message, message.h.nlmsg_len, 0);
		for (i = 0; i < 1000 && recv(sock, answer, sizeof(answer), MSG_DONTWAIT) > 0; i++)
			;
		steps++;
	}
	mdev_remove(UUID);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t seed, start_ns = now_ns();
	int status;

	if (argc != 4) {
		fprintf(stderr, "usage: vfio-fuzz guest|executor|netlink SECONDS SEED\n");
		return 2;
	}
	seed = strtoull(argv[3], NULL, 0);
	if (!seed)
		seed = now_ns() % 1000000000 + 1;
	state = seed * 0x2545f4914f6cdd1dULL + 1;
	end_ns = start_ns + strtoull(argv[2], NULL, 0) * 1000000000ULL;
	printf("# fuzz-%s: seed %llu\n", argv[1], (unsigned long long)seed);
	fflush(stdout);
	if (!strcmp(argv[1], "guest")) {
		mdev_create("soft0", "vgpu-1g", UUID);
		status = fuzz_guest(seed);
		mdev_remove(UUID);
	} else if (!strcmp(argv[1], "executor")) {
		status = fuzz_executor(seed);
	} else {
		status = fuzz_netlink(seed);
	}
	printf("%s fuzz-%s: %llu steps in %llu s\n", status ? "FAIL" : "ok", argv[1], (unsigned long long)steps,
	       (unsigned long long)((now_ns() - start_ns) / 1000000000));
	return status;
}
