#!/usr/bin/python3
"""Old history goes, by each job's `keep`; a minute after the start, in small batches.

A history of weeks is put into the store between two lives of the daemon; the second one has
to find what is beyond the limits, and nothing else.
"""
import os
import sqlite3
import time
import unittest

from harness import Belfry, job, wait_for

HOUR = 3600 * 1000
DAY = 24 * HOUR
# The first look comes after a minute; a step of a hundred runs each 50 ms.
PATIENCE_S = 180


class History:
    """Writes rows as belfry does."""

    def __init__(self, belfry):
        self.database = sqlite3.connect(os.path.join(belfry.state, "belfry.db"))
        self.now = int(time.time() * 1000)
        self.last = 0

    def close(self):
        self.database.commit()
        self.database.close()

    def run(self, name, age, finished=True):
        self.last += 1
        at = self.now - age
        self.database.execute(
            "INSERT INTO run (id, job, executor, trigger, scheduled_at, epoch, revision, dry_run, "
            "claimed_at, state, outcome, attempt, started_at, finished_at, exit_code, signal, "
            "output_bytes) VALUES (?, ?, 'process', 'schedule', ?, 0, 1, 0, ?, ?, ?, 1, ?, ?, 0, "
            "0, 5)",
            (self.last, name, at, at, "finished" if finished else "running",
             "succeeded" if finished else "", at, at + 1000 if finished else None))
        self.database.execute(
            "INSERT INTO occurrence (job, scheduled_at, epoch, state, reason, run, last_at, "
            "count, recorded_at) VALUES (?, ?, 0, 'ran', '', ?, ?, 1, ?)",
            (name, at, self.last, at, at))
        self.database.execute(
            "INSERT INTO attempt (run, number, outcome, started_at, finished_at, exit_code, "
            "signal) VALUES (?, 1, 'succeeded', ?, ?, 0, 0)", (self.last, at, at + 1000))
        self.database.execute(
            "INSERT INTO log (run, attempt, position, stream, at, data) "
            "VALUES (?, 1, 0, 'stdout', ?, x'68656c6c6f')", (self.last, at))
        return self.last

    def missed(self, name, age):
        at = self.now - age
        self.database.execute(
            "INSERT INTO occurrence (job, scheduled_at, epoch, state, reason, last_at, count, "
            "recorded_at) VALUES (?, ?, 0, 'missed', 'down', ?, 1, ?)", (name, at, at, at))


class Retention(unittest.TestCase):
    def test_by_age_and_by_number(self):
        jobs = [job("few", "true", keep={"age": "30d", "runs": 50}),
                job("young", "true", keep={"age": "1d", "runs": 1000}),
                job("usual", "true")]
        with Belfry(jobs) as b:
            b.start()
            self.assertEqual(0, b.stop())
            history = History(b)
            kept = {"few": [], "young": [], "usual": [], "gone": []}
            # 400 within the age, the newest 50 of them are kept; 30 that are too old anyway.
            for i in range(30):
                history.run("few", 60 * DAY - i)
            few = [history.run("few", 20 * DAY - i * HOUR) for i in range(400)]
            kept["few"] = few[-50:]
            for i in range(250):
                history.run("young", 9 * DAY - i * HOUR // 2)
            kept["young"] = [history.run("young", 23 * HOUR - i * 60000) for i in range(120)]
            # 90 days and 1,000 runs, for a job that says nothing and for one that is gone.
            for name in ("usual", "gone"):
                history.run(name, 91 * DAY)
                kept[name] = [history.run(name, 89 * DAY - i * HOUR) for i in range(150)]
            crowd = [history.run("crowd", 10 * DAY - i * 60000) for i in range(1130)]
            kept["crowd"] = crowd[-1000:]
            for name, age in (("few", 31 * DAY), ("few", 29 * DAY), ("young", 2 * DAY),
                              ("gone", 100 * DAY), ("gone", 80 * DAY)):
                history.missed(name, age)
            history.close()
            b.start()
            runs = {}

            def is_done():
                for name in kept:
                    runs[name] = [row[0] for row in b.sql(
                        f"SELECT id FROM run WHERE job = '{name}' ORDER BY id")]
                return runs == kept
            try:
                wait_for(is_done, "old history to go", PATIENCE_S)
            finally:
                for name, ids in kept.items():
                    self.assertEqual(len(ids), len(runs[name]), name)
            self.assertEqual(kept, runs)
            total = sum(map(len, kept.values()))
            for table in ("attempt", "log"):
                self.assertEqual([(total,)], b.sql(f"SELECT count(DISTINCT run) FROM {table}"))
            self.assertEqual([(total,)],
                             b.sql("SELECT count(*) FROM occurrence WHERE state = 'ran'"))
            self.assertEqual([("few", 29), ("gone", 80)], b.sql(
                f"SELECT job, ({history.now} - scheduled_at) / {DAY} FROM occurrence "
                "WHERE state = 'missed' ORDER BY job"))
            self.assertEqual([("ok",)], b.sql("PRAGMA integrity_check"))
            self.assertEqual([], b.said("history", "warn"))
            self.assertEqual(200, b.http("GET", "/health")[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
