#!/usr/bin/python3
"""What is written for a terminal fits it, from 40 columns on; nothing that matters is lost."""
import unittest

from fake import Fake, job_row, run_row
from offline import Folder, job

WIDTHS = (40, 41, 52, 66, 79, 80, 81, 100, 200)
UTF8 = {"LC_ALL": "C.UTF-8"}
JOBS = [job_row("send-founder-emails", last=run_row(2)),
        job_row("send-weekly-digest", {"every": "week", "weekday": "monday", "time": "10:00"},
                last=run_row(3, outcome="partial")),
        job_row("x" * 60, "*/5 8-18 * * mon-fri", last=run_row(4, outcome="timed_out")),
        job_row("warm", "@reboot", next=None)]
RUNS = [run_row(3, job="send-founder-emails", outcome="partial",
                message="2 of 120 addresses bounced, the mail server said: no such user here"),
        run_row(2, job="send-founder-emails", attempt=3, outcome="failed", message="exit code 3"),
        run_row(1, job="x" * 60, trigger="manual", dry_run=True)]


class Widths(unittest.TestCase):
    def check(self, lines, columns, words):
        for line in lines:
            self.assertLessEqual(len(line), columns, (words, line))
            self.assertEqual(line.rstrip(), line, words)

    def test_everything_fits(self):
        jobs = [job("backup-of-the-database", "false", "0 9 * * *", dry_run=[]),
                job("idle", "true")]
        verbs = [["list"], ["runs"], ["status", "send-founder-emails"], ["keys"], ["test"],
                 ["next", "30 2 * * *", "--tz", "Europe/Paris", "--from", "2026-03-27"],
                 ["explain", "0 9 1-7 * +MON"], ["check", "bad.json"], ["forecast"],
                 ["doctor"], ["help"], ["version"], ["help", "test"], ["help", "serve"],
                 ["help", "check"], ["help", "next"]]
        with Fake(JOBS, RUNS) as fake, Folder(*jobs) as folder:
            folder.write("bad.json", '{"jobs": [{"name": "a", "schedule": "0 9 * * funday", '
                                     '"comand": "true"}]}')
            for words in verbs:
                for columns in WIDTHS:
                    lines = folder.screen(*words, columns=columns,
                                          env={**UTF8, "BELFRY_SERVER": fake.url})
                    # What is said on standard error is no table.
                    self.check([line for line in lines if not line.startswith("belfry ")],
                               columns, words)

    def test_names_are_whole_at_80_columns(self):
        with Fake(JOBS, RUNS) as fake, Folder() as folder:
            for words in (["list"], ["runs"]):
                lines = folder.screen(*words, columns=80,
                                      env={**UTF8, "BELFRY_SERVER": fake.url})
                self.assertIn("send-founder-emails", "\n".join(lines), words)

    def test_runs_say_why_at_40_columns(self):
        with Fake(JOBS, RUNS) as fake, Folder() as folder:
            lines = folder.screen("runs", columns=40, env={**UTF8, "BELFRY_SERVER": fake.url})
        text = "\n".join(lines)
        self.assertRegex(lines[0], r"^ID +JOB +OUTCOME$")
        self.assertRegex(lines[1], r"^0000000000003  send-.*…  partial$")
        self.assertIn("    2 of 120 addresses bounced, the mail\n    server said: no such user here\n", text)
        self.assertIn("    attempt 3: exit code 3\n", text)

    def test_runs_at_80_columns(self):
        with Fake(JOBS, RUNS[1:2]) as fake, Folder() as folder:
            lines = folder.screen("runs", columns=80, env={**UTF8, "BELFRY_SERVER": fake.url})
        self.assertEqual(["ID             JOB                  TRIGGER   STARTED (UTC)   TOOK  "
                          "OUTCOME",
                          "0000000000002  send-founder-emails  schedule  11-23 09:00:00  4.1s  "
                          "failed", "    attempt 3: exit code 3", ""], lines)

    def test_keys_tell_what_they_mean(self):
        with Folder() as folder:
            for columns in (40, 80):
                lines = folder.screen("keys", "retry.backoff", columns=columns, env=UTF8)
                wide = folder.screen("keys", "retry.backoff", columns=500, env=UTF8)
                meaning = wide[1].split("  ")[-1].split()
                self.assertGreater(len(meaning), 2)
                found = [word for word in " ".join(lines).split() if word in meaning]
                self.assertLessEqual(set(meaning), set(found))

    def test_at_start(self):
        with Fake(JOBS[3:]) as fake:
            self.assertRegex(fake.run("list").stdout, r"(?m)^warm +@reboot +at start +-$")


if __name__ == "__main__":
    unittest.main(verbosity=2)
