// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <string.h>
#include "plan.h"

static const char * const kinds[] = { "pools", "gpus", "vms" };

/**
 * state_new() - a state of nothing
 *
 * Return: a new state.
 */
json_t *state_new(void)
{
	return json_pack("{s:{}, s:{}, s:{}}", "pools", "gpus", "vms");
}

/**
 * state_get() - an object of a state
 * @state: any
 * @kind: "pools", "gpus", "vms" or "mdevs"
 * @name: or UUID
 *
 * Return: borrowed, NULL where there is none.
 */
json_t *state_get(const json_t *state, const char *kind, const char *name)
{
	return json_object_get(json_object_get(state, kind), name);
}

/**
 * state_copy() - a state to be changed by state_add()
 * @state: any; what is not changed is shared with it
 *
 * Return: a new state.
 */
json_t *state_copy(const json_t *state)
{
	json_t *copy = json_object(), *objects;
	const char *kind;

	json_object_foreach((json_t *)state, kind, objects)
		json_object_set_new(copy, kind, json_copy(objects));
	return copy;
}

/**
 * state_add() - an object of a state that is going to be changed
 * @state: any
 * @kind: "pools", "gpus" or "vms"
 * @name: or UUID; made empty where it is not there, and this state's own where others share it
 *
 * Return: borrowed.
 */
json_t *state_add(json_t *state, const char *kind, const char *name)
{
	json_t *objects = json_object_get(state, kind), *object;

	if (!objects) {
		objects = json_object();
		json_object_set_new(state, kind, objects);
	}
	object = json_object_get(objects, name);
	if (!object || object->refcount > 1) {
		object = object ? json_deep_copy(object) : json_object();
		json_object_set_new(objects, name, object);
	}
	return object;
}

static const char *string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool same_string(const char *a, const char *b)
{
	return !a || !b ? a == b : !strcmp(a, b);
}

/* Both NULL, or equal. */
static bool same(const json_t *a, const json_t *b)
{
	return a == b || (a && b && json_equal(a, b));
}

/* Adds the names of the objects of one kind that differ. There are many, of which hardly any does. */
static void touch(json_t *before, json_t *after, json_t *touched)
{
	json_t *object, *other;
	size_t shared = 0;
	const char *name;

	json_object_foreach(before, name, object) {
		other = json_object_get(after, name);
		shared += other != NULL;
		if (!same(object, other))
			json_object_set_new(touched, name, json_true());
	}
	if (shared == json_object_size(after))
		return;
	json_object_foreach(after, name, object)
		if (!json_object_get(before, name))
			json_object_set_new(touched, name, json_true());
}

/**
 * plan_touched() - which objects differ
 * @before: a state
 * @after: another
 *
 * Return: a new object of "pools", "gpus" and "vms", each an object whose keys name those that differ.
 */
json_t *plan_touched(const json_t *before, const json_t *after)
{
	json_t *touched = state_new();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		touch(json_object_get(before, kinds[i]), json_object_get(after, kinds[i]), json_object_get(touched, kinds[i]));
	return touched;
}

static json_t *standard(const struct setting *setting)
{
	char why[192];

	return setting_parse(setting, setting->standard, why, sizeof(why));
}

/* Every setting of a pool, those that are not declared at their standard; its limits where it has any. */
static json_t *whole_pool(const json_t *pool)
{
	const struct setting *setting;
	json_t *whole = json_object(), *value;

	for (setting = pool_settings; setting->key; setting++) {
		value = json_object_get(pool, setting->key);
		if (value)
			json_object_set(whole, setting->key, value);
		else
			json_object_set_new(whole, setting->key, standard(setting));
	}
	value = json_object_get(pool, "limits");
	if (json_object_size(value))
		json_object_set(whole, "limits", value);
	return whole;
}

/* What the kernel keeps of a virtual GPU's declaration. */
static json_t *policy_of(const json_t *vm)
{
	const struct setting *setting;
	json_t *policy, *value;

	if (!vm)
		return NULL;
	policy = json_object();
	for (setting = vm_settings; setting->key; setting++) {
		value = json_object_get(vm, setting->key);
		if (value)
			json_object_set(policy, setting->key, value);
	}
	value = json_object_get(vm, "pool");
	if (value)
		json_object_set(policy, "pool", value);
	return policy;
}

static void plan_pool(json_t *ops, const char *name, const json_t *has, const json_t *wanted)
{
	json_t *was = has ? whole_pool(has) : NULL, *set = whole_pool(wanted);

	if (!same(was, set))
		json_array_append_new(ops, json_pack("{s:s, s:s, s:O, s:O*}", "op", has ? "pool-set" : "pool-new",
						     "name", name, "set", set, "was", was));
	json_decref(was);
	json_decref(set);
}

/* The pool in which a GPU will be. */
static const char *final_pool(const json_t *kernel, const json_t *wanted, const json_t *touched, const char *gpu)
{
	const json_t *object = NULL;

	if (state_get(touched, "gpus", gpu))
		object = state_get(wanted, "gpus", gpu);
	if (!object)
		object = state_get(kernel, "gpus", gpu);
	return string(object, "pool");
}

/* Where a virtual GPU has to be: an object, JSON's null for nowhere, NULL where that is not ours to say. New. */
static json_t *place_of(const json_t *wanted, const char *uuid)
{
	const json_t *vm = state_get(wanted, "vms", uuid);
	json_t *place = state_get(wanted, "places", uuid);

	if (place)
		return json_incref(place);
	if (!string(vm, "type"))
		return NULL;
	return json_pack("{s:s, s:s*}", "type", string(vm, "type"), "prefer", string(vm, "gpu"));
}

/* Whether the virtual GPU that is there cannot stay as it is. */
static bool misplaced(const json_t *mdev, const json_t *place, const char *pool, const char *its_pool)
{
	if (json_is_null(place))
		return true;
	if (pool && !same_string(pool, its_pool))
		return true;
	if (!place)
		return false;
	return !same_string(string(place, "type"), string(mdev, "type")) ||
	       (string(place, "gpu") && !same_string(string(place, "gpu"), string(mdev, "gpu")));
}

static void plan_place(json_t *removals, json_t *creations, const char *uuid, const json_t *mdev, const json_t *place,
		       const char *pool, const char *its_pool)
{
	bool wrong = mdev && misplaced(mdev, place, pool, its_pool);

	if (wrong)
		json_array_append_new(removals, json_pack("{s:s, s:s}", "op", "mdev-remove", "uuid", uuid));
	if (json_is_null(place) || (mdev ? !wrong : !place))
		return;
	json_array_append_new(creations,
			      json_pack("{s:s, s:s, s:s, s:s*, s:s*, s:s*}", "op", "mdev-create", "uuid", uuid,
					"type", string(place ? place : mdev, "type"), "gpu", string(place, "gpu"),
					"prefer", string(place, "prefer"), "pool", pool));
}

static void plan_policy(json_t *ops, const char *uuid, const json_t *has, const json_t *wanted)
{
	json_t *was = policy_of(has), *set = policy_of(wanted);

	if (set && !same(set, was))
		json_array_append_new(ops, json_pack("{s:s, s:s, s:O, s:O*}", "op", "vm-set", "uuid", uuid, "set", set,
						     "was", was));
	else if (!set && was)
		json_array_append_new(ops, json_pack("{s:s, s:s, s:O}", "op", "vm-forget", "uuid", uuid, "was", was));
	json_decref(set);
	json_decref(was);
}

/*
 * A GPU and what is on it change pools together: as long as one is declared for a pool, the other cannot leave it. So the
 * virtual GPU is declared for any pool, until its GPU has moved. Returns what is declared of it then; new.
 */
static json_t *plan_release(json_t *ops, const char *uuid, const json_t *has)
{
	json_t *set = policy_of(has);

	if (!string(has, "pool"))
		return set;
	json_object_del(set, "pool");
	json_array_append_new(ops, json_pack("{s:s, s:s, s:O, s:o}", "op", "vm-set", "uuid", uuid, "set", set, "was",
					     policy_of(has)));
	return set;
}

static void plan_gpu(json_t *ops, const char *name, const json_t *has, const json_t *wanted)
{
	const char *pool = wanted ? string(wanted, "pool") : POOL_DEFAULT;
	const char *was = has ? string(has, "pool") : NULL;

	/* One that is not there is in the default pool without anything being said. */
	if (!has && !strcmp(pool, POOL_DEFAULT))
		return;
	if (!same_string(pool, was))
		json_array_append_new(ops, json_pack("{s:s, s:s, s:s, s:s*}", "op", "gpu-set", "name", name,
						     "pool", pool, "was", was));
}

/**
 * struct plan - operations by when they are possible
 * @kernel: what is
 * @wanted: what should be
 * @touched: which objects to look at
 * @list: operations, by enum step
 */
struct plan {
	const json_t *kernel;
	const json_t *wanted;
	const json_t *touched;
	json_t *list[7];
};

/* Pools are there before anything is in them, and go when nothing is. */
enum step { POOLS, REMOVALS, RELEASES, GPU_MOVES, POLICIES, CREATIONS, DELETIONS };

static void plan_vm(struct plan *plan, const char *uuid)
{
	const json_t *wants = state_get(plan->wanted, "vms", uuid), *mdev = state_get(plan->kernel, "mdevs", uuid);
	json_t *place = place_of(plan->wanted, uuid), *has = policy_of(state_get(plan->kernel, "vms", uuid)), *rest;
	const char *now = NULL, *then = NULL;

	if (mdev) {
		now = string(state_get(plan->kernel, "gpus", string(mdev, "gpu")), "pool");
		then = final_pool(plan->kernel, plan->wanted, plan->touched, string(mdev, "gpu"));
	}
	plan_place(plan->list[REMOVALS], plan->list[CREATIONS], uuid, mdev, place, string(wants, "pool"), then);
	if (has && mdev && !same_string(now, then) && !misplaced(mdev, place, string(wants, "pool"), then)) {
		rest = plan_release(plan->list[RELEASES], uuid, has);
		json_decref(has);
		has = rest;
	}
	plan_policy(plan->list[POLICIES], uuid, has, wants);
	json_decref(has);
	json_decref(place);
}

/**
 * plan_make() - what brings the kernel from what is to what should be
 * @kernel: what is
 * @wanted: what should be
 * @touched: which objects to look at, as plan_touched() says it; those that are not wanted are to go
 *
 * Return: a new array of operations, empty where nothing is to be done.
 */
json_t *plan_make(const json_t *kernel, const json_t *wanted, const json_t *touched)
{
	struct plan plan = { .kernel = kernel, .wanted = wanted, .touched = touched };
	json_t *ops = json_array(), *flag;
	const json_t *has, *wants;
	const char *name;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(plan.list); i++)
		plan.list[i] = json_array();
	json_object_foreach(json_object_get(touched, "pools"), name, flag) {
		has = state_get(kernel, "pools", name);
		wants = state_get(wanted, "pools", name);
		if (wants)
			plan_pool(plan.list[POOLS], name, has, wants);
		else if (has && strcmp(name, POOL_DEFAULT))
			json_array_append_new(plan.list[DELETIONS],
					      json_pack("{s:s, s:s}", "op", "pool-del", "name", name));
	}
	json_object_foreach(json_object_get(touched, "gpus"), name, flag)
		plan_gpu(plan.list[GPU_MOVES], name, state_get(kernel, "gpus", name), state_get(wanted, "gpus", name));
	json_object_foreach(json_object_get(touched, "vms"), name, flag)
		plan_vm(&plan, name);
	for (i = 0; i < ARRAY_SIZE(plan.list); i++) {
		json_array_extend(ops, plan.list[i]);
		json_decref(plan.list[i]);
	}
	return ops;
}

/**
 * plan_snapshot() - what would have to be wanted again to undo operations
 * @kernel: what is before them
 * @touched: the objects that they are about
 * @ops: the operations
 *
 * Return: a new state, with the objects touched as they are; whether a virtual GPU is there is in it where an
 * operation makes or removes it.
 */
json_t *plan_snapshot(const json_t *kernel, const json_t *touched, const json_t *ops)
{
	json_t *snapshot = state_new(), *places = json_object(), *flag, *op;
	const json_t *mdev, *object;
	const char *name, *uuid;
	size_t i;

	json_object_foreach(json_object_get(touched, "pools"), name, flag)
		if (state_get(kernel, "pools", name))
			json_object_set(json_object_get(snapshot, "pools"), name, state_get(kernel, "pools", name));
	json_object_foreach(json_object_get(touched, "gpus"), name, flag) {
		object = state_get(kernel, "gpus", name);
		if (object)
			json_object_set_new(state_add(snapshot, "gpus", name), "pool",
					    json_string(string(object, "pool")));
	}
	json_object_foreach(json_object_get(touched, "vms"), name, flag)
		if (state_get(kernel, "vms", name))
			json_object_set_new(json_object_get(snapshot, "vms"), name,
					    policy_of(state_get(kernel, "vms", name)));
	json_array_foreach(ops, i, op) {
		if (strncmp(string(op, "op"), "mdev-", 5))
			continue;
		uuid = string(op, "uuid");
		mdev = state_get(kernel, "mdevs", uuid);
		if (mdev)
			json_object_set_new(places, uuid, json_pack("{s:s, s:s}", "type", string(mdev, "type"),
								    "gpu", string(mdev, "gpu")));
		else if (!json_object_get(places, uuid))
			json_object_set_new(places, uuid, json_null());
	}
	json_object_set_new(snapshot, "places", places);
	return snapshot;
}

/* Keys of two objects that differ: { key: [before, after] }, null for what is not there. New. */
static json_t *changes_of(const json_t *before, const json_t *after)
{
	json_t *changes = json_object(), *value, *other;
	const char *key;

	json_object_foreach((json_t *)before, key, value) {
		other = json_object_get(after, key);
		if (!same(value, other))
			json_object_set_new(changes, key, json_pack("[O, O?]", value, other));
	}
	json_object_foreach((json_t *)after, key, value)
		if (!json_object_get(before, key))
			json_object_set_new(changes, key, json_pack("[n, O]", value));
	return changes;
}

static void note(json_t *differences, const char *kind, const char *name, const char *what, json_t *changes)
{
	json_array_append_new(differences, json_pack("{s:s#, s:s, s:s, s:o}", "object", kind, (int)strlen(kind) - 1,
						     "name", name, "what", what, "changes", changes));
}

/**
 * plan_diff() - how two declarations differ
 * @before: state
 * @after: another
 *
 * Return: a new array of objects of "object" ("pool", "gpu" or "vm"), "name", "what" ("added", "removed" or "changed")
 * and "changes" ({ key: [before, after] }, null for what is not there).
 */
json_t *plan_diff(const json_t *before, const json_t *after)
{
	json_t *differences = json_array(), *touched = plan_touched(before, after), *flag;
	const json_t *a, *b;
	const char *name;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		json_object_foreach(json_object_get(touched, kinds[i]), name, flag) {
			a = state_get(before, kinds[i], name);
			b = state_get(after, kinds[i], name);
			note(differences, kinds[i], name, a ? b ? "changed" : "removed" : "added", changes_of(a, b));
		}
	}
	json_decref(touched);
	return differences;
}

static void drift_of(json_t *differences, const char *kind, const char *name, json_t *has, json_t *declared)
{
	json_t *changes = changes_of(declared, has);

	if (!declared && has)
		note(differences, kind, name, "not declared", json_incref(changes));
	else if (declared && !has)
		note(differences, kind, name, "missing", json_incref(changes));
	else if (json_object_size(changes))
		note(differences, kind, name, "differs", json_incref(changes));
	json_decref(changes);
	json_decref(has);
	json_decref(declared);
}

static json_t *pool_of(const json_t *gpu)
{
	return gpu ? json_pack("{s:s*}", "pool", string(gpu, "pool")) : NULL;
}

static json_t *mdev_of(const json_t *place, const char *gpu)
{
	return place ? json_pack("{s:s, s:s*}", "type", string(place, "type"), "gpu", gpu) : NULL;
}

/*
 * Where a virtual GPU is against where it is declared. One that another program made is not drift, nor is another GPU
 * of the same pool.
 */
static void drift_of_mdev(json_t *differences, const json_t *kernel, const json_t *vm, const char *uuid)
{
	const json_t *mdev = state_get(kernel, "mdevs", uuid);
	const char *pool = string(vm, "pool"), *gpu = string(mdev, "gpu");
	const char *its_pool = string(state_get(kernel, "gpus", gpu ? gpu : ""), "pool");

	if (string(vm, "type") && (!mdev || !same_string(string(vm, "type"), string(mdev, "type"))))
		drift_of(differences, "mdevs", uuid, mdev_of(mdev, gpu), mdev_of(vm, string(vm, "gpu")));
	else if (mdev && pool && !same_string(pool, its_pool))
		drift_of(differences, "mdevs", uuid, json_pack("{s:s*}", "pool", its_pool),
			 json_pack("{s:s}", "pool", pool));
}

/**
 * plan_drift() - how the kernel differs from what is declared
 * @kernel: what is
 * @declared: what the database has
 *
 * Return: as plan_diff(), with "what" being "missing" (in the kernel), "not declared" or "differs", and changes of
 * [declared, in the kernel]. "object" is "mdev", too: whether and where a virtual GPU is.
 */
json_t *plan_drift(const json_t *kernel, const json_t *declared)
{
	json_t *differences = json_array(), *object;
	const json_t *other;
	const char *name;

	json_object_foreach(json_object_get(declared, "pools"), name, object) {
		other = state_get(kernel, "pools", name);
		drift_of(differences, "pools", name, other ? whole_pool(other) : NULL, whole_pool(object));
	}
	json_object_foreach(json_object_get(kernel, "pools"), name, object)
		if (!state_get(declared, "pools", name))
			drift_of(differences, "pools", name, whole_pool(object), NULL);
	json_object_foreach(json_object_get(declared, "gpus"), name, object) {
		if (!state_get(kernel, "gpus", name) && !strcmp(string(object, "pool"), POOL_DEFAULT))
			continue;
		drift_of(differences, "gpus", name, pool_of(state_get(kernel, "gpus", name)), pool_of(object));
	}
	json_object_foreach(json_object_get(kernel, "gpus"), name, object)
		if (!state_get(declared, "gpus", name) && !same_string(string(object, "pool"), POOL_DEFAULT))
			drift_of(differences, "gpus", name, pool_of(object), NULL);
	json_object_foreach(json_object_get(declared, "vms"), name, object) {
		drift_of(differences, "vms", name, policy_of(state_get(kernel, "vms", name)), policy_of(object));
		drift_of_mdev(differences, kernel, object, name);
	}
	json_object_foreach(json_object_get(kernel, "vms"), name, object)
		if (!state_get(declared, "vms", name))
			drift_of(differences, "vms", name, policy_of(object), NULL);
	return differences;
}
