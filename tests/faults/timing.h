/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef TESTS_FAULTS_TIMING_H
#define TESTS_FAULTS_TIMING_H

void timing_main(unsigned int vm);

#endif /* TESTS_FAULTS_TIMING_H */
