#!/usr/bin/python3
"""SIGKILL at every system call of a run, in the runner and in belfry's executor.

A run is traced once to learn its calls; then each (call, how often so far) is a point
at which strace kills the process. The job looks for itself in its own spool and
writes what it saw into a file. At no point may it have run unrecorded, or twice, or
be told never to have started although it ran.
"""
import collections
import contextlib
import concurrent.futures
import re
import unittest

from harness import Drive, Strace, is_alive, wait_for

# A line when it starts: was it on record?
JOB = ('test -s "$STATE/spool/0000000000000001.1.spool" && echo recorded >>"$MARKER" || '
       'echo unrecorded >>"$MARKER"')
# Between fork and exec the job's process is killed, not the runner.
CHILD_POINTS = [("setsid", 1), ("dup2", 1), ("dup2", 2), ("dup2", 3), ("umask", 1), ("chdir", 1),
                ("execve", 1)]
PARALLEL = 4
LEAST_POINTS = {"runner": 35, "client": 12}


def begin(drive):
    with contextlib.suppress(BrokenPipeError):  # the client was killed before it could read
        drive.shell(JOB, run=1, env={"STATE": drive.state, "MARKER": drive.path("marker")})


def marker(drive):
    try:
        with open(drive.path("marker"), encoding="ascii") as file:
            return file.read().split()
    except FileNotFoundError:
        return []


def target(drive, who):
    return drive.runner_pids()[0] if who == "runner" else drive.process.pid


def learn(who):
    """The calls of one run, as (name, ordinal)."""
    with Drive() as d:
        log = d.path("trace")
        pid = target(d, who)
        trace = Strace(pid, log, "-f")
        begin(d)
        d.end(1)
        d.do("forget", run=1)
        wait_for(lambda: d.spools() == [], "the spool to go")
        trace.end()
        counts, points = collections.Counter(), []
        with open(log, encoding="ascii", errors="replace") as file:
            for line in file:
                found = re.match(r"(\d+) +(\w+)\(", line)
                if not found or int(found[1]) != pid or found[2] == "exit_group":
                    continue
                counts[found[2]] += 1
                points.append((found[2], counts[found[2]]))
        return points


def kill_at(who, name, ordinal):
    """One run, killed there. What went wrong, or None; and whether the kill was hit."""
    with Drive() as d:
        pid = target(d, who)
        trace = Strace(pid, d.path("trace"), *(["-f"] if who == "runner" else []),
                      "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={ordinal}")
        begin(d)
        if who == "client":
            wait_for(lambda: not is_alive(pid) or d.said(1, "exited"), "the kill or the end")
            is_hit = not is_alive(pid)
            d.kill()
            trace.end()
            d.open(1)
        end = d.end(1)
        if who == "runner":
            trace.end()
            is_hit = not is_alive(pid)
        ran = marker(d)
        if "unrecorded" in ran:
            return "the job ran before it was recorded", is_hit
        if len(ran) > 1:
            return "the job ran twice", is_hit
        if end["event"] == "start_failed" and ran:
            return f"the job ran, and was told not to have: {end}", is_hit
        if end["event"] == "exited" and end["exit_code"] == 0 and not ran:
            return "it was told to have run, and had not", is_hit
        d.start("true", run=2)
        if d.end(2).get("exit_code") != 0:
            return "the next run did not work", is_hit
        if end["event"] == "start_failed" and marker(d):
            return f"the job ran after it was told not to have: {end}", is_hit
        return None, is_hit


class KillPoints(unittest.TestCase):
    def try_all(self, who):
        points = sorted(set(learn(who))) + (CHILD_POINTS if who == "runner" else [])
        with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
            results = list(pool.map(lambda point: kill_at(who, *point), points))
        wrong = [(point, words) for point, (words, _) in zip(points, results) if words]
        hit = sum(is_hit for _, is_hit in results)
        print(f"{who}: {len(points)} points, {hit} kills, {len(wrong)} violations", flush=True)
        self.assertEqual([], wrong)
        self.assertGreaterEqual(hit, LEAST_POINTS[who])

    def test_runner(self):
        self.try_all("runner")

    def test_client(self):
        self.try_all("client")


if __name__ == "__main__":
    unittest.main(verbosity=2)
