# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
"""Reads a decision log (uapi/vgpu_sched.h) without the scheduler's own code: who had the compute engine when."""
import struct

EVENT = struct.Struct("<QQHHI5Q")
BEGIN, VM, QUEUED, ENQUEUE, START, DONE = 1, 3, 9, 11, 14, 16
MAGIC, VERSION = 0x474f4c5355504776, 3
COMPUTE = 0


class Run:
    """From begin to end, in nanoseconds, the engine worked for vm; it had been waited for since arrival."""
    __slots__ = ("vm", "arrival", "begin", "end")

    def __init__(self, vm, arrival, begin):
        self.vm, self.arrival, self.begin, self.end = vm, arrival, begin, None


def read(path):
    """Returns tiers by virtual GPU, and the compute engine's runs that ended, in the order in which they began."""
    tiers, streams, flying, runs = {}, {}, {}, []
    with open(path, "rb") as log:
        data = log.read()
    for now, ident, op, engine, arg, *a in EVENT.iter_unpack(data[:len(data) // EVENT.size * EVENT.size]):
        if op == BEGIN and a[:2] != [MAGIC, VERSION]:
            raise ValueError(f"{path} is no decision log of version {VERSION}")
        if op == VM:
            tiers[ident] = ("high", "medium", "low")[arg]
        elif op in (QUEUED, ENQUEUE):
            streams[ident] = (a[2], a[1])
        elif op == START and engine == COMPUTE:
            vm, arrival = streams[ident]
            flying[a[0]] = Run(vm, arrival, now)
            runs.append(flying[a[0]])
        elif op == DONE and ident in flying:
            flying.pop(ident).end = now
    return tiers, [run for run in runs if run.end is not None]


def backlogged(runs):
    """The time in which every virtual GPU was at work: from the last one's first run to the first one's last."""
    first, last = {}, {}
    for run in runs:
        first.setdefault(run.vm, run.begin)
        last[run.vm] = run.end
    return max(first.values()), min(last.values())


def shares(runs, begin, end):
    """Parts of the engine's busy time between two instants, by virtual GPU. Runs do not overlap (a dispatch window of one)."""
    used = {}
    for run in runs:
        took = min(run.end, end) - max(run.begin, begin)
        if took > 0:
            used[run.vm] = used.get(run.vm, 0) + took
    whole = sum(used.values())
    return {vm: took / whole for vm, took in used.items()}
