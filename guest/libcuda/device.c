// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "context.h"
#include "device.h"
#include "error.h"

#define LIBRARY_VERSION CUDA_VERSION

enum init_state {
	INIT_NONE,
	INIT_DONE,
	INIT_FORKED, /* this is a child of a process that used CUDA */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t primary_lock = PTHREAD_MUTEX_INITIALIZER;
static int state = INIT_NONE;
static struct device devices[MAX_DEVICES];
static int count;

static void after_fork(void)
{
	if (state == INIT_DONE)
		__atomic_store_n(&state, INIT_FORKED, __ATOMIC_RELEASE);
	context_release_thread();
}

pthread_mutex_t *device_primary_lock(void)
{
	return &primary_lock;
}

CUresult device_init_check(void)
{
	return __atomic_load_n(&state, __ATOMIC_ACQUIRE) == INIT_DONE ? CUDA_SUCCESS
								      : CUDA_ERROR_NOT_INITIALIZED;
}

CUresult device_get(CUdevice dev, struct device **device)
{
	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (dev < 0 || dev >= count)
		return CUDA_ERROR_INVALID_DEVICE;
	*device = &devices[dev];
	return CUDA_SUCCESS;
}

int device_count(void)
{
	return count;
}

CUresult device_session(struct device *device, struct session **session)
{
	CUresult result = CUDA_SUCCESS;

	pthread_mutex_lock(&lock);
	if (!device->session)
		result = session_open(device - devices, &device->session);
	*session = device->session;
	pthread_mutex_unlock(&lock);
	return result;
}

static CUresult find_devices(void)
{
	for (count = 0; count < MAX_DEVICES; count++) {
		struct port *port;
		int err = port_open(count, &port);

		if (!err) {
			err = port->ops->info(port, &devices[count].info);
			port->ops->close(port);
		}
		if (err == -ENODEV)
			break;
		if (err)
			return count ? CUDA_SUCCESS : error_of_errno(err);
	}
	return count ? CUDA_SUCCESS : CUDA_ERROR_NO_DEVICE;
}

EXPORT CUresult cuInit(unsigned int flags)
{
	static bool fork_handled;
	CUresult result = CUDA_SUCCESS;

	if (flags)
		return CUDA_ERROR_INVALID_VALUE;
	if (!device_init_check())
		return CUDA_SUCCESS;
	pthread_mutex_lock(&lock);
	if (state == INIT_FORKED) {
		result = CUDA_ERROR_NOT_INITIALIZED;
	} else if (state == INIT_NONE) {
		result = find_devices();
		if (!result) {
			if (!fork_handled)
				pthread_atfork(NULL, NULL, after_fork);
			fork_handled = true;
			__atomic_store_n(&state, INIT_DONE, __ATOMIC_RELEASE);
		}
	}
	pthread_mutex_unlock(&lock);
	return result;
}

EXPORT CUresult cuDriverGetVersion(int *version)
{
	if (!version)
		return CUDA_ERROR_INVALID_VALUE;
	*version = LIBRARY_VERSION;
	/* What the driver behind the GPU cannot do is not promised. */
	if (!device_init_check() && devices[0].info.gpu.driver_version &&
	    devices[0].info.gpu.driver_version < LIBRARY_VERSION)
		*version = devices[0].info.gpu.driver_version;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!device)
		return CUDA_ERROR_INVALID_VALUE;
	if (ordinal < 0 || ordinal >= count)
		return CUDA_ERROR_INVALID_DEVICE;
	*device = ordinal;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetCount(int *out)
{
	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	*out = count;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetName(char *name, int len, CUdevice dev)
{
	struct device *device;
	CUresult result = device_get(dev, &device);

	if (result)
		return result;
	if (!name || len <= 0)
		return CUDA_ERROR_INVALID_VALUE;
	snprintf(name, len, "%.*s", (int)sizeof(device->info.gpu.name), device->info.gpu.name);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice dev)
{
	struct device *device;
	CUresult result = device_get(dev, &device);

	if (result)
		return result;
	if (!uuid)
		return CUDA_ERROR_INVALID_VALUE;
	memcpy(uuid->bytes, device->info.gpu.uuid, sizeof(uuid->bytes));
	return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice dev)
{
	return cuDeviceGetUuid(uuid, dev);
}

EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice dev)
{
	struct device *device;
	CUresult result = device_get(dev, &device);

	if (result)
		return result;
	if (!bytes)
		return CUDA_ERROR_INVALID_VALUE;
	*bytes = device->info.memory_size;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceTotalMem(unsigned int *bytes, CUdevice dev)
{
	size_t total;
	CUresult result = bytes ? cuDeviceTotalMem_v2(&total, dev) : CUDA_ERROR_INVALID_VALUE;

	if (!result)
		*bytes = total > UINT32_MAX ? UINT32_MAX : total;
	return result;
}

/* What the path to the GPU decides, whatever the GPU itself can do. */
static bool overridden(const struct device *device, int attribute, int *value)
{
	switch (attribute) {
	case CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID:
		*value = device->info.pci_domain;
		return true;
	case CU_DEVICE_ATTRIBUTE_PCI_BUS_ID:
		*value = device->info.pci_bus;
		return true;
	case CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID:
		*value = device->info.pci_device >> 3;
		return true;
	case CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY:
	case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING:
	case CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_HOST_REGISTER_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY:
	case CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_MEM_OPS_V1:
	case CU_DEVICE_ATTRIBUTE_CAN_USE_64_BIT_STREAM_MEM_OPS_V1:
	case CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_WAIT_VALUE_NOR_V1:
	case CU_DEVICE_ATTRIBUTE_CAN_USE_64_BIT_STREAM_MEM_OPS:
	case CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_WAIT_VALUE_NOR:
		*value = 1;
		return true;
	case CU_DEVICE_ATTRIBUTE_CONCURRENT_MANAGED_ACCESS:
	case CU_DEVICE_ATTRIBUTE_CAN_FLUSH_REMOTE_WRITES:
	case CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS:
	case CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS_USES_HOST_PAGE_TABLES:
	case CU_DEVICE_ATTRIBUTE_DIRECT_MANAGED_MEM_ACCESS_FROM_HOST:
	case CU_DEVICE_ATTRIBUTE_CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM:
	case CU_DEVICE_ATTRIBUTE_READ_ONLY_HOST_REGISTER_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_COOPERATIVE_MULTI_DEVICE_LAUNCH:
	case CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_FABRIC_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_MEMPOOL_SUPPORTED_HANDLE_TYPES:
	case CU_DEVICE_ATTRIBUTE_GENERIC_COMPRESSION_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_WITH_CUDA_VMM_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_SPARSE_CUDA_ARRAY_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_TIMELINE_SEMAPHORE_INTEROP_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_DMA_BUF_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_HOST_ALLOC_DMA_BUF_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_IPC_EVENT_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_MULTICAST_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_TENSOR_MAP_ACCESS_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_UNIFIED_FUNCTION_POINTERS:
	case CU_DEVICE_ATTRIBUTE_CLUSTER_LAUNCH:
	case CU_DEVICE_ATTRIBUTE_MPS_ENABLED:
		*value = 0;
		return true;
	default:
		return false;
	}
}

int device_attribute(const struct device *device, int attribute)
{
	int value;

	if (overridden(device, attribute, &value))
		return value;
	if (attribute < 0 || attribute >= VGPU_NUM_ATTRS ||
	    (uint32_t)attribute >= device->info.gpu.num_attrs)
		return 0;
	return device->info.gpu.attrs[attribute];
}

EXPORT CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice dev)
{
	struct device *device;
	CUresult result = device_get(dev, &device);

	if (result)
		return result;
	if (!value || (int)attribute <= 0 || attribute >= CU_DEVICE_ATTRIBUTE_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	*value = device_attribute(device, attribute);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetProperties(CUdevprop *prop, CUdevice dev)
{
	struct device *device;
	CUresult result = device_get(dev, &device);

	if (result)
		return result;
	if (!prop)
		return CUDA_ERROR_INVALID_VALUE;
	prop->maxThreadsPerBlock =
		device_attribute(device, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
	for (int i = 0; i < 3; i++) {
		prop->maxThreadsDim[i] =
			device_attribute(device, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X + i);
		prop->maxGridSize[i] =
			device_attribute(device, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X + i);
	}
	prop->sharedMemPerBlock =
		device_attribute(device, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK);
	prop->totalConstantMemory =
		device_attribute(device, CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY);
	prop->SIMDWidth = device_attribute(device, CU_DEVICE_ATTRIBUTE_WARP_SIZE);
	prop->memPitch = device_attribute(device, CU_DEVICE_ATTRIBUTE_MAX_PITCH);
	prop->regsPerBlock = device_attribute(device, CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK);
	prop->clockRate = device_attribute(device, CU_DEVICE_ATTRIBUTE_CLOCK_RATE);
	prop->textureAlign = device_attribute(device, CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice dev)
{
	struct device *device;
	CUresult result = device_get(dev, &device);

	if (result)
		return result;
	if (!major || !minor)
		return CUDA_ERROR_INVALID_VALUE;
	*major = device->info.gpu.cc_major;
	*minor = device->info.gpu.cc_minor;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceCanAccessPeer(int *can, CUdevice dev, CUdevice peer)
{
	struct device *device;
	CUresult result = device_get(dev, &device);

	if (!result)
		result = device_get(peer, &device);
	if (result)
		return result;
	if (!can)
		return CUDA_ERROR_INVALID_VALUE;
	*can = 0;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetP2PAttribute(int *value, CUdevice_P2PAttribute attribute, CUdevice dev,
					CUdevice peer)
{
	struct device *device;
	CUresult result = device_get(dev, &device);

	if (!result)
		result = device_get(peer, &device);
	if (result)
		return result;
	if (!value || dev == peer || attribute < CU_DEVICE_P2P_ATTRIBUTE_PERFORMANCE_RANK ||
	    attribute > CU_DEVICE_P2P_ATTRIBUTE_ONLY_PARTIAL_NATIVE_ATOMIC_SUPPORTED)
		return CUDA_ERROR_INVALID_VALUE;
	*value = 0;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetPCIBusId(char *id, int len, CUdevice dev)
{
	struct device *device;
	CUresult result = device_get(dev, &device);

	if (result)
		return result;
	if (!id || len <= 0)
		return CUDA_ERROR_INVALID_VALUE;
	snprintf(id, len, "%04x:%02x:%02x.%x", device->info.pci_domain, device->info.pci_bus,
		 device->info.pci_device >> 3, device->info.pci_device & 7);
	return CUDA_SUCCESS;
}

/* [domain:]bus:device[.function] in hexadecimal, to the four numbers. */
static bool parse_pci_id(const char *id, unsigned long out[4])
{
	unsigned long part[3];
	int parts = 0;
	char *end;

	out[3] = 0;
	for (;; id = end + 1) {
		if (!isxdigit((unsigned char)*id) || parts == 3)
			return false;
		part[parts++] = strtoul(id, &end, 16);
		if (*end != ':')
			break;
	}
	if (*end == '.' && isxdigit((unsigned char)end[1]))
		out[3] = strtoul(end + 1, &end, 16);
	if (*end || parts < 2)
		return false;
	out[0] = parts == 3 ? part[0] : 0;
	out[1] = part[parts - 2];
	out[2] = part[parts - 1];
	return true;
}

EXPORT CUresult cuDeviceGetByPCIBusId(CUdevice *dev, const char *id)
{
	unsigned long pci[4];

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!dev || !id || !parse_pci_id(id, pci))
		return CUDA_ERROR_INVALID_VALUE;
	for (int i = 0; i < count; i++) {
		const struct vgpu_guest_info *info = &devices[i].info;

		if (info->pci_domain == pci[0] && info->pci_bus == pci[1] &&
		    info->pci_device == (pci[2] << 3 | pci[3])) {
			*dev = i;
			return CUDA_SUCCESS;
		}
	}
	return CUDA_ERROR_INVALID_DEVICE;
}

EXPORT CUresult cuDeviceGetTexture1DLinearMaxWidth(size_t *width, CUarray_format format,
						   unsigned int channels, CUdevice dev)
{
	struct device *device;
	CUresult result = device_get(dev, &device);

	if (result)
		return result;
	if (!width || !channels || channels > 4)
		return CUDA_ERROR_INVALID_VALUE;
	*width = device_attribute(device, CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LINEAR_WIDTH);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetExecAffinitySupport(int *supported, CUexecAffinityType type, CUdevice dev)
{
	struct device *device;
	CUresult result = device_get(dev, &device);

	if (result)
		return result;
	if (!supported || type >= CU_EXEC_AFFINITY_TYPE_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	*supported = 0;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned int flags)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (flags)
		return CUDA_ERROR_INVALID_VALUE;
	return context_get(peer) ? CUDA_ERROR_PEER_ACCESS_UNSUPPORTED : CUDA_ERROR_INVALID_CONTEXT;
}

EXPORT CUresult cuCtxDisablePeerAccess(CUcontext peer)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	return context_get(peer) ? CUDA_ERROR_PEER_ACCESS_NOT_ENABLED : CUDA_ERROR_INVALID_CONTEXT;
}
