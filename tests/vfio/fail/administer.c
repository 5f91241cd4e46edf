// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/vfio/fail/administer.h"
#include "uapi/vgpu_netlink.h"

#define PATIENCE_S	60	/* an answer that takes longer never comes */

static union {
	struct nlmsghdr header;
	uint8_t bytes[1024];
} request;

static union {
	struct nlmsghdr header;
	uint8_t bytes[65536];
} answer;

static int sock = -1;
static uint16_t family;
static uint32_t serial;

static void begin(uint16_t type, uint8_t command, uint16_t flags)
{
	struct genlmsghdr *genl = NLMSG_DATA(&request.header);

	memset(&request, 0, sizeof(request));
	request.header.nlmsg_type = type;
	request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	request.header.nlmsg_seq = ++serial;
	request.header.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN;
	genl->cmd = command;
	genl->version = 1;
}

static void put(uint16_t type, const void *value, size_t len)
{
	struct nlattr *attr = (void *)(request.bytes + request.header.nlmsg_len);

	attr->nla_type = type;
	attr->nla_len = (uint16_t)(NLA_HDRLEN + len);
	memcpy(attr + 1, value, len);
	request.header.nlmsg_len += NLA_ALIGN(attr->nla_len);
}

static uint16_t family_in(const uint8_t *message, size_t len)
{
	const struct nlattr *attr;
	size_t at;

	for (at = NLMSG_HDRLEN + GENL_HDRLEN; at + NLA_HDRLEN <= len; at += NLA_ALIGN(attr->nla_len)) {
		attr = (const void *)(message + at);
		if (attr->nla_len < NLA_HDRLEN)
			return 0;
		if (attr->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(const uint16_t *)(attr + 1);
	}
	return 0;
}

/**
 * administer_open() - a socket of its own, and the family's number
 *
 * Return: 0 or a negative errno.
 */
int administer_open(void)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int err;

	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		return -errno;
	begin(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	put(CTRL_ATTR_FAMILY_NAME, "vgpu", sizeof("vgpu"));
	err = administer_call();
	return err ? err : family ? 0 : -ENOENT;
}

/**
 * administer_close() - end of the socket, and of a dump that was begun on it
 */
void administer_close(void)
{
	close(sock);
	sock = -1;
}

/**
 * administer_begin() - a request without attributes
 * @command: VGPU_CMD_*
 * @flags: NLM_F_DUMP or 0
 */
void administer_begin(uint8_t command, uint16_t flags)
{
	begin(family, command, flags);
}

/**
 * administer_string() - add an attribute to the request
 * @type: VGPU_A_*
 * @value: string
 */
void administer_string(uint16_t type, const char *value)
{
	put(type, value, strlen(value) + 1);
}

/**
 * administer_u32() - add an attribute to the request
 * @type: VGPU_A_*
 * @value: number
 */
void administer_u32(uint16_t type, uint32_t value)
{
	put(type, &value, sizeof(value));
}

/**
 * administer_uuid() - add an attribute to the request
 * @type: VGPU_A_*
 * @text: UUID as people write it
 */
void administer_uuid(uint16_t type, const char *text)
{
	uint8_t uuid[16];
	unsigned int i;

	for (i = 0; i < sizeof(uuid); i++, text += 2) {
		text += *text == '-';
		sscanf(text, "%2hhx", &uuid[i]);
	}
	put(type, uuid, sizeof(uuid));
}

/**
 * administer_call() - send the request, read the answer to its end
 *
 * Return: 0, or a negative errno: the kernel's, or -ENOBUFS where it could not say whether the
 * request was done, or -EAGAIN where it never answered.
 */
int administer_call(void)
{
	struct nlmsghdr *header;
	ssize_t n;

	if (send(sock, &request, request.header.nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		n = recv(sock, &answer, sizeof(answer), 0);
		if (n < 0)
			return -errno;
		for (header = &answer.header; NLMSG_OK(header, n); header = NLMSG_NEXT(header, n)) {
			if (header->nlmsg_seq != serial)
				continue;
			if (header->nlmsg_type == GENL_ID_CTRL)
				family = family_in((const uint8_t *)header, header->nlmsg_len);
			else if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE)
				return *(const int *)NLMSG_DATA(header);
		}
	}
}
