#!/usr/bin/python3
"""Disks that are full, slow, read-only or broken, under the real binary: what it says, and
that nothing is lost and nothing runs twice once they are well again."""
import collections
import contextlib
import datetime
import hashlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest

from disk import WITHOUT_POWER, Kept, OnSmallDisk, enter_namespace
from harness import BELFRY, IS_LONG, drawing, rss_kib, wait_for

PAGE = 4096


def health(belfry):
    status, text = belfry.http("GET", "/health")
    return status, json.loads(text)


def wait_health(belfry, status):
    return wait_for(lambda: [it for it in [health(belfry)] if it[0] == status],
                    f"/health to answer {status}")[0][1]


def fails_to_start(belfry, *words, prefix=()):
    """What it says where it does not start; each of the words has to be among it."""
    belfry.start(wait=False, prefix=prefix)
    try:
        code = belfry.process.wait(30)
    except subprocess.TimeoutExpired:
        belfry.kill() # it did start, and nobody else would end it
        raise
    belfry.kill()
    said = " ".join(event["msg"] for event in belfry.log if event["level"] in ("error", "raw"))
    assert code == 1, (code, belfry.log)
    for word in words:
        assert word in said, (word, said)
    return said


class Case(unittest.TestCase):
    def assert_books(self, belfry):
        belfry.settle()
        self.assertEqual([], belfry.wrong())
        self.assertEqual([("ok",)], belfry.sql("PRAGMA integrity_check"))
        self.assert_once(belfry)

    def assert_once(self, belfry):
        at = collections.Counter((name, due) for name, due, _, _ in belfry.read_stamps() if due)
        self.assertEqual([], [key for key, n in at.items() if n > 1], "an instant ran twice")


class FullDisk(Case):
    def test_at_first_start(self):
        with OnSmallDisk() as b:
            b.fill()
            fails_to_start(b, "belfry.db", "free some space on its disk")
            b.free()
            b.start()
            wait_for(b.read_stamps, "a job to run")
            self.assert_books(b)

    def test_at_a_later_start(self):
        with OnSmallDisk() as b:
            b.start()
            wait_for(b.read_stamps, "a job to run")
            b.kill()
            b.fill()
            b.start(wait=False)
            wait_for(lambda: b.process.poll() is not None or b.said("listening"), "a decision")
            if b.process.poll() is None:  # the log's room from before is enough
                b.url = b.find_url()
            else:
                self.assertTrue(b.said("free some space"), b.log)
                b.kill()
            b.free()
            if not b.process:
                b.start()
            self.assert_books(b)

    def test_while_claims_are_made(self):
        with OnSmallDisk() as b:
            b.start()
            wait_for(b.read_stamps, "a job to run")
            b.fill()
            said = wait_health(b, 503)
            self.assertEqual("failing", said["store"]["status"])
            self.assertIn("free some space on its disk", json.dumps(said["store"]))
            self.assertIn("belfry.db", json.dumps(said["store"]))
            b.wait_said("the store does not take records, nothing new is started", "error")
            before = len(b.read_stamps())
            end = time.time() + 3
            wait_for(lambda: time.time() > end, "some instants to pass")
            self.assertLessEqual(len(b.read_stamps()), before + 1, "it starts without a claim")
            b.free()
            b.wait_said("the store takes records again")
            wait_health(b, 200)
            self.assert_books(b)

    def hold(self, b, then="true"):
        """A job that waits for a file, prints, and ends with 3. Its run."""
        return b.stamped("held", f'while ! test -e {b.path("go")}; do sleep 0.05; done; '
                                 f"{then}; exit 3", schedule="0 0 1 1 *")

    def test_end_of_a_run(self):
        """How it ended is known and told although nothing can be written."""
        with OnSmallDisk() as b:
            b.jobs.append(self.hold(b, "echo the end"))
            b.write(b.jobs)
            b.start()
            run = b.trigger("held")
            wait_for(lambda: [s for s in b.read_stamps() if s[0] == "held"], "it to run")
            b.fill()
            wait_health(b, 503)
            open(b.path("go"), "w", encoding="ascii").close()
            wait_for(lambda: [e for e in b.log if e.get("job") == "held" and "exit code 3" in e["msg"]
                              and e["level"] == "error"], "its end to be told")
            self.assertEqual(503, health(b)[0])
            b.free()
            row = b.wait_run(run)
            self.assertEqual(("failed", 3), (row["outcome"], row["exit_code"]))
            self.assert_books(b)

    def test_end_of_many_runs_and_a_crash(self):
        """The daemon is killed meanwhile; what the runner wrote down is enough."""
        with OnSmallDisk(size="4m") as b:
            b.jobs = [self.hold(b, "echo the end")]
            b.write(b.jobs)
            b.start()
            runs = [b.trigger("held") for _ in range(20)]
            wait_for(lambda: len(b.read_stamps()) == 20, "all to run")
            b.fill()
            open(b.path("go"), "w", encoding="ascii").close()
            wait_for(lambda: len([e for e in b.log if e.get("job") == "held"
                                  and e["level"] == "error"]) == 20, "their ends to be told")
            b.kill()
            b.free()
            b.start()
            for run in runs:
                self.assertEqual(3, b.wait_run(run)["exit_code"])
            self.assertEqual(20, len(b.read_stamps()))

    def output(self, b, amount):
        """A job whose output meets a full disk. Its log and what it says it printed."""
        b.jobs = [self.hold(b, f"echo first; head -c {amount} /dev/zero; echo last")]
        b.write(b.jobs)
        b.start()
        run = b.trigger("held")
        wait_for(b.read_stamps, "it to run")
        b.fill()
        open(b.path("go"), "w", encoding="ascii").close()
        wait_for(lambda: [e for e in b.log if e.get("run") == run and e["level"] == "error"],
                 "its end to be told")
        b.free()
        row = b.wait_run(run)
        self.assertEqual(3, row["exit_code"])
        result = b.run_command("logs", run, check=0)
        return result.stdout + result.stderr

    def test_output(self):
        """The job is not held up; what is missing is counted."""
        with OnSmallDisk() as b:
            amount = 6 << 20
            text = self.output(b, amount)
            lost = sum(int(found) for found in
                       re.findall(r"(\d+) bytes of output were not kept", text))
            self.assertIn("the disk was full or failing; not all of its output could be kept", text)
            kept = text.count("\0") + text.count("first\n") * 6 + text.count("last\n") * 5
            self.assertEqual(amount + len("first\nlast\n"), lost + kept)

    def test_room_held_back(self):
        """Not a byte is left in the spool's last page: the runner's own room has to do."""
        with OnSmallDisk() as b:
            b.jobs = [self.hold(b, "for i in $(seq 120); do echo a line of output $i; "
                                   "sleep 0.003; done")]
            b.write(b.jobs)
            b.start()
            reserve = os.path.join(b.state, "runner.reserve")
            whole = os.stat(reserve).st_size
            b.trigger("held")
            wait_for(b.read_stamps, "it to run")
            b.fill()
            open(b.path("go"), "w", encoding="ascii").close()
            wait_for(lambda: b.said("exit code 3", "error"), "its end to be told")
            self.assertLess(os.stat(reserve).st_size, whole)
            b.free()
            wait_health(b, 200)
            self.assertEqual(3, b.wait_run(b.trigger("held"))["exit_code"])
            self.assertEqual(whole, os.stat(reserve).st_blocks * 512, "it is not held back again")


@contextlib.contextmanager
def locked(belfry):
    """Another program holds the database's write lock."""
    other = sqlite3.connect(os.path.join(belfry.state, "belfry.db"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


class Locked(Case):
    def test_seconds(self):
        with Kept() as b:
            b.start()
            wait_for(b.read_stamps, "a job to run")
            with locked(b):
                said = wait_health(b, 503)
                self.assertIn("another program holds its lock", json.dumps(said["store"]))
                end, slowest = time.time() + (20 if IS_LONG else 3), 0
                while time.time() < end:
                    begun = time.monotonic()
                    b.ask("list")
                    slowest = max(slowest, time.monotonic() - begun)
                print(f"locked: the slowest answer took {slowest:.2f} s", flush=True)
                self.assertLess(slowest, 1.8, "the loop waits for the lock")
            b.wait_said("the store takes records again")
            self.assert_books(b)

    def test_a_moment_is_waited_for(self):
        with Kept() as b:
            b.start()
            wait_for(b.read_stamps, "a job to run")
            for _ in range(5):
                with locked(b):
                    time.sleep(0.05)
            self.assert_books(b)

    def test_output_waits_on_disk(self):
        """Not in memory, however much is printed while nothing can be stored."""
        jobs, amount = 12, 7 << 20
        with Kept() as b:
            b.jobs = [b.stamped("loud", f"sleep 0.5; head -c {amount} /dev/zero",
                                schedule="0 0 1 1 *")]
            b.write(b.jobs)
            b.start()
            before = rss_kib(b.process.pid)
            b.trigger_many("loud", jobs)
            spools = os.path.join(b.state, "spool")
            with locked(b):
                wait_for(lambda: sum(entry.stat().st_size for entry in os.scandir(spools))
                         >= jobs * amount // 2, "all to be printed")
                wait_health(b, 503)
                end = time.time() + 2
                wait_for(lambda: time.time() > end, "some rounds to pass")
                grown = rss_kib(b.process.pid) - before
                print(f"locked: grown by {grown} KiB under {jobs * amount >> 10} KiB of output",
                      flush=True)
                self.assertLess(grown, 48 << 10)
            b.settle()
            for run in b.runs():
                self.assertEqual("succeeded", run["outcome"])
                self.assertEqual(amount, len(b.text_of(run["id"])))

    def test_at_start(self):
        """The lock of all locks: not even reading goes."""
        with Kept() as b:
            b.start()
            wait_for(b.read_stamps, "a job to run")
            self.assertEqual(0, b.stop())
            other = sqlite3.connect(os.path.join(b.state, "belfry.db"), isolation_level=None)
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
            other.execute("BEGIN EXCLUSIVE")
            fails_to_start(b, "belfry.db", "another program holds its lock")
            other.close()
            b.start()
            self.assert_books(b)


class Access(Case):
    def test_read_only_mount(self):
        with Kept() as b:
            b.start()
            wait_for(b.read_stamps, "a job to run")
            self.assertEqual(0, b.stop())
            b.end_runner()
            subprocess.run(["mount", "--bind", b.state, b.state], check=True)
            subprocess.run(["mount", "-o", "remount,bind,ro", b.state], check=True)
            try:
                fails_to_start(b, b.state, "Read-only file system")
            finally:
                subprocess.run(["umount", b.state], check=True)
            b.start()
            self.assert_books(b)

    def test_permissions(self):
        with Kept() as b:
            b.start()
            wait_for(b.read_stamps, "a job to run")
            self.assertEqual(0, b.stop())
            b.end_runner()
            database = os.path.join(b.state, "belfry.db")
            for path, mode, word in ((database, 0o000, "belfry.db"),
                                     (database, 0o400, "belfry.db"),
                                     (b.state, 0o500, b.state)):
                before = os.stat(path).st_mode & 0o777
                os.chmod(path, mode)
                said = fails_to_start(b, word, prefix=WITHOUT_POWER)
                os.chmod(path, before)
                self.assertRegex(said, "permission|Permission")
            b.start(prefix=WITHOUT_POWER)
            self.assert_books(b)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def overwrite(path, at, data):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(data)


def frames_in_use(log):
    """Of SQLite's log; behind them it may hold what is left of the round before."""
    with open(log, "rb") as file:
        salts = file.read(32)[16:24]
        return sum(1 for _ in iter(lambda: file.read(24 + PAGE)[8:16] == salts, False))


class Broken(Case):
    """One history of a daemon that was killed; each test breaks a copy of it."""

    @classmethod
    def setUpClass(cls):
        cls.random = drawing("broken")
        cls.b = Kept()
        cls.b.jobs = [cls.b.stamped("plain", "echo out"),
                      cls.b.stamped("asked", "seq 1 400", schedule="0 0 1 1 *")]
        cls.b.write(cls.b.jobs)
        cls.b.start()
        cls.b.trigger_many("asked", 250)
        wait_for(lambda: len(cls.b.read_stamps()) > 252, "a history")
        wait_for(lambda: not cls.b.sql("SELECT 1 FROM run WHERE job = 'asked' "
                                       "AND finished_at IS NULL"), "all to end")
        wait_for(lambda: 40 < frames_in_use(os.path.join(cls.b.state, "belfry.db-wal")) < 900,
                 "a log that is amid a round") # the job of every second goes on writing
        cls.b.kill()
        cls.b.end_runner()
        cls.kept = cls.b.path("kept")
        shutil.copytree(cls.b.state, cls.kept, ignore=shutil.ignore_patterns("*.sock"))
        shutil.copy(cls.b.stamps, cls.b.path("stamps-kept"))

    @classmethod
    def tearDownClass(cls):
        cls.b.__exit__(None, None, None)

    def begin(self, with_log=False):
        """A fresh copy, of which all is in the database file or much in its log."""
        b = self.b
        b.end_runner()
        shutil.rmtree(b.state)
        shutil.copytree(self.kept, b.state)
        shutil.copy(b.path("stamps-kept"), b.stamps)
        path = os.path.join(b.state, "belfry.db")
        if not with_log:
            database = sqlite3.connect(path)
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            database.close()
        return b, path

    def repair(self, code=0):
        result = subprocess.run([BELFRY, "doctor", "--repair", "--state", self.b.state, "--json"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                timeout=60, check=False)
        self.assertEqual(code, result.returncode, result.stderr)
        return json.loads(result.stdout) if code == 0 else result.stderr

    def check_refused_and_repaired(self, path, broken=None):
        """It does not start, says why and what to do, and changes nothing; the repair keeps
        the damaged file as it is; then it starts, and nothing runs twice."""
        b, broken = self.b, broken or path
        before = digest(broken)
        fails_to_start(b, broken, "damaged", "belfry doctor --repair")
        self.assertEqual(before, digest(broken))
        answer = self.repair()
        self.assertEqual("repaired", answer["result"])
        aside = answer["set_aside"] + broken[len(path):]
        self.assertEqual(before, digest(aside), "the damaged file was not kept")
        self.assertEqual([("ok",)], b.sql("PRAGMA integrity_check"))
        b.start()
        wait_for(lambda: len(b.read_stamps()) > 255, "jobs to run again")
        self.assertEqual(0, b.stop())
        self.assert_once(b)
        return answer, {row["table"]: row for row in answer["tables"]}

    def test_first_page(self):
        for length in (100, PAGE):
            _, path = self.begin()
            overwrite(path, 0, self.random.randbytes(length))
            answer, tables = self.check_refused_and_repaired(path)
            self.assertTrue(answer["first_page_replaced"])
            self.assertGreaterEqual(tables["run"]["saved"], 252)
            self.assertEqual(0, sum(table["lost"] for table in tables.values()))

    def test_leaf_pages(self):
        """A page of the runs' table: what its index and its neighbours know is saved."""
        _, path = self.begin()
        pages = self.b.sql("SELECT pageno FROM dbstat WHERE name = 'run' AND pagetype = 'leaf' "
                           "ORDER BY pageno")
        before = self.b.sql("SELECT count(*) FROM run")[0][0]
        claims = self.b.sql("SELECT count(*) FROM occurrence WHERE state = 'ran'")[0][0]
        self.assertGreater(len(pages), 4)
        for (page,) in (pages[1], pages[len(pages) // 2]):
            overwrite(path, (page - 1) * PAGE, self.random.randbytes(PAGE))
        _, tables = self.check_refused_and_repaired(path)
        run = tables["run"]
        self.assertEqual(before, run["saved"] + run["lost"])
        self.assertTrue(0 < run["lost"] < before // 2, run)
        self.assertEqual(claims, tables["occurrence"]["saved"], "a claim is lost")

    def test_claims_are_rebuilt(self):
        _, path = self.begin()
        claims = self.b.sql("SELECT count(*) FROM occurrence WHERE state = 'ran'")[0][0]
        page = self.b.sql("SELECT rootpage FROM sqlite_schema WHERE name = 'occurrence'")[0][0]
        overwrite(path, (page - 1) * PAGE, self.random.randbytes(PAGE))
        _, tables = self.check_refused_and_repaired(path)
        self.assertEqual(claims, tables["occurrence"]["rebuilt"])

    def test_truncated(self):
        _, path = self.begin()
        os.truncate(path, os.path.getsize(path) // 2 // PAGE * PAGE + 100)
        answer, tables = self.check_refused_and_repaired(path)
        self.assertFalse(answer["newest_may_be_lost"])
        self.assertGreater(tables["run"]["saved"], 20)

    def test_garbage(self):
        _, path = self.begin()
        overwrite(path, 0, self.random.randbytes(os.path.getsize(path)))
        answer, tables = self.check_refused_and_repaired(path)
        self.assertTrue(answer["newest_may_be_lost"])
        self.assertEqual(0, tables["run"]["saved"])

    def test_log(self):
        """SQLite would take no notice; claims would be gone."""
        for at, length in ((0, 32), (None, 500)):
            b, path = self.begin(with_log=True)
            log = path + "-wal"
            frames = frames_in_use(log)
            self.assertGreater(frames, 40)
            overwrite(log, 32 + frames // 3 * (24 + PAGE) if at is None else at,
                      self.random.randbytes(length))
            answer, _ = self.check_refused_and_repaired(path, log)
            self.assertTrue(answer["newest_may_be_lost"])

    def test_torn_log(self):
        """How a crash leaves it is no damage."""
        b, path = self.begin(with_log=True)
        log = path + "-wal"
        os.truncate(log, os.path.getsize(log) - 1000)
        b.start()
        b.stop()

    def test_foreign_files(self):
        b, path = self.begin()
        os.remove(path)
        other = sqlite3.connect(path)
        other.executescript("PRAGMA application_id = 7; CREATE TABLE t (x)")
        other.close()
        fails_to_start(b, "is a database, but not belfry's")
        self.assertIn("not belfry's", self.repair(code=1))
        os.remove(path)
        os.mkdir(path)
        fails_to_start(b, "is no regular file")

    def test_nothing_to_repair(self):
        _, path = self.begin()
        before = digest(path)
        self.assertEqual("sound", self.repair()["result"])
        self.assertEqual(before, digest(path))
        self.assertEqual([], [name for name in os.listdir(self.b.state) if "damaged" in name])

    def test_not_under_a_running_belfry(self):
        b, _ = self.begin()
        b.start()
        self.assertIn(f"process {b.process.pid}", self.repair(code=1))
        b.stop()

    def test_interrupted_repair(self):
        """At every rename, link, sync and write: no start with a part of the history."""
        b, path = self.begin()
        page = b.sql("SELECT rootpage FROM sqlite_schema WHERE name = 'revision'")[0][0]
        overwrite(path, (page - 1) * PAGE, self.random.randbytes(PAGE))
        broken = b.path("broken")
        shutil.copytree(b.state, broken)
        killed = 0
        for name, most in (("rename", 4), ("fsync", 4), ("unlinkat", 4), ("mkdir", 1)):
            for when in range(1, most + 1):
                shutil.rmtree(b.state)
                shutil.copytree(broken, b.state)
                result = subprocess.run(
                    ["strace", "-o", "/dev/null", "-e", f"trace={name}", "-e",
                     f"inject={name}:signal=KILL:when={when}", BELFRY, "doctor", "--repair",
                     "--state", b.state], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    check=False)
                if result.returncode == 0:
                    break
                killed += 1
                b.start(wait=False)
                wait_for(lambda: b.process.poll() is not None or b.said("listening"), "a start")
                is_refused = b.process.poll() is not None
                b.kill()
                if is_refused:
                    self.assertTrue(b.said("doctor --repair"), b.log)
                    self.assertEqual("repaired", self.repair()["result"])
                self.assertGreaterEqual(b.sql("SELECT count(*) FROM run")[0][0], 252)
        shutil.rmtree(broken)
        self.assertGreaterEqual(killed, 5)
        print(f"interrupted repair: {killed} points", flush=True)

    def test_words(self):
        """What SQLite finds whole, but means nothing: the row is lost, its claim is not."""
        b, path = self.begin()
        claims = b.sql("SELECT count(*) FROM occurrence WHERE state = 'ran'")[0][0]
        runs = b.sql("SELECT count(*) FROM run")[0][0]
        database = sqlite3.connect(path)
        for column, at in (("outcome", 0), ("state", 9), ("executor", 20)):
            database.execute(f"UPDATE run SET {column} = 'succeed' || char(200) WHERE id = "
                             f"(SELECT id FROM run ORDER BY id LIMIT 1 OFFSET {at})")
        database.execute("UPDATE occurrence SET reason = 'x' WHERE (job, scheduled_at) IN "
                         "(SELECT job, max(scheduled_at) FROM occurrence WHERE state = 'ran')")
        database.commit()
        database.close()
        answer = self.repair()
        self.assertEqual("repaired", answer["result"])
        self.assertIn("mean nothing", answer["damage"])
        tables = {row["table"]: row for row in answer["tables"]}
        self.assertEqual((runs - 3, 3), (tables["run"]["saved"], tables["run"]["lost"]))
        self.assertEqual(claims, b.sql("SELECT count(*) FROM occurrence WHERE state = 'ran'")[0][0])
        self.assertEqual("sound", self.repair()["result"])
        b.start()
        wait_for(lambda: len(b.read_stamps()) > 255, "jobs to run again")
        self.assertEqual(0, b.stop())
        self.assert_once(b)

    def test_any_bytes(self):
        """Whatever is hit: it starts or refuses, and what it refuses can be repaired."""
        refused = 0
        tries = 300 if IS_LONG else 15
        for i in range(tries):
            with_log = i % 2 == 0
            b, path = self.begin(with_log)
            target = path + ("-wal" if with_log and i % 4 == 0 else "")
            size = os.path.getsize(target)
            for _ in range(self.random.choice((1, 1, 4, 30))):
                overwrite(target, self.random.randrange(size),
                          self.random.randbytes(self.random.choice((1, 8, 600, 5000))))
            b.start(wait=False)
            wait_for(lambda: b.process.poll() is not None or b.said("listening"), "a decision")
            if b.process.poll() is None:
                b.kill()
                b.end_runner()
                continue
            self.assertEqual(1, b.process.returncode, b.log)
            b.kill()
            refused += 1
            self.assertTrue(b.said("belfry.db", "error"), b.log)
            self.repair()
            self.assertEqual([("ok",)], b.sql("PRAGMA integrity_check"))
            b.start()
            b.kill()
            b.end_runner()
            self.assert_once(b)
        print(f"any bytes: {tries} tries, {refused} refused and repaired", flush=True)


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


class TwoDaemons(Case):
    def second(self, b, *words):
        result = subprocess.run([BELFRY, "serve", "--config", b.config, "--state", b.state,
                                 "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True,
                                timeout=30, check=False)
        self.assertEqual(1, result.returncode)
        said = json.loads(result.stderr.splitlines()[-1])["msg"]
        for word in words:
            self.assertIn(word, said)

    def test_second_is_refused(self):
        with Kept() as b:
            b.start()
            who = f"process {b.process.pid}, since {datetime.datetime.now(datetime.UTC):%Y-%m-%d}"
            host = os.uname().nodename
            self.second(b, b.state, who, f"on {host}: ", "belfry serve --config")
            b.process.send_signal(signal.SIGSTOP)
            wait_for(lambda: state_of(b.process.pid) == "T", "it to stop")
            self.second(b, who, "it is stopped", "kill -CONT")
            b.process.send_signal(signal.SIGCONT)
            wait_for(b.read_stamps, "a job to run")
            self.assert_books(b)

    def test_dead_one_is_no_obstacle(self):
        with Kept() as b:
            b.start()
            dead = b.process.pid
            wait_for(b.read_stamps, "a job to run")
            b.kill()
            with open(os.path.join(b.state, "lock"), encoding="ascii") as file:
                self.assertEqual(str(dead), file.readline().strip())
            b.start()
            with open(os.path.join(b.state, "lock"), encoding="ascii") as file:
                self.assertEqual(str(b.process.pid), file.readline().strip())
            self.assert_books(b)


class SlowDisk(Case):
    def test_each_sync_takes_long(self):
        """Runs start late, which can be seen, and all is accounted for."""
        with Kept() as b:
            b.start(prefix=("strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
                            "inject=fdatasync:delay_enter=1200000", "-E", "BELFRY_TEST=1"))
            wait_for(lambda: len(b.read_stamps()) >= 4, "jobs to run")
            late = wait_for(lambda: b.sql("SELECT max(started_at - scheduled_at) FROM run "
                                          "WHERE started_at IS NOT NULL")[0][0],
                            "lateness to be recorded")
            self.assertGreater(late, 1000)
            self.assertEqual(200, health(b)[0])
            b.settle()
            self.assertEqual([], b.wrong())


if __name__ == "__main__":
    enter_namespace()
    unittest.main(verbosity=2)
