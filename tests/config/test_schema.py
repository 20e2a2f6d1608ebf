#!/usr/bin/python3
"""The JSON Schema and the parser agree: what one accepts the other accepts.

    test_schema.py PARSE_FILE

The corpus is the files in good/ and bad/ and the values below, each put into an
otherwise good job. What no schema can say is listed with the reason; such an entry
must itself be true (the schema accepts, the parser refuses), or the test fails.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
PARSE_FILE = sys.argv.pop(1)

CRON = "the grammar of cron expressions is no pattern a schema could hold"
CLOCK = "depends on the day it is read"
ZONE = "which zones exist is known to the machine only"
CROSS = "compares values with each other"
QUOTES = "quotes that match are no regular language of sane size"
TOTAL = "adds up or multiplies units"
ENVIRON = "depends on the environment"
DUPLICATE = "validators see the last of duplicate keys only"
BYTES = "the schema counts characters, the parser bytes"
CALENDAR = "whether a date exists"

# Files that the parser refuses and a schema cannot: why.
BEYOND_SCHEMA_FILES = {
    "bad/cron-expressions": CRON, "bad/cron-through-escapes": CRON, "bad/many-lines": CRON,
    "bad/never-fires": CLOCK, "bad/end-before-start": CROSS, "bad/zones": ZONE,
    "bad/duplicate-names": CROSS, "bad/duplicate-keys": DUPLICATE,
    "bad/unbalanced-quotes": QUOTES,
    "bad/syntax-surrogates": "JSON's grammar lets lone surrogates through",
}

# key -> ([values both accept], [values both refuse], {value as JSON: why only the parser refuses})
VALUES = {
    "name": (["a", "a b", "é" * 50, "\U0001f600"], ["", " a", "a ", "a/b", "a\tb", 1, None, "n" * 101],
             {json.dumps("é" * 51): BYTES}),
    "description": (["", "x"], [1, []], {}),
    "tags": ([[], ["a"], ["a", "b"]], ["a", [1], [""]], {}),
    "schedule": (["@daily", "0 9 * * mon", "CRON_TZ=Europe/Paris 0 9 * * *",
                  {"every": "day", "time": "09:00"}, {"every": "DAY", "time": ["09:00", "10:30:15"]},
                  {"every": "hour", "minute": 15}, {"every": "hour", "minute": ["0", 30]},
                  {"every": "week", "weekday": ["mon", "Friday"], "time": "10:00"},
                  {"every": "month", "day": "last", "time": "10:00"},
                  {"every": "month", "day": ["first Monday", "last weekday", 15, "07"], "time": "10:00"},
                  {"every": "year", "month": "dec", "day": 24, "time": "18:00"},
                  {"every": "year", "month": [1, "7"], "day": 1, "time": "18:00"},
                  {"every": "15m"}, {"every": "1h30m"}, {"at": "2126-12-24T18:00:00"},
                  {"at": "2126-12-24T18:00:00+02:00"}],
                 ["", 5, None, [], {}, {"every": "fortnight"}, {"every": "day"}, {"time": "09:00"},
                  {"every": "day", "time": "9:00"}, {"every": "day", "time": "24:00"},
                  {"every": "day", "time": []}, {"every": "day", "time": 9},
                  {"every": "day", "time": "09:00", "weekday": "mon"},
                  {"every": "hour", "minute": 60}, {"every": "hour", "minute": -1},
                  {"every": "hour", "minute": 1.5}, {"every": "hour", "minute": True},
                  {"every": "week", "weekday": "moonday", "time": "10:00"},
                  {"every": "month", "day": 0, "time": "10:00"},
                  {"every": "month", "day": "sixth monday", "time": "10:00"},
                  {"every": "year", "month": 13, "day": 1, "time": "10:00"},
                  {"every": "15m", "time": "09:00"}, {"every": "15"}, {"every": 15},
                  {"at": "tomorrow"}, {"at": "2126-12-24T18:00:00", "every": "day"},
                  {"every": "day", "time": "09:00", "extra": 1}],
                 {json.dumps("0 25 * * *"): CRON, json.dumps({"every": "0s"}): TOTAL,
                  json.dumps({"every": "500ms"}): TOTAL,
                  json.dumps({"at": "2126-02-30T10:00:00"}): CALENDAR,
                  json.dumps({"at": "2126-02-28"}): "the pattern is shared with start and end",
                  json.dumps({"at": "2020-01-01T00:00:00Z"}): CLOCK,
                  json.dumps({"every": "year", "month": "feb", "day": 30, "time": "10:00"}): CALENDAR}),
    "timezone": (["UTC", "Europe/Paris"], [1, None], {json.dumps("Europe/Pariss"): ZONE}),
    "start": (["2026-01-01", "2026-01-01T10:00", "2026-01-01T10:00:00", "2026-01-01T10:00:00Z",
               "2026-01-01T10:00:00+01:00"], ["", "soon", "01/02/2026", 5],
              {json.dumps("2026-02-30"): CALENDAR}),
    "end": (["2199-01-01"], ["", "never", 5], {json.dumps("2020-01-01"): CLOCK}),
    "except": ([[], ["12-25", "2026-12-24/2027-01-02", "2027-05-01"]],
               ["12-25", ["christmas"], [""], [1]], {json.dumps(["02-30"]): CALENDAR}),
    "jitter": (["5m", 0, 30, 30.0], ["5", "", "5 m", "m", -1, 1.5, None, "1m1h", "1h1h"],
               {json.dumps("99999999d"): TOTAL}),
    "enabled": ([True, False], ["true", 1, None], {}),
    "timeout": (["0s", "90s", "15m", "1h30m", "2d", "250ms", "1m250ms", 300, 3e2], ["5min", "-1s", "1.5h", "1M",
                                                                       10**12, True], {}),
    "command_timeout": ([0, 30], ["30s", -1, 1.5], {}),
    "grace": (["10s"], ["soon"], {}),
    "retry": ([{}, {"attempts": 3, "backoff": "10s", "max_backoff": 60, "on": ["failed", "unknown"]}],
              [3, {"attempts": 0}, {"attempts": 101}, {"attempts": "3"}, {"on": "failed"},
               {"on": ["succeeded"]}, {"tries": 3}, {"backoff": "x"}], {}),
    "overlap": (["forbid", "allow", "queue", "replace"], ["Forbid", "no", 1], {}),
    "catchup": (["once", "all", "none"], ["never", True], {}),
    "catchup_window": (["1h"], ["x"], {}),
    "exit_codes": ([{}, {"partial": [3, 4]}, {"partial": 3}, {"partial": []}],
                   [[3], {"partial": [0]}, {"partial": [256]}, {"partial": ["3"]},
                    {"partial": 2.5}, {"failed": [1]}], {}),
    "dry_run": ([[], ["--dryRun"]], ["--dryRun", [1]], {json.dumps(["${NOPE}"]): ENVIRON}),
    "env": ([{}, {"A": "b", "A.b": ""}], [[], {"A": 1}, {"": "x"}, {"A=B": "x"}, {f"A{i}": "x" for i in range(1001)}],
            {json.dumps({"A": "${NOPE}"}): ENVIRON}),
    "env_file": (["/etc/x"], ["", 1], {}),
    "alert": ([{}, {"partial": True}], [[], {"partial": 1}, {"to": "x"}], {}),
    "was": (["b", ["b", "c"], []], ["", 1, [1], [""], "x" * 101, "a/b", {}],
            {json.dumps("a"): "own name", json.dumps(["b", "a"]): "own name"}),
    "deadline": ([0, 90, "1h", "1h30m"], ["", "x", -1, True, []], {}),
    "priority": ([0, -100, 100, 7], [-101, 101, 1.5, "1", None], {}),
    "group": (["db", "a.b_c-1"], ["", 1, "a/b", "x" * 101, ["db"]], {}),
    "group_limit": ([1, 2, 100000], [0, -1, 100001, 1.5, "2"], {}),
    "keep": ([{"age": "90d", "runs": 0}], [{"age": "x"}, {"runs": -1}, {"days": 1}, 90], {}),
    "command": (["true", "a 'b c' d", ["true"], ["a", "", "c"]],
                ["", "  ", [], [""], [1], ["a", None], 5, {}],
                {json.dumps("echo 'x"): QUOTES, json.dumps(["${NOPE}"]): ENVIRON}),
    "cwd": (["/", "x"], ["", 1], {}),
    "user": (["nobody", "1000"], ["", 1000], {}),
    "shell": (["/bin/sh"], ["", True], {}),
    "umask": (["022", "0022", "7", "27"], ["888", "", 18, "01777", "1777"], {}),
    "no_new_privs": ([True, False], ["true", 1, None], {}),
    "limits": ([{}, {"open_files": 64, "processes": 1, "file_size": "1G", "memory": "512MiB",
                     "cpu": "10m", "core": 0, "cpus": 0.5}, {"cpus": 2}, {"cpus": 0.01}],
               [[], {"open_files": 2}, {"memory": "x"}, {"memory": 0}, {"cpu": 0}, {"core": -1},
                {"nice": 3}, {"memory": "1P"}, {"memory": "-1M"},
                {"cpus": 0}, {"cpus": 0.009}, {"cpus": 1024.5}, {"cpus": "1"}],
               {json.dumps({"cpu": "0s"}): TOTAL, json.dumps({"core": "99999999T"}): TOTAL}),
}

PROCESS = {"command": ["true"]}
# Whole jobs, without name and schedule: (accepted by both, the rest).
EXECUTORS = [
    (True, {"command": "x"}),
    (False, {}),
    (True, {"docker": {"image": "i"}}),
    (True, {"docker": {"image": "i"}, "command": ""}),
    (False, {"docker": {}}),
    (False, {"docker": {"image": ""}}),
    (False, {"docker": {"image": "i", "img": "x"}}),
    (True, {"docker": {"image": "i", "network": "n", "volumes": ["/a:/b"]}, "command": ["x"]}),
    (True, {"fly": {"app": "a"}}),
    (True, {"fly": {"app": "a", "config": {"x": [1, None]}, "guest": {"cpus": 1}}, "command": "x"}),
    (False, {"fly": {"region": "cdg"}}),
    (False, {"fly": {"app": "a", "config": []}}),
    (True, {"app_name": "a", "region": "cdg", "config": {"image": "x"}, "command": "x"}),
    (True, {"app_name": "a"}),
    (False, {"region": "cdg", "command": "x"}),
    (False, {"config": {}, "command": "x"}),
    (False, {"app_name": "a", "fly": {"app": "a"}}),
    (False, {"fly": {"app": "a"}, "region": "cdg"}),
    (False, {"fly": {"app": "a"}, "docker": {"image": "i"}}),
    (False, {"app_name": "a", "docker": {"image": "i"}}),
    (True, {"verify": {"url": "https://example.org"}}),
    (True, {"verify": {"url": "http://x", "expect_status": 204, "expect_text": "a", "within": "1m"}}),
    (True, {"verify": {"url": "http://x", "expect_status": "5xx", "within": 60}, "shell": "/bin/sh"}),
    (False, {"verify": {}}),
    (False, {"verify": "http://x"}),
    (False, {"verify": {"url": "x"}}),
    (False, {"verify": {"url": "http://x", "expect_status": "200"}}),
    (False, {"verify": {"url": "http://x", "expect_status": "6xx"}}),
    (False, {"verify": {"url": "http://x", "expect_status": 600}}),
    (False, {"verify": {"url": "http://x", "expect_status": [200]}}),
    (False, {"verify": {"url": "http://x", "expect_text": ""}}),
    (False, {"verify": {"url": "http://x", "within": "x"}}),
    (True, {"verify": {"url": "http://x", "fly": "a"}}),
    (True, {"verify": {"fly": "a", "within": "1m"}}),
    (False, {"verify": {"fly": ""}}),
    (False, {"verify": {"within": "1m"}}),
    (False, {"verify": {"url": "http://x", "docker": "a"}}),
    (False, {"verify": {"url": "http://x"}, "command": "x"}),
    (False, {"verify": {"url": "http://x"}, "docker": {"image": "i"}}),
    (False, {"verify": {"url": "http://x"}, "fly": {"app": "a"}}),
    (False, {"verify": {"url": "http://x"}, "app_name": "a"}),
    (False, {"verify": {"url": "http://x"}, "http": {"url": "http://x"}}),
    (True, {"http": {"url": "https://example.org", "expect": 200}}),
    (True, {"http": {"url": "http://x", "method": "GET", "headers": {"X-Y": "z"}, "body": "",
                     "expect": [200, 204]}}),
    (False, {"http": {"url": "ftp://x"}}),
    (False, {"http": {"url": "https://x"}, "command": "x"}),
    (False, {"http": {"url": "https://x", "method": "get"}}),
    (False, {"http": {"url": "https://x", "headers": {"a b": "c"}}}),
    (False, {"http": {"url": "https://x", "expect": [99]}}),
    (False, {"http": {}}),
    (False, {"command": "x", "timeout": 1, "command_timeout": 1}),
    (False, {"command": "x", "unknown": 1}),
]
JOB = {"name": "a", "schedule": "@daily", "command": ["true"], "enabled": True}
# Whole files.
FILES = [
    (True, {"jobs": []}), (True, []), (True, JOB), (True, [JOB]),
    (True, {"timezone": "Europe/Paris", "$schema": "x", "defaults": {}, "jobs": [JOB]}),
    (False, {}), (False, {"jobs": {}}), (False, {"timezone": "UTC"}), (False, "x"), (False, 1),
    (False, None), (False, True), (False, [1]), (False, [[]]), (False, {"jobs": [1]}), (False, {"jobs": [], "name": "a"}),
    (False, {"jobs": [], "defaults": []}), (False, {**JOB, "$schema": "x"}),
    (False, {"jobs": [], "defaults": {"name": "x"}}),
    (False, {"jobs": [], "defaults": {"command": "x"}}),
    (False, {"jobs": [], "defaults": {"fly": {"app": "x"}}}),
    (False, {"jobs": [], "defaults": {"verify": {"url": "http://x"}}}),
    (False, {"jobs": [], "defaults": {"timeout": 1, "command_timeout": 2}}),
    (True, {"jobs": [], "defaults": {"timeout": 1, "retry": {"attempts": 2}, "env": {"A": "b"}}}),
    (False, {"jobs": [], "defaults": {"retry": {"attempts": 0}}}),
    (False, {"jobs": [], "$schema": 1}),
]


def parse(paths):
    """What the parser says of each file: path -> answer."""
    out = subprocess.run([PARSE_FILE, *map(str, paths)], check=True, stdout=subprocess.PIPE,
                         text=True).stdout
    return {answer["file"]: answer for answer in map(json.loads, out.splitlines())}


class Agreement(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = subprocess.run([PARSE_FILE, "--schema"], check=True, stdout=subprocess.PIPE,
                              text=True).stdout
        cls.schema = json.loads(text)
        jsonschema.Draft202012Validator.check_schema(cls.schema)
        cls.validator = jsonschema.Draft202012Validator(cls.schema)

    def judge(self, cases):
        """cases: (label, document, accepted by both, why only the parser refuses or None)"""
        wrong = []
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for i, (_, document, _, _) in enumerate(cases):
                path = pathlib.Path(folder, f"{i:04}.json")
                path.write_text(json.dumps(document), encoding="utf-8")
                paths.append(path)
            answers = parse(paths)
            for path, (label, document, accepted, why) in zip(paths, cases):
                by_schema = self.validator.is_valid(document)
                by_parser = answers[str(path)]["ok"]
                expected = (True, False) if why else (accepted, accepted)
                if (by_schema, by_parser) != expected:
                    wrong.append(f"{label}: schema {by_schema}, parser {by_parser}, expected "
                                 f"{expected}: {answers[str(path)]['findings'][:2]}")
        self.assertEqual(wrong, [])
        self.assertTrue(cases)

    def test_values_of_every_key(self):
        cases = []
        for key, (good, bad, beyond) in VALUES.items():
            for value in good:
                cases.append((f"{key}: {value!r}", {"jobs": [{**JOB, key: value}]}, True, None))
            for value in bad:
                cases.append((f"{key}: {value!r}", {"jobs": [{**JOB, key: value}]}, False, None))
            for text, why in beyond.items():
                cases.append((f"{key}: {text}", {"jobs": [{**JOB, key: json.loads(text)}]}, False,
                              why))
        self.judge(cases)

    def test_executors(self):
        self.judge([(repr(rest), {"jobs": [{"name": "a", "schedule": "@daily", **rest}]}, ok, None)
                    for ok, rest in EXECUTORS])

    def test_whole_files(self):
        self.judge([(repr(document), document, ok, None) for ok, document in FILES])

    def test_every_key_has_its_values_here(self):
        job = self.schema["$defs"]["job"]["properties"]
        others = {"verify", "docker", "fly", "http", "app_name", "region", "config"}
        self.assertEqual(set(job) - others, set(VALUES))

    def test_files_of_the_corpus(self):
        wrong = []
        paths = sorted(HERE.glob("good/*.json")) + sorted(HERE.glob("bad/*.json"))
        self.assertGreater(len(paths), 50)
        answers = parse(paths)
        unused = set(BEYOND_SCHEMA_FILES)
        for path in paths:
            label = f"{path.parent.name}/{path.stem}"
            by_parser = answers[str(path)]["ok"]
            try:
                document = json.loads(path.read_bytes().decode("utf-8"))
            except (ValueError, RecursionError):
                if by_parser and path.read_text().strip():
                    wrong.append(f"{label}: the parser accepts what is no JSON")
                continue
            by_schema = self.validator.is_valid(document)
            if label in BEYOND_SCHEMA_FILES:
                unused.discard(label)
                if not by_schema or by_parser:
                    wrong.append(f"{label}: listed as beyond the schema, but schema {by_schema}, "
                                 f"parser {by_parser}")
            elif by_schema != by_parser:
                wrong.append(f"{label}: schema {by_schema}, parser {by_parser}")
        self.assertEqual(wrong, [])
        self.assertEqual(unused, set())


if __name__ == "__main__":
    unittest.main()
