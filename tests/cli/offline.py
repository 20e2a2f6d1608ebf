"""A real belfry in a folder of its own, for the verbs that ask no server."""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from common import DEADLINE_S, job, shell, wait_for  # noqa: E402

BUILD = os.environ["BELFRY_BUILD"]
BELFRY = os.path.join(BUILD, "belfry")


class Folder:
    """Where a belfry works, with temporary files of its own beside it."""

    def __init__(self, *jobs, **top):
        self.path = tempfile.mkdtemp(prefix="belfry-test-")
        self.work = os.path.join(self.path, "work")
        self.tmp = os.path.join(self.path, "tmp")
        os.mkdir(self.work)
        os.mkdir(self.tmp)
        if jobs or top:
            self.write("schedules.json", json.dumps({**top, "jobs": list(jobs)}))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        shutil.rmtree(self.path)

    def file(self, name):
        return os.path.join(self.work, name)

    def write(self, name, text):
        with open(self.file(name), "w", encoding="utf-8") as file:
            file.write(text)

    def environment(self, env=None):
        return {**os.environ, "TMPDIR": self.tmp, **(env or {})}

    def belfry(self, *words, env=None, input=None):
        return subprocess.run([BELFRY, *words], cwd=self.work, env=self.environment(env),
                              input=input, stdin=None if input is not None else
                              subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=DEADLINE_S)

    def terminal(self, *words, env=None, columns=0):
        return Terminal(self, words, env, columns)

    def screen(self, *words, columns, env=None):
        """The lines that a command leaves on a terminal of that width."""
        terminal = self.terminal(*words, env=env, columns=columns)
        terminal.end()
        return terminal.lines()

    def processes(self):
        """Those that name our folder of temporary files: runners, above all."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read()
            except OSError:
                continue
            if self.tmp.encode() in words:
                found.append((int(pid), words))
        return found

    def leftovers(self):
        return os.listdir(self.tmp), self.processes()


class Terminal:
    """belfry as a person starts it: all three streams on a terminal."""

    def __init__(self, folder, words, env=None, columns=0):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.chdir(folder.work)
            os.execve(BELFRY, [BELFRY, *words],
                      folder.environment({"TERM": "xterm", "NO_COLOR": "", **(env or {})}))
        self.raw = ""

    def read(self):
        """What came by now; False once the terminal is closed."""
        try:
            while select.select([self.fd], [], [], 0)[0]:
                data = os.read(self.fd, 65536)
                if not data:
                    return False
                self.raw += data.decode("utf-8", "replace")
        except OSError:
            return False
        return True

    def expect(self, text):
        def there():
            is_open = self.read()
            if text in self.raw:
                return True
            assert is_open, f"no {text!r} in {self.raw!r}"
            return False
        wait_for(there, f"{text!r} on the terminal: {self.raw!r}")

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        """The exit code, once all was read."""
        wait_for(lambda: not self.read(), f"the end: {self.raw!r}")
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def lines(self):
        """What stands on the screen in the end: carriage returns and erasures done."""
        text = re.sub(r"\033\[[0-9;]*m", "", self.raw)
        lines = []
        for raw in text.replace("\r\n", "\n").split("\n"):
            line, column = "", 0
            for piece in re.split(r"(\r|\033\[K)", raw):
                if piece == "\r":
                    column = 0
                elif piece == "\033[K":
                    line = line[:column]
                else:
                    line = line[:column] + piece + line[column + len(piece):]
                    column += len(piece)
            lines.append(line)
        return lines
