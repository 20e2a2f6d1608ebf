#!/usr/bin/python3
"""The real daemon on Fly, as far as the stand-in for it goes: Machines, exits, logs, faults."""
import json
import subprocess
import time
import unittest
import urllib.request

from on_fly import APP, FlyCase, OnFly, fly_job  # before harness, whose folder it knows
from common import main
from harness import BELFRY, shell, wait_for


class Runs(FlyCase):
    def test_a_run_is_one_machine(self):
        b = self.belfry(fly_job("send-reminders", shell(
            'echo "to $WHO from $BELFRY_JOB $BELFRY_ATTEMPT $BELFRY_DRY_RUN"; '
            """echo '{"event":"result","processed":3,"failed":1}'"""), env={"WHO": "all"},
            fly={"region": "cdg", "guest": {"cpus": 1, "memory_mb": 256, "cpu_kind": "shared"}}))
        run = b.run_to_end("send-reminders")
        self.assertEqual(("partial", 0, 3, 1, "fly"), (run["outcome"], run["exit_code"],
                                                       run["processed"], run["failed"],
                                                       run["executor"]))
        self.assertIn("to all from send-reminders 1 0", b.text_of(run["id"]))
        self.assertEqual(1, len(self.fly.created))
        body = self.fly.created[0]["body"]
        self.assertEqual("cdg", body["region"])
        self.assertTrue(body["skip_launch"])
        config = body["config"]
        self.assertEqual(("no", False, 256), (config["restart"]["policy"], config["auto_destroy"],
                                              config["guest"]["memory_mb"]))
        self.assertEqual((run["id"], "1", "send-reminders"),
                         (config["metadata"]["belfry_run"], config["metadata"]["belfry_attempt"],
                          config["metadata"]["belfry_job"]))
        self.assertNotIn("managed-by-cron-manager", config["metadata"])
        self.none_left()
        self.assertEqual(0, self.fly.throttled())


class Ends(FlyCase):
    def test_each_end_in_plain_words(self):
        b = self.belfry(fly_job("code", shell("exit 3")),
                        fly_job("signal", shell("kill -SEGV $$")),
                        fly_job("partial", shell("exit 75"), exit_codes={"partial": [75]}),
                        fly_job("gone-image", "true", image="registry.fly.io/kaiwa:none"),
                        fly_job("no-app", "true", fly={"app": "another"}),
                        fly_job("no-image", "true", image=None))
        self.fly.image_missing("registry.fly.io/kaiwa:none")
        told = {}
        for name in ("code", "signal", "partial", "gone-image", "no-app", "no-image"):
            run = b.run_to_end(name)
            told[name] = (run["outcome"], run["exit_code"], run["signal"], run["message"])
        self.assertEqual(("failed", 3, None, "exit code 3"), told["code"])
        self.assertEqual("failed", told["signal"][0])
        self.assertEqual(11, told["signal"][2], told["signal"])
        self.assertEqual(("partial", 75), told["partial"][:2])
        self.assertIn("could not start the Machine (failed)", told["gone-image"][3])
        self.assertIn("404", told["no-app"][3])
        self.assertIn("names no image", told["no-image"][3])
        self.none_left()

    def test_out_of_memory(self):
        b = self.belfry(fly_job("hungry", ["sleep", "600"]))
        run = b.trigger("hungry")
        machine = self.fly.until(self.fly.live, "the Machine to run")[0]
        self.fly.oom(machine.id)
        run = b.wait_run(run)
        self.assertEqual(("failed", "killed: out of memory"), (run["outcome"], run["message"]))

    def test_cancel_is_a_signal_then_the_end(self):
        b = self.belfry(fly_job("polite", shell("trap 'echo bye; exit 0' TERM; sleep 600 & wait")),
                        fly_job("deaf", shell("trap '' TERM; while :; do sleep 1; done"),
                                grace="1s"))
        for name in ("polite", "deaf"):
            run = b.trigger(name)
            self.fly.until(self.fly.live, "the Machine to run")
            wait_for(lambda: b.ask("runs", "--limit", "1")[0]["state"] == "running", "the start")
            b.run_command("cancel", run, check=0)
            self.assertEqual("canceled", b.wait_run(run)["outcome"], name)
        self.assertIn("bye", b.text_of(b.finished("polite")[0]["id"]))
        self.none_left()

    def test_timeout(self):
        b = self.belfry(fly_job("long", ["sleep", "600"], timeout="2s", grace="1s"))
        run = b.run_to_end("long")
        self.assertEqual("timed_out", run["outcome"])
        self.assertLess(run["duration_ms"], 30000)
        self.none_left()

    def test_a_machine_that_somebody_destroys_is_told(self):
        b = self.belfry(fly_job("lost", ["sleep", "600"]))
        run = b.trigger("lost")
        machine = self.fly.until(self.fly.live, "the Machine to run")[0]
        wait_for(lambda: b.ask("runs", "--limit", "1")[0]["state"] == "running", "the start")
        self.fly.lose(machine.id)
        run = b.wait_run(run)
        self.assertEqual("unknown", run["outcome"])
        self.assertIn("does not tell how it ended", run["message"])

    def test_exits_are_found_in_every_place(self):
        b = self.belfry(fly_job("code", shell("exit 4")), fly_job("signal", shell("kill -9 $$")))
        for where in ("exit_event", "MonitorEvent", "both"):
            for at in ("ms", "rfc3339"):
                self.fly.exit_events_in, self.fly.exited_at = where, at
                self.assertEqual(4, b.run_to_end("code")["exit_code"], (where, at))
        for form in ("both", "signal"):
            self.fly.signals_as = form
            self.assertEqual(9, b.run_to_end("signal")["signal"], form)


class Images(FlyCase):
    def add(self, b, image, group, state="started"):
        """One of the app's own Machines."""
        body = {"config": {"image": image, "metadata": {"fly_process_group": group},
                           "init": {"exec": ["sleep", "600"]}, "restart": {"policy": "no"}},
                "skip_launch": state != "started"}
        request = urllib.request.Request(
            f"{self.fly.url}/v1/apps/{APP}/machines", json.dumps(body).encode(), method="POST",
            headers={"Authorization": f"Bearer {self.fly.token}",
                     "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["id"]

    def image_of_last(self):
        return self.fly.created[-1]["body"]["config"]["image"]

    def test_current_is_what_the_app_runs_now(self):
        b = self.belfry(fly_job("any", "true", image="current"),
                        fly_job("worker", "true", image="current",
                                fly={"process_group": "worker"}))
        self.add(b, "registry.fly.io/kaiwa:web", "app")
        self.add(b, "registry.fly.io/kaiwa:worker", "worker")
        self.add(b, "registry.fly.io/kaiwa:console", "fly_app_console")
        run = b.run_to_end("worker")
        self.assertEqual("succeeded", run["outcome"])
        self.assertRegex(run["image"], "^registry.fly.io/kaiwa:worker@sha256:[0-9a-f]{64}$")
        b.kill()
        b.start()
        self.assertEqual(run, b.wait_run(run["id"]))
        self.assertIn(run["image"], b.run_command("status", "worker", check=0).stdout)
        self.assertTrue(self.image_of_last().startswith("registry.fly.io/kaiwa:worker"))
        self.assertIn("kaiwa:worker", b.run_command("logs", run["id"], "--stream", "belfry",
                                                    check=0).stdout)
        b.run_to_end("any")
        self.assertNotIn("console", self.image_of_last())

    def test_without_machines_the_release_tells(self):
        b = self.belfry(fly_job("any", "true", image="current"))
        self.assertIn("has no Machine", b.run_to_end("any")["message"])
        self.fly.release(APP, "registry.fly.io/kaiwa:deployment-41", 41)
        run = b.run_to_end("any")
        self.assertEqual("succeeded", run["outcome"])
        self.assertEqual("registry.fly.io/kaiwa:deployment-41", self.image_of_last())
        self.none_left()


class Configs(FlyCase):
    def test_what_would_make_it_the_app_s_is_left_out_and_told(self):
        config = {"image": "registry.fly.io/kaiwa:one", "services": [{"internal_port": 3000}],
                  "checks": {"up": {"type": "http"}}, "schedule": "daily",
                  "restart": {"policy": "always"}, "auto_destroy": True,
                  "env": {"A": "config", "B": "config"}, "unheard_of": {"x": [1]},
                  "metadata": {"fly_platform_version": "v2", "fly_process_group": "cron",
                               "team": "mail"}}
        b = self.belfry(fly_job("all", shell("echo $A $B"), image=None, env={"A": "job"},
                                fly={"config": config}))
        run = b.run_to_end("all")
        self.assertIn("job config", b.text_of(run["id"]))
        sent = self.fly.created[0]["body"]["config"]
        for key in ("services", "checks", "schedule"):
            self.assertNotIn(key, sent)
        self.assertEqual({"x": [1]}, sent["unheard_of"])
        self.assertEqual("mail", sent["metadata"]["team"])
        self.assertNotIn("fly_platform_version", sent["metadata"])
        notes = b.run_command("logs", run["id"], "--stream", "belfry", check=0).stdout
        for word in ("config.services", "config.checks", "config.schedule", "restart.policy",
                     "fly_platform_version"):
            self.assertIn(word, notes)
        self.none_left()

    def test_dry_run_has_its_arguments(self):
        b = self.belfry(fly_job("mail", ["echo", "sends"], dry_run=["--dryRun"]))
        run = b.run_to_end("mail", "--dry-run")
        self.assertIn("sends --dryRun", b.text_of(run["id"]))

    def test_the_next_region_where_there_is_no_room(self):
        b = self.belfry(fly_job("job", "true", fly={"region": "cdg, ams"}))
        self.fly.fault({"action": "create"}, "capacity")
        run = b.run_to_end("job")
        self.assertEqual("succeeded", run["outcome"])
        self.assertEqual(["cdg", "ams"], [row["body"]["region"] for row in self.fly.created])
        self.assertIn("no room in cdg", b.run_command("logs", run["id"], "--stream", "belfry",
                                                      check=0).stdout)
        self.none_left()


class Crashes(FlyCase):
    def test_a_run_goes_on_over_a_restart(self):
        b = self.belfry(fly_job("long", shell("echo one; sleep 3; echo two; exit 5")))
        run = b.trigger("long")
        self.fly.until(self.fly.live, "the Machine to run")
        b.kill()
        b.start()
        run = b.wait_run(run)
        self.assertEqual(("failed", 5), (run["outcome"], run["exit_code"]))
        text = b.text_of(run["id"])
        self.assertEqual((1, 1), (text.count("one\n"), text.count("two\n")))
        self.assertEqual(1, len(self.fly.created))
        self.none_left()

    def test_what_is_left_of_a_run_that_is_over_is_swept(self):
        b = self.belfry(fly_job("job", "true"))
        fault = self.fly.fault({"method": "DELETE"}, "status", times=None, code=500)
        run = b.run_to_end("job")
        wait_for(lambda: fault.hits, "the first try")
        b.kill()
        self.assertEqual(1, len(self.fly.machines()))
        self.fly.faults.scripted.clear()
        b.start()
        self.none_left()
        self.assertEqual("succeeded", b.wait_run(run["id"])["outcome"])


class Faults(FlyCase):
    def test_create_whose_answer_is_lost(self):
        b = self.belfry(fly_job("job", "true"))
        for unique in (True, False):
            self.fly.names_are_unique = unique
            for kind in ("status_after", "cut_after", "truncated", "cut"):
                self.fly.fault({"action": "create"}, kind)
                self.assertEqual("succeeded", b.run_to_end("job")["outcome"], kind)
        self.none_left()

    def fails_once(self, action):
        """Each way in which a request of that kind may fail, once."""
        b = self.belfry(fly_job("job", "true"))
        for kind in ("status", "status_after", "cut", "cut_after", "not_json", "empty"):
            self.fly.fault({"action": action}, kind)
            self.assertEqual("succeeded", b.run_to_end("job")["outcome"], kind)
            self.fly.faults.scripted.clear()
        self.none_left()

    def test_a_create_that_fails(self):
        self.fails_once("create")

    def test_a_start_that_fails(self):
        self.fails_once("start")

    def test_a_get_that_fails(self):
        self.fails_once("get")

    def test_a_list_that_fails(self):
        self.fails_once("list")

    def test_a_delete_that_fails(self):
        self.fails_once("delete")

    def test_a_page_of_the_log_that_fails(self):
        self.fails_once("logs")

    def test_no_log(self):
        b = self.belfry(fly_job("job", shell("echo hello; exit 3")))
        self.fly.fault({"action": "logs"}, "status", times=None, code=500)
        run = b.run_to_end("job")
        self.assertEqual(3, run["exit_code"])
        self.assertIn("log cannot be had", b.run_command("logs", run["id"], "--stream", "belfry",
                                                         check=0).stdout)

    def test_many_at_once_go_by_priority_and_none_is_refused(self):
        due = time.gmtime(time.time() + 5)
        at = f"{due.tm_sec} {due.tm_min} {due.tm_hour} {due.tm_mday} {due.tm_mon} *"
        b = self.belfry(*(fly_job(f"job-{i}", "true", priority=i, schedule=at)
                          for i in range(9)))
        for i in range(9):
            self.assertEqual("succeeded", b.finished(f"job-{i}")[0]["outcome"])
        jobs = [row["body"]["config"]["metadata"]["belfry_job"] for row in self.fly.created]
        # The burst is three requests at once; from then on there is one a second.
        self.assertEqual({"job-8", "job-7", "job-6"}, set(jobs[:3]))
        self.assertEqual([f"job-{i}" for i in range(5, -1, -1)], jobs[3:])
        self.assertEqual({}, dict(self.fly.limits.exceeded))
        self.none_left()


class Logs(FlyCase):
    def test_lines_that_come_late_still_count(self):
        self.fly.logs.delay_s = 4
        self.fly.platform_lines = False
        b = self.belfry(fly_job("job", shell(
            """echo hello; echo '{"event":"result","processed":2,"failed":1}'""")))
        run = b.run_to_end("job")
        self.assertEqual("partial", run["outcome"])
        self.assertIn("hello\n", b.text_of(run["id"]))

    def test_all_of_a_short_job_s_many_lines(self):
        b = self.belfry(fly_job("job", ["seq", "1", "500"]))
        text = b.text_of(b.run_to_end("job")["id"])
        self.assertEqual([str(i) for i in range(1, 501)],
                         [line for line in text.splitlines() if line.isdigit()])

    def test_an_outage_of_the_log_is_no_end_of_it(self):
        b = self.belfry(fly_job("job", shell("sleep 9; echo '{\"event\":\"result\","
                                             "\"processed\":2,\"failed\":1}'")))
        self.fly.fault({"action": "logs"}, "status", times=8, code=500)
        run = b.run_to_end("job")
        self.assertEqual("partial", run["outcome"])


class Queue(FlyCase):
    def test_who_waits_for_a_place_is_not_timed_out(self):
        # The last of these waits for some 45 s, longer than timeout, grace and patience.
        count = 44
        b = self.belfry(fly_job("job", "true", timeout="2s", grace="1s", overlap="allow"))
        runs = [b.trigger("job") for _ in range(count)]
        for run in runs:
            self.assertEqual("succeeded", b.wait_run(run)["outcome"])
        self.assertEqual({}, dict(self.fly.limits.exceeded))
        self.none_left()

    def test_who_waits_can_be_canceled(self):
        b = self.belfry(fly_job("job", ["sleep", "1"], overlap="allow"))
        runs = [b.trigger("job") for _ in range(8)]
        b.run_command("cancel", runs[-1], check=0)
        last = b.wait_run(runs[-1])
        self.assertEqual("canceled", last["outcome"])
        for run in runs[:-1]:
            self.assertEqual("succeeded", b.wait_run(run)["outcome"])
        self.assertEqual(7, len(self.fly.created))
        self.none_left()


class Others(FlyCase):
    def test_machines_of_others_are_left_alone(self):
        b = self.belfry(fly_job("job", "true"))
        with OnFly(self.fly, [fly_job("job", ["sleep", "4"])]) as other:
            other.start()
            theirs = other.trigger("job")
            self.fly.until(self.fly.live, "their Machine to run")
            b.run_to_end("job")
            b.kill()
            b.start()  # and sweeps
            self.assertEqual("succeeded", other.wait_run(theirs)["outcome"])
        self.none_left()

    def test_in_the_foreground_nothing_is_left_either(self):
        b = self.belfry(fly_job("job", ["echo", "here"]))
        done = subprocess.run([BELFRY, "run", "job", "--config", b.config], text=True, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=b.environment)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("here", done.stdout)
        self.assertEqual([], self.fly.machines())

    def test_a_token_that_is_gone_is_told_and_nothing_hangs(self):
        b = self.belfry(fly_job("job", ["sleep", "600"]))
        run = b.trigger("job")
        self.fly.until(self.fly.live, "the Machine to run")
        wait_for(lambda: b.ask("runs", "--limit", "1")[0]["state"] == "running", "the start")
        b.kill()
        b.start(env={"FLY_API_TOKEN": "revoked"})
        wait_for(lambda: "may not ask" in b.run_command("logs", run, "--stream", "belfry").stdout,
                 "the log to say so")
        b.kill()
        b.start()
        b.run_command("cancel", run, check=0)
        self.assertEqual("canceled", b.wait_run(run)["outcome"])
        self.none_left()


if __name__ == "__main__":
    main(parallel=6)
