// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * What happens, as it happens: events of the watchdog, quarantine and limits, and every administrative change, as lines
 * for people, as JSON lines, or into the journal with fields.
 */

#include <errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include "names_gen.h"
#include "netlink.h"
#include "sample.h"

#define LINES_PER_SECOND	100

enum events_option {
	EVENTS_FOLLOW,
	EVENTS_COUNT,
	EVENTS_LOG,
};

static const struct admin_option events_options[] = {
	[EVENTS_FOLLOW] = { "follow", NULL, "until interrupted, which is the default" },
	[EVENTS_COUNT] = { "count", "N", "end after so many" },
	[EVENTS_LOG] = { "log", "FILE", "append JSON lines to FILE, or to the journal where it is \"journal\"", ADMIN_FILE },
	{ NULL },
};

static const char * const event_names[] = {
	"hang", "fault", "session-lost", "malformed", "over-quota", "doorbell-storm", "quarantined", "released", "throttled",
	"unthrottled", "worker-stuck", "supervisor-attached", "supervisor-lost",
};

/* Of changes, by command. */
static const struct {
	uint8_t cmd;
	const char *name;
} changes[] = {
	{ VGPU_CMD_GPU_ADD_NTF, "gpu-added" }, { VGPU_CMD_GPU_DEL_NTF, "gpu-removed" },
	{ VGPU_CMD_GPU_CHANGE_NTF, "gpu-changed" }, { VGPU_CMD_VM_ADD_NTF, "vm-added" },
	{ VGPU_CMD_VM_DEL_NTF, "vm-removed" }, { VGPU_CMD_VM_CHANGE_NTF, "vm-changed" },
	{ VGPU_CMD_POOL_ADD_NTF, "pool-added" }, { VGPU_CMD_POOL_DEL_NTF, "pool-removed" },
	{ VGPU_CMD_POOL_CHANGE_NTF, "pool-changed" },
};

static const char * const state_names[] = { "closed", "open", "ready", "declared", NULL };
static const char * const gpu_state_names[] = { "detached", "attached", "absent", NULL };

static const struct nl_field event_fields[] = {
	{ VGPU_A_EVENT_TIME_NS, NL_U64, "monotonic_ns" }, { VGPU_A_EVENT_TYPE, NL_U32, "type" },
	{ VGPU_A_EVENT_GPU, NL_STRING, "gpu" }, { VGPU_A_EVENT_UUID, NL_UUID, "uuid" },
	{ VGPU_A_EVENT_SESSION, NL_U32, "session" }, { VGPU_A_EVENT_DETAIL, NL_U32, "detail" },
	{ VGPU_A_EVENT_VALUE, NL_U64, "value" }, { VGPU_A_EVENT_SUPPRESSED, NL_U64, "suppressed" }, { 0 },
};

static const struct nl_field vm_fields[] = {
	{ VGPU_A_VM_UUID, NL_UUID, "uuid" }, { VGPU_A_VM_GPU, NL_STRING, "gpu" }, { VGPU_A_VM_STATE, NL_NAMES, "state", state_names },
	{ VGPU_A_VM_POOL, NL_STRING, "pool" }, { VGPU_A_VM_TIER, NL_NAMES, "tier", nl_tier_names },
	{ VGPU_A_VM_MEMORY, NL_U64, "memory" }, { VGPU_A_VM_DEPTH, NL_U32, "depth" }, { VGPU_A_VM_SESSIONS, NL_U32, "sessions" },
	{ VGPU_A_VM_DEADLINE_NS, NL_U64, "deadline_ns" }, { VGPU_A_VM_GPU_SHARE, NL_U32, "gpu_share" },
	{ VGPU_A_VM_COPY_RATE, NL_U64, "copy_rate" }, { VGPU_A_VM_CMD_RATE, NL_U32, "cmd_rate" },
	{ VGPU_A_VM_QUARANTINED, NL_U8_BOOL, "quarantined" }, { 0 },
};

static const struct nl_field gpu_fields[] = {
	{ VGPU_A_GPU_NAME, NL_STRING, "gpu" }, { VGPU_A_GPU_STATE, NL_NAMES, "state", gpu_state_names },
	{ VGPU_A_GPU_POOL, NL_STRING, "pool" }, { VGPU_A_GPU_VMS, NL_U32, "vms" }, { 0 },
};

static const struct nl_field pool_fields[] = {
	{ VGPU_A_POOL_NAME, NL_STRING, "pool" }, { VGPU_A_POOL_WEIGHT_HIGH, NL_U32, "weight_high" },
	{ VGPU_A_POOL_WEIGHT_MEDIUM, NL_U32, "weight_medium" }, { VGPU_A_POOL_WEIGHT_LOW, NL_U32, "weight_low" },
	{ VGPU_A_POOL_AGING_NS, NL_U64, "aging_ns" }, { VGPU_A_POOL_SLICE_NS, NL_U64, "slice_ns" }, { 0 },
};

/**
 * struct events - where events go
 * @args: of the command line
 * @file: JSON lines are appended, or NULL
 * @journal: into the journal
 * @left: events before it ends, -1 for no end
 * @second: in which @lines were written
 * @lines: of this second
 * @suppressed: since the last line
 */
struct events {
	const struct admin_args *args;
	FILE *file;
	bool journal;
	long left;
	time_t second;
	unsigned int lines;
	json_int_t suppressed;
};

static bool is_trouble(const char *name)
{
	static const char *const troubles[] = { "hang", "fault", "session-lost", "malformed", "over-quota", "doorbell-storm",
						"quarantined", "worker-stuck", "supervisor-lost" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(troubles); i++)
		if (!strcmp(name, troubles[i]))
			return true;
	return false;
}

static const char *field(const json_t *event, const char *key)
{
	const char *value = json_string_value(json_object_get(event, key));

	return value ? value : "";
}

/* In the journal's own protocol: a datagram of lines KEY=value. JSON and names have no line breaks in them. */
static void to_journal(const json_t *event)
{
	static const struct sockaddr_un journal = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket" };
	static int sock = -1;
	char *line = json_dumps(event, JSON_COMPACT), *text = NULL;
	const char *name = field(event, "event");
	int len;

	if (sock < 0)
		sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	len = asprintf(&text, "MESSAGE=vgpu: %s %s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=vgpu\nVGPU_EVENT=%s\nVGPU_GPU=%s\n"
		       "VGPU_UUID=%s\nVGPU_POOL=%s\nVGPU_JSON=%s\n", name,
		       *field(event, "uuid") ? field(event, "uuid") : field(event, "gpu"),
		       is_trouble(name) ? LOG_WARNING : LOG_INFO, name, field(event, "gpu"), field(event, "uuid"),
		       field(event, "pool"), line);
	/* Where no journal is, events are lost to it alone. */
	if (len > 0 && sock >= 0)
		sendto(sock, text, len, MSG_NOSIGNAL, (const struct sockaddr *)&journal, sizeof(journal));
	free(text);
	free(line);
}

static void to_text(const json_t *event)
{
	const char *key;
	json_t *value;

	printf("%s  %-20s", field(event, "time"), field(event, "event"));
	json_object_foreach((json_t *)event, key, value) {
		if (!strcmp(key, "time") || !strcmp(key, "event") || !strcmp(key, "monotonic_ns"))
			continue;
		if (json_is_string(value))
			printf("  %s %s", key, json_string_value(value));
		else if (json_is_integer(value))
			printf("  %s %lld", key, json_integer_value(value));
		else
			printf("  %s %s", key, json_is_true(value) ? "yes" : "no");
	}
	putchar('\n');
}

static void stamp(json_t *event)
{
	struct timespec now;
	struct tm tm;
	char text[48];
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(text, sizeof(text), "%FT%T", &tm);
	snprintf(text + n, sizeof(text) - n, ".%06ldZ", now.tv_nsec / 1000);
	json_object_set_new(event, "time", json_string(text));
}

/* Writes an event, or counts it where there are too many. */
static void tell(struct events *events, json_t *event)
{
	time_t second = time(NULL);
	json_int_t suppressed;

	if (second != events->second) {
		events->second = second;
		events->lines = 0;
	}
	suppressed = json_integer_value(json_object_get(event, "suppressed")) + events->suppressed;
	if ((events->file || events->journal) && ++events->lines > LINES_PER_SECOND) {
		events->suppressed = suppressed + 1;
		return;
	}
	events->suppressed = 0;
	if (suppressed)
		json_object_set_new(event, "suppressed", json_integer(suppressed));
	stamp(event);
	if (events->journal) {
		to_journal(event);
	} else if (events->file || events->args->json) {
		FILE *file = events->file ? events->file : stdout;

		json_dumpf(event, file, JSON_COMPACT);
		fputc('\n', file);
		fflush(file);
	} else {
		to_text(event);
		fflush(stdout);
	}
	if (events->left > 0)
		events->left--;
}

static int receive(struct nl_msg *msg, void *arg)
{
	struct genlmsghdr *header = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *attrs = genlmsg_attrdata(header, 0);
	int len = genlmsg_attrlen(header, 0);
	struct events *events = arg;
	const char *name = NULL;
	json_t *event;
	size_t i;

	if (!events->left)
		return NL_STOP;
	if (header->cmd == VGPU_CMD_EVENT_NTF) {
		json_int_t type;

		event = nl_parse(attrs, len, event_fields);
		type = json_integer_value(json_object_get(event, "type"));
		json_object_del(event, "type");
		name = type < (json_int_t)ARRAY_SIZE(event_names) ? event_names[type] : "unknown";
	} else {
		for (i = 0; i < ARRAY_SIZE(changes); i++)
			if (changes[i].cmd == header->cmd)
				name = changes[i].name;
		if (!name)
			return NL_OK;
		event = nl_parse(attrs, len, name[0] == 'g' ? gpu_fields : name[0] == 'v' ? vm_fields : pool_fields);
	}
	json_object_set_new(event, "event", json_string(name));
	tell(events, event);
	json_decref(event);
	return events->left ? NL_OK : NL_STOP;
}

static enum admin_exit subscribe(struct nl_sock **sock, struct events *events)
{
	int group, err;

	*sock = nl_socket_alloc();
	if (genl_connect(*sock) < 0 || genl_ctrl_resolve(*sock, VGPU_GENL_NAME) < 0) {
		admin_error("netlink family \"%s\" not found: the module is not loaded; run: modprobe vgpu", VGPU_GENL_NAME);
		return ADMIN_NO_MODULE;
	}
	group = genl_ctrl_resolve_grp(*sock, VGPU_GENL_NAME, VGPU_MCGRP_MONITOR);
	err = group < 0 ? group : nl_socket_add_membership(*sock, group);
	if (err < 0) {
		admin_error("events: not permitted: this takes CAP_NET_ADMIN; run it as root");
		return ADMIN_DENIED;
	}
	nl_socket_set_buffer_size(*sock, 1 << 20, 0);
	nl_socket_disable_seq_check(*sock);
	nl_socket_modify_cb(*sock, NL_CB_VALID, NL_CB_CUSTOM, receive, events);
	return ADMIN_OK;
}

static enum admin_exit events_show(const struct admin_args *args)
{
	struct events events = { .args = args, .left = -1 };
	const char *log = args->value[EVENTS_LOG];
	enum admin_exit status;
	struct nl_sock *sock;
	char *end;
	int err;

	if (args->value[EVENTS_COUNT]) {
		events.left = strtol(args->value[EVENTS_COUNT], &end, 10);
		if (*end || events.left < 1) {
			admin_error("--count %s: not a number from 1 on", args->value[EVENTS_COUNT]);
			return ADMIN_USAGE;
		}
	}
	events.journal = log && !strcmp(log, "journal");
	if (log && !events.journal) {
		events.file = fopen(log, "ae");
		if (!events.file) {
			admin_error("--log %s: %s", log, strerror(errno));
			return ADMIN_FAILED;
		}
	}
	status = subscribe(&sock, &events);
	if (status == ADMIN_OK) {
		/* Whoever reads this knows that nothing is missed from here on. */
		json_t *ready = json_pack("{ss}", "event", "ready");
		long left = events.left;

		events.left = -1;
		tell(&events, ready);
		events.left = left;
		json_decref(ready);
	}
	while (status == ADMIN_OK && events.left && !ferror(stdout)) {
		err = nl_recvmsgs_default(sock);
		if (err == -NLE_NOMEM)
			events.suppressed++;
		else if (err < 0) {
			admin_error("events: %s", nl_geterror(err));
			status = ADMIN_FAILED;
		}
	}
	nl_socket_free(sock);
	if (events.file)
		fclose(events.file);
	return status;
}

static const struct admin_verb events_verbs[] = {
	{ "show", NULL, "what happens from now on, as it happens", 0, 0, events_options, events_show, ADMIN_ANY },
	{ NULL },
};

const struct admin_object admin_events = { "events", "watchdog, quarantine, limits, and every change", events_verbs };
