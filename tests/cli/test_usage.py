#!/usr/bin/python3
"""Help, wrong usage, exit codes, and the terminal."""
import json
import os
import pty
import shutil
import subprocess
import tempfile
import unittest

from fake import BELFRY, Fake, belfry, job_row


def commands():
    return json.loads(belfry("help", "--json").stdout)


def visible():
    return [row["name"] for row in commands() if not row["hidden"]]


class Help(unittest.TestCase):
    def test_overview_names_every_command(self):
        for words in (["help"], ["--help"], ["-h"]):
            result = belfry(*words)
            self.assertEqual((0, ""), (result.returncode, result.stderr))
            for name in visible():
                self.assertRegex(result.stdout, rf"(?m)^  {name} ")

    def test_no_command_is_wrong_usage(self):
        result = belfry()
        self.assertEqual((2, ""), (result.returncode, result.stdout))
        self.assertIn("usage: belfry COMMAND", result.stderr)

    def test_every_command_has_a_page_with_examples(self):
        for row in commands():
            if row["hidden"]:
                continue
            pages = {belfry(*words).stdout for words in (
                ["help", row["name"]], [row["name"], "--help"], [row["name"], "-h"],
                [row["name"], "--json", "--help", "too", "many", "operands", "here", "all"])}
            self.assertEqual(1, len(pages))
            page = pages.pop()
            self.assertIn(f"usage: belfry {row['name']} [OPTION…]", page)
            self.assertIn(f"\nexamples\n  belfry {row['name']}", page)
            for option in row["options"]:
                self.assertRegex(page, rf"(?m)^  (-., |    )--{option['name']}\b")
            self.assertLessEqual(max(map(len, page.splitlines())), 100)

    def test_every_command_takes_json_and_help(self):
        for row in commands():
            self.assertLessEqual({"json", "help"}, {option["name"] for option in row["options"]})

    def test_options_are_told_apart(self):
        for row in commands():
            names = [option["name"] for option in row["options"]]
            letters = [option["letter"] for option in row["options"] if "letter" in option]
            self.assertEqual(len(names), len(set(names)), row["name"])
            self.assertEqual(len(letters), len(set(letters)), row["name"])

    def test_help_of_nothing(self):
        result = belfry("help", "lsit")
        self.assertEqual(2, result.returncode)
        self.assertIn("there is no command 'lsit'; did you mean 'list'?", result.stderr)


class Usage(unittest.TestCase):
    ROWS = [
        (["lits"], "there is no command 'lits'; did you mean 'list'?"),
        (["xyzzy"], "there is no command 'xyzzy'"),
        ([""], "there is no command ''"),
        (["--server", "x", "list"], "options of a command come after it"),
        (["list", "--sevrer", "x"], "there is no option --sevrer; did you mean --server?"),
        (["list", "-x"], "there is no option -x"),
        (["list", "--server"], "--server needs a value: --server URL"),
        (["list", "--json=yes"], "--json takes no value"),
        (["list", "x"], "'x' is too much"),
        (["trigger"], "needs a JOB: belfry trigger JOB"),
        (["runs", "--limit", "0"], "--limit takes a whole number from 1"),
        (["runs", "--limit", "ten"], "not 'ten'"),
        (["runs", "--limit", "99999999999999999999"], "--limit takes a whole number"),
        (["runs", "--outcome", "bad"], "--outcome takes one of succeeded, partial,"),
        (["logs", "x", "--stream", "stdin"], "--stream takes one of"),
        (["serve", "--stop", "now"], "--stop takes one of leave, wait, kill, not 'now'"),
        (["serve", "--stop-timeout", "soon"], "--stop-timeout takes a duration"),
        (["serve", "--max-running", "0"], "--max-running takes"),
        (["serve", "--listen", "nowhere"], "--listen: "),
        (["serve", "schedules.json"], "'schedules.json' is too much"),
        (["completions"], "needs a SHELL: belfry completions SHELL"),
        (["completions", "tcsh"], "no completions for 'tcsh'"),
    ]

    def test_wrong_usage(self):
        for words, text in self.ROWS:
            result = belfry(*words)
            self.assertEqual((2, ""), (result.returncode, result.stdout), words)
            self.assertIn(text, result.stderr)
            self.assertRegex(result.stderr, r"\nSee 'belfry .*'\.\n$")

    def test_no_place_for_the_state(self):
        """As nobody, for whom there is no /var/lib; the build folder may be closed to it."""
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            command = [shutil.copy(BELFRY, folder), "serve"]
            if os.geteuid() == 0:
                command = ["setpriv", "--reuid=65534", "--clear-groups", *command]
            result = subprocess.run(command, env={"PATH": os.environ["PATH"]},
                                    stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(2, result.returncode, result.stderr)
        self.assertIn("no state directory: HOME is not set", result.stderr)


class Output(unittest.TestCase):
    def test_full_disk_is_told(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = subprocess.run([BELFRY, "help"], stdout=full, stderr=subprocess.PIPE,
                                    text=True, timeout=60)
        self.assertEqual(1, result.returncode)
        self.assertIn("No space left on device", result.stderr)

    def test_a_reader_who_went_away_is_no_news(self):
        reader, writer = os.pipe()
        os.close(reader)
        result = subprocess.run([BELFRY, "help"], stdout=writer, stderr=subprocess.PIPE,
                                text=True, timeout=60)
        os.close(writer)
        self.assertEqual("", result.stderr)

    def on_terminal(self, words, **env):
        """What the command writes to a terminal, and its width there."""
        master, slave = pty.openpty()
        subprocess.run(["stty", "cols", "60"], stdin=slave, check=True)
        process = subprocess.Popen([BELFRY, *words], stdin=slave, stdout=slave, stderr=slave,
                                   env={"TERM": "xterm", "LC_ALL": "C.UTF-8", **env})
        os.close(slave)
        data = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            data += piece
        process.wait(60)
        os.close(master)
        return data.decode().replace("\r\n", "\n")

    def test_terminal(self):
        rows = [job_row("a-rather-long-name-of-a-job-that-does-not-fit-anywhere"),
                job_row("b", "0 9 * * *", last={"outcome": "failed", "state": "finished",
                                                "finished_at": "2026-01-01T00:00:00Z"})]
        with Fake(rows) as fake:
            words = ["list", "--server", fake.url]
            colours = self.on_terminal(words)
            self.assertIn("\x1b[31mfailed", colours)
            self.assertIn("…", colours)
            for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}):
                plain = self.on_terminal(words, **env)
                self.assertNotIn("\x1b", plain)
                self.assertLessEqual(max(map(len, plain.splitlines())), 60)
            piped = fake.run("list").stdout
            self.assertNotIn("…", piped)
            self.assertNotIn("\x1b", piped)
            self.assertIn("\n  {\n", self.on_terminal([*words, "--json"]))
            self.assertEqual(1, fake.run("list", "--json").stdout.count("\n"))

    def test_hints(self):
        rows = [(["ls"], "did you mean 'list'?"), (["validate"], "did you mean 'check'?"),
                (["start"], "'trigger JOB' starts a run"), (["stop"], "'cancel' ends a run"),
                (["reload"], "follows schedules.json by itself"),
                (["-v"], "did you mean --version?"),
                (["trigger"], "belfry trigger: needs a JOB: belfry trigger JOB"),
                (["next", "0", "9", "*", "*", "mon"],
                 "put the schedule in quotes: belfry next '0 9 * * mon'"),
                (["explain", "0", "9"], "put the schedule in quotes: belfry explain '")]
        for words, hint in rows:
            result = belfry(*words)
            self.assertEqual((2, ""), (result.returncode, result.stdout), words)
            self.assertIn(hint, result.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
