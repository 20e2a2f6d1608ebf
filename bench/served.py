"""What the benches share: a `belfry serve` of their own, and how figures are told."""
import json
import os
import re
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time


def note(text):
    """Progress, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def aim(value, bound, most=True):
    """The aim and whether it is met, behind a figure."""
    is_met = value <= bound if most else value >= bound
    return f"aim {'<=' if most else '>='} {bound:g}: {'met' if is_met else 'MISSED'}"


def ratios(values):
    return (f"{statistics.median(values):8.2f}   [{min(values):.2f}, {max(values):.2f}]")


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def use_of(pid):
    """Voluntary switches of all threads, CPU in milliseconds, resident kB."""
    switches = cpu_ns = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as file:
            switches += int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", file.read())[1])
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            cpu_ns += int(file.read().split()[0])
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        resident_kib = int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])
    return switches, cpu_ns / 1e6, resident_kib


class Belfry:
    """`belfry serve` with a generated file, in a folder of its own; jobs None: --managed."""

    def __init__(self, build, jobs, *options):
        self.build = build
        self.folder = tempfile.mkdtemp(prefix="belfry-bench-")
        self.state = os.path.join(self.folder, "state")
        source = ["--managed"]
        if jobs is not None:
            source = ["--config", os.path.join(self.folder, "schedules.json")]
            with open(source[1], "w", encoding="utf-8") as file:
                json.dump({"jobs": jobs}, file)
        self.log = os.path.join(self.folder, "log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [os.path.join(build, "belfry"), "serve", *source, "--state", self.state,
                  "--listen", "127.0.0.1:0", "--stop", "wait", *options],
                stdin=subprocess.DEVNULL, stderr=log)
        while "listening on" not in self.said():
            if self.process.poll() is not None:
                raise SystemExit(f"bench: belfry did not start: {self.said()}")
            time.sleep(0.01)
        self.url = re.search(r"listening on (http://[\d.:]+)", self.said())[1]

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def execute(self, statement):
        database = sqlite3.connect(os.path.join(self.state, "belfry.db"), timeout=30)
        try:
            rows = database.execute(statement).fetchall()
            database.commit()
            return rows
        finally:
            database.close()

    def sql(self, query):
        return self.execute(query)

    def wait_finished(self, count, until, where=""):
        """Until so many runs are over and durable."""
        while True:
            done = self.sql(f"SELECT count(*) FROM run WHERE state = 'finished' {where}")[0][0]
            if done >= count:
                return
            if time.time() > until:
                raise SystemExit(f"bench: only {done} of {count} runs ended")
            time.sleep(0.05)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)
        shutil.rmtree(self.folder)


def quiet_jobs(count, name="job"):
    """Jobs that fall due on another day."""
    day = time.gmtime(time.time() + 86400 * 100)
    return [{"name": f"{name}-{i}", "command": ["true"],
             "schedule": f"{i % 60} {i // 60 % 24} {day.tm_mday} {day.tm_mon} *"}
            for i in range(count)]
