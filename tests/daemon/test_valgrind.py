#!/usr/bin/python3
"""The daemon, its runner and the commands under valgrind: no error, no leak."""
import glob
import subprocess
import unittest

from harness import BELFRY, DEADLINE_S, Belfry, job, shell, wait_for

ERROR = 99
VALGRIND = ["valgrind", "--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite,possible",
            "--show-leak-kinds=definite,possible", f"--error-exitcode={ERROR}"]


def logged(path):
    return [*VALGRIND, f"--log-file={path}"]


class Valgrind(unittest.TestCase):
    def clean(self, belfry, name):
        for path in glob.glob(belfry.path(name + ".*")):
            with open(path, encoding="utf-8") as file:
                self.assertEqual("", file.read(), path)

    def test_a_day_in_short(self):
        """Runs that succeed, fail, retry, time out and are canceled; a reload, a bad
        file, a stop; the runner is valgrind's child too and is looked at with it."""
        jobs = [job("tick", shell("echo out; echo err >&2"), "@every 1s"),
                job("flaky", shell('test "$BELFRY_ATTEMPT" = 2'),
                    retry={"attempts": 2, "backoff": "100ms"}),
                job("gone", ["no-such-program"]),
                job("slow", shell("sleep 600"), timeout="1s", grace="1s"),
                job("long", shell("sleep 600"))]
        with Belfry(jobs) as b:
            b.start("--stop", "kill", "--stop-timeout", "1s",
                    prefix=[*logged(b.path("serve.%p")), "--trace-children=yes",
                            "--trace-children-skip=*/sh,*/sleep,sh"])
            outcomes = {name: b.wait_run(b.trigger(name))["outcome"]
                        for name in ("flaky", "gone", "slow")}
            self.assertEqual({"flaky": "succeeded", "gone": "failed", "slow": "timed_out"},
                             outcomes)
            long = b.trigger("long")
            wait_for(lambda: [run for run in b.runs("--state", "open") if run["id"] == long],
                     "the long run")
            b.run_command("cancel", long, check=0)
            self.assertEqual("canceled", b.wait_run(long)["outcome"])
            b.finished("tick", 2)
            b.write(jobs + [job("new", ["true"])])
            b.wait_said("revision 2 in force")
            b.write_raw("{")
            b.wait_said("is refused", "error")
            self.assertTrue(b.runner_pids())
            self.assertEqual(0, b.stop())
            wait_for(lambda: not b.runner_pids(), "the runner to go")
            self.assertTrue(glob.glob(b.path("serve.*")))
            self.clean(b, "serve")

    def test_commands(self):
        with Belfry([job("tick", shell("echo out"), "@every 1s")]) as b:
            b.start()
            b.finished("tick")
            for words in (["list"], ["status", "tick"], ["runs"], ["logs", "tick"],
                          ["trigger", "tick", "--wait"]):
                self.run_clean(b, [*words, "--server", b.url])
            for words in (["check", b.config], ["next", "30 2 * * *", "--tz", "Europe/Paris"],
                          ["explain", "0 9 * * mon"], ["keys"], ["schema"], ["version"],
                          ["run", "tick", "--config", b.config], ["test", b.config]):
                self.run_clean(b, words)

    def run_clean(self, belfry, words):
        result = subprocess.run([*logged(belfry.path("command.%p")), BELFRY, *words],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                timeout=DEADLINE_S)
        self.assertEqual(0, result.returncode, f"{words}: {result.stdout}")
        self.clean(belfry, "command")


if __name__ == "__main__":
    unittest.main(verbosity=2)
