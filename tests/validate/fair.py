# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
"""Whether shares are those of the policy, and what a flood costs the highest tier."""
import os

import log
import results
from loopback import Gpu, Trouble, kernel_iterations

TITLE = "Fair scheduling: shares as the policy says, and the highest tier's tail under a flood"
SECONDS = 20
WEIGHTS = {"high": 16, "medium": 4, "low": 1}
TIERS = {"h1": "high", "m1": "medium", "m2": "medium", "l1": "low", "l2": "low", "l3": "low"}
FAIR_MS = {"v1": 1, "v2": 2, "v3": 4, "v4": 8}
VM_WEIGHTS = {"w1": 50, "w2": 100, "w3": 300, "w4": 550}
TEXTS, FIRST = 63, 3   # the first few load the program's kernels
RATE = 4
PAIRS = 5


def record(tiers, policy, kernels_ms):
    """Closed loops of all virtual machines at once; returns the engine's runs and the names in the log's order."""
    path = os.path.abspath("build/validation/decisions")
    with Gpu(tiers=tiers, policy=policy, threads=1, options=("--record", path)) as gpu:
        programs = [gpu.start(vm, "mix", 1, 4, 0, kernel_iterations(ms), SECONDS) for vm, ms in kernels_ms.items()]
        for program in programs:
            if program.wait(SECONDS + 120):
                raise Trouble(f"{program.vm}: mix ended with status {program.returncode}")
    tiers_seen, runs = log.read(path)
    os.unlink(path)
    return tiers_seen, runs


def shares_of_tiers(part):
    tiers, runs = record(TIERS, "order=fifo,window=1", {vm: 2 for vm in TIERS})
    begin, end = log.backlogged(runs)
    whole = sum(WEIGHTS[tier] for tier in TIERS.values())
    seconds = (end - begin) / 1e9
    points = {tier: [] for tier in WEIGHTS}
    used = {tier: 0 for tier in WEIGHTS}
    for step in range(1, 41):
        got = log.shares(runs, begin, begin + (end - begin) * step / 40)
        for tier in WEIGHTS:
            used[tier] = 100 * sum(share for vm, share in got.items() if tiers[vm] == tier)
            points[tier].append((seconds * step / 40, used[tier]))
    rows = []
    for tier, weight in WEIGHTS.items():
        due = 100 * weight * list(TIERS.values()).count(tier) / whole
        rows.append([tier, f"{due:.2f} %", f"{used[tier]:.2f} %"])
        part.number(f"share of tier {tier}, distance from the policy's {due:.2f} %", abs(used[tier] - due), "points", ("<=", 1))
        points[f"{tier}: policy"] = [(0, due), (seconds, due)]
    part.table("Shares of tiers (16:4:1; one high, two medium, three low virtual GPUs; fifo)", ["tier", "policy", "measured"], rows)
    part.plot("Shares of tiers since the beginning", "s", "% of the engine's busy time", points)


def shares_of_vms(part):
    tiers, runs = record({vm: "medium" for vm in FAIR_MS}, "order=fair,window=1", FAIR_MS)
    begin, end = log.backlogged(runs)
    got = log.shares(runs, begin, end)
    rows = [[vm, f"{ms} ms", f"{100 / len(tiers):.2f} %", f"{100 * share:.2f} %"]
            for (vm, ms), (_, share) in zip(FAIR_MS.items(), sorted(got.items()))]
    part.table("Shares of virtual GPUs of one tier whose kernels differ in length (fair)", ["virtual GPU", "kernel", "policy", "measured"], rows)
    part.number("share of a virtual GPU under fair, largest distance from an equal one",
                max(abs(100 * share - 100 / len(tiers)) for share in got.values()), "points", ("<=", 1))


def shares_of_weights(part):
    _, runs = record({vm: f"medium:{weight}" for vm, weight in VM_WEIGHTS.items()}, "order=fair,window=1", {vm: 2 for vm in VM_WEIGHTS})
    begin, end = log.backlogged(runs)
    due = [100 * weight / sum(VM_WEIGHTS.values()) for weight in VM_WEIGHTS.values()]
    got = [100 * share for _, share in sorted(log.shares(runs, begin, end).items())]
    rows = [[vm, str(weight), f"{part_due:.2f} %", f"{measured:.2f} %"]
            for (vm, weight), part_due, measured in zip(VM_WEIGHTS.items(), due, got)]
    part.table("Shares of virtual GPUs of one tier and of different weight (fair)", ["virtual GPU", "weight", "policy", "measured"], rows)
    part.number("share of a virtual GPU under fair, largest distance from its weight's",
                max(abs(a - b) for a, b in zip(due, got)), "points", ("<=", 1))


def texts(kind, floods):
    """Latencies of a high-tier language model, beside so many low-tier floods of kernels of half a slice."""
    names = [f"l{i}" for i in range(floods)]
    with Gpu(tiers={"high": "high", **{name: "low" for name in names}}, policy=f"kind={kind},order=fifo,window=1", threads=1) as gpu:
        flood = [gpu.start(name, "mix", 1, 4, 0, kernel_iterations(0.25), 3600) for name in names]
        program = gpu.start("high", "vgpu-generate", "--requests", TEXTS, "--rate", RATE, "--verify", "--json", "--quiet")
        if program.wait(600):
            raise Trouble(f"the language model ended with status {program.process.returncode}")
        for one in flood:
            one.end()
        return program.json()["latency_ms"][FIRST:]


def tails(part):
    series = {}
    for kind, goal in (("weighted", 1.25), ("strict", 1.10)):
        alone, beside = [], []
        for _ in range(PAIRS):
            alone.append(texts(kind, 0))
            beside.append(texts(kind, 7))
        series[f"{kind}, alone"] = list(enumerate(sum(alone, [])))
        series[f"{kind}, seven floods"] = list(enumerate(sum(beside, [])))
        for q in (0.5, 0.95, 0.99):
            ratios = [results.quantile(b, q) / results.quantile(a, q) for a, b in zip(alone, beside)]
            part.number(f"{kind}: {100 * q:.0f}th percentile of a text under seven low floods, to alone, median of {PAIRS} pairs",
                        results.median(ratios), "x", ("<=", goal) if q == 0.99 else None, raw=ratios,
                        note=f"from {min(ratios):.3f} to {max(ratios):.3f}; medians {results.median([results.quantile(a, q) for a in alone]):.1f} ms alone, "
                             f"{results.median([results.quantile(b, q) for b in beside]):.1f} ms beside")
    part.plot("A high-tier virtual GPU's texts", "request", "ms", series, kind="dots")
    part.note("The soft GPU and the programs of all virtual machines share the machine's processors: a flood takes time from the "
              "measured program itself, too, which no scheduler of GPUs gives back.")


def run(part, _minutes):
    shares_of_tiers(part)
    shares_of_vms(part)
    shares_of_weights(part)
    tails(part)
