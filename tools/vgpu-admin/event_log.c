// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * The log of events: JSON lines in a file, or entries with fields in the journal; so many a second, and what is left
 * out is counted.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>
#include "admin.h"
#include "event_log.h"

static const struct {
	const char *name;
	bool trouble, guest;
} kinds[] = {
	{ "hang", true, true }, { "fault", true, true }, { "session-lost", true, true }, { "malformed", true, true },
	{ "over-quota", true, true }, { "doorbell-storm", true, true }, { "throttled", false, true },
	{ "unthrottled", false, true }, { "vm-changed", false, true }, { "quarantined", true, false },
	{ "worker-stuck", true, false }, { "supervisor-lost", true, false }, { "suppressed", true, false },
};

/* Journal's name of a field, which is that of JSON where it is a string or a number. */
static const struct {
	const char *name, *key;
} journal_fields[] = {
	{ "VGPU_EVENT", "event" }, { "VGPU_GPU", "gpu" }, { "VGPU_UUID", "uuid" }, { "VGPU_POOL", "pool" },
	{ "VGPU_TIER", "tier" }, { "VGPU_SESSION", "session" }, { "VGPU_DETAIL", "detail" }, { "VGPU_VALUE", "value" },
	{ "VGPU_CAUSE", "cause" }, { "VGPU_LIMIT", "limit" }, { "VGPU_SUPPRESSED", "suppressed" },
	{ "VGPU_WHO", "who" }, { "VGPU_COMMAND", "command" }, { "VGPU_OBJECT", "object" }, { "VGPU_NAME", "name" },
};

/**
 * event_log_open() - begin to log
 * @log: to be closed by event_log_close()
 * @where: a file, which is appended to, or "journal"
 * @journal: socket of the journal
 *
 * Return: false, with errno set, if it cannot be opened.
 */
bool event_log_open(struct event_log *log, const char *where, const char *journal)
{
	*log = (struct event_log){ .journal = -1, .address.sun_family = AF_UNIX };
	if (strcmp(where, "journal")) {
		log->file = fopen(where, "ae");
		return log->file;
	}
	strncpy(log->address.sun_path, journal, sizeof(log->address.sun_path) - 1);
	log->journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return log->journal >= 0;
}

/**
 * event_log_close() - undo event_log_open(), whatever it returned
 * @log: any
 */
void event_log_close(struct event_log *log)
{
	if (log->file)
		fclose(log->file);
	if (log->journal >= 0)
		close(log->journal);
}

/**
 * event_log_stamp() - say when it is
 * @event: gets the field "time", in UTC
 */
void event_log_stamp(json_t *event)
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

static const char *text_of(const json_t *event, const char *key)
{
	const char *value = json_string_value(json_object_get(event, key));

	return value ? value : "";
}

/* In the journal's own protocol: a datagram of lines KEY=value, so that a value with a line break is in the JSON alone. */
static void to_journal(struct event_log *log, const json_t *event, bool trouble)
{
	char *line = json_dumps(event, JSON_COMPACT), *text = NULL;
	const char *what = text_of(event, "uuid");
	const json_t *value;
	size_t size, i;
	FILE *out;

	what = *what ? what : *text_of(event, "gpu") ? text_of(event, "gpu") : text_of(event, "pool");
	out = open_memstream(&text, &size);
	fprintf(out, "MESSAGE=vgpu: %s %s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=vgpu\nVGPU_JSON=%s\n", text_of(event, "event"), what,
		trouble ? LOG_WARNING : LOG_INFO, line);
	for (i = 0; i < ARRAY_SIZE(journal_fields); i++) {
		value = json_object_get(event, journal_fields[i].key);
		if (json_is_string(value) && !strchr(json_string_value(value), '\n'))
			fprintf(out, "%s=%s\n", journal_fields[i].name, json_string_value(value));
		else if (json_is_integer(value))
			fprintf(out, "%s=%lld\n", journal_fields[i].name, (long long)json_integer_value(value));
	}
	fclose(out);
	/* Where no journal is, events are lost to it alone. */
	sendto(log->journal, text, size, MSG_NOSIGNAL, (const struct sockaddr *)&log->address, sizeof(log->address));
	free(text);
	free(line);
}

/**
 * event_log_write() - write an event, or count it where there were too many in this second
 * @log: opened
 * @event: gets the fields "time", and "suppressed" where something was left out since the last line
 * @now: CLOCK_REALTIME second
 *
 * Return: whether it was written.
 */
bool event_log_write(struct event_log *log, json_t *event, time_t now)
{
	const char *name = text_of(event, "event");
	bool trouble = false, guest = false;
	json_int_t suppressed;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(name, kinds[i].name)) {
			trouble = kinds[i].trouble;
			guest = kinds[i].guest;
		}
	if (now != log->second) {
		log->second = now;
		log->lines[0] = 0;
		log->lines[1] = 0;
	}
	/* The kernel has a limit of its own. */
	suppressed = json_integer_value(json_object_get(event, "suppressed")) + log->suppressed;
	if (log->lines[guest] >= (guest ? EVENT_LOG_GUESTS : EVENT_LOG_OTHERS)) {
		log->suppressed = suppressed + 1;
		return false;
	}
	log->lines[guest]++;
	log->suppressed = 0;
	if (suppressed)
		json_object_set_new(event, "suppressed", json_integer(suppressed));
	event_log_stamp(event);
	if (log->file) {
		json_dumpf(event, log->file, JSON_COMPACT);
		fputc('\n', log->file);
		fflush(log->file);
	} else {
		to_journal(log, event, trouble);
	}
	return true;
}

/**
 * event_log_idle() - nothing happens: tell what was left out, with an event of its own
 * @log: opened
 * @now: CLOCK_REALTIME second
 */
void event_log_idle(struct event_log *log, time_t now)
{
	json_t *event;

	if (!log->suppressed || now == log->second)
		return;
	event = json_pack("{ss}", "event", "suppressed");
	event_log_write(log, event, now);
	json_decref(event);
}

/**
 * event_log_declared() - tell the journal of what an administrator has declared, a line an object
 * @entries: of the database's history, as db_history() reads them
 * @journal: socket of the journal; where nobody listens, or not within a second, nothing is told
 */
void event_log_declared(const json_t *entries, const char *journal)
{
	const struct timeval patience = { .tv_sec = 1 };
	struct event_log log;
	const char *object;
	json_t *entry;
	size_t i;

	if (event_log_open(&log, "journal", journal)) {
		setsockopt(log.journal, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		json_array_foreach(entries, i, entry) {
			json_t *event = json_pack("{ss}", "event", "declared");

			json_object_update(event, entry);
			json_object_del(event, "time_ns");
			object = text_of(entry, "object");
			json_object_set(event, strcmp(object, "vm") ? object : "uuid", json_object_get(entry, "name"));
			event_log_write(&log, event, time(NULL));
			json_decref(event);
		}
		event_log_idle(&log, log.second + 1);
	}
	event_log_close(&log);
}
