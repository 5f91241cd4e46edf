// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Commands in flight on CUDA streams. Each has an event at its end; a thread asks for the events, oldest of each stream
 * first, and reports what has ended.
 *
 * The thread looks without a pause for a while after something has ended, then in intervals that grow: a completion is
 * seen at once while there is much to do, and a kernel of a second costs no processor.
 */

#include <stdlib.h>
#include <time.h>

#include "../../log.h"
#include "cuda.h"

#define NSEC		1000000000ULL
#define SPIN_NS		50000ULL
#define SLEEP_MIN_NS	20000ULL
#define SLEEP_MAX_NS	200000ULL

/**
 * struct flight - a command on a CUDA stream
 * @dispatch: the command
 * @begin: event before it: the end of the one before, or its own; NULL if the driver gave none
 * @end: event behind it
 * @next: in order of submission over all streams
 */
struct flight {
	struct vgpu_dispatch dispatch;
	CUevent begin;
	CUevent end;
	struct flight *next;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct flight *head;
	struct flight **tail;
	struct flight *spare;
	CUevent *events;
	uint32_t num_events;
	uint32_t room;
} flights = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.work = PTHREAD_COND_INITIALIZER,
	.tail = &flights.head,
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

static CUevent take_event(void)
{
	CUevent event = NULL;

	pthread_mutex_lock(&flights.lock);
	if (flights.num_events)
		event = flights.events[--flights.num_events];
	pthread_mutex_unlock(&flights.lock);
	if (!event && cu.cuEventCreate(&event, CU_EVENT_DEFAULT))
		return NULL;
	return event;
}

/* With the lock held. Where there is no memory to keep it, an event is lost, which costs little. */
static void put_event(CUevent event)
{
	CUevent *more;

	if (!event)
		return;
	if (flights.num_events == flights.room) {
		more = realloc(flights.events, (flights.room * 2 + 64) * sizeof(*more));
		if (!more)
			return;
		flights.events = more;
		flights.room = flights.room * 2 + 64;
	}
	flights.events[flights.num_events++] = event;
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

	pthread_mutex_lock(&flights.lock);
	put_event(flight->begin);
	/* What follows in the stream begins where this ends. */
	if (stream->last_end == flight->end) {
		stream->last_end = NULL;
		put_event(flight->end);
	}
	flight->next = flights.spare;
	flights.spare = flight;
	pthread_mutex_unlock(&flights.lock);
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

/* Reports what has ended; returns whether something had. */
static bool look(void)
{
	uint8_t blocked[VGPU_MAX_STREAMS / 8] = { 0 };
	struct flight **link, *flight;
	bool progress = false;
	CUresult result;

	pthread_mutex_lock(&flights.lock);
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
		pthread_mutex_unlock(&flights.lock);
		if (cuda_is_fatal(result))
			cuda_poison(result);
		finish(flight, result);
		progress = true;
		pthread_mutex_lock(&flights.lock);
	}
	pthread_mutex_unlock(&flights.lock);
	return progress;
}

static void *completion_main(void *arg)
{
	uint64_t sleep = SLEEP_MIN_NS, last = now_ns();
	struct timespec ts = { 0 };

	cu.cuCtxSetCurrent(cuda.base);
	for (;;) {
		pthread_mutex_lock(&flights.lock);
		while (!flights.head) {
			pthread_cond_wait(&flights.work, &flights.lock);
			last = now_ns();
		}
		pthread_mutex_unlock(&flights.lock);
		if (look()) {
			last = now_ns();
			sleep = SLEEP_MIN_NS;
		} else if (now_ns() - last > SPIN_NS) {
			ts.tv_nsec = (long)sleep;
			nanosleep(&ts, NULL);
			if (sleep < SLEEP_MAX_NS)
				sleep *= 2;
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

	if (pthread_create(&thread, NULL, completion_main, NULL)) {
		log_error("no thread for completions");
		return false;
	}
	pthread_detach(thread);
	return true;
}

static CUresult issue(struct flight *flight)
{
	const struct vgpu_cmd *cmd = &flight->dispatch.cmd;
	struct cuda_stream *stream = &cuda.streams[cmd->stream];
	CUresult result;

	result = cuda_enter(cmd->ctx);
	if (!result && !stream->stream)
		result = cuda_stream_create(cmd->ctx, cmd->stream, 0);
	if (result)
		return result;
	pthread_mutex_lock(&flights.lock);
	flight->begin = stream->last_end;
	pthread_mutex_unlock(&flights.lock);
	if (!flight->begin) {
		flight->begin = take_event();
		if (flight->begin && cu.cuEventRecord(flight->begin, stream->stream))
			return CUDA_ERROR_UNKNOWN;
	}
	result = cuda_issue(cmd, stream->stream);
	if (!result)
		result = flight->end ? cu.cuEventRecord(flight->end, stream->stream) : CUDA_ERROR_OUT_OF_MEMORY;
	return result;
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
	CUevent before;
	CUresult result;

	if (!flight) {
		cuda.session->complete(dispatch, CUDA_ERROR_OUT_OF_MEMORY, 0, 0);
		return;
	}
	flight->dispatch = *dispatch;
	flight->begin = NULL;
	flight->end = take_event();
	flight->next = NULL;
	/* Taken over: the command before does not give its end back any more. */
	pthread_mutex_lock(&flights.lock);
	before = stream->last_end;
	pthread_mutex_unlock(&flights.lock);
	result = issue(flight);
	pthread_mutex_lock(&flights.lock);
	if (result) {
		/* Nothing of it is in the stream: its events are free, but for the one of the command before. */
		if (flight->begin != before)
			put_event(flight->begin);
		put_event(flight->end);
		flight->next = flights.spare;
		flights.spare = flight;
	} else {
		stream->last_end = flight->end;
		*flights.tail = flight;
		flights.tail = &flight->next;
		pthread_cond_signal(&flights.work);
	}
	pthread_mutex_unlock(&flights.lock);
	if (!result)
		return;
	if (cuda_is_fatal(result))
		cuda_poison(result);
	cuda.session->complete(dispatch, (uint32_t)result, 0, 0);
}
