#!/usr/bin/python3
"""What every executor promises, tried on each; then what local processes promise.

exec-drive runs an executor on the real loop and obeys these tests line by line.
"""
import contextlib
import os
import pwd
import signal
import socket
import stat
import struct
import subprocess
import threading
import unittest

from harness import RUNNER, SOCKET, Drive, is_alive, wait_for


with open(RUNNER, "rb") as program:
    IS_SANITIZED = b"__asan_init" in program.read()


def open_text(path):
    with open(path, encoding="ascii") as file:
        return file.read()


class Conformance(unittest.TestCase):
    """The same for all kinds: each attempt gets exactly one end, with words."""

    KINDS = ("process", "docker", "fly", "http")

    def test_each_start_is_answered_once(self):
        for kind in self.KINDS:
            with self.subTest(kind), Drive(kind) as d:
                for run in range(1, 21):
                    d.start("true", run=run)
                for run in range(1, 21):
                    end = d.end(run)
                    self.assertEqual("exited" if kind == "process" else "start_failed",
                                     end["event"])

    def test_what_is_not_in_this_build_says_so(self):
        for kind in self.KINDS[1:]:
            with self.subTest(kind), Drive(kind) as d:
                d.start("true", attempt=3)
                end = d.end()
                self.assertEqual((kind, 3), (end["message"].split()[1], end["attempt"]))
                self.assertIn("not in this build yet", end["message"])
                d.do("check", argv=["true"])
                answer = wait_for(lambda: [a for a in d.answers if "check" in a], "the check")[0]
                self.assertFalse(answer["check"])

    def test_adopting_what_was_never_started(self):
        for kind in self.KINDS:
            with self.subTest(kind), Drive(kind) as d:
                d.kill()
                d.open((7, 2))
                end = d.end(7)
                self.assertEqual(("start_failed", 2), (end["event"], end["attempt"]))

    def test_stop_and_forget_of_the_unknown_do_nothing(self):
        for kind in self.KINDS:
            with self.subTest(kind), Drive(kind) as d:
                d.do("stop", run=99)
                d.do("forget", run=99)
                d.start("true", run=1)
                d.end(1)
                self.assertEqual([], d.of(99))
                self.assertEqual(0, d.close())

    def test_two_attempts_of_one_run(self):
        for kind in self.KINDS:
            with self.subTest(kind), Drive(kind) as d:
                for attempt in (1, 2):
                    d.shell("echo $BELFRY_ATTEMPT", attempt=attempt)
                    d.end(1, attempt)
                d.do("forget", run=1)
                d.start("true", run=2)
                d.end(2)
                if kind == "process":
                    wait_for(lambda: len(d.spools()) == 1, "the spools to go")


class Outcomes(unittest.TestCase):
    def test_exit_codes_and_signals(self):
        with Drive() as d:
            rows = {"exit 0": (0, 0), "exit 1": (1, 0), "exit 255": (255, 0),
                    "kill -9 $$": (-1, 9), "kill -TERM $$": (-1, 15), "kill -SEGV $$": (-1, 11)}
            for run, text in enumerate(rows, 1):
                d.shell(text, run=run)
            for run, (text, expected) in enumerate(rows.items(), 1):
                end = d.end(run)
                self.assertEqual(expected, (end["exit_code"], end["signal"]), text)
                self.assertFalse(end["timed_out"])
                self.assertEqual(1, len(d.said(run, "started")))

    def test_cannot_start(self):
        with Drive() as d:
            plain = d.path("plain")
            with open(plain, "w", encoding="ascii") as file:
                file.write("no program")
            rows = [(dict(argv=["no-such-program"]), "no-such-program"),
                    (dict(argv=["/nowhere/x"]), "/nowhere/x"),
                    (dict(argv=[plain]), "Permission denied"),
                    (dict(argv=[d.folder]), "Permission denied"),
                    (dict(argv=["true"], cwd="/nowhere"), "/nowhere"),
                    (dict(argv=["true"], user="no-such-user"), "no-such-user"),
                    (dict(argv=[]), "no command"),
                    (dict(argv=["true"], env_file="/nowhere/env"), "/nowhere/env"),
                    (dict(argv=["true", "x" * 200000]), "longer than"),
                    (dict(argv=["true"], limits={"open_files": 1 << 40}), "open_files")]
            for run, (more, _) in enumerate(rows, 1):
                d.do("start", run=run, **more)
            for run, (more, words) in enumerate(rows, 1):
                end = d.end(run)
                self.assertEqual("start_failed", end["event"], more)
                self.assertIn(words, end["message"])
                self.assertEqual([], d.said(run, "started"))

    def test_what_came_from_the_environment_is_in_no_message(self):
        rows = [(dict(argv=["s3cret-program"]), "${PROGRAM}"),
                (dict(argv=["/nowhere/s3cret"]), "${PROGRAM}"),
                (dict(argv=["true"], cwd="/nowhere/s3cret"), "${CWD}"),
                (dict(argv=["true"], env_file="/nowhere/s3cret"), "${ENV_FILE}"),
                (dict(argv=["gone"], env={"PATH": "/nowhere/s3cret"}), "${PROGRAM}")]
        with Drive() as d:
            for run, (more, _) in enumerate(rows, 1):
                d.do("start", run=run, is_shown_otherwise=True, **more)
                d.do("check", is_shown_otherwise=True, **more)
            checks = wait_for(lambda: len([a for a in d.answers if "check" in a]) == len(rows)
                              and [a for a in d.answers if "check" in a], "the checks")
            for run, (_, words) in enumerate(rows, 1):
                self.assertFalse(checks[run - 1]["check"])
                for message in (d.end(run)["message"], checks[run - 1]["message"]):
                    self.assertIn(words, message)
                    self.assertNotIn("s3cret", message)

    def test_use_of_resources(self):
        with Drive() as d:
            d.shell("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done")
            end = d.end()
            self.assertGreater(end["cpu_ms"], 0)
            self.assertGreater(end["max_rss_kib"], 100)

    def test_two_hundred_at_once(self):
        with Drive() as d:
            d.do("start", run=1, last=200, argv=["sh", "-c", "echo $BELFRY_RUN_ID; sleep 0.2"])
            ids = set()
            for run in range(1, 201):
                self.assertEqual(0, d.end(run)["exit_code"])
                ids.add(d.output(run))
            self.assertEqual(200, len(ids))

    def test_a_burst_is_kept_in_order(self):
        """More than the socket takes at once: all start, a stop behind its start too."""
        with Drive() as d:
            d.do("start", run=1, last=300, argv=["true", "x" * 20000])
            d.shell("sleep 600", run=301)
            d.do("stop", run=301)
            for run in range(1, 301):
                self.assertEqual(0, d.end(run)["exit_code"])
            end = d.end(301)
            self.assertIn((end["event"], end.get("signal")),
                          [("exited", 15), ("start_failed", None)])


class Output(unittest.TestCase):
    def test_exactly_as_written(self):
        with Drive() as d:
            # every byte, NUL among them, on both streams; no newline at the end
            octal = "".join(f"\\{i:03o}" for i in range(256))
            d.shell(f"printf '{octal}'; printf '{octal}x' >&2", run=1)
            d.start("head", "-c", "1048576", "/dev/zero", run=2)
            d.shell("true", run=3)
            self.assertEqual(256 + 257, d.end(1)["output_bytes"])
            self.assertEqual(bytes(range(256)), d.output(1))
            self.assertEqual(bytes(range(256)) + b"x", d.output(1, "stderr"))
            self.assertEqual(1 << 20, d.end(2)["output_bytes"])
            self.assertEqual(bytes(1 << 20), d.output(2))
            d.end(3)
            self.assertEqual(b"", d.output(3))

    def test_head_and_tail_are_kept(self):
        with Drive() as d:
            d.shell("echo first; yes | head -c 50000000; echo last")
            end = d.end()
            self.assertEqual(50000000 + 11, end["output_bytes"])
            output, notes = d.output(), d.output(stream="belfry").decode()
            self.assertLessEqual(len(output), 8 << 20)
            self.assertGreater(len(output), 7 << 20)
            self.assertTrue(output.startswith(b"first\ny\n"))
            self.assertTrue(output.endswith(b"y\nlast\n"))
            lost = end["output_bytes"] - len(output)
            self.assertIn(f"{lost} bytes of output were not kept", notes)

    def test_closing_stdout_is_not_exiting(self):
        with Drive() as d:
            d.shell("exec >&- 2>&-; sleep 1; exit 5")
            end = d.end()
            self.assertEqual(5, end["exit_code"])
            self.assertGreaterEqual(end["took_ms"], 900)

    def test_a_grandchild_that_holds_the_pipe(self):
        with Drive() as d:
            d.shell("echo begun; (sleep 600; echo late) & exit 4")
            end = d.end()
            self.assertEqual(4, end["exit_code"])
            self.assertTrue(1900 <= end["took_ms"] < 10000, end)
            self.assertEqual(b"begun\n", d.output())
            self.assertIn(b"kept its output open", d.output(stream="belfry"))

    def test_what_a_grandchild_says_meanwhile_is_kept(self):
        with Drive() as d:
            d.shell("(sleep 0.5; echo late) & exit 0")
            d.end()
            self.assertEqual(b"late\n", d.output())
            self.assertEqual(b"", d.output(stream="belfry"))

    def test_result_lines(self):
        long = "x" * 70000
        rows = [
            ('{"event":"result","processed":120,"failed":2,"message":"2 bounced"}\n',
             (True, 120, 2, "2 bounced")),
            ('{"event":"result"}', (True, -1, -1, None)),
            ('{"event":"result","processed":1}\n{"event":"result","processed":2}\nbye\n',
             (True, 2, -1, None)),
            ('{"event":"progress","processed":1}\n', (False, -1, -1, None)),
            ('no {"event":"result","processed":1}\n', (False, -1, -1, None)),
            ('{"event":"result","processed":"9","failed":-3,"message":4}\n',
             (True, -1, -1, None)),
            ('{"event":"result","message":"%s"}\n{"event":"result","failed":1}\n' % long,
             (True, -1, 1, None)),
            ('  {"event":"result","processed":5}\r\n', (True, 5, -1, None)),
            ('[' * 5000 + '"result"\n', (False, -1, -1, None)),
        ]
        with Drive() as d:
            for run, (text, _) in enumerate(rows, 1):
                path = d.path(f"text{run}")
                with open(path, "w", encoding="ascii", newline="") as file:
                    file.write(text)
                d.start("cat", path, run=run)
            for run, (text, expected) in enumerate(rows, 1):
                end = d.end(run)
                self.assertEqual(expected, (end["has_result"], end["processed"], end["failed"],
                                            end["message"]), text[:80])

    def test_a_result_on_stderr_is_none(self):
        with Drive() as d:
            d.shell("""echo '{"event":"result","processed":1}' >&2""")
            self.assertFalse(d.end()["has_result"])


class Ends(unittest.TestCase):
    """Timeouts and stops, and that nothing of a job is left."""

    def pids(self, d, run=1, count=1):
        return [int(word) for word in wait_for(
            lambda: len(d.output(run).split()) >= count and d.output(run).split(), "pids")]

    def test_ignoring_sigterm(self):
        with Drive() as d:
            d.shell("trap '' TERM; while :; do sleep 0.1; done", timeout_ms=300, grace_ms=500)
            end = d.end()
            self.assertEqual((True, 9), (end["timed_out"], end["signal"]))
            self.assertTrue(750 <= end["took_ms"] < 10000, end)

    def test_obeying_sigterm(self):
        with Drive() as d:
            d.shell("trap 'echo bye; exit 9' TERM; echo on; while :; do sleep 0.05; done",
                    timeout_ms=500, grace_ms=60000)
            end = d.end()
            self.assertEqual((True, 9), (end["timed_out"], end["exit_code"]))
            self.assertEqual(b"on\nbye\n", d.output())

    def test_stopped_by_sigstop(self):
        with Drive() as d:
            d.shell("echo $$; kill -STOP $$; sleep 600", run=1)
            d.shell("trap '' TERM; echo $$; kill -STOP $$; while :; do sleep 0.1; done", run=2)
            self.pids(d, 1)
            self.pids(d, 2)
            for run in (1, 2):
                d.do("stop", run=run, grace_ms=500)
            self.assertEqual(15, d.end(1)["signal"])
            self.assertEqual(9, d.end(2)["signal"])

    def test_stop(self):
        with Drive() as d:
            d.shell("echo $$; exec sleep 600")
            pid = self.pids(d)[0]
            d.do("stop", run=1, grace_ms=60000)
            end = d.end()
            self.assertEqual((15, False), (end["signal"], end["timed_out"]))
            self.assertFalse(is_alive(pid))

    def test_nothing_of_a_job_is_left(self):
        with Drive() as d:
            d.shell("echo $$; (echo $(exec sh -c 'echo $PPID'); sleep 600) & "
                    "setsid sh -c 'echo $$; sleep 600' & "
                    "(setsid sh -c 'echo $$; exec sleep 600' >&2 &) ; "
                    "setsid sh -c 'echo $$; setsid sleep 600' & sleep 0.5; exit 0")
            self.assertEqual(0, d.end()["exit_code"])
            pids = self.pids(d, count=4) + [
                int(word) for word in d.output(stream="stderr").split()]
            self.assertGreaterEqual(len(pids), 5)
            self.assertEqual([], [pid for pid in pids if is_alive(pid)])

    def test_orphans_of_one_job_are_not_another_s(self):
        with Drive() as d:
            d.shell("setsid sh -c 'echo $$; exec sleep 600' & setsid sleep 600 & wait", run=1)
            other = self.pids(d, 1)[0]
            d.shell("setsid sleep 600 & exit 0", run=2)
            d.end(2)
            self.assertTrue(is_alive(other))
            d.do("stop", run=1)
            d.end(1)
            self.assertFalse(is_alive(other))


class Survives(unittest.TestCase):
    def test_adopted_after_the_client_was_killed(self):
        with Drive() as d:
            d.shell("for i in 1 2 3 4 5 6; do echo line $i; sleep 0.3; done; exit 7", run=1)
            d.shell("echo quick; exit 3", run=2)
            wait_for(lambda: b"line 1" in d.output(1), "the first line")
            d.end(2)
            d.kill()
            d.open(1, 2)
            self.assertEqual(7, d.end(1)["exit_code"])
            self.assertEqual(b"".join(b"line %d\n" % i for i in range(1, 7)), d.output(1))
            self.assertEqual(1, len(d.said(1, "started")))
            self.assertEqual((3, b"quick\n"), (d.end(2)["exit_code"], d.output(2)))

    def test_killed_again_and_again(self):
        with Drive() as d:
            for run in range(1, 11):
                d.shell(f"for i in $(seq 20); do echo $i; sleep 0.1; done; exit {run}", run=run)
            wait_for(lambda: all(d.output(run) for run in range(1, 11)), "all to begin")
            for _ in range(10):
                d.kill()
                d.open(*range(1, 11))
            for run in range(1, 11):
                self.assertEqual(run, d.end(run)["exit_code"])
                self.assertEqual(list(range(1, 21)), [int(n) for n in d.output(run).split()])

    def test_timeout_while_nobody_is_there(self):
        with Drive() as d:
            d.shell("echo $$; exec sleep 600", timeout_ms=1000)
            pid = int(wait_for(lambda: d.output(), "the pid"))
            d.kill()
            wait_for(lambda: not is_alive(pid), "the runner to end it")
            d.open(1)
            self.assertTrue(d.end()["timed_out"])

    def test_runner_killed(self):
        """Lost, the leftover ended, what follows runs under a new runner."""
        with Drive() as d:
            d.shell("echo $$; exec sleep 600", run=1)
            d.shell("exit 6", run=2)
            pid = int(wait_for(lambda: d.output(1), "the pid"))
            d.end(2)
            d.kill_runner()
            end = d.end(1)
            self.assertEqual("lost", end["event"])
            self.assertIn("died while it ran", end["message"])
            self.assertFalse(is_alive(pid))
            self.assertIn(f"process {pid} was still there", d.output(1, "belfry").decode())
            d.start("true", run=3)
            self.assertEqual(0, d.end(3)["exit_code"])
            self.assertEqual(1, len(d.said(2, "exited")))

    def test_both_killed(self):
        with Drive() as d:
            d.shell("echo $$; exec sleep 600", run=1)
            d.shell("exit 6", run=2)
            pid = int(wait_for(lambda: d.output(1), "the pid"))
            d.end(2)
            d.kill()
            d.kill_runner()
            d.open(1, 2, 3)
            self.assertEqual("lost", d.end(1)["event"])
            self.assertFalse(is_alive(pid))
            self.assertEqual(6, d.end(2)["exit_code"])
            self.assertEqual("start_failed", d.end(3)["event"])

    def test_after_a_boot_the_absence_of_a_spool_proves_nothing(self):
        with Drive() as d:
            d.kill()
            with open(os.path.join(d.state, "boot-id"), "w", encoding="ascii") as file:
                file.write("another\n")
            d.open(1)
            end = d.end(1)
            self.assertEqual("lost", end["event"])
            self.assertIn("started anew", end["message"])

    def test_a_damaged_spool(self):
        with Drive() as d:
            d.shell("echo one; exit 0")
            d.end()
            d.kill()
            path = os.path.join(d.state, "spool", d.spools()[0])
            with open(path, "r+b") as file:
                first = 20 + struct.unpack_from("<II", file.read(8))[1]
                file.seek(first + 28)  # in the third frame; the second has no payload
                byte = file.read(1)
                file.seek(first + 28)
                file.write(bytes([byte[0] ^ 1]))
            d.open(1)
            end = d.end()
            self.assertEqual("lost", end["event"])
            self.assertIn(f"damaged at byte {first + 20}", end["message"])

    def test_a_torn_frame_is_cut_and_told(self):
        """A runner that dies within a frame: in the run's log, and in belfry's own."""
        with Drive() as d:
            d.shell("echo one; exec sleep 600")
            wait_for(lambda: d.output(), "the first line")
            d.kill()
            os.kill(d.runner_pids()[0], signal.SIGSTOP)
            path = os.path.join(d.state, "spool", d.spools()[0])
            whole = os.path.getsize(path)
            with open(path, "ab") as file:  # the beginning of a frame of 1,000 bytes
                file.write(struct.pack("<IIIq", 1, 1000, 3, 0) + b"x" * 13)
            d.kill_runner()
            d.open(1)
            self.assertEqual("lost", d.end()["event"])
            self.assertEqual(b"one\n", d.output())
            self.assertIn(b"the last 33 bytes were incomplete, and cut off", d.output(1, "belfry"))
            self.assertIn(b"was still there", d.output(1, "belfry"))
            self.assertEqual([1], [run for run, text in d.notices() if "33 bytes" in text])
            with open(path, "rb") as file:
                self.assertEqual(6, struct.unpack_from("<III", file.read(), whole)[2] - 3)

    def test_an_attempt_under_way_that_the_store_does_not_know(self):
        with Drive() as d:
            d.shell("exit 1", attempt=1)
            d.end(1, 1)
            d.shell("echo only once; exit 8", attempt=2)
            d.end(1, 2)
            d.kill()
            d.open(1)
            self.assertEqual(1, d.end(1, 1)["exit_code"])
            d.shell("echo a second time; exit 9", attempt=2)
            self.assertEqual(8, d.end(1, 2)["exit_code"])

    def test_spools(self):
        """Forgotten ones go; nobody's go at the start; an open run's never."""
        with Drive() as d:
            for run in (1, 2, 3):
                d.start("true", run=run)
            for run in (1, 2, 3):
                d.end(run)
            d.do("forget", run=1)
            wait_for(lambda: len(d.spools()) == 2, "the forgotten spool to go")
            d.kill()
            with open(os.path.join(d.state, "spool", "notes.txt"), "w", encoding="ascii"):
                pass
            d.open(3)
            self.assertEqual(0, d.end(3)["exit_code"])
            wait_for(lambda: d.spools() == ["0000000000000003.1.spool", "notes.txt"],
                     "nobody's spool to go")

    def test_runner_goes_when_it_is_not_needed(self):
        with Drive() as d:
            d.start("true")
            d.end()
            self.assertEqual(1, len(d.runner_pids()))
            self.assertEqual(0, d.close())
            wait_for(lambda: not d.runner_pids(), "the runner to go")
            d.open()
            d.shell("sleep 1; exit 2", run=2)
            d.wait(2, "started")
            self.assertEqual(0, d.close())
            self.assertEqual(1, len(d.runner_pids()))
            wait_for(lambda: not d.runner_pids(), "the runner to go after the run")
            d.open()

    def test_no_runner_to_be_had(self):
        for runner, words in (("/nowhere/belfry-runner", "/nowhere/belfry-runner"),
                              ("/bin/false", "ended with code 1")):
            with self.subTest(runner):
                d = Drive(runner=runner)
                d.open(expect=False)
                self.assertIn(words, d.answers[0]["message"])
                d.__exit__(None, None, None)

    def test_runner_that_cannot_be_had_again(self):
        with Drive() as d:
            d.kill()
            link = d.path("belfry-runner")
            os.symlink(RUNNER, link)
            d.runner = link
            wait_for(lambda: not d.runner_pids(), "the first runner to go")
            d.open()
            os.unlink(link)
            d.kill_runner()
            d.start("true", run=1)
            self.assertEqual("start_failed", d.end(1)["event"])
            os.symlink(RUNNER, link)
            wait_for(lambda: d.runner_pids(), "a new runner")
            d.start("true", run=2)
            self.assertEqual("exited", d.end(2)["event"])


class Orders(unittest.TestCase):
    def env(self, d, run):
        d.end(run)
        return dict(line.split("=", 1) for line in d.output(run).decode().split("\0") if line)

    def test_environment(self):
        with Drive(env={"FROM_BELFRY": "1", "WINS": "belfry", "BELFRY_SCHEDULED_AT": "stale"}) as d:
            with open(d.path("env"), "w", encoding="utf-8") as file:
                file.write('# comment\n\nFROM_FILE=2\nWINS=file\nBELFRY_JOB=liar\n')
            d.start("env", "-0", run=1, job="send", env_file=d.path("env"),
                    env={"FROM_JOB": "é", "WINS": "job"}, scheduled_ms=1774746000000)
            d.start("env", "-0", run=2, attempt=2, is_dry=True)
            env = self.env(d, 1)
            self.assertEqual(("1", "2", "é", "job"), (env["FROM_BELFRY"], env["FROM_FILE"],
                                                     env["FROM_JOB"], env["WINS"]))
            self.assertEqual(("send", "0000000000001", "2026-03-29T01:00:00Z", "1", "0"),
                             tuple(env["BELFRY_" + name] for name in (
                                 "JOB", "RUN_ID", "SCHEDULED_AT", "ATTEMPT", "DRY_RUN")))
            env = self.env(d, 2)
            self.assertNotIn("BELFRY_SCHEDULED_AT", env)
            self.assertEqual(("2", "1"), (env["BELFRY_ATTEMPT"], env["BELFRY_DRY_RUN"]))

    def test_program_is_looked_for_in_the_job_s_path(self):
        with Drive() as d:
            program = d.path("my-program")
            with open(program, "w", encoding="ascii") as file:
                file.write("#!/bin/sh\necho mine\n")
            os.chmod(program, 0o755)
            d.start("my-program", run=1, env={"PATH": d.folder + ":/usr/bin:/bin"})
            d.start("my-program", run=2)
            d.start("./my-program", run=3, cwd=d.folder)
            d.end(1), d.end(3)
            self.assertEqual((b"mine\n", b"mine\n"), (d.output(1), d.output(3)))
            self.assertEqual("start_failed", d.end(2)["event"])

    def test_env_file_errors(self):
        rows = [("A=1\nB\n", "line 2: not NAME=value"), ("1A=x\n", "line 1: not NAME=value"),
                ("A='x\n", "line 1: the quote is not closed"),
                ("A=\"x\" y\n", "line 1: something follows"), ("A=\0\n", "line 1: has a NUL")]
        with Drive() as d:
            for run, (text, _) in enumerate(rows, 1):
                path = d.path(f"env{run}")
                with open(path, "w", encoding="ascii") as file:
                    file.write(text)
                d.start("true", run=run, env_file=path)
            d.start("true", run=8, env_file=d.folder)
            os.mkfifo(d.path("fifo"))
            d.start("true", run=9, env_file=d.path("fifo"))
            for run, (_, words) in enumerate(rows, 1):
                end = d.end(run)
                self.assertEqual("start_failed", end["event"])
                self.assertIn(d.path(f"env{run}") + ": " + words, end["message"])
            self.assertIn("is not a file", d.end(8)["message"])
            self.assertIn("is not a file", d.end(9)["message"])

    def test_shell_and_dry_run(self):
        with Drive() as d:
            args = dict(argv=["printf '<%s>' a"], shell="/bin/sh", dry_run=["--dryRun", "b c"])
            d.do("start", run=1, **args)
            d.do("start", run=2, is_dry=True, **args)
            args = dict(argv=["printf", "<%s>", "a"], dry_run=["--dryRun", "b c"])
            d.do("start", run=3, **args)
            d.do("start", run=4, is_dry=True, **args)
            for run, expected in enumerate((b"<a>", b"<a><--dryRun><b c>") * 2, 1):
                d.end(run)
                self.assertEqual(expected, d.output(run))

    def test_umask_limits_and_folder(self):
        with Drive() as d:
            before = os.umask(0o027)
            try:
                d.kill()
                d.open()
            finally:
                os.umask(before)
            d.shell("umask; ulimit -n; ulimit -f; pwd", run=1)
            d.shell("umask; ulimit -n; ulimit -f; pwd", run=2, umask=0o77, cwd=d.folder,
                    limits={"open_files": 50, "file_size": 512 * 1024})
            d.end(1), d.end(2)
            first, second = d.output(1).decode().split(), d.output(2).decode().split()
            soft = subprocess.check_output(["sh", "-c", "ulimit -n"], text=True).strip()
            self.assertEqual(["0027", soft, "unlimited", os.getcwd()], first)
            self.assertEqual(["0077", "50", "1024", os.path.realpath(d.folder)], second)

    def test_memory_limit(self):
        with Drive() as d:
            d.start("/usr/bin/python3", "-c", "x = bytearray(1 << 30)",
                    limits={"memory": 256 << 20})
            self.assertNotEqual(0, d.end()["exit_code"])

    def test_limits_of_a_group_are_kept_or_told(self):
        with Drive() as d:
            d.shell("group=$(sed -n 's/^0:://p' /proc/self/cgroup)\n"
                    "for root in /sys/fs/cgroup /sys/fs/cgroup/unified; do\n"
                    "cat $root$group/cpu.max $root$group/pids.max 2>/dev/null; done; exit 0",
                    run=1, limits={"cpus_milli": 500, "processes": 100})
            d.start("true", run=2, limits={"memory": 1 << 30, "open_files": 50})
            self.assertEqual(0, d.end(1)["exit_code"])
            self.assertEqual(0, d.end(2)["exit_code"])
            told = d.output(1, "belfry").decode()
            if d.output(1) == b"50000 100000\n100\n":
                self.assertEqual("", told)
            else:
                self.assertIn("limits.cpus", told)
                self.assertIn("cannot be kept: there is no control group", told)
                self.assertEqual(os.geteuid() == 0, "limits.processes (of root)" in told)
            self.assertEqual(b"", d.output(2, "belfry"))

    def test_no_new_privs(self):
        with Drive() as d:
            d.start("grep", "NoNewPrivs", "/proc/self/status", run=1)
            d.start("grep", "NoNewPrivs", "/proc/self/status", run=2, no_new_privs=True)
            d.end(1), d.end(2)
            self.assertEqual((b"0", b"1"), (d.output(1).split()[1], d.output(2).split()[1]))

    def test_nothing_of_its_starter_s(self):
        """Descriptors, ignored and blocked signals, what systemd tells a daemon."""
        env = {"NOTIFY_SOCKET": "/run/x", "LISTEN_FDS": "1", "WATCHDOG_USEC": "1"}
        d = Drive(env=env, prefix=["env", "--ignore-signal=HUP", "--ignore-signal=PIPE",
                                   "--block-signal=USR1", "--block-signal=TERM"])
        with open("/etc/passwd", "rb") as file:
            os.dup2(file.fileno(), 77)
            subprocess.run([RUNNER, "--state", d.state], pass_fds=[77], check=True)
            os.close(77)
        with d:
            d.start("ls", "/proc/self/fd", run=1)
            d.start("cat", "/proc/self/status", run=2)
            d.start("env", run=3)
            for run in (1, 2, 3):
                d.end(run)
            self.assertEqual([b"0", b"1", b"2", b"3"], d.output(1).split())
            signals = dict(line.split(":\t") for line in d.output(2).decode().splitlines()
                           if line.startswith("Sig") and not line.startswith("SigQ"))
            self.assertEqual({"SigPnd", "SigBlk", "SigIgn", "SigCgt"}, set(signals))
            self.assertEqual({"0" * 16}, set(signals.values()))
            self.assertEqual(set(), set(env) & {line.split("=")[0] for line in
                                                d.output(3).decode().splitlines()})

    def test_standard_input_is_empty(self):
        with Drive() as d:
            d.shell("cat; ls /proc/self/fd")
            d.end()
            self.assertEqual([b"0", b"1", b"2", b"3"], d.output().split())

    def test_its_own_session(self):
        with Drive() as d:
            d.shell("echo $$; ps -o pid=,pgid=,sid= -p $$; trap")
            d.end()
            numbers = d.output().split()
            self.assertEqual(1, len(set(numbers)), numbers)

    @unittest.skipUnless(os.geteuid() == 0, "only root may become another user")
    def test_user(self):
        nobody = pwd.getpwnam("nobody")
        with Drive() as d:
            text = "id -u; id -g; id -G; echo $HOME $USER $LOGNAME"
            d.shell(text, run=1, user="nobody")
            d.shell(text, run=2, user="12345", env={"USER": "own"})
            d.shell("grep -E 'Cap(Eff|Prm|Inh|Amb)' /proc/self/status", run=3, user="nobody")
            d.end(1), d.end(2), d.end(3)
            groups = subprocess.check_output(["id", "-G", "nobody"], text=True).strip()
            self.assertEqual(f"{nobody.pw_uid}\n{nobody.pw_gid}\n{groups}\n"
                             f"{nobody.pw_dir} nobody nobody\n", d.output(1).decode())
            self.assertEqual("12345\n12345\n", d.output(2).decode()[:12])
            self.assertIn("/ own", d.output(2).decode())
            self.assertEqual({"0000000000000000"}, set(d.output(3).decode().split()[1::2]))

    @unittest.skipUnless(os.geteuid() == 0, "needs another user to be")
    def test_user_without_being_root(self):
        d = Drive(prefix=["setpriv", "--reuid", "nobody", "--clear-groups"])
        os.chmod(d.folder, 0o755)
        os.chown(d.state, pwd.getpwnam("nobody").pw_uid, -1)
        with d:
            d.shell("id -un", run=1)
            d.shell("id -un", run=2, user="nobody")
            d.start("true", run=3, user="root")
            d.end(1), d.end(2)
            self.assertEqual((b"nobody\n", b"nobody\n"), (d.output(1), d.output(2)))
            self.assertIn("does not run as root", d.end(3)["message"])

    def test_check(self):
        with Drive() as d:
            plain = d.path("plain")
            with open(plain, "w", encoding="ascii") as file:
                file.write("text")
            rows = [(dict(argv=["true"]), None), (dict(argv=["/bin/true"]), None),
                    (dict(argv=["gone"]), "program gone is not in PATH"),
                    (dict(argv=[plain]), "Permission denied"),
                    (dict(argv=["plain"], env={"PATH": d.folder}), "may not be executed"),
                    (dict(argv=["./plain"], cwd=d.folder), "./plain"),
                    (dict(argv=["x y"], shell="/bin/sh"), None),
                    (dict(argv=["x"], shell="/bin/gone"), "/bin/gone"),
                    (dict(argv=["true"], cwd="/nowhere"), "cwd /nowhere"),
                    (dict(argv=["true"], cwd=plain), "not a folder"),
                    (dict(argv=["true"], user="no-such-user"), "no user no-such-user"),
                    (dict(argv=["true"], env_file="/nowhere"), "env_file /nowhere")]
            for more, _ in rows:
                d.do("check", **more)
            answers = wait_for(lambda: len([a for a in d.answers if "check" in a]) == len(rows)
                               and [a for a in d.answers if "check" in a], "the checks")
            for (more, words), answer in zip(rows, answers):
                self.assertEqual(words is None, answer["check"], (more, answer))
                self.assertIn(words or "", answer["message"])
            self.assertEqual([], d.spools())


class Program(unittest.TestCase):
    """belfry-runner as a program of its own."""

    def run_it(self, *arguments):
        done = subprocess.run([RUNNER, *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=30)
        return done.returncode, done.stdout, done.stderr

    def test_command_line(self):
        code, out, _ = self.run_it("--version")
        self.assertEqual(0, code)
        self.assertRegex(out, r"^belfry-runner \d+\.\d+\.\d+\n$")
        self.assertEqual(0, self.run_it("--help")[0])
        for arguments in ((), ("--state",), ("--sate", "x"), ("--state", "x", "y")):
            code, out, err = self.run_it(*arguments)
            self.assertEqual((2, ""), (code, out))
            self.assertIn("usage: belfry-runner --state DIR", err)
        code, _, err = self.run_it("--state", "/nowhere")
        self.assertEqual(1, code)
        self.assertIn("belfry-runner: cannot open the state directory /nowhere", err)

    def test_one_for_each_state_directory(self):
        with Drive() as d:
            code, _, err = self.run_it("--state", d.state)
            self.assertEqual(3, code)
            self.assertIn("another belfry-runner has", err)
            d.start("true")
            self.assertEqual(0, d.end()["exit_code"])

    def test_sigterm_ends_the_runs_and_keeps_how(self):
        with Drive() as d:
            d.shell("trap 'echo bye; exit 5' TERM; echo on; while :; do sleep 0.05; done", run=1)
            d.shell("trap '' TERM; echo on; while :; do sleep 0.05; done", run=2, grace_ms=300)
            wait_for(lambda: d.output(1) and d.output(2), "both to begin")
            os.kill(d.runner_pids()[0], signal.SIGTERM)
            self.assertEqual((5, b"on\nbye\n"), (d.end(1)["exit_code"], d.output(1)))
            self.assertEqual(9, d.end(2)["signal"])
            d.start("true", run=3)  # by the next runner, or refused by this one on its way
            self.assertIn(d.end(3)["event"], ("exited", "start_failed"))

    def test_a_stranger_on_the_socket_is_not_heard(self):
        with Drive() as d:
            d.shell("sleep 1; exit 4")
            d.wait(1, "started")
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link:
                link.connect(os.path.join(d.state, SOCKET))
                for message in (b"", b"x", b"\xff" * 1000, bytes(100000)):
                    with contextlib.suppress(OSError):
                        link.send(message)
            self.assertEqual(4, d.end()["exit_code"])
            d.start("true", run=2)
            self.assertEqual(0, d.end(2)["exit_code"])


    @unittest.skipUnless(os.geteuid() == 0, "needs another user to be")
    def test_another_user_is_refused_and_told(self):
        """Both are: the one who came, and belfry in its log."""
        with Drive() as d:
            path = os.path.join(d.state, SOCKET)
            for name in (d.folder, d.state, path):
                os.chmod(name, 0o777)
            text = ("import socket, sys\n"
                    "link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
                    "link.connect(sys.argv[1])\n"
                    "sys.stdout.buffer.write(link.recv(4096))\n"
                    "print('then', link.recv(4096))\n")
            nobody = pwd.getpwnam("nobody").pw_uid
            said = subprocess.run(["setpriv", "--reuid", "nobody", "--clear-groups",
                                   "/usr/bin/python3", "-c", text, path],
                                  stdout=subprocess.PIPE, timeout=60, check=True).stdout
            words = f"serves user 0 and root only, and refused process"
            self.assertIn(words, said.decode(errors="replace"))
            self.assertTrue(said.endswith(b"then b''\n"), said)
            notice = wait_for(d.notices, "belfry to be told")
            self.assertIn(words, notice[0][1])
            self.assertTrue(notice[0][1].endswith(f"of user {nobody}"), notice)
            d.start("true")
            self.assertEqual(0, d.end()["exit_code"])

    @unittest.skipUnless(os.geteuid() == 0, "needs another user to be")
    def test_another_user_s_runner_is_refused(self):
        d = Drive()
        os.chmod(d.folder, 0o755)
        nobody = pwd.getpwnam("nobody").pw_uid
        os.chown(d.state, nobody, -1)
        subprocess.run(["setpriv", "--reuid", "nobody", "--clear-groups", RUNNER, "--state",
                        d.state], check=True)
        d.open(expect=False)
        self.assertIn(f"of user {nobody}, and this is user 0", d.answers[0]["message"])
        d.__exit__(None, None, None)

    def test_a_runner_that_talks_nonsense(self):
        """The other direction: what comes from the runner is looked at as closely."""
        def message(kind, run=0, attempt=0, number=0, text=b"", length=None):
            return struct.pack("<IQiqI", kind, run, attempt, number,
                               len(text) if length is None else length) + text
        nonsense = [b"x", b"\xff" * 8000, bytes(7), message(99, text=b"later"),
                    message(6, run=7, attempt=1), message(7, text=b"x", length=0xfffffffe),
                    message(9, run=5, number=1),
                    message(1, run=3, attempt=0, text=b"\0"), message(3, text=b"sh"),
                    message(2, number=3, text=b"a" * 7000)[:-1], message(8, run=2, attempt=2)]
        d = Drive()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(os.path.join(d.state, SOCKET))
            listener.listen()

            def serve():
                link, _ = listener.accept()
                with link:
                    for piece in nonsense:
                        link.send(piece)
                    link.send(message(2, number=3, text=b"fake"))
                    link.recv(200000)  # the order
                    for piece in [*nonsense, message(10, text=b"a notice"),
                                  message(7, run=1 << 63, attempt=-1)]:
                        link.send(piece)
                listener.close()
            fake = threading.Thread(target=serve, daemon=True)
            fake.start()
            with d:
                d.start("true", run=1)
                fake.join(60)
                self.assertEqual("start_failed", d.end(1)["event"])
                d.start("true", run=2)
                self.assertEqual(0, d.end(2)["exit_code"])


class Safety(unittest.TestCase):
    def test_modes(self):
        with Drive() as d:
            d.start("true")
            d.end()
            mode = stat.S_IMODE(os.stat(os.path.join(d.state, SOCKET)).st_mode)
            self.assertEqual(0o600, mode)
            spool = os.path.join(d.state, "spool")
            self.assertEqual(0o700, stat.S_IMODE(os.stat(spool).st_mode))
            self.assertEqual(0o600, stat.S_IMODE(
                os.stat(os.path.join(spool, d.spools()[0])).st_mode))

    def test_a_long_path(self):
        """A socket's name has 108 bytes; a state directory's may have more."""
        d = Drive()
        d.state = os.path.join(d.state, "x" * 200)
        os.mkdir(d.state)
        with d:
            d.start("true")
            self.assertEqual(0, d.end()["exit_code"])

    @unittest.skipIf(IS_SANITIZED, "a sanitizer takes memory of its own")
    def test_memory_of_the_runner(self):
        """Under 1 MB, and 16 KB for each run; also for runs that print more than is kept."""
        def own_kib():
            rows = dict(line.split(":", 1) for line in
                        open_text(f"/proc/{pid}/smaps_rollup").splitlines() if ":" in line)
            return sum(int(rows[name].split()[0]) for name in ("Private_Clean", "Private_Dirty"))

        def has_read(count):
            return int(open_text(f"/proc/{pid}/io").split()[1]) >= count
        with Drive() as d:
            pid = d.runner_pids()[0]
            self.assertLess(own_kib(), 1024)
            d.do("start", run=1, last=100, argv=["sleep", "600"])
            for run in range(1, 101):
                d.wait(run, "started")
            d.do("start", run=101, last=110,
                 argv=["sh", "-c", "yes | head -c 12000000; exec sleep 600"])
            wait_for(lambda: has_read(10 * 12000000), "all to be printed")
            self.assertLess(own_kib(), 1024 + 110 * 16)
            for run in (101, 110):
                d.do("stop", run=run)
                self.assertEqual(12000000, d.end(run)["output_bytes"])
                self.assertTrue(d.output(run).endswith(b"y\ny\n"))

    def test_few_descriptors(self):
        """200 runs where belfry itself may have 64 files open."""
        with Drive(prefix=["prlimit", "--nofile=64:4096"]) as d:
            d.do("start", run=1, last=200, argv=["sh", "-c", "ulimit -n; sleep 0.5"])
            for run in range(1, 201):
                self.assertEqual(0, d.end(run)["exit_code"])
            self.assertEqual(b"64\n", d.output(200))

    @unittest.skipUnless(os.geteuid() == 0, "needs a user of its own to count processes of")
    def test_no_more_processes(self):
        """Refused with the reason, and later ones run again."""
        d = Drive(prefix=["setpriv", "--reuid", "54321", "--clear-groups",
                          "prlimit", "--nproc=6"])
        os.chmod(d.folder, 0o755)
        os.chown(d.state, 54321, -1)
        with d:
            d.do("start", run=1, last=12, argv=["sleep", "1"])
            ends = [d.end(run) for run in range(1, 13)]
            refused = [end for end in ends if end["event"] == "start_failed"]
            self.assertTrue(0 < len(refused) < 12, ends)
            self.assertIn("cannot make a process", refused[0]["message"])
            d.start("true", run=20)
            self.assertEqual(0, d.end(20)["exit_code"])

    @unittest.skipUnless(os.geteuid() == 0, "needs a namespace of its own")
    def test_as_pid_one(self):
        """1,000 orphans come to the runner and belfry; none stays a zombie."""
        text = ("for i in $(seq 200); do (sleep 0.0$((i % 9)) &) ; done; sleep 0.3; exit 11")
        with Drive(prefix=["unshare", "-pf", "--kill-child", "--mount-proc"]) as d:
            for run in range(1, 6):
                d.shell(text, run=run)
            for run in range(1, 6):
                self.assertEqual(11, d.end(run)["exit_code"])
            d.shell("ps -eo stat= | grep -c '^Z'; exit 0", run=9)
            d.end(9)
            self.assertEqual(b"0\n", d.output(9))


if __name__ == "__main__":
    unittest.main(verbosity=2)
