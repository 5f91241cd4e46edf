// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <stdio.h>
#include "netlink.h"
#include "print.h"
#include "../../uapi/vgpu_release.h"

static const struct nl_field version_fields[] = {
	{ VGPU_A_VERSION_MODULE, NL_STRING, "release" },
	{ VGPU_A_VERSION_FAMILY, NL_U32, "netlink" },
	{ VGPU_A_VERSION_DEVICE, NL_U32, "device" },
	{ VGPU_A_VERSION_EXECUTOR, NL_U32, "executor" },
	{ 0 },
};

static const struct print_column version_columns[] = {
	{ "tool", "vgpu-admin" },
	{ "module.release", "module" },
	{ "module.netlink", "netlink family" },
	{ "module.device", "virtual device" },
	{ "module.executor", "executor interface" },
	{ NULL },
};

static void device_version(json_t *module)
{
	json_int_t version = json_integer_value(json_object_get(module, "device"));
	char text[24];

	snprintf(text, sizeof(text), "%u.%u", (unsigned int)version >> 16, (unsigned int)version & 0xffff);
	json_object_set_new(module, "device", json_string(text));
}

/* Says what it can: without the module, the tool's own release. */
static enum admin_exit version_show(const struct admin_args *args)
{
	json_t *version = json_pack("{s:s, s:n}", "tool", VGPU_RELEASE, "module");
	json_t *answers = NULL, *list;
	enum admin_exit status;
	struct nl_link *link;

	status = nl_link_find(&link);
	if (status == ADMIN_OK)
		status = nl_link_call(link, nl_link_message(link, VGPU_CMD_VERSION_GET, 0), "version",
				      &nl_version_names, version_fields, &answers);
	if (status == ADMIN_OK) {
		device_version(json_array_get(answers, 0));
		json_object_set(version, "module", json_array_get(answers, 0));
	} else if (status == ADMIN_NO_MODULE) {
		if (!args->json)
			json_object_set_new(version, "module", json_pack("{s:s}", "release", "not loaded"));
		status = ADMIN_OK;
	}
	if (status == ADMIN_OK && args->json) {
		print_json(version, args);
	} else if (status == ADMIN_OK) {
		list = json_pack("[O]", version);
		print_details(list, version_columns, args);
		json_decref(list);
	}
	json_decref(answers);
	json_decref(version);
	nl_link_close(link);
	return status;
}

static const struct admin_verb version_verbs[] = {
	{ "show", "", "releases and versions of interfaces", 0, 0, NULL, version_show },
	{ NULL },
};

const struct admin_object admin_version = { "version", "of this tool and of the module", version_verbs };
