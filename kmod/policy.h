/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/**
 * DOC: Declared settings and pools
 *
 * What an operator declared is kept apart from what is in force. In force for a virtual GPU is what
 * was declared for its UUID; where nothing was, what its GPU's pool has as default; where that has
 * none either, what its type has. So a declaration can come before the virtual GPU, outlive it, and
 * be taken back.
 *
 * Everything here is guarded by vgpu_gpus_lock.
 */
#ifndef VGPU_KMOD_POLICY_H
#define VGPU_KMOD_POLICY_H

#include "vgpu.h"

/**
 * enum vgpu_setting - what can be declared
 *
 * From VGPU_SETTING_STRIKE on there is one for each enum vgpu_strike.
 */
enum vgpu_setting {
	VGPU_SETTING_TIER,
	VGPU_SETTING_MEMORY,
	VGPU_SETTING_DEPTH,
	VGPU_SETTING_SESSIONS,
	VGPU_SETTING_DEADLINE,
	VGPU_SETTING_GPU_SHARE,
	VGPU_SETTING_GPU_BURST,
	VGPU_SETTING_COPY_RATE,
	VGPU_SETTING_COPY_BURST,
	VGPU_SETTING_CMD_RATE,
	VGPU_SETTING_CMD_BURST,
	VGPU_SETTING_QUARANTINE,
	VGPU_SETTING_QUARANTINE_MAX,
	VGPU_SETTING_WEIGHT,
	VGPU_SETTING_STRIKE,
	VGPU_SETTING_COUNT = VGPU_SETTING_STRIKE + VGPU_STRIKE_COUNT
};

/**
 * struct vgpu_settings - some settings
 * @has: which, one bit each of enum vgpu_setting
 * @value: their values; the others mean nothing
 */
struct vgpu_settings {
	u32 has;
	struct vgpu_limits value;
};

/**
 * struct vgpu_host_pool - a pool as an operator knows it
 * @core: what decides
 * @node: in vgpu_pools
 * @serial: grows along vgpu_pools
 * @defaults: limits of virtual GPUs on its GPUs
 * @declared: UUIDs that were declared for it
 */
struct vgpu_host_pool {
	struct vgpu_pool core;
	struct list_head node;
	u64 serial;
	struct vgpu_settings defaults;
	u32 declared;
};

/**
 * struct vgpu_place - in which pool GPUs of a name are
 * @node: in vgpu_places
 * @serial: grows along vgpu_places
 * @name: of the GPU
 * @pool: which; never the default pool
 */
struct vgpu_place {
	struct list_head node;
	u64 serial;
	char name[sizeof_field(struct vgpu_exec_attach, name)];
	struct vgpu_host_pool *pool;
};

/**
 * struct vgpu_policy_entry - what was declared for a UUID
 * @node: in vgpu_policies
 * @serial: grows along vgpu_policies
 * @hash: by UUID
 * @uuid: which
 * @settings: declared
 * @pool: on whose GPUs alone it may be, NULL for any
 * @vm: that has the UUID, or NULL
 * @transient: was declared through sysfs and goes with @vm
 */
struct vgpu_policy_entry {
	struct list_head node;
	u64 serial;
	struct hlist_node hash;
	u8 uuid[16];
	struct vgpu_settings settings;
	struct vgpu_host_pool *pool;
	struct vgpu_vm *vm;
	bool transient;
};

extern struct list_head vgpu_pools;
extern struct list_head vgpu_places;
extern struct list_head vgpu_policies;

u64 vgpu_serial(void);
__printf(1, 2) const char *vgpu_why(const char *format, ...);

/* policy.c */
void *vgpu_setting_in(struct vgpu_limits *limits, u32 setting, size_t *size);
void vgpu_settings_merge(struct vgpu_settings *into, const struct vgpu_settings *from);
int vgpu_settings_check(const struct vgpu_settings *settings, const char **why);
struct vgpu_policy_entry *vgpu_policy_find(const u8 uuid[16]);
int vgpu_policy_declare(const u8 uuid[16], const struct vgpu_settings *settings,
			struct vgpu_host_pool *pool, bool transient, const char **why);
int vgpu_policy_forget(const u8 uuid[16], const char **why);
int vgpu_policy_limits(struct vgpu_host_gpu *gpu, const struct vgpu_type *type, const u8 uuid[16],
		       struct vgpu_limits *limits, const char **why);
int vgpu_policy_join(struct vgpu_vm *vm, const char **why);
void vgpu_policy_leave(struct vgpu_vm *vm);
int vgpu_policy_apply(struct vgpu_vm *vm, const char **why);
struct vgpu_vm *vgpu_vm_find(const u8 uuid[16]);
void vgpu_policy_exit(void);

/* pool.c */
int vgpu_pools_init(void);
void vgpu_pools_exit(void);
struct vgpu_host_pool *vgpu_pools_default(void);
struct vgpu_host_pool *vgpu_pools_find(const char *name);
u32 vgpu_pools_count_gpus(const struct vgpu_host_pool *pool);
int vgpu_pools_new(const char *name, const struct vgpu_policy *policy,
		   const struct vgpu_settings *defaults, const char **why);
int vgpu_pools_set(struct vgpu_host_pool *pool, const struct vgpu_policy *policy,
		   const struct vgpu_settings *defaults, const char **why);
int vgpu_pools_delete(struct vgpu_host_pool *pool, const char **why);
struct vgpu_place *vgpu_place_find(const char *name);
int vgpu_pools_put(const char *name, struct vgpu_host_pool *pool, const char **why);
void vgpu_pools_enter(struct vgpu_host_gpu *gpu);
void vgpu_pools_leave(struct vgpu_host_gpu *gpu);

#endif /* VGPU_KMOD_POLICY_H */
