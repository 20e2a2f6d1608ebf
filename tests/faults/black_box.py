"""The black-box checker: what was due, what belfry says, what the jobs themselves say.

It knows nothing of belfry's inside. From a history it is told when which job was in force
(by those who wrote the file), computes the due instants by itself, and matches them with
occurrences, runs and stamps. The way of Jepsen's test of Chronos, whose jobs too write a
stamp when they start and when they end.

All times are milliseconds since 1970.
"""
import bisect
import collections
import dataclasses
import datetime

# Between what two processes read from one clock.
CLOCK_MS = 5
# Before a run's start is told, or after its end, the runner may already have been hurt.
HURT_MS = 2000
# What a stopped daemon has not seen yet may be its reason to skip.
UNSEEN_MS = 20000


# ---- schedules, by our own arithmetic ----

@dataclasses.dataclass(frozen=True)
class Seconds:
    """`S,S,… * * * * *`: on these seconds of each minute."""
    seconds: tuple

    def text(self):
        return ",".join(map(str, self.seconds)) + " * * * * *"

    def due(self, first_ms, last_ms):
        minute = first_ms // 60000
        while minute * 60000 <= last_ms:
            for second in self.seconds:
                at = minute * 60000 + second * 1000
                if first_ms <= at <= last_ms:
                    yield at
            minute += 1


@dataclasses.dataclass(frozen=True)
class Every:
    """`@every Ns`: on the grid of N seconds since 1970."""
    period_s: int

    def text(self):
        return f"@every {self.period_s}s"

    def due(self, first_ms, last_ms):
        period = self.period_s * 1000
        at = -(-first_ms // period) * period
        while at <= last_ms:
            yield at
            at += period


# ---- the history ----

@dataclasses.dataclass
class Span:
    """A time in which a job followed a schedule: surely from `sure_from` until
    `sure_to`, perhaps from `from_` until `to` (a change was on its way)."""
    schedule: object
    from_: int
    sure_from: int
    sure_to: int = None
    to: int = None


@dataclasses.dataclass
class Job:
    """What was asked of a job, the same all the time."""
    overlap: str = "forbid"
    catchup: str = "once"
    attempts: int = 1
    ends: tuple = ("succeeded",)  # the outcomes of its own doing
    spans: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Hurt:
    """Something that was done to belfry."""
    kind: str  # down, runner, disk, store (locked), change (of the file), cancel (by hand)
    from_: int
    to: int


@dataclasses.dataclass(frozen=True)
class Stamp:
    what: str
    run: str
    attempt: int
    job: str
    scheduled_at: int
    at: int


@dataclasses.dataclass
class History:
    jobs: dict
    occurrences: list
    runs: list
    stamps: list
    hurts: list
    troubles: list = dataclasses.field(default_factory=list)  # seen on the way


@dataclasses.dataclass(frozen=True)
class Broken:
    promise: str
    job: str
    text: str

    def __str__(self):
        return f"{self.promise}: {self.job}: {self.text}"


def ms_of(text):
    """RFC 3339 in UTC, None where there is no time."""
    if text in (None, "-"):
        return None
    at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round(at.timestamp() * 1000)


def text_of(ms):
    at = datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_stamps(path):
    try:
        with open(path, encoding="ascii") as file:
            lines = file.readlines()
    except FileNotFoundError:
        return []
    stamps = []
    for line in lines:
        what, run, attempt, job, scheduled_at, at, _ = line.split()
        stamps.append(Stamp(what, run, int(attempt), job, ms_of(scheduled_at), int(at)))
    return stamps


# ---- what was due ----

class Due:
    """The instants of one job: those that must be accounted for, those that may."""

    def __init__(self, job):
        self.must, self.may = set(), set()
        for span in job.spans:
            instants = set(span.schedule.due(span.from_, span.to))
            self.may |= instants
            self.must |= {at for at in instants if span.sure_from < at <= span.sure_to}
        self.sorted_may = sorted(self.may)
        self.sorted_must = sorted(self.must)

    @staticmethod
    def between(instants, first, last):
        return instants[bisect.bisect_left(instants, first):bisect.bisect_right(instants, last)]


# ---- the checks: each yields what is broken ----

class Checker:
    def __init__(self, history):
        self.history = history
        self.runs = {run["id"]: run for run in history.runs}
        self.due = {name: Due(job) for name, job in history.jobs.items()}
        self.stamps = collections.defaultdict(list)
        for stamp in history.stamps:
            self.stamps[stamp.run, stamp.attempt, stamp.what].append(stamp)
        self.runs_of = collections.defaultdict(list)
        for run in history.runs:
            self.runs_of[run["job"]].append(run)

    def check(self):
        found = [Broken("belfry went on", "-", text) for text in self.history.troubles]
        for one in (self.each_instant_once, self.nothing_else_recorded, self.runs_and_rows_agree,
                    self.one_run_an_instant, self.nothing_stays_open, self.one_start_an_attempt,
                    self.stamps_have_runs, self.good_runs_have_stamps, self.ends_are_its_own,
                    self.one_at_a_time, self.unrun_for_a_reason, self.policies_held):
            found += one()
        return found

    def was_hurt(self, kinds, first, last):
        return any(hurt.kind in kinds and hurt.from_ - HURT_MS <= last and
                   hurt.to + HURT_MS >= first for hurt in self.history.hurts)

    # -- accounting --

    def each_instant_once(self):
        """Every due instant has exactly one record."""
        records = collections.defaultdict(collections.Counter)
        for row in self.history.occurrences:
            name, first, last = row["job"], ms_of(row["scheduled_at"]), ms_of(row["last_at"])
            due = self.due.get(name)
            covered = due.between(due.sorted_may, first, last) if due else [first]
            if not covered:
                continue  # told by nothing_else_recorded
            records[name].update(covered)
        for name, due in self.due.items():
            for at in sorted(due.must):
                if records[name][at] == 0:
                    yield Broken("each due instant has a record", name,
                                 f"nothing is known of {text_of(at)}")
            for at, count in records[name].items():
                if count > 1:
                    yield Broken("each due instant has one record", name,
                                 f"{text_of(at)} has {count}")

    def nothing_else_recorded(self):
        """No record of what was not due, and stretches count rightly."""
        for row in self.history.occurrences:
            name, first, last = row["job"], ms_of(row["scheduled_at"]), ms_of(row["last_at"])
            due = self.due.get(name)
            if row["reason"] in ("disabled", "excluded", "paused"):
                continue
            if not due or first not in due.may or last not in due.may:
                yield Broken("only due instants have records", name,
                             f"{row['state']} at {text_of(first)}, which was not due")
                continue
            least = len(due.between(due.sorted_must, first, last))
            most = len(due.between(due.sorted_may, first, last))
            if not least <= row["count"] <= most:
                yield Broken("a stretch counts its instants", name,
                             f"{row['count']} from {text_of(first)} to {text_of(last)}, "
                             f"where {least} were due")

    def runs_and_rows_agree(self):
        """A row that says ran has its run; a run of an instant has its row."""
        rows = {}
        for row in self.history.occurrences:
            if row["state"] != "ran":
                continue
            rows[row["run"]] = row
            run = self.runs.get(row["run"])
            if not run:
                yield Broken("an occurrence that ran has its run", row["job"],
                             f"{row['scheduled_at']} names {row['run']}, which is not there")
            elif (run["job"], run["scheduled_at"]) != (row["job"], row["scheduled_at"]):
                yield Broken("an occurrence that ran has its run", row["job"],
                             f"{row['scheduled_at']} names {row['run']} of {run['job']} at "
                             f"{run['scheduled_at']}")
        for run in self.history.runs:
            if run["scheduled_at"] and run["id"] not in rows:
                yield Broken("a run of an instant has its occurrence", run["job"],
                             f"{run['id']} of {run['scheduled_at']} has none")

    def one_run_an_instant(self):
        count = collections.Counter((run["job"], run["scheduled_at"]) for run in self.history.runs
                                    if run["scheduled_at"])
        for (name, at), number in count.items():
            if number > 1:
                yield Broken("an instant has one run", name, f"{at} has {number}")

    def nothing_stays_open(self):
        for run in self.history.runs:
            if run["state"] != "finished":
                yield Broken("nothing stays open", run["job"],
                             f"{run['id']} of {run['scheduled_at']} is {run['state']}")

    # -- what the jobs say --

    def one_start_an_attempt(self):
        for (run, attempt, what), stamps in self.stamps.items():
            if len(stamps) > 1:
                yield Broken("an attempt starts at most once", stamps[0].job,
                             f"{run} attempt {attempt} wrote {len(stamps)} {what} stamps: "
                             + ", ".join(text_of(stamp.at) for stamp in stamps))

    def stamps_have_runs(self):
        for stamp in self.history.stamps:
            run = self.runs.get(stamp.run)
            if not run:
                yield Broken("no stamps without a run", stamp.job,
                             f"{stamp.what} of {stamp.run} at {text_of(stamp.at)}")
            elif (run["job"], ms_of(run["scheduled_at"])) != (stamp.job, stamp.scheduled_at):
                yield Broken("stamps are those of their run", stamp.job,
                             f"{stamp.run} was told {stamp.scheduled_at}, and is "
                             f"{run['job']} at {run['scheduled_at']}")
            elif not 1 <= stamp.attempt <= run["attempt"]:
                yield Broken("stamps are those of their run", stamp.job,
                             f"{stamp.run} has {run['attempt']} attempts, one wrote as its "
                             f"attempt {stamp.attempt}")

    def has(self, run, what):
        """Of its last attempt; or of the one before, where a retry was called off."""
        attempts = [run["attempt"]]
        if run["outcome"] != "succeeded" and run["attempt"] > 1:
            attempts.append(run["attempt"] - 1)
        return any((run["id"], attempt, what) in self.stamps for attempt in attempts)

    def good_runs_have_stamps(self):
        """What succeeded has done its work; what failed by its own doing was there."""
        for run in self.history.runs:
            if run["outcome"] == "succeeded" or run["exit_code"] is not None:
                for what in ("start", "end"):
                    if not self.has(run, what):
                        yield Broken("a run that ended by itself has its stamps", run["job"],
                                     f"{run['id']} {run['outcome']} ({run['exit_code']}) has "
                                     f"no {what} stamp")

    def ends_are_its_own(self):
        """Another outcome than the job's own needs a cause outside."""
        causes = {"unknown": ("runner", "disk"), "canceled": ("cancel", "change"),
                  "failed": ("runner", "disk", "change")}
        for run in self.history.runs:
            job = self.history.jobs.get(run["job"])
            if run["state"] != "finished" or not job or run["outcome"] in job.ends:
                continue
            first = ms_of(run["claimed_at"]) or 0
            last = ms_of(run["finished_at"]) or first
            if run["outcome"] == "canceled" and self.was_replaced(run, job, first, last):
                continue
            if (run["exit_code"] is not None and job.attempts == 1) or \
                    not self.was_hurt(causes.get(run["outcome"], ()), first, last):
                yield Broken("an outcome has a cause", run["job"],
                             f"{run['id']} of {run['scheduled_at']} is {run['outcome']} "
                             f"({run['message']})")

    def was_replaced(self, run, job, first, last):
        return job.overlap == "replace" and any(
            other["id"] > run["id"] and first <= ms_of(other["claimed_at"]) <= last + CLOCK_MS
            for other in self.runs_of[run["job"]])

    def interval(self, run):
        """When the run was at work by its own stamps; None if it never was."""
        starts = [stamp.at for attempt in range(1, run["attempt"] + 1)
                  for stamp in self.stamps.get((run["id"], attempt, "start"), ())]
        if not starts:
            return None
        ends = self.stamps.get((run["id"], run["attempt"], "end"))
        last = ends[-1].at if ends else ms_of(run["finished_at"])
        return min(starts), last if last is not None else float("inf")

    def one_at_a_time(self):
        """But for `allow`, and for what nobody knows the end of."""
        for name, runs in self.runs_of.items():
            if self.history.jobs.get(name, Job()).overlap == "allow":
                continue
            at_work = sorted((*interval, run["id"]) for run in runs
                             if run["outcome"] != "unknown" and not run["dry_run"]
                             and (interval := self.interval(run)))
            for (_, end, one), (start, _, other) in zip(at_work, at_work[1:]):
                if start < end - CLOCK_MS:
                    yield Broken("one at a time", name, f"{other} began at {text_of(start)}, "
                                 f"while {one} was at work")

    # -- reasons --

    def unrun_for_a_reason(self):
        """A skip needs a run in its way, a miss a time in which belfry was not there."""
        for row in self.history.occurrences:
            name, first, last = row["job"], ms_of(row["scheduled_at"]), ms_of(row["last_at"])
            if row["reason"] == "overlap":
                told = ms_of(row["recorded_at"])
                if not any(ms_of(run["claimed_at"]) <= told and
                           (ms_of(run["finished_at"]) or told) >= first - UNSEEN_MS
                           for run in self.runs_of[name]):
                    yield Broken("a skip has its reason", name,
                                 f"{row['scheduled_at']}: no run was in its way")
            elif row["reason"] in ("down", "late"):
                away = ("down", "disk", "store")  # what could not be stored was not decided
                if not self.was_hurt(away, first, first) or not self.was_hurt(away, last, last):
                    yield Broken("a miss has its reason", name,
                                 f"{text_of(first)} to {text_of(last)}: belfry was there")

    def policies_held(self):
        for name, runs in self.runs_of.items():
            job = self.history.jobs.get(name)
            if not job:
                yield Broken("runs are of known jobs", name, f"{len(runs)} runs")
                continue
            for run in runs:
                if run["trigger"] == "catchup" and job.catchup == "none":
                    yield Broken("catch-up is held to", name, f"{run['id']} was caught up")
                if run["attempt"] > job.attempts:
                    yield Broken("attempts are held to", name,
                                 f"{run['id']} had {run['attempt']} of {job.attempts}")


def check(history):
    """Everything that is broken in a history; nothing if every promise was kept."""
    return Checker(history).check()
