// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest.h"

const char *guest_vm = "unit";
uint32_t guest_entries = ENTRIES;

/**
 * call() - make a request of the daemon
 * @guest: connected
 * @msg: the request; replaced by the answer
 * @fds: set to the descriptors that came with it, unless it is an error
 * @num_fds: how many must come
 */
void call(struct guest *guest, struct lb_msg *msg, int *fds, int num_fds)
{
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = msg, .iov_len = sizeof(*msg) };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg;

	assert_int_equal(send(guest->sock, msg, sizeof(*msg), 0), sizeof(*msg));
	assert_int_equal(recvmsg(guest->sock, &header, 0), sizeof(*msg));
	cmsg = CMSG_FIRSTHDR(&header);
	if (num_fds && !msg->error) {
		assert_non_null(cmsg);
		assert_int_equal(cmsg->cmsg_len, CMSG_LEN(sizeof(int) * (size_t)num_fds));
		memcpy(fds, CMSG_DATA(cmsg), sizeof(int) * (size_t)num_fds);
	}
}

/**
 * open_guest() - connect, without a session
 * @guest: to be set up
 */
void open_guest(struct guest *guest)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv(LB_ENV_SOCKET);
	struct lb_msg msg = { .op = LB_GUEST_HELLO };

	assert_non_null(path);
	memset(guest, 0, sizeof(*guest));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	guest->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(guest->sock, (struct sockaddr *)&address, sizeof(address)), 0);
	snprintf(msg.hello.vm, sizeof(msg.hello.vm), "%s", guest_vm);
	call(guest, &msg, NULL, 0);
	assert_int_equal(msg.error, 0);
	msg.op = LB_GUEST_INFO;
	call(guest, &msg, NULL, 0);
	assert_int_equal(msg.error, 0);
	assert_int_equal(msg.info.device_version, VGPU_VERSION);
	assert_true(msg.info.status & VGPU_STATUS_GPU_READY);
	guest->aperture_size = msg.info.aperture_size;
}

/**
 * open_session() - connect and open a session with one payload range
 * @guest: to be set up
 */
void open_session(struct guest *guest)
{
	struct lb_msg msg = { .op = LB_GUEST_SESSION };
	int fds[3];

	open_guest(guest);
	msg.session.session.sq_entries = guest_entries;
	msg.session.session.cq_entries = guest_entries;
	call(guest, &msg, fds, 3);
	assert_int_equal(msg.error, 0);
	guest->doorbell = fds[1];
	guest->interrupt = fds[2];
	guest->aperture = mmap(NULL, guest->aperture_size, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
	assert_true(guest->aperture != MAP_FAILED);
	close(fds[0]);
	guest->queue = (void *)(guest->aperture + msg.session.queue_offset);
	guest->sq = (void *)((char *)guest->queue + msg.session.session.sq_offset);
	guest->cq = (void *)((char *)guest->queue + msg.session.session.cq_offset);
	msg.op = LB_GUEST_RANGE;
	msg.range.len = RANGE_SIZE;
	call(guest, &msg, NULL, 0);
	assert_int_equal(msg.error, 0);
	guest->range = msg.range.offset;
}

/**
 * close_session() - close everything; the session ends
 * @guest: with a session
 */
void close_session(struct guest *guest)
{
	munmap(guest->aperture, guest->aperture_size);
	close(guest->doorbell);
	close(guest->interrupt);
	close(guest->sock);
}

/**
 * submit() - put a command into the submission queue
 * @guest: with a session; at most guest_entries commands are outstanding
 * @cmd: to be copied
 */
void submit(struct guest *guest, const struct vgpu_cmd *cmd)
{
	uint64_t one = 1;

	guest->sq[guest->tail % guest_entries] = *cmd;
	guest->tail++;
	__atomic_store_n(&guest->queue->sq_tail, guest->tail, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&guest->queue->sq_event, __ATOMIC_RELAXED) == guest->tail - 1)
		assert_int_equal(write(guest->doorbell, &one, sizeof(one)), sizeof(one));
}

/**
 * wait_completion() - consume the next completion
 * @guest: with a command outstanding
 *
 * Return: the completion.
 */
struct vgpu_cqe wait_completion(struct guest *guest)
{
	struct vgpu_cqe *cqe = &guest->cq[guest->head % guest_entries];
	struct pollfd fd = { .fd = guest->interrupt, .events = POLLIN };
	uint16_t phase = guest->head & guest_entries ? 0 : 1;
	struct vgpu_cqe done;
	uint64_t count;

	__atomic_store_n(&guest->queue->cq_event, guest->head, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&cqe->phase, __ATOMIC_ACQUIRE) != phase) {
		assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
		assert_int_equal(read(guest->interrupt, &count, sizeof(count)), sizeof(count));
	}
	done = *cqe;
	guest->head++;
	__atomic_store_n(&guest->queue->cq_head, guest->head, __ATOMIC_RELEASE);
	return done;
}

/**
 * run() - submit a command and wait for it; nothing else is outstanding
 * @guest: with a session
 * @cmd: to be copied
 * @value: set to the completion's value, unless NULL
 *
 * Return: its status.
 */
uint16_t run(struct guest *guest, const struct vgpu_cmd *cmd, uint64_t *value)
{
	uint32_t seq = guest->tail;
	struct vgpu_cqe cqe;

	submit(guest, cmd);
	cqe = wait_completion(guest);
	assert_int_equal(cqe.seq, seq);
	if (value)
		*value = cqe.value;
	return cqe.status;
}

/**
 * init_session() - VGPU_OP_SESSION_INIT, and CUDA context 1
 * @guest: with a session
 */
void init_session(struct guest *guest)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_SESSION_INIT, .init.out = guest->range };

	assert_int_equal(run(guest, &cmd, NULL), VGPU_ST_OK);
	memcpy(&guest->info, guest->aperture + guest->range, sizeof(guest->info));
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_CTX_CREATE, .ctx = 1 };
	assert_int_equal(run(guest, &cmd, NULL), VGPU_ST_OK);
}

/**
 * map_chunk() - have device memory
 * @guest: initialised
 * @offset: from the start of the device range
 * @len: bytes
 */
void map_chunk(struct guest *guest, uint64_t offset, uint64_t len)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_CHUNK_MAP };

	cmd.chunk.addr = guest->info.device_base + offset;
	cmd.chunk.len = len;
	assert_int_equal(run(guest, &cmd, NULL), VGPU_ST_OK);
}
