#!/usr/bin/python3
"""Schemathesis asks a real belfry for all that api/openapi.yaml promises, every check on.

It draws requests from the document, right ones and wrong ones, and holds the answers to it.
What was asked is looked at afterwards: an operation that never succeeded was not tested.
"""
import collections
import json
import os
import re
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests/daemon"))
from harness import Belfry, job, shell  # noqa: E402

SCHEMATHESIS = os.path.join(ROOT, "build/venv/bin/schemathesis")
TOKEN = "one-for-all"
# What replaces the jobs that everything else asks about.
DEPLOYS = ("apply", "rollback")
# Runs here end at once, so that nobody follows one for ever; test_api.py cancels some. The
# document itself Schemathesis does not ask for but at its start.
NOT_HERE = {"cancel", "openapi"}
JOBS = [
    job("send-reminders", shell("echo out; echo err >&2"), schedule="* * * * *", dry_run=["--dry"]),
    job("weekly-digest", shell("""echo '{"event":"result","processed":3,"failed":1}'"""),
        schedule={"every": "week", "weekday": "monday", "time": "10:00"}, timezone="Europe/Paris"),
    job("fails", "false", retry={"attempts": 2, "backoff": "1s"}),
    job("off", "true", enabled=False),
]


class Managed(Belfry):
    def source(self):
        return ("--managed",)

    def run_command(self, *arguments, check=None):
        return super().run_command(*arguments, "--token", TOKEN, check=check)

    def fill(self):
        """Jobs, and some history of them."""
        self.start("--trusted-proxy", "127.0.0.0/8", env={"BELFRY_TOKEN": TOKEN})
        self.run_command("apply", "--yes", self.config, check=0)
        for row in JOBS[:3]:
            self.wait_run(self.trigger(row["name"]))
        self.wait_run(self.trigger("send-reminders", "--dry-run"))


def pattern_of(document, path):
    """The path of the document that a request's path is one of."""
    for pattern in document["paths"]:
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path):
            return pattern
    return None


class Schemathesis(unittest.TestCase):
    def setUp(self):
        self.assertTrue(os.path.exists(SCHEMATHESIS),
                        "schemathesis is not there; `./dev test` installs it")

    def ask(self, b, *options):
        har = b.path("har.json")
        result = subprocess.run(
            [SCHEMATHESIS, "--config-file", os.path.join(HERE, "schemathesis.toml"), "run",
             b.url + "/openapi.json", "--header", f"Authorization: Bearer {TOKEN}",
             "--checks", "all", "--continue-on-failure", "--max-examples", "25", "--seed", "1",
             "--no-color", "--report", "har", "--report-har-path", har,
             "--generation-database", "none", *options],
            cwd=b.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=280,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": HERE})
        self.assertEqual(0, result.returncode, result.stdout)
        with open(har, encoding="utf-8") as file:
            return [(entry["request"]["method"], entry["request"]["url"],
                     entry["response"]["status"]) for entry in json.load(file)["log"]["entries"]]

    def succeeded(self, b, asked):
        """How often each operation was asked with success, by its id."""
        document = json.loads(b.http("GET", "/openapi.json")[1])
        counts = collections.Counter()
        for method, url, status in asked:
            pattern = pattern_of(document, url[len(b.url):].split("?")[0])
            operation = document["paths"].get(pattern, {}).get(method.lower())
            if operation and 200 <= status < 300:
                counts[operation["operationId"]] += 1
        all_ids = {operation["operationId"] for path in document["paths"].values()
                   for method, operation in path.items() if method != "parameters"}
        return counts, all_ids

    def test_all_that_reads_and_asks(self):
        with Managed(JOBS) as b:
            b.fill()
            asked = self.ask(b, *(word for name in DEPLOYS
                                  for word in ("--exclude-operation-id", name)))
            counts, all_ids = self.succeeded(b, asked)
            self.assertEqual(set(), all_ids - set(DEPLOYS) - NOT_HERE - set(counts))
            self.assertGreater(len(asked), 1000)
            self.assertEqual(0, b.stop())

    def test_deploys(self):
        with Managed(JOBS) as b:
            b.fill()
            asked = self.ask(b, *(word for name in (*DEPLOYS, "plan", "revisions", "revision",
                                                    "revisionPlan", "export")
                                  for word in ("--include-operation-id", name)))
            counts, _ = self.succeeded(b, asked)
            self.assertEqual(set(), set(DEPLOYS) - set(counts))
            self.assertEqual(0, b.stop())


if __name__ == "__main__":
    unittest.main(verbosity=2)
