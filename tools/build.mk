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
#:   make bench                the table of benchmarks, and build/bench.json
#:   make check-gpu            conformance against a GPU's own driver; make bench-gpu measures beside it
#: Trying for longer
#:   make fuzz SECONDS=n       every fuzzer for n seconds, here and in a virtual machine; make fuzz-vm those in the machine alone
#:   make faults ROUNDS=n SEED=s   kills, hangs and lies among eight virtual GPUs
#:   make sched-live           the running scheduler beside the simulated one; make sched-live-vm in guests
#:   make crash                1,000 operations of vgpu-admin, killed at random instants, in the hypervisor VM
#:   make admin-scale          vgpu-admin with 1,024 virtual GPUs registered, in the hypervisor VM
#:   make validate MINUTES=60  the validation plan, 90 minutes, into one page of report; PARTS="fair pools" for some of it
#:   make weights              trains both networks anew; says whether the weights in the tree are the same, writes those that were removed
#:   make check-integration    Debian's packages, systemd, mdevctl, libvirt and cloud-init in clean Debians (root, an hour without KVM)
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
