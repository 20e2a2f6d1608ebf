#!/usr/bin/python3
"""cron-manager's file on belfry as it is, and that belfry has none of the faults that
cron-manager is known for. Each test of Known is one of them, by its number."""
import json
import subprocess
import unittest

from on_fly import APP, FlyCase, OnFly, fly_job  # before harness, whose folder it knows
from common import main
from harness import BELFRY, shell, wait_for

# The shape of its example.
EXAMPLE = [{
    "name": "uptime-check", "app_name": APP, "schedule": "* * * * *", "region": "iad",
    "command": "uptime", "command_timeout": 60, "enabled": True,
    "config": {"auto_destroy": True, "disable_machine_autostart": True,
               "guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 512},
               "image": "ghcr.io/livebook-dev/livebook:0.11.4",
               "metadata": {"fly_process_group": "cron"},
               "restart": {"max_retries": 1, "policy": "no"}}}, {
    "name": "disk", "app_name": APP, "schedule": "0 * * * *", "region": "ord",
    "command": "sh -c 'echo \"one two\"; exit 4'", "enabled": True,
    "config": {"image": "docker-hub-mirror.fly.io/library/nginx:latest"}}]


class Example(FlyCase):
    def test_it_runs_unchanged(self):
        b = OnFly(self.fly, [])
        self.addCleanup(b.__exit__, None, None, None)
        b.write_raw(json.dumps(EXAMPLE))
        b.start()
        good, bad = b.run_to_end("uptime-check"), b.run_to_end("disk")
        self.assertEqual(("succeeded", 0), (good["outcome"], good["exit_code"]))
        self.assertEqual(("failed", 4), (bad["outcome"], bad["exit_code"]))
        self.assertIn("load average", b.text_of(good["id"]))
        self.assertIn("one two\n", b.text_of(bad["id"]))
        for row, entry in zip(self.fly.created, EXAMPLE):
            config = row["body"]["config"]
            self.assertEqual(entry["region"], row["body"]["region"])
            self.assertEqual("true", config["metadata"]["managed-by-cron-manager"])
            self.assertEqual(entry["config"]["image"], config["image"])
            for key, value in entry["config"].get("guest", {}).items():
                self.assertEqual(value, config["guest"][key])
        self.none_left()

    def test_its_array_of_words_and_a_single_object_are_read(self):
        one = {**EXAMPLE[0], "command": ["echo", "a b"]}
        for text in (json.dumps([one]), json.dumps(one)):
            with self.subTest(text=text[:1]):
                b = OnFly(self.fly, [])
                with b:
                    b.write_raw(text)
                    b.start()
                    self.assertIn("a b\n", b.text_of(b.run_to_end("uptime-check")["id"]))
        self.none_left()


class Known(FlyCase):
    def refused(self, text, *words):
        """belfry does not start with it, and says why."""
        with OnFly(self.fly, []) as b:
            b.write_raw(text)
            b.start(wait=False)
            self.assertEqual(2, b.process.wait(60))
            b.thread.join(5)
            told = json.dumps(b.log)
            for word in words:
                self.assertIn(word, told)

    def test_01_what_cannot_be_read_at_boot_is_no_healthy_nothing(self):
        self.refused("[{", "schedules.json:1")

    def test_02_one_bad_expression_takes_no_other_job_down(self):
        b = self.belfry(fly_job("good", "true"))
        b.write([fly_job("good", "true"), fly_job("bad", "true", schedule="61 * * * *")])
        b.wait_said("61", "error")
        self.assertEqual("succeeded", b.run_to_end("good")["outcome"])
        self.assertEqual("degraded", json.loads(b.http("GET", "/health")[1])["status"])

    def test_03_names_that_are_there_twice_are_refused_whole(self):
        self.refused(json.dumps([EXAMPLE[0], EXAMPLE[0]]), "uptime-check")

    def test_04_and_05_new_ones_stay_and_history_outlives_its_job(self):
        b = self.belfry(fly_job("old", ["sleep", "2"]))
        run = b.trigger("old")
        self.fly.until(self.fly.live, "the Machine to run")
        b.write([fly_job("new", "true", was=["old"])])
        wait_for(lambda: [row["name"] for row in b.ask("list")] == ["new"], "the new file")
        self.assertEqual("succeeded", b.wait_run(run)["outcome"])  # still watched
        b.run_to_end("new")
        self.assertEqual(2, b.ask("status", "new")["counts"]["succeeded"])
        self.none_left()

    def test_06_and_09_a_launch_that_fails_is_a_run_that_failed(self):
        b = self.belfry(fly_job("job", "true"), fly_job("none", "true", image="none:1"))
        self.fly.image_missing("none:1", "launch_failed")
        self.fly.fault({"action": "create"}, "status", code=422, text="invalid config")
        self.assertIn("invalid config", b.run_to_end("job")["message"])
        self.assertEqual("failed", b.run_to_end("none")["outcome"])
        self.assertEqual("succeeded", b.run_to_end("job")["outcome"])
        self.none_left()

    def test_07_a_get_that_fails_stops_nothing(self):
        b = self.belfry(fly_job("a", ["sleep", "1"]), fly_job("b", shell("exit 3")))
        self.fly.fault({"action": "get"}, "status", times=4, code=500)
        ids = b.trigger("a"), b.trigger("b")
        self.assertEqual(["succeeded", "failed"], [b.wait_run(run)["outcome"] for run in ids])

    def test_08_without_auto_destroy_it_ends_too(self):
        b = self.belfry(fly_job("job", "true", fly={"config": {"auto_destroy": False}}))
        self.assertEqual("succeeded", b.run_to_end("job")["outcome"])
        self.none_left()

    def test_10_gone_without_a_word_is_unknown_and_not_running_for_ever(self):
        b = self.belfry(fly_job("job", "true"))
        for kind in ("destroyed_without_exit", "exit_without_request"):
            self.fly.fault({"action": "create"}, kind)
            self.assertEqual("unknown", b.run_to_end("job")["outcome"], kind)
        self.none_left()

    def test_11_and_13_killed_or_stopped_amid_a_launch_nothing_is_orphaned(self):
        b = self.belfry(fly_job("job", ["sleep", "1"]))
        for end in (b.kill, b.stop):
            self.fly.fault({"action": "create"}, "slow", seconds=2)
            made = len(self.fly.created)
            run = b.trigger("job")
            self.fly.until(lambda: len(self.fly.created) > made, "the request")
            end()
            b.start()
            self.assertEqual("succeeded", b.wait_run(run)["outcome"])
        self.none_left()

    def test_12_an_answer_that_is_lost_makes_no_second_machine(self):
        b = self.belfry(fly_job("job", "true"))
        for code in (502, 503):
            self.fly.fault({"action": "create"}, "status_after", code=code)
            self.assertEqual("succeeded", b.run_to_end("job")["outcome"])
        self.assertEqual(2, len(self.fly.created))
        self.none_left()

    def test_14_overlap_retry_and_zone_are_had(self):
        b = self.belfry(fly_job("job", ["sleep", "600"], timezone="Europe/Paris"),
                        fly_job("again", shell("exit $((BELFRY_ATTEMPT < 2))"),
                                retry={"attempts": 2, "backoff": "1s"}))
        run = b.trigger("job")
        self.assertIn("running already", b.run_command("trigger", "job", check=1).stderr)
        b.run_command("cancel", run, check=0)
        again = b.run_to_end("again")
        self.assertEqual(("succeeded", 2), (again["outcome"], again["attempt"]))
        b.wait_run(run)
        self.none_left()

    def test_15_timeout_is_a_signal_first_and_counts_from_the_start(self):
        b = self.belfry(fly_job("job", shell("trap 'echo asked; exit 9' TERM; sleep 600 & wait"),
                                timeout="2s", grace="5s"))
        run = b.run_to_end("job")
        self.assertEqual("timed_out", run["outcome"])
        self.assertIn("asked", b.text_of(run["id"]))
        self.none_left()

    def test_16_an_error_that_speaks_of_404_is_no_404(self):
        b = self.belfry(fly_job("job", "true"))
        self.fly.fault({"method": "DELETE"}, "status", times=2, code=500,
                       text="failed to destroy VM 404af404: 404")
        b.run_to_end("job")
        self.none_left()

    def test_17_output_code_and_reason_are_kept(self):
        b = self.belfry(fly_job("job", shell("echo out; echo err >&2; exit 7")))
        run = b.run_to_end("job")
        self.assertEqual((7, "exit code 7"), (run["exit_code"], run["message"]))
        self.assertIn("out\n", b.text_of(run["id"]))
        self.assertIn("err\n", b.text_of(run["id"]))
        open_run = b.trigger("job")
        self.assertIsNone([row for row in b.runs() if row["id"] == open_run][0]["exit_code"])
        b.wait_run(open_run)

    def test_18_apply_does_what_it_says(self):
        with OnFly(self.fly, [fly_job("job", "true")]) as b:
            b.source = lambda: ("--managed",)
            b.start()
            b.run_command("apply", "--yes", b.config, check=0)
            self.assertIn("no changes", b.run_command("apply", "--yes", b.config, check=0).stdout)
            self.assertEqual("succeeded", b.run_to_end("job")["outcome"])

    def test_19_nobody_asks_without_a_token_from_elsewhere(self):
        with OnFly(self.fly, [fly_job("job", "true")]) as b:
            b.start("--listen", "0.0.0.0:0", wait=False)
            self.assertEqual(2, b.process.wait(60))

    def test_20_a_trigger_that_fails_says_so_by_its_exit_code(self):
        b = self.belfry(fly_job("job", "true"))
        self.assertEqual(1, b.run_command("trigger", "none").returncode)
        self.assertEqual(404, b.http("POST", "/api/cron/none")[0])
        down = subprocess.run([BELFRY, "trigger", "job", "--server", "127.0.0.1:1"],
                              capture_output=True, timeout=60)
        self.assertEqual(1, down.returncode)

    def test_21_another_app_is_for_the_next_run(self):
        self.fly.app("other")
        b = self.belfry(fly_job("job", ["sleep", "3"]))
        run = b.trigger("job")
        self.fly.until(self.fly.live, "the Machine to run")
        b.write([fly_job("job", "true", fly={"app": "other"})])
        b.wait_said("revision 2")
        self.assertEqual("succeeded", b.wait_run(run)["outcome"])
        b.run_to_end("job")
        self.assertEqual([APP, "other"], [row["app"] for row in self.fly.created])
        self.none_left()

    def test_22_long_lines_and_line_ends_do_no_harm(self):
        b = self.belfry(fly_job("job", shell("head -c 200000 /dev/zero | tr '\\0' x; echo; echo end")),
                        fly_job("nul", shell(r"printf 'a\0b\n'")))
        run = b.run_to_end("job")
        text = b.text_of(run["id"])
        self.assertIn("end\n", text)
        self.assertIn("x" * 200000, text)
        nul = b.text_of(b.run_to_end("nul")["id"])
        self.assertIn("a\0b\n", nul)
        self.refused(json.dumps([{**EXAMPLE[0], "schedule": "* * * * *\n* * * * * root true"}]),
                     "schedule")

    def test_23_two_on_one_state_directory_are_one(self):
        b = self.belfry(fly_job("job", "true"))
        second = subprocess.run([BELFRY, "serve", "--config", b.config, "--state", b.state,
                                 "--listen", "127.0.0.1:0"], capture_output=True, text=True,
                                timeout=60)
        self.assertNotEqual(0, second.returncode)
        self.assertIn("another", second.stderr)


if __name__ == "__main__":
    main(parallel=6)
