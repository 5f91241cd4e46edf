// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Loading and unloading of modules. */
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "module.h"
#include "parser.h"

#define LOAD_ALIGN	256

static struct sym *definition(struct sym *sym)
{
	while (sym->link)
		sym = sym->link;
	return sym;
}

static char *text_copy(struct build *b, const struct ptx_input *input)
{
	const char *end = memchr(input->text, '\0', input->len);
	size_t len = end ? (size_t)(end - input->text) : input->len;
	char *text = build_alloc(b, len + 4);

	memcpy(text, input->text, len);
	return text;
}

static bool is_data(const struct sym *sym)
{
	return (sym->var->space == SP_GLOBAL || sym->var->space == SP_CONST) && sym->var->linkage != LK_EXTERN && !sym->link;
}

/* Gives every variable of .global and .const space its address. */
static void place_data(struct ptx_module *module, struct linker *ln)
{
	uint64_t size = 0, align = LOAD_ALIGN;
	uint32_t pass, u, i;
	int result;

	for (pass = 0; pass < 2; pass++) {
		for (u = 0; u < ln->num_units; u++) {
			for (i = 0; i < ln->units[u]->num_vars; i++) {
				struct sym *sym = ln->units[u]->vars[i];
				struct var *var = sym->var;

				if (!is_data(sym) || (var->space == SP_CONST) != pass)
					continue;
				size = (size + var->align - 1) & ~(uint64_t)(var->align - 1);
				var->addr = size;
				size += var->size;
				if (size > (1ull << 40))
					build_fail(ln->b, PTX_ERROR_OUT_OF_MEMORY, var->line,
						   "Variables need more than 1 TiB");
				if (var->align > align)
					align = var->align;
			}
		}
	}
	if (!size)
		return;
	size = (size + 15) & ~15ull;
	result = module->va.alloc(module->va.ctx, size, align, &module->data);
	if (result)
		build_fail(ln->b, result, 0, "No device memory for %llu bytes of variables", (unsigned long long)size);
	module->data_size = size;
	memset((void *)(uintptr_t)module->data, 0, size);
	for (u = 0; u < ln->num_units; u++) {
		for (i = 0; i < ln->units[u]->num_vars; i++) {
			struct sym *sym = ln->units[u]->vars[i];

			if (!is_data(sym))
				continue;
			sym->var->addr += module->data;
			sym->var->placed = true;
			if (sym->var->data_len)
				memcpy((void *)(uintptr_t)sym->var->addr, sym->var->data, sym->var->data_len);
		}
	}
}

static void relocate(struct linker *ln, struct unit *unit, struct sym *sym, struct reloc *reloc)
{
	struct sym *target = definition(reloc->sym);
	uint64_t value;

	if (target->kind == SY_FUNC && target->func->code)
		value = target->func->code->handle;
	else if (target->kind == SY_VAR && target->var->placed)
		value = target->var->addr;
	else
		build_fail(ln->b, PTX_ERROR_INVALID_PTX, sym->var->line, "Undefined symbol '%s' in initializer",
			   target->name);
	(void)unit;
	value = (value + (uint64_t)reloc->addend) >> reloc->shift;
	memcpy((char *)(uintptr_t)sym->var->addr + reloc->offset, &value, reloc->bytes);
}

static void relocate_data(struct linker *ln)
{
	struct reloc *reloc;
	uint32_t u, i;

	for (u = 0; u < ln->num_units; u++) {
		ln->b->input = ln->units[u]->name;
		for (i = 0; i < ln->units[u]->num_vars; i++)
			if (is_data(ln->units[u]->vars[i]))
				for (reloc = ln->units[u]->vars[i]->var->relocs; reloc; reloc = reloc->next)
					relocate(ln, ln->units[u], ln->units[u]->vars[i], reloc);
	}
}

static const char *keep_name(struct build *b, const struct sym *sym)
{
	char *name = build_keep(b, sym->len + 1);

	memcpy(name, sym->name, sym->len);
	return name;
}

static void list_globals(struct ptx_module *module, struct linker *ln)
{
	uint32_t u, i, n = 0;

	for (u = 0; u < ln->num_units; u++)
		n += ln->units[u]->num_vars;
	module->globals = build_keep(ln->b, (n + 1) * sizeof(*module->globals));
	for (u = 0; u < ln->num_units; u++) {
		for (i = 0; i < ln->units[u]->num_vars; i++) {
			struct sym *sym = ln->units[u]->vars[i];
			struct module_global *global = &module->globals[module->num_globals];

			if (!is_data(sym))
				continue;
			global->name = keep_name(ln->b, sym);
			global->addr = sym->var->addr;
			global->size = sym->var->size;
			module->num_globals++;
		}
	}
}

static uint32_t const_size(const struct linker *ln)
{
	uint64_t size = 0;
	uint32_t u, i;

	for (u = 0; u < ln->num_units; u++)
		for (i = 0; i < ln->units[u]->num_vars; i++)
			if (is_data(ln->units[u]->vars[i]) && ln->units[u]->vars[i]->var->space == SP_CONST)
				size += ln->units[u]->vars[i]->var->size;
	return size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
}

static void fill_info(struct ptx_function *function, struct linker *ln, uint32_t index, uint32_t constants)
{
	struct func *func = ln->funcs[index];
	struct ptx_function_info *info = &function->info;
	struct func_reach r = link_reach(ln, index);
	struct ptx_param *params;
	uint64_t threads;
	uint32_t i;

	info->name = func->code->name;
	info->max_threads = PTX_MAX_BLOCK_THREADS;
	memcpy(info->max_block, func->maxntid, sizeof(info->max_block));
	memcpy(info->required_block, func->reqntid, sizeof(info->required_block));
	for (i = 0; i < 2; i++) {
		const uint32_t *dim = i ? func->reqntid : func->maxntid;

		threads = (uint64_t)dim[0] * dim[1] * dim[2];
		if (threads && threads < info->max_threads)
			info->max_threads = (uint32_t)threads;
	}
	info->shared_size = r.shared_size;
	info->const_size = constants;
	info->local_size = r.local_size;
	info->num_regs = r.num_regs;
	if (info->num_regs * (uint64_t)info->max_threads > 65536)
		info->num_regs = 65536 / info->max_threads;
	info->ptx_version = func->unit->version;
	info->binary_version = PTX_CC_MAJOR * 10 + PTX_CC_MINOR;
	info->num_params = func->num_params;
	info->params_size = func->param_size;
	params = build_keep(ln->b, (func->num_params + 1) * sizeof(*params));
	for (i = 0; i < func->num_params; i++) {
		params[i].offset = (uint32_t)func->params[i]->var->addr;
		params[i].size = (uint32_t)func->params[i]->var->size;
	}
	info->params = params;
	function->recursive = r.recursive;
}

static void list_functions(struct ptx_module *module, struct linker *ln)
{
	uint32_t i, constants = const_size(ln);

	module->functions = build_keep(ln->b, (ln->num_funcs + 1) * sizeof(*module->functions));
	for (i = 0; i < ln->num_funcs; i++) {
		struct ptx_function *function = &module->functions[module->num_functions];

		if (!ln->funcs[i]->entry)
			continue;
		function->code = ln->funcs[i]->code;
		function->module = module;
		fill_info(function, ln, i, constants);
		module->num_functions++;
	}
}

static void build_module(struct ptx_module *module, struct build *b, const struct ptx_input *inputs,
			 unsigned int num_inputs)
{
	struct linker ln = { .b = b, .num_units = num_inputs };
	const struct exec_table *exec = exec_select();
	uint32_t i;

	ln.units = build_alloc(b, num_inputs * sizeof(*ln.units));
	for (i = 0; i < num_inputs; i++)
		ln.units[i] = parse_unit(b, text_copy(b, &inputs[i]),
					 inputs[i].name ? inputs[i].name : "application ptx input");
	link_units(&ln);
	link_shared(&ln);
	place_data(module, &ln);
	module->codes = build_keep(b, (ln.num_funcs + 1) * sizeof(*module->codes));
	module->num_codes = ln.num_funcs;
	for (i = 0; i < ln.num_funcs; i++) {
		module->codes[i] = ln.funcs[i]->code;
		ln.funcs[i]->code->name = keep_name(b, ln.funcs[i]->sym);
	}
	for (i = 0; i < ln.num_funcs; i++)
		decode_func(b, ln.funcs[i], exec);
	relocate_data(&ln);
	list_globals(module, &ln);
	list_functions(module, &ln);
	module->uses_printf = b->uses_printf;
	module->uses_malloc = b->uses_malloc;
}

int ptx_module_load(struct ptx_module **out, struct soft_mem *mem, const struct soft_va_ops *va,
		    const struct ptx_input *inputs, unsigned int num_inputs, struct ptx_log *log)
{
	struct ptx_module *module;
	struct build *b;
	int result;

	(void)mem;
	if (log) {
		log->used = 0;
		if (log->buf && log->size)
			log->buf[0] = '\0';
	}
	if (!num_inputs || !inputs)
		return PTX_ERROR_INVALID_VALUE;
	module = calloc(1, sizeof(*module));
	b = calloc(1, sizeof(*b));
	if (!module || !b) {
		free(module);
		free(b);
		return PTX_ERROR_OUT_OF_MEMORY;
	}
	module->va = *va;
	b->keep = &module->arena;
	b->log = log;
	b->input = "";
	if (!setjmp(b->fail))
		build_module(module, b, inputs, num_inputs);
	result = b->result;
	build_end(b);
	free(b);
	if (result) {
		ptx_module_unload(module);
		return result;
	}
	*out = module;
	return PTX_SUCCESS;
}

void ptx_module_unload(struct ptx_module *module)
{
	if (!module)
		return;
	if (module->data_size)
		module->va.free(module->va.ctx, module->data, module->data_size);
	arena_reset(&module->arena);
	free(module);
}

const struct ptx_function *ptx_module_function(const struct ptx_module *module, const char *name)
{
	uint32_t i;

	for (i = 0; i < module->num_functions; i++)
		if (!strcmp(module->functions[i].info.name, name))
			return &module->functions[i];
	return NULL;
}

const struct ptx_function *ptx_module_function_at(const struct ptx_module *module, unsigned int index)
{
	return index < module->num_functions ? &module->functions[index] : NULL;
}

int ptx_module_global(const struct ptx_module *module, const char *name, uint64_t *addr, uint64_t *size)
{
	uint32_t i;

	for (i = 0; i < module->num_globals; i++) {
		if (!strcmp(module->globals[i].name, name)) {
			*addr = module->globals[i].addr;
			*size = module->globals[i].size;
			return PTX_SUCCESS;
		}
	}
	return PTX_ERROR_NOT_FOUND;
}

bool ptx_module_uses_printf(const struct ptx_module *module)
{
	return module->uses_printf;
}

const struct ptx_function_info *ptx_function_info(const struct ptx_function *func)
{
	return &func->info;
}

bool ptx_module_uses_malloc(const struct ptx_module *module)
{
	return module->uses_malloc;
}
