/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef VGPU_ADMIN_EVENT_LOG_H
#define VGPU_ADMIN_EVENT_LOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/un.h>
#include <time.h>

#define EVENT_LOG_JOURNAL	"/run/systemd/journal/socket"

/* Lines in a second: of what guests can cause, and of all else, so that no guest hides what an operator did. */
#define EVENT_LOG_GUESTS	100u
#define EVENT_LOG_OTHERS	500u

/**
 * struct event_log - a file of JSON lines, or the journal
 * @file: the file, or NULL
 * @journal: socket to the journal, or -1
 * @address: of the journal
 * @second: in which @lines were written
 * @lines: of this second, by whether a guest can cause them
 * @suppressed: events since the last line that were not written
 */
struct event_log {
	FILE *file;
	int journal;
	struct sockaddr_un address;
	time_t second;
	unsigned int lines[2];
	json_int_t suppressed;
};

bool event_log_open(struct event_log *log, const char *where, const char *journal);
void event_log_close(struct event_log *log);
bool event_log_write(struct event_log *log, json_t *event, time_t now);
void event_log_idle(struct event_log *log, time_t now);
void event_log_stamp(json_t *event);
void event_log_declared(const json_t *entries, const char *journal);

#endif /* VGPU_ADMIN_EVENT_LOG_H */
