// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) vgpu authors
/* The PCI device and its device node. */
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "driver.h"

#define VGPU_BARS	(BIT(VGPU_BAR_REGISTERS) | BIT(VGPU_BAR_APERTURE))

static DEFINE_IDA(vgpu_minors);

static void vgpu_set_state(struct vgpu *vgpu, enum vgpu_state state)
{
	down_write(&vgpu->life);
	WRITE_ONCE(vgpu->state, state);
	if (state != VGPU_LIVE)
		vgpu_sessions_end(vgpu);
	up_write(&vgpu->life);
	if (state != VGPU_LIVE)
		vgpu_files_zap(vgpu);
}

static struct vgpu *vgpu_from_dev(struct device *dev)
{
	return container_of(dev, struct vgpu, dev);
}

static ssize_t aperture_size_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", vgpu_from_dev(dev)->aperture.size);
}
static DEVICE_ATTR_RO(aperture_size);

static ssize_t aperture_used_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct vgpu *vgpu = vgpu_from_dev(dev);
	u64 used;

	mutex_lock(&vgpu->ctl);
	used = (u64)vgpu->aperture.used << PAGE_SHIFT;
	mutex_unlock(&vgpu->ctl);
	return sysfs_emit(buf, "%llu\n", used);
}
static DEVICE_ATTR_RO(aperture_used);

static ssize_t aperture_cache_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	bool uncached = READ_ONCE(vgpu_from_dev(dev)->aperture.uncached);

	return sysfs_emit(buf, "%s\n", uncached ? "uncached" : "write-back");
}
static DEVICE_ATTR_RO(aperture_cache);

static ssize_t sessions_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", vgpu_sessions_count(vgpu_from_dev(dev)));
}
static DEVICE_ATTR_RO(sessions);

static struct attribute *vgpu_device_attrs[] = {
	&dev_attr_aperture_size.attr,
	&dev_attr_aperture_used.attr,
	&dev_attr_aperture_cache.attr,
	&dev_attr_sessions.attr,
	NULL
};

static const struct attribute_group vgpu_device_group = {
	.attrs = vgpu_device_attrs,
};

const struct attribute_group *vgpu_device_groups[] = {
	&vgpu_device_group,
	NULL
};

static void vgpu_device_release(struct device *dev)
{
	struct vgpu *vgpu = vgpu_from_dev(dev);

	ida_free(&vgpu_minors, dev->id);
	mutex_destroy(&vgpu->files_lock);
	mutex_destroy(&vgpu->ctl);
	kfree(vgpu);
}

static struct vgpu *vgpu_device_alloc(struct pci_dev *pdev)
{
	struct vgpu *vgpu;
	int minor;

	vgpu = kzalloc(sizeof(*vgpu), GFP_KERNEL);
	if (!vgpu)
		return ERR_PTR(-ENOMEM);
	minor = ida_alloc_max(&vgpu_minors, VGPU_MAX_DEVICES - 1, GFP_KERNEL);
	if (minor < 0) {
		if (minor == -ENOSPC)
			dev_err(&pdev->dev, "no more than %u virtual GPUs are supported\n",
				VGPU_MAX_DEVICES);
		kfree(vgpu);
		return ERR_PTR(minor);
	}
	vgpu->pdev = pdev;
	init_rwsem(&vgpu->life);
	mutex_init(&vgpu->ctl);
	mutex_init(&vgpu->files_lock);
	INIT_LIST_HEAD(&vgpu->files);
	init_waitqueue_head(&vgpu->reclaim_wq);
	device_initialize(&vgpu->dev);
	vgpu->dev.class = &vgpu_class;
	vgpu->dev.parent = &pdev->dev;
	vgpu->dev.id = minor;
	vgpu->dev.devt = vgpu_devt(minor);
	vgpu->dev.release = vgpu_device_release;
	cdev_init(&vgpu->cdev, &vgpu_fops);
	vgpu->cdev.owner = THIS_MODULE;
	return vgpu;
}

static int vgpu_check_bar(struct pci_dev *pdev, int bar, u64 min)
{
	u64 len = pci_resource_len(pdev, bar);

	if (pci_resource_flags(pdev, bar) & IORESOURCE_MEM && len >= min)
		return 0;
	dev_err(&pdev->dev, "BAR%d is not memory of at least %llu bytes: %pR\n", bar, min,
		&pdev->resource[bar]);
	return -EPROTO;
}

/* Exclusively: nobody may map the BARs with another cache mode through sysfs or /dev/mem. */
static int vgpu_map_bars(struct vgpu *vgpu)
{
	struct pci_dev *pdev = vgpu->pdev;
	int ret;

	ret = vgpu_check_bar(pdev, VGPU_BAR_REGISTERS, VGPU_BAR0_SIZE);
	if (!ret)
		ret = vgpu_check_bar(pdev, VGPU_BAR_APERTURE, VGPU_PAGE_SIZE);
	if (!ret)
		ret = pci_request_selected_regions_exclusive(pdev, VGPU_BARS, VGPU_DRIVER_NAME);
	if (ret)
		return ret;
	vgpu->regs_phys = pci_resource_start(pdev, VGPU_BAR_REGISTERS);
	vgpu->regs = pci_iomap(pdev, VGPU_BAR_REGISTERS, VGPU_BAR0_SIZE);
	if (!vgpu->regs) {
		pci_release_selected_regions(pdev, VGPU_BARS);
		return -ENOMEM;
	}
	return 0;
}

static void vgpu_unmap_bars(struct vgpu *vgpu)
{
	pci_iounmap(vgpu->pdev, vgpu->regs);
	pci_release_selected_regions(vgpu->pdev, VGPU_BARS);
}

static int vgpu_init_aperture(struct vgpu *vgpu)
{
	struct pci_dev *pdev = vgpu->pdev;
	u64 bar = pci_resource_len(pdev, VGPU_BAR_APERTURE);
	u64 size = vgpu_control_aperture_size(vgpu);

	if (!size || size > min_t(u64, bar, VGPU_APERTURE_MAX) || !PAGE_ALIGNED(size)) {
		dev_err(&pdev->dev, "aperture of %#llx bytes is not whole pages in 1..%#llx\n",
			size, min_t(u64, bar, VGPU_APERTURE_MAX));
		return -EPROTO;
	}
	return vgpu_aperture_init(&vgpu->aperture, pci_resource_start(pdev, VGPU_BAR_APERTURE),
				  size);
}

static int vgpu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct vgpu *vgpu;
	int ret;

	vgpu = vgpu_device_alloc(pdev);
	if (IS_ERR(vgpu))
		return PTR_ERR(vgpu);
	ret = dev_set_name(&vgpu->dev, "vgpu%u", vgpu->dev.id);
	if (ret)
		goto err_put;
	ret = pci_enable_device_mem(pdev);
	if (ret)
		goto err_put;
	ret = vgpu_map_bars(vgpu);
	if (ret)
		goto err_disable;
	ret = vgpu_control_start(vgpu);
	if (ret)
		goto err_unmap;
	ret = vgpu_init_aperture(vgpu);
	if (ret)
		goto err_stop;
	pci_set_master(pdev);
	ret = vgpu_irq_init(vgpu, vgpu_control_num_sessions(vgpu));
	if (ret) {
		dev_err(&pdev->dev, "no two MSI-X vectors (%d)\n", ret);
		goto err_aperture;
	}
	pci_set_drvdata(pdev, vgpu);
	vgpu_set_state(vgpu, VGPU_LIVE);
	ret = cdev_device_add(&vgpu->cdev, &vgpu->dev);
	if (ret)
		goto err_irq;
	dev_info(&pdev->dev, "%s: %s, %llu MiB, aperture of %llu MiB, %u sessions, %u vectors\n",
		 dev_name(&vgpu->dev), vgpu->gpu.name, vgpu->gpu.memory >> 20,
		 vgpu->aperture.size >> 20, vgpu_control_num_sessions(vgpu), vgpu->num_vectors);
	return 0;

err_irq:
	vgpu_set_state(vgpu, VGPU_GONE);
	vgpu_irq_destroy(vgpu);
err_aperture:
	pci_clear_master(pdev);
	vgpu_aperture_destroy(&vgpu->aperture);
err_stop:
	vgpu_control_stop(vgpu);
err_unmap:
	vgpu_unmap_bars(vgpu);
err_disable:
	pci_disable_device(pdev);
err_put:
	put_device(&vgpu->dev);
	return ret;
}

static void vgpu_remove(struct pci_dev *pdev)
{
	struct vgpu *vgpu = pci_get_drvdata(pdev);

	cdev_device_del(&vgpu->cdev, &vgpu->dev);
	vgpu_set_state(vgpu, VGPU_GONE);
	vgpu_control_stop(vgpu);
	vgpu_irq_destroy(vgpu);
	pci_clear_master(pdev);
	vgpu_aperture_destroy(&vgpu->aperture);
	vgpu_unmap_bars(vgpu);
	pci_disable_device(pdev);
	put_device(&vgpu->dev);
}

static void vgpu_shutdown(struct pci_dev *pdev)
{
	struct vgpu *vgpu = pci_get_drvdata(pdev);

	vgpu_set_state(vgpu, VGPU_STOPPED);
	vgpu_control_stop(vgpu);
}

static void vgpu_reset_prepare(struct pci_dev *pdev)
{
	struct vgpu *vgpu = pci_get_drvdata(pdev);

	vgpu_set_state(vgpu, VGPU_STOPPED);
	vgpu_control_stop(vgpu);
}

static void vgpu_reset_done(struct pci_dev *pdev)
{
	struct vgpu *vgpu = pci_get_drvdata(pdev);
	int ret;

	ret = vgpu_control_start(vgpu);
	if (!ret && vgpu_control_aperture_size(vgpu) < vgpu->aperture.size) {
		dev_err(&pdev->dev,
			"aperture shrank from %#llx to %#llx bytes over a reset; bind the driver anew\n",
			vgpu->aperture.size, vgpu_control_aperture_size(vgpu));
		ret = -EPROTO;
	}
	if (ret)
		dev_err(&pdev->dev, "cannot be used after its reset (%d)\n", ret);
	else
		vgpu_set_state(vgpu, VGPU_LIVE);
}

static const struct pci_error_handlers vgpu_error_handlers = {
	.reset_prepare = vgpu_reset_prepare,
	.reset_done = vgpu_reset_done,
};

static const struct pci_device_id vgpu_pci_ids[] = {
	{ PCI_DEVICE(VGPU_PCI_VENDOR_ID, VGPU_PCI_DEVICE_ID) },
	{ }
};
MODULE_DEVICE_TABLE(pci, vgpu_pci_ids);

struct pci_driver vgpu_pci_driver = {
	.name = VGPU_DRIVER_NAME,
	.id_table = vgpu_pci_ids,
	.probe = vgpu_probe,
	.remove = vgpu_remove,
	.shutdown = vgpu_shutdown,
	.err_handler = &vgpu_error_handlers,
};
