// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */
/*
 * What an administrator does, for tests, which kill and change policies while others work.
 */

#include <stdio.h>

#include "server.h"

#define STRIKE_WINDOW	(1ULL * NSEC_PER_SEC)

/**
 * admin_worker() - LB_WORKER
 * @conn: a guest's
 * @msg: the request; answered
 */
void admin_worker(struct conn *conn, struct lb_msg *msg)
{
	struct vgpu_session *session;
	struct conn *worker;

	msg->worker = 0;
	if (conn->role != CONN_GUEST || conn->slot < 0) {
		server_reply(conn, msg, -EINVAL, NULL, 0);
		return;
	}
	session = conn->vm->dev.sessions[conn->slot];
	worker = session ? session->worker.host : NULL;
	if (worker)
		msg->worker = worker->pid;
	server_reply(conn, msg, 0, NULL, 0);
}

static void change(struct vgpu_limits *limits, const struct lb_limits *request)
{
	u32 i;

	if (request->deadline_ns)
		limits->deadline_ns = request->deadline_ns;
	if (request->memory)
		limits->memory = request->memory;
	if (request->depth)
		limits->depth = request->depth;
	if (request->sessions)
		limits->sessions = request->sessions;
	limits->tier = request->tier;
	limits->gpu_share = request->gpu_share;
	limits->copy_rate = request->copy_rate;
	limits->cmd_rate = request->cmd_rate;
	for (i = 0; i < VGPU_STRIKE_COUNT; i++) {
		limits->strike[i].threshold = request->strikes;
		limits->strike[i].window_ns = STRIKE_WINDOW;
	}
	if (request->quarantine_ns) {
		limits->quarantine_ns = request->quarantine_ns;
		limits->quarantine_max_ns = request->quarantine_ns;
	}
}

/**
 * admin_limits() - LB_SET_LIMITS
 * @conn: a guest's
 * @msg: the request; answered
 */
void admin_limits(struct conn *conn, struct lb_msg *msg)
{
	struct vgpu_limits limits;
	const char *why;

	if (conn->role != CONN_GUEST) {
		server_reply(conn, msg, -EINVAL, NULL, 0);
		return;
	}
	limits = conn->vm->dev.limits;
	change(&limits, &msg->limits);
	server_reply(conn, msg, vgpu_dev_set_limits(&conn->vm->dev, &limits, &why), NULL, 0);
}

/**
 * admin_policy() - LB_SET_POLICY
 * @conn: a guest's
 * @msg: the request; answered
 */
void admin_policy(struct conn *conn, struct lb_msg *msg)
{
	const struct lb_policy *request = &msg->policy;
	struct vgpu_policy policy = vgpu_policy_default;
	const char *why;
	int err = -EINVAL;
	u32 i;

	policy.aging_ns = request->aging_ns;
	policy.slice_ns = request->slice_ns;
	for (i = 0; i < VGPU_TIER_COUNT; i++)
		policy.weight[i] = request->weight[i];
	policy.aging_cap = request->aging_cap;
	policy.kind = request->kind;
	policy.order = request->order;
	policy.charge = request->charge;
	policy.window = request->window;
	if (conn->role == CONN_GUEST)
		err = vgpu_policy_check(&policy, &why);
	if (!err)
		vgpu_gpu_set_policy(conn->vm->dev.gpu, &policy);
	server_reply(conn, msg, err, NULL, 0);
}

/**
 * admin_metrics() - LB_SET_METRICS
 * @server: the whole
 * @conn: anybody's
 * @msg: the request; answered with -EBUSY while a command is under way, which would be counted at one end only
 */
void admin_metrics(struct server *server, struct conn *conn, struct lb_msg *msg)
{
	struct vm *vm;

	list_for_each_entry(vm, &server->vms, node) {
		if (vm->dev.waiting) {
			server_reply(conn, msg, -EBUSY, NULL, 0);
			return;
		}
	}
	vgpu_metrics_on = msg->metrics;
	server_reply(conn, msg, 0, NULL, 0);
}
