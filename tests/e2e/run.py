"""Runs the end-to-end tests: run.py VANCTL [PART OF A NAME]... The last line is the count.

Classes run beside each other, as many as --jobs says; those that measure (their attribute `alone`) run by themselves, at the end.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def tests_of(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_of(item)
        else:
            yield item


def load(patterns):
    sys.path.insert(0, HERE)
    loader = unittest.TestLoader()
    if patterns:
        loader.testNamePatterns = [f"*{pattern}*" for pattern in patterns]
    return list(tests_of(loader.discover(HERE, "*_test.py")))


def run_here(tests):
    """Runs them in this process; the exit status says whether all is well, the last line counts."""
    result = unittest.TextTestRunner(verbosity=2).run(unittest.TestSuite(tests))
    for test, why in result.skipped:
        print(f"skipped: {test}: {why}")
    failed = len(result.failures) + len(result.errors)
    skipped = len(result.skipped)
    print(f"e2e: {result.testsRun - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def run_class(vanctl, name, patterns):
    command = [sys.executable, os.path.abspath(__file__), vanctl, "--class", name, *patterns]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    counts = re.findall(r"^e2e: (\d+) passed, (\d+) failed, (\d+) skipped$", done.stdout, re.MULTILINE)
    passed, failed, skipped = map(int, counts[-1]) if counts else (0, 1, 0)
    if done.returncode and not failed:
        failed = 1
    print(re.sub(r"^e2e: .*\n", "", done.stdout, flags=re.MULTILINE), end="", flush=True)
    return passed, failed, skipped


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("vanctl")
    parser.add_argument("patterns", nargs="*")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--class", dest="one", help="run this class in this process")
    options = parser.parse_intermixed_args()
    os.environ["VANCTL"] = os.path.abspath(options.vanctl)
    tests = load(options.patterns)
    if options.one:
        return run_here([test for test in tests if type(test).__qualname__ == options.one])
    if options.jobs == 1:
        return run_here(tests)

    classes = list(dict.fromkeys(type(test) for test in tests))
    beside = [one for one in classes if not getattr(one, "alone", False)]
    alone = [one for one in classes if getattr(one, "alone", False)]
    run = lambda one: run_class(options.vanctl, one.__qualname__, options.patterns)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(run, beside))
    results += map(run, alone)
    passed, failed, skipped = (sum(column) for column in zip(*results)) if results else (0, 0, 0)
    print(f"e2e: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
