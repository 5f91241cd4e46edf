/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * What a supervisor tells a new worker, through an inherited pipe: a token on a command line or in the environment
 * could be read by others.
 */
#ifndef EXECUTOR_BOOT_H
#define EXECUTOR_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/backend.h"
#include "port.h"

/* The descriptor of the pipe in a new worker. */
#define BOOT_FD		3
#define BOOT_MAGIC	0x76774254u

/**
 * struct boot - written by the supervisor, read by the worker, both of one binary
 * @magic: BOOT_MAGIC
 * @log_level: enum log_level
 * @log_json: log as JSON lines
 * @sandbox: give up privileges and filter system calls
 * @number: the worker's process number as the supervisor sees it
 * @cgroup: directory of a memory cgroup in which the worker has one of its own, by its number; empty for none
 * @token: of the event
 * @address: where to open the mediator
 * @backend: name of the backend
 * @options: for it
 */
struct boot {
	uint32_t magic;
	uint32_t log_level;
	bool log_json;
	bool sandbox;
	uint32_t number;
	char cgroup[256];
	uint64_t token;
	struct port_address address;
	char backend[16];
	struct backend_options options;
};

/**
 * enum worker_exit - exit status of a worker
 * @WORKER_EXIT_DONE: told to end
 * @WORKER_EXIT_BOOT: no boot message: not started by a supervisor
 * @WORKER_EXIT_BIND: could not open the mediator or bind the session
 * @WORKER_EXIT_START: the backend did not start; the kernel was told
 * @WORKER_EXIT_SANDBOX: could not give up its privileges
 * @WORKER_EXIT_PROTOCOL: the kernel said what this version does not understand, or a call failed
 */
enum worker_exit {
	WORKER_EXIT_DONE = 0,
	WORKER_EXIT_BOOT = 10,
	WORKER_EXIT_BIND = 11,
	WORKER_EXIT_START = 12,
	WORKER_EXIT_SANDBOX = 13,
	WORKER_EXIT_PROTOCOL = 14,
};

int worker_main(void);

#endif /* EXECUTOR_BOOT_H */
