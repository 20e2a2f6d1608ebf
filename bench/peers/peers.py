"""croniter and cronsim on the expressions of a file: one line of JSON for each library,
zone and expression, as bench/schedule.c prints them."""
import datetime
import itertools
import json
import sys
import time
import zoneinfo

from croniter import croniter
from cronsim import CronSim

FIRES = 16
ENOUGH_S = 0.01
# The measured walk begins at the first; answers are compared from each.
STARTS = (1767225600, 1772841600, 1774656000, 1792800000, 1793404800)


def cost(calls, function):
    """Nanoseconds a call of function, which does so many calls at a time."""
    function()
    start, rounds = time.perf_counter(), 0
    while time.perf_counter() - start < ENOUGH_S:
        function()
        rounds += 1
    return (time.perf_counter() - start) * 1e9 / (rounds * calls)


def walk_croniter(expr, start):
    fires = croniter(expr, start)
    return [fires.get_next(datetime.datetime) for _ in range(FIRES)]


def walk_cronsim(expr, start):
    return list(itertools.islice(CronSim(expr, start), FIRES))


LIBRARIES = {
    "croniter": (walk_croniter, croniter),
    "cronsim": (walk_cronsim, CronSim),
}


def measure(who, zone, expr):
    walk, parse = LIBRARIES[who]
    starts = [datetime.datetime.fromtimestamp(at, zoneinfo.ZoneInfo(zone)) for at in STARTS]
    start = starts[0]
    line = {"who": who, "zone": zone, "expr": expr, "next_ns": 0, "parse_ns": 0, "fires": []}
    try:
        line["fires"] = [[int(at.timestamp()) for at in walk(expr, at)] for at in starts]
        line["parse_ns"] = cost(1, lambda: parse(expr, start))
        whole = cost(1, lambda: walk(expr, start))
        line["next_ns"] = (whole - line["parse_ns"]) / FIRES
    except Exception as error:  # whatever a library raises is its answer
        line["error"] = f"{type(error).__name__}: {error}"
    return line


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        expressions = file.read().splitlines()
    for expr in expressions:
        for zone in ("UTC", "America/New_York", "Europe/Paris"):
            for who in LIBRARIES:
                print(json.dumps(measure(who, zone, expr)), flush=True)


if __name__ == "__main__":
    main()
