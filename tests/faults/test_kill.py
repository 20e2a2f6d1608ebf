#!/usr/bin/python3
"""SIGKILL at every system call of a run's life, in the daemon and in its runner, and at
random moments under load. Jobs due each second stamp a file; after each kill belfry is
started again, and stamps, store and clock have to agree (harness.py, Stamped).

A second of an idle daemon's life is traced to learn its calls; then each (call, how often
so far) is a point at which strace kills the process. The short form draws some of them.
"""
import collections
import concurrent.futures
import contextlib
import os
import re
import signal
import time
import unittest

from harness import IS_LONG, Belfry, Stamped, Strace, drawing, is_alive, job, main, shell, wait_for

PARALLEL = 12
SHORT_POINTS = {"daemon": 18, "runner": 9, "child": 3, "boot": 9}
# Between fork and exec it is the job's process that is killed.
CHILD_POINTS = [("setsid", 1), ("recvfrom", 1), ("dup2", 1), ("dup2", 2), ("dup2", 3),
                ("chdir", 1), ("execve", 1)]


class Cycle(Stamped):
    """One job that does well and one that needs a second attempt, each second."""

    def __init__(self):
        super().__init__()
        self.jobs.append(self.stamped("flaky", 'test "$BELFRY_ATTEMPT" = 2',
                                      retry={"attempts": 2, "backoff": "1s"}))
        self.write(self.jobs)
        self.trace = os.path.join(self.subfolder("trace"), "log")

    def calls(self, until=None):
        """What was traced, as (name, ordinal)."""
        counts, points = collections.Counter(), []
        with open(self.trace, encoding="ascii", errors="replace") as file:
            for line in file:
                found = re.match(r"(\w+)\(", line)
                if found:
                    counts[found[1]] += 1
                    points.append((found[1], counts[found[1]]))
                if until and until in line:
                    break
        return points

    def runs_done(self):
        return self.sql("SELECT count(*) FROM run WHERE finished_at IS NOT NULL")[0][0]

    def wait_done(self, more):
        until = self.runs_done() + more
        wait_for(lambda: self.runs_done() >= until, "runs to end")

    def pid_of(self, who):
        return self.process.pid if who == "daemon" else wait_for(self.runner_pids, "a runner")[0]


def learn(who):
    """The calls of a second, as (name, ordinal)."""
    with Cycle() as b:
        b.start()
        b.wait_done(4)
        trace = Strace(b.pid_of(who), b.trace)
        b.wait_done(4)
        trace.end()
        return b.calls()


def learn_boot():
    """The calls from execve to the first turn of a daemon that has runs to take over."""
    with Cycle() as b:
        b.start()
        b.wait_done(3)
        b.kill()
        time.sleep(1)  # the outage: something has to be caught up
        b.start(prefix=["strace", "-o", b.trace])
        b.wait_done(2)
        b.kill()
        return [point for point in b.calls("listening on") if point[0] != "execve"]


def inject(name, ordinal):
    return ["-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={ordinal}"]


def kill_in_cycle(who, name, ordinal):
    """What the books then say, and whether the point was hit."""
    with Cycle() as b:
        b.start()
        b.wait_done(1)
        pid = b.pid_of("runner" if who == "child" else who)
        trace = Strace(pid, b.trace, *(["-f"] if who == "child" else []),
                       *inject(name, ordinal))
        before = b.runs_done()
        if who == "child":
            b.wait_done(2)
            with open(b.trace, encoding="ascii", errors="replace") as file:
                is_hit = "killed by SIGKILL" in file.read()
        else:
            wait_for(lambda: not is_alive(pid) or b.runs_done() >= before + 6, "the kill")
            is_hit = not is_alive(pid)
        trace.end()
        if who == "daemon":
            b.kill()
            b.start()
        b.wait_done(2)
        b.settle()
        return b.wrong(), is_hit


def kill_in_boot(name, ordinal):
    with Cycle() as b:
        b.start()
        b.wait_done(2)
        b.kill()
        b.start(prefix=["strace", "-o", b.trace, *inject(name, ordinal)], wait=False)
        wait_for(lambda: b.process.poll() is not None or b.said("listening on"), "the kill")
        is_hit = b.process.poll() is not None
        b.kill()
        b.start()
        b.wait_done(3)
        b.settle()
        return b.wrong(), is_hit


class KillPoints(unittest.TestCase):
    def try_all(self, who, points, kill, least):
        points = sorted(set(points))
        if not IS_LONG:
            points = drawing(f"kill points of the {who}").sample(
                points, min(SHORT_POINTS[who], len(points)))
        with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
            results = list(pool.map(lambda point: kill(*point), points))
        wrong = [(point, faults) for point, (faults, _) in zip(points, results) if faults]
        hit = sum(is_hit for _, is_hit in results)
        print(f"{who}: {len(points)} points, {hit} kills, {len(wrong)} violations", flush=True)
        self.assertEqual([], wrong)
        # How often a call is made differs a little from one second to the next.
        self.assertGreaterEqual(hit, len(points) * least)

    def test_daemon(self):
        self.try_all("daemon", learn("daemon"), lambda *at: kill_in_cycle("daemon", *at), 0.6)

    def test_runner(self):
        self.try_all("runner", learn("runner"), lambda *at: kill_in_cycle("runner", *at), 0.6)

    def test_job_s_process_before_its_program_runs(self):
        self.try_all("child", CHILD_POINTS, lambda *at: kill_in_cycle("child", *at), 0.6)

    def test_daemon_while_it_takes_over(self):
        self.try_all("boot", learn_boot(), kill_in_boot, 0.6)


class Moments(unittest.TestCase):
    def test_random_moments_under_load(self):
        """20 jobs a second, a quarter of them longer than their second."""
        random = drawing("random moments")
        with Stamped() as b:
            b.jobs = [b.stamped(f"load-{i}", ["", "sleep 0.2", "sleep 0.7", "sleep 1.5"][i % 4])
                      for i in range(20)]
            b.write(b.jobs)
            b.start("--max-running", "100")
            for _ in range(50 if IS_LONG else 20):
                time.sleep(random.random() * 0.6)  # the moment itself
                b.kill()
                time.sleep(random.choice([0, 0, 0, random.random()]))
                b.start("--max-running", "100")
            b.settle()
            self.assertEqual([], b.wrong()[:20])
            # The runner was there all the time: everything ran, and well.
            self.assertEqual([("succeeded",)], b.sql("SELECT DISTINCT outcome FROM run"))
            print(f"{len(b.read_stamps())} runs", flush=True)

    def test_runner_killed_at_random_moments(self):
        random = drawing("random moments of the runner")
        with Stamped() as b:
            b.jobs = [b.stamped(f"load-{i}", ["", "sleep 0.3"][i % 2]) for i in range(10)]
            b.write(b.jobs)
            b.start("--max-running", "100")
            for _ in range(30 if IS_LONG else 6):
                time.sleep(random.random() * 0.6)
                for pid in b.runner_pids():
                    with contextlib.suppress(ProcessLookupError):  # it may go by itself, too
                        os.kill(pid, signal.SIGKILL)
            b.settle()
            self.assertEqual([], b.wrong()[:20])
            outcomes = dict(b.sql("SELECT outcome, count(*) FROM run GROUP BY outcome"))
            print(outcomes, flush=True)
            self.assertIn("succeeded", outcomes)


class OutlivesTheDaemon(unittest.TestCase):
    def test_fifty_jobs_and_twenty_kills(self):
        """Each exit code and each byte is there, whoever was away."""
        jobs = [job(f"j{i}", shell(f"head -c {1000 * i + 1} /dev/zero; while [ ! -e $0.go ]; do "
                                   f"sleep 0.2; done; head -c {i} /dev/zero; exit {i}"))
                for i in range(50)]
        with Belfry(jobs) as b:
            for row in jobs:
                row["command"].append(b.path("x"))
            b.write(jobs)
            b.start()
            ids = [b.trigger(f"j{i}") for i in range(50)]
            for _ in range(20):
                b.kill()
                b.start()
            b.kill()
            with open(b.path("x.go"), "w", encoding="ascii"):
                pass  # and they end while nobody is there
            time.sleep(0.5)
            b.start()
            for i, run in enumerate(ids):
                end = b.wait_run(run)
                self.assertEqual((i, 1001 * i + 1), (end["exit_code"], end["output_bytes"]), end)
            self.assertEqual(50, len(b.runs()))


if __name__ == "__main__":
    main()
