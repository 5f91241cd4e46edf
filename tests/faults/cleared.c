// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Tenants one after the other: the first leaves its mark in device memory, in its payload and, where it has all of the
 * aperture mapped, in pages that belong to nobody; it ends in order, or its worker or it itself is killed. Those who come
 * next, in the same virtual GPU and in another, look for the mark in all that they are given.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/faults/cleared.h"
#include "tests/faults/faults.h"
#include "tests/faults/session.h"

#define MARK		0xdeb7a51bf00dface	/* in no code and no table */
#define MARKED_BYTES	(48ULL << 20)		/* of device memory */
#define PIECE		(RANGE_BYTES / 2)
#define NOBODYS_AT	0x20000000ULL		/* over VFIO */
#define NOBODYS_BYTES	(4ULL << 20)

/* Exit statuses of tenants. */
enum { TENANT_WELL, TENANT_FOUND, TENANT_FAILED };

enum ending { END_IN_ORDER, END_WORKER_KILLED, END_GUEST_KILLED, END_COUNT };

static const char *const ending_names[END_COUNT] = {
	[END_IN_ORDER] = "ended in order", [END_WORKER_KILLED] = "lost its worker", [END_GUEST_KILLED] = "was killed",
};

static void mark(uint8_t *to, uint64_t bytes)
{
	const uint64_t word = MARK;
	uint64_t at;

	for (at = 0; at < bytes; at += sizeof(word))
		memcpy(to + at, &word, sizeof(word));
}

/* Any two bytes in a row of the mark, at any place, would do; all of it is looked for at every byte. */
static uint64_t marks_in(const uint8_t *from, uint64_t bytes)
{
	const uint64_t word = MARK;
	const uint8_t *at = from, *end = from + bytes;
	uint64_t count = 0;

	while ((at = memmem(at, (size_t)(end - at), &word, sizeof(word)))) {
		count++;
		at += sizeof(word);
	}
	return count;
}

static bool map_memory(struct session *session, uint16_t *status)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_CHUNK_MAP };

	/* The session has one granule from its beginning. */
	cmd.chunk.addr = session->info.device_base + session->info.granule;
	cmd.chunk.len = MARKED_BYTES - session->info.granule;
	return session_run(session, &cmd, status) && !*status;
}

static bool copy_piece(struct session *session, bool in, uint64_t at, uint16_t *status)
{
	struct vgpu_cmd cmd = session_copy(session, in, PIECE, at, PIECE);

	return session_run(session, &cmd, status) && !*status;
}

static int failed(unsigned int vm, const char *what, uint16_t status)
{
	complain("virtual GPU %u: %s failed, status %u, errno %d", vm, what, status, errno);
	return TENANT_FAILED;
}

static int leave_marks(unsigned int vm, enum ending ending)
{
	static struct session session;
	uint16_t status = 0;
	uint64_t at;

	if (port->attach(vm))
		return failed(vm, "attaching", 0);
	if (session_begin(&session, &status) || status)
		return failed(vm, "beginning a session", status);
	if (!map_memory(&session, &status))
		return failed(vm, "mapping device memory", status);
	mark(session.place.aperture + session.place.range + PIECE, PIECE);
	for (at = 0; at < MARKED_BYTES; at += PIECE)
		if (!copy_piece(&session, true, at, &status))
			return failed(vm, "copying to the device", status);
	if (port == &vfio_port)
		mark(session.place.aperture + NOBODYS_AT, NOBODYS_BYTES);
	if (ending == END_GUEST_KILLED)
		raise(SIGKILL);
	if (ending == END_WORKER_KILLED) {
		kill(port->worker(), SIGKILL);
		while (copy_piece(&session, true, 0, &status))
			;
	}
	session_end(&session);
	port->detach();
	return TENANT_WELL;
}

static int look_for_marks(unsigned int vm)
{
	static struct session session;
	struct place place;
	uint64_t at, found;
	uint16_t status;

	if (port->attach(vm) || port->begin(&place))
		return failed(vm, "attaching", 0);
	found = marks_in(place.aperture + place.range, RANGE_BYTES);
	if (port == &vfio_port)
		found += marks_in(place.aperture + NOBODYS_AT, NOBODYS_BYTES);
	if (found)
		complain("virtual GPU %u: %llu marks in the aperture", vm, (unsigned long long)found);
	port->end(&place);
	if (session_begin(&session, &status) || status || !map_memory(&session, &status))
		return failed(vm, "beginning a session or mapping", status);
	for (at = 0; at < MARKED_BYTES && !found; at += PIECE) {
		memset(session.place.aperture + session.place.range + PIECE, 0xff, PIECE);
		if (!copy_piece(&session, false, at, &status))
			return failed(vm, "copying from the device", status);
		found = marks_in(session.place.aperture + session.place.range + PIECE, PIECE);
		if (found)
			complain("virtual GPU %u: %llu marks in device memory at %#llx", vm, (unsigned long long)found,
				 (unsigned long long)at);
	}
	session_end(&session);
	port->detach();
	return found ? TENANT_FOUND : TENANT_WELL;
}

static bool wait_settled(unsigned int vm)
{
	uint64_t end = now_ns() + PATIENCE_MS * 1000000ULL;
	struct lb_stats stats;

	do {
		if (port->stats(vm, &stats))
			return false;
		usleep(1000);
	} while ((stats.sessions || stats.workers) && now_ns() < end);
	return !stats.sessions && !stats.workers;
}

/* A tenant is a process: the exit status, or minus the signal. */
static int tenant(unsigned int vm, bool first, enum ending ending)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(first ? leave_marks(vm, ending) : look_for_marks(vm));
	if (waitpid(pid, &status, 0) != pid)
		return TENANT_FAILED;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/**
 * cleared() - whether nobody finds what a tenant before left
 *
 * Prints one line for each way in which the first tenant ends.
 *
 * Return: true if so.
 */
bool cleared(void)
{
	enum ending ending;
	bool well = true;
	int result;
	unsigned int vm;

	for (ending = 0; ending < END_COUNT; ending++) {
		result = tenant(0, true, ending);
		if (result != (ending == END_GUEST_KILLED ? -SIGKILL : TENANT_WELL) || !wait_settled(0)) {
			printf("FAIL cleared: the tenant that %s ended with %d\n", ending_names[ending], result);
			return false;
		}
		for (vm = 0; vm < 2; vm++) {
			result = tenant(vm, false, ending);
			if (result)
				printf("FAIL cleared: after a tenant %s, the next one in %s virtual GPU %s\n",
				       ending_names[ending], vm ? "another" : "the same",
				       result == TENANT_FOUND ? "finds what it left" : "cannot look");
			/* What it had is counted against its quota until its worker is gone. */
			well = wait_settled(vm) && well && !result;
		}
		if (well)
			printf("ok cleared: nothing is left of a tenant that %s\n", ending_names[ending]);
		fflush(stdout);
	}
	return well;
}
