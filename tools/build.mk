# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# What `make help` prints are the lines that begin with "#: " in the makefiles, in order.
#: Building
#:   make                      everything, into build/
#:   make clean                takes build/ away
#:   make modules              the kernel modules alone, for every kernel whose headers are installed; KERNELS="RELEASE..." for some
#:   make compile_commands.json    for editors
#: Trying
#:   make demo                 a CUDA program in a virtual machine computes on a virtual GPU
#:   make check                all tests; the last line is "N passed, N failed, N skipped"
#:   make sim                  every scenario of the scheduler
#:   make fuzz SECONDS=n       every fuzzer for n seconds
#:   make bench                the table of benchmarks, and build/bench.json
#:   make check-integration    Debian's packages, systemd, mdevctl and libvirt in a clean Debian (root, 15 minutes)
#: Installing
#:   make packages             Debian packages, into build/packages
#:   make install              a hypervisor, from here; DESTDIR= PREFIX=/usr/local; then: dkms install vgpu/VERSION
#:   make install-guest        a guest, from here; then: dkms install vgpu-guest/VERSION
help:
	@sed -n 's/^#: //p' $(filter-out %.d,$(MAKEFILE_LIST))

compile_commands.json: FORCE
	@tools/compile-commands >$@.tmp
	@mv $@.tmp $@

FORCE:

.PHONY: help FORCE
