#!/usr/bin/python3
"""The examples of docs/operating.md for systemd and containers, tried as far as a test can;
and the log on a terminal and elsewhere."""
import json
import os
import re
import shlex
import signal
import subprocess
import tempfile
import unittest

from offline import BELFRY, DEADLINE_S, Folder, job

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
with open(os.path.join(ROOT, "docs/operating.md"), encoding="utf-8") as manual:
    # The first of each kind; what comes later adds to it.
    BLOCKS = dict(re.findall(r"^```(ini|dockerfile)\n(.*?)^```", manual.read(), re.M | re.S)[::-1])


def serve(folder, words):
    """Runs the words of an example, on our own file, state and port, until it listens."""
    state = os.path.join(folder.path, "state")
    own = {"/etc/belfry/schedules.json": folder.file("schedules.json"), "/var/lib/belfry": state}
    words = [own.get(word, word) for word in words]
    assert folder.file("schedules.json") in words and state in words
    process = subprocess.Popen([BELFRY, *words[1:], "--listen", "127.0.0.1:0"],
                               stderr=subprocess.PIPE, text=True, cwd=folder.work)
    try:
        lines = []
        for line in process.stderr:
            lines.append(json.loads(line)["msg"])
            if "listening on" in line:
                break
        process.send_signal(signal.SIGHUP)
        for line in process.stderr:
            if "SIGHUP" in line:
                break
        process.terminate()
        rest = process.stderr.read()
        return process.wait(DEADLINE_S), rest
    finally:
        process.kill()
        process.stderr.close()
        process.wait()


class Systemd(unittest.TestCase):
    def test_unit_is_one(self):
        unit = BLOCKS["ini"].replace("/usr/local/bin/belfry", os.path.abspath(BELFRY))
        with tempfile.TemporaryDirectory(prefix="belfry-test-") as folder:
            path = os.path.join(folder, "belfry.service")
            with open(path, "w", encoding="utf-8") as file:
                file.write(unit)
            result = subprocess.run(["systemd-analyze", "verify", "--man=no", path],
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                    timeout=DEADLINE_S)
            told = [line for line in result.stdout.splitlines() if "belfry" in line]
            self.assertEqual((0, []), (result.returncode, told), result.stdout)

    def test_command_serves(self):
        command = re.search(r"^ExecStart=(.*)$", BLOCKS["ini"], re.M)[1]
        with Folder(job("a", ["true"])) as folder:
            code, rest = serve(folder, shlex.split(command))
            self.assertEqual(0, code, rest)

    def test_daemon_alone_is_signalled(self):
        self.assertIn("\nKillMode=process\n", BLOCKS["ini"])


class Container(unittest.TestCase):
    def test_libraries_are_all_there(self):
        named = re.search(r"no-install-recommends \\\n((?: .*\\\n)+) *&&", BLOCKS["dockerfile"])
        named = set(named[1].replace("\\", "").split())
        needed = set()
        for name in ("belfry", "belfry-runner"):
            program = os.path.join(os.path.dirname(BELFRY), name)
            direct = re.findall(r"NEEDED +(\S+)", self.run_tool("objdump", "-p", program))
            paths = dict(re.findall(r"^\s*(\S+) => (\S+)", self.run_tool("ldd", program), re.M))
            for library in direct:
                owner = self.owner(paths[library])
                if owner not in ("libc6", "libasan8", "libubsan1", "libgcc-s1"):
                    needed.add(owner)
        self.assertEqual(named - {"ca-certificates", "tzdata"}, needed)

    @staticmethod
    def run_tool(*words):
        return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout

    def owner(self, path):
        for place in (os.path.realpath(path), os.path.realpath(path).removeprefix("/usr"), path):
            found = subprocess.run(["dpkg-query", "-S", place], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
            if found.returncode == 0:
                return found.stdout.split(":")[0]
        raise AssertionError(f"no package has {path}")

    def test_command_serves(self):
        words = json.loads(re.search(r"^ENTRYPOINT (.*)$", BLOCKS["dockerfile"], re.M)[1])
        with Folder(job("a", ["true"])) as folder:
            code, rest = serve(folder, words)
            self.assertEqual(0, code, rest)

    def test_what_is_copied_is_what_is_built(self):
        copied = re.search(r"^COPY --from=build (.*) /usr/local/bin/$", BLOCKS["dockerfile"], re.M)
        self.assertEqual(["/src/build/release/belfry", "/src/build/release/belfry-runner"],
                         copied[1].split())


class Log(unittest.TestCase):
    WORDS = ["serve", "--config", "schedules.json", "--state", "../state", "--listen",
             "127.0.0.1:0"]

    def test_no_colours_where_there_is_no_terminal(self):
        with Folder(job("a", ["true"])) as folder:
            process = subprocess.Popen([BELFRY, *self.WORDS, "--log-format", "text"],
                                       cwd=folder.work, stderr=subprocess.PIPE, text=True)
            lines = []
            for line in process.stderr:
                lines.append(line)
                if "listening on" in line:
                    process.send_signal(signal.SIGINT)
            self.assertEqual(0, process.wait(DEADLINE_S))
            process.stderr.close()
            for line in lines:
                self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\S+Z (debug|info |warn |error) \S")
                self.assertNotIn("\033", line)

    def serve_on_terminal(self, folder, env=None):
        terminal = folder.terminal(*self.WORDS, env=env)
        terminal.expect("listening on")
        terminal.type("\x03")
        self.assertEqual(0, terminal.end())
        return terminal

    def test_interrupted_on_a_terminal(self):
        with Folder(job("a", ["true"])) as folder:
            terminal = self.serve_on_terminal(folder)
            self.assertIn("\033[2m", terminal.raw)
            lines = terminal.lines()
            self.assertTrue(any(line.endswith("^C") for line in lines), lines)
            said = [line for line in lines if "SIGINT: nothing more is started" in line]
            self.assertRegex(said[0], r"^\d{4}-\d\d-\d\dT")

    def test_no_colour_is_heeded(self):
        with Folder(job("a", ["true"])) as folder:
            self.assertNotIn("\033", self.serve_on_terminal(folder, {"NO_COLOR": "1"}).raw)


if __name__ == "__main__":
    unittest.main(verbosity=2)
