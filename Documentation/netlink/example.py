#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
"""Shows virtual GPUs, and changes settings of one; with Linux 6.12's own netlink tools and the specification alone.

    example.py LINUX                                what there is; LINUX is the kernel's tree
    example.py LINUX UUID NAME=VALUE [...]          declares settings of one, as tier=low depth=64
"""
import os
import sys
import uuid

LINUX, HERE = sys.argv[1], os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{LINUX}/tools/net/ynl")
from lib import NlError, YnlFamily  # noqa: E402 pylint: disable=wrong-import-position,import-error

vgpu = YnlFamily(f"{HERE}/specs/vgpu.yaml", f"{LINUX}/Documentation/netlink/genetlink-legacy.yaml")

if len(sys.argv) > 2:
    settings = dict(word.split("=", 1) for word in sys.argv[3:])
    request = {name: int(value) if value.isdigit() else value for name, value in settings.items()}
    try:
        vgpu.do("vm-set", {"uuid": uuid.UUID(sys.argv[2]).bytes} | request)
    except NlError as error:
        told = error.nl_msg.extack or {}
        sys.exit(f"{told.get('bad-attr', 'vm-set')}: {told.get('msg', os.strerror(error.error))}")

for vm in vgpu.dump("vm-get", {}):
    in_force = {name: vm.get(name) for name in ("gpu", "tier", "depth", "memory")}
    print(vm["uuid"], vm["state"], *(f"{name}={value}" for name, value in in_force.items()))
