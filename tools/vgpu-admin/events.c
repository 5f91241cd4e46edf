// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * What happens, as it happens: events of the watchdog, quarantine and limits, and every administrative change, as lines
 * for people, as JSON lines, or into the journal with fields.
 */

#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "event_log.h"
#include "names_gen.h"
#include "netlink.h"
#include "sample.h"

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

static const char * const policy_names[] = { "weighted", "strict", NULL };
static const char * const order_names[] = { "fifo", "fair", NULL };
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
	{ VGPU_A_VM_WEIGHT, NL_U32, "weight" },
	{ VGPU_A_VM_MEMORY, NL_U64, "memory" }, { VGPU_A_VM_DEPTH, NL_U32, "depth" }, { VGPU_A_VM_SESSIONS, NL_U32, "sessions" },
	{ VGPU_A_VM_DEADLINE_NS, NL_U64, "deadline_ns" }, { VGPU_A_VM_GPU_SHARE, NL_U32, "gpu_share" },
	{ VGPU_A_VM_COPY_RATE, NL_U64, "copy_rate" }, { VGPU_A_VM_CMD_RATE, NL_U32, "cmd_rate" },
	{ VGPU_A_VM_GPU_BURST_NS, NL_U64, "gpu_burst_ns" }, { VGPU_A_VM_COPY_BURST, NL_U64, "copy_burst" },
	{ VGPU_A_VM_CMD_BURST, NL_U32, "cmd_burst" }, { VGPU_A_VM_QUARANTINE_NS, NL_U64, "quarantine_ns" },
	{ VGPU_A_VM_QUARANTINE_MAX_NS, NL_U64, "quarantine_max_ns" }, { VGPU_A_VM_QUARANTINED, NL_U8_BOOL, "quarantined" }, { 0 },
};

static const struct nl_field gpu_fields[] = {
	{ VGPU_A_GPU_NAME, NL_STRING, "gpu" }, { VGPU_A_GPU_STATE, NL_NAMES, "state", gpu_state_names },
	{ VGPU_A_GPU_POOL, NL_STRING, "pool" }, { VGPU_A_GPU_VMS, NL_U32, "vms" }, { 0 },
};

static const struct nl_field pool_fields[] = {
	{ VGPU_A_POOL_NAME, NL_STRING, "pool" }, { VGPU_A_POOL_POLICY, NL_NAMES, "policy", policy_names },
	{ VGPU_A_POOL_ORDER, NL_NAMES, "order", order_names }, { VGPU_A_POOL_WINDOW, NL_U32, "window" },
	{ VGPU_A_POOL_AGING_CAP, NL_U32, "aging_cap" }, { VGPU_A_POOL_WEIGHT_HIGH, NL_U32, "weight_high" },
	{ VGPU_A_POOL_WEIGHT_MEDIUM, NL_U32, "weight_medium" }, { VGPU_A_POOL_WEIGHT_LOW, NL_U32, "weight_low" },
	{ VGPU_A_POOL_AGING_NS, NL_U64, "aging_ns" }, { VGPU_A_POOL_SLICE_NS, NL_U64, "slice_ns" }, { 0 },
};

/**
 * struct events - where events go
 * @args: of the command line
 * @log: where @logging is set
 * @logging: into a log, which takes so many lines a second; else to the standard output
 * @family: of the module
 * @gone: the module was unloaded
 * @left: events before it ends, -1 for no end
 */
struct events {
	const struct admin_args *args;
	struct event_log log;
	bool logging;
	int family;
	bool gone;
	long left;
};

static const char *field(const json_t *event, const char *key)
{
	const char *value = json_string_value(json_object_get(event, key));

	return value ? value : "";
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

/* What "detail" means, in a word. */
static void explain(json_t *event, const char *name, json_int_t detail)
{
	static const char *const strikes[] = { "hang", "fault", "malformed", "quota", "doorbell", "administrator" };
	static const char *const limits[] = { "gpu-time", "copy", "commands" };

	if (!strcmp(name, "quarantined") && detail < (json_int_t)ARRAY_SIZE(strikes))
		json_object_set_new(event, "cause", json_string(strikes[detail]));
	else if (!strcmp(name, "throttled") && detail < (json_int_t)ARRAY_SIZE(limits))
		json_object_set_new(event, "limit", json_string(limits[detail]));
	else if (!strcmp(name, "released"))
		json_object_set_new(event, "by", json_string(detail ? "administrator" : "time"));
	else if (!strcmp(name, "fault"))
		json_object_set_new(event, "what", json_string(detail ? "kernel" : "worker"));
}

static void tell(struct events *events, json_t *event)
{
	if (events->logging) {
		event_log_write(&events->log, event, time(NULL));
	} else {
		event_log_stamp(event);
		if (events->args->json) {
			json_dumpf(event, stdout, JSON_COMPACT);
			putchar('\n');
		} else {
			to_text(event);
		}
		fflush(stdout);
	}
	if (events->left > 0)
		events->left--;
}

/* The numbers of family and group are others when the module is loaded again. */
static int family_changed(struct events *events, struct nlattr *attrs, int len, uint8_t cmd)
{
	struct nlattr *id = nla_find(attrs, len, CTRL_ATTR_FAMILY_ID);

	if (cmd == CTRL_CMD_DELFAMILY && id && nla_get_u16(id) == events->family)
		events->gone = true;
	return NL_OK;
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
	if (nlmsg_hdr(msg)->nlmsg_type == GENL_ID_CTRL)
		return family_changed(events, attrs, len, header->cmd);
	if (header->cmd == VGPU_CMD_EVENT_NTF) {
		json_int_t type;

		event = nl_parse(attrs, len, event_fields);
		type = json_integer_value(json_object_get(event, "type"));
		json_object_del(event, "type");
		name = type < (json_int_t)ARRAY_SIZE(event_names) ? event_names[type] : "unknown";
		explain(event, name, json_integer_value(json_object_get(event, "detail")));
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
	events->family = genl_connect(*sock) < 0 ? -1 : genl_ctrl_resolve(*sock, VGPU_GENL_NAME);
	if (events->family < 0) {
		admin_error("netlink family \"%s\" not found: the module is not loaded; run: modprobe vgpu", VGPU_GENL_NAME);
		return ADMIN_NO_MODULE;
	}
	group = genl_ctrl_resolve_grp(*sock, VGPU_GENL_NAME, VGPU_MCGRP_MONITOR);
	err = group < 0 ? group : nl_socket_add_membership(*sock, group);
	if (err < 0) {
		admin_error("events: not permitted: this takes CAP_NET_ADMIN; run it as root");
		return ADMIN_DENIED;
	}
	group = genl_ctrl_resolve_grp(*sock, "nlctrl", "notify");
	if (group >= 0)
		nl_socket_add_membership(*sock, group);
	nl_socket_set_buffer_size(*sock, 1 << 20, 0);
	nl_socket_disable_seq_check(*sock);
	nl_socket_modify_cb(*sock, NL_CB_VALID, NL_CB_CUSTOM, receive, events);
	return ADMIN_OK;
}

/* Tells systemd that the service is ready, where it asked to be told: sd_notify(3)'s protocol. */
static void notify_ready(void)
{
	static const char ready[] = "READY=1";
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int sock;

	if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof(to.sun_path))
		return;
	strcpy(to.sun_path, path);
	if (*path == '@')
		to.sun_path[0] = '\0';
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return;
	sendto(sock, ready, sizeof(ready) - 1, MSG_NOSIGNAL, (const struct sockaddr *)&to,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
	close(sock);
}

/* Whoever reads this knows that nothing is missed from here on. */
static void begin(struct events *events)
{
	json_t *ready = json_pack("{ss}", "event", "ready");
	long left = events->left;

	events->left = -1;
	tell(events, ready);
	events->left = left;
	json_decref(ready);
	notify_ready();
}

static enum admin_exit follow(struct events *events, struct nl_sock *sock)
{
	struct pollfd fd = { .fd = nl_socket_get_fd(sock), .events = POLLIN };
	int err;

	while (events->left && !ferror(stdout) && !events->gone) {
		/* What was suppressed is told a second later, if nothing else is. */
		if (poll(&fd, 1, events->logging && events->log.suppressed ? 1000 : -1) <= 0) {
			event_log_idle(&events->log, time(NULL));
			continue;
		}
		err = nl_recvmsgs_default(sock);
		if (err == -NLE_NOMEM) {
			events->log.suppressed++;
		} else if (err < 0) {
			admin_error("events: %s", nl_geterror(err));
			return ADMIN_FAILED;
		}
	}
	if (!events->gone)
		return ADMIN_OK;
	admin_error("events: the module was unloaded; run: modprobe vgpu");
	return ADMIN_NO_MODULE;
}

static enum admin_exit events_show(const struct admin_args *args)
{
	struct events events = { .args = args, .left = -1 };
	const char *log = args->value[EVENTS_LOG];
	enum admin_exit status;
	struct nl_sock *sock;
	char *end;

	if (args->value[EVENTS_COUNT]) {
		events.left = strtol(args->value[EVENTS_COUNT], &end, 10);
		if (*end || events.left < 1) {
			admin_error("--count %s: not a number from 1 on", args->value[EVENTS_COUNT]);
			return ADMIN_USAGE;
		}
	}
	events.logging = log;
	if (log && !event_log_open(&events.log, log, EVENT_LOG_JOURNAL)) {
		admin_error("--log %s: %s", log, strerror(errno));
		return ADMIN_FAILED;
	}
	status = subscribe(&sock, &events);
	if (status == ADMIN_OK) {
		begin(&events);
		status = follow(&events, sock);
	}
	nl_socket_free(sock);
	if (log)
		event_log_close(&events.log);
	return status;
}

static const struct admin_verb events_verbs[] = {
	{ "show", NULL, "what happens from now on, as it happens", 0, 0, events_options, events_show, ADMIN_ANY },
	{ NULL },
};

const struct admin_object admin_events = { "events", "watchdog, quarantine, limits, and every change", events_verbs };
