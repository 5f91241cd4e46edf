// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdlib.h>
#include <string.h>
#include "copy.h"
#include "stream.h"

#define STAGING_PIECE (1ULL << 20) /* bytes staged by one command */
#define STAGING_LIMIT (16ULL << 20) /* bytes of payload in flight at which staging waits */
#define STAGING_DEPTH 4 /* pieces in flight on the way out */

/* A part of a copy: rows of bytes inside one slice. */
struct piece {
	uint64_t x;
	uint64_t y;
	uint64_t z;
	uint64_t width;
	uint64_t rows;
};

CUresult copy_classify(uint64_t addr, bool device_only, struct copy_side *side)
{
	struct session *session = session_of(addr);

	side->addr = addr;
	side->session = session;
	if (!session) {
		side->kind = SIDE_PAGEABLE;
		return device_only ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
	}
	side->kind = session_is_device(session, addr) ? SIDE_DEVICE : SIDE_APERTURE;
	return CUDA_SUCCESS;
}

void copy_linear(struct copy *copy, const struct copy_side *dst, const struct copy_side *src,
		 uint64_t len)
{
	copy->dst = *dst;
	copy->src = *src;
	copy->dst.pitch = len;
	copy->dst.slice = len;
	copy->src.pitch = len;
	copy->src.slice = len;
	copy->width = len;
	copy->height = 1;
	copy->depth = 1;
	copy->staged = (struct heap_block){ 0 };
}

static bool side_valid(const struct copy_side *side, const struct copy *copy)
{
	uint64_t span =
		(copy->depth - 1) * side->slice + (copy->height - 1) * side->pitch + copy->width;

	switch (side->kind) {
	case SIDE_DEVICE:
		return devmem_valid(side->session, side->addr, span);
	case SIDE_APERTURE:
		return extent_covers(&side->session->pinned, side->addr, span);
	default:
		return true;
	}
}

CUresult copy_check(const struct copy *copy)
{
	return side_valid(&copy->dst, copy) && side_valid(&copy->src, copy)
		       ? CUDA_SUCCESS
		       : CUDA_ERROR_INVALID_VALUE;
}

static uint64_t piece_addr(const struct copy_side *side, const struct piece *piece)
{
	return side->addr + piece->z * side->slice + piece->y * side->pitch + piece->x;
}

/* Whether the rows, or the slices, of a side follow each other without gaps. */
static bool dense_rows(const struct copy *copy)
{
	return copy->height == 1 ||
	       (copy->dst.pitch == copy->width && copy->src.pitch == copy->width);
}

static bool dense_slices(const struct copy *copy)
{
	uint64_t slice = copy->width * copy->height;

	return copy->depth == 1 || (copy->dst.slice == slice && copy->src.slice == slice);
}

/* Makes a box without gaps one row. */
static struct copy flatten(const struct copy *copy)
{
	struct copy flat = *copy;

	if (dense_rows(copy)) {
		if (dense_slices(copy) && (copy->height > 1 || copy->depth > 1)) {
			flat.width = copy->width * copy->height * copy->depth;
			flat.height = 1;
			flat.depth = 1;
		} else if (copy->height > 1) {
			flat.width = copy->width * copy->height;
			flat.height = 1;
		}
	}
	/* Slices of one row each are rows. */
	if (flat.height == 1 && flat.depth > 1) {
		flat.height = flat.depth;
		flat.depth = 1;
		flat.dst.pitch = flat.dst.slice;
		flat.src.pitch = flat.src.slice;
	}
	return flat;
}

/* The next part of at most so many bytes; all zeros begins. Returns whether there is one. */
static bool next_piece(const struct copy *copy, uint64_t most, struct piece *piece)
{
	if (!piece->width) {
		piece->x = 0;
		piece->y = 0;
		piece->z = 0;
	} else {
		piece->x += piece->width;
		if (piece->x < copy->width) {
			/* More of this row. */
		} else {
			piece->x = 0;
			piece->y += piece->rows;
			if (piece->y == copy->height) {
				piece->y = 0;
				piece->z++;
			}
		}
	}
	if (piece->z == copy->depth)
		return false;
	if (copy->width > most) {
		piece->width = copy->width - piece->x < most ? copy->width - piece->x : most;
		piece->rows = 1;
	} else {
		piece->width = copy->width;
		piece->rows = most / copy->width;
		if (piece->rows > copy->height - piece->y)
			piece->rows = copy->height - piece->y;
	}
	return true;
}

static uint64_t submit(struct stream *stream, uint8_t opcode, const struct piece *piece,
		       uint64_t dst, uint64_t dst_pitch, uint64_t src, uint64_t src_pitch,
		       const struct heap_block *payload)
{
	struct vgpu_cmd cmd = { .opcode = opcode };

	cmd.copy.dst = dst;
	cmd.copy.src = src;
	cmd.copy.width = piece->width;
	cmd.copy.height = piece->rows;
	if (piece->rows > 1) {
		cmd.copy.dst_pitch = dst_pitch;
		cmd.copy.src_pitch = src_pitch;
	}
	queue_reserve(&stream->session->queue, 1);
	return stream_submit(stream, &cmd, payload, NULL);
}

/* Both sides are the device's to reach. */
static void issue_direct(struct stream *stream, const struct copy *copy)
{
	struct session *session = stream->session;
	struct piece piece = { 0 }, next = { 0 };
	bool more = next_piece(copy, VGPU_MAX_COPY, &next);
	uint8_t opcode = VGPU_OP_COPY_DEVICE;

	if (copy->src.kind == SIDE_APERTURE)
		opcode = VGPU_OP_COPY_IN;
	else if (copy->dst.kind == SIDE_APERTURE)
		opcode = VGPU_OP_COPY_OUT;
	while (more) {
		uint64_t dst, src;

		piece = next;
		dst = piece_addr(&copy->dst, &piece);
		src = piece_addr(&copy->src, &piece);
		if (opcode == VGPU_OP_COPY_IN)
			src = session_aperture_offset(session, src);
		else if (opcode == VGPU_OP_COPY_OUT)
			dst = session_aperture_offset(session, dst);
		more = next_piece(copy, VGPU_MAX_COPY, &next);
		submit(stream, opcode, &piece, dst, copy->dst.pitch, src, copy->src.pitch,
		       more ? NULL : &copy->staged);
	}
}

/* A block for a piece, when what is in flight has sunk below the limit. */
static char *staging(struct session *session, uint64_t len, struct heap_block *block)
{
	while (session->heap.used - session->pinned_bytes > STAGING_LIMIT &&
	       queue_wait_any(&session->queue))
		;
	return session_payload(session, len, block);
}

static void gather(char *to, const struct copy_side *side, const struct piece *piece)
{
	const char *from = (const char *)piece_addr(side, piece);

	for (uint64_t y = 0; y < piece->rows; y++)
		memcpy(to + y * piece->width, from + y * side->pitch, piece->width);
}

static void scatter(const struct copy_side *side, const struct piece *piece, const char *from)
{
	char *to = (char *)piece_addr(side, piece);

	for (uint64_t y = 0; y < piece->rows; y++)
		memcpy(to + y * side->pitch, from + y * piece->width, piece->width);
}

static CUresult issue_in(struct stream *stream, const struct copy *copy)
{
	struct piece piece = { 0 };

	while (next_piece(copy, STAGING_PIECE, &piece)) {
		struct heap_block block;
		char *stage = staging(stream->session, piece.width * piece.rows, &block);

		if (!stage)
			return CUDA_ERROR_OUT_OF_MEMORY;
		gather(stage, &copy->src, &piece);
		submit(stream, VGPU_OP_COPY_IN, &piece, piece_addr(&copy->dst, &piece),
		       copy->dst.pitch, block.offset, piece.width, &block);
	}
	return CUDA_SUCCESS;
}

/* A piece on its way out of the device. */
struct outgoing {
	struct piece piece;
	struct heap_block block;
	uint64_t mark;
};

static void land(struct stream *stream, const struct copy *copy, struct outgoing *out)
{
	struct session *session = stream->session;

	queue_wait(&session->queue, out->mark, context_blocking(stream->ctx));
	if (!session->error)
		scatter(&copy->dst, &out->piece, heap_address(&session->heap, &out->block));
	heap_free(&session->heap, &out->block);
}

static CUresult issue_out(struct stream *stream, const struct copy *copy)
{
	struct outgoing ring[STAGING_DEPTH];
	struct piece piece = { 0 };
	unsigned int head = 0, tail = 0;
	CUresult result = CUDA_SUCCESS;

	while (next_piece(copy, STAGING_PIECE, &piece)) {
		struct outgoing *out;

		if (tail - head == STAGING_DEPTH)
			land(stream, copy, &ring[head++ % STAGING_DEPTH]);
		out = &ring[tail % STAGING_DEPTH];
		out->piece = piece;
		if (!staging(stream->session, piece.width * piece.rows, &out->block)) {
			result = CUDA_ERROR_OUT_OF_MEMORY;
			break;
		}
		out->mark = submit(stream, VGPU_OP_COPY_OUT, &piece, out->block.offset, piece.width,
				   piece_addr(&copy->src, &piece), copy->src.pitch, NULL);
		tail++;
	}
	while (head != tail)
		land(stream, copy, &ring[head++ % STAGING_DEPTH]);
	return result;
}

void copy_on_host(const struct copy *copy)
{
	for (uint64_t z = 0; z < copy->depth; z++)
		for (uint64_t y = 0; y < copy->height; y++)
			memmove((char *)copy->dst.addr + z * copy->dst.slice + y * copy->dst.pitch,
				(const char *)copy->src.addr + z * copy->src.slice +
					y * copy->src.pitch,
				copy->width);
}

CUresult copy_issue(struct stream *stream, const struct copy *given)
{
	struct copy copy = flatten(given);

	if (copy.dst.kind == SIDE_PAGEABLE)
		return issue_out(stream, &copy);
	if (copy.src.kind == SIDE_PAGEABLE)
		return issue_in(stream, &copy);
	issue_direct(stream, &copy);
	return CUDA_SUCCESS;
}

CUresult copy_stage_source(struct session *session, struct copy *copy, struct heap_block *block)
{
	uint64_t len = copy->width * copy->height * copy->depth;
	char *stage = session_payload(session, len, block);
	struct piece piece = { 0 };
	char *at = stage;

	if (!stage)
		return CUDA_ERROR_OUT_OF_MEMORY;
	while (next_piece(copy, UINT64_MAX, &piece)) {
		gather(at, &copy->src, &piece);
		at += piece.width * piece.rows;
	}
	copy->src.kind = SIDE_APERTURE;
	copy->src.session = session;
	copy->src.addr = (uint64_t)stage;
	copy->src.pitch = copy->width;
	copy->src.slice = copy->width * copy->height;
	copy->staged = *block;
	return CUDA_SUCCESS;
}
