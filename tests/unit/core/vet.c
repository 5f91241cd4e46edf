// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Vetting: each opcode with each rule broken, and the status that says which; the memory quota.
 */

#include "rig.h"

#include <setjmp.h>
#include <cmocka.h>

#define R0	(RIG_APERTURE / 2)	/* payload of session 0: 16 KiB */
#define R0_LEN	0x4000ULL
#define DEV	RIG_DEVICE_BASE
#define AREA	((1ULL << 30) + (1ULL << 28))	/* chunk area and a quarter, at a quota of 64 MiB */

struct vet_case {
	const char *what;
	u16 status;
	struct vgpu_cmd cmd;
	bool alone;	/* true with the first range alone */
};

#define CMD(op, ...)	{ .opcode = VGPU_OP_##op, ##__VA_ARGS__ }
#define COPY(d, s, w, dp, sp, h) \
	.copy = { .dst = d, .src = s, .width = w, .dst_pitch = dp, .src_pitch = sp, .height = h }
#define SET(d, w, p, v, e, h) \
	.memset = { .dst = d, .width = w, .pitch = p, .value = v, .elem = e, .height = h }
#define LAUNCH_DIMS(gx, gy, gz, bx, by, bz)	.launch = { .grid = { gx, gy, gz }, .block = { bx, by, bz } }
#define TEXELS(a, k, w, h, d, p, f, c, ...) \
	.texture = { .addr = a, .kind = k, .width = w, .height = h, .depth = d, .pitch = p, .format = f, .channels = c, ##__VA_ARGS__ }
#define TEXTURE(a, k, w, h, d, p, ...)	TEXELS(a, k, w, h, d, p, 0x20, 1, ##__VA_ARGS__)
#define LAUNCH_WITH(...)	.launch = { .grid = { 1, 1, 1 }, .block = { 1, 1, 1 }, __VA_ARGS__ }

static const struct vet_case cases[] = {
	/* any opcode */
	{ "no opcode", VGPU_ST_BAD_OPCODE, { .opcode = 0 } },
	{ "opcode behind the last", VGPU_ST_BAD_OPCODE, { .opcode = VGPU_OP_COUNT } },
	{ "largest opcode", VGPU_ST_BAD_OPCODE, { .opcode = 255 } },
	{ "second init", VGPU_ST_BAD_OPCODE, CMD(SESSION_INIT, .init.out = R0) },
	{ "unknown flag", VGPU_ST_BAD_FLAGS, CMD(FENCE, .flags = 0x80) },
	{ "flag of another", VGPU_ST_BAD_FLAGS, CMD(FENCE, .flags = VGPU_CMD_F_COOPERATIVE) },
	{ "reserved0", VGPU_ST_BAD_RESERVED, CMD(FENCE, .reserved0 = 1) },
	{ "reserved1", VGPU_ST_BAD_RESERVED, CMD(FENCE, .reserved1 = 1) },
	{ "last byte", VGPU_ST_BAD_RESERVED, CMD(FENCE, .raw[5] = 1ULL << 63) },
	{ "stream", VGPU_ST_BAD_STREAM, CMD(FENCE, .stream = VGPU_MAX_STREAMS) },
	{ "largest stream", VGPU_ST_BAD_STREAM, CMD(FENCE, .stream = ~0u) },
	{ "context", VGPU_ST_BAD_CONTEXT, CMD(FENCE, .ctx = VGPU_MAX_CONTEXTS) },
	{ "last stream, last context", VGPU_ST_OK,
	  CMD(FENCE, .stream = VGPU_MAX_STREAMS - 1, .ctx = VGPU_MAX_CONTEXTS - 1) },

	{ "fence", VGPU_ST_OK, CMD(FENCE) },
	{ "fence of all", VGPU_ST_OK, CMD(FENCE, .flags = VGPU_CMD_F_ALL) },
	{ "fence reserved", VGPU_ST_BAD_RESERVED, CMD(FENCE, .raw[0] = 1) },
	{ "record", VGPU_ST_OK, CMD(EVENT_RECORD, .stream = 3) },
	{ "record of all", VGPU_ST_OK, CMD(EVENT_RECORD, .flags = VGPU_CMD_F_ALL) },
	{ "record flags", VGPU_ST_BAD_FLAGS, CMD(EVENT_RECORD, .flags = 2) },
	{ "record reserved", VGPU_ST_BAD_RESERVED, CMD(EVENT_RECORD, .raw[0] = 1) },

	{ "wait", VGPU_ST_OK, CMD(STREAM_WAIT, .wait.seq = 0) },
	{ "wait flags", VGPU_ST_BAD_FLAGS, CMD(STREAM_WAIT, .flags = VGPU_CMD_F_ALL) },
	{ "wait reserved", VGPU_ST_BAD_RESERVED, CMD(STREAM_WAIT, .wait.reserved[0] = 1) },
	{ "wait for the future", VGPU_ST_BAD_SEQUENCE, CMD(STREAM_WAIT, .wait.seq = 0x7fffff00) },

	{ "context", VGPU_ST_OK, CMD(CTX_CREATE, .ctx = 1, .object.flags = 8) },
	{ "context on a stream", VGPU_ST_BAD_STREAM, CMD(CTX_CREATE, .ctx = 1, .stream = 1) },
	{ "context reserved", VGPU_ST_BAD_RESERVED, CMD(CTX_CREATE, .object.priority = 1) },
	{ "context destroy", VGPU_ST_OK, CMD(CTX_DESTROY, .ctx = 1) },
	{ "context destroy on a stream", VGPU_ST_BAD_STREAM, CMD(CTX_DESTROY, .stream = 1) },
	{ "context destroy reserved", VGPU_ST_BAD_RESERVED, CMD(CTX_DESTROY, .object.flags = 1) },
	{ "limit", VGPU_ST_OK, CMD(CTX_LIMIT, .limit = { .value = ~0ULL, .limit = 2 }) },
	{ "limit on a stream", VGPU_ST_BAD_STREAM, CMD(CTX_LIMIT, .stream = 1) },
	{ "limit reserved", VGPU_ST_BAD_RESERVED, CMD(CTX_LIMIT, .limit.reserved[0] = 1) },
	{ "stream", VGPU_ST_OK, CMD(STREAM_CREATE, .stream = 9, .object = { .flags = 1, .priority = -1 }) },
	{ "stream reserved", VGPU_ST_BAD_RESERVED, CMD(STREAM_CREATE, .stream = 9, .object.reserved[0] = 1) },
	{ "stream destroy", VGPU_ST_OK, CMD(STREAM_DESTROY, .stream = 9) },
	{ "stream destroy reserved", VGPU_ST_BAD_RESERVED, CMD(STREAM_DESTROY, .object.flags = 1) },

	{ "texture", VGPU_ST_OK, CMD(TEXTURE_CREATE, TEXTURE(DEV, 2, 64, 64, 1, 256)) },
	{ "texture, everything", VGPU_ST_OK,
	  CMD(TEXTURE_CREATE, TEXELS(DEV, 3, 64, 64, 8, 1024, 0x20, 4, .flags = 7, .address = 0x3f, .border = { ~0u, 0, 0, ~0u })) },
	{ "texture, another stream", VGPU_ST_BAD_STREAM, CMD(TEXTURE_CREATE, .stream = 1, TEXTURE(DEV, 2, 64, 64, 1, 256)) },
	{ "texture, unknown flag", VGPU_ST_BAD_FLAGS, CMD(TEXTURE_CREATE, TEXTURE(DEV, 2, 64, 64, 1, 256, .flags = 8)) },
	{ "texture, no kind", VGPU_ST_BAD_FLAGS, CMD(TEXTURE_CREATE, TEXTURE(DEV, 6, 64, 64, 1, 256)) },
	{ "texture, no format", VGPU_ST_BAD_FLAGS, CMD(TEXTURE_CREATE, TEXELS(DEV, 2, 64, 64, 1, 256, 4, 1)) },
	{ "texture, three channels", VGPU_ST_BAD_FLAGS, CMD(TEXTURE_CREATE, TEXELS(DEV, 2, 16, 64, 1, 256, 0x20, 3)) },
	{ "texture, four dimensions", VGPU_ST_BAD_FLAGS, CMD(TEXTURE_CREATE, TEXTURE(DEV, 2, 64, 64, 1, 256, .address = 0x40)) },
	{ "texture, linear", VGPU_ST_OK, CMD(TEXTURE_CREATE, TEXTURE(DEV, 0, 64, 0, 0, 0)) },
	{ "texture, linear with rows", VGPU_ST_BAD_LENGTH, CMD(TEXTURE_CREATE, TEXTURE(DEV, 0, 64, 1, 0, 0)) },
	{ "texture, linear and too long", VGPU_ST_BAD_LENGTH, CMD(TEXTURE_CREATE, TEXTURE(DEV, 0, VGPU_MAX_TEXELS + 1, 0, 0, 0)) },
	{ "texture, no width", VGPU_ST_BAD_LENGTH, CMD(TEXTURE_CREATE, TEXTURE(DEV, 0, 0, 0, 0, 0)) },
	{ "texture, rows of no width", VGPU_ST_BAD_LENGTH, CMD(TEXTURE_CREATE, TEXTURE(DEV, 2, 0, 64, 1, 256)) },
	{ "texture, no rows", VGPU_ST_BAD_LENGTH, CMD(TEXTURE_CREATE, TEXTURE(DEV, 2, 64, 0, 1, 256)) },
	{ "texture, no slices", VGPU_ST_BAD_LENGTH, CMD(TEXTURE_CREATE, TEXTURE(DEV, 3, 64, 64, 0, 256)) },
	{ "texture, slices of a plane", VGPU_ST_BAD_LENGTH, CMD(TEXTURE_CREATE, TEXTURE(DEV, 2, 64, 64, 2, 256)) },
	{ "texture, rows of a row", VGPU_ST_BAD_LENGTH, CMD(TEXTURE_CREATE, TEXTURE(DEV, 4, 64, 2, 2, 256)) },
	{ "texture, pitch below width", VGPU_ST_BAD_LENGTH, CMD(TEXTURE_CREATE, TEXTURE(DEV, 2, 64, 64, 1, 252)) },
	{ "texture, uneven pitch", VGPU_ST_BAD_LENGTH, CMD(TEXTURE_CREATE, TEXTURE(DEV, 2, 64, 64, 1, 258)) },
	{ "texture, too wide", VGPU_ST_BAD_LENGTH, CMD(TEXTURE_CREATE, TEXTURE(DEV, 2, VGPU_MAX_TEXTURE + 1, 1, 1, 1 << 24)) },
	{ "texture, too high", VGPU_ST_BAD_LENGTH, CMD(TEXTURE_CREATE, TEXTURE(DEV, 2, 1, VGPU_MAX_TEXTURE + 1, 1, 4)) },
	{ "texture, too deep", VGPU_ST_BAD_LENGTH, CMD(TEXTURE_CREATE, TEXTURE(DEV, 3, 1, 1, VGPU_MAX_TEXTURE_DEPTH + 1, 4)) },
	{ "texture, uneven address", VGPU_ST_BAD_ADDRESS, CMD(TEXTURE_CREATE, TEXTURE(DEV + 2, 2, 64, 64, 1, 256)) },
	{ "texture, below the device range", VGPU_ST_BAD_ADDRESS, CMD(TEXTURE_CREATE, TEXTURE(DEV - 4, 0, 64, 0, 0, 0)) },
	{ "texture, to the range's last byte", VGPU_ST_OK, CMD(TEXTURE_CREATE, TEXTURE(DEV + AREA - 256, 0, 64, 0, 0, 0)) },
	{ "texture, over the range's end", VGPU_ST_BAD_ADDRESS, CMD(TEXTURE_CREATE, TEXTURE(DEV + AREA - 256, 0, 65, 0, 0, 0)) },
	{ "texture, last row outside", VGPU_ST_BAD_ADDRESS, CMD(TEXTURE_CREATE, TEXTURE(DEV, 2, 1, 1 << 17, 1, 1 << 16)) },
	{ "texture, as large as can be", VGPU_ST_BAD_ADDRESS,
	  CMD(TEXTURE_CREATE, TEXELS(DEV, 5, VGPU_MAX_TEXTURE, VGPU_MAX_TEXTURE, VGPU_MAX_TEXTURE_DEPTH, 0xfffffff0, 0x20, 4)) },
	{ "texture's end", VGPU_ST_OK, CMD(TEXTURE_DESTROY, .texture.texture = 65535) },
	{ "texture's end, reserved", VGPU_ST_BAD_RESERVED, CMD(TEXTURE_DESTROY, .texture.flags = 1) },

	{ "copy in", VGPU_ST_OK, CMD(COPY_IN, COPY(DEV, R0, R0_LEN, 0, 0, 1)) },
	{ "copy in, flags", VGPU_ST_BAD_FLAGS, CMD(COPY_IN, .flags = 1, COPY(DEV, R0, 1, 0, 0, 1)) },
	{ "copy in, reserved", VGPU_ST_BAD_RESERVED, CMD(COPY_IN, .copy.reserved = 1) },
	{ "copy in, no width", VGPU_ST_BAD_LENGTH, CMD(COPY_IN, COPY(DEV, R0, 0, 0, 0, 1)) },
	{ "copy in, no height", VGPU_ST_BAD_LENGTH, CMD(COPY_IN, COPY(DEV, R0, 16, 0, 0, 0)) },
	{ "copy in, too much", VGPU_ST_BAD_LENGTH, CMD(COPY_IN, COPY(DEV, R0, VGPU_MAX_COPY + 1, 0, 0, 1)) },
	{ "copy in, too many rows", VGPU_ST_BAD_LENGTH,
	  CMD(COPY_IN, COPY(DEV, R0, 1 << 20, 1 << 20, 1 << 20, 65)) },
	{ "copy in, rows wrap", VGPU_ST_BAD_LENGTH, CMD(COPY_IN, COPY(DEV, R0, 1ULL << 32, 1, 1, ~0u)) },
	{ "copy in, pitch below width", VGPU_ST_BAD_LENGTH, CMD(COPY_IN, COPY(DEV, R0, 16, 16, 15, 2)) },
	{ "copy in, other pitch below width", VGPU_ST_BAD_LENGTH, CMD(COPY_IN, COPY(DEV, R0, 16, 15, 16, 2)) },
	{ "copy in, pitch wraps", VGPU_ST_BAD_LENGTH, CMD(COPY_IN, COPY(DEV, R0, 16, 16, ~0ULL, 3)) },
	{ "copy in, pitch plus width wraps", VGPU_ST_BAD_LENGTH, CMD(COPY_IN, COPY(DEV, R0, 16, 16, ~0ULL, 2)) },
	{ "copy in, before the range", VGPU_ST_BAD_APERTURE, CMD(COPY_IN, COPY(DEV, R0 - 1, 16, 0, 0, 1)) },
	{ "copy in, over the range's end", VGPU_ST_BAD_APERTURE, CMD(COPY_IN, COPY(DEV, R0 + 1, R0_LEN, 0, 0, 1)) },
	{ "copy in, last byte", VGPU_ST_OK, CMD(COPY_IN, COPY(DEV, R0 + R0_LEN - 1, 1, 0, 0, 1)) },
	{ "copy in, behind the range", VGPU_ST_BAD_APERTURE,
	  CMD(COPY_IN, COPY(DEV, R0 + R0_LEN, 1, 0, 0, 1)), true },
	{ "copy in, from a queue area", VGPU_ST_BAD_APERTURE, CMD(COPY_IN, COPY(DEV, 0, 16, 0, 0, 1)) },
	{ "copy in, offset wraps", VGPU_ST_BAD_APERTURE, CMD(COPY_IN, COPY(DEV, -1ULL, 16, 0, 0, 1)) },
	{ "copy in, last row outside", VGPU_ST_BAD_APERTURE, CMD(COPY_IN, COPY(DEV, R0, 1, 1, R0_LEN, 2)) },
	{ "copy in, last row inside", VGPU_ST_OK, CMD(COPY_IN, COPY(DEV, R0, 1, 1, R0_LEN - 1, 2)) },
	{ "copy in, over two ranges", VGPU_ST_BAD_APERTURE, CMD(COPY_IN, COPY(DEV, R0 + R0_LEN - 8, 16, 0, 0, 1)) },
	{ "copy in, second range", VGPU_ST_OK, CMD(COPY_IN, COPY(DEV, R0 + R0_LEN, 0x1000, 0, 0, 1)) },
	{ "copy in, to below the device range", VGPU_ST_BAD_ADDRESS, CMD(COPY_IN, COPY(DEV - 1, R0, 16, 0, 0, 1)) },
	{ "copy in, to the range's last byte", VGPU_ST_OK, CMD(COPY_IN, COPY(DEV + AREA - 1, R0, 1, 0, 0, 1)) },
	{ "copy in, over the range's end", VGPU_ST_BAD_ADDRESS,
	  CMD(COPY_IN, COPY(DEV + AREA - 1, R0, 2, 0, 0, 1)) },
	{ "copy in, address wraps", VGPU_ST_BAD_ADDRESS, CMD(COPY_IN, COPY(-8ULL, R0, 16, 0, 0, 1)) },
	{ "copy in, to nil", VGPU_ST_BAD_ADDRESS, CMD(COPY_IN, COPY(0, R0, 16, 0, 0, 1)) },

	{ "copy out", VGPU_ST_OK, CMD(COPY_OUT, COPY(R0, DEV, R0_LEN, 0, 0, 1)) },
	{ "copy out, no width", VGPU_ST_BAD_LENGTH, CMD(COPY_OUT, COPY(R0, DEV, 0, 0, 0, 1)) },
	{ "copy out, over the range's end", VGPU_ST_BAD_APERTURE,
	  CMD(COPY_OUT, COPY(R0 + 1, DEV, R0_LEN, 0, 0, 1)) },
	{ "copy out, from nil", VGPU_ST_BAD_ADDRESS, CMD(COPY_OUT, COPY(R0, 0, 16, 0, 0, 1)) },
	{ "copy out, aperture for device", VGPU_ST_BAD_APERTURE, CMD(COPY_OUT, COPY(DEV, R0, 16, 0, 0, 1)) },
	{ "copy out, reserved", VGPU_ST_BAD_RESERVED, CMD(COPY_OUT, .copy.reserved = 1) },

	{ "device copy", VGPU_ST_OK, CMD(COPY_DEVICE, COPY(DEV, DEV + 4096, 4096, 0, 0, 1)) },
	{ "device copy, from the aperture", VGPU_ST_BAD_ADDRESS, CMD(COPY_DEVICE, COPY(DEV, R0, 16, 0, 0, 1)) },
	{ "device copy, to the aperture", VGPU_ST_BAD_ADDRESS, CMD(COPY_DEVICE, COPY(R0, DEV, 16, 0, 0, 1)) },
	{ "device copy, no height", VGPU_ST_BAD_LENGTH, CMD(COPY_DEVICE, COPY(DEV, DEV, 16, 0, 0, 0)) },
	{ "device copy, reserved", VGPU_ST_BAD_RESERVED, CMD(COPY_DEVICE, .copy.reserved = 1) },

	{ "memset", VGPU_ST_OK, CMD(MEMSET, SET(DEV + 4, 16, 0, 7, 4, 1)) },
	{ "memset, pitched", VGPU_ST_OK, CMD(MEMSET, SET(DEV, 16, 64, 7, 4, 8)) },
	{ "memset, element of 3", VGPU_ST_BAD_LENGTH, CMD(MEMSET, SET(DEV, 16, 0, 7, 3, 1)) },
	{ "memset, element of 0", VGPU_ST_BAD_LENGTH, CMD(MEMSET, SET(DEV, 16, 0, 7, 0, 1)) },
	{ "memset, element of 8", VGPU_ST_BAD_LENGTH, CMD(MEMSET, SET(DEV, 16, 0, 7, 8, 1)) },
	{ "memset, no width", VGPU_ST_BAD_LENGTH, CMD(MEMSET, SET(DEV, 0, 0, 7, 4, 1)) },
	{ "memset, no height", VGPU_ST_BAD_LENGTH, CMD(MEMSET, SET(DEV, 1, 0, 7, 4, 0)) },
	{ "memset, too much", VGPU_ST_BAD_LENGTH, CMD(MEMSET, SET(DEV, VGPU_MAX_COPY / 4 + 1, 0, 7, 4, 1)) },
	{ "memset, width wraps", VGPU_ST_BAD_LENGTH, CMD(MEMSET, SET(DEV, 1ULL << 62, 0, 7, 4, 1)) },
	{ "memset, pitch below width", VGPU_ST_BAD_LENGTH, CMD(MEMSET, SET(DEV, 16, 60, 7, 4, 2)) },
	{ "memset, not aligned", VGPU_ST_BAD_ADDRESS, CMD(MEMSET, SET(DEV + 2, 16, 0, 7, 4, 1)) },
	{ "memset, pitch not aligned", VGPU_ST_BAD_ADDRESS, CMD(MEMSET, SET(DEV, 16, 66, 7, 4, 2)) },
	{ "memset, in the aperture", VGPU_ST_BAD_ADDRESS, CMD(MEMSET, SET(R0, 16, 0, 7, 4, 1)) },
	{ "memset, over the end", VGPU_ST_BAD_ADDRESS, CMD(MEMSET, SET(DEV + AREA - 4, 2, 0, 7, 4, 1)) },
	{ "memset, reserved", VGPU_ST_BAD_RESERVED, CMD(MEMSET, .memset.reserved[2] = 1) },

	{ "module", VGPU_ST_OK,
	  CMD(MODULE_LOAD, .module = { .image = R0, .image_len = 100, .log = R0 + 100, .log_len = 8 }) },
	{ "module, log ignored", VGPU_ST_OK,
	  CMD(MODULE_LOAD, .module = { .image = R0, .image_len = 1, .log = ~0ULL }) },
	{ "module, link", VGPU_ST_OK,
	  CMD(MODULE_LOAD, .module = { .image = R0, .image_len = 1, .kind = VGPU_IMAGE_LINK }) },
	{ "module, kind", VGPU_ST_BAD_FLAGS,
	  CMD(MODULE_LOAD, .module = { .image = R0, .image_len = 1, .kind = 2 }) },
	{ "module, number", VGPU_ST_BAD_OBJECT,
	  CMD(MODULE_LOAD, .module = { .image = R0, .image_len = 1, .module = VGPU_MAX_MODULES }) },
	{ "module, empty", VGPU_ST_BAD_LENGTH, CMD(MODULE_LOAD, .module = { .image = R0 }) },
	{ "module, too long", VGPU_ST_BAD_LENGTH,
	  CMD(MODULE_LOAD, .module = { .image = R0, .image_len = VGPU_MAX_IMAGE + 1 }) },
	{ "module, log too long", VGPU_ST_BAD_LENGTH,
	  CMD(MODULE_LOAD, .module = { .image = R0, .image_len = 1, .log_len = VGPU_MAX_LOG + 1 }) },
	{ "module, image outside", VGPU_ST_BAD_APERTURE,
	  CMD(MODULE_LOAD, .module = { .image = R0, .image_len = R0_LEN + 1 }) },
	{ "module, log outside", VGPU_ST_BAD_APERTURE,
	  CMD(MODULE_LOAD, .module = { .image = R0, .image_len = 1, .log = 0, .log_len = 1 }) },
	{ "module on a stream", VGPU_ST_BAD_STREAM, CMD(MODULE_LOAD, .stream = 1) },
	{ "module, reserved", VGPU_ST_BAD_RESERVED, CMD(MODULE_LOAD, .module.reserved[0] = 1) },
	{ "unload", VGPU_ST_OK, CMD(MODULE_UNLOAD, .module.module = VGPU_MAX_MODULES - 1) },
	{ "unload, number", VGPU_ST_BAD_OBJECT, CMD(MODULE_UNLOAD, .module.module = VGPU_MAX_MODULES) },
	{ "unload, reserved", VGPU_ST_BAD_RESERVED, CMD(MODULE_UNLOAD, .module.kind = 1) },
	{ "unload on a stream", VGPU_ST_BAD_STREAM, CMD(MODULE_UNLOAD, .stream = 1) },

	{ "function", VGPU_ST_OK,
	  CMD(FUNC_GET, .get = {
		.name = R0, .out = R0 + 64, .name_len = 5, .out_len = sizeof(struct vgpu_func_info), .id = 65535 }) },
	{ "function, module", VGPU_ST_BAD_OBJECT,
	  CMD(FUNC_GET, .get = {
		.name = R0, .out = R0, .name_len = 5, .out_len = 100, .module = VGPU_MAX_MODULES }) },
	{ "function, number", VGPU_ST_BAD_OBJECT,
	  CMD(FUNC_GET, .get = {
		.name = R0, .out = R0, .name_len = 5, .out_len = 100, .id = VGPU_MAX_FUNCTIONS }) },
	{ "function, no name", VGPU_ST_BAD_LENGTH,
	  CMD(FUNC_GET, .get = { .name = R0, .out = R0, .out_len = 100 }) },
	{ "function, long name", VGPU_ST_BAD_LENGTH,
	  CMD(FUNC_GET, .get = { .name = R0, .out = R0, .name_len = VGPU_MAX_NAME + 1, .out_len = 100 }) },
	{ "function, no room", VGPU_ST_BAD_LENGTH,
	  CMD(FUNC_GET, .get = {
		.name = R0, .out = R0, .name_len = 1, .out_len = sizeof(struct vgpu_func_info) - 1 }) },
	{ "function, name outside", VGPU_ST_BAD_APERTURE,
	  CMD(FUNC_GET, .get = { .name = R0 - 1, .out = R0, .name_len = 1, .out_len = 100 }) },
	{ "function, out outside", VGPU_ST_BAD_APERTURE,
	  CMD(FUNC_GET, .get = { .name = R0, .out = R0 + R0_LEN, .name_len = 1, .out_len = 100 }), true },
	{ "function on a stream", VGPU_ST_BAD_STREAM, CMD(FUNC_GET, .stream = 1) },
	{ "function, reserved", VGPU_ST_BAD_RESERVED, CMD(FUNC_GET, .get.reserved[0] = 1) },
	{ "global", VGPU_ST_OK,
	  CMD(GLOBAL_GET, .get = { .name = R0, .out = R0 + 64, .name_len = 5, .out_len = 16 }) },
	{ "global, number", VGPU_ST_BAD_OBJECT,
	  CMD(GLOBAL_GET, .get = { .name = R0, .out = R0 + 64, .name_len = 5, .out_len = 16, .id = 1 }) },
	{ "global, no room", VGPU_ST_BAD_LENGTH,
	  CMD(GLOBAL_GET, .get = { .name = R0, .out = R0 + 64, .name_len = 5, .out_len = 15 }) },
	{ "attribute", VGPU_ST_OK, CMD(FUNC_SET, .attr = { .func = 65535, .attr = 8, .value = -1 }) },
	{ "attribute, number", VGPU_ST_BAD_OBJECT, CMD(FUNC_SET, .attr = { .func = VGPU_MAX_FUNCTIONS }) },
	{ "attribute on a stream", VGPU_ST_BAD_STREAM, CMD(FUNC_SET, .stream = 1) },
	{ "attribute, reserved", VGPU_ST_BAD_RESERVED, CMD(FUNC_SET, .attr.reserved[8] = 1) },

	{ "launch", VGPU_ST_OK, CMD(LAUNCH, .stream = 1, LAUNCH_DIMS(1, 1, 1, 1, 1, 1)) },
	{ "launch, cooperative", VGPU_ST_OK,
	  CMD(LAUNCH, .flags = VGPU_CMD_F_COOPERATIVE, LAUNCH_DIMS(1, 1, 1, 1, 1, 1)) },
	{ "launch, flags", VGPU_ST_BAD_FLAGS, CMD(LAUNCH, .flags = VGPU_CMD_F_ALL, LAUNCH_DIMS(1, 1, 1, 1, 1, 1)) },
	{ "launch, largest grid", VGPU_ST_OK, CMD(LAUNCH, LAUNCH_DIMS(2147483647u, 65535, 65535, 1, 1, 1)) },
	{ "launch, grid x", VGPU_ST_BAD_DIMENSIONS, CMD(LAUNCH, LAUNCH_DIMS(2147483648u, 1, 1, 1, 1, 1)) },
	{ "launch, grid y", VGPU_ST_BAD_DIMENSIONS, CMD(LAUNCH, LAUNCH_DIMS(1, 65536, 1, 1, 1, 1)) },
	{ "launch, grid z", VGPU_ST_BAD_DIMENSIONS, CMD(LAUNCH, LAUNCH_DIMS(1, 1, 65536, 1, 1, 1)) },
	{ "launch, grid x 0", VGPU_ST_BAD_DIMENSIONS, CMD(LAUNCH, LAUNCH_DIMS(0, 1, 1, 1, 1, 1)) },
	{ "launch, grid y 0", VGPU_ST_BAD_DIMENSIONS, CMD(LAUNCH, LAUNCH_DIMS(1, 0, 1, 1, 1, 1)) },
	{ "launch, grid z 0", VGPU_ST_BAD_DIMENSIONS, CMD(LAUNCH, LAUNCH_DIMS(1, 1, 0, 1, 1, 1)) },
	{ "launch, block x", VGPU_ST_OK, CMD(LAUNCH, LAUNCH_DIMS(1, 1, 1, 1024, 1, 1)) },
	{ "launch, block y", VGPU_ST_OK, CMD(LAUNCH, LAUNCH_DIMS(1, 1, 1, 1, 1024, 1)) },
	{ "launch, block z", VGPU_ST_OK, CMD(LAUNCH, LAUNCH_DIMS(1, 1, 1, 1, 1, 64)) },
	{ "launch, block x", VGPU_ST_BAD_DIMENSIONS, CMD(LAUNCH, LAUNCH_DIMS(1, 1, 1, 1025, 1, 1)) },
	{ "launch, block y", VGPU_ST_BAD_DIMENSIONS, CMD(LAUNCH, LAUNCH_DIMS(1, 1, 1, 1, 1025, 1)) },
	{ "launch, block z", VGPU_ST_BAD_DIMENSIONS, CMD(LAUNCH, LAUNCH_DIMS(1, 1, 1, 1, 1, 65)) },
	{ "launch, block 0", VGPU_ST_BAD_DIMENSIONS, CMD(LAUNCH, LAUNCH_DIMS(1, 1, 1, 1, 0, 1)) },
	{ "launch, threads", VGPU_ST_BAD_DIMENSIONS, CMD(LAUNCH, LAUNCH_DIMS(1, 1, 1, 32, 32, 2)) },
	{ "launch, threads wrap", VGPU_ST_BAD_DIMENSIONS, CMD(LAUNCH, LAUNCH_DIMS(1, 1, 1, 65536, 65536, 1)) },
	{ "launch, parameters", VGPU_ST_OK, CMD(LAUNCH, LAUNCH_WITH(.params = R0, .params_len = 4096)) },
	{ "launch, parameters ignored", VGPU_ST_OK, CMD(LAUNCH, LAUNCH_WITH(.params = ~0ULL)) },
	{ "launch, parameters too long", VGPU_ST_BAD_LENGTH,
	  CMD(LAUNCH, LAUNCH_WITH(.params = R0, .params_len = 32765)) },
	{ "launch, parameters outside", VGPU_ST_BAD_APERTURE,
	  CMD(LAUNCH, LAUNCH_WITH(.params = R0 + R0_LEN, .params_len = 1)), true },
	{ "launch, shared", VGPU_ST_OK, CMD(LAUNCH, LAUNCH_WITH(.shared = VGPU_MAX_SHARED)) },
	{ "launch, too much shared", VGPU_ST_BAD_LENGTH, CMD(LAUNCH, LAUNCH_WITH(.shared = VGPU_MAX_SHARED + 1)) },
	{ "launch, function", VGPU_ST_BAD_OBJECT, CMD(LAUNCH, LAUNCH_WITH(.func = VGPU_MAX_FUNCTIONS)) },
	{ "launch, reserved", VGPU_ST_BAD_RESERVED, CMD(LAUNCH, LAUNCH_WITH(.reserved = 1)) },

	{ "printf", VGPU_ST_OK, CMD(PRINTF_READ, .buffer = { .out = R0, .len = R0_LEN }) },
	{ "printf, empty", VGPU_ST_BAD_LENGTH, CMD(PRINTF_READ, .buffer = { .out = R0 }) },
	{ "printf, outside", VGPU_ST_BAD_APERTURE, CMD(PRINTF_READ, .buffer = { .out = R0, .len = R0_LEN + 1 }) },
	{ "printf, huge", VGPU_ST_BAD_APERTURE, CMD(PRINTF_READ, .buffer = { .out = R0, .len = ~0ULL }) },
	{ "printf on a stream", VGPU_ST_BAD_STREAM, CMD(PRINTF_READ, .stream = 1) },
	{ "printf, reserved", VGPU_ST_BAD_RESERVED, CMD(PRINTF_READ, .buffer.reserved[0] = 1) },

	{ "map, flags", VGPU_ST_BAD_FLAGS, CMD(CHUNK_MAP, .flags = 1) },
	{ "map on a stream", VGPU_ST_BAD_STREAM, CMD(CHUNK_MAP, .stream = 1) },
	{ "map, reserved", VGPU_ST_BAD_RESERVED, CMD(CHUNK_MAP, .chunk.reserved[0] = 1) },
	{ "map, empty", VGPU_ST_BAD_LENGTH, CMD(CHUNK_MAP, .chunk = { .addr = DEV }) },
	{ "map, length", VGPU_ST_BAD_LENGTH, CMD(CHUNK_MAP, .chunk = { .addr = DEV, .len = RIG_GRANULE + 4096 }) },
	{ "map, not aligned", VGPU_ST_BAD_ADDRESS,
	  CMD(CHUNK_MAP, .chunk = { .addr = DEV + 4096, .len = RIG_GRANULE }) },
	{ "map, below", VGPU_ST_BAD_ADDRESS,
	  CMD(CHUNK_MAP, .chunk = { .addr = DEV - RIG_GRANULE, .len = RIG_GRANULE }) },
	{ "map, nil", VGPU_ST_BAD_ADDRESS, CMD(CHUNK_MAP, .chunk = { .addr = 0, .len = RIG_GRANULE }) },
	{ "map, in the globals", VGPU_ST_BAD_ADDRESS,
	  CMD(CHUNK_MAP, .chunk = { .addr = DEV + (1ULL << 30), .len = RIG_GRANULE }) },
	{ "map, over the end", VGPU_ST_BAD_ADDRESS,
	  CMD(CHUNK_MAP, .chunk = { .addr = DEV + (1ULL << 30) - RIG_GRANULE, .len = 2 * RIG_GRANULE }) },
	{ "map, wraps", VGPU_ST_BAD_ADDRESS, CMD(CHUNK_MAP, .chunk = { .addr = DEV, .len = -RIG_GRANULE }) },
	{ "map, beyond the quota", VGPU_ST_QUOTA,
	  CMD(CHUNK_MAP, .chunk = { .addr = DEV, .len = RIG_MEMORY + RIG_GRANULE }) },
	{ "map, a flag", VGPU_ST_BAD_FLAGS, CMD(CHUNK_MAP, .chunk = { .addr = DEV, .len = RIG_GRANULE, .flags = 4 }) },
	{ "map, a source and no alias", VGPU_ST_BAD_FLAGS,
	  CMD(CHUNK_MAP, .chunk = { .addr = DEV, .len = RIG_GRANULE, .source = DEV + RIG_GRANULE, .flags = VGPU_CHUNK_SHARED }) },
	{ "map, an alias that is shared", VGPU_ST_BAD_FLAGS,
	  CMD(CHUNK_MAP, .chunk = { .addr = DEV, .len = RIG_GRANULE, .source = DEV + RIG_GRANULE, .flags = 3 }) },
	{ "map, an alias of nothing", VGPU_ST_BAD_ADDRESS,
	  CMD(CHUNK_MAP, .chunk = { .addr = DEV, .len = RIG_GRANULE, .flags = VGPU_CHUNK_ALIAS }) },
	{ "map, an alias of what is not there", VGPU_ST_NOT_MAPPED,
	  CMD(CHUNK_MAP, .chunk = { .addr = DEV, .len = RIG_GRANULE, .source = DEV + RIG_GRANULE, .flags = VGPU_CHUNK_ALIAS }) },
	{ "map, an alias over the end", VGPU_ST_BAD_ADDRESS,
	  CMD(CHUNK_MAP, .chunk = { .addr = DEV, .len = 2 * RIG_GRANULE, .source = DEV + (1ULL << 30) - RIG_GRANULE,
				    .flags = VGPU_CHUNK_ALIAS }) },
	{ "unmap, a flag", VGPU_ST_BAD_FLAGS,
	  CMD(CHUNK_UNMAP, .chunk = { .addr = DEV, .len = RIG_GRANULE, .flags = VGPU_CHUNK_SHARED }) },
	{ "unmap, a source", VGPU_ST_BAD_FLAGS,
	  CMD(CHUNK_UNMAP, .chunk = { .addr = DEV, .len = RIG_GRANULE, .source = DEV, .flags = VGPU_CHUNK_ALIAS }) },
	{ "unmap, nothing there", VGPU_ST_NOT_MAPPED,
	  CMD(CHUNK_UNMAP, .chunk = { .addr = DEV, .len = RIG_GRANULE }) },
	{ "unmap, empty", VGPU_ST_BAD_LENGTH, CMD(CHUNK_UNMAP, .chunk = { .addr = DEV }) },
};

static struct rig_guest guest;

static int setup(void **state)
{
	struct vgpu_limits limits = rig_limits();
	struct rig *rig = rig_new();

	rig_attach(rig);
	rig_dev_open(rig, 0, &limits);
	rig_guest_init(&guest, &rig->dev[0], 0);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static void every_rule_has_its_status(void **state)
{
	struct rig *rig = *state;
	u64 rejected, submitted;
	struct vgpu_cqe cqe;
	u32 i, seq;

	/* A second range, adjacent to the first: bytes of both are bytes of none. */
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_RANGE_ADD, 0, R0 + R0_LEN, 0x1000, 0, 0), VGPU_ST_OK);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(rig_note, sizeof(rig_note), "%s", cases[i].what);
		if (cases[i].alone)
			continue;
		rejected = rig_stats(&rig->dev[0]).counters.rejected;
		submitted = rig_stats(&rig->dev[0]).counters.submitted;
		seq = rig_submit(&guest, cases[i].cmd);
		rig_finish_all(rig_worker_of(&guest));
		assert_true(rig_consume(&guest, &cqe));
		assert_int_equal(cqe.seq, seq);
		if (cqe.status != cases[i].status)
			fail_msg("%s (case %u): %#x, not %#x", cases[i].what, i, cqe.status, cases[i].status);
		assert_int_equal(rig_stats(&rig->dev[0]).counters.rejected, rejected + (cases[i].status != VGPU_ST_OK));
		assert_int_equal(rig_stats(&rig->dev[0]).counters.submitted, submitted + 1);
		rig_check_invariants(rig);
	}
	rig_note[0] = 0;
}

/* As many ranges as there may be, added in no order: each holds its own bytes and no others. */
static void ranges_are_found_in_any_order(void **state)
{
	const u64 base = 0x8000, step = 2 * VGPU_PAGE_SIZE;
	struct rig *rig = *state;
	const struct vgpu_session *session = rig->dev[0].dev.sessions[0];
	u32 i, place;
	u64 at;

	for (i = 1; i < VGPU_MAX_RANGES; i++) {
		at = base + i * 77 % 251 * step;
		if (i > 250)
			at = rig_range(0) + i % 250 * step + 0x4000;
		assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_RANGE_ADD, 0, at, VGPU_PAGE_SIZE, 0, 0), VGPU_ST_OK);
	}
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_RANGE_ADD, 0, RIG_APERTURE - VGPU_PAGE_SIZE, VGPU_PAGE_SIZE, 0, 0),
			 VGPU_ST_LIMIT);
	for (place = 0; place < VGPU_MAX_RANGES; place++) {
		const struct vgpu_range *range = &session->ranges[place];

		assert_true(vgpu_session_in_range(session, range->offset, range->len));
		assert_true(vgpu_session_in_range(session, range->offset + range->len - 1, 1));
		assert_false(vgpu_session_in_range(session, range->offset - 1, 2));
		assert_false(vgpu_session_in_range(session, range->offset + range->len - 1, 2));
		assert_false(vgpu_session_in_range(session, range->offset + range->len, 1));
		assert_false(vgpu_session_in_range(session, range->offset, ~0ULL));
	}
}

static void behind_the_only_range_is_nothing(void **state)
{
	u32 i, seen = 0;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (!cases[i].alone)
			continue;
		seen++;
		assert_int_equal(rig_expect(&guest, rig_submit(&guest, cases[i].cmd)).status, cases[i].status);
	}
	assert_int_equal(seen, 3);
}

static void init_comes_first_and_has_to_fit(void **state)
{
	struct rig *rig = *state;
	struct rig_guest other;
	struct vgpu_cmd cmd = rig_cmd(VGPU_OP_SESSION_INIT, 0);

	rig_guest_open(&other, &rig->dev[0], 1);
	assert_int_equal(rig_expect(&other, rig_submit(&other, rig_cmd(VGPU_OP_FENCE, 0))).status, VGPU_ST_BAD_OPCODE);
	cmd.init.out = rig_range(1) + 0x4000 - 8;
	assert_int_equal(rig_expect(&other, rig_submit(&other, cmd)).status, VGPU_ST_BAD_APERTURE);
	cmd.init.out = rig_range(0);
	assert_int_equal(rig_expect(&other, rig_submit(&other, cmd)).status, VGPU_ST_BAD_APERTURE);
	cmd.init.out = rig_range(1);
	cmd.stream = 1;
	assert_int_equal(rig_expect(&other, rig_submit(&other, cmd)).status, VGPU_ST_BAD_STREAM);
	cmd.stream = 0;
	rig_submit(&other, cmd);
	assert_int_equal(rig_expect(&other, rig_submit(&other, cmd)).status, VGPU_ST_BAD_OPCODE);
}

/* Nothing is in the device range before the worker has said where that is. */
static void no_device_address_before_the_worker_is_ready(void **state)
{
	struct rig *rig = *state;
	struct rig_guest other;
	struct vgpu_cmd init = rig_cmd(VGPU_OP_SESSION_INIT, 0), set = rig_cmd(VGPU_OP_MEMSET, 0);
	struct vgpu_cmd map = rig_chunk(VGPU_OP_CHUNK_MAP, 0, 1);
	struct rig_worker *worker;
	u32 seq;

	rig_guest_open(&other, &rig->dev[0], 1);
	init.init.out = rig_range(1);
	seq = rig_submit(&other, init);
	set.memset = (struct vgpu_op_memset) { .dst = 4096, .width = 1, .elem = 1, .height = 1 };
	assert_int_equal(rig_expect(&other, rig_submit(&other, set)).status, VGPU_ST_BAD_ADDRESS);
	map.chunk.addr = 0;
	assert_int_equal(rig_expect(&other, rig_submit(&other, map)).status, VGPU_ST_BAD_ADDRESS);
	map.chunk.addr = RIG_DEVICE_BASE;
	assert_int_equal(rig_expect(&other, rig_submit(&other, map)).status, VGPU_ST_BAD_ADDRESS);
	worker = rig_spawn(rig);
	rig_finish_all(worker);
	assert_int_equal(rig_expect(&other, seq).status, VGPU_ST_OK);
	seq = rig_submit(&other, map);
	rig_finish_all(worker);
	assert_int_equal(rig_expect(&other, seq).status, VGPU_ST_OK);
}

static u16 chunk(struct rig *rig, u8 opcode, u64 first, u64 count, u32 answer)
{
	u32 seq = rig_submit(&guest, rig_chunk(opcode, first, count));
	struct rig_worker *worker = rig_worker_of(&guest);

	if (rig_take(worker))
		rig_finish(worker, 0, answer, 0);
	rig_check_invariants(rig);
	return rig_expect(&guest, seq).status;
}

static void quota_is_exact(void **state)
{
	const u64 all = RIG_MEMORY / RIG_GRANULE;
	struct rig *rig = *state;
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 seq, second;

	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_MAP, 0, all - 1, 0), VGPU_ST_OK);
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_MAP, all, 2, 0), VGPU_ST_QUOTA);
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_MAP, 0, 1, 0), VGPU_ST_NOT_MAPPED);
	/* The quota is looked at first: what is beyond it costs no search. */
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_MAP, all - 2, 2, 0), VGPU_ST_QUOTA);
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_MAP, 511, 1, 0), VGPU_ST_OK);
	assert_int_equal(rig_stats(&rig->dev[0]).memory_used, RIG_MEMORY);
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_MAP, 100, 1, 0), VGPU_ST_QUOTA);
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_UNMAP, all - 2, 2, 0), VGPU_ST_NOT_MAPPED);
	/* Part of a chunk goes away; a mapping that fails costs nothing; one that fails to go away still costs. */
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_UNMAP, 3, 2, 0), VGPU_ST_OK);
	assert_int_equal(rig_stats(&rig->dev[0]).memory_used, RIG_MEMORY - 2 * RIG_GRANULE);
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_MAP, 3, 1, 2), 2);
	assert_int_equal(rig_stats(&rig->dev[0]).memory_used, RIG_MEMORY - 2 * RIG_GRANULE);
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_MAP, 3, 2, 0), VGPU_ST_OK);
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_UNMAP, 3, 2, 700), 700);
	assert_int_equal(rig_stats(&rig->dev[0]).memory_used, RIG_MEMORY);
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_UNMAP, 3, 2, 0), VGPU_ST_OK);
	/* What is being unmapped may be mapped again behind it; its charge goes when it is gone. */
	seq = rig_submit(&guest, rig_chunk(VGPU_OP_CHUNK_UNMAP, 5, 1));
	second = rig_submit(&guest, rig_chunk(VGPU_OP_CHUNK_MAP, 5, 1));
	assert_int_equal(rig_stats(&rig->dev[0]).memory_used, RIG_MEMORY - RIG_GRANULE);
	rig_finish_all(worker);
	assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_OK);
	assert_int_equal(rig_expect(&guest, second).status, VGPU_ST_OK);
	assert_int_equal(rig_stats(&rig->dev[0]).memory_used, RIG_MEMORY - 2 * RIG_GRANULE);
	/* A session that ends gives back everything. */
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0, 0), VGPU_ST_OK);
	rig_release(worker);
	rig_settle(rig);
	assert_int_equal(rig_stats(&rig->dev[0]).memory_used, 0);
}

static u16 alias(struct rig *rig, u8 opcode, u64 first, u64 count, u64 source, u32 answer)
{
	struct vgpu_cmd cmd = rig_chunk(opcode, first, count);
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 seq;

	cmd.chunk.flags = VGPU_CHUNK_ALIAS;
	if (opcode == VGPU_OP_CHUNK_MAP)
		cmd.chunk.source = RIG_DEVICE_BASE + source * RIG_GRANULE;
	seq = rig_submit(&guest, cmd);
	if (rig_take(worker))
		rig_finish(worker, 0, answer, 0);
	rig_check_invariants(rig);
	return rig_expect(&guest, seq).status;
}

/* Memory that is at two addresses counts once, and stays counted until it is unmapped where it is its own. */
static void aliases_count_once(void **state)
{
	struct vgpu_cmd cmd = rig_chunk(VGPU_OP_CHUNK_UNMAP, 504, 1);
	struct rig *rig = *state;
	u32 seq;

	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_MAP, 0, RIG_MEMORY / RIG_GRANULE, 0), VGPU_ST_OK);
	assert_int_equal(alias(rig, VGPU_OP_CHUNK_MAP, 504, 4, 0, 0), VGPU_ST_OK);
	assert_int_equal(rig_stats(&rig->dev[0]).memory_used, RIG_MEMORY);
	assert_int_equal(alias(rig, VGPU_OP_CHUNK_MAP, 506, 4, 0, 0), VGPU_ST_NOT_MAPPED);
	assert_int_equal(alias(rig, VGPU_OP_CHUNK_MAP, 508, 4, 504, 0), VGPU_ST_NOT_MAPPED);
	/* Neither is what the other is. */
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_UNMAP, 504, 4, 0), VGPU_ST_NOT_MAPPED);
	assert_int_equal(alias(rig, VGPU_OP_CHUNK_UNMAP, 0, 4, 0, 0), VGPU_ST_NOT_MAPPED);
	assert_int_equal(alias(rig, VGPU_OP_CHUNK_UNMAP, 502, 4, 0, 0), VGPU_ST_NOT_MAPPED);
	/* The worker keeps what has aliases; it stays charged. */
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_UNMAP, 0, 4, 1), 1);
	assert_int_equal(rig_stats(&rig->dev[0]).memory_used, RIG_MEMORY);
	/* An alias that fails to come is none, one that fails to go still is one. */
	assert_int_equal(alias(rig, VGPU_OP_CHUNK_MAP, 508, 4, 4, 1), 1);
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_UNMAP, 508, 4, 0), VGPU_ST_NOT_MAPPED);
	assert_int_equal(alias(rig, VGPU_OP_CHUNK_UNMAP, 504, 4, 0, 1), 1);
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_UNMAP, 504, 4, 0), VGPU_ST_NOT_MAPPED);
	assert_int_equal(alias(rig, VGPU_OP_CHUNK_UNMAP, 504, 4, 0, 0), VGPU_ST_OK);
	assert_int_equal(rig_stats(&rig->dev[0]).memory_used, RIG_MEMORY);
	/* In its place, before it is gone, memory of its own. */
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_UNMAP, 8, 1, 0), VGPU_ST_OK);
	assert_int_equal(alias(rig, VGPU_OP_CHUNK_MAP, 504, 1, 0, 0), VGPU_ST_OK);
	cmd.chunk.flags = VGPU_CHUNK_ALIAS;
	seq = rig_submit(&guest, cmd);
	rig_submit(&guest, rig_chunk(VGPU_OP_CHUNK_MAP, 504, 1));
	rig_finish_all(rig_worker_of(&guest));
	assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_OK);
	assert_int_equal(rig_expect(&guest, seq + 1).status, VGPU_ST_OK);
	assert_int_equal(rig_stats(&rig->dev[0]).memory_used, RIG_MEMORY);
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_UNMAP, 504, 1, 0), VGPU_ST_OK);
	assert_int_equal(rig_stats(&rig->dev[0]).memory_used, RIG_MEMORY - RIG_GRANULE);
}

static u16 reserve(struct rig *rig, u64 granules, u32 answer)
{
	struct vgpu_cmd cmd = rig_cmd(VGPU_OP_RESERVE, 0);
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 seq;

	cmd.reserve.bytes = granules * RIG_GRANULE;
	seq = rig_submit(&guest, cmd);
	if (rig_take(worker))
		rig_finish(worker, 0, answer, 0);
	rig_check_invariants(rig);
	return rig_expect(&guest, seq).status;
}

static u64 used(struct rig *rig)
{
	return rig_stats(&rig->dev[0]).memory_used / RIG_GRANULE;
}

/* What the executor takes beside chunks counts as they do, from when it may have it to when it has it no more. */
static void reserve_is_of_the_quota(void **state)
{
	const u64 all = RIG_MEMORY / RIG_GRANULE;
	struct vgpu_cmd cmd = rig_cmd(VGPU_OP_RESERVE, 0);
	struct rig *rig = *state;
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 first, second;

	assert_int_equal(reserve(rig, all + 1, 0), VGPU_ST_QUOTA);
	assert_int_equal(reserve(rig, ~0ULL / RIG_GRANULE, 0), VGPU_ST_QUOTA);
	assert_int_equal(reserve(rig, 3, 0), VGPU_ST_OK);
	assert_int_equal(used(rig), 3);
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_MAP, 0, all - 2, 0), VGPU_ST_QUOTA);
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_MAP, 0, all - 3, 0), VGPU_ST_OK);
	assert_int_equal(reserve(rig, 4, 0), VGPU_ST_QUOTA);
	assert_int_equal(reserve(rig, 3, 0), VGPU_ST_OK);
	/* What the executor does not give back stays charged; what it did not take is not. */
	assert_int_equal(reserve(rig, 1, 2), 2);
	assert_int_equal(used(rig), all);
	assert_int_equal(reserve(rig, 1, 0), VGPU_ST_OK);
	assert_int_equal(used(rig), all - 2);
	assert_int_equal(reserve(rig, 2, 2), 2);
	assert_int_equal(used(rig), all - 2);
	/* One at a time. */
	cmd.reserve.bytes = 2 * RIG_GRANULE;
	first = rig_submit(&guest, cmd);
	second = rig_submit(&guest, cmd);
	assert_int_equal(rig_expect(&guest, second).status, VGPU_ST_BAD_OBJECT);
	assert_int_equal(used(rig), all - 1);
	rig_finish_all(worker);
	assert_int_equal(rig_expect(&guest, first).status, VGPU_ST_OK);
	cmd.reserve.bytes = RIG_GRANULE / 2;
	assert_int_equal(rig_expect(&guest, rig_submit(&guest, cmd)).status, VGPU_ST_BAD_LENGTH);
	/* A session that ends gives back everything, also what was just being changed. */
	cmd.reserve.bytes = 0;
	rig_submit(&guest, cmd);
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0, 0), VGPU_ST_OK);
	rig_release(worker);
	rig_settle(rig);
	assert_int_equal(used(rig), 0);
}

/* Whatever a worker says of mappings and unmappings in flight, the use never becomes less than what is mapped. */
static void unmap_of_a_mapping_in_flight_is_refused(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 map, unmap;

	map = rig_submit(&guest, rig_chunk(VGPU_OP_CHUNK_MAP, 0, 2));
	unmap = rig_submit(&guest, rig_chunk(VGPU_OP_CHUNK_UNMAP, 1, 1));
	assert_int_equal(rig_expect(&guest, unmap).status, VGPU_ST_NOT_MAPPED);
	rig_take(worker);
	rig_finish(worker, 0, 2, 0);
	assert_int_equal(rig_expect(&guest, map).status, 2);
	assert_int_equal(rig_stats(&rig->dev[0]).memory_used, 0);
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_UNMAP, 0, 2, 0), VGPU_ST_NOT_MAPPED);

	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_MAP, 0, 1, 0), VGPU_ST_OK);
	unmap = rig_submit(&guest, rig_chunk(VGPU_OP_CHUNK_UNMAP, 0, 1));
	map = rig_submit(&guest, rig_chunk(VGPU_OP_CHUNK_MAP, 0, 1));
	rig_take(worker);
	rig_finish(worker, 0, 700, 0);
	rig_take(worker);
	rig_finish(worker, 0, 2, 0);
	rig_expect(&guest, unmap);
	rig_expect(&guest, map);
	rig_check_invariants(rig);
	assert_int_equal(rig_stats(&rig->dev[0]).memory_used, RIG_GRANULE);
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_UNMAP, 0, 1, 0), VGPU_ST_NOT_MAPPED);
}

static void what_cuda_takes_for_itself_counts(void **state)
{
	const u64 overhead = 3 * RIG_GRANULE;
	struct rig *rig = *state;
	struct rig_guest second, third;
	struct vgpu_cmd cmd = rig_cmd(VGPU_OP_SESSION_INIT, 0);
	u32 seq;

	rig->gpu.attach.session_overhead = overhead;
	rig_guest_init(&second, &rig->dev[0], 1);
	assert_int_equal(rig_stats(&rig->dev[0]).memory_used, overhead);
	seq = rig_submit(&second, rig_chunk(VGPU_OP_CHUNK_MAP, 0, (RIG_MEMORY - overhead) / RIG_GRANULE + 1));
	assert_int_equal(rig_expect(&second, seq).status, VGPU_ST_QUOTA);
	seq = rig_submit(&second, rig_chunk(VGPU_OP_CHUNK_MAP, 0, (RIG_MEMORY - overhead) / RIG_GRANULE - 1));
	rig_finish_all(rig_worker_of(&second));
	assert_int_equal(rig_expect(&second, seq).status, VGPU_ST_OK);
	/* No room for another CUDA process. */
	rig_guest_open(&third, &rig->dev[0], 2);
	cmd.init.out = rig_range(2);
	assert_int_equal(rig_expect(&third, rig_submit(&third, cmd)).status, VGPU_ST_QUOTA);
	rig_check_invariants(rig);
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_DESTROY, 1, 0, 0, 0, 0), VGPU_ST_OK);
	rig_release(rig_worker_of(&second));
	rig_settle(rig);
	assert_int_equal(rig_stats(&rig->dev[0]).memory_used, 0);
}

static void quota_is_of_the_device(void **state)
{
	struct rig *rig = *state;
	struct rig_guest other;
	u32 seq;

	rig_guest_init(&other, &rig->dev[0], 1);
	assert_int_equal(chunk(rig, VGPU_OP_CHUNK_MAP, 0, RIG_MEMORY / RIG_GRANULE, 0), VGPU_ST_OK);
	seq = rig_submit(&other, rig_chunk(VGPU_OP_CHUNK_MAP, 0, 1));
	assert_int_equal(rig_expect(&other, seq).status, VGPU_ST_QUOTA);
	rig_release(rig_worker_of(&guest));
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0, 0), VGPU_ST_OK);
	rig_settle(rig);
	seq = rig_submit(&other, rig_chunk(VGPU_OP_CHUNK_MAP, 0, 1));
	rig_finish_all(rig_worker_of(&other));
	assert_int_equal(rig_expect(&other, seq).status, VGPU_ST_OK);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_rule_has_its_status),
		TEST(ranges_are_found_in_any_order),
		TEST(behind_the_only_range_is_nothing),
		TEST(init_comes_first_and_has_to_fit),
		TEST(no_device_address_before_the_worker_is_ready),
		TEST(quota_is_exact),
		TEST(aliases_count_once),
		TEST(reserve_is_of_the_quota),
		TEST(unmap_of_a_mapping_in_flight_is_refused),
		TEST(what_cuda_takes_for_itself_counts),
		TEST(quota_is_of_the_device),
	};

	return cmocka_run_group_tests_name("core vetting", tests, NULL, NULL);
}
