// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define LINE_MAX_BYTES	4096

static const char * const level_names[] = { "error", "warning", "info", "debug" };

static struct {
	pthread_mutex_t lock;
	char gpu[32];
	char session[64];
	char uuid[37];
	uint32_t session_id;
	pid_t pid;
	bool json;
	bool in_session;
	enum log_level level;
	unsigned int per_second;
	unsigned int in_this_second;
	unsigned int suppressed;
	time_t second;
} state = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.level = LOG_LEVEL_INFO,
};

/**
 * uuid_format() - a UUID as people write it
 * @uuid: 16 bytes, first byte first
 * @text: filled in, with its NUL
 */
void uuid_format(const uint8_t uuid[16], char text[37])
{
	char *p = text;
	int i;

	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		p += sprintf(p, "%02x", uuid[i]);
	}
}

/**
 * log_setup() - say where lines come from and how they look
 * @gpu: name of the GPU, in every line
 * @json: one JSON object a line in place of text
 * @level: lines above this level are dropped
 *
 * Context: before the first thread is started.
 */
void log_setup(const char *gpu, bool json, enum log_level level)
{
	snprintf(state.gpu, sizeof(state.gpu), "%s", gpu);
	state.json = json;
	state.level = level;
}

/**
 * log_set_pid() - the number that the process has for others, in every line from now on
 * @pid: in the supervisor's PID namespace
 *
 * Context: before the first thread is started.
 */
void log_set_pid(pid_t pid)
{
	state.pid = pid;
}

/**
 * log_set_session() - name the virtual GPU and session that the process serves, in every line from now on
 * @uuid: of the virtual GPU
 * @session: number of the session
 *
 * Context: before the first thread is started.
 */
void log_set_session(const uint8_t uuid[16], uint32_t session)
{
	uuid_format(uuid, state.uuid);
	state.session_id = session;
	state.in_session = true;
	snprintf(state.session, sizeof(state.session), " %s/%u", state.uuid, session);
}

/**
 * log_limit() - bound what a guest's doings can make the process write
 * @per_second: lines; 0 for no bound. What is dropped is counted and told.
 *
 * Context: before the first thread is started.
 */
void log_limit(unsigned int per_second)
{
	state.per_second = per_second;
}

static bool over_limit(time_t now)
{
	if (!state.per_second)
		return false;
	if (state.second != now) {
		state.second = now;
		state.in_this_second = 0;
	}
	if (state.in_this_second++ < state.per_second)
		return false;
	state.suppressed++;
	return true;
}

static size_t append(char *line, size_t used, const char *text)
{
	size_t len = strlen(text);

	if (len > LINE_MAX_BYTES - 2 - used)
		len = LINE_MAX_BYTES - 2 - used;
	memcpy(line + used, text, len);
	return used + len;
}

static size_t append_quoted(char *line, size_t used, const char *text)
{
	char escape[8];

	used = append(line, used, "\"");
	for (; *text && used < LINE_MAX_BYTES - 16; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			snprintf(escape, sizeof(escape), "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			snprintf(escape, sizeof(escape), "\\u%04x", c);
		else
			snprintf(escape, sizeof(escape), "%c", c);
		used = append(line, used, escape);
	}
	return append(line, used, "\"");
}

static pid_t own_pid(void)
{
	return state.pid ? state.pid : getpid();
}

static void emit(enum log_level level, const struct timespec *ts, const char *message)
{
	char line[LINE_MAX_BYTES], head[160];
	size_t used = 0;

	if (state.json) {
		snprintf(head, sizeof(head), "{\"time\":%lld.%06ld,\"level\":\"%s\",\"gpu\":\"%s\",\"pid\":%d",
			 (long long)ts->tv_sec, ts->tv_nsec / 1000, level_names[level], state.gpu, (int)own_pid());
		used = append(line, used, head);
		if (state.in_session) {
			snprintf(head, sizeof(head), ",\"vgpu\":\"%s\",\"session\":%u", state.uuid, state.session_id);
			used = append(line, used, head);
		}
		used = append(line, used, ",\"message\":");
		used = append_quoted(line, used, message);
		used = append(line, used, "}");
	} else {
		snprintf(head, sizeof(head), "vgpu-executor[%d] %s%s: %s%s", (int)own_pid(), state.gpu, state.session,
			 level == LOG_LEVEL_INFO ? "" : level_names[level], level == LOG_LEVEL_INFO ? "" : ": ");
		used = append(line, used, head);
		used = append(line, used, message);
	}
	line[used++] = '\n';
	/* One write a line: lines of several processes do not mix. A log that nobody reads stops nothing. */
	if (write(STDERR_FILENO, line, used) < 0)
		return;
}

/**
 * log_at() - write one line
 * @level: enum log_level
 * @format: as printf()
 *
 * Context: any thread; not in a signal handler.
 */
void log_at(enum log_level level, const char *format, ...)
{
	char message[LINE_MAX_BYTES - 512];
	struct timespec ts;
	va_list args;
	char *p;

	if (level > state.level)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	/* What a guest can put into a line does not break it or steer a terminal. */
	for (p = message; *p; p++) {
		if ((unsigned char)*p < 0x20 || (unsigned char)*p == 0x7f)
			*p = ' ';
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	pthread_mutex_lock(&state.lock);
	if (!over_limit(ts.tv_sec)) {
		if (state.suppressed) {
			char note[64];

			snprintf(note, sizeof(note), "%u lines left out: more than %u in a second", state.suppressed,
				 state.per_second);
			state.suppressed = 0;
			emit(LOG_LEVEL_WARNING, &ts, note);
		}
		emit(level, &ts, message);
	}
	pthread_mutex_unlock(&state.lock);
}
