// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include "defer.h"

/* Between looks at a word that a stream waits for: the longer, the longer it has. */
#define LEAST_PAUSE_NS 20000
#define MOST_PAUSE_NS 2000000
#define MOST_PAUSE_BESIDE_NS 100000 /* while another stream waits for the device, which wakes nobody from it */

enum step {
	STEP_DONE, /* the first operation was issued */
	STEP_DEVICE, /* it waits for a completion */
	STEP_OTHER, /* it waits for another deferred stream */
	STEP_WORD, /* it waits for a word of memory */
};

static enum step step(struct stream *stream)
{
	struct session *session = stream->session;
	struct op *op = stream->first;

	if (!op_ready(op))
		return STEP_OTHER;
	if (op_on_host(stream, op)) {
		if (!queue_done(&session->queue, stream->mark))
			return STEP_DEVICE;
		if (!op_do_on_host(stream, op))
			return STEP_WORD;
	} else {
		/* It stays first in the list meanwhile: what comes while the lock is let go of has to go behind it. */
		CUresult result = op_issue(stream, op);

		if (result && !stream->ctx->pending)
			stream->ctx->pending = result;
	}
	stream->first = op->next;
	if (!stream->first)
		stream->last = &stream->first;
	stream->issued++;
	op_destroy(op);
	pthread_cond_broadcast(&session->queue.progress);
	return STEP_DONE;
}

/* Sleeps, or less where a stream is given something to do. */
static void pause_for(struct session *session, unsigned int ns)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ns;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_clockwait(&session->defer_work, &session->lock, CLOCK_MONOTONIC, &until);
}

static void *run(void *data)
{
	struct session *session = data;
	unsigned int pause = LEAST_PAUSE_NS;

	pthread_mutex_lock(&session->lock);
	for (;;) {
		struct stream **link = &session->deferred;
		bool any = false, device = false, word = false;

		while (*link) {
			struct stream *stream = *link;
			enum step result = STEP_DONE;

			queue_poll(&session->queue);
			while (stream->first && result == STEP_DONE) {
				result = step(stream);
				any |= result == STEP_DONE;
			}
			device |= stream->first && result == STEP_DEVICE;
			word |= stream->first && result == STEP_WORD;
			if (stream->first) {
				link = &stream->next;
				continue;
			}
			/* Others may have been put before it meanwhile. */
			for (link = &session->deferred; *link != stream; link = &(*link)->next)
				;
			*link = stream->next;
			stream->listed = false;
			if (stream->closing) {
				stream->closing = false;
				stream_release(stream);
			}
		}
		if (any) {
			pause = LEAST_PAUSE_NS;
			continue;
		}
		session->defer_waiting = true;
		if (word) {
			pause_for(session, device && pause > MOST_PAUSE_BESIDE_NS ? MOST_PAUSE_BESIDE_NS : pause);
			pause = pause < MOST_PAUSE_NS / 2 ? pause * 2 : MOST_PAUSE_NS;
		} else if (device) {
			queue_wait_any(&session->queue);
		} else {
			pthread_cond_wait(&session->defer_work, &session->lock);
		}
		session->defer_waiting = false;
	}
	return NULL;
}

static CUresult start(struct session *session)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int err;

	if (session->defer_running)
		return CUDA_SUCCESS;
	/* Signals are the program's own threads' business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, run, session);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	session->defer_running = !err;
	return err ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS;
}

CUresult defer_append(struct stream *stream, struct op *op)
{
	struct session *session = stream->session;
	CUresult result = start(session);

	if (result) {
		op_destroy(op);
		return result;
	}
	op->next = NULL;
	*stream->last = op;
	stream->last = &op->next;
	stream->appended++;
	if (!stream->listed) {
		stream->listed = true;
		stream->next = session->deferred;
		session->deferred = stream;
	}
	pthread_cond_signal(&session->defer_work);
	if (session->defer_waiting) {
		/* The thread may be asleep for a completion: here is one. */
		struct vgpu_cmd cmd = { .opcode = VGPU_OP_FENCE };

		queue_reserve(&session->queue, 1);
		stream_submit(stream, &cmd, NULL, NULL);
	}
	return CUDA_SUCCESS;
}

void defer_drain(struct stream *stream)
{
	struct queue *queue = &stream->session->queue;
	uint64_t target = stream->appended;

	queue->followers++;
	while (stream->issued < target)
		pthread_cond_wait(&queue->progress, &stream->session->lock);
	queue->followers--;
}
