#!/usr/bin/python3
"""The completions, in the shells themselves: each line is typed and Tab is pressed."""
import os
import pty
import re
import shutil
import subprocess
import tempfile
import time
import unittest

from fake import BELFRY, Fake, belfry, job_row, run_row

JOBS = [job_row(name) for name in ("send-reminders", "send-digest", "clean", "$(touch pwned)",
                                   "with blank")]
RUNS = [run_row(2, state="running", outcome=None, finished_at=None), run_row(1)]

# What is typed, and what must be offered; "…" at the end: at least these.
ROWS = [
    ("belfry ru", ["runs", "…"]),
    ("belfry stat", ["status"]),
    ("belfry completi", []),
    ("belfry status ", ["$(touch pwned)", "clean", "send-digest", "send-reminders", "with blank"]),
    ("belfry status with", ["with blank"]),
    ("belfry status send", ["send-digest", "send-reminders"]),
    ("belfry runs --out", ["--outcome"]),
    ("belfry runs --outcome ", ["canceled", "failed", "partial", "succeeded", "timed_out",
                                "unknown"]),
    ("belfry runs --outcome failed --job send-", ["send-digest", "send-reminders"]),
    ("belfry runs -j c", ["clean"]),
    ("belfry runs --outcome=fa", ["failed"]),
    ("belfry logs 0", ["0000000000001", "0000000000002"]),
    ("belfry logs -f cl", ["clean"]),
    ("belfry cancel 0", ["0000000000002"]),  # the other one has ended
    ("belfry next --tz Europe/Par", ["Europe/Paris"]),
    ("belfry completions ", ["bash", "fish", "zsh"]),
    ("belfry serve --stop ", ["kill", "leave", "wait"]),
    ("belfry serve --config sch", ["schedules.json"]),
    ("belfry serve --state sta", ["state"]),
    ("belfry help canc", ["cancel"]),
    ("belfry list --", ["--cacert", "--help", "--json", "--server", "--token"]),
]


class Shell(unittest.TestCase):
    """The shells' common part: a folder with belfry on the PATH, and a server."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        os.mkdir(os.path.join(self.folder, "state"))
        os.mkdir(os.path.join(self.folder, "bin"))
        os.symlink(BELFRY, os.path.join(self.folder, "bin/belfry"))
        with open(os.path.join(self.folder, "schedules.json"), "w", encoding="utf-8"):
            pass
        self.fake = Fake(JOBS, RUNS)
        self.fake.__enter__()
        self.addCleanup(self.fake.__exit__)
        self.env = {"PATH": f"{self.folder}/bin:/usr/local/bin:/usr/bin:/bin", "TERM": "xterm",
                    "HOME": self.folder, "LC_ALL": "C.UTF-8", "BELFRY_SERVER": self.fake.url}

    def script(self, shell, name):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(belfry("completions", shell).stdout)
        return path

    def check(self, offered):
        """offered(line) gives what the shell offers there."""
        for line, expected in ROWS:
            found = sorted(offered(line))
            if expected[-1:] == ["…"]:
                self.assertLessEqual(set(expected[:-1]), set(found), line)
            else:
                self.assertEqual(expected, found, line)
        # Without jobs nothing is made up; a shell may turn to the options.
        self.fake.jobs = []
        self.assertEqual(set(), {word for word in offered("belfry status ")
                                 if not word.startswith("-")})

        self.assertFalse(os.path.exists(os.path.join(self.folder, "pwned")))

    def run_shell(self, *words):
        result = subprocess.run(words, env=self.env, cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                                timeout=60)
        self.assertEqual("", result.stderr)
        return result.stdout


class Bash(Shell):
    def test_offers(self):
        script = self.script("bash", "belfry.bash")
        self.run_shell("bash", "-n", script)

        def offered(line):
            words = re.findall(r"[^\s=]+|=", line) + ([""] if line.endswith(" ") else [])
            quoted = " ".join(f"'{word}'" for word in words)
            # compopt may be used only where readline has asked; here nobody has.
            output = self.run_shell(
                "bash", "-c", f"compopt() {{ :; }}; . {script}; COMP_WORDS=({quoted}); "
                f"COMP_CWORD={len(words) - 1}; _belfry belfry '' ''; "
                'test ${#COMPREPLY[@]} = 0 || printf "%s\\n" "${COMPREPLY[@]}"')
            return [re.sub(r"\\(.)", r"\1", word) for word in output.splitlines()]
        self.check(offered)

    def test_readline(self):
        """Once through readline itself."""
        script = self.script("bash", "belfry.bash")
        with Terminal(["bash", "--norc", "--noprofile", "-i"], self.env, self.folder) as shell:
            shell.type(f"PS1='> '; . {script}\n", "> ")
            shell.type("belfry status send-d\t", "send-digest ")
            shell.type("\x15belfry status with\t", "with\\ blank ")
            shell.type("\x15belfry serve --config sch\t", "schedules.json")


class Zsh(Shell):
    # What is added as a match goes to a file; ^G tells that all keys before it are done.
    SETUP = r"""
fpath=($PWD/functions $fpath)
autoload -Uz compinit
compinit -u -D
compadd() {
    local -a kept
    builtin compadd -O kept "$@"
    (($#kept)) && print -rl -- "@"$^kept >> $PWD/offers
    builtin compadd "$@"
}
said() { print -n "<<$((count++))>>" }
zle -N said
bindkey -e
bindkey "^G" said
count=0
said
"""

    def test_offers(self):
        os.mkdir(os.path.join(self.folder, "functions"))
        self.script("zsh", "functions/_belfry")
        offers = os.path.join(self.folder, "offers")
        with open(os.path.join(self.folder, "setup.zsh"), "w", encoding="utf-8") as file:
            file.write(self.SETUP)
        with Terminal(["zsh", "-f", "-i"], self.env, self.folder) as shell:
            shell.type("source ./setup.zsh\n", "<<0>>")
            counter = iter(range(1, 1000))

            def offered(line):
                with open(offers, "w", encoding="utf-8"):
                    pass
                shell.type(f"\x15{line}\t\x07", f"<<{next(counter)}>>")
                with open(offers, encoding="utf-8") as file:
                    return {word[1:].rstrip("=") for word in file.read().splitlines()}
            self.check(offered)


class Fish(Shell):
    def test_offers(self):
        script = self.script("fish", "belfry.fish")

        def offered(line):
            output = self.run_shell("fish", "--no-config", "-c",
                                    f"source {script}; complete -C '{line}'")
            words = [text.split("\t")[0] for text in output.splitlines()]
            return [word.split("=")[-1].rstrip("/") for word in words]
        self.check(offered)


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, words, env, folder):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, env=env,
                                        cwd=folder, start_new_session=True)
        os.close(slave)
        os.set_blocking(self.master, False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def type(self, keys, until):
        """Types, and reads until the program has written that."""
        os.write(self.master, keys.encode())
        seen = ""
        end = time.monotonic() + 30
        while until not in seen:
            if time.monotonic() > end:
                raise AssertionError(f"typed {keys!r}, saw {seen!r}, not {until!r}")
            try:
                seen += os.read(self.master, 65536).decode(errors="replace")
            except BlockingIOError:
                time.sleep(0.005)
        return seen


if __name__ == "__main__":
    unittest.main(verbosity=2)
