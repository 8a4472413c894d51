"""Measures vanctl beside other ways from a client to a server, in alternating rounds: run.py VANCTL [option]...

Prints medians and ratios as tables; --json and --svg also write them to files. docs/performance.md says what each number means.
"""

import argparse
import json
import os
import resource
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = ("bench_peer", "floor_relay", "shaper")
HOPS = ("vanctl*1", "vanctl*2", "vanctl+1", "vanctl+2", "skrouterd+1", "skrouterd+2")

QUIET_LOOK = 0.2  # seconds
QUIET_MAX = 0.15  # agents that idle, a tick of the clock


def say(text):
    print(text, file=sys.stderr, flush=True)


def words(text):
    return [word for word in text.split(",") if word]


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vanctl")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", type=words, metavar="MEASURE,...", help="throughput, rtt, connections, http, message, long, memory, busy_memory, growth")
    parser.add_argument("--contenders", type=words, metavar="NAME,...", help="all, when not given, whose programs are there")
    parser.add_argument("--quick", action="store_true", help="shows that all runs; the numbers are worth little")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--svg", metavar="FILE", help="throughput against message size")
    parser.add_argument("--programs", metavar="DIR", help="where bench_peer, floor_relay and shaper are; beside VANCTL's build when not given")
    return parser.parse_args(arguments)


def programs_folder(options):
    folder = options.programs or os.path.join(os.path.dirname(os.path.dirname(options.vanctl)), "tests", "bench")
    missing = [name for name in PROGRAMS if not os.access(os.path.join(folder, name), os.X_OK)]
    if missing:
        sys.exit(f"run.py: {', '.join(missing)}: not in {folder}; build them, or say --programs")
    return os.path.abspath(folder)


class Pool:
    """Contenders that run: started when first wanted, ended with a group of measures."""

    def __init__(self, start):
        self.start, self.running = start, {}

    def get(self, name, long):
        if (name, long) not in self.running:
            self.running[name, long] = self.start(name, long)
        return self.running[name, long]

    def drop(self, name, long):
        one = self.running.pop((name, long), None)
        if one:
            one.close()

    def close(self):
        for one in list(self.running):
            self.drop(*one)


def chosen(asked, known, what):
    unknown = [name for name in asked or () if name not in known]
    if unknown:
        sys.exit(f"run.py: no such {what}: {', '.join(unknown)}; there are {', '.join(known)}")
    return [name for name in known if not asked or name in asked]


def main(arguments):
    options = parse(arguments)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that what was started is ended
    options.vanctl = os.path.abspath(options.vanctl)
    os.environ["VANCTL"] = options.vanctl
    sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "e2e")]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    import own_network
    from contenders import CONTENDERS
    from measures import FULL, MEASURES, QUICK
    from plot import svg
    from processes import busy_share
    from report import Results, document, text
    from servers import Servers

    programs = programs_folder(options)
    own = own_network.enter()
    say(f"network: {'of its own' if own else 'of the machine'}, congestion control {own_network.congestion_control()}")
    measures = chosen(options.only, list(MEASURES), "measure")
    names = chosen(options.contenders, list(CONTENDERS), "contender")
    skipped = {name: CONTENDERS[name].missing() for name in names if CONTENDERS[name].missing()}
    for name, missing in skipped.items():
        print(f"skipped: {name}: {', '.join(missing)} is not on the PATH")
    names = [name for name in names if name not in skipped]
    rivals = [name for name in names if CONTENDERS[name].rival and name not in HOPS]
    effort = QUICK if options.quick else FULL
    results = Results()
    busy = []  # processors in use by others, each time before ours begin
    servers = Servers(programs)

    def start(name, long):
        return CONTENDERS[name](name, servers.ports, programs, long)

    pool = Pool(start)

    def run(key, part, name):
        measure = MEASURES[key]
        try:
            contender = pool.get(name, measure.long)
            contender.remarks.clear()
            results.add(name, part(contender, servers, effort))
            for remark in contender.remarks:
                results.remark(name, remark)
        except Exception as error:  # one contender that fails must not cost the results of the others
            results.remark(name, f"failed: {key}: {error}")
            say(f"{name}: {error}")
            pool.drop(name, measure.long)
        if measure.fresh:
            pool.drop(name, measure.long)

    try:
        for key in measures:
            measure = MEASURES[key]
            taking_part = [name for name in names if measure.hops or name not in HOPS]
            if measure.fresh or measure.long:
                pool.close()
            for number in range(1 if measure.once else options.rounds):
                turn = number % max(1, len(taking_part))
                for name in taking_part[turn:] + taking_part[:turn]:
                    busy.append(busy_share(QUIET_LOOK))
                    say(f"{key}, round {number + 1}: {name}")
                    for part in measure.parts:
                        run(key, part, name)
            if measure.fresh or measure.long:
                pool.close()
    finally:
        pool.close()
        servers.close()

    versions = {name: CONTENDERS[name].version() for name in names if CONTENDERS[name].version()}
    print(text(results, names, rivals))
    disturbed = sum(share > QUIET_MAX for share in busy)
    if disturbed:
        print(f"\nThe machine was not quiet: before {disturbed} of {len(busy)} measurements others used up to {max(busy):.0%} of its processors.")
    asked = {"rounds": options.rounds, "quick": options.quick, "measures": measures, "own_network": own, "busy_by_others": [round(share, 3) for share in busy]}
    if options.json:
        with open(options.json, "w") as f:
            json.dump(document(results, names, rivals, versions, skipped, asked), f, indent=1)
    picture = svg(results, [name for name in names if name not in HOPS])
    if options.svg and picture:
        with open(options.svg, "w") as f:
            f.write(picture)
    return 1 if any(remark.startswith("failed: ") for remarks in results.remarks.values() for remark in remarks) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
