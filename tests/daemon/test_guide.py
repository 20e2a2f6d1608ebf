#!/usr/bin/python3
"""The operator guide's chapters on deploys and tokens, line by line as they are written:
docs/operating.md is the script."""
import json
import os
import pty
import re
import stat
import subprocess
import unittest

import yaml

from harness import BUILD, DEADLINE_S, Belfry, job

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")


def chapter(title):
    with open(os.path.join(ROOT, "docs/operating.md"), encoding="utf-8") as file:
        text = file.read()
    return re.search(rf"^## {title}\n(.*?)^## ", text, re.M | re.S)[1]


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


class Checkout(Belfry):
    """A managed belfry, and a Git checkout's schedules.json beside it."""

    def __init__(self, jobs):
        super().__init__(jobs)
        self.token = None

    def source(self):
        return ("--managed",)

    def environment(self, **more):
        return {**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}", "BELFRY_SERVER": self.url,
                **({"BELFRY_TOKEN": self.token} if self.token else {}), **more}

    def at_terminal(self, line):
        """(exit code, all that was printed) of a line that somebody types who says yes."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(["sh", "-c", line], stdin=theirs, stdout=theirs, stderr=theirs,
                                   cwd=self.folder, env=self.environment(), start_new_session=True)
        os.close(theirs)
        os.write(ours, b"yes\n")
        text = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # nobody has the other end any more
                break
            if not piece:
                break
            text += piece
        os.close(ours)
        return process.wait(DEADLINE_S), text.decode()

    def do(self, case, line):
        code, text = self.at_terminal(line)
        case.assertEqual(0, code, f"{line}\n{text}")
        return text


class Guide(unittest.TestCase):
    def test_deploy(self):
        lines = [line for block in blocks(chapter("Deploy"), "sh") for line in block.splitlines()]
        self.assertGreater(len(lines), 6)
        with Checkout([job("weekly-digest", "true", "0 10 * * mon")]) as b:
            b.start()
            for i in range(4):  # what the lines speak of
                b.write([job("weekly-digest", "true", f"{i} 10 * * mon")])
                b.do(self, "belfry apply --yes")
            b.write([job("weekly-digest", "true", "30 10 * * mon"), job("new", "true")])
            for line in lines:
                b.do(self, line)
            b.do(self, "belfry plan --detailed-exitcode")  # what was exported is in force
            revisions = b.ask("revisions")
            self.assertEqual(6, revisions[0]["number"])
            self.assertIn("3", revisions[0]["message"])

    def test_who_may_ask(self):
        lines = [line for block in blocks(chapter("Who may ask"), "sh")
                 for line in block.splitlines()]
        self.assertGreater(len(lines), 5)
        with Checkout([]) as b:
            b.start()
            made = []
            for line in lines:
                if line.startswith("export BELFRY_TOKEN"):
                    self.assertIn("…", line)
                    continue
                line = line.replace("k3v9x2ma", made[-1].split("_")[1] if made else "")
                made += re.findall(r"bft_\w+", b.do(self, line))
                b.token = b.token or (made[0] if made else None)
            self.assertEqual(2, len(made))
            self.assertIn("token revoke", b.do(self, "belfry audit"))


class Workflow(unittest.TestCase):
    """The GitHub Actions example, its steps run as a runner does."""

    def setUp(self):
        self.workflow = yaml.safe_load(blocks(chapter("Deploy"), "yaml")[0])
        self.steps = self.workflow["jobs"]["schedules"]["steps"]

    def run_event(self, b, event):
        """Runs the steps that are for the event; what `gh` was called with."""
        said = b.path("gh.json")
        gh = b.path("bin/gh")
        os.makedirs(b.path("bin"), exist_ok=True)
        with open(gh, "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\nprintf "%s\\n" "$@" > "$GH_SAID"\n'
                       'for last; do :; done\ncp "$last" "$GH_SAID.body"\n')
        os.chmod(gh, os.stat(gh).st_mode | stat.S_IXUSR)
        ran = 0
        for step in self.steps:
            if "run" not in step or step.get("if") != f"github.event_name == '{event}'":
                continue
            ran += 1
            text = step["run"].replace("${{ github.event.number }}", "17")
            self.assertNotIn("${{", text)
            done = subprocess.run(
                ["bash", "-e", "-c", text], cwd=b.folder, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, timeout=DEADLINE_S, stdin=subprocess.DEVNULL,
                env=b.environment(PATH=f"{b.path('bin')}:{BUILD}:{os.environ['PATH']}",
                                  GH_SAID=said, CI="true", GITHUB_ACTIONS="true",
                                  GITHUB_ACTOR="ada", GITHUB_SHA="0123456789abcdef" * 2 + "01234567",
                                  GITHUB_REPOSITORY="kaiwa/kaiwa"))
            self.assertEqual(0, done.returncode, done.stdout)
        self.assertEqual(1, ran)
        return said

    def test_pull_request_then_main(self):
        self.assertEqual({"pull_request", "push"}, set(self.workflow[True]))  # YAML's "on"
        self.assertEqual({"BELFRY_SERVER", "BELFRY_TOKEN"},
                         set(self.workflow["jobs"]["schedules"]["env"]))
        with Checkout([job("weekly-digest", "true", "0 10 * * mon")]) as b:
            b.start()
            said = self.run_event(b, "pull_request")
            with open(said, encoding="utf-8") as file:
                self.assertEqual(["pr", "comment", "17", "--body-file", "plan.md"],
                                 file.read().splitlines())
            with open(said + ".body", encoding="utf-8") as file:
                comment = file.read()
            self.assertIn("weekly-digest", comment)
            self.assertEqual([], b.ask("revisions"))
            self.run_event(b, "push")
            revision = b.ask("revisions")[0]
            self.assertIn("ada", revision["author"])
            self.assertIn("01234567", json.dumps(revision))
            self.assertEqual(["weekly-digest"], [row["name"] for row in b.ask("list")])


if __name__ == "__main__":
    unittest.main(verbosity=2)
