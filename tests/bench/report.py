"""Numbers to medians and ratios, as JSON and as tables."""

import os
import platform
import re
import statistics

import own_network
from measures import METRICS

OURS = ("vanctl", "vanctl-skrouterd", "skrouterd-vanctl")


class Results:
    def __init__(self):
        self.values = {}  # contender -> metric -> one number a round
        self.remarks = {}

    def add(self, contender, found):
        for metric, value in found.items():
            self.values.setdefault(contender, {}).setdefault(metric, []).append(value)

    def remark(self, contender, text):
        if text not in self.remarks.setdefault(contender, []):
            self.remarks[contender].append(text)

    def median(self, contender, metric):
        values = self.values.get(contender, {}).get(metric)
        return statistics.median(values) if values else None

    def times_better(self, metric, one, other):
        """How many times better `one` is than `other`; None when either was not measured, or is 0."""
        a, b = self.median(one, metric), self.median(other, metric)
        if not a or not b or a < 0 or b < 0:
            return None
        return a / b if METRICS[metric].better == "more" else b / a

    def best_rival(self, metric, rivals):
        measured = [rival for rival in rivals if self.median(rival, metric) is not None]
        pick = max if METRICS[metric].better == "more" else min
        return pick(measured, key=lambda rival: self.median(rival, metric)) if measured else None

    def ratios(self, metric, one, rivals):
        found = {other: self.times_better(metric, one, other) for other in ("direct", "floor", "skrouterd")}
        best = self.best_rival(metric, rivals)
        found["best rival"] = self.times_better(metric, one, best) if best else None
        found["name of the best rival"] = best
        return found


def machine():
    model = memory = None
    with open("/proc/cpuinfo") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    with open("/proc/meminfo") as f:
        memory = int(re.search(r"MemTotal:\s+(\d+)", f.read()).group(1)) // 1024
    return {"processor": model.group(1) if model else platform.machine(), "cores": len(os.sched_getaffinity(0)), "memory_mb": memory,
            "kernel": platform.release(), "congestion_control": own_network.congestion_control()}


def document(results, names, rivals, versions, skipped, options):
    return {"machine": machine(), "options": options, "versions": versions, "skipped": skipped, "remarks": results.remarks,
            "metrics": {name: metric._asdict() for name, metric in METRICS.items()},
            "contenders": {name: {metric: {"median": results.median(name, metric), "rounds": values}
                                  for metric, values in results.values.get(name, {}).items()} for name in names},
            "times_better": {one: {metric: results.ratios(metric, one, rivals) for metric in results.values.get(one, {})}
                             for one in OURS if one in names}}


def number(value):
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def table(head, rows):
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    line = lambda row: "| " + " | ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))) + " |"
    rule = "|" + "|".join("-" * (w + 1) + (":" if i else "-") for i, w in enumerate(widths)) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])


def text(results, names, rivals):
    measured = [metric for metric in METRICS if any(results.median(name, metric) is not None for name in names)]
    rows = [[f"{METRICS[m].text}, {METRICS[m].unit}", *(number(results.median(name, m)) for name in names)] for m in measured]
    parts = ["Medians", "", table(["", *names], rows)]
    for one in OURS:
        if one not in names:
            continue
        head = [f"{one} is so many times better than", "direct", "floor", "skrouterd", "best rival", "which"]
        rows = []
        for metric in measured:
            found = results.ratios(metric, one, rivals)
            if any(found[other] for other in head[1:5]):
                rows.append([METRICS[metric].text, *(number(found[other]) for other in head[1:5]), found["name of the best rival"] or ""])
        if rows:
            parts += ["", table(head, rows)]
    for name, remarks in results.remarks.items():
        parts += ["", *(f"{name}: {remark}" for remark in remarks)]
    return "\n".join(parts)
