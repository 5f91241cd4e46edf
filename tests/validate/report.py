# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
"""One page from what the parts kept: failures first, each number beside its goal, its raw data behind it."""
import html
import json
import os

MARK = "<!-- what follows is build/validation/summary.md -->"
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 760, 240, 60, 30, 14
COLOURS = ("#1f6fb4", "#d1602b", "#2f9455", "#8b5fb5", "#b3932d", "#c2477f", "#4a9fa6", "#6b6b6b")
STYLE = """
body { font: 15px/1.45 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222; background: #fff }
h1 { font-size: 1.6em } h2 { margin-top: 2em; border-bottom: 1px solid #ccc } table { border-collapse: collapse; margin: 1em 0 }
td, th { padding: .2em .7em; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top } td.n { text-align: right; white-space: nowrap }
.short { background: #fff0d8 } .failed { background: #fbdcdc } .held { color: #2f7a46 } details { color: #555 } pre { white-space: pre-wrap; word-break: break-all }
svg { display: block; margin: .5em 0; max-width: 100% } figcaption { font-weight: bold; margin-top: 1em }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd } .short { background: #4a3a14 } .failed { background: #5a2424 }
.held { color: #7fcf98 } td, th { border-color: #444 } details { color: #aaa } svg text { fill: #ddd } }
"""


def text(value):
    return html.escape(str(value))


def shown(value):
    if value is None:
        return "not measured"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"


def ticks(low, high):
    step = 10.0 ** (len(str(int((high - low) or 1))) - 1)
    while (high - low) / step < 4:
        step /= 2 if (high - low) / (step / 2) >= 4 else 5
    first = -(-low // step) * step
    return [first + n * step for n in range(int((high - first) / step + 1e-9) + 1)]


def plot(figure):
    """An SVG of one figure; nothing where it has no points."""
    points = [point for series in figure["series"] for point in series["points"]]
    if not points:
        return ""
    x0, x1 = min(p[0] for p in points), max(p[0] for p in points)
    y0, y1 = min(0, min(p[1] for p in points)), max(p[1] for p in points) * 1.05
    x1, y1 = (x1 if x1 > x0 else x0 + 1), (y1 if y1 > y0 else y0 + 1)

    def at(x, y):
        return (LEFT + (x - x0) / (x1 - x0) * (WIDTH - LEFT - 10), TOP + (1 - (y - y0) / (y1 - y0)) * (HEIGHT - TOP - BOTTOM))

    out = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 34}" role="img" aria-label="{text(figure["title"])}" font-size="11" fill="#222">']
    for tick in ticks(y0, y1):
        _, y = at(x0, tick)
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}" stroke="#8884"/>'
                   f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in ticks(x0, x1):
        x, _ = at(tick, y0)
        out.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{tick:g}</text>')
    out.append(f'<text x="{WIDTH - 10}" y="{HEIGHT - 2}" text-anchor="end">{text(figure["x"])}</text><text x="4" y="11">{text(figure["y"])}</text>')
    for n, series in enumerate(figure["series"]):
        policy = series["name"].endswith(": policy")
        colour = "#888" if policy else COLOURS[n % len(COLOURS)]
        places = [at(*point) for point in series["points"]]
        if figure["kind"] == "dots":
            out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.8" fill="{colour}" fill-opacity=".6"/>' for x, y in places]
        else:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"'
                       + (' stroke-dasharray="6 4"/>' if policy else "/>"))
        if policy:
            continue
        x = LEFT + n % 6 * (WIDTH - LEFT) / 6
        y = HEIGHT + 16 + n // 6 * 14
        out.append(f'<rect x="{x:.0f}" y="{y - 8}" width="9" height="9" fill="{colour}"/><text x="{x + 13:.0f}" y="{y}">{text(series["name"])}</text>')
    out.append("</svg>")
    return f'<figure><figcaption>{text(figure["title"])}</figcaption>{"".join(out)}</figure>'


def row(number, part=None):
    kind = {False: "short", True: "held", None: ""}[number["reached"]]
    word = {False: "short", True: "held", None: ""}[number["reached"]]
    raw = ""
    if number.get("raw"):
        values = " ".join(f"{value:.6g}" for value in number["raw"])
        raw = f'<details><summary>{number["raw_of"]} values</summary><pre>{values}</pre></details>'
    name = text(number["name"]) if part is None else f'<a href="#{part}">{part}</a>: {text(number["name"])}'
    return (f'<tr class="{"short" if kind == "short" else ""}"><td>{name}{raw}</td><td class="n">{shown(number["value"])} {text(number["unit"])}</td>'
            f'<td class="n">{text(number["goal"])}</td><td class="{kind}">{word}</td><td>{text(number["note"])}</td></tr>')


def load(part):
    """What the machine had to do before the part began: times that were measured beside other work say little."""
    return f'; load of the machine when it began: {part["load"]:g}' if "load" in part else ""


HEAD = "<tr><th>what</th><th>measured</th><th>goal</th><th></th><th>of it</th></tr>"


def page(parts, missing):
    failures = [(part["part"], what) for part in parts for what in part["failures"]]
    short = [(part["part"], number) for part in parts for number in part["numbers"] if number["reached"] is False]
    held = sum(number["reached"] is True for part in parts for number in part["numbers"])
    out = ['<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>vgpu validation</title>'
           f"<style>{STYLE}</style><h1>Validation of vgpu</h1>"]
    if parts:
        machine = parts[0]["machine"]
        out.append(f'<p>{text(parts[0]["begun"])}, commit {text(machine["commit"])}, {machine["cpus"]} processors ({text(machine["processor"])}), '
                   f'{machine["memory_gib"]} GiB, Linux {text(machine["kernel"])}.</p>')
    out.append(f"<p><b>{len(failures)} failures, {len(short)} numbers short of their goals, {held} goals held.</b>"
               + (f' Not run: {text(", ".join(missing))}.' if missing else "") + "</p>")
    if failures:
        out.append("<h2>Failures</h2><table>" + "".join(f'<tr class="failed"><td>{text(part)}</td><td>{text(what)}</td></tr>' for part, what in failures)
                   + "</table>")
    if short:
        out.append(f"<h2>Short</h2><table>{HEAD}" + "".join(row(number, part) for part, number in short) + "</table>")
    for part in parts:
        out.append(f'<h2 id="{part["part"]}">{text(part["title"])}</h2><p>Part <code>{part["part"]}</code>, {text(part["begun"])}, commit {text(part["machine"]["commit"])}, {part["seconds"]} s{load(part)}.</p>')
        out += [f"<p>{text(note)}</p>" for note in part["notes"]]
        out.append(f"<table>{HEAD}" + "".join(row(number) for number in part["numbers"]) + "</table>")
        for table in part["tables"]:
            out.append(f'<figcaption>{text(table["title"])}</figcaption><table><tr>' + "".join(f"<th>{text(word)}</th>" for word in table["columns"]) + "</tr>"
                       + "".join("<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in cells) + "</tr>" for cells in table["rows"]) + "</table>")
        out += [plot(figure) for figure in part["plots"]]
    return "\n".join(out) + "</html>\n"


def summary(parts, missing):
    """What Documentation/validation keeps."""
    out = []
    if parts:
        machine = parts[0]["machine"]
        out.append(f'{parts[0]["begun"][:10]}, commit {machine["commit"]}: {machine["cpus"]} processors ({machine["processor"]}), '
                   f'{machine["memory_gib"]} GiB, Linux {machine["kernel"]}.\n')
    if missing:
        out.append(f'Not run: {", ".join(missing)}.\n')
    for part in parts:
        out.append(f'## {part["title"]}\n\nPart `{part["part"]}`, {part["begun"][:16]}, commit {part["machine"]["commit"]}, {part["seconds"]:.0f} s{load(part)}.\n')
        out += [f"**Failed**: {what}\n" for what in part["failures"]]
        out.append("| what | measured | goal | | of it |\n|---|---|---|---|---|")
        for n in part["numbers"]:
            word = {False: "**short**", True: "held", None: ""}[n["reached"]]
            out.append(f'| {n["name"]} | {shown(n["value"])} {n["unit"]} | {n["goal"]} | {word} | {n["note"]} |')
        out.append("")
        out += [f"{note}\n" for note in part["notes"]]
    return "\n".join(out)


def publish(directory, document):
    """Puts the summary into the document, in the place of what follows its mark."""
    with open(os.path.join(directory, "summary.md"), encoding="utf-8") as made:
        new = made.read()
    with open(document, encoding="utf-8") as old:
        head, mark, _ = old.read().partition(MARK)
    with open(document, "w", encoding="utf-8") as out:
        out.write(head + mark + "\n\n" + new.rstrip() + "\n")


def write(directory, known):
    """Makes report.html and summary.md of all parts that were ever run into the directory; returns 1 where anything failed."""
    parts, missing = [], []
    for name in known:
        path = os.path.join(directory, name + ".json")
        if not os.path.exists(path):
            missing.append(name)
            continue
        with open(path, encoding="utf-8") as kept:
            parts.append(json.load(kept))
    with open(os.path.join(directory, "report.html"), "w", encoding="utf-8") as out:
        out.write(page(parts, missing))
    with open(os.path.join(directory, "summary.md"), "w", encoding="utf-8") as out:
        out.write(summary(parts, missing))
    failures = sum(len(part["failures"]) for part in parts)
    short = sum(number["reached"] is False for part in parts for number in part["numbers"])
    held = sum(number["reached"] is True for part in parts for number in part["numbers"])
    print(f"{directory}/report.html: {held} held, {short} short, {failures} failed, {len(missing)} parts not run")
    return 1 if failures else 0
