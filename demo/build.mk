# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
ALL += $(B)/bin/mandelbrot
CFLAGS_demo/mandelbrot := -Iguest/libcuda

$(B)/bin/mandelbrot: $(B)/obj/demo/mandelbrot.o $(B)/lib/guest/libcuda.so.1
	@mkdir -p $(@D)
	$(CC) -o $@ $< -L$(B)/lib/guest -l:libcuda.so.1 -lm
