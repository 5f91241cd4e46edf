// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdlib.h>
#include "../../tests/loopback/loopback.h"
#include "port.h"

int port_open(unsigned int ordinal, struct port **port)
{
	const char *loopback = getenv(LB_ENV_SOCKET);

	if (loopback && *loopback)
		return port_loopback_open(ordinal, port);
	return port_device_open(ordinal, port);
}
