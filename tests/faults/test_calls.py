#!/usr/bin/python3
"""Every system call and every allocation of belfry and its runner fails: the Nth alone, and
the Nth with all that come after it.

A life (start, a job from due to end, another file, requests, stop) is watched once to learn
its calls; then each (call, how often so far) is a point at which strace makes it fail. After
each the daemon is started untouched, and then every second is accounted for, no job has run
twice, the database is whole, and whoever gave up has said why.

The long form tries all points, the short one some of each kind, drawn.
"""
import collections
import concurrent.futures
import errno
import http.client
import mmap
import os
import re
import struct
import subprocess
import threading
import time
import unittest

from disk import Kept
from harness import BUILD, IS_LONG, Strace, drawing, wait_for

PARALLEL = 8 if IS_LONG else 6
SHORT = {"belfry": 56, "runner": 16, "runner's start": 8, "belfry's memory": 40,
         "runner's memory": 12}
PHASES = ("start", "due to end", "reload", "request", "stop")

# How each call fails in life. What is not here cannot (clocks, identities), or does not
# matter (a signal's mask), or is no wrapper of ours to test (the sleep itself).
FAILS = {
    "accept4": "EMFILE", "bind": "EADDRINUSE", "clone": "EAGAIN",
    "clone3": "EAGAIN", "vfork": "EAGAIN", "connect": "EAGAIN", "dup2": "EBUSY", "dup3": "EBUSY",
    "epoll_create1": "EMFILE", "epoll_ctl": "ENOMEM", "epoll_pwait": "EINTR",
    "epoll_wait": "EINTR", "eventfd2": "EMFILE", "fallocate": "ENOSPC", "fchmod": "EIO",
    "fcntl": "ENOLCK", "fdatasync": "EIO", "flock": "ENOLCK", "fstat": "EIO", "fsync": "EIO",
    "ftruncate": "EIO", "getdents64": "EIO", "getrandom": "EINTR", "getsockopt": "ENOBUFS",
    "inotify_add_watch": "ENOSPC", "inotify_init1": "EMFILE", "ioctl": "ENOMEM",
    "listen": "EADDRINUSE", "lseek": "EIO", "mkdir": "ENOSPC", "mkdirat": "ENOSPC",
    "mmap": "ENOMEM", "mremap": "ENOMEM", "newfstatat": "EIO", "openat": "EMFILE",
    "pipe2": "EMFILE", "poll": "EINTR", "pread64": "EIO", "prlimit64": "EPERM",
    "pwrite64": "ENOSPC", "pwritev": "ENOSPC", "read": "EIO", "readlink": "EIO",
    "readlinkat": "EIO", "recvfrom": "ENOMEM", "recvmsg": "ENOMEM", "rename": "EIO",
    "sendmsg": "ENOBUFS", "sendto": "ENOBUFS", "setsockopt": "ENOBUFS", "signalfd4": "EMFILE",
    "socket": "EMFILE", "socketpair": "EMFILE", "statfs": "EIO", "timerfd_create": "EMFILE",
    "timerfd_settime": "ENOMEM", "unlink": "EIO", "unlinkat": "EIO", "wait4": "EINTR",
    "write": "EIO", "writev": "EIO",
}
# What is said besides the error's own words: by us, and by the loader before main.
SAID = ("out of memory", "error while loading shared libraries", "disk is full",
        "disk I/O error", "is taken by another program",
        "not enough memory", "database is locked", "malformed",
        "unable to open database file", "no executable belfry-runner", "locking protocol",
        "belfry.db cannot be written")
# Libraries that give up where a call fails that never does; told apart in the count.
ABORTS = re.compile("Fatal error in GNU libmicrohttpd|Assertion .* failed|"
                    "belfry: given up; the last error of the system: ")


def soon(condition, patience_s):
    """Like wait_for, but what does not come is no mistake."""
    try:
        return wait_for(condition, "something that need not come", patience_s)
    except AssertionError:
        return None


class Life(Kept):
    """One state directory, for one point."""

    def __init__(self):
        super().__init__()
        self.jobs = [self.stamped("plain", "echo a word"),
                     self.stamped("asked", "seq 1 2000", schedule="0 0 1 1 *")]
        self.write(self.jobs)
        self.marks = {}
        self.may_speak = True  # writing does not fail
        self.aborts = 0
        # Not beside schedules.json, as belfry looks each time something is written there.
        os.mkdir(self.path("traces"))
        self.trace = self.path("traces/trace")

    def ask_quickly(self, method, path):
        """The status; None where nobody answers."""
        try:
            connection = http.client.HTTPConnection(self.url.split("//")[1], timeout=2)
        except AttributeError:  # it does not listen
            return None
        try:
            connection.request(method, path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def is_over(self):
        return self.process.poll() is not None

    def live(self, last="stop", patience_s=2.5, **how):
        """Through the phases up to the last one wanted, as far as they go."""
        self.has_done = {}
        self.marks["start"] = time.time()
        self.start(wait=False, **how)
        for phase in PHASES:
            self.marks[phase] = time.time()
            if phase != "start" and self.is_over():
                break
            self.has_done[phase] = bool(getattr(self, "do_" + phase.replace(" ", "_"))(patience_s))
            if phase == last:
                break
        self.marks["end"] = time.time()

    def do_start(self, patience_s):
        soon(lambda: self.is_over() or self.said("listening on"), 4 * patience_s)
        self.url = None if self.is_over() or not self.said("listening on") else self.find_url()
        return self.url

    def do_due_to_end(self, patience_s):
        before = len(self.read_stamps())
        return soon(lambda: len(self.read_stamps()) > before or self.is_over(), patience_s)

    def do_reload(self, patience_s):
        self.jobs[1] = {**self.jobs[1], "description": f"another {time.time()}"}
        self.write(self.jobs)
        before = len(self.said("in force"))
        return soon(lambda: len(self.said("in force")) > before or self.is_over(), patience_s)

    def do_request(self, patience_s):
        answers = [self.ask_quickly("POST", "/api/v1/jobs/asked/trigger"),
                   self.ask_quickly("GET", "/api/v1/runs?limit=5"),
                   self.ask_quickly("GET", "/health")]
        return all(status and status < 300 for status in answers)

    def do_stop(self, patience_s):
        self.process.terminate()
        return soon(self.is_over, patience_s)

    def go_on(self):
        """Untouched, from wherever it was left. What is wrong, as a list."""
        self.kill()
        self.start()
        if self.jobs[0]["name"] == "plain":
            before = len(self.read_stamps())
            wait_for(lambda: len(self.read_stamps()) > before, "a job to run")
        self.settle()
        whole = self.sql("PRAGMA integrity_check")
        return self.wrong() + ([] if whole == [("ok",)] else [f"integrity_check: {whole}"])


def wrong_end(b, code, *causes):
    """What is wrong with how it ended: never by a signal, and not without a reason."""
    if code is None or code == 0:
        return []
    b.thread.join(5)  # all that it said
    said = " ".join(event["msg"] for event in b.log if event["level"] in ("error", "raw"))
    if code == -6 and (ABORTS.search(said) or not b.may_speak):
        b.aborts += 1
        return []
    if not b.may_speak and code > 0:
        return []
    if code < 0:
        return [f"died by signal {-code}: {said[-300:]}"]
    if not any(cause.lower() in said.lower() for cause in causes):
        return [f"ended with {code} and did not say why: {said[-300:]!r}"]
    return []


def inject(name, when, for_ever):
    return ("-e", f"trace={name}", "-e",
            f"inject={name}:error={FAILS[name]}:when={when}{'+' if for_ever else ''}")


def is_hit(log):
    try:
        with open(log, encoding="utf-8", errors="replace") as file:
            return "(INJECTED)" in file.read()
    except FileNotFoundError:
        return False


def count_calls(log, marks=None, is_loaded=False):
    """(phase, name, ordinal) of each call of the process that was traced. What the loader
    does before the program is there is none of ours."""
    counts, points = collections.Counter(), []
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file:
            found = re.match(r"([0-9.]+) (\w+)\(", line)
            is_loaded = is_loaded or (found and found[2] == "munmap")  # its list of libraries
            if not found or found[2] not in FAILS:
                continue
            counts[found[2]] += 1
            phase = [p for p in PHASES if marks and p in marks and marks[p] <= float(found[1])]
            if is_loaded:
                points.append((phase[-1] if phase else "all", found[2], counts[found[2]]))
    return points


def learn_belfry():
    with Life() as b:
        log = b.trace
        b.live(patience_s=20, prefix=("strace", "-D", "-ttt", "-o", log))
        if not all(b.has_done.values()) or len(b.has_done) != len(PHASES):
            raise AssertionError(f"the life failed untouched: {b.has_done} {b.log}")
        return count_calls(log, b.marks)


def fail_belfry(point):
    phase, name, ordinal, for_ever = point
    with Life() as b:
        log = b.trace
        b.may_speak = name != "write"
        b.live(last="stop" if for_ever else phase,
               prefix=("strace", "-D", "-o", log, *inject(name, ordinal, for_ever)))
        code = b.process.poll()
        cause = os.strerror(getattr(errno, FAILS[name]))
        faults = wrong_end(b, code, cause, *SAID)
        done = sum(b.has_done.values())
        if b.may_speak and for_ever and code is None and done < len(b.has_done) and not (
                b.said("", "error") or b.said("", "warn")):
            faults.append(f"did not go on ({b.has_done}) and said nothing")
        return faults + b.go_on(), is_hit(log)


# ---- the runner ----

def one_run(b):
    """A run from its order to its end, as far as it comes."""
    status = b.ask_quickly("POST", "/api/v1/jobs/asked/trigger")
    if status and status < 300:
        soon(lambda: [e for e in b.log if e.get("job") == "asked"
                      and e["level"] in ("error", "info")], 2)


class Quiet(Life):
    """Nothing is due by itself."""

    def __init__(self):
        super().__init__()
        self.jobs = [self.jobs[1]]
        self.write(self.jobs)


def learn_runner():
    with Quiet() as b:
        b.start()
        log = b.trace
        trace = Strace(b.runner_pids()[0], log, "-ttt")
        one_run(b)
        wait_for(lambda: b.said("succeeded"), "the run to end")
        wait_for(lambda: not os.listdir(os.path.join(b.state, "spool")), "the spool to go")
        trace.end()
        return count_calls(log, is_loaded=True)


def fail_runner(point):
    _, name, ordinal, for_ever = point
    with Quiet() as b:
        b.start()
        log = b.trace
        trace = Strace(b.runner_pids()[0], log, *inject(name, ordinal, for_ever))
        one_run(b)
        trace.end()
        return b.go_on(), is_hit(log)


def runner_under(b, log, *options):
    """A belfry-runner that starts under strace; only its foreground is traced."""
    path = b.path("belfry-runner")
    with open(path, "w", encoding="ascii") as file:
        file.write(f"#!/bin/sh\nexec strace -ttt -o {log} {' '.join(options)} "
                   f"{BUILD}/belfry-runner \"$@\"\n")
    os.chmod(path, 0o755)
    return path


def learn_runner_start():
    with Quiet() as b:
        log = b.trace
        b.start("--runner", runner_under(b, log))
        return count_calls(log)


def fail_runner_start(point):
    _, name, ordinal, for_ever = point
    with Quiet() as b:
        log = b.trace
        b.start("--runner", runner_under(b, log, *inject(name, ordinal, for_ever)), wait=False)
        soon(lambda: b.is_over() or b.said("listening on"), 30)
        faults = wrong_end(b, b.process.poll(), os.strerror(getattr(errno, FAILS[name])),
                           *SAID)
        if b.said("listening on"):
            b.url = b.find_url()
            one_run(b)
        return faults + b.go_on(), is_hit(log)


# ---- memory ----

class Memory:
    """What fail_alloc.c shares with us."""

    def __init__(self, b, program):
        path = b.path("memory")
        with open(path, "wb") as file:
            file.write(bytes(32))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 32)
        self.env = {"LD_PRELOAD": os.path.join(BUILD, "tests/faults/fail_alloc.so"), "FAIL_ALLOC": path,
                    "FAIL_ALLOC_PROGRAM": program}

    def arm(self, at=0, for_ever=False):
        self.map[:32] = struct.pack("QQQQ", at, for_ever, 0, 1)

    def disarm(self):
        self.map[24:32] = bytes(8)

    def count(self):
        return struct.unpack("Q", self.map[16:24])[0]

    def is_hit(self):
        at = struct.unpack("Q", self.map[:8])[0]
        return 0 < at <= self.count()


def learn_belfry_memory():
    with Life() as b:
        memory = Memory(b, "belfry")
        memory.arm()
        counts = {}
        for phase in PHASES:
            name = "do_" + phase.replace(" ", "_")

            def watched(patience_s, phase=phase, do=getattr(b, name)):
                done = do(patience_s)
                counts[phase] = memory.count()
                return done
            setattr(b, name, watched)
        b.live(patience_s=20, env=memory.env)
        points, before = [], 0
        for phase in PHASES:
            points += [(phase, "malloc", n) for n in range(before + 1, counts[phase] + 1)]
            before = counts[phase]
        return points


def fail_belfry_memory(point):
    phase, _, ordinal, for_ever = point
    with Life() as b:
        memory = Memory(b, "belfry")
        memory.arm(ordinal, for_ever)
        b.live(last="stop" if for_ever else phase, env=memory.env)
        faults = wrong_end(b, b.process.poll(), "memory")
        return faults + b.go_on(), memory.is_hit()


def learn_runner_memory():
    with Quiet() as b:
        memory = Memory(b, "belfry-runner")
        memory.arm()
        b.start(env=memory.env)
        before = memory.count()
        one_run(b)
        wait_for(lambda: b.said("succeeded"), "the run to end")
        wait_for(lambda: not os.listdir(os.path.join(b.state, "spool")), "the spool to go")
        return [("start" if n <= before else "due to end", "malloc", n)
                for n in range(1, memory.count() + 1)]


def fail_runner_memory(point):
    _, _, ordinal, for_ever = point
    with Quiet() as b:
        memory = Memory(b, "belfry-runner")
        memory.arm(ordinal, for_ever)
        b.start(wait=False, env=memory.env)
        soon(lambda: b.is_over() or b.said("listening on"), 30)
        faults = wrong_end(b, b.process.poll(), "memory")
        if b.said("listening on"):
            b.url = b.find_url()
            one_run(b)
        hit = memory.is_hit()
        memory.disarm()
        return faults + b.go_on(), hit


# ---- all of them ----

def choose(random, points, count):
    """All in the long form; else `count`, as many of each kind of call as can be."""
    # A call that is interrupted for ever is asked for ever, and rightly.
    both = [(*point, for_ever) for point in points for for_ever in (False, True)
            if not (for_ever and FAILS.get(point[1]) == "EINTR")]
    random.shuffle(both)
    if IS_LONG:
        return both
    kinds = collections.defaultdict(list)
    for point in both:
        kinds[point[0], point[1]].append(point)
    lists = list(kinds.values())
    random.shuffle(lists)
    chosen = []
    while lists and len(chosen) < count:
        for some in lists:
            if len(chosen) < count:
                chosen.append(some.pop())
        lists = [some for some in lists if some]
    return chosen


class Calls(unittest.TestCase):
    def try_all(self, who, learn, fail, least):
        random = drawing(who)
        points = learn()
        chosen = choose(random, points, SHORT[who])
        lock, done = threading.Lock(), [0]

        def attempt(point):
            try:
                faults, hit = fail(point)
            except Exception as error:  # what went wrong here is a violation, too
                faults, hit = [f"{type(error).__name__}: {str(error)[:2000]}"], True
            with lock:
                done[0] += 1
                if faults:
                    print(f"  {point}: {'; '.join(map(str, faults))[:1500]}", flush=True)
                if IS_LONG and done[0] % 100 == 0:
                    print(f"{who}: {done[0]} of {len(chosen)}", flush=True)
            return faults, hit
        with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
            results = list(pool.map(attempt, chosen))
        wrong = [(point, faults) for point, (faults, _) in zip(chosen, results) if faults]
        hit = sum(is_hit for _, is_hit in results)
        by_phase = collections.Counter(point[0] for point in chosen)
        print(f"{who}: {len(points)} calls, {len(chosen)} points tried "
              f"({', '.join(f'{n} {phase}' for phase, n in sorted(by_phase.items()))}), "
              f"{hit} hit, {len(wrong)} violations", flush=True)
        self.assertEqual([], [point for point, _ in wrong])
        self.assertGreaterEqual(len(points), least)
        self.assertGreaterEqual(hit, len(chosen) // 2)

    def test_belfry(self):
        self.try_all("belfry", learn_belfry, fail_belfry, 300)

    def test_runner(self):
        self.try_all("runner", learn_runner, fail_runner, 30)

    def test_start_of_runner(self):
        self.try_all("runner's start", learn_runner_start, fail_runner_start, 20)

    def test_memory_of_belfry(self):
        self.try_all("belfry's memory", learn_belfry_memory, fail_belfry_memory, 500)

    def test_memory_of_runner(self):
        self.try_all("runner's memory", learn_runner_memory, fail_runner_memory, 5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
