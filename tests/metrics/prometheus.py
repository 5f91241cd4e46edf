#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
"""Asks a Prometheus for what the dashboard and the rules ask it.

    tests/metrics/prometheus.py URL     one line for each query of packaging/grafana/vgpu.json and each recording rule

A query has to return data in two minutes: rates need two scrapes. Those of what a healthy run has none of (errors,
copies) have to be answered, with data or without.
"""
import json
import re
import sys
import time
import urllib.parse
import urllib.request

MAY_BE_EMPTY = ("errors", "copied_bytes", "burn", "tier_in_time")


def ask(expr):
    query = urllib.parse.urlencode({"query": expr})
    with urllib.request.urlopen(f"{sys.argv[1]}/api/v1/query?{query}", timeout=30) as answer:
        reply = json.load(answer)
    assert reply["status"] == "success", reply
    return reply["data"]["result"]


def queries():
    with open("packaging/grafana/vgpu.json", encoding="utf-8") as file:
        for panel in json.load(file)["panels"]:
            for target in panel["targets"]:
                expr = target["expr"].replace("$__rate_interval", "10s").replace("$gpu", ".*").replace("$tier", ".*")
                yield f"panel {panel['title']}", expr
    with open("packaging/prometheus/vgpu.rules.yml", encoding="utf-8") as file:
        for name in sorted(set(re.findall(r"record: (\S+)", file.read()))):
            yield f"rule {name}", name


failed = False
end = time.monotonic() + 120
waiting = list(queries())
total = len(waiting)
while waiting and time.monotonic() < end:
    waiting = [(name, expr) for name, expr in waiting
               if not ask(expr) and not any(word in expr for word in MAY_BE_EMPTY)]
for name, expr in waiting:
    print(f"{name}: no data: {expr}")
print(f"{total - len(waiting)} of {total} queries returned data")
sys.exit(bool(waiting))
