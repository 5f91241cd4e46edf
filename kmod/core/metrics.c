// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* What the commands of virtual GPUs took: see metrics.h. */

#include "core.h"

#define CU_OUT_OF_MEMORY	2
#define CU_LAUNCH_TIMEOUT	702

/* Lengths of pieces in those of 200 ms, and how many make a window. */
static const u32 piece_length[VGPU_WINDOW_LEVELS] = { 1, 10, 50 };
static const u32 window_pieces[VGPU_WINDOW_LEVELS] = { 5, 5, 6 };

/* Whether anything is measured but what struct vgpu_counters has; set before GPUs are there. */
bool vgpu_metrics_on = true;

/**
 * vgpu_metrics_init() - nothing has happened yet
 * @dev: being set up
 *
 * Context: any.
 */
void vgpu_metrics_init(struct vgpu_dev *dev)
{
	dev->metrics.since_ns = vgpu_now_ns();
}

static void clear_piece(struct vgpu_latency *latency, struct vgpu_piece *piece)
{
	u32 i;

	for (i = 0; i < VGPU_PART_COUNT; i++)
		vgpu_hist_clear(&piece->part[i], &latency->spares);
}

static void drop_piece(struct vgpu_latency *latency, struct vgpu_piece **piece)
{
	if (!*piece)
		return;
	if (latency->now == *piece)
		latency->now = NULL;
	clear_piece(latency, *piece);
	kfree(*piece);
	*piece = NULL;
	latency->pieces--;
}

/**
 * vgpu_metrics_destroy() - give back all memory
 * @dev: at its end
 *
 * Context: nobody else uses it.
 */
void vgpu_metrics_destroy(struct vgpu_dev *dev)
{
	struct vgpu_latency *latency = dev->metrics.latency;
	u32 level, i;

	if (!latency)
		return;
	for (level = 0; level < VGPU_WINDOW_LEVELS; level++)
		for (i = 0; i < VGPU_WINDOW_PIECES; i++)
			drop_piece(latency, &latency->piece[level][i]);
	for (i = 0; i < VGPU_PART_COUNT; i++) {
		vgpu_hist_clear(&latency->all[i], &latency->spares);
		vgpu_hist_clear(&latency->before[i], &latency->spares);
		vgpu_hist_clear(&latency->early[i], &latency->spares);
	}
	vgpu_hist_trim(&latency->spares);
	kfree(latency);
	dev->metrics.latency = NULL;
}

/* The piece of a level that is of this epoch, empty if it is new; NULL if there is no memory. */
static struct vgpu_piece *get_piece(struct vgpu_latency *latency, u32 level, u64 epoch)
{
	struct vgpu_piece **place = &latency->piece[level][epoch % VGPU_WINDOW_PIECES];

	if (!*place) {
		*place = kzalloc(sizeof(**place), GFP_NOWAIT | __GFP_NOWARN);
		if (!*place)
			return NULL;
		latency->pieces++;
	} else if ((*place)->epoch != epoch) {
		clear_piece(latency, *place);
	}
	(*place)->epoch = epoch;
	return *place;
}

/* The current piece is over, or has to count now: it counts in what is longer. */
static void count_piece(struct vgpu_latency *latency)
{
	const struct vgpu_piece *done = latency->now;
	struct vgpu_piece *piece;
	u32 level, i;

	if (!done)
		return;
	for (level = 1; level < VGPU_WINDOW_LEVELS; level++) {
		piece = get_piece(latency, level, div_u64(done->epoch, piece_length[level]));
		for (i = 0; piece && i < VGPU_PART_COUNT; i++)
			vgpu_hist_merge(&piece->part[i], &latency->spares, &done->part[i]);
	}
	for (i = 0; i < VGPU_PART_COUNT; i++)
		vgpu_hist_merge(&latency->all[i], &latency->spares, &done->part[i]);
}

static void advance(struct vgpu_metrics *metrics, u64 now)
{
	struct vgpu_latency *latency = metrics->latency;

	count_piece(latency);
	latency->now = NULL;
	latency->epoch = div64_u64(now, VGPU_WINDOW_PIECE_NS);
	metrics->until_ns = (latency->epoch + 1) * VGPU_WINDOW_PIECE_NS;
}

static bool begin_latency(struct vgpu_metrics *metrics)
{
	metrics->latency = kzalloc(sizeof(*metrics->latency), GFP_NOWAIT | __GFP_NOWARN);
	metrics->until_ns = 0;
	return metrics->latency;
}

static enum vgpu_error error_of(u16 status)
{
	switch (status) {
	case VGPU_ST_QUARANTINED:
		return VGPU_ERROR_QUARANTINED;
	case VGPU_ST_QUOTA:
	case CU_OUT_OF_MEMORY:
		return VGPU_ERROR_MEMORY;
	case CU_LAUNCH_TIMEOUT:
		return VGPU_ERROR_TIMEOUT;
	case VGPU_ST_SESSION_LOST:
	case VGPU_ST_NO_EXECUTOR:
		return VGPU_ERROR_LOST;
	case VGPU_ST_CANCELLED:
		return VGPU_ERROR_CANCELLED;
	}
	return status < VGPU_ST_BASE ? VGPU_ERROR_CUDA : VGPU_ERROR_REJECTED;
}

/**
 * vgpu_metrics_refuse() - a command was completed without having been accepted
 * @dev: of which
 * @status: not VGPU_ST_OK
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_metrics_refuse(struct vgpu_dev *dev, u16 status)
{
	dev->metrics.errors[error_of(status)]++;
}

/* Parts of a dispatched command's life, VGPU_PART_TOTAL as given; see metrics.h. */
static void divide(const struct vgpu_item *item, u64 now, u64 part[VGPU_PART_COUNT])
{
	u64 rest = now - item->dispatch_ns;
	u64 waited = 0;

	part[VGPU_PART_QUEUED] = item->dispatch_ns - item->arrival_ns;
	if (item->start_ns > item->dispatch_ns)
		waited = min(item->start_ns - item->dispatch_ns, rest);
	part[VGPU_PART_EXECUTING] = item->gpu_ns ? min(item->gpu_ns, rest) : rest - waited;
	rest -= part[VGPU_PART_EXECUTING];
	part[VGPU_PART_DISPATCHED] = min(waited, rest);
	part[VGPU_PART_COMPLETING] = rest - part[VGPU_PART_DISPATCHED];
}

/* Where completions are entered now; NULL, and they are unseen, if there is no memory. */
static struct vgpu_hist *current_hist(struct vgpu_metrics *metrics, u64 now, u32 completions)
{
	if (!metrics->latency && !begin_latency(metrics)) {
		metrics->unseen += completions;
		return NULL;
	}
	if (now >= metrics->until_ns)
		advance(metrics, now);
	if (!metrics->latency->now)
		metrics->latency->now = get_piece(metrics->latency, 0, metrics->latency->epoch);
	return metrics->latency->now ? metrics->latency->now->part : metrics->latency->all;
}

static void enter_accepted(struct vgpu_dev *dev)
{
	struct vgpu_metrics *metrics = &dev->metrics;
	u32 count = metrics->batch.accepted;

	metrics->batch.accepted = 0;
	if (!vgpu_metrics_on)
		return;
	metrics->arrival_sum += metrics->batch.accepted_ns * count;
	metrics->accepted += count;
	metrics->accepted_max = max(metrics->accepted_max, metrics->accepted);
	vgpu_level_add(&dev->gpu->depth[dev->limits.tier], count);
	vgpu_level_add(&dev->gpu->depth[VGPU_TIER_COUNT], count);
}

static void enter_completed(struct vgpu_dev *dev, u64 arrival_ns, u32 count)
{
	dev->metrics.arrival_sum -= arrival_ns * count;
	dev->metrics.accepted -= count;
	dev->gpu->depth[dev->limits.tier].now -= count;
	dev->gpu->depth[VGPU_TIER_COUNT].now -= count;
}

static void enter_own(struct vgpu_dev *dev)
{
	struct vgpu_metrics *metrics = &dev->metrics;
	struct vgpu_batch *batch = &metrics->batch;
	u32 count = batch->completed;
	struct vgpu_hist *hist;

	batch->completed = 0;
	enter_completed(dev, batch->arrival_ns, count);
	metrics->commands[batch->kind] += count;
	hist = current_hist(metrics, batch->now, count);
	if (!hist)
		return;
	vgpu_hist_add(&hist[VGPU_PART_TOTAL], &metrics->latency->spares,
		      batch->now - batch->arrival_ns, count);
	vgpu_hist_add(&hist[VGPU_PART_QUEUED], &metrics->latency->spares,
		      batch->now - batch->arrival_ns, count);
}

/**
 * vgpu_metrics_flush() - enter what was only counted
 * @dev: of which
 *
 * Context: vgpu_gpu.lock held; follows vgpu_metrics_accept() and vgpu_metrics_complete() before it
 * is let go, and before anything is read.
 */
void vgpu_metrics_flush(struct vgpu_dev *dev)
{
	if (dev->metrics.batch.accepted)
		enter_accepted(dev);
	if (dev->metrics.batch.completed)
		enter_own(dev);
}

/**
 * vgpu_metrics_arrive() - the commands that are accepted from now on arrived at a time
 * @dev: of which
 * @now: their arrival_ns
 *
 * Context: vgpu_gpu.lock held; vgpu_metrics_flush() follows.
 */
void vgpu_metrics_arrive(struct vgpu_dev *dev, u64 now)
{
	vgpu_metrics_flush(dev);
	dev->metrics.batch.accepted_ns = now;
}

/**
 * vgpu_metrics_complete_first() - an accepted command completes, not as the one before
 * @dev: of which
 * @item: the command, still in the state that it was in
 * @status: enum vgpu_status
 * @now: time
 *
 * Context: vgpu_gpu.lock held; vgpu_metrics_flush() follows.
 */
void vgpu_metrics_complete_first(struct vgpu_dev *dev, const struct vgpu_item *item, u16 status,
				 u64 now)
{
	struct vgpu_metrics *metrics = &dev->metrics;
	u32 kind = item->cmd.opcode % VGPU_KINDS;
	struct vgpu_hist_spares *spares;
	u64 part[VGPU_PART_COUNT];
	struct vgpu_hist *hist;
	u32 i, parts;

	vgpu_metrics_flush(dev);
	if (item->engine == VGPU_ENGINE_NONE && status == VGPU_ST_OK) {
		metrics->batch.completed = 1;
		metrics->batch.kind = kind;
		metrics->batch.arrival_ns = item->arrival_ns;
		metrics->batch.now = now;
		return;
	}
	enter_completed(dev, item->arrival_ns, 1);
	if (status == VGPU_ST_OK) {
		metrics->commands[kind]++;
		metrics->bytes[kind] += vgpu_cmd_bytes(&item->cmd);
	} else {
		metrics->errors[error_of(status)]++;
	}
	hist = current_hist(metrics, now, 1);
	if (!hist)
		return;
	spares = &metrics->latency->spares;
	part[VGPU_PART_TOTAL] = now - item->arrival_ns;
	if (item->state == VGPU_ITEM_DISPATCHED) {
		divide(item, now, part);
		parts = VGPU_PART_COUNT;
	} else {
		part[VGPU_PART_QUEUED] = part[VGPU_PART_TOTAL];
		parts = VGPU_PART_QUEUED + 1;
	}
	for (i = 0; i < parts; i++)
		vgpu_hist_add(&hist[i], spares, part[i], 1);
}

/* Gives back the memory of pieces that are in no window any more. */
static void expire(struct vgpu_latency *latency)
{
	struct vgpu_piece **place;
	u32 level, i;

	for (level = 0; level < VGPU_WINDOW_LEVELS; level++)
		for (i = 0; i < VGPU_WINDOW_PIECES; i++) {
			place = &latency->piece[level][i];
			if (*place && (*place)->epoch + window_pieces[level] <
					      div_u64(latency->epoch, piece_length[level]))
				drop_piece(latency, place);
		}
	if (latency->early_epoch + window_pieces[0] < latency->epoch)
		for (i = 0; i < VGPU_PART_COUNT; i++)
			vgpu_hist_clear(&latency->early[i], &latency->spares);
	if (!latency->pieces)
		vgpu_hist_trim(&latency->spares);
}

/**
 * vgpu_metrics_depth_ns() - the integral of the queue depth over time
 * @metrics: of a virtual GPU
 * @now: time
 *
 * Return: that. Context: vgpu_gpu.lock held.
 */
u64 vgpu_metrics_depth_ns(const struct vgpu_metrics *metrics, u64 now)
{
	const struct vgpu_latency *latency = metrics->latency;
	u64 done = 0;

	if (latency) {
		done = latency->all[VGPU_PART_TOTAL].sum + latency->before[VGPU_PART_TOTAL].sum;
		if (latency->now)
			done += latency->now->part[VGPU_PART_TOTAL].sum;
	}
	/* What a command waited is what it added to the integral: J. D. C. Little, 1961. */
	return done + metrics->accepted * now - metrics->arrival_sum;
}

/**
 * vgpu_metrics_memory() - bytes that the histograms of a virtual GPU take
 * @dev: any
 *
 * Return: that. Context: vgpu_gpu.lock held.
 */
u64 vgpu_metrics_memory(const struct vgpu_dev *dev)
{
	const struct vgpu_latency *latency = dev->metrics.latency;

	if (!latency)
		return 0;
	return sizeof(*latency) + latency->pieces * sizeof(struct vgpu_piece) +
	       latency->spares.allocated * sizeof(struct vgpu_hist_block);
}

/**
 * vgpu_dev_read_metrics() - a consistent reading
 * @dev: any
 * @reading: filled in
 *
 * Context: any process.
 */
void vgpu_dev_read_metrics(struct vgpu_dev *dev, struct vgpu_metrics_reading *reading)
{
	struct vgpu_metrics *metrics = &dev->metrics;
	u64 now;

	spin_lock(&dev->gpu->lock);
	now = vgpu_now_ns();
	memcpy(reading->commands, metrics->commands, sizeof(reading->commands));
	memcpy(reading->bytes, metrics->bytes, sizeof(reading->bytes));
	memcpy(reading->errors, metrics->errors, sizeof(reading->errors));
	reading->switches = metrics->switches;
	reading->depth = metrics->accepted;
	reading->depth_max = metrics->accepted_max;
	reading->age_ns = now - metrics->since_ns;
	reading->unseen = metrics->unseen;
	if (metrics->latency) {
		if (now >= metrics->until_ns)
			advance(metrics, now);
		expire(metrics->latency);
	}
	reading->memory = vgpu_metrics_memory(dev);
	reading->depth_ns = vgpu_metrics_depth_ns(metrics, now);
	spin_unlock(&dev->gpu->lock);
}

/**
 * vgpu_latency_merge() - add histograms to a reading
 * @reading: grows
 * @part: by enum vgpu_part
 *
 * Context: the locks that guard either are held.
 */
void vgpu_latency_merge(struct vgpu_latency_reading *reading,
			const struct vgpu_hist part[VGPU_PART_COUNT])
{
	u32 i;

	for (i = 0; i < VGPU_PART_COUNT; i++)
		vgpu_hist_merge(&reading->part[i], &reading->spares, &part[i]);
}

/**
 * vgpu_metrics_merge() - add a virtual GPU's histograms of a window to a reading
 * @dev: any
 * @window: which
 * @uncredited: of all time, without what was credited to a tier
 * @reading: grows
 * @now: time
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_metrics_merge(struct vgpu_dev *dev, enum vgpu_window window, bool uncredited,
			struct vgpu_latency_reading *reading, u64 now)
{
	struct vgpu_metrics *metrics = &dev->metrics;
	struct vgpu_latency *latency = metrics->latency;
	struct vgpu_piece *piece;
	u32 level, j;
	u64 epoch;

	if (!latency)
		return;
	if (now >= metrics->until_ns)
		advance(metrics, now);
	if (window == VGPU_WINDOW_ALL) {
		vgpu_latency_merge(reading, latency->all);
		if (!uncredited)
			vgpu_latency_merge(reading, latency->before);
	} else {
		if (window == VGPU_WINDOW_1S &&
		    latency->early_epoch + window_pieces[0] >= latency->epoch)
			vgpu_latency_merge(reading, latency->early);
		level = window - VGPU_WINDOW_1S;
		epoch = div_u64(latency->epoch, piece_length[level]);
		for (j = 0; j < VGPU_WINDOW_PIECES; j++) {
			piece = latency->piece[level][j];
			if (piece && piece != latency->now &&
			    piece->epoch + window_pieces[level] >= epoch)
				vgpu_latency_merge(reading, piece->part);
		}
	}
	if (latency->now)
		vgpu_latency_merge(reading, latency->now->part);
}

/**
 * vgpu_metrics_credit() - a virtual GPU's histograms of all time become those of before
 * @dev: any
 * @to: is given them too, or NULL
 * @now: time
 *
 * Context: vgpu_gpu.lock held, and what guards @to.
 */
void vgpu_metrics_credit(struct vgpu_dev *dev, struct vgpu_latency_reading *to, u64 now)
{
	struct vgpu_latency *latency = dev->metrics.latency;
	u32 i;

	if (!latency)
		return;
	if (now >= dev->metrics.until_ns)
		advance(&dev->metrics, now);
	count_piece(latency);
	for (i = 0; i < VGPU_PART_COUNT; i++) {
		if (latency->early_epoch + window_pieces[0] < latency->epoch)
			vgpu_hist_clear(&latency->early[i], &latency->spares);
		if (latency->now)
			vgpu_hist_merge(&latency->early[i], &latency->spares,
					&latency->now->part[i]);
	}
	latency->early_epoch = latency->epoch;
	if (latency->now)
		clear_piece(latency, latency->now);
	if (to)
		vgpu_latency_merge(to, latency->all);
	for (i = 0; i < VGPU_PART_COUNT; i++) {
		vgpu_hist_merge(&latency->before[i], &latency->spares, &latency->all[i]);
		vgpu_hist_clear(&latency->all[i], &latency->spares);
	}
}

/**
 * vgpu_dev_read_latency() - the histograms of a window
 * @dev: any
 * @window: which
 * @reading: filled in; vgpu_latency_free() gives back its memory
 *
 * Values for which there is no memory are counted, and in no bucket.
 *
 * Context: any process.
 */
void vgpu_dev_read_latency(struct vgpu_dev *dev, enum vgpu_window window,
			   struct vgpu_latency_reading *reading)
{
	memset(reading, 0, sizeof(*reading));
	spin_lock(&dev->gpu->lock);
	vgpu_metrics_merge(dev, window, false, reading, vgpu_now_ns());
	spin_unlock(&dev->gpu->lock);
}

/**
 * vgpu_latency_free() - give back the memory of a reading
 * @reading: from vgpu_dev_read_latency()
 *
 * Context: any.
 */
void vgpu_latency_free(struct vgpu_latency_reading *reading)
{
	u32 i;

	for (i = 0; i < VGPU_PART_COUNT; i++)
		vgpu_hist_clear(&reading->part[i], &reading->spares);
	vgpu_hist_trim(&reading->spares);
}
