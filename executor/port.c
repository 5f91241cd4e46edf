// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include "port.h"

/**
 * port_open() - open the way to the mediator
 * @address: where it is
 * @port: set on success; end it with its close operation
 *
 * Return: 0 or a negative errno.
 */
int port_open(const struct port_address *address, struct port **port)
{
	if (address->loopback)
		return port_loopback_open(address->path, port);
	return port_chardev_open(address->path, port);
}
