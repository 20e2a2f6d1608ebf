"""What Python tests of every folder stand on."""
import concurrent.futures
import io
import os
import subprocess
import sys
import threading
import time
import unittest

DEADLINE_S = 60


def wait_for(condition, what, deadline_s=DEADLINE_S):
    """Polls until condition() is truthy; there is no other way to wait in a test."""
    end = time.monotonic() + deadline_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline_s} s in vain for {what}")
        time.sleep(0.01)


def job(name, command, schedule="0 0 1 1 *", **more):
    return {"name": name, "schedule": schedule, "command": command, **more}


def shell(text):
    return ["sh", "-c", text]


# ---- other processes ----

def is_alive(pid):
    """Whether the process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def runner_pids(state):
    """The belfry-runners of a state directory, those that run under another program, too."""
    pids = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        # What starts it may name it, too; only the runner itself goes on so.
        if any(words[i].endswith(b"belfry-runner") and
               words[i + 1:i + 3] == [b"--state", state.encode()] for i in range(len(words))):
            pids.append(int(pid))
    return pids


class Strace:
    """strace, attached to a process that is there."""

    def __init__(self, pid, log, *options):
        self.process = subprocess.Popen(["strace", "-p", str(pid), "-o", log, *options],
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        if "attached" not in line:
            raise AssertionError(f"strace: {line}")
        self.reader = threading.Thread(target=self.process.stderr.read, daemon=True)
        self.reader.start()

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.reader.join()
        self.process.stderr.close()


# ---- running ----

def main(parallel=4):
    """As unittest.main, but several tests at a time: they wait most of the time."""
    names = [word for word in sys.argv[1:] if not word.startswith("-")]
    module = sys.modules["__main__"]
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames(names, module) if names else \
        loader.loadTestsFromModule(module)
    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        results = list(pool.map(run_one, flat(suite)))
    bad = [result for result in results if not result.wasSuccessful()]
    skipped = [text for result in results for _, text in result.skipped]
    print(f"{len(results)} tests, {len(bad)} failed, {len(skipped)} skipped {skipped or ''}",
          flush=True)
    sys.exit(1 if bad or not results else 0)


def flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


def run_one(test):
    text = io.StringIO()
    begun = time.monotonic()
    result = unittest.TextTestRunner(stream=text).run(test)
    words = "ok" if result.wasSuccessful() else "FAILED\n" + text.getvalue()
    print(f"{test.id().removeprefix('__main__.')}: {words} ({time.monotonic() - begun:.1f}s)",
          flush=True)
    return result
