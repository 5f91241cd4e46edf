// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Virtual GPUs as mediated devices: `echo UUID > .../mdev_supported_types/TYPE/create` makes one.
 */

#include <linux/mdev.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include "netlink.h"

static int vgpu_mdev_probe(struct mdev_device *mdev)
{
	const char *why = "out of memory";
	struct vgpu_vm *vm;
	int err;

	vm = vfio_alloc_device(vgpu_vm, vdev, &mdev->dev, &vgpu_vfio_ops);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	dev_set_drvdata(&mdev->dev, vm);
	err = vfio_register_emulated_iommu_dev(&vm->vdev);
	if (err) {
		vfio_put_device(&vm->vdev);
		return err;
	}
	mutex_lock(&vgpu_gpus_lock);
	err = vgpu_policy_join(vm, &why);
	if (!err)
		vgpu_netlink_vm(VGPU_CMD_VM_ADD_NTF, vm);
	mutex_unlock(&vgpu_gpus_lock);
	if (err) {
		dev_err(&mdev->dev, "virtual GPU is refused: %s\n", why);
		vfio_unregister_group_dev(&vm->vdev);
		vfio_put_device(&vm->vdev);
	}
	return err;
}

/* Waits until the user of the virtual GPU has let go of it. */
static void vgpu_mdev_remove(struct mdev_device *mdev)
{
	struct vgpu_vm *vm = dev_get_drvdata(&mdev->dev);

	vfio_unregister_group_dev(&vm->vdev);
	mutex_lock(&vgpu_gpus_lock);
	vgpu_policy_leave(vm);
	vgpu_netlink_vm(VGPU_CMD_VM_DEL_NTF, vm);
	mutex_unlock(&vgpu_gpus_lock);
	vfio_put_device(&vm->vdev);
}

static unsigned int vgpu_mdev_get_available(struct mdev_type *mtype)
{
	struct vgpu_host_gpu *gpu = container_of(mtype->parent, struct vgpu_host_gpu, mdev_parent);

	return vgpu_gpu_available(&gpu->core, vgpu_type_of(mtype)->limits.memory);
}

static ssize_t vgpu_mdev_show_description(struct mdev_type *mtype, char *buf)
{
	const struct vgpu_limits *limits = &vgpu_type_of(mtype)->limits;

	return sysfs_emit(buf, "memory=%lluMiB, aperture=%lluMiB, sessions=%u, depth=%u\n",
			  limits->memory / SZ_1M, limits->aperture / SZ_1M, limits->sessions,
			  limits->depth);
}

struct mdev_driver vgpu_mdev_driver = {
	.device_api = VFIO_DEVICE_API_PCI_STRING,
	.probe = vgpu_mdev_probe,
	.remove = vgpu_mdev_remove,
	.get_available = vgpu_mdev_get_available,
	.show_description = vgpu_mdev_show_description,
	.driver = {
		.name = "vgpu_mdev",
		.owner = THIS_MODULE,
		.mod_name = KBUILD_MODNAME,
		.dev_groups = vgpu_vm_groups,
	},
};

/**
 * vgpu_mdev_init() - offer virtual GPUs to the mdev core
 *
 * Return: 0 or a negative errno. Context: may sleep.
 */
int vgpu_mdev_init(void)
{
	return mdev_register_driver(&vgpu_mdev_driver);
}

/**
 * vgpu_mdev_exit() - undo vgpu_mdev_init(); no GPU is left
 *
 * Context: may sleep.
 */
void vgpu_mdev_exit(void)
{
	mdev_unregister_driver(&vgpu_mdev_driver);
}
