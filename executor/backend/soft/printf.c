// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Formatted output of kernels. Formats and arguments come from a kernel and are taken for nothing but what they can be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "printf.h"

#define MAX_FORMAT	4096
#define MAX_STRING	4096
#define MAX_OUTPUT	16384
#define MAX_FIELD	1024	/* width or precision */

struct output {
	char *text;
	size_t len;
};

struct argument_reader {
	struct warp *w;
	unsigned int lane;
	uint64_t at;
	int count;
	bool failed;
	uint64_t fault;
};

bool printf_string(struct warp *w, unsigned int lane, uint64_t addr, char *buf, size_t size)
{
	size_t n;

	for (n = 0; n + 1 < size; n++) {
		if (!access_readable(w, lane, addr + n, 1)) {
			buf[n] = '\0';
			return false;
		}
		buf[n] = *(const char *)(uintptr_t)(addr + n);
		if (!buf[n])
			return true;
	}
	buf[n] = '\0';
	return true;
}

void printf_text(struct ptx_env *env, const char *text, size_t len)
{
	if (!env->config.print || !len)
		return;
	pthread_mutex_lock(&env->print_lock);
	env->config.print(env->config.print_ctx, text, len);
	pthread_mutex_unlock(&env->print_lock);
}

static uint64_t next_argument(struct argument_reader *r, unsigned int size)
{
	uint64_t value = 0;

	r->at = (r->at + size - 1) & ~(uint64_t)(size - 1);
	if (!access_readable(r->w, r->lane, r->at, size)) {
		if (!r->failed)
			r->fault = r->at;
		r->failed = true;
		return 0;
	}
	memcpy(&value, (const void *)(uintptr_t)r->at, size);
	r->at += size;
	r->count++;
	return value;
}

static void emit(struct output *out, const char *text, size_t len)
{
	if (len > MAX_OUTPUT - out->len)
		len = MAX_OUTPUT - out->len;
	memcpy(out->text + out->len, text, len);
	out->len += len;
}

/* One conversion; p is behind its %. Returns what follows it. */
static const char *convert(struct output *out, struct argument_reader *r, const char *p)
{
	char spec[64] = "%", buf[MAX_STRING + 2 * MAX_FIELD], string[MAX_STRING];
	unsigned int n = 1, longs = 0;
	const char *start = p - 1;
	uint64_t v;
	double d;
	int len, k, num;

	while (*p && strchr("-+ #0", *p) && n < 8)
		spec[n++] = *p++;
	/* Width, then precision. */
	for (k = 0; k < 2; k++) {
		if (k) {
			if (*p != '.')
				break;
			spec[n++] = *p++;
		}
		if (*p == '*') {
			num = (int32_t)next_argument(r, 4);
			p++;
		} else if (*p >= '0' && *p <= '9') {
			for (num = 0; *p >= '0' && *p <= '9'; p++)
				num = num < MAX_FIELD ? num * 10 + (*p - '0') : num;
		} else {
			continue;
		}
		if (num > MAX_FIELD)
			num = MAX_FIELD;
		if (num < -MAX_FIELD)
			num = -MAX_FIELD;
		if (k && num < 0) {
			n--;
			continue;
		}
		n += (unsigned int)snprintf(spec + n, 16, "%d", num);
	}
	while (*p == 'l' || *p == 'h' || *p == 'z' || *p == 'j' || *p == 't' || *p == 'q' || *p == 'L') {
		longs += *p != 'h';
		p++;
	}
	buf[0] = '\0';
	switch (*p) {
	case 'd':
	case 'i':
		v = next_argument(r, longs ? 8 : 4);
		snprintf(spec + n, 8, "lld");
		len = snprintf(buf, sizeof(buf), spec, longs ? (long long)v : (long long)(int32_t)v);
		break;
	case 'u':
	case 'o':
	case 'x':
	case 'X':
		v = next_argument(r, longs ? 8 : 4);
		snprintf(spec + n, 8, "ll%c", *p);
		len = snprintf(buf, sizeof(buf), spec, (unsigned long long)v);
		break;
	case 'c':
		snprintf(spec + n, 8, "c");
		len = snprintf(buf, sizeof(buf), spec, (int)next_argument(r, 4));
		break;
	case 'p':
		snprintf(spec + n, 8, "p");
		len = snprintf(buf, sizeof(buf), spec, (void *)(uintptr_t)next_argument(r, 8));
		break;
	case 's':
		v = next_argument(r, 8);
		if (!v) {
			strcpy(string, "(null)");
		} else if (!printf_string(r->w, r->lane, v, string, sizeof(string))) {
			if (!r->failed)
				r->fault = v;
			r->failed = true;
		}
		snprintf(spec + n, 8, "s");
		len = snprintf(buf, sizeof(buf), spec, string);
		break;
	case 'e':
	case 'E':
	case 'f':
	case 'F':
	case 'g':
	case 'G':
	case 'a':
	case 'A':
		v = next_argument(r, 8);
		memcpy(&d, &v, sizeof(d));
		snprintf(spec + n, 8, "%c", *p);
		len = snprintf(buf, sizeof(buf), spec, d);
		break;
	case '%':
		emit(out, "%", 1);
		return p + 1;
	default:
		/* Not a conversion: as it stands. */
		emit(out, start, (size_t)(p - start) + (*p != '\0'));
		return *p ? p + 1 : p;
	}
	if (len > (int)sizeof(buf) - 1)
		len = sizeof(buf) - 1;
	if (len > 0)
		emit(out, buf, (size_t)len);
	return p + 1;
}

int printf_lane(struct warp *w, unsigned int lane, uint64_t format, uint64_t args, uint64_t *fault)
{
	struct argument_reader r = { .w = w, .lane = lane, .at = args };
	struct output out = { 0 };
	char fmt[MAX_FORMAT];
	const char *p = fmt;

	if (!format)
		return -1;
	if (!printf_string(w, lane, format, fmt, sizeof(fmt))) {
		*fault = format;
		return -2;
	}
	out.text = malloc(MAX_OUTPUT);
	if (!out.text)
		return -1;
	while (*p && !r.failed) {
		size_t plain = strcspn(p, "%");

		emit(&out, p, plain);
		p += plain;
		if (*p == '%')
			p = convert(&out, &r, p + 1);
	}
	if (!r.failed)
		printf_text(w->grid->env, out.text, out.len);
	free(out.text);
	*fault = r.fault;
	return r.failed ? -2 : r.count;
}
