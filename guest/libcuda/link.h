/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Linking
 *
 * The linker is the executor's. cuLinkAddData keeps the inputs, cuLinkComplete has them linked, for
 * the errors, and gives the program an image that consists of the inputs. When that image is loaded
 * while the link exists, the module that was made then is adopted; else the inputs are linked
 * again.
 */
#ifndef VGPU_LIBCUDA_LINK_H
#define VGPU_LIBCUDA_LINK_H

#include "module.h"

/**
 * link_adopt() - takes over the module that cuLinkComplete has loaded for an image
 * @image: of type IMAGE_LINK
 *
 * Return: number of the module, or -1 where there is none for this context. With the session's lock held.
 */
int link_adopt(struct context *ctx, const struct image *image);

#endif
