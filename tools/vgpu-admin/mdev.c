// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Virtual GPUs made and removed through sysfs, as mediated devices are.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mdev.h"

#define TYPES_OF	"/sys/class/mdev_bus/%s/mdev_supported_types"

/* The kernel names the parent of a GPU's types after its PCI device, where it has one. */
static const char *parent_of(const json_t *gpu)
{
	const char *pci = json_string_value(json_object_get(gpu, "pci"));

	return pci ? pci : json_string_value(json_object_get(gpu, "name"));
}

/* Directories of types begin with the driver's name: "vgpu-2g" and "nvidia-2g" are of one size. */
static bool same_type(const char *directory, const char *type)
{
	const char *a = strrchr(directory, '-'), *b = strrchr(type, '-');

	return !strcmp(directory, type) || (a && b && !strcmp(a, b));
}

/**
 * mdev_available() - how many more virtual GPUs of a type a GPU has room for
 * @gpu: object with "name" and, where it has one, "pci"
 * @type: name of the type
 * @directory: set to the name of its directory
 * @len: of @directory
 *
 * Return: number, 0 where the GPU has no such type.
 */
int mdev_available(const json_t *gpu, const char *type, char *directory, int len)
{
	const struct dirent *entry;
	char path[PATH_MAX];
	int count = 0;
	FILE *file;
	DIR *dir;

	snprintf(path, sizeof(path), TYPES_OF, parent_of(gpu));
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || !same_type(entry->d_name, type))
			continue;
		snprintf(directory, len, "%s", entry->d_name);
		snprintf(path, sizeof(path), TYPES_OF "/%s/available_instances", parent_of(gpu), entry->d_name);
		file = fopen(path, "re");
		if (file && fscanf(file, "%d", &count) != 1)
			count = 0;
		if (file)
			fclose(file);
		break;
	}
	closedir(dir);
	return count;
}

/**
 * mdev_types() - the types that a GPU has
 * @gpu: object with "name" and, where it has one, "pci"
 * @types: object to which each is added, with how many there is room for
 */
void mdev_types(const json_t *gpu, json_t *types)
{
	const struct dirent *entry;
	char path[PATH_MAX], name[NAME_MAX + 1];
	DIR *dir;

	snprintf(path, sizeof(path), TYPES_OF, parent_of(gpu));
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			json_object_set_new(types, entry->d_name,
					    json_integer(mdev_available(gpu, entry->d_name, name, sizeof(name))));
	closedir(dir);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* The types of all of @gpus, for messages. */
static void list_types(const json_t *gpus, char *text, size_t len)
{
	json_t *types = json_object(), *gpu, *count;
	const char *type;
	size_t i, at = 0;

	json_array_foreach(gpus, i, gpu)
		mdev_types(gpu, types);
	text[0] = '\0';
	json_object_foreach(types, type, count)
		if (at < len)
			at += snprintf(text + at, len - at, " %s", type);
	json_decref(types);
}

static enum admin_exit no_room(const char *type, const json_t *gpus, bool known, const char *about)
{
	char types[512];

	list_types(gpus, types, sizeof(types));
	if (!json_array_size(gpus))
		admin_error("%s: no GPU is there for it: attach one, or give it to the pool: vgpu-admin gpu set GPU "
			    "--pool POOL", about);
	else if (!known)
		admin_error("%s: no GPU there has a type '%s'; there are:%s", about, type, types);
	else
		admin_error("%s: no GPU there has room for another %s; see: vgpu-admin gpu", about, type);
	return known || !json_array_size(gpus) ? ADMIN_FAILED : ADMIN_NOT_FOUND;
}

/**
 * mdev_create() - make a virtual GPU
 * @uuid: of it
 * @type: of it
 * @gpus: array of those that it may be on; the first one with room for it is taken
 * @about: what it is, to begin messages with
 * @place: set to a new object of the "gpu" that was taken and its "type"
 *
 * What fails is said on stderr. Return: the status to exit with.
 */
enum admin_exit mdev_create(const char *uuid, const char *type, const json_t *gpus, const char *about, json_t **place)
{
	char path[PATH_MAX], directory[NAME_MAX + 1];
	bool known = false;
	json_t *gpu;
	size_t i;
	int err;

	json_array_foreach(gpus, i, gpu) {
		directory[0] = '\0';
		if (!mdev_available(gpu, type, directory, sizeof(directory))) {
			known |= directory[0];
			continue;
		}
		snprintf(path, sizeof(path), TYPES_OF "/%s/create", parent_of(gpu), directory);
		err = write_file(path, uuid);
		if (err) {
			admin_error("%s: %s on GPU %s: %s; the kernel's log may say more", about, directory,
				    json_string_value(json_object_get(gpu, "name")), strerror(-err));
			return err == -EACCES || err == -EPERM ? ADMIN_DENIED : ADMIN_FAILED;
		}
		*place = json_pack("{s:O, s:s}", "gpu", json_object_get(gpu, "name"), "type", directory);
		return ADMIN_OK;
	}
	return no_room(type, gpus, known, about);
}

/**
 * mdev_remove() - take a virtual GPU away
 * @uuid: of it; closed: otherwise this waits until it is
 * @about: what it is, to begin messages with
 *
 * What fails is said on stderr. Return: the status to exit with.
 */
enum admin_exit mdev_remove(const char *uuid, const char *about)
{
	char path[PATH_MAX];
	int err;

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/remove", uuid);
	err = write_file(path, "1");
	if (!err || err == -ENOENT || err == -ENODEV)
		return ADMIN_OK;
	admin_error("%s: removing it: %s", about, strerror(-err));
	return err == -EACCES ? ADMIN_DENIED : ADMIN_FAILED;
}
