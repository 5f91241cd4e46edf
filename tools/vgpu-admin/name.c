// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <ctype.h>
#include <string.h>
#include "change.h"

/**
 * change_check_name() - whether something may be called so
 * @object: of which kind it is, for messages
 * @name: the name
 * @max: longest, in characters
 *
 * Return: ADMIN_OK, or ADMIN_USAGE, said on stderr.
 */
enum admin_exit change_check_name(const char *object, const char *name, size_t max)
{
	uint8_t uuid[VGPU_UUID_LEN];
	size_t len = strlen(name), i;

	for (i = 0; i < len; i++)
		if (!isascii(name[i]) || (!isalnum(name[i]) && (!i || !strchr("._-", name[i]))))
			break;
	if (!len || len > max || i < len) {
		admin_error("%s '%s': a name is 1 to %zu letters, digits, '.', '_' and '-', the first of them a letter or a "
			    "digit", object, name, max);
		return ADMIN_USAGE;
	}
	if (!units_parse_uuid(name, uuid)) {
		admin_error("%s '%s': a name may not look like a UUID", object, name);
		return ADMIN_USAGE;
	}
	return ADMIN_OK;
}
