#!/usr/bin/python3
"""./dev bench schedule: parse and next, ours beside other libraries and a bare loop.

All in one run: nanoseconds a call (median of the rounds' geometric means over the 30
expressions of expressions.txt), ratios against the bare loop, and every disagreement
about a fire, judged by a walk over real time, minute by minute.
"""
import argparse
import collections
import datetime
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import zoneinfo

HERE = os.path.dirname(os.path.abspath(__file__))
EXPRESSIONS = os.path.join(HERE, "expressions.txt")
ZONES = ("UTC", "America/New_York", "Europe/Paris")
STARTS = (1767225600, 1772841600, 1774656000, 1792800000, 1793404800)
ROUNDS = 3
AIMS = {"supercronic": 9, "robfig/cron v3": 40, "croner": 600}


def note(text):
    """Progress, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def run(*argv, **options):
    result = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            **options)
    if result.returncode != 0:
        raise SystemExit(f"bench: {' '.join(argv)}:\n{result.stderr or result.stdout}")
    return result.stdout


def prepare(folder):
    """Fetches and builds the peers once; answers the commands that run them."""
    source = os.path.join(HERE, "peers")
    if not os.path.isdir(folder):
        note("schedule: fetching the other libraries")
        new = folder + ".new"
        shutil.rmtree(new, ignore_errors=True)
        shutil.copytree(source, new)
        run("go", "build", "-o", "peers-go", ".", cwd=new)
        run("npm", "install", "--no-audit", "--no-fund", "--silent", cwd=new)
        run("/usr/bin/python3", "-m", "venv", "venv", cwd=new)
        run("venv/bin/pip", "install", "--quiet", "-r", "requirements.txt", cwd=new)
        # A venv knows its own path: it is made where it will be used.
        os.rename(new, folder)
        run("/usr/bin/python3", "-m", "venv", "--upgrade", "venv", cwd=folder)
    python = os.path.join(folder, "venv/bin/python")
    return [[os.path.join(folder, "peers-go"), EXPRESSIONS],
            ["node", os.path.join(folder, "peers.mjs"), EXPRESSIONS],
            [python, os.path.join(folder, "peers.py"), EXPRESSIONS]]


# ---- who is right: a walk over real time ----

NAMES = {"SUN": 0, "MON": 1, "TUE": 2, "WED": 3, "THU": 4, "FRI": 5, "SAT": 6}


def field(text, least, most):
    """The values of a field of expressions.txt."""
    values = set()
    for item in text.split(","):
        item, _, step = item.partition("/")
        if item == "*":
            first, last = least, most
        else:
            first, _, last = item.partition("-")
            first = NAMES.get(first, first)
            last = NAMES.get(last, last) or (most if step else first)
        values |= set(range(int(first), int(last) + 1, int(step or 1)))
    return values


class Walk:
    """The fires of an expression, found by asking each minute of real time, under the
    rule of docs/schedule-language.md, section 5."""

    def __init__(self, expr, zone):
        minute, hour, day, month, weekday = expr.split()
        self.zone = zoneinfo.ZoneInfo(zone)
        self.minutes, self.hours = field(minute, 0, 59), field(hour, 0, 23)
        self.days, self.months = field(day, 1, 31), field(month, 1, 12)
        self.weekdays = {value % 7 for value in field(weekday, 0, 7)}
        self.follows = minute[0] == "*" or hour[0] == "*"
        self.both = day[0] == "*" or weekday[0] == "*"

    def matches(self, local):
        day, weekday = local.day in self.days, local.isoweekday() % 7 in self.weekdays
        return (local.minute in self.minutes and local.hour in self.hours
                and local.month in self.months and (day and weekday if self.both else day or weekday))

    def local(self, at_s):
        return datetime.datetime.fromtimestamp(at_s, self.zone)

    def fires_in(self, first_s, last_s):
        """Whether there is a fire in (first_s, last_s], one instant after the other."""
        for at_s in range(first_s + 60, last_s + 1, 60):
            now, before = self.local(at_s), self.local(at_s - 60)
            step = now.utcoffset() - before.utcoffset()
            fires = self.matches(now)
            if not self.follows:
                fires = fires and not now.fold
                wall = before.replace(tzinfo=None)
                for skipped in range(int(step.total_seconds()) // 60):
                    fires = fires or self.matches(wall + datetime.timedelta(minutes=skipped + 1))
            if fires:
                yield at_s


def judge(expr, zone, start_s, answers):
    """The first fire on which libraries differ, and what the walk says of it."""
    length = max(len(fires) for fires in answers.values())
    before = start_s
    for i in range(length):
        said = {who: fires[i] if i < len(fires) else None for who, fires in answers.items()}
        if len(set(said.values())) == 1:
            before = fires_at(said)
            continue
        horizon = max(value for value in said.values() if value)
        truth = next(Walk(expr, zone).fires_in(before, horizon), None)
        return before, truth, said
    return None


def fires_at(said):
    return next(iter(said.values()))


def disagreements(fires):
    for (expr, zone), answers in fires.items():
        for i, start_s in enumerate(STARTS):
            found = judge(expr, zone, start_s, {who: lists[i] for who, lists in answers.items()})
            if found:
                yield expr, zone, *found


# ---- the table ----

def geometric(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def measure(commands):
    """who -> zone -> figures of each round; (expr, zone) -> who -> fires."""
    next_ns = collections.defaultdict(lambda: collections.defaultdict(list))
    parse_ns = collections.defaultdict(list)
    worst = collections.defaultdict(list)
    fires, errors = collections.defaultdict(dict), collections.Counter()
    for i in range(ROUNDS):
        figures = collections.defaultdict(lambda: collections.defaultdict(list))
        parses = collections.defaultdict(list)
        for command in commands:
            note(f"schedule: round {i + 1} of {ROUNDS}, {os.path.basename(command[0])}")
            for line in map(json.loads, run(*command).splitlines()):
                if line.get("error"):
                    errors[line["who"]] += i == 0
                    continue
                figures[line["who"]][line["zone"]].append(line["next_ns"])
                parses[line["who"]].append(line["parse_ns"])
                if line["fires"]:
                    fires[line["expr"], line["zone"]][line["who"]] = line["fires"]
        for who, zones in figures.items():
            for zone, values in zones.items():
                next_ns[who][zone].append(geometric(values))
            worst[who].append(max(max(values) / geometric(values) for values in zones.values()))
            if any(parses[who]):
                parse_ns[who].append(geometric(parses[who]))
    note("")
    return next_ns, parse_ns, worst, fires, errors


def show(value, digits=0):
    return "-" if value is None or math.isnan(value) else f"{value:,.{digits}f}"


def table(next_ns, parse_ns, worst, errors):
    print(f"nanoseconds a call, geometric mean of 30 expressions, median of {ROUNDS} rounds")
    print(f"{'':18}{'next: UTC':>11}{'New York':>11}{'Paris':>11}{'x bare':>9}{'x ours':>9}"
          f"{'worst/mean':>12}{'parse':>10}")
    for who, zones in sorted(next_ns.items(), key=lambda row: statistics.median(row[1]["UTC"])):
        medians = [statistics.median(zones[zone]) for zone in ZONES]
        bare = geometric(statistics.median(ns / limit for ns, limit in
                                           zip(zones[zone], next_ns["bare loop"][zone]))
                         for zone in ZONES)
        ours = geometric(statistics.median(ns / own for ns, own in
                                           zip(zones[zone], next_ns["belfry"][zone]))
                         for zone in ZONES)
        parse = statistics.median(parse_ns[who]) if who in parse_ns else None
        failed = f"   {errors[who]} refused" if errors[who] else ""
        print(f"{who:18}" + "".join(f"{show(ns, 1 if ns < 100 else 0):>11}" for ns in medians)
              + f"{show(bare, 2 if bare < 100 else 0):>9}{show(ours, 2 if ours < 100 else 0):>9}"
              + f"{show(statistics.median(worst[who]), 1):>12}{show(parse):>10}{failed}")
    print("aims: belfry within 2 x bare, worst within 5 x mean, parse under 1,000 ns; "
          + ", ".join(f"{who} at least {times} x ours" for who, times in AIMS.items()))


def stamp(at_s, zone):
    return "nothing" if at_s is None else datetime.datetime.fromtimestamp(
        at_s, zoneinfo.ZoneInfo(zone)).isoformat()


def main():
    parser = argparse.ArgumentParser(prog="./dev bench schedule")
    parser.add_argument("--build", default="build/release", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    program = os.path.join(arguments.build, "bench/bench-schedule")
    commands = [[program, EXPRESSIONS], *prepare(os.path.abspath("build/bench-peers"))]
    next_ns, parse_ns, worst, fires, errors = measure(commands)
    table(next_ns, parse_ns, worst, errors)
    found = list(disagreements(fires))
    print(f"\n{len(found)} of {len(fires) * len(STARTS)} walks ({len(fires)} expressions and zones, from "
          f"{len(STARTS)} instants) on which libraries differ, judged by the rule of docs/schedule-language.md"
          f"{':' if found else ''}")
    wrong = collections.Counter()
    for expr, zone, before, truth, said in found:
        losers = sorted(who for who, at in said.items() if at != truth)
        wrong.update(losers)
        print(f"  {expr}  {zone}  after {stamp(before, zone)}: {stamp(truth, zone)} is right; "
              + "; ".join(f"{who} says {stamp(said[who], zone)}" for who in losers))
    for who, count in wrong.most_common():
        print(f"  {who}: wrong in {count}")
    million = json.loads(run(program, EXPRESSIONS, "million"))
    print(f"\n1,000,000 schedules parsed and queued   {million['million_s']:.2f} s (aim <= 3), "
          f"{million['bytes_each']:.0f} bytes each (aim <= 256)")
    return 1 if wrong["belfry"] else 0


if __name__ == "__main__":
    sys.exit(main())
