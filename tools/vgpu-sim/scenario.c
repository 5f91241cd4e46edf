// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Scenario files. One statement a line, '#' begins a comment; times have units (ns us ms s), parts may be given in %.
 *
 *	seed N | time T | warmup T | windows SHORT LONG | gpus N | execution serial|shared
 *	policy KEY VALUE...	kind weighted|strict, order fifo|fair, weights H:M:L, slice T, aging T, cap N, window N,
 *				charge auto|oldest|equal
 *	vm NAME KEY VALUE...	count N, gpu N|spread, tier high|medium|low, weight N, engine compute|copy_in|copy_out,
 *				streams N, depth N, start T, cost DIST, load LOAD
 *	at T policy KEY VALUE... | at T gpu N policy KEY VALUE... | at T vm NAME tier TIER|weight N | at T vm NAME start|stop
 *	expect METRIC [of NAME] <=|>= VALUE
 *
 *	DIST: const T | uniform T T | exp T | mix PART T T
 *	LOAD: closed N [think DIST] | open DIST | burst N DIST | trace FILE
 */

#include "sim.h"

struct parser {
	struct sim_scenario *scenario;
	u32 line;
	char *tokens[64];
	u32 count;
	u32 at;
	bool failed;
};

static void fail(struct parser *p, const char *what, const char *got)
{
	if (!p->failed)
		fprintf(stderr, "vgpu-sim: %s:%u: %s%s%s%s\n", p->scenario->path, p->line, what, got ? ", not '" : "",
			got ? got : "", got ? "'" : "");
	p->failed = true;
}

static const char *next(struct parser *p)
{
	if (p->at < p->count)
		return p->tokens[p->at++];
	fail(p, "the line ends too early", NULL);
	return "";
}

static bool more(const struct parser *p)
{
	return !p->failed && p->at < p->count;
}

static bool accept(struct parser *p, const char *word)
{
	if (!more(p) || strcmp(p->tokens[p->at], word))
		return false;
	p->at++;
	return true;
}

static u64 number(struct parser *p, u64 least, u64 most)
{
	const char *token = next(p);
	char *end;
	u64 value = strtoull(token, &end, 10);

	if (!*token || *end || value < least || value > most)
		fail(p, "expected a number within bounds", token);
	return value;
}

static double quantity(struct parser *p, const char *token)
{
	char *end;
	double value = strtod(token, &end);

	if (end == token)
		fail(p, "expected a value", token);
	if (!strcmp(end, "us"))
		return value * 1e3;
	if (!strcmp(end, "ms"))
		return value * 1e6;
	if (!strcmp(end, "s"))
		return value * 1e9;
	if (!strcmp(end, "%"))
		return value / 100;
	if (*end && strcmp(end, "ns"))
		fail(p, "expected a value in ns, us, ms, s or %", token);
	return value;
}

static u64 duration(struct parser *p)
{
	const char *token = next(p);
	double value = quantity(p, token);

	if (value < 0 || value > 1e15)
		fail(p, "expected a time", token);
	return (u64)value;
}

static u32 choice(struct parser *p, const char *const *names, u32 count)
{
	const char *token = next(p);
	u32 i;

	for (i = 0; i < count; i++)
		if (!strcmp(token, names[i]))
			return i;
	fail(p, "no such choice", token);
	return 0;
}

#define CHOICE(p, ...) ({ \
		static const char *const names_[] = { __VA_ARGS__ }; \
		choice(p, names_, ARRAY_SIZE(names_)); \
	})

static u32 tier(struct parser *p)
{
	return CHOICE(p, "high", "medium", "low");
}

/* A trace that stands beside the scenario. */
static void read_trace(struct parser *p, struct sim_trace *trace)
{
	const char *file = next(p), *slash = strrchr(p->scenario->path, '/');
	char path[4096];

	snprintf(path, sizeof(path), "%.*s%s", slash ? (int)(slash + 1 - p->scenario->path) : 0, p->scenario->path, file);
	if (!p->failed && sim_trace_read(trace, path))
		p->failed = true;
}

static struct sim_dist dist(struct parser *p)
{
	struct sim_dist dist = { .kind = CHOICE(p, "const", "uniform", "exp", "mix", "drawn") };

	if (dist.kind == SIM_DRAWN) {
		read_trace(p, &dist.from);
		if (!p->failed && !dist.from.len)
			fail(p, "nothing can be drawn from an empty trace", NULL);
		return dist;
	}
	if (dist.kind == SIM_MIX)
		dist.p = quantity(p, next(p));
	dist.a = duration(p);
	if (dist.kind == SIM_UNIFORM || dist.kind == SIM_MIX)
		dist.b = duration(p);
	return dist;
}

static void policy(struct parser *p, struct vgpu_policy *policy)
{
	const char *why, *key, *token;
	u32 w[3];

	while (more(p)) {
		key = next(p);
		if (!strcmp(key, "kind")) {
			policy->kind = CHOICE(p, "weighted", "strict");
		} else if (!strcmp(key, "order")) {
			policy->order = CHOICE(p, "fifo", "fair");
		} else if (!strcmp(key, "charge")) {
			policy->charge = CHOICE(p, "auto", "oldest", "equal");
		} else if (!strcmp(key, "slice")) {
			policy->slice_ns = duration(p);
		} else if (!strcmp(key, "aging")) {
			policy->aging_ns = duration(p);
		} else if (!strcmp(key, "cap")) {
			policy->aging_cap = number(p, 0, VGPU_AGING_CAP_MAX);
		} else if (!strcmp(key, "window")) {
			policy->window = number(p, 1, VGPU_WINDOW);
		} else if (!strcmp(key, "weights")) {
			token = next(p);
			if (sscanf(token, "%u:%u:%u", &w[0], &w[1], &w[2]) != 3)
				fail(p, "expected weights as HIGH:MEDIUM:LOW", token);
			memcpy(policy->weight, w, sizeof(w));
		} else {
			fail(p, "no such part of a policy", key);
		}
	}
	if (!p->failed && vgpu_policy_check(policy, &why))
		fail(p, why, NULL);
}

static struct sim_pool *find_pool(struct parser *p, int *number)
{
	const char *name = next(p);
	u32 i;

	for (i = 0; i < p->scenario->num_pools; i++) {
		*number = i;
		if (!strcmp(p->scenario->pools[i].name, name))
			return &p->scenario->pools[i];
	}
	fail(p, "no pool of this name on a line before", name);
	return NULL;
}

static void pool(struct parser *p)
{
	struct sim_scenario *s = p->scenario;
	struct sim_pool *pool;
	const char *token;
	u32 i, last;
	int count;

	s->pools = realloc(s->pools, (s->num_pools + 1) * sizeof(*pool));
	if (!s->pools)
		abort();
	pool = memset(&s->pools[s->num_pools], 0, sizeof(*pool));
	snprintf(pool->name, sizeof(pool->name), "%s", next(p));
	if (strcmp(next(p), "gpus"))
		fail(p, "expected gpus FIRST-LAST after the pool's name", NULL);
	token = next(p);
	count = sscanf(token, "%u-%u", &pool->first, &last);
	if (count == 1)
		last = pool->first;
	if (count < 1 || last < pool->first || last >= s->num_gpus) {
		fail(p, "expected numbers of GPUs, as 0-3", token);
		return;
	}
	pool->count = last - pool->first + 1;
	for (i = 0; i < s->num_pools; i++)
		if (pool->first < s->pools[i].first + s->pools[i].count && s->pools[i].first <= last)
			fail(p, "a GPU is in one pool alone; it is in another already", token);
	s->num_pools++;
	pool->policy = s->policy;
	policy(p, &pool->policy);
	pool->latest = pool->policy;
}

static void load(struct parser *p, struct sim_load *load)
{
	load->kind = CHOICE(p, "closed", "open", "burst", "trace");
	switch (load->kind) {
	case SIM_CLOSED:
		load->depth = number(p, 1, 1 << 20);
		if (accept(p, "think"))
			load->think = dist(p);
		break;
	case SIM_BURST:
		load->depth = number(p, 1, 1 << 20);
		fallthrough;
	case SIM_OPEN:
		load->interval = dist(p);
		if (!p->failed && load->interval.kind != SIM_DRAWN && !load->interval.a && !load->interval.b)
			fail(p, "an interval of nothing never ends", NULL);
		break;
	case SIM_TRACE:
		read_trace(p, &load->trace);
		break;
	}
}

static void vm(struct parser *p)
{
	struct sim_scenario *s = p->scenario;
	struct sim_group *group;
	const char *key;

	s->groups = realloc(s->groups, (s->num_groups + 1) * sizeof(*group));
	if (!s->groups)
		abort();
	group = memset(&s->groups[s->num_groups++], 0, sizeof(*group));
	snprintf(group->name, sizeof(group->name), "%s", next(p));
	group->count = 1;
	group->gpu = -1;
	group->pool = -1;
	group->tier = VGPU_TIER_MEDIUM;
	group->weight = VGPU_VM_WEIGHT_DEFAULT;
	group->num_streams = 1;
	group->depth = VGPU_DEPTH_DEFAULT;
	group->load.depth = 1;
	group->cost.a = NSEC_PER_MSEC;
	while (more(p)) {
		key = next(p);
		if (!strcmp(key, "count"))
			group->count = number(p, 1, 1 << 20);
		else if (!strcmp(key, "gpu"))
			group->gpu = accept(p, "spread") ? -1 : (int)number(p, 0, s->num_gpus - 1);
		else if (!strcmp(key, "pool"))
			find_pool(p, &group->pool);
		else if (!strcmp(key, "tier"))
			group->tier = tier(p);
		else if (!strcmp(key, "weight"))
			group->weight = number(p, VGPU_VM_WEIGHT_MIN, VGPU_VM_WEIGHT_MAX);
		else if (!strcmp(key, "engine"))
			group->engine = CHOICE(p, "compute", "copy_in", "copy_out");
		else if (!strcmp(key, "streams"))
			group->num_streams = number(p, 1, VGPU_MAX_STREAMS);
		else if (!strcmp(key, "depth"))
			group->depth = number(p, VGPU_DEPTH_MIN, VGPU_DEPTH_MAX);
		else if (!strcmp(key, "start"))
			group->start_ns = duration(p);
		else if (!strcmp(key, "cost"))
			group->cost = dist(p);
		else if (!strcmp(key, "load"))
			load(p, &group->load);
		else
			fail(p, "no such part of a vm", key);
	}
}

static u32 find_group(struct parser *p, const char *name)
{
	u32 i;

	for (i = 0; i < p->scenario->num_groups; i++)
		if (!strcmp(p->scenario->groups[i].name, name))
			return i;
	fail(p, "no vm of this name on a line before", name);
	return 0;
}

static void at(struct parser *p, struct vgpu_policy *latest)
{
	struct sim_scenario *s = p->scenario;
	struct sim_pool *pool = NULL;
	struct sim_action *action;
	const char *what;

	s->actions = realloc(s->actions, (s->num_actions + 1) * sizeof(*action));
	if (!s->actions)
		abort();
	action = memset(&s->actions[s->num_actions++], 0, sizeof(*action));
	action->at_ns = duration(p);
	action->gpu = -1;
	action->pool = -1;
	what = next(p);
	if (!strcmp(what, "gpu")) {
		action->gpu = number(p, 0, s->num_gpus - 1);
		what = next(p);
	} else if (!strcmp(what, "pool")) {
		pool = find_pool(p, &action->pool);
		if (!pool)
			return;
		latest = &pool->latest;
		what = next(p);
	}
	if (!strcmp(what, "policy")) {
		action->change_policy = true;
		action->policy = *latest;
		policy(p, &action->policy);
		*latest = action->policy;
	} else if (!strcmp(what, "vm")) {
		action->group = find_group(p, next(p));
		if (accept(p, "tier")) {
			action->change_tier = true;
			action->tier = tier(p);
		} else if (accept(p, "weight")) {
			action->weight = number(p, VGPU_VM_WEIGHT_MIN, VGPU_VM_WEIGHT_MAX);
		} else {
			action->start = !CHOICE(p, "start", "stop");
		}
	} else {
		fail(p, "expected policy or vm", what);
	}
}

static void expect(struct parser *p)
{
	struct sim_scenario *s = p->scenario;
	struct sim_expect *expect;
	const char *sign;

	s->expects = realloc(s->expects, (s->num_expects + 1) * sizeof(*expect));
	if (!s->expects)
		abort();
	expect = memset(&s->expects[s->num_expects++], 0, sizeof(*expect));
	expect->line = p->line;
	snprintf(expect->metric, sizeof(expect->metric), "%s", next(p));
	if (accept(p, "of"))
		snprintf(expect->of, sizeof(expect->of), "%s", next(p));
	sign = next(p);
	expect->least = !strcmp(sign, ">=");
	if (!expect->least && strcmp(sign, "<="))
		fail(p, "expected <= or >=", sign);
	expect->value = quantity(p, next(p));
}

static void statement(struct parser *p, struct vgpu_policy *latest)
{
	struct sim_scenario *s = p->scenario;
	const char *word = next(p);

	if (!strcmp(word, "seed")) {
		s->seed = number(p, 0, UINT64_MAX);
	} else if (!strcmp(word, "time")) {
		s->time_ns = duration(p);
	} else if (!strcmp(word, "warmup")) {
		s->warmup_ns = duration(p);
	} else if (!strcmp(word, "windows")) {
		s->window_ns[0] = duration(p);
		s->window_ns[1] = duration(p);
	} else if (!strcmp(word, "gpus")) {
		s->num_gpus = number(p, 1, 1 << 16);
	} else if (!strcmp(word, "execution")) {
		s->shared = CHOICE(p, "serial", "shared");
	} else if (!strcmp(word, "policy")) {
		policy(p, &s->policy);
		*latest = s->policy;
	} else if (!strcmp(word, "pool")) {
		pool(p);
	} else if (!strcmp(word, "vm")) {
		vm(p);
	} else if (!strcmp(word, "at")) {
		at(p, latest);
	} else if (!strcmp(word, "expect")) {
		expect(p);
	} else {
		fail(p, "no such statement", word);
	}
	if (more(p))
		fail(p, "nothing more was expected on this line", p->tokens[p->at]);
}

/**
 * sim_scenario_read() - read a scenario file
 * @scenario: filled in
 * @path: of the file
 *
 * Return: 0, or -1 with a message printed. Context: any.
 */
int sim_scenario_read(struct sim_scenario *scenario, const char *path)
{
	struct parser p = { .scenario = scenario };
	struct vgpu_policy latest;
	FILE *in = fopen(path, "r");
	char line[1024], *token, *save;

	memset(scenario, 0, sizeof(*scenario));
	scenario->path = path;
	scenario->seed = 1;
	scenario->time_ns = 10 * NSEC_PER_SEC;
	scenario->window_ns[0] = NSEC_PER_SEC;
	scenario->window_ns[1] = 10 * NSEC_PER_SEC;
	scenario->num_gpus = 1;
	scenario->policy = vgpu_policy_default;
	latest = vgpu_policy_default;
	if (!in) {
		fprintf(stderr, "vgpu-sim: cannot read scenario %s: %s\n", path, strerror(errno));
		return -1;
	}
	while (!p.failed && fgets(line, sizeof(line), in)) {
		p.line++;
		p.at = 0;
		p.count = 0;
		if (strchr(line, '#'))
			*strchr(line, '#') = 0;
		for (token = strtok_r(line, " \t\n", &save); token && p.count < ARRAY_SIZE(p.tokens);
		     token = strtok_r(NULL, " \t\n", &save))
			p.tokens[p.count++] = token;
		if (p.count)
			statement(&p, &latest);
	}
	fclose(in);
	if (!p.failed && !scenario->num_groups) {
		fprintf(stderr, "vgpu-sim: %s: no vm\n", path);
		p.failed = true;
	}
	return p.failed ? -1 : 0;
}

/**
 * sim_scenario_free() - give back a scenario's memory
 * @scenario: read; its VMs are freed
 *
 * Context: any.
 */
void sim_scenario_free(struct sim_scenario *scenario)
{
	u32 i;

	for (i = 0; i < scenario->num_groups; i++) {
		sim_trace_free(&scenario->groups[i].load.trace);
		sim_trace_free(&scenario->groups[i].load.think.from);
		sim_trace_free(&scenario->groups[i].load.interval.from);
		sim_trace_free(&scenario->groups[i].cost.from);
	}
	free(scenario->pools);
	free(scenario->groups);
	free(scenario->actions);
	free(scenario->expects);
}
