#!/usr/bin/python3
"""Files of each kind against results and reports that were reviewed by hand.

With UPDATE=1 in the environment the expected files are written anew, to be reviewed.
"""
import json
import os
import re
import subprocess
import tempfile
import unittest

from importing import HERE, belfry, imported, jobs

FILES = ["user.crontab", "system.crontab", "supercronic.crontab", "units", "cronjobs.yaml",
         "cron-manager.json"]
# Those of which an entry is left out whole.
LEFT_OUT = {"units", "cronjobs.yaml"}


def expected(name, text):
    path = os.path.join(HERE, "expected", name)
    if os.environ.get("UPDATE"):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    with open(path, encoding="utf-8") as file:
        return file.read()


class Files(unittest.TestCase):
    maxDiff = None

    def test_results_and_reports(self):
        for name in FILES:
            with self.subTest(name):
                result = belfry("import", "--tz", "Europe/Paris", "input/" + name)
                # The next change of the clock comes nearer every day.
                report = re.sub(r"\(next [0-9TZ:-]+\)", "(next …)", result.stderr)
                self.assertEqual(expected(name + ".json", result.stdout), result.stdout)
                self.assertEqual(expected(name + ".txt", report), report)
                self.assertEqual(int(name in LEFT_OUT), result.returncode)

    def test_check_takes_each(self):
        for name in FILES:
            with self.subTest(name):
                result = belfry("import", "input/" + name)
                check = belfry("check", "-", stdin=result.stdout)
                self.assertEqual(0, check.returncode, check.stdout + check.stderr)

    def test_json_has_both(self):
        for name in FILES:
            with self.subTest(name):
                plain = belfry("import", "--tz", "UTC", "input/" + name)
                result = belfry("import", "--tz", "UTC", "--json", "input/" + name)
                answer = json.loads(result.stdout)
                self.assertEqual("", result.stderr)
                self.assertEqual(json.loads(plain.stdout), answer["config"])
                self.assertEqual([], answer["errors"])
                entries = answer["report"]["entries"]
                self.assertEqual(len(answer["config"]["jobs"]), answer["report"]["jobs"])
                self.assertEqual([job["name"] for job in answer["config"]["jobs"]],
                                 [entry["job"] for entry in entries if entry["job"]])
                self.assertEqual(answer["report"]["left"],
                                 sum(entry["job"] is None for entry in entries))
                for entry in entries:
                    self.assertTrue(entry["line"] > 0 and entry["notes"], entry)

    def test_kinds_together(self):
        result = belfry("import", "--tz", "UTC", "input/user.crontab", "input/cron-manager.json",
                        "input/supercronic.crontab")
        self.assertEqual(0, result.returncode, result.stderr)
        names = list(jobs(result.stdout))
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(16, len(names))
        self.assertEqual(0, belfry("check", "-", stdin=result.stdout).returncode)

    def test_one_timer_of_a_folder(self):
        result = belfry("import", "--tz", "UTC", "input/units/sweep.timer")
        self.assertEqual((0, ["sweep"]), (result.returncode, list(jobs(result.stdout))))

    def test_standard_input_and_kind(self):
        entry = "5 4 * * * deploy /bin/a\n"
        plain = jobs(belfry("import", "-", stdin=entry).stdout)
        system = jobs(belfry("import", "--from", "system-crontab", "-", stdin=entry).stdout)
        self.assertEqual("deploy /bin/a", next(iter(plain.values()))["command"])
        self.assertEqual(("/bin/a", "deploy"), (system["a"]["command"], system["a"]["user"]))

    def test_zones(self):
        entry = "5 4 * * * /bin/a\n"
        result = belfry("import", "-", stdin=entry, env={"TZ": "Asia/Tokyo"})
        self.assertEqual("Asia/Tokyo", jobs(result.stdout)["a"]["timezone"])
        self.assertIn("Asia/Tokyo; say --tz", result.stderr)
        result = belfry("import", "--tz", "America/New_York", "-", stdin=entry,
                        env={"TZ": "Asia/Tokyo"})
        self.assertEqual("America/New_York", jobs(result.stdout)["a"]["timezone"])
        # A container's clock is not this machine's.
        result = belfry("import", "input/cron-manager.json", env={"TZ": "Asia/Tokyo"})
        self.assertEqual("UTC", jobs(result.stdout)["prune"]["timezone"])


class Output(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        with open(os.path.join(self.folder, "tab"), "w", encoding="utf-8") as file:
            file.write("5 4 * * * /bin/a\n")

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()

    def test_files(self):
        result = belfry("import", "tab", "-o", "out.json", "--report", "report.txt",
                        folder=self.folder)
        self.assertEqual((0, "", ""), (result.returncode, result.stdout, result.stderr))
        self.assertEqual(["a"], list(jobs(self.read("out.json"))))
        self.assertIn("tab:1: job a\n", self.read("report.txt"))
        self.assertEqual({"tab", "out.json", "report.txt"}, set(os.listdir(self.folder)))

    def test_nothing_is_written_over(self):
        for name, words in (("out.json", ["-o", "out.json"]), ("report", ["--report", "report"])):
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                file.write("mine")
            result = belfry("import", "tab", *words, folder=self.folder)
            self.assertEqual(2, result.returncode)
            self.assertIn("--force", result.stderr)
            self.assertEqual("mine", self.read(name))
            result = belfry("import", "tab", *words, "--force", folder=self.folder)
            self.assertEqual(0, result.returncode, result.stderr)
            self.assertNotEqual("mine", self.read(name))

    def test_json_report_into_a_file(self):
        result = belfry("import", "tab", "--json", "--report", "report.json", folder=self.folder)
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertEqual(json.loads(result.stdout)["report"], json.loads(self.read("report.json")))


class Crontabs(unittest.TestCase):
    """What single lines become."""

    def test_settings_hold_for_what_follows(self):
        found = imported("A=1\n0 1 * * * /bin/a\nA=2\nHOME=/srv\n0 2 * * * /bin/b\n")
        self.assertEqual({"A": "1"}, found["a"]["env"])
        self.assertEqual({"A": "2", "HOME": "/srv"}, found["b"]["env"])
        self.assertNotIn("cwd", found["a"])
        self.assertEqual("/srv", found["b"]["cwd"])

    def test_supercronic_settings_hold_for_all(self):
        found = imported("0 1 * * * /bin/a\nA=2\nCRON_TZ=Asia/Tokyo\n", "--from", "supercronic")
        self.assertEqual(({"A": "2"}, "Asia/Tokyo"), (found["a"]["env"], found["a"]["timezone"]))

    def test_nothing_comes_from_belfrys_environment(self):
        found = imported("A=${HOME}\n0 1 * * * /bin/a ${B}\n")
        self.assertEqual(("$${HOME}", "/bin/a ${B}"), (found["a"]["env"]["A"],
                                                       found["a"]["command"]))

    def test_time_zones(self):
        found = imported("CRON_TZ=Europe/Rome\nTZ=Asia/Tokyo\n0 1 * * * /bin/a\n")
        self.assertEqual(("Europe/Rome", {"TZ": "Asia/Tokyo"}),
                         (found["a"]["timezone"], found["a"]["env"]))

    def test_comments(self):
        found = imported("# of nothing\n\n#=====\n# first\n#second \n0 1 * * * /bin/a\n"
                         "0 2 * * * /bin/b\n# m h dom mon dow command\n0 3 * * * /bin/c\n"
                         "# 5 5 * * * /bin/old\n0 4 * * * /bin/d\n")
        self.assertEqual("first second", found["a"]["description"])
        for name in "bcd":
            self.assertNotIn("description", found[name])

    def test_line_ends_of_other_systems(self):
        self.assertEqual("/bin/a b", imported("0 1 * * * /bin/a b\r\n")["a"]["command"])

    def test_macros(self):
        found = imported("@midnight /bin/a\n@every_minute /bin/b\n@REBOOT /bin/c\n")
        self.assertEqual(["@midnight", "* * * * *", "@REBOOT"],
                         [found[name]["schedule"] for name in "abc"])

    def test_here_documents_run(self):
        """What follows a % reaches the command, and its exit status the shell."""
        command = imported("0 1 * * * cat; exit 3%one%two \\% three\n")["cat"]["command"]
        done = subprocess.run(["/bin/sh", "-c", command], stdout=subprocess.PIPE, text=True)
        self.assertEqual((3, "one\ntwo % three\n"), (done.returncode, done.stdout))


if __name__ == "__main__":
    unittest.main(verbosity=2)
