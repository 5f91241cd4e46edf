// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * The least that a program can ask the kernel by netlink: its controller answers what family 16 is, which is itself. What
 * vgpu-admin takes is measured beside it.
 *
 *	echo [N]	so many times, 1 by default; prints microseconds of one
 */

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct request {
	struct nlmsghdr header;
	struct genlmsghdr genl;
	struct nlattr attr;
	__u16 family;
	__u16 pad;
};

static void ask(int sock)
{
	const struct request request = {
		.header = { .nlmsg_len = sizeof(request), .nlmsg_type = GENL_ID_CTRL, .nlmsg_flags = NLM_F_REQUEST },
		.genl = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 },
		.attr = { .nla_len = NLA_HDRLEN + sizeof(__u16), .nla_type = CTRL_ATTR_FAMILY_ID },
		.family = GENL_ID_CTRL,
	};
	char answer[8192];
	ssize_t len;

	if (send(sock, &request, sizeof(request), 0) != sizeof(request)) {
		perror("echo: send");
		exit(1);
	}
	len = recv(sock, answer, sizeof(answer), 0);
	if (len < (ssize_t)sizeof(struct nlmsghdr) || ((struct nlmsghdr *)answer)->nlmsg_type != GENL_ID_CTRL) {
		fprintf(stderr, "echo: the controller did not answer\n");
		exit(1);
	}
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC), count = argc > 1 ? atoi(argv[1]) : 1, i;
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	double start = now();

	if (sock < 0 || connect(sock, (const struct sockaddr *)&kernel, sizeof(kernel))) {
		perror("echo");
		return 1;
	}
	for (i = 0; i < count; i++)
		ask(sock);
	printf("%.1f\n", (now() - start) / count);
	close(sock);
	return 0;
}
