#!/usr/bin/python3
"""The next five fires of what was imported, against the meaning it had where it came from:
systemd's by systemd-analyze, cron's by croniter, supercronic's and Kubernetes' by the
rules that they have of their own, written out here.
"""
import datetime
import json
import os
import re
import subprocess
import tempfile
import unittest

import croniter

from importing import all_next_fires, belfry, imported, jobs, next_fires

UTC = datetime.timezone.utc

CALENDARS = """
minutely hourly daily weekly monthly quarterly semiannually yearly
Mon
Mon..Fri 08:30
Mon,Wed..Fri,Sun 10:00:30
Sat-Sun *-*-* 09:15
*-*-* 4:05:06
*:0/15
*:5/20
*:*:0/10
0/3:30
9..17/2:00,45
*-*-1..7 18:00
Fri *-*-13 00:13
Mon *-*-1..7 08:00
*-*-1/5 06:00
*-1/3-1 12:00
*-2,6..8-15 00:00
2/5-1 07:00
*-*~01 23:00
*-02~03 01:00
*-*~07/2 02:00
*-*~1..3 05:00
Mon *-05~07/1 10:00
2031-12-24 18:00
2030..2034/2-7-1 09:00:05
29-2-3 10:00
*-*-* 10:00 UTC
*-*-* 02:15 Europe/Paris
Sun 03:30 America/New_York
*-*-31 00:00 Asia/Tokyo
*-02-29 00:00
@2000000000
""".replace("minutely hourly daily weekly monthly quarterly semiannually yearly",
            "minutely\nhourly\ndaily\nweekly\nmonthly\nquarterly\nsemiannually\nyearly")

STARTS = ["2027-01-01T00:00:00Z", "2027-06-30T21:59:59Z"]


def all_by_systemd(calendars, zone, start, count):
    """For each calendar instants in UTC."""
    base = start.replace("T", " ").replace("Z", " UTC")
    text = subprocess.run(["systemd-analyze", "calendar", f"--base-time={base}",
                           f"--iterations={count}", *calendars], check=True, text=True,
                          stdout=subprocess.PIPE, env={**os.environ, "TZ": zone, "LC_ALL": "C"}
                          ).stdout
    found = []
    for block in text.split("Normalized form:")[1:]:
        # In UTC the line "(in UTC)" is left out.
        lines = re.findall(r"\(in UTC\): \S+ (\S+ \S+) UTC", block)
        if not lines:
            lines = re.findall(r"(?:Next elapse|Iter[^:]*): \S+ (\S+ \S+) UTC", block)
        found.append([line.replace(" ", "T") + "Z" for line in lines])
    return found


def by_systemd(calendar, zone, start, count):
    return all_by_systemd([calendar], zone, start, count)[0]


class Systemd(unittest.TestCase):
    def translated(self, calendars, zone):
        """Calendar -> (expression, zone)."""
        with tempfile.TemporaryDirectory() as folder:
            for number, calendar in enumerate(calendars):
                for kind, text in (("timer", f"[Timer]\nOnCalendar={calendar}\n"),
                                   ("service", "[Service]\nExecStart=/bin/true\n")):
                    with open(os.path.join(folder, f"{number}.{kind}"), "w",
                              encoding="utf-8") as file:
                        file.write(text)
            result = belfry("import", "--tz", zone, folder)
        self.assertEqual(0, result.returncode, result.stderr)
        found = jobs(result.stdout)
        return {calendar: (found[str(number)]["schedule"], found[str(number)]["timezone"])
                for number, calendar in enumerate(calendars)}

    def compare(self, zone):
        calendars = [line for line in CALENDARS.splitlines() if line]
        found = self.translated(calendars, zone)
        for start in STARTS:
            theirs = all_by_systemd(calendars, zone, start, 5)
            ours = all_next_fires([(*found[calendar], start, 5) for calendar in calendars])
            self.assertEqual(len(calendars), len(theirs))
            for calendar, their, our in zip(calendars, theirs, ours):
                with self.subTest(calendar=calendar, as_cron=found[calendar], start=start):
                    self.assertEqual(their, our)
                    self.assertTrue(our)

    def test_in_utc(self):
        self.compare("UTC")

    def test_in_kolkata(self):
        self.compare("Asia/Kolkata")


    def test_several_in_one(self):
        with tempfile.TemporaryDirectory() as folder:
            for kind, text in (("timer", "[Timer]\nOnCalendar=Mon..Fri 07:00\n"
                                "OnCalendar=Mon..Fri 19:00\nOnCalendar=Mon..Fri 21:00\n"),
                               ("service", "[Service]\nExecStart=/bin/true\n")):
                with open(os.path.join(folder, f"a.{kind}"), "w", encoding="utf-8") as file:
                    file.write(text)
            found = jobs(belfry("import", "--tz", "UTC", folder).stdout)
        self.assertEqual(["a"], list(found))
        theirs = sorted(sum(all_by_systemd(["Mon..Fri 07:00", "Mon..Fri 19:00", "Mon..Fri 21:00"],
                                           "UTC", STARTS[0], 10), []))[:10]
        self.assertEqual(theirs, next_fires(found["a"]["schedule"], "UTC", STARTS[0], 10))


class Cron(unittest.TestCase):
    EXPRESSIONS = ["*/7 * * * *", "0 9 * * mon-fri", "15 2 1,15 * *", "0 0 13 * fri",
                   "30 4 */10 * *", "5 0 * 8 *", "0 22 * * 1-5", "23 0-20/2 * * *",
                   "5 4 * * sun", "0 0,12 1 */2 *", "0 4 8-14 * *", "0 0 29 2 *",
                   "59 23 31 dec *", "0 6 1-7 * 1", "10 3 * * 7", "@weekly", "@monthly"]

    def test_against_croniter(self):
        text = "".join(f"{expression} /bin/job{number}\n"
                       for number, expression in enumerate(self.EXPRESSIONS))
        found = imported(text, "--from", "crontab")
        for number, expression in enumerate(self.EXPRESSIONS):
            start = datetime.datetime(2027, 1, 1, tzinfo=UTC)
            theirs = croniter.croniter(expression, start)
            fires = [theirs.get_next(datetime.datetime).strftime("%Y-%m-%dT%H:%M:%SZ")
                     for _ in range(5)]
            job = found[f"job{number}"]
            self.assertEqual(fires, next_fires(job["schedule"], job["timezone"],
                                               "2027-01-01T00:00:00Z"), expression)


def days(start, count):
    first = datetime.datetime.strptime(start, "%Y-%m-%d").replace(tzinfo=UTC)
    return [first + datetime.timedelta(days=day) for day in range(count)]


class DayRules(unittest.TestCase):
    """Where both day fields are restricted the schedulers disagree."""

    def fires(self, job, count=12):
        found = next_fires(job["schedule"], "UTC", "2027-01-31T23:59:00Z", count)
        return [fire[:10] for fire in found]

    def expect(self, rule, count=12):
        return [day.strftime("%Y-%m-%d") for day in days("2027-02-01", 400) if rule(day)][:count]

    def test_supercronic_wants_both(self):
        job = imported("0 12 1-7 * MON /bin/a\n", "--from", "supercronic")["a"]
        self.assertEqual(self.expect(lambda day: day.day <= 7 and day.weekday() == 0),
                         self.fires(job))

    def test_cron_wants_either(self):
        job = imported("0 12 1-7 * MON /bin/a\n")["a"]
        self.assertEqual(self.expect(lambda day: day.day <= 7 or day.weekday() == 0),
                         self.fires(job))

    def kubernetes(self, schedule):
        text = ("kind: CronJob\nmetadata: {name: a}\nspec:\n  schedule: '" + schedule + "'\n"
                "  jobTemplate: {spec: {template: {spec: {containers: [{image: a}]}}}}\n")
        return imported(text, name="a.yaml")["a"]

    def test_kubernetes_takes_a_step_for_a_restriction(self):
        self.assertEqual(self.expect(lambda day: day.day % 2 == 1 or day.weekday() == 0),
                         self.fires(self.kubernetes("0 12 */2 * 1")))
        self.assertEqual(self.expect(lambda day: day.day == 5 or day.isoweekday() % 7 % 3 == 0),
                         self.fires(self.kubernetes("0 12 5 * */3")))

    def test_kubernetes_bare_star(self):
        self.assertEqual(self.expect(lambda day: day.weekday() == 0),
                         self.fires(self.kubernetes("0 12 * * 1")))
        self.assertEqual(self.expect(lambda day: day.day % 2 == 1),
                         self.fires(self.kubernetes("0 12 */2 * ?")))


class Fields(unittest.TestCase):
    def test_supercronic_six_and_seven(self):
        found = imported("0 5 1 3 * 2031 /bin/six\n*/20 * 7 * * * * /bin/seven\n")
        self.assertEqual(["2031-03-01T05:00:00Z"],
                         next_fires(found["six"]["schedule"], "UTC", "2027-01-01T00:00:00Z"))
        self.assertEqual(["2027-01-01T07:00:00Z", "2027-01-01T07:00:20Z", "2027-01-01T07:00:40Z"],
                         next_fires(found["seven"]["schedule"], "UTC", "2027-01-01T00:00:00Z", 3))

    def test_daylight_saving_is_told(self):
        """Each note against what the scheduler does, as systemd-analyze has it."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("a.timer", "[Timer]\nOnCalendar=02:30\n"),
                               ("b.timer", "[Timer]\nOnCalendar=*:0/20\n"),
                               ("a.service", "[Service]\nExecStart=/bin/true\n"),
                               ("b.service", "[Service]\nExecStart=/bin/true\n")):
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(text)
            result = belfry("import", "--json", "--tz", "Europe/Paris", folder)
        entries = {entry["job"]: entry for entry in json.loads(result.stdout)["report"]["entries"]}
        notes = {name: [note["text"] for note in entry["notes"]
                        if note["topic"] == "daylight saving"] for name, entry in entries.items()}
        self.assertEqual(1, len(notes["a"]))
        self.assertIn("systemd leaves this run out; here it runs at the end of the gap",
                      notes["a"][0])
        self.assertNotIn("2027-03-28T01:00:00Z", by_systemd("02:30", "Europe/Paris",
                                                            "2027-03-27T12:00:00Z", 3))
        self.assertIn("2027-03-28T01:00:00Z", next_fires("30 2 * * *", "Europe/Paris",
                                                         "2027-03-27T12:00:00Z"))
        self.assertEqual(1, len(notes["b"]))
        self.assertIn("first time round only; here both times", notes["b"][0])
        start = "2027-10-30T23:50:00Z"
        self.assertNotIn("2027-10-31T01:20:00Z", by_systemd("*:0/20", "Europe/Paris", start, 8))
        self.assertIn("2027-10-31T01:20:00Z", next_fires("*/20 * * * *", "Europe/Paris", start, 8))


if __name__ == "__main__":
    unittest.main(verbosity=2)
