/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Devices of this process: the virtual GPUs that cuInit found
 */
#ifndef VGPU_LIBCUDA_DEVICE_H
#define VGPU_LIBCUDA_DEVICE_H

#include "session.h"

#define MAX_DEVICES 16

struct device {
	struct vgpu_guest_info info;
	struct session *session; /* opened with the first context */
	/* The primary context. */
	CUcontext primary;
	unsigned int primary_refs;
	unsigned int primary_flags;
};

/**
 * device_init_check() - whether cuInit has succeeded in this process
 * Return: CUDA_SUCCESS or CUDA_ERROR_NOT_INITIALIZED; takes no lock
 */
CUresult device_init_check(void);

/**
 * device_get() - looks a device up
 * @device: out
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_NOT_INITIALIZED or CUDA_ERROR_INVALID_DEVICE
 */
CUresult device_get(CUdevice dev, struct device **device);

/**
 * device_count() - devices found by cuInit
 */
int device_count(void);

/**
 * device_session() - the device's session, opened where it is not
 *
 * Return: CUDA_SUCCESS or why it could not be opened. Takes the devices' lock.
 */
CUresult device_session(struct device *device, struct session **session);

/**
 * device_attribute() - value of a CUdevice_attribute
 */
int device_attribute(const struct device *device, int attribute);

/**
 * device_primary_lock() - the lock that guards primary contexts; taken before any other
 */
pthread_mutex_t *device_primary_lock(void);

#endif
