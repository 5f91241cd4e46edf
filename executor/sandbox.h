/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * What a worker gives up before it sees a guest's bytes.
 */
#ifndef EXECUTOR_SANDBOX_H
#define EXECUTOR_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int sandbox_drop_privileges(uint32_t number, bool driver, const char **what);
int sandbox_try_namespaces(void);
int sandbox_seal(bool socket_calls, bool driver, const char **what);

#endif /* EXECUTOR_SANDBOX_H */
