// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* The log of events: its fields in a file and in the journal's protocol, and its limits. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "tools/vgpu-admin/admin.h"
#include "tools/vgpu-admin/event_log.h"

void admin_error(const char *format, ...)
{
}

static bool put(struct event_log *log, const char *name, time_t now)
{
	json_t *event = json_pack("{ss ss si si}", "event", name, "uuid", "01234567-89ab-4def-8123-456789abcdef", "session", 3,
				  "detail", 702);
	bool written = event_log_write(log, event, now);

	json_decref(event);
	return written;
}

static void lines_are_json_with_stable_fields(void **state)
{
	char path[] = "/tmp/event_log.XXXXXX", line[512];
	int fd = mkstemp(path);
	struct event_log log;
	json_t *event;
	FILE *file;

	close(fd);
	assert_true(event_log_open(&log, path, EVENT_LOG_JOURNAL));
	assert_true(put(&log, "hang", 1));
	event_log_close(&log);
	file = fopen(path, "r");
	assert_non_null(fgets(line, sizeof(line), file));
	event = json_loads(line, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(event, "event")), "hang");
	assert_int_equal(json_integer_value(json_object_get(event, "session")), 3);
	assert_int_equal(strlen(json_string_value(json_object_get(event, "time"))), strlen("2026-01-02T03:04:05.678901Z"));
	assert_null(json_object_get(event, "suppressed"));
	assert_null(fgets(line, sizeof(line), file));
	json_decref(event);
	fclose(file);
	unlink(path);
}

/* As many as may be are written; the next line says how many were not. */
static void too_many_are_counted(void **state)
{
	char path[] = "/tmp/event_log.XXXXXX", line[512];
	unsigned int i, written = 0, lines = 0;
	int fd = mkstemp(path);
	json_int_t told = 0;
	struct event_log log;
	json_t *event;
	FILE *file;

	close(fd);
	assert_true(event_log_open(&log, path, EVENT_LOG_JOURNAL));
	for (i = 0; i < 1000; i++)
		written += put(&log, "fault", 1);
	assert_int_equal(written, EVENT_LOG_GUESTS);
	/* What an operator did is told all the same, and says what was left out before it. */
	assert_true(put(&log, "pool-changed", 1));
	assert_false(put(&log, "fault", 1));
	/* Nobody has to wait for the next event to know. */
	event_log_idle(&log, 1);
	event_log_idle(&log, 2);
	event_log_idle(&log, 3);
	assert_true(put(&log, "fault", 3));
	event_log_close(&log);
	file = fopen(path, "r");
	while (fgets(line, sizeof(line), file)) {
		event = json_loads(line, 0, NULL);
		assert_non_null(event);
		if (lines == EVENT_LOG_GUESTS) {
			assert_string_equal(json_string_value(json_object_get(event, "event")), "pool-changed");
			assert_int_equal(json_integer_value(json_object_get(event, "suppressed")), 900);
		}
		if (lines == EVENT_LOG_GUESTS + 1)
			assert_string_equal(json_string_value(json_object_get(event, "event")), "suppressed");
		told += json_integer_value(json_object_get(event, "suppressed"));
		lines++;
		json_decref(event);
	}
	fclose(file);
	unlink(path);
	assert_int_equal(lines, EVENT_LOG_GUESTS + 3);
	assert_int_equal(told, 901);
}

struct journal {
	char directory[32], path[64], text[4096];
	int sock;
};

static void listen_as_journal(struct journal *journal)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(journal->directory, "/tmp/event_log.XXXXXX");
	assert_non_null(mkdtemp(journal->directory));
	snprintf(journal->path, sizeof(journal->path), "%s/socket", journal->directory);
	strcpy(address.sun_path, journal->path);
	journal->sock = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(bind(journal->sock, (struct sockaddr *)&address, sizeof(address)), 0);
}

/* Returns what came, or NULL. */
static const char *received(struct journal *journal)
{
	ssize_t len = recv(journal->sock, journal->text, sizeof(journal->text) - 1, MSG_DONTWAIT);

	journal->text[len > 0 ? len : 0] = '\0';
	return len > 0 ? journal->text : NULL;
}

static void end_journal(struct journal *journal)
{
	close(journal->sock);
	unlink(journal->path);
	rmdir(journal->directory);
}

static void journal_gets_fields(void **state)
{
	struct journal journal;
	struct event_log log;
	const char *text;

	listen_as_journal(&journal);
	assert_true(event_log_open(&log, "journal", journal.path));
	assert_true(put(&log, "hang", 1));
	text = received(&journal);
	assert_non_null(text);
	assert_non_null(strstr(text, "MESSAGE=vgpu: hang 01234567-89ab-4def-8123-456789abcdef\n"));
	assert_non_null(strstr(text, "\nPRIORITY=4\n"));
	assert_non_null(strstr(text, "\nSYSLOG_IDENTIFIER=vgpu\n"));
	assert_non_null(strstr(text, "\nVGPU_EVENT=hang\n"));
	assert_non_null(strstr(text, "\nVGPU_UUID=01234567-89ab-4def-8123-456789abcdef\n"));
	assert_non_null(strstr(text, "\nVGPU_SESSION=3\n"));
	assert_non_null(strstr(text, "\nVGPU_DETAIL=702\n"));
	assert_non_null(strstr(text, "\nVGPU_JSON={\"event\":\"hang\","));
	assert_null(strstr(text, "VGPU_SUPPRESSED"));
	event_log_close(&log);
	end_journal(&journal);
}

static void journal_gets_who_declared_what(void **state)
{
	json_t *entries = json_pack("[{si, sI, ss, ss, ss, ss, s{si}, sn}, {ss, ss, ss, ss}]",
				    "id", 7, "time_ns", (json_int_t)1, "who", "ada", "command", "vm set web1 --depth 9",
				    "object", "vm", "name", "01234567-89ab-4def-8123-456789abcdef", "before", "depth", 8, "after",
				    "who", "bob", "command", "pool add A\nVGPU_WHO=root", "object", "pool", "name", "A");
	struct journal journal;
	const char *text;

	listen_as_journal(&journal);
	event_log_declared(entries, journal.path);
	text = received(&journal);
	assert_non_null(text);
	assert_non_null(strstr(text, "MESSAGE=vgpu: declared 01234567-89ab-4def-8123-456789abcdef\nPRIORITY=6\n"));
	assert_non_null(strstr(text, "\nVGPU_EVENT=declared\n"));
	assert_non_null(strstr(text, "\nVGPU_WHO=ada\n"));
	assert_non_null(strstr(text, "\nVGPU_COMMAND=vm set web1 --depth 9\n"));
	assert_non_null(strstr(text, "\nVGPU_UUID=01234567-89ab-4def-8123-456789abcdef\n"));
	assert_non_null(strstr(text, "\"before\":{\"depth\":8}"));
	/* A value with a line break makes no field of its own. */
	text = received(&journal);
	assert_non_null(text);
	assert_non_null(strstr(text, "\nVGPU_WHO=bob\n"));
	assert_non_null(strstr(text, "\nVGPU_POOL=A\n"));
	assert_null(strstr(text, "\nVGPU_WHO=root"));
	assert_null(strstr(text, "\nVGPU_COMMAND="));
	assert_null(received(&journal));
	end_journal(&journal);
	/* Nobody listens. */
	event_log_declared(entries, journal.path);
	json_decref(entries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_json_with_stable_fields),
		cmocka_unit_test(too_many_are_counted),
		cmocka_unit_test(journal_gets_fields),
		cmocka_unit_test(journal_gets_who_declared_what),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
