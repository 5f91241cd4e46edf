# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
"""One virtual machine misbehaves, in six ways; nine others compare every answer with the CPU's."""
import time

import results
from loopback import Gpu, wait_until

TITLE = "Isolation: one misbehaves, nine verify every answer"
NEIGHBOURS = 9
REQUESTS = {"vgpu-classify": 200, "vgpu-generate": 40}
DEADLINE_MS = 200
WAYS = {
    "hangs": ("validate-misbehave", "hang"),
    "faults": ("validate-misbehave", "fault"),
    "floods": ("validate-misbehave", "flood", 2),
    "sends garbage": ("validate-garbage", 2),
    "exhausts memory": ("validate-misbehave", "memory", 2),
    "is killed": ("mix", 4, 16, 0, 20000, 3600),
}


def start_neighbours(gpu, way):
    programs = list(REQUESTS)
    return [gpu.start(f"n{n}", programs[n % 2], "--requests", REQUESTS[programs[n % 2]], "--seed", 100 * n + len(way), "--verify", "--json", "--quiet")
            for n in range(NEIGHBOURS)]


def misbehave(gpu, way, neighbours):
    """Again and again, until the neighbours are done. Returns how often, how long each took, and what it did wrong."""
    times, wrong = [], []
    while any(neighbour.running() for neighbour in neighbours):
        command = WAYS[way] + ((len(times),) if way == "sends garbage" else ())
        begun = time.monotonic()
        culprit = gpu.start("culprit", *command)
        if way == "is killed":
            wait_until(lambda: gpu.administer("stats", "culprit")["sessions"] > 0, "a session of the one to be killed")
            culprit.end()
        elif culprit.wait(120):
            wrong.append(culprit.output()[-200:])
        times.append(time.monotonic() - begun)
    return times, wrong


def run(part, _minutes):
    rows, points = [], {}
    for way in WAYS:
        with Gpu(vms=NEIGHBOURS + 1) as gpu:
            if way == "hangs":
                gpu.administer("limits", "culprit", "tier=medium", f"deadline={DEADLINE_MS}", "strikes=20", "quarantine=1000")
            neighbours = start_neighbours(gpu, way)
            times, wrong = misbehave(gpu, way, neighbours)
            answers = lost = incorrect = 0
            for neighbour in neighbours:
                status = neighbour.wait(600)
                if status not in (0, 1):
                    lost += 1
                    part.failed(f"one that {way}: neighbour {neighbour.vm} ended with status {status}: {neighbour.output()[-200:]}")
                    continue
                said = neighbour.json()
                answers += said["requests"]
                incorrect += said["wrong"]
            for what in wrong:
                part.failed(f"one that {way} was not answered as it should be: {what}")
            stats = gpu.administer("stats", "culprit")
        points[way] = [(n, 1000 * t) for n, t in enumerate(times)]
        rows.append([way, len(times), answers, incorrect, lost, stats["failed"], f"{1000 * results.median(times):.0f} ms"])
        part.number(f"wrong answers beside one that {way}", incorrect, f"of {answers}", ("==", 0))
    part.table(f"One misbehaves, {NEIGHBOURS} verify", ["it", "times", "answers verified", "wrong", "neighbours that failed",
                                                      "its failed commands", "a time takes, median"], rows)
    part.plot("From the start of a misbehaving program to its end", "time", "ms", points, kind="dots")
    part.note(f"Deadline of a run of the one that hangs: {DEADLINE_MS} ms. Strikes and quarantine are on: after some, the misbehaving one is refused at once.")
