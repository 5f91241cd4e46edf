/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/**
 * DOC: The configuration file
 *
 * The whole of what is declared, in TOML, written as on the command line:
 *
 *	[pools.A]
 *	gpus = ["0000:65:00.0"]		names, or PCI addresses of GPUs that are there
 *	weights = "16:4:1"		settings, by the names of their options
 *	[pools.A.limits]		standards of the pool
 *	depth = 256
 *	[vms.web1]			or [vms."UUID"] of one without a name
 *	uuid = "01234567-89ab-4def-8123-456789abcdef"
 *	pool = "A"
 *	type = "vgpu-2g"		where vgpu-admin makes it
 *	gpu-share = "25%"
 */
#ifndef VGPU_ADMIN_SITE_H
#define VGPU_ADMIN_SITE_H

#include <stdio.h>
#include "plan.h"

enum admin_exit site_parse(const char *name, const json_t *document, const json_t *gpus, json_t **state);
const char *site_name(const char *path);
enum admin_exit site_load(const char *path, json_t **document);
void site_write(const json_t *state, FILE *file);

#endif /* VGPU_ADMIN_SITE_H */
