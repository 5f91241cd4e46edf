# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# What is installed where. `make install` is for hypervisors, `make install-guest` for guests, `make packages` makes Debian's packages
# of both. Modules are installed as sources, for DKMS.
#
#   DESTDIR   put before every path, for packagers
#   PREFIX    of programs (/usr/local)
#
# What is looked for in /usr/lib and /etc alone (udev, sysusers, tmpfiles) goes to /usr/lib where PREFIX is /usr, else to /etc.
VGPU_VERSION := $(shell sed -n 's/^.define VGPU_RELEASE[^"]*"\(.*\)"/\1/p' uapi/vgpu_release.h)

PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
BINDIR ?= $(PREFIX)/bin
LIBEXECDIR ?= $(PREFIX)/libexec/vgpu
DATADIR ?= $(PREFIX)/share/vgpu
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
CONFLIBDIR ?= $(if $(filter /usr,$(PREFIX)),/usr/lib,/etc)
UDEVDIR ?= $(CONFLIBDIR)/udev
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
GUESTLIBDIR ?= $(PREFIX)/lib/$(if $(MULTIARCH),$(MULTIARCH)/)vgpu
SRCDIR ?= /usr/src
INSTALL_DATA := install -D -m 644
INSTALL_PROGRAM := install -D -m 755

INSTALLED_PROGRAMS := $(B)/bin/vgpu-executor $(B)/bin/vgpu-admin $(if $(wildcard tools/vgpu-exporter/build.mk),$(B)/bin/vgpu-exporter)
EXPORTER_FILES := $(wildcard packaging/prometheus/*.yml packaging/grafana/*.json)
substitute = sed -e 's|@SBINDIR@|$(SBINDIR)|g' -e 's|@LIBEXECDIR@|$(LIBEXECDIR)|g' -e 's|@GUESTLIBDIR@|$(GUESTLIBDIR)|g'

# $(call install_substituted,FILE.in,TO,MODE)
define install_substituted
	install -d $(dir $(2))
	$(substitute) $(1) >$(2)
	chmod $(3) $(2)
endef

# $(call install_source,NAME,DKMS.CONF,FILES): FILES as the source of a DKMS module
define install_source
	install -d $(DESTDIR)$(SRCDIR)/$(1)-$(VGPU_VERSION)
	sed 's/^PACKAGE_VERSION=.*/PACKAGE_VERSION="$(VGPU_VERSION)"/' $(2) >$(DESTDIR)$(SRCDIR)/$(1)-$(VGPU_VERSION)/dkms.conf
	for file in $(3); do $(INSTALL_DATA) "$$file" "$(DESTDIR)$(SRCDIR)/$(1)-$(VGPU_VERSION)/$$file"; done
endef

programs: $(INSTALLED_PROGRAMS) $(B)/bin/vgpu-sim

install: install-programs install-dkms

install-programs: $(INSTALLED_PROGRAMS) $(B)/bin/vgpu-sim
	$(INSTALL_PROGRAM) $(B)/bin/vgpu-sim $(DESTDIR)$(BINDIR)/vgpu-sim
	for program in $(notdir $(INSTALLED_PROGRAMS)); do $(INSTALL_PROGRAM) $(B)/bin/$$program $(DESTDIR)$(SBINDIR)/$$program; done
	$(call install_substituted,packaging/libexec/executor-start.in,$(DESTDIR)$(LIBEXECDIR)/executor-start,755)
	$(INSTALL_PROGRAM) packaging/libexec/is-vgpu-group $(DESTDIR)$(LIBEXECDIR)/is-vgpu-group
	$(call install_substituted,packaging/systemd/vgpu-executor@.service.in,$(DESTDIR)$(UNITDIR)/vgpu-executor@.service,644)
	$(call install_substituted,packaging/systemd/vgpu-restore.service.in,$(DESTDIR)$(UNITDIR)/vgpu-restore.service,644)
	$(if $(filter %/vgpu-exporter,$^),$(call install_substituted,packaging/systemd/vgpu-exporter.service.in,$(DESTDIR)$(UNITDIR)/vgpu-exporter.service,644))
	$(if $(filter %/vgpu-exporter,$^),$(call install_substituted,packaging/systemd/vgpu-exporter.socket.in,$(DESTDIR)$(UNITDIR)/vgpu-exporter.socket,644))
	$(call install_substituted,packaging/systemd/vgpu-events.service.in,$(DESTDIR)$(UNITDIR)/vgpu-events.service,644)
	$(INSTALL_DATA) packaging/systemd/vgpu-events.logrotate $(DESTDIR)/etc/logrotate.d/vgpu-events
	$(call install_substituted,packaging/udev/60-vgpu.rules.in,$(DESTDIR)$(UDEVDIR)/rules.d/60-vgpu.rules,644)
	$(INSTALL_DATA) packaging/sysusers.d/vgpu.conf $(DESTDIR)$(CONFLIBDIR)/sysusers.d/vgpu.conf
	$(INSTALL_DATA) packaging/tmpfiles.d/vgpu.conf $(DESTDIR)$(CONFLIBDIR)/tmpfiles.d/vgpu.conf
	install -d $(DESTDIR)/etc/vgpu/executor
	$(INSTALL_DATA) packaging/modules-load.d/vgpu.conf $(DESTDIR)$(CONFLIBDIR)/modules-load.d/vgpu.conf
	for page in $(wildcard Documentation/man/*.8); do $(INSTALL_DATA) $$page $(DESTDIR)$(MANDIR)/man8/$${page##*/}; done
	for page in $(wildcard Documentation/man/*.1); do $(INSTALL_DATA) $$page $(DESTDIR)$(MANDIR)/man1/$${page##*/}; done
	$(INSTALL_DATA) Documentation/netlink/specs/vgpu.yaml $(DESTDIR)$(DATADIR)/vgpu.yaml
	for file in $(EXPORTER_FILES); do $(INSTALL_DATA) $$file $(DESTDIR)$(DATADIR)/$${file#packaging/} || exit; done
	$(INSTALL_DATA) tools/vgpu-admin/completion/vgpu-admin.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/vgpu-admin
	$(INSTALL_DATA) tools/vgpu-admin/completion/_vgpu-admin $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_vgpu-admin

install-dkms:
	$(call install_source,vgpu,dkms.conf,$(VGPU_FILES))

install-guest: install-libcuda install-guest-dkms

install-libcuda: $(LIBCUDA_SO)
	$(INSTALL_DATA) $(LIBCUDA_SO) $(DESTDIR)$(GUESTLIBDIR)/libcuda.so.1
	ln -sf libcuda.so.1 $(DESTDIR)$(GUESTLIBDIR)/libcuda.so
	$(INSTALL_DATA) packaging/udev/60-vgpu-guest.rules $(DESTDIR)$(UDEVDIR)/rules.d/60-vgpu-guest.rules
	$(INSTALL_DATA) packaging/sysusers.d/vgpu.conf $(DESTDIR)$(CONFLIBDIR)/sysusers.d/vgpu-guest.conf
	$(call install_substituted,packaging/ld.so/enabled.conf.in,$(DESTDIR)$(PREFIX)/share/libcuda1-vgpu/enabled.conf,644)
	$(INSTALL_DATA) packaging/ld.so/disabled.conf $(DESTDIR)$(PREFIX)/share/libcuda1-vgpu/disabled.conf

install-guest-dkms:
	$(call install_source,vgpu-guest,guest/dkms.conf,$(GUEST_DRIVER_FILES))

# Built from a copy of the files that git knows, so that nothing of this tree's build/ is taken over.
packages:
	@packaging/make-packages $(B)/packages

.PHONY: programs install install-programs install-dkms install-guest install-libcuda install-guest-dkms packages

# Too long for `make check`.
check-integration:
	@tests/setup build vm packages
	@$(MAKE) --no-print-directory -s -j2 all
	@status=0; for test in tests/packaging/integration tests/packaging/cloud-guest tests/packaging/newest-kernel \
		"tests/vm/run --iommu hypervisor -- tests/vfio/pass-through.sh"; do $$test || status=1; done; exit $$status

.PHONY: check-integration
