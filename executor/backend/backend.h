/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * What executes the commands of a session: the soft GPU, or a real one through CUDA.
 *
 * A supervisor asks a backend what its GPU is (probe). A worker starts it once, for its one session (start), and then
 * hands it commands (submit); there is no way to stop it but the end of the process.
 *
 * Order: commands of one stream are executed in the order of submit(); those of different streams in any. Commands are
 * vetted: object numbers, lengths and ranges are inside the bounds of vgpu_device.h, ranges inside the session's. What
 * lies in the aperture may change at any time: what a backend looks at (images, parameters, names) it copies
 * once to its own memory; bulk data it uses in place.
 *
 * Errors of commands are CUresults. After a fault of the kind that ends a CUDA process every command
 * completes with that result.
 */
#ifndef EXECUTOR_BACKEND_H
#define EXECUTOR_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../uapi/vgpu_executor.h"

/**
 * struct backend_options - which GPU, and how it is to be served
 * @name: of the GPU
 * @pci: its PCI address, or an empty string
 * @memory: bytes to be offered to virtual GPUs; 0 for all that there is
 * @overhead: bytes of device memory that a worker takes beside chunks, as probe() found
 * @threads: of the soft GPU; 0 for one a CPU
 */
struct backend_options {
	char name[32];
	char pci[16];
	uint64_t memory;
	uint64_t overhead;
	uint32_t threads;
};

/**
 * struct backend_session - the one session of a worker
 * @device_size: bytes of device address range to reserve
 * @chunk_size: bytes of it, from its start, that chunks may use; the rest is for module globals
 * @aperture_size: bytes
 * @granule: chunk granularity in bytes
 * @memory: device memory quota in bytes
 * @tier: enum vgpu_tier of the virtual GPU, as it was when the worker was bound
 * @device_base: first device address; set by start()
 * @aperture_base: address of aperture offset 0; set by the worker before start()
 * @aperture: memory at an offset of the aperture, NULL if the bytes are not all in one mapped range;
 *	any thread
 * @complete: reports the end of a command; any thread, may sleep
 */
struct backend_session {
	uint64_t device_size;
	uint64_t chunk_size;
	uint64_t aperture_size;
	uint64_t granule;
	uint64_t memory;
	uint32_t tier;
	uint64_t device_base;
	uint64_t aperture_base;
	void *(*aperture)(uint64_t offset, uint64_t len);
	void (*complete)(const struct vgpu_dispatch *dispatch, uint32_t status, uint64_t value, uint64_t gpu_ns);
};

/**
 * struct backend - one kind of executor
 * @name: for --backend
 * @gpu_device: a GPU's driver works in the process, through device nodes that stay usable when it is sealed
 * @describe: what it is, for people
 * @probe: fills everything of an attach request but version and name; false, with a sentence in @why, where there
 *	is no such GPU. In the supervisor
 * @start: reserves the device range and starts the threads that execute; all that it needs to open or to start it
 *	opens and starts here, for the process is sealed afterwards. A CUresult
 * @submit: takes a command, whose end will be reported; does not wait for it. One thread
 * @add_range: a range of the aperture is mapped, before any command that names it; may be NULL. The thread of @submit
 */
struct backend {
	const char *name;
	bool gpu_device;
	const char *describe;
	bool (*probe)(const struct backend_options *options, struct vgpu_exec_attach *attach, char *why,
		      size_t why_len);
	uint32_t (*start)(const struct backend_options *options, struct backend_session *session);
	void (*submit)(const struct vgpu_dispatch *dispatch);
	void (*add_range)(uint64_t offset, uint64_t len);
};

extern const struct backend cuda_backend;
extern const struct backend soft_backend;

const struct backend *backend_find(const char *name, const struct backend_options *options,
				   struct vgpu_exec_attach *attach, char *why, size_t why_len);
const struct backend *backend_by_name(const char *name);

#endif /* EXECUTOR_BACKEND_H */
