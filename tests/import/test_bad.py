#!/usr/bin/python3
"""Wrong input: every fault with its line, column and reason, no result, exit code 2."""
import json
import os
import tempfile
import unittest

from importing import belfry

# name of the file, --from, text, what is said of it
CASES = [
    ("tab", "crontab", "0 25 * * * /bin/a\n", ["tab:1:3: error: hour 25 is out of range"]),
    ("tab", "crontab", "# c\n 0  1 * *  MUN\t/bin/a\n", ["tab:2:12: error: \"MUN\" is no day-of-week"]),
    ("tab", "crontab", "0  1 * * MUN /bin/a\n", ["tab:1:10: error: \"MUN\" is no day-of-week"]),
    ("tab", "crontab", "0 1 * *\n", ["tab:1:8: error: fields of the time are missing"]),
    ("tab", "crontab", "0 1 * * *\n", ["tab:1:10: error: the command is missing"]),
    ("tab", "system-crontab", "0 1 * * * root\n", ["tab:1:15: error: the command is missing"]),
    ("tab", "system-crontab", "0 1 * * * /bin/a b\n",
     ["tab:1:11: error: the name of a user belongs here"]),
    ("tab", "crontab", "0 1 * * *  %input\n", ["tab:1:12: error: the command is missing"]),
    ("tab", "crontab", "CRON_TZ=Europe/Pariss\n0 1 * * * /bin/a\n",
     ["tab:1:1: error: unknown zone \"Europe/Pariss\"; did you mean Europe/Paris?"]),
    ("tab", "crontab", "@dayly /bin/a\n", ["tab:1:1: error: "]),
    ("tab", "crontab", "0 0 30 2 * /bin/a\n0 0 31 4 * /bin/b\n",
     ["tab:1:", "tab:2:"]),
    ("tab", "crontab", "RANDOM_DELAY=soon\n", ["tab:1:1: error: RANDOM_DELAY is a number"]),
    ("tab", "supercronic", "@reboot /bin/a\n", ["tab:1:1: error: supercronic has no @reboot"]),
    ("tab", "crontab", "0 1 * * * /bin/a \xff\n", ["tab:1:18: error: not UTF-8"]),
    ("tab", "crontab", "0 1 * * * /bin/a\n\0\n", ["tab:2:1: error: a NUL byte"]),
    ("a.yaml", None, "apiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: {{ .Release }}\n",
     ["a.yaml: error: {{ … }} in it", "helm template", "metadata.name"]),
    ("a.yaml", None, "a: [1\n", ["a.yaml:2:1: error: no YAML"]),
    ("a.yaml", None, "a: " + "[" * 100000, ["a.yaml: error: brackets are nested far too deep"]),
    ("a.yaml", None, "".join(f"a{n}: &x{n} 1\n" for n in range(6000)),
     ["a.yaml: error: more anchors"]),
    ("a.yaml", None, "kind: Deployment\n", ["a.yaml: error: no CronJob in it"]),
    ("a.yaml", None, "kind: CronJob\nmetadata: {name: a}\nspec: {schedule: '* * * * *'}\n",
     ["a.yaml:1:1: error: a CronJob has spec.jobTemplate"]),
    ("a.yaml", None, "kind: CronJob\nmetadata: {name: a}\nspec:\n  schedule: '* * * é *'\n"
     "  jobTemplate: {spec: {template: {spec: {containers: [{image: a}]}}}}\n",
     ["a.yaml:4:20: error: "]),
    ("a.yaml", None, "kind: CronJob\nmetadata: {name: a}\nspec:\n  schedule: '0 1 * * *'\n"
     "  timeZone: Mars\n  suspend: true\n  concurrencyPolicy: Maybe\n"
     "  jobTemplate: {spec: {template: {spec: {containers: [{image: a}]}}}}\n",
     ["a.yaml:5:13: error: unknown zone \"Mars\""]),
    ("a.yaml", None, "kind: CronJob\nmetadata: {name: a}\nspec:\n  schedule: '0 1 * * *'\n"
     "  concurrencyPolicy: Maybe\n  startingDeadlineSeconds: ten\n"
     "  jobTemplate: {spec: {backoffLimit: -1, template: {spec: {containers: [{name: a}]}}}}\n",
     ["a.yaml:5:22: error: concurrencyPolicy is", "a.yaml:6:28: error: startingDeadlineSeconds",
      "a.yaml:7:38: error: backoffLimit", "a.yaml:7:73: error: a container has an image"]),
    ("a.yaml", None, "kind: CronJob\nkind: CronJob\nmetadata: {name: a}\n",
     ["a.yaml:2:1: error: \"kind\" is given twice"]),
    ("a.json", None, "[{\"name\": \"a\",}]", ["a.json:1:14: error: "]),
    ("a.json", None, "[{\"name\": \"a\",\n  \"schedule\": \"* * * *\",\n \"app_name\": \"x\"}, 5]",
     ["a.json:2:", "a.json:3:20: error: a schedule is an object"]),
    ("a.json", None, "[{\"name\": 7, \"enabled\": \"yes\",\n\"command_timeout\": 1.5}]",
     ["a.json:1:11: error: \"name\" is a text", "a.json:1:25: error: \"enabled\" is true or false",
      "a.json:2:20: error: \"command_timeout\" is a whole number"]),
    ("a.json", None, "[{\"name\": \"a\"}]", ["a.json:1:2: error: a schedule has \"name\""]),
    ("a.json", None, "[{\"name\": \"a\", \"app_name\": \"x\", \"schedule\": \"@daily\",\n"
     "\"command\": \"echo 'x\"}]", ["a.json:1:2: error: command: the ' that begins here"]),
    ("a.timer", None, "[Timer]\nOnCalendar=Funday 10:00\n", ["a.timer:2:12: error: not a weekday"]),
    ("a.timer", None, "[Timer]\nOnCalendar=*-*-* 25:00 UTC\n",
     ["a.timer:2:18: error: hour 25 is out of range 0-23"]),
    ("a.timer", None, "[Timer]\nOnCalendar=daily Mars/Base\n", ["a.timer:2:12: error: unknown zone"]),
    ("a.timer", None, "[Timer]\nOnUnitActiveSec=often\n", ["a.timer:2:17: error: no time span"]),
    ("a.timer", None, "OnCalendar=daily\n", ["a.timer:1:1: error: an assignment before any"]),
    ("a.timer", None, "[Timer\nwhat is this\n", ["a.timer:1:1: error: a section is",
                                                  "a.timer:2:1: error: neither a section"]),
]


class Bad(unittest.TestCase):
    def run_case(self, name, kind, text, *words):
        with tempfile.TemporaryDirectory() as folder:
            # Each byte as it is: some are no UTF-8.
            data = text.encode("latin-1") if "\xff" in text else text.encode()
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
            with open(os.path.join(folder, "a.service"), "w", encoding="utf-8") as file:
                file.write("[Service]\nExecStart=/bin/true\n")
            return belfry("import", "--tz", "UTC", *(["--from", kind] if kind else []), *words,
                          name, folder=folder)

    def test_faults(self):
        for name, kind, text, said in CASES:
            with self.subTest(text):
                result = self.run_case(name, kind, text)
                self.assertEqual((2, ""), (result.returncode, result.stdout), result.stderr)
                at = -1
                for one in said:
                    found = result.stderr.find(one, at + 1)
                    self.assertGreater(found, at, f"{one!r} is not in {result.stderr}")
                    at = found

    def test_faults_as_json(self):
        name, kind, text, _ = CASES[0]
        result = self.run_case(name, kind, text, "--json")
        answer = json.loads(result.stdout)
        self.assertEqual((2, None), (result.returncode, answer["config"]))
        self.assertEqual([("tab", 1, 3)], [(e["file"], e["line"], e["column"])
                                           for e in answer["errors"]])

    def test_many_faults_are_counted(self):
        result = self.run_case("tab", "crontab", "0 25 * * * /bin/a\n" * 150)
        self.assertEqual(100, result.stderr.count(": error: "))
        self.assertIn("(50 more errors)", result.stderr)

    def test_too_many_entries(self):
        result = self.run_case("tab", "crontab", "* * * * * a\n" * 10001)
        self.assertEqual(2, result.returncode)
        self.assertIn("tab:10001:1: error: more than 10000 entries", result.stderr)

    def test_variables_that_explode(self):
        rows = "".join(f"{{name: A{n}, value: '{f'$(A{n - 1})' * 10}'}}, " for n in range(1, 30))
        text = ("kind: CronJob\nmetadata: {name: a}\nspec:\n  schedule: '0 1 * * *'\n"
                "  jobTemplate: {spec: {template: {spec: {containers: [{image: a, env: [\n"
                "    {name: A0, value: aaaaaaaaaa}, " + rows + "]}]}}}}\n")
        result = self.run_case("a.yaml", None, text)
        self.assertEqual(2, result.returncode)
        self.assertIn("longer than 128 KiB", result.stderr)

    def test_settings_that_pile_up(self):
        value = "A=" + "x" * 120000 + "\n"
        text = value + "".join(f"0 1 * * * /bin/a\nB={n}\n" for n in range(5000))
        result = self.run_case("tab", "crontab", text)
        self.assertEqual(2, result.returncode)
        self.assertIn("takes more than 256 MiB", result.stderr)

    def test_wrong_usage(self):
        for words, said in ((["import"], "PATH"),
                            (["import", "--from", "fcron", "x"], "one of"),
                            (["import", "--tz", "Mars", "x"], "Mars"),
                            (["import", "-o", "x", "--report", "x", "y"], "the same file"),
                            (["import", "/nothing/here"], "/nothing/here"),
                            (["import", "--from", "crontab", "/tmp"], "folder"),
                            (["import", "--state", "/tmp/x", "input/user.crontab"], "state.db")):
            with self.subTest(words):
                result = belfry(*words)
                self.assertEqual((2, ""), (result.returncode, result.stdout))
                self.assertIn(said, result.stderr)
                self.assertFalse(os.path.exists("/tmp/x/belfry.db"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
