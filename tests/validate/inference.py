# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
"""The classifier and the language model with requests that come at random, alone and among ten virtual machines."""
import results
from loopback import Gpu, Trouble, kernel_iterations

TITLE = "Inference: every answer right; latency alone and among ten"
# name: (tier, program, requests, a second)
GUESTS = {
    "classify-high": ("high", "vgpu-classify", 200, 10),
    "generate-high": ("high", "vgpu-generate", 60, 3),
    "classify-medium": ("medium", "vgpu-classify", 200, 10),
    "generate-medium": ("medium", "vgpu-generate", 60, 3),
    "classify-low": ("low", "vgpu-classify", 100, 5),
    "generate-low": ("low", "vgpu-generate", 30, 1.5),
}
BATCH = 4


def start(gpu, vm):
    _, program, requests, rate = GUESTS[vm]
    return gpu.start(vm, program, "--requests", requests, "--rate", rate, "--seed", len(vm), "--verify", "--json", "--quiet")


def answer(part, program):
    status = program.wait(900)
    if status not in (0, 1):
        raise Trouble(f"{program.vm} ended with status {status}: {program.output()[-200:]}")
    said = program.json()
    if said["wrong"]:
        part.failed(f"{program.vm}: {said['wrong']} of {said['requests']} answers were wrong")
    return said


def run(part, _minutes):
    alone, among = {}, {}
    tiers = {**{vm: guest[0] for vm, guest in GUESTS.items()}, **{f"batch{n}": "low" for n in range(BATCH)}}
    with Gpu(tiers=tiers, policy="order=fair") as gpu:
        for vm in GUESTS:
            alone[vm] = answer(part, start(gpu, vm))
        batch = [gpu.start(f"batch{n}", "mix", 1, 4, 0, kernel_iterations(0.25), 3600) for n in range(BATCH)]
        programs = [start(gpu, vm) for vm in GUESTS]
        for program in programs:
            among[program.vm] = answer(part, program)
        for program in batch:
            program.end()
    part.number("wrong answers", sum(said["wrong"] for said in [*alone.values(), *among.values()]),
                f"of {sum(said['requests'] for said in [*alone.values(), *among.values()])}", ("==", 0))
    rows = []
    for vm, (tier, *_) in GUESTS.items():
        for name, said in (("alone", alone[vm]), ("among ten", among[vm])):
            rows.append([vm, tier, name, f"{said['requests'] / said['seconds']:.2f}", *(f"{said[q]:.1f}" for q in ("p50_ms", "p95_ms", "p99_ms"))])
        part.number(f"{vm}: 99th percentile among ten, to alone", among[vm]["p99_ms"] / alone[vm]["p99_ms"], "x", raw=among[vm]["latency_ms"])
    part.table("Requests of each guest", ["guest", "tier", "", "requests a second", "p50 ms", "p95 ms", "p99 ms"], rows)
    part.plot("Latency among ten, by guest", "request", "ms", {vm: list(enumerate(said["latency_ms"])) for vm, said in among.items()}, kind="dots")
    part.note(f"Beside them {BATCH} low-tier batch jobs keep the GPU full. Ten programs, ten workers and the soft GPU share {results.machine()['cpus']} processors.")
