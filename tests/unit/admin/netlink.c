// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tools/vgpu-admin/netlink.h"

void admin_error(const char *format, ...)
{
	fail_msg("%s", format);
}

static const struct nl_field inner[] = {
	{ 3, NL_U64, "number" },
	{ 0 },
};

static const struct nl_field fields[] = {
	{ 1, NL_STRING, "string" },
	{ 2, NL_UUID, "uuid" },
	{ 3, NL_U64, "u64" },
	{ 4, NL_U32, "u32" },
	{ 5, NL_NAMES, "tier", nl_tier_names },
	{ 6, NL_U8_BOOL, "flag" },
	{ 7, NL_NEST, "nest", NULL, inner },
	{ 8, NL_ENGINES, "engines" },
	{ 0 },
};

static void put_engine(struct nl_msg *msg, uint32_t class, uint64_t busy_ns)
{
	struct nlattr *nest = nla_nest_start(msg, 8);

	nla_put_u32(msg, VGPU_A_ENGINE_CLASS, class);
	nla_put_u64(msg, VGPU_A_ENGINE_BUSY_NS, busy_ns);
	nla_nest_end(msg, nest);
}

static json_t *parsed(struct nl_msg *msg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	json_t *object = nl_parse(nlmsg_attrdata(header, 0), nlmsg_attrlen(header, 0), fields);

	nlmsg_free(msg);
	return object;
}

static struct nl_msg *message(void)
{
	struct nl_msg *msg = nlmsg_alloc();

	nlmsg_put(msg, 0, 0, 100, 0, 0);
	return msg;
}

static void attributes_become_json(void **state)
{
	static const uint8_t uuid[16] = {
		0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
		0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10,
	};
	struct nl_msg *msg = message();
	struct nlattr *nest;
	json_t *object, *expected;

	put_engine(msg, 0, 11);
	nla_put_string(msg, 1, "text");
	nla_put(msg, 2, sizeof(uuid), uuid);
	nla_put_u64(msg, 3, 1ULL << 62);
	nla_put_u32(msg, 4, UINT32_MAX);
	nla_put_u32(msg, 5, VGPU_VM_TIER_LOW);
	nla_put_u8(msg, 6, 1);
	nest = nla_nest_start(msg, 7);
	nla_put_u64(msg, 3, 5);
	nla_nest_end(msg, nest);
	put_engine(msg, 2, 22);
	nla_put_u32(msg, 99, 1);
	object = parsed(msg);
	expected = json_pack("{s:s,s:s,s:I,s:I,s:s,s:b,s:{s:i},s:{s:{s:i},s:{s:i}}}", "string", "text",
			     "uuid", "01234567-89ab-cdef-fedc-ba9876543210", "u64", (json_int_t)1 << 62,
			     "u32", (json_int_t)UINT32_MAX, "tier", "low", "flag", 1, "nest", "number", 5,
			     "engines", "compute", "busy_ns", 11, "copy_out", "busy_ns", 22);
	assert_true(json_equal(object, expected));
	json_decref(expected);
	json_decref(object);
}

/* A newer or broken kernel: what is too short or not terminated is passed over, words that are not known say so. */
static void nonsense_is_passed_over(void **state)
{
	struct nl_msg *msg = message();
	struct nlattr *nest;
	json_t *object, *expected;

	nla_put(msg, 1, 4, "text");
	nla_put(msg, 1, 0, "");
	nla_put(msg, 2, 15, "123456789012345");
	nla_put_u32(msg, 3, 1);
	nla_put_u8(msg, 4, 1);
	nla_put_u32(msg, 5, 17);
	nla_put(msg, 6, 0, "");
	nest = nla_nest_start(msg, 7);
	nla_put_u8(msg, 3, 5);
	nla_nest_end(msg, nest);
	object = parsed(msg);
	expected = json_pack("{s:s,s:{}}", "tier", "unknown", "nest");
	assert_true(json_equal(object, expected));
	json_decref(expected);
	json_decref(object);
}

/* The kernel's messages name UUIDs; who has a name is called by it, wherever it stands, and nothing else is touched. */
static void messages_call_by_name(void **state)
{
	static const char one[] = "01234567-89ab-cdef-fedc-ba9876543210", other[] = "01234567-89ab-cdef-fedc-ba9876543211";
	json_t *vms = json_pack("{s:{s:s},s:{}}", one, "name", "web1", other);
	char message[256], text[256], small[8];

	snprintf(message, sizeof(message), "%s is open", one);
	nl_put_names(message, vms, text, sizeof(text));
	assert_string_equal(text, "web1 is open");
	nl_put_names(message, NULL, text, sizeof(text));
	assert_string_equal(text, message);
	nl_put_names(message, vms, small, sizeof(small));
	assert_string_equal(small, "web1 is");
	nl_put_names(message, vms, small, 3);
	assert_string_equal(small, "we");
	snprintf(message, sizeof(message), "2 UUIDs, as %s and %s, x%s", other, one, one);
	nl_put_names(message, vms, text, sizeof(text));
	assert_string_equal(text, "2 UUIDs, as 01234567-89ab-cdef-fedc-ba9876543211 and web1, xweb1");
	nl_put_names("01234567-89ab-cdef", vms, text, sizeof(text));
	assert_string_equal(text, "01234567-89ab-cdef");
	json_decref(vms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes_become_json),
		cmocka_unit_test(nonsense_is_passed_over),
		cmocka_unit_test(messages_call_by_name),
	};

	return cmocka_run_group_tests_name("admin netlink", tests, NULL, NULL);
}
