# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
"""Eight virtual machines for an hour, while policies change, workers are killed and the executor is restarted: nothing may grow."""
import os
import random
import signal
import time

import results
from loopback import Gpu, Trouble

TITLE = "Sustained load: nothing grows, nothing is lost"
# name: (tier, program, requests of one start, a second)
GUESTS = {
    "high0": ("high", "vgpu-generate", 20, 2), "high1": ("high", "vgpu-classify", 40, 4),
    "medium0": ("medium", "vgpu-generate", 15, 1.5), "medium1": ("medium", "vgpu-classify", 20, 2), "medium2": ("medium", "vgpu-classify", 20, 2),
    "low0": ("low", "vgpu-generate", 10, 1), "low1": ("low", "vgpu-classify", 10, 1), "low2": ("low", "vgpu-classify", 10, 1),
}
SAMPLE_S, POLICY_S, KILL_S, RESTART_S = 5, 7, 13, 61
POLICIES = (["kind=weighted", "order=fifo", "weights=16:4:1"], ["kind=weighted", "order=fair", "weights=8:4:2"], ["kind=strict", "order=fifo", "aging=200000"],
            ["kind=weighted", "order=fair", "slice=1000"])
LIMITS = (["tier=high"], ["tier=low", "commands=5000"], ["tier=medium", "share=500000"], ["tier=medium"])


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0


class Load:
    """The eight, each started again when it has ended."""

    def __init__(self, gpu, part, begun):
        self.gpu, self.part, self.begun = gpu, part, begun
        self.running, self.killed, self.starts = {}, set(), 0
        self.latency = {tier: [] for tier in ("high", "medium", "low")}
        self.right = self.lost = 0

    def start(self, vm):
        _, program, requests, rate = GUESTS[vm]
        self.starts += 1
        self.running[vm] = self.gpu.start(vm, program, "--requests", requests, "--rate", rate, "--seed", self.starts, "--verify", "--json", "--quiet")

    def collect(self, vm):
        """What a program that ended has to say; only one whose worker was killed may have failed."""
        program = self.running.pop(vm)
        status = program.wait(60)
        if status == 0:
            said = program.json()
            self.right += said["requests"]
            at = program.begun - self.begun
            self.latency[GUESTS[vm][0]] += [(at + n * said["seconds"] / said["requests"], ms) for n, ms in enumerate(said["latency_ms"])]
        elif status == 3 and vm in self.killed:
            self.lost += 1
        else:
            self.part.failed(f"{vm} ended with status {status} after {time.monotonic() - self.begun:.0f} s: {program.output()[-300:]}")
        self.killed.discard(vm)
        self.gpu.forget(program)

    def keep_going(self, wanted):
        for vm in list(self.running):
            if not self.running[vm].running():
                self.collect(vm)
        for vm in GUESTS:
            if wanted and vm not in self.running:
                self.start(vm)


def quarter(values, n):
    """The n-th quarter, by time."""
    if not values:
        return []
    end = values[-1][0]
    return [value for at, value in values if n * end / 4 <= at <= (n + 1) * end / 4]


def grown(part, what, samples, unit, limit):
    """From the second quarter, when all has been used once, to the last."""
    before, after = results.median(quarter(samples, 1)), results.median(quarter(samples, 3))
    part.number(f"{what}: last quarter to second", after / before, "x", ("<=", limit), raw=[value for _, value in samples],
                note=f"{before:.0f} to {after:.0f} {unit}")


def run(part, minutes):
    seed = int(os.environ.get("SEED", "1"))
    rng = random.Random(seed)
    part.note(f"seed {seed}, {minutes:g} minutes")
    samples = {name: [] for name in ("memory of the mediator", "descriptors of the mediator", "memory of the supervisor", "descriptors of the supervisor")}
    restarts, kills, changes = [], 0, 0
    with Gpu(tiers={vm: guest[0] for vm, guest in GUESTS.items()}, options=("--deadline", "5000")) as gpu:
        begun = time.monotonic()
        load = Load(gpu, part, begun)
        due = {"sample": SAMPLE_S, "policy": POLICY_S, "kill": KILL_S, "restart": RESTART_S}
        while (now := time.monotonic() - begun) < 60 * minutes:
            load.keep_going(True)
            if now >= due["sample"]:
                due["sample"] = now + SAMPLE_S
                for name, pid in (("mediator", gpu.daemon.pid), ("supervisor", gpu.executor.pid)):
                    samples[f"memory of the {name}"].append((now, resident_kib(pid)))
                    samples[f"descriptors of the {name}"].append((now, descriptors(pid)))
            if now >= due["policy"]:
                due["policy"] = now + POLICY_S
                vm = rng.choice(list(GUESTS))
                gpu.administer("policy", vm, *rng.choice(POLICIES))
                changes += 1
                if vm.startswith("low"):
                    gpu.administer("limits", vm, *rng.choice(LIMITS))
            if now >= due["kill"]:
                due["kill"] = now + KILL_S
                workers = gpu.workers()
                if workers:
                    # Whose it is is not known: all that run now may be told that theirs is lost.
                    load.killed |= set(load.running)
                    os.kill(rng.choice(workers), signal.SIGKILL)
                    kills += 1
            if now >= due["restart"]:
                due["restart"] = now + RESTART_S
                restarts.append((now, 1000 * gpu.restart_executor(rng.choice((signal.SIGTERM, signal.SIGKILL)))))
            time.sleep(0.1)
        while load.running:
            load.keep_going(False)
            time.sleep(0.1)
        if not load.right:
            raise Trouble("no request was answered")
    for name, values in samples.items():
        grown(part, name, values, "descriptors" if name.startswith("desc") else "KiB", 1.02 if name.startswith("memory") else 1.0)
    for tier, values in load.latency.items():
        values.sort()
        first, last = results.quantile(quarter(values, 1), 0.5), results.quantile(quarter(values, 3), 0.5)
        part.number(f"median latency of tier {tier}: last quarter to second", last / first, "x", ("<=", 1.1), note=f"{first:.1f} to {last:.1f} ms")
    part.number("requests answered, all right", load.right)
    part.number("programs that lost their worker", load.lost, f"of {load.starts} starts", note=f"{kills} workers killed")
    part.number("executor restarted: until it serves again, worst", max([ms for _, ms in restarts], default=float("nan")), "ms", ("<=", 500),
                raw=[ms for _, ms in restarts], note=f"{len(restarts)} times; {changes} policy changes")
    part.plot("Latency over time, by tier", "s", "ms", load.latency, kind="dots")
    part.plot("Memory", "s", "KiB", {name: values for name, values in samples.items() if name.startswith("memory")})
    part.plot("Descriptors", "s", "open", {name: values for name, values in samples.items() if name.startswith("desc")})
    part.plot("Time from the end of a supervisor to the next one's readiness", "s", "ms", {"restart": restarts}, kind="dots")
