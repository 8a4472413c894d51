"""The suite runs and its numbers are numbers: smoke_test.py VANCTL PROGRAMS. Says nothing about speed."""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CONTENDERS = ("direct", "vanctl", "floor")


def main(vanctl, programs):
    with tempfile.TemporaryDirectory(prefix="vanctl-bench-") as folder:
        report = os.path.join(folder, "report.json")
        picture = os.path.join(folder, "messages.svg")
        subprocess.run([sys.executable, os.path.join(HERE, "run.py"), vanctl, "--programs", programs, "--quick", "--rounds", "1",
                        "--only", "throughput,rtt,message", "--contenders", ",".join(CONTENDERS), "--json", report, "--svg", picture], check=True)
        with open(report) as f:
            found = json.load(f)
        with open(picture) as f:
            drawn = f.read()
    for name in CONTENDERS:
        metrics = found["contenders"][name]
        wanted = [f"throughput_{streams}_{way}" for streams in (1, 8) for way in ("up", "down")]
        wanted += [f"rtt_{load}_{p}" for load in ("idle", "busy") for p in ("p50", "p99", "p999")]
        for metric in wanted:
            if not metrics[metric]["median"] > 0:
                sys.exit(f"{name}: {metric} is {metrics[metric]}")
        if metrics["rtt_idle_p50"]["median"] > metrics["rtt_idle_p999"]["median"]:
            sys.exit(f"{name}: percentiles are out of order")
        if f">{name}</text>" not in drawn:
            sys.exit(f"{name} is not in the plot")
    if not found["times_better"]["vanctl"]["throughput_1_up"]["floor"] > 0:
        sys.exit("no ratio to the floor")


if __name__ == "__main__":
    main(*sys.argv[1:])
