"""./dev bench burst, single, idle: when jobs really start, beside limits and other services.

All services live side by side in one run and take turns: within each minute Debian's cron
has its 1,000 jobs at second 0, robfig/cron at 15, belfry at 30, and a bare loop works them
off at 45. What counts is the moment at which the job itself begins, by its own mark.
"""
import array
import os
import statistics
import subprocess
import tempfile
import time

from served import Belfry, aim, note, percentile, quiet_jobs, ratios, use_of
from services import DebianCron, Robfig, Unavailable

BURST = 1000
AT_ONCE = 64
ROUNDS = 5
QUIET = 9000
SECONDS = {"cron": 0, "robfig": 15, "belfry": 30, "bare": 45}
LAST_TIMES, SINGLE_P50_MS, SINGLE_P99_MS = 1.2, 2, 5
SINGLE = 100
IDLE_JOBS, IDLE_SETTLE_S, IDLE_S = 10000, 70, 180


def marks(path):
    """Seconds since 1970 at which jobs began, in order."""
    values = array.array("q")
    if os.path.exists(path):
        with open(path, "rb") as file:
            values.frombytes(file.read())
    return sorted(value / 1e9 for value in values)


def by_minute(path, second, first_minute, rounds):
    """For each minute the seconds after its instant."""
    rows = [[] for _ in range(rounds)]
    for at in marks(path):
        minute = int((at - second) // 60) - first_minute
        if 0 <= minute < rounds:
            rows[minute].append((at - second) % 60)
    return rows


def build_burst(build, peers, folder):
    """name -> what is running; why each other is not."""
    def mark(name):
        return [os.path.join(build, "bench/mark"), os.path.join(folder, name)]

    services, absent = {}, []
    for name, make in (
            ("cron", lambda: DebianCron(peers, [("* * * * *", " ".join(mark("cron")))] * BURST)),
            ("robfig", lambda: Robfig(peers, BURST, f"{SECONDS['robfig']} * * * * *",
                                      *mark("robfig")))):
        try:
            services[name] = make()
        except Unavailable as why:
            absent.append(f"{name}: {why}")
    jobs = [{"name": f"due-{i}", "schedule": f"{SECONDS['belfry']} * * * * *",
             "command": mark("belfry")} for i in range(BURST)]
    services["belfry"] = Belfry(build, jobs + quiet_jobs(QUIET), "--max-running", str(AT_ONCE))
    return services, absent, mark("bare")


def sleep_until(at):
    time.sleep(max(0, at - time.time()))


def live_minutes(build, services, bare_mark):
    """The drain time of the bare loop in each minute; the first minute."""
    first = int(time.time() // 60) + 1
    drains = []
    sleep_until(first * 60)
    for i in range(ROUNDS):
        note(f"burst: minute {i + 1} of {ROUNDS}")
        sleep_until((first + i) * 60 + SECONDS["bare"])
        done = subprocess.run([os.path.join(build, "bench/spawn-loop"), str(BURST), str(AT_ONCE),
                               *bare_mark], check=True, stdout=subprocess.PIPE, text=True)
        drains.append(float(done.stdout))
    sleep_until((first + ROUNDS) * 60)
    note("")
    return first, drains


def bench_burst(build, peers):
    with tempfile.TemporaryDirectory(prefix="belfry-bench-") as folder:
        services, absent, bare_mark = build_burst(build, peers, folder)
        try:
            first, drains = live_minutes(build, services, bare_mark)
            rows = {name: by_minute(os.path.join(folder, name), second, first, ROUNDS)
                    for name, second in SECONDS.items()}
        finally:
            for service in services.values():
                service.stop()
    print(f"{BURST:,} jobs due in one second, {QUIET:,} others beside them in belfry: seconds from "
          f"the instant to the job's own first step (medians of {ROUNDS} minutes)")
    print(f"{'':20}{'first':>8}{'p50':>8}{'p99':>8}{'last':>8}{'x bare':>8}{'lost':>7}")
    for name, label in (("bare", "bare loop, pipes"), ("belfry", "belfry, all durable"),
                        ("robfig", Robfig.name), ("cron", DebianCron.name)):
        if name in services or name == "bare":
            show_burst(label, rows[name], drains)
    last = [row[-1] / drain for row, drain in zip(rows["belfry"], drains) if row]
    print(f"  the bare loop is done after {statistics.median(drains):.3f} s; belfry's last start is "
          f"at {ratios(last).strip()} of it   {aim(statistics.median(last), LAST_TIMES)}")
    for why in absent:
        print(f"  left out: {why}")


def show_burst(label, rows, drains):
    whole = [(row, drain) for row, drain in zip(rows, drains) if row]
    if not whole:
        print(f"  {label:18} nothing started")
        return
    columns = [statistics.median(value(row) for row, _ in whole)
               for value in (lambda row: row[0], lambda row: percentile(row, 0.5),
                             lambda row: percentile(row, 0.99), lambda row: row[-1])]
    times = statistics.median(row[-1] / drain for row, drain in whole)
    lost = sum(BURST - len(row) for row in rows)
    print(f"  {label:18}" + "".join(f"{value:8.3f}" for value in columns)
          + f"{times:8.2f}{lost:7d}")


# ---- one job alone ----

def bench_single(build, _peers):
    """belfry at each full second, the bare loop at each half, side by side."""
    with tempfile.TemporaryDirectory(prefix="belfry-bench-") as folder:
        ours, bare = os.path.join(folder, "ours"), os.path.join(folder, "bare")
        mark = os.path.join(build, "bench/mark")
        belfry = Belfry(build, [{"name": "single", "schedule": "* * * * * *",
                                 "command": [mark, ours]}])
        try:
            note(f"single: {SINGLE} s")
            time.sleep(2)
            subprocess.run([os.path.join(build, "bench/alarm-loop"), str(SINGLE), mark, bare],
                           check=True)
            told = [row[0] for row in belfry.sql(
                "SELECT started_at - scheduled_at FROM run WHERE started_at NOT NULL")]
        finally:
            belfry.stop()
        late = [at % 1 * 1000 for at in marks(ours)]
        limit = [(at - 0.5) % 1 * 1000 for at in marks(bare)]
    note("")
    p50, p99 = percentile(late, 0.5), percentile(late, 0.99)
    print(f"one job alone, {len(late)} times: milliseconds from the instant to its first step")
    print(f"  bare timer and spawn   p50 {percentile(limit, 0.5):5.2f}   "
          f"p99 {percentile(limit, 0.99):5.2f}")
    print(f"  belfry, all durable    p50 {p50:5.2f} ({p50 / percentile(limit, 0.5):.2f} x bare, "
          f"{aim(p50, SINGLE_P50_MS)})   p99 {p99:5.2f} "
          f"({p99 / percentile(limit, 0.99):.2f} x bare, {aim(p99, SINGLE_P99_MS)})")
    print(f"  as belfry records it   p50 {percentile(told, 0.5):5.0f}   "
          f"p99 {percentile(told, 0.99):5.0f}")


# ---- nothing to do ----

def bench_idle(build, peers):
    belfry = Belfry(build, quiet_jobs(IDLE_JOBS))
    services = {"belfry": belfry.process.pid}
    day = time.gmtime(time.time() + 86400 * 100)
    cron = why = None
    try:
        cron = DebianCron(peers, [(f"{i % 60} {i // 60 % 24} {day.tm_mday} {day.tm_mon} *", "true")
                                  for i in range(IDLE_JOBS)])
        services["cron"] = cron.process.pid
    except Unavailable as error:
        why = error
    try:
        note(f"idle: settling for {IDLE_SETTLE_S} s, then a look at {IDLE_S} s")
        time.sleep(IDLE_SETTLE_S)
        before = {name: use_of(pid) for name, pid in services.items()}
        time.sleep(IDLE_S)
        after = {name: use_of(pid) for name, pid in services.items()}
    finally:
        belfry.stop()
        if cron:
            cron.stop()
    note("")
    show_idle(before, after)
    if why:
        print(f"  left out: {why}")


def show_idle(before, after):
    wakes = {name: (after[name][0] - before[name][0]) * 60 / IDLE_S for name in after}
    cpu_ms = {name: after[name][1] - before[name][1] for name in after}
    print(f"idle with {IDLE_JOBS:,} jobs, nothing due")
    for name in after:
        print(f"  {name:8} wake-ups a minute {wakes[name]:6.2f}   CPU in {IDLE_S} s "
              f"{cpu_ms[name]:7.2f} ms   resident {after[name][2] / 1000:6.1f} MB")
    print(f"  wake-ups a minute: {aim(wakes['belfry'], 1)}")
    if "cron" in after:
        print(f"  CPU, as much as Debian's cron: {aim(cpu_ms['belfry'], cpu_ms['cron'])}")
