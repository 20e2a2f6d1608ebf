#!/usr/bin/python3
"""Processes that cannot be made, that do not go, that print without end; descriptors that
run out; thousands due at once; belfry as PID 1. Whatever one job does, the job beside it
is on time, and the daemon stays small."""
import contextlib
import json
import os
import re
import resource
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request

from harness import (BUILD, IS_LONG, IS_ROOT, Belfry, Beside, Stamped, Strace, descriptors,
                     is_alive, job, main, rss_kib, shell, wait_for)

MIB = 1024  # in KiB


def as_nobody(folder):
    """A prefix under which the daemon runs as a user of its own, who owns the folder."""
    os.chmod(folder, 0o755)
    os.chown(folder, 54321, -1)
    return ["setpriv", "--reuid", "54321", "--clear-groups"]


def put(path, value):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(value))


def remove_group(group):
    with contextlib.suppress(OSError):
        os.rmdir(group)
    return not os.path.exists(group)


# ---- F13 ----

class Many(unittest.TestCase):
    def test_all_due_at_the_same_second(self):
        """None lost, none twice, and memory is bounded."""
        count = 10000 if IS_LONG else 1000
        with Belfry([]) as b:
            b.start()
            # Far enough for the file to be in force.
            at = time.gmtime(time.time() + (30 if IS_LONG else 8))
            cron = f"{at.tm_sec} {at.tm_min} {at.tm_hour} * * *"
            b.write([job(f"j{i}", ["true"], cron) for i in range(count)])
            b.wait_said("revision 2 in force")
            wait_for(lambda: b.sql("SELECT count(*) FROM run WHERE finished_at IS NOT NULL")
                     [0][0] >= count, f"{count} runs", 300)
            self.assertEqual([(count, count, count)], b.sql(
                "SELECT count(*), count(DISTINCT job), sum(outcome = 'succeeded') FROM run"))
            self.assertEqual([(count, count)], b.sql(
                "SELECT count(*), count(DISTINCT job) FROM occurrence WHERE state = 'ran'"))
            peak = rss_kib(b.process.pid, peak=True)
            lateness = sorted(late for (late,) in
                              b.sql("SELECT started_at - scheduled_at FROM run"))
            print(f"{count} at once: last start after {lateness[-1]} ms, {peak} KiB", flush=True)
            self.assertLess(peak, 100 * MIB)


# ---- F14 ----

class NoMoreProcesses(unittest.TestCase):
    def check_recovers(self, b, heal):
        """A run that cannot be started stays claimed, is tried again, and runs once."""
        b.wait_said("cannot make a process")
        row = wait_for(lambda: [run for run in b.runs("--job", "wanted")], "the run")[0]
        self.assertEqual(("claimed", None), (row["state"], row["started_at"]))
        heal()
        end = b.finished("wanted")[0]
        self.assertEqual(("succeeded", 1), (end["outcome"], end["attempt"]))
        self.assertEqual(1, len([line for line in b.read_stamps() if line[0] == "wanted"]))

    def test_fork_fails_for_a_while(self):
        for error in ("EAGAIN", "ENOMEM"):
            with Stamped() as b:
                b.jobs = [b.stamped("wanted", schedule="0 0 1 1 *")]
                b.write(b.jobs)
                b.start()
                trace = Strace(wait_for(b.runner_pids, "a runner")[0],
                               os.path.join(b.subfolder("trace"), "log"), "-e",
                               f"inject=clone,clone3,fork,vfork:error={error}")
                b.trigger("wanted")
                self.check_recovers(b, trace.end)

    def test_fork_never_works(self):
        """Until the start deadline; then it is told, and nothing was started."""
        with Stamped() as b:
            b.jobs = [b.stamped("wanted", schedule="0 0 1 1 *", catchup_window="2s")]
            b.write(b.jobs)
            b.start()
            trace = Strace(wait_for(b.runner_pids, "a runner")[0],
                           os.path.join(b.subfolder("trace"), "log"), "-e",
                           "inject=clone,clone3,fork,vfork:error=EAGAIN")
            end = b.wait_run(b.trigger("wanted"))
            trace.end()
            self.assertEqual(("failed", None), (end["outcome"], end["started_at"]))
            self.assertIn("cannot start", end["message"])
            self.assertIn("cannot make a process", end["message"])
            self.assertEqual([], b.read_stamps())

    @unittest.skipUnless(IS_ROOT, "needs a control group")
    def test_a_control_group_with_too_many_processes(self):
        """pids.max, of version 1 or 2, whichever is there."""
        base = next((folder for folder in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup")
                     if os.path.exists(folder + "/cgroup.procs") and "pids" in
                     (folder + self.controllers(folder))), None)
        if not base or not os.access(base, os.W_OK):
            self.skipTest("no pids control group may be made here")
        group = tempfile.mkdtemp(prefix="belfry-test-", dir=base)
        try:
            with Stamped() as b:
                b.jobs = [b.stamped("wanted", schedule="0 0 1 1 *")]
                b.write(b.jobs)
                b.start()
                put(group + "/pids.max", "1")
                put(group + "/cgroup.procs", wait_for(b.runner_pids, "a runner")[0])
                b.trigger("wanted")
                self.check_recovers(b, lambda: put(group + "/pids.max", "max"))
        finally:
            wait_for(lambda: remove_group(group), "the group to go")

    def controllers(self, folder):
        with contextlib.suppress(OSError), \
             open(folder + "/cgroup.subtree_control", encoding="ascii") as file:
            return file.read()
        return ""

    @unittest.skipUnless(IS_ROOT, "needs a user of its own to count processes of")
    def test_a_user_with_too_many_processes(self):
        """RLIMIT_NPROC: what has no room waits for it, and all run."""
        with Stamped() as b:
            b.jobs = [b.stamped(f"j{i}", "exec sleep 1", schedule="0 0 1 1 *") for i in range(8)]
            b.write(b.jobs)
            b.start(prefix=[*as_nobody(b.folder), "prlimit", "--nproc=6"],
                    env={"USER": "nobody"})
            os.chown(os.path.dirname(b.stamps), 54321, -1)
            ids = [b.trigger(row["name"]) for row in b.jobs]
            for run in ids:
                self.assertEqual("succeeded", b.wait_run(run)["outcome"])
            self.assertTrue(b.said("cannot make a process"))
            self.assertEqual(8, len(b.read_stamps()))


# ---- F15 ----

class Descriptors(unittest.TestCase):
    def connect(self, b, count):
        address = tuple(b.url.removeprefix("http://").split(":"))
        links = [socket.create_connection(address, timeout=60) for _ in range(count)]
        for link in links:
            self.addCleanup(link.close)
            with contextlib.suppress(OSError):
                link.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
        return links

    def test_few_descriptors_and_many_connections(self):
        """64 descriptors and 200 connections: the API has to do without, not the jobs."""
        with Belfry([Beside.job()] + [job(f"j{i}", ["true"], "* * * * * *") for i in range(5)]
                    ) as b:
            b.start(prefix=["prlimit", "--nofile=64:64"])
            with Beside(b) as beside:
                self.connect(b, 200)
                time.sleep(3)  # as it is
            self.assertEqual([], beside.wrong())
            self.assertEqual([], b.sql("SELECT job, outcome, message FROM run WHERE outcome NOT "
                                       "IN ('succeeded', '')"))
            self.assertTrue(b.said("descriptors", "warn"))

    def test_the_soft_limit_is_raised_and_not_handed_on(self):
        with Belfry([job("limit", shell("ulimit -Sn; ulimit -Hn"))]) as b:
            b.start(prefix=["prlimit", "--nofile=64:4096"])
            run = b.trigger("limit")
            self.assertEqual("succeeded", b.wait_run(run)["outcome"])
            self.assertEqual("64\n4096\n", b.text_of(run))
            for pid in (b.process.pid, b.runner_pids()[0]):
                self.assertEqual(4096, resource.prlimit(pid, resource.RLIMIT_NOFILE)[0])

    def test_too_few_to_begin_with(self):
        with Belfry([]) as b:
            b.start(prefix=["prlimit", "--nofile=24:24"], wait=False)
            self.assertEqual(1, b.process.wait(60))
            wait_for(lambda: b.said("RLIMIT_NOFILE", "error"), "the reason")

    def test_none_is_lost_over_time(self):
        with Belfry([Beside.job()]) as b:
            b.start()
            b.finished("beside", 2)
            pids = [b.process.pid, b.runner_pids()[0]]
            before = [descriptors(pid) for pid in pids]
            for _ in range(30):
                b.http("GET", "/api/v1/jobs")
                b.process.send_signal(signal.SIGHUP)
            b.finished("beside", 5)
            wait_for(lambda: [descriptors(pid) for pid in pids] <= [n + 2 for n in before],
                     "no more descriptors than before")


# ---- F16, F17 ----

class Stubborn(unittest.TestCase):
    def run_beside(self, text, outcome, **more):
        """The run's end, and how long it took; the job beside is on time meanwhile."""
        with Belfry([Beside.job(), job("bad", shell(text), **more)]) as b:
            b.start()
            with Beside(b) as beside:
                end = b.wait_run(b.trigger("bad"))
            self.assertEqual([], beside.wrong())
            self.assertEqual(outcome, end["outcome"], end)
            end["text"] = b.text_of(end["id"])
            return end

    def is_gone(self, text):
        pids = [int(pid) for pid in re.findall(r"pid (\d+)", text)]
        self.assertTrue(pids, text)
        wait_for(lambda: not any(is_alive(pid) for pid in pids), f"{pids} to be gone")

    def test_ignores_sigterm(self):
        end = self.run_beside("trap '' TERM; echo pid $$; while :; do sleep 0.1; done",
                              "timed_out", timeout="1s", grace="1s")
        self.is_gone(end["text"])

    def test_stopped(self):
        end = self.run_beside("echo pid $$; kill -STOP $$", "timed_out", timeout="1s", grace="1s")
        self.is_gone(end["text"])

    def test_grandchildren_in_sessions_of_their_own_hold_the_pipe(self):
        end = self.run_beside("for i in 1 2 3; do setsid sh -c 'echo pid $$; exec sleep 600' & "
                              "done; sleep 0.5; exit 3", "failed")
        self.assertEqual(3, end["exit_code"])
        self.assertLess(end["duration_ms"], 30000)
        self.is_gone(end["text"])

    def test_dies_by_signal(self):
        for name, number in (("KILL", 9), ("SEGV", 11), ("ABRT", 6)):
            end = self.run_beside(f"ulimit -c 0; kill -{name} $$", "failed")
            self.assertEqual(number, end["signal"])
            self.assertIn(f"SIG{name}", end["message"])

    def test_outlives_the_daemon(self):
        text = 'echo a; while [ ! -e "$0" ]; do sleep 0.1; done; echo b; exit 9'
        with Belfry([]) as b:
            go = b.path("go")
            b.write([job("long", ["sh", "-c", text, go])])
            b.start()
            run = b.trigger("long")
            wait_for(lambda: b.text_of(run) == "a\n", "the job to begin")
            self.assertEqual(0, b.stop())
            b.start()
            self.assertEqual("running", b.runs()[0]["state"])
            with open(go, "w", encoding="ascii"):
                pass
            end = b.wait_run(run)
            self.assertEqual((9, "a\nb\n"), (end["exit_code"], b.text_of(run)))


# ---- F18 ----

class Talkative(unittest.TestCase):
    def check(self, text, size, outcome="succeeded", **more):
        with Belfry([Beside.job(), job("loud", shell(text), **more)]) as b:
            b.start()
            b.finished("beside", 2)
            runner = b.runner_pids()[0]
            before = rss_kib(b.process.pid)
            with Beside(b) as beside:
                end = b.wait_run(b.trigger("loud"))
            self.assertEqual([], beside.wrong())
            self.assertEqual(outcome, end["outcome"], end)
            self.assertEqual(size, end["output_bytes"])
            grown, held = rss_kib(b.process.pid, peak=True) - before, rss_kib(runner, peak=True)
            print(f"daemon {grown} KiB more, runner {held} KiB", flush=True)
            self.assertLess(grown, 48 * MIB)
            self.assertLess(held, 32 * MIB)
            with urllib.request.urlopen(f"{b.url}/api/v1/runs/{end['id']}/log",
                                        timeout=60) as answer:
                self.assertLess(len(answer.read()), 64 << 20)

    def test_much_binary_output(self):
        size = 1 << 30 if IS_LONG else 1 << 27
        self.check(f"head -c {size} /dev/urandom", size)

    def test_one_line_of_100_mb(self):
        size = 100 << 20
        self.check(f"head -c {size} /dev/zero | tr '\\0' x", size)

    def test_bytes_that_are_no_text(self):
        with Belfry([job("odd", shell(r"printf 'a\377\376b\0c\n\355\240\200\n'"))]) as b:
            b.start()
            run = b.trigger("odd")
            self.assertEqual("succeeded", b.wait_run(run)["outcome"])
            raw = subprocess.run([os.path.join(BUILD, "belfry"), "logs", run, "--server", b.url],
                                 stdout=subprocess.PIPE, check=True, timeout=60).stdout
            self.assertEqual(b"a\xff\xfeb\0c\n\xed\xa0\x80\n", raw)
            # Valid JSON, whatever the bytes: a line each.
            lines = b.run_command("logs", run, "--json", check=0).stdout.splitlines()
            self.assertIn("\ufffd", json.loads(lines[0])["text"])

    def test_closing_stdout_is_not_exiting(self):
        with Belfry([Beside.job(), job("quiet", shell("exec >&- 2>&-; sleep 2; exit 4"))]) as b:
            b.start()
            with Beside(b) as beside:
                end = b.wait_run(b.trigger("quiet"))
            self.assertEqual([], beside.wrong())
            self.assertEqual(4, end["exit_code"])
            self.assertGreaterEqual(end["duration_ms"], 1900)


# ---- memory ----

def writable_memory_cgroup():
    """Where cgroup v2 has the memory controller for us, None elsewhere."""
    try:
        with open("/proc/self/cgroup", encoding="ascii") as file:
            own = next(line.split("::")[1].strip() for line in file if "::" in line)
        base = "/sys/fs/cgroup" + own.rstrip("/")
        with open(base + "/cgroup.subtree_control", encoding="ascii") as file:
            is_there = "memory" in file.read()
        return base if is_there and os.access(base, os.W_OK) else None
    except (OSError, StopIteration):
        return None


class Memory(unittest.TestCase):
    def test_a_job_that_eats_memory(self):
        """Where its cgroup has a limit the kernel kills it, and that is told; the address
        space's limit holds everywhere."""
        eat = ["/usr/bin/python3", "-c", "x = b'x' * (1 << 30)"]
        with Belfry([Beside.job(), job("eats", eat, limits={"memory": "256M"})]) as b:
            b.start()
            with Beside(b) as beside:
                end = b.wait_run(b.trigger("eats"))
            self.assertEqual([], beside.wrong())
            self.assertEqual("failed", end["outcome"], end)

    def test_killed_by_the_kernel_in_its_cgroup(self):
        """With cgroup v1 no limit of v2 can be set: the kernel's own killing is then tried
        in a v1 group, which belfry does not know; the job is told as killed by SIGKILL."""
        v1 = "/sys/fs/cgroup/memory"
        if writable_memory_cgroup() or not (IS_ROOT and os.access(v1, os.W_OK)
                                            and os.path.isdir(v1)):
            self.check_v2()
            return
        group = tempfile.mkdtemp(prefix="belfry-test-", dir=v1)
        try:
            put(group + "/memory.limit_in_bytes", 64 << 20)
            text = (f"echo $$ >{group}/cgroup.procs; exec /usr/bin/python3 -c "
                    "'x = [b\"x\" * (1 << 20) for i in range(1000)]; print(len(x))'")
            with Belfry([Beside.job(), job("eats", shell(text))]) as b:
                b.start()
                with Beside(b) as beside:
                    end = b.wait_run(b.trigger("eats"))
                self.assertEqual([], beside.wrong())
                self.assertEqual(("failed", 9), (end["outcome"], end["signal"]), end)
        finally:
            wait_for(lambda: remove_group(group), "the group to go")

    def check_v2(self):
        base = writable_memory_cgroup()
        if not base:
            print("no memory cgroup may be written here: the kernel's killing is covered by "
                  "SIGKILL from outside (Stubborn.test_dies_by_signal)", flush=True)
            return
        text = "exec /usr/bin/python3 -c 'x = [b\"x\" * (1 << 20) for i in range(1000)]'"
        with Belfry([job("eats", shell(text), limits={"memory": "64M"})]) as b:
            b.start()
            end = b.wait_run(b.trigger("eats"))
            self.assertEqual("failed", end["outcome"], end)


# ---- F19 ----

def namespace():
    """A prefix that makes what follows PID 1; without root in a user namespace."""
    return ["unshare", *([] if IS_ROOT else ["-r"]), "-pf", "--kill-child", "--mount-proc"]


class PidOne(unittest.TestCase):
    def setUp(self):
        if subprocess.run([*namespace(), "true"], stderr=subprocess.DEVNULL,
                          check=False).returncode != 0:
            # Unprivileged namespaces are off: then only root can look.
            self.skipTest("no PID namespace may be made here")

    def inner_pid(self, b):
        """The daemon as seen from here."""
        with open(f"/proc/{b.process.pid}/task/{b.process.pid}/children",
                  encoding="ascii") as file:
            return int(file.read().split()[0])

    def test_a_thousand_orphans(self):
        """Exit codes are exact, nothing stays a zombie, SIGTERM stops in order."""
        orphans = 1000 if IS_LONG else 300
        leave = f"for i in $(seq {orphans // 10}); do (sleep 0.$((i % 5)) &); done; exit"
        count = "ps -eo stat=,args= | grep '^Z' || echo none"
        with Belfry([job(f"j{i}", shell(f"{leave} {i}")) for i in range(10)]
                    + [job("own", shell("for i in $(seq 50); do setsid sh -c 'sleep 0.1 &'; done;"
                                        "exit 21")),
                       job("zombies", shell(count))]) as b:
            b.start("--stop", "wait", prefix=namespace())
            daemon = self.inner_pid(b)
            ids = [b.trigger(f"j{i}") for i in range(10)] + [b.trigger("own")]
            for i, run in enumerate(ids):
                self.assertEqual(i if i < 10 else 21, b.wait_run(run)["exit_code"])
            run = b.trigger("zombies")
            b.wait_run(run)
            wait_for(lambda: self.count_zombies(daemon) == 0, "all zombies to be reaped", 5)
            os.kill(daemon, signal.SIGTERM)
            self.assertEqual(0, b.process.wait(60))
            self.assertTrue(b.said("SIGTERM: nothing more is started"))

    def count_zombies(self, daemon):
        """In the daemon's namespace: those of its own and of its runner's children."""
        space = os.readlink(f"/proc/{daemon}/ns/pid")
        found = 0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                    state = file.read().rsplit(")", 1)[1].split()[0]
                found += state == "Z" and os.readlink(f"/proc/{pid}/ns/pid") == space
        return found

    def test_sigterm_ends_jobs_that_are_to_be_ended(self):
        with Belfry([job("long", shell("trap 'echo bye; exit 5' TERM; echo on; "
                                       "while :; do sleep 0.1; done"))]) as b:
            b.start("--stop", "kill", "--stop-timeout", "1s", prefix=namespace())
            run = b.trigger("long")
            wait_for(lambda: b.text_of(run) == "on\n", "the job to begin")
            os.kill(self.inner_pid(b), signal.SIGTERM)
            self.assertEqual(0, b.process.wait(60))
            self.assertEqual([("canceled",)], b.sql("SELECT outcome FROM run"))


if __name__ == "__main__":
    main()
