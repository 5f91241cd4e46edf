// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Interrupts. */

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/vfio/vfio_test.h"

#define TRIGGER	VFIO_IRQ_SET_ACTION_TRIGGER

static uint64_t take(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static int test_irq_info(void)
{
	const uint32_t count[VFIO_PCI_NUM_IRQS] = {
		[VFIO_PCI_MSIX_IRQ_INDEX] = VGPU_NUM_VECTORS,
		[VFIO_PCI_REQ_IRQ_INDEX] = 1,
	};
	struct vfio_irq_info info = { .argsz = sizeof(info) };

	for (info.index = 0; info.index < VFIO_PCI_NUM_IRQS; info.index++) {
		EXPECT_EQ(ioctl(t.client.device, VFIO_DEVICE_GET_IRQ_INFO, &info), 0);
		EXPECT_EQ(info.count, count[info.index]);
		EXPECT_EQ(info.flags, info.count ? VFIO_IRQ_INFO_EVENTFD : 0);
	}
	EXPECT(ioctl(t.client.device, VFIO_DEVICE_GET_IRQ_INFO, &info) == -1 && errno == EINVAL);
	return 0;
}

static int test_irq_trigger(void)
{
	const uint8_t bools[3] = { 1, 0, 1 };
	int fds[3], i;

	for (i = 0; i < 3; i++)
		fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	EXPECT_EQ(vfio_set_irqs(&t.client, VFIO_PCI_MSIX_IRQ_INDEX, 62, 3,
				VFIO_IRQ_SET_DATA_EVENTFD | TRIGGER, fds, sizeof(fds)),
		  0);
	EXPECT_EQ(vfio_set_irqs(&t.client, VFIO_PCI_MSIX_IRQ_INDEX, 62, 3,
				VFIO_IRQ_SET_DATA_NONE | TRIGGER, NULL, 0),
		  0);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(take(fds[i]), 1);
	EXPECT_EQ(vfio_set_irqs(&t.client, VFIO_PCI_MSIX_IRQ_INDEX, 62, 3,
				VFIO_IRQ_SET_DATA_BOOL | TRIGGER, bools, sizeof(bools)),
		  0);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(take(fds[i]), bools[i]);
	/* One taken away, then all. */
	EXPECT_EQ(vfio_set_eventfd(&t.client, VFIO_PCI_MSIX_IRQ_INDEX, 63, -1), 0);
	EXPECT_EQ(vfio_set_irqs(&t.client, VFIO_PCI_MSIX_IRQ_INDEX, 62, 3,
				VFIO_IRQ_SET_DATA_NONE | TRIGGER, NULL, 0),
		  0);
	EXPECT_EQ(take(fds[0]), 1);
	EXPECT_EQ(take(fds[1]), 0);
	EXPECT_EQ(take(fds[2]), 1);
	EXPECT_EQ(vfio_set_irqs(&t.client, VFIO_PCI_MSIX_IRQ_INDEX, 0, 0,
				VFIO_IRQ_SET_DATA_NONE | TRIGGER, NULL, 0),
		  0);
	EXPECT_EQ(vfio_set_irqs(&t.client, VFIO_PCI_MSIX_IRQ_INDEX, 62, 3,
				VFIO_IRQ_SET_DATA_NONE | TRIGGER, NULL, 0),
		  0);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(take(fds[i]), 0);
		close(fds[i]);
	}
	return 0;
}

static int test_irq_errors(void)
{
	int fds[2] = { eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), 0 };
	const uint32_t eventfds = VFIO_IRQ_SET_DATA_EVENTFD | TRIGGER;

	EXPECT_EQ(vfio_set_irqs(&t.client, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, eventfds, fds, 4), -EINVAL);
	EXPECT_EQ(vfio_set_irqs(&t.client, VFIO_PCI_NUM_IRQS, 0, 1, eventfds, fds, 4), -EINVAL);
	EXPECT_EQ(vfio_set_irqs(&t.client, VFIO_PCI_MSIX_IRQ_INDEX, VGPU_NUM_VECTORS, 1, eventfds,
				fds, 4),
		  -EINVAL);
	EXPECT_EQ(vfio_set_irqs(&t.client, VFIO_PCI_MSIX_IRQ_INDEX, 64, 2, eventfds, fds, 8), -EINVAL);
	EXPECT_EQ(vfio_set_irqs(&t.client, VFIO_PCI_MSIX_IRQ_INDEX, ~0U, 1, eventfds, fds, 4), -EINVAL);
	EXPECT_EQ(vfio_set_irqs(&t.client, VFIO_PCI_MSIX_IRQ_INDEX, 0, ~0U, eventfds, fds, 8), -EINVAL);
	EXPECT_EQ(vfio_set_irqs(&t.client, VFIO_PCI_MSIX_IRQ_INDEX, 0, 2, eventfds, fds, 4), -EINVAL);
	EXPECT_EQ(vfio_set_irqs(&t.client, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, eventfds | 0x100, fds, 4), -EINVAL);
	EXPECT_EQ(vfio_set_irqs(&t.client, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1,
				VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK, NULL, 0), -ENOTTY);
	/* Not an eventfd: none of the two is set. */
	fds[1] = t.client.container;
	EXPECT_EQ(vfio_set_irqs(&t.client, VFIO_PCI_MSIX_IRQ_INDEX, 5, 2, eventfds, fds, 8), -EINVAL);
	fds[1] = -7;
	EXPECT_EQ(vfio_set_irqs(&t.client, VFIO_PCI_MSIX_IRQ_INDEX, 5, 2, eventfds, fds, 8), -EINVAL);
	EXPECT_EQ(vfio_set_irqs(&t.client, VFIO_PCI_MSIX_IRQ_INDEX, 5, 1,
				VFIO_IRQ_SET_DATA_NONE | TRIGGER, NULL, 0),
		  0);
	EXPECT_EQ(take(fds[0]), 0);
	close(fds[0]);
	return 0;
}

const struct test irq_tests[] = {
	{ "irq-info", test_irq_info },
	{ "irq-trigger", test_irq_trigger },
	{ "irq-errors", test_irq_errors },
	{ NULL, NULL }
};
