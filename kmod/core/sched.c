// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */
/*
 * The scheduler: which stream's next run an engine gets. Pure policy: it is told of streams that may run and of engine time used, and
 * answers; it dispatches nothing and reads no clock.
 *
 * The policy is first in, first out over the next commands of streams, by order of arrival at the GPU.
 */

#include "core.h"

/**
 * vgpu_sched_init() - empty run queues
 * @sched: of a GPU
 *
 * Context: any.
 */
void vgpu_sched_init(struct vgpu_sched *sched)
{
	int i;

	for (i = 0; i < VGPU_ENGINE_COUNT; i++)
		INIT_LIST_HEAD(&sched->queue[i]);
}

/**
 * vgpu_sched_enqueue() - a stream's next command may run
 * @sched: of its GPU
 * @entity: not queued; engine, arrival, arrival_ns and generation are those of the command
 *
 * Streams come nearly in order of arrival, so the place is looked for from the end.
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_sched_enqueue(struct vgpu_sched *sched, struct vgpu_sched_entity *entity)
{
	struct list_head *queue = &sched->queue[entity->engine];
	struct vgpu_sched_entity *before;

	entity->queued = true;
	list_for_each_entry_reverse(before, queue, node) {
		if (before->arrival < entity->arrival) {
			list_add(&entity->node, &before->node);
			return;
		}
	}
	list_add(&entity->node, queue);
}

/**
 * vgpu_sched_dequeue() - a stream may not run any more
 * @sched: of its GPU
 * @entity: queued
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_sched_dequeue(struct vgpu_sched *sched, struct vgpu_sched_entity *entity)
{
	list_del(&entity->node);
	entity->queued = false;
}

/**
 * vgpu_sched_pick() - the stream whose run an engine is to execute next
 * @sched: of the GPU
 * @engine: that has room in its dispatch window
 *
 * Return: the stream, no longer queued, or NULL if none may run. Context: vgpu_gpu.lock held.
 */
struct vgpu_sched_entity *vgpu_sched_pick(struct vgpu_sched *sched, enum vgpu_engine engine)
{
	struct vgpu_sched_entity *entity;

	entity = list_first_entry_or_null(&sched->queue[engine], struct vgpu_sched_entity, node);
	if (entity)
		vgpu_sched_dequeue(sched, entity);
	return entity;
}

/**
 * vgpu_sched_charge() - engine time was used
 * @sched: of the GPU
 * @dev: by which virtual GPU
 * @engine: of which engine
 * @busy_ns: nanoseconds on the kernel's clock
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_sched_charge(struct vgpu_sched *sched, struct vgpu_dev *dev, enum vgpu_engine engine, u64 busy_ns)
{
	dev->counters.busy_ns[engine] += busy_ns;
}
