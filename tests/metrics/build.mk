# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
CHECKS += tests/metrics/exporter
