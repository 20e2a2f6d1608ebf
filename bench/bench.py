#!/usr/bin/python3
"""./dev bench [engine|runs|memory|idle|schedule|forecast|deploy]: speed and memory, each beside a
limit in the same run. `rate`, `burst` and `single` are the parts of runs.

Absolute numbers depend on the machine; quote the ratios.
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import tempfile
import time

import runner
from burst import bench_burst, bench_idle, bench_single
from deploy import bench_deploy
from engine import bench_engine
from served import Belfry, aim, note, quiet_jobs, ratios, use_of

ROUNDS = 5
JOBS = 2000
PARALLEL = 8
RUNS_TIMES, LOADED_TIMES = 0.8, 0.9


def belfry_runs(build, beside):
    """Runs a second of JOBS jobs due at one instant, PARALLEL at a time, with so many
    others: from the instant until the last end is durable in the store."""
    due = int(time.time()) + (6 if beside < 10000 else 20)
    at = time.gmtime(due)
    program = os.path.join(build, "bench/nothing")
    jobs = [{"name": f"due-{i}", "command": [program],
             "schedule": f"{at.tm_sec} {at.tm_min} {at.tm_hour} {at.tm_mday} {at.tm_mon} *"}
            for i in range(JOBS)]
    belfry = Belfry(build, jobs + quiet_jobs(beside), "--max-running", str(PARALLEL))
    try:
        time.sleep(max(0, due - time.time()))
        belfry.wait_finished(JOBS, due + 120)
        first, last, good, jobs_run, claimed = belfry.sql(
            "SELECT min(started_at), max(finished_at), sum(outcome = 'succeeded'), "
            "count(DISTINCT job), min(claimed_at) FROM run")[0]
        if (good, jobs_run) != (JOBS, JOBS):
            raise SystemExit(f"bench: {good} of {JOBS} succeeded, {jobs_run} jobs ran")
        if claimed - due * 1000 > 500:
            raise SystemExit("bench: belfry had not loaded its file when the jobs fell due")
        return JOBS / ((last - due * 1000) / 1000), (first - due * 1000)
    finally:
        belfry.stop()


def bare_runs(build):
    output = subprocess.run([os.path.join(build, "bench/spawn-loop"), str(JOBS), str(PARALLEL),
                             os.path.join(build, "bench/nothing")],
                            check=True, stdout=subprocess.PIPE, text=True).stdout
    return JOBS / float(output)


def bench_rate(build, _peers):
    ours, bare, loaded, first = [], [], [], []
    for i in range(ROUNDS):
        note(f"runs: round {i + 1} of {ROUNDS}")
        bare.append(bare_runs(build))
        rate, first_ms = belfry_runs(build, 10)
        ours.append(rate)
        first.append(first_ms)
        loaded.append(belfry_runs(build, 100000)[0])
    note("")
    beside = [rate / limit for rate, limit in zip(ours, bare)]
    heavier = [rate / light for rate, light in zip(loaded, ours)]
    print(f"runs a second, {JOBS} due at one instant, {PARALLEL} at a time, all durable "
          f"(median of {ROUNDS} rounds)")
    print(f"  bare posix_spawn and pipes   {statistics.median(bare):8.0f}")
    print(f"  belfry                       {statistics.median(ours):8.0f}")
    print(f"  ratio                        {ratios(beside)}   "
          f"{aim(statistics.median(beside), RUNS_TIMES, most=False)}")
    print(f"  first start after the instant {statistics.median(first):7.0f} ms")
    print(f"  with 100,000 other jobs      {statistics.median(loaded):8.0f}")
    print(f"  ratio to 10 other jobs       {ratios(heavier)}   "
          f"{aim(statistics.median(heavier), LOADED_TIMES, most=False)}")


def bench_runs(build, peers):
    bench_rate(build, peers)
    bench_burst(build, peers)
    bench_single(build, peers)


def bench_memory(build, _peers):
    print("resident memory of the daemon")
    for count in (10, 10000):
        belfry = Belfry(build, quiet_jobs(count))
        _, _, resident_kib = use_of(belfry.process.pid)
        belfry.stop()
        told = f"   {aim(resident_kib / 1000, 24)}" if count == 10000 else ""
        print(f"  {count:6d} jobs   {resident_kib / 1000:8.1f} MB{told}")
    belfry = Belfry(build, runner.jobs(), "--max-running", "1000")
    runner.bench(belfry.state, belfry.url)
    belfry.stop()


def bench_schedule(build, _peers):
    subprocess.run(["/usr/bin/python3", os.path.join(os.path.dirname(__file__), "schedule.py"),
                    "--build", build], check=True)


def mixed_jobs(count):
    """As a large team has them, seeded: every minute, every five, hourly, in working
    hours, nightly, weekly, with H and with jitter."""
    dice = random.Random(20261125)
    zones = ["UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Sydney"]
    shapes = [(10, lambda: "* * * * *"), (15, lambda: "*/5 * * * *"), (10, lambda: "0 * * * *"),
              (12, lambda: f"{dice.randrange(60)} * * * *"), (3, lambda: "@every 15m"),
              (10, lambda: f"*/15 {dice.randrange(8)}-{dice.randrange(12, 20)} * * 1-5"),
              (10, lambda: "0 9 * * 1-5"), (5, lambda: "H H * * *"),
              (20, lambda: f"{dice.randrange(60)} {dice.randrange(24)} * * *"),
              (3, lambda: {"every": "week", "weekday": "monday", "time": ["10:00", "17:30"]}),
              (2, lambda: f"0 {dice.randrange(24)} 1,15 * *")]
    jobs = []
    for i in range(count):
        make = dice.choices([make for _, make in shapes], [weight for weight, _ in shapes])[0]
        job = {"name": f"job-{i}", "schedule": make(), "command": ["true"],
               "timezone": dice.choice(zones)}
        if "H" not in job["schedule"] and dice.randrange(20) == 0 and \
                "/" not in job["schedule"] and job["schedule"] != "* * * * *":
            job["jitter"] = "10m"
        jobs.append(job)
    return jobs


def minutely_jobs(count):
    """Every one due each minute, no two alike: by their second, zone and exceptions."""
    zones = ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata",
             "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Chatham", "Africa/Cairo"]
    return [{"name": f"job-{i}", "schedule": f"{i % 60} * * * * *", "command": ["true"],
             "timezone": zones[i // 60 % len(zones)],
             "except": [f"{i // 480 % 12 + 1:02d}-{i // 5760 + 1:02d}"]} for i in range(count)]


def bench_forecast(build, _peers):
    print(f"forecast of a year of 10,000 jobs, file read and answer written "
          f"(median of {ROUNDS} rounds)")
    for what, jobs in (("mixed", mixed_jobs(10000)),
                       ("each minute, all different", minutely_jobs(10000))):
        with tempfile.TemporaryDirectory(prefix="belfry-bench-") as folder:
            path = os.path.join(folder, "schedules.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"jobs": jobs}, file)
            command = [os.path.join(build, "belfry"), "forecast", path, "--from", "2026-01-01",
                       "--to", "2027-01-01", "--json"]
            took = []
            for _ in range(ROUNDS):
                start = time.monotonic()
                answer = json.loads(subprocess.run(command, check=True,
                                                   stdout=subprocess.PIPE).stdout)
                took.append(time.monotonic() - start)
        print(f"  {what:27s} {answer['starts']:13,d} starts {statistics.median(took):6.2f} s   "
              f"aim < 2 s")


BENCHES = {"engine": bench_engine, "runs": bench_runs, "rate": bench_rate,
           "burst": bench_burst, "single": bench_single, "memory": bench_memory,
           "idle": bench_idle, "schedule": bench_schedule, "forecast": bench_forecast,
           "deploy": bench_deploy}
PARTS = ("rate", "burst", "single")  # of runs


def main():
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("--build", default="build/release", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], default=[])
    arguments = parser.parse_args()
    peers = os.path.abspath("build/bench-services")
    for name in arguments.names or [name for name in BENCHES if name not in PARTS]:
        BENCHES[name](os.path.abspath(arguments.build), peers)


if __name__ == "__main__":
    main()
