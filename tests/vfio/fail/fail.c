// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Every allocation that a step of set-up or submission makes fails once, in turn: the first, then the second, until the
 * step makes none any more. Each time the step either works or is refused, and the next one works.
 *
 *	vfio-fail MODULE.ko
 *
 * Needs a kernel with fault injection (/proc/self/fail-nth), root, and vgpu.ko not loaded. One line for each step.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/vfio/fail/administer.h"
#include "tests/vfio/vfio_test.h"
#include "uapi/vgpu_netlink.h"

#define NTH_MAX		4000	/* a step that makes more never ends */
#define LOADS		24	/* of the module: each takes long */
#define PAGES_AT	0x20000000ULL

static int fail_nth = -1;
static const char *module;
static int supervisor = -1;
static struct vfio_client client;
static struct queue queue;
static struct puppet puppet;
static char uuid[40] = UUID;
static unsigned int serial;

static void set_nth(unsigned int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(fail_nth, text, (size_t)n, 0) != n) {
		perror("/proc/self/fail-nth");
		exit(1);
	}
}

/* Whether the failure asked for has come to pass; no more will. */
static bool has_failed(void)
{
	char text[16] = "";

	if (pread(fail_nth, text, sizeof(text) - 1, 0) < 1) {
		perror("/proc/self/fail-nth");
		exit(1);
	}
	set_nth(0);
	return atoi(text) == 0;
}

/**
 * struct step - something that makes allocations
 * @name: for people
 * @before: what it needs, with nothing failing; 0 if that worked
 * @run: itself: 0, or a negative errno or status where it was refused
 * @after: undoes it, after it worked
 * @stride: from one allocation to the next that fails
 */
struct step {
	const char *name;
	int (*before)(void);
	int (*run)(void);
	void (*after)(void);
	unsigned int stride;
};

static int load(void)
{
	int fd = open(module, O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, "", 0))
		err = -errno;
	close(fd);
	return err;
}

static void unload(void)
{
	if (syscall(SYS_delete_module, "vgpu", O_NONBLOCK))
		perror("delete_module");
}

static int attach(void)
{
	struct vgpu_exec_attach attach;
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "fail%u", serial);
	standin_describe(&attach, name, GPU_MEMORY);
	fd = standin_attach(&attach);
	if (fd < 0)
		return fd;
	close(fd);
	serial++;
	return 0;
}

static int create(void)
{
	return mdev_create(GPU, "vgpu-1g", uuid);
}

static void remove_it(void)
{
	mdev_remove(uuid);
}

static int open_it(void)
{
	int err = vfio_client_open(&client, uuid, VFIO_PATH_GROUP);

	if (err)
		vfio_client_close(&client);
	return err;
}

static void close_it(void)
{
	vfio_client_close(&client);
}

static int map_it(void)
{
	return vfio_client_map(&client);
}

static void unmap_it(void)
{
	vfio_client_unmap(&client);
}

static int set_irqs(void)
{
	int fd = eventfd(0, EFD_CLOEXEC), err;

	err = vfio_set_eventfd(&client, VFIO_PCI_MSIX_IRQ_INDEX, 3, fd);
	close(fd);
	return err;
}

static void clear_irqs(void)
{
	vfio_set_eventfd(&client, VFIO_PCI_MSIX_IRQ_INDEX, 3, -1);
}

static int make_session(void)
{
	uint32_t status = control(&client, 0, VGPU_CTL_SESSION_CREATE, QUEUE_AREA(0), 64, 64, 1);

	return status == VGPU_ST_NO_MEMORY ? -ENOMEM : -(int)status;
}

static int add_range(void)
{
	return -(int)control(&client, 0, VGPU_CTL_RANGE_ADD, PAYLOAD(0), PAYLOAD_LEN, 0, 0);
}

static void end_session(void)
{
	control(&client, 0, VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0);
	session_wait_state(&client, 0, VGPU_SESSION_FREE);
}

/* A page of the aperture that was not there. */
static int write_page(void)
{
	uint64_t word = ++serial;
	int n = vfio_write(&client, VFIO_PCI_BAR2_REGION_INDEX, PAGES_AT, &word, sizeof(word));

	return n < 0 ? n : n == sizeof(word) ? 0 : -EIO;
}

/* The same, by the guest's mapping: where there is no memory the fault is tried again. */
static int touch_page(void)
{
	*(volatile uint64_t *)(client.aperture + PAGES_AT) = ++serial;
	return 0;
}

static int reset(void)
{
	int err = ioctl(client.device, VFIO_DEVICE_RESET) ? -errno : 0;

	vfio_enable_memory(&client);
	reg_write32(&client, VGPU_REG_STATUS, VGPU_STATUS_DRIVER_OK);
	return err;
}

/* Without sessions, a reset empties the aperture. */
static void forget_pages(void)
{
	reg_write32(&client, VGPU_REG_STATUS, 0);
	if (!device_wait_reset(&client)) {
		printf("FAIL the device does not come out of its reset\n");
		exit(1);
	}
	reg_write32(&client, VGPU_REG_STATUS, VGPU_STATUS_DRIVER_OK);
	if (*(volatile uint64_t *)(client.aperture + PAGES_AT)) {
		printf("FAIL a reset left a page of the aperture as it was\n");
		exit(1);
	}
	reset();
}

static int make_pages(void)
{
	make_session();
	add_range();
	return write_page();
}

static int make_both(void)
{
	make_session();
	return 0;
}

/* A launch on a stream that is new each time. */
static int submit(void)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_LAUNCH, .stream = 1 + serial++ % 1000,
				.launch = { .grid = { 1, 1, 1 }, .block = { 1, 1, 1 } } };

	queue_submit(&queue, &cmd);
	return 0;
}

/* Refused or not, it has a completion, and only one. */
static void settle(void)
{
	struct vgpu_dispatch dispatch;
	struct vgpu_cqe cqe;

	if (!queue_poll(&queue, &cqe)) {
		if (puppet_next(&puppet, &dispatch) || puppet_complete(&puppet, &dispatch, 0, 0) ||
		    queue_wait(&queue, &cqe)) {
			printf("FAIL a command has no completion\n");
			exit(1);
		}
	}
}

static int bind_before(void)
{
	struct vgpu_cmd init = { .opcode = VGPU_OP_SESSION_INIT, .init.out = PAYLOAD(0) };

	if (queue_create(&queue, &client, 0, QUEUE_AREA(0), 64, 64) != VGPU_ST_OK)
		return -EIO;
	add_range();
	queue_submit(&queue, &init);
	puppet_start(&puppet);
	puppet_call(&puppet, PUPPET_OPEN, 0, 0, 0, 0);
	return 0;
}

static struct vgpu_exec_event event;
static unsigned int puppet_nth;

static void bind_after(void)
{
	puppet_kill(&puppet);
	queue_free(&queue);
	end_session();
}

#define POOL	"fail"
#define ABSENT	"9c0ffee0-0000-4000-8000-000000000001"

static int pool_new(void)
{
	administer_begin(VGPU_CMD_POOL_NEW, 0);
	administer_string(VGPU_A_POOL_NAME, POOL);
	return administer_call();
}

static int pool_del(void)
{
	administer_begin(VGPU_CMD_POOL_DEL, 0);
	administer_string(VGPU_A_POOL_NAME, POOL);
	return administer_call();
}

static int pool_set(void)
{
	administer_begin(VGPU_CMD_POOL_SET, 0);
	administer_string(VGPU_A_POOL_NAME, POOL);
	administer_u32(VGPU_A_POOL_WEIGHT_HIGH, 1 + serial++ % VGPU_SCHED_WEIGHT_MAX);
	return administer_call();
}

static int gpu_set(const char *pool)
{
	administer_begin(VGPU_CMD_GPU_SET, 0);
	administer_string(VGPU_A_GPU_NAME, "fail-absent");
	administer_string(VGPU_A_GPU_POOL, pool);
	return administer_call();
}

/* A GPU that nothing has attached: a place is kept for it. */
static int keep_place(void)
{
	return gpu_set(POOL);
}

static int vm_set(const char *of, uint32_t tier)
{
	administer_begin(VGPU_CMD_VM_SET, 0);
	administer_uuid(VGPU_A_VM_UUID, of);
	administer_u32(VGPU_A_VM_TIER, tier);
	return administer_call();
}

static int set_tier(void)
{
	return vm_set(uuid, serial++ % 3);
}

static int declare(void)
{
	return vm_set(ABSENT, VGPU_VM_TIER_LOW);
}

static int of_vm(uint8_t command, const char *of)
{
	administer_begin(command, 0);
	administer_uuid(VGPU_A_VM_UUID, of);
	return administer_call();
}

static int quarantine(void)
{
	return of_vm(VGPU_CMD_QUARANTINE_SET, uuid);
}

static int show_vm(void)
{
	return of_vm(VGPU_CMD_VM_GET, uuid);
}

static int dump(uint8_t command)
{
	administer_begin(command, NLM_F_DUMP);
	return administer_call();
}

static int dump_gpus(void)
{
	return dump(VGPU_CMD_GPU_GET);
}

static int dump_pools(void)
{
	return dump(VGPU_CMD_POOL_GET);
}

static int dump_vms(void)
{
	return dump(VGPU_CMD_VM_GET);
}

static int dump_stats(void)
{
	return dump(VGPU_CMD_STATS_GET);
}

static int with_pool(void)
{
	int err = administer_open();

	return err ? err : pool_new();
}

/* What a request may or may not have done where its answer could not be had is undone either way. */
static void without_pool(void)
{
	gpu_set("default");
	pool_del();
	administer_close();
}

static void forget(void)
{
	of_vm(VGPU_CMD_VM_FORGET, uuid);
	of_vm(VGPU_CMD_VM_FORGET, ABSENT);
	administer_close();
}

static void release(void)
{
	of_vm(VGPU_CMD_QUARANTINE_RELEASE, uuid);
	administer_close();
}

static const char *const administration[] = {
	"pool-new", "pool-set", "gpu-set", "vm-set", "vm-declare", "quarantine", "vm-get",
	"gpu-dump", "pool-dump", "vm-dump", "stats-dump", NULL
};

static const struct step steps[] = {
	{ "pool-new", administer_open, pool_new, without_pool, 1 },
	{ "pool-set", with_pool, pool_set, without_pool, 1 },
	{ "gpu-set", with_pool, keep_place, without_pool, 1 },
	{ "vm-set", administer_open, set_tier, forget, 1 },
	{ "vm-declare", administer_open, declare, forget, 1 },
	{ "quarantine", administer_open, quarantine, release, 1 },
	{ "vm-get", administer_open, show_vm, administer_close, 1 },
	{ "gpu-dump", administer_open, dump_gpus, administer_close, 1 },
	{ "pool-dump", administer_open, dump_pools, administer_close, 1 },
	{ "vm-dump", administer_open, dump_vms, administer_close, 1 },
	{ "stats-dump", administer_open, dump_stats, administer_close, 1 },
	{ "module-load", NULL, load, unload, 17 },
	{ "attach", NULL, attach, NULL, 1 },
	{ "create", NULL, create, remove_it, 1 },
	{ "open", NULL, open_it, close_it, 1 },
	{ "map", NULL, map_it, unmap_it, 1 },
	{ "interrupts", NULL, set_irqs, clear_irqs, 1 },
	{ "write", NULL, write_page, forget_pages, 1 },
	{ "touch", NULL, touch_page, forget_pages, 1 },
	{ "reset", make_pages, reset, NULL, 1 },
	{ "session", NULL, make_session, end_session, 1 },
	{ "range", make_both, add_range, end_session, 1 },
	{ "submit", NULL, submit, settle, 1 },
};

/* True where every failure was borne. */
static bool try_step(const struct step *step)
{
	unsigned int nth, refused = 0, borne = 0, tries = 0;
	int err;

	for (nth = 1;; nth += step->stride) {
		if (step->stride > 1 && ++tries > LOADS)
			break;
		if (nth > NTH_MAX) {
			printf("FAIL %s: more than %u allocations\n", step->name, NTH_MAX);
			return false;
		}
		if (step->before && step->before()) {
			printf("FAIL %s: what it needs could not be had after %u failures\n", step->name, nth - 1);
			return false;
		}
		set_nth(nth);
		err = step->run();
		if (!has_failed()) {
			if (err) {
				printf("FAIL %s: %s, though nothing failed\n", step->name, strerror(-err));
				return false;
			}
			if (step->after)
				step->after();
			break;
		}
		if (err)
			refused++;
		else
			borne++;
		if (step->after && (!err || step->before))
			step->after();
	}
	err = step->before ? step->before() : 0;
	if (!err)
		err = step->run();
	if (err) {
		printf("FAIL %s: %s afterwards\n", step->name, strerror(-err));
		return false;
	}
	if (step->after)
		step->after();
	printf("ok fail-%s: %u allocations failed, %u of them refused the step\n", step->name, refused + borne, refused);
	fflush(stdout);
	return true;
}

/* The worker's side fails in its own process. */
static bool try_worker(void)
{
	unsigned int refused = 0;
	int64_t err = 0, fired = 1;

	/* Where it is a page of its own that cannot be had, the process dies of it, as a worker would. */
	for (puppet_nth = 1; (fired == 1 || fired == -EPIPE) && puppet_nth < NTH_MAX; puppet_nth++) {
		if (bind_before() || standin_event(supervisor, &event)) {
			printf("FAIL bind: no event after %u failures\n", puppet_nth - 1);
			return false;
		}
		puppet_call(&puppet, PUPPET_FAIL_NTH, puppet_nth, 0, 0, 0);
		err = puppet_call(&puppet, PUPPET_BIND, event.token, VGPU_EXEC_VERSION, 0, 0);
		if (!err)
			err = puppet_call(&puppet, PUPPET_RINGS, 0, 0, 0, 0);
		fired = puppet_call(&puppet, PUPPET_HAS_FAILED, 0, 0, 0, 0);
		refused += !!err;
		bind_after();
	}
	if (err || fired) {
		printf("FAIL bind: %s, though nothing failed\n", strerror((int)-err));
		return false;
	}
	printf("ok fail-bind: %u allocations failed, %u of them refused the step\n", puppet_nth - 2, refused);
	return true;
}

/* The worker maps the aperture and touches a page of it; what cannot be had it does without. */
static bool try_mapping(void)
{
	unsigned int nth, refused = 0, tries = 0;
	int64_t err = 0, fired = 1;
	uint64_t addr;

	for (nth = 1; fired == 1 && nth < NTH_MAX; nth++, tries++) {
		puppet_call(&puppet, PUPPET_FAIL_NTH, nth, 0, 0, 0);
		err = puppet_call(&puppet, PUPPET_MAP, VGPU_EXEC_MMAP_APERTURE + PAYLOAD(0), PAYLOAD_LEN,
				  PROT_READ | PROT_WRITE, MAP_SHARED);
		addr = puppet.out[0];
		if (!err) {
			puppet_call(&puppet, PUPPET_POKE, addr + 4096ULL * nth % PAYLOAD_LEN, nth, 0, 0);
			fired = puppet_call(&puppet, PUPPET_HAS_FAILED, 0, 0, 0, 0);
			puppet_call(&puppet, PUPPET_UNMAP, addr, PAYLOAD_LEN, 0, 0);
		} else {
			fired = puppet_call(&puppet, PUPPET_HAS_FAILED, 0, 0, 0, 0);
			refused++;
		}
	}
	if (err || fired) {
		printf("FAIL worker-map: %s\n", err ? strerror((int)-err) : "its process died");
		return false;
	}
	printf("ok fail-worker-map: %u allocations failed, %u of them refused the step\n", tries - 1, refused);
	return true;
}

static bool wanted(const char *name)
{
	const struct step *step;

	for (step = steps; step < steps + sizeof(steps) / sizeof(steps[0]); step++)
		if (!strcmp(step->name, name))
			return try_step(step);
	return false;
}

static bool with_worker(void)
{
	struct vgpu_dispatch dispatch;
	bool well;

	if (bind_before() || standin_event(supervisor, &event) ||
	    puppet_call(&puppet, PUPPET_BIND, event.token, VGPU_EXEC_VERSION, 0, 0) ||
	    puppet_call(&puppet, PUPPET_RINGS, 0, 0, 0, 0) ||
	    puppet_call(&puppet, PUPPET_READY, STANDIN_DEVICE_BASE, STANDIN_APERTURE_BASE, 0, 0) ||
	    puppet_next(&puppet, &dispatch) || puppet_next(&puppet, &dispatch) ||
	    puppet_complete(&puppet, &dispatch, 0, 0))
		return false;
	well = queue_wait(&queue, &(struct vgpu_cqe){ 0 }) == 0 && wanted("submit") && try_mapping();
	bind_after();
	return well;
}

static bool all_wanted(const char *const *name)
{
	while (*name && wanted(*name))
		name++;
	return !*name;
}

static bool all(void)
{
	struct vgpu_exec_attach attach;

	if (!wanted("module-load") || load() || !wanted("attach"))
		return false;
	standin_describe(&attach, GPU, GPU_MEMORY);
	supervisor = standin_attach(&attach);
	if (supervisor < 0 || !wanted("create") || create() ||
	    !all_wanted(administration) || !wanted("open") || open_it())
		return false;
	vfio_enable_memory(&client);
	reg_write32(&client, VGPU_REG_STATUS, VGPU_STATUS_DRIVER_OK);
	if (!wanted("map") || map_it() || !wanted("interrupts") ||
	    !wanted("write") || !wanted("touch") || !wanted("reset") || !wanted("session") || !wanted("range") ||
	    !try_worker() || !with_worker())
		return false;
	close_it();
	if (mdev_counter(uuid, "sessions") || mdev_counter(uuid, "workers") || mdev_counter(uuid, "waiting")) {
		printf("FAIL something is left over\n");
		return false;
	}
	remove_it();
	close(supervisor);
	unload();
	return true;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: vfio-fail MODULE.ko\n");
		return 2;
	}
	module = argv[1];
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0) {
		printf("skip fail: this kernel has no fault injection\n");
		return 0;
	}
	if (all())
		return 0;
	printf("FAIL fail: see above\n");
	return 1;
}
