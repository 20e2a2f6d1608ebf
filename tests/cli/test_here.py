#!/usr/bin/python3
"""run and test: jobs carried out here, by the real runner, and nothing left of it."""
import json
import os
import signal
import subprocess
import unittest

from offline import BELFRY, Folder, job, shell, wait_for

RESULT = '{"event":"result","processed":120,"failed":2,"message":"2 addresses bounced"}'


class Here(unittest.TestCase):
    def clean(self, folder):
        """Whatever happened: no folder, no process."""
        self.assertEqual(([], []), folder.leftovers())


class Run(Here):
    def test_outcomes(self):
        rows = {
            "fine": (shell("true"), {}, 0, r"^succeeded in [\d.]+s\n$"),
            "says": (shell('echo \'{"event":"result","processed":9,"message":"all 9 sent"}\''), {},
                     0, r"^succeeded in [\d.]+s: all 9 sent\n$"),
            "lost": (shell(f"echo '{RESULT}'"), {}, 0,
                     r"^partial in [\d.]+s: 2 addresses bounced\n$"),
            "code": (shell("exit 75"), {"exit_codes": {"partial": [75]}}, 0,
                     r"^partial in [\d.]+s: exit code 75\n$"),
            "bad": (shell("exit 3"), {}, 1, r"^failed: exit code 3, after [\d.]+s\n$"),
            "worse": (shell(f"echo '{RESULT}'; exit 1"), {}, 1,
                      r"^failed: exit code 1: 2 addresses bounced, after [\d.]+s\n$"),
            "killed": (shell("kill -9 $$"), {}, 1,
                       r"^failed: killed by SIGKILL \(9\), after [\d.]+s\n$"),
            "slow": (shell("sleep 600"), {"timeout": "200ms"}, 1, r"^timed out after [\d.]+s\n$"),
            "stubborn": (shell("trap '' TERM; while :; do sleep 0.05; done"),
                         {"timeout": "200ms", "grace": "200ms"}, 1,
                         r"^timed out after [\d.]+s\n$"),
            "gone": (["no-such-program"], {}, 1, r"^failed: .*no-such-program"),
            "later": ("true", {"docker": {"image": "x"}}, 1,
                      r"^failed: the docker executor is not in this build yet"),
        }
        with Folder(*[job(name, command, **more)
                      for name, (command, more, _, _) in rows.items()]) as folder:
            for name, (_, _, code, said) in rows.items():
                with self.subTest(name):
                    result = folder.belfry("run", name)
                    self.assertRegex(result.stderr, said)
                    self.assertEqual(code, result.returncode)
            self.clean(folder)

    def test_streams_are_kept_apart(self):
        with Folder(job("both", shell("echo out; echo err >&2; printf 'no end'"))) as folder:
            result = folder.belfry("run", "both")
            self.assertEqual("out\nno end", result.stdout)
            self.assertRegex(result.stderr, r"^err\nsucceeded in ")

    def test_all_output_comes_whole(self):
        with Folder(job("much", shell("seq 100000"))) as folder:
            result = folder.belfry("run", "much")
            self.assertEqual("".join(f"{n}\n" for n in range(1, 100001)), result.stdout)

    def test_output_comes_while_it_runs(self):
        with Folder(job("waits", shell("echo begun; until test -e go; do sleep 0.02; done; "
                                       "echo gone"))) as folder:
            with subprocess.Popen([BELFRY, "run", "waits"], cwd=folder.work,
                                  env=folder.environment(), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True) as process:
                self.assertEqual("begun\n", process.stdout.readline())
                folder.write("go", "")
                self.assertEqual("gone\n", process.stdout.readline())
                process.stdout.read()
                process.stderr.read()
                self.assertEqual(0, process.wait(60))
            self.clean(folder)

    def test_a_reader_who_goes_away_does_not_end_the_job(self):
        with Folder(job("much", shell("seq 100000; touch done"))) as folder:
            with subprocess.Popen([BELFRY, "run", "much"], cwd=folder.work,
                                  env=folder.environment(), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True) as process:
                process.stdout.readline()
                process.stdout.close()
                self.assertIn("succeeded", process.stderr.read())
                self.assertEqual(0, process.wait(60))
            self.assertTrue(os.path.exists(folder.file("done")))
            self.clean(folder)

    def test_dry_run(self):
        text = 'echo "$BELFRY_JOB dry=$BELFRY_DRY_RUN attempt=$BELFRY_ATTEMPT $1"'
        with Folder(job("send", ["sh", "-c", text, "--"], dry_run=["--dryRun"]),
                    job("plain", ["sh", "-c", text, "--"])) as folder:
            result = folder.belfry("run", "send", "--dry-run")
            self.assertEqual("send dry=1 attempt=1 --dryRun\n", result.stdout)
            self.assertNotIn("BELFRY_DRY_RUN", result.stderr)
            self.assertEqual("send dry=0 attempt=1 \n", folder.belfry("run", "send").stdout)
            result = folder.belfry("run", "plain", "--dry-run")
            self.assertEqual("plain dry=1 attempt=1 \n", result.stdout)
            self.assertIn('plain has no "dry_run"', result.stderr)

    def test_one_attempt_and_a_timeout_of_the_command_line(self):
        with Folder(job("bad", shell("echo tried; exit 1"),
                        retry={"attempts": 3, "backoff": "10ms"}),
                    job("slow", shell("sleep 600"))) as folder:
            self.assertEqual("tried\n", folder.belfry("run", "bad").stdout)
            result = folder.belfry("run", "slow", "--timeout", "100ms")
            self.assertEqual(1, result.returncode)
            self.assertIn("timed out after", result.stderr)

    def test_json(self):
        with Folder(job("lost", shell(f"echo '{RESULT}'"), dry_run=[])) as folder:
            result = folder.belfry("run", "lost", "--json", "--dry-run")
            run = json.loads(result.stdout)
            self.assertEqual(
                ("lost", "process", "manual", "finished", "partial", 0, None, 1, True, 120, 2,
                 "2 addresses bounced", None),
                tuple(run[key] for key in ("job", "executor", "trigger", "state", "outcome",
                                           "exit_code", "signal", "attempt", "dry_run",
                                           "processed", "failed", "message", "scheduled_at")))
            self.assertRegex(run["id"], r"^[0-9a-z]{13}$")
            self.assertLessEqual(run["claimed_at"], run["finished_at"])
            self.assertGreaterEqual(run["duration_ms"], 0)
            self.assertIn(RESULT, result.stderr)

    def test_signals_end_it(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with Folder(job("long", shell("echo begun; sleep 600"))) as folder:
                with subprocess.Popen([BELFRY, "run", "long"], cwd=folder.work,
                                      env=folder.environment(), stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True) as process:
                    self.assertEqual("begun\n", process.stdout.readline())
                    process.send_signal(number)
                    said = process.stderr.read()
                    self.assertEqual(1, process.wait(60))
                self.assertRegex(said, r"ending long: SIGTERM[^\n]*\ncanceled after [\d.]+s\n$")
                self.clean(folder)

    def test_a_third_signal_leaves_whatever_does_not_answer(self):
        with Folder(job("long", shell("echo begun; sleep 600"))) as folder:
            with subprocess.Popen([BELFRY, "run", "long"], cwd=folder.work,
                                  env=folder.environment(), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True) as process:
                self.assertEqual("begun\n", process.stdout.readline())
                runner = next(pid for pid, words in folder.processes() if b"runner" in words)
                os.kill(runner, signal.SIGSTOP)
                for word in ("ending", "killing", "leaving"):
                    process.send_signal(signal.SIGTERM)
                    self.assertIn(f"{word} long", process.stderr.readline())
                said = process.stderr.read()
                self.assertEqual(1, process.wait(60))
                os.kill(runner, signal.SIGCONT)
            self.assertRegex(said, r"^unknown: left before anybody could tell how it ended")
            wait_for(lambda: folder.leftovers() == ([], []), "the runner to obey and go")

    def test_wrong_files_and_names(self):
        with Folder(job("send", "true")) as folder:
            rows = [(["run", "sent"], "did you mean send?"),
                    (["run"], "belfry run: needs a JOB: belfry run JOB"),
                    (["run", "send", "--timeout", "soon"], "--timeout takes a duration"),
                    (["run", "send", "--config", "nowhere.json"], "nowhere.json")]
            for words, text in rows:
                result = folder.belfry(*words)
                self.assertEqual((2, ""), (result.returncode, result.stdout), words)
                self.assertIn(text, result.stderr)
            folder.write("schedules.json", '{"jobs": [{"name": "a"}]}')
            result = folder.belfry("run", "a")
            self.assertEqual(2, result.returncode)
            self.assertRegex(result.stderr, r"^schedules.json:1:\d+: error: jobs\[0\]")
            self.clean(folder)


class RunOnATerminal(Here):
    def test_progress_gets_out_of_the_way(self):
        text = ("echo one; until test -e go; do sleep 0.02; done; echo two; "
                "until test -e on; do sleep 0.02; done; echo three")
        with Folder(job("slow", shell(text))) as folder:
            terminal = folder.terminal("run", "slow")
            terminal.expect("slow runs since 1.0s; Ctrl-C ends it")
            folder.write("go", "")
            terminal.expect("two")
            folder.write("on", "")
            self.assertEqual(0, terminal.end())
            self.assertEqual(["one", "two", "three"], terminal.lines()[:3])
            self.assertRegex(terminal.lines()[3], r"^succeeded in ")
            self.assertEqual([""], terminal.lines()[4:])
            self.assertIn("\033[32msucceeded", terminal.raw)

    def test_an_open_line_is_left_alone(self):
        with Folder(job("asks", shell("printf 'working... '; until test -e go; do sleep 0.02; "
                                      "done; echo done"))) as folder:
            terminal = folder.terminal("run", "asks")
            terminal.expect("working... ")
            folder.write("go", "")
            self.assertEqual(0, terminal.end())
            self.assertEqual("working... done", terminal.lines()[0])

    def test_ctrl_c(self):
        with Folder(job("long", shell("echo begun; sleep 600"), grace="30s")) as folder:
            terminal = folder.terminal("run", "long")
            terminal.expect("begun")
            terminal.type("\x03")
            self.assertEqual(1, terminal.end())
            self.assertIn("ending long: SIGTERM, and SIGKILL after 30s or another Ctrl-C",
                          terminal.lines())
            self.assertIn("canceled after", terminal.raw)
            self.clean(folder)

    def test_a_second_ctrl_c_kills(self):
        text = "trap 'echo no' TERM; echo begun; while :; do sleep 0.02; done"
        with Folder(job("stubborn", shell(text), grace="10m")) as folder:
            terminal = folder.terminal("run", "stubborn")
            terminal.expect("begun")
            terminal.type("\x03")
            terminal.expect("no\r\n")
            terminal.type("\x03")
            self.assertEqual(1, terminal.end())
            self.assertIn("killing stubborn", terminal.raw)
            self.clean(folder)


class Test(Here):
    JOBS = [job("checked", shell("touch ran")),
            job("fine", shell("echo fine"), dry_run=[]),
            job("lost", shell(f"echo '{RESULT}'"), dry_run=[]),
            job("bad", shell("echo reason; echo more >&2; exit 4"), dry_run=[])]

    def test_table(self):
        with Folder(*self.JOBS) as folder:
            result = folder.belfry("test")
            self.assertEqual(1, result.returncode)
            self.assertEqual("", result.stderr)
            table, log = result.stdout.split("\n\n")
            rows = [line.split(maxsplit=3) for line in table.splitlines()]
            self.assertEqual(["JOB", "OUTCOME", "TOOK", "MESSAGE"], rows[0])
            self.assertEqual(["checked", "checked", "-", 'not run: it has no "dry_run"'], rows[1])
            self.assertEqual(["fine", "succeeded"], rows[2][:2])
            self.assertEqual(["lost", "partial", "2 addresses bounced"], rows[3][:2] + rows[3][3:])
            self.assertEqual(["bad", "failed", "exit code 4"], rows[4][:2] + rows[4][3:])
            self.assertEqual(["bad printed:", "more", "reason"],
                             log.splitlines()[:1] + sorted(log.splitlines()[1:]))
            self.assertFalse(os.path.exists(folder.file("ran")))
            self.clean(folder)

    def test_all_well(self):
        with Folder(*self.JOBS[:3]) as folder:
            result = folder.belfry("test", "schedules.json")
            self.assertEqual((0, ""), (result.returncode, result.stderr))

    def test_some_jobs(self):
        with Folder(*self.JOBS) as folder:
            result = folder.belfry("test", "--json", "--job", "lost", "--job", "fine")
            rows = json.loads(result.stdout)
            self.assertEqual(["fine", "lost"], [row["job"] for row in rows])
            self.assertEqual(0, result.returncode)
            result = folder.belfry("test", "--job", "fone")
            self.assertEqual(2, result.returncode)
            self.assertIn("did you mean fine?", result.stderr)

    def test_what_is_not_there_is_found_without_a_run(self):
        with Folder(job("gone", ["no-such-program"]), job("nowhere", "true", cwd="/no/such"),
                    job("later", "true", docker={"image": "x"})) as folder:
            rows = {row["job"]: row for row in json.loads(folder.belfry("test", "--json").stdout)}
            self.assertEqual({"failed"}, {row["outcome"] for row in rows.values()})
            self.assertIn("no-such-program", rows["gone"]["message"])
            self.assertIn("/no/such", rows["nowhere"]["message"])
            self.assertIn("not in this build yet", rows["later"]["message"])

    def test_json(self):
        with Folder(*self.JOBS) as folder:
            rows = json.loads(folder.belfry("test", "--json").stdout)
            self.assertEqual([("checked", False, None), ("succeeded", True, 0),
                              ("partial", True, 0), ("failed", True, 4)],
                             [(row["outcome"], row["dry_run"], row["exit_code"]) for row in rows])
            self.assertEqual("fine\n", rows[1]["log"])
            self.assertIsNone(rows[0]["took_ms"])
            self.assertGreaterEqual(rows[1]["took_ms"], 0)

    def test_so_many_at_a_time(self):
        """Each waits for the others to have begun: only three at a time get through."""
        text = "touch begun-$BELFRY_JOB; until test $(ls | grep -c begun) = 3; do sleep 0.02; done"
        with Folder(*[job(f"j{n}", shell(text), dry_run=[], timeout="30s")
                      for n in range(3)]) as folder:
            self.assertEqual(0, folder.belfry("test", "--parallel", "3").returncode)
        text = ("mkdir alone || exit 1; sleep 0.1; rmdir alone")
        with Folder(*[job(f"j{n}", shell(text), dry_run=[]) for n in range(4)]) as folder:
            self.assertEqual(0, folder.belfry("test", "--parallel", "1").returncode)

    def test_ctrl_c_ends_the_rest(self):
        with Folder(*[job(f"j{n}", shell("touch begun; sleep 600"), dry_run=[])
                      for n in range(3)]) as folder:
            terminal = folder.terminal("test", "--parallel", "1")
            wait_for(lambda: os.path.exists(folder.file("begun")), "the first job")
            terminal.type("\x03")
            self.assertEqual(1, terminal.end())
            self.assertEqual(3, sum(" canceled" in line for line in terminal.lines()))
            self.clean(folder)

    def test_no_jobs(self):
        with Folder(timezone="UTC") as folder:
            result = folder.belfry("test", "--json")
            self.assertEqual((0, "[]\n"), (result.returncode, result.stdout))


if __name__ == "__main__":
    unittest.main()
