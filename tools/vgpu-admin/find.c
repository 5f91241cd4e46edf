// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Objects by what people call them: a name, a UUID, a PCI address, or the beginning of one that fits no other.
 */

#include <stdio.h>
#include <string.h>
#include "change.h"

#define LISTED_MAX	5	/* of those that fit, so many are named */

/* How well a word fits. What fits better than anything else is meant; of names of pools and GPUs, "a" and "A" are two. */
enum fit {
	FITS_NOT,
	FITS_BEGINNING,
	FITS_IN_ANY_CASE,
	FITS_EXACTLY,
};

/**
 * struct match - what fits a word
 * @word: the word
 * @found: one that fits, NULL if none does
 * @fit: of it
 * @count: how many fit so
 * @list: what they are called
 */
struct match {
	const char *word;
	const char *found;
	enum fit fit;
	int count;
	char list[256];
};

static enum fit fit_of(const char *called, const char *word)
{
	if (!called || strncasecmp(called, word, strlen(word)))
		return FITS_NOT;
	if (strcasecmp(called, word))
		return FITS_BEGINNING;
	return strcmp(called, word) ? FITS_IN_ANY_CASE : FITS_EXACTLY;
}

static void consider(struct match *match, const char *id, const char *label, const char *called)
{
	enum fit fit = fit_of(called, match->word);

	if (fit == FITS_NOT || fit < match->fit || (fit == match->fit && !strcmp(match->found, id)))
		return;
	if (fit > match->fit) {
		match->count = 0;
		match->list[0] = '\0';
	}
	if (match->count < LISTED_MAX)
		snprintf(match->list + strlen(match->list), sizeof(match->list) - strlen(match->list), "%s%s",
			 match->count ? ", " : "", label);
	else if (match->count == LISTED_MAX)
		strncat(match->list, ", ...", sizeof(match->list) - strlen(match->list) - 1);
	match->found = id;
	match->fit = fit;
	match->count++;
}

static enum admin_exit verdict(const struct match *match, const char *noun, const char *called, const char *object)
{
	if (match->count == 1)
		return ADMIN_OK;
	if (!match->count)
		admin_error("no %s has a %s that begins with '%s'; list them: vgpu-admin %s show", noun, called,
			    match->word, object);
	else
		admin_error("'%s' begins what %d %ss are called: %s; write more of it", match->word, match->count, noun,
			    match->list);
	return ADMIN_NOT_FOUND;
}

/**
 * change_vm_name() - what people call a virtual GPU
 * @change: open
 * @uuid: of it
 *
 * Return: its name, or its UUID where it has none.
 */
const char *change_vm_name(const struct change *change, const char *uuid)
{
	const char *name = json_string_value(json_object_get(state_get(change->declared, "vms", uuid), "name"));

	if (!name)
		name = json_string_value(json_object_get(state_get(change->wanted, "vms", uuid), "name"));
	return name ? name : uuid;
}

/**
 * change_find_vm() - the virtual GPU that is meant
 * @change: open
 * @word: name or UUID, or how it begins; one that is declared or is there
 * @uuid: set to its UUID, which lives as long as @change
 *
 * Return: ADMIN_OK, or ADMIN_NOT_FOUND, said on stderr.
 */
enum admin_exit change_find_vm(const struct change *change, const char *word, const char **uuid)
{
	struct match match = { .word = word };
	const char *id, *name;
	json_t *vm;

	json_object_foreach(json_object_get(change->declared, "vms"), id, vm) {
		name = json_string_value(json_object_get(vm, "name"));
		consider(&match, id, name ? name : id, name);
		consider(&match, id, name ? name : id, id);
	}
	json_object_foreach(json_object_get(change->kernel, "mdevs"), id, vm)
		if (!state_get(change->declared, "vms", id))
			consider(&match, id, id, id);
	json_object_foreach(json_object_get(change->kernel, "vms"), id, vm)
		if (!state_get(change->declared, "vms", id) && !state_get(change->kernel, "mdevs", id))
			consider(&match, id, id, id);
	*uuid = match.found;
	return verdict(&match, "virtual GPU", "name or UUID", "vm");
}

/**
 * change_find_gpu() - the GPU that is meant
 * @change: open
 * @word: name or PCI address, or how it begins
 * @name: set to its name, which lives as long as @change
 *
 * Return: ADMIN_OK, or ADMIN_NOT_FOUND, said on stderr.
 */
enum admin_exit change_find_gpu(const struct change *change, const char *word, const char **name)
{
	struct match match = { .word = word };
	const char *id;
	json_t *gpu;

	json_object_foreach(json_object_get(change->kernel, "gpus"), id, gpu) {
		consider(&match, id, id, id);
		consider(&match, id, id, json_string_value(json_object_get(gpu, "pci")));
	}
	json_object_foreach(json_object_get(change->declared, "gpus"), id, gpu)
		if (!state_get(change->kernel, "gpus", id))
			consider(&match, id, id, id);
	*name = match.found;
	return verdict(&match, "GPU", "name or PCI address", "gpu");
}

/**
 * change_find_pool() - the pool that is meant
 * @change: open
 * @word: name, or how it begins
 * @name: set to its name, which lives as long as @change
 *
 * Return: ADMIN_OK, or ADMIN_NOT_FOUND, said on stderr.
 */
enum admin_exit change_find_pool(const struct change *change, const char *word, const char **name)
{
	struct match match = { .word = word };
	const char *id;
	json_t *pool;

	json_object_foreach(json_object_get(change->declared, "pools"), id, pool)
		consider(&match, id, id, id);
	json_object_foreach(json_object_get(change->kernel, "pools"), id, pool)
		if (!state_get(change->declared, "pools", id))
			consider(&match, id, id, id);
	*name = match.found;
	return verdict(&match, "pool", "name", "pool");
}
