// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * A guest that sends garbage over loopback, session after session: commands of random bytes, commands that are nearly right, and in the
 * end of each session nonsense in the queue's header.
 *
 *	garbage SECONDS SEED
 *
 * VGPU_LOOPBACK and VGPU_LOOPBACK_VM say where. It waits for no answer: that is the neighbours' to judge, and the counters'.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/loopback/guest.h"

#define SENDS	32

static uint64_t state;

static uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void fill(void *where, size_t len)
{
	uint8_t *bytes = where;

	while (len--)
		*bytes++ = (uint8_t)(draw() >> 24);
}

/* Half of them get past the first check of their opcode. */
static struct vgpu_cmd command(void)
{
	struct vgpu_cmd cmd;

	fill(&cmd, sizeof(cmd));
	if (draw() & 1 << 20) {
		cmd.opcode = draw() >> 40 & 31;
		cmd.ctx = 1;
	}
	return cmd;
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 1);
	unsigned long long sent = 0, sessions = 0;
	struct lb_msg msg;
	struct guest guest;
	struct vgpu_cmd cmd;
	int i, fds[3];

	state = (argc > 2 ? strtoull(argv[2], NULL, 0) : 1) * 2 + 1;
	guest_vm = getenv(LB_ENV_VM);
	if (!guest_vm)
		return 2;
	while (time(NULL) < end) {
		open_guest(&guest);
		msg = (struct lb_msg){ .op = LB_GUEST_SESSION };
		msg.session.session.sq_entries = ENTRIES;
		msg.session.session.cq_entries = ENTRIES;
		call(&guest, &msg, fds, 3);
		if (msg.error) {
			/* Quarantined: the mediator has had enough. */
			close(guest.sock);
			printf("{\"sent\": %llu, \"sessions\": %llu, \"refused\": %d}\n", sent, sessions, -msg.error);
			return 0;
		}
		for (i = 0; i < 3; i++)
			close(fds[i]);
		close(guest.sock);
		open_session(&guest);
		sessions++;
		for (i = 0; i < SENDS; i++, sent++) {
			cmd = command();
			submit(&guest, &cmd);
		}
		fill(guest.queue, sizeof(*guest.queue));
		i = write(guest.doorbell, &(uint64_t){ 1 }, sizeof(uint64_t)) > 0;
		close_session(&guest);
	}
	printf("{\"sent\": %llu, \"sessions\": %llu, \"refused\": 0}\n", sent, sessions);
	return 0;
}
