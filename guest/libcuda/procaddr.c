// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <string.h>
#include "procaddr.h"
#include "session.h"

enum variant {
	VARIANT_PLAIN,
	VARIANT_THREAD, /* _ptds or _ptsz: the default stream is the thread's */
};

/* Whether a symbol is a version or variant of a plain name. */
static bool is_version_of(const char *symbol, const char *name, size_t len, enum variant *variant)
{
	const char *rest = symbol + len;

	if (strncmp(symbol, name, len))
		return false;
	if (rest[0] == '_' && rest[1] == 'v' && rest[2] >= '1' && rest[2] <= '9')
		rest += 3;
	*variant = VARIANT_PLAIN;
	if (!strcmp(rest, "_ptds") || !strcmp(rest, "_ptsz"))
		*variant = VARIANT_THREAD;
	else if (*rest)
		return false;
	return true;
}

int procaddr_find(const char *name, int version, bool thread_default, void **fn)
{
	const struct procaddr_entry *plain = NULL, *thread = NULL;
	size_t len = strlen(name);
	bool known = false;

	*fn = NULL;
	for (unsigned int i = 0; i < procaddr_count; i++) {
		const struct procaddr_entry *entry = &procaddr_table[i];
		enum variant variant;

		if (!is_version_of(entry->symbol, name, len, &variant))
			continue;
		known = true;
		if (entry->version > version)
			continue;
		if (variant == VARIANT_PLAIN && (!plain || entry->version >= plain->version))
			plain = entry;
		if (variant == VARIANT_THREAD && (!thread || entry->version >= thread->version))
			thread = entry;
	}
	/* The two generations of cuGraphInstantiate had errors to tell; since 12.0 the name is that of WithFlags. */
	if (!strcmp(name, "cuGraphInstantiate") && version >= 12000)
		return procaddr_find("cuGraphInstantiateWithFlags", version, thread_default, fn);
	if (thread_default && thread)
		plain = thread;
	if (plain)
		*fn = plain->fn;
	if (*fn)
		return CU_GET_PROC_ADDRESS_SUCCESS;
	return known ? CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT
		     : CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
}

EXPORT CUresult cuGetProcAddress_v2(const char *symbol, void **fn, int version, cuuint64_t flags,
				    CUdriverProcAddressQueryResult *status)
{
	int found;

	if (!symbol || !*symbol || !fn ||
	    flags & ~(CU_GET_PROC_ADDRESS_LEGACY_STREAM |
		      CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM))
		return CUDA_ERROR_INVALID_VALUE;
	found = procaddr_find(symbol, version,
			      flags & CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM, fn);
	if (status)
		*status = found;
	return found == CU_GET_PROC_ADDRESS_SUCCESS ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

EXPORT CUresult cuGetProcAddress(const char *symbol, void **fn, int version, cuuint64_t flags)
{
	return cuGetProcAddress_v2(symbol, fn, version, flags, NULL);
}
