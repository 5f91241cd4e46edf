// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) vgpu authors
/*
 * MSI-X. Vector 0 tells of changes of the device, the others of completions. The first two are
 * always requested; each of the others when its first session comes, and freed with the last,
 * because a processor's vectors are scarce. Where there are fewer vectors than sessions, or a
 * vector cannot be requested, sessions share; whoever is notified for nothing looks at its
 * completion queue and sleeps again.
 */
#include <linux/interrupt.h>
#include <linux/slab.h>

#include "driver.h"

/* The vector that is there for any session. */
#define VGPU_VECTOR_SHARED	1

static irqreturn_t vgpu_irq_handle(int irq, void *data)
{
	struct vgpu_vector *vector = data;
	struct vgpu_session *session;

	spin_lock(&vector->lock);
	list_for_each_entry(session, &vector->sessions, vector_node)
		vgpu_session_notify(session);
	spin_unlock(&vector->lock);
	if (vector->index == VGPU_VECTOR_CONFIG)
		schedule_work(&vector->vgpu->config_work);
	return IRQ_HANDLED;
}

static int vgpu_irq_request(struct vgpu_vector *vector)
{
	struct pci_dev *pdev = vector->vgpu->pdev;

	return request_irq(pci_irq_vector(pdev, vector->index), vgpu_irq_handle, 0, vector->name,
			   vector);
}

static void vgpu_irq_free(struct vgpu_vector *vector)
{
	free_irq(pci_irq_vector(vector->vgpu->pdev, vector->index), vector);
}

static void vgpu_irq_config(struct work_struct *work)
{
	vgpu_sessions_look(container_of(work, struct vgpu, config_work));
}

/**
 * vgpu_irq_init() - take the device's vectors
 * @vgpu: device with a name
 * @num_sessions: sessions that may want one
 *
 * Return: 0, -ENOSPC if there are not two MSI-X vectors, -ENOMEM.
 * Context: process; sleeps.
 */
int vgpu_irq_init(struct vgpu *vgpu, unsigned int num_sessions)
{
	unsigned int wanted = min_t(unsigned int, num_sessions + 1, VGPU_NUM_VECTORS);
	unsigned int i;
	int ret;

	INIT_WORK(&vgpu->config_work, vgpu_irq_config);
	ret = pci_alloc_irq_vectors(vgpu->pdev, 2, wanted, PCI_IRQ_MSIX);
	if (ret < 0)
		return ret;
	vgpu->num_vectors = ret;
	vgpu->vectors = kcalloc(vgpu->num_vectors, sizeof(*vgpu->vectors), GFP_KERNEL);
	if (!vgpu->vectors) {
		ret = -ENOMEM;
		goto err_vectors;
	}
	for (i = 0; i < vgpu->num_vectors; i++) {
		struct vgpu_vector *vector = &vgpu->vectors[i];

		vector->vgpu = vgpu;
		vector->index = i;
		spin_lock_init(&vector->lock);
		INIT_LIST_HEAD(&vector->sessions);
		snprintf(vector->name, sizeof(vector->name), "%s-%u", dev_name(&vgpu->dev), i);
	}
	ret = vgpu_irq_request(&vgpu->vectors[VGPU_VECTOR_CONFIG]);
	if (ret)
		goto err_free;
	ret = vgpu_irq_request(&vgpu->vectors[VGPU_VECTOR_SHARED]);
	if (ret)
		goto err_config;
	return 0;

err_config:
	vgpu_irq_free(&vgpu->vectors[VGPU_VECTOR_CONFIG]);
	cancel_work_sync(&vgpu->config_work);
err_free:
	kfree(vgpu->vectors);
err_vectors:
	pci_free_irq_vectors(vgpu->pdev);
	return ret;
}

/**
 * vgpu_irq_destroy() - undo vgpu_irq_init()
 * @vgpu: device without sessions, not live
 *
 * When it returns, vgpu_sessions_look() does not run and is not called again.
 *
 * Context: process; sleeps.
 */
void vgpu_irq_destroy(struct vgpu *vgpu)
{
	vgpu_irq_free(&vgpu->vectors[VGPU_VECTOR_SHARED]);
	vgpu_irq_free(&vgpu->vectors[VGPU_VECTOR_CONFIG]);
	cancel_work_sync(&vgpu->config_work);
	kfree(vgpu->vectors);
	pci_free_irq_vectors(vgpu->pdev);
}

/**
 * vgpu_irq_attach() - give a session a vector
 * @vgpu: live device
 * @session: with its number; its vector is set, and it is notified from now on
 *
 * Context: vgpu.ctl held; sleeps.
 */
void vgpu_irq_attach(struct vgpu *vgpu, struct vgpu_session *session)
{
	struct vgpu_vector *vector;

	vector = &vgpu->vectors[VGPU_VECTOR_SHARED + session->id % (vgpu->num_vectors - 1)];
	if (!vector->users && vector->index != VGPU_VECTOR_SHARED && vgpu_irq_request(vector))
		vector = &vgpu->vectors[VGPU_VECTOR_SHARED];
	vector->users++;
	session->vector = vector->index;
	spin_lock_irq(&vector->lock);
	list_add_tail(&session->vector_node, &vector->sessions);
	spin_unlock_irq(&vector->lock);
}

/**
 * vgpu_irq_detach() - undo vgpu_irq_attach()
 * @vgpu: device
 * @session: not notified any more when this returns
 *
 * Context: vgpu.ctl held; sleeps.
 */
void vgpu_irq_detach(struct vgpu *vgpu, struct vgpu_session *session)
{
	struct vgpu_vector *vector = &vgpu->vectors[session->vector];

	spin_lock_irq(&vector->lock);
	list_del(&session->vector_node);
	spin_unlock_irq(&vector->lock);
	vector->users--;
	if (!vector->users && vector->index != VGPU_VECTOR_SHARED)
		vgpu_irq_free(vector);
}
