#!/usr/bin/python3
"""A clock that is set, a machine that sleeps, under the real daemon.

The clock is the daemon's own (stepped_clock.c): the machine's is left alone. What is
asserted is told in instants of the stepped clock.
"""
import os
import signal
import struct
import time
import unittest

from harness import BUILD, IS_LONG, Stamped, job, main, shell, wait_for

SHIM = os.path.join(BUILD, "tests", "faults", "libstepped-clock.so")
HOUR, DAY = 3600, 86400


class Stepped(Stamped):
    """A daemon whose clocks are ours."""

    def __init__(self, jobs=None, **top):
        super().__init__(jobs, **top)
        self.clock = self.path("clock")
        self.offset = self.slept = 0
        with open(self.clock, "wb") as file:
            file.write(struct.pack("=qq", 0, 0))

    def start(self, *options, **more):
        env = {"LD_PRELOAD": SHIM, "STEPPED_CLOCK": self.clock}
        return super().start(*options, env=env, **more)

    def now(self):
        return time.time() + self.offset

    def put(self):
        with open(self.clock, "r+b") as file:
            # In one write, so that nobody sees half of it.
            file.write(struct.pack("=qq", round(self.offset * 1e9), round(self.slept * 1e9)))

    def set(self, by_s):
        """As settimeofday would: the civil clock alone, and the timer tells."""
        self.offset += by_s
        self.put()
        self.process.send_signal(signal.SIGURG)

    def slew(self, by_s):
        """Without a word, as NTP does it."""
        self.offset += by_s
        self.put()

    def suspend(self, for_s):
        """Everything stands still, then both clocks have gone on."""
        pids = [self.process.pid, *self.runner_pids()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        self.offset += for_s
        self.slept += for_s
        self.put()
        self.process.send_signal(signal.SIGURG)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    def rows(self, job, columns="scheduled_at, state, reason, last_at, count, epoch"):
        return self.sql(f"SELECT {columns} FROM occurrence WHERE job = '{job}' "
                        "ORDER BY epoch, scheduled_at")

    def instants(self, job):
        """Scheduled instants that were run, by epoch."""
        return [(epoch, at // 1000) for at, epoch in self.sql(
            f"SELECT scheduled_at, epoch FROM run WHERE job = '{job}' AND scheduled_at "
            "IS NOT NULL ORDER BY id")]

    def wait_ran(self, job, since):
        """The first run of the job that is due at or after that instant."""
        return wait_for(lambda: self.sql(
            f"SELECT id FROM run WHERE job = '{job}' AND scheduled_at >= {int(since * 1000)} "
            "AND finished_at IS NOT NULL"), f"{job} to go on")

    def daily(self, in_s):
        """A schedule that fires at that time of day, and the instant."""
        at = int(self.now() + in_s)
        t = time.gmtime(at)
        return f"{t.tm_sec} {t.tm_min} {t.tm_hour} * * *", at


def each_second(name="tick", **more):
    return {"name": name, "schedule": "* * * * * *", "command": ["true"], "overlap": "allow",
            **more}


class SetForward(unittest.TestCase):
    def check(self, hours):
        """Each instant is accounted for; what is older than the window is missed, and told."""
        with Stepped([]) as b:
            daily, at = b.daily(hours * HOUR / 2)
            b.write([each_second("once", catchup="once"), each_second("none", catchup="none"),
                     job("fixed", ["true"], daily, catchup_window="1d")])
            b.start()
            b.wait_ran("once", b.now())
            before = b.now()
            b.set(hours * HOUR)
            b.wait_ran("once", b.now() + 1)
            b.wait_ran("none", b.now())
            b.kill()
            b.jobs = [{"name": "once"}, {"name": "none"}]
            self.assertEqual([], b.wrong_occurrences("once") + b.wrong_occurrences("none"))
            missed = {name: sum(row[4] for row in b.rows(name) if row[1] == "missed")
                      for name in ("once", "none")}
            for name, count in missed.items():
                self.assertLess(abs(count - hours * HOUR), 60, name)
            caught = b.sql("SELECT job, count(*) FROM run WHERE trigger = 'catchup' GROUP BY job")
            self.assertEqual({"once": 1, "fixed": 1}, dict(caught))
            due = [instant for instant in range(at % DAY, int(b.now()), DAY) if instant > before]
            self.assertEqual(due[-1:], [instant for _, instant in b.instants("fixed")])
            self.assertEqual(len(due) - 1,
                             sum(row[4] for row in b.rows("fixed") if row[1] == "missed"))

    def test_an_hour(self):
        self.check(1)

    def test_five_days(self):
        if IS_LONG:
            self.check(120)
        else:
            self.check(20)

    def test_a_due_instant_is_not_slept_through(self):
        """The alarm of an idle daemon is for the old clock: the step wakes it."""
        with Stepped([]) as b:
            daily, at = b.daily(2 * HOUR)
            b.write([job("fixed", ["true"], daily)])
            b.start()
            b.set(2 * HOUR - 2)
            run = b.finished("fixed")[0]
            self.assertEqual("schedule", run["trigger"])
            self.assertLess(run["lateness_ms"], 30000)
            self.assertEqual([(0, at)], b.instants("fixed"))


class SetBack(unittest.TestCase):
    def test_seconds_are_drift(self):
        """Less than a minute: nothing runs twice, nothing is left out, no new epoch."""
        with Stepped([each_second()]) as b:
            b.start()
            b.wait_ran("tick", b.now())
            for step in (-1, -5, -20, -50):
                last = b.instants("tick")[-1][1]
                b.set(step)
                if step < -5:
                    time.sleep(2)  # nothing is to happen meanwhile
                    self.assertLessEqual(b.instants("tick")[-1][1], last + 1)
                    b.set(last - b.now())
                b.wait_ran("tick", last + 2)
            b.kill()
            self.assertEqual([], b.wrong_occurrences("tick"))
            instants = b.instants("tick")
            self.assertEqual(len(instants), len(set(instants)))
            self.assertEqual({0}, {epoch for epoch, _ in instants})

    def test_two_hours(self):
        """A new epoch, told; what follows the clock goes on, fixed times wait."""
        with Stepped([]) as b:
            daily, at = b.daily(2)
            b.write([each_second(), job("fixed", ["true"], daily)])
            b.start()
            b.finished("fixed")
            b.set(-2 * HOUR)
            b.wait_said("the clock went back", "warn")
            b.wait_said("fixed-time jobs wait")
            b.wait_ran("tick", b.now() + 1)
            # Past the fixed instant for the second time: it has been.
            b.set(at - b.now() - 2)
            b.wait_ran("tick", at + 3)
            self.assertEqual([(0, at)], b.instants("fixed"))
            epochs = b.instants("tick")
            self.assertEqual(len(epochs), len(set(epochs)))
            self.assertEqual({0, 1}, {epoch for epoch, _ in epochs})

    def test_five_hours(self):
        """The old time was wrong: all jobs are planned anew."""
        with Stepped([]) as b:
            daily, at = b.daily(2)
            b.write([each_second(), job("fixed", ["true"], daily)])
            b.start()
            b.finished("fixed")
            b.set(-5 * HOUR)
            b.wait_said("planned anew", "warn")
            b.wait_ran("tick", b.now() + 1)
            b.set(at - b.now() - 2)  # five hours on, which nobody has lived through
            b.finished("fixed", 2)
            self.assertEqual([(0, at), (1, at)], b.instants("fixed"))

    def test_over_a_restart(self):
        """Set back while belfry is down; then up and down again."""
        with Stepped([each_second()]) as b:
            b.start()
            b.wait_ran("tick", b.now())
            b.kill()
            b.slew(-HOUR)
            b.start()
            b.wait_said("the clock went back", "warn")
            b.wait_ran("tick", b.now() + 1)
            b.kill()
            b.start()
            b.wait_ran("tick", b.now() + 1)
            self.assertFalse(b.said("the clock went back"))
            instants = b.instants("tick")
            self.assertEqual(len(instants), len(set(instants)))

    def test_durations_are_never_negative(self):
        """A job that runs while the clock goes back and forth ends after its own time."""
        with Stepped([]) as b:
            b.write([job("long", shell("sleep 2"), timeout="1h"),
                     job("bounded", shell("sleep 600"), timeout="3s")])
            b.start()
            ids = [b.trigger("long"), b.trigger("bounded")]
            wait_for(lambda: len(b.sql("SELECT 1 FROM run WHERE state = 'running'")) == 2, "both")
            begun = time.monotonic()
            b.set(-HOUR)
            b.set(3 * HOUR)
            b.set(-2 * HOUR - 40)
            self.assertEqual("succeeded", b.wait_run(ids[0])["outcome"])
            self.assertEqual("timed_out", b.wait_run(ids[1])["outcome"])
            # By a clock that nobody can set: not at once, and not hours later.
            self.assertGreater(time.monotonic() - begun, 1)


class Drift(unittest.TestCase):
    def test_slewed(self):
        """Small changes that nobody tells of: nothing twice, nothing left out."""
        with Stepped([each_second()]) as b:
            b.start()
            b.wait_ran("tick", b.now())
            until = time.monotonic() + (30 if IS_LONG else 5)
            number = 0
            while time.monotonic() < until:
                b.slew([0.02, 0.3, -0.25, -0.07][number % 4])
                number += 1
                time.sleep(0.05)
            b.wait_ran("tick", b.now() + 1)
            b.kill()
            self.assertEqual([], b.wrong_occurrences("tick"))
            instants = b.instants("tick")
            self.assertEqual(len(instants), len(set(instants)))

    def test_a_second_shown_twice(self):
        """A leap second: 23:59:59 is there again."""
        with Stepped([]) as b:
            daily, at = b.daily(3)
            b.write([job("fixed", ["true"], daily), each_second()])
            b.start()
            b.finished("fixed")
            b.set(at - b.now() - 0.5)
            b.wait_ran("tick", at + 3)
            self.assertEqual([(0, at)], b.instants("fixed"))
            self.assertEqual([], b.wrong_occurrences("tick"))


class Asleep(unittest.TestCase):
    def test_suspended(self):
        """Lid closed for six hours: what fell due is accounted for at once."""
        with Stepped([]) as b:
            daily, at = b.daily(3 * HOUR)
            b.write([each_second(catchup="once"), job("fixed", ["true"], daily,
                                                      catchup_window="1d"),
                     job("late", ["true"], daily, catchup_window="1h"),
                     job("long", shell("sleep 600"), timeout="1h")])
            b.start()
            run = b.trigger("long")
            wait_for(lambda: b.sql("SELECT 1 FROM run WHERE job = 'long' AND state = 'running'"),
                     "the job to run")
            b.wait_ran("tick", b.now())
            b.suspend(6 * HOUR)
            b.wait_ran("tick", b.now() + 1)
            self.assertEqual([(0, at)], b.instants("fixed"))
            self.assertEqual([(at * 1000, "missed")], [row[:2] for row in b.rows("late")])
            self.assertIn(b.rows("late")[0][2], ("down", "late"))
            # It slept along, and its hour is over all the same.
            self.assertEqual("timed_out", b.wait_run(run)["outcome"])
            b.kill()
            self.assertEqual([], b.wrong_occurrences("tick"))

    def test_stopped_and_continued(self):
        """SIGSTOP for a few real seconds, of everything: late, and nothing lost."""
        with Stamped() as b:
            b.start()
            b.finished("plain")
            for _ in range(3 if IS_LONG else 1):
                pids = [b.process.pid, *b.runner_pids()]
                for pid in pids:
                    os.kill(pid, signal.SIGSTOP)
                time.sleep(4)  # the fault itself
                for pid in pids[::-1]:
                    os.kill(pid, signal.SIGCONT)
                b.finished("plain", len(b.runs()) + 2)
            b.settle()
            self.assertEqual([], b.wrong())


if __name__ == "__main__":
    main()
