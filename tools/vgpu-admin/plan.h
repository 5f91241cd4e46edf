/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/**
 * DOC: From what is to what should be
 *
 * Pure functions: states in, operations out. A state is an object of
 *
 *	"pools"	by name: an object of settings (pool_settings); what is not in it has the setting's standard value; and of
 *		"limits" (limit_settings), standards of what is not declared of the virtual GPUs in the pool
 *	"gpus"	by name: { "pool": its pool }
 *	"vms"	by UUID: an object of settings (vm_settings) that are declared; what is not in it is as the virtual GPU's type
 *		has it; and of
 *		"pool"	the only pool in which the virtual GPU may be, or none
 *		"type"	where vgpu-admin makes the virtual GPU; no such key where that is another program's business
 *		"gpu"	on which it is made, unless it has to be on another
 *		"name"	for people
 *	"places" by UUID, and need not be there: null where the virtual GPU must not be; or an object of its "type" and of the
 *		"gpu" that it has to be on
 *
 * and, of the kernel's state alone,
 *
 *	"mdevs"	by UUID: { "gpu", "type", "state" } of the virtual GPUs that are there
 *
 * where "gpus" have all that netlink tells of them. An operation is an object with "op":
 *
 *	pool-new, pool-set	"name", "set": everything, "was"
 *	mdev-remove		"uuid"
 *	gpu-set			"name", "pool", "was"
 *	vm-set			"uuid", "set": everything that is declared from now on, "was"
 *	vm-forget		"uuid", "was"
 *	mdev-create		"uuid", "type", and "gpu", or "prefer" and "pool", each of which may be missing
 *	pool-del		"name"
 *
 * The order of operations is such that each is possible after those before it, so far as anything is.
 */
#ifndef VGPU_ADMIN_PLAN_H
#define VGPU_ADMIN_PLAN_H

#include "settings.h"

#define POOL_DEFAULT	"default"	/* there from the beginning, never removed */

json_t *state_new(void);
json_t *state_copy(const json_t *state);
json_t *state_get(const json_t *state, const char *kind, const char *name);
json_t *state_add(json_t *state, const char *kind, const char *name);

json_t *plan_touched(const json_t *before, const json_t *after);
json_t *plan_make(const json_t *kernel, const json_t *wanted, const json_t *touched);
json_t *plan_snapshot(const json_t *kernel, const json_t *touched, const json_t *ops);
json_t *plan_diff(const json_t *before, const json_t *after);
json_t *plan_drift(const json_t *kernel, const json_t *declared);

#endif /* VGPU_ADMIN_PLAN_H */
