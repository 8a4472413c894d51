"""Throughput against message size as SVG, both axes logarithmic. Readable on light and on dark ground: colours change with the reader's preference."""

import html
import math

from measures import MESSAGE_SIZES
from report import OURS

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 64, 170, 40, 56
# Light ground, dark ground; lines also differ by their dashes.
COLOURS = [("#1f6feb", "#58a6ff"), ("#c2410c", "#fb923c"), ("#15803d", "#4ade80"), ("#7e22ce", "#c084fc"), ("#b91c1c", "#f87171"),
           ("#0e7490", "#22d3ee"), ("#a16207", "#facc15"), ("#be185d", "#f472b6"), ("#475569", "#cbd5e1")]
DASHES = ["", "7 3", "2 3", "9 3 2 3"]


def size_text(size):
    return f"{size} B" if size < 1024 else f"{size // 1024} KiB" if size < 1 << 20 else f"{size >> 20} MiB"


def grid(low, high):
    """1, 2, 5 and their tenfolds, from the last that is below all to the first above."""
    marks = [factor * 10 ** power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1) for factor in (1, 2, 5)]
    first = max(mark for mark in marks if mark <= low)
    last = min(mark for mark in marks if mark >= high)
    return [mark for mark in marks if first <= mark <= last]


def svg(results, names):
    lines = {name: [(size, results.median(name, f"message_{size}")) for size in MESSAGE_SIZES] for name in names}
    lines = {name: points for name, points in lines.items() if all(value for _, value in points)}
    if not lines:
        return None
    values = [value for points in lines.values() for _, value in points]
    marks = grid(min(values), max(values))
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    first, last = math.log2(MESSAGE_SIZES[0]), math.log2(MESSAGE_SIZES[-1])
    x = lambda size: LEFT + (math.log2(size) - first) / (last - first) * (right - LEFT)
    y = lambda value: bottom - math.log(value / marks[0]) / math.log(marks[-1] / marks[0]) * (bottom - TOP)

    light = "".join(f".c{i}{{stroke:{a}}}.t{i}{{fill:{a}}}" for i, (a, _) in enumerate(COLOURS))
    dark = "".join(f".c{i}{{stroke:{b}}}.t{i}{{fill:{b}}}" for i, (_, b) in enumerate(COLOURS))
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Throughput against message size">',
           "<style>text{font:12px sans-serif;fill:#1f2328}.ground{fill:#ffffff}.grid{stroke:#d0d7de}.line{fill:none;stroke-width:2}.ours{stroke-width:3.5}", light,
           "@media (prefers-color-scheme: dark){text{fill:#e6edf3}.ground{fill:#0d1117}.grid{stroke:#30363d}", dark, "}</style>",
           f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}"/>',
           f'<text x="{LEFT}" y="22">Throughput of one stream, Gbit/s, by the size of each write</text>']
    for value in marks:
        out.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
                   f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    for size in MESSAGE_SIZES:
        out.append(f'<line class="grid" x1="{x(size):.1f}" x2="{x(size):.1f}" y1="{TOP}" y2="{bottom}"/>'
                   f'<text x="{x(size):.1f}" y="{bottom + 18}" text-anchor="middle">{size_text(size)}</text>')
    out.append(f'<text x="{(LEFT + right) / 2}" y="{bottom + 40}" text-anchor="middle">message size</text>')

    # Names at the ends of their lines, moved apart where lines end close together.
    place = -math.inf
    ends = {}
    for name in sorted(lines, key=lambda one: y(lines[one][-1][1])):
        place = max(place + 15, y(lines[name][-1][1]))
        ends[name] = place
    over = max(0, place - bottom)
    for i, (name, points) in enumerate(lines.items()):
        colour, dash = i % len(COLOURS), DASHES[i % len(DASHES)]
        path = " ".join(f"{x(size):.1f},{y(value):.1f}" for size, value in points)
        end = ends[name] - over
        weight = " ours" if name in OURS else ""
        out.append(f'<polyline class="line c{colour}{weight}" stroke-dasharray="{dash}" points="{path}"/>'
                   f'<line class="c{colour}" x1="{right}" x2="{right + 14}" y1="{y(points[-1][1]):.1f}" y2="{end:.1f}"/>'
                   f'<text class="t{colour}" x="{right + 18}" y="{end + 4:.1f}">{html.escape(name)}</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"
