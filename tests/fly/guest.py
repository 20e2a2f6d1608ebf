"""What runs in a Machine: its command as a local process in a session of its own."""
import os
import signal
import subprocess
import threading

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
EXEC_FAILED = 127


class Guest:
    """on_line(text) and on_exit(code or -signal) are called from threads of the guest."""

    def __init__(self, argv, env, on_line, on_exit):
        self.mark = f"FLY_MACHINE_ID={env['FLY_MACHINE_ID']}".encode()
        self.on_line = on_line
        self.on_exit = on_exit
        self.lock = threading.Lock()
        self.is_over = False
        self.code = None
        try:
            self.process = subprocess.Popen(argv, env=env, cwd="/", stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                            start_new_session=True)
        except (OSError, ValueError) as error:
            self.process = None
            self.is_over = True
            self.error = f"ERROR Error: failed to spawn command: {argv}: {error}"
        self.thread = threading.Thread(target=self._wait, daemon=True)

    def begin(self):
        """Apart from the start, so that whoever starts it can write that down first."""
        self.thread.start()

    @property
    def pid(self):
        return self.process.pid if self.process else None

    def signal(self, number):
        """To the command alone: Fly's init hands a signal on to its main child."""
        with self.lock:
            if not self.is_over:
                # Popen's own way would reap a process that has just ended.
                os.kill(self.process.pid, number)

    def signal_all(self, number):
        with self.lock:
            if not self.is_over:
                os.killpg(self.process.pid, number)

    def _wait(self):
        if self.process is None:
            self.on_line(self.error)
            self.on_exit(EXEC_FAILED)
            return
        reader = threading.Thread(target=self._read, daemon=True)
        reader.start()
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        with self.lock:
            self.is_over = True
            # A Machine goes down with its main process, and all that it left behind with it.
            os.killpg(self.process.pid, signal.SIGKILL)
            kill_marked(self.mark)
            self.code = self.process.wait()
        reader.join(5)
        self.on_exit(self.code)

    def _read(self):
        with self.process.stdout as pipe:
            for line in pipe:
                self.on_line(line.rstrip(b"\r\n").decode(errors="replace"))


def kill_marked(mark):
    """SIGKILL to every process that has the mark, KEY=VALUE, in its environment: those that
    gave themselves a session of their own, too."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if mark in file.read().split(b"\0"):
                    os.kill(int(pid), signal.SIGKILL)
        except OSError:
            continue
