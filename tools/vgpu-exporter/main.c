// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * vgpu-exporter: statistics of virtual GPUs for Prometheus, over HTTP or into a file of node_exporter's textfile
 * collector. It reads the kernel when it is asked, and keeps nothing.
 */

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>
#include "../../uapi/vgpu_release.h"
#include "render.h"

#define CONTENT_TYPE	"text/plain; version=0.0.4; charset=utf-8"

const char *argp_program_version = "vgpu-exporter " VGPU_RELEASE;

static const char summary[] =
	"Statistics of virtual GPUs for Prometheus, at http://ADDRESS:PORT/metrics.\v"
	"Reading statistics takes CAP_NET_ADMIN, and nothing else does. A socket that systemd passes is used in place of "
	"--listen. Exit status 0; 1 where a system call failed; 2 for wrong arguments.";

static const struct argp_option arguments[] = {
	{ "listen", 'l', "ADDRESS:PORT", 0, "listen there (default: 127.0.0.1:9486); [::1]:9486 for IPv6", 0 },
	{ "textfile", 't', "FILE", 0, "write FILE once, for node_exporter's textfile collector, instead of listening; - is the standard output", 0 },
	{ 0 }
};

struct options {
	const char *listen;
	const char *textfile;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	if (key == 'l')
		options->listen = arg;
	else if (key == 't')
		options->textfile = arg;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "\"%s\" is not an option: this program takes options alone", arg);
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The module may be loaded and unloaded while the exporter runs: the family is looked up each time. */
static void collect(struct text *text)
{
	double start = now_seconds();
	struct sample sample = { 0 };
	struct sample_link *link;
	int err = sample_open(&link);

	if (!err)
		err = sample_read(link, &sample);
	if (!err)
		err = sample_read_groups(link, &sample);
	if (err == -EPERM)
		fprintf(stderr, SD_ERR "vgpu-exporter: statistics are refused: reading them takes CAP_NET_ADMIN\n");
	render(text, &sample, !err, now_seconds() - start);
	sample_free(&sample);
	sample_close(link);
}

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned int status, const char *type, char *data, size_t len,
			       enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(len, data, mode);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result handle(void *unused, struct MHD_Connection *connection, const char *url, const char *method,
			      const char *version, const char *upload, size_t *upload_size, void **state)
{
	static char index[] = "<html><title>vgpu-exporter</title><a href=\"/metrics\">metrics</a></html>\n";
	static char not_found[] = "not found: there is /metrics\n";
	static char not_allowed[] = "method not allowed: use GET\n";
	struct text text = { 0 };

	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", not_allowed, strlen(not_allowed),
			       MHD_RESPMEM_PERSISTENT);
	if (!strcmp(url, "/"))
		return respond(connection, MHD_HTTP_OK, "text/html", index, strlen(index), MHD_RESPMEM_PERSISTENT);
	if (strcmp(url, "/metrics"))
		return respond(connection, MHD_HTTP_NOT_FOUND, "text/plain", not_found, strlen(not_found), MHD_RESPMEM_PERSISTENT);
	collect(&text);
	return respond(connection, MHD_HTTP_OK, CONTENT_TYPE, text.data, text.len, MHD_RESPMEM_MUST_FREE);
}

/* A listening socket for "host:port"; -1 said on stderr. */
static int listen_on(const char *where)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *found;
	const char *colon = strrchr(where, ':');
	char host[256];
	int fd, err, on = 1;

	if (!colon || colon == where || (size_t)(colon - where) >= sizeof(host) || !colon[1]) {
		fprintf(stderr, "vgpu-exporter: --listen %s: not of the form ADDRESS:PORT, such as 127.0.0.1:9486\n", where);
		exit(2);
	}
	snprintf(host, sizeof(host), "%.*s", (int)(colon - where), where);
	if (host[0] == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = '\0';
		memmove(host, host + 1, strlen(host));
	}
	err = getaddrinfo(host, colon + 1, &hints, &found);
	if (err) {
		fprintf(stderr, "vgpu-exporter: --listen %s: %s\n", where, gai_strerror(err));
		return -1;
	}
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, 16) < 0) {
		fprintf(stderr, "vgpu-exporter: --listen %s: %s\n", where, strerror(errno));
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	return fd;
}

static int serve(const char *where)
{
	struct MHD_Daemon *daemon;
	sigset_t signals;
	int fd, passed, signal;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	passed = sd_listen_fds(1);
	if (passed > 1) {
		fprintf(stderr, "vgpu-exporter: %d sockets were passed: one alone can be used\n", passed);
		return 2;
	}
	fd = passed > 0 ? SD_LISTEN_FDS_START : listen_on(where);
	if (fd < 0)
		return 1;
	daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle, NULL,
				  MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, 32u, MHD_OPTION_CONNECTION_TIMEOUT, 30u,
				  MHD_OPTION_END);
	if (!daemon) {
		fprintf(stderr, "vgpu-exporter: the HTTP server does not start\n");
		return 1;
	}
	sd_notify(0, "READY=1");
	sigwait(&signals, &signal);
	MHD_stop_daemon(daemon);
	return 0;
}

/* Readers of the file see the old or the new one whole. */
static int write_file(const char *path)
{
	struct text text = { 0 };
	bool to_stdout = !strcmp(path, "-");
	char *temporary;
	FILE *file;
	int err = 0;

	if (asprintf(&temporary, "%s.%d", path, (int)getpid()) < 0)
		return 1;
	collect(&text);
	file = to_stdout ? stdout : fopen(temporary, "we");
	if (!file || fwrite(text.data, 1, text.len, file) != text.len || fflush(file) ||
	    (!to_stdout && (fclose(file) || rename(temporary, path)))) {
		fprintf(stderr, "vgpu-exporter: --textfile %s: %s\n", path, strerror(errno));
		unlink(temporary);
		err = 1;
	}
	free(temporary);
	free(text.data);
	return err;
}

int main(int argc, char **argv)
{
	static const struct argp argp = { arguments, parse_option, NULL, summary, NULL, NULL, NULL };
	struct options options = { .listen = "127.0.0.1:9486" };

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	return options.textfile ? write_file(options.textfile) : serve(options.listen);
}
