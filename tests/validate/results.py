# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
"""What a part of the validation found: numbers with their goals, plots, tables; kept as JSON, from which alone the report is made."""
import datetime
import json
import math
import os
import platform
import subprocess
import sys
import time

MOST_RAW = 4000     # values of one number or series that are kept; of more, every n-th


def thinned(values):
    """At most MOST_RAW of them, equally far apart; the whole is kept where it fits."""
    step = max(1, math.ceil(len(values) / MOST_RAW))
    return values[::step]


def quantile(values, q):
    """By nearest rank; of nothing, nan."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


def median(values):
    return quantile(values, 0.5)


def machine():
    """What an operator wants to know of the machine that the numbers are from."""
    name = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        for line in info:
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    with open("/proc/meminfo", encoding="utf-8") as info:
        gib = int(info.readline().split()[1]) / 2**20
    return {"processor": name, "cpus": os.cpu_count(), "memory_gib": round(gib, 1), "kernel": platform.release(),
            "commit": commit.stdout.strip()}


class Part:
    """One part of the validation: sets up nothing by itself; write() keeps what was found."""

    def __init__(self, name, title, directory):
        self.name, self.directory, self.begun = name, directory, time.time()
        self.data = {"part": name, "title": title, "numbers": [], "plots": [], "tables": [], "notes": [], "failures": [],
                     "begun": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "machine": machine(),
                     "load": round(os.getloadavg()[0], 1)}

    def number(self, name, value, unit="", goal=None, raw=None, note=""):
        """A number; goal is (sign, limit) with sign one of <=, >=, ==, or None; raw are the values that it was made of."""
        reached = None
        if goal:
            sign, limit = goal
            reached = not math.isnan(value) and {"<=": value <= limit, ">=": value >= limit, "==": value == limit}[sign]
        entry = {"name": name, "value": None if math.isnan(value) else value, "unit": unit,
                 "goal": f"{goal[0]} {goal[1]:g}" if goal else "", "reached": reached, "note": note}
        if raw is not None:
            entry["raw"], entry["raw_of"] = thinned(list(raw)), len(raw)
        self.data["numbers"].append(entry)
        shown = f"{value:.4g} {unit}".rstrip()
        word = {None: "", True: " (reached)", False: " SHORT"}[reached]
        print(f"  {name}: {shown}{'; goal ' + entry['goal'] if goal else ''}{word}", flush=True)

    def plot(self, title, x, y, series, kind="line"):
        """series: {name: [(x, y), ...]}; kind line or dots, or bars, where x is a word."""
        self.data["plots"].append({"title": title, "x": x, "y": y, "kind": kind,
                                   "series": [{"name": name, "points": thinned(list(points))} for name, points in series.items()]})

    def table(self, title, columns, rows):
        self.data["tables"].append({"title": title, "columns": columns, "rows": rows})

    def note(self, text):
        self.data["notes"].append(text)
        print(f"  {text}", flush=True)

    def failed(self, text):
        """Something that must never be; a number that falls short is none."""
        self.data["failures"].append(text)
        print(f"  FAIL {text}", file=sys.stderr, flush=True)

    def write(self):
        """Keeps the part's JSON; returns whether all is as it must be."""
        self.data["seconds"] = round(time.time() - self.begun, 1)
        path = os.path.join(self.directory, self.name + ".json")
        with open(path + ".new", "w", encoding="utf-8") as out:
            json.dump(self.data, out)
        os.rename(path + ".new", path)
        return not self.data["failures"] and all(n["reached"] is not False for n in self.data["numbers"])
