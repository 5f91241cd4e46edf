// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <stdio.h>
#include <string.h>

#include "backend.h"

/* In the order in which "auto" tries them. */
static const struct backend * const backends[] = {
	&cuda_backend,
	&soft_backend,
};

#define NUM_BACKENDS (sizeof(backends) / sizeof(backends[0]))

/**
 * backend_by_name() - a backend of this build
 * @name: its name
 *
 * Return: the backend, or NULL.
 */
const struct backend *backend_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < NUM_BACKENDS; i++) {
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	}
	return NULL;
}

static void list_names(char *text, size_t len)
{
	size_t i, used = 0;

	for (i = 0; i < NUM_BACKENDS && used < len; i++)
		used += (size_t)snprintf(text + used, len - used, "%s%s (%s)", i ? ", " : "", backends[i]->name,
					 backends[i]->describe);
}

/**
 * backend_find() - choose a backend and ask it for its GPU
 * @name: of the backend, or "auto" for the first that has a GPU
 * @options: which GPU
 * @attach: filled in by the backend
 * @why: a sentence where there is none
 * @why_len: bytes at @why
 *
 * Return: the backend, or NULL.
 */
const struct backend *backend_find(const char *name, const struct backend_options *options,
				   struct vgpu_exec_attach *attach, char *why, size_t why_len)
{
	const struct backend *backend;
	char names[128];
	size_t i;

	if (!strcmp(name, "auto")) {
		for (i = 0; i < NUM_BACKENDS; i++) {
			if (backends[i]->probe(options, attach, why, why_len))
				return backends[i];
		}
		return NULL;
	}
	backend = backend_by_name(name);
	if (!backend) {
		list_names(names, sizeof(names));
		snprintf(why, why_len, "this build has no backend \"%s\"; it has: %s", name, names);
		return NULL;
	}
	return backend->probe(options, attach, why, why_len) ? backend : NULL;
}
