#!/usr/bin/python3
"""belfry verify --fly: each thing that may be wrong with an app on Fly is told apart."""
import http.server
import json
import os
import sys
import threading
import unittest
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "cli")]
from offline import Folder  # noqa: E402
from common import main, shell  # noqa: E402
from standin import Fly  # noqa: E402

APP = "kaiwa"
SLEEP = ["sleep", "600"]
# No proxy may answer instead.
ENV = {name: "" for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY",
                             "FLY_API_TOKEN_FILE", "FLY_API_HOSTNAME", "FLY_PRIVATE_IP")}
WEB = [{"internal_port": 3000, "protocol": "tcp", "ports": [{"port": 443}]}]
CHECK = "servicecheck-00-http-3000"


class Verify(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(Folder())
        self.fly = Fly(apps=(APP,))
        self.fly.limits.enabled = False
        self.addCleanup(self.fly.__exit__, None, None, None)
        self.env = {**ENV, "FLY_API_TOKEN": self.fly.token, "FLY_FLAPS_BASE_URL": self.fly.url,
                    "FLY_API_BASE_URL": self.fly.url}

    def add(self, command=SLEEP, state="started", skip_launch=False, group="app", metadata=None,
            **config):
        """A Machine of the app, once it is in that state."""
        body = {"config": {"image": "registry.fly.io/kaiwa:one", "init": {"exec": command},
                           "metadata": {"fly_process_group": group, **(metadata or {})},
                           "restart": {"policy": "no"}, **config},
                "skip_launch": skip_launch}
        request = urllib.request.Request(
            f"{self.fly.url}/v1/apps/{APP}/machines", json.dumps(body).encode(), method="POST",
            headers={"Authorization": f"Bearer {self.fly.token}",
                     "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            machine = self.fly.machine(json.load(answer)["id"])
        self.fly.until(lambda: machine.state == state, f"the Machine to be {state}")
        return machine

    def web(self, *listening, **config):
        """One with a service, and who listens in it."""
        machine = self.add(services=WEB, **config)
        for command, address in listening:
            self.fly.listen(machine.id, command, address)
        return machine

    def end(self, machine, destroy=False):
        """As somebody asks for it."""
        with self.fly.clock.changed:
            machine.destroy(True) if destroy else machine.stop(9)
        state = "destroyed" if destroy else "stopped"
        self.fly.until(lambda: machine.state == state, f"the Machine to be {state}")

    def verify(self, *words):
        return self.folder.belfry("verify", *words, env=self.env)

    def check(self, code, verdict, line, *words):
        """Of people's line and of the object: they are the same."""
        words = ("--fly", APP, *words)
        result = self.verify(*words)
        self.assertEqual((code, ""), (result.returncode, result.stderr), result.stdout)
        self.assertRegex(result.stdout, rf"^{line} \([^()]+\)\n$")
        result = self.verify(*words, "--json")
        self.assertEqual((code, ""), (result.returncode, result.stderr))
        answer = json.loads(result.stdout)
        self.assertRegex(answer["message"], rf"^{line} \([^()]+\)$")
        self.assertEqual((code == 0, verdict), (answer["up"], answer["verdict"]))
        self.assertEqual(APP, answer["fly"]["app"])
        return answer


class Up(Verify):
    def test_started_and_listening(self):
        machine = self.web(("node", "0.0.0.0:3000"))
        answer = self.check(0, "up", "up: kaiwa has 1 Machine started, and no checks")
        self.assertIsNone(answer["url"])
        self.assertIsNone(answer["status"])
        told = answer["fly"]["machines"][0]
        self.assertEqual((machine.id, "started", "up", "app", [3000], None),
                         (told["id"], told["state"], told["verdict"], told["process_group"],
                          told["internal_ports"], told["crash"]))
        self.assertEqual([{"process": "node", "address": "0.0.0.0:3000"}], told["listening"])

    def test_every_address_of_the_outside_will_do(self):
        machine = self.web()
        for address in ("[::]:3000", "*:3000", "172.19.0.2:3000", ":::3000"):
            machine.sockets = [("node", "tcp", address)]
            self.check(0, "up", "up: kaiwa has 1 Machine started, and no checks")

    def test_checks_pass_and_nothing_else_is_asked(self):
        for _ in range(2):
            self.fly.set_check(self.web().id, CHECK)
        answer = self.check(0, "up", "up: kaiwa has 2 Machines started, 2 checks pass")
        self.assertEqual({"name": CHECK, "status": "passing", "output": None},
                         answer["fly"]["machines"][0]["checks"][0])
        self.assertEqual({"create", "list"}, {request.action for request in self.fly.requests})

    def test_workers_serve_nothing(self):
        self.add(group="worker")
        self.check(0, "up", "up: kaiwa has 1 Machine started, and no checks")
        self.assertNotIn("ps", [request.action for request in self.fly.requests])

    def test_asleep_is_as_good_as_up(self):
        for _ in range(2):
            self.end(self.web())
        self.check(0, "asleep", "up: all 2 Machines of kaiwa sleep, and a request starts one; .*")
        self.web(("node", "0.0.0.0:3000"))
        answer = self.check(0, "up", "up: kaiwa has 1 Machine started of 3, and no checks")
        self.assertEqual(["asleep", "asleep", "up"],
                         [row["verdict"] for row in answer["fly"]["machines"]])

    def test_spares_may_wait(self):
        main_one = self.add()
        self.add(state="created", skip_launch=True, standbys=[main_one.id])
        self.add(state="created", skip_launch=True, group="nightly", schedule="daily")
        self.add(state="created", skip_launch=True)
        answer = self.check(0, "up", "up: kaiwa has 1 Machine started of 4, and no checks")
        self.assertEqual(["idle"] * 3, [row["verdict"] for row in answer["fly"]["machines"][1:]])

    def test_none_has_to_be_started(self):
        self.add(state="created", skip_launch=True, schedule="daily")
        self.check(0, "idle", "up: no Machine of kaiwa is started, and none has to be: .*")

    def test_one_offs_do_not_count(self):
        self.add()
        for metadata in ({"belfry_run": "r1", "belfry_home": "h"}, {"belfry_home": "h"}):
            self.add(shell("exit 3"), "stopped", metadata=metadata)
        for group in ("fly_app_release_command", "fly_app_console"):
            self.add(shell("exit 3"), "stopped", group=group)
        answer = self.check(0, "up", "up: kaiwa has 1 Machine started, and no checks")
        self.assertEqual(1, len(answer["fly"]["machines"]))


class Down(Verify):
    def test_no_machine(self):
        answer = self.check(1, "no_machine", "not up: kaiwa has no Machine: fly deploy --app kaiwa")
        self.assertEqual([], answer["fly"]["machines"])

    def test_stopped(self):
        machine = self.add(state="created", skip_launch=True,
                           services=[{**WEB[0], "autostart": False}])
        self.check(1, "stopped", rf"not up: Machine {machine.id} \(app, iad\) is created, and no "
                                 f"request starts it: fly machine start {machine.id} --app kaiwa, "
                                 "or fly deploy")

    def test_another_group_is_no_comfort(self):
        self.add()
        self.add(state="created", skip_launch=True, group="worker")
        self.check(1, "stopped", r"not up: Machine \w+ \(worker, iad\) is created, .*")

    def test_crash_loop(self):
        machine = self.add(shell("exit 7"), "stopped", services=WEB,
                           restart={"policy": "on-failure", "max_retries": 2})
        line = (rf"not up: Machine {machine.id} \(app, iad\) ended 3 times lately, the last time "
                f"with exit code 7; its log tells why: fly logs --app kaiwa --machine {machine.id}")
        crash = self.check(1, "crash_loop", line)["fly"]["machines"][0]["crash"]
        self.assertEqual((7, None, False, 3), (crash["exit_code"], crash["signal"],
                                               crash["out_of_memory"], crash["times_lately"]))

    def test_crash_loop_that_still_turns(self):
        self.fly.restart_delay_s = 600
        machine = self.add(shell("exit 7"), "restarting", restart={"policy": "always"})
        self.check(1, "starting", r"not up: Machine \w+ \(app, iad\) is restarting; ask again, or "
                                  "with --within")
        with self.fly.clock.changed:
            machine._exit_event(9, True)
        self.check(1, "crash_loop", ".* ended 2 times lately, .* exit code 9; .*")

    def test_exits_are_found_in_every_form(self):
        for form in ("both", "signal"):
            self.fly.signals_as, self.fly.exit_events_in = form, "MonitorEvent"
            machine = self.add(shell("kill -SEGV $$"), "stopped")
            self.check(1, "crashed", rf"not up: Machine {machine.id} \(app, iad\) ended by signal "
                                     "11 .* and is not started again; .*")
            self.end(machine, destroy=True)

    def test_out_of_memory(self):
        machine = self.add()
        self.fly.oom(machine.id)
        self.fly.until(lambda: machine.state == "stopped", "the end")
        self.check(1, "crashed", ".* ended out of memory just now and is not started again; give "
                                 r"it more memory \(fly scale memory --app kaiwa\), .*")

    def test_what_was_asked_for_or_before_a_deploy_is_no_crash(self):
        machine = self.add(shell("exit 7"), "stopped",
                           restart={"policy": "on-failure", "max_retries": 2})
        with self.fly.clock.changed:
            machine.update({**machine.config, "init": {"exec": SLEEP}}, False)
        self.fly.until(lambda: machine.state == "started", "the new version")
        self.check(0, "up", "up: .*")

    def test_a_loop_is_over_once_it_has_run(self):
        machine = self.add(shell("test -e $FILE || { touch $FILE; exit 7; }; sleep 600"),
                           restart={"policy": "always"},
                           env={"FILE": self.folder.file("was-here")})
        self.fly.until(lambda: len(machine.runs) == 2 and machine.state == "started", "the rerun")
        with self.fly.clock.changed:  # another end, an hour ago
            for _, event in machine.events:
                event["timestamp"] -= 3600000
                for where in ("exit_event", "MonitorEvent"):
                    if where in event.get("request", {}):
                        event["request"][where]["exited_at"] -= 3600000
        self.check(0, "up", "up: .*")

    def test_start_failed(self):
        self.fly.image_missing("registry.fly.io/kaiwa:one")
        self.add(state="failed")
        self.check(1, "start_failed", r"not up: Machine \w+ \(app, iad\) could not be started "
                                      r"\(failed\): is its image there\? See fly logs .*")

    def test_on_its_way_and_stuck(self):
        self.fly.fault("create", "stuck", state="starting")
        machine = self.add(state="starting")
        self.check(1, "starting", r"not up: Machine \w+ \(app, iad\) is starting; .*")
        machine.updated_at -= 600
        self.check(1, "stuck", r"not up: Machine \w+ \(app, iad\) is starting for 10m\d\ds already; "
                               r"see fly machine status \w+ --app kaiwa, .*")

    def test_host_unreachable(self):
        self.add()
        machine = self.web(("node", "0.0.0.0:3000"))
        self.fly.unreachable(machine.id, 3600)
        self.check(1, "host_unreachable", rf"not up: the host of Machine {machine.id} \(.*iad\) is "
                                          "unreachable, .*")


class Listening(Verify):
    def test_on_loopback(self):
        machine = self.web(("node", "127.0.0.1:3000"))
        line = (rf"not up: in Machine {machine.id} \(app, iad\) nobody listens on 0.0.0.0:3000, "
                "where its service expects the app; node listens on 127.0.0.1:3000 alone: have it "
                "listen on 0.0.0.0:3000")
        self.check(1, "not_listening", line)
        machine.sockets = [("node", "tcp", "[::1]:3000")]
        self.check(1, "not_listening", r".* node listens on \[::1\]:3000 alone: .*")

    def test_on_another_port(self):
        machine = self.web(("node", "0.0.0.0:8080"))
        self.check(1, "not_listening", ".* expects the app; node listens on 0.0.0.0:8080: have the "
                                       "app listen on 0.0.0.0:3000, or set its service's "
                                       "internal_port to 8080")
        self.fly.listen(machine.id, "redis", "127.0.0.1:6379")
        self.check(1, "not_listening", ".* node listens on 0.0.0.0:8080, redis listens on "
                                       "127.0.0.1:6379: have the app listen on 0.0.0.0:3000")

    def test_on_none(self):
        machine = self.web()
        self.check(1, "not_listening", ".* no process listens at all: .*")
        self.fly.listen(machine.id, "node", "0.0.0.0:3000", "udp")
        self.check(1, "not_listening", ".* no process listens at all: .*")

    def test_the_proxy_tells_where_the_processes_are_not_told(self):
        self.fly.fault("ps", "status", times=None, code=404)
        machine = self.web()
        self.check(0, "up", "up: .*")
        self.fly.refuse(machine.id, 3000)
        answer = self.check(1, "not_listening", ".* Fly's proxy was refused there: the app is not "
                                                "ready, or listens on another port, or on "
                                                "127.0.0.1 alone: have it listen on 0.0.0.0:3000")
        self.assertEqual("0.0.0.0:3000", answer["fly"]["machines"][0]["refused"])
        self.fly.set_check(machine.id, CHECK)  # it went there, and outweighs all
        self.check(0, "up", "up: .*")

    def test_lines_that_say_nothing(self):
        self.fly.fault("ps", "status", times=None, code=404)
        machine = self.web()
        self.fly.refuse(machine.id, 4000)
        self.fly.logs.add(APP, machine.id, "iad",
                          "is your app listening on 0.0.0.0:3000? says the app")
        self.check(0, "up", "up: .*")

    def test_the_log_cannot_be_had(self):
        self.fly.fault("ps", "status", times=None, code=500)
        self.fly.fault("logs", "status", times=None, code=500)
        self.web()
        self.check(0, "up", "up: .*")

    def test_it_comes_to_listen(self):
        machine = self.web()
        terminal = self.folder.terminal("verify", "--fly", APP, "--within", "60s", env=self.env,
                                        columns=200)
        terminal.expect("kaiwa is not up on Fly; ")
        self.fly.listen(machine.id, "node", "0.0.0.0:3000")
        self.assertEqual(0, terminal.end())
        self.assertRegex(terminal.lines()[0], r"^up: .* \(\d tries in ")


class Checks(Verify):
    def test_failing(self):
        machine = self.web()
        self.fly.set_check(machine.id, CHECK)
        self.fly.set_check(machine.id, "memory", "warning", "80%")
        line = rf"not up: check memory of Machine {machine.id} \(app, iad\) is warning \(80%\): .*"
        self.check(1, "check_failing", line)
        self.fly.set_check(machine.id, "db", "critical", "no answer\nfrom db:5432\n")
        self.check(1, "check_failing", r".*check db of .* is critical \(no answer from db:5432\): "
                                       ".* See fly logs --app kaiwa --machine .*")

    def test_the_cause_is_told_before_the_check(self):
        self.fly.set_check(self.web(("node", "127.0.0.1:3000")).id, CHECK, "critical", "refused")
        self.check(1, "not_listening", ".* node listens on 127.0.0.1:3000 alone: .*")

    def test_the_worst_tells_and_the_others_are_counted(self):
        self.fly.set_check(self.web(("node", "0.0.0.0:3000")).id, CHECK, "critical")
        self.add(shell("exit 7"), "stopped")
        self.add()
        self.check(1, "crashed", ".* with exit code 7 .*; 2 of its 3 Machines are not well")


class NoTelling(Verify):
    def test_no_token(self):
        self.env["FLY_API_TOKEN"] = ""
        self.check(1, "no_token", "not up: Fly cannot be asked about kaiwa without a token: .*")
        self.assertEqual([], self.fly.requests)

    def test_a_token_from_a_file(self):
        self.folder.write("token", self.fly.token + "\n")
        self.env.update(FLY_API_TOKEN="", FLY_API_TOKEN_FILE=self.folder.file("token"))
        self.add()
        self.check(0, "up", "up: .*")
        self.env["FLY_API_TOKEN_FILE"] = "/nowhere"
        result = self.verify("--fly", APP)
        self.assertEqual((1, ""), (result.returncode, result.stdout))
        self.assertIn("FLY_API_TOKEN_FILE: /nowhere", result.stderr)

    def test_denied_and_at_once(self):
        self.env["FLY_API_TOKEN"] = "fm2_of_nobody"
        self.check(1, "denied", r"not up: Fly answers 401 \(the token is not valid\): .*",
                   "--within", "1h")

    def test_no_such_app(self):
        self.env["FLY_API_TOKEN"] = self.fly.token
        result = self.verify("--fly", "kaiwaa", "--within", "1h", "--json")
        answer = json.loads(result.stdout)
        self.assertEqual((1, "no_app"), (result.returncode, answer["verdict"]))
        self.assertRegex(answer["message"], "^not up: Fly knows no app kaiwaa .*spelt right")

    def test_fly_does_not_answer(self):
        self.env["FLY_FLAPS_BASE_URL"] = "http://127.0.0.1:1"
        self.check(1, "fly_unreachable", "not up: Fly does not answer at http://127.0.0.1:1 .*")

    def test_fly_fails(self):
        self.add()
        for kind in ("status", "not_json"):
            with self.subTest(kind):
                fault = self.fly.fault("list", kind, times=2)
                self.check(1, "fly_error", r"not up: Fly answers 50\d .* ask again")
                self.assertEqual(2, fault.hits)

    def test_fly_fails_for_a_while(self):
        self.add()
        self.fly.fault("list", "status", times=2, code=429)
        result = self.verify("--fly", APP, "--within", "60s")
        self.assertRegex(result.stdout, r"^up: .* \(3 tries in ")

    def test_no_secret_is_told(self):
        self.env["FLY_API_TOKEN"] = "fm2_geheim"
        for words in ([], ["--json"]):
            result = self.verify("--fly", APP, *words)
            self.assertNotIn("geheim", result.stdout + result.stderr)


class Page(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Both(Verify):
    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.server.status = 200
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def test_both_are_up(self):
        self.add()
        answer = self.check(0, "up", f"up: {self.url} answers 200, and kaiwa has 1 Machine "
                                     "started, and no checks", self.url)
        self.assertEqual((self.url, 200), (answer["url"], answer["status"]))

    def test_the_worse_one_tells(self):
        self.server.status = 503
        machine = self.add()
        answer = self.check(1, "wrong_status", f"not up: {self.url} answers 503, .*", self.url)
        self.assertTrue(answer["fly"]["up"])
        self.end(machine)
        answer = self.check(1, "stopped", "not up: Machine .* is stopped, .*", self.url)
        self.assertEqual(503, answer["status"])
        self.server.status = 200
        self.check(1, "stopped", "not up: Machine .* is stopped, .*", self.url)

    def test_fly_that_does_not_tell_is_no_cause(self):
        self.server.status = 503
        self.env["FLY_API_TOKEN"] = ""
        self.check(1, "wrong_status", "not up: .* answers 503, .*", self.url)
        self.server.status = 200
        self.check(1, "no_token", "not up: Fly cannot be asked .*", self.url)

    def test_as_a_job(self):
        self.add()
        self.folder.write("schedules.json", json.dumps({"jobs": [
            {"name": "app", "schedule": "@hourly", "verify": {"fly": APP}},
            {"name": "both", "schedule": "@hourly", "verify": {
                "fly": APP, "url": "http://${PLACE}/", "within": "1s"}}]}))
        self.env["PLACE"] = f"127.0.0.1:{self.server.server_port}"
        result = self.folder.belfry("run", "app", env=self.env)
        self.assertRegex(result.stderr, "^succeeded in .*: up: kaiwa has 1 Machine started")
        self.server.status = 500
        result = self.folder.belfry("run", "both", env=self.env)
        self.assertEqual(1, result.returncode)
        self.assertRegex(result.stderr, r"failed: exit code 1: not up: http://\${PLACE}/ answers 500")
        self.assertNotIn(self.env["PLACE"], result.stdout + result.stderr)

    def test_wrong_usage(self):
        rows = [(["--fly", ""], "--fly takes the name of an app on Fly, not ''"),
                (["--fly", "a/b"], "not 'a/b'"),
                (["--fly", APP, "--expect-text", "x"], "--expect-text wants a URL, too"),
                (["--fly", APP, "--as", "x"], "--as wants a URL, too"),
                ([], "needs a URL: belfry verify URL, or --fly APP, or both")]
        for words, said in rows:
            with self.subTest(words):
                result = self.verify(*words)
                self.assertEqual((2, ""), (result.returncode, result.stdout))
                self.assertIn(said, result.stderr)


if __name__ == "__main__":
    main(parallel=4)
