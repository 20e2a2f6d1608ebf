#!/usr/bin/python3
"""Policies on the real daemon: what waits, who goes first, what is paused or renamed."""
import json
import os
import unittest

from harness import Belfry, job, shell, wait_for

# Stands in a file while it runs; says how many others did, and waits until it is let go.
CROWD = ("mkdir -p $D; touch $D/$BELFRY_RUN_ID; ls $D | wc -l; "
         "while [ ! -e $GO ]; do sleep 0.05; done; sleep 0.2; rm $D/$BELFRY_RUN_ID")


def crowd(b, name, **more):
    return job(name, shell(CROWD), env={"D": b.path("crowd"), "GO": b.path("go")}, **more)


def let_go(b):
    with open(b.path("go"), "w", encoding="utf-8"):
        pass


def occurrences(b, name, state):
    path = f"/api/v1/occurrences?job={name}&state={state}"
    return json.loads(b.http("GET", path)[1])["occurrences"]


class Places(unittest.TestCase):
    def test_a_group_never_has_more_than_its_limit(self):
        names = [f"db-{i}" for i in range(6)]
        with Belfry([]) as b:
            b.write([crowd(b, name, group="db") for name in names[:5]] +
                    [crowd(b, names[5], group="db", group_limit=2), job("free", ["true"])])
            b.start()
            runs = [b.trigger(name) for name in names]
            self.assertEqual("succeeded", b.wait_run(b.trigger("free"))["outcome"])
            states = [run["state"] for run in b.runs() if run["job"] != "free"]
            self.assertEqual(4, states.count("claimed"), states)
            b.kill()  # and those that run hold their places in the next life
            b.start()
            let_go(b)
            counts = []
            for run in runs:
                self.assertEqual("succeeded", b.wait_run(run)["outcome"])
                counts.append(int(b.text_of(run)))
            self.assertLessEqual(max(counts), 2)

    def test_the_larger_priority_goes_first(self):
        with Belfry([]) as b:
            b.write([crowd(b, "holds"), job("low", ["true"], priority=-1),
                     job("usual", ["true"]), job("high", ["true"], priority=7)])
            b.start("--max-running", "1")
            holds = b.trigger("holds")
            wait_for(lambda: b.text_of(holds), "it to run")
            for name in ["low", "usual", "high"]:
                b.trigger(name)
            let_go(b)
            started = {name: b.finished(name)[0]["started_at"] for name in ["low", "usual", "high"]}
            self.assertEqual(["high", "usual", "low"], sorted(started, key=started.get))


class Deadline(unittest.TestCase):
    def test_what_runs_and_what_waits(self):
        with Belfry([]) as b:
            b.write([job("runs", shell("sleep 600"), deadline="2s", grace="1s",
                         retry={"attempts": 5, "on": ["timed_out"]}),
                     crowd(b, "holds", group="g"),
                     job("waits", ["true"], group="g", deadline="1s")])
            b.start()
            holds, runs, waits = (b.trigger(name) for name in ["holds", "runs", "waits"])
            end = b.wait_run(runs)
            self.assertEqual(("timed_out", 1), (end["outcome"], end["attempt"]), end)
            self.assertIn("not done by its deadline", end["message"])
            end = b.wait_run(waits)
            self.assertEqual(("timed_out", None), (end["outcome"], end["started_at"]))
            self.assertIn('never started by its deadline (1s): group "g" had no place (limit 1)',
                          end["message"])
            let_go(b)
            self.assertEqual("succeeded", b.wait_run(holds)["outcome"])

    def test_it_holds_while_the_daemon_is_away(self):
        with Belfry([]) as b:
            mark = b.path("mark")
            b.write([job("runs", shell(f"trap 'touch {mark}; exit 1' TERM; echo on; "
                                       "while :; do sleep 0.1; done"), deadline="3s", grace="5s")])
            b.start()
            run = b.trigger("runs")
            wait_for(lambda: b.text_of(run), "it to run")
            b.kill()
            wait_for(lambda: os.path.exists(mark), "the runner to end it")
            b.start()
            end = b.wait_run(run)
            self.assertEqual("timed_out", end["outcome"], end)
            self.assertIn("deadline", end["message"])


class Pauses(unittest.TestCase):
    def test_paused_through_crash_and_reload(self):
        with Belfry([job("tick", ["true"], "@every 1s"), job("other", ["true"])]) as b:
            b.start()
            b.finished("tick")
            shown = b.ask("pause", "tick", "--reason", "mail moves")["paused"]
            before = len(b.runs("--job", "tick"))
            self.assertTrue(b.said("mail moves"))
            b.kill()
            b.start()
            wait_for(lambda: occurrences(b, "tick", "skipped"), "an instant to be skipped")
            self.assertEqual({"paused"}, {o["reason"] for o in occurrences(b, "tick", "skipped")})
            b.write([job("other", ["true"])])
            b.wait_said("revision 2 in force")
            b.write([job("tick", ["true"], "@every 1s"), job("other", ["false"])])
            b.wait_said("revision 3 in force")
            now = b.ask("status", "tick")
            self.assertEqual((shown, None), (now["paused"], now["next"]))
            self.assertIn("paused", b.run_command("list", check=0).stdout)
            self.assertEqual(before, len(b.runs("--job", "tick")))
            # by hand it starts as ever
            self.assertEqual("succeeded", b.wait_run(b.trigger("tick"))["outcome"])
            skipped = len(occurrences(b, "tick", "skipped"))
            wait_for(lambda: len(occurrences(b, "tick", "skipped")) > skipped, "one more skip")
            b.run_command("resume", "--all", check=0)
            b.finished("tick", before + 2)
            late = [run for run in b.runs("--job", "tick") if run["trigger"] == "catchup"]
            self.assertEqual([], late)

    def test_it_ends_by_itself(self):
        with Belfry([job("tick", ["true"], "@every 1s")]) as b:
            b.start()
            b.run_command("pause", "tick", "--for", "3s", check=0)
            before = len(b.runs("--job", "tick"))
            b.wait_said("the time of its pause is over")
            b.finished("tick", before + 1)
            self.assertIsNone(b.ask("status", "tick")["paused"])


class Renamed(unittest.TestCase):
    def test_a_job_keeps_everything(self):
        with Belfry([]) as b:
            b.write([crowd(b, "old"), job("quiet", ["true"])])
            b.start()
            first = b.trigger("old")
            wait_for(lambda: b.text_of(first), "it to run")
            b.run_command("pause", "quiet", check=0)
            b.write([crowd(b, "new", was="old"), job("calm", ["true"], was=["quiet", "other"])])
            b.wait_said("revision 2 in force")
            self.assertEqual("running already",
                             "running already" if b.run_command("trigger", "new").returncode == 1
                             else "it was started a second time")
            self.assertTrue(b.ask("status", "calm")["paused"])
            b.kill()
            b.start()
            self.assertEqual([first], [run["id"] for run in b.runs("--job", "new")])
            self.assertEqual([("new",)], b.sql("SELECT DISTINCT job FROM run"))
            let_go(b)
            self.assertEqual("succeeded", b.wait_run(first)["outcome"])
            changes = json.loads(b.sql("SELECT changes FROM revision WHERE number = 2")[0][0])
            self.assertEqual([("new", "rename", "old"), ("calm", "rename", "quiet")],
                             [(c["job"], c["change"], c["was"]) for c in changes])
            self.assertEqual([("calm",)], b.sql("SELECT job FROM pause"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
