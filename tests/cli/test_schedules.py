#!/usr/bin/python3
"""next, next --batch, explain."""
import json
import os
import subprocess
import unittest
from datetime import datetime

from offline import BELFRY, Folder, job

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vectors")


def belfry(*words, **more):
    with Folder() as folder:
        return folder.belfry(*words, **more)


def vectors(name):
    with open(os.path.join(VECTORS, name), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class Next(unittest.TestCase):
    def check_text(self, expected, *words):
        result = belfry("next", *words)
        self.assertEqual((0, ""), (result.returncode, result.stderr))
        self.assertEqual(expected, result.stdout)

    def test_a_gap_and_what_it_does(self):
        self.check_text("""\
Europe/Paris               UTC                   DAYLIGHT SAVING
Sat 2026-03-28 02:30 CET   2026-03-28T01:30:00Z
Sun 2026-03-29 03:00 CEST  2026-03-29T01:00:00Z  shifted from 02:30
Mon 2026-03-30 02:30 CEST  2026-03-30T00:30:00Z
""", "30 2 * * *", "--tz", "Europe/Paris", "--from", "2026-03-28", "-n", "3")
        self.check_text("""\
America/New_York          UTC                   DAYLIGHT SAVING
Sun 2026-03-08 03:00 EDT  2026-03-08T07:00:00Z  shifted from 02:15:30
""", "30 15 2 * * *", "--tz", "America/New_York", "--from", "2026-03-08T01:00", "-n1")

    def test_an_overlap_and_what_it_does(self):
        self.check_text("""\
America/New_York          UTC                   DAYLIGHT SAVING
Sun 2026-11-01 01:00 EDT  2026-11-01T05:00:00Z  first of two
Sun 2026-11-01 01:30 EDT  2026-11-01T05:30:00Z  first of two
Sun 2026-11-01 01:00 EST  2026-11-01T06:00:00Z  second of two
Sun 2026-11-01 01:30 EST  2026-11-01T06:30:00Z  second of two
Sun 2026-11-01 02:00 EST  2026-11-01T07:00:00Z
""", "*/30 * * * *", "--tz", "America/New_York", "--from", "2026-11-01T04:59:00Z")

    def test_without_a_zone_it_is_utc(self):
        self.check_text("""\
UTC
Sun 2026-03-01 09:00 UTC
""", "0 9 * * *", "--from", "2026-02-28T23:00:00-05:00", "-n", "1")

    def test_zone_in_front(self):
        self.check_text("""\
Asia/Kolkata              UTC
Mon 2026-03-02 09:00 IST  2026-03-02T03:30:00Z
""", "CRON_TZ=Asia/Kolkata 0 9 * * *", "--from", "2026-03-02", "-n", "1")

    def test_a_calendar_form(self):
        self.check_text("""\
Europe/Paris              UTC
Sat 2026-02-28 23:00 CET  2026-02-28T22:00:00Z
""", '{"every": "month", "day": "last", "time": "23:00"}', "--tz", "Europe/Paris",
                        "--from", "2026-02-01", "-n", "1")

    def test_json_is_that_of_the_batch(self):
        result = belfry("next", "30 2 * * *", "--tz", "Europe/Paris",
                        "--from", "2026-03-28T12:00:00Z", "-n", "2", "--json")
        self.assertEqual({"next": ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]},
                         json.loads(result.stdout))
        result = belfry("next", "0 10 * * 8", "--json")
        self.assertEqual(2, result.returncode)
        self.assertEqual({"error": {"message": "day-of-week 8 is out of range 0-7 (0 and 7 are "
                                               "Sunday)",
                                    "where": "expr", "column": 10, "length": 1}},
                         json.loads(result.stdout))

    def test_nothing_to_come(self):
        rows = [("@reboot", "once each time the service starts"),
                ("0 0 0 1 1 * 2001", "does not fire any more"),
                ('{"at": "2001-01-01T00:00:00"}', "does not fire any more")]
        for text, remark in rows:
            result = belfry("next", text)
            self.assertEqual((0, ""), (result.returncode, result.stdout), text)
            self.assertIn(remark, result.stderr)
            self.assertEqual({"next": []}, json.loads(belfry("next", text, "--json").stdout))

    def test_the_name_decides_h(self):
        times = {belfry("next", "H H * * *", "--name", name, "--json", "-n", "1",
                        "--from", "2026-01-01").stdout for name in ("a", "b", "c")}
        self.assertEqual(3, len(times))

    def test_errors_point_at_the_piece(self):
        rows = [
            (["0 10 * * 8"], """\
belfry next: "0 10 * * 8"
                       ^ day-of-week 8 is out of range 0-7 (0 and 7 are Sunday)
"""),
            (["0 9 * * Monday"], """\
belfry next: "0 9 * * Monday"
                      ^~~~~~ """),
            (["* * * * *", "--tz", "Europe/Pari"], """\
belfry next: tz "Europe/Pari"
                 ^~~~~~~~~~~ unknown zone "Europe/Pari"; did you mean Europe/Paris?
"""),
            (['{"every": "week", "weekday": ["mon", "mondey"], "time": "10:00"}'], """\
belfry next: weekday "mondey"
                      ^~~~~~ """),
            (['{"every": "week", "weekdai": "mon"}'], "did you mean \"weekday\"?"),
            (['{"every": '], "is no JSON"),
            (["send-reminders"], "write --job send-reminders"),
            (["0 9 30 2 *"], "never"),
            ([], "give a schedule, or --job JOB"),
            (["* * * * *", "--job", "a"], "not both"),
            (["--job", "a", "--tz", "UTC"], "a job has its own"),
            (["* * * * *", "--config", "x"], "--config says where --job is looked for"),
            (["* * * * *", "-n", "0"], "--count takes a whole number from 1 to 10000"),
            (["* * * * *", "--from", "yesterday"], "--from takes an instant"),
            (["--batch", "* * * * *"], "--batch reads its questions from standard input"),
        ]
        for words, text in rows:
            result = belfry("next", *words)
            self.assertEqual((2, ""), (result.returncode, result.stdout), words)
            self.assertIn(text, result.stderr)

    def test_control_characters_do_not_reach_the_terminal(self):
        result = belfry("next", "\033[31m * * * *")
        self.assertNotIn("\033", result.stderr)
        self.assertEqual(2, result.returncode)

    def test_a_job_of_the_file(self):
        with Folder(job("send", "true", "0 9 * * *", **{"except": ["2026-03-02"]}),
                    timezone="Europe/Paris") as folder:
            result = folder.belfry("next", "--job", "send", "--from", "2026-03-01", "-n", "2",
                                   "--json")
            self.assertEqual({"next": ["2026-03-01T08:00:00Z", "2026-03-03T08:00:00Z"]},
                             json.loads(result.stdout))
            result = folder.belfry("next", "--job", "sent")
            self.assertEqual(2, result.returncode)
            self.assertEqual("belfry next: schedules.json has no job 'sent'; did you mean send?\n",
                             result.stderr)


class Batch(unittest.TestCase):
    def ask(self, lines):
        result = subprocess.run([BELFRY, "next", "--batch"], input=b"".join(lines),
                                stdout=subprocess.PIPE, check=True, timeout=60)
        answers = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual(len(lines), len(answers))
        return answers

    def test_valid_vectors(self):
        rows = vectors("valid.jsonl")
        self.assertGreaterEqual(len(rows), 820)
        answers = self.ask([json.dumps({
            "expr": row["expr"], "tz": row["tz"], "from": row["from"],
            "n": len(row["unix"]) + (1 if row.get("end") else 0)}).encode() + b"\n"
            for row in rows])
        for row, answer in zip(rows, answers):
            times = [int(datetime.fromisoformat(t.replace("Z", "+00:00")).timestamp())
                     for t in answer["next"]]
            self.assertEqual(row["unix"], times, row)

    def test_invalid_vectors(self):
        rows = vectors("invalid.jsonl")
        self.assertGreaterEqual(len(rows), 258)
        lines = []
        for row in rows:
            question = {"expr": row.get("expr", "@"), "from": "2026-01-01T00:00:00Z"}
            if row["kind"] == "tz":
                question = {**question, "expr": "* * * * *", "tz": row["tz"]}
            line = json.dumps(question).encode()
            if "expr_hex" in row:
                line = line.replace(b'"@"', b'"' + bytes.fromhex(row["expr_hex"]) + b'"')
            lines.append(line + b"\n")
        for row, answer in zip(rows, self.ask(lines)):
            self.assertEqual(["error"], list(answer), row)
            self.assertTrue(answer["error"]["message"])
            self.assertGreaterEqual(answer["error"]["column"], 1)

    def test_a_bad_line_stops_nothing(self):
        good = b'{"expr": "0 9 * * *", "from": "2026-03-01T00:00:00Z"}\n'
        answers = self.ask([good, b"nonsense\n", b"\n", b"\xff\xfe\n", b"a" * (3 << 20) + b"\n",
                            b"[" * 100000 + b"\n", good.rstrip()])
        self.assertEqual({"next": ["2026-03-01T09:00:00Z"]}, answers[0])
        self.assertEqual(answers[0], answers[6])
        for answer in answers[1:6]:
            self.assertEqual("line", answer["error"]["where"])
        self.assertEqual("the line is longer than 1048576 bytes", answers[4]["error"]["message"])

    def test_each_line_is_answered_before_the_next_is_asked(self):
        with subprocess.Popen([BELFRY, "next", "--batch"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as process:
            for day in range(1, 4):
                process.stdin.write(b'{"expr": "0 9 * * *", "from": "2026-03-0%dT00:00:00Z"}\n'
                                    % day)
                process.stdin.flush()
                self.assertEqual({"next": [f"2026-03-0{day}T09:00:00Z"]},
                                 json.loads(process.stdout.readline()))
            process.stdin.close()
            self.assertEqual(0, process.wait(60))

    def test_nobody_reads(self):
        with subprocess.Popen([BELFRY, "next", "--batch"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.close()
            try:
                process.communicate(b"x\n" * 100000, timeout=60)
            except BrokenPipeError:
                pass
            self.assertEqual(1, process.wait(60))


class Explain(unittest.TestCase):
    def test_sentence_equal_form_and_fires(self):
        rows = [
            (["0 10 * * 1", "--tz", "Europe/Paris"],
             "At 10:00 every Monday, in Europe/Paris.\n"
             'The same as {"every": "week", "weekday": "monday", "time": "10:00"}\n'),
            (['{"every": "week", "weekday": "monday", "time": "10:00"}'],
             "At 10:00 every Monday, in UTC.\nThe same as 0 10 * * MON\n"),
            (['{"every": "15m"}'],
             "Every 15 minutes, counted from 1 January 1970 at 00:00 UTC, in UTC.\n"
             "The same as @every 15m\n"),
        ]
        for words, text in rows:
            result = belfry("explain", *words)
            self.assertEqual((0, ""), (result.returncode, result.stderr))
            sentence, table = result.stdout.split("\n\n")
            self.assertEqual(text, sentence + "\n")
            self.assertEqual(6, len(table.splitlines()))

    def test_reboot(self):
        self.assertEqual("Once each time the service starts.\n",
                         belfry("explain", "@reboot").stdout)

    def test_what_is_likely_unmeant(self):
        result = belfry("explain", "* 3 * * *")
        self.assertIn("\nwarning: every minute of the hours given fires, sixty times an hour",
                      result.stdout)

    def test_json(self):
        result = belfry("explain", "30 2 * * *", "--tz", "America/New_York", "--json")
        answer = json.loads(result.stdout)
        self.assertEqual((None, "30 2 * * *", "America/New_York", "at 02:30 every day",
                          '{"every": "day", "time": "02:30"}'),
                         tuple(answer[key] for key in ("job", "schedule", "timezone",
                                                       "explanation", "equivalent")))
        self.assertIn("does not exist on", answer["warnings"][0])
        self.assertEqual(5, len(answer["next"]))
        for fire in answer["next"]:
            at = datetime.fromisoformat(fire["at"].replace("Z", "+00:00"))
            self.assertEqual(at, datetime.fromisoformat(fire["local"]))
            self.assertIn("shift", fire)

    def test_equal_to_several_expressions(self):
        form = json.dumps({"every": "week", "weekday": ["monday", "thursday"],
                           "time": ["09:00", "17:30"]})
        self.assertIn("\nThe same as 0 9 * * MON,THU and 30 17 * * MON,THU\n",
                      belfry("explain", form).stdout)
        answer = json.loads(belfry("explain", form, "--json").stdout)
        self.assertEqual(["0 9 * * MON,THU", "30 17 * * MON,THU"], answer["equivalent"])
        self.assertIsNone(json.loads(belfry("explain", "@reboot", "--json").stdout)["equivalent"])

    def test_a_job_of_the_file(self):
        with Folder(job("send", "true", {"every": "day", "time": "09:00"}, jitter="5m"),
                    timezone="Europe/Paris") as folder:
            result = folder.belfry("explain", "--job", "send")
            self.assertEqual(0, result.returncode, result.stderr)
            self.assertTrue(result.stdout.startswith("send: "), result.stdout)
            self.assertIn("\nAt 09:00 every day, each by less than 5m later, in Europe/Paris.\n",
                          result.stdout)

    def test_errors(self):
        result = belfry("explain", "0 25 * * *")
        self.assertEqual((2, ""), (result.returncode, result.stdout))
        self.assertTrue(result.stderr.startswith('belfry explain: "0 25 * * *"\n'))


if __name__ == "__main__":
    unittest.main()
