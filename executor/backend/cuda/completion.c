// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Commands in flight on CUDA streams. Each has an event at its end; a thread asks for the events, oldest of each stream
 * first, and reports what has ended.
 *
 * When to look. The thread learns how long commands of a kind take. It sleeps until shortly before the next of them is
 * expected, then looks without a pause until some time after; what takes longer than ever it looks for in intervals that
 * grow. So a completion is seen at once, and a kernel of a second costs no processor. It sleeps instead of spinning
 * while others want the processor: ../../pause.h.
 */

#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "../../log.h"
#include "../../pause.h"
#include "cuda.h"

#define SPIN_MIN_NS	50000ULL
#define SLEEP_MIN_NS	20000ULL
#define SLEEP_MAX_NS	200000ULL
/* Before a command is expected to end: what a sleep is late by, and the scatter of most. */
#define EARLY_NS	40000ULL
#define KINDS		1024

/**
 * struct flight - a command on a CUDA stream
 * @dispatch: the command
 * @begin: event before it: the end of the one before, or its own; NULL if the driver gave none
 * @end: event behind it
 * @start_ns: when it was issued, or the one before it in its stream had ended
 * @next: in order of submission over all streams
 */
struct flight {
	struct vgpu_dispatch dispatch;
	CUevent begin;
	CUevent end;
	uint64_t start_ns;
	struct flight *next;
};

/* Lock order: flights.lock, cuda.lock. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct flight *head;
	struct flight **tail;
	struct flight *spare;
	uint64_t submitted;
} flights = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.work = PTHREAD_COND_INITIALIZER,
	.tail = &flights.head,
};

/* Time that commands of a kind take, in nanoseconds, as they lately did; 0 where none has ended. */
static uint32_t learned[KINDS];

static uint32_t kind_of(const struct vgpu_cmd *cmd)
{
	uint32_t what = cmd->opcode == VGPU_OP_LAUNCH ? cmd->launch.func + 64 : cmd->opcode;

	return what % KINDS;
}

static void learn(const struct vgpu_cmd *cmd, uint64_t took_ns)
{
	uint32_t *known = &learned[kind_of(cmd)];
	uint64_t took = took_ns < UINT32_MAX ? took_ns : UINT32_MAX;

	*known = *known ? (uint32_t)((*known * 3ULL + took) / 4) : (uint32_t)took;
}

static struct flight *new_flight(void)
{
	struct flight *flight;

	pthread_mutex_lock(&flights.lock);
	flight = flights.spare;
	if (flight)
		flights.spare = flight->next;
	pthread_mutex_unlock(&flights.lock);
	return flight ? flight : malloc(sizeof(*flight));
}

static uint64_t gpu_time(const struct flight *flight)
{
	float ms = 0;

	if (!flight->begin || cu.cuEventElapsedTime(&ms, flight->begin, flight->end) || ms < 0)
		return 0;
	return (uint64_t)((double)ms * 1e6);
}

static void finish(struct flight *flight, CUresult result)
{
	uint64_t gpu_ns = result ? 0 : gpu_time(flight);
	const struct vgpu_dispatch dispatch = flight->dispatch;
	struct cuda_stream *stream = &cuda.streams[dispatch.cmd.stream];
	bool last;

	if (!result)
		learn(&dispatch.cmd, pause_now_ns() - flight->start_ns);
	pthread_mutex_lock(&flights.lock);
	/* What follows in the stream begins where this ends. */
	last = stream->last_end == flight->end;
	if (last)
		stream->last_end = NULL;
	flight->next = flights.spare;
	flights.spare = flight;
	cuda_event_put(dispatch.cmd.ctx, flight->begin);
	if (last)
		cuda_event_put(dispatch.cmd.ctx, flight->end);
	pthread_mutex_unlock(&flights.lock);
	cuda_ctx_unuse(dispatch.cmd.ctx);
	cuda.session->complete(&dispatch, (uint32_t)result, 0, gpu_ns);
}

/* The state of a command's end; a stream whose older command has not ended is not asked again. */
static CUresult query(const struct flight *flight, uint8_t *blocked)
{
	uint32_t stream = flight->dispatch.cmd.stream;
	CUresult result;

	if (blocked[stream / 8] & (1u << (stream % 8)))
		return CUDA_ERROR_NOT_READY;
	result = cu.cuEventQuery(flight->end);
	if (result == CUDA_ERROR_NOT_READY)
		blocked[stream / 8] |= (uint8_t)(1u << (stream % 8));
	return result;
}

/* What of the same stream is behind a command that has ended begins now. */
static void begin_next(struct flight *flight, uint32_t stream)
{
	while (flight && flight->dispatch.cmd.stream != stream)
		flight = flight->next;
	if (flight)
		flight->start_ns = pause_now_ns();
}

/* When the command is expected to end that is expected first; with the lock held. */
static uint64_t expected_end(const struct flight *flight, const uint8_t *blocked)
{
	uint8_t seen[VGPU_MAX_STREAMS / 8] = { 0 };
	uint64_t end, first = 0;
	uint32_t stream;

	for (; flight; flight = flight->next) {
		stream = flight->dispatch.cmd.stream;
		if (!(blocked[stream / 8] & (1u << (stream % 8))) || seen[stream / 8] & (1u << (stream % 8)))
			continue;
		seen[stream / 8] |= (uint8_t)(1u << (stream % 8));
		end = flight->start_ns + learned[kind_of(&flight->dispatch.cmd)];
		if (!first || end < first)
			first = end;
	}
	return first;
}

/**
 * struct outlook - what there is to wait for
 * @expected_ns: when the command is expected to end that is expected first
 * @submitted: commands put into streams until now
 */
struct outlook {
	uint64_t expected_ns;
	uint64_t submitted;
};

/* Reports what has ended; returns whether something had. */
static bool look(struct outlook *outlook)
{
	uint8_t blocked[VGPU_MAX_STREAMS / 8] = { 0 };
	struct flight **link, *flight;
	bool progress = false;
	CUresult result;

	pthread_mutex_lock(&flights.lock);
	/* What is submitted from here on may not have been looked at. */
	outlook->submitted = flights.submitted;
	link = &flights.head;
	while ((flight = *link)) {
		pthread_mutex_unlock(&flights.lock);
		result = query(flight, blocked);
		pthread_mutex_lock(&flights.lock);
		if (result == CUDA_ERROR_NOT_READY) {
			link = &flight->next;
			continue;
		}
		*link = flight->next;
		if (flights.tail == &flight->next)
			flights.tail = link;
		begin_next(*link, flight->dispatch.cmd.stream);
		pthread_mutex_unlock(&flights.lock);
		if (cuda_is_fatal(result))
			cuda_poison(result);
		finish(flight, result);
		progress = true;
		pthread_mutex_lock(&flights.lock);
	}
	outlook->expected_ns = expected_end(flights.head, blocked);
	pthread_mutex_unlock(&flights.lock);
	return progress;
}

/* Until a time at the latest, and at once where something has been put into a stream since @seen was read. */
static void sleep_for(uint64_t ns, uint64_t seen)
{
	uint64_t end = pause_now_ns() + ns;
	const struct timespec ts = { .tv_sec = (time_t)(end / 1000000000), .tv_nsec = (long)(end % 1000000000) };

	pthread_mutex_lock(&flights.lock);
	if (flights.submitted == seen)
		pthread_cond_clockwait(&flights.work, &flights.lock, CLOCK_MONOTONIC, &ts);
	pthread_mutex_unlock(&flights.lock);
}

/* Nothing has ended: looks again, or sleeps first. */
static void rest(struct pause *pause, const struct outlook *outlook, uint64_t last, uint64_t *sleep)
{
	uint64_t now = pause_now_ns(), expected = outlook->expected_ns, late;

	if (expected > now + 2 * EARLY_NS) {
		sleep_for(expected - now - EARLY_NS, outlook->submitted);
		return;
	}
	/* A quarter more than it lately took, and a little: from then on it is anybody's guess. */
	late = expected > last ? expected + (expected - last) / 4 : last;
	if (now < late + SPIN_MIN_NS && pause_spin(pause))
		return;
	sleep_for(*sleep, outlook->submitted);
	if (*sleep < SLEEP_MAX_NS)
		*sleep *= 2;
}

static void *completion_main(void *arg)
{
	uint64_t sleep = SLEEP_MIN_NS, last = pause_now_ns();
	struct outlook outlook;
	struct pause pause = { 0 };

	cu.cuCtxSetCurrent(cuda.base);
	for (;;) {
		pthread_mutex_lock(&flights.lock);
		while (!flights.head) {
			pthread_cond_wait(&flights.work, &flights.lock);
			last = pause_now_ns();
			sleep = SLEEP_MIN_NS;
		}
		pthread_mutex_unlock(&flights.lock);
		if (look(&outlook)) {
			last = pause_now_ns();
			sleep = SLEEP_MIN_NS;
		} else {
			rest(&pause, &outlook, last, &sleep);
		}
	}
	return NULL;
}

/**
 * cuda_completion_start() - start the thread that reports what has ended
 *
 * Return: true if it runs. Context: before the process is sealed.
 */
bool cuda_completion_start(void)
{
	pthread_t thread;

	/* Sleeps of microseconds: threads inherit it. */
	prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
	if (pthread_create(&thread, NULL, completion_main, NULL)) {
		log_error("no thread for completions");
		return false;
	}
	pthread_detach(thread);
	return true;
}

/* In the stream already, but without an end to be told by: only when the stream is empty it may be said to have failed. */
static CUresult abandon(CUstream stream, CUresult result)
{
	CUresult ended = cu.cuStreamSynchronize(stream);

	return cuda_is_fatal(ended) ? ended : result;
}

/* The context is in use, and current. */
static CUresult issue(struct flight *flight)
{
	const struct vgpu_cmd *cmd = &flight->dispatch.cmd;
	struct cuda_stream *stream = &cuda.streams[cmd->stream];
	CUresult result;

	result = cuda_stream_create(cmd->ctx, cmd->stream, 0);
	if (result)
		return result;
	flight->end = cuda_event_take(cmd->ctx);
	if (!flight->end)
		return CUDA_ERROR_OUT_OF_MEMORY;
	/* Taken over: the command before does not give its end back any more. */
	pthread_mutex_lock(&flights.lock);
	flight->begin = stream->last_end;
	stream->last_end = NULL;
	pthread_mutex_unlock(&flights.lock);
	if (!flight->begin) {
		flight->begin = cuda_event_take(cmd->ctx);
		result = flight->begin ? cu.cuEventRecord(flight->begin, stream->stream) : CUDA_SUCCESS;
		if (result)
			return result;
	}
	result = cuda_issue(cmd, stream->stream);
	if (result)
		return result;
	result = cu.cuEventRecord(flight->end, stream->stream);
	return result ? abandon(stream->stream, result) : CUDA_SUCCESS;
}

/* Nothing of it is in the stream. Where it begins at the end of a command that is in flight still, that is given back. */
static void discard(struct flight *flight)
{
	struct cuda_stream *stream = &cuda.streams[flight->dispatch.cmd.stream];
	const struct flight *other;

	pthread_mutex_lock(&flights.lock);
	for (other = flight->begin ? flights.head : NULL; other && other->end != flight->begin; other = other->next)
		;
	if (other)
		stream->last_end = flight->begin;
	else
		cuda_event_put(flight->dispatch.cmd.ctx, flight->begin);
	cuda_event_put(flight->dispatch.cmd.ctx, flight->end);
	flight->next = flights.spare;
	flights.spare = flight;
	pthread_mutex_unlock(&flights.lock);
}

/**
 * cuda_run() - execute a command on its stream, and report its end
 * @dispatch: a copy, memset or launch
 *
 * Context: the submit thread.
 */
void cuda_run(const struct vgpu_dispatch *dispatch)
{
	struct cuda_stream *stream = &cuda.streams[dispatch->cmd.stream];
	struct flight *flight = new_flight();
	CUresult result = CUDA_ERROR_OUT_OF_MEMORY;

	if (flight)
		result = cuda_ctx_use(dispatch->cmd.ctx);
	if (result) {
		free(flight);
		goto fail;
	}
	*flight = (struct flight){ .dispatch = *dispatch };
	result = issue(flight);
	if (result) {
		discard(flight);
		cuda_ctx_unuse(dispatch->cmd.ctx);
		goto fail;
	}
	pthread_mutex_lock(&flights.lock);
	stream->last_end = flight->end;
	flight->start_ns = pause_now_ns();
	*flights.tail = flight;
	flights.tail = &flight->next;
	flights.submitted++;
	pthread_cond_signal(&flights.work);
	pthread_mutex_unlock(&flights.lock);
	return;
fail:
	if (cuda_is_fatal(result))
		cuda_poison(result);
	cuda.session->complete(dispatch, (uint32_t)result, 0, 0);
}
