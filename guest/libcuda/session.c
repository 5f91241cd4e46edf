// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "context.h"
#include "device.h"
#include "error.h"
#include "log.h"
#include "session.h"
#include "stream.h"

#define OPEN_TRIES 4
#define PRINTF_BUFFER 65536

static struct session *sessions[MAX_DEVICES];

static void failure(void *data, uint32_t ctx, uint16_t status)
{
	struct session *session = data;
	CUresult result = error_of_status(status);
	struct context *context = ctx < VGPU_MAX_CONTEXTS ? session->contexts[ctx] : NULL;

	if (error_is_sticky(result)) {
		if (!session->error)
			session->error = result;
	} else if (context && !context->pending) {
		context->pending = result;
	}
}

static int reserve(uint64_t base, uint64_t size)
{
	void *map = mmap((void *)base, size, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	if (map == MAP_FAILED)
		return -errno;
	if (map != (void *)base) {
		munmap(map, size);
		return -EEXIST;
	}
	return 0;
}

/* Reserves both ranges of the executor in this process. */
static int adopt_addresses(struct session *session)
{
	const struct vgpu_session_info *info = &session->info;
	int err;

	if (!info->granule || (info->granule & (info->granule - 1)) || !info->device_size ||
	    !info->aperture_size || info->chunk_size > info->device_size ||
	    info->device_base % VGPU_PAGE_SIZE || info->aperture_base % VGPU_PAGE_SIZE) {
		log_line("the executor answered an invalid address range (%#llx, %#llx bytes)",
			 (unsigned long long)info->device_base,
			 (unsigned long long)info->device_size);
		return -EPROTO;
	}
	err = reserve(info->device_base, info->device_size);
	if (err)
		return err;
	err = reserve(info->aperture_base, info->aperture_size);
	if (!err) {
		err = heap_rebase(&session->heap, info->aperture_base);
		if (err)
			munmap((void *)info->aperture_base, info->aperture_size);
	}
	if (err)
		munmap((void *)info->device_base, info->device_size);
	return err;
}

static CUresult initialise(struct session *session, const struct vgpu_guest_info *guest)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_SESSION_INIT };
	struct heap_block block;
	CUresult result;
	int err;

	if (heap_alloc(&session->heap, sizeof(session->info), 8, &block))
		return CUDA_ERROR_OUT_OF_MEMORY;
	memset(heap_address(&session->heap, &block), 0, sizeof(session->info));
	cmd.init.out = block.offset;
	pthread_mutex_lock(&session->lock);
	result = session_call(session, &cmd, NULL);
	pthread_mutex_unlock(&session->lock);
	if (result) {
		log_line("virtual GPU %d did not start the session: %s", session->ordinal,
			 error_name(result));
		return result;
	}
	session->info = *(struct vgpu_session_info *)heap_address(&session->heap, &block);
	heap_free(&session->heap, &block);
	err = adopt_addresses(session);
	if (err == -EEXIST)
		return CUDA_ERROR_ALREADY_MAPPED;
	if (err) {
		log_line("cannot reserve the device's addresses: %s", strerror(-err));
		return error_of_errno(err);
	}
	return devmem_init(&session->mem, session->info.device_base, session->info.chunk_size,
			   session->info.device_size, session->info.granule, guest->memory_size)
		       ? CUDA_ERROR_OUT_OF_MEMORY
		       : CUDA_SUCCESS;
}

static void discard(struct session *session)
{
	heap_destroy(&session->heap);
	if (session->queue.port)
		queue_destroy(&session->queue);
	if (session->port)
		session->port->ops->close(session->port);
	free(session->module_numbers);
	free(session->function_numbers);
	free(session->texture_numbers);
	pthread_mutex_destroy(&session->lock);
	pthread_cond_destroy(&session->defer_work);
	free(session);
}

static CUresult try_open(int ordinal, struct session **opened)
{
	struct vgpu_guest_info *guest = calloc(1, sizeof(*guest));
	struct session *session = calloc(1, sizeof(*session));
	struct port_session area;
	CUresult result = CUDA_ERROR_OUT_OF_MEMORY;
	bool refused = false;
	int err = -ENOMEM;

	if (!guest || !session) {
		free(session);
		free(guest);
		return result;
	}
	session->ordinal = ordinal;
	pthread_mutex_init(&session->lock, NULL);
	pthread_cond_init(&session->defer_work, NULL);
	session->module_numbers = calloc(VGPU_MAX_MODULES / 64, sizeof(uint64_t));
	session->function_numbers = calloc(VGPU_MAX_FUNCTIONS / 64, sizeof(uint64_t));
	session->texture_numbers = calloc(VGPU_MAX_TEXTURES / 64, sizeof(uint64_t));
	if (session->module_numbers && session->function_numbers && session->texture_numbers)
		err = port_open(ordinal, &session->port);
	if (!err)
		err = session->port->ops->info(session->port, guest);
	if (!err) {
		err = session->port->ops->session(session->port, QUEUE_ENTRIES, QUEUE_ENTRIES, &area);
		refused = err == -EPERM;
	}
	if (!err)
		err = heap_init(&session->heap, session->port, guest->aperture_size);
	if (!err)
		err = queue_init(&session->queue, session->port, &area, &session->heap,
				 &session->lock, failure, session);
	if (refused) {
		/* vgpu_guest.h: of making a session, this is what EPERM means. */
		result = error_of_status(VGPU_ST_QUARANTINED);
	} else if (err) {
		result = error_of_errno(err);
		log_line("virtual GPU %d: cannot open a session: %s", ordinal, strerror(-err));
	} else {
		result = initialise(session, guest);
	}
	free(guest);
	if (result) {
		discard(session);
		return result;
	}
	*opened = session;
	return CUDA_SUCCESS;
}

CUresult session_open(int ordinal, struct session **session)
{
	CUresult result = CUDA_ERROR_UNKNOWN;

	/* The executor chooses addresses; where they are taken in this process, another session gets others. */
	for (int i = 0; i < OPEN_TRIES; i++) {
		result = try_open(ordinal, session);
		if (result != CUDA_ERROR_ALREADY_MAPPED)
			break;
	}
	if (result == CUDA_ERROR_ALREADY_MAPPED) {
		log_line("virtual GPU %d: the device's addresses are taken in this process", ordinal);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	if (!result)
		__atomic_store_n(&sessions[ordinal], *session, __ATOMIC_RELEASE);
	return result;
}

bool session_is_foreign(const struct session *session, uint64_t addr)
{
	const struct foreign *foreign = __atomic_load_n(&session->foreign, __ATOMIC_ACQUIRE);

	for (; foreign; foreign = foreign->next)
		if (addr - foreign->start < foreign->len)
			return true;
	return false;
}

void session_add_foreign(struct session *session, uint64_t addr, uint64_t size)
{
	const uint64_t page = VGPU_PAGE_SIZE;
	uint64_t start = addr & ~(page - 1);
	uint64_t end = (addr + size + page - 1) & ~(page - 1);
	struct foreign *foreign;

	while (start < end && session_is_foreign(session, start))
		start += page;
	while (start < end && session_is_foreign(session, end - page))
		end -= page;
	if (start >= end)
		return;
	if (reserve(start, end - start)) {
		log_line("a module's variable lies at %#llx, where this process has memory of its own",
			 (unsigned long long)addr);
		return;
	}
	foreign = malloc(sizeof(*foreign));
	if (!foreign)
		return;
	foreign->start = start;
	foreign->len = end - start;
	foreign->next = session->foreign;
	__atomic_store_n(&session->foreign, foreign, __ATOMIC_RELEASE);
}

struct session *session_of(uint64_t addr)
{
	for (int i = 0; i < MAX_DEVICES; i++) {
		struct session *session = __atomic_load_n(&sessions[i], __ATOMIC_ACQUIRE);

		if (session &&
		    (session_is_device(session, addr) || session_is_aperture(session, addr)))
			return session;
	}
	return NULL;
}

bool session_has(struct session *session, uint64_t addr, uint64_t len)
{
	return session_is_device(session, addr) ? devmem_valid(session, addr, len)
						: extent_covers(&session->pinned, addr, len);
}

CUresult session_call(struct session *session, const struct vgpu_cmd *cmd, uint64_t *value)
{
	struct record *record = record_new();
	uint64_t mark;
	CUresult result;

	if (!record)
		return CUDA_ERROR_OUT_OF_MEMORY;
	record->claimed = true;
	queue_reserve(&session->queue, 1);
	mark = queue_submit(&session->queue, cmd, NULL, record);
	queue_wait(&session->queue, mark, false);
	result = error_of_status(record->status);
	if (error_is_sticky(result)) {
		/* What another command died of comes before what this one noticed. */
		if (!session->error)
			session->error = result;
		result = session->error;
	}
	if (value)
		*value = record->value;
	record_put(record);
	return result;
}

static CUresult set_reserve(struct session *session, uint64_t bytes, uint64_t *lacking)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_RESERVE };
	uint64_t value = 0;
	CUresult result;

	cmd.reserve.bytes = bytes;
	result = session_call(session, &cmd, &value);
	if (!result)
		session->reserved = bytes;
	if (lacking)
		*lacking = (value >> VGPU_LACKING_SHIFT) * session->info.granule;
	return result;
}

bool session_reserve_more(struct session *session, CUresult result, uint64_t value)
{
	uint64_t bytes = session->reserved + (value >> VGPU_LACKING_SHIFT) * session->info.granule;

	if (result != CUDA_ERROR_OUT_OF_MEMORY || bytes == session->reserved)
		return false;
	if (!set_reserve(session, bytes, NULL))
		return true;
	/* What is kept for later allocations counts too. */
	devmem_trim(session);
	return !set_reserve(session, bytes, NULL);
}

bool session_reserve_less(struct session *session)
{
	uint64_t before = session->reserved, used;
	CUresult result;

	if (!before)
		return false;
	result = set_reserve(session, 0, &used);
	if (result == CUDA_ERROR_OUT_OF_MEMORY && used < before)
		result = set_reserve(session, used, NULL);
	return !result;
}

int session_number(uint64_t *numbers, unsigned int count)
{
	for (unsigned int i = 0; i < count / 64; i++) {
		int bit = __builtin_ffsll(~numbers[i]) - 1;

		if (bit >= 0) {
			numbers[i] |= 1ULL << bit;
			return i * 64 + bit;
		}
	}
	return -1;
}

void session_number_free(uint64_t *numbers, int number)
{
	numbers[number / 64] &= ~(1ULL << (number % 64));
}

void *session_payload(struct session *session, uint64_t len, struct heap_block *block)
{
	while (heap_alloc(&session->heap, len, 64, block))
		if (!queue_wait_any(&session->queue))
			return NULL;
	return heap_address(&session->heap, block);
}

void session_printf(struct session *session)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_PRINTF_READ };
	struct heap_block block;
	uint64_t len = 0;
	char *text;

	if (!session->uses_printf || session->error)
		return;
	text = session_payload(session, PRINTF_BUFFER, &block);
	if (!text)
		return;
	cmd.buffer.out = block.offset;
	cmd.buffer.len = PRINTF_BUFFER;
	do {
		if (session_call(session, &cmd, &len) || len > PRINTF_BUFFER)
			break;
		fwrite(text, 1, len, stdout);
	} while (len == PRINTF_BUFFER);
	fflush(stdout);
	heap_free(&session->heap, &block);
}

__attribute__((destructor)) static void print_stats(void)
{
	const char *wanted = getenv("VGPU_STATS");

	if (!wanted || !strcmp(wanted, "0") || device_init_check())
		return;
	for (int i = 0; i < MAX_DEVICES; i++) {
		const struct queue_stats *stats;

		if (!sessions[i])
			continue;
		stats = &sessions[i]->queue.stats;
		fprintf(stderr,
			"vgpu-stats: device %d commands %llu doorbells %llu waits %llu spins %llu aperture %llu\n",
			i, (unsigned long long)stats->commands, (unsigned long long)stats->doorbells,
			(unsigned long long)stats->waits, (unsigned long long)stats->spins,
			(unsigned long long)sessions[i]->heap.taken);
	}
}
