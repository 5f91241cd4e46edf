/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (c) vgpu authors */
#ifndef VGPU_ADMIN_UNITS_H
#define VGPU_ADMIN_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_MAX	48	/* bytes that suffice for every text made here */

int units_parse_size(const char *text, uint64_t *bytes);
int units_parse_duration(const char *text, uint64_t *ns);
int units_parse_count(const char *text, uint64_t *count);
int units_parse_uuid(const char *text, uint8_t uuid[16]);
void units_format_size(uint64_t bytes, char text[UNITS_MAX]);
void units_format_duration(uint64_t ns, char text[UNITS_MAX]);

#endif /* VGPU_ADMIN_UNITS_H */
