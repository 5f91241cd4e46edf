// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <linux/init.h>
#include <linux/module.h>
#include "netlink.h"
#include "../uapi/vgpu_release.h"

static int __init vgpu_init(void)
{
	int err;

	err = vgpu_mdev_init();
	if (err)
		return err;
	err = vgpu_pools_init();
	if (err)
		goto err_mdev;
	err = vgpu_netlink_init();
	if (err)
		goto err_pools;
	vgpu_record_init();
	err = vgpu_gpus_init();
	if (err)
		goto err_record;
	err = vgpu_aperture_init();
	if (err)
		goto err_gpus;
	err = vgpu_executor_init();
	if (err)
		goto err_aperture;
	return 0;

err_aperture:
	vgpu_aperture_exit();
err_gpus:
	vgpu_gpus_exit();
err_record:
	vgpu_record_exit();
	vgpu_netlink_exit();
err_pools:
	vgpu_policy_exit();
	vgpu_pools_exit();
err_mdev:
	vgpu_mdev_exit();
	return err;
}

static void __exit vgpu_exit(void)
{
	vgpu_executor_exit();
	vgpu_aperture_exit();
	vgpu_gpus_exit();
	vgpu_record_exit();
	vgpu_netlink_exit();
	vgpu_policy_exit();
	vgpu_pools_exit();
	vgpu_mdev_exit();
}

module_init(vgpu_init);
module_exit(vgpu_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("vgpu authors");
MODULE_VERSION(VGPU_RELEASE);
MODULE_DESCRIPTION("Mediator that shares GPUs among virtual machines");
