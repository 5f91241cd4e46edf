# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
"""What the kernel has of pools, GPUs and declared settings, read past vgpu-admin, as JSON."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from crash import kernel_state

print(json.dumps(kernel_state()))
