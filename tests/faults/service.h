/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * What serves the virtual GPUs: over loopback a daemon with a supervisor, in a hypervisor the module with a supervisor.
 */
#ifndef TESTS_FAULTS_SERVICE_H
#define TESTS_FAULTS_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

bool service_start(bool vfio, uint64_t seed);
bool service_start_supervisor(void);
void service_kill_supervisor(void);
bool service_stop(void);

#endif /* TESTS_FAULTS_SERVICE_H */
