# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
"""Whether one pool feels another: each has a soft GPU, pinned to a processor of its own."""
import results
from loopback import Gpu, Trouble, kernel_iterations

TITLE = "Pools do not feel each other: one saturated, the other's tail"
PAIRS = 5
SECONDS = 6
HOGS = 4


def measure(gpu):
    """99th percentile of kernels of 2 ms that come every 10 ms, in milliseconds."""
    program = gpu.start("paced", "mix", 1, 4, 10000, kernel_iterations(2), SECONDS)
    if program.wait(SECONDS + 60):
        raise Trouble(f"mix ended with status {program.process.returncode}")
    return program.json()["latency_p99_ns"] / 1e6


def run(part, _minutes):
    idle, busy = [], []
    with Gpu(threads=1, cpu=0) as first, Gpu(threads=1, cpu=1) as second:
        measure(second)
        for _ in range(PAIRS):
            idle.append(measure(second))
            hogs = [first.start(f"hog{i}", "mix", 1, 4, 0, kernel_iterations(2), 3600) for i in range(HOGS)]
            busy.append(measure(second))
            for hog in hogs:
                hog.end()
    ratios = [b / i for b, i in zip(busy, idle)]
    part.number("99th percentile in pool B with pool A saturated, to pool A idle: median of five pairs", results.median(ratios), "x", ("<=", 1.05),
                raw=ratios, note=f"from {min(ratios):.3f} to {max(ratios):.3f}")
    part.table("Pairs, one after the other", ["pair", "A idle, ms", "A saturated, ms", "ratio"],
               [[n + 1, f"{i:.3f}", f"{b:.3f}", f"{b / i:.3f}"] for n, (i, b) in enumerate(zip(idle, busy))])
