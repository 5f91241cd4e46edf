/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * The loopback daemon: one thread, one epoll. It is the host of kmod/core (host.c, exec.c), in place of vgpu.ko, and
 * plays the guest driver of every virtual GPU (vm.c), in place of vgpu_guest.ko.
 */
#ifndef LOOPBACK_SERVER_H
#define LOOPBACK_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "../../kmod/core/core.h"
#include "extent.h"
#include "loopback.h"

#define MAX_FDS	4
#define MAX_TIERS 64

struct server;
struct source;

/**
 * struct source - a descriptor in the epoll
 * @handle: called when it is ready
 * @fd: the descriptor
 */
struct source {
	void (*handle)(struct server *server, struct source *source, uint32_t events);
	int fd;
};

/**
 * enum conn_role - what a connection has become by its first request
 */
enum conn_role {
	CONN_NEW,
	CONN_GUEST,
	CONN_SUPERVISOR,
	CONN_WORKER,
};

/**
 * struct conn - a connection
 * @source: its socket
 * @node: in the server's connections
 * @role: enum conn_role
 * @vm: of a guest
 * @slot: session of a guest, or -1
 * @waiting: @request waits for a session number or for room
 * @request: that waits
 * @gpu: of a supervisor
 * @session: of a worker, until released
 * @rings: of a worker
 * @rings_fd: memfd of @rings
 * @dispatch_fd: eventfd that the worker waits on
 * @completion: eventfd that the worker writes
 * @pidfd: of the worker's process
 * @pid: likewise
 */
struct conn {
	struct source source;
	struct list_head node;
	enum conn_role role;
	struct vm *vm;
	int slot;
	bool waiting;
	struct lb_msg request;
	struct gpu *gpu;
	struct vgpu_session *session;
	struct vgpu_exec_rings *rings;
	int rings_fd;
	int dispatch_fd;
	struct source completion;
	int pidfd;
	pid_t pid;
};

/**
 * struct gpu - a physical GPU
 * @core: the mediator's
 * @node: in the server's GPUs
 * @server: whose
 * @supervisor: its connection, or NULL
 * @tick: timerfd
 * @has_event: the supervisor has something to be told
 */
struct gpu {
	struct vgpu_gpu core;
	struct list_head node;
	struct server *server;
	struct conn *supervisor;
	struct source tick;
	bool has_event;
};

/**
 * struct slot - a session number of a virtual GPU, as its driver sees it
 * @conn: the guest process's connection; NULL once it has closed
 * @used: from create until the device says that it is free
 * @doorbell: eventfd that the guest writes
 * @interrupt_fd: eventfd that the guest waits on, or -1
 * @vm: whose
 * @queue: queue area
 * @ranges: payload ranges
 * @num_ranges: of @ranges
 */
struct slot {
	struct conn *conn;
	bool used;
	struct source doorbell;
	int interrupt_fd;
	struct vm *vm;
	struct vgpu_range queue;
	struct vgpu_range ranges[VGPU_MAX_RANGES];
	unsigned int num_ranges;
};

/**
 * struct vm - a virtual GPU with its guest
 * @dev: the mediator's
 * @node: in the server's VMs
 * @gpu: on which
 * @name: by which guests ask for it
 * @index: order of creation
 * @aperture_fd: memfd
 * @aperture: mapped
 * @reap: the core asked for vgpu_dev_reap()
 * @config_raised: the device's vector was raised
 * @extents: free parts of the aperture
 * @slots: by session number
 */
struct vm {
	struct vgpu_dev dev;
	struct list_head node;
	struct gpu *gpu;
	char name[64];
	unsigned int index;
	int aperture_fd;
	char *aperture;
	bool reap;
	bool config_raised;
	struct extents extents;
	struct slot slots[VGPU_MAX_SESSIONS];
};

/**
 * struct named_tier - a --tier
 * @name: of the virtual GPU, not terminated
 * @len: of @name
 * @tier: enum vgpu_tier
 * @weight: VGPU_VM_WEIGHT_MIN..VGPU_VM_WEIGHT_MAX
 */
struct named_tier {
	const char *name;
	size_t len;
	u32 tier;
	u32 weight;
};

/**
 * struct server_options - policy of the virtual GPUs
 * @memory: quota of each, 0 for an equal part of the GPU
 * @vms: parts into which a GPU's memory is divided where @memory is 0
 * @aperture: bytes of each
 * @deadline_ns: longest time of a run
 * @policy: of all GPUs
 * @tiers: of virtual GPUs that are not as others
 * @num_tiers: of @tiers
 * @record: file for the decision log of the first GPU, or NULL
 */
struct server_options {
	uint64_t memory;
	unsigned int vms;
	uint64_t aperture;
	uint64_t deadline_ns;
	struct vgpu_policy policy;
	struct named_tier tiers[MAX_TIERS];
	unsigned int num_tiers;
	const char *record;
};

/**
 * struct server - the daemon
 * @options: policy
 * @epoll: all descriptors
 * @listener: listening socket
 * @conns: connections
 * @gpus: GPUs that were attached
 * @vms: virtual GPUs
 * @num_vms: of @vms
 * @vms_noted: one of them has something to be acted on
 * @attached: number of attaches so far
 * @record: decision log being written, or NULL
 */
struct server {
	struct server_options options;
	int epoll;
	struct source listener;
	struct list_head conns;
	struct list_head gpus;
	struct list_head vms;
	unsigned int num_vms;
	bool vms_noted;
	unsigned int attached;
	FILE *record;
};

/* server.c */
int server_init(struct server *server, const struct server_options *options, const char *path);
void server_step(struct server *server, int timeout_ms);
int server_add(struct server *server, struct source *source);
void server_remove(struct server *server, struct source *source);
void server_reply(struct conn *conn, struct lb_msg *msg, int error, const int *fds, int num_fds);
void server_send(struct conn *conn, const struct lb_msg *msg);
void server_destroy(struct server *server);

/* host.c */
extern const struct vgpu_host_ops host_ops;
void host_tick_handle(struct server *server, struct source *source, uint32_t events);

/* record.c */
bool record_begin(const char *path);
bool record_end(struct server *server, const char *path);

/* exec.c */
void exec_attach(struct server *server, struct conn *conn, struct lb_msg *msg);
void exec_bind(struct server *server, struct conn *conn, struct lb_msg *msg);
void exec_ready(struct server *server, struct conn *conn, struct lb_msg *msg);
void exec_spawn_failed(struct conn *conn, const struct lb_msg *msg);
void exec_send_events(struct gpu *gpu);
void exec_close(struct server *server, struct conn *conn);
void exec_free_gpu(struct server *server, struct gpu *gpu);

/* admin.c */
void admin_worker(struct conn *conn, struct lb_msg *msg);
void admin_limits(struct conn *conn, struct lb_msg *msg);
void admin_policy(struct conn *conn, struct lb_msg *msg);
void admin_metrics(struct server *server, struct conn *conn, struct lb_msg *msg);

/* policy.c */
bool policy_parse(struct vgpu_policy *policy, const char *text, const char **why);
bool policy_tier_parse(const char *text, struct named_tier *tier);
void policy_tier(const struct server_options *options, const char *name, struct vgpu_limits *limits);
int policy_record(struct server *server, struct gpu *gpu);
bool policy_record_end(struct server *server);

/* vm.c */
void vm_hello(struct server *server, struct conn *conn, struct lb_msg *msg);
void vm_info(struct server *server, struct conn *conn, struct lb_msg *msg);
void vm_session(struct server *server, struct conn *conn, struct lb_msg *msg);
void vm_range(struct server *server, struct conn *conn, struct lb_msg *msg);
void vm_state(struct server *server, struct conn *conn, struct lb_msg *msg);
void vm_stats(struct server *server, struct conn *conn, struct lb_msg *msg);
void vm_interrupt(struct vm *vm, uint32_t vector);
void vm_collect(struct server *server, struct vm *vm);
void vm_close(struct server *server, struct conn *conn);
bool vm_reset_all(struct server *server, int timeout_ms);
bool vm_check(struct server *server, char *why, size_t why_len);
void vm_sum(struct server *server, const struct vm *only, struct lb_stats *stats);
void vm_free(struct server *server, struct vm *vm);

#endif /* LOOPBACK_SERVER_H */
