#!/usr/bin/python3
"""What the documents show as belfry's answers is what belfry answers."""
import json
import os
import re
import subprocess
import unittest

from fake import BELFRY, belfry

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def blocks(text):
    """(kind, text) of each block between fences."""
    return [tuple(block.split("\n", 1)) for block in re.split(r"^```", text, flags=re.M)[1::2]]


class ScheduleLanguage(unittest.TestCase):
    TEXT = read("docs/schedule-language.md")

    def ask(self, *questions):
        lines = "".join(json.dumps(question) + "\n" for question in questions)
        answer = subprocess.run([BELFRY, "next", "--batch"], input=lines, text=True, check=True,
                                stdout=subprocess.PIPE, timeout=60)
        return [json.loads(line) for line in answer.stdout.splitlines()]

    def test_batch_examples(self):
        found = 0
        for _, block in blocks(self.TEXT):
            lines = block.splitlines()
            if lines[0].startswith('{"expr"'):
                found += 1
                self.assertEqual([json.loads(lines[1])], self.ask(json.loads(lines[0])))
        self.assertEqual(1, found)

    def test_calendar_forms(self):
        forms = next(block for kind, block in blocks(self.TEXT) if kind == "json").splitlines()
        self.assertEqual(8, len(forms))
        for form in forms:
            result = belfry("explain", form)
            self.assertEqual((0, ""), (result.returncode, result.stderr), form)

    def test_macros(self):
        rows = re.findall(r"^\| (`@\w+`(?:, `@\w+`)*) \| `([^`]+)` \|$", self.TEXT, re.M)
        self.assertEqual(5, len(rows))
        for macros, expression in rows:
            for macro in re.findall("@[a-z]+", macros):
                same = [{"expr": expr, "tz": "Europe/Paris", "from": "2026-01-01T00:00:00Z", "n": 50}
                        for expr in (macro, expression)]
                first, second = self.ask(*same)
                self.assertEqual(first, second)

    def test_daylight_saving(self):
        """The table of the two days in Europe/Paris, in UTC."""
        spring, autumn = "2026-03-29T00:00:00Z", "2026-10-24T23:15:00Z"
        rows = {
            "30 2 * * *": (["29T01:00"], ["25T00:30"]),
            "0,30 2 * * *": (["29T01:00"], ["25T00:00", "25T00:30"]),
            "30 * * * *": (["29T00:30", "29T01:30"],
                           ["24T23:30", "25T00:30", "25T01:30", "25T02:30"]),
            "*/10 2 * * *": ([], [f"25T0{hour}:{m}0" for hour in (0, 1) for m in range(6)]),
        }
        table = self.TEXT[self.TEXT.index("on 29 March"):]
        for expression, days in rows.items():
            self.assertIn(f"| `{expression}` |", table)
            for expected, start, end in zip(days, (spring, autumn), ("29T02:00", "25T03:00")):
                answer = self.ask({"expr": expression, "tz": "Europe/Paris", "from": start, "n": 20})
                found = [instant[8:16] for instant in answer[0]["next"]
                         if instant < start[:8] + end]
                self.assertEqual(expected, found, expression)

    def test_the_error(self):
        self.assertIn("day-of-week 8 is out of range 0-7 (0 and 7 are Sunday)",
                      belfry("explain", "0 10 * * 8").stderr)


class Operating(unittest.TestCase):
    def test_commands_are_spelled_right(self):
        """Every `belfry VERB --option` in the documents is one that exists."""
        commands = {row["name"]: {"--" + option["name"] for option in row["options"]}
                    | {"-" + option.get("letter", "h") for option in row["options"]}
                    for row in json.loads(belfry("help", "--json").stdout)}
        found = 0
        for name in ("README.md", "docs/operating.md", "docs/schedule-language.md",
                     "man/belfry.1.scd", "examples/kaiwa/README.md"):
            code = "\n".join(block for _, block in blocks(read(name)))
            for line in re.findall(r"^(?:\$ )?belfry [a-z].*", code, re.M):
                for command in re.split("&& |[|;] ", line.split("  #")[0]):
                    words = command.removeprefix("$ ").split()
                    if words[:1] != ["belfry"]:
                        continue
                    found += 1
                    self.assertIn(words[1], commands, line)
                    options = {word.split("=")[0] for word in words if re.match("--?[a-z]", word)}
                    self.assertLessEqual(options, commands[words[1]], line)
        self.assertGreater(found, 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
