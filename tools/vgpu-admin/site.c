// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "change.h"
#include "site.h"
#include "toml.h"

#define FILE_MAX	(64 << 20)

/**
 * struct site - a configuration file that is read
 * @name: of the file
 * @gpus: that are there, of a kernel's state
 * @state: so far
 * @pools_of: by GPU, the pool that the file puts it into
 * @names: of virtual GPUs, in small letters
 * @failed: something was wrong, and was said
 */
struct site {
	const char *name;
	const json_t *gpus;
	json_t *state;
	json_t *pools_of;
	json_t *names;
	bool failed;
};

__attribute__((format(printf, 3, 4)))
static void complain(struct site *site, const char *where, const char *format, ...)
{
	char text[320];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	admin_error("%s: %s: %s", site->name, where, text);
	site->failed = true;
}

/* A value as it would be written on the command line. NULL for what cannot be. */
static const char *as_text(const json_t *value, char number[24])
{
	if (json_is_string(value))
		return json_string_value(value);
	if (!json_is_integer(value))
		return NULL;
	snprintf(number, 24, "%lld", json_integer_value(value));
	return number;
}

static void read_setting(struct site *site, const char *where, const struct setting *setting, const json_t *value,
			 json_t *object)
{
	char number[24], why[192];
	const char *text = as_text(value, number);
	json_t *parsed = text ? setting_parse(setting, text, why, sizeof(why)) : NULL;

	if (parsed) {
		json_object_set_new(object, setting->key, parsed);
	} else if (text) {
		complain(site, where, "%s = \"%s\": %s", setting->option, text, why);
	} else {
		setting_range(setting, why, sizeof(why));
		complain(site, where, "%s: must be text: %s", setting->option, why);
	}
}

static void read_limits(struct site *site, const char *pool, const json_t *table, json_t *object)
{
	const struct setting *setting;
	json_t *limits = json_object(), *value;
	const char *key;
	char where[96];

	snprintf(where, sizeof(where), "pools.%s.limits", pool);
	if (!json_is_object(table))
		complain(site, where, "must be a table");
	json_object_foreach((json_t *)table, key, value) {
		setting = setting_find_option(limit_settings, key);
		if (setting)
			read_setting(site, where, setting, value, limits);
		else
			complain(site, where, "there is no limit '%s' of pools", key);
	}
	if (json_object_size(limits))
		json_object_set(object, "limits", limits);
	json_decref(limits);
}

/* The name of a GPU that the file may call by its PCI address. */
static const char *gpu_name(const struct site *site, const char *word)
{
	const char *name, *pci;
	json_t *gpu;

	json_object_foreach((json_t *)site->gpus, name, gpu) {
		pci = json_string_value(json_object_get(gpu, "pci"));
		if (pci && !strcasecmp(pci, word))
			return name;
	}
	return word;
}

static void read_gpus(struct site *site, const char *pool, const char *where, const json_t *list)
{
	const char *word, *name;
	json_t *value;
	size_t i;

	if (!json_is_array(list))
		complain(site, where, "gpus must be a list, such as [\"0000:65:00.0\"]");
	json_array_foreach(list, i, value) {
		word = json_string_value(value);
		if (!word || !*word || strlen(word) > VGPU_GPU_NAME_MAX) {
			complain(site, where, "gpus: must be names of at most %d characters", VGPU_GPU_NAME_MAX);
			continue;
		}
		name = gpu_name(site, word);
		if (json_object_get(site->pools_of, name))
			complain(site, where, "gpus: %s is in pool %s already", word,
				 json_string_value(json_object_get(site->pools_of, name)));
		json_object_set_new(site->pools_of, name, json_string(pool));
		json_object_set_new(state_add(site->state, "gpus", name), "pool", json_string(pool));
	}
}

static void read_pool(struct site *site, const char *name, const json_t *table)
{
	json_t *pool = state_add(site->state, "pools", name), *value;
	const struct setting *setting;
	const char *key;
	char where[96];

	snprintf(where, sizeof(where), "pools.%.80s", name);
	if (change_check_name("pool", name, VGPU_POOL_NAME_MAX) != ADMIN_OK) {
		site->failed = true;
		return;
	}
	if (!json_is_object(table))
		complain(site, where, "must be a table");
	json_object_foreach((json_t *)table, key, value) {
		setting = setting_find_option(pool_settings, key);
		if (setting)
			read_setting(site, where, setting, value, pool);
		else if (!strcmp(key, "gpus"))
			read_gpus(site, name, where, value);
		else if (!strcmp(key, "limits"))
			read_limits(site, name, value, pool);
		else
			complain(site, where, "there is no setting '%s' of pools", key);
	}
}

static void read_word(struct site *site, const char *where, const char *key, const json_t *value, json_t *object)
{
	if (json_string_length(value))
		json_object_set(object, key, (json_t *)value);
	else
		complain(site, where, "%s must be text", key);
}

/* The UUID in the one way in which this program writes it. */
static bool read_uuid(const char *text, char uuid[37])
{
	uint8_t bytes[VGPU_UUID_LEN];
	int i;

	if (!text || units_parse_uuid(text, bytes))
		return false;
	for (i = 0; i < 37; i++)
		uuid[i] = text[i] >= 'A' && text[i] <= 'F' ? text[i] - 'A' + 'a' : text[i];
	return true;
}

/* Whether no other virtual GPU is called so, in whatever letters. */
static bool is_new(struct site *site, const char *name)
{
	char small[64];
	size_t i;

	for (i = 0; name[i] && i < sizeof(small) - 1; i++)
		small[i] = tolower((unsigned char)name[i]);
	small[i] = '\0';
	if (json_object_get(site->names, small))
		return false;
	json_object_set_new(site->names, small, json_true());
	return true;
}

static void read_vm(struct site *site, const char *name, const json_t *table)
{
	const json_t *given = json_object_get(table, "uuid");
	const struct setting *setting;
	json_t *vm, *value;
	char where[96], uuid[37];
	const char *key;

	snprintf(where, sizeof(where), "vms.%.80s", name);
	if (!json_is_object(table)) {
		complain(site, where, "must be a table");
		return;
	}
	if (!given && read_uuid(name, uuid)) {
		name = NULL;
	} else if (!read_uuid(json_string_value(given), uuid)) {
		complain(site, where, "uuid must be a UUID, such as \"01234567-89ab-4def-8123-456789abcdef\"");
		return;
	} else if (change_check_name("vm", name, 63) != ADMIN_OK) {
		site->failed = true;
		return;
	}
	if (state_get(site->state, "vms", uuid)) {
		complain(site, where, "uuid: another one has %s, too", uuid);
		return;
	}
	if (name && !is_new(site, name)) {
		complain(site, where, "another one is called so, but for small letters and capitals");
		return;
	}
	vm = state_add(site->state, "vms", uuid);
	if (name)
		json_object_set_new(vm, "name", json_string(name));
	json_object_foreach((json_t *)table, key, value) {
		setting = setting_find_option(vm_settings, key);
		if (setting)
			read_setting(site, where, setting, value, vm);
		else if (!strcmp(key, "pool") || !strcmp(key, "type") || !strcmp(key, "gpu"))
			read_word(site, where, key, value, vm);
		else if (strcmp(key, "uuid"))
			complain(site, where, "there is no setting '%s' of virtual GPUs", key);
	}
}

/* Pools that are named have to be there. */
static void check_pools(struct site *site)
{
	const char *uuid, *pool;
	json_t *vm;

	json_object_foreach(json_object_get(site->state, "vms"), uuid, vm) {
		pool = json_string_value(json_object_get(vm, "pool"));
		if (pool && !state_get(site->state, "pools", pool))
			complain(site, uuid, "pool = \"%s\": there is no [pools.%s]", pool, pool);
	}
}

/**
 * site_parse() - what a document declares
 * @name: of the file, for messages
 * @document: as toml_read() makes it
 * @gpus: that are there, of a kernel's state
 * @state: as plan.h has it; new, NULL where something is wrong
 *
 * All that is wrong is said on stderr. Return: ADMIN_OK or ADMIN_USAGE.
 */
enum admin_exit site_parse(const char *name, const json_t *document, const json_t *gpus, json_t **state)
{
	struct site site = { .name = name, .gpus = gpus, .state = state_new(), .pools_of = json_object(),
			     .names = json_object() };
	const char *key, *object;
	json_t *table, *value;

	state_add(site.state, "pools", POOL_DEFAULT);
	json_object_foreach((json_t *)document, key, table) {
		if (!json_is_object(table) || (strcmp(key, "pools") && strcmp(key, "vms"))) {
			complain(&site, key, "there are tables [pools.NAME] and [vms.NAME] alone");
			continue;
		}
		json_object_foreach(table, object, value) {
			if (!strcmp(key, "pools"))
				read_pool(&site, object, value);
			else
				read_vm(&site, object, value);
		}
	}
	check_pools(&site);
	json_decref(site.pools_of);
	json_decref(site.names);
	*state = site.state;
	if (!site.failed)
		return ADMIN_OK;
	json_decref(site.state);
	*state = NULL;
	return ADMIN_USAGE;
}

static char *read_file(const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	size_t size = 0, len = 0, got;
	char *text = NULL;

	if (!file) {
		admin_error("%s: %s", path, strerror(errno));
		return NULL;
	}
	do {
		if (size - len < 4096)
			text = realloc(text, size = size ? 2 * size : 65536);
		got = fread(text + len, 1, size - len - 1, file);
		len += got;
	} while (got && len < FILE_MAX);
	text[len] = '\0';
	if (ferror(file) || len >= FILE_MAX || memchr(text, 0, len)) {
		admin_error("%s: cannot be read as text of less than 64 MiB", path);
		free(text);
		text = NULL;
	}
	if (file != stdin)
		fclose(file);
	return text;
}

/**
 * site_name() - what a configuration file is called in messages
 * @path: of the file, "-" for standard input
 *
 * Return: text.
 */
const char *site_name(const char *path)
{
	return strcmp(path, "-") ? path : "standard input";
}

/**
 * site_load() - a configuration file as a document for site_parse()
 * @path: of the file, "-" for standard input
 * @document: as toml_read() makes it; new, NULL where something is wrong
 *
 * What is wrong is said on stderr. Return: ADMIN_OK, ADMIN_FAILED where it cannot be read, ADMIN_USAGE where it is no TOML.
 */
enum admin_exit site_load(const char *path, json_t **document)
{
	char *text = read_file(path), why[256];

	*document = NULL;
	if (!text)
		return ADMIN_FAILED;
	*document = toml_read(text, why, sizeof(why));
	free(text);
	if (*document)
		return ADMIN_OK;
	admin_error("%s: %s", site_name(path), why);
	return ADMIN_USAGE;
}

static void write_settings(const struct setting *table, const json_t *values, FILE *file)
{
	const struct setting *setting;
	char text[UNITS_MAX];
	const json_t *value;

	for (setting = table; setting->key; setting++) {
		value = json_object_get(values, setting->key);
		if (!value)
			continue;
		setting_format(setting, value, text);
		if (setting->unit == UNIT_COUNT)
			fprintf(file, "%s = %s\n", setting->option, text);
		else
			fprintf(file, "%s = \"%s\"\n", setting->option, text);
	}
}

static void write_pool(const json_t *state, const char *name, const json_t *pool, FILE *file)
{
	const char *gpu, *its_pool;
	bool first = true;
	json_t *object;

	fprintf(file, "\n[pools.\"%s\"]\n", name);
	json_object_foreach(json_object_get(state, "gpus"), gpu, object) {
		its_pool = json_string_value(json_object_get(object, "pool"));
		if (strcmp(its_pool, name))
			continue;
		fprintf(file, "%s\"%s\"", first ? "gpus = [" : ", ", gpu);
		first = false;
	}
	if (!first)
		fputs("]\n", file);
	write_settings(pool_settings, pool, file);
	if (!json_object_get(pool, "limits"))
		return;
	fprintf(file, "\n[pools.\"%s\".limits]\n", name);
	write_settings(limit_settings, json_object_get(pool, "limits"), file);
}

static void write_vm(const char *uuid, const json_t *vm, FILE *file)
{
	static const char * const words[] = { "pool", "type", "gpu" };
	const char *name = json_string_value(json_object_get(vm, "name")), *text;
	size_t i;

	fprintf(file, "\n[vms.\"%s\"]\n", name ? name : uuid);
	if (name)
		fprintf(file, "uuid = \"%s\"\n", uuid);
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		text = json_string_value(json_object_get(vm, words[i]));
		if (text)
			fprintf(file, "%s = \"%s\"\n", words[i], text);
	}
	write_settings(vm_settings, vm, file);
}

/**
 * site_write() - a state as a configuration file; site_parse() makes the same state of it
 * @state: as plan.h has it
 * @file: where to
 */
void site_write(const json_t *state, FILE *file)
{
	const char *name;
	json_t *object;

	fputs("# What vgpu-admin has declared; see vgpu-admin-config(8).\n", file);
	json_object_foreach(json_object_get(state, "pools"), name, object)
		if (strcmp(name, POOL_DEFAULT) || json_object_size(object))
			write_pool(state, name, object, file);
	json_object_foreach(json_object_get(state, "vms"), name, object)
		write_vm(name, object, file);
}
