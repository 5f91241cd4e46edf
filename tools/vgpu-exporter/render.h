/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef VGPU_EXPORTER_RENDER_H
#define VGPU_EXPORTER_RENDER_H

#include "../vgpu-admin/sample.h"

/**
 * struct text - text that grows
 */
struct text {
	char *data;
	size_t len;
	size_t size;
};

void render(struct text *text, const struct sample *sample, bool up, double seconds);

#endif /* VGPU_EXPORTER_RENDER_H */
