#!/usr/bin/python3
"""The demo: a database, a mail server, a web app, and belfry ringing its jobs.

    demo.py --build build/release [--for 45s]

Runs until Ctrl-C, or for so long. Then it stops everything, prints a table of
jobs, runs, outcomes and mails, and exits 0 only if every job ran, the addresses
that bounce made runs `partial`, nobody got a mail twice, and nothing is left: no
process, no temporary file.
"""
import argparse
import collections
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
JOBS = ("send-reminders", "send-founder-emails", "send-weekly-digest")
COLOURS = {"succeeded": "32", "partial": "33", "failed": "31", "timed_out": "31", "unknown": "31"}
READY_S = 20


def colour(text, code):
    return f"\033[{code}m{text}\033[0m" if sys.stdout.isatty() and code else text


def say(text=""):
    print(text, flush=True)


def seconds(text):
    match = re.fullmatch(r"(\d+)(s|m)?", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; write 45s or 2m")
    return int(match[1]) * (60 if match[2] == "m" else 1)


class Program:
    """A program that lives as long as the demo; its JSON lines are handed on."""

    def __init__(self, name, argv, env, on_line, stream):
        self.name = name
        self.process = subprocess.Popen(
            argv, env=env, stdin=subprocess.DEVNULL, text=True, start_new_session=True,
            **{stream: subprocess.PIPE})
        self.on_line = on_line
        self.pipe = getattr(self.process, stream)
        self.ready = threading.Event()
        self.port = None
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.pipe:
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                event = {"msg": line.rstrip()}
            if self.port is None:
                found = event.get("port") or re.search(
                    r"listening on http://[^ ]*:(\d+)", event.get("msg", ""))
                if found:
                    self.port = int(found if isinstance(found, int) else found[1])
                    self.ready.set()
            self.on_line(event)
        self.ready.set()

    def wait_ready(self):
        self.ready.wait(READY_S)
        if self.port is None:
            raise SystemExit(f"demo: {self.name} did not come up")
        return self.port

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.thread.join(10)
        self.pipe.close()
        return self.process.wait()


class Demo:
    def __init__(self, build, folder):
        self.build = os.path.abspath(build)
        self.folder = folder
        self.mail = os.path.join(folder, "mail")
        self.database = os.path.join(folder, "kaiwa.db")
        self.temporary = os.path.join(folder, "tmp")
        os.mkdir(self.temporary)
        self.belfry_program = os.path.join(self.build, "belfry")
        self.programs = []
        self.env = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": folder,
            "LANG": "C.UTF-8",
            "TMPDIR": self.temporary,
            "KAIWA_BIN": os.path.join(self.build, "examples/kaiwa"),
            "KAIWA_DB": self.database,
            "MAIL_FROM": "hello@kaiwa.example",
            "FOUNDER_EMAIL": "founder@kaiwa.example",
            # How whatever belongs to this demo is found when it should be gone.
            "BELFRY_DEMO": folder,
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]

    def start(self, name, argv, on_line, stream="stdout", **more):
        program = Program(name, argv, {**self.env, **more}, on_line, stream)
        self.programs.append(program)
        return program.wait_ready()

    def begin(self):
        quiet = lambda event: None
        subprocess.run([os.path.join(self.env["KAIWA_BIN"], "kaiwa-db"), "init", self.database],
                       env=self.env, check=True, stdout=subprocess.DEVNULL)
        say("database     120 users, two of them with addresses that bounce")
        port = self.start("the mail server",
                          ["/usr/bin/python3", os.path.join(HERE, "smtp-sink.py"), self.mail,
                           "--port", "0"], quiet)
        self.env["SMTP_URL"] = f"smtp://127.0.0.1:{port}"
        say(f"mail server  {self.env['SMTP_URL']}, keeps mail in {self.mail}/new")
        port = self.start("kaiwa-web", [os.path.join(self.env["KAIWA_BIN"], "kaiwa-web"),
                                        "--listen", "127.0.0.1:0"], quiet,
                          # The app's alone: belfry would ask for it, too.
                          CRON_SECRET="demo-secret")
        self.web = f"http://127.0.0.1:{port}"
        say(f"web app      {self.web}/health")
        port = self.start("belfry serve",
                          [self.belfry_program, "serve",
                           "--config", os.path.join(HERE, "schedules.demo.json"),
                           "--state", os.path.join(self.folder, "state"),
                           "--listen", "127.0.0.1:0", "--stop", "wait"],
                          self.show, "stderr")
        self.server = f"http://127.0.0.1:{port}"
        say(f"belfry       {self.server}/health")
        say("look around  " + colour(f"build/release/belfry list --server {self.server}", "1"))
        say()

    def show(self, event):
        level, job, message = (event.get(key, "") for key in ("level", "job", "msg"))
        if not job and level == "info" and "listening" in message:
            return
        word = message.split(":")[0]
        code = COLOURS.get(word) or {"warn": "33", "error": "31"}.get(level)
        say(f"{event.get('time', '')[11:19]}  {job:<20} {colour(message, code)}")

    def ask(self, *arguments):
        output = subprocess.run([self.belfry_program, *arguments, "--json",
                                 "--server", self.server],
                                env=self.env, check=True, stdout=subprocess.PIPE, text=True)
        return json.loads(output.stdout)

    def health(self, url):
        with urllib.request.urlopen(url + "/health", timeout=10) as answer:
            return answer.status == 200

    def stop(self):
        problems = []
        for program in reversed(self.programs):
            code = program.stop()
            if code != 0:
                problems.append(f"{program.name} ended with {code}")
        self.programs = []
        return problems

    def processes_left(self):
        """Processes that carry the demo's mark, after a moment to end."""
        mark = f"BELFRY_DEMO={self.folder}".encode()
        state = self.folder.encode()
        deadline = time.monotonic() + 20
        while True:
            left = []
            for pid in filter(str.isdigit, os.listdir("/proc")):
                if int(pid) == os.getpid():
                    continue
                try:
                    with open(f"/proc/{pid}/environ", "rb") as environ:
                        ours = mark in environ.read().split(b"\0")
                    with open(f"/proc/{pid}/cmdline", "rb") as cmdline:
                        words = cmdline.read()
                except OSError:
                    continue
                if ours or state in words:
                    left.append(f"{pid} {words.replace(bytes(1), b' ').decode().strip()}")
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.1)

    def files_left(self):
        """Temporary files, and what the runner should have been told to forget."""
        spools = os.path.join(self.folder, "state", "spool")
        return [os.path.join(folder, name) for folder in (self.temporary, spools)
                if os.path.isdir(folder) for name in os.listdir(folder)]


def table(rows):
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [str(row[0]).ljust(widths[0])]
        cells += [str(cell).rjust(width) for cell, width in zip(row[1:], widths[1:])]
        say("  ".join(cells).rstrip())


def judge(demo, runs, check):
    """What the demo promises, as a list of what is wrong."""
    outcomes = collections.Counter((run["job"], run["outcome"]) for run in runs)
    for job in JOBS:
        if not any(run["job"] == job and run["state"] == "finished" for run in runs):
            yield f"{job} did not run"
        if outcomes[job, "partial"] == 0:
            yield f"{job} had no partial run, but two addresses bounce"
    for run in runs:
        if run["outcome"] not in ("succeeded", "partial"):
            yield f"run {run['id']} of {run['job']}: {run['outcome'] or run['state']}, {run['message']}"
    if check["delivered"] == 0:
        yield "no mail was delivered"
    yield from check["problems"]


def summary(runs, check):
    outcomes = collections.Counter((run["job"], run["outcome"]) for run in runs)
    rows = [("job", "runs", "succeeded", "partial", "failed", "mails", "bounced")]
    for job in JOBS:
        total = sum(count for (name, _), count in outcomes.items() if name == job)
        good, partial = outcomes[job, "succeeded"], outcomes[job, "partial"]
        mails = check["jobs"].get(job, {})
        rows.append((job, total, good, partial, total - good - partial,
                     mails.get("delivered", 0), mails.get("bounced", 0)))
    say()
    table(rows)
    say()


def settle(demo):
    """The runs, of a moment in which none is going on: the next may begin right after it."""
    deadline = time.monotonic() + 60
    while True:
        runs = demo.ask("runs", "--limit", "100000")
        if all(run["state"] == "finished" for run in runs) or time.monotonic() > deadline:
            return runs
        time.sleep(0.2)


def wait(limit):
    """True if the time is over, False on Ctrl-C."""
    try:
        if limit is None:
            say("Ctrl-C ends the demo.")
            signal.pause()
        time.sleep(limit)
        return True
    except KeyboardInterrupt:
        say()
        return False


def perform(demo, limit):
    demo.begin()
    wait(limit)
    problems = []
    if not demo.health(demo.web) or not demo.health(demo.server):
        problems.append("the web app or belfry is not healthy")
    # Runs begun before the stop end under it (--stop wait); they are asked for
    # first and counted again from the database by the check.
    runs = settle(demo)
    problems += demo.stop()
    check = json.loads(subprocess.run(
        ["/usr/bin/python3", os.path.join(HERE, "check_demo.py"), demo.mail, demo.database],
        stdout=subprocess.PIPE, text=True).stdout)
    summary(runs, check)
    problems += judge(demo, runs, check)
    problems += [f"still running: {process}" for process in demo.processes_left()]
    problems += [f"left behind: {path}" for path in demo.files_left()]
    return problems


def main():
    parser = argparse.ArgumentParser(prog="./dev demo")
    parser.add_argument("--build", default="build/release", help=argparse.SUPPRESS)
    parser.add_argument("--for", dest="limit", type=seconds, metavar="45s",
                        help="end by itself after so long")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    folder = tempfile.mkdtemp(prefix="belfry-demo-")
    demo = Demo(arguments.build, folder)
    try:
        problems = perform(demo, arguments.limit)
    finally:
        demo.stop()
        shutil.rmtree(folder)
    for problem in problems:
        say(colour(f"demo: {problem}", "31"))
    if not problems:
        say(colour("Every job ran, bounces were partial, no mail went out twice, "
                   "nothing is left.", "32"))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
