#!/usr/bin/python3
"""check, keys, schema, version."""
import json
import os
import re
import subprocess
import unittest

from offline import BELFRY, BUILD, Folder, job

BAD = """\
{
  "timezone": "Europe/Pariss",
  "jobs": [
    { "name": "send-digest", "schedule": "0 10 * * 8", "command": "true" },
    { "name": "both", "schedule": "0 9 13 * fri", "comand": "true" }
  ]
}
"""

BAD_FOUND = """\
bad.json:2:15: error: timezone: unknown zone "Europe/Pariss"; did you mean Europe/Paris?
bad.json:4:52: error: jobs[0].schedule: day-of-week 8 is out of range 0-7 (0 and 7 are Sunday)
    send-digest: "0 10 * * 8"
                           ^
bad.json:5:5: error: jobs[1]: "command" is missing: what to run; or one of "verify", "docker", "fly" and "http"
bad.json:5:40: warning: jobs[1].schedule: day-of-month and day-of-week are both given, so it fires \
on days that satisfy either one; write +fri for days that satisfy both
    both: "0 9 13 * fri"
               ^~~~~~~~
bad.json:5:51: error: jobs[1].comand: unknown key "comand"; did you mean "command"?
bad.json: 4 errors, 1 warning
"""

DOUBTFUL = '{"jobs": [{"name": "night", "schedule": "* 3 * * *", "command": "true"}]}'


class Check(unittest.TestCase):
    def check(self, files, *words, **more):
        with Folder() as folder:
            for name, text in files.items():
                folder.write(name, text)
            return folder.belfry("check", *words, **more)

    def test_all_is_well(self):
        text = json.dumps({"jobs": [job(f"j{n}", "true", "0 9 * * *") for n in range(3)]})
        result = self.check({"schedules.json": text})
        self.assertEqual((0, "schedules.json: 3 jobs, no errors, no warnings\n", ""),
                         (result.returncode, result.stdout, result.stderr))
        result = self.check({"one.json": json.dumps([job("a", "true", "0 9 * * *", enabled=True,
                                                               timeout="5m")])},
                            "one.json")
        self.assertEqual((0, "one.json: 1 job, no errors, no warnings\n"),
                         (result.returncode, result.stdout))

    def test_everything_wrong_at_once(self):
        result = self.check({"bad.json": BAD}, "bad.json")
        self.assertEqual((2, BAD_FOUND, ""), (result.returncode, result.stdout, result.stderr))

    def test_warnings_alone(self):
        for words, code in (([], 0), (["--strict"], 2)):
            result = self.check({"schedules.json": DOUBTFUL}, *words)
            self.assertEqual(code, result.returncode)
            self.assertEqual("belfry check: warnings count as errors (--strict)\n" if code else "",
                             result.stderr)
            self.assertIn('    night: "* 3 * * *"\n            ^\n', result.stdout)
            self.assertTrue(result.stdout.endswith(
                "\nschedules.json: 1 job, no errors, 1 warning\n"), result.stdout)

    def test_standard_input(self):
        result = self.check({}, "-", input=DOUBTFUL)
        self.assertRegex(result.stdout, r"^<stdin>:1:\d+: warning: ")

    def test_several_files(self):
        result = self.check({"a.json": DOUBTFUL, "b.json": "[", "c.json": ""},
                            "a.json", "b.json", "c.json")
        self.assertEqual(2, result.returncode)
        self.assertEqual(["a.json: 1 job, no errors, 1 warning", "b.json: 1 error, no warnings",
                          "c.json: no jobs, no errors, 1 warning"],
                         re.findall(r"(?m)^.\.json: .* warnings?$", result.stdout))

    def test_what_is_no_file(self):
        with Folder() as folder:
            os.mkdir(folder.file("folder"))
            os.mkfifo(folder.file("fifo"))
            for name in ("folder", "fifo", "missing.json"):
                result = folder.belfry("check", name)
                self.assertEqual(2, result.returncode)
                self.assertRegex(result.stdout, rf"^{name}: error: (?!{name})[^\n]+\n"
                                                rf"{name}: 1 error, no warnings\n$")
            rows = json.loads(folder.belfry("check", "--json").stdout)
            self.assertEqual([("schedules.json", 0, 0, "", "error")],
                             [(row["file"], row["line"], row["column"], row["path"],
                               row["severity"]) for row in rows])

    def test_json(self):
        result = self.check({"bad.json": BAD, "fine.json": "[]"}, "--json", "bad.json", "fine.json")
        self.assertEqual(2, result.returncode)
        rows = json.loads(result.stdout)
        self.assertEqual(5, len(rows))
        self.assertEqual({"file": "bad.json", "line": 4, "column": 52, "length": 1,
                          "path": "jobs[0].schedule", "job": "send-digest", "severity": "error",
                          "message": "day-of-week 8 is out of range 0-7 (0 and 7 are Sunday)"},
                         rows[1])
        self.assertEqual("[]\n", self.check({"schedules.json": "[]"}, "--json").stdout)

    def test_the_place_is_that_of_the_piece(self):
        """For editors: line, column and length cut the piece out of the file."""
        result = self.check({"bad.json": BAD}, "--json", "bad.json")
        pieces = []
        for row in json.loads(result.stdout):
            line = BAD.splitlines()[row["line"] - 1]
            pieces.append(line[row["column"] - 1:row["column"] - 1 + row["length"]])
        self.assertEqual(['"Europe/Pariss"', "8", "{", "13 * fri", '"comand"'], pieces)

    def test_colour_on_a_terminal_only(self):
        with Folder() as folder:
            folder.write("bad.json", BAD)
            terminal = folder.terminal("check", "bad.json", columns=300)
            self.assertEqual(2, terminal.end())
            self.assertIn("\033[31merror:\033[0m", terminal.raw)
            self.assertIn("\033[33mwarning:\033[0m", terminal.raw)
            self.assertEqual(BAD_FOUND.splitlines(), terminal.lines()[:-1])
            plain = folder.terminal("check", "bad.json", columns=300, env={"NO_COLOR": "1"})
            self.assertEqual(2, plain.end())
            self.assertNotIn("\033", plain.raw)

    def test_no_text_of_the_file_drives_the_terminal(self):
        text = json.dumps({"jobs": [job("a\033[31m", "true", "\033]0;x\007 * * * *")]})
        result = self.check({"schedules.json": text})
        self.assertEqual(2, result.returncode)
        self.assertNotIn("\033", result.stdout)

    def test_a_long_expression_is_shown_around_the_piece(self):
        minutes = ",".join(["1"] * 400)
        text = json.dumps({"jobs": [job("a", "true", f"{minutes},77 * * * *")]})
        result = self.check({"schedules.json": text})
        line, mark = re.search(r"(?m)^(    a: .*)\n( *\^~*)$", result.stdout).groups()
        self.assertLess(len(line), 160)
        self.assertEqual("77", line[mark.index("^"):len(mark)])


class Reference(unittest.TestCase):
    def belfry(self, *words):
        return subprocess.run([BELFRY, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=60)

    def test_keys(self):
        rows = json.loads(self.belfry("keys", "--json").stdout)
        self.assertLessEqual({"jobs[].name", "jobs[].retry.attempts", "timezone"},
                             {row["path"] for row in rows})
        for row in rows:
            self.assertEqual({"path", "type", "default", "required", "summary"}, set(row))
            self.assertTrue(row["summary"], row)
        table = self.belfry("keys").stdout.splitlines()
        self.assertEqual(["KEY", "TYPE", "DEFAULT", "MEANS"], table[0].split())
        self.assertEqual([row["path"] for row in rows], [line.split()[0] for line in table[1:]])

    def test_some_keys(self):
        for pattern in ("retry", "RETRY", "jobs[[]].retry*"):
            rows = json.loads(self.belfry("keys", "--json", pattern).stdout)
            self.assertIn("jobs[].retry.backoff", [row["path"] for row in rows])
            self.assertTrue(all("retry" in row["path"] for row in rows))
        result = self.belfry("keys", "no-such-key")
        self.assertEqual((1, ""), (result.returncode, result.stdout))
        self.assertIn("no key is like 'no-such-key'", result.stderr)

    def test_schema(self):
        result = self.belfry("schema")
        schema = json.loads(result.stdout)
        self.assertEqual("https://json-schema.org/draft/2020-12/schema", schema["$schema"])
        self.assertTrue(result.stdout.endswith("}\n"))

    def test_version(self):
        runner = subprocess.run([os.path.join(BUILD, "belfry-runner"), "--version"], text=True,
                                stdout=subprocess.PIPE, check=True, timeout=60).stdout
        answer = json.loads(self.belfry("version", "--json").stdout)
        self.assertEqual(f"belfry-runner {answer['version']}\n", runner)
        self.assertEqual(3, answer["runner_protocol"])
        self.assertLessEqual({"libuv", "libcurl", "libmicrohttpd", "jansson", "sqlite",
                              "libsodium"}, set(answer["libraries"]))
        self.assertTrue(self.belfry("version").stdout.startswith(f"belfry {answer['version']}\n"))
        self.assertEqual(self.belfry("version").stdout, self.belfry("--version").stdout)


if __name__ == "__main__":
    unittest.main()
