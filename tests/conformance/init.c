// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Initialisation, errors, devices, entry points. */
#include <dlfcn.h>
#include "conform.h"

static void not_initialized(void)
{
	int count;
	CUdevice dev;
	CUcontext ctx;
	CUdeviceptr p;

	RESULT(CUDA_ERROR_NOT_INITIALIZED, cuDeviceGetCount(&count));
	RESULT(CUDA_ERROR_NOT_INITIALIZED, cuDeviceGet(&dev, 0));
	RESULT(CUDA_ERROR_NOT_INITIALIZED, cuCtxCreate(&ctx, NULL, 0, 0));
	RESULT(CUDA_ERROR_NOT_INITIALIZED, cuCtxGetCurrent(&ctx));
	RESULT(CUDA_ERROR_NOT_INITIALIZED, cuMemAlloc(&p, 16));
	RESULT(CUDA_ERROR_NOT_INITIALIZED, cuCtxSynchronize());
	RESULT(CUDA_ERROR_INVALID_VALUE, cuInit(1));
	CU(cuInit(0));
	CU(cuInit(0));
	RESULT(CUDA_ERROR_INVALID_CONTEXT, cuMemAlloc(&p, 16));
	RESULT(CUDA_ERROR_INVALID_CONTEXT, cuCtxSynchronize());
}

static void error_names(void)
{
	const char *text;

	CU(cuGetErrorName(CUDA_ERROR_OUT_OF_MEMORY, &text));
	CHECK(!strcmp(text, "CUDA_ERROR_OUT_OF_MEMORY"));
	CU(cuGetErrorString(CUDA_ERROR_OUT_OF_MEMORY, &text));
	CHECK(!strcmp(text, "out of memory"));
	CU(cuGetErrorName(CUDA_SUCCESS, &text));
	CHECK(!strcmp(text, "CUDA_SUCCESS"));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuGetErrorName((CUresult)12345, &text));
	CHECK(!text);
	RESULT(CUDA_ERROR_INVALID_VALUE, cuGetErrorString((CUresult)12345, &text));
	CHECK(!text);
}

static void versions(void)
{
	int version = 0;

	CU(cuDriverGetVersion(&version));
	CHECK(version >= 11000 && version < 20000);
	RESULT(CUDA_ERROR_INVALID_VALUE, cuDriverGetVersion(NULL));
}

static void devices(void)
{
	int count = 0, value = 0, major = 0, minor = 0;
	char name[256] = "";
	size_t total = 0;
	CUdevice dev;
	CUuuid uuid, zero;

	memset(&uuid, 0, sizeof(uuid));
	memset(&zero, 0, sizeof(zero));
	CU(cuDeviceGetCount(&count));
	CHECK(count >= 1);
	CU(cuDeviceGet(&dev, 0));
	RESULT(CUDA_ERROR_INVALID_DEVICE, cuDeviceGet(&dev, count));
	RESULT(CUDA_ERROR_INVALID_DEVICE, cuDeviceGet(&dev, -1));
	CU(cuDeviceGetName(name, sizeof(name), dev));
	CHECK(strlen(name) > 0);
	CU(cuDeviceGetName(name, 4, dev));
	EQUAL(strlen(name), 3);
	CU(cuDeviceTotalMem(&total, dev));
	CHECK(total >= 16 << 20);
	CU(cuDeviceGetUuid(&uuid, dev));
	CHECK(memcmp(&uuid, &zero, sizeof(uuid)));
	CU(cuDeviceComputeCapability(&major, &minor, dev));
	CU(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, dev));
	EQUAL(value, major);
	CU(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, dev));
	EQUAL(value, minor);
	RESULT(CUDA_ERROR_INVALID_DEVICE,
	       cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, count + 5));
	RESULT(CUDA_ERROR_INVALID_VALUE,
	       cuDeviceGetAttribute(&value, (CUdevice_attribute)100000, dev));
}

static void attributes(void)
{
	CUdevice dev = conform_device();
	CUdevprop prop;
	int value;

	CU(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, dev));
	EQUAL(value, 32);
	CU(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, dev));
	EQUAL(value, 1024);
	CU(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, dev));
	EQUAL(value, 2147483647);
	CU(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING, dev));
	EQUAL(value, 1);
	CU(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, dev));
	CHECK(value > 0);
	CU(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, dev));
	EQUAL(value, 48 << 10);
	CU(cuDeviceGetProperties(&prop, dev));
	EQUAL(prop.SIMDWidth, 32);
	EQUAL(prop.maxThreadsPerBlock, 1024);
	EQUAL(prop.maxThreadsDim[2], 64);
}

static void pci_bus_id(void)
{
	CUdevice dev = conform_device(), found = -1;
	char id[32];

	CU(cuDeviceGetPCIBusId(id, sizeof(id), dev));
	CU(cuDeviceGetByPCIBusId(&found, id));
	EQUAL(found, dev);
	RESULT(CUDA_ERROR_INVALID_DEVICE, cuDeviceGetByPCIBusId(&found, "7fff:7e:1d.0"));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuDeviceGetByPCIBusId(&found, "nonsense"));
}

static void peers(void)
{
	CUdevice dev = conform_device();
	int can = 7;

	CU(cuDeviceCanAccessPeer(&can, dev, dev));
	EQUAL(can, 0);
}

static void proc_address(void)
{
	CUdriverProcAddressQueryResult found;
	void *fn = NULL, *old = NULL, *thread = NULL;
	CUresult (*get_count)(int *count);
	int count = 0;

	CU(cuGetProcAddress("cuDeviceGetCount", &fn, 12000, CU_GET_PROC_ADDRESS_DEFAULT, &found));
	EQUAL(found, CU_GET_PROC_ADDRESS_SUCCESS);
	get_count = (CUresult(*)(int *))fn;
	CU(get_count(&count));
	CHECK(count >= 1);
	/* The version decides which generation of a call it is. */
	CU(cuGetProcAddress("cuCtxCreate", &old, 3020, CU_GET_PROC_ADDRESS_DEFAULT, NULL));
	CU(cuGetProcAddress("cuCtxCreate", &fn, 11040, CU_GET_PROC_ADDRESS_DEFAULT, NULL));
	CHECK(fn != old);
	CU(cuGetProcAddress("cuMemAlloc", &fn, 12000, CU_GET_PROC_ADDRESS_DEFAULT, NULL));
	CHECK(fn == dlsym(RTLD_DEFAULT, "cuMemAlloc_v2"));
	/* Flags choose the default stream. */
	CU(cuGetProcAddress("cuLaunchKernel", &fn, 12000, CU_GET_PROC_ADDRESS_LEGACY_STREAM, NULL));
	CU(cuGetProcAddress("cuLaunchKernel", &thread, 12000,
			    CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM, NULL));
	CHECK(fn != thread);
	CU(cuGetProcAddress("cuMemcpyHtoD", &thread, 12000,
			    CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM, NULL));
	CHECK(thread == dlsym(RTLD_DEFAULT, "cuMemcpyHtoD_v2_ptds"));
	RESULT(CUDA_ERROR_NOT_FOUND,
	       cuGetProcAddress("cuNoSuchCall", &fn, 12000, CU_GET_PROC_ADDRESS_DEFAULT, &found));
	EQUAL(found, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND);
	CHECK(!fn);
	RESULT(CUDA_ERROR_NOT_FOUND,
	       cuGetProcAddress("cuMemAllocAsync", &fn, 10000, CU_GET_PROC_ADDRESS_DEFAULT, &found));
	EQUAL(found, CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT);
}

/* Names that programs look up before they begin. */
/* Looks a call up by the version that a program of today asks for. */
static void *current(const char *name)
{
	void *fn = NULL;

	CU(cuGetProcAddress(name, &fn, 12030, CU_GET_PROC_ADDRESS_DEFAULT, NULL));
	CHECK(fn);
	return fn;
}

typedef CUresult (*value32_fn)(CUstream stream, CUdeviceptr addr, cuuint32_t value,
			       unsigned int flags);
typedef CUresult (*value64_fn)(CUstream stream, CUdeviceptr addr, cuuint64_t value,
			       unsigned int flags);
typedef CUresult (*import_fn)(void **semaphore, const void *description);

/* Where an attribute says that a device cannot, the calls say so too, and nothing has happened. */
static void absent(void)
{
	import_fn import;
	value32_fn value32;
	value64_fn value64;
	CUdevice dev = conform_device();
	uint64_t description[32] = { 0 };
	unsigned int content = 0;
	void *semaphore = NULL;
	CUdeviceptr p;
	int can = 1;

	CU(cuMemAlloc(&p, 8));
	CU(cuMemsetD32(p, 7, 2));
	CU(cuDeviceGetAttribute(&can, CU_DEVICE_ATTRIBUTE_CAN_USE_64_BIT_STREAM_MEM_OPS, dev));
	if (!can) {
		value32 = (value32_fn)current("cuStreamWriteValue32");
		RESULT(CUDA_ERROR_NOT_SUPPORTED, value32(NULL, p, 1, 0));
		value32 = (value32_fn)current("cuStreamWaitValue32");
		RESULT(CUDA_ERROR_NOT_SUPPORTED, value32(NULL, p, 1, 1));
		value64 = (value64_fn)current("cuStreamWriteValue64");
		RESULT(CUDA_ERROR_NOT_SUPPORTED, value64(NULL, p, 1, 0));
		value64 = (value64_fn)current("cuStreamWaitValue64");
		RESULT(CUDA_ERROR_NOT_SUPPORTED, value64(NULL, p, 1, 1));
	}
	CU(cuDeviceGetAttribute(&can, CU_DEVICE_ATTRIBUTE_TIMELINE_SEMAPHORE_INTEROP_SUPPORTED, dev));
	if (!can) {
		import = (import_fn)current("cuImportExternalSemaphore");
		RESULT(CUDA_ERROR_NOT_SUPPORTED, import(&semaphore, description));
		CHECK(!semaphore);
	}
	CU(cuCtxSynchronize());
	CU(cuMemcpyDtoH(&content, p, 4));
	EQUAL(content, 7);
	CU(cuMemFree(p));
}

static void symbols(void)
{
	static const char *const names[] = {
		"cuInit",
		"cuCtxCreate",
		"cuCtxCreate_v2",
		"cuCtxDestroy",
		"cuCtxDestroy_v2",
		"cuMemAlloc",
		"cuMemAlloc_v2",
		"cuMemFree",
		"cuMemFree_v2",
		"cuMemcpyHtoD",
		"cuMemcpyHtoD_v2",
		"cuMemcpyHtoD_v2_ptds",
		"cuLaunchKernel",
		"cuLaunchKernel_ptsz",
		"cuGraphInstantiate",
		"cuGraphInstantiate_v2",
		"cuGraphInstantiateWithFlags",
		"cuGetExportTable",
		"cuArrayCreate_v2",
		"cuTexObjectCreate",
		"cuIpcGetMemHandle",
		"cuProfilerStart",
		"cuEventElapsedTime",
		"cuStreamWaitValue32_v2",
		"cuMemAllocManaged",
		"cuModuleGetTexRef",
		"cuGLGetDevices_v2",
		"cuParamSetv",
		"cuLaunchGrid",
		"cuFuncSetBlockShape",
		"cuMemAdvise",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!dlsym(RTLD_DEFAULT, names[i]))
			FAIL("%s is not exported", names[i]);
}

int main(void)
{
	static const struct conform_test tests[] = {
		TEST_BARE(not_initialized),
		TEST(error_names),
		TEST(versions),
		TEST(devices),
		TEST(attributes),
		TEST(pci_bus_id),
		TEST(peers),
		TEST(proc_address),
		TEST(absent),
		TEST(symbols),
		{ NULL },
	};

	return conform_main(tests);
}
