/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef TESTS_FAULTS_CLEARED_H
#define TESTS_FAULTS_CLEARED_H

#include <stdbool.h>

bool cleared(void);

#endif /* TESTS_FAULTS_CLEARED_H */
