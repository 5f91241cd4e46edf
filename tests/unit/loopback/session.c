// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Sessions, memory and workers, seen through the device's protocol. Run by tests/loopback/run.
 */

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest.h"

static void init_tells_addresses(void **state)
{
	struct guest guest;

	open_session(&guest);
	init_session(&guest);
	assert_true(guest.info.device_base);
	assert_int_equal(guest.info.device_base % guest.info.granule, 0);
	assert_true(guest.info.chunk_size < guest.info.device_size);
	assert_int_equal(guest.info.aperture_size, guest.aperture_size);
	assert_true(guest.info.aperture_base >= guest.info.device_base + guest.info.device_size ||
		    guest.info.aperture_base + guest.info.aperture_size <= guest.info.device_base);
	close_session(&guest);
}

static void fence_follows_copies(void **state)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_COPY_IN, .stream = 3, .ctx = 1 };
	struct guest guest;
	char *bytes;
	size_t i;

	open_session(&guest);
	init_session(&guest);
	map_chunk(&guest, 0, guest.info.granule);
	bytes = guest.aperture + guest.range;
	for (i = 0; i < 65536; i++)
		bytes[i] = (char)(i * 7);
	cmd.copy.src = guest.range;
	cmd.copy.dst = guest.info.device_base + 4096;
	cmd.copy.width = 65536;
	cmd.copy.height = 1;
	submit(&guest, &cmd);
	cmd.opcode = VGPU_OP_COPY_OUT;
	cmd.copy.src = guest.info.device_base + 4096;
	cmd.copy.dst = guest.range + (1u << 20);
	submit(&guest, &cmd);
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_FENCE, .stream = 3 };
	submit(&guest, &cmd);
	for (i = 0; i < 3; i++)
		assert_int_equal(wait_completion(&guest).status, VGPU_ST_OK);
	assert_memory_equal(bytes, bytes + (1u << 20), 65536);
	close_session(&guest);
}

static void pitched_copies(void **state)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_COPY_IN, .ctx = 1 };
	struct guest guest;
	char *from, *to;
	uint32_t row, column;

	open_session(&guest);
	init_session(&guest);
	map_chunk(&guest, 0, guest.info.granule);
	from = guest.aperture + guest.range;
	to = from + (1u << 20);
	for (row = 0; row < 16; row++) {
		for (column = 0; column < 100; column++)
			from[row * 128 + column] = (char)(row * 31 + column);
	}
	memset(to, 0x55, 16 * 256);
	cmd.copy.width = 100;
	cmd.copy.height = 16;
	cmd.copy.src = guest.range;
	cmd.copy.src_pitch = 128;
	cmd.copy.dst = guest.info.device_base;
	cmd.copy.dst_pitch = 512;
	assert_int_equal(run(&guest, &cmd, NULL), VGPU_ST_OK);
	cmd.opcode = VGPU_OP_COPY_OUT;
	cmd.copy.src = guest.info.device_base;
	cmd.copy.src_pitch = 512;
	cmd.copy.dst = guest.range + (1u << 20);
	cmd.copy.dst_pitch = 256;
	assert_int_equal(run(&guest, &cmd, NULL), VGPU_ST_OK);
	for (row = 0; row < 16; row++) {
		for (column = 0; column < 256; column++)
			assert_int_equal(to[row * 256 + column],
					 column < 100 ? from[row * 128 + column] : 0x55);
	}
	close_session(&guest);
}

static void memsets_of_every_width(void **state)
{
	static const uint32_t elems[] = { 1, 2, 4 };
	struct vgpu_cmd cmd = { 0 };
	struct guest guest;
	unsigned char *out;
	uint32_t value = 0xa1b2c3d4;
	size_t i, j;

	open_session(&guest);
	init_session(&guest);
	map_chunk(&guest, 0, guest.info.granule);
	out = (unsigned char *)guest.aperture + guest.range;
	for (i = 0; i < 3; i++) {
		cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_MEMSET, .ctx = 1 };
		cmd.memset.dst = guest.info.device_base;
		cmd.memset.width = 1000;
		cmd.memset.value = value;
		cmd.memset.elem = elems[i];
		cmd.memset.height = 1;
		assert_int_equal(run(&guest, &cmd, NULL), VGPU_ST_OK);
		cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_COPY_OUT, .ctx = 1 };
		cmd.copy.src = guest.info.device_base;
		cmd.copy.dst = guest.range;
		cmd.copy.width = 1000 * elems[i];
		cmd.copy.height = 1;
		assert_int_equal(run(&guest, &cmd, NULL), VGPU_ST_OK);
		for (j = 0; j < 1000 * elems[i]; j++)
			assert_int_equal(out[j], value >> 8 * (j % elems[i]) & 0xff);
	}
	close_session(&guest);
}

static void kill_workers(void);
static uint32_t state_of(struct guest *guest);

static void new_memory_is_zero(void **state)
{
	struct vgpu_cmd cmd = { 0 };
	struct guest guest;
	char *out;
	int round;
	size_t i;

	open_session(&guest);
	init_session(&guest);
	out = guest.aperture + guest.range;
	for (round = 0; round < 2; round++) {
		map_chunk(&guest, 0, guest.info.granule);
		memset(out, 0x77, 1u << 20);
		cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_COPY_OUT, .ctx = 1 };
		cmd.copy.src = guest.info.device_base;
		cmd.copy.dst = guest.range;
		cmd.copy.width = 1u << 20;
		cmd.copy.height = 1;
		assert_int_equal(run(&guest, &cmd, NULL), VGPU_ST_OK);
		for (i = 0; i < 1u << 20; i++)
			assert_int_equal(out[i], 0);
		cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_MEMSET, .ctx = 1 };
		cmd.memset.dst = guest.info.device_base;
		cmd.memset.width = guest.info.granule;
		cmd.memset.value = 0xff;
		cmd.memset.elem = 1;
		cmd.memset.height = 1;
		assert_int_equal(run(&guest, &cmd, NULL), VGPU_ST_OK);
		cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_CHUNK_UNMAP };
		cmd.chunk.addr = guest.info.device_base;
		cmd.chunk.len = guest.info.granule;
		assert_int_equal(run(&guest, &cmd, NULL), VGPU_ST_OK);
	}
	close_session(&guest);
}

#define MARK	0xc0ffee0ddba11ULL

static uint64_t marks_in(const void *at, size_t len)
{
	const uint64_t *words = at;
	uint64_t found = 0;
	size_t i;

	for (i = 0; i < len / sizeof(*words); i++)
		found += words[i] == MARK;
	return found;
}

static struct vgpu_cmd whole_granule(struct guest *guest, uint8_t opcode, uint64_t granule)
{
	struct vgpu_cmd cmd = { .opcode = opcode, .ctx = 1 };
	uint64_t device = guest->info.device_base + granule * guest->info.granule;

	cmd.copy.dst = opcode == VGPU_OP_COPY_IN ? device : guest->range;
	cmd.copy.src = opcode == VGPU_OP_COPY_IN ? guest->range : device;
	cmd.copy.width = guest->info.granule;
	cmd.copy.height = 1;
	return cmd;
}

/* Fills what a tenant can fill: payload, and device memory. */
static void leave_marks(struct guest *guest, uint64_t granules)
{
	uint64_t *payload, i;
	struct vgpu_cmd cmd;

	open_session(guest);
	init_session(guest);
	map_chunk(guest, 0, granules * guest->info.granule);
	payload = (uint64_t *)(guest->aperture + guest->range);
	for (i = 0; i < RANGE_SIZE / sizeof(*payload); i++)
		payload[i] = MARK;
	for (i = 0; i < granules; i++) {
		cmd = whole_granule(guest, VGPU_OP_COPY_IN, i);
		assert_int_equal(run(guest, &cmd, NULL), VGPU_ST_OK);
	}
}

/* Looks everywhere for them: queue area, payload, device memory. */
static void find_marks(struct guest *guest, uint64_t granules)
{
	uint64_t i;
	struct vgpu_cmd cmd;

	open_session(guest);
	assert_int_equal(marks_in(guest->queue, VGPU_PAGE_SIZE), 0);
	assert_int_equal(marks_in(guest->aperture + guest->range, RANGE_SIZE), 0);
	init_session(guest);
	map_chunk(guest, 0, granules * guest->info.granule);
	for (i = 0; i < granules; i++) {
		cmd = whole_granule(guest, VGPU_OP_COPY_OUT, i);
		assert_int_equal(run(guest, &cmd, NULL), VGPU_ST_OK);
		assert_int_equal(marks_in(guest->aperture + guest->range, guest->info.granule), 0);
	}
	close_session(guest);
}

/* Whether its session ended in order or its worker died: who comes next, of the same guest or another, finds nothing. */
static void nothing_of_a_tenant_is_left(void **state)
{
	const uint64_t granules = 32;
	struct guest first, next;
	uint32_t state_now;
	int killed;

	for (killed = 0; killed < 2; killed++) {
		leave_marks(&first, granules);
		if (killed) {
			kill_workers();
			do {
				state_now = state_of(&first);
			} while (state_now == VGPU_SESSION_ACTIVE);
		}
		assert_true(marks_in(first.aperture + first.range, RANGE_SIZE) > 0);
		close_session(&first);
		find_marks(&next, granules);
		guest_vm = "another";
		find_marks(&next, granules);
		guest_vm = "unit";
	}
}

static void unmapped_memory_is_refused(void **state)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_COPY_OUT, .ctx = 1 };
	struct guest guest;

	open_session(&guest);
	init_session(&guest);
	map_chunk(&guest, 0, guest.info.granule);
	cmd.copy.dst = guest.range;
	cmd.copy.src = guest.info.device_base + guest.info.granule - 8;
	cmd.copy.width = 16;
	cmd.copy.height = 1;
	assert_int_equal(run(&guest, &cmd, NULL), 1);
	/* The session goes on. */
	cmd.copy.width = 8;
	assert_int_equal(run(&guest, &cmd, NULL), VGPU_ST_OK);
	close_session(&guest);
}

static uint16_t load(struct guest *guest, const void *image, size_t len, char *log, uint64_t *value)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_MODULE_LOAD, .ctx = 1 };
	uint16_t status;

	memcpy(guest->aperture + guest->range, image, len);
	cmd.module.image = guest->range;
	cmd.module.image_len = len;
	cmd.module.log = guest->range + (1u << 20);
	cmd.module.log_len = 4096;
	cmd.module.module = 5;
	status = run(guest, &cmd, value);
	snprintf(log, 4096, "%.*s", (int)(uint32_t)*value, guest->aperture + guest->range + (1u << 20));
	return status;
}

static void images_without_ptx(void **state)
{
	static const char wrong_ptx[] = ".version 7.0\n.target sm_80\n.address_size 64\nnonsense\n";
	unsigned char cubin[64] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	struct guest guest;
	uint64_t value;
	char log[4096];

	open_session(&guest);
	init_session(&guest);
	cubin[18] = 190;
	assert_int_equal(load(&guest, cubin, sizeof(cubin), log, &value), 209);
	assert_non_null(strstr(log, "cubin"));
	assert_non_null(strstr(log, "PTX"));
	assert_int_equal(load(&guest, "\x01\x02\x03", 3, log, &value), 200);
	assert_non_null(strstr(log, "no known format"));
	assert_int_equal(load(&guest, wrong_ptx, sizeof(wrong_ptx), log, &value), 218);
	assert_non_null(strstr(log, "line 4"));
	close_session(&guest);
}

static void numbers_without_objects(void **state)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_LAUNCH, .ctx = 1, .launch.func = 9 };
	struct guest guest;
	int i;

	open_session(&guest);
	init_session(&guest);
	for (i = 0; i < 3; i++) {
		cmd.launch.grid[i] = 1;
		cmd.launch.block[i] = 1;
	}
	assert_int_equal(run(&guest, &cmd, NULL), 400);
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_MODULE_UNLOAD, .module.module = 5 };
	assert_int_equal(run(&guest, &cmd, NULL), 400);
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_FUNC_SET, .attr.func = 9, .attr.attr = 8 };
	assert_int_equal(run(&guest, &cmd, NULL), 400);
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_CTX_CREATE, .ctx = 1 };
	assert_int_equal(run(&guest, &cmd, NULL), 1);
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_CTX_DESTROY, .ctx = 2 };
	assert_int_equal(run(&guest, &cmd, NULL), 201);
	close_session(&guest);
}

static void many_sessions_one_after_the_other(void **state)
{
	struct guest guest;
	int i;

	for (i = 0; i < 2 * VGPU_MAX_SESSIONS; i++) {
		open_session(&guest);
		if (i % 8 == 0)
			init_session(&guest);
		close_session(&guest);
	}
}

/* As many as the aperture has room for, all asking for a worker at the same time. */
static void many_sessions_at_once(void **state)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_SESSION_INIT };
	static struct guest guests[48];
	size_t i;

	for (i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
		open_session(&guests[i]);
		cmd.init.out = guests[i].range;
		submit(&guests[i], &cmd);
	}
	for (i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
		assert_int_equal(wait_completion(&guests[i]).status, VGPU_ST_OK);
		close_session(&guests[i]);
	}
}

static void streams_keep_their_order(void **state)
{
	/* One stream: every copy reads what the one before wrote, over three engines. */
	struct vgpu_cmd in = { .opcode = VGPU_OP_COPY_IN, .stream = 1, .ctx = 1 };
	struct vgpu_cmd move = { .opcode = VGPU_OP_COPY_DEVICE, .stream = 1, .ctx = 1 };
	struct vgpu_cmd out = { .opcode = VGPU_OP_COPY_OUT, .stream = 1, .ctx = 1 };
	struct guest guest;
	uint32_t *words;
	uint32_t i, j;

	open_session(&guest);
	init_session(&guest);
	map_chunk(&guest, 0, guest.info.granule);
	words = (void *)(guest.aperture + guest.range);
	for (i = 0; i < 200; i++) {
		words[i] = i ^ 0x5a5a;
		in.copy.src = guest.range + 4 * i;
		in.copy.dst = guest.info.device_base;
		move.copy.src = guest.info.device_base;
		move.copy.dst = guest.info.device_base + 256;
		out.copy.src = guest.info.device_base + 256;
		out.copy.dst = guest.range + 8192 + 4 * i;
		in.copy.width = 4;
		in.copy.height = 1;
		move.copy.width = 4;
		move.copy.height = 1;
		out.copy.width = 4;
		out.copy.height = 1;
		submit(&guest, &in);
		submit(&guest, &move);
		submit(&guest, &out);
		if (i % 16 == 15) {
			for (j = 0; j < 48; j++)
				assert_int_equal(wait_completion(&guest).status, VGPU_ST_OK);
		}
	}
	while (guest.head != guest.tail)
		assert_int_equal(wait_completion(&guest).status, VGPU_ST_OK);
	for (i = 0; i < 200; i++)
		assert_int_equal(words[2048 + i], i ^ 0x5a5a);
	close_session(&guest);
}

static void requests_out_of_order(void **state)
{
	static const uint32_t guest_ops[] = { LB_GUEST_INFO, LB_GUEST_SESSION, LB_GUEST_RANGE, LB_GUEST_STATE,
					      LB_EXEC_READY, LB_EXEC_EVENT, 0, 99 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct guest guest = { 0 };
	struct lb_msg msg;
	size_t i;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", getenv(LB_ENV_SOCKET));
	guest.sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(guest.sock, (struct sockaddr *)&address, sizeof(address)), 0);
	for (i = 0; i < sizeof(guest_ops) / sizeof(guest_ops[0]); i++) {
		memset(&msg, 0, sizeof(msg));
		msg.op = guest_ops[i];
		call(&guest, &msg, NULL, 0);
		assert_true(msg.error < 0);
	}
	/* A token that nobody was given, a GPU that is none, a name without an end. */
	msg = (struct lb_msg){ .op = LB_EXEC_BIND, .bind = { .token = 1, .version = VGPU_EXEC_VERSION } };
	call(&guest, &msg, NULL, 0);
	assert_int_equal(msg.error, -ENOENT);
	memset(&msg, 0xff, sizeof(msg));
	msg.op = LB_EXEC_ATTACH;
	call(&guest, &msg, NULL, 0);
	assert_int_equal(msg.error, -EINVAL);
	msg.op = LB_GUEST_HELLO;
	call(&guest, &msg, NULL, 0);
	assert_int_equal(msg.error, -EINVAL);
	/* Half a message ends the connection. */
	assert_int_equal(send(guest.sock, &msg, sizeof(msg) / 2, 0), sizeof(msg) / 2);
	assert_int_equal(recv(guest.sock, &msg, sizeof(msg), 0), 0);
	close(guest.sock);
	open_session(&guest);
	msg = (struct lb_msg){ .op = LB_GUEST_SESSION };
	call(&guest, &msg, NULL, 0);
	assert_int_equal(msg.error, -EBUSY);
	close_session(&guest);
}

/* Goes on when the one who started it closes standard input; at once where that is /dev/null. */
static void a_session_waits_for_its_user(void **state)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_MEMSET, .ctx = 1 };
	struct guest guest;
	char byte;

	open_session(&guest);
	init_session(&guest);
	map_chunk(&guest, 0, guest.info.granule);
	printf("in session\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	cmd.memset.dst = guest.info.device_base;
	cmd.memset.width = 64;
	cmd.memset.elem = 4;
	cmd.memset.height = 1;
	assert_int_equal(run(&guest, &cmd, NULL), VGPU_ST_OK);
	close_session(&guest);
}

/* A field of a process's status; false where the process is gone. */
static bool status_field(pid_t pid, const char *name, char value[128])
{
	char path[64], line[256];
	size_t len = strlen(name);
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		found = !strncmp(line, name, len) && line[len] == ':';
		if (found)
			snprintf(value, 128, "%s", line + len + 1 + strspn(line + len + 1, " \t"));
	}
	fclose(file);
	return found;
}

/* Whether the process is the supervisor of this loopback. */
static bool is_supervisor(pid_t pid)
{
	char path[64], cmdline[4096];
	const char *wanted = getenv(LB_ENV_SOCKET);
	size_t len, at;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	len = fread(cmdline, 1, sizeof(cmdline) - 1, file);
	fclose(file);
	cmdline[len] = '\0';
	if (!strstr(cmdline, "vgpu-executor"))
		return false;
	for (at = 0; at < len; at += strlen(cmdline + at) + 1) {
		if (!strcmp(cmdline + at, wanted))
			return true;
	}
	return false;
}

/* The supervisor's children: its workers. Zombies that it has not reaped yet do not count. */
static int find_workers(pid_t *pids, int max)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	char value[128];
	int num = 0;
	pid_t pid;

	assert_non_null(proc);
	while ((entry = readdir(proc)) && num < max) {
		pid = atoi(entry->d_name);
		if (pid < 1 || !status_field(pid, "PPid", value) || atoi(value) < 2 || !is_supervisor(atoi(value)))
			continue;
		if (status_field(pid, "State", value) && value[0] != 'Z')
			pids[num++] = pid;
	}
	closedir(proc);
	return num;
}

static void kill_workers(void)
{
	pid_t pids[VGPU_MAX_SESSIONS];
	int num = find_workers(pids, VGPU_MAX_SESSIONS);

	assert_true(num > 0);
	while (num--)
		kill(pids[num], SIGKILL);
}

static void assert_field(pid_t pid, const char *name, const char *expected)
{
	char value[128];

	assert_true(status_field(pid, name, value));
	value[strcspn(value, "\n")] = '\0';
	assert_string_equal(value, expected);
}

static void assert_apart(pid_t pid, const char *kind)
{
	char path[64], mine[64] = "", its[64] = "";

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	assert_true(readlink(path, mine, sizeof(mine) - 1) > 0);
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind);
	assert_true(readlink(path, its, sizeof(its) - 1) > 0);
	assert_string_not_equal(mine, its);
}

/* Where the machine lets this process have namespaces of its own, a worker has them. */
static bool namespaces_are_permitted(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWPID) ? 1 : 0);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

static void workers_are_confined(void **state)
{
	char path[64], link[128], value[128];
	pid_t pids[VGPU_MAX_SESSIONS];
	struct guest one, two;
	uid_t first, second;
	int num, fd;
	ssize_t n;

	open_session(&one);
	init_session(&one);
	open_session(&two);
	init_session(&two);
	/* Of sessions that ended before, workers may be dying. */
	num = find_workers(pids, VGPU_MAX_SESSIONS);
	assert_true(num >= 2);
	assert_field(pids[num - 1], "NoNewPrivs", "1");
	assert_field(pids[num - 1], "Seccomp", "2");
	assert_field(pids[num - 1], "CapEff", "0000000000000000");
	assert_field(pids[num - 1], "CapPrm", "0000000000000000");
	if (geteuid() == 0 && namespaces_are_permitted()) {
		static const char *const kinds[] = { "mnt", "ipc", "uts", "net", "cgroup", "pid" };
		size_t i;

		for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			assert_apart(pids[num - 1], kinds[i]);
	}
	if (geteuid() == 0) {
		assert_field(pids[num - 1], "CapBnd", "0000000000000000");
		assert_true(status_field(pids[num - 1], "Uid", value));
		first = (uid_t)strtoul(value, NULL, 10);
		assert_true(status_field(pids[num - 2], "Uid", value));
		second = (uid_t)strtoul(value, NULL, 10);
		assert_true(first && second && first != second);
		/* Nothing but standard descriptors, its session's socket, rings, aperture and two events. */
		for (fd = 3; fd < 64; fd++) {
			snprintf(path, sizeof(path), "/proc/%d/fd/%d", pids[num - 1], fd);
			n = readlink(path, link, sizeof(link) - 1);
			if (n < 0)
				continue;
			link[n] = '\0';
			assert_true(fd <= 7);
			assert_true(strstr(link, "socket:") || strstr(link, "vgpu-rings") ||
				    strstr(link, "vgpu-aperture") || strstr(link, "[eventfd]"));
		}
	}
	close_session(&two);
	close_session(&one);
}

static uint32_t state_of(struct guest *guest)
{
	struct lb_msg msg = { .op = LB_GUEST_STATE };

	call(guest, &msg, NULL, 0);
	assert_int_equal(msg.error, 0);
	return msg.state;
}

static void a_killed_worker_costs_its_session(void **state)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_COPY_IN, .ctx = 1 };
	unsigned char seen[ENTRIES] = { 0 };
	struct guest guest, next;
	struct vgpu_cqe cqe;
	uint32_t first;
	int i;

	open_session(&guest);
	init_session(&guest);
	map_chunk(&guest, 0, 2 * guest.info.granule);
	cmd.copy.src = guest.range;
	cmd.copy.dst = guest.info.device_base;
	cmd.copy.width = RANGE_SIZE;
	cmd.copy.height = 1;
	first = guest.tail;
	for (i = 0; i < ENTRIES; i++) {
		cmd.stream = (uint32_t)i % 4;
		submit(&guest, &cmd);
		if (i == ENTRIES / 2)
			kill_workers();
	}
	/* Each gets exactly one completion: done, or lost with the worker. */
	for (i = 0; i < ENTRIES; i++) {
		cqe = wait_completion(&guest);
		assert_true(cqe.seq - first < ENTRIES);
		assert_true(cqe.status == VGPU_ST_OK || cqe.status == VGPU_ST_SESSION_LOST);
		assert_int_equal(seen[cqe.seq - first]++, 0);
	}
	assert_int_equal(cqe.status, VGPU_ST_SESSION_LOST);
	assert_int_equal(state_of(&guest), VGPU_SESSION_LOST);
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_FENCE };
	assert_int_equal(run(&guest, &cmd, NULL), VGPU_ST_SESSION_LOST);
	/* The next session has a worker of its own. */
	open_session(&next);
	init_session(&next);
	close_session(&next);
	close_session(&guest);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_waits_for_its_user),
		cmocka_unit_test(requests_out_of_order),
		cmocka_unit_test(workers_are_confined),
		cmocka_unit_test(a_killed_worker_costs_its_session),
		cmocka_unit_test(init_tells_addresses),
		cmocka_unit_test(fence_follows_copies),
		cmocka_unit_test(pitched_copies),
		cmocka_unit_test(memsets_of_every_width),
		cmocka_unit_test(new_memory_is_zero),
		cmocka_unit_test(nothing_of_a_tenant_is_left),
		cmocka_unit_test(unmapped_memory_is_refused),
		cmocka_unit_test(images_without_ptx),
		cmocka_unit_test(numbers_without_objects),
		cmocka_unit_test(streams_keep_their_order),
		cmocka_unit_test(many_sessions_at_once),
		cmocka_unit_test(many_sessions_one_after_the_other),
	};

	/* An argument chooses tests, by a pattern with * and ?. */
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
