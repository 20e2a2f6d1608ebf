#!/usr/bin/python3
"""Zone files that change under a running daemon. See harness.py.

The zones are of the tests' own making: a folder for TZDIR, filled by zic, and swapped by
rename. Their offsets go by the second, so that a fire can be moved to any moment.
"""
import calendar
import json
import os
import signal
import subprocess
import time
import unittest

from harness import Belfry, job, wait_for

ZIC = os.environ["ZIC"]
HOUR = 3600


def clock_reading(seconds):
    sign = "-" if seconds < 0 else ""
    seconds = abs(seconds)
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def daily(at):
    """A cron expression with seconds for the time of day that UTC shows at `at`."""
    t = time.gmtime(at)
    return f"{t.tm_sec} {t.tm_min} {t.tm_hour} * * *"


def stamp(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def seconds_of(text):
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


class Zones(Belfry):
    """A daemon with a TZDIR of its own."""

    def __init__(self, zones, jobs, **top):
        super().__init__(jobs, **top)
        self.zones = self.path("zoneinfo")
        for name, offset in zones.items():
            self.put(name, offset)

    def serve(self):
        return self.start(env={"TZDIR": self.zones})

    def compile(self, name, offset, later=""):
        """The path of a fresh file with that offset; `later` are further lines."""
        source, out = self.path("source"), self.path("made")
        with open(source, "w", encoding="utf-8") as file:
            until = " 2100 Jan 1" if later else ""
            file.write(f"Zone {name} {clock_reading(offset)} - XXX{until}\n{later}")
        subprocess.run([ZIC, "-d", out, source], check=True, timeout=60)
        return os.path.join(out, name)

    def file(self, name):
        return os.path.join(self.zones, name)

    def put(self, name, offset, later=""):
        fresh = self.compile(name, offset, later)
        os.makedirs(os.path.dirname(self.file(name)), exist_ok=True)
        os.rename(fresh, self.file(name))

    def health(self):
        return json.loads(self.http("GET", "/health")[1])

    def next_fire(self, name):
        return [row["next"] for row in self.ask("list") if row["name"] == name][0]


class Changes(unittest.TestCase):
    def test_an_earlier_fire_comes_once(self):
        at = int(time.time()) + HOUR
        with Zones({"Test/Zone": 0, "Test/Other": 0},
                   [job("moved", ["true"], daily(at), timezone="Test/Zone"),
                    job("prefixed", ["true"], "CRON_TZ=Test/Zone " + daily(at)),
                    job("other", ["true"], daily(at), timezone="Test/Other"),
                    job("utc", ["true"], daily(at))]) as b:
            b.serve()
            due = int(time.time()) + 5
            b.put("Test/Zone", at - due)
            b.wait_said("zone Test/Zone changed: 2 jobs follow it", "info")
            told = b.wait_said(f"zone Test/Zone changed: next fire {stamp(at)} -> {stamp(due)}",
                               "info")
            self.assertEqual(["moved", "prefixed"], sorted(event["job"] for event in told))
            self.assertEqual("ok", b.health()["status"])
            for name in ("moved", "prefixed"):
                run = b.finished(name)[0]
                self.assertEqual(("schedule", due),
                                 (run["trigger"], seconds_of(run["scheduled_at"])))
                self.assertLess(run["lateness_ms"], 1000)
            # other rules that mean the same for now: what was claimed is not due again
            b.put("Test/Zone", at - due, "1:00 - YYY\n")
            wait_for(lambda: len(b.said("zone Test/Zone changed: 2 jobs")) == 2, "a change")
            # back by an hour: the same reading of the clock, but another instant, and past
            b.put("Test/Zone", at - due + HOUR)
            wait_for(lambda: len(b.said("zone Test/Zone changed: 2 jobs")) == 3, "a change")
            b.wait_said(f"next fire {stamp(due + 24 * HOUR)} -> {stamp(due + 23 * HOUR)}")
            for name in ("moved", "prefixed"):
                self.assertEqual(1, len(b.runs("--job", name)))
            for name in ("other", "utc"):
                self.assertEqual([], b.runs("--job", name))
                self.assertEqual(at, seconds_of(b.next_fire(name)))
            self.assertEqual([(1,)], b.sql("SELECT count(*) FROM revision"))

    def test_a_later_fire_does_not_come_before(self):
        due = int(time.time()) + 6
        with Zones({"Test/Zone": 0},
                   [job("moved", ["true"], daily(due), timezone="Test/Zone"),
                    job("marker", ["true"], daily(due + 1))]) as b:
            b.serve()
            b.put("Test/Zone", -HOUR)
            b.wait_said(f"zone Test/Zone changed: next fire {stamp(due)} -> {stamp(due + HOUR)}")
            b.finished("marker")
            self.assertEqual([], b.runs("--job", "moved"))
            self.assertEqual(due + HOUR, seconds_of(b.next_fire("moved")))

    def test_running_jobs_and_those_done_are_no_hindrance(self):
        """A job whose only date has passed was judged when the file was read; one that
        runs goes on; a refused file stays refused."""
        at = int(time.time()) + 4
        once = {"at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))}
        with Zones({"Test/Zone": 0},
                   [job("long", ["sleep", "600"]),
                    job("once", ["true"], once, timezone="Test/Zone"),
                    job("moved", ["true"], daily(at + HOUR), timezone="Test/Zone")]) as b:
            b.serve()
            long = b.trigger("long")
            b.finished("once")
            b.write_raw("{")
            b.wait_said("is refused", "error")
            b.put("Test/Zone", -HOUR)
            b.wait_said(f"next fire {stamp(at + HOUR)} -> {stamp(at + 2 * HOUR)}")
            self.assertEqual("refused", b.health()["config"]["status"])
            self.assertEqual(["running"], [run["state"] for run in b.runs("--job", "long")])
            # the clock will show its date again, and that is no new one
            self.assertIsNone(b.next_fire("once"))
            b.run_command("cancel", long, check=0)
            self.assertEqual("canceled", b.wait_run(long)["outcome"])

    def test_changed_while_belfry_was_down(self):
        at = int(time.time()) + 4
        with Zones({"Test/Zone": 0},
                   [job("moved", ["true"], daily(at), timezone="Test/Zone")]) as b:
            b.serve()
            b.finished("moved")
            self.assertEqual(0, b.stop())
            b.put("Test/Zone", 0, "1:00 - YYY\n")
            b.serve()
            self.assertEqual(at + 24 * HOUR, seconds_of(b.next_fire("moved")))
            self.assertEqual(1, len(b.runs()))

    def test_sighup_finds_what_no_watch_tells(self):
        """A link to a link: the one between lies in a folder that is not watched."""
        at = int(time.time()) + HOUR
        with Zones({"Test/Zone": 0, "Test/New": -HOUR},
                   [job("moved", ["true"], daily(at), timezone="Test/Zone")]) as b:
            for folder in ("a", "b"):
                os.mkdir(b.path(folder))
            os.rename(b.file("Test/Zone"), b.path("b/old"))
            os.rename(b.file("Test/New"), b.path("b/new"))
            os.symlink(b.path("b/old"), b.path("a/link"))
            os.symlink(b.path("a/link"), b.file("Test/Zone"))
            b.serve()
            os.symlink(b.path("b/new"), b.path("a/fresh"))
            os.rename(b.path("a/fresh"), b.path("a/link"))
            b.process.send_signal(signal.SIGHUP)
            b.wait_said(f"next fire {stamp(at)} -> {stamp(at + HOUR)}")


class Losses(unittest.TestCase):
    def test_a_lost_zone_goes_on_by_its_last_rules(self):
        with Zones({"Test/Zone": 0},
                   [job("often", ["true"], "* * * * * *", timezone="Test/Zone")]) as b:
            b.serve()
            os.rename(b.file("Test/Zone"), b.path("away"))
            b.wait_said("its last good rules stay in force", "error")
            health = b.health()
            self.assertEqual(("degraded", "stale"),
                             (health["status"], health["zones"]["status"]))
            self.assertIn("Test/Zone: there is no zone of that name", health["zones"]["message"])
            b.finished("often", len(b.runs("--job", "often")) + 2)
            # a changed file may name it still
            b.write([job("often", ["true"], "* * * * * *", timezone="Test/Zone"),
                     job("new", ["true"], timezone="Test/Zone")])
            b.wait_said("revision 2 in force")
            self.assertEqual("stale", b.health()["zones"]["status"])
            os.rename(b.path("away"), b.file("Test/Zone"))
            b.wait_said("zone Test/Zone: its file is good again", "info")
            self.assertEqual(("ok", {"status": "ok", "message": None}),
                             (b.health()["status"], b.health()["zones"]))

    def test_the_whole_folder_comes_back_with_other_rules(self):
        at = int(time.time()) + HOUR
        with Zones({"Test/Zone": 0},
                   [job("moved", ["true"], daily(at), timezone="Test/Zone")]) as b:
            b.serve()
            os.rename(b.zones, b.path("away"))
            b.wait_said("its last good rules stay in force", "error")
            b.put("Test/Zone", -HOUR)
            b.wait_said(f"next fire {stamp(at)} -> {stamp(at + HOUR)}")
            self.assertEqual("ok", b.health()["status"])

    def test_a_hostile_file_is_refused_and_told(self):
        at = int(time.time()) + HOUR
        with Zones({"Test/Zone": 0},
                   [job("kept", ["true"], daily(at), timezone="Test/Zone")]) as b:
            b.serve()
            bad = b.path("bad")
            with open(bad, "wb") as file:
                file.write(b"TZif2" + b"\xff" * 500)
            os.rename(bad, b.file("Test/Zone"))
            b.wait_said("its last good rules stay in force", "error")
            os.mkfifo(bad)
            os.rename(bad, b.file("Test/Zone"))
            b.wait_said("Test/Zone: is no regular file; its last good rules", "error")
            self.assertIn("is no regular file", b.health()["zones"]["message"])
            self.assertEqual(at, seconds_of(b.next_fire("kept")))
            # what no job follows is nobody's loss
            b.write([job("kept", ["true"], daily(at))])
            b.wait_said("revision 2 in force")
            wait_for(lambda: b.health()["status"] == "ok", "health")


if __name__ == "__main__":
    unittest.main(verbosity=2)
