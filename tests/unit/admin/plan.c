// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Operations that bring one state to another. What they do is worked out on a state by the rules that the kernel has for
 * them, which refuses those that come in the wrong order.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "tools/vgpu-admin/plan.h"

#define ROUNDS	3000
#define POOLS	4
#define GPUS	4
#define VMS	6

void admin_error(const char *format, ...)
{
	fail_msg("%s", format);
}

static const char *string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static const char *pool_of_gpu(const json_t *kernel, const char *gpu)
{
	return string(state_get(kernel, "gpus", gpu), "pool");
}

static bool in_use(const json_t *kernel, const char *pool)
{
	const char *name;
	json_t *object;

	json_object_foreach(json_object_get(kernel, "gpus"), name, object)
		if (!strcmp(string(object, "pool"), pool))
			return true;
	json_object_foreach(json_object_get(kernel, "vms"), name, object)
		if (string(object, "pool") && !strcmp(string(object, "pool"), pool))
			return true;
	return false;
}

/* Some virtual GPU on @gpu is declared for a pool. */
static bool bound(const json_t *kernel, const char *gpu)
{
	const char *uuid;
	json_t *mdev;

	json_object_foreach(json_object_get(kernel, "mdevs"), uuid, mdev)
		if (!strcmp(string(mdev, "gpu"), gpu) && string(state_get(kernel, "vms", uuid), "pool"))
			return true;
	return false;
}

static bool set_vm(json_t *kernel, const char *uuid, json_t *set)
{
	const json_t *mdev = state_get(kernel, "mdevs", uuid);
	const char *pool = string(set, "pool");

	if (pool && (!state_get(kernel, "pools", pool) ||
		     (mdev && strcmp(pool_of_gpu(kernel, string(mdev, "gpu")), pool))))
		return false;
	json_object_set_new(json_object_get(kernel, "vms"), uuid, json_deep_copy(set));
	return true;
}

static bool create_mdev(json_t *kernel, const char *uuid, const json_t *op)
{
	const char *declared = string(state_get(kernel, "vms", uuid), "pool"), *name, *gpu = string(op, "gpu");
	json_t *object;

	if (state_get(kernel, "mdevs", uuid))
		return false;
	if (!gpu && string(op, "prefer") &&
	    (!string(op, "pool") || !strcmp(pool_of_gpu(kernel, string(op, "prefer")), string(op, "pool"))))
		gpu = string(op, "prefer");
	json_object_foreach(json_object_get(kernel, "gpus"), name, object)
		if (!gpu && (!string(op, "pool") || !strcmp(string(object, "pool"), string(op, "pool"))))
			gpu = name;
	if (!gpu || (declared && strcmp(pool_of_gpu(kernel, gpu), declared)))
		return false;
	json_object_set_new(json_object_get(kernel, "mdevs"), uuid,
			    json_pack("{s:s, s:s, s:s}", "gpu", gpu, "type", string(op, "type"), "state", "closed"));
	return true;
}

/* What the kernel does with an operation; false where it refuses. */
static bool apply(json_t *kernel, const json_t *op)
{
	const char *kind = string(op, "op"), *name = string(op, "name"), *uuid = string(op, "uuid");
	json_t *pools = json_object_get(kernel, "pools"), *vms = json_object_get(kernel, "vms");

	if (!strcmp(kind, "pool-new") || !strcmp(kind, "pool-set")) {
		if (!!json_object_get(pools, name) == !strcmp(kind, "pool-new"))
			return false;
		json_object_set_new(pools, name, json_deep_copy(json_object_get(op, "set")));
		return true;
	}
	if (!strcmp(kind, "pool-del"))
		return strcmp(name, POOL_DEFAULT) && !in_use(kernel, name) && !json_object_del(pools, name);
	if (!strcmp(kind, "gpu-set")) {
		if (!json_object_get(pools, string(op, "pool")) || bound(kernel, name))
			return false;
		json_object_set(state_get(kernel, "gpus", name), "pool", json_object_get(op, "pool"));
		return true;
	}
	if (!strcmp(kind, "vm-set"))
		return set_vm(kernel, uuid, json_object_get(op, "set"));
	if (!strcmp(kind, "vm-forget"))
		return !json_object_del(vms, uuid);
	if (!strcmp(kind, "mdev-remove"))
		return !json_object_del(json_object_get(kernel, "mdevs"), uuid);
	return create_mdev(kernel, uuid, op);
}

static void apply_all(json_t *kernel, const json_t *ops, size_t count, unsigned int seed)
{
	json_t *op;
	size_t i;

	json_array_foreach(ops, i, op)
		if (i < count && !apply(kernel, op))
			fail_msg("SEED=%u: refused: %s of %s\nin %s", seed, json_dumps(op, 0), json_dumps(ops, 0),
				 json_dumps(kernel, JSON_INDENT(2)));
}

static json_t *random_pool(void)
{
	static const char * const weights[] = { "16:4:1", "8:4:1", "1:1:1" };
	json_t *pool = json_object();

	if (random() % 2)
		json_object_set_new(pool, "weights", json_string(weights[random() % 3]));
	if (random() % 2)
		json_object_set_new(pool, "slice_ns", json_integer(500000 * (1 + random() % 2)));
	if (random() % 3 == 0)
		json_object_set_new(pool, "limits", json_pack("{s:i}", "depth", 1 + (int)(random() % 3)));
	return pool;
}

static const char *random_name(char *text, const char *kind, int count)
{
	sprintf(text, "%s%d", kind, (int)(random() % count));
	return text;
}

/* A declaration in which everything that is named is there, and every GPU that one has to be on is in its pool. */
static json_t *random_declaration(void)
{
	json_t *state = state_new(), *vm;
	char name[16], pool[16], uuid[37];
	int i;

	json_object_set_new(json_object_get(state, "pools"), POOL_DEFAULT, random_pool());
	for (i = 0; i < GPUS; i++) {
		sprintf(name, "gpu%d", i);
		json_object_set_new(state_add(state, "gpus", name), "pool", json_string(POOL_DEFAULT));
		/* One GPU stays, so that no pool is without. */
		if (i && random() % 2) {
			random_name(pool, "pool", POOLS);
			json_object_set_new(json_object_get(state, "pools"), pool, random_pool());
			json_object_set_new(state_get(state, "gpus", name), "pool", json_string(pool));
		}
	}
	for (i = 0; i < VMS; i++) {
		if (random() % 3 == 0)
			continue;
		sprintf(uuid, "00000000-0000-4000-8000-%012d", i);
		vm = state_add(state, "vms", uuid);
		random_name(name, "gpu", GPUS);
		if (random() % 4)
			json_object_set(vm, "pool", json_object_get(state_get(state, "gpus", name), "pool"));
		if (random() % 2)
			json_object_set_new(vm, "depth", json_integer(1 + random() % 3));
		if (random() % 2) {
			json_object_set_new(vm, "type", json_string(random() % 2 ? "vgpu-1g" : "vgpu-2g"));
			json_object_set_new(vm, "gpu", json_string(name));
		}
	}
	return state;
}

static json_t *bare_kernel(void)
{
	json_t *kernel = json_pack("{s:{s:{}}, s:{}, s:{}, s:{}}", "pools", POOL_DEFAULT, "gpus", "vms", "mdevs");
	char name[16];
	int i;

	for (i = 0; i < GPUS; i++) {
		sprintf(name, "gpu%d", i);
		json_object_set_new(json_object_get(kernel, "gpus"), name, json_pack("{s:s}", "pool", POOL_DEFAULT));
	}
	return kernel;
}

static void drop_unwanted(json_t *wanted, const json_t *before)
{
	json_t *places = json_object(), *vm;
	const char *uuid;

	json_object_foreach(json_object_get(before, "vms"), uuid, vm)
		if (string(vm, "type") && !state_get(wanted, "vms", uuid))
			json_object_set_new(places, uuid, json_null());
	json_object_set_new(wanted, "places", places);
}

static void expect_no_drift(const json_t *kernel, const json_t *declared, unsigned int seed)
{
	json_t *drift = plan_drift(kernel, declared);

	if (json_array_size(drift))
		fail_msg("SEED=%u: drift: %s\nkernel %s\ndeclared %s", seed, json_dumps(drift, 0),
			 json_dumps(kernel, JSON_INDENT(1)), json_dumps(declared, JSON_INDENT(1)));
	json_decref(drift);
}

static void expect_same_kernel(const json_t *a, const json_t *b, unsigned int seed)
{
	json_t *nothing = state_new(), *declared = json_copy((json_t *)a), *ops, *touched = plan_touched(nothing, a);

	/* Pools compare with their standards filled in. */
	ops = plan_make(b, declared, touched);
	json_decref(touched);
	if (json_array_size(ops) || !json_equal(json_object_get(a, "mdevs"), json_object_get(b, "mdevs")) ||
	    json_object_size(json_object_get(a, "vms")) != json_object_size(json_object_get(b, "vms")) ||
	    json_object_size(json_object_get(a, "pools")) != json_object_size(json_object_get(b, "pools")))
		fail_msg("SEED=%u: not as before: %s\nbefore %s\nafter %s", seed, json_dumps(ops, 0),
			 json_dumps(a, JSON_INDENT(1)), json_dumps(b, JSON_INDENT(1)));
	json_decref(ops);
	json_decref(declared);
	json_decref(nothing);
}

static json_t *all_of(const json_t *declared, const json_t *wanted)
{
	json_t *nothing = state_new(), *all = plan_touched(nothing, wanted), *before = plan_touched(nothing, declared);
	json_t *objects;
	const char *kind;

	json_object_foreach(before, kind, objects)
		json_object_update(json_object_get(all, kind), objects);
	json_decref(before);
	json_decref(nothing);
	return all;
}

/* From one declaration to another, and back from any point between them. */
static void any_state_is_reached_and_left(void **state)
{
	const char *given = getenv("SEED");
	unsigned int seed = given ? strtoul(given, NULL, 0) : (unsigned int)time(NULL);
	json_t *kernel = bare_kernel(), *declared = state_new(), *wanted, *touched, *ops, *snapshot, *before, *back;
	int round;

	print_message("SEED=%u\n", seed);
	srandom(seed);
	state_add(declared, "pools", POOL_DEFAULT);
	for (round = 0; round < ROUNDS; round++) {
		wanted = random_declaration();
		drop_unwanted(wanted, declared);
		touched = all_of(declared, wanted);
		ops = plan_make(kernel, wanted, touched);
		snapshot = plan_snapshot(kernel, touched, ops);
		before = json_deep_copy(kernel);
		if (random() % 2) {
			apply_all(kernel, ops, random() % (json_array_size(ops) + 1), seed);
			back = plan_make(kernel, snapshot, touched);
			apply_all(kernel, back, SIZE_MAX, seed);
			json_decref(back);
			expect_same_kernel(before, kernel, seed);
		} else {
			apply_all(kernel, ops, SIZE_MAX, seed);
			expect_no_drift(kernel, wanted, seed);
			json_decref(declared);
			declared = json_incref(wanted);
		}
		json_decref(before);
		json_decref(snapshot);
		json_decref(ops);
		json_decref(touched);
		json_decref(wanted);
	}
	json_decref(declared);
	json_decref(kernel);
}

static json_t *text_ops(const json_t *ops)
{
	json_t *list = json_array(), *op;
	size_t i;

	json_array_foreach(ops, i, op)
		json_array_append(list, json_object_get(op, "op"));
	return list;
}

static void expect_ops(const json_t *kernel, const json_t *declared, const json_t *wanted, const char *expected)
{
	json_t *touched = plan_touched(declared, wanted), *ops = plan_make(kernel, wanted, touched);
	json_t *names = text_ops(ops);
	char *text = json_dumps(names, JSON_COMPACT);

	assert_string_equal(text, expected);
	free(text);
	json_decref(names);
	json_decref(ops);
	json_decref(touched);
}

#define U	"00000000-0000-4000-8000-000000000000"

/* What is asked for, and no more. */
static void one_change_is_one_operation(void **state)
{
	json_t *kernel = bare_kernel(), *declared = state_new(), *wanted;

	state_add(declared, "pools", POOL_DEFAULT);
	wanted = json_deep_copy(declared);
	expect_ops(kernel, declared, wanted, "[]");
	json_object_set_new(state_add(wanted, "pools", "A"), "weights", json_string("1:1:1"));
	expect_ops(kernel, declared, wanted, "[\"pool-new\"]");
	json_object_set_new(state_add(wanted, "gpus", "gpu1"), "pool", json_string("A"));
	expect_ops(kernel, declared, wanted, "[\"pool-new\",\"gpu-set\"]");
	json_object_set_new(state_add(wanted, "vms", U), "name", json_string("web1"));
	expect_ops(kernel, declared, wanted, "[\"pool-new\",\"gpu-set\",\"vm-set\"]");
	json_object_set_new(state_get(wanted, "vms", U), "type", json_string("vgpu-1g"));
	expect_ops(kernel, declared, wanted, "[\"pool-new\",\"gpu-set\",\"vm-set\",\"mdev-create\"]");
	/* A name alone does not concern the kernel. */
	json_object_set_new(json_object_get(kernel, "vms"), U, json_object());
	json_object_clear(json_object_get(wanted, "gpus"));
	json_object_del(json_object_get(wanted, "pools"), "A");
	json_object_del(state_get(wanted, "vms", U), "type");
	expect_ops(kernel, declared, wanted, "[]");
	json_decref(wanted);
	json_decref(declared);
	json_decref(kernel);
}

static void what_is_not_declared_is_shown_and_stays(void **state)
{
	json_t *kernel = bare_kernel(), *declared = state_new(), *drift, *touched, *nothing = state_new(), *ops;

	state_add(declared, "pools", POOL_DEFAULT);
	json_object_set_new(json_object_get(kernel, "pools"), "Z", json_object());
	json_object_set_new(state_get(kernel, "gpus", "gpu2"), "pool", json_string("Z"));
	json_object_set_new(json_object_get(kernel, "vms"), U, json_pack("{s:i}", "depth", 3));
	drift = plan_drift(kernel, declared);
	assert_int_equal(json_array_size(drift), 3);
	assert_string_equal(string(json_array_get(drift, 0), "what"), "not declared");
	touched = plan_touched(nothing, declared);
	ops = plan_make(kernel, declared, touched);
	assert_int_equal(json_array_size(ops), 0);
	json_decref(ops);
	json_decref(touched);
	json_decref(drift);
	json_decref(nothing);
	json_decref(declared);
	json_decref(kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_change_is_one_operation),
		cmocka_unit_test(what_is_not_declared_is_shown_and_stays),
		cmocka_unit_test(any_state_is_reached_and_left),
	};

	return cmocka_run_group_tests_name("admin plan", tests, NULL, NULL);
}
