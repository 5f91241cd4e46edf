/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * A guest process's session that keeps account: of every command that it submits it expects one completion.
 */
#ifndef TESTS_FAULTS_SESSION_H
#define TESTS_FAULTS_SESSION_H

#include "tests/faults/port.h"

#define SESSION_COMMANDS	4096	/* of one session, at most */
#define PATIENCE_MS		60000	/* for what must come */

/* Functions of the module that session_begin() loads. */
#define FUNC_MIX	1	/* (u64 words, u32 loops): each thread mixes its word */
#define FUNC_SPIN	2	/* never ends */
#define FUNC_POKE	3	/* (u64 where): stores there */

/* Payload: offsets in the range. */
#define AT_PARAMS	0x8000
#define AT_DATA		0x10000

/**
 * struct session - a session
 * @place: where it is
 * @info: what it was told
 * @tail: commands submitted
 * @head: completions taken
 * @seen: by sequence number
 * @doubled: completions of what was complete, or was never submitted
 * @lied: the guest wrote nonsense to its queues: what it sees proves nothing
 */
struct session {
	struct place place;
	struct vgpu_session_info info;
	uint32_t tail;
	uint32_t head;
	uint8_t seen[SESSION_COMMANDS];
	uint32_t doubled;
	bool lied;
};

int session_begin(struct session *session, uint16_t *status);
uint32_t session_submit(struct session *session, const struct vgpu_cmd *cmd);
bool session_take(struct session *session, struct vgpu_cqe *cqe);
bool session_run(struct session *session, const struct vgpu_cmd *cmd, uint16_t *status);
bool session_drain(struct session *session);
uint32_t session_lost(const struct session *session);
void session_end(struct session *session);

struct vgpu_cmd session_launch(struct session *session, uint32_t func, uint32_t grid, uint64_t where, uint32_t loops);
struct vgpu_cmd session_copy(struct session *session, bool in, uint32_t at, uint64_t offset, uint32_t len);
uint32_t mix(uint32_t word, uint32_t loops);

#endif /* TESTS_FAULTS_SESSION_H */
