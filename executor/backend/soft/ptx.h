/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * DOC: PTX interpreter
 *
 * The interpreter runs PTX on the CPU as a GPU would. It has four parts, each usable alone:
 *
 * - struct soft_mem: device memory. It adopts a reserved range of host addresses, so that a device address
 *   is a host address, and knows which parts of it are backed.
 * - struct ptx_module: PTX texts, parsed, linked and decoded once. A module owns its variables in device memory.
 * - struct ptx_env: what running kernels share: memory, threads, the heap of malloc(), the sink of printf().
 * - ptx_launch(): runs one grid to its end, a fault, or until it is told to stop.
 *
 * Functions return a CUresult as an int: PTX_SUCCESS or one of the PTX_ERROR_ values. Nothing here prints, exits or
 * raises a signal; PTX of any content gives an error, never undefined behaviour in the host.
 *
 * Threads: a soft_mem, an env and a loaded module may be used by several threads at once. Loading and unloading
 * different modules at once is allowed; a module must not be unloaded, and memory not unmapped, under
 * a launch that uses it.
 */
#ifndef EXECUTOR_SOFT_PTX_H
#define EXECUTOR_SOFT_PTX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Compute capability that the interpreter is complete for, and the newest PTX version that it reads. */
#define PTX_CC_MAJOR		8
#define PTX_CC_MINOR		0
#define PTX_ISA_MAX		90	/* 10 * major + minor */
#define PTX_WARP_SIZE		32
#define PTX_MAX_BLOCK_THREADS	1024
#define PTX_MAX_SHARED_STATIC	(48u << 10)	/* bytes of .shared a function may declare */
#define PTX_MAX_SHARED		(163u << 10)	/* bytes of static and dynamic shared memory of a block */
#define PTX_MAX_PARAMS		32764
#define PTX_NUM_SMS		16	/* what %nsmid says; blocks resident at once follow from it */
#define PTX_BLOCKS_PER_SM	32
#define PTX_MAX_REGS		255	/* registers per thread that attributes report at most */

/* CUresult values that the interpreter returns. */
enum ptx_result {
	PTX_SUCCESS = 0,
	PTX_ERROR_INVALID_VALUE = 1,
	PTX_ERROR_OUT_OF_MEMORY = 2,
	PTX_ERROR_INVALID_IMAGE = 200,
	PTX_ERROR_NO_BINARY_FOR_GPU = 209,
	PTX_ERROR_INVALID_PTX = 218,
	PTX_ERROR_UNSUPPORTED_PTX_VERSION = 222,
	PTX_ERROR_SYMBOL_NOT_FOUND = 302,	/* CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND: undefined reference */
	PTX_ERROR_NOT_FOUND = 500,
	PTX_ERROR_ILLEGAL_ADDRESS = 700,
	PTX_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
	PTX_ERROR_LAUNCH_TIMEOUT = 702,		/* stopped by the stop flag or the instruction budget */
	PTX_ERROR_ASSERT = 710,
	PTX_ERROR_HARDWARE_STACK_ERROR = 714,
	PTX_ERROR_ILLEGAL_INSTRUCTION = 715,
	PTX_ERROR_MISALIGNED_ADDRESS = 716,
	PTX_ERROR_INVALID_ADDRESS_SPACE = 717,
	PTX_ERROR_INVALID_PC = 718,
	PTX_ERROR_LAUNCH_FAILED = 719,		/* trap */
	PTX_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE = 720,
};

/* Device memory */

#define SOFT_MEM_GRANULE	(2ull << 20)

struct soft_mem;

/**
 * soft_mem_create - adopts a reserved address range as device memory
 * @out: the new memory
 * @base: first address, a multiple of SOFT_MEM_GRANULE, reserved by the caller (mmap with PROT_NONE)
 * @size: bytes, a multiple of SOFT_MEM_GRANULE
 *
 * The range stays the caller's to release after soft_mem_destroy(). Nothing in it is mapped at first.
 *
 * Return: PTX_SUCCESS, PTX_ERROR_INVALID_VALUE or PTX_ERROR_OUT_OF_MEMORY.
 */
int soft_mem_create(struct soft_mem **out, void *base, uint64_t size);

/**
 * soft_mem_destroy - forgets the memory; what is mapped goes back to PROT_NONE
 * @mem: memory, or NULL
 */
void soft_mem_destroy(struct soft_mem *mem);

/**
 * soft_mem_map - backs a part of the range with zeroed memory
 * @mem: memory
 * @addr: address, a multiple of SOFT_MEM_GRANULE
 * @len: bytes, a multiple of SOFT_MEM_GRANULE, not zero
 *
 * Return: PTX_SUCCESS; PTX_ERROR_INVALID_VALUE where it is outside the range or partly mapped already;
 * PTX_ERROR_OUT_OF_MEMORY.
 */
int soft_mem_map(struct soft_mem *mem, uint64_t addr, uint64_t len);

/**
 * soft_mem_map_shared - soft_mem_map() of what may have aliases
 * @mem: memory
 * @addr: multiple of SOFT_MEM_GRANULE
 * @len: multiple of SOFT_MEM_GRANULE
 *
 * Return: as soft_mem_map().
 */
int soft_mem_map_shared(struct soft_mem *mem, uint64_t addr, uint64_t len);

/**
 * soft_mem_alias - makes memory reachable at a second address
 * @mem: memory
 * @addr: where nothing is mapped, multiple of SOFT_MEM_GRANULE
 * @len: multiple of SOFT_MEM_GRANULE
 * @source: of what soft_mem_map_shared() mapped with this length
 *
 * Return: as soft_mem_map().
 */
int soft_mem_alias(struct soft_mem *mem, uint64_t addr, uint64_t len, uint64_t source);

/**
 * soft_mem_unmap - takes the backing away; its content is lost, unless it was an alias. What has aliases stays
 * @mem: memory
 * @addr: address, a multiple of SOFT_MEM_GRANULE
 * @len: bytes, a multiple of SOFT_MEM_GRANULE, all of it mapped
 *
 * No launch that uses the memory may be running.
 *
 * Return: PTX_SUCCESS or PTX_ERROR_INVALID_VALUE.
 */
int soft_mem_unmap(struct soft_mem *mem, uint64_t addr, uint64_t len);

/**
 * soft_mem_add_host - lets kernels reach host memory, e.g. pinned memory in the aperture
 * @mem: memory
 * @addr: address
 * @len: bytes; the caller keeps them mapped, readable and writable, until soft_mem_remove_host()
 *
 * Return: PTX_SUCCESS, PTX_ERROR_INVALID_VALUE (overlap) or PTX_ERROR_OUT_OF_MEMORY.
 */
int soft_mem_add_host(struct soft_mem *mem, uint64_t addr, uint64_t len);

/**
 * soft_mem_remove_host - undoes soft_mem_add_host() of the same address and length
 * @mem: memory
 * @addr: address
 * @len: bytes
 *
 * Return: PTX_SUCCESS or PTX_ERROR_INVALID_VALUE.
 */
int soft_mem_remove_host(struct soft_mem *mem, uint64_t addr, uint64_t len);

/**
 * soft_mem_valid - tells whether every byte of a range is mapped device or added host memory
 * @mem: memory
 * @addr: address
 * @len: bytes
 *
 * Copies and memsets that the backend does itself check with this.
 */
bool soft_mem_valid(struct soft_mem *mem, uint64_t addr, uint64_t len);

/**
 * struct soft_va_ops - where module variables and the kernel heap come from
 * @alloc: stores in @addr the address of @size bytes of mapped device memory, aligned to @align (a power of
 *	two); returns a CUresult
 * @free: gives back what @alloc gave
 * @ctx: first argument of both
 *
 * Called from ptx_module_load(), ptx_module_unload(), and, for the heap, from the first launch that needs it
 * and ptx_env_destroy(). Memory need not be zero.
 */
struct soft_va_ops {
	int (*alloc)(void *ctx, uint64_t size, uint64_t align, uint64_t *addr);
	void (*free)(void *ctx, uint64_t addr, uint64_t size);
	void *ctx;
};

/* Modules */

struct ptx_module;
struct ptx_function;

/**
 * struct ptx_input - one PTX text
 * @name: name for the log; NULL gives "application ptx input"
 * @text: the text; need not end in NUL, and ends at the first NUL
 * @len: bytes
 */
struct ptx_input {
	const char *name;
	const char *text;
	size_t len;
};

/**
 * struct ptx_log - where messages of a load go
 * @buf: caller's buffer, or NULL
 * @size: bytes of it
 * @used: out: bytes written, without the NUL that ends them
 *
 * Messages have the form of ptxas: "ptxas application ptx input, line 12; error   : ...".
 */
struct ptx_log {
	char *buf;
	size_t size;
	size_t used;
};

/**
 * ptx_module_load - parses, links and decodes PTX
 * @out: the module
 * @mem: memory in which @va allocates
 * @va: allocator for the module's variables; kept until ptx_module_unload()
 * @inputs: texts; several are linked: .extern of one is found in .visible or .weak of another
 * @num_inputs: at least 1
 * @log: messages, or NULL
 *
 * Return: PTX_SUCCESS; PTX_ERROR_INVALID_PTX, PTX_ERROR_UNSUPPORTED_PTX_VERSION (a .version that is newer than PTX_ISA_MAX,
 * a .target above the compute capability) or PTX_ERROR_SYMBOL_NOT_FOUND, each with the reason in the log;
 * PTX_ERROR_OUT_OF_MEMORY.
 */
int ptx_module_load(struct ptx_module **out, struct soft_mem *mem, const struct soft_va_ops *va,
		    const struct ptx_input *inputs, unsigned int num_inputs, struct ptx_log *log);

/**
 * ptx_module_unload - frees a module and its variables
 * @module: module, or NULL
 */
void ptx_module_unload(struct ptx_module *module);

/**
 * ptx_module_function - finds a kernel
 * @module: module
 * @name: name of an .entry, NUL-terminated
 *
 * Return: the kernel, which lives as long as the module, or NULL.
 */
const struct ptx_function *ptx_module_function(const struct ptx_module *module, const char *name);

/**
 * ptx_module_function_at - enumerates the kernels of a module
 * @module: module
 * @index: from 0
 *
 * Return: the kernel, or NULL past the last.
 */
const struct ptx_function *ptx_module_function_at(const struct ptx_module *module, unsigned int index);

/**
 * ptx_module_global - finds a variable of .global or .const space
 * @module: module
 * @name: name, NUL-terminated
 * @addr: out: device address
 * @size: out: bytes
 *
 * Return: PTX_SUCCESS or PTX_ERROR_NOT_FOUND.
 */
int ptx_module_global(const struct ptx_module *module, const char *name, uint64_t *addr, uint64_t *size);

/**
 * ptx_module_uses_printf - tells whether code of the module calls vprintf or __assertfail
 * @module: module
 */
bool ptx_module_uses_printf(const struct ptx_module *module);

/**
 * ptx_module_uses_malloc - tells whether code of the module calls malloc
 * @module: module
 */
bool ptx_module_uses_malloc(const struct ptx_module *module);

/**
 * struct ptx_param - one parameter of a kernel
 * @offset: bytes from the start of the parameter buffer
 * @size: bytes
 */
struct ptx_param {
	uint32_t offset;
	uint32_t size;
};

/**
 * struct ptx_function_info - attributes of a kernel
 * @name: its name
 * @max_threads: threads per block that it can be launched with
 * @required_block: dimensions that .reqntid demands, zeros where it demands none
 * @max_block: dimensions that .maxntid allows, zeros where it says nothing
 * @shared_size: static shared memory in bytes
 * @const_size: bytes of .const variables of the module
 * @local_size: local memory per thread in bytes, called functions included
 * @num_regs: 32-bit registers per thread
 * @ptx_version: 10 * major + minor of the module
 * @binary_version: 10 * PTX_CC_MAJOR + PTX_CC_MINOR
 * @num_params: parameters
 * @params_size: bytes of the parameter buffer
 * @params: offset and size of each
 */
struct ptx_function_info {
	const char *name;
	uint32_t max_threads;
	uint32_t required_block[3];
	uint32_t max_block[3];
	uint32_t shared_size;
	uint32_t const_size;
	uint32_t local_size;
	uint32_t num_regs;
	uint32_t ptx_version;
	uint32_t binary_version;
	uint32_t num_params;
	uint32_t params_size;
	const struct ptx_param *params;
};

/**
 * ptx_function_info - attributes of a kernel
 * @func: kernel
 *
 * Return: its attributes, which live as long as its module.
 */
const struct ptx_function_info *ptx_function_info(const struct ptx_function *func);

/* Running */

struct ptx_env;

/**
 * struct ptx_env_config - what an environment is made of
 * @mem: device memory
 * @va: allocator for the heap of malloc() in kernels
 * @threads: threads that run blocks, the caller of ptx_launch() included; 0 takes one per CPU allowed
 * @heap_size: bytes of heap; 0 takes 8 MiB
 * @print: takes output of vprintf, whole calls only, one at a time, from any thread; may be NULL
 * @print_ctx: its first argument
 */
struct ptx_env_config {
	struct soft_mem *mem;
	struct soft_va_ops va;
	unsigned int threads;
	uint64_t heap_size;
	void (*print)(void *ctx, const char *text, size_t len);
	void *print_ctx;
};

/**
 * ptx_env_create - makes an environment and starts its threads
 * @out: the environment
 * @config: copied
 *
 * Return: PTX_SUCCESS, PTX_ERROR_INVALID_VALUE or PTX_ERROR_OUT_OF_MEMORY.
 */
int ptx_env_create(struct ptx_env **out, const struct ptx_env_config *config);

/**
 * ptx_env_destroy - ends the threads and frees the environment; no launch may be running
 * @env: environment, or NULL
 */
void ptx_env_destroy(struct ptx_env *env);

/**
 * ptx_env_set_heap - sets the size of the kernel heap
 * @env: environment
 * @size: bytes
 *
 * Return: PTX_SUCCESS; PTX_ERROR_INVALID_VALUE when a launch has used the heap already; PTX_ERROR_OUT_OF_MEMORY when it has
 * memory, and there is not so much.
 */
int ptx_env_set_heap(struct ptx_env *env, uint64_t size);

/**
 * ptx_env_start_heap - gives the kernel heap its memory, which it takes at the first malloc otherwise
 * @env: environment
 *
 * Return: PTX_SUCCESS or PTX_ERROR_OUT_OF_MEMORY.
 */
int ptx_env_start_heap(struct ptx_env *env);

/**
 * ptx_env_set_stack - sets the stack of a thread, which bounds recursion (CU_LIMIT_STACK_SIZE)
 * @env: environment
 * @size: bytes, up to 512 KiB; the default is 1 KiB
 *
 * Return: PTX_SUCCESS or PTX_ERROR_INVALID_VALUE.
 */
int ptx_env_set_stack(struct ptx_env *env, uint64_t size);

/* CUarray_format */
enum ptx_format {
	PTX_FORMAT_U8 = 0x01,
	PTX_FORMAT_U16 = 0x02,
	PTX_FORMAT_U32 = 0x03,
	PTX_FORMAT_S8 = 0x08,
	PTX_FORMAT_S16 = 0x09,
	PTX_FORMAT_S32 = 0x0a,
	PTX_FORMAT_HALF = 0x10,
	PTX_FORMAT_FLOAT = 0x20,
};

/* CUaddress_mode */
enum ptx_address {
	PTX_ADDRESS_WRAP = 0,
	PTX_ADDRESS_CLAMP = 1,
	PTX_ADDRESS_MIRROR = 2,
	PTX_ADDRESS_BORDER = 3,
};

#define PTX_TEXTURE_LINEAR	0	/* of enum vgpu_texture_kind: the others are pitched alike */

/**
 * struct ptx_texture - a texture object
 * @addr: first texel; an access to what is not mapped faults
 * @width: texels of a row
 * @height: rows; 0 for PTX_TEXTURE_LINEAR, 1 where there is one
 * @depth: slices or layers, at least 1 but for PTX_TEXTURE_LINEAR
 * @pitch: bytes from row to row
 * @kind: enum vgpu_texture_kind
 * @format: enum ptx_format
 * @channels: 1, 2 or 4
 * @address: enum ptx_address of each dimension
 * @filter: linear
 * @normalized: coordinates are
 * @integer: integers of 8 and 16 bits are read as such
 * @border: colour outside
 */
struct ptx_texture {
	uint64_t addr;
	uint32_t width;
	uint32_t height;
	uint32_t depth;
	uint32_t pitch;
	uint8_t kind;
	uint8_t format;
	uint8_t channels;
	uint8_t address[3];
	bool filter;
	bool normalized;
	bool integer;
	float border[4];
};

/**
 * ptx_env_set_texture - makes a texture object, or ends one
 * @env: environment
 * @number: its number, below 65536
 * @texture: copied; NULL to end it, while no launch runs
 * @handle: out: what kernels take; not written where @texture is NULL
 *
 * One at a time.
 *
 * Return: PTX_SUCCESS; PTX_ERROR_INVALID_VALUE for a number out of range or in use; PTX_ERROR_NOT_FOUND where there is nothing to end;
 * PTX_ERROR_OUT_OF_MEMORY.
 */
int ptx_env_set_texture(struct ptx_env *env, uint32_t number, const struct ptx_texture *texture, uint64_t *handle);

/**
 * struct ptx_fault - what went wrong in a launch
 * @result: as ptx_launch() returned it; PTX_SUCCESS where nothing did
 * @kernel: name of the kernel; lives as long as the module
 * @function: name of the function that the thread was in; lives as long as the module
 * @line: line of the instruction in its PTX text, from 1
 * @ctaid: block
 * @tid: thread
 * @address: address of the access, where the fault is one of an access
 * @message: one line for a log: what, where, which address
 */
struct ptx_fault {
	int result;
	const char *kernel;
	const char *function;
	uint32_t line;
	uint32_t ctaid[3];
	uint32_t tid[3];
	uint64_t address;
	char message[384];
};

#define PTX_LAUNCH_COOPERATIVE	(1u << 0)	/* all blocks resident at once, or PTX_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE */

/**
 * struct ptx_launch - one grid
 * @func: kernel
 * @grid: blocks, each at least 1
 * @block: threads, each at least 1
 * @dynamic_shared: bytes of dynamic shared memory
 * @flags: PTX_LAUNCH_*
 * @params: parameter buffer, laid out as ptx_function_info::params say; copied
 * @params_len: bytes; at least params_size
 * @budget: warp instructions that the launch may execute in all; 0 sets no bound
 * @stop: the launch ends soon after this becomes non-zero; may be NULL
 */
struct ptx_launch {
	const struct ptx_function *func;
	uint32_t grid[3];
	uint32_t block[3];
	uint32_t dynamic_shared;
	uint32_t flags;
	const void *params;
	uint32_t params_len;
	uint64_t budget;
	const _Atomic int *stop;
};

/**
 * ptx_launch - runs a grid
 * @env: environment
 * @launch: what to run
 * @fault: out: filled where the result is not PTX_SUCCESS; may be NULL
 *
 * Returns when the grid has ended. The calling thread runs blocks beside the environment's threads; launches of
 * several callers share these. After an error other than PTX_ERROR_INVALID_VALUE, PTX_ERROR_LAUNCH_OUT_OF_RESOURCES,
 * PTX_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE and PTX_ERROR_OUT_OF_MEMORY the grid may have run in part.
 *
 * Return: PTX_SUCCESS; PTX_ERROR_INVALID_VALUE for a zero dimension, too few parameter bytes, more threads or shared memory than a block
 * of the device can have, or a block that is not the kernel's .reqntid; PTX_ERROR_LAUNCH_OUT_OF_RESOURCES for more threads than its .maxntid;
 * PTX_ERROR_LAUNCH_TIMEOUT when stopped; a fault of the kernel.
 */
int ptx_launch(struct ptx_env *env, const struct ptx_launch *launch, struct ptx_fault *fault);

/**
 * ptx_result_name - name of a result, e.g. "CUDA_ERROR_ILLEGAL_ADDRESS"
 * @result: enum ptx_result
 */
const char *ptx_result_name(int result);

/**
 * ptx_max_resident_blocks - blocks of one kernel that are resident at once
 * @func: kernel
 * @threads: threads per block
 * @dynamic_shared: bytes of dynamic shared memory
 *
 * Return: blocks per multiprocessor (there are PTX_NUM_SMS); 0 where the kernel cannot be launched so.
 */
unsigned int ptx_max_resident_blocks(const struct ptx_function *func, uint32_t threads, uint32_t dynamic_shared);

#endif
