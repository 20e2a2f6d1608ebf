#!/usr/bin/python3
"""forecast: the map, the busiest seconds, pile-ups, --json, --ics, on a terminal."""
import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import unittest
from datetime import datetime, timedelta, timezone

import icalendar

from offline import BELFRY, Folder, job

WEEK = ["--from", "2026-03-02", "--to", "2026-03-09"]  # a Monday to Sunday


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class Case(unittest.TestCase):
    def ok(self, folder, *words):
        result = folder.belfry("forecast", *words)
        self.assertEqual((0, ""), (result.returncode, result.stderr))
        return result.stdout

    def answer(self, folder, *words):
        return json.loads(self.ok(folder, *words, "--json"))

    def refused(self, code, message, folder, *words):
        result = folder.belfry("forecast", *words)
        self.assertEqual((code, ""), (result.returncode, result.stdout))
        self.assertIn(message, result.stderr)


class Text(Case):
    def test_map_in_a_pipe(self):
        with Folder(job("a", "true", "0 9 * * *"), job("b", "true", "*/30 22 * * 1"),
                    job("off", "true", enabled=False), job("boot", "true", "@reboot"),
                    timezone="Europe/Paris") as folder:
            lines = self.ok(folder, *WEEK).splitlines()
        self.assertEqual([
            "schedules.json: 9 starts of 2 jobs in this window",
            "from Mon 2026-03-02 00:00 CET to Mon 2026-03-09 00:00 CET, by the clock of "
            "Europe/Paris",
            "left out: 1 disabled",
            "left out: 1 of @reboot, which has no fixed instant", ""], lines[:5])
        self.assertEqual([f"{hour:02d}" for hour in range(24)] + ["TOTAL"], lines[5].split())
        rows = {line.split()[0]: line.split()[1:] for line in lines[6:14]}
        self.assertEqual(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
                          "Sunday", "TOTAL"], list(rows))
        none = ["."] * 24
        self.assertEqual(none[:9] + ["1"] + none[10:22] + ["2", ".", "3"], rows["Monday"])
        self.assertEqual(none[:9] + ["1"] + none[10:] + ["1"], rows["Sunday"])
        self.assertEqual(none[:9] + ["7"] + none[10:22] + ["2", ".", "9"], rows["TOTAL"])
        self.assertEqual(["BUSIEST SECONDS              JOBS  WHICH",
                          "Mon 2026-03-02 09:00:00 CET     1  a",
                          "Mon 2026-03-02 22:00:00 CET     1  b"], lines[15:18])
        self.assertNotIn("Pile-ups", "\n".join(lines))
        self.assertNotIn("\033", "\n".join(lines))

    def test_usually_the_coming_week(self):
        with Folder(job("a", "true", "0 9 * * *")) as folder:
            text = self.ok(folder)
            self.assertIn(": 7 starts of 1 job in the coming week\n", text)
            answer = self.answer(folder)
        self.assertEqual(timedelta(days=7), instant(answer["to"]) - instant(answer["from"]))
        self.assertLess(abs(instant(answer["from"]) - datetime.now(timezone.utc)),
                        timedelta(minutes=2))

    def test_a_week_is_one_of_the_clock(self):
        """Where the clock changes, too: no hour of a weekday is counted twice."""
        with Folder(job("a", "true", "0 * * * *"), timezone="Europe/Paris") as folder:
            answer = self.answer(folder, "--from", "2026-03-23")
        self.assertEqual("2026-03-29T22:00:00Z", answer["to"])
        self.assertEqual(7 * 24 - 1, answer["starts"])
        self.assertEqual(1, max(map(max, answer["by_weekday_hour"])))

    def test_nothing(self):
        with Folder(job("a", "true", "0 9 1 1 *")) as folder:
            self.assertTrue(self.ok(folder, *WEEK).endswith("\nNothing starts.\n"))

    def test_pile_ups(self):
        jobs = [job(f"send-{i}", "true", "0 9 * * *" if i % 2 else {"every": "hour", "minute": 0})
                for i in range(40)]
        with Folder(*jobs) as folder:
            text = self.ok(folder, *WEEK)
        self.assertIn("\nPile-ups at :00. 3,500 of 3,500 starts are at minute 0, second 0.\n", text)
        self.assertIn("\nMon 2026-03-02 09:00:00 UTC: 40 jobs start at once: send-0, send-1, "
                      "send-2 and 37 more\n", text)
        self.assertRegex(text, r'  write H 9 \* \* \* for 0 9 \* \* \* \(20 jobs\), '
                         r'H \* \* \* \* for \{"every":"hour","minute":0\} \(20 jobs\): '
                         r"then at most [1-6] start in one second of that hour\n"
                         r'  or add "jitter": "1m": then at most [1-4]\n')

    def test_refusals(self):
        with Folder(job("send", "true", "0 9 * * *")) as folder:
            self.refused(2, "--from takes an instant", folder, "--from", "yesterday")
            self.refused(2, "outside the years 1970 to 2199", folder, "--from",
                         "1969-01-01T00:00:00Z")
            self.refused(2, "--to has to be later than --from", folder, "--from", "2026-03-02",
                         "--to", "2026-03-02")
            self.refused(2, "did you mean Europe/Paris?", folder, "--tz", "Europe/Pari")
            self.refused(2, "has no job 'sned'; did you mean send?", folder, "--job", "sned")
            self.refused(2, "give either --json or --ics", folder, "--json", "--ics")
            self.refused(2, "--top", folder, "--top", "0")
            self.refused(2, "nowhere.json", folder, "nowhere.json")
            folder.write("bad.json", '{"jobs": [{"name": "x", "schedule": "99 * * * *"}]}')
            self.refused(2, "bad.json:1", folder, "bad.json")


class Json(Case):
    def test_members(self):
        with Folder(job("a", "true", "0 9 * * *"), job("b", "true", "0 9 * * 1"),
                    job("c", "true", "15 * * * *"), timezone="America/New_York") as folder:
            answer = self.answer(folder, *WEEK, "--top", "2")
            other = self.answer(folder, *WEEK, "--tz", "UTC", "--job", "a", "--job", "b")
        self.assertEqual(("2026-03-02T05:00:00Z", "2026-03-09T04:00:00Z", "America/New_York", 3),
                         tuple(answer[key] for key in ("from", "to", "timezone", "jobs")))
        # The week has the 23 hours of 8 March.
        self.assertEqual(7 + 1 + 7 * 24 - 1, answer["starts"])
        matrix = answer["by_weekday_hour"]
        self.assertEqual([7] + [24] * 7, [len(matrix)] + [len(row) for row in matrix])
        self.assertEqual((3, 2, 0), (matrix[0][9], matrix[6][9], matrix[6][2]))
        self.assertEqual([sum(row) for row in matrix], answer["by_weekday"])
        self.assertEqual([sum(column) for column in zip(*matrix)], answer["by_hour"])
        self.assertEqual([{"at": "2026-03-02T14:00:00Z", "jobs": 2, "names": ["a", "b"]},
                          {"at": "2026-03-02T05:15:00Z", "jobs": 1, "names": ["c"]}],
                         answer["busiest"])
        self.assertEqual((8, []), (answer["on_the_hour"], answer["pile_ups"]))
        self.assertEqual((2, 8, "UTC"), (other["jobs"], other["starts"], other["timezone"]))

    def test_jitter_counts_where_it_starts(self):
        with Folder(job("a", "true", "59 * * * *", jitter="10m")) as folder:
            answer = self.answer(folder, "--from", "2026-03-02T00:00:00Z", "--to",
                                 "2026-03-03T00:00:00Z", "--top", "1000")
            fires = json.loads(folder.belfry("next", "59 * * * *", "--from", "2026-03-01T22:00:00Z",
                                             "-n", "26", "--json").stdout)["next"]
        starts = [instant(second["at"]) for second in answer["busiest"]]
        self.assertEqual(sorted(starts), starts)
        # Each starts within ten minutes of a fire, and no two within the same ten.
        found = [[fire for fire in fires
                  if timedelta(0) <= start - instant(fire) < timedelta(minutes=10)]
                 for start in starts]
        self.assertTrue(all(len(one) == 1 for one in found))
        self.assertEqual(len(starts), len({one[0] for one in found}))
        self.assertTrue(any(start.minute != 59 for start in starts))

    def test_pile_up_with_remedies_that_hold(self):
        jobs = [job(f"send-{i}", "true", "0 9 * * *") for i in range(50)]
        with Folder(*jobs) as folder:
            pile = self.answer(folder, *WEEK)["pile_ups"][0]
            self.assertEqual(("2026-03-02T09:00:00Z", 50, 10),
                             (pile["at"], pile["jobs"], len(pile["names"])))
            self.assertEqual([{"from": "0 9 * * *", "to": "H 9 * * *", "jobs": 50}],
                             pile["with_h"]["changes"])
            folder.write("h.json", json.dumps(
                {"jobs": [{**one, "schedule": "H 9 * * *"} for one in jobs]}))
            folder.write("jitter.json", json.dumps(
                {"jobs": [{**one, "jitter": pile["with_jitter"]["jitter"]} for one in jobs]}))
            hour = ["--from", "2026-03-02T09:00:00Z", "--to", "2026-03-02T10:00:00Z"]
            for file, remedy in (("h.json", "with_h"), ("jitter.json", "with_jitter")):
                then = self.answer(folder, file, *hour)
                self.assertEqual(then["busiest"][0]["jobs"], pile[remedy]["peak"])
                self.assertLess(pile[remedy]["peak"], 10)

    def test_standard_input(self):
        text = json.dumps({"jobs": [job("a", "true", "0 9 * * *")]})
        with Folder() as folder:
            result = folder.belfry("forecast", "-", *WEEK, "--json", input=text)
        self.assertEqual(("<stdin>", 7), (json.loads(result.stdout)["file"],
                                          json.loads(result.stdout)["starts"]))


class Calendar(Case):
    def raw(self, folder, *words):
        return subprocess.run([BELFRY, "forecast", "--ics", *words], cwd=folder.work, check=True,
                              stdout=subprocess.PIPE, timeout=60).stdout

    def jobs(self):
        return [job("a", "true", "0,30 9 * * 1-5", timezone="Europe/Paris"),
                job("b", "true", {"every": "week", "weekday": ["monday", "friday"],
                                  "time": "10:00"}, jitter="5m")]

    def test_a_real_parser_reads_it(self):
        with Folder(*self.jobs()) as folder:
            data = self.raw(folder, *WEEK)
            again = self.raw(folder, *WEEK)
            fires = json.loads(folder.belfry("next", "--job", "a", "--from", "2026-03-01", "-n",
                                             "10", "--json").stdout)["next"]
        calendar = icalendar.Calendar.from_ical(data)
        self.assertEqual("2.0", calendar["VERSION"])
        self.assertIn("belfry", calendar["PRODID"])
        events = calendar.walk("VEVENT")
        self.assertEqual(12, len(events))
        for event in events:
            self.assertEqual([], event.errors)
            for name in ("UID", "DTSTAMP", "DTSTART", "SUMMARY"):
                self.assertIn(name, event)
            self.assertEqual(timedelta(0), event["DTSTART"].dt.utcoffset())
        self.assertEqual([instant(fire) for fire in fires],
                         [event["DTSTART"].dt for event in events if event["SUMMARY"] == "a"])
        jittered = [event for event in events if event["SUMMARY"] == "b"]
        for event, day in zip(jittered, (2, 6)):
            scheduled = datetime(2026, 3, day, 10, tzinfo=timezone.utc)
            self.assertTrue(timedelta(0) <= event["DTSTART"].dt - scheduled < timedelta(minutes=5))
            self.assertIn(f"scheduled for 2026-03-0{day}T10:00:00Z", event["DESCRIPTION"])
            self.assertIn('"weekday":["monday","friday"]', event["DESCRIPTION"])
        uids = [str(event["UID"]) for event in events]
        self.assertEqual(len(uids), len(set(uids)))
        self.assertEqual(uids, [str(event["UID"]) for event
                                in icalendar.Calendar.from_ical(again).walk("VEVENT")])

    def test_lines(self):
        with Folder(*self.jobs()) as folder:
            data = self.raw(folder, *WEEK)
        self.assertTrue(data.endswith(b"END:VCALENDAR\r\n"))
        lines = data.split(b"\r\n")
        self.assertFalse(any(b"\n" in line or b"\r" in line for line in lines))
        self.assertLessEqual(max(map(len, lines)), 75)
        self.assertTrue(any(line.startswith(b" ") for line in lines))
        for line in lines:
            line.decode()
        self.assertIn(b"DESCRIPTION:0\\,30 9 * * 1-5\\n", data)

    def test_bounds(self):
        with Folder(job("a", "true", "* * * * *"), job("b", "true", "0 9 1 1 *")) as folder:
            self.refused(1, "43200 starts would be as many events, which is more than --limit "
                         "20000; choose jobs", folder, "--ics", "--from", "2026-03-01", "--to",
                         "2026-03-31")
            self.refused(1, "more than --limit 59", folder, "--ics", "--limit", "59", "--from",
                         "2026-03-01T00:00", "--to", "2026-03-01T01:00")
            self.refused(1, "nothing starts in this window", folder, "--ics", "--job", "b", *WEEK)
            hour = self.raw(folder, "--limit", "60", "--from", "2026-03-01T00:00", "--to",
                            "2026-03-01T01:00")
        self.assertEqual(60, hour.count(b"BEGIN:VEVENT\r\n"))


class Terminals(Case):
    def screen(self, columns, **env):
        """What stands on a terminal so wide."""
        jobs = [job(f"send-{i}", "true", f"{i} {i % 24} * * *") for i in range(60)]
        return self.see(jobs, WEEK, columns, env)

    def see(self, jobs, window, columns, env):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        with Folder(*jobs) as folder:
            environment = folder.environment({"TERM": "xterm-256color", "NO_COLOR": "", **env})
            with subprocess.Popen([BELFRY, "forecast", *window], cwd=folder.work, env=environment,
                                  stdin=theirs, stdout=theirs, stderr=theirs) as process:
                os.close(theirs)
                data = b""
                with contextlib.suppress(OSError):  # the terminal is closed
                    while piece := os.read(ours, 65536):
                        data += piece
                self.assertEqual(0, process.wait(60))
        os.close(ours)
        raw = data.decode()
        return raw, re.sub("\033\\[[0-9;]*m", "", raw).splitlines()

    def test_shades_with_numbers(self):
        raw, lines = self.screen(200)
        self.assertIn("\033[48;5;46;38;5;16m    3 \033[0m", raw)
        self.assertIn("\033[48;5;40;38;5;16m    2 \033[0m", raw)
        self.assertRegex(lines[4], "^Monday    ( +3 ){12}( +2 ){12} +60$")
        self.assertRegex(lines[11], "^TOTAL     ( +21 ){12}( +14 ){12} +420$")
        self.assertEqual("starts     none     1     2     3", lines[12])

    def test_shades_alone(self):
        raw, lines = self.screen(80)
        self.assertIn("\033[48;5;46;38;5;16m  \033[0m", raw)
        self.assertRegex(lines[4], "^Monday    {48} +60$")
        self.assertEqual("00   21  01   21  02   21  03   21  04   21  05   21  06   21  07   21",
                         lines[11])
        self.assertLessEqual(max(map(len, lines)), 80)

    def test_blocks_without_colour(self):
        raw, lines = self.screen(80, NO_COLOR="1")
        self.assertNotIn("\033", raw)
        self.assertRegex(lines[4], "^Monday   █{24}▓{24} +60$")
        self.assertEqual("starts  ·· none  ▒▒ 1  ▓▓ 2  ██ 3", lines[14])

    def test_a_bar_while_it_takes_long(self):
        """Jitter has to be drawn for each start, fifty million times here."""
        jobs = [job(f"send-{i}", "true", "* * * * *", jitter="30s") for i in range(32)]
        raw, _ = self.see(jobs, ["--from", "2026-01-01", "--to", "2029-01-01"], 100, {})
        shares = [int(share) for share in re.findall(r"counting \[#* *\] (\d+)%", raw)]
        self.assertGreater(len(shares), 1)
        self.assertEqual(sorted(shares), shares)
        self.assertLess(shares[-1], 101)
        # It is gone before the answer comes.
        self.assertRegex(raw, r"\r\033\[K\033\[1mschedules.json: 50,\d+,\d+ starts")

    def test_no_bar_in_a_moment(self):
        self.assertNotIn("counting", self.screen(80)[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
