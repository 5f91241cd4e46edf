// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */
/*
 * What an administrator does to virtual GPUs over loopback, as a command:
 *
 *	validate-administer stats [VM]			counters, one JSON object; of all virtual GPUs without VM
 *	validate-administer policy VM KEY=VALUE...	how VM's GPU is shared: kind order charge window weights=H:M:L cap,
 *							slice and aging in microseconds
 *	validate-administer limits VM KEY=VALUE...	what VM is allowed: tier depth sessions memory (bytes) share
 *							(parts per million) commands (a second) copies (bytes a
 *							second) deadline and quarantine in milliseconds, strikes (a second)
 *
 * VGPU_LOOPBACK is the daemon's socket. What is not named is the default of policies; limits stay, but for tier and rates.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/loopback/loopback.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "validate-administer: %s: %s\n", what, why);
	exit(1);
}

static void call(int fd, struct lb_msg *msg, const char *what)
{
	if (send(fd, msg, sizeof(*msg), MSG_NOSIGNAL) != sizeof(*msg) || recv(fd, msg, sizeof(*msg), 0) != sizeof(*msg))
		fail(what, "the daemon hung up");
	if (msg->error)
		fail(what, strerror(-msg->error));
}

static int connect_as(const char *vm)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct lb_msg msg = { .op = LB_GUEST_HELLO };
	const char *path = getenv(LB_ENV_SOCKET);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (!path || strlen(path) >= sizeof(address.sun_path))
		fail(LB_ENV_SOCKET, "not the path of a socket");
	strcpy(address.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail(path, strerror(errno));
	if (vm) {
		if (strlen(vm) >= sizeof(msg.hello.vm))
			fail(vm, "the name is too long");
		strcpy(msg.hello.vm, vm);
		call(fd, &msg, vm);
	}
	return fd;
}

static uint64_t number(const char *pair, const char *value)
{
	char *end;
	unsigned long long n = strtoull(value, &end, 10);

	if (!*value || *end)
		fail(pair, "not a number");
	return n;
}

static uint32_t word(const char *pair, const char *value, const char *const *words, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(value, words[i]))
			return (uint32_t)i;
	fail(pair, "no such word");
	return 0;
}

static void set_policy(struct lb_policy *policy, char *pair)
{
	static const char *const kinds[] = { "weighted", "strict" };
	static const char *const orders[] = { "fifo", "fair" };
	static const char *const charges[] = { "auto", "oldest", "equal" };
	char *value = strchr(pair, '=');
	size_t len;

	if (!value)
		fail(pair, "not KEY=VALUE");
	len = (size_t)(value++ - pair);
#define IS(key) (len == strlen(key) && !strncmp(pair, key, len))
	if (IS("kind"))
		policy->kind = word(pair, value, kinds, ARRAY_LEN(kinds));
	else if (IS("order"))
		policy->order = word(pair, value, orders, ARRAY_LEN(orders));
	else if (IS("charge"))
		policy->charge = word(pair, value, charges, ARRAY_LEN(charges));
	else if (IS("window"))
		policy->window = (uint32_t)number(pair, value);
	else if (IS("cap"))
		policy->aging_cap = (uint32_t)number(pair, value);
	else if (IS("slice"))
		policy->slice_ns = number(pair, value) * 1000;
	else if (IS("aging"))
		policy->aging_ns = number(pair, value) * 1000;
	else if (!IS("weights") || sscanf(value, "%u:%u:%u", &policy->weight[0], &policy->weight[1], &policy->weight[2]) != 3)
		fail(pair, "not KEY=VALUE of a policy");
}

static void set_limit(struct lb_limits *limits, char *pair)
{
	static const char *const tiers[] = { "high", "medium", "low" };
	char *value = strchr(pair, '=');
	size_t len;

	if (!value)
		fail(pair, "not KEY=VALUE");
	len = (size_t)(value++ - pair);
	if (IS("tier"))
		limits->tier = word(pair, value, tiers, ARRAY_LEN(tiers));
	else if (IS("depth"))
		limits->depth = (uint32_t)number(pair, value);
	else if (IS("sessions"))
		limits->sessions = (uint32_t)number(pair, value);
	else if (IS("memory"))
		limits->memory = number(pair, value);
	else if (IS("share"))
		limits->gpu_share = (uint32_t)number(pair, value);
	else if (IS("commands"))
		limits->cmd_rate = (uint32_t)number(pair, value);
	else if (IS("copies"))
		limits->copy_rate = number(pair, value);
	else if (IS("deadline"))
		limits->deadline_ns = number(pair, value) * 1000000;
	else if (IS("quarantine"))
		limits->quarantine_ns = number(pair, value) * 1000000;
	else if (IS("strikes"))
		limits->strikes = (uint32_t)number(pair, value);
	else
		fail(pair, "not KEY=VALUE of limits");
#undef IS
}

static void show(const struct lb_stats *stats)
{
#define FIELD(name, end) printf("\"" #name "\": %llu" end, (unsigned long long)stats->name)
	putchar('{');
	FIELD(submitted, ", ");
	FIELD(completed, ", ");
	FIELD(failed, ", ");
	FIELD(waiting, ", ");
	FIELD(rejected, ", ");
	FIELD(launches, ", ");
	FIELD(hangs, ", ");
	FIELD(bad_completions, ", ");
	FIELD(sessions_lost, ", ");
	FIELD(memory_used, ", ");
	FIELD(sessions, ", ");
	FIELD(workers, "}\n");
#undef FIELD
}

int main(int argc, char **argv)
{
	struct lb_msg msg = { .op = LB_STATS };
	const char *verb = argc > 1 ? argv[1] : "";
	int i;

	if (!strcmp(verb, "stats") && argc <= 3) {
		call(connect_as(argv[2]), &msg, verb);
		show(&msg.stats);
		return 0;
	}
	if (argc < 3 || (strcmp(verb, "policy") && strcmp(verb, "limits")))
		fail("usage", "stats [VM] | policy VM KEY=VALUE... | limits VM KEY=VALUE...");
	if (!strcmp(verb, "policy")) {
		/* vgpu_policy_default, as design notes give it. */
		msg = (struct lb_msg){ .op = LB_SET_POLICY, .policy = {
			.aging_ns = 100000000, .slice_ns = 500000, .weight = { 16, 4, 1 }, .aging_cap = 50, .window = 2 } };
		for (i = 3; i < argc; i++)
			set_policy(&msg.policy, argv[i]);
	} else {
		msg = (struct lb_msg){ .op = LB_SET_LIMITS, .limits.tier = 1 };
		for (i = 3; i < argc; i++)
			set_limit(&msg.limits, argv[i]);
	}
	call(connect_as(argv[2]), &msg, verb);
	return 0;
}
