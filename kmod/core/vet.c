// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Vetting: whether a command that a guest submitted may go on. It reads the private copy of the
 * command and the session, and decides; what the decision costs in quota is charged apart, by
 * vgpu_vet_charge().
 */

#include "core.h"

#define CMD_HEADER	offsetof(struct vgpu_cmd, raw)
#define USED(type, last)	(CMD_HEADER + offsetofend(struct type, last))

/**
 * struct op_rule - what holds for every command of an opcode
 * @used: bytes of the command that the opcode defines; those behind are zero
 * @engine: engine class
 * @flags: flags it defines
 * @control: on stream 0 only
 */
struct op_rule {
	u8 used;
	u8 engine;
	u8 flags;
	bool control;
};

static const struct op_rule rules[VGPU_OP_COUNT] = {
	[VGPU_OP_SESSION_INIT] = { USED(vgpu_op_init, out), VGPU_ENGINE_CONTROL, 0, true },
	[VGPU_OP_FENCE] = { CMD_HEADER, VGPU_ENGINE_NONE, VGPU_CMD_F_ALL },
	[VGPU_OP_STREAM_WAIT] = { USED(vgpu_op_wait, seq), VGPU_ENGINE_NONE },
	[VGPU_OP_EVENT_RECORD] = { CMD_HEADER, VGPU_ENGINE_NONE, VGPU_CMD_F_ALL },
	[VGPU_OP_CTX_CREATE] = { USED(vgpu_op_object, flags), VGPU_ENGINE_CONTROL, 0, true },
	[VGPU_OP_CTX_DESTROY] = { CMD_HEADER, VGPU_ENGINE_CONTROL, 0, true },
	[VGPU_OP_CTX_LIMIT] = { USED(vgpu_op_limit, limit), VGPU_ENGINE_CONTROL, 0, true },
	[VGPU_OP_STREAM_CREATE] = { USED(vgpu_op_object, priority), VGPU_ENGINE_CONTROL },
	[VGPU_OP_STREAM_DESTROY] = { CMD_HEADER, VGPU_ENGINE_CONTROL },
	[VGPU_OP_CHUNK_MAP] = { USED(vgpu_op_chunk, flags), VGPU_ENGINE_CONTROL, 0, true },
	[VGPU_OP_CHUNK_UNMAP] = { USED(vgpu_op_chunk, flags), VGPU_ENGINE_CONTROL, 0, true },
	[VGPU_OP_COPY_IN] = { USED(vgpu_op_copy, height), VGPU_ENGINE_COPY_IN },
	[VGPU_OP_COPY_OUT] = { USED(vgpu_op_copy, height), VGPU_ENGINE_COPY_OUT },
	[VGPU_OP_COPY_DEVICE] = { USED(vgpu_op_copy, height), VGPU_ENGINE_COMPUTE },
	[VGPU_OP_MEMSET] = { USED(vgpu_op_memset, height), VGPU_ENGINE_COMPUTE },
	[VGPU_OP_MODULE_LOAD] = { USED(vgpu_op_module, kind), VGPU_ENGINE_CONTROL, 0, true },
	[VGPU_OP_MODULE_UNLOAD] = { USED(vgpu_op_module, module), VGPU_ENGINE_CONTROL, 0, true },
	[VGPU_OP_FUNC_GET] = { USED(vgpu_op_get, id), VGPU_ENGINE_CONTROL, 0, true },
	[VGPU_OP_GLOBAL_GET] = { USED(vgpu_op_get, id), VGPU_ENGINE_CONTROL, 0, true },
	[VGPU_OP_FUNC_SET] = { USED(vgpu_op_attr, value), VGPU_ENGINE_CONTROL, 0, true },
	[VGPU_OP_LAUNCH] = { USED(vgpu_op_launch, shared), VGPU_ENGINE_COMPUTE,
			     VGPU_CMD_F_COOPERATIVE },
	[VGPU_OP_PRINTF_READ] = { USED(vgpu_op_buffer, len), VGPU_ENGINE_CONTROL, 0, true },
	[VGPU_OP_RESERVE] = { USED(vgpu_op_reserve, bytes), VGPU_ENGINE_CONTROL, 0, true },
	[VGPU_OP_TEXTURE_CREATE] = { USED(vgpu_op_texture, border), VGPU_ENGINE_CONTROL, 0, true },
	[VGPU_OP_TEXTURE_DESTROY] = { USED(vgpu_op_texture, texture), VGPU_ENGINE_CONTROL, 0,
				      true },
};

/**
 * vgpu_op_engine() - engine class that executes an opcode
 * @opcode: enum vgpu_op, as vetted
 *
 * Return: the engine class. Context: any.
 */
enum vgpu_engine vgpu_op_engine(u8 opcode)
{
	return rules[array_index_nospec(opcode, VGPU_OP_COUNT)].engine;
}

/**
 * vgpu_cmd_bytes() - bytes that a copy moves
 * @cmd: as vetted
 *
 * Return: bytes, 0 for what is no copy between host and device. Context: any.
 */
u64 vgpu_cmd_bytes(const struct vgpu_cmd *cmd)
{
	if (cmd->opcode == VGPU_OP_COPY_IN || cmd->opcode == VGPU_OP_COPY_OUT)
		return cmd->copy.width * cmd->copy.height;
	return 0;
}

/*
 * Bytes from the first to the last that a pitched area touches; false if no area of that shape is
 * allowed.
 */
static bool pitched_span(u64 width, u64 pitch, u32 height, u64 *span)
{
	u64 bytes;

	if (!width || !height || width > VGPU_MAX_COPY)
		return false;
	if (check_mul_overflow(width, (u64)height, &bytes) || bytes > VGPU_MAX_COPY)
		return false;
	if (height == 1) {
		*span = width;
		return pitch == 0 || pitch >= width;
	}
	if (pitch < width || check_mul_overflow(pitch, (u64)height - 1, &bytes))
		return false;
	return !check_add_overflow(bytes, width, span);
}

/* The aperture is the business of ranges. */
static bool touches_aperture(const struct vgpu_session *session, u64 addr, u64 len)
{
	u64 base = session->worker.aperture_base;

	return addr < base + session->dev->limits.aperture && base < addr + len;
}

/* Before the worker has said where the range is, nothing lies in it. */
static bool in_device(const struct vgpu_session *session, u64 addr, u64 len)
{
	u64 base = session->worker.device_base;
	u64 size = vgpu_device_area(session);

	if (!base)
		return false;
	if (addr >= base && len <= size && addr - base <= size - len)
		return true;
	return session->dev->gpu->attach.flags & VGPU_ATTACH_GLOBALS_ANYWHERE &&
	       addr >= VGPU_PAGE_SIZE && len <= VGPU_ADDRESS_MAX &&
	       addr <= VGPU_ADDRESS_MAX - len && !touches_aperture(session, addr, len);
}

static u16 vet_copy(const struct vgpu_session *session, const struct vgpu_cmd *cmd)
{
	const struct vgpu_op_copy *copy = &cmd->copy;
	u64 dst_span, src_span;

	if (!pitched_span(copy->width, copy->dst_pitch, copy->height, &dst_span) ||
	    !pitched_span(copy->width, copy->src_pitch, copy->height, &src_span))
		return VGPU_ST_BAD_LENGTH;
	if (cmd->opcode == VGPU_OP_COPY_OUT) {
		if (!vgpu_session_in_range(session, copy->dst, dst_span))
			return VGPU_ST_BAD_APERTURE;
	} else if (!in_device(session, copy->dst, dst_span)) {
		return VGPU_ST_BAD_ADDRESS;
	}
	if (cmd->opcode == VGPU_OP_COPY_IN) {
		if (!vgpu_session_in_range(session, copy->src, src_span))
			return VGPU_ST_BAD_APERTURE;
	} else if (!in_device(session, copy->src, src_span)) {
		return VGPU_ST_BAD_ADDRESS;
	}
	return VGPU_ST_OK;
}

static u16 vet_memset(const struct vgpu_session *session, const struct vgpu_op_memset *set)
{
	u64 bytes, span;

	if (set->elem != 1 && set->elem != 2 && set->elem != 4)
		return VGPU_ST_BAD_LENGTH;
	if (set->width > VGPU_MAX_COPY)
		return VGPU_ST_BAD_LENGTH;
	bytes = set->width * set->elem;
	if (!pitched_span(bytes, set->pitch, set->height, &span))
		return VGPU_ST_BAD_LENGTH;
	if ((set->dst | set->pitch) & (set->elem - 1))
		return VGPU_ST_BAD_ADDRESS;
	return in_device(session, set->dst, span) ? VGPU_ST_OK : VGPU_ST_BAD_ADDRESS;
}

static bool has_room(const struct vgpu_dev *dev, u64 bytes)
{
	return dev->memory_used <= dev->limits.memory &&
	       bytes <= dev->limits.memory - dev->memory_used;
}

/* Granules of a chunk, if it lies in the chunk area; false if not. */
static bool chunk_granules(const struct vgpu_session *session, const struct vgpu_op_chunk *chunk,
			   u32 *first, u32 *count)
{
	u64 granule = session->dev->gpu->attach.granule;
	u64 offset = chunk->addr - session->worker.device_base;

	if (!session->worker.device_base || chunk->addr < session->worker.device_base ||
	    !IS_ALIGNED(offset, granule))
		return false;
	offset = div64_u64(offset, granule);
	if (offset >= session->num_chunks ||
	    div64_u64(chunk->len, granule) > session->num_chunks - offset)
		return false;
	*first = offset;
	*count = div64_u64(chunk->len, granule);
	return true;
}

static bool all_set(const unsigned long *map, u32 first, u32 end)
{
	return find_next_zero_bit(map, end, first) >= end;
}

static bool none_set(const unsigned long *map, u32 first, u32 end)
{
	return find_next_bit(map, end, first) >= end;
}

/* Whether granules are mapped, each by a command that has completed. */
static bool all_mapped(const struct vgpu_session *session, u32 first, u32 end)
{
	return all_set(session->chunks, first, end) && none_set(session->mapping, first, end);
}

/* Whether an alias can be of this: memory of a chunk's own. */
static u16 vet_source(const struct vgpu_session *session, const struct vgpu_op_chunk *chunk)
{
	const struct vgpu_op_chunk source = { .addr = chunk->source, .len = chunk->len };
	u32 first, count;

	if (!chunk_granules(session, &source, &first, &count))
		return VGPU_ST_BAD_ADDRESS;
	return all_mapped(session, first, first + count) &&
			       none_set(session->aliases, first, first + count)
		       ? VGPU_ST_OK
		       : VGPU_ST_NOT_MAPPED;
}

static u16 vet_map(const struct vgpu_session *session, const struct vgpu_op_chunk *chunk)
{
	u16 status = VGPU_ST_OK;
	u32 first, count;

	if (!chunk_granules(session, chunk, &first, &count))
		return VGPU_ST_BAD_ADDRESS;
	if (chunk->flags & ~(VGPU_CHUNK_SHARED | VGPU_CHUNK_ALIAS) ||
	    chunk->flags == (VGPU_CHUNK_SHARED | VGPU_CHUNK_ALIAS) ||
	    (chunk->source && !(chunk->flags & VGPU_CHUNK_ALIAS)))
		return VGPU_ST_BAD_FLAGS;
	if (chunk->flags & VGPU_CHUNK_ALIAS)
		status = vet_source(session, chunk);
	/* First: what the quota has no room for is refused without a search. */
	else if (!has_room(session->dev, chunk->len))
		status = VGPU_ST_QUOTA;
	if (status == VGPU_ST_OK && !none_set(session->chunks, first, first + count))
		status = VGPU_ST_NOT_MAPPED;
	return status;
}

static u16 vet_unmap(const struct vgpu_session *session, const struct vgpu_op_chunk *chunk)
{
	u32 first, count;
	bool fits;

	if (!chunk_granules(session, chunk, &first, &count))
		return VGPU_ST_BAD_ADDRESS;
	if (chunk->flags & ~VGPU_CHUNK_ALIAS || chunk->source)
		return VGPU_ST_BAD_FLAGS;
	if (chunk->flags & VGPU_CHUNK_ALIAS)
		fits = all_set(session->aliases, first, first + count);
	else
		fits = none_set(session->aliases, first, first + count);
	return fits && all_mapped(session, first, first + count) ? VGPU_ST_OK : VGPU_ST_NOT_MAPPED;
}

static u16 vet_chunk(const struct vgpu_session *session, const struct vgpu_cmd *cmd)
{
	if (!cmd->chunk.len || !IS_ALIGNED(cmd->chunk.len, session->dev->gpu->attach.granule))
		return VGPU_ST_BAD_LENGTH;
	return cmd->opcode == VGPU_OP_CHUNK_MAP ? vet_map(session, &cmd->chunk) :
						  vet_unmap(session, &cmd->chunk);
}

static u16 vet_reserve(const struct vgpu_session *session, u64 bytes)
{
	const struct vgpu_dev *dev = session->dev;

	if (!IS_ALIGNED(bytes, dev->gpu->attach.granule))
		return VGPU_ST_BAD_LENGTH;
	if (session->reserving)
		return VGPU_ST_BAD_OBJECT;
	if (bytes > session->reserved && !has_room(dev, bytes - session->reserved))
		return VGPU_ST_QUOTA;
	return VGPU_ST_OK;
}

static u16 vet_module(const struct vgpu_session *session, const struct vgpu_op_module *module)
{
	if (module->module >= VGPU_MAX_MODULES)
		return VGPU_ST_BAD_OBJECT;
	if (module->kind > VGPU_IMAGE_LINK)
		return VGPU_ST_BAD_FLAGS;
	if (!module->image_len || module->image_len > VGPU_MAX_IMAGE ||
	    module->log_len > VGPU_MAX_LOG)
		return VGPU_ST_BAD_LENGTH;
	if (!vgpu_session_in_range(session, module->image, module->image_len))
		return VGPU_ST_BAD_APERTURE;
	if (module->log_len && !vgpu_session_in_range(session, module->log, module->log_len))
		return VGPU_ST_BAD_APERTURE;
	return VGPU_ST_OK;
}

static u16 vet_get(const struct vgpu_session *session, const struct vgpu_cmd *cmd)
{
	const struct vgpu_op_get *get = &cmd->get;
	bool func = cmd->opcode == VGPU_OP_FUNC_GET;
	u32 least = func ? sizeof(struct vgpu_func_info) : sizeof(struct vgpu_global_info);

	if (get->module >= VGPU_MAX_MODULES || get->id >= VGPU_MAX_FUNCTIONS || (!func && get->id))
		return VGPU_ST_BAD_OBJECT;
	if (!get->name_len || get->name_len > VGPU_MAX_NAME || get->out_len < least)
		return VGPU_ST_BAD_LENGTH;
	if (!vgpu_session_in_range(session, get->name, get->name_len) ||
	    !vgpu_session_in_range(session, get->out, get->out_len))
		return VGPU_ST_BAD_APERTURE;
	return VGPU_ST_OK;
}

static u16 vet_launch(const struct vgpu_session *session, const struct vgpu_op_launch *launch)
{
	const u32 *grid = launch->grid;
	const u32 *block = launch->block;

	if (launch->func >= VGPU_MAX_FUNCTIONS)
		return VGPU_ST_BAD_OBJECT;
	if (!grid[0] || !grid[1] || !grid[2] || grid[0] > VGPU_MAX_GRID_X ||
	    grid[1] > VGPU_MAX_GRID_YZ || grid[2] > VGPU_MAX_GRID_YZ)
		return VGPU_ST_BAD_DIMENSIONS;
	if (!block[0] || !block[1] || !block[2] || block[0] > VGPU_MAX_BLOCK_XY ||
	    block[1] > VGPU_MAX_BLOCK_XY || block[2] > VGPU_MAX_BLOCK_Z ||
	    block[0] * block[1] * block[2] > VGPU_MAX_BLOCK_THREADS)
		return VGPU_ST_BAD_DIMENSIONS;
	if (launch->params_len > VGPU_MAX_PARAMS || launch->shared > VGPU_MAX_SHARED)
		return VGPU_ST_BAD_LENGTH;
	if (launch->params_len &&
	    !vgpu_session_in_range(session, launch->params, launch->params_len))
		return VGPU_ST_BAD_APERTURE;
	return VGPU_ST_OK;
}

/* Bytes of a channel; 0 for a CUarray_format that textures do not have. */
static u32 channel_bytes(u8 format)
{
	switch (format) {
	case 0x01: /* CU_AD_FORMAT_UNSIGNED_INT8 */
	case 0x08: /* CU_AD_FORMAT_SIGNED_INT8 */
		return 1;
	case 0x02: /* CU_AD_FORMAT_UNSIGNED_INT16 */
	case 0x09: /* CU_AD_FORMAT_SIGNED_INT16 */
	case 0x10: /* CU_AD_FORMAT_HALF */
		return 2;
	case 0x03: /* CU_AD_FORMAT_UNSIGNED_INT32 */
	case 0x0a: /* CU_AD_FORMAT_SIGNED_INT32 */
	case 0x20: /* CU_AD_FORMAT_FLOAT */
		return 4;
	default:
		return 0;
	}
}

/* Bytes from the first texel to the last; 0 for a shape that textures do not have. */
static u64 texture_span(const struct vgpu_op_texture *texture)
{
	u64 row = (u64)texture->width * texture->channels * channel_bytes(texture->format);
	u32 kind = texture->kind;
	bool flat = kind == VGPU_TEXTURE_1D || kind == VGPU_TEXTURE_1D_LAYERED;
	bool single = kind == VGPU_TEXTURE_1D || kind == VGPU_TEXTURE_2D;

	if (kind == VGPU_TEXTURE_LINEAR)
		return texture->width <= VGPU_MAX_TEXELS && !texture->height && !texture->depth &&
				       !texture->pitch ? row : 0;
	if (texture->width > VGPU_MAX_TEXTURE || texture->height > VGPU_MAX_TEXTURE ||
	    texture->depth > VGPU_MAX_TEXTURE_DEPTH || !texture->width || !texture->height ||
	    !texture->depth ||
	    (flat && texture->height != 1) || (single && texture->depth != 1) ||
	    texture->pitch < row)
		return 0;
	/* Below 2 to the power of 63: row, height and depth are bounded, and so is the pitch. */
	return ((u64)texture->depth * texture->height - 1) * texture->pitch + row;
}

static u16 vet_texture(const struct vgpu_session *session, const struct vgpu_op_texture *texture)
{
	u32 bytes = channel_bytes(texture->format);
	u64 span;

	if (texture->kind > VGPU_TEXTURE_2D_LAYERED || !bytes || texture->address >> 6 ||
	    (texture->channels != 1 && texture->channels != 2 && texture->channels != 4) ||
	    texture->flags & ~(VGPU_TEXTURE_F_LINEAR | VGPU_TEXTURE_F_NORMALIZED |
			       VGPU_TEXTURE_F_INTEGER))
		return VGPU_ST_BAD_FLAGS;
	bytes *= texture->channels;
	span = texture_span(texture);
	if (!span || texture->pitch & (bytes - 1))
		return VGPU_ST_BAD_LENGTH;
	if (texture->addr & (bytes - 1) || !in_device(session, texture->addr, span))
		return VGPU_ST_BAD_ADDRESS;
	return VGPU_ST_OK;
}

static bool zero_behind(const struct vgpu_cmd *cmd, u32 used)
{
	const u8 *bytes = (const u8 *)cmd;
	u32 i;

	for (i = used; i < sizeof(*cmd); i++)
		if (bytes[i])
			return false;
	return true;
}

/**
 * vgpu_vet() - whether a command may go on
 * @session: that submitted it; active
 * @cmd: private copy
 * @seq: its sequence number
 *
 * Nothing is changed: what an accepted command takes of the quota, vgpu_vet_charge() takes.
 *
 * Return: VGPU_ST_OK, or the status that it completes with. Context: vgpu_gpu.lock held.
 */
u16 vgpu_vet(const struct vgpu_session *session, const struct vgpu_cmd *cmd, u32 seq)
{
	const struct op_rule *rule;

	if (cmd->opcode >= VGPU_OP_COUNT || !rules[cmd->opcode].used)
		return VGPU_ST_BAD_OPCODE;
	rule = &rules[array_index_nospec(cmd->opcode, VGPU_OP_COUNT)];
	if (cmd->opcode == VGPU_OP_SESSION_INIT ? session->initialised : !session->initialised)
		return VGPU_ST_BAD_OPCODE;
	if (cmd->flags & ~rule->flags)
		return VGPU_ST_BAD_FLAGS;
	if (cmd->reserved0 || cmd->reserved1 || !zero_behind(cmd, rule->used))
		return VGPU_ST_BAD_RESERVED;
	if (cmd->stream >= VGPU_MAX_STREAMS || (rule->control && cmd->stream))
		return VGPU_ST_BAD_STREAM;
	if (cmd->ctx >= VGPU_MAX_CONTEXTS)
		return VGPU_ST_BAD_CONTEXT;

	switch (cmd->opcode) {
	case VGPU_OP_SESSION_INIT:
		if (!has_room(session->dev, session->dev->gpu->attach.session_overhead))
			return VGPU_ST_QUOTA;
		if (!vgpu_session_in_range(session, cmd->init.out,
					   sizeof(struct vgpu_session_info)))
			return VGPU_ST_BAD_APERTURE;
		return VGPU_ST_OK;
	case VGPU_OP_STREAM_WAIT:
		return (s32)(seq - cmd->wait.seq) > 0 ? VGPU_ST_OK : VGPU_ST_BAD_SEQUENCE;
	case VGPU_OP_CHUNK_MAP:
	case VGPU_OP_CHUNK_UNMAP:
		return vet_chunk(session, cmd);
	case VGPU_OP_RESERVE:
		return vet_reserve(session, cmd->reserve.bytes);
	case VGPU_OP_COPY_IN:
	case VGPU_OP_COPY_OUT:
	case VGPU_OP_COPY_DEVICE:
		return vet_copy(session, cmd);
	case VGPU_OP_MEMSET:
		return vet_memset(session, &cmd->memset);
	case VGPU_OP_MODULE_LOAD:
		return vet_module(session, &cmd->module);
	case VGPU_OP_MODULE_UNLOAD:
		return cmd->module.module < VGPU_MAX_MODULES && !cmd->module.image &&
				       !cmd->module.image_len && !cmd->module.log &&
				       !cmd->module.log_len
			       ? VGPU_ST_OK
			       : VGPU_ST_BAD_OBJECT;
	case VGPU_OP_FUNC_GET:
	case VGPU_OP_GLOBAL_GET:
		return vet_get(session, cmd);
	case VGPU_OP_FUNC_SET:
		return cmd->attr.func < VGPU_MAX_FUNCTIONS ? VGPU_ST_OK : VGPU_ST_BAD_OBJECT;
	case VGPU_OP_LAUNCH:
		return vet_launch(session, &cmd->launch);
	case VGPU_OP_TEXTURE_CREATE:
		return vet_texture(session, &cmd->texture);
	case VGPU_OP_PRINTF_READ:
		if (!cmd->buffer.len)
			return VGPU_ST_BAD_LENGTH;
		return vgpu_session_in_range(session, cmd->buffer.out, cmd->buffer.len)
			       ? VGPU_ST_OK
			       : VGPU_ST_BAD_APERTURE;
	default:
		return VGPU_ST_OK;
	}
}

static void mark(const struct vgpu_session *session, unsigned long *map,
		 const struct vgpu_op_chunk *chunk, bool set)
{
	u32 first, count;

	if (!chunk_granules(session, chunk, &first, &count))
		return;
	if (set)
		bitmap_set(map, first, count);
	else
		bitmap_clear(map, first, count);
}

static void charge_memory(struct vgpu_session *session, s64 bytes)
{
	session->memory_used += bytes;
	vgpu_group_memory(session->dev, bytes);
}

/* What of a chunk's memory counts: an alias has none. */
static s64 own_bytes(const struct vgpu_op_chunk *chunk)
{
	return chunk->flags & VGPU_CHUNK_ALIAS ? 0 : chunk->len;
}

static void mark_chunk(struct vgpu_session *session, const struct vgpu_op_chunk *chunk, bool set)
{
	mark(session, session->chunks, chunk, set);
	if (chunk->flags & VGPU_CHUNK_ALIAS)
		mark(session, session->aliases, chunk, set);
}

/**
 * vgpu_vet_charge() - take what an accepted command needs
 * @session: that submitted it
 * @cmd: accepted by vgpu_vet() under the same hold of the lock
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_vet_charge(struct vgpu_session *session, const struct vgpu_cmd *cmd)
{
	switch (cmd->opcode) {
	case VGPU_OP_SESSION_INIT:
		session->initialised = true;
		/* Of what CUDA takes for itself as long as the session is there. */
		charge_memory(session, session->dev->gpu->attach.session_overhead);
		break;
	case VGPU_OP_CHUNK_MAP:
		mark_chunk(session, &cmd->chunk, true);
		mark(session, session->mapping, &cmd->chunk, true);
		charge_memory(session, own_bytes(&cmd->chunk));
		break;
	case VGPU_OP_CHUNK_UNMAP:
		mark_chunk(session, &cmd->chunk, false);
		break;
	case VGPU_OP_RESERVE:
		session->reserving = true;
		if (cmd->reserve.bytes > session->reserved)
			charge_memory(session, cmd->reserve.bytes - session->reserved);
		break;
	}
}

/* What is more is charged while the command is under way, what is less after it. */
static void settle_reserve(struct vgpu_session *session, u64 bytes, bool done)
{
	session->reserving = false;
	if (done && bytes < session->reserved)
		charge_memory(session, -(s64)(session->reserved - bytes));
	else if (!done && bytes > session->reserved)
		charge_memory(session, -(s64)(bytes - session->reserved));
	if (done)
		session->reserved = bytes;
}

/**
 * vgpu_vet_settle() - give back what a completed command no longer needs
 * @session: that submitted it
 * @cmd: as charged
 * @status: of its completion
 *
 * A mapping that failed is given back. An unmapping that failed keeps its charge: the memory may
 * still be there. What is unmapped was mapped by a command that had completed, so that no word of a
 * worker can make a session's use less than what it has mapped. That memory is not unmapped while
 * it has aliases, which would keep it, is the worker's to refuse.
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_vet_settle(struct vgpu_session *session, const struct vgpu_cmd *cmd, u16 status)
{
	if (cmd->opcode == VGPU_OP_RESERVE) {
		settle_reserve(session, cmd->reserve.bytes, status == VGPU_ST_OK);
	} else if (cmd->opcode == VGPU_OP_CHUNK_MAP) {
		mark(session, session->mapping, &cmd->chunk, false);
		if (status != VGPU_ST_OK) {
			mark_chunk(session, &cmd->chunk, false);
			charge_memory(session, -own_bytes(&cmd->chunk));
		}
	} else if (cmd->opcode == VGPU_OP_CHUNK_UNMAP) {
		if (status == VGPU_ST_OK)
			charge_memory(session, -own_bytes(&cmd->chunk));
		else
			mark_chunk(session, &cmd->chunk, true);
	}
}
