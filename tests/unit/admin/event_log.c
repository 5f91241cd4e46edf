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

static void journal_gets_fields(void **state)
{
	char directory[] = "/tmp/event_log.XXXXXX", path[64], text[2048];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct event_log log;
	ssize_t len;
	int sock;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	strcpy(address.sun_path, path);
	sock = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(bind(sock, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_true(event_log_open(&log, "journal", path));
	assert_true(put(&log, "hang", 1));
	len = recv(sock, text, sizeof(text) - 1, MSG_DONTWAIT);
	assert_true(len > 0);
	text[len] = '\0';
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
	close(sock);
	unlink(path);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_json_with_stable_fields),
		cmocka_unit_test(too_many_are_counted),
		cmocka_unit_test(journal_gets_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
