#!/usr/bin/python3
"""./dev faults --soak 10m: real daemons, hurt every few seconds, checked as a black box.

Each daemon has jobs that write a stamp when they start and when they end. Meanwhile it is
killed, stopped, restarted; its runner is killed; its file changes, breaks and is emptied;
its disk fills up and its store is locked. At the end all is healed, and black_box.py
matches what was due with what belfry says and what the jobs wrote. Exit code 1 if a promise
was broken; the history is kept then.
"""
import argparse
import collections
import contextlib
import ctypes
import hashlib
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import black_box
from black_box import Every, Hurt, Job, Seconds, Span

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from common import runner_pids  # noqa: E402

DISK_BYTES = 64 << 20
START_S = 60   # a daemon that does not listen after so long is broken
SETTLE_S = 120  # and so is a run that is still open when all has been well for so long
GAP_S = (0.3, 4.0)
LOOK_S = 20


def now_ms():
    return time.time_ns() // 1000000


def private_mounts():
    """From here on what is mounted is ours alone, and goes when we go."""
    libc = ctypes.CDLL(None, use_errno=True)
    new_mounts, recursive_private = 0x00020000, 0x4000 | 0x40000
    return os.geteuid() == 0 and libc.unshare(new_mounts) == 0 and \
        libc.mount(b"none", b"/", None, recursive_private, None) == 0


# ---- the jobs ----

class Plan:
    """A job as it is asked for: what it does, and which schedules it may have."""

    def __init__(self, ms, schedules, code=0, until=0, size=0, **options):
        self.work = [str(ms), str(code), str(until), str(size)]
        self.schedules = schedules
        self.options = options

    def promise(self):
        """What the checker holds belfry to."""
        retry = self.options.get("retry", {})
        ends = ("timed_out",) if "timeout" in self.options else ("succeeded",)
        return Job(overlap=self.options.get("overlap", "forbid"),
                   catchup=self.options.get("catchup", "once"),
                   attempts=retry.get("attempts", 1), ends=ends)


def each(step, first=0):
    return Seconds(tuple(range(first, 60, step)))


PLANS = {
    "tick": Plan(40, [each(1)]),
    "pair": Plan(300, [each(2), each(2, 1), Every(2)], catchup="all"),
    "slow": Plan(4000, [each(3), each(3, 1)]),
    "free": Plan(5000, [each(4), Every(5)], overlap="allow", catchup="none"),
    "row": Plan(3000, [each(5), each(5, 2)], overlap="queue"),
    "heir": Plan(8000, [each(6), each(6, 3)], overlap="replace", grace="1s"),
    "again": Plan(100, [each(7), Every(7)], code=3, until=3,
                  retry={"attempts": 3, "backoff": "1s"}),
    "endless": Plan(-1, [Seconds((11, 41)), Seconds((19, 37))], timeout="3s", grace="1s"),
    "odd": Plan(200, [Every(3), Every(13)], catchup="all"),
    "loud": Plan(50, [Seconds((5, 25, 45)), each(10)], size=300000),
}


class Wish:
    """One content of the file: the schedule of each job in it."""

    def __init__(self, schedules, number, stamps, program):
        self.schedules = schedules
        jobs = [{"name": name, "schedule": schedule.text(), "description": f"file {number}",
                 "command": [program, stamps, *PLANS[name].work],
                 "keep": {"runs": 1000000}, **PLANS[name].options}
                for name, schedule in schedules.items()]
        self.text = json.dumps({"jobs": jobs}, indent=1)
        self.hash = hashlib.sha256(self.text.encode()).hexdigest()


class Forced:
    """Which job followed which schedule when, as far as those outside can know.

    From the moment a file is written until belfry says that it is in force either may
    hold; and so may any that was written between."""

    def __init__(self):
        self.jobs = {name: plan.promise() for name, plan in PLANS.items()}
        self.held = None     # the wish that belfry has confirmed
        self.pending = []    # (written, wish), oldest first
        self.open = {}       # name -> its span that has not ended

    def written(self, at, wish):
        self.pending.append((at, wish))

    def confirmed(self, at):
        """The newest that was written is in force."""
        first, newest = self.pending[0][0], self.pending[-1]
        wishes = [self.held, *(wish for _, wish in self.pending)]
        for name in self.jobs:
            wanted = [wish.schedules.get(name) if wish else None for wish in wishes]
            if len(set(wanted)) == 1:
                continue
            self.close(name, first, at)
            for (written, _), schedule in zip(self.pending[:-1], wanted[1:-1]):
                if schedule:
                    self.jobs[name].spans.append(Span(schedule, written, at, at, at))
            if wanted[-1]:
                self.open[name] = Span(wanted[-1], newest[0], at)
                self.jobs[name].spans.append(self.open[name])
        self.held, self.pending = newest[1], []

    def close(self, name, sure_to, to):
        span = self.open.pop(name, None)
        if span:
            span.sure_to, span.to = sure_to, to

    def end(self, at):
        for name in list(self.open):
            self.close(name, at, at)


# ---- a daemon and what is done to it ----

class World:
    def __init__(self, build, folder, seed, tell, may_mount):
        self.build, self.folder, self.tell = build, folder, tell
        self.dice = random.Random(seed)
        self.state = os.path.join(folder, "state")
        self.config = os.path.join(folder, "schedules.json")
        self.stamps = os.path.join(folder, "stamps")
        self.log = open(os.path.join(folder, "daemon.log"), "ab")
        self.forced, self.number, self.wish = Forced(), 0, None
        self.hurts, self.troubles = [], []
        self.faults = collections.Counter()
        self.process, self.url = None, None
        self.down_since = None
        self.excuses = set()  # why a start may be refused just now
        self.runs, self.occurrences = {}, {}
        os.mkdir(self.state, 0o700)
        self.has_disk = may_mount and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "belfry-soak",
             self.state], stderr=subprocess.DEVNULL).returncode == 0

    # -- the file --

    def put(self, text):
        with open(self.config + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.config + ".new", self.config)

    def draw_wish(self):
        """Mostly what there is, with a job or two changed, gone or come."""
        before = self.wish.schedules if self.wish else {}
        schedules = {}
        for name, plan in PLANS.items():
            if not self.wish or self.dice.random() < 0.2:
                if not self.wish or self.dice.random() < 0.75:
                    schedules[name] = self.dice.choice(plan.schedules)
            elif name in before:
                schedules[name] = before[name]
        self.number += 1
        return Wish(schedules, self.number, self.stamps,
                    os.path.join(self.build, "tests/faults/stamp"))

    def write_wish(self, wish=None):
        self.wish = wish or self.draw_wish()
        self.forced.written(now_ms(), self.wish)
        self.put(self.wish.text)

    def look_at_file(self, within_s=3.0):
        """Waits until the file is in force; later if it takes too long (a fault is on)."""
        end = time.monotonic() + within_s
        while self.forced.pending and time.monotonic() < end:
            with contextlib.suppress(OSError, ValueError, KeyError):
                newest = self.ask("/api/v1/revisions?limit=1")["revisions"]
                if newest and newest[0]["hash"] == self.wish.hash:
                    self.forced.confirmed(now_ms())
            time.sleep(0.02)

    # -- the daemon --

    def ask(self, path, method="GET"):
        request = urllib.request.Request(self.url + path, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def launch(self):
        """One start; the reason if it is refused."""
        begin = self.log.tell()
        self.process = subprocess.Popen(
            [os.path.join(self.build, "belfry"), "serve", "--config", self.config, "--state",
             self.state, "--listen", "127.0.0.1:0", "--log-format", "json"],
            stdin=subprocess.DEVNULL, stderr=self.log, start_new_session=True)
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            code = self.process.poll()
            with open(self.log.name, encoding="utf-8", errors="replace") as file:
                file.seek(begin)
                said = file.read()
            found = re.search(r"listening on (http://[0-9.:]+)", said)
            if found:
                self.url = found[1]
                return None
            if code is not None:
                self.log.seek(0, os.SEEK_END)
                return f"ended with {code}: {said.strip()[-300:]}"
            time.sleep(0.01)
        self.trouble(f"a start did not listen for {START_S} s")
        return "did not listen"

    def up(self):
        """As a supervisor does: again and again, until it runs."""
        end = time.monotonic() + START_S
        while True:
            self.log.seek(0, os.SEEK_END)
            refused = self.launch()
            if not refused:
                break
            if not self.excuses:
                self.trouble(f"a start was refused without a cause: {refused}")
            if time.monotonic() > end:
                raise Lost(f"cannot be started any more: {refused}")
            self.faults["(start refused)"] += 1
            if self.dice.random() < 0.5:
                self.heal()
            time.sleep(0.2)
        self.hurts.append(Hurt("down", self.down_since or now_ms(), now_ms()))
        self.down_since = None
        self.look_at_file()

    def down(self, number):
        self.down_since = self.down_since or now_ms()
        if self.process.poll() is not None:
            self.trouble(f"the daemon ended by itself with {self.process.returncode}")
            return
        self.process.send_signal(number)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.trouble("SIGTERM did not end the daemon within 60 s")
            self.process.kill()
            self.process.wait()

    def alive(self):
        if self.process.poll() is None:
            return True
        self.trouble(f"the daemon ended by itself with {self.process.returncode}")
        self.down_since = now_ms() - LOOK_S * 1000
        self.up()
        return False

    def runner_pids(self):
        return runner_pids(self.state)

    def trouble(self, text):
        self.troubles.append(f"{black_box.text_of(now_ms())} {text}")

    def hurt(self, kind, begin):
        self.hurts.append(Hurt(kind, begin, now_ms()))

    # -- faults: each says what it did --

    def kill(self):
        self.down(signal.SIGKILL)
        return self.come_back("SIGKILL")

    def restart(self):
        self.down(signal.SIGTERM)
        return self.come_back("SIGTERM")

    def come_back(self, what):
        """After a while; sometimes killed again while it starts."""
        away = self.dice.choice([0, 0, 0.3, 1, 2, 4, 7])
        time.sleep(away)
        again = self.dice.choice([0, 0, 0, 1, 3])
        for _ in range(again):
            process = subprocess.Popen(
                [os.path.join(self.build, "belfry"), "serve", "--config", self.config, "--state",
                 self.state, "--listen", "127.0.0.1:0", "--log-format", "json"],
                stdin=subprocess.DEVNULL, stderr=self.log, start_new_session=True)
            time.sleep(self.dice.uniform(0, 0.15))
            process.kill()
            process.wait()
        self.up()
        return f"{what}, back after {away} s" + (f", killed {again} times on its way" * (again > 0))

    def freeze(self):
        length = self.dice.choice([0.2, 1, 3, 6])
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(length)
        self.process.send_signal(signal.SIGCONT)
        return f"SIGSTOP for {length} s"

    def slow(self):
        """As by a disk that takes its time: stopped most of the time."""
        count = self.dice.randrange(10, 40)
        for _ in range(count):
            self.process.send_signal(signal.SIGSTOP)
            time.sleep(self.dice.uniform(0.02, 0.12))
            self.process.send_signal(signal.SIGCONT)
            time.sleep(0.01)
        return f"slowed down, stopped {count} times"

    def kill_runner(self):
        begin = now_ms()
        pids = self.runner_pids()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)
        self.hurt("runner", begin)
        return f"SIGKILL of the runner ({len(pids)} process{'es' * (len(pids) != 1)})"

    def kill_both(self):
        begin = now_ms()
        pids = self.runner_pids()
        self.down(signal.SIGKILL)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        what = self.come_back("SIGKILL of daemon and runner")
        self.hurt("runner", begin)
        return what

    def freeze_runner(self):
        pids = self.runner_pids()
        length = self.dice.choice([0.2, 1, 2.5])
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            if number == signal.SIGSTOP:
                time.sleep(length)
        return f"SIGSTOP of the runner for {length} s"

    def change(self):
        begin, count = now_ms(), self.dice.choice([1, 1, 1, 2, 5])
        for _ in range(count):
            self.write_wish()
            time.sleep(self.dice.choice([0, 0.05, 0.15]))
        self.look_at_file()
        self.hurt("change", begin)
        return f"another file, {count} time{'s' * (count > 1)}: {len(self.wish.schedules)} jobs"

    def bad_file(self):
        what, text = self.dice.choice([
            ("broken", self.wish.text[:len(self.wish.text) // 2]), ("emptied", ""),
            ("with a bad schedule", self.wish.text.replace("* * * *", "61 * * *")),
            ("of rubbish", "\x00\x01{{")])
        self.look_at_file()
        self.excuses.add("file")
        self.put(text)
        time.sleep(self.dice.choice([0.05, 0.5, 2]))
        within = ""
        if self.dice.random() < 0.4:
            within = f"; meanwhile {self.kill_within()}"
        self.heal()
        if self.process.poll() is not None:
            self.up()
        return f"the file {what} for a while{within}"

    def kill_within(self):
        self.down(signal.SIGKILL)
        self.up()
        return "SIGKILL and back"

    def storm(self):
        count = self.dice.randrange(20, 60)
        for i in range(count):
            self.process.send_signal(signal.SIGHUP)
            if i % 3 == 0:
                self.put(self.wish.text)
            time.sleep(self.dice.choice([0, 0.01]))
        return f"{count} reloads in a row"

    def lock_store(self):
        length = self.dice.choice([0.3, 1.5, 3, 5])
        database = sqlite3.connect(os.path.join(self.state, "belfry.db"), timeout=5,
                                   isolation_level=None)
        self.excuses.add("store")
        begin = now_ms()
        within = ""
        try:
            with contextlib.suppress(sqlite3.OperationalError):
                database.execute("BEGIN IMMEDIATE")
            time.sleep(length)
            if self.dice.random() < 0.3:
                self.down(signal.SIGKILL)
                within = " and killed meanwhile"
        finally:
            database.close()
        self.excuses.discard("store")
        if within:
            self.up()
        self.hurt("store", begin)
        return f"the store locked for {length} s{within}"

    def fill_disk(self):
        length = self.dice.choice([0.5, 2, 4])
        begin = now_ms()
        self.excuses.add("disk")
        self.filler(True)
        time.sleep(length)
        within = ""
        if self.dice.random() < 0.4:
            self.down(signal.SIGKILL)
            within = ", killed meanwhile"
            if self.dice.random() < 0.5:
                self.up()
        self.heal()
        if self.process.poll() is not None:
            self.up()
        self.hurt("disk", begin)
        return f"the disk full for {length} s{within}"

    def filler(self, is_full):
        path = os.path.join(self.state, "filler")
        if not is_full:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            return
        with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 16))
        with open(path, "ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(512))

    def trigger(self):
        """By hand, and perhaps ended again."""
        name = self.dice.choice(list(PLANS))
        begin = now_ms()
        try:
            run = self.ask(f"/api/v1/jobs/{name}/trigger", "POST")["id"]
        except urllib.error.HTTPError as error:
            with error:
                return f"trigger of {name}: {error.code}"
        except OSError as error:
            return f"trigger of {name}: {error}"
        if self.dice.random() < 0.5:
            return f"trigger of {name}"
        time.sleep(self.dice.choice([0, 0.05, 0.5]))
        with contextlib.suppress(OSError):
            self.ask(f"/api/v1/runs/{run}/cancel", "POST")
        self.hurt("cancel", begin)
        return f"trigger and cancel of {name}"

    def heal(self):
        self.filler(False)
        self.put(self.wish.text)
        self.excuses.clear()

    # -- the story --

    def drawn_fault(self):
        faults = [(self.kill, 5), (self.restart, 3), (self.freeze, 3), (self.slow, 2),
                  (self.kill_runner, 3), (self.kill_both, 2), (self.freeze_runner, 2),
                  (self.change, 4), (self.bad_file, 3), (self.storm, 1), (self.lock_store, 3),
                  (self.trigger, 3)] + ([(self.fill_disk, 3)] if self.has_disk else [])
        return self.dice.choices([fault for fault, _ in faults],
                                 [weight for _, weight in faults])[0]

    def live(self, until):
        self.down_since = now_ms()
        self.write_wish()
        self.up()
        looked = time.monotonic()
        while time.monotonic() < until:
            time.sleep(self.dice.uniform(*GAP_S))
            if not self.alive():
                continue
            fault = self.drawn_fault()
            what = fault()
            self.faults[fault.__name__.replace("_", " ")] += 1
            if time.monotonic() - looked > LOOK_S:
                self.collect()
                looked = time.monotonic()
            self.tell(self, what)

    def converge(self):
        """All is well from here on: everything has to come to its end."""
        self.heal()
        if self.process.poll() is not None:
            self.down_since = self.down_since or now_ms()
            self.up()
        self.look_at_file(30)
        if self.forced.pending:
            self.trouble("the last file was not taken over within 30 s")
        time.sleep(2)
        begin, self.number = now_ms(), self.number + 1
        self.write_wish(Wish({}, self.number, self.stamps, ""))
        self.look_at_file(30)
        if self.forced.pending:
            self.trouble("a file without jobs was not taken over within 30 s")
        self.forced.end(now_ms())
        self.hurt("change", begin)
        end = time.monotonic() + SETTLE_S
        while time.monotonic() < end and self.ask("/api/v1/runs?state=open")["runs"]:
            time.sleep(0.1)
        self.collect()
        self.down(signal.SIGTERM)
        if self.process.returncode not in (0, None):
            self.trouble(f"the last stop ended with {self.process.returncode}")

    # -- what belfry says --

    def collect(self):
        """What is final must never change."""
        listed = subprocess.run([os.path.join(self.build, "belfry"), "runs", "--json", "--limit",
                                 "1000000", "--server", self.url], stdout=subprocess.PIPE)
        if listed.returncode != 0:
            return  # a fault is on
        for run in json.loads(listed.stdout):
            self.note(self.runs, run["id"], run, lambda old: old["state"] == "finished")
        for name in PLANS:
            with contextlib.suppress(OSError):
                for row in self.ask(f"/api/v1/occurrences?limit=1000&job={name}")["occurrences"]:
                    self.note(self.occurrences, (name, row["scheduled_at"]), row, lambda _: True)

    def note(self, known, key, row, is_final):
        old = known.get(key)
        if old and is_final(old) and old != row:
            self.trouble(f"what was final changed: {old} became {row}")
        known[key] = row

    def history(self):
        return black_box.History(self.forced.jobs, list(self.occurrences.values()),
                                 list(self.runs.values()), black_box.read_stamps(self.stamps),
                                 self.hurts, self.troubles)

    def finish(self, keep):
        """Ends what is left of the daemon and its runner; keeps the artifacts if asked to."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
        for pid in self.runner_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.log.close()
        if keep and self.has_disk:
            with contextlib.suppress(shutil.Error, OSError):
                shutil.copytree(self.state, os.path.join(self.folder, "state-at-the-end"))
        if self.has_disk:
            subprocess.run(["umount", "--lazy", self.state], check=False)


class Lost(Exception):
    """Nothing more can be done with a daemon."""


def live(world, until):
    try:
        world.live(until)
        world.converge()
    except Lost as lost:
        world.trouble(str(lost))
    except Exception as error:  # pylint: disable=broad-except
        world.trouble(f"the soak itself failed: {type(error).__name__}: {error}")
        raise


def run(build, folder, seconds, daemons, seed, tell):
    """Lives; the worlds, for their histories. Folders are left where they are."""
    may_mount = private_mounts()
    worlds = []
    for i in range(daemons):
        os.mkdir(os.path.join(folder, str(i)))
        worlds.append(World(build, os.path.join(folder, str(i)), f"{seed} {i}", tell,
                            may_mount))
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=live, args=(world, until)) for world in worlds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return worlds


# ---- what is told ----

class Teller:
    """A line a fault, with the counts so far."""

    def __init__(self, is_quiet):
        self.begin, self.is_quiet, self.lock = time.monotonic(), is_quiet, threading.Lock()

    def __call__(self, world, what):
        if self.is_quiet:
            return
        with contextlib.suppress(OSError):
            with open(world.stamps, "rb") as file:
                stamps = sum(1 for _ in file)
            with self.lock:
                print(f"[{time.monotonic() - self.begin:6.1f}s] {os.path.basename(world.folder)}: "
                      f"{what}   ({sum(world.faults.values())} faults, {stamps} stamps, "
                      f"{len(world.troubles)} troubles)", flush=True)


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))] if values else None


def figures(worlds, histories, broken, seconds, seed):
    runs = [run for history in histories for run in history.runs]
    rows = [row for history in histories for row in history.occurrences]
    lateness = [run["lateness_ms"] for run in runs
                if run["trigger"] == "schedule" and run["lateness_ms"] is not None]
    faults = collections.Counter()
    for world in worlds:
        faults.update(world.faults)
    due = [black_box.Due(job) for history in histories for job in history.jobs.values()]
    return {
        "seed": seed, "seconds": seconds, "daemons": len(worlds),
        "faults": dict(faults.most_common()),
        "due": sum(len(one.must) for one in due),
        "due_while_changing": sum(len(one.may - one.must) for one in due),
        "occurrences": dict(collections.Counter(
            " ".join(filter(None, (row["state"], row["reason"]))) for row in rows)),
        "instants": sum(row["count"] for row in rows),
        "runs": dict(collections.Counter(run["outcome"] for run in runs)),
        "triggers": dict(collections.Counter(run["trigger"] for run in runs)),
        "stamps": sum(len(history.stamps) for history in histories),
        "lateness_ms": {"p50": percentile(lateness, 0.5), "p99": percentile(lateness, 0.99),
                        "max": max(lateness, default=None)},
        "disk_faults": all(world.has_disk for world in worlds),
        "broken": [str(one) for one in broken],
    }


def listed(counts):
    return ", ".join(f"{count} {what}" for what, count in counts.items()) or "none"


def report(told, folder):
    late = told["lateness_ms"]
    print(f"""
{told['daemons']} daemon(s) for {told['seconds']:.0f} s, seed {told['seed']}
  faults       {sum(told['faults'].values())}: {listed(told['faults'])}
  due          {told['due']} instants, and {told['due_while_changing']} while a file was on its way
  recorded     {told['instants']} instants: {listed(told['occurrences'])}
  runs         {sum(told['runs'].values())}: {listed(told['runs'])}
  triggers     {listed(told['triggers'])}
  stamps       {told['stamps']}
  lateness     p50 {late['p50']} ms, p99 {late['p99']} ms, most {late['max']} ms, faults included""")
    if not told["disk_faults"]:
        print("  left out     the full disk: no tmpfs can be mounted here (not root?)")
    for one in told["broken"][:50]:
        print(f"BROKEN  {one}")
    if told["broken"]:
        print(f"{len(told['broken'])} broken promises; all of it is kept in {folder}")
    else:
        print("every promise was kept")


def keep_history(histories, told, folder):
    with open(os.path.join(folder, "report.json"), "w", encoding="utf-8") as file:
        json.dump(told, file, indent=1)
    for i, history in enumerate(histories):
        with open(os.path.join(folder, str(i), "history.json"), "w", encoding="utf-8") as file:
            json.dump({"jobs": history.jobs, "occurrences": history.occurrences,
                       "runs": history.runs, "hurts": history.hurts,
                       "troubles": history.troubles}, file, indent=1, default=vars)


def duration_s(text):
    found = re.fullmatch(r"(\d+)(s|m|h)?", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text}: a duration is a number and s, m or h")
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600, None: 1}[found[2]]


def main():
    parser = argparse.ArgumentParser(prog="./dev faults")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--soak", type=duration_s, default=600, nargs="?", const=600,
                        metavar="T", help="how long, as in 10m")
    parser.add_argument("--daemons", type=int, default=2, metavar="N")
    parser.add_argument("--seed", type=int, help="which faults, in which order")
    parser.add_argument("--json", action="store_true", help="the report alone, as JSON")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    folder = tempfile.mkdtemp(prefix="belfry-soak-")
    worlds = run(os.path.abspath(arguments.build), folder, arguments.soak, arguments.daemons,
                 seed, Teller(arguments.json))
    histories = [world.history() for world in worlds]
    broken = [one for history in histories for one in black_box.check(history)]
    told = figures(worlds, histories, broken, arguments.soak, seed)
    keep_history(histories, told, folder)
    for world in worlds:
        world.finish(bool(broken))
    if arguments.json:
        print(json.dumps({**told, "folder": folder if broken else None}, indent=1))
    else:
        report(told, folder)
    if not broken:
        shutil.rmtree(folder)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
