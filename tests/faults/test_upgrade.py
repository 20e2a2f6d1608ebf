#!/usr/bin/python3
"""belfry is replaced by another version, and back, while 100 jobs run and one is due
each second: no run is lost, none comes twice, no due second is missed by more than one.

The jobs are the witnesses: each writes when it starts and when it ends. What they wrote,
what was due and what `belfry runs` says have to agree.
"""
import calendar
import collections
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "daemon"))
from harness import BUILD, Belfry, job, shell, wait_for  # noqa: E402

LONG = 100
# A due second may be late by so much: the promise.
LATE_S = 1.0
SOURCES = {"this": (os.path.join(BUILD, "belfry"), os.path.join(BUILD, "belfry-runner")),
           **{name: (os.path.join(BUILD, "tests/faults", f"belfry-{name}"),
                     os.path.join(BUILD, "tests/faults", f"belfry-runner-{name}"))
              for name in ("next", "far")}}


def version_of(program):
    return subprocess.check_output([program, "version"], text=True).split()[1]


def seconds_of(text):
    """Of an instant as belfry writes it."""
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


def start_time_s():
    """What this machine takes, now, for a process of belfry to begin and end: where it is
    so busy that this alone takes long, nobody can be on time."""
    began = time.monotonic()
    subprocess.run([SOURCES["this"][0], "version"], stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


class Upgraded(Belfry):
    """Its programs are copies, to be replaced on disk as a package would."""

    def __init__(self, *jobs):
        super().__init__(list(jobs))
        self.bin = self.path("bin")
        os.mkdir(self.bin)
        self.program = os.path.join(self.bin, "belfry")
        self.slow_s = 0.0
        self.gaps_s = []

    def install(self, name, *, both=True):
        for source, target in zip(SOURCES[name], ("belfry", "belfry-runner")):
            if target == "belfry-runner" or both:
                path = os.path.join(self.bin, target)
                shutil.copy(source, path + ".new")
                os.rename(path + ".new", path)

    def restart(self, number=signal.SIGTERM):
        """As a supervisor does: a signal, and started again."""
        began = time.monotonic()
        if number == signal.SIGKILL:
            self.kill()
        else:
            self.stop(number)
        self.start("--max-running", "300")
        self.gaps_s.append(time.monotonic() - began)
        self.slow_s = max(self.slow_s, start_time_s())

    def stamps(self, name):
        try:
            with open(self.path(name), encoding="ascii") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def runner_versions(self):
        """Of the sockets there are."""
        return sorted(name[len("runner-"):-len(".sock")] for name in os.listdir(self.state)
                      if name.startswith("runner-") and name.endswith(".sock"))

    @staticmethod
    def jobs_of(runner):
        with open(f"/proc/{runner}/task/{runner}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]


def tick(b):
    return job("tick", shell(f'echo "$BELFRY_SCHEDULED_AT $(date +%s.%N)" >>{b}'), "* * * * * *")


def long_job(folder, count=1):
    """Says that it began, waits for the gate, says that it ended."""
    text = (f'echo "$BELFRY_RUN_ID" >>{folder}/begun; : <{folder}/gate; '
            f'echo "$BELFRY_RUN_ID" >>{folder}/ended; exit 7')
    return job("long", shell(text), overlap="allow")


def make(test):
    b = Upgraded()
    os.mkfifo(b.path("gate"))
    b.write([tick(b.path("ticks")), long_job(b.folder)])
    b.install("this")
    test.addCleanup(b.__exit__, None, None, None)
    b.start("--max-running", "300")
    return b


def begin_long(b, count=LONG):
    ids = []
    for _ in range(count):
        status, body = b.http("POST", "/api/v1/jobs/long/trigger")
        if status not in (200, 201, 202):
            raise AssertionError((status, body))
    wait_for(lambda: len(b.stamps("begun")) == count, f"{count} long jobs to begin")
    return ids


def open_gate(b):
    """Until the object is closed, whoever waits at the gate gets through."""
    return os.open(b.path("gate"), os.O_RDWR)


def more_ticks(b, count=3):
    before = len(b.stamps("ticks"))
    wait_for(lambda: len(b.stamps("ticks")) >= before + count, "the next seconds")


class Upgrade(unittest.TestCase):
    def check_ticks(self, b):
        """Each due second ran, once, in time; and belfry says the same."""
        rows = [line.split() for line in b.stamps("ticks")]
        late = {due: float(at) - seconds_of(due) for due, at in rows}
        counts = collections.Counter(due for due, _ in rows)
        self.assertEqual([], [due for due, count in counts.items() if count != 1])
        seconds = sorted(map(seconds_of, late))
        missed = sorted(set(range(seconds[0], seconds[-1] + 1)) - set(seconds))
        self.assertEqual([], missed)
        allowed = LATE_S + max(0.0, 10 * b.slow_s - 0.5)
        print(f"  {len(rows)} due seconds, latest by {max(late.values()):.3f} s of {allowed:.3f}; "
              f"gaps {', '.join(f'{gap:.3f}' for gap in b.gaps_s)} s", flush=True)
        self.assertLessEqual(max(late.values()), allowed, late)
        runs = wait_for(lambda: [run for run in [b.runs("--job", "tick")]
                                 if all(r["state"] == "finished" for r in run[1:])],
                        "the ticks to be finished")[0]
        told = collections.Counter(run["scheduled_at"] for run in runs)
        self.assertEqual([], [due for due, count in told.items() if count != 1])
        self.assertEqual(set(), {due[:19] for due in counts} - {due[:19] for due in told})
        self.assertEqual({"succeeded"}, {run["outcome"] for run in runs[1:]})

    def check_long(self, b, count=LONG):
        """Each began once and ended once, and its end is known."""
        for name in ("begun", "ended"):
            stamps = collections.Counter(b.stamps(name))
            self.assertEqual(count, len(stamps))
            self.assertEqual({1}, set(stamps.values()))
        runs = b.finished("long", count)
        self.assertEqual(count, len(runs))
        self.assertEqual({("failed", 7)}, {(run["outcome"], run["exit_code"]) for run in runs})
        self.assertEqual(set(b.stamps("begun")), {run["id"] for run in runs})

    def release(self, b, count=LONG):
        gate = open_gate(b)
        try:
            wait_for(lambda: len(b.stamps("ended")) == count, "the long jobs to end")
        finally:
            os.close(gate)

    def test_up_and_down_again(self):
        b = make(self)
        this, later = (version_of(SOURCES[name][0]) for name in ("this", "next"))
        more_ticks(b, 1)
        begin_long(b)
        more_ticks(b)
        b.install("next")
        b.restart()
        more_ticks(b)
        self.assertEqual([this, later], b.runner_versions())
        self.assertTrue(b.said(f"belfry-runner {this} is still there and holds 100 runs"), b.log)
        self.assertEqual(LONG, len([run for run in b.runs("--job", "long")
                                    if run["state"] == "running"]))
        b.install("this")
        b.restart()
        more_ticks(b)
        self.assertEqual([this], b.runner_versions())
        b.install("next")
        b.restart(signal.SIGKILL)
        more_ticks(b)
        self.release(b)
        self.check_long(b)
        wait_for(lambda: b.runner_versions() == [later], "the old runner to go")
        b.wait_said(f"belfry-runner {this} is not needed any more")
        self.assertEqual(1, len(b.runner_pids()))
        more_ticks(b)
        self.check_ticks(b)

    def test_another_protocol(self):
        b = make(self)
        this, far = (version_of(SOURCES[name][0]) for name in ("this", "far"))
        begin_long(b, 5)
        b.install("far")
        b.restart()
        more_ticks(b)
        self.assertEqual([this, far], b.runner_versions())
        run = b.runs("--job", "long")[0]["id"]
        b.run_command("cancel", run, check=0)
        self.assertEqual("canceled", b.wait_run(run)["outcome"])
        self.release(b, 4)
        wait_for(lambda: b.runner_versions() == [far], "the old runner to go")
        self.check_ticks(b)

    def test_one_program_was_forgotten(self):
        """The new belfry beside the old runner: at work where they speak the same, refused
        with what to do where not."""
        b = make(self)
        b.stop()
        wait_for(lambda: not b.runner_pids(), "the runner to go")
        b.install("next")
        b.install("this", both=False)
        b.start()
        more_ticks(b)
        b.stop()
        wait_for(lambda: not b.runner_pids(), "the runner to go")
        b.install("far")
        b.install("this", both=False)
        b.start(wait=False)
        self.assertNotEqual(0, b.process.wait(60))
        b.thread.join(5)
        said = b.said("put both programs of one build into one folder", "error")
        self.assertTrue(said, b.log)
        self.assertIn(f"speaks protocol 3, this belfry is of version {version_of(SOURCES['far'][0])}"
                      " and speaks 4", said[0]["msg"])

    def test_the_runner_dies_between_the_upgrade_and_the_restart(self):
        """The new runner then serves the old belfry."""
        b = make(self)
        begin_long(b, 2)
        b.install("next")
        b.end_runner()
        for run in [run["id"] for run in b.runs("--job", "long")]:
            self.assertEqual("unknown", b.wait_run(run)["outcome"])
        more_ticks(b)
        self.assertEqual([version_of(SOURCES["next"][0])],
                         [name for name in b.runner_versions()
                          if name != version_of(SOURCES["this"][0])])
        b.restart()
        more_ticks(b)

    def test_the_old_runner_is_killed(self):
        """Its runs are lost, and told so; nothing of them goes on beside the new runner's."""
        b = make(self)
        begin_long(b, 3)
        old = b.runner_pids()
        jobs = b.jobs_of(old[0])
        b.install("next")
        b.restart()
        b.wait_said("is still there and holds 3 runs")
        os.kill(old[0], signal.SIGKILL)
        for run in b.runs("--job", "long"):
            end = b.wait_run(run["id"])
            self.assertEqual("unknown", end["outcome"])
            self.assertIn("died while it ran", end["message"])
            self.assertIn("was still there and was ended",
                          b.run_command("logs", run["id"], check=0).stderr)
        for pid in jobs:
            wait_for(lambda pid=pid: not os.path.exists(f"/proc/{pid}"), "the job to be ended")
        self.assertEqual([], b.stamps("ended"))
        more_ticks(b)
        self.check_ticks(b)


if __name__ == "__main__":
    unittest.main(verbosity=2)
