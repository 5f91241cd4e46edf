# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
"""Keeps a virtual GPU open, as a virtual machine does, until its standard input ends.

    hold.py UUID        prints "open" when it has it
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from vfio import opened

with opened(sys.argv[1]):
    print("open", flush=True)
    sys.stdin.read()
