"""What the fault tests stand on: the daemon of tests/daemon/harness.py, jobs that leave a
stamp, the books kept over them, and the tools that hurt."""
import collections
import fcntl
import importlib.util
import os
import random
import signal
import subprocess
import sys
import time

_TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, _TESTS)
_spec = importlib.util.spec_from_file_location("daemon_harness",
                                               os.path.join(_TESTS, "daemon", "harness.py"))
daemon_harness = importlib.util.module_from_spec(_spec)
sys.modules["daemon_harness"] = daemon_harness
_spec.loader.exec_module(daemon_harness)

from common import Strace, is_alive, main  # noqa: E402
from daemon_harness import BELFRY, BUILD, DEADLINE_S, job, shell, wait_for  # noqa: E402

__all__ = ["BELFRY", "BUILD", "DEADLINE_S", "IS_LONG", "IS_ROOT", "Belfry", "Beside", "Stamped",
           "Strace", "cpu_s", "descriptors", "drawing", "is_alive", "job", "main", "rss_kib",
           "run_text", "shell", "wait_for"]

IS_LONG = os.environ.get("BELFRY_FAULTS") == "long"
IS_ROOT = os.geteuid() == 0


def drawing(what):
    """A generator of random numbers whose seed is printed; BELFRY_SEED gives it again."""
    seed = int(os.environ.get("BELFRY_SEED", 0)) or random.SystemRandom().randrange(1, 1 << 32)
    print(f"{what}: BELFRY_SEED={seed}", flush=True)
    return random.Random(seed)


# ---- processes ----

def rss_kib(pid, peak=False):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("VmHWM:" if peak else "VmRSS:"):
                return int(line.split()[1])
    raise AssertionError(f"process {pid} has no memory")


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


# ---- the daemon ----

class Belfry(daemon_harness.Belfry):
    """As the other tests know it, also under another program (start's prefix)."""

    def kill(self):
        """SIGKILL to the daemon and what it runs under; the runner has a session of its own."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        super().kill()
        wait_for(self.is_free, "the daemon to be gone")

    def is_free(self):
        """Whether nobody has the state directory; what a program above it leaves is nobody's
        child that could be waited for."""
        try:
            with open(os.path.join(self.state, "lock"), "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except FileNotFoundError:
            pass
        return True


class Beside:
    """A job due each second, and a bare loop that does the same without belfry, while the
    daemon is being hurt by the with statement's body.

    The loop measures what the machine itself is late by just now: `late` are the seconds at
    which belfry's job was later than the loop's latest by more than is allowed.
    """

    LOOP = """
import os, subprocess, sys, time
while True:
    now = time.time()
    time.sleep(1 - now % 1)
    due = int(time.time())
    subprocess.run(["true"])
    print(int((time.time() - due) * 1000), flush=True)
"""

    def __init__(self, b, name="beside", allowed_ms=2000):
        self.b, self.name, self.allowed_ms = b, name, allowed_ms

    @staticmethod
    def job(name="beside"):
        return job(name, ["true"], "* * * * * *", overlap="allow", catchup="none")

    def __enter__(self):
        self.begin = int(time.time()) + 1
        self.loop = subprocess.Popen([sys.executable, "-c", self.LOOP], stdout=subprocess.PIPE,
                                     text=True)
        return self

    def __exit__(self, kind, value, traceback):
        self.end = max(int(time.time()), self.begin + 1)
        if not kind:
            # The first second that was not hurt any more tells that all before are through.
            wait_for(lambda: self.b.sql(
                "SELECT 1 FROM run WHERE finished_at IS NOT NULL AND job = "
                f"'{self.name}' AND scheduled_at > {self.end * 1000}"), "the job beside")
        self.loop.kill()
        self.bare_ms = max(map(int, self.loop.communicate()[0].split()), default=0)
        if kind:
            return
        self.lateness = {at // 1000: late for at, late in self.b.sql(
            "SELECT scheduled_at, started_at - scheduled_at FROM run WHERE trigger = 'schedule' "
            f"AND job = '{self.name}' AND started_at IS NOT NULL")}
        seconds = range(self.begin, self.end + 1)
        self.lost = [at for at in seconds if at not in self.lateness]
        limit = self.bare_ms + self.allowed_ms
        self.late = {at: self.lateness[at] for at in seconds if self.lateness.get(at, 0) > limit}
        print(f"beside: at most {max(self.lateness.get(at, 0) for at in seconds)} ms late, the "
              f"bare loop {self.bare_ms} ms, over {len(seconds)} s", flush=True)

    def wrong(self):
        return [f"not run: {at}" for at in self.lost] + [
            f"{late} ms late: {at}" for at, late in self.late.items()]


# ---- jobs that leave a stamp ----

def run_text(number):
    """A run's id as it is shown."""
    return "".join("0123456789abcdefghjkmnpqrstvwxyz"[number >> 5 * i & 31]
                   for i in range(12, -1, -1))


class Stamped(Belfry):
    """Jobs due each second that write down for themselves that they ran.

    A stamp is one line "JOB SCHEDULED_AT RUN ATTEMPT", appended in one write. Everything
    that is due is run sooner or later (overlap allow, catchup all), unless said otherwise;
    so after any fault the stamps, the store and the clock have to agree.
    """

    def __init__(self, jobs=None, **top):
        super().__init__([], **top)
        # Not in the folder that the daemon watches: each write would wake it.
        self.stamps = os.path.join(self.subfolder("stamps"), "log")
        self.jobs = jobs or [self.stamped("plain")]
        self.write(self.jobs)

    def subfolder(self, name):
        os.makedirs(self.path(name), exist_ok=True)
        return self.path(name)

    def stamped(self, name, then="", schedule="* * * * * *", **more):
        """A job that leaves its stamp; `then` is shell for what it does afterwards."""
        text = ('echo "$BELFRY_JOB $BELFRY_SCHEDULED_AT $BELFRY_RUN_ID $BELFRY_ATTEMPT" >>"$0"; '
                + then)
        return {"name": name, "schedule": schedule, "command": ["sh", "-c", text, self.stamps],
                "overlap": "allow", "catchup": "all", **more}

    def read_stamps(self):
        """(job, scheduled at, run, attempt) in the order in which they started."""
        try:
            with open(self.stamps, encoding="ascii") as file:
                return [tuple(line.split()) for line in file]
        except FileNotFoundError:
            return []

    def settle(self):
        """Nothing falls due any more, and what is under way ends."""
        self.write([{**row, "schedule": "0 0 1 1 *"} for row in self.jobs])
        with open(self.config, "rb") as file:
            text = file.read()
        wait_for(lambda: self.sql("SELECT content FROM revision ORDER BY number DESC LIMIT 1")
                 == [(text,)], "the new file to be in force")
        wait_for(lambda: not self.sql("SELECT 1 FROM run WHERE finished_at IS NULL"),
                 "every run to end")

    # ---- the books ----

    def wrong(self):
        """What is wrong with the books, as a list of sentences. The daemon may run or not,
        but nothing may be under way."""
        stamps = self.read_stamps()
        faults = [f"still open: {row}" for row in
                  self.sql("SELECT id, job, state FROM run WHERE finished_at IS NULL")]
        for row in self.jobs:
            faults += self.wrong_occurrences(row["name"])
        return faults + self.wrong_attempts(stamps)

    def wrong_occurrences(self, name):
        """Each second from the first to the last has to be accounted for once."""
        faults = []
        seconds = collections.Counter()
        for at, last, count, state, run in self.sql(
                "SELECT scheduled_at, last_at, count, state, run FROM occurrence "
                f"WHERE job = '{name}'"):
            if (last - at) // 1000 + 1 != count:
                faults.append(f"{name}: {count} occurrences from {at} to {last}")
            seconds.update(range(at // 1000, last // 1000 + 1))
            if state == "ran" and not self.sql(f"SELECT 1 FROM run WHERE id = {run or 0}"):
                faults.append(f"{name}: {at} ran, and has no run")
        faults += [f"{name}: {at} is accounted for {n} times" for at, n in seconds.items()
                   if n > 1]
        if not seconds:
            return faults + [f"{name}: nothing was ever due"]
        gaps = set(range(min(seconds), max(seconds))) - set(seconds)
        return faults + [f"{name}: {at} is not accounted for" for at in sorted(gaps)]

    def wrong_attempts(self, stamps):
        """An attempt that is told to have started left one stamp, any other one none; one
        of which nobody knows may have left one."""
        left = collections.Counter((run, int(attempt)) for _, _, run, attempt in stamps)
        faults = [f"started {n} times: {key}" for key, n in left.items() if n > 1]
        told = {(run_text(run), number): rest for run, number, *rest in
                self.sql("SELECT run, number, outcome, started_at, signal FROM attempt")}
        faults += [f"left a stamp, and is not in the store: {key}" for key in left
                   if key not in told]
        for key, (outcome, started, ended_by) in told.items():
            # Whoever is killed has had no say in how far it came.
            is_sure = outcome != "unknown" and not (ended_by and not left[key])
            if is_sure and left[key] != (started is not None):
                faults.append(f"left {left[key]} stamps, and is told to be {outcome}, "
                              f"started {started}: {key}")
        return faults
