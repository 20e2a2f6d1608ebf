"""Plans and canonical forms: what a new schedules.json would change, told in every form."""
import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest

DRIVE = os.environ["DEPLOY_DRIVE"]
GOOD = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "config", "good")
NOW = "2026-11-26T07:30:00Z"  # Thursday, 08:30 in Paris
ENVIRONMENT = {"PATH": os.environ["PATH"], "TOKEN": "hunter2", "SECRET": "hunter3", "EMPTY": "",
               "BIN": "/opt/bin"}


def job(name, schedule="0 9 * * *", command="true", **more):
    return {"name": name, "schedule": schedule, "command": command, **more}


class Files(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="belfry-plan-")
        self.addCleanup(self.folder.cleanup)

    def write(self, name, content):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))
        return path

    def drive(self, *words, env=None):
        done = subprocess.run([DRIVE, *words], capture_output=True, text=True, check=False,
                              env={**ENVIRONMENT, **(env or {})})
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return done.stdout

    def plan(self, before, after, *runs, form="json", env=None, **top):
        old = "-" if before is None else self.write("before.json", self.file(before, top))
        new = self.write("after.json", self.file(after, top))
        text = self.drive("plan", form, NOW, old, new, *runs, env=env)
        return json.loads(text) if form == "json" else text

    @staticmethod
    def file(jobs, top):
        return {"timezone": "Europe/Paris", **top, "jobs": jobs} if isinstance(jobs, list) else jobs

    def step(self, before, after, **more):
        steps = self.plan([before], [after], **more)["steps"]
        self.assertEqual(len(steps), 1, steps)
        return steps[0]

    def keys(self, before, after, **more):
        return {key["path"]: (key["before"], key["after"])
                for key in self.step(before, after, **more)["keys"]}


class Steps(Files):
    def test_each_kind_in_the_order_of_the_files(self):
        before = [job("gone-1"), job("kept"), job("on", enabled=True), job("off", enabled=False),
                  job("changed"), job("gone-2")]
        after = [job("new"), job("changed", command="false"), job("off", enabled=True),
                 job("on", enabled=False), job("kept")]
        plan = self.plan(before, after)
        self.assertEqual([(step["job"], step["change"]) for step in plan["steps"]],
                         [("new", "create"), ("changed", "update"), ("off", "enable"),
                          ("on", "disable"), ("gone-1", "delete"), ("gone-2", "delete")])
        self.assertEqual(plan["counts"],
                         {"create": 1, "update": 1, "enable": 1, "disable": 1, "rename": 0,
                          "delete": 2, "unchanged": 1})
        self.assertEqual(plan["revision"], 4)

    def test_first_file_creates_all(self):
        plan = self.plan(None, [job("a"), job("b")])
        self.assertEqual([step["change"] for step in plan["steps"]], ["create", "create"])
        self.assertEqual((plan["revision"], plan["hash_before"]), (0, None))

    def test_the_same_file_changes_nothing(self):
        plan = self.plan([job("a")], [job("a")])
        self.assertEqual((plan["steps"], plan["is_same_content"]), ([], True))

    def test_order_and_spelling_change_no_job(self):
        plan = self.plan([job("a", timeout="5m"), job("b")], [job("b"), job("a", timeout=300)])
        self.assertEqual((plan["steps"], plan["counts"]["unchanged"]), ([], 2))
        self.assertFalse(plan["is_same_content"])

    def test_enabling_with_another_change_is_an_update(self):
        step = self.step(job("a", enabled=False), job("a", command="false"))
        self.assertEqual(step["change"], "update")

    def test_the_same_question_has_the_same_answer(self):
        before, after = [job("a"), job("b")], [job("c"), job("b", timeout="1m")]
        for form in ("text", "markdown", "json"):
            self.assertEqual(self.plan(before, after, form=form),
                             self.plan(before, after, form=form))


class Keys(Files):
    def test_values_before_and_after_as_they_are_written(self):
        self.assertEqual(
            self.keys(job("a", timeout="5m", retry={"attempts": 2, "backoff": "10s"}),
                      job("a", timeout=360, retry={"backoff": 10, "attempts": 3})),
            {"timeout": ("5m", 360), "retry.attempts": (2, 3)})

    def test_what_is_not_written_is_our_default_or_the_files(self):
        self.assertEqual(self.keys(job("a"), job("a", overlap="allow", description="x")),
                         {"overlap": ("forbid", "allow"), "description": (None, "x")})
        self.assertEqual(
            self.keys(job("a"), job("a", timeout="9m"), defaults={"timeout": "7m"}),
            {"timeout": ("7m", "9m")})

    def test_a_default_of_the_file_changes_every_job_that_has_none_of_its_own(self):
        jobs = [job("a"), job("b", retry={"attempts": 2})]
        plan = self.plan({"jobs": jobs, "defaults": {"retry": {"attempts": 2}}},
                         {"jobs": jobs, "defaults": {"retry": {"attempts": 3}}})
        self.assertEqual([(step["job"], step["keys"][0]["path"]) for step in plan["steps"]],
                         [("a", "retry.attempts")])

    def test_environment_by_name(self):
        self.assertEqual(
            self.keys(job("a", env={"A": "1", "B": "2", "C": "3"}),
                      job("a", env={"A": "1", "B": "x", "D": "4"})),
            {"env.B": ("2", "x"), "env.C": ("3", None), "env.D": (None, "4")})

    def test_schedule_and_zone(self):
        self.assertEqual(
            self.keys(job("a"), job("a", {"every": "day", "time": "08:00"}, timezone="UTC")),
            {"schedule": ("0 9 * * *", {"every": "day", "time": "08:00"}),
             "timezone": ("Europe/Paris", "UTC")})

    def test_zone_of_the_file(self):
        plan = self.plan({"timezone": "UTC", "jobs": [job("a")]},
                         {"timezone": "Asia/Tokyo", "jobs": [job("a")]})
        self.assertEqual([(key["path"], key["before"], key["after"])
                          for key in plan["steps"][0]["keys"]], [("timezone", "UTC", "Asia/Tokyo")])

    def test_remote_executors_member_by_member(self):
        fly = {"app": "kaiwa", "region": "cdg", "config": {"env": {"A": "1"}}}
        self.assertEqual(
            self.keys(job("a", fly=fly), job("a", fly={**fly, "region": "fra"})),
            {"fly.region": ("cdg", "fra")})
        self.assertEqual(
            self.keys(job("a", fly=fly), job("a", fly={**fly, "config": {"env": {"A": "2"}}})),
            {"fly.config": ({"env": {"A": "1"}}, {"env": {"A": "2"}})})

    def test_cron_managers_words(self):
        old = {"name": "a", "app_name": "kaiwa", "schedule": "0 9 * * *", "region": "cdg",
               "command": "true", "command_timeout": 60, "enabled": True, "config": {"image": "i"}}
        plan = self.plan(json.dumps([old]),
                         json.dumps([{**old, "command_timeout": 90, "region": "fra"}]))
        self.assertEqual({key["path"]: (key["before"], key["after"])
                          for key in plan["steps"][0]["keys"]},
                         {"timeout": (60, 90), "fly.region": ("cdg", "fra")})

    def test_a_new_job_tells_what_is_written_in_it(self):
        plan = self.plan([], [job("a", timeout="5m", env={"A": "${TOKEN}"})],
                         defaults={"grace": "5s"})
        self.assertEqual({key["path"]: key["after"] for key in plan["steps"][0]["keys"]},
                         {"schedule": "0 9 * * *", "timezone": "Europe/Paris", "timeout": "5m",
                          "env.A": "(hidden)", "command": "true"})


class Secrets(Files):
    def test_no_form_shows_a_value_of_the_environment(self):
        before = job("a", env={"KEY": "${TOKEN}"}, command="run --key=${TOKEN}", cwd="/${TOKEN}")
        after = job("a", env={"KEY": "${SECRET}"}, command="run -v --key=${SECRET}",
                    cwd="/x/${SECRET}")
        for form in ("text", "markdown", "json"):
            text = self.plan([before], [after, job("b", command="x ${TOKEN}")], form=form)
            text = json.dumps(text) if form == "json" else text
            for secret in ("hunter2", "hunter3", "TOKEN", "SECRET"):
                self.assertNotIn(secret, text)
            self.assertIn("--key=(hidden)", text)

    def test_another_value_of_the_same_name_is_a_change(self):
        for before in (job("a", env={"KEY": "${TOKEN}"}), job("a", command="run ${TOKEN}"),
                       job("a", cwd="/${TOKEN}")):
            step = self.step(before, before, env={"BEFORE_TOKEN": "older"})
            self.assertTrue(step["keys"][0]["hidden"], step)
            self.assertIn("(hidden)", json.dumps(step["keys"][0]["before"]))
            self.assertNotIn("older", json.dumps(step))

    def test_a_dollar_that_means_itself_is_shown(self):
        keys = self.keys(job("a"), job("a", command="echo $${TOKEN}"))
        self.assertEqual(keys["command"][1], "echo $${TOKEN}")

    def test_text_for_a_shell_is_shown_as_it_is(self):
        keys = self.keys(job("a", shell="/bin/sh"),
                         job("a", shell="/bin/sh", command="echo ${TOKEN}"))
        self.assertEqual(keys["command"][1], "echo ${TOKEN}")


class Fires(Files):
    def test_next_five_before_and_after(self):
        step = self.step(job("a"), job("a", "0 8 * * mon"))
        self.assertEqual(step["next"]["before"][:2],
                         ["2026-11-26T08:00:00Z", "2026-11-27T08:00:00Z"])
        self.assertEqual(step["next"]["after"],
                         [f"2026-{day}T07:00:00Z"
                          for day in ("11-30", "12-07", "12-14", "12-21", "12-28")])

    def test_side_by_side_in_text(self):
        text = self.plan([job("a")], [job("a", "0 8 * * *", timezone="Asia/Tokyo")], form="text")
        self.assertIn("    Thu 2026-11-26 09:00 CET      Fri 2026-11-27 08:00 JST\n", text)

    def test_other_words_for_the_same_instants(self):
        text = self.plan([job("a")], [job("a", {"every": "day", "time": "09:00"})], form="text")
        self.assertIn("    next fires: as before\n", text)

    def test_what_does_not_move_them_shows_none(self):
        self.assertIsNone(self.step(job("a"), job("a", timeout="1m"))["next"])

    def test_disabled_and_reboot(self):
        text = self.plan([job("a"), job("b")], [job("a", enabled=False), job("b", "@reboot")],
                         form="text")
        self.assertIn("    Thu 2026-11-26 09:00 CET      disabled\n", text)
        self.assertIn("    Thu 2026-11-26 09:00 CET      when belfry starts\n", text)

    def test_due_within_the_hour_and_runs_that_are_going_on(self):
        plan = self.plan([job("a"), job("b", "0 12 * * *")],
                         [job("a", timeout="1m"), job("b", "0 13 * * *")],
                         "b=0123456789abc", "a=0123456789abd", "a=0123456789abf")
        first, second = plan["steps"]
        self.assertEqual((first["due_soon"], len(first["running"])), ("2026-11-26T08:00:00Z", 2))
        self.assertEqual((second["due_soon"], second["running"]), (None, ["0123456789abc"]))

    def test_an_untouched_job_tells_nothing_of_its_runs(self):
        text = self.plan([job("a")], [job("a")], "a=0123456789abc", form="text")
        self.assertEqual(text, "Plan: no changes: 1 job as it is (against revision 4)\n")


class Forms(Files):
    def test_text(self):
        text = self.plan([job("a", retry={"attempts": 2}), job("z")], [job("a")],
                         "z=0123456789abc", form="text")
        self.assertEqual(text, """\
~ a: update
    retry.attempts: 2 → 1
    ! due within the hour as it is now: Thu 2026-11-26 09:00 CET

- z: delete
    no longer at: Thu 2026-11-26 09:00 CET
                  Fri 2026-11-27 09:00 CET
                  Sat 2026-11-28 09:00 CET
                  Sun 2026-11-29 09:00 CET
                  Mon 2026-11-30 09:00 CET
    ! due within the hour as it is now: Thu 2026-11-26 09:00 CET
    ! 1 run is not finished: 0123456789abc; it ends as it began

Plan: 1 to update, 1 to delete; 0 unchanged (against revision 4)
""")

    def test_markdown_keeps_its_tables_whole(self):
        text = self.plan([job("a")], [job("a", command=["x", "a|b", "`c`", "d\ne"])],
                         form="markdown")
        row = next(line for line in text.splitlines() if line.startswith("| `command`"))
        self.assertEqual(row, '| `command` | `"true"` | `` ["x","a\\|b","`c`","d\\ne"] `` |')

    def test_warnings_of_check(self):
        plan = self.plan([], [job("a", "0 9 31 * *")])
        self.assertEqual(plan["warnings"][0]["path"], "jobs[0].schedule")
        self.assertIn("warning: line 1: jobs[0].schedule: ",
                      self.plan([], [job("a", "0 9 31 * *")], form="text"))


class Canonical(Files):
    def canonical(self, text):
        return self.drive("canonical", self.write("c.json", text))

    def test_layout(self):
        text = """{"jobs":[{"command":["a","b\\u0041"],"schedule":{"time":"09:00","every":"day"},
            "name":"x","fly":{"config":{"z":1,"a":[]},"app":"k"},"env":{"B":"1","A":"${TOKEN}"}}],
            "timezone":"UTC","defaults":{}}"""
        self.assertEqual(self.canonical(text), """\
{
  "timezone": "UTC",
  "defaults": {},
  "jobs": [
    {
      "name": "x",
      "schedule": {"every": "day", "time": "09:00"},
      "env": {"B": "1", "A": "${TOKEN}"},
      "command": ["a", "bA"],
      "fly": {"app": "k", "config": {"z": 1, "a": []}}
    }
  ]
}
""")

    def test_long_values_have_lines_of_their_own(self):
        words = [f"word-{i} \\\"[{{" for i in range(20)]
        text = self.canonical({"jobs": [job("a", command=words)]})
        self.assertEqual(json.loads(text)["jobs"][0]["command"], words)
        self.assertTrue(all(len(line) <= 100 for line in text.splitlines()))

    def test_it_says_the_same_and_is_its_own_form(self):
        files = glob.glob(os.path.join(GOOD, "*.json"))
        self.assertGreater(len(files), 10)
        for path in files:
            with self.subTest(path=path):
                once = self.drive("canonical", path)
                if not once:
                    continue  # an empty file stays one
                again = self.write("again.json", once)
                self.assertEqual(self.drive("canonical", again), once)
                with open(path, encoding="utf-8-sig") as file:
                    self.assertEqual(json.loads(once), json.load(file))
                plan = json.loads(self.drive("plan", "json", NOW, path, again))
                self.assertEqual(plan["steps"], [])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
