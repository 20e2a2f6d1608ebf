#!/usr/bin/python3
"""Deploys on the real daemon: plan, apply, rollback, each whole or not at all."""
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import unittest

from harness import BELFRY, Belfry, job, wait_for

KILLS = int(os.environ.get("BELFRY_KILLS", "100"))


class Managed(Belfry):
    """A daemon whose jobs come from `belfry apply`."""

    def __init__(self, jobs=(), **top):
        super().__init__(list(jobs), **top)

    def source(self):
        return ("--managed",)

    def file(self, jobs, name="new.json", **top):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(jobs if isinstance(jobs, str) else json.dumps({**top, "jobs": jobs}))
        return path

    def apply(self, jobs, *options, check=0, **top):
        return self.run_command("apply", "--yes", *options, self.file(jobs, **top), check=check)

    def names(self):
        return [row["name"] for row in self.ask("list")]


class Deploys(unittest.TestCase):
    def test_first_the_changes_then_none(self):
        with Managed() as b:
            b.start()
            path = b.file([job("a", "true"), job("b", "true")])
            first = b.run_command("plan", "--detailed-exitcode", path, check=3)
            self.assertIn("Plan: 2 to create; 0 unchanged\n", first.stdout)
            self.assertEqual([], b.names())  # a plan changes nothing
            self.assertIn("applied: revision 1 is in force",
                          b.run_command("apply", "--yes", path, check=0).stdout)
            self.assertEqual(["a", "b"], b.names())
            second = b.run_command("plan", "--detailed-exitcode", path, check=0)
            self.assertEqual("Plan: no changes: 2 jobs as they are (against revision 1)\n",
                             second.stdout)
            self.assertIn("no changes", b.run_command("apply", "--yes", path, check=0).stdout)
            self.assertEqual([1], [row["number"] for row in b.ask("revisions")])

    def test_what_was_applied_is_in_force_after_a_restart(self):
        with Managed() as b:
            b.start()
            b.apply([job("a", "true")])
            b.kill()
            b.start()
            self.assertEqual(["a"], b.names())
            self.assertEqual(1, len(b.ask("revisions")))

    def test_a_file_may_be_the_first_revision(self):
        with Managed([job("first", "true")]) as b:
            b.start("--config", b.config)
            self.assertEqual(["first"], b.names())
            b.apply([job("second", "true")])
            b.stop()
            b.start("--config", b.config)  # only the first
            self.assertEqual(["second"], b.names())

    def test_a_broken_file_changes_nothing_and_says_where(self):
        with Managed() as b:
            b.start()
            b.apply([job("a", "true")])
            for verb in ("plan", "apply"):
                words = [verb] + (["--yes"] if verb == "apply" else [])
                path = b.file('{"jobs": [\n{"name": "a", "schedule": "61 * * * *", '
                              '"command": "x"},\n{"name": "a"}]}')
                done = b.run_command(*words, path, check=2)
                self.assertIn(f"{path}:2:28: error: jobs[0].schedule: minute 61", done.stderr)
                self.assertIn(f"{path}:3:", done.stderr)
            empty = b.run_command("apply", "--yes", b.file(" "), check=1)
            self.assertIn('{"jobs": []} means no jobs', empty.stderr)
            self.assertEqual(["a"], b.names())
            self.assertEqual(1, len(b.ask("revisions")))
            self.assertEqual(200, b.http("GET", "/health")[0])

    def test_a_daemon_that_follows_a_file_plans_but_is_not_applied_to(self):
        with Belfry([job("a", "true")]) as b:
            b.start()
            path = b.path("new.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"jobs": [job("a", "true"), job("b", "true")]}, file)
            self.assertIn("1 to create", b.run_command("plan", path, check=0).stdout)
            done = b.run_command("apply", "--yes", path, check=1)
            self.assertIn("follows a file", done.stderr)
            self.assertIn("--managed", done.stderr)
            done = b.run_command("rollback", "--yes", "1", check=0)  # that is in force already
            self.assertIn("no changes", done.stdout)

    def test_without_anybody_to_ask_it_wants_yes(self):
        with Managed() as b:
            b.start()
            done = b.run_command("apply", b.file([job("a", "true")]), check=2)
            self.assertIn("--yes", done.stderr)
            self.assertEqual([], b.names())

    def test_another_order_is_a_revision_that_changes_no_job(self):
        with Managed() as b:
            b.start()
            b.apply([job("a", "true"), job("b", "true")])
            done = b.apply([job("b", "true"), job("a", "true")])
            self.assertIn("no changes: 2 jobs as they are", done.stdout)
            self.assertIn("revision 2 is in force", done.stdout)
            self.assertEqual([], b.ask("revisions")[0]["changes"])

    def test_runs_that_are_going_on_are_told_and_go_on(self):
        with Managed() as b:
            b.start()
            b.apply([job("long", ["sleep", "600"])])
            run = b.trigger("long")
            wait_for(lambda: b.runs()[0]["state"] == "running", "the run to run")
            done = b.apply([])
            self.assertIn(f"1 run is not finished: {run}", done.stdout)
            self.assertEqual("running", b.runs()[0]["state"])
            b.run_command("cancel", run, check=0)
            self.assertEqual("canceled", b.wait_run(run)["outcome"])


class Revisions(unittest.TestCase):
    def test_who_what_and_why(self):
        ci = {"GITHUB_ACTOR": "octocat", "GITHUB_SHA": "0123abc"}
        with Managed() as b:
            b.start()
            b.apply([job("a", "true")], "--author", "ada", "--message", "first")
            path = b.file([job("b", "true")])
            subprocess.run([BELFRY, "apply", "--yes", path, "--server", b.url], check=True,
                           env={**os.environ, **ci}, stdout=subprocess.DEVNULL)
            new, old = b.ask("revisions")
            self.assertEqual(("ada", "first", path), (old["author"], old["message"], old["source"]))
            self.assertEqual(("octocat", "commit 0123abc"), (new["author"], new["message"]))
            self.assertEqual({("b", "create"), ("a", "delete")},
                             {(change["job"], change["change"]) for change in new["changes"]})
            table = b.run_command("revisions", check=0).stdout
            self.assertIn("1 created, 1 deleted", table)

    def test_show_and_diff(self):
        with Managed() as b:
            b.start()
            text = '{ "jobs" : [ {"name":"é","schedule":"@daily","command":"x"} ] }\n\n'
            b.apply(text)
            b.apply([job("a", "true")])
            self.assertEqual(text, b.run_command("revisions", "show", "1", check=0).stdout)
            diff = b.run_command("revisions", "diff", "1", "2", check=0).stdout
            self.assertIn("+ a: create\n", diff)
            self.assertIn("- é: delete\n", diff)
            self.assertIn("(against revision 1)", diff)
            self.assertIn("there is no revision 9",
                          b.run_command("revisions", "show", "9", check=1).stderr)
            self.assertEqual(2, b.run_command("revisions", "diff", "1").returncode)

    def test_the_job_of_a_run_as_it_was(self):
        with Managed() as b:
            b.start()
            old = {"timezone": "Europe/Paris", "defaults": {"timeout": "5m"},
                   "jobs": [job("other", "true"),
                            job("a", ["echo", "${HOME}"], "0 9 * * mon", tags=["x"])]}
            forms = [json.dumps(old), json.dumps([job("a", "true", enabled=True)]),
                     json.dumps(job("a", "false", enabled=True)),
                     '{"defaults": {"grace": "1s"}, "jobs": [{"name": "\\u0061", "command": "true", '
                     '"schedule": "@daily"}]}']
            runs = []
            for text in forms:
                with open(b.path("new.json"), "w", encoding="utf-8") as file:
                    file.write(text)
                b.run_command("apply", "--yes", b.path("new.json"), check=0)
                runs.append(b.wait_run(b.trigger("a"))["id"])
            b.apply([])  # it is gone by now
            was = [b.ask("revisions", "job", run) for run in runs]
            self.assertEqual({"revision": 1, "job": old["jobs"][1], "timezone": "Europe/Paris",
                              "defaults": {"timeout": "5m"}}, was[0])
            self.assertEqual([1, 2, 3, 4], [row["revision"] for row in was])
            self.assertEqual(["true", "false", "true"], [row["job"]["command"] for row in was[1:]])
            self.assertIn('"${HOME}"', b.run_command("revisions", "job", runs[0], check=0).stdout)
            self.assertIn("no run", b.run_command("revisions", "job", "06nk2v0d80200",
                                                  check=1).stderr)

    def test_rollback_is_a_new_revision_of_the_same_bytes(self):
        with Managed() as b:
            b.start()
            text = '{"jobs":\t[{"command":"x","name":"a","schedule":"@daily"}]}\r\n'
            b.apply(text)
            b.apply([job("b", "true")])
            done = b.run_command("rollback", "1", "--yes", check=0)
            self.assertIn("1 to create, 1 to delete", done.stdout)
            self.assertIn("rolled back to revision 1: revision 3 is in force", done.stdout)
            self.assertEqual([(text.encode(),)],
                             b.sql("SELECT content FROM revision WHERE number = 3"))
            shown = subprocess.run([BELFRY, "revisions", "show", "3", "--server", b.url],
                                   check=True, capture_output=True).stdout
            self.assertEqual(text.encode(), shown)
            self.assertEqual("rollback to revision 1", b.ask("revisions")[0]["message"])
            self.assertEqual(["a"], b.names())
            self.assertIn("there is no revision 7",
                          b.run_command("rollback", "7", "--yes", check=1).stderr)

    def test_export_is_the_file_and_plans_to_nothing(self):
        with Managed() as b:
            b.start()
            b.apply('{"jobs":[{"command":"x","name":"a","schedule":"@daily",'
                    '"env":{"A":"${HOME}"}}],"timezone":"Europe/Paris"}')
            text = b.run_command("export", check=0).stdout
            self.assertEqual(text, b.run_command("export", check=0).stdout)
            self.assertTrue(text.startswith('{\n  "timezone": "Europe/Paris",\n'))
            self.assertIn("${HOME}", text)
            done = b.run_command("plan", "--detailed-exitcode", b.file(text), check=0)
            self.assertIn("no changes", done.stdout)


class Races(unittest.TestCase):
    def test_two_at_once_end_as_one_applied_and_one_refused(self):
        with Managed() as b:
            b.start()
            b.apply([job("a", "true")])
            paths = [b.file([job(name, "true")], name + ".json") for name in ("x", "y")]
            done = [None, None]

            def apply(i):
                done[i] = b.run_command("apply", "--yes", "--expect", "1", paths[i])

            threads = [threading.Thread(target=apply, args=(i,)) for i in (0, 1)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual([0, 1], sorted(result.returncode for result in done), done)
            loser = next(result for result in done if result.returncode)
            self.assertIn("revision 1 was expected, and revision 2 is in force", loser.stderr)
            self.assertEqual(2, len(b.ask("revisions")))

    def test_killed_at_any_moment_it_is_the_old_revision_or_the_new_one(self):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}, {KILLS} kills", file=sys.stderr)
        draw = random.Random(seed)
        files = [[job(f"j{i}", ["true"], "@daily", description=word) for i in range(40)]
                 for word in ("old", "new")]
        outcomes = {"old": 0, "new": 0}
        with Managed() as b:
            b.start()
            began = time.monotonic()
            b.apply(files[0])
            took = time.monotonic() - began
            for kill in range(KILLS):
                path = b.file(files[(kill + 1) % 2])
                before = b.ask("revisions", "--limit", "1")[0]["number"]
                client = subprocess.Popen([BELFRY, "apply", "--yes", path, "--server", b.url],
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                timer = threading.Timer(draw.uniform(0, 1.5 * took), b.process.send_signal,
                                        (signal.SIGKILL,))
                timer.start()
                client.wait()
                timer.join()
                b.kill()
                b.start()
                rows = {(row["name"], row["description"]) for row in b.ask("list")}
                words = {word for _, word in rows}
                self.assertEqual((40, 1), (len(rows), len(words)), "a mixture")
                revisions = b.ask("revisions")
                self.assertIn(revisions[0]["number"], (before, before + 1))
                self.assertEqual(list(range(revisions[0]["number"], 0, -1))[:20],
                                 [row["number"] for row in revisions])
                is_new = revisions[0]["number"] == before + 1
                outcomes["new" if is_new else "old"] += 1
                if client.returncode == 0:  # what was told as applied is
                    self.assertTrue(is_new)
                if not is_new:
                    b.apply(files[(kill + 1) % 2])
        print(outcomes, file=sys.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
