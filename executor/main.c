// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../uapi/vgpu_release.h"
#include "boot.h"
#include "log.h"
#include "supervisor.h"

const char *argp_program_version = "vgpu-executor " VGPU_RELEASE;

static const char summary[] =
	"Serve one physical GPU to the virtual GPUs that the vgpu module made of it.\v"
	"The program attaches the GPU to the module and starts one unprivileged process for each session of a guest. "
	"It writes the line \"ready\" to standard output when the GPU is attached, its log to standard error, and "
	"runs until SIGTERM; sessions that run go on.\n\n"
	"Backends: soft runs PTX on the CPU; auto takes the first backend of this build that finds its GPU.\n\n"
	"Example: vgpu-executor --backend soft --name soft0 --memory 8G";

enum option_key {
	KEY_BACKEND = 'b',
	KEY_NAME = 'n',
	KEY_PCI = 'p',
	KEY_MEMORY = 'm',
	KEY_THREADS = 't',
	KEY_DEVICE = 'd',
	KEY_VERBOSE = 'v',
	KEY_LOOPBACK = 256,
	KEY_LOG,
	KEY_SANDBOX,
	KEY_CGROUP,
	KEY_WORKER,
};

static const struct argp_option options[] = {
	{ "backend", KEY_BACKEND, "NAME", 0, "soft, cuda or auto (default: auto)", 0 },
	{ "name", KEY_NAME, "NAME", 0, "name of the GPU, of a-z 0-9 . _ - (default: soft0)", 0 },
	{ "pci", KEY_PCI, "ADDRESS", 0, "PCI address of the GPU, as 0000:65:00.0", 0 },
	{ "memory", KEY_MEMORY, "SIZE", 0,
	  "device memory to share out, with suffix K, M, G or T (soft: default half of the machine's, at most 8G)", 0 },
	{ "threads", KEY_THREADS, "N", 0, "CPUs that a soft GPU computes with (default: all)", 0 },
	{ "device", KEY_DEVICE, "PATH", 0, "the module's device (default: " VGPU_EXEC_DEVICE ")", 1 },
	{ "loopback", KEY_LOOPBACK, "SOCKET", 0, "attach to a vgpu-loopback daemon instead of the module", 1 },
	{ "log", KEY_LOG, "FORMAT", 0, "text, or json: one object a line (default: text)", 2 },
	{ "verbose", KEY_VERBOSE, NULL, 0, "log the start and end of every worker too", 2 },
	{ "sandbox", KEY_SANDBOX, "on|off", 0,
	  "whether workers give up privileges and system calls; off is for debuggers (default: on)", 2 },
	{ "worker-cgroup", KEY_CGROUP, "DIR", 0,
	  "cgroup (version 2), delegated to this program and without processes, in which each worker has one of its own "
	  "that bounds its memory (default: none)", 2 },
	{ "worker", KEY_WORKER, NULL, OPTION_HIDDEN, NULL, 3 },
	{ 0 }
};

static uint64_t parse_size(const char *text, struct argp_state *state)
{
	static const char suffixes[] = "KMGT";
	unsigned long long value;
	const char *suffix;
	unsigned int shift = 0;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*end) {
		suffix = strchr(suffixes, *end);
		if (suffix && !end[1])
			shift = 10 * (unsigned int)(suffix - suffixes + 1);
		else
			value = 0;
	}
	if (errno || text[0] == '-' || !value || value > ~0ULL >> shift)
		argp_error(state, "--memory: \"%s\" is no size; write a number with K, M, G or T, as 8G", text);
	return value << shift;
}

static void copy_text(char *to, size_t size, const char *from, const char *option, struct argp_state *state)
{
	if (strlen(from) >= size)
		argp_error(state, "%s: \"%s\" is longer than %zu characters", option, from, size - 1);
	snprintf(to, size, "%s", from);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct boot *boot = state->input;
	char *end;
	long n;

	switch (key) {
	case KEY_BACKEND:
		copy_text(boot->backend, sizeof(boot->backend), arg, "--backend", state);
		break;
	case KEY_NAME:
		copy_text(boot->options.name, sizeof(boot->options.name), arg, "--name", state);
		break;
	case KEY_PCI:
		copy_text(boot->options.pci, sizeof(boot->options.pci), arg, "--pci", state);
		break;
	case KEY_MEMORY:
		boot->options.memory = parse_size(arg, state);
		break;
	case KEY_THREADS:
		n = strtol(arg, &end, 10);
		if (*end || end == arg || n < 1 || n > 1024)
			argp_error(state, "--threads: \"%s\" is not a number from 1 to 1024", arg);
		boot->options.threads = (uint32_t)n;
		break;
	case KEY_DEVICE:
	case KEY_LOOPBACK:
		boot->address.loopback = key == KEY_LOOPBACK;
		copy_text(boot->address.path, sizeof(boot->address.path), arg,
			  key == KEY_LOOPBACK ? "--loopback" : "--device", state);
		break;
	case KEY_LOG:
		if (strcmp(arg, "text") && strcmp(arg, "json"))
			argp_error(state, "--log: \"%s\" is neither text nor json", arg);
		boot->log_json = !strcmp(arg, "json");
		break;
	case KEY_VERBOSE:
		boot->log_level = LOG_LEVEL_DEBUG;
		break;
	case KEY_SANDBOX:
		if (strcmp(arg, "on") && strcmp(arg, "off"))
			argp_error(state, "--sandbox: \"%s\" is neither on nor off", arg);
		boot->sandbox = !strcmp(arg, "on");
		break;
	case KEY_CGROUP:
		copy_text(boot->cgroup, sizeof(boot->cgroup), arg, "--worker-cgroup", state);
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\": this program takes options only", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct argp argp = { options, parse_option, NULL, summary, NULL, NULL, NULL };
	struct vgpu_exec_attach attach = { .version = VGPU_EXEC_VERSION };
	struct boot boot = {
		.magic = BOOT_MAGIC,
		.log_level = LOG_LEVEL_INFO,
		.sandbox = true,
		.address.path = VGPU_EXEC_DEVICE,
		.backend = "auto",
		.options.name = "soft0",
	};
	const struct backend *backend;
	char why[256] = "";

	/* Threads of the backend are in the middle of things: no destructors. */
	if (argc == 2 && !strcmp(argv[1], "--worker"))
		_exit(worker_main());

	argp_parse(&argp, argc, argv, 0, NULL, &boot);
	log_setup(boot.options.name, boot.log_json, boot.log_level);
	backend = backend_find(boot.backend, &boot.options, &attach, why, sizeof(why));
	if (!backend) {
		log_error("no GPU to serve: %s", why);
		return EXIT_FAILURE;
	}
	snprintf(boot.backend, sizeof(boot.backend), "%s", backend->name);
	boot.options.overhead = attach.session_overhead;
	memcpy(attach.name, boot.options.name, sizeof(attach.name));
	return supervisor_main(&boot, &attach);
}
