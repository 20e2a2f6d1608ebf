"""exec-drive in a state directory of its own, for the tests beside this file."""
import contextlib
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from common import DEADLINE_S, Strace, is_alive, runner_pids, wait_for  # noqa: E402

DRIVE = os.environ["EXEC_DRIVE"]
RUNNER = os.environ["BELFRY_RUNNER"]
VERSION = subprocess.check_output([RUNNER, "--version"], text=True).split()[1]
SOCKET = f"runner-{VERSION}.sock"


class Drive:
    """One state directory, over several lives of the executor."""

    def __init__(self, kind="process", runner=RUNNER, prefix=(), env=None):
        self.folder = tempfile.mkdtemp(prefix="belfry-exec-")
        self.state = os.path.join(self.folder, "state")
        os.mkdir(self.state)
        self.kind, self.runner, self.prefix, self.env = kind, runner, list(prefix), env
        self.process = None

    def __enter__(self):
        return self.open()

    def __exit__(self, kind, value, traceback):
        if kind:
            print(*[str(answer)[:500] for answer in self.answers], sep="\n")
        self.kill()
        for pid in self.runner_pids():
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not self.runner_pids(), "the runner to be gone")
        self.remove_cgroups()
        shutil.rmtree(self.folder)

    def remove_cgroups(self):
        """A killed runner leaves its groups to the next one, which never comes here."""
        status = os.stat(self.state)
        place = (status.st_ino ^ status.st_dev << 20) & 0xffffffff
        for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
            for folder in glob.glob(f"{root}/**/belfry-{place:08x}-*", recursive=True):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)

    def open(self, *adopt, expect=True):
        """A new life, which adopts these: runs, or (run, attempt)."""
        self.answers = []
        self.process = subprocess.Popen(
            [*self.prefix, DRIVE, self.kind, self.state, self.runner,
             *("%d.%d" % (run if isinstance(run, tuple) else (run, 1)) for run in adopt)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, **(self.env or {})})
        self.thread = threading.Thread(target=self.read, args=(self.process.stdout,), daemon=True)
        self.thread.start()
        first = wait_for(lambda: self.answers and self.answers[0], "the executor")
        if expect is not None and first["ready"] != expect:
            raise AssertionError(first)
        return self

    def read(self, pipe):
        for line in pipe:
            self.answers.append(json.loads(line))

    def path(self, name):
        return os.path.join(self.folder, name)

    def do(self, what, **more):
        self.process.stdin.write((json.dumps({"do": what, **more}) + "\n").encode())
        self.process.stdin.flush()

    def start(self, *argv, run=1, **more):
        self.do("start", run=run, argv=list(argv), **more)

    def shell(self, text, run=1, **more):
        self.start("sh", "-c", text, run=run, **more)

    def of(self, run, attempt=None):
        return [a for a in list(self.answers) if a.get("run") == run
                and attempt in (None, a["attempt"])]

    def said(self, run, word, attempt=None):
        return [a for a in self.of(run, attempt) if a.get("event") == word]

    def wait(self, run=1, word="exited", attempt=None, deadline_s=DEADLINE_S):
        return wait_for(lambda: self.said(run, word, attempt), f"{word} of run {run}",
                        deadline_s)[0]

    def end(self, run=1, attempt=None):
        """Its last answer, whichever it is."""
        last = wait_for(lambda: [a for a in self.of(run, attempt)
                                 if a.get("event") in ("exited", "lost", "start_failed")],
                        f"the end of run {run}")
        if len(last) != 1:
            raise AssertionError(f"more than one end: {last}")
        return last[0]

    def output(self, run=1, stream="stdout"):
        """Bytes by position, each position once."""
        pieces = {a["position"]: bytes.fromhex(a["hex"]) for a in self.of(run)
                  if a.get("output") == stream}
        return b"".join(pieces[position] for position in sorted(pieces))

    def notices(self):
        return [(a["of"], a["notice"]) for a in list(self.answers) if "notice" in a]

    def spools(self):
        return sorted(os.listdir(os.path.join(self.state, "spool")))

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.thread.join(5)
            with contextlib.suppress(BrokenPipeError):  # what it did not read any more
                self.process.stdin.close()
            self.process.stdout.close()
            self.process = None

    def close(self):
        """Ends it the orderly way."""
        self.process.stdin.close()
        code = self.process.wait(DEADLINE_S)
        self.thread.join(5)
        self.process.stdout.close()
        self.process = None
        return code

    def runner_pids(self):
        return runner_pids(self.state)

    def kill_runner(self):
        pids = self.runner_pids()
        if len(pids) != 1:
            raise AssertionError(f"not one runner: {pids}")
        os.kill(pids[0], signal.SIGKILL)
        # An ending process loses its command line before it closes its socket; what is
        # sent to it between is lost, as it should be. Ended is when both are gone.
        wait_for(lambda: not is_alive(pids[0]), "the runner to be gone")
