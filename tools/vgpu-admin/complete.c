// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Completion: `vgpu-admin complete WORD...` prints what the last word may become, one on each line; ":file" where it is a
 * file. The scripts in completions/ are thin shells around it, so that what they offer is what the tables have.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "change.h"
#include "mdev.h"

/**
 * struct query - a command line that is being written
 * @words: after the name of the program; the last is the one to be completed
 * @count: of @words
 * @object: that was named, or NULL
 * @verb: that was named or is meant, or NULL
 * @verb_named: it was named
 * @names: words so far that are no options
 */
struct query {
	char **words;
	int count;
	const struct admin_object *object;
	const struct admin_verb *verb;
	bool verb_named;
	int names;
};

static void offer(const struct query *query, const char *text)
{
	const char *word = query->words[query->count - 1], *comma = strrchr(word, ',');
	size_t done = comma ? comma - word + 1 : 0;

	if (!strncmp(text, word + done, strlen(word + done)))
		printf("%.*s%s\n", (int)done, word, text);
}

static void offer_keys(const struct query *query, json_t *objects)
{
	const char *name;
	json_t *object;

	json_object_foreach(objects, name, object)
		offer(query, name);
}

static void offer_vms(const struct query *query, const struct change *change)
{
	const char *uuid, *name, *word = query->words[query->count - 1];
	json_t *vm;

	json_object_foreach(json_object_get(change->declared, "vms"), uuid, vm) {
		name = json_string_value(json_object_get(vm, "name"));
		if (name)
			offer(query, name);
		/* UUIDs of those that have a name only who begins one wants. */
		if (!name || *word)
			offer(query, uuid);
	}
	json_object_foreach(json_object_get(change->kernel, "mdevs"), uuid, vm)
		if (!state_get(change->declared, "vms", uuid))
			offer(query, uuid);
}

static void offer_types(const struct query *query, const struct change *change)
{
	json_t *types = json_object(), *gpu;
	const char *name;

	json_object_foreach(json_object_get(change->kernel, "gpus"), name, gpu)
		mdev_types(gpu, types);
	offer_keys(query, types);
	json_decref(types);
}

static void offer_live(const struct query *query, enum admin_kind kind)
{
	const struct admin_args none = { 0 };
	struct change change;
	const char *name, *pci;
	json_t *gpu;

	if (change_open(&change, &none, DB_READ) == ADMIN_OK) {
		if (kind == ADMIN_GPU)
			json_object_foreach(json_object_get(change.kernel, "gpus"), name, gpu) {
				offer(query, name);
				pci = json_string_value(json_object_get(gpu, "pci"));
				if (pci)
					offer(query, pci);
			}
		else if (kind == ADMIN_POOL)
			offer_keys(query, json_object_get(change.kernel, "pools"));
		else if (kind == ADMIN_VM)
			offer_vms(query, &change);
		else if (kind == ADMIN_TYPE)
			offer_types(query, &change);
	}
	change_close(&change, ADMIN_OK);
}

static void offer_kind(const struct query *query, enum admin_kind kind, const char * const *words)
{
	if (kind == ADMIN_FILE)
		puts(":file");
	else if (kind == ADMIN_WORD)
		for (; words && *words; words++)
			offer(query, *words);
	else if (kind != ADMIN_ANY)
		offer_live(query, kind);
}

static bool given(const struct query *query, const char *option)
{
	int i;

	for (i = 0; i < query->count - 1; i++)
		if (!strncmp(query->words[i], "--", 2) && !strcmp(query->words[i] + 2, option))
			return true;
	return false;
}

static void offer_option(const struct query *query, const char *name)
{
	char text[64];

	snprintf(text, sizeof(text), "--%s", name);
	if (!given(query, name))
		offer(query, text);
}

static void offer_options(const struct query *query)
{
	const struct admin_option *option;
	const struct setting *setting;

	offer_option(query, "json");
	offer_option(query, "pretty");
	offer_option(query, "help");
	if (!query->verb)
		return;
	if (query->verb->changes)
		offer_option(query, "dry-run");
	for (option = query->verb->options; option && option->name; option++)
		offer_option(query, option->name);
	for (setting = query->verb->settings; setting && setting->key; setting++)
		offer_option(query, setting->option);
}

/* If the word before takes a value, that is what is being written. */
static bool offer_value(const struct query *query, const char *before)
{
	const struct admin_option *option;
	const struct setting *setting;

	if (!query->verb || strncmp(before, "--", 2))
		return false;
	for (option = query->verb->options; option && option->name; option++) {
		if (strcmp(before + 2, option->name) || !option->what)
			continue;
		offer_kind(query, option->kind, option->words);
		return true;
	}
	setting = query->verb->settings ? setting_find_option(query->verb->settings, before + 2) : NULL;
	if (!setting)
		return false;
	offer_kind(query, ADMIN_WORD, setting->words);
	if (setting->none)
		offer(query, setting->none);
	return true;
}

static bool takes_value(const struct admin_verb *verb, const char *word)
{
	const struct admin_option *option;

	if (!verb || strncmp(word, "--", 2))
		return false;
	for (option = verb->options; option && option->name; option++)
		if (!strcmp(word + 2, option->name))
			return option->what;
	return verb->settings && setting_find_option(verb->settings, word + 2);
}

/* What the words before the last one are. */
static void read_words(struct query *query)
{
	const struct admin_verb *verb;
	int i, o;

	for (i = 0; i < query->count - 1; i++) {
		const char *word = query->words[i];

		if (takes_value(query->verb, word)) {
			i++;
		} else if (word[0] == '-') {
			continue;
		} else if (!query->object) {
			for (o = 0; admin_objects[o]; o++)
				if (!strcmp(admin_objects[o]->name, word))
					query->object = admin_objects[o];
			query->verb = query->object ? query->object->verbs : NULL;
			if (!query->object)
				return;
		} else if (!query->verb_named && !query->names) {
			for (verb = query->object->verbs; verb->name; verb++) {
				if (strcmp(verb->name, word))
					continue;
				query->verb = verb;
				query->verb_named = true;
			}
			query->names += !query->verb_named;
		} else {
			query->names++;
		}
	}
}

/**
 * complete() - print what the last word of a command line may become
 * @words: after "vgpu-admin complete"
 * @count: of @words
 *
 * Says nothing on stderr. Return: ADMIN_OK.
 */
enum admin_exit complete(char **words, int count)
{
	struct query query = { .words = words, .count = count };
	const struct admin_verb *verb;
	int i, null;

	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null >= 0)
		dup2(null, STDERR_FILENO);
	if (!count)
		return ADMIN_OK;
	read_words(&query);
	if (count > 1 && offer_value(&query, words[count - 2]))
		return ADMIN_OK;
	if (words[count - 1][0] == '-') {
		offer_options(&query);
	} else if (!query.object) {
		for (i = 0; admin_objects[i]; i++)
			offer(&query, admin_objects[i]->name);
	} else if (!query.verb_named) {
		for (verb = query.object->verbs; verb->name; verb++)
			offer(&query, verb->name);
	} else if (query.names < query.verb->max_names) {
		offer_kind(&query, query.verb->kind, NULL);
	}
	return ADMIN_OK;
}
