// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */

#define CREATE_TRACE_POINTS
#include "trace.h"
