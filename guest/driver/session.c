// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) vgpu authors
/*
 * Sessions: made for an open file, ended when it is closed or the device goes.
 *
 *	phase		file closed	device reports FREE	device reset or removed
 *	NEW		-		-			-
 *	OPEN		CLOSING		(lost)			ENDED, reclaimed
 *	CLOSING		-		ENDED, reclaimed	ENDED, reclaimed
 *	ENDED		freed		-			-
 *
 * To reclaim is to give the number and the memory back. Who closes a session's file waits for its
 * end for a while, and frees it; if it takes longer, it is freed when it ends. A session is in
 * vgpu.sessions exactly while it is OPEN or CLOSING.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "driver.h"

static void vgpu_session_set_phase(struct vgpu_session *session, enum vgpu_session_phase phase)
{
	struct vgpu *vgpu = session->vgpu;

	lockdep_assert_held(&vgpu->ctl);
	if (phase == VGPU_PHASE_CLOSING)
		vgpu->closing++;
	if (session->phase == VGPU_PHASE_CLOSING)
		vgpu->closing--;
	WRITE_ONCE(session->phase, phase);
}

/* Gives back what the session holds. The device has let go of it. */
static void vgpu_session_reclaim(struct vgpu_session *session)
{
	struct vgpu *vgpu = session->vgpu;
	unsigned int i;

	for (i = 0; i < session->num_ranges; i++)
		vgpu_aperture_free(&vgpu->aperture, &session->ranges[i]);
	vgpu_aperture_free(&vgpu->aperture, &session->queue);
	vgpu->sessions[session->id] = NULL;
	WRITE_ONCE(vgpu->reclaims, vgpu->reclaims + 1);
	wake_up_all(&vgpu->reclaim_wq);
}

/* Of one that was closing; frees it if nobody waits for this. */
static void vgpu_session_end_closing(struct vgpu_session *session)
{
	bool awaited = session->awaited;

	vgpu_session_set_phase(session, VGPU_PHASE_ENDED);
	if (awaited)
		wake_up_all(&session->vgpu->reclaim_wq);
	else
		kfree(session);
}

/* Reads the session's state from the device and acts on it; the session may be freed. */
static void vgpu_session_look(struct vgpu_session *session)
{
	enum vgpu_session_state state = vgpu_control_session_state(session->vgpu, session->id);

	if (session->phase == VGPU_PHASE_CLOSING) {
		if (state != VGPU_SESSION_FREE)
			return;
		vgpu_session_reclaim(session);
		vgpu_session_end_closing(session);
	} else {
		/* An open session ends with its file; until then it can only be lost. */
		if (state != VGPU_SESSION_ACTIVE)
			state = VGPU_SESSION_LOST;
		if (session->device_state == state)
			return;
		WRITE_ONCE(session->device_state, state);
		vgpu_session_notify(session);
	}
}

/**
 * vgpu_sessions_look() - act on the states of all sessions
 * @vgpu: device
 *
 * Called when the device has said that something changed.
 *
 * Context: process; takes vgpu.life and vgpu.ctl; sleeps.
 */
void vgpu_sessions_look(struct vgpu *vgpu)
{
	unsigned int id;

	down_read(&vgpu->life);
	if (vgpu->state == VGPU_LIVE) {
		mutex_lock(&vgpu->ctl);
		for (id = 0; id < VGPU_MAX_SESSIONS; id++) {
			if (vgpu->sessions[id])
				vgpu_session_look(vgpu->sessions[id]);
		}
		mutex_unlock(&vgpu->ctl);
	}
	up_read(&vgpu->life);
}

/**
 * vgpu_sessions_end() - end all sessions, because the device has gone or is being reset
 * @vgpu: device that is no longer live
 *
 * Open ones stay with their files, and report ENODEV. The caller takes them out of the processes'
 * mappings.
 *
 * Context: process; vgpu.life held for writing; takes vgpu.ctl; sleeps.
 */
void vgpu_sessions_end(struct vgpu *vgpu)
{
	unsigned int id;

	mutex_lock(&vgpu->ctl);
	for (id = 0; id < VGPU_MAX_SESSIONS; id++) {
		struct vgpu_session *session = vgpu->sessions[id];

		if (!session)
			continue;
		if (session->phase == VGPU_PHASE_CLOSING) {
			vgpu_session_reclaim(session);
			vgpu_session_end_closing(session);
			continue;
		}
		vgpu_irq_detach(vgpu, session);
		vgpu_session_reclaim(session);
		vgpu_session_set_phase(session, VGPU_PHASE_ENDED);
		vgpu_session_notify(session);
	}
	mutex_unlock(&vgpu->ctl);
	wake_up_all(&vgpu->reclaim_wq);
}

/**
 * vgpu_sessions_count() - sessions that hold a number
 * @vgpu: device
 *
 * Return: open and closing ones.
 * Context: process; takes vgpu.ctl; sleeps.
 */
unsigned int vgpu_sessions_count(struct vgpu *vgpu)
{
	unsigned int id, count = 0;

	mutex_lock(&vgpu->ctl);
	for (id = 0; id < VGPU_MAX_SESSIONS; id++)
		count += !!vgpu->sessions[id];
	mutex_unlock(&vgpu->ctl);
	return count;
}

/**
 * vgpu_session_notify() - wake who waits for the session
 * @session: its interrupt count is raised
 *
 * Context: any.
 */
void vgpu_session_notify(struct vgpu_session *session)
{
	atomic_inc(&session->interrupts);
	wake_up_interruptible(&session->wq);
}

/**
 * vgpu_session_ended() - whether the device has gone from under the session
 * @session: of an open file
 *
 * Return: true if it has; it does not come back.
 * Context: any; stable with vgpu.life held.
 */
bool vgpu_session_ended(struct vgpu_session *session)
{
	return READ_ONCE(session->phase) == VGPU_PHASE_ENDED;
}

static bool vgpu_reclaimed(struct vgpu *vgpu, u32 reclaims)
{
	return READ_ONCE(vgpu->reclaims) != reclaims || READ_ONCE(vgpu->state) != VGPU_LIVE;
}

/*
 * After a failure for want of something that a closing session may hold: waits until one has been
 * reclaimed since @reclaims was read. Returns true if it is worth trying again; otherwise *@ret is
 * the error to report.
 */
static bool vgpu_wait_reclaim(struct vgpu *vgpu, u32 reclaims, long *timeout, int *ret)
{
	bool hope;
	long left;

	if (*ret != -EUSERS && *ret != -ENOSPC)
		return false;
	mutex_lock(&vgpu->ctl);
	hope = vgpu->closing || vgpu->reclaims != reclaims;
	mutex_unlock(&vgpu->ctl);
	if (!hope)
		return false;
	left = wait_event_interruptible_timeout(vgpu->reclaim_wq, vgpu_reclaimed(vgpu, reclaims),
						*timeout);
	if (left > 0) {
		*timeout = left;
		return true;
	}
	if (left < 0)
		*ret = left;
	else
		dev_warn_ratelimited(&vgpu->dev,
				     "host kept closed sessions for %u s; see the host's log\n",
				     VGPU_RECLAIM_TIMEOUT_MS / 1000);
	return false;
}

static int vgpu_session_find_id(struct vgpu *vgpu, unsigned int *id)
{
	u32 count = vgpu_control_num_sessions(vgpu);

	for (*id = 0; *id < count; (*id)++) {
		if (!vgpu->sessions[*id])
			return 0;
	}
	return -EUSERS;
}

static u64 vgpu_queue_size(u32 sq_entries, u32 cq_entries)
{
	return VGPU_PAGE_SIZE + PAGE_ALIGN(sq_entries * sizeof(struct vgpu_cmd)) +
		PAGE_ALIGN(cq_entries * sizeof(struct vgpu_cqe));
}

static int vgpu_session_create(struct vgpu_session *session)
{
	struct vgpu *vgpu = session->vgpu;
	int ret;

	ret = vgpu_session_find_id(vgpu, &session->id);
	if (ret)
		return ret;
	ret = vgpu_aperture_alloc(&vgpu->aperture,
				  vgpu_queue_size(session->sq_entries, session->cq_entries),
				  &session->queue);
	if (ret)
		return ret;
	vgpu_irq_attach(vgpu, session);
	ret = vgpu_control_create(vgpu, session);
	if (ret) {
		vgpu_irq_detach(vgpu, session);
		vgpu_aperture_free(&vgpu->aperture, &session->queue);
		return ret;
	}
	vgpu->sessions[session->id] = session;
	session->device_state = VGPU_SESSION_ACTIVE;
	vgpu_session_set_phase(session, VGPU_PHASE_OPEN);
	return 0;
}

/**
 * vgpu_session_open() - make a session
 * @vgpu: device
 * @sq_entries: power of two, VGPU_QUEUE_MIN..VGPU_QUEUE_MAX
 * @cq_entries: likewise
 * @result: set to the session; vgpu_session_close() frees it
 *
 * Where a session that is closing has what is missing, waits for it, up to VGPU_RECLAIM_TIMEOUT_MS.
 *
 * Return: 0, -EUSERS if the host allows no more sessions, -ENOSPC if the aperture is full, -ENODEV
 * if the device has gone, -ERESTARTSYS after a signal, or as vgpu_control_create().
 * Context: process; takes vgpu.life and vgpu.ctl; sleeps.
 */
int vgpu_session_open(struct vgpu *vgpu, u32 sq_entries, u32 cq_entries,
		      struct vgpu_session **result)
{
	long timeout = msecs_to_jiffies(VGPU_RECLAIM_TIMEOUT_MS);
	struct vgpu_session *session;
	u32 reclaims;
	int ret;

	session = kzalloc(sizeof(*session), GFP_KERNEL_ACCOUNT);
	if (!session)
		return -ENOMEM;
	session->vgpu = vgpu;
	session->sq_entries = sq_entries;
	session->cq_entries = cq_entries;
	init_waitqueue_head(&session->wq);
	do {
		reclaims = READ_ONCE(vgpu->reclaims);
		ret = -ENODEV;
		down_read(&vgpu->life);
		if (vgpu->state == VGPU_LIVE) {
			mutex_lock(&vgpu->ctl);
			ret = vgpu_session_create(session);
			mutex_unlock(&vgpu->ctl);
		}
		up_read(&vgpu->life);
	} while (vgpu_wait_reclaim(vgpu, reclaims, &timeout, &ret));
	if (ret) {
		kfree(session);
		return ret;
	}
	*result = session;
	return 0;
}

/* Asks the device to let go of a session; true if it is worth waiting for. */
static bool vgpu_session_begin_close(struct vgpu_session *session)
{
	struct vgpu *vgpu = session->vgpu;
	int ret;

	vgpu_irq_detach(vgpu, session);
	ret = vgpu_control_destroy(vgpu, session->id);
	vgpu_session_set_phase(session, VGPU_PHASE_CLOSING);
	session->awaited = true;
	if (ret && ret != -ECONNRESET)
		dev_err_ratelimited(&vgpu->dev, "session %u is not destroyed (%d)\n", session->id,
				    ret);
	vgpu_session_look(session);
	return !ret || ret == -ECONNRESET;
}

/**
 * vgpu_session_close() - end a session whose file is closed
 * @session: of which nothing is mapped any more; not to be used afterwards
 *
 * Waits until the host has let go of it, up to VGPU_CLOSE_TIMEOUT_MS: a program that starts when
 * this one has ended is not to find the device memory, the aperture or the number taken.
 *
 * Context: process, also one that is being killed; takes vgpu.life and vgpu.ctl; sleeps.
 */
void vgpu_session_close(struct vgpu_session *session)
{
	struct vgpu *vgpu = session->vgpu;
	bool wait = false;

	down_read(&vgpu->life);
	mutex_lock(&vgpu->ctl);
	if (session->phase != VGPU_PHASE_ENDED)
		wait = vgpu_session_begin_close(session);
	mutex_unlock(&vgpu->ctl);
	up_read(&vgpu->life);

	if (wait)
		wait_event_timeout(vgpu->reclaim_wq, vgpu_session_ended(session),
				   msecs_to_jiffies(VGPU_CLOSE_TIMEOUT_MS));
	mutex_lock(&vgpu->ctl);
	session->awaited = false;
	if (session->phase == VGPU_PHASE_ENDED)
		kfree(session);
	mutex_unlock(&vgpu->ctl);
}

static int vgpu_session_try_range(struct vgpu_session *session, u64 len)
{
	struct vgpu *vgpu = session->vgpu;
	unsigned int n = session->num_ranges;
	int ret;

	if (session->phase == VGPU_PHASE_ENDED)
		return -ENODEV;
	ret = vgpu_aperture_alloc(&vgpu->aperture, len, &session->ranges[n]);
	if (ret)
		return ret;
	ret = vgpu_control_add_range(vgpu, session->id, &session->ranges[n]);
	if (ret) {
		vgpu_aperture_free(&vgpu->aperture, &session->ranges[n]);
		return ret == -EUSERS ? -E2BIG : ret;
	}
	/* Pairs with vgpu_session_has_range(). */
	smp_store_release(&session->num_ranges, n + 1);
	return 0;
}

/**
 * vgpu_session_add_range() - give a session payload memory
 * @session: of an open file
 * @len: bytes, rounded up to pages
 * @offset: set to where it lies in the aperture
 *
 * Where a session that is closing has what is missing, waits for it, up to VGPU_RECLAIM_TIMEOUT_MS.
 *
 * Return: 0, -EINVAL if @len is zero, -ENOSPC if the aperture has no room for it, -E2BIG if the
 * session has VGPU_MAX_RANGES, -ECONNRESET if the session is lost, -ENODEV if the device has gone,
 * -ERESTARTSYS after a signal, -EIO.
 * Context: process; vgpu_file.lock held; takes vgpu.life and vgpu.ctl; sleeps.
 */
int vgpu_session_add_range(struct vgpu_session *session, u64 len, u64 *offset)
{
	long timeout = msecs_to_jiffies(VGPU_RECLAIM_TIMEOUT_MS);
	struct vgpu *vgpu = session->vgpu;
	u32 reclaims;
	int ret;

	if (!len)
		return -EINVAL;
	if (len > vgpu->aperture.size)
		return -ENOSPC;
	if (session->num_ranges == VGPU_MAX_RANGES)
		return -E2BIG;
	do {
		reclaims = READ_ONCE(vgpu->reclaims);
		down_read(&vgpu->life);
		mutex_lock(&vgpu->ctl);
		ret = vgpu_session_try_range(session, PAGE_ALIGN(len));
		mutex_unlock(&vgpu->ctl);
		up_read(&vgpu->life);
	} while (vgpu_wait_reclaim(vgpu, reclaims, &timeout, &ret));
	if (!ret)
		*offset = session->ranges[session->num_ranges - 1].offset;
	return ret;
}

/**
 * vgpu_session_has_range() - whether memory is payload of the session
 * @session: of an open file
 * @offset: in the aperture
 * @len: bytes
 *
 * Return: true if it lies inside one range.
 * Context: any.
 */
bool vgpu_session_has_range(struct vgpu_session *session, u64 offset, u64 len)
{
	unsigned int i, n;

	/* Pairs with vgpu_session_try_range(). */
	n = smp_load_acquire(&session->num_ranges);
	for (i = 0; i < n; i++) {
		const struct vgpu_extent *range = &session->ranges[i];
		u64 end = range->offset + range->len;

		if (offset >= range->offset && offset <= end && len <= end - offset)
			return true;
	}
	return false;
}
