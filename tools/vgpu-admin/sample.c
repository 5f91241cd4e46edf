// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "sample.h"

#define BUFFER_SIZE	(128 * 1024)
#define DUMP_TRIES	16

const char * const sample_tiers[] = { "high", "medium", "low" };
const char * const sample_engines[] = { "compute", "copy_in", "copy_out", "control" };
const char * const sample_parts[] = { "total", "queued", "dispatched", "executing", "completing" };
const char * const sample_errors[] = { "rejected", "quarantined", "memory", "timeout", "lost", "cancelled", "cuda" };
const char * const sample_strikes[] = { "hang", "fault", "malformed", "quota", "doorbell" };
const uint64_t sample_windows[SAMPLE_WINDOWS] = { 0, 1000000000, 10000000000, 60000000000 };

/* By opcode, as uapi/vgpu_device.h numbers them. */
static const char * const opcodes[SAMPLE_KINDS] = {
	NULL, "session_init", "fence", "stream_wait", "event_record", "ctx_create", "ctx_destroy", "ctx_limit", "stream_create",
	"stream_destroy", "chunk_map", "chunk_unmap", "copy_in", "copy_out", "copy_device", "memset", "module_load",
	"module_unload", "func_get", "global_get", "func_set", "launch", "printf_read",
};

/**
 * struct sample_link - a socket to the family
 */
struct sample_link {
	struct nl_sock *sock;
	int family;
};

/**
 * sample_opcode() - name of a kind of command
 * @opcode: as in uapi/vgpu_device.h
 *
 * Return: the name, "other" for those of later versions.
 */
const char *sample_opcode(unsigned int opcode)
{
	return opcode < SAMPLE_KINDS && opcodes[opcode] ? opcodes[opcode] : "other";
}

/**
 * sample_uuid() - a UUID as people write it
 * @uuid: bytes
 * @text: filled in
 */
void sample_uuid(const uint8_t uuid[16], char text[37])
{
	int i, at = 0;

	for (i = 0; i < 16; i++)
		at += sprintf(text + at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
}

static void copy_text(char *to, size_t size, struct nlattr *attr)
{
	snprintf(to, size, "%.*s", nla_len(attr), (const char *)nla_data(attr));
}

/* The pair of key and value that small nests hold. */
static void take_pair(struct nlattr *nest, int key, int value, uint64_t *to, unsigned int count)
{
	struct nlattr *attr;
	uint64_t number = 0;
	uint32_t index = ~0u;
	int rest;

	nla_for_each_nested(attr, nest, rest) {
		if (nla_type(attr) == key)
			index = nla_get_u32(attr);
		else if (nla_type(attr) == value)
			number = nla_get_u64(attr);
	}
	if (index < count)
		to[index] = number;
}

static void take_stats(struct sample_vm *vm, struct nlattr *nest)
{
	struct nlattr *attr;
	int rest;

	nla_for_each_nested(attr, nest, rest) {
		int type = nla_type(attr);

		switch (type) {
		case VGPU_A_STATS_ENGINE:
			take_pair(attr, VGPU_A_ENGINE_CLASS, VGPU_A_ENGINE_BUSY_NS, vm->busy, SAMPLE_ENGINES);
			break;
		case VGPU_A_STATS_STRIKES:
			take_pair(attr, VGPU_A_STRIKES_KIND, VGPU_A_STRIKES_TOTAL, vm->strikes, SAMPLE_STRIKES);
			break;
		case VGPU_A_STATS_COMMAND:
			take_pair(attr, VGPU_A_KIND_OPCODE, VGPU_A_KIND_COMMANDS, vm->commands, SAMPLE_KINDS);
			take_pair(attr, VGPU_A_KIND_OPCODE, VGPU_A_KIND_BYTES, vm->bytes, SAMPLE_KINDS);
			break;
		case VGPU_A_STATS_ERROR:
			take_pair(attr, VGPU_A_ERROR_KIND, VGPU_A_ERROR_COMMANDS, vm->errors, SAMPLE_ERRORS);
			break;
		default:
			if (type <= VGPU_A_STATS_MAX && nla_len(attr) == 8)
				vm->stat[type] = nla_get_u64(attr);
			else if (type <= VGPU_A_STATS_MAX && nla_len(attr) == 4)
				vm->stat[type] = nla_get_u32(attr);
		}
	}
}

static void take_histogram(struct sample_vm *vm, struct nlattr *nest)
{
	struct nlattr *attr[VGPU_A_HISTOGRAM_MAX + 1];
	struct sample_latency *latency;
	uint64_t window;
	uint32_t part, i;

	if (nla_parse_nested(attr, VGPU_A_HISTOGRAM_MAX, nest, NULL) || !attr[VGPU_A_HISTOGRAM_LATENCY] ||
	    !attr[VGPU_A_HISTOGRAM_WINDOW_NS] || !attr[VGPU_A_HISTOGRAM_COUNT] || !attr[VGPU_A_HISTOGRAM_P99_NS])
		return;
	part = nla_get_u32(attr[VGPU_A_HISTOGRAM_LATENCY]);
	window = nla_get_u64(attr[VGPU_A_HISTOGRAM_WINDOW_NS]);
	for (i = 0; i < SAMPLE_WINDOWS && sample_windows[i] != window; i++)
		;
	if (i == SAMPLE_WINDOWS || part >= SAMPLE_PARTS)
		return;
	latency = &vm->latency[i][part];
	latency->count = nla_get_u64(attr[VGPU_A_HISTOGRAM_COUNT]);
	latency->sum = nla_get_u64(attr[VGPU_A_HISTOGRAM_SUM_NS]);
	latency->max = nla_get_u64(attr[VGPU_A_HISTOGRAM_MAX_NS]);
	latency->p50 = nla_get_u64(attr[VGPU_A_HISTOGRAM_P50_NS]);
	latency->p95 = nla_get_u64(attr[VGPU_A_HISTOGRAM_P95_NS]);
	latency->p99 = nla_get_u64(attr[VGPU_A_HISTOGRAM_P99_NS]);
	if (attr[VGPU_A_HISTOGRAM_BUCKETS] && !vm->buckets) {
		vm->num_buckets = (size_t)nla_len(attr[VGPU_A_HISTOGRAM_BUCKETS]) / sizeof(*vm->buckets);
		vm->buckets = calloc(vm->num_buckets + 1, sizeof(*vm->buckets));
		memcpy(vm->buckets, nla_data(attr[VGPU_A_HISTOGRAM_BUCKETS]), vm->num_buckets * sizeof(*vm->buckets));
	}
}

static void *append(void **array, size_t *count, size_t size)
{
	/* Grows by half: powers of two of the number of elements. */
	if (!(*count & (*count - 1)))
		*array = realloc(*array, (*count ? *count * 2 : 1) * size);
	memset((char *)*array + *count * size, 0, size);
	return (char *)*array + (*count)++ * size;
}

static int take_vm(struct nl_msg *msg, void *arg)
{
	struct sample *sample = arg;
	struct sample_vm *vm = append((void **)&sample->vms, &sample->num_vms, sizeof(*vm));
	struct nlattr *attr, *nested;
	int rest, inner;

	nlmsg_for_each_attr(attr, nlmsg_hdr(msg), GENL_HDRLEN, rest) {
		switch (nla_type(attr)) {
		case VGPU_A_VM_UUID:
			if (nla_len(attr) == sizeof(vm->uuid))
				memcpy(vm->uuid, nla_data(attr), sizeof(vm->uuid));
			break;
		case VGPU_A_VM_GPU:
			copy_text(vm->gpu, sizeof(vm->gpu), attr);
			break;
		case VGPU_A_VM_POOL:
			copy_text(vm->pool, sizeof(vm->pool), attr);
			break;
		case VGPU_A_VM_TIER:
			vm->tier = nla_get_u32(attr) % 3;
			break;
		case VGPU_A_VM_STATS:
			take_stats(vm, attr);
			break;
		case VGPU_A_VM_QUARANTINE:
			nla_for_each_nested(nested, attr, inner) {
				if (nla_type(nested) == VGPU_A_QUARANTINE_ACTIVE)
					vm->quarantined = nla_get_u8(nested);
				else if (nla_type(nested) == VGPU_A_QUARANTINE_COUNT)
					vm->quarantines = nla_get_u32(nested);
			}
			break;
		case VGPU_A_VM_HISTOGRAM:
			take_histogram(vm, attr);
			break;
		}
	}
	return NL_OK;
}

static int take_gpu(struct nl_msg *msg, void *arg)
{
	struct sample *sample = arg;
	struct sample_gpu *gpu = append((void **)&sample->gpus, &sample->num_gpus, sizeof(*gpu));
	struct nlattr *attr;
	int rest;

	nlmsg_for_each_attr(attr, nlmsg_hdr(msg), GENL_HDRLEN, rest) {
		int type = nla_type(attr);

		if (type == VGPU_A_GPU_NAME)
			copy_text(gpu->name, sizeof(gpu->name), attr);
		else if (type == VGPU_A_GPU_POOL)
			copy_text(gpu->pool, sizeof(gpu->pool), attr);
		else if (type == VGPU_A_GPU_MODEL)
			copy_text(gpu->model, sizeof(gpu->model), attr);
		else if (type == VGPU_A_GPU_ENGINE)
			take_pair(attr, VGPU_A_ENGINE_CLASS, VGPU_A_ENGINE_BUSY_NS, gpu->busy, SAMPLE_ENGINES);
		else if (type <= VGPU_A_GPU_MAX && nla_len(attr) == 8)
			gpu->stat[type] = nla_get_u64(attr);
		else if (type <= VGPU_A_GPU_MAX && nla_len(attr) == 4)
			gpu->stat[type] = nla_get_u32(attr);
	}
	return NL_OK;
}

static int take_group(struct nl_msg *msg, void *arg)
{
	struct sample *sample = arg;
	struct sample_group *group = append((void **)&sample->groups, &sample->num_groups, sizeof(*group));
	struct nlattr *attr;
	int rest;

	nlmsg_for_each_attr(attr, nlmsg_hdr(msg), GENL_HDRLEN, rest) {
		switch (nla_type(attr)) {
		case VGPU_A_GROUP_GPU:
			copy_text(group->gpu, sizeof(group->gpu), attr);
			break;
		case VGPU_A_GROUP_POOL:
			copy_text(group->pool, sizeof(group->pool), attr);
			break;
		case VGPU_A_GROUP_TIER:
			group->has_tier = true;
			group->sum.tier = nla_get_u32(attr) % 3;
			break;
		case VGPU_A_GROUP_VMS:
			group->vms = nla_get_u32(attr);
			break;
		case VGPU_A_GROUP_QUARANTINED:
			group->quarantined = nla_get_u32(attr);
			break;
		case VGPU_A_GROUP_THROTTLED:
			group->throttled = nla_get_u32(attr);
			break;
		case VGPU_A_GROUP_STATS:
			take_stats(&group->sum, attr);
			break;
		case VGPU_A_GROUP_HISTOGRAM:
			take_histogram(&group->sum, attr);
			break;
		}
	}
	return NL_OK;
}

static int call(struct sample_link *link, uint8_t cmd, const uint8_t *uuid, int (*take)(struct nl_msg *msg, void *arg),
		struct sample *sample)
{
	struct nl_msg *msg = nlmsg_alloc();
	int err;

	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, link->family, 0, uuid ? 0 : NLM_F_DUMP, cmd, VGPU_GENL_VERSION);
	if (uuid)
		nla_put(msg, VGPU_A_VM_UUID, 16, uuid);
	nl_socket_modify_cb(link->sock, NL_CB_VALID, NL_CB_CUSTOM, take, sample);
	err = nl_send_auto(link->sock, msg);
	nlmsg_free(msg);
	if (err < 0)
		return err;
	err = nl_recvmsgs_default(link->sock);
	/* An answer that is not a dump is followed by an acknowledgement. */
	if (err >= 0 && uuid)
		err = nl_wait_for_ack(link->sock);
	return err;
}

static void forget(struct sample *sample, uint8_t cmd)
{
	size_t i;

	switch (cmd) {
	case VGPU_CMD_GPU_GET:
		sample->num_gpus = 0;
		break;
	case VGPU_CMD_STATS_GET:
		for (i = 0; i < sample->num_vms; i++)
			free(sample->vms[i].buckets);
		sample->num_vms = 0;
		break;
	case VGPU_CMD_GROUP_GET:
		for (i = 0; i < sample->num_groups; i++)
			free(sample->groups[i].sum.buckets);
		sample->num_groups = 0;
		break;
	}
}

/* Reads all of a kind; what something came or went under is read again. */
static int dump(struct sample_link *link, uint8_t cmd, int (*take)(struct nl_msg *msg, void *arg), struct sample *sample)
{
	int tries, err;

	for (tries = 0; tries < DUMP_TRIES; tries++) {
		err = call(link, cmd, NULL, take, sample);
		if (err != -NLE_DUMP_INTR)
			break;
		forget(sample, cmd);
	}
	return err;
}

/**
 * sample_open() - reach the module
 * @link: to be closed, or NULL where it fails
 *
 * Return: 0, -ENOENT where the module is not loaded, or another negative errno.
 */
int sample_open(struct sample_link **link)
{
	struct sample_link *new = calloc(1, sizeof(*new));

	*link = NULL;
	new->sock = nl_socket_alloc();
	if (genl_connect(new->sock) < 0) {
		sample_close(new);
		return -EIO;
	}
	nl_socket_set_buffer_size(new->sock, 8 * BUFFER_SIZE, 0);
	nl_socket_set_msg_buf_size(new->sock, BUFFER_SIZE);
	new->family = genl_ctrl_resolve(new->sock, VGPU_GENL_NAME);
	if (new->family < 0) {
		sample_close(new);
		return -ENOENT;
	}
	*link = new;
	return 0;
}

/**
 * sample_close() - undo sample_open()
 * @link: may be NULL
 */
void sample_close(struct sample_link *link)
{
	if (!link)
		return;
	nl_socket_free(link->sock);
	free(link);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/**
 * sample_read() - read all GPUs and virtual GPUs, without windows
 * @link: from sample_open()
 * @sample: filled in; to be freed whatever is returned
 *
 * Return: 0, -EPERM without CAP_NET_ADMIN, or another negative errno.
 */
int sample_read(struct sample_link *link, struct sample *sample)
{
	int err;

	memset(sample, 0, sizeof(*sample));
	sample->time_ns = now_ns();
	err = dump(link, VGPU_CMD_GPU_GET, take_gpu, sample);
	if (err >= 0)
		err = dump(link, VGPU_CMD_STATS_GET, take_vm, sample);
	if (err >= 0)
		return 0;
	return err == -NLE_PERM ? -EPERM : -EIO;
}

static int ask_group(struct sample_link *link, const struct sample_group *group, struct sample *sample)
{
	struct nl_msg *msg = nlmsg_alloc();
	int err;

	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, link->family, 0, 0, VGPU_CMD_GROUP_GET, VGPU_GENL_VERSION);
	nla_put_string(msg, *group->gpu ? VGPU_A_GROUP_GPU : VGPU_A_GROUP_POOL, *group->gpu ? group->gpu : group->pool);
	if (group->has_tier)
		nla_put_u32(msg, VGPU_A_GROUP_TIER, group->sum.tier);
	nl_socket_modify_cb(link->sock, NL_CB_VALID, NL_CB_CUSTOM, take_group, sample);
	err = nl_send_auto(link->sock, msg);
	nlmsg_free(msg);
	if (err >= 0)
		err = nl_recvmsgs_default(link->sock);
	return err < 0 ? err : nl_wait_for_ack(link->sock);
}

/**
 * sample_read_group_windows() - read the groups of a sample anew, with windows
 * @link: from sample_open()
 * @sample: from sample_read_groups()
 *
 * A group that is gone meanwhile is left out.
 *
 * Return: 0 or a negative errno.
 */
int sample_read_group_windows(struct sample_link *link, struct sample *sample)
{
	struct sample anew = { 0 };
	size_t i;
	int err = 0;

	for (i = 0; err >= 0 && i < sample->num_groups; i++) {
		err = ask_group(link, &sample->groups[i], &anew);
		if (err == -NLE_OBJ_NOTFOUND)
			err = 0;
	}
	for (i = 0; i < sample->num_groups; i++)
		free(sample->groups[i].sum.buckets);
	free(sample->groups);
	sample->groups = anew.groups;
	sample->num_groups = anew.num_groups;
	return err < 0 ? -EIO : 0;
}

/**
 * sample_read_groups() - read all GPUs, pools and tiers, without windows
 * @link: from sample_open()
 * @sample: gets groups more; what else is in it stays
 *
 * Return: 0, -EPERM without CAP_NET_ADMIN, or another negative errno.
 */
int sample_read_groups(struct sample_link *link, struct sample *sample)
{
	int err = dump(link, VGPU_CMD_GROUP_GET, take_group, sample);

	if (err >= 0)
		return 0;
	return err == -NLE_PERM ? -EPERM : -EIO;
}

/**
 * sample_read_vm() - read one virtual GPU, with windows and all buckets
 * @link: from sample_open()
 * @uuid: which
 * @sample: filled in; to be freed whatever is returned
 *
 * Return: 0, -ENOENT, -EPERM without CAP_NET_ADMIN, or another negative errno.
 */
int sample_read_vm(struct sample_link *link, const uint8_t uuid[16], struct sample *sample)
{
	int err;

	memset(sample, 0, sizeof(*sample));
	sample->time_ns = now_ns();
	err = call(link, VGPU_CMD_STATS_GET, uuid, take_vm, sample);
	if (err >= 0)
		return sample->num_vms ? 0 : -ENOENT;
	return err == -NLE_PERM ? -EPERM : err == -NLE_OBJ_NOTFOUND ? -ENOENT : -EIO;
}

/**
 * sample_free() - give back memory
 * @sample: from sample_read() or sample_read_vm()
 */
void sample_free(struct sample *sample)
{
	forget(sample, VGPU_CMD_STATS_GET);
	forget(sample, VGPU_CMD_GROUP_GET);
	free(sample->groups);
	free(sample->vms);
	free(sample->gpus);
	memset(sample, 0, sizeof(*sample));
}
