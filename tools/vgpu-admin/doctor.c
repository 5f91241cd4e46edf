// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Whether this machine can share GPUs, and what to do next where it cannot. Looks at files alone, so that it works where
 * nothing of the rest does.
 */

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "print.h"
#include "../../uapi/vgpu_release.h"

#define MIN_MAJOR	6
#define MIN_MINOR	1
/* The first of NVIDIA's drivers with CUDA 12. */
#define MIN_NVIDIA	525

/**
 * enum finding - of a check
 * @FINE: as it should be
 * @HINT: works, but not as well as it could
 * @BAD: virtual GPUs cannot be used
 */
enum finding {
	FINE,
	HINT,
	BAD,
};

static const char * const finding_names[] = { "ok", "hint", "bad" };

enum doctor_option {
	DOCTOR_ROOT,
};

static const struct admin_option doctor_options[] = {
	[DOCTOR_ROOT] = { "root", "DIRECTORY", "look at the files below this directory", ADMIN_FILE },
	{ NULL },
};

/**
 * struct doctor - an examination
 * @root: put before every path
 * @release: of the kernel
 * @findings: so far
 * @bad: one of them was BAD
 */
struct doctor {
	const char *root;
	char release[128];
	json_t *findings;
	bool bad;
};

__attribute__((format(printf, 5, 6)))
static void found(struct doctor *doctor, const char *check, enum finding finding, const char *next, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_append_new(doctor->findings, json_pack("{s:s, s:s, s:s, s:s}", "check", check, "result",
							  finding_names[finding], "found", text, "next", next));
	doctor->bad = doctor->bad || finding == BAD;
}

__attribute__((format(printf, 4, 5)))
static void path_in(const struct doctor *doctor, char *path, size_t size, const char *format, ...)
{
	va_list args;
	size_t len;

	len = (size_t)snprintf(path, size, "%s", doctor->root);
	va_start(args, format);
	if (len < size)
		vsnprintf(path + len, size - len, format, args);
	va_end(args);
}

static bool exists(const struct doctor *doctor, const char *name)
{
	char path[512];

	path_in(doctor, path, sizeof(path), "%s", name);
	return !access(path, F_OK);
}

/* The first line of a file, without its end; empty where there is none. */
static void read_line(const struct doctor *doctor, const char *name, char *line, size_t size)
{
	char path[512];
	FILE *file;

	line[0] = '\0';
	path_in(doctor, path, sizeof(path), "%s", name);
	file = fopen(path, "r");
	if (!file)
		return;
	if (!fgets(line, (int)size, file))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	fclose(file);
}

/* Whether a line of a file has a text. */
static bool mentions(const struct doctor *doctor, const char *name, const char *text)
{
	char path[512], *line = NULL;
	bool hit = false;
	size_t size = 0;
	FILE *file;

	path_in(doctor, path, sizeof(path), "%s", name);
	file = fopen(path, "r");
	if (!file)
		return false;
	while (!hit && getline(&line, &size, file) >= 0)
		hit = strstr(line, text);
	free(line);
	fclose(file);
	return hit;
}

/* Loaded, built in, or there to be loaded. */
static bool module_installed(const struct doctor *doctor, const char *module)
{
	char name[256], file[64];

	snprintf(name, sizeof(name), "/sys/module/%s", module);
	if (exists(doctor, name))
		return true;
	snprintf(file, sizeof(file), "/%s.ko", module);
	snprintf(name, sizeof(name), "/lib/modules/%s/modules.dep", doctor->release);
	if (mentions(doctor, name, file))
		return true;
	snprintf(name, sizeof(name), "/lib/modules/%s/modules.builtin", doctor->release);
	return mentions(doctor, name, file);
}

static void check_kernel(struct doctor *doctor)
{
	int major = 0, minor = 0;

	sscanf(doctor->release, "%d.%d", &major, &minor);
	if (major < MIN_MAJOR || (major == MIN_MAJOR && minor < MIN_MINOR))
		found(doctor, "kernel", BAD, "apt install linux-image-amd64 && reboot", "Linux %s; %d.%d or newer is needed",
		      doctor->release, MIN_MAJOR, MIN_MINOR);
	else
		found(doctor, "kernel", FINE, "", "Linux %s", doctor->release);
}

static void check_mdev(struct doctor *doctor)
{
	if (module_installed(doctor, "mdev"))
		found(doctor, "mediated devices", FINE, "", "the kernel has them (CONFIG_VFIO_MDEV)");
	else
		found(doctor, "mediated devices", BAD, "apt install linux-image-amd64 && reboot",
		      "Linux %s has none (CONFIG_VFIO_MDEV), as Debian's cloud kernels", doctor->release);
}

static void check_vfio(struct doctor *doctor)
{
	if (module_installed(doctor, "vfio_iommu_type1") || exists(doctor, "/dev/iommu"))
		found(doctor, "VFIO", FINE, "", "%s", exists(doctor, "/dev/iommu") ? "with IOMMUFD" : "with containers");
	else
		found(doctor, "VFIO", BAD, "apt install linux-image-amd64 && reboot",
		      "Linux %s has neither vfio_iommu_type1 nor IOMMUFD", doctor->release);
}

static void check_iommu(struct doctor *doctor)
{
	struct dirent *entry;
	char path[512];
	int count = 0;
	DIR *dir;

	path_in(doctor, path, sizeof(path), "/sys/class/iommu");
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	found(doctor, "IOMMU", FINE, "", "%s; virtual GPUs do no DMA into guests and need none",
	      count ? "on" : "off or absent");
}

static void check_module(struct doctor *doctor)
{
	char version[64];

	read_line(doctor, "/sys/module/vgpu/version", version, sizeof(version));
	if (exists(doctor, "/sys/module/vgpu") && version[0] && strcmp(version, VGPU_RELEASE))
		found(doctor, "module", HINT, "reboot, or: modprobe -r vgpu && modprobe vgpu",
		      "vgpu %s is loaded, this tool is of %s", version, VGPU_RELEASE);
	else if (exists(doctor, "/sys/module/vgpu"))
		found(doctor, "module", FINE, "", "vgpu %s is loaded", version[0] ? version : "of unknown version");
	else if (module_installed(doctor, "vgpu"))
		found(doctor, "module", BAD, "modprobe vgpu", "vgpu is installed, not loaded");
	else
		found(doctor, "module", BAD, "apt install vgpu-dkms linux-headers-$(uname -r), and see: dkms status",
		      "vgpu is not installed for Linux %s", doctor->release);
}

static void check_kvm(struct doctor *doctor)
{
	if (exists(doctor, "/dev/kvm"))
		found(doctor, "KVM", FINE, "", "/dev/kvm is there");
	else
		found(doctor, "KVM", HINT, "modprobe kvm_intel || modprobe kvm_amd; else switch virtualisation on in the firmware",
		      "no /dev/kvm: guests are emulated, slowly");
}

static void check_qemu(struct doctor *doctor)
{
	static const char * const places[] = {
		"/usr/bin/qemu-system-x86_64", "/usr/local/bin/qemu-system-x86_64", "/usr/libexec/qemu-kvm",
		"/usr/bin/kvm", "/usr/bin/qemu-system-aarch64",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (exists(doctor, places[i]))
			break;
	if (i < ARRAY_SIZE(places))
		found(doctor, "QEMU", FINE, "", "%s", places[i]);
	else
		found(doctor, "QEMU", BAD, "apt install qemu-system-x86", "no QEMU is installed");
	if (exists(doctor, "/usr/sbin/mdevctl") || exists(doctor, "/usr/bin/mdevctl"))
		found(doctor, "mdevctl", FINE, "", "keeps virtual GPUs across reboots");
	else
		found(doctor, "mdevctl", HINT, "apt install mdevctl", "not installed: virtual GPUs are gone after a reboot");
}

static void check_permissions(struct doctor *doctor)
{
	char path[512];
	struct stat stat_;

	path_in(doctor, path, sizeof(path), "/dev/vgpu-executor");
	if (stat(path, &stat_))
		return;
	if (stat_.st_mode & 07)
		found(doctor, "permissions", BAD, "chmod 600 /dev/vgpu-executor, and see /etc/udev/rules.d",
		      "everybody may open /dev/vgpu-executor (mode %o), and so serve GPUs", stat_.st_mode & 0777);
	else if (!doctor->root[0] && geteuid())
		found(doctor, "permissions", HINT, "run vgpu-admin as root, or with CAP_NET_ADMIN",
		      "you are not root: virtual GPUs are neither shown nor set");
	else
		found(doctor, "permissions", FINE, "", "/dev/vgpu-executor has mode %o", stat_.st_mode & 0777);
}

/* The last part of what a link points to; empty where there is none. */
static void read_link(const struct doctor *doctor, const char *name, char *target, size_t size)
{
	char path[512], whole[512];
	ssize_t len;

	path_in(doctor, path, sizeof(path), "%s", name);
	len = readlink(path, whole, sizeof(whole) - 1);
	whole[len > 0 ? len : 0] = '\0';
	snprintf(target, size, "%.60s", strrchr(whole, '/') ? strrchr(whole, '/') + 1 : whole);
}

/* Of NVIDIA's driver that is loaded, as in "... Kernel Module  535.183.01  Sun May 12 ..."; 0 where it does not tell. */
static int nvidia_version(const struct doctor *doctor)
{
	int major = 0, minor = 0;
	char line[256], *word;

	read_line(doctor, "/proc/driver/nvidia/version", line, sizeof(line));
	for (word = strtok(line, " "); word; word = strtok(NULL, " "))
		if (sscanf(word, "%d.%d", &major, &minor) == 2)
			return major;
	return 0;
}

static bool has_libcuda(const struct doctor *doctor)
{
	return exists(doctor, "/usr/lib/x86_64-linux-gnu/libcuda.so.1") || exists(doctor, "/usr/lib/aarch64-linux-gnu/libcuda.so.1") ||
	       exists(doctor, "/usr/lib64/libcuda.so.1") || exists(doctor, "/usr/lib/libcuda.so.1");
}

/* A GPU of NVIDIA: has it the driver that the executor takes, and is it shared? */
static void check_pci_gpu(struct doctor *doctor, const char *address)
{
	char name[256], driver[64], next[512];
	int version = nvidia_version(doctor);

	snprintf(name, sizeof(name), "/sys/bus/pci/devices/%.32s/driver", address);
	read_link(doctor, name, driver, sizeof(driver));
	snprintf(name, sizeof(name), "/etc/vgpu/executor/%.32s.conf", address);
	if (!strcmp(driver, "vfio-pci"))
		found(doctor, "driver", FINE, "", "%s is kept for a virtual machine as a whole (vfio-pci)", address);
	else if (strcmp(driver, "nvidia"))
		found(doctor, "driver", HINT, "apt install nvidia-driver && reboot", "%s has %s%s, not NVIDIA's driver, and cannot be shared", address,
		      driver[0] ? "the driver " : "no driver", driver);
	else if (version && version < MIN_NVIDIA)
		found(doctor, "driver", HINT, "apt install nvidia-driver && reboot", "%s has NVIDIA's driver %d; %d or newer is needed", address,
		      version, MIN_NVIDIA);
	else if (!has_libcuda(doctor))
		found(doctor, "driver", HINT, "apt install libcuda1", "%s has NVIDIA's driver, but there is no libcuda.so.1", address);
	else if (exists(doctor, name))
		found(doctor, "driver", FINE, "", "%s has NVIDIA's, and is to be shared", address);
	else {
		snprintf(next, sizeof(next), "touch %s && udevadm trigger --action=add /sys/bus/pci/devices/%.32s", name, address);
		found(doctor, "driver", HINT, next, "%s is not shared", address);
	}
}

static void check_driver(struct doctor *doctor)
{
	char path[512], name[320], vendor[16], class[16];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	path_in(doctor, path, sizeof(path), "/sys/bus/pci/devices");
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(name, sizeof(name), "/sys/bus/pci/devices/%.64s/vendor", entry->d_name);
		read_line(doctor, name, vendor, sizeof(vendor));
		snprintf(name, sizeof(name), "/sys/bus/pci/devices/%.64s/class", entry->d_name);
		read_line(doctor, name, class, sizeof(class));
		if (strcmp(vendor, "0x10de") || strncmp(class, "0x03", 4))
			continue;
		count++;
		check_pci_gpu(doctor, entry->d_name);
	}
	if (dir)
		closedir(dir);
	if (!count)
		found(doctor, "driver", FINE, "", "no NVIDIA GPU is here; a software GPU (soft0) needs none");
}

/* The instance of vgpu-executor@ that serves a GPU, as executor-start names GPUs: gpu-0000-65-00.0 is at 0000:65:00.0. */
static void instance_of(const char *gpu, char *instance, size_t size)
{
	bool pci = !strncmp(gpu, "gpu-", 4) && strlen(gpu) == strlen("gpu-0000-65-00.0");
	char *dash;
	int i;

	snprintf(instance, size, "%.100s", pci ? gpu + 4 : gpu);
	for (i = 0; pci && i < 2; i++) {
		dash = strchr(instance, '-');
		if (dash)
			*dash = ':';
	}
}

static void check_gpu(struct doctor *doctor, const char *gpu)
{
	char name[512], line[32], next[512], instance[128];

	snprintf(name, sizeof(name), "/sys/class/vgpu/%.200s/attached", gpu);
	read_line(doctor, name, line, sizeof(line));
	if (!strcmp(line, "0")) {
		instance_of(gpu, instance, sizeof(instance));
		/* By name: a pattern matches running services alone. */
		snprintf(next, sizeof(next), "systemctl restart vgpu-executor@%s || journalctl -u vgpu-executor@%s", instance, instance);
		found(doctor, "executor", BAD, next, "nothing serves %s", gpu);
	} else {
		found(doctor, "executor", FINE, "", "%s is served", gpu);
	}
}

static void check_gpus(struct doctor *doctor)
{
	struct dirent *entry;
	char path[512];
	int count = 0;
	DIR *dir;

	path_in(doctor, path, sizeof(path), "/sys/class/vgpu");
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		check_gpu(doctor, entry->d_name);
	}
	if (dir)
		closedir(dir);
	if (!count)
		found(doctor, "executor", BAD,
		      exists(doctor, "/usr/sbin/vgpu-executor") || exists(doctor, "/usr/local/sbin/vgpu-executor") ?
			      "systemctl enable --now vgpu-executor@soft0" :
			      "apt install vgpu-executor && systemctl enable --now vgpu-executor@soft0",
		      "no GPU is served");
}

static void check_virtual(struct doctor *doctor)
{
	struct dirent *entry;
	char path[512];
	int count = 0;
	DIR *dir;

	path_in(doctor, path, sizeof(path), "/sys/bus/mdev/devices");
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	if (count)
		found(doctor, "virtual GPUs", FINE, "", "%d mediated %s", count, count == 1 ? "device" : "devices");
	else
		found(doctor, "virtual GPUs", HINT, 
		      "mdevctl types; mdevctl start --uuid $(cat /proc/sys/kernel/random/uuid) --parent soft0 --type vgpu-1g",
		      "there is none");
}

static void print_findings(const struct doctor *doctor)
{
	const json_t *finding;
	const char *next;
	size_t i;

	json_array_foreach(doctor->findings, i, finding) {
		next = json_string_value(json_object_get(finding, "next"));
		printf("%-4s  %-17s %s\n", json_string_value(json_object_get(finding, "result")),
		       json_string_value(json_object_get(finding, "check")),
		       json_string_value(json_object_get(finding, "found")));
		if (next[0])
			printf("                        next: %s\n", next);
	}
}

static enum admin_exit doctor_check(const struct admin_args *args)
{
	struct doctor doctor = { .root = args->value[DOCTOR_ROOT] ? args->value[DOCTOR_ROOT] : "" };
	struct utsname names;

	uname(&names);
	read_line(&doctor, "/proc/sys/kernel/osrelease", doctor.release, sizeof(doctor.release));
	if (!doctor.release[0])
		snprintf(doctor.release, sizeof(doctor.release), "%s", names.release);
	doctor.findings = json_array();
	check_kernel(&doctor);
	check_mdev(&doctor);
	check_vfio(&doctor);
	check_iommu(&doctor);
	check_kvm(&doctor);
	check_qemu(&doctor);
	check_driver(&doctor);
	check_module(&doctor);
	check_permissions(&doctor);
	if (exists(&doctor, "/sys/module/vgpu")) {
		check_gpus(&doctor);
		check_virtual(&doctor);
	}
	if (args->json)
		print_json(doctor.findings, args);
	else
		print_findings(&doctor);
	json_decref(doctor.findings);
	return doctor.bad ? ADMIN_FAILED : ADMIN_OK;
}

static const struct admin_verb doctor_verbs[] = {
	{ "check", "", "what of this machine stands in the way, and the next command", 0, 0, doctor_options, doctor_check },
	{ NULL },
};

const struct admin_object admin_doctor = { "doctor", "whether this machine can share GPUs", doctor_verbs };
