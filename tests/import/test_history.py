#!/usr/bin/python3
"""cron-manager's state.db: its schedules as jobs, its past jobs as runs in belfry's store,
which a real daemon then shows.
"""
import json
import os
import sqlite3
import sys
import tempfile
import unittest

from importing import HERE, belfry, jobs

sys.path.insert(0, os.path.join(HERE, "../daemon"))
import harness  # noqa: E402

# As cron-manager's migrations leave it.
TABLES = """
CREATE TABLE schedules (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
    app_name TEXT NOT NULL, schedule TEXT NOT NULL, command TEXT NOT NULL, region TEXT,
    config TEXT NOT NULL, enabled BOOLEAN NOT NULL DEFAULT TRUE,
    command_timeout INTEGER NOT NULL DEFAULT 30);
CREATE TABLE jobs (id INTEGER PRIMARY KEY AUTOINCREMENT, schedule_id INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending', machine_id TEXT, exit_code INTEGER, stdout TEXT,
    stderr TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, finished_at TIMESTAMP);
"""
SCHEDULES = [(1, "daily digest", "kaiwa", "0 9 * * *", "node digest.js", "cdg",
              '{"image": "registry.fly.io/kaiwa:1", "auto_destroy": true}', 1, 120),
             (2, "prune", "kaiwa", "*/30 * * * *", "", "", "{}", 0, 30)]
JOBS = [
    # id, schedule, status, machine, exit code, stdout, stderr, created, finished
    (1, 1, "completed", "e28650", 0, "", None, "2026-03-02 09:00:03.25+00:00",
     "2026-03-02 09:01:00+00:00"),
    (2, 1, "failed", "e28651", 3, None, "", "2026-03-03 09:00:02", "2026-03-03 09:00:40"),
    (3, 1, "failed", "e28652", -1, None, "machine `e28652` exceeded the command timeout of 120 "
     "seconds.", "2026-03-04T09:00:01Z", "2026-03-04T09:02:06Z"),
    # Two within the minute of one due instant: somebody triggered the second.
    (4, 2, "completed", "e28653", 0, "12 rows\n", None, "2026-03-04 10:30:01", "2026-03-04 10:30:09"),
    (5, 2, "completed", "e28654", 0, None, None, "2026-03-04 10:30:30", "2026-03-04 10:30:41"),
    # At no due instant at all.
    (6, 2, "completed", "e28655", 0, None, None, "2026-03-04 10:41:17", "2026-03-04 10:41:20"),
    (7, 2, "failed", None, -1, None, "machine destroyed before we could interpret the results",
     "2026-03-04 11:00:00", "2026-03-04 11:00:00"),
    (8, 1, "running", "e28656", None, None, None, "2026-03-05 09:00:01", None),
    (9, 1, "pending", None, None, None, None, "2026-03-06 09:00:01", None),
    (10, 77, "completed", "e28657", 0, None, None, "2026-03-06 09:00:01", "2026-03-06 09:00:02"),
    (11, 1, "completed", "e28658", 0, None, None, "one day", None),
]


class History(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.state = os.path.join(self.folder, "state")
        with sqlite3.connect(os.path.join(self.folder, "state.db")) as db:
            db.executescript(TABLES)
            db.executemany("INSERT INTO schedules (id, name, app_name, schedule, command, region, "
                           "config, enabled, command_timeout) VALUES (?,?,?,?,?,?,?,?,?)", SCHEDULES)
            db.executemany("INSERT INTO jobs (id, schedule_id, status, machine_id, exit_code, "
                           "stdout, stderr, created_at, updated_at, finished_at) VALUES "
                           "(?,?,?,?,?,?,?,?,?,?)",
                           [row[:8] + (row[8] or row[7], row[8]) for row in JOBS])
        db.close()

    def run_import(self, *words):
        return belfry("import", "state.db", *words, folder=self.folder)

    def rows(self, sql):
        with sqlite3.connect(os.path.join(self.state, "belfry.db")) as db:
            found = db.execute(sql).fetchall()
        db.close()
        return found

    def test_schedules(self):
        result = self.run_import()
        self.assertEqual(0, result.returncode, result.stderr)
        found = jobs(result.stdout)
        self.assertEqual(["daily digest", "prune"], list(found))
        self.assertEqual({"app": "kaiwa", "region": "cdg",
                          "config": {"image": "registry.fly.io/kaiwa:1", "auto_destroy": True}},
                         found["daily digest"]["fly"])
        self.assertEqual(("2m", "node digest.js"), (found["daily digest"]["timeout"],
                                                    found["daily digest"]["command"]))
        self.assertEqual((False, None), (found["prune"]["enabled"], found["prune"].get("command")))
        self.assertEqual(0, belfry("check", "-", stdin=result.stdout).returncode)
        self.assertFalse(os.path.exists(self.state))

    def test_history(self):
        result = self.run_import("--state", self.state)
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertIn("history: 7 runs written\n", result.stderr)
        self.assertIn("2 jobs that cron-manager has not seen end", result.stderr)
        self.assertIn("2 jobs whose schedule is gone, or whose time is none", result.stderr)
        runs = self.rows("SELECT job, trigger, outcome, exit_code, scheduled_at, started_at, "
                         "finished_at, message FROM run ORDER BY id")
        base = 1772442000000  # 2026-03-02T09:00:00Z
        day, minute = 86400000, 60000
        timed_out = JOBS[2][6]
        self.assertEqual([
            ("daily digest", "schedule", "succeeded", 0, base, base + 3250, base + minute, None),
            ("daily digest", "schedule", "failed", 3, base + day, base + day + 2000,
             base + day + 40000, None),
            ("daily digest", "schedule", "timed_out", None, base + 2 * day, base + 2 * day + 1000,
             base + 2 * day + 126000, timed_out),
            ("prune", "schedule", "succeeded", 0, base + 2 * day + 90 * minute,
             base + 2 * day + 90 * minute + 1000, base + 2 * day + 90 * minute + 9000, None),
            ("prune", "manual", "succeeded", 0, None, base + 2 * day + 90 * minute + 30000,
             base + 2 * day + 90 * minute + 41000, None),
            ("prune", "manual", "succeeded", 0, None, base + 2 * day + 101 * minute + 17000,
             base + 2 * day + 101 * minute + 20000, None),
            ("prune", "schedule", "unknown", None, base + 2 * day + 120 * minute,
             base + 2 * day + 120 * minute, base + 2 * day + 120 * minute, JOBS[6][6]),
        ], runs)
        self.assertEqual(5, len(self.rows("SELECT * FROM occurrence WHERE state = 'ran'")))
        self.assertEqual([], self.rows("SELECT * FROM meta WHERE key = 'evaluated_until'"))

    def test_again_changes_nothing(self):
        self.run_import("--state", self.state)
        before = [self.rows(f"SELECT * FROM {table}") for table in
                  ("run", "attempt", "occurrence", "log")]
        result = self.run_import("--state", self.state)
        self.assertIn("history: 0 runs written, 7 were there already", result.stderr)
        self.assertEqual(before, [self.rows(f"SELECT * FROM {table}") for table in
                                  ("run", "attempt", "occurrence", "log")])

    def test_what_ended_meanwhile_comes_with_the_next(self):
        self.run_import("--state", self.state)
        with sqlite3.connect(os.path.join(self.folder, "state.db")) as db:
            db.execute("UPDATE jobs SET status = 'completed', exit_code = 0, "
                       "finished_at = '2026-03-05 09:00:30' WHERE id = 8")
        db.close()
        result = self.run_import("--state", self.state)
        self.assertIn("history: 1 run written, 7 were there already", result.stderr)

    def test_many_rows(self):
        with sqlite3.connect(os.path.join(self.folder, "state.db")) as db:
            db.executemany("INSERT INTO jobs (schedule_id, status, exit_code, created_at, "
                           "updated_at, finished_at) VALUES (2, 'completed', 0, ?, ?, ?)",
                           [(f"2026-02-{1 + n // 48:02} {n // 2 % 24:02}:{n % 2 * 30:02}:01",) * 3
                            for n in range(1000)])
        db.close()
        result = self.run_import("--state", self.state)
        self.assertIn("history: 1007 runs written", result.stderr)
        self.assertEqual([(1007,)], self.rows("SELECT count(*) FROM run"))

    def test_a_daemon_shows_it_and_is_not_disturbed(self):
        with harness.Belfry([]) as daemon:
            result = self.run_import("--state", daemon.state)
            daemon.write_raw(result.stdout)
            daemon.start()
            status = json.loads(daemon.run_command("status", "--json", "daily digest",
                                                   check=0).stdout)
            self.assertEqual(2, status["consecutive_failures"])
            runs = json.loads(daemon.run_command("runs", "--json", "--job", "prune",
                                                 check=0).stdout)
            self.assertEqual(4, len(runs))
            log = daemon.run_command("logs", runs[-1]["id"], check=0)
            self.assertEqual("12 rows\n", log.stdout)
            self.assertIn("job 4 of cron-manager, Machine e28653", log.stderr)
            refused = self.run_import("--state", daemon.state)
            self.assertEqual(2, refused.returncode)
            self.assertIn("uses the state directory", refused.stderr)

    def test_other_databases(self):
        path = os.path.join(self.folder, "other.db")
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE a (b)")
        db.close()
        result = belfry("import", path)
        self.assertEqual(2, result.returncode)
        self.assertIn("no database of cron-manager", result.stderr)

    def test_a_broken_schedule_writes_no_history(self):
        with sqlite3.connect(os.path.join(self.folder, "state.db")) as db:
            db.execute("UPDATE schedules SET schedule = '* *' WHERE id = 2")
        db.close()
        result = self.run_import("--state", self.state)
        self.assertEqual((2, ""), (result.returncode, result.stdout))
        self.assertIn("state.db (schedule 2): error:", result.stderr)
        self.assertFalse(os.path.exists(self.state))


if __name__ == "__main__":
    unittest.main(verbosity=2)
