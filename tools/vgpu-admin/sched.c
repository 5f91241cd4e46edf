// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <string.h>
#include "change.h"
#include "print.h"

static const struct print_column sched_columns[] = {
	{ "name", NULL, "POOL" },
	{ "policy", "policy", "POLICY", PRINT_SETTING },
	{ "order", "order", "ORDER", PRINT_SETTING },
	{ "weights", "weights", "WEIGHTS", PRINT_SETTING },
	{ "aging_ns", "aging", "AGING", PRINT_SETTING },
	{ "slice_ns", "slice", "SLICE", PRINT_SETTING },
	{ "aging_cap", "aging-cap", "AGING-CAP", PRINT_SETTING },
	{ "charge", "charge", "CHARGE", PRINT_SETTING },
	{ "window", "window", "WINDOW", PRINT_SETTING },
	{ NULL },
};

enum { POOL };

static const struct admin_option show_options[] = {
	[POOL] = { "pool", "POOL", "only this pool", ADMIN_POOL },
	{ NULL },
};

static const struct admin_option set_options[] = {
	[POOL] = { "pool", "POOL", "whose; default where none is named", ADMIN_POOL },
	{ NULL },
};

static enum admin_exit sched_show(const struct admin_args *args)
{
	const char *only = NULL;
	enum admin_exit status;
	struct change change;
	json_t *pools;

	status = change_open(&change, args, DB_READ);
	if (status == ADMIN_OK && args->value[POOL])
		status = change_find_pool(&change, args->value[POOL], &only);
	if (status == ADMIN_OK) {
		pools = pool_list(&change, only);
		if (only)
			print_details(pools, sched_columns, args);
		else
			print_table(pools, sched_columns, "no pool", args);
		json_decref(pools);
	}
	return change_close(&change, status);
}

static enum admin_exit sched_set(const struct admin_args *args)
{
	const char *pool = args->value[POOL] ? args->value[POOL] : POOL_DEFAULT;
	enum admin_exit status;
	struct change change;
	json_t *settings;

	settings = settings_parse(pool_settings, args);
	if (!settings)
		return ADMIN_USAGE;
	if (!json_object_size(settings)) {
		admin_error("sched set: nothing to set; see: vgpu-admin sched --help");
		json_decref(settings);
		return ADMIN_USAGE;
	}
	status = change_open(&change, args, DB_WRITE);
	if (status == ADMIN_OK)
		status = change_find_pool(&change, pool, &pool);
	if (status == ADMIN_OK) {
		json_object_update(state_add(change.wanted, "pools", pool), settings);
		status = change_commit(&change);
	}
	json_decref(settings);
	return change_close(&change, status);
}

static const struct admin_option record_options[] = {
	{ "seconds", "N", "how long, 1 to 86400; until interrupted where it is not named", ADMIN_ANY },
	{ NULL },
};

static const struct admin_verb sched_verbs[] = {
	{ "show", "", "how the pools' schedulers are set", 0, 0, show_options, sched_show },
	{ "set", "", "change a pool's scheduler, live", 0, 0, set_options, sched_set, ADMIN_ANY, true, pool_settings },
	{ "record", "GPU FILE", "write a GPU's decision log, for vgpu-sim --replay", 2, 2, record_options, sched_record,
	  ADMIN_GPU },
	{ NULL },
};

const struct admin_object admin_sched = { "sched", "scheduling of pools", sched_verbs };
