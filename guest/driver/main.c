// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) vgpu authors
#include <linux/module.h>

#include <vgpu_release.h>

#include "compat.h"
#include "driver.h"

static dev_t vgpu_first_devt;

/**
 * vgpu_devt() - device number of /dev/vgpuN
 * @minor: N, below VGPU_MAX_DEVICES
 *
 * Return: the number.
 * Context: any.
 */
dev_t vgpu_devt(unsigned int minor)
{
	return vgpu_first_devt + minor;
}

static char *vgpu_devnode(VGPU_DEVNODE_CONST struct device *dev, umode_t *mode)
{
	if (mode)
		*mode = 0660;
	return NULL;
}

struct class vgpu_class = {
	.name = "vgpu-guest",
	.devnode = vgpu_devnode,
	.dev_groups = vgpu_device_groups,
};

static int __init vgpu_init(void)
{
	int ret;

	ret = alloc_chrdev_region(&vgpu_first_devt, 0, VGPU_MAX_DEVICES, "vgpu");
	if (ret)
		return ret;
	ret = class_register(&vgpu_class);
	if (ret)
		goto err_chrdev;
	ret = pci_register_driver(&vgpu_pci_driver);
	if (ret)
		goto err_class;
	return 0;

err_class:
	class_unregister(&vgpu_class);
err_chrdev:
	unregister_chrdev_region(vgpu_first_devt, VGPU_MAX_DEVICES);
	return ret;
}
module_init(vgpu_init);

static void __exit vgpu_exit(void)
{
	pci_unregister_driver(&vgpu_pci_driver);
	class_unregister(&vgpu_class);
	unregister_chrdev_region(vgpu_first_devt, VGPU_MAX_DEVICES);
}
module_exit(vgpu_exit);

MODULE_DESCRIPTION("Guest driver of the vgpu virtual GPU");
MODULE_AUTHOR("vgpu authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(VGPU_RELEASE);
