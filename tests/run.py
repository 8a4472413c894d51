"""Builds the presets and runs their tests. Called by tests/run, which has installed what they need."""

import os
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STAGE_LIMIT = 1500  # seconds; catches hangs only
PYTHON = "/usr/bin/python3"

passed = failed = skipped = 0


def say(text):
    print(text, flush=True)


def run(name, command, env=None):
    """Runs one program; its output is shown when it fails. Returns (exit status, output)."""
    began = time.monotonic()
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", stdin=subprocess.DEVNULL) as process:
        try:
            output, _ = process.communicate(timeout=STAGE_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            output = process.communicate()[0] + f"\n{name}: not done within {STAGE_LIMIT} s"
    say(f"{name}: exit {process.returncode} after {time.monotonic() - began:.0f} s")
    if process.returncode != 0:
        say(output[-30000:])
    return process.returncode, output


def count(good, bad, left_out=0):
    global passed, failed, skipped
    passed, failed, skipped = passed + good, failed + bad, skipped + left_out


def build(preset):
    for command in (["cmake", "--preset", preset], ["cmake", "--build", "--preset", preset]):
        status, _ = run(" ".join(command), command)
        if status != 0:
            count(0, 1)
            finish()


def unit_tests(preset, folder):
    tests = os.path.join(folder, "tests")
    for name in sorted(os.listdir(tests)):
        path = os.path.join(tests, name)
        if not name.endswith("_test") or not os.access(path, os.X_OK):
            continue
        catch_test(f"{preset} {name}", [path])


def catch_test(name, command):
    status, output = run(name, command)
    summary = re.search(r"test cases:\s*(\d+)\s*\|(?:\s*(\d+) passed)?(?:.*?(\d+) failed)?", output)
    whole = re.search(r"All tests passed \(.* in (\d+) test cases?\)", output)
    if whole:
        count(int(whole.group(1)), 1 if status else 0)
    elif summary:
        bad = int(summary.group(3) or 0)
        count(int(summary.group(1)) - bad, max(bad, 1 if status else 0))
    else:
        count(0, 1)


def checked_memory(preset, folder):
    """Where streams end and what holds them is let go: what uses memory that is gone is seen here without a build of its own."""
    if not shutil.which("valgrind"):
        return
    for name, tests in (("proxy_test", "[http],[http2],[udp]"), ("link_test", "[link]")):
        path = os.path.join(folder, "tests", name)
        catch_test(f"{preset} {name} {tests}, memory checked", ["valgrind", "-q", "--error-exitcode=9", path, tests])


def other_ctests(preset, folder):
    """Corpus replays and the like: everything that ctest knows besides the unit tests."""
    status, output = run(f"{preset} ctest", ["ctest", "--test-dir", folder, "-E", "_test$", "--output-on-failure", "--no-tests=ignore"])
    total = re.search(r"(\d+)% tests passed, (\d+) tests? failed out of (\d+)", output)
    if total:
        count(int(total.group(3)) - int(total.group(2)), int(total.group(2)))
    elif status:
        count(0, 1)


def counted(name, command, env=None):
    """A program whose last line is the count."""
    status, output = run(name, command, env)
    for line in output.splitlines():
        if line.startswith("skipped: "):
            say(line)
    last = re.findall(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", output)
    if not last or (status != 0 and last[-1][1] == "0"):
        count(0, 1)
    else:
        good, bad, left_out = last[-1]
        count(int(good), int(bad), int(left_out or 0))


def finish():
    say(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or not passed else 0)


def main():
    presets = sys.argv[1:] or ["release"]
    for preset in presets:
        folder = os.path.join(ROOT, "build", preset)
        environment = {}
        if preset == "asan":
            environment = {"VAN_SANITIZED": "1", "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
        os.environ.update(environment)
        build(preset)
        unit_tests(preset, folder)
        other_ctests(preset, folder)
        if preset == "release":
            checked_memory(preset, folder)
            worst_mix = ["--seed", "1000", "--runs", "20", "--seconds", "1000", "--interiors", "12", "--edges", "12"]
            simulation = os.path.join(folder, "tests", "simulation", "simulation")
            counted(f"{preset} simulation", [simulation, *worst_mix])
            counted(f"{preset} simulation, fresh seeds", [simulation, "--fresh", "--for", "60"])
        counted(f"{preset} layers", [PYTHON, "tests/layers_check.py", folder])
        for name, runner in (("proton", [PYTHON, "run_proton.py"]), ("rhea", ["node", "run_rhea.js"])):
            script = os.path.join("tests", "interop", runner[1])
            if os.path.exists(os.path.join(ROOT, script)) and shutil.which(runner[0]):
                counted(f"{preset} interop {name}", [runner[0], script, folder])
        counted(f"{preset} e2e", [PYTHON, "tests/e2e/run.py", "--jobs", "3", os.path.join(folder, "cli", "vanctl")])
        for key in environment:
            os.environ.pop(key)
    finish()


if __name__ == "__main__":
    main()
