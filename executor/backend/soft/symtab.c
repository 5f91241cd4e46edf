// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
#include <string.h>

#include "hash.h"
#include "symtab.h"

struct scope *scope_open(struct build *b, struct scope *parent)
{
	struct scope *scope = build_alloc(b, sizeof(*scope));

	scope->parent = parent;
	return scope;
}

static void scope_grow(struct build *b, struct scope *scope)
{
	uint32_t n = scope->num_buckets ? scope->num_buckets * 4 : 8, i;
	struct sym **buckets = build_alloc(b, n * sizeof(*buckets));
	struct sym *sym, *next;

	for (i = 0; i < scope->num_buckets; i++) {
		for (sym = scope->buckets[i]; sym; sym = next) {
			next = sym->next;
			sym->next = buckets[sym->hash & (n - 1)];
			buckets[sym->hash & (n - 1)] = sym;
		}
	}
	scope->buckets = buckets;
	scope->num_buckets = n;
}

struct sym *scope_add(struct build *b, struct scope *scope, const char *name, uint32_t len, int kind)
{
	struct sym *sym = build_alloc(b, sizeof(*sym) + len + 1);
	char *copy = (char *)(sym + 1);

	if (scope->num >= scope->num_buckets)
		scope_grow(b, scope);
	memcpy(copy, name, len);
	sym->name = copy;
	sym->len = len;
	sym->kind = kind;
	sym->vec = 1;
	sym->hash = hash_bytes(name, len);
	sym->next = scope->buckets[sym->hash & (scope->num_buckets - 1)];
	scope->buckets[sym->hash & (scope->num_buckets - 1)] = sym;
	scope->num++;
	if (kind == SY_REGS)
		scope->has_regs = true;
	return sym;
}

static struct sym *find_kind(const struct scope *scope, const char *name, uint32_t len, uint32_t hash, bool regs)
{
	struct sym *sym;

	if (!scope->num_buckets)
		return NULL;
	for (sym = scope->buckets[hash & (scope->num_buckets - 1)]; sym; sym = sym->next)
		if (sym->hash == hash && sym->len == len && (sym->kind == SY_REGS) == regs &&
		    !memcmp(sym->name, name, len))
			return sym;
	return NULL;
}

struct sym *scope_find(const struct scope *scope, const char *name, uint32_t len)
{
	return find_kind(scope, name, len, hash_bytes(name, len), false);
}

struct sym *scope_resolve(const struct scope *scope, const char *name, uint32_t len, uint32_t *reg)
{
	uint32_t hash = hash_bytes(name, len), stem = len, number = 0, i, stem_hash;
	struct sym *sym;
	bool numbered;

	while (stem && name[stem - 1] >= '0' && name[stem - 1] <= '9')
		stem--;
	numbered = stem && stem < len && len - stem <= 9 && (name[stem] != '0' || len - stem == 1);
	stem_hash = numbered ? hash_bytes(name, stem) : 0;
	for (i = stem; numbered && i < len; i++)
		number = number * 10 + (name[i] - '0');

	for (; scope; scope = scope->parent) {
		if (numbered && scope->has_regs) {
			sym = find_kind(scope, name, stem, stem_hash, true);
			if (sym && number < sym->count) {
				*reg = sym->reg + number;
				return sym;
			}
		}
		sym = find_kind(scope, name, len, hash, false);
		if (sym) {
			*reg = sym->reg;
			return sym;
		}
	}
	return NULL;
}
