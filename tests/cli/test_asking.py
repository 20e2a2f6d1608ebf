#!/usr/bin/python3
"""The verbs that ask a server: what they ask, and what they make of the answers."""
import json
import unittest

from fake import Fake, belfry, job_row, occurrence, run_row
from offline import Folder

NASTY = "a/b?c=d&e f%ü"


class Asks(unittest.TestCase):
    def test_no_server(self):
        with Fake() as fake:
            url = fake.url  # nobody listens there once it is closed
        for words in (["list"], ["status", "x"], ["runs"], ["logs", "x"], ["trigger", "x"],
                      ["cancel", "x"]):
            result = belfry(*words, "--server", url)
            self.assertEqual(1, result.returncode)
            self.assertEqual("", result.stdout)
            self.assertIn(f"cannot reach belfry at {url}: connection refused", result.stderr)
            self.assertIn("is `belfry serve` running?", result.stderr)

    def test_a_port_without_tls(self):
        with Fake() as fake:
            result = belfry("list", "--server", fake.url.replace("http", "https"))
        self.assertEqual((1, ""), (result.returncode, result.stdout))
        self.assertIn("that port does not speak TLS; try http://", result.stderr)

    def test_server_and_token_by_option_and_environment(self):
        with Fake() as fake, Fake() as other:
            belfry("list", env={"BELFRY_SERVER": fake.url, "BELFRY_TOKEN": "t1"})
            belfry("list", "--server", fake.url, "--token=t2",
                   env={"BELFRY_SERVER": other.url, "BELFRY_TOKEN": "t1"})
            belfry("list", "--server", fake.url.removeprefix("http://"))
            self.assertEqual(["Bearer t1", "Bearer t2", None], [row[3] for row in fake.asked])
            self.assertEqual([], other.asked)

    def test_answers_that_are_none(self):
        rows = [
            ((200, b"<html>hello", "text/html"), "what is no JSON"),
            ((502, b"bad gateway", "text/plain"), "answered 502 to GET /api/v1/jobs"),
            ((500, b"", "text/plain"), "answered 500"),
            ((503, {"title": "Service Unavailable", "status": 503}), "Service Unavailable"),
            ((503, {"title": "x", "detail": "the store cannot be read"}),
             "the store cannot be read"),
            ((200, b"", "text/plain"), "what is no JSON"),
        ]
        for raw, text in rows:
            with Fake(raw=raw) as fake:
                result = fake.run("list")
                self.assertEqual((1, ""), (result.returncode, result.stdout))
                self.assertIn(text, result.stderr)

    def test_answers_of_another_shape_are_read_as_far_as_they_go(self):
        for body in ({}, [], {"jobs": [{}, [], None, {"name": 3, "last": 4}]}, {"jobs": "x"},
                     {"runs": [{}, None, {"id": [], "signal": "x", "started_at": "soon"}]}, 7):
            with Fake(raw=(200, body)) as fake:
                for words in (["list"], ["runs"], ["status", "x"], ["list", "--json"],
                              ["runs", "--json"]):
                    self.assertIn(fake.run(*words).returncode, (0, 1))


class Lists(unittest.TestCase):
    def test_jobs(self):
        weekly = {"every": "week", "weekday": ["monday", "thu"], "time": "10:00"}
        last = run_row(1, outcome="partial")
        with Fake([job_row("send", last=last), job_row("digest", weekly, last=run_row(2)),
                   job_row("off", enabled=False, next=None),
                   job_row("busy", {"every": "hour", "minute": 5}, running=["1"],
                           last=run_row(3, state="running", outcome=None, finished_at=None)),
                   job_row("two", running=["1", "2"])]) as fake:
            lines = fake.run("list").stdout.splitlines()
        self.assertRegex(lines[0], r"^JOB +SCHEDULE +NEXT \(UTC\) +LAST$")
        self.assertRegex(lines[1], r"^send +0 9 \* \* \* +2026-11-24T08:00:00Z +partial .*ago$")
        self.assertRegex(lines[2], r"^digest +Monday, Thursday 10:00 +2026")
        self.assertRegex(lines[3], r"^off .* disabled +-$")
        self.assertRegex(lines[4], r"^busy +at 09:00 every day .* running .*s$|^busy .* running")
        self.assertRegex(lines[5], r" 2 running$")
        self.assertEqual(1, len({line.index("2026") for line in lines[1:3]}))

    def test_nothing(self):
        with Fake() as fake:
            for words, note in ((["list"], "no jobs"), (["runs"], "no runs yet"),
                                (["runs", "--state", "open"], "no such runs")):
                result = fake.run(*words)
                self.assertEqual((0, ""), (result.returncode, result.stdout))
                self.assertIn(note, result.stderr)
                result = fake.run(*words, "--json")
                self.assertEqual((0, [], ""),
                                 (result.returncode, json.loads(result.stdout), result.stderr))

    def test_json_is_the_api_s(self):
        with Fake([job_row("a"), job_row("b")], [run_row(2), run_row(1)]) as fake:
            self.assertEqual(fake.jobs, json.loads(fake.run("list", "--json").stdout))
            self.assertEqual(fake.runs, json.loads(fake.run("runs", "--json").stdout))
            self.assertEqual({**fake.jobs[1], "occurrences": []},
                             json.loads(fake.run("status", "b", "--json").stdout))

    def test_runs_are_followed_over_pages(self):
        rows = [run_row(number) for number in range(2500, 0, -1)]
        with Fake(runs=rows) as fake:
            for limit, pages in ((100000, 3), (2500, 3), (2000, 2), (1001, 2), (7, 1)):
                fake.asked.clear()
                found = json.loads(fake.run("runs", "--limit", str(limit), "--json").stdout)
                self.assertEqual(rows[:limit], found)
                self.assertEqual(pages, len(fake.asked))
            self.assertEqual(21, len(fake.run("runs").stdout.splitlines()))

    def test_a_server_that_turns_in_circles_is_left(self):
        """A cursor without runs behind it ends the list."""
        with Fake(raw=(200, {"runs": [], "next": "0000000000001"})) as fake:
            self.assertEqual(0, fake.run("runs", "--limit", "5000").returncode)
            self.assertEqual(1, len(fake.asked))

    def test_filters_are_passed_on(self):
        with Fake() as fake:
            fake.run("runs", "-j", NASTY, "--outcome=failed", "--state", "open", "--trigger",
                     "manual", "-n5")
            self.assertEqual(
                "/api/v1/runs?limit=5&job=a%2Fb%3Fc%3Dd%26e%20f%25%C3%BC&outcome=failed"
                "&state=open&trigger=manual", fake.asked[0][1])

    def test_runs_say_why(self):
        with Fake(runs=[run_row(5, outcome="partial", message="2 addresses bounced"),
                        run_row(4, outcome="failed", exit_code=3),
                        run_row(3, outcome="failed", exit_code=None, signal=9),
                        run_row(2, started_at=None, finished_at=None, duration_ms=None,
                                outcome=None, state="claimed", dry_run=True,
                                trigger="manual")]) as fake:
            lines = fake.run("runs").stdout.splitlines()
        self.assertRegex(lines[0], r"^ID +JOB +TRIGGER +STARTED \(UTC\) +TOOK +OUTCOME$")
        self.assertRegex(lines[1], r"^0000000000005  send +schedule +2026-11-23T09:00:00Z  4.1s"
                                   r" +partial +2 addresses bounced$")
        self.assertRegex(lines[2], r"failed +exit code 3$")
        self.assertRegex(lines[3], r"failed +SIGKILL$")
        self.assertRegex(lines[4], r"manual \(dry\) +- +- +claimed$")

    def test_runs_of_a_job_that_is_not_there(self):
        with Fake([job_row("send"), job_row("new")], [run_row(1), run_row(2, job="gone")]) as fake:
            for words in ([], ["--json"]):
                result = fake.run("runs", "--job", "sned", *words)
                self.assertEqual((1, ""), (result.returncode, result.stdout))
                self.assertIn('there is no job "sned"', result.stderr)
            self.assertEqual("no runs yet\n", fake.run("runs", "--job", "new").stderr)
            result = fake.run("runs", "--job", "gone")
            self.assertEqual(0, result.returncode)
            self.assertIn("0000000000002", result.stdout)

    def test_a_refused_file_is_told(self):
        health = {"status": "degraded", "revision": 7, "config": {
            "status": "refused", "message": "schedules.json:3:5: unknown key\nmore"}}
        note = ("schedules.json is refused; revision 7 stays in force: "
                "schedules.json:3:5: unknown key\n")
        with Fake([job_row("send")], health=health) as fake:
            for words in (["list"], ["status", "send"], ["list", "--json"]):
                result = fake.run(*words)
                self.assertEqual((0, note), (result.returncode, result.stderr), words)
        with Fake([job_row("send")]) as fake:
            self.assertEqual("", fake.run("list").stderr)

    def test_status_of_the_whole(self):
        status = {"started_at": "2026-11-25T14:00:00Z",
                  "lateness": {"runs": 1200, "p50_ms": 2, "p99_ms": 61, "max_ms": 62500},
                  "downtime": {"kind": "asleep", "since": "2026-11-24T23:03:10Z",
                               "until": "2026-11-25T06:09:42Z", "is_exact": True,
                               "caught_up": 1, "skipped": 0, "missed": 2, "superseded": 2,
                               "window_ms": None},
                  "health": {"status": "ok", "version": "9.9", "revision": 12, "jobs": 3,
                             "running": 1, "waiting": 0, "store": {"message": None},
                             "config": {"message": None}}}
        with Fake(raw=(200, status)) as fake:
            result = fake.run("status")
            self.assertEqual(0, result.returncode, result.stderr)
            lines = result.stdout.splitlines()
            self.assertEqual("belfry 9.9", lines[0])
            for line in ("health        ok", "revision      12", "jobs          3",
                         "runs          1 running, 0 waiting",
                         "lateness      p50 2ms, p99 61ms, most 1m2s500ms, of the latest 1200 "
                         "scheduled runs",
                         "last downtime asleep 2026-11-24T23:03:10Z to 2026-11-25T06:09:42Z "
                         "(7h6m32s): 3 occurrences; 1 caught up, 2 missed (not the newest)"):
                self.assertIn(line, lines)
            self.assertEqual(status, json.loads(fake.run("status", "--json").stdout))
        status["health"].update(status="failing", store={"message": "the disk is full"})
        status["downtime"] = None
        with Fake(raw=(200, status)) as fake:
            result = fake.run("status")
            self.assertEqual(1, result.returncode)
            self.assertIn("health        failing; store: the disk is full", result.stdout)
            self.assertIn("last downtime none in the last 7 days", result.stdout)
            self.assertEqual(1, fake.run("status", "--json").returncode)

    def test_status_tells_what_did_not_run(self):
        rows = [occurrence("08:00", "skipped", "overlap"),
                occurrence("06:00", "missed", "down", count=12, last_at="2026-11-23T06:55:00Z"),
                occurrence("05:00", "skipped", "overlap"),
                occurrence("04:00", "skipped", "overlap", job="other")]
        with Fake([job_row("send")], [], occurrences=rows) as fake:
            text = fake.run("status", "send").stdout
            self.assertRegex(text, r"""(?x)
DUE\ \(UTC\)\ +DID\ NOT\ RUN\ +WHY\n
2026-11-23T08:00:00Z\ +skipped\ +overlap:\ the\ run\ before\ went\ on\ still\n
2026-11-23T06:00:00Z\ +missed\ +down:\ belfry\ did\ not\ run,\ or\ the\ machine\ slept
\ \(12\ instants,\ the\ last\ at\ 2026-11-23T06:55:00Z\)\n
2026-11-23T05:00:00Z\ +skipped\ .*\n$""")
            self.assertEqual(rows[:3], json.loads(
                fake.run("status", "send", "--json").stdout)["occurrences"])

    def test_no_text_of_a_job_drives_the_terminal(self):
        with Fake([job_row("evil\x1b[2J\n\u009bx", description="a\x07")],
                  [run_row(1, message="\x1b]0;title\x07")]) as fake:
            for words in (["list"], ["runs"], ["status", fake.jobs[0]["name"]]):
                output = fake.run(*words).stdout
                self.assertNotRegex(output, r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
                self.assertIn("?", output)

    def test_status(self):
        with Fake([job_row("send", counts={"succeeded": 7, "partial": 1}, skipped=2,
                           consecutive_failures=3, tags=["mail", "daily"])],
                  [run_row(1)]) as fake:
            text = fake.run("status", "send").stdout
            for line in (r"^send$", r"^tags +mail daily$",
                         r"^schedule +0 9 \* \* \*  in Europe/Paris$", r"^ +at 09:00 every day$",
                         r"^timeout +5m, then 10s to end$",
                         r"^retry +up to 3 attempts, 10s apart at first, at most 10m$",
                         r"^catchup +once within 1h$", r"^next +2026-11-24T08:00:00Z  \(.*\)$",
                         r"^failures +3 in a row$",
                         r"^so far +7 succeeded, 1 partial; 2 skipped, 0 missed$",
                         r"^0000000000001  schedule"):
                self.assertRegex(text, "(?m)" + line)
            result = fake.run("status", "sned")
            self.assertEqual(1, result.returncode)
            self.assertIn('there is no job "sned"', result.stderr)


class Logs(unittest.TestCase):
    BYTES = b"out\n\xff\x00\x1b[1mbold\x1b[0m \xc3"

    def test_exact_bytes(self):
        with Fake(runs=[run_row(1)], log=[("stdout", self.BYTES), ("stderr", b"err\n")]) as fake:
            result = fake.run("logs", "0000000000001", binary=True)
            self.assertEqual((0, self.BYTES + b"err\n", b"succeeded in 4.1s\n"),
                             (result.returncode, result.stdout, result.stderr))
            result = fake.run("logs", "0000000000001", "--stream", "stderr", binary=True)
            self.assertEqual((b"err\n", b""), (result.stdout, result.stderr))

    def test_notes_of_belfry_go_to_standard_error(self):
        log = [("stdout", b"one\n"), ("belfry", b"3 bytes left out\n"), ("stderr", b"two")]
        with Fake(runs=[run_row(1)], log=log) as fake:
            for words in ([], ["-f"]):
                result = fake.run("logs", "0000000000001", *words)
                self.assertEqual("one\ntwo", result.stdout)
                self.assertEqual("belfry: 3 bytes left out\nsucceeded in 4.1s\n", result.stderr)
            lines = fake.run("logs", "0000000000001", "--json").stdout.splitlines()
            self.assertEqual(["stdout", "belfry", "stderr"],
                             [json.loads(line)["stream"] for line in lines])

    def test_a_job_means_its_latest_run(self):
        with Fake([job_row("send"), job_row("new")], [run_row(2), run_row(1)],
                  [("stdout", b"x")]) as fake:
            self.assertEqual("x", fake.run("logs", "send").stdout)
            self.assertIn("/api/v1/runs/0000000000002/log", fake.asked[-1][1])
            self.assertIn("new has not run yet", fake.run("logs", "new").stderr)
            self.assertIn('there is no job "old"', fake.run("logs", "old").stderr)

    def test_the_end_is_told(self):
        """A run that could not start says why; one that goes on says nothing."""
        lost = run_row(3, outcome="failed", duration_ms=None, exit_code=None,
                       message="cannot start kaiwa: no such file or directory")
        open_run = run_row(2, state="running", outcome=None, finished_at=None, duration_ms=None)
        with Fake([job_row("send")], [lost, open_run]) as fake:
            self.assertEqual("failed: cannot start kaiwa: no such file or directory\n",
                             fake.run("logs", lost["id"]).stderr)
            self.assertEqual("", fake.run("logs", open_run["id"]).stderr)

    def test_tail(self):
        log = [("stdout", b"1\n2\n3"), ("stderr", b"\n4\n"), ("stdout", b"5\n6")]
        notes = log + [("belfry", b"note")]
        with Fake(runs=[run_row(1)], log=log) as fake, \
                Fake(runs=[run_row(1)], log=notes) as noted:
            for one in (fake, noted):
                for count, text in ((1, "6"), (2, "5\n6"), (4, "3\n4\n5\n6"),
                                    (9, "1\n2\n3\n4\n5\n6")):
                    for follow in ([], ["-f"]):
                        result = one.run("logs", "0000000000001", "-n", str(count), *follow)
                        self.assertEqual((0, text), (result.returncode, result.stdout))
            self.assertEqual(2, fake.run("logs", "x", "--tail", "0").returncode)

    def test_the_tail_of_a_long_log(self):
        log = [("stdout", b"".join(b"%07d\n" % i for i in range(300000)))]
        with Fake(runs=[run_row(1)], log=log) as fake:
            self.assertEqual("0299998\n0299999\n",
                             fake.run("logs", "0000000000001", "--tail=2").stdout)

    def test_an_unknown_run(self):
        with Fake([job_row("send")]) as fake:
            for verb in ("logs", "cancel"):
                result = fake.run(verb, "0000000000009")
                self.assertEqual(1, result.returncode)
                self.assertIn("there is no run 0000000000009", result.stderr)

    def test_a_job_may_be_named_like_a_run(self):
        with Fake([job_row("0000000000009")], [run_row(1, job="0000000000009")],
                  [("stdout", b"x")]) as fake:
            self.assertEqual("x", fake.run("logs", "0000000000009").stdout)


class Acts(unittest.TestCase):
    def test_trigger(self):
        with Fake([job_row("send"), job_row("busy", running=["1"])], [run_row(1)]) as fake:
            self.assertEqual("send: run 0000000000001\n", fake.run("trigger", "send").stdout)
            self.assertEqual(("POST", "/api/v1/jobs/send/trigger", ""), fake.asked[-1][:3])
            run = json.loads(fake.run("trigger", "send", "--dry-run", "--json").stdout)
            self.assertTrue(run["dry_run"])
            result = fake.run("trigger", "busy")
            self.assertEqual((1, ""), (result.returncode, result.stdout))
            self.assertIn("running already", result.stderr)

    def test_trigger_and_wait(self):
        rows = [("succeeded", 0, "succeeded in 4.1s"), ("partial", 0, "partial in 4.1s"),
                ("failed", 1, "failed: exit code 3, after 4.1s"),
                ("timed_out", 1, "timed out after 4.1s"),
                ("canceled", 1, "canceled after 4.1s"), ("unknown", 1, "unknown, after 4.1s")]
        for outcome, code, text in rows:
            runs = [run_row(1, outcome=outcome, exit_code=3 if outcome == "failed" else None)]
            with Fake([job_row("send")], runs, [("stdout", b"hello\n")]) as fake:
                result = fake.run("trigger", "send", "--wait")
                self.assertEqual((code, "hello\n"), (result.returncode, result.stdout))
                self.assertEqual(f"send: run 0000000000001\n{text}\n", result.stderr)
                result = fake.run("trigger", "send", "--wait", "--json")
                self.assertEqual((code, outcome),
                                 (result.returncode, json.loads(result.stdout)["outcome"]))

    def test_pause_and_resume(self):
        with Fake([job_row("send"), job_row("other")]) as fake:
            result = fake.run("pause", "send", "--for", "2h", "--reason", "mail moves")
            self.assertRegex(result.stdout, "^send: paused, by .*@.*: mail moves\n$")
            method, path, body, _ = fake.asked[-1]
            self.assertEqual(("POST", "/api/v1/jobs/send/pause"), (method, path))
            wish = json.loads(body)
            self.assertEqual(("2h", "mail moves"), (wish["for"], wish["reason"]))
            self.assertIn("@", wish["by"])
            until = "2099-12-01T08:00:00Z"
            result = fake.run("pause", "--all", "--until", until, "--json")
            self.assertEqual([until] * 2, [job["paused"]["until"]
                                           for job in json.loads(result.stdout)])
            self.assertEqual("send: resumed; next 2026-11-24T08:00:00Z\n",
                             fake.run("resume", "send").stdout)
            self.assertEqual(2, fake.run("resume", "--all").stdout.count("resumed"))
            self.assertEqual("send", json.loads(fake.run("resume", "send", "--json").stdout)["name"])
            result = fake.run("pause", NASTY)
            self.assertEqual(1, result.returncode)
            self.assertIn(f'there is no job "{NASTY}"', result.stderr)

    def test_pause_used_wrongly(self):
        with Fake([job_row("send")]) as fake:
            for words in [("pause",), ("pause", "send", "--all"), ("resume",),
                          ("resume", "send", "--all"), ("pause", "send", "--for", "0s"),
                          ("pause", "send", "--for", "soon"), ("pause", "send", "--until", "x"),
                          ("pause", "send", "--until", "1999-01-01T00:00:00Z"),
                          ("pause", "send", "--for", "1h", "--until", "2099-01-01T00:00:00Z")]:
                self.assertEqual(2, fake.run(*words).returncode, words)
            self.assertEqual([], fake.asked)

    def test_a_paused_job_is_shown_as_such(self):
        paused = {"since": "2026-11-23T09:00:00Z", "until": "2099-12-01T08:00:00Z",
                  "reason": "mail moves", "by": "eva@desk"}
        jobs = [job_row("send", paused=paused), job_row("db", group="db", group_limit=2,
                                                        priority=-5, deadline_ms=3600000)]
        with Fake(jobs) as fake:
            self.assertIn("paused until 2099-12-01T08:00:00Z", fake.run("list").stdout)
            self.assertIn("paused until 2099-12-01T08:00:00Z, by eva@desk: mail moves",
                          fake.run("status", "send").stdout)
            text = fake.run("status", "db").stdout
            self.assertRegex(text, "group +db, 2 at a time\n")
            self.assertRegex(text, "priority +-5\n")
            self.assertRegex(text, "deadline +1h from due to done\n")
            self.assertNotIn("paused", text)

    def test_cancel(self):
        with Fake(runs=[run_row(1)]) as fake:
            self.assertIn("run 0000000000001 is asked to end",
                          fake.run("cancel", "0000000000001").stdout)
            self.assertEqual("POST", fake.asked[-1][0])
            result = fake.run("cancel", NASTY)
            self.assertEqual(1, result.returncode)
            self.assertIn(f'there is no job "{NASTY}"', result.stderr)

    def test_cancel_by_the_job_s_name(self):
        more = {"state": "running", "outcome": None, "finished_at": None}
        runs = [run_row(4, job="two", **more), run_row(3, job="two", **more),
                run_row(2, **more), run_row(1)]
        with Fake([job_row("send"), job_row("two"), job_row("idle")], runs) as fake:
            self.assertEqual("send: run 0000000000002 is asked to end\n",
                             fake.run("cancel", "send").stdout)
            self.assertEqual(("POST", "/api/v1/runs/0000000000002/cancel"), fake.asked[-1][:2])
            result = fake.run("cancel", "two")
            self.assertEqual((1, ""), (result.returncode, result.stdout))
            self.assertIn("0000000000004 0000000000003", result.stderr)
            self.assertIn("idle has no open run", fake.run("cancel", "idle").stderr)
            self.assertEqual(1, sum(row[0] == "POST" for row in fake.asked))

    def test_a_dry_run_that_may_do_real_work_is_told(self):
        with Fake([job_row("send", has_dry_run=False), job_row("dry")], [run_row(1)]) as fake:
            self.assertIn('send has no "dry_run" in the file',
                          fake.run("trigger", "send", "--dry-run").stderr)
            self.assertEqual("", fake.run("trigger", "dry", "--dry-run").stderr)
            self.assertEqual("", fake.run("trigger", "send").stderr)

    def test_leaving_while_waiting(self):
        """Ctrl-C: the run goes on, and how to end it is said on a line of its own."""
        more = {"state": "running", "outcome": None, "finished_at": None}
        with Fake([job_row("send")], [run_row(1, **more)]) as fake, Folder() as folder:
            terminal = folder.terminal("trigger", "send", "--wait", "--server", fake.url)
            terminal.expect("send: run 0000000000001")
            terminal.type("\x03")
            self.assertEqual(130, terminal.end())
            self.assertEqual(["send: run 0000000000001", "^C",
                              "run 0000000000001 goes on; belfry cancel 0000000000001 ends it",
                              ""], terminal.lines())


if __name__ == "__main__":
    unittest.main(verbosity=2)
