#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
"""Statistics of the module against an independent count of its tracepoints' lines, as tracefs or trace-cmd report print them.

    tests/metrics/exact.py TRACE STATS      STATS: vgpu-admin stats show VM -j, of a virtual GPU that was traced since it was made

Counters have to be equal, quantiles within 1 % of those by nearest rank over all values, sorted.
"""
import collections
import json
import math
import re
import sys

LINE = re.compile(r"vgpu_(\w+): +vgpu=(\S+) (.*)")
COPY_IN, COPY_OUT, LAUNCH = 12, 13, 21

with open(sys.argv[2], encoding="utf-8") as stats:
    vm = json.load(stats)[0]
count = collections.Counter()
total, queued, live, depth_max = [], [], {}, 0
with open(sys.argv[1], encoding="utf-8") as trace:
    for line in trace:
        found = LINE.search(line)
        if not found or found[2] != vm["uuid"]:
            continue
        event = found[1]
        value = {key: int(number) for key, number in (word.split("=") for word in found[3].split())}
        key = (value.get("session"), value.get("seq"))
        if event == "submit":
            count["submitted"] += 1
        elif event == "vet" and value["status"]:
            count["failed"] += 1
        elif event == "vet":
            live[key] = [value["ns"], None]
            depth_max = max(depth_max, len(live))
        elif event == "dispatch":
            live[key][1] = value["ns"]
        elif event == "complete":
            accepted, dispatched = live.pop(key)
            total.append(value["ns"] - accepted)
            queued.append((dispatched or value["ns"]) - accepted)
            if value["status"]:
                count["failed"] += 1
            else:
                count["completed"] += 1
                count["launches"] += value["opcode"] == LAUNCH
                count["bytes_in"] += value["bytes"] * (value["opcode"] == COPY_IN)
                count["bytes_out"] += value["bytes"] * (value["opcode"] == COPY_OUT)
wrong = checks = 0
worst = 0.0


def check(what, told, counted):
    global checks, wrong
    checks += 1
    if told != counted:
        wrong += 1
        print(f"{what} is {told}, the trace says {counted}")


for name in ("submitted", "completed", "failed", "launches", "bytes_in", "bytes_out"):
    check(name, vm[name], count[name])
check("waiting", vm["waiting"], len(live))
check("depth_max", vm["depth_max"], depth_max)
if not live:
    check("depth_ns", vm["depth_ns"], sum(total))
for name, values in (("total", total), ("queued", queued)):
    part = vm["latency"]["all"][name]
    values.sort()
    check(f"{name}: count", part["count"], len(values))
    if not values:
        continue
    check(f"{name}: mean", part["mean_ns"], sum(values) // len(values))
    check(f"{name}: max", part["max_ns"], values[-1])
    for quantile, share in (("p50_ns", 0.5), ("p95_ns", 0.95), ("p99_ns", 0.99)):
        exact = values[math.ceil(share * len(values)) - 1]
        error = abs(part[quantile] - exact) / exact if exact else float(part[quantile] != 0)
        worst = max(worst, error)
        if error > 0.01:
            wrong += 1
            print(f"{name}: {quantile} is {part[quantile]}, exactly it is {exact}")
print(f"{count['submitted']} commands: {checks} counters compared, {wrong} wrong; quantiles off by {worst:.2%} at most")
sys.exit(wrong > 0 or not total)
