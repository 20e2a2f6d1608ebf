#!/usr/bin/python3
"""The stand-in for Fly: what Machines do, and what is told of them."""
import concurrent.futures
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from asking import MACHINES, Asking, Fly, is_alive, job_config, shell, unittest, wait_for

SLEEP = shell("echo up; exec sleep 1000")
STANDIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "standin.py")


class Life(Asking):
    def test_a_job_runs_once_and_its_end_is_told(self):
        status, machine = self.ask("POST", MACHINES, {
            "config": job_config(shell("echo out; echo err >&2; exit 3"), unknown={"kept": [1]}),
            "name": "belfry-1", "region": "ams"})
        self.assertEqual(status, 200)
        self.assertEqual((machine["state"], machine["name"], machine["region"]),
                         ("created", "belfry-1", "ams"))
        self.assertEqual([event["type"] for event in machine["events"]], ["launch"])
        view = self.reach(machine["id"], "stopped")
        self.assertEqual([(event["type"], event["status"], event["source"])
                          for event in view["events"]],
                         [("exit", "stopped", "flyd"), ("start", "started", "flyd"),
                          ("launch", "created", "user")])
        self.assertEqual(view["config"]["unknown"], {"kept": [1]})
        self.assertEqual(view["image_ref"]["registry"], "registry.fly.io")
        self.assertEqual((view["image_ref"]["repository"], view["image_ref"]["tag"]),
                         ("jobs", "v1"))
        exit_event = self.exit_of(view)
        self.assertEqual((exit_event["exit_code"], exit_event["requested_stop"],
                          exit_event["oom_killed"], exit_event["guest_signal"]),
                         (3, False, False, -1))
        self.assertEqual(self.fly.log_text(machine["id"]), "out\nerr\n")
        self.assertEqual([run["code"] for run in self.fly.machine(machine["id"]).runs], [3])
        self.assertEqual(self.fly.live(), [])

    def test_the_environment_is_the_config_s_and_fly_s(self):
        self.fly.secret("jobs", "SECRET", "s")
        view = self.run_once(["env"], env={"A": "1"})
        names = {line.partition("=")[0]: line.partition("=")[2]
                 for line in self.fly.log_text(view["id"]).splitlines()}
        self.assertEqual(set(names), {"PATH", "A", "SECRET", "FLY_APP_NAME", "FLY_MACHINE_ID",
                                      "FLY_REGION", "FLY_IMAGE_REF"})
        self.assertEqual((names["A"], names["FLY_APP_NAME"], names["FLY_MACHINE_ID"],
                          names["FLY_REGION"], names["FLY_IMAGE_REF"]),
                         ("1", "jobs", view["id"], "iad", "registry.fly.io/jobs:v1"))

    def test_where_the_command_comes_from(self):
        self.fly.image_command("img", ["echo", "image"])
        no = {"image": "img", "restart": {"policy": "no"}}
        for config, text in [
                (no, "image"),
                ({**no, "init": {"cmd": ["echo", "cmd"]}}, "cmd"),
                ({**no, "init": {"entrypoint": ["echo", "a"], "cmd": ["b"]}}, "a b"),
                ({**no, "init": {"exec": ["echo", "exec"], "cmd": ["x"]}}, "exec"),
                ({**no, "processes": [{"entrypoint": ["echo"], "cmd": ["p"]}]}, "p")]:
            with self.subTest(text):
                view = self.reach(self.create(config), "stopped")
                self.assertEqual(self.fly.log_text(view["id"]), text + "\n")
        view = self.reach(self.create({"image": "other"}), "stopped")
        self.assertEqual(self.exit_of(view)["exit_code"], 0)

    def test_a_command_that_is_not_there(self):
        view = self.run_once(["/no/such/program"])
        self.assertEqual(self.exit_of(view)["exit_code"], 127)
        self.assertIn("failed to spawn", self.fly.log_text(view["id"]))

    def test_all_that_a_command_leaves_behind_ends_with_it(self):
        view = self.run_once(shell("setsid sleep 1000 & echo $!; sleep 1000 & echo $!"))
        for pid in map(int, self.fly.log_text(view["id"]).split()):
            wait_for(lambda pid=pid: not is_alive(pid), "what was left behind to end")

    def test_skip_launch_and_start(self):
        machine = self.create(job_config(["true"]), skip_launch=True)
        self.assertEqual(self.get(machine)["state"], "created")
        status, answer = self.ask("POST", f"{machine}/start")
        self.assertEqual((status, answer["previous_state"]), (200, "created"))
        self.reach(machine, "stopped")
        self.assertEqual(self.ask("POST", f"{machine}/start")[1]["previous_state"], "stopped")
        self.fly.until(lambda: len(self.fly.machine(machine).runs) == 2, "a second run")

    def test_a_failing_command_runs_again_without_a_policy(self):
        config = job_config(["false"])
        del config["restart"]
        view = self.reach(self.create(config), "stopped")
        self.assertEqual(len(self.fly.machine(view["id"]).runs), 11)
        exits = [event["request"] for event in view["events"] if event["type"] == "exit"]
        self.assertEqual([request["restart_count"] for request in exits],
                         list(range(10, -1, -1)))
        self.assertEqual([request["exit_event"]["restarting"] for request in exits],
                         [False] + [True] * 10)

    def test_policies(self):
        for restart, command, runs in [({"policy": "on-failure", "max_retries": 2}, "false", 3),
                                       ({"policy": "on-failure"}, "true", 1),
                                       ({"policy": ""}, "true", 1),
                                       ({"policy": "no"}, "false", 1)]:
            with self.subTest(restart):
                view = self.run_once([command], restart=restart)
                self.assertEqual(len(self.fly.machine(view["id"]).runs), runs)
        machine = self.create(job_config(["true"], restart={"policy": "always"}))
        self.fly.until(lambda: len(self.fly.machine(machine).runs) > 3, "it to run on and on")
        self.ask("DELETE", f"{machine}?force=true")
        self.reach(machine, "destroyed")

    def test_retries_are_counted_within_five_minutes(self):
        self.fly.clock.speed = 0
        self.fly.restart_delay_s = 200
        machine = self.create(job_config(["false"], restart={"policy": "on-failure",
                                                             "max_retries": 2}))
        for runs in range(1, 6):  # never three in five minutes, so it never stops
            self.fly.until(lambda: self.fly.machine(machine).state == "restarting", "an end")
            self.assertEqual(len(self.fly.machine(machine).runs), runs)
            self.fly.clock.advance(200)

    def test_auto_destroy(self):
        machine = self.create(job_config(shell("exit 4"), auto_destroy=True))
        view = self.reach(machine, "destroyed")
        self.assertEqual([event["type"] for event in view["events"]],
                         ["destroy", "exit", "start", "launch"])
        self.assertEqual(self.exit_of(view)["exit_code"], 4)
        self.assertEqual(self.list(), [])
        self.assertEqual(self.list("?include_deleted=true"), [machine])
        self.fly.clock.advance(48 * 3600)
        self.assertEqual(self.ask("GET", machine)[0], 404)
        self.assertEqual(self.list("?include_deleted=true"), [])

    def test_failed_images(self):
        self.fly.image_missing("registry.fly.io/jobs:v1")
        view = self.reach(self.create(job_config(["true"])), "failed")
        self.assertEqual([event["type"] for event in view["events"]], ["launch"])
        self.fly.launch_failed_s = 5
        self.fly.image_missing("registry.fly.io/jobs:v1", "launch_failed")
        machine = self.create(job_config(["true"]))
        self.reach(machine, "launch_failed")
        self.fly.clock.advance(5)
        self.assertEqual([event["type"] for event in self.get(machine)["events"]],
                         ["destroy", "launch"])
        self.fly.image_missing("registry.fly.io/jobs:v1", "refused")
        self.assertEqual(self.ask("POST", MACHINES, {"config": job_config(["true"])})[0], 400)

    def test_a_schedule_starts_nothing_by_itself(self):
        view = self.run_once(["true"], schedule="hourly")
        self.fly.clock.advance(7200)
        self.assertEqual(len(self.fly.machine(view["id"]).runs), 1)
        self.fly.fire_schedule(view["id"])
        self.fly.until(lambda: len(self.fly.machine(view["id"]).runs) == 2, "the second run")


class Stopping(Asking):
    def up(self, command=None, **more):
        machine = self.create(job_config(command or SLEEP, **more))
        self.fly.until(lambda: self.fly.log_text(machine), "the command to be up")
        return machine

    def test_stop(self):
        trap = "trap 'echo got {0}; exit 7' {0}; echo up; while :; do sleep 0.01; done"
        for body, config, name in [
                (None, {}, "INT"), ({"signal": "SIGTERM"}, {}, "TERM"), ({}, {}, "INT"),
                ({"signal": 10}, {}, "USR1"),
                (None, {"stop_config": {"signal": "SIGUSR2"}}, "USR2")]:
            with self.subTest(name=name, body=body):
                machine = self.up(shell(trap.format(name)), **config)
                self.assertEqual(self.ask("POST", f"{machine}/stop", body), (200, {"ok": True}))
                view = self.reach(machine, "stopped")
                exit_event = self.exit_of(view)
                self.assertEqual((exit_event["exit_code"], exit_event["requested_stop"]),
                                 (7, True))
                self.assertIn(f"got {name}", self.fly.log_text(machine))
                self.assertEqual(self.ask("POST", f"{machine}/stop")[0], 200)

    def test_stop_becomes_sigkill(self):
        self.fly.clock.speed = 0
        stubborn = shell("trap '' INT; echo up; while :; do sleep 0.01; done")
        for body, config, seconds in [({"timeout": "30s"}, {}, 30), (None, {}, 5),
                                      (None, {"stop_config": {"timeout": "1m"}}, 60),
                                      (None, {"stop_config": {"timeout": 7000000000}}, 7)]:
            with self.subTest(seconds=seconds):
                machine = self.up(stubborn, **config)
                self.ask("POST", f"{machine}/stop", body)
                self.fly.clock.advance(seconds - 1)
                self.assertEqual(self.get(machine)["state"], "stopping")
                self.fly.clock.advance(1)
                self.assertEqual(self.exit_of(self.reach(machine, "stopped"))["exit_code"], 137)

    def test_a_stop_is_no_failure_to_the_restart_policy(self):
        machine = self.up(restart={"policy": "always"})
        self.ask("POST", f"{machine}/stop")
        self.reach(machine, "stopped")
        self.fly.clock.advance(60)
        self.assertEqual(len(self.fly.machine(machine).runs), 1)

    def test_signals(self):
        for value in ("SIGTERM", 15):
            machine = self.up()
            self.assertEqual(self.ask("POST", f"{machine}/signal", {"signal": value})[0], 200)
            exit_event = self.exit_of(self.reach(machine, "stopped"))
            self.assertEqual((exit_event["exit_code"], exit_event["guest_signal"],
                              exit_event["requested_stop"]), (143, 15, False))
            self.assertEqual(self.ask("POST", f"{machine}/signal", {"signal": value})[0], 412)
        machine = self.up()
        self.fly.signals = "names"
        self.assertEqual(self.ask("POST", f"{machine}/signal", {"signal": 9})[0], 400)
        self.fly.signals = "numbers"
        self.assertEqual(self.ask("POST", f"{machine}/stop", {"signal": "SIGTERM"})[0], 400)

    def test_how_exits_are_told(self):
        self.fly.exit_events_in = "MonitorEvent"
        self.fly.exited_at = "rfc3339"
        self.fly.signals_as = "signal"
        machine = self.up()
        self.ask("POST", f"{machine}/signal", {"signal": "SIGKILL"})
        request = self.reach(machine, "stopped")["events"][0]["request"]
        self.assertNotIn("exit_event", request)
        exit_event = request["MonitorEvent"]["exit_event"]
        self.assertEqual((exit_event["exit_code"], exit_event["signal"]), (0, 9))
        self.assertRegex(exit_event["exited_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$")
        self.fly.exit_events_in, self.fly.omit_zeros = "both", True
        request = self.run_once(["true"])["events"][0]["request"]
        self.assertEqual(request["exit_event"], request["MonitorEvent"]["exit_event"])
        self.assertNotIn("exit_code", request["exit_event"])

    def test_a_stop_as_the_command_ends(self):
        for _ in range(30):
            machine = self.create(job_config(["true"]))
            self.fly.until(lambda m=machine: self.fly.machine(m).state != "created", "a start")
            self.assertIn(self.ask("POST", f"{machine}/stop")[0], (200, 412))
            self.exit_of(self.reach(machine, "stopped"))

    def test_out_of_memory(self):
        machine = self.up()
        self.fly.oom(machine)
        exit_event = self.exit_of(self.reach(machine, "stopped"))
        self.assertEqual((exit_event["exit_code"], exit_event["oom_killed"]), (137, True))

    def test_a_lost_machine_ends_without_an_exit(self):
        machine = self.up()
        pid = self.fly.machine(machine).runs[0]["pid"]
        self.fly.lose(machine)
        view = self.reach(machine, "destroyed")
        self.assertEqual([event["type"] for event in view["events"]],
                         ["destroy", "start", "launch"])
        self.assertFalse(is_alive(pid))

    def test_delete(self):
        for query in ("force=true", "kill=true"):
            machine = self.up()
            pid = self.fly.machine(machine).runs[0]["pid"]
            self.assertEqual(self.ask("DELETE", machine)[0], 412)
            self.assertEqual(self.ask("DELETE", f"{machine}?{query}"), (200, {"ok": True}))
            view = self.reach(machine, "destroyed")
            self.assertEqual([event["type"] for event in view["events"]],
                             ["destroy", "exit", "start", "launch"])
            self.assertFalse(is_alive(pid))
            self.assertEqual(self.ask("DELETE", f"{machine}?{query}")[0], 404)
            self.assertEqual(self.ask("POST", f"{machine}/start")[0], 412)
        stopped = self.run_once(["true"])["id"]
        self.assertEqual(self.ask("DELETE", stopped)[0], 200)
        self.assertEqual(self.ask("DELETE", "0123456789abcd")[0], 404)

    def test_destroying_takes_time(self):
        self.fly.clock.speed = 0
        self.fly.destroy_delay_s = 3
        machine = self.run_once(["true"])["id"]
        self.ask("DELETE", machine)
        self.assertEqual(self.get(machine)["state"], "destroying")
        self.fly.clock.advance(3)
        self.assertEqual(self.get(machine)["state"], "destroyed")

    def test_update(self):
        machine = self.up()
        before = self.get(machine)
        status, view = self.ask("POST", machine, {
            "config": job_config(shell("echo new")), "current_version": before["instance_id"]})
        self.assertEqual(status, 200)
        self.assertNotEqual(view["instance_id"], before["instance_id"])
        view = self.reach(machine, "stopped")
        self.assertEqual(self.fly.log_text(machine), "up\nnew\n")
        self.assertEqual([event["type"] for event in view["events"]],
                         ["exit", "start", "exit", "update", "start", "launch"])
        self.assertEqual(self.ask("POST", machine, {
            "config": job_config(["true"]), "current_version": before["instance_id"]})[0], 409)
        self.ask("POST", machine, {"config": job_config(["true"]), "skip_launch": True})
        self.assertEqual(self.get(machine)["state"], "created")

    def test_suspend(self):
        machine = self.up(shell("echo up; while :; do echo on; sleep 0.01; done"))
        self.assertEqual(self.ask("POST", f"{machine}/suspend")[0], 200)
        self.assertEqual(self.get(machine)["state"], "suspended")
        self.assertEqual(self.ask("POST", f"{machine}/start")[1]["previous_state"], "suspended")
        self.assertEqual(self.get(machine)["state"], "started")
        self.ask("POST", f"{machine}/suspend")
        self.ask("POST", f"{machine}/stop")
        self.reach(machine, "stopped")

    def test_nothing_is_left_of_a_stand_in(self):
        machine = self.up(shell("setsid sleep 1000 & echo $!; exec sleep 1000"))
        pids = [self.fly.machine(machine).runs[0]["pid"], int(self.fly.log_text(machine))]
        self.fly.close()
        for pid in pids:
            wait_for(lambda pid=pid: not is_alive(pid), "a Machine's process to end")


class Asked(Asking):
    def test_lists(self):
        one = self.create(job_config(["true"], metadata={"belfry_run": "1", "a": "b"}))
        two = self.create(job_config(["true"], metadata={"belfry_run": "2", "a": "b"}),
                          region="ams")
        for query, ids in [("", [one, two]), ("?metadata.belfry_run=2", [two]),
                           ("?metadata.a=b", [one, two]), ("?metadata.a=c", []),
                           ("?metadata.a=b&metadata.belfry_run=1", [one]),
                           ("?region=ams", [two]), ("?region=iad&metadata.a=b", [one])]:
            self.assertEqual(self.list(query), ids, query)

    def test_names(self):
        first = self.create(job_config(["true"]), name="one")
        for status in (409, 422):
            self.fly.name_taken_status = status
            code, answer = self.ask("POST", MACHINES, {"config": job_config(["true"]),
                                                       "name": "one"})
            self.assertEqual((code, answer["status"]), (status, "name_taken"))
            self.assertIn(first, answer["error"])
        self.assertEqual([entry["status"] for entry in self.fly.created], [200, 409, 422])
        self.fly.names_are_unique = False
        self.create(job_config(["true"]), name="one")
        self.fly.names_are_unique = True
        for machine in self.list():
            self.reach(machine, "stopped")
            self.ask("DELETE", machine)
            self.reach(machine, "destroyed")
        self.create(job_config(["true"]), name="one")

    def test_duplicates(self):
        metadata = {"belfry_run": "r", "belfry_attempt": "1"}
        ids = [self.create(job_config(["true"], metadata=metadata)) for _ in range(2)]
        self.create(job_config(["true"], metadata={**metadata, "belfry_attempt": "2"}))
        self.assertEqual(self.fly.duplicates(), {("r", "1"): ids})

    def test_metadata(self):
        machine = self.create(job_config(["true"], metadata={"a": "1"}))
        version = self.get(machine)["instance_id"]
        self.assertEqual(self.ask("POST", f"{machine}/metadata/b", {"value": "2"}), (204, None))
        self.assertEqual(self.ask("GET", f"{machine}/metadata"), (200, {"a": "1", "b": "2"}))
        self.assertEqual(self.list("?metadata.b=2"), [machine])
        self.assertEqual(self.ask("DELETE", f"{machine}/metadata/a")[0], 204)
        self.assertEqual(self.ask("DELETE", f"{machine}/metadata/a")[0], 404)
        self.assertEqual(self.get(machine)["instance_id"], version)

    def test_leases(self):
        self.fly.clock.speed = 0
        machine = self.create(job_config(SLEEP))
        self.reach(machine, "started")
        self.assertEqual(self.ask("GET", f"{machine}/lease")[0], 404)
        status, lease = self.ask("POST", f"{machine}/lease", {"ttl": 60, "description": "d"})
        self.assertEqual((status, lease["status"], lease["data"]["description"]),
                         (201, "success", "d"))
        self.assertEqual(lease["data"]["expires_at"], int(self.fly.clock.now() + 60))
        held = {"fly-machine-lease-nonce": lease["data"]["nonce"]}
        for method, path, body in [("POST", f"{machine}/stop", None),
                                   ("POST", f"{machine}/lease", {"ttl": 5}),
                                   ("POST", machine, {"config": job_config(["true"])}),
                                   ("DELETE", f"{machine}?force=true", None)]:
            status, answer = self.ask(method, path, body)
            self.assertEqual((status, answer["code"]), (409, "lease_currently_held"))
        self.assertEqual(self.ask("POST", f"{machine}/metadata/b", {"value": "2"})[0], 204)
        self.assertNotIn("nonce", self.ask("GET", f"{machine}/lease")[1]["data"])
        self.assertIn("nonce", self.ask("GET", f"{machine}/lease", headers=held)[1]["data"])
        self.assertEqual(self.ask("DELETE", f"{machine}/lease")[0], 400)
        self.assertEqual(self.ask("POST", f"{machine}/stop", headers=held)[0], 200)
        self.assertEqual(self.ask("DELETE", f"{machine}/lease", headers=held)[0], 200)
        status, lease = self.ask("POST", f"{machine}/lease?ttl=10")
        self.fly.clock.advance(11)
        self.assertEqual(self.ask("GET", f"{machine}/lease")[0], 404)

    def test_a_lease_from_the_beginning(self):
        machine = self.ask("POST", MACHINES, {"config": job_config(SLEEP), "lease_ttl": 60})[1]
        self.assertNotIn("nonce", self.reach(machine["id"], "started"))
        self.assertEqual(self.ask("GET", machine["id"], headers={
            "fly-machine-lease-nonce": machine["nonce"]})[1]["nonce"], machine["nonce"])
        self.assertEqual(self.ask("POST", f"{machine['id']}/stop")[0], 409)
        self.assertEqual(self.ask("POST", f"{machine['id']}/stop", headers={
            "fly-machine-lease-nonce": machine["nonce"]})[0], 200)

    def test_wait(self):
        self.fly.clock.speed = 0
        machine = self.create(job_config(SLEEP))
        version = self.reach(machine, "started")["instance_id"]
        self.assertEqual(self.ask("GET", f"{machine}/wait"), (200, {"ok": True}))
        stopped = f"{machine}/wait?state=stopped&state=destroyed&instance_id={version}&timeout=9"
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = len(self.fly.requests)
            waiting = pool.submit(self.ask, "GET", stopped)
            wait_for(lambda: len(self.fly.requests) > asked, "the wait to be asked for")
            self.assertFalse(waiting.done())
            self.fly.clock.advance(9)
            self.assertEqual(waiting.result()[0], 408)
            asked = len(self.fly.requests)
            waiting = pool.submit(self.ask, "GET", stopped)
            wait_for(lambda: len(self.fly.requests) > asked, "the wait to be asked for")
            with self.fly.clock.changed:
                self.fly.machine(machine).stop()
            self.assertEqual(waiting.result(), (200, {"ok": True}))
        self.assertEqual(self.ask("GET", f"{machine}/wait?instance_id=no&state=stopped")[0], 400)
        self.ask("DELETE", machine)
        self.assertEqual(self.ask("GET", f"{machine}/wait?state=destroyed")[0], 200)
        self.fly.destroyed_visible_s = 0
        self.assertEqual(self.ask("GET", f"{machine}/wait?state=destroyed")[0], 404)

    def test_an_older_version_is_replaced(self):
        machine = self.create(job_config(["true"]), skip_launch=True)
        old = self.get(machine)["instance_id"]
        self.ask("POST", machine, {"config": job_config(["true"])})
        self.reach(machine, "stopped")
        self.fly.clock.speed = 1000
        self.assertEqual(
            self.ask("GET", f"{machine}/wait?state=stopped&version={old}&timeout=1")[0], 408)

    def test_rate_limits(self):
        self.fly.clock.speed = 0
        self.fly.limits.enabled = True
        machine = self.create(job_config(["true"]))
        self.create(job_config(["true"]))
        self.create(job_config(["true"]))
        status, _, headers = self.send("POST", MACHINES, {"config": job_config(["true"])})
        self.assertEqual((status, headers["Retry-After"]), (429, "1"))
        self.assertEqual([self.ask("GET", machine)[0] for _ in range(11)], [200] * 10 + [429])
        self.assertEqual(dict(self.fly.limits.exceeded), {"create": 1, "get": 1})
        self.fly.clock.advance(1)
        self.create(job_config(["true"]))
        self.assertEqual([self.ask("GET", machine)[0] for _ in range(6)], [200] * 5 + [429])
        self.fly.retry_after = False
        status, _, headers = self.send("POST", MACHINES, {"config": job_config(["true"])})
        self.assertEqual((status, headers["Retry-After"]), (429, None))
        self.assertEqual(self.fly.throttled(), 4)
        self.assertEqual(len(self.fly.machines()), 4)
        self.fly.limits.set("create", None, None)
        for _ in range(5):
            self.create(job_config(["true"]))

    def test_logs_in_pages(self):
        self.fly.platform_lines = False
        one = self.run_once(["seq", "250"])["id"]
        self.run_once(["echo", "other"], env={"X": "y"})
        logs = "/api/v1/apps/jobs/logs"
        messages = [entry["attributes"]["message"]
                    for entry in self.ask("GET", f"{logs}?instance={one}")[1]["data"]]
        self.assertEqual(messages, list(map(str, range(151, 251))))
        token, seen = "1", []
        while True:
            page = self.ask("GET", f"{logs}?instance={one}&next_token={token}")[1]
            if not page["data"]:
                break
            self.assertLessEqual(len(page["data"]), 100)
            seen += [entry["attributes"]["message"] for entry in page["data"]]
            token = page["meta"]["next_token"]
        self.assertEqual(seen, list(map(str, range(1, 251))))
        self.assertEqual(page["meta"]["next_token"], token)
        self.assertEqual(len(self.ask("GET", f"{logs}?region=ams")[1]["data"]), 0)
        entry = self.ask("GET", logs)[1]["data"][-1]["attributes"]
        self.assertEqual((entry["message"], entry["region"], entry["level"],
                          entry["meta"]["event"]["provider"]), ("other", "iad", "info", "app"))
        self.fly.clock.advance(25 * 3600)
        self.assertEqual(self.ask("GET", logs)[1], {"data": [], "meta": {"next_token": ""}})
        self.assertEqual(len(self.ask("GET", logs + "?next_token=1")[1]["data"]), 100)
        self.fly.clock.advance(7 * 24 * 3600)
        self.assertEqual(len(self.ask("GET", logs + "?next_token=1")[1]["data"]), 0)

    def test_logs_come_late(self):
        self.fly.clock.speed = 0
        self.fly.logs.delay_s = 5
        machine = self.run_once(["echo", "x"])["id"]
        logs = f"/api/v1/apps/jobs/logs?instance={machine}"
        self.assertEqual(self.ask("GET", logs)[1]["data"], [])
        self.fly.clock.advance(5)
        self.assertIn("x", [entry["attributes"]["message"]
                            for entry in self.ask("GET", logs)[1]["data"]])

    def test_tokens(self):
        self.fly.app("foreign", org="other")
        self.fly.app("mine")
        self.fly.add_token("fm2_deploy", apps=["jobs"])
        for header, path, status in [
                ("Bearer fm2_deploy", MACHINES, 200), ("FlyV1 fm2_deploy", MACHINES, 200),
                ("Bearer FlyV1 fm2_deploy", MACHINES, 200),
                ("FlyV1 fm2_x,fm2_deploy", MACHINES, 200), ("Bearer wrong", MACHINES, 401),
                ("fm2_deploy", MACHINES, 401), ("Basic fm2_deploy", MACHINES, 401),
                ("fm2_deploy", "/api/v1/apps/jobs/logs", 200),
                ("Bearer fm2_deploy", "/v1/apps/mine/machines", 403),
                (f"Bearer {self.fly.token}", "/v1/apps/mine/machines", 200),
                (f"Bearer {self.fly.token}", "/v1/apps/foreign/machines", 403),
                (f"Bearer {self.fly.token}", "/v1/apps/none/machines", 404)]:
            with self.subTest(header=header, path=path):
                self.assertEqual(self.ask("GET", path, headers={"Authorization": header})[0],
                                 status)
        self.fly.foreign_app_status = 404
        self.assertEqual(self.ask("GET", "/v1/apps/foreign/machines")[0], 404)

    def test_apps(self):
        body = {"app_name": "new", "org_slug": "personal"}
        self.assertEqual(self.ask("POST", "/v1/apps", body)[0], 201)
        status, answer = self.ask("POST", "/v1/apps", body)
        self.assertEqual((status, answer["status"]), (422, "name_taken"))
        self.assertEqual(self.ask("GET", "/v1/apps/new")[1]["organization"]["slug"], "personal")
        self.assertEqual(self.ask("GET", "/v1/apps?org_slug=personal")[1]["total_apps"], 2)
        self.assertEqual(self.ask("DELETE", "/v1/apps/new")[0], 202)
        self.assertEqual(self.ask("GET", "/v1/apps/new")[0], 404)

    def test_releases(self):
        self.fly.release("jobs", "registry.fly.io/jobs:deployment-9", 9)
        query = "query($n: String!){app(name:$n){currentReleaseUnprocessed{imageRef version}}}"
        self.assertEqual(
            self.ask("POST", "/graphql", {"query": query, "variables": {"n": "jobs"}}),
            (200, {"data": {"app": {"currentReleaseUnprocessed": {
                "imageRef": "registry.fly.io/jobs:deployment-9", "version": 9}}}}))
        status, answer = self.ask("POST", "/graphql", {
            "query": '{app(name:"none"){currentReleaseUnprocessed{imageRef}}}'})
        self.assertEqual((status, answer["data"], answer["errors"][0]["extensions"]["code"]),
                         (200, {"app": None}, "NOT_FOUND"))


class Clocks(Asking):
    def test_what_is_due_happens_in_order_at_its_time(self):
        clock, seen = self.fly.clock, []
        clock.speed = 0
        start = clock.now()
        clock.after(2, lambda: (seen.append(clock.now() - start),
                                clock.after(3, lambda: seen.append(clock.now() - start))))
        clock.after(1, lambda: seen.append(clock.now() - start))
        clock.advance(1.5)
        self.assertEqual([round(at, 3) for at in seen], [1])
        clock.advance(10)
        self.assertEqual([round(at, 3) for at in seen], [1, 2, 5])
        self.assertAlmostEqual(clock.now() - start, 11.5, places=3)

    def test_speed(self):
        self.fly.clock.speed = 1e6
        start = self.fly.clock.now()
        wait_for(lambda: self.fly.clock.now() > start + 1000, "time to fly")


class Encrypted(unittest.TestCase):
    def test_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            pair = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                            "/CN=fly", "-addext", "subjectAltName=IP:127.0.0.1",
                            "-keyout", pair[1], "-out", pair[0]],
                           check=True, stderr=subprocess.DEVNULL)
            with Fly(tls=pair) as fly:
                request = urllib.request.Request(fly.url + MACHINES, headers={
                    "Authorization": f"Bearer {fly.token}"})
                context = ssl.create_default_context(cafile=pair[0])
                with urllib.request.urlopen(request, timeout=60, context=context) as answer:
                    self.assertEqual(answer.read(), b"[]")
                with self.assertRaises(urllib.error.URLError):
                    urllib.request.urlopen(request, timeout=60)


class Health(Asking):
    def test_checks(self):
        machine = self.create(job_config(SLEEP))
        self.assertEqual(self.get(machine)["checks"], [])
        self.fly.set_check(machine, "servicecheck-00-http-3000", "critical", "connection refused")
        check = self.get(machine)["checks"][0]
        self.assertRegex(check.pop("updated_at"), r"^20.*Z$")
        self.assertEqual(check, {"name": "servicecheck-00-http-3000", "status": "critical",
                                 "output": "connection refused"})
        self.fly.set_check(machine, "servicecheck-00-http-3000", None)
        self.assertEqual(self.get(machine)["checks"], [])

    def test_processes_and_where_they_listen(self):
        machine = self.create(job_config(SLEEP))
        self.reach(machine, "started")
        self.fly.listen(machine, "node", "127.0.0.1:3000")
        status, processes = self.ask("GET", f"{machine}/ps")
        self.assertEqual(status, 200)
        self.assertEqual(processes[-1]["listen_sockets"],
                         [{"proto": "tcp", "address": "127.0.0.1:3000"}])
        self.assertEqual(processes[-1]["command"], "node")
        stopped = self.create(job_config(["true"]), skip_launch=True)
        self.assertEqual(self.ask("GET", f"{stopped}/ps")[0], 412)

    def test_what_the_proxy_says(self):
        machine = self.create(job_config(SLEEP))
        own = self.fly.until(lambda: self.fly.log_text(machine), "the command's own line")
        self.fly.refuse(machine, 3000)
        line = self.ask("GET", "/api/v1/apps/jobs/logs")[1]["data"][-1]["attributes"]
        self.assertIn("is your app listening on 0.0.0.0:3000?", line["message"])
        self.assertEqual(("proxy", machine), (line["meta"]["event"]["provider"],
                                              line["instance"]))
        self.assertEqual(self.fly.log_text(machine), own)


class Program(unittest.TestCase):
    def control(self, name, **arguments):
        request = urllib.request.Request(f"{self.url}/_test/{name}", json.dumps(arguments).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())["result"]

    def test_it_is_controlled_by_requests(self):
        with tempfile.TemporaryFile("w+") as said, subprocess.Popen(
                [sys.executable, STANDIN, "--app", "a", "--token", "t"],
                stdout=subprocess.PIPE, stderr=said, text=True) as process:
            self.url = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n",
                                    process.stdout.readline())[1]
            self.control("image_command", image="i", argv=SLEEP)
            self.control("fault", match="list", kind="status", code=503)
            self.control("set", region="ams")
            request = urllib.request.Request(
                f"{self.url}/v1/apps/a/machines", b'{"config": {"image": "i"}}',
                {"Authorization": "Bearer t", "Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                machine = json.loads(answer.read())
            self.assertEqual(machine["region"], "ams")
            wait_for(lambda: self.control("live") == [machine["id"]], "the Machine to run")
            pid = self.control("machines")[0]["runs"][0]["pid"]
            before = self.control("advance", seconds=0)
            self.assertGreaterEqual(self.control("advance", seconds=100), before + 100)
            self.assertEqual(self.control("deviations"), [])
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(60), 0)
            wait_for(lambda: not is_alive(pid), "the Machine's process to end")

    def test_only_the_program_is_controlled(self):
        fly = Fly()
        self.addCleanup(fly.close)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{fly.url}/_test/live", b"{}", timeout=60)
        caught.exception.close()
        self.assertEqual(caught.exception.code, 404)


if __name__ == "__main__":
    unittest.main(verbosity=2)
