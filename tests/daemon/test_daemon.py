#!/usr/bin/python3
"""The real daemon: jobs on time, crashes, reloads, stops. See harness.py."""
import datetime
import json
import os
import signal
import subprocess
import time
import unittest

from harness import BELFRY, Belfry, job, shell, wait_for


class Rings(unittest.TestCase):
    def test_a_job_runs_on_time_and_its_run_is_kept(self):
        with Belfry([job("tick", shell("echo out; echo err >&2; exit 3"), "@every 2s")]) as b:
            b.start()
            runs = b.finished("tick", 2)
            for run in runs:
                self.assertEqual(("failed", 3, "schedule"),
                                 (run["outcome"], run["exit_code"], run["trigger"]))
                self.assertEqual(0, int(run["scheduled_at"][17:19]) % 2)
                self.assertLess(run["lateness_ms"], 1000)
            self.assertNotEqual(runs[0]["scheduled_at"], runs[1]["scheduled_at"])
            self.assertEqual("out\nerr\n", b.text_of(runs[0]["id"]))

    def test_outcomes(self):
        rows = {
            "fine": ("true", {}, "succeeded"),
            "lost-two": ('echo \'{"event":"result","processed":120,"failed":2,'
                         '"message":"2 addresses bounced"}\'', {}, "partial"),
            "code": ("exit 75", {"exit_codes": {"partial": [75]}}, "partial"),
            "bad": ("exit 1", {}, "failed"),
            "killed": ("kill -9 $$", {}, "failed"),
            "slow": ("sleep 600", {"timeout": "1s"}, "timed_out"),
            "stubborn": ("trap '' TERM; while :; do sleep 0.1; done",
                         {"timeout": "1s", "grace": "1s"}, "timed_out"),
        }
        with Belfry([job(name, shell(text), **more) for name, (text, more, _) in rows.items()]) as b:
            b.start()
            ids = {name: b.trigger(name) for name in rows}
            for name, (_, _, outcome) in rows.items():
                run = b.wait_run(ids[name])
                self.assertEqual(outcome, run["outcome"], run)
            lost = b.wait_run(ids["lost-two"])
            self.assertEqual((120, 2, "2 addresses bounced"),
                             (lost["processed"], lost["failed"], lost["message"]))
            self.assertEqual(9, b.wait_run(ids["killed"])["signal"])

    def test_what_cannot_start_says_why(self):
        with Belfry([job("gone", ["no-such-program"]),
                     job("later", "true", docker={"image": "x"})]) as b:
            b.start()
            run = b.wait_run(b.trigger("gone"))
            self.assertEqual("failed", run["outcome"])
            self.assertIn("no-such-program", run["message"])
            run = b.wait_run(b.trigger("later"))
            self.assertEqual("failed", run["outcome"])
            self.assertIn("not in this build", run["message"])

    def test_what_came_from_the_environment_is_never_shown(self):
        jobs = [job("program", ["/nowhere/${HIDDEN}", "${HIDDEN}"], dry_run=["${HIDDEN}"]),
                job("folder", ["true"], cwd="/nowhere/${HIDDEN}"),
                job("file", ["true"], env_file="/nowhere/${HIDDEN}"),
                job("fails", ["false", "${HIDDEN}"], env={"A": "${HIDDEN}"}),
                {"name": "http", "schedule": "@yearly",
                 "http": {"url": "http://x/${HIDDEN}", "headers": {"A": "${HIDDEN}"}}}]
        with Belfry(jobs) as b:
            b.start("--log-level", "debug", env={"HIDDEN": "s3cret"})
            for row in jobs:
                b.wait_run(b.trigger(row["name"]))
                b.wait_run(b.trigger(row["name"], "--dry-run"))
            told = [b.http("GET", path)[1] for path in (
                "/health", "/api/v1/jobs", "/api/v1/runs", "/api/v1/occurrences",
                "/api/v1/revisions", "/api/v1/revisions/1")]
            told += [json.dumps(event) for event in b.log]
            told += [str(row) for row in b.sql("SELECT * FROM run")]
            told += [str(row) for row in b.sql("SELECT * FROM attempt")]
            told += [str(row) for row in b.sql("SELECT * FROM revision")]
            self.assertIn("${HIDDEN}", " ".join(told))
            for text in told:
                self.assertNotIn("s3cret", text)

    def test_retries_are_attempts_of_one_run(self):
        text = ('echo "$BELFRY_ATTEMPT $BELFRY_RUN_ID"; '
                'test "$BELFRY_ATTEMPT" = 3')
        with Belfry([job("flaky", shell(text),
                         retry={"attempts": 3, "backoff": "100ms"})]) as b:
            b.start()
            run = b.wait_run(b.trigger("flaky"))
            self.assertEqual(("succeeded", 3), (run["outcome"], run["attempt"]))
            self.assertEqual([f"{n} {run['id']}" for n in (1, 2, 3)],
                             b.text_of(run["id"]).splitlines())

    def test_overlap_forbid_skips_and_says_so(self):
        with Belfry([job("long", shell("sleep 600"), "@every 1s")]) as b:
            b.start()
            skipped = wait_for(lambda: json.loads(b.http(
                "GET", "/api/v1/occurrences?job=long&state=skipped")[1])["occurrences"], "a skip")
            self.assertEqual("overlap", skipped[-1]["reason"])
            self.assertEqual(1, len(b.runs()))
            refused = b.run_command("trigger", "long")
            self.assertEqual(1, refused.returncode)
            self.assertIn("running already", refused.stderr)
            b.run_command("cancel", b.runs()[0]["id"], check=0)
            run = b.finished("long")[0]
            self.assertEqual("canceled", run["outcome"])

    def test_dry_run(self):
        with Belfry([job("send", shell('echo "dry $BELFRY_DRY_RUN $1" --'),
                         dry_run=["--dryRun"])]) as b:
            b.start()
            run = b.wait_run(b.trigger("send", "--dry-run"))
            self.assertTrue(run["dry_run"])
            self.assertEqual("succeeded", run["outcome"])
            self.assertIn("dry 1", b.text_of(run["id"]))


class Survives(unittest.TestCase):
    def test_daemon_killed_while_a_job_writes(self):
        """One run, 20 lines, the true status; belfry away for five of the seconds."""
        text = "for i in $(seq 20); do echo line $i; sleep 1; done; exit 7"
        with Belfry([job("writer", shell(text))]) as b:
            b.start()
            run = b.trigger("writer")
            wait_for(lambda: "line 2" in b.text_of(run), "the second line")
            b.kill()
            time.sleep(5)  # the outage itself, not a wait for something
            b.start()
            end = b.wait_run(run)
            self.assertEqual(1, len(b.runs()))
            self.assertEqual(("failed", 7), (end["outcome"], end["exit_code"]))
            self.assertEqual([f"line {i}" for i in range(1, 21)],
                             b.text_of(run).splitlines())

    def test_what_ended_while_belfry_was_down_ended_then(self):
        """Not when belfry came back and heard of it."""
        with Belfry([]) as belfry:
            begun, done = belfry.path("begun"), belfry.path("done")
            belfry.write([job("short", shell(f"echo >{begun}; sleep 0.5; echo >{done}"))])
            belfry.start()
            run = belfry.trigger("short")
            wait_for(lambda: os.path.exists(begun), "the job to begin")
            belfry.kill()
            wait_for(lambda: os.path.exists(done), "the job to end")
            wait_for(lambda: time.time() > os.stat(done).st_mtime + 3, "some time to pass")
            back_at = time.time()
            row = belfry.start().wait_run(run)
            finished = datetime.datetime.fromisoformat(row["finished_at"].replace("Z", "+00:00"))
            self.assertLess(finished.timestamp(), back_at)
            self.assertEqual(row["outcome"], "succeeded")

    def test_the_log_is_followed_over_a_restart(self):
        """What was shown before is not shown again."""
        go = "while [ ! -e $0.go ]; do sleep 0.05; done"
        with Belfry([]) as b:
            b.write([job("writer", ["sh", "-c", f"echo one; {go}; echo two", b.path("${N}")])])
            for number, words in enumerate(([], ["--stream", "stdout"], ["--json"])):
                b.start(env={"N": str(number)})
                run = b.trigger("writer")
                with subprocess.Popen([BELFRY, "logs", "-f", run, "--server", b.url, *words],
                                      text=True, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE) as follower:
                    first = follower.stdout.readline()
                    self.assertEqual(0, b.stop())
                    self.assertIn("went away", follower.stderr.readline())
                    b.start("--listen", b.url.removeprefix("http://"), env={"N": str(number)})
                    open(b.path(f"{number}.go"), "w", encoding="ascii").close()
                    lines = [first, *follower.communicate(timeout=60)[0].splitlines(True)]
                if "--json" in words:
                    lines = [json.loads(line)["text"] for line in lines]
                self.assertEqual((0, ["one\n", "two\n"]), (follower.returncode, lines))
                b.stop()

    def test_killed_again_and_again(self):
        """20 kills while 10 jobs run: nothing is lost, nothing twice."""
        with Belfry([job(f"j{i}", shell(f"for n in $(seq 30); do echo $n; sleep 0.2; done; "
                                        f"exit {i}")) for i in range(10)]) as b:
            b.start()
            ids = [b.trigger(f"j{i}") for i in range(10)]
            for _ in range(20):
                b.kill()
                b.start()
            for i, run in enumerate(ids):
                end = b.wait_run(run)
                self.assertEqual(i, end["exit_code"], end)
                self.assertEqual([str(n) for n in range(1, 31)], b.text_of(run).splitlines())
            self.assertEqual(10, len(b.runs()))

    def test_runner_killed_is_told_as_unknown(self):
        with Belfry([job("long", shell("echo begun; sleep 600"))]) as b:
            b.start()
            run = b.trigger("long")
            wait_for(lambda: "begun" in b.text_of(run), "the job to begin")
            b.end_runner()
            end = b.wait_run(run)
            self.assertEqual("unknown", end["outcome"])
            self.assertTrue(end["message"])
            # a new runner takes the next one
            again = b.trigger("long")
            wait_for(lambda: "begun" in b.text_of(again), "the job to begin again")

    def test_thousand_in_one_second(self):
        """1,000 jobs due at the same instant: 1,000 runs, none twice."""
        at = time.gmtime(time.time() + 12)
        cron = f"{at.tm_sec} {at.tm_min} {at.tm_hour} * * *"
        with Belfry([job(f"job-{i}", ["true"], cron) for i in range(1000)]) as b:
            b.start()
            wait_for(lambda: b.sql("SELECT count(*) FROM run WHERE state = 'finished'")
                     [0][0] >= 1000, "1,000 runs")
            total, jobs, good = b.sql(
                "SELECT count(*), count(DISTINCT job), sum(outcome = 'succeeded') FROM run")[0]
            self.assertEqual((1000, 1000, 1000), (total, jobs, good))

    def test_downtime_is_caught_up_once(self):
        with Belfry([job("often", ["true"], "@every 1s", catchup="once"),
                     job("never", ["true"], "@every 1s", catchup="none")]) as b:
            b.start()
            b.finished("often")
            b.kill()
            time.sleep(5)  # the outage itself
            b.start()
            wait_for(lambda: [run for run in b.runs("--job", "often")
                              if run["trigger"] == "catchup"], "the catch-up run")
            missed = json.loads(b.http("GET", "/api/v1/occurrences?job=never&state=missed")[1])
            rows = missed["occurrences"]
            self.assertEqual("down", rows[0]["reason"])
            self.assertGreaterEqual(rows[0]["count"], 3)
            caught = [run for run in b.runs("--job", "often") if run["trigger"] == "catchup"]
            self.assertEqual(1, len(caught))
            instants = [run["scheduled_at"] for run in b.runs("--job", "often")]
            self.assertEqual(len(instants), len(set(instants)))

    def test_second_daemon_is_refused(self):
        with Belfry([]) as b:
            b.start()
            second = subprocess.run(
                [BELFRY, "serve", "--config", b.config, "--state", b.state,
                 "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True, timeout=30)
            self.assertEqual(1, second.returncode)
            self.assertIn(str(b.process.pid), second.stderr)


class Reloads(unittest.TestCase):
    def test_changes_by_rename_and_by_signal(self):
        with Belfry([job("a", shell("sleep 600"))]) as b:
            b.start()
            running = b.trigger("a")
            b.write([job("a", shell("sleep 600")), job("b", ["true"])])
            b.wait_said("revision 2 in force")
            self.assertEqual({"a", "b"}, {row["name"] for row in b.ask("list")})
            b.process.send_signal(signal.SIGHUP)
            b.wait_said("nothing changed")
            self.assertEqual("running", [run for run in b.runs() if run["id"] == running]
                             [0]["state"])
            revisions = json.loads(b.http("GET", "/api/v1/revisions")[1])
            rows = revisions["revisions"]
            self.assertEqual([2, 1], [row["number"] for row in rows])
            self.assertEqual([{"job": "b", "change": "create"}], rows[0]["changes"])

    def test_a_bad_file_changes_nothing(self):
        with Belfry([job("a", ["true"])]) as b:
            b.start()
            b.write_raw('{"jobs": [{"name": "a", "shedule": "* * * * *"}]}')
            b.wait_said("is refused", "error")
            b.wait_said("did you mean")
            self.assertEqual(["a"], [row["name"] for row in b.ask("list")])
            self.assertEqual("succeeded", b.wait_run(b.trigger("a"))["outcome"])
            self.assertIn("shedule", b.http("GET", "/health")[1])
            b.write([job("a", ["true"]), job("c", ["true"])])
            b.wait_said("revision 2 in force")

    def test_a_file_cut_short_takes_no_job_away(self):
        with Belfry([job("a", ["true"])]) as b:
            b.start()
            with open(b.config, "w", encoding="utf-8"):
                pass  # as a deploy or an editor leaves it for a while
            b.wait_said("is empty", "error")
            self.assertEqual(["a"], [row["name"] for row in b.ask("list")])
            self.assertIn("is empty", b.http("GET", "/health")[1])
            b.write([])
            b.wait_said("revision 2 in force")
    def config_part(self, b):
        part = json.loads(b.http("GET", "/health")[1])["config"]
        return part["status"], part["message"] or ""

    def jobs_of_revisions(self, b):
        return [len(json.loads(content)["jobs"]) for (content,) in
                b.sql("SELECT content FROM revision ORDER BY number")]

    def test_a_file_written_in_two_steps_ends_no_jobs(self):
        with Belfry([job("a", ["true"]), job("b", ["true"])]) as b:
            b.start()
            with open(b.config, "w", encoding="utf-8") as file:
                # Empty for as long as it takes to be seen.
                said = b.wait_said("is empty; write", "error")[0]["msg"]
                self.assertIn('write {"jobs": []} to have no jobs; revision 1 stays', said)
                self.assertEqual([], b.said("which means no jobs"))
                self.assertEqual(2, len(b.ask("list")))
                status, message = self.config_part(b)
                self.assertEqual("refused", status)
                self.assertIn("is empty", message)
                file.write(json.dumps({"jobs": [job("a", ["true"]), job("c", ["true"])]}))
            b.wait_said("revision 2 in force")
            self.assertEqual(("ok", ""), self.config_part(b))
            b.stop()
            self.assertEqual([2, 2], self.jobs_of_revisions(b))

    def test_white_space_at_a_restart_ends_no_jobs(self):
        with Belfry([job("a", ["true"])]) as b:
            b.start()
            b.stop()
            b.write_raw(" \n")
            b.start()
            self.assertTrue(b.said("is empty; write", "error"))
            self.assertEqual(["a"], [row["name"] for row in b.ask("list")])
            self.assertEqual("refused", self.config_part(b)[0])
            b.write([job("a", ["false"])])
            b.wait_said("revision 2 in force")
            b.stop()
            self.assertEqual([1, 1], self.jobs_of_revisions(b))

    def test_no_jobs_said_is_no_jobs(self):
        with Belfry([job("a", ["true"]), job("b", ["true"])]) as b:
            b.start()
            b.write([])
            b.wait_said("revision 2 in force")
            self.assertTrue(b.said("no jobs any more: 2 jobs are gone", "warn"))
            b.write_raw("")
            b.wait_said("revision 3 in force")
            self.assertTrue(b.said("the file is empty, which means no jobs", "warn"))

    def test_an_empty_file_at_the_first_start_is_no_jobs(self):
        with Belfry([]) as b:
            b.write_raw("")
            b.start()
            self.assertTrue(b.said("the file is empty, which means no jobs", "warn"))
            self.assertEqual([], b.ask("list"))

    def test_a_bad_file_at_the_start_is_refused(self):
        with Belfry([]) as b:
            b.write_raw("{")
            b.start(wait=False)
            self.assertEqual(2, b.process.wait(30))


class Stops(unittest.TestCase):
    def test_leave(self):
        with Belfry([job("long", shell("sleep 3; echo done"))]) as b:
            b.start("--stop", "leave")
            run = b.trigger("long")
            wait_for(lambda: [r for r in b.runs() if r["state"] == "running"], "the run")
            self.assertEqual(0, b.stop())
            self.assertTrue(b.runner_pids())
            b.start()
            self.assertEqual("succeeded", b.wait_run(run)["outcome"])
            self.assertEqual("done\n", b.text_of(run))

    def test_wait(self):
        with Belfry([job("long", shell("sleep 2; echo done"))]) as b:
            b.start("--stop", "wait")
            run = b.trigger("long")
            wait_for(lambda: [r for r in b.runs() if r["state"] == "running"], "the run")
            self.assertEqual(0, b.stop())
            self.assertEqual([("succeeded",)],
                             b.sql("SELECT outcome FROM run"))
            wait_for(lambda: not b.runner_pids(), "the runner to go")
            self.assertTrue(run)

    def test_kill(self):
        with Belfry([job("long", shell("sleep 600"))]) as b:
            b.start("--stop", "kill", "--stop-timeout", "1s")
            b.trigger("long")
            wait_for(lambda: [r for r in b.runs() if r["state"] == "running"], "the run")
            self.assertEqual(0, b.stop(signal.SIGINT))
            self.assertEqual([("canceled",)], b.sql("SELECT outcome FROM run"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
