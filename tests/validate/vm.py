# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
"""Parts that run inside the hypervisor VM: tests/validate/vm/NAME prints what it found, a line each.

    number VALUE|UNIT|GOAL|NAME|NOTE      GOAL is empty, or a sign and a limit: <= 5
    point TITLE|X AXIS|Y AXIS|SERIES|X|Y  for a plot
    note TEXT
    FAIL TEXT
"""
import os
import re
import subprocess

TITLES = {
    "machine": "Ten virtual machines on two pools, real guests as far as this machine carries them",
    "live": "Operations while guests work: executor restarted, weights, tiers, limits and pools changed",
    "scale": "Scale: 256 clients on one GPU, 1,024 virtual GPUs on one host",
    "debug": "Sustained load on the debug kernel: no splat, no leak",
}
OPTIONS = {
    "debug": ("--kernel", "debug"),
}
MEMORY = {"scale": "5G", "machine": "4G"}
# Seconds: about twice what they take where nothing else runs. With the parts over loopback before them, all parts end within 90 minutes.
LIMIT = {"machine": 900, "live": 1000, "scale": 900}
BESIDE_DEBUG = 600


class part:
    """A part by its name, as the native ones are modules."""

    def __init__(self, name):
        self.name = name

    def run(self, found, minutes):
        limit = LIMIT.get(self.name, int(60 * minutes / 3) + BESIDE_DEBUG)
        command = ["tests/vm/run", *OPTIONS.get(self.name, ()), "--timeout", str(limit), "hypervisor", "--",
                   f"tests/validate/vm/{self.name}", str(int(60 * minutes / 3))]
        plots = {}
        environment = {**os.environ, "VGPU_VM_MEM": MEMORY.get(self.name, "3G")}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as process, \
                open(os.path.join(found.directory, f"{self.name}.log"), "w", encoding="utf-8") as log:
            for line in process.stdout:
                log.write(line)
                read(found, plots, line.rstrip("\n"))
        for (title, x, y), series in plots.items():
            found.plot(title, x, y, series, kind="dots")
        if process.returncode:
            found.failed(f"ended with status {process.returncode}; its output is {found.directory}/{self.name}.log")


def read(found, plots, line):
    word, _, rest = line.partition(" ")
    fields = [field.strip() for field in rest.split("|")]
    if word == "number" and len(fields) == 5:
        goal = re.fullmatch(r"(<=|>=|==) *([0-9.]+)", fields[2])
        try:
            value = float(fields[0])
        except ValueError:
            found.failed(f"{fields[3]}: not measured ('{fields[0]}')")
            return
        found.number(fields[3], value, fields[1], (goal[1], float(goal[2])) if goal else None, note=fields[4])
    elif word == "point" and len(fields) == 6:
        plots.setdefault(tuple(fields[:3]), {}).setdefault(fields[3], []).append((float(fields[4]), float(fields[5])))
    elif word == "note":
        found.note(rest)
    elif word == "FAIL":
        found.failed(rest)
