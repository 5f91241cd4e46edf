// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) vgpu authors
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "client.h"

/**
 * client_open() - open the device under test
 *
 * Return: file descriptor, or -errno.
 */
int client_open(void)
{
	int fd = open(check_device, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/**
 * client_session() - open a file's session
 * @fd: of the device
 * @session: filled in; its queues have CLIENT_ENTRIES entries
 *
 * Return: 0 or -errno.
 */
int client_session(int fd, struct vgpu_guest_session *session)
{
	memset(session, 0, sizeof(*session));
	session->sq_entries = CLIENT_ENTRIES;
	session->cq_entries = CLIENT_ENTRIES;
	return ioctl(fd, VGPU_GUEST_SESSION, session) ? -errno : 0;
}

/**
 * client_start() - open the device and a session, and map its queues
 * @client: filled in
 *
 * Return: 0 or -errno.
 */
int client_start(struct client *client)
{
	char *area;
	int ret;

	memset(client, 0, sizeof(*client));
	client->fd = client_open();
	if (client->fd < 0)
		return client->fd;
	ret = client_session(client->fd, &client->session);
	if (ret) {
		close(client->fd);
		return ret;
	}
	area = client_map(client->fd, VGPU_GUEST_MMAP_QUEUE, client->session.queue_size);
	client->doorbell = client_map(client->fd, VGPU_GUEST_MMAP_DOORBELL, VGPU_PAGE_SIZE);
	if (!area || !client->doorbell) {
		ret = -errno;
		close(client->fd);
		return ret;
	}
	client->header = (void *)area;
	client->sq = (void *)(area + client->session.sq_offset);
	client->cq = (void *)(area + client->session.cq_offset);
	return 0;
}

/**
 * client_stop() - unmap and close
 * @client: started
 */
void client_stop(struct client *client)
{
	munmap(client->header, client->session.queue_size);
	munmap(client->doorbell, VGPU_PAGE_SIZE);
	close(client->fd);
}

/**
 * client_range() - take payload memory
 * @fd: with a session
 * @len: bytes
 * @offset: set to where it lies
 *
 * Return: 0 or -errno.
 */
int client_range(int fd, __u64 len, __u64 *offset)
{
	struct vgpu_guest_range range = { .len = len };

	if (ioctl(fd, VGPU_GUEST_RANGE, &range))
		return -errno;
	*offset = range.offset;
	return 0;
}

/**
 * client_map() - map device memory shared, for reading and writing
 * @fd: with a session
 * @offset: VGPU_GUEST_MMAP_*
 * @len: bytes
 *
 * Return: address, or NULL with errno set.
 */
void *client_map(int fd, __u64 offset, __u64 len)
{
	void *addr = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	return addr == MAP_FAILED ? NULL : addr;
}

/**
 * client_submit() - submit a command, ringing the doorbell where the device asks for it
 * @client: started, with room in its queue
 * @cmd: copied
 *
 * Return: sequence number.
 */
__u32 client_submit(struct client *client, const struct vgpu_cmd *cmd)
{
	__u32 old = client->tail++;
	__u32 event;

	client->sq[old & (CLIENT_ENTRIES - 1)] = *cmd;
	__atomic_store_n(&client->header->sq_tail, client->tail, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	event = __atomic_load_n(&client->header->sq_event, __ATOMIC_RELAXED);
	if (client->tail - event - 1 < client->tail - old)
		__atomic_store_n(client->doorbell, 1, __ATOMIC_RELEASE);
	return old;
}

/**
 * client_poll() - take a completion if there is one
 * @client: started
 * @cqe: filled in
 *
 * Return: whether there was one.
 */
bool client_poll(struct client *client, struct vgpu_cqe *cqe)
{
	struct vgpu_cqe *entry = &client->cq[client->head & (CLIENT_ENTRIES - 1)];
	unsigned int phase = !(client->head / CLIENT_ENTRIES & 1);

	if (__atomic_load_n(&entry->phase, __ATOMIC_ACQUIRE) != phase)
		return false;
	cqe->value = entry->value;
	cqe->seq = entry->seq;
	cqe->status = entry->status;
	cqe->phase = phase;
	client->head++;
	__atomic_store_n(&client->header->cq_head, client->head, __ATOMIC_RELEASE);
	return true;
}

/**
 * client_wait() - sleep until there is a completion, and take it
 * @client: started
 * @cqe: filled in
 *
 * Return: 0 or -errno; -ETIMEDOUT after CLIENT_TIMEOUT_NS.
 */
int client_wait(struct client *client, struct vgpu_cqe *cqe)
{
	int ret;

	while (!client_poll(client, cqe)) {
		__atomic_store_n(&client->header->cq_event, client->head, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (client_poll(client, cqe))
			return 0;
		ret = client_wait_interrupt(client, CLIENT_TIMEOUT_NS);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * client_wait_interrupt() - VGPU_GUEST_WAIT for an interrupt that was not seen yet
 * @client: started; its count and state are brought up to date
 * @timeout_ns: as VGPU_GUEST_WAIT takes it
 *
 * Return: 0 or -errno.
 */
int client_wait_interrupt(struct client *client, __s64 timeout_ns)
{
	struct vgpu_guest_wait wait = { .timeout_ns = timeout_ns, .seen = client->count };
	int ret = ioctl(client->fd, VGPU_GUEST_WAIT, &wait) ? -errno : 0;

	client->count = wait.count;
	client->state = wait.state;
	return ret;
}
