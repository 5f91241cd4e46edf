// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* What a device says of itself; what there is not is refused as CUDA refuses it. */
#include "sample.h"

int main(void)
{
	int count, value, major, minor, last = 0, version;
	size_t total, available, limit;
	char name[256], bus[32];
	CUdevice device = sample_begin(), again;
	CUcontext context, primary;
	unsigned int flags;
	CUuuid uuid;

	CU(cuDeviceGetCount(&count));
	CHECK(count >= 1);
	CU(cuDriverGetVersion(&version));
	CHECK(version >= 12000);
	CU(cuDeviceGetName(name, sizeof(name), device));
	CU(cuDeviceGetUuid(&uuid, device));
	CU(cuDeviceTotalMem(&total, device));
	CU(cuMemGetInfo(&available, &limit));
	CHECK(name[0] && total && available <= limit && limit <= total);
	CU(cuDeviceGetPCIBusId(bus, sizeof(bus), device));
	CU(cuDeviceGetByPCIBusId(&again, bus));
	CHECK(again == device);
	CU(cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device));
	CU(cuDeviceGetAttribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device));
	CHECK(major * 10 + minor >= 50);
	for (int i = 1; i < 150; i++)
		last += cuDeviceGetAttribute(&value, (CUdevice_attribute)i, device) == CUDA_SUCCESS;
	printf("%s, %d.%d, %zu MiB, %s, %d attributes\n", name, major, minor, total >> 20, bus, last);
	CHECK(last > 100);
	/* A device is no peer of itself. */
	CU(cuDeviceCanAccessPeer(&value, device, device));
	CHECK(value == 0);
	CU(cuCtxGetCurrent(&context));
	CHECK(cuCtxEnablePeerAccess(context, 0) != CUDA_SUCCESS);
	RESULT(CUDA_ERROR_INVALID_DEVICE, cuDeviceGet(&again, count));
	CU(cuCtxGetLimit(&limit, CU_LIMIT_STACK_SIZE));
	CHECK(limit >= 1024);
	CU(cuDevicePrimaryCtxGetState(device, &flags, &value));
	CHECK(!value);
	CU(cuDevicePrimaryCtxRetain(&primary, device));
	CU(cuDevicePrimaryCtxGetState(device, &flags, &value));
	CHECK(value && primary != context);
	CU(cuCtxPushCurrent(primary));
	CU(cuCtxPopCurrent(&primary));
	CU(cuDevicePrimaryCtxRelease(device));
	return 0;
}
