"""A real `belfry serve` in a folder of its own, for the tests beside this file."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from common import DEADLINE_S, job, runner_pids, shell, wait_for  # noqa: E402

BUILD = os.environ["BELFRY_BUILD"]
BELFRY = os.path.join(BUILD, "belfry")


class Belfry:
    """One state directory, over several lives of the daemon."""
    program = BELFRY

    def __init__(self, jobs, **top):
        self.folder = tempfile.mkdtemp(prefix="belfry-test-")
        self.state = os.path.join(self.folder, "state")
        self.config = os.path.join(self.folder, "schedules.json")
        self.process = None
        self.url = None
        self.write(jobs, **top)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        if kind:
            print("".join(json.dumps(event) + "\n" for event in getattr(self, "log", [])))
        self.kill()
        self.end_runner()
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, jobs, **top):
        """Replaces the file by rename, as editors and Kubernetes do."""
        self.write_raw(json.dumps({**top, "jobs": jobs}))

    def write_raw(self, text):
        with open(self.config + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.config + ".new", self.config)

    def start(self, *options, env=None, wait=True, prefix=()):
        self.log = []
        self.process = subprocess.Popen(
            [*prefix, self.program, "serve", *self.source(), "--state", self.state,
             "--listen", "127.0.0.1:0", *options],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **(env or {})}, start_new_session=True)
        self.thread = threading.Thread(target=self.read_log, args=(self.process.stderr,),
                                       daemon=True)
        self.thread.start()
        if wait:
            self.url = wait_for(self.find_url, "belfry to listen")
        return self

    def source(self):
        """Where the daemon's jobs come from."""
        return "--config", self.config

    def read_log(self, pipe):
        for line in pipe:
            try:
                self.log.append(json.loads(line))
            except json.JSONDecodeError:
                self.log.append({"level": "raw", "msg": line.rstrip()})

    def find_url(self):
        if self.process.poll() is not None:
            self.thread.join(5)
            raise AssertionError(f"belfry ended with {self.process.returncode}: {self.log}")
        for event in list(self.log):
            found = re.search(r"listening on (http://\S+)", event["msg"])
            if found:
                return found[1]
        return None

    def said(self, text, level=None):
        return [event for event in list(self.log)
                if text in event["msg"] and level in (None, event["level"])]

    def wait_said(self, text, level=None):
        return wait_for(lambda: self.said(text, level), f"the log to say {text!r}")

    def kill(self):
        """SIGKILL to the daemon alone."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
            self.thread.join(5)
            self.process.stderr.close()
            self.process = None

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(DEADLINE_S)
        self.thread.join(5)
        self.process.stderr.close()
        self.process = None
        return code

    def runner_pids(self):
        return runner_pids(self.state)

    def end_runner(self):
        """Those that are there now; a daemon that runs starts another one."""
        pids = set(self.runner_pids())
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):  # it may just have gone by itself
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not pids & set(self.runner_pids()), "the runner to be gone")

    def run_command(self, *arguments, check=None):
        result = subprocess.run([self.program, *arguments, "--server", self.url],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                timeout=DEADLINE_S)
        if check is not None and result.returncode != check:
            raise AssertionError(f"belfry {' '.join(arguments)} ended with "
                                 f"{result.returncode}:\n{result.stdout}{result.stderr}")
        return result

    def ask(self, *arguments):
        return json.loads(self.run_command(*arguments, "--json", check=0).stdout)

    def runs(self, *arguments):
        return self.ask("runs", "--limit", "100000", *arguments)

    def finished(self, job, count=1):
        """The job's finished runs once there are so many, oldest first."""
        def enough():
            runs = [run for run in self.runs("--job", job) if run["state"] == "finished"]
            return runs[::-1] if len(runs) >= count else None
        return wait_for(enough, f"{count} finished runs of {job}")

    def trigger(self, job, *options):
        """The id of the new run."""
        return self.ask("trigger", job, *options)["id"]

    def wait_run(self, run):
        def finished():
            found = [row for row in self.runs() if row["id"] == run]
            return found[0] if found and found[0]["state"] == "finished" else None
        return wait_for(finished, f"run {run} to finish")

    def text_of(self, run):
        return self.run_command("logs", run, check=0).stdout

    def http(self, method, path, headers=None):
        """(status, body) of a request to the daemon."""
        request = urllib.request.Request(self.url + path, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def sql(self, query):
        import sqlite3
        database = sqlite3.connect(os.path.join(self.state, "belfry.db"))
        try:
            return database.execute(query).fetchall()
        finally:
            database.close()
