#!/usr/bin/python3
"""./dev bench [runs|memory|idle|schedule|forecast]: speed and memory, each beside a limit in the same run.

Absolute numbers depend on the machine; quote the ratios.
"""
import argparse
import contextlib
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import runner

ROUNDS = 5
JOBS = 2000
PARALLEL = 8


def note(text):
    """Progress, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


class Belfry:
    """`belfry serve` with a generated file, in a folder of its own."""

    def __init__(self, build, jobs, *options):
        self.build = build
        self.folder = tempfile.mkdtemp(prefix="belfry-bench-")
        self.state = os.path.join(self.folder, "state")
        config = os.path.join(self.folder, "schedules.json")
        with open(config, "w", encoding="utf-8") as file:
            json.dump({"jobs": jobs}, file)
        self.process = subprocess.Popen(
            [os.path.join(build, "belfry"), "serve", "--config", config, "--state", self.state,
             "--listen", "127.0.0.1:0", "--stop", "wait", *options],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "listening on" in line:
                self.url = re.search(r"http://[0-9.:]+", line)[0]
                break
        else:
            raise SystemExit("bench: belfry did not start")
        os.set_blocking(self.process.stderr.fileno(), False)

    def drain(self):
        with contextlib.suppress(BlockingIOError, TypeError):
            while self.process.stderr.read(65536):
                pass

    def sql(self, query):
        database = sqlite3.connect(os.path.join(self.state, "belfry.db"), timeout=30)
        try:
            return database.execute(query).fetchall()
        finally:
            database.close()

    def status(self):
        """The kernel's figures of the daemon, all threads' switches added up."""
        pid = self.process.pid
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            resident_kib = int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])
        switches = 0
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as file:
                switches += int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)",
                                          file.read())[1])
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        cpu_ms = (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")
        return resident_kib, switches, cpu_ms

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=120)
        shutil.rmtree(self.folder)



def belfry_runs(build):
    """Runs a second of JOBS jobs due at one instant, PARALLEL at a time: from the
    instant until the last end is durable in the store."""
    due = int(time.time()) + 6
    at = time.gmtime(due)
    program = os.path.join(build, "bench/nothing")
    jobs = [{"name": f"job-{i}", "command": [program],
             "schedule": f"{at.tm_sec} {at.tm_min} {at.tm_hour} {at.tm_mday} {at.tm_mon} *"}
            for i in range(JOBS)]
    belfry = Belfry(build, jobs, "--max-running", str(PARALLEL))
    try:
        time.sleep(max(0, due - time.time()))
        while True:
            belfry.drain()
            done = belfry.sql("SELECT count(*) FROM run WHERE state = 'finished'")[0][0]
            if done == JOBS:
                break
            if time.time() > due + 120:
                raise SystemExit(f"bench: only {done} of {JOBS} runs ended")
            time.sleep(0.05)
        first, last, good, jobs_run = belfry.sql(
            "SELECT min(started_at), max(finished_at), sum(outcome = 'succeeded'), "
            "count(DISTINCT job) FROM run")[0]
        if (good, jobs_run) != (JOBS, JOBS):
            raise SystemExit(f"bench: {good} of {JOBS} succeeded, {jobs_run} jobs ran")
        return JOBS / ((last - due * 1000) / 1000), (first - due * 1000)
    finally:
        belfry.stop()


def bare_runs(build):
    output = subprocess.run([os.path.join(build, "bench/spawn-loop"), str(JOBS), str(PARALLEL),
                             os.path.join(build, "bench/nothing")],
                            check=True, stdout=subprocess.PIPE, text=True).stdout
    return JOBS / float(output)


def bench_runs(build):
    ours, bare, ratios, first = [], [], [], []
    for i in range(ROUNDS):
        note(f"runs: round {i + 1} of {ROUNDS}")
        bare.append(bare_runs(build))
        rate, first_ms = belfry_runs(build)
        ours.append(rate)
        first.append(first_ms)
        ratios.append(rate / bare[-1])
    note("")
    print(f"runs a second, {JOBS} due at one instant, {PARALLEL} at a time, all durable "
          f"(median of {ROUNDS} rounds)")
    print(f"  bare posix_spawn and pipes   {statistics.median(bare):8.0f}")
    print(f"  belfry                       {statistics.median(ours):8.0f}")
    print(f"  ratio                        {statistics.median(ratios):8.2f}   "
          f"[{min(ratios):.2f}, {max(ratios):.2f}]   aim >= 0.6")
    print(f"  first start after the instant {statistics.median(first):7.0f} ms")


def quiet_jobs(count):
    """Jobs that fall due on another day."""
    day = time.gmtime(time.time() + 86400 * 100)
    return [{"name": f"job-{i}", "command": ["true"],
             "schedule": f"{i % 60} {i // 60 % 24} {day.tm_mday} {day.tm_mon} *"}
            for i in range(count)]


def bench_memory(build):
    print("resident memory of the daemon")
    for count in (10, 10000):
        belfry = Belfry(build, quiet_jobs(count))
        resident_kib, _, _ = belfry.status()
        belfry.stop()
        aim = "   aim < 24 MB" if count == 10000 else ""
        print(f"  {count:6d} jobs   {resident_kib / 1000:8.1f} MB{aim}")
    belfry = Belfry(build, runner.jobs(), "--max-running", "1000")
    runner.bench(belfry.state, belfry.url)
    belfry.stop()


def bench_idle(build):
    belfry = Belfry(build, quiet_jobs(10000))
    note("idle: settling for 70 s, then a look at 120 s")
    time.sleep(70)
    _, before, cpu_before = belfry.status()
    time.sleep(120)
    _, after, cpu_after = belfry.status()
    belfry.stop()
    note("")
    print("idle with 10,000 jobs, nothing due")
    print(f"  wake-ups a minute  {(after - before) / 2:6.1f}   aim <= 2")
    print(f"  CPU in 120 s       {cpu_after - cpu_before:6.0f} ms")


def bench_schedule(build):
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


def bench_forecast(build):
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


BENCHES = {"runs": bench_runs, "memory": bench_memory, "idle": bench_idle,
           "schedule": bench_schedule, "forecast": bench_forecast}


def main():
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("--build", default="build/release", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], default=[])
    arguments = parser.parse_args()
    for name in arguments.names or BENCHES:
        BENCHES[name](os.path.abspath(arguments.build))


if __name__ == "__main__":
    main()
