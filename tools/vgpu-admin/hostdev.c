// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * What is given to a virtual machine's monitor. Found in sysfs, so that it can be asked without privileges; what the database
 * calls it is looked at where that can be read.
 */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "change.h"
#include "hostdev.h"
#include "print.h"

#define MDEV_DEVICES	"/sys/bus/mdev/devices"
#define MDEV_DRIVER	"vgpu_mdev"
#define UUID_LEN	36

enum qemu_option {
	QEMU_PORT,
};

const struct admin_option hostdev_qemu_options[] = {
	[QEMU_PORT] = { "port", NULL, "with a PCIe port of its own, for machines of type q35" },
	{ NULL },
};

/**
 * struct hostdev - a virtual GPU in sysfs
 * @uuid: of it, empty where none was found
 * @aperture: size of its BAR 2 in bytes, 0 where it is not told
 */
struct hostdev {
	char uuid[UUID_LEN + 1];
	unsigned long long aperture;
};

static bool is_vgpu(const char *uuid)
{
	char path[sizeof(MDEV_DEVICES) + UUID_LEN + 16], target[256];
	ssize_t len;
	char *name;

	snprintf(path, sizeof(path), MDEV_DEVICES "/%s/driver", uuid);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return false;
	target[len] = '\0';
	name = strrchr(target, '/');
	return !strcmp(name ? name + 1 : target, MDEV_DRIVER);
}

static unsigned long long read_aperture(const char *uuid)
{
	char path[sizeof(MDEV_DEVICES) + UUID_LEN + 32];
	unsigned long long value = 0;
	FILE *file;

	snprintf(path, sizeof(path), MDEV_DEVICES "/%s/aperture_size", uuid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fscanf(file, "%llu", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

/* Those that are there, as a kernel's state has them. NULL where there is no such thing, said on stderr. */
static json_t *present(void)
{
	json_t *mdevs = json_object();
	struct dirent *entry;
	DIR *dir;

	dir = opendir(MDEV_DEVICES);
	if (!dir) {
		admin_error("there are no mediated devices in this kernel: %s: %s; see: vgpu-admin doctor", MDEV_DEVICES,
			    strerror(errno));
		json_decref(mdevs);
		return NULL;
	}
	while ((entry = readdir(dir)))
		if (strlen(entry->d_name) == UUID_LEN && is_vgpu(entry->d_name))
			json_object_set_new(mdevs, entry->d_name, json_object());
	closedir(dir);
	return json_pack("{s:o}", "mdevs", mdevs);
}

/* What virtual GPUs are called. Those who may not read the database call them by their UUIDs. */
static json_t *names(void)
{
	json_t *declared = NULL;
	struct db *db = NULL;

	if (!access(change_database(), R_OK) && db_open(&db, change_database(), DB_READ) == ADMIN_OK &&
	    db_state(db, &declared) != ADMIN_OK)
		declared = NULL;
	db_close(db);
	return declared ? declared : state_new();
}

static enum admin_exit look_up(const struct change *change, const char *word, struct hostdev *found)
{
	const char *uuid, *name;
	enum admin_exit status = change_find_vm(change, word, &uuid);

	if (status != ADMIN_OK)
		return status;
	if (!state_get(change->kernel, "mdevs", uuid)) {
		name = change_vm_name(change, uuid);
		admin_error("vm %s is declared, and not there: make it with mdevctl or libvirt, as %s, or with: vgpu-admin vm "
			    "create %s --uuid %s --type TYPE", name, uuid, strcmp(name, uuid) ? name : "NAME", uuid);
		return ADMIN_NOT_FOUND;
	}
	snprintf(found->uuid, sizeof(found->uuid), "%s", uuid);
	found->aperture = read_aperture(uuid);
	return ADMIN_OK;
}

static enum admin_exit find(const struct admin_args *args, struct hostdev *found)
{
	struct change change = { .args = args, .kernel = present() };
	enum admin_exit status = ADMIN_NO_MODULE;

	memset(found, 0, sizeof(*found));
	if (change.kernel) {
		change.declared = names();
		status = look_up(&change, args->names[0], found);
	}
	json_decref(change.declared);
	json_decref(change.kernel);
	return status;
}

/* What the port's window has to hold, in GiB, as a power of two. */
static unsigned int window_gib(const struct hostdev *hostdev)
{
	unsigned int gib = 1;

	while (((unsigned long long)gib << 30) < hostdev->aperture)
		gib *= 2;
	return gib;
}

/**
 * hostdev_qemu_args() - the verb vm qemu-args
 * @args: a name or UUID, or the beginning of one
 *
 * Return: how the program ends.
 */
enum admin_exit hostdev_qemu_args(const struct admin_args *args)
{
	struct hostdev hostdev;
	enum admin_exit status = find(args, &hostdev);
	char id[16], port[96] = "", bus[32] = "", device[160];
	json_t *words;

	if (status != ADMIN_OK)
		return status;
	if (args->value[QEMU_PORT]) {
		snprintf(id, sizeof(id), "vgpu-%.8s", hostdev.uuid);
		snprintf(bus, sizeof(bus), ",bus=%s", id);
		snprintf(port, sizeof(port), "pcie-root-port,id=%s,chassis=%lu,pref64-reserve=%uG", id,
			 strtoul(hostdev.uuid, NULL, 16) % 255 + 1, window_gib(&hostdev));
	}
	snprintf(device, sizeof(device), "vfio-pci,sysfsdev=" MDEV_DEVICES "/%s%s,rombar=0", hostdev.uuid, bus);
	if (args->json) {
		words = port[0] ? json_pack("[s, s, s, s]", "-device", port, "-device", device) :
				  json_pack("[s, s]", "-device", device);
		print_json(words, args);
		json_decref(words);
	} else {
		printf("%s%s%s-device %s\n", port[0] ? "-device " : "", port, port[0] ? " " : "", device);
	}
	return ADMIN_OK;
}

/**
 * hostdev_libvirt_xml() - the verb vm libvirt-xml
 * @args: a name or UUID, or the beginning of one
 *
 * Return: how the program ends.
 */
enum admin_exit hostdev_libvirt_xml(const struct admin_args *args)
{
	struct hostdev hostdev;
	enum admin_exit status = find(args, &hostdev);
	char xml[256];
	json_t *answer;

	if (status != ADMIN_OK)
		return status;
	snprintf(xml, sizeof(xml), "<hostdev mode='subsystem' type='mdev' model='vfio-pci'>\n"
		 "  <source>\n"
		 "    <address uuid='%s'/>\n"
		 "  </source>\n"
		 "  <rom bar='off'/>\n"
		 "</hostdev>\n", hostdev.uuid);
	if (args->json) {
		answer = json_pack("{s:s, s:s}", "uuid", hostdev.uuid, "xml", xml);
		print_json(answer, args);
		json_decref(answer);
	} else {
		fputs(xml, stdout);
	}
	return ADMIN_OK;
}
