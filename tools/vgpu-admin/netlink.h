/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef VGPU_ADMIN_NETLINK_H
#define VGPU_ADMIN_NETLINK_H

#include <netlink/attr.h>
#include <netlink/msg.h>
#include "admin.h"
#include "../../uapi/vgpu_netlink.h"

struct nl_link;

/**
 * enum nl_kind - what an attribute becomes
 * @NL_STRING: string
 * @NL_UUID: string, written as UUIDs are
 * @NL_U8_BOOL: true or false
 * @NL_U32: number
 * @NL_U64: number
 * @NL_NAMES: u32 that stands for a word
 * @NL_NEST: object
 * @NL_ENGINES: object by engine class, of a repeated nest
 * @NL_SETTINGS: no attribute, but all those of @settings that are beside it, each by its own key
 */
enum nl_kind {
	NL_STRING,
	NL_UUID,
	NL_U8_BOOL,
	NL_U32,
	NL_U64,
	NL_NAMES,
	NL_NEST,
	NL_ENGINES,
	NL_SETTINGS,
};

/**
 * struct nl_field - an attribute and its key in JSON
 * @type: attribute, 0 of NL_SETTINGS
 * @kind: what it is
 * @key: name in JSON
 * @names: of NL_NAMES, ends with NULL
 * @nest: of NL_NEST, ends with a key that is NULL
 * @settings: of NL_SETTINGS
 */
struct nl_field {
	int type;
	enum nl_kind kind;
	const char *key;
	const char * const *names;
	const struct nl_field *nest;
	const struct setting *settings;
};

/**
 * struct nl_names - names of attributes, for messages about requests
 * @name: by number
 * @count: of @name
 */
struct nl_names {
	const char * const *name;
	int count;
};

extern const struct nl_names nl_version_names;
extern const struct nl_names nl_gpu_names;
extern const struct nl_names nl_vm_names;
extern const struct nl_names nl_pool_names;
extern const char * const nl_tier_names[];

enum admin_exit nl_link_find(struct nl_link **link);
enum admin_exit nl_link_open(struct nl_link **link);
void nl_link_close(struct nl_link *link);
struct nl_msg *nl_link_message(struct nl_link *link, uint8_t command, int flags);
enum admin_exit nl_link_call(struct nl_link *link, struct nl_msg *msg, const char *about,
			     const struct nl_names *names, const struct nl_field *fields, json_t **answers);
void nl_link_name_vms(struct nl_link *link, json_t *vms);
void nl_put_names(const char *message, const json_t *vms, char *text, size_t size);
json_t *nl_parse(struct nlattr *attrs, int len, const struct nl_field *fields);

#endif /* VGPU_ADMIN_NETLINK_H */
