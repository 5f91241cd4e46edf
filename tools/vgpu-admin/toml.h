/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef VGPU_ADMIN_TOML_H
#define VGPU_ADMIN_TOML_H

#include <jansson.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * toml_read() - a TOML document as JSON
 * @text: document
 * @why: set to what is wrong and where, if anything is
 * @len: of @why
 *
 * Return: a new object, with tables as objects in the order of their keys, and integers, strings, truth values and arrays
 * as they are; NULL for what is no TOML. Floating-point numbers, dates and times become strings, as they are written in
 * TOML: no setting is one.
 */
json_t *toml_read(const char *text, char *why, size_t len);

#ifdef __cplusplus
}
#endif

#endif /* VGPU_ADMIN_TOML_H */
