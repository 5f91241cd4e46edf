#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
"""Makes the plots of README.md: runs build/bin/vgpu-sim and writes SVG files beside this script."""

import json
import os
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SIM = os.path.join(HERE, "../../build/bin/vgpu-sim")
COLOURS = ["#1b6ca8", "#c8553d", "#588157"]


def simulate(text):
    with tempfile.NamedTemporaryFile("w", suffix=".sim") as scenario:
        scenario.write(text)
        scenario.flush()
        out = subprocess.run([SIM, "--json", scenario.name], stdout=subprocess.PIPE, check=True)
    return json.loads(out.stdout)


def plot(name, title, x_label, y_label, labels, series):
    """Lines over labelled places on the x axis."""
    width, height, left, bottom, top = 640, 320, 60, 48, 36
    most = max(max(values) for _, values in series) * 1.1
    step = (width - left - 20) / max(len(labels) - 1, 1)

    def place(i, value):
        return left + i * step, height - bottom - value / most * (height - bottom - top)

    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="11">',
           f'<rect width="{width}" height="{height}" fill="white"/>',
           f'<text x="{left}" y="18" font-size="13">{title}</text>']
    for k in range(6):
        value = most * k / 5
        _, y = place(0, value)
        svg.append(f'<line x1="{left}" y1="{y:.1f}" x2="{width - 20}" y2="{y:.1f}" stroke="#ddd"/>')
        svg.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    for i, label in enumerate(labels):
        svg.append(f'<text x="{place(i, 0)[0]:.1f}" y="{height - bottom + 16}" text-anchor="middle">{label}</text>')
    svg.append(f'<text x="{width / 2}" y="{height - 8}" text-anchor="middle">{x_label}</text>')
    svg.append(f'<text x="14" y="{height / 2}" text-anchor="middle" transform="rotate(-90 14 {height / 2})">{y_label}</text>')
    for n, (label, values) in enumerate(series):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(i, v) for i, v in enumerate(values)))
        svg.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[n]}" stroke-width="2"/>')
        svg.append(f'<text x="{width - 24}" y="{top + 14 * n}" text-anchor="end" fill="{COLOURS[n]}">{label}</text>')
    svg.append("</svg>")
    with open(os.path.join(HERE, name), "w") as out:
        out.write("\n".join(svg) + "\n")


def tail():
    slices = [100, 250, 500, 1000, 2000, 4000]
    series = []
    for window in (1, 2):
        values = []
        for slice_us in slices:
            result = simulate(f"time 61s\nwarmup 1s\npolicy slice {slice_us}us window {window}\n"
                              "vm high tier high load open exp 10ms cost const 1ms\n"
                              "vm flood tier low load closed 1024 cost const 50us\n")
            values.append(result["groups"][0]["latency_ns"]["p99"] / 1e6)
        series.append((f"window {window}", values))
    plot("tail.svg", "p99 latency of a high VM (10 % load of 1 ms kernels) under a saturating low flood",
         "slice in us", "ms", slices, series)


def charge():
    longest = [0.1, 0.2, 0.5, 1, 2, 5]
    series = []
    for how in ("auto", "equal"):
        values = []
        for cost in longest:
            result = simulate(f"time 61s\nwarmup 1s\npolicy charge {how}\n"
                              "vm high tier high load closed 8 cost const 100us\n"
                              f"vm low tier low load closed 8 cost const {cost}ms\n")
            values.append(result["share_error"][0] * 100)
        series.append((f"charge {how}", values))
    plot("charge.svg", "greatest error of a tier's share over 1 s: high VM of 100 us kernels, low VM of longer ones",
         "kernels of the low VM in ms", "points", longest, series)


tail()
charge()
