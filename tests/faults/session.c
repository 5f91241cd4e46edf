// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/faults/session.h"

#define AT_OUT	0x9000
#define AT_NAME	0xa000
#define BLOCK	64

static const char ptx[] =
	".version 7.0\n"
	".target sm_70\n"
	".address_size 64\n"
	".visible .entry mix(.param .u64 words, .param .u32 loops)\n"
	"{\n"
	"	.reg .pred %p;\n"
	"	.reg .b32 %r<6>;\n"
	"	.reg .b64 %rd<3>;\n"
	"	ld.param.u64 %rd1, [words];\n"
	"	ld.param.u32 %r1, [loops];\n"
	"	mov.u32 %r2, %ctaid.x;\n"
	"	mov.u32 %r3, %ntid.x;\n"
	"	mov.u32 %r4, %tid.x;\n"
	"	mad.lo.s32 %r2, %r2, %r3, %r4;\n"
	"	mul.wide.u32 %rd2, %r2, 4;\n"
	"	add.s64 %rd1, %rd1, %rd2;\n"
	"	ld.global.u32 %r3, [%rd1];\n"
	"AGAIN:\n"
	"	setp.eq.u32 %p, %r1, 0;\n"
	"	@%p bra DONE;\n"
	"	mul.lo.s32 %r3, %r3, 1664525;\n"
	"	add.s32 %r3, %r3, 1013904223;\n"
	"	sub.s32 %r1, %r1, 1;\n"
	"	bra AGAIN;\n"
	"DONE:\n"
	"	st.global.u32 [%rd1], %r3;\n"
	"	ret;\n"
	"}\n"
	".visible .entry spin()\n"
	"{\n"
	"AGAIN:\n"
	"	bra AGAIN;\n"
	"}\n"
	".visible .entry poke(.param .u64 where)\n"
	"{\n"
	"	.reg .b64 %rd;\n"
	"	ld.param.u64 %rd, [where];\n"
	"	st.global.u32 [%rd], 1;\n"
	"	ret;\n"
	"}\n";

const struct port_ops *port;

/**
 * mix() - what FUNC_MIX makes of a word
 * @word: before
 * @loops: its second parameter
 *
 * Return: the word after.
 */
uint32_t mix(uint32_t word, uint32_t loops)
{
	while (loops--)
		word = word * 1664525 + 1013904223;
	return word;
}

/**
 * session_take() - take the next completion
 * @session: with a command outstanding
 * @cqe: filled in
 *
 * Return: false where none comes in PATIENCE_MS.
 */
bool session_take(struct session *session, struct vgpu_cqe *cqe)
{
	struct vgpu_cqe *slot = &session->place.cq[session->head % QUEUE_ENTRIES];
	struct pollfd fd = { .fd = session->place.interrupt, .events = POLLIN };
	uint16_t phase = session->head & QUEUE_ENTRIES ? 0 : 1;
	uint64_t count;

	__atomic_store_n(&session->place.header->cq_event, session->head, __ATOMIC_SEQ_CST);
	while ((__atomic_load_n(&slot->phase, __ATOMIC_ACQUIRE) & 1) != phase) {
		if (poll(&fd, 1, PATIENCE_MS) != 1)
			return false;
		if (read(fd.fd, &count, sizeof(count)) < 0)
			continue;
	}
	*cqe = *slot;
	session->head++;
	__atomic_store_n(&session->place.header->cq_head, session->head, __ATOMIC_RELEASE);
	if (session->lied)
		return true;
	if (cqe->seq >= session->tail || session->seen[cqe->seq])
		session->doubled++;
	else
		session->seen[cqe->seq] = 1;
	return true;
}

/**
 * session_submit() - submit a command; where the queue is full, after taking a completion
 * @session: any
 * @cmd: the command
 *
 * Return: its sequence number.
 */
uint32_t session_submit(struct session *session, const struct vgpu_cmd *cmd)
{
	struct vgpu_queue_header *header = session->place.header;
	struct vgpu_cqe cqe;

	if (session->tail - session->head == QUEUE_ENTRIES)
		session_take(session, &cqe);
	session->place.sq[session->tail % QUEUE_ENTRIES] = *cmd;
	session->tail++;
	__atomic_store_n(&header->sq_tail, session->tail, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&header->sq_event, __ATOMIC_RELAXED) == session->tail - 1)
		port->ring();
	return session->tail - 1;
}

/**
 * session_run() - submit a command and take completions up to its own
 * @session: any
 * @cmd: the command
 * @status: of its completion
 *
 * Return: false where it does not come.
 */
bool session_run(struct session *session, const struct vgpu_cmd *cmd, uint16_t *status)
{
	uint32_t seq = session_submit(session, cmd);
	struct vgpu_cqe cqe;

	do {
		if (!session_take(session, &cqe))
			return false;
	} while (cqe.seq != seq);
	*status = cqe.status;
	return true;
}

/**
 * session_drain() - take all completions that are due
 * @session: any
 *
 * Return: false where one does not come.
 */
bool session_drain(struct session *session)
{
	struct vgpu_cqe cqe;

	while (session->head != session->tail)
		if (!session_take(session, &cqe))
			return false;
	return true;
}

/**
 * session_lost() - commands without completion
 * @session: drained
 *
 * Return: how many.
 */
uint32_t session_lost(const struct session *session)
{
	uint32_t seq, lost = 0;

	for (seq = 0; seq < session->tail && !session->lied; seq++)
		lost += !session->seen[seq];
	return lost;
}

static struct vgpu_cmd get_cmd(struct session *session, const char *name, uint32_t id)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_FUNC_GET, .ctx = 1 };
	uint64_t range = session->place.range;

	memcpy(session->place.aperture + range + AT_NAME, name, strlen(name));
	cmd.get.name = range + AT_NAME;
	cmd.get.name_len = (uint32_t)strlen(name);
	cmd.get.out = range + AT_OUT;
	cmd.get.out_len = 1024;
	cmd.get.module = 1;
	cmd.get.id = id;
	return cmd;
}

/**
 * session_launch() - a launch of one of the module's functions, on stream 1
 * @session: begun
 * @func: FUNC_*
 * @grid: blocks of 64 threads
 * @where: first parameter
 * @loops: second parameter
 *
 * Return: the command; its parameters are in the aperture until the next call.
 */
struct vgpu_cmd session_launch(struct session *session, uint32_t func, uint32_t grid, uint64_t where, uint32_t loops)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_LAUNCH, .stream = 1, .ctx = 1 };
	uint8_t *params = session->place.aperture + session->place.range + AT_PARAMS;

	memcpy(params, &where, 8);
	memcpy(params + 8, &loops, 4);
	cmd.launch.params = session->place.range + AT_PARAMS;
	cmd.launch.params_len = func == FUNC_MIX ? 12 : func == FUNC_POKE ? 8 : 0;
	if (!cmd.launch.params_len)
		cmd.launch.params = 0;
	cmd.launch.func = func;
	cmd.launch.grid[0] = grid;
	cmd.launch.grid[1] = 1;
	cmd.launch.grid[2] = 1;
	cmd.launch.block[0] = func == FUNC_MIX ? BLOCK : 1;
	cmd.launch.block[1] = 1;
	cmd.launch.block[2] = 1;
	return cmd;
}

/**
 * session_copy() - a copy between payload and the session's chunk, on stream 1
 * @session: begun
 * @in: to the device
 * @at: offset in the range
 * @offset: in the chunk
 * @len: bytes
 *
 * Return: the command.
 */
struct vgpu_cmd session_copy(struct session *session, bool in, uint32_t at, uint64_t offset, uint32_t len)
{
	struct vgpu_cmd cmd = { .opcode = in ? VGPU_OP_COPY_IN : VGPU_OP_COPY_OUT, .stream = 1, .ctx = 1 };
	uint64_t device = session->info.device_base + offset, host = session->place.range + at;

	cmd.copy.dst = in ? device : host;
	cmd.copy.src = in ? host : device;
	cmd.copy.width = len;
	cmd.copy.height = 1;
	return cmd;
}

static bool prepare(struct session *session, uint16_t *status)
{
	static const char *const names[] = { [FUNC_MIX] = "mix", [FUNC_SPIN] = "spin", [FUNC_POKE] = "poke" };
	uint8_t *payload = session->place.aperture + session->place.range;
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_SESSION_INIT, .init.out = session->place.range };
	uint32_t id;

	if (!session_run(session, &cmd, status) || *status)
		return !!*status;
	memcpy(&session->info, payload, sizeof(session->info));
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_CTX_CREATE, .ctx = 1 };
	if (!session_run(session, &cmd, status) || *status)
		return !!*status;
	memcpy(payload, ptx, sizeof(ptx) - 1);
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_MODULE_LOAD, .ctx = 1 };
	cmd.module.image = session->place.range;
	cmd.module.image_len = sizeof(ptx) - 1;
	cmd.module.module = 1;
	if (!session_run(session, &cmd, status) || *status)
		return !!*status;
	for (id = FUNC_MIX; id <= FUNC_POKE; id++) {
		cmd = get_cmd(session, names[id], id);
		if (!session_run(session, &cmd, status) || *status)
			return !!*status;
	}
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_CHUNK_MAP };
	cmd.chunk.addr = session->info.device_base;
	cmd.chunk.len = session->info.granule;
	return session_run(session, &cmd, status);
}

/**
 * session_begin() - make a session with a context, the module and a chunk of device memory
 * @session: to be set up
 * @status: VGPU_ST_OK, or that of the command that failed
 *
 * Return: 0; a negative errno where there is no session, -ETIMEDOUT with one whose completion does not come.
 */
int session_begin(struct session *session, uint16_t *status)
{
	int err;

	memset(session, 0, sizeof(*session));
	*status = VGPU_ST_OK;
	err = port->begin(&session->place);
	if (!err)
		prepare(session, status);
	return err;
}

/**
 * session_end() - destroy a session, whatever is in flight
 * @session: begun
 */
void session_end(struct session *session)
{
	port->end(&session->place);
}
