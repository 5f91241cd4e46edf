// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) vgpu authors
/* Checks of what processes see when the device is unbound from its driver, or reset; as root. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "client.h"

#define PAGE		VGPU_PAGE_SIZE
#define DRIVER		"/sys/bus/pci/drivers/vgpu_guest"

static char address[64];	/* of the PCI device, as sysfs names it */

static void find_address(void)
{
	char path[PATH_MAX], target[PATH_MAX];

	if (geteuid())
		check_skip("only root may take the device away");
	snprintf(path, sizeof(path), "/sys/class/vgpu-guest/%s/device", strrchr(check_device, '/') + 1);
	EXPECT_TRUE(realpath(path, target));
	snprintf(address, sizeof(address), "%.63s", strrchr(target, '/') + 1);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

struct user {
	struct client client;
	char *memory;
	pthread_t waiter;
	pthread_t toucher;
	bool stop;
};

static void *wait_for_end(void *data)
{
	struct client own = ((struct user *)data)->client;
	int ret;

	do {
		ret = client_wait_interrupt(&own, -1);
	} while (!ret);
	return (void *)(intptr_t)ret;
}

/* Reads and writes without a pause: the device goes under its hands. */
static void *touch(void *data)
{
	struct user *user = data;

	while (!__atomic_load_n(&user->stop, __ATOMIC_ACQUIRE)) {
		__atomic_fetch_add(user->memory, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&user->client.header->cq_event, 1, __ATOMIC_RELAXED);
		__atomic_store_n(user->client.doorbell, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void user_start(struct user *user)
{
	__u64 offset;

	memset(user, 0, sizeof(*user));
	EXPECT(client_start(&user->client), 0);
	EXPECT(client_range(user->client.fd, PAGE, &offset), 0);
	user->memory = client_map(user->client.fd, VGPU_GUEST_MMAP_APERTURE + offset, PAGE);
	EXPECT_TRUE(user->memory);
	EXPECT(pthread_create(&user->waiter, NULL, wait_for_end, user), 0);
	EXPECT(pthread_create(&user->toucher, NULL, touch, user), 0);
}

static void user_stop(struct user *user)
{
	munmap(user->memory, PAGE);
	client_stop(&user->client);
}

/* What a process finds whose session has ended under it. */
static void user_expect_ended(struct user *user)
{
	struct pollfd pollfd = { .fd = user->client.fd, .events = POLLIN };
	struct vgpu_guest_session session;
	__u64 offset;
	void *ret;

	EXPECT(pthread_join(user->waiter, &ret), 0);
	EXPECT((intptr_t)ret, -ENODEV);
	__atomic_store_n(&user->stop, true, __ATOMIC_RELEASE);
	EXPECT(pthread_join(user->toucher, NULL), 0);
	EXPECT(client_wait_interrupt(&user->client, -1), -ENODEV);
	EXPECT(user->client.state, VGPU_SESSION_LOST);
	EXPECT(poll(&pollfd, 1, 0), 1);
	EXPECT(pollfd.revents, POLLERR | POLLHUP);
	EXPECT(client_range(user->client.fd, PAGE, &offset), -ENODEV);
	EXPECT(client_session(user->client.fd, &session), -EBUSY);
	EXPECT_TRUE(!client_map(user->client.fd, VGPU_GUEST_MMAP_QUEUE, PAGE));
	EXPECT(errno, ENODEV);
}

static void expect_works(void)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_SESSION_INIT };
	struct client client;
	struct vgpu_cqe cqe;

	EXPECT(client_start(&client), 0);
	EXPECT(client_range(client.fd, PAGE, &cmd.init.out), 0);
	client_submit(&client, &cmd);
	EXPECT(client_wait(&client, &cqe), 0);
	EXPECT(cqe.status, VGPU_ST_OK);
	client_stop(&client);
	check_until("sessions", 0);
}

static void wait_for_device(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	time_t end = time(NULL) + 60;

	while (access(check_device, R_OK | W_OK)) {
		if (time(NULL) > end)
			check_fail(__FILE__, __LINE__, "%s did not come back", check_device);
		nanosleep(&pause, NULL);
	}
}

static void check_unbind(void)
{
	struct vgpu_guest_info info;
	struct user users[2];
	unsigned int i;
	int idle;

	find_address();
	idle = client_open();
	EXPECT_TRUE(idle >= 0);
	for (i = 0; i < 2; i++)
		user_start(&users[i]);
	EXPECT(write_file(DRIVER "/unbind", address), 0);
	for (i = 0; i < 2; i++)
		user_expect_ended(&users[i]);
	EXPECT(ioctl(idle, VGPU_GUEST_INFO, &info), -1);
	EXPECT(errno, ENODEV);
	/* The number is taken until the last file is closed, so closing comes first. */
	close(idle);
	for (i = 0; i < 2; i++)
		user_stop(&users[i]);
	EXPECT(client_open(), -ENOENT);
	EXPECT(write_file(DRIVER "/bind", address), 0);
	wait_for_device();
	expect_works();
}

static void check_reset(void)
{
	struct user user;
	char path[PATH_MAX];

	find_address();
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", address);
	if (access(path, W_OK))
		check_skip("the device has no PCI reset");
	user_start(&user);
	EXPECT(write_file(path, "1"), 0);
	user_expect_ended(&user);
	EXPECT(check_number("aperture_used"), 0);
	expect_works();
	user_stop(&user);
	expect_works();
}

const struct check removal_checks[] = {
	{ "unbind", check_unbind },
	{ "reset", check_reset },
	{ }
};
