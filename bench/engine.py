"""./dev bench engine: what many jobs cost, beside jansson in the same run."""
import json
import os
import shutil
import statistics
import subprocess
import tempfile

import many
from served import aim, note, ratios

ROUNDS = 5
JOBS = 100000
PART = 250000  # as many as one file may have
LOAD_TIMES, STORED_TIMES, KEPT_BYTES = 0.35, 1.0, 600


def ask(build, *arguments):
    done = subprocess.run([os.path.join(build, "bench/bench-engine"), *arguments], check=True,
                          stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def fresh(folder):
    """A state directory with nothing in it."""
    state = os.path.join(folder, "state")
    shutil.rmtree(state, ignore_errors=True)
    os.mkdir(state)
    return state


def load_rounds(build, folder):
    file, other = (os.path.join(folder, name) for name in ("jobs.json", "other.json"))
    many.write_whole(file, JOBS)
    many.write_whole(other, JOBS, other_job=JOBS // 2)
    rounds = []
    for i in range(ROUNDS):
        note(f"engine: loading, round {i + 1} of {ROUNDS}")
        rounds.append({"jansson": ask(build, "jansson", file), "load": ask(build, "load", file),
                       "stored": ask(build, "load", file, fresh(folder)),
                       "reload": ask(build, "reload", file, other, fresh(folder))})
    note("")
    return rounds, os.path.getsize(file)


def show_load(rounds, size):
    def median(what, key):
        return statistics.median(one[what][key] for one in rounds)

    def beside(what, key):
        limit = "cpu_s" if key == "cpu_s" else "load_s"
        return [one[what][key] / one["jansson"][limit] for one in rounds]

    kept = median("load", "kept") / JOBS
    print(f"{JOBS:,} jobs in {size / 1e6:.1f} MB of JSON (medians of {ROUNDS} rounds)")
    print(f"  jansson, parse alone                {median('jansson', 'load_s'):7.3f} s "
          f"({median('jansson', 'cpu_s'):.3f} s CPU)   peak {median('jansson', 'peak_kib') / 1000:6.1f} MB")
    for label, what, key, bound in (
            ("read, checked and planned (CPU)", "load", "cpu_s", LOAD_TIMES),
            ("the same, and stored in SQLite", "stored", "stored_s", STORED_TIMES),
            ("reload with one changed job, stored", "reload", "reload_s", STORED_TIMES)):
        values = beside(what, key)
        print(f"  {label:35} {median(what, key):7.3f} s   peak "
              f"{median(what, 'peak_kib') / 1000:6.1f} MB   x jansson {ratios(values)}   "
              f"{aim(statistics.median(values), bound)}")
    rows = max(one["reload"]["rows"] for one in rounds)
    print(f"  rows that reload wrote              {rows:7d}     {aim(rows, 1)}")
    print(f"  kept, bytes a job                   {kept:7.0f}     {aim(kept, KEPT_BYTES)}")


def show_steps(build, folder):
    print("steps of the engine in a second of CPU: a tick, or one event of a run's life (medians of 3)")
    for count in (10000, 100000, 1000000):
        files = []
        for first in range(0, count, PART):
            files.append(os.path.join(folder, f"small-{first}.json"))
            many.write_small(files[-1], min(PART, count - first), first)
        note(f"engine: steps with {count} jobs")
        rounds = [ask(build, "steps", *files) for _ in range(3)]
        note("")
        steps, instants, kept = (statistics.median(one[key] for one in rounds)
                                 for key in ("steps_s", "instants_s", "bytes_each"))
        print(f"  {count:9,d} jobs   {steps:12,.0f} steps/s   {instants:10,.0f} due instants/s   "
              f"{kept:6.0f} bytes a job   {aim(kept, KEPT_BYTES)}")


def bench_engine(build, _peers):
    with tempfile.TemporaryDirectory(prefix="belfry-bench-") as folder:
        show_load(*load_rounds(build, folder))
        show_steps(build, folder)
