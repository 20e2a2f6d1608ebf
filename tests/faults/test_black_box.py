#!/usr/bin/python3
"""The black-box checker: a short soak of a real daemon, and that it can fail.

Every promise is broken once on purpose, in a history made by hand and in the one just
lived: a checker that finds nothing there would be worth nothing.
"""
import copy
import os
import random
import re
import shutil
import tempfile
import unittest

import black_box
import soak
from black_box import Every, History, Hurt, Job, Seconds, Span, Stamp, text_of

BUILD = os.environ["BELFRY_BUILD"]
IS_LONG = os.environ.get("BELFRY_FAULTS") == "long"
SECONDS = 600 if IS_LONG else 30
START = 1764000000000  # a full minute


# ---- a history made by hand: two jobs, a minute, no fault ----

def run_of(number, job, at, took_ms, **more):
    return {"id": f"run{number:010d}", "job": job, "trigger": "schedule",
            "scheduled_at": text_of(at), "claimed_at": text_of(at + 1),
            "started_at": text_of(at + 2), "finished_at": text_of(at + 2 + took_ms),
            "state": "finished", "outcome": "succeeded", "exit_code": 0, "signal": None,
            "attempt": 1, "dry_run": False, "message": None, **more}


def row_of(job, at, state, run=None, reason=None, last=None, count=1):
    return {"job": job, "scheduled_at": text_of(at), "last_at": text_of(last or at),
            "count": count, "state": state, "reason": reason, "run": run,
            "recorded_at": text_of((last or at) + 1)}


def stamps_of(run, took_ms):
    at = black_box.ms_of(run["scheduled_at"])
    return [Stamp("start", run["id"], 1, run["job"], at, at + 2),
            Stamp("end", run["id"], 1, run["job"], at, at + 2 + took_ms)]


def made():
    """steady every 5 s for 100 ms; long every 10 s for 15 s, so that each other is skipped."""
    end = START + 59000
    jobs = {"steady": Job(spans=[Span(Every(5), START - 1, START - 1, end, end)]),
            "long": Job(spans=[Span(Seconds((0, 10, 20, 30, 40, 50)), START - 1, START - 1, end,
                                    end)])}
    history = History(jobs, [], [], [], [])
    for name, step, took, each in (("steady", 5000, 100, 1), ("long", 10000, 15000, 2)):
        for i, at in enumerate(range(START, end, step)):
            if i % each:
                history.occurrences.append(row_of(name, at, "skipped", reason="overlap"))
                continue
            run = run_of(len(history.runs), name, at, took)
            history.runs.append(run)
            history.occurrences.append(row_of(name, at, "ran", run["id"]))
            history.stamps += stamps_of(run, took)
    return history


# ---- what is done to a history: each breaks one promise ----

def a_run(history, **wanted):
    """Some run of an instant with both stamps, which every history has."""
    whole = {stamp.run for stamp in history.stamps if stamp.what == "end"}
    rows = {row["run"] for row in history.occurrences}
    oldest_first = sorted(history.runs, key=lambda run: run["id"])
    return next(run for run in oldest_first
                if run["id"] in whole and run["id"] in rows and run["outcome"] == "succeeded"
                and run["attempt"] == 1
                and all(run[key] == value for key, value in wanted.items()))


def row_of_run(history, run):
    return next(row for row in history.occurrences if row["run"] == run["id"])


def without(history, run):
    history.stamps = [stamp for stamp in history.stamps if stamp.run != run["id"]]
    history.runs.remove(run)


def lost_instant(history):
    run = a_run(history)
    history.occurrences.remove(row_of_run(history, run))
    without(history, run)


def lost_run(history):
    without(history, a_run(history))


def lost_row(history):
    history.occurrences.remove(row_of_run(history, a_run(history)))


def doubled_record(history):
    history.occurrences.append({**row_of_run(history, a_run(history)), "state": "skipped",
                                "run": None, "reason": "overlap"})


def doubled_run(history):
    history.runs.append({**a_run(history), "id": "another"})


def doubled_start(history):
    run = a_run(history)
    history.stamps.append(next(s for s in history.stamps
                               if (s.run, s.what) == (run["id"], "start")))


def overlapping_run(history):
    """A second run of a `forbid` job in the middle of the first."""
    run = a_run(history, job=next(name for name, job in history.jobs.items()
                                  if job.overlap == "forbid" and any(
                                      r["job"] == name and r["outcome"] == "succeeded"
                                      for r in history.runs)))
    start, end = sorted(s.at for s in history.stamps if s.run == run["id"])
    history.runs.append({**run, "id": "zz", "scheduled_at": None, "trigger": "manual"})
    history.stamps += [Stamp("start", "zz", 1, run["job"], None, (start + end) // 2),
                       Stamp("end", "zz", 1, run["job"], None, end + 10)]


def stuck_run(history):
    a_run(history).update(state="running", outcome=None, finished_at=None, exit_code=None)


def no_end_stamp(history):
    run = a_run(history)
    history.stamps = [s for s in history.stamps if (s.run, s.what) != (run["id"], "end")]


def never_ran(history):
    run = a_run(history)
    history.stamps = [s for s in history.stamps if s.run != run["id"]]


def stamp_of_nobody(history):
    history.stamps.append(Stamp("start", "nobody", 1, history.runs[0]["job"], None, START))


def stamp_of_another_instant(history):
    run = a_run(history)
    history.stamps = [s if s.run != run["id"] else
                      Stamp(s.what, s.run, s.attempt, s.job, s.scheduled_at + 1000, s.at)
                      for s in history.stamps]


def attempt_too_many(history):
    run = a_run(history)
    history.stamps.append(Stamp("start", run["id"], 2, run["job"],
                                black_box.ms_of(run["scheduled_at"]), START))


def attempts_beyond(history):
    run = a_run(history)
    run["attempt"] = history.jobs[run["job"]].attempts + 1


def not_due(history):
    row = row_of(a_run(history)["job"], START + 333, "skipped", reason="overlap")
    history.occurrences.append(row)


def failed_for_nothing(history):
    a_run(history).update(outcome="failed", exit_code=1)


def unknown_for_nothing(history):
    history.hurts = [hurt for hurt in history.hurts if hurt.kind not in ("runner", "disk")]
    a_run(history).update(outcome="unknown", exit_code=None)


def missed_for_nothing(history):
    run = a_run(history)
    row_of_run(history, run).update(state="missed", reason="down", run=None)
    without(history, run)
    history.hurts = []


def skipped_for_nothing(history):
    """Nothing of the job ran in a long time before."""
    run = a_run(history)
    row_of_run(history, run).update(state="skipped", reason="overlap", run=None)
    without(history, run)
    for other in history.runs:
        if other["job"] == run["job"]:
            other["finished_at"] = other["claimed_at"] = text_of(START - 86400000)


def stretch_of_too_few(history):
    run = a_run(history)
    at = black_box.ms_of(run["scheduled_at"])
    due = black_box.Due(history.jobs[run["job"]]).sorted_must
    row_of_run(history, run).update(state="missed", reason="down", run=None, count=1,
                                    last_at=text_of(due[due.index(at) + 2]))
    without(history, run)


def caught_up_against_policy(history):
    run = a_run(history)
    history.jobs[run["job"]].catchup = "none"
    run["trigger"] = "catchup"


def run_of_a_stranger(history):
    history.runs.append({**a_run(history), "id": "strange", "job": "stranger",
                         "scheduled_at": None})


def ended_by_itself(history):
    history.troubles.append("the daemon ended by itself with -6")


BROKEN = {
    lost_instant: "each due instant has a record",
    lost_run: "an occurrence that ran has its run",
    lost_row: "a run of an instant has its occurrence",
    doubled_record: "each due instant has one record",
    doubled_run: "an instant has one run",
    doubled_start: "an attempt starts at most once",
    overlapping_run: "one at a time",
    stuck_run: "nothing stays open",
    no_end_stamp: "a run that ended by itself has its stamps",
    never_ran: "a run that ended by itself has its stamps",
    stamp_of_nobody: "no stamps without a run",
    stamp_of_another_instant: "stamps are those of their run",
    attempt_too_many: "stamps are those of their run",
    attempts_beyond: "attempts are held to",
    not_due: "only due instants have records",
    failed_for_nothing: "an outcome has a cause",
    unknown_for_nothing: "an outcome has a cause",
    missed_for_nothing: "a miss has its reason",
    skipped_for_nothing: "a skip has its reason",
    stretch_of_too_few: "a stretch counts its instants",
    caught_up_against_policy: "catch-up is held to",
    run_of_a_stranger: "runs are of known jobs",
    ended_by_itself: "belfry went on",
}


class Doctored(unittest.TestCase):
    def find_all(self, history):
        for break_it, promise in BROKEN.items():
            with self.subTest(break_it.__name__):
                doctored = copy.deepcopy(history)
                break_it(doctored)
                self.assertIn(promise, {one.promise for one in black_box.check(doctored)})


class MadeHistory(Doctored):
    def test_whole_history_is_clean(self):
        self.assertEqual(black_box.check(made()), [])

    def test_each_broken_promise_is_found(self):
        self.find_all(made())

    def test_every_promise_has_its_break(self):
        """So that no check is added that nobody has seen fail."""
        with open(black_box.__file__, encoding="utf-8") as file:
            promises = set(re.findall(r'Broken\("([^"]+)"', file.read()))
        self.assertEqual(promises, set(BROKEN.values()))

    def test_unknown_may_overlap(self):
        history = made()
        overlapping_run(history)
        history.hurts.append(Hurt("runner", START, START + 60000))
        for run in history.runs:
            if run["job"] == history.runs[-1]["job"] and run["id"] != "zz":
                run.update(outcome="unknown", exit_code=None)
        self.assertEqual(black_box.check(history), [])

    def test_change_on_its_way_excuses_either(self):
        """While a file is on its way an instant may be there or not, but not twice."""
        history = made()
        span = history.jobs["steady"].spans[0]
        span.sure_to = START + 40000
        lost = [run for run in history.runs if run["job"] == "steady"
                and black_box.ms_of(run["scheduled_at"]) == START + 45000][0]
        history.occurrences.remove(row_of_run(history, lost))
        without(history, lost)
        self.assertEqual(black_box.check(history), [])
        lost_instant(history)
        self.assertNotEqual(black_box.check(history), [])


class Arithmetic(unittest.TestCase):
    """The due instants are the checker's own; their text is what belfry is given."""

    def test_seconds(self):
        due = list(Seconds((7, 40)).due(START + 7000, START + 67000))
        self.assertEqual([(at - START) // 1000 for at in due], [7, 40, 67])
        self.assertEqual(Seconds((7, 40)).text(), "7,40 * * * * *")

    def test_every(self):
        due = list(Every(13).due(START, START + 30000))
        self.assertTrue(all(at % 13000 == 0 for at in due))
        self.assertEqual(len(due), len([s for s in range(0, 30001, 1000)
                                        if (START + s) % 13000 == 0]))


class ShortSoak(Doctored):
    def test_soak(self):
        """Real faults, no promise broken; and this very history, doctored, is found out."""
        folder = tempfile.mkdtemp(prefix="belfry-soak-")
        seed = random.randrange(1 << 32) if IS_LONG else 1
        worlds = soak.run(BUILD, folder, SECONDS, 1, seed, soak.Teller(not IS_LONG))
        history = worlds[0].history()
        broken = black_box.check(history)
        told = soak.figures(worlds, [history], broken, SECONDS, seed)
        soak.keep_history([history], told, folder)
        worlds[0].finish(bool(broken))
        soak.report(told, folder)
        self.assertEqual([str(one) for one in broken], [], f"seed {seed}; kept in {folder}")
        self.assertGreater(told["due"], SECONDS)
        shutil.rmtree(folder)
        self.find_all(history)


if __name__ == "__main__":
    unittest.main()
