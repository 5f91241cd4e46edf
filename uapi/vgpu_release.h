/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* Copyright (c) vgpu authors */
/*
 * The release that module, executor, tools and packages say they are. Interfaces have versions of their own.
 */
#ifndef _UAPI_VGPU_RELEASE_H
#define _UAPI_VGPU_RELEASE_H

#define VGPU_RELEASE	"0.1.0"

#endif /* _UAPI_VGPU_RELEASE_H */
