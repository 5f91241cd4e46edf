// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#define CREATE_TRACE_POINTS
#include "trace.h"
