#!/usr/bin/python3
"""The stand-in for Fly: what goes wrong when a test wants it to."""
import concurrent.futures
import http.client
import json

from asking import MACHINES, Asking, Fly, answered, job_config, shell, unittest, wait_for

TRUE = {"config": job_config(["true"])}


class OfRequests(Asking):
    def creates(self):
        return self.ask("POST", MACHINES, TRUE)

    def test_status(self):
        for code in (429, 500, 502, 503):
            self.fly.fault("create", "status", code=code, retry_after=7)
            status, _, headers = self.send("POST", MACHINES, TRUE)
            self.assertEqual((status, headers["Retry-After"]), (code, "7"))
        self.assertEqual(self.fly.machines(), [])
        self.assertEqual([entry["machine"] for entry in self.fly.created], [None] * 4)
        self.assertEqual(self.fly.throttled(), 0)
        self.assertEqual(self.creates()[0], 200)

    def test_it_took_effect_all_the_same(self):
        self.fly.fault("create", "status_after")
        self.assertEqual(self.creates()[0], 502)
        self.fly.fault("create", "cut_after")
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.creates()
        self.assertEqual(len(self.fly.machines()), 2)
        self.assertEqual([entry["status"] for entry in self.fly.created], [502, 0])
        self.assertEqual([entry["machine"] for entry in self.fly.created], self.list())

    def test_cut(self):
        self.fly.fault("create", "cut")
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.creates()
        self.assertEqual(self.fly.machines(), [])

    def test_slow(self):
        self.fly.clock.speed = 0
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            for how, seen in [({}, 1), ({"before": True}, 1)]:
                self.fly.fault("create", "slow", seconds=30, **how)
                waiting = pool.submit(self.creates)
                if not how:
                    wait_for(self.fly.machines, "the Machine")
                else:
                    wait_for(lambda: len(self.fly.created) == 2, "the request")
                self.assertEqual(len(self.fly.machines()), seen)
                self.assertFalse(waiting.done())
                self.later(waiting)
                self.assertEqual(waiting.result()[0], 200)
        self.assertEqual(len(self.fly.machines()), 2)

    def later(self, waiting):
        """30 s go by, however often it takes until that is noticed."""
        def gone_by():
            self.fly.clock.advance(30)
            return waiting.done()
        wait_for(gone_by, "the answer")

    def test_stalled(self):
        self.fly.clock.speed = 0
        self.fly.fault("create", "stalled", seconds=30)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(self.creates)
            wait_for(self.fly.machines, "the Machine")
            self.assertFalse(waiting.done())
            self.later(waiting)
            self.assertEqual(waiting.result()[0], 200)

    def test_truncated(self):
        self.fly.fault("create", "truncated")
        with self.assertRaises(http.client.IncompleteRead):
            self.creates()
        self.connection.close()
        self.assertEqual(len(self.fly.machines()), 1)
        self.fly.fault("create", "truncated", happens=False)
        with self.assertRaises(http.client.IncompleteRead):
            self.creates()
        self.assertEqual(len(self.fly.machines()), 1)

    def test_no_json(self):
        self.fly.fault("create", "not_json")
        status, text, headers = self.send("POST", MACHINES, TRUE)
        self.assertEqual((status, headers["Content-Type"], len(self.fly.machines())),
                         (502, "text/html", 0))
        with self.assertRaises(ValueError):
            json.loads(text)
        self.fly.fault("create", "not_json", code=200, happens=True)
        self.assertEqual((self.send("POST", MACHINES, TRUE)[0], len(self.fly.machines())),
                         (200, 1))

    def test_empty(self):
        self.fly.fault("create", "empty")
        self.assertEqual(self.send("POST", MACHINES, TRUE)[:2], (200, b""))
        self.assertEqual(len(self.fly.machines()), 1)

    def test_capacity(self):
        for code in (409, 412, 422):
            self.fly.fault("create", "capacity", code=code)
            self.assertEqual(answered(self.creates()), (code, "insufficient_capacity"))
        self.assertEqual(self.fly.machines(), [])

    def test_wait(self):
        machine = self.create(job_config(["true"]))
        self.reach(machine, "stopped")
        self.fly.fault("wait", "wait_timeout")
        self.fly.clock.speed = 0
        self.assertEqual(self.ask("GET", f"{machine}/wait")[0], 408)

    def test_not_found(self):
        machine = self.create(job_config(["true"]))
        self.fly.fault({"action": "get", "machine": machine}, "not_found", times=2)
        self.assertEqual([self.ask("GET", machine)[0] for _ in range(3)], [404, 404, 200])

    def test_whom_a_fault_strikes(self):
        self.fly.app("other")
        for match, path, hits in [
                ("create", MACHINES, [0, 1, 1]), ("list", MACHINES, [0, 0, 0]),
                ("*", MACHINES, [0, 1, 1]),
                ({"method": "POST"}, MACHINES, [0, 1, 1]),
                ({"app": "other"}, MACHINES, [0, 0, 0]),
                ({"app": "jobs", "action": "create"}, MACHINES, [0, 1, 1]),
                ({"action": "create", "nth": 2}, MACHINES, [0, 0, 1]),
                ({"path": MACHINES}, MACHINES, [0, 1, 1]),
                (lambda request: "x" in request.json, MACHINES, [0, 0, 0])]:
            with self.subTest(match=match):
                fault = self.fly.fault(match, "status")
                counted = [fault.hits]
                for _ in range(2):
                    self.creates()
                    counted.append(fault.hits)
                self.assertEqual(counted, hits)
                self.fly.faults.scripted.clear()
        fault = self.fly.fault("create", "status", times=None)
        self.assertEqual([self.creates()[0] for _ in range(5)], [500] * 5)
        self.assertEqual(fault.hits, 5)
        for match, kind in [("create", "nonsense"), ({"machin": "x"}, "cut")]:
            with self.assertRaises(ValueError):
                self.fly.fault(match, kind)


class OfMachines(Asking):
    def test_hidden_from_lists(self):
        self.fly.clock.speed = 0
        self.fly.fault("create", "hidden", seconds=20)
        machine = self.create(job_config(["true"]))
        self.assertEqual(self.list(), [])
        self.assertEqual(self.get(machine)["id"], machine)
        self.fly.clock.advance(20)
        self.assertEqual(self.list(), [machine])

    def test_unreachable(self):
        self.fly.clock.speed = 0
        machine = self.create(job_config(["true"], metadata={"a": "b"}))
        self.reach(machine, "stopped")
        self.fly.fault("get", "unreachable")
        view = self.get(machine)
        self.assertEqual((view["host_status"], view["incomplete_config"]["metadata"]),
                         ("unreachable", {"a": "b"}))
        self.assertNotIn("config", view)
        self.assertEqual(self.get(machine)["host_status"], "ok")
        self.fly.fault("list", "unreachable", seconds=10)
        self.assertEqual(self.ask("GET", MACHINES + "?metadata.a=b")[1][0]["host_status"],
                         "unreachable")
        self.assertEqual(self.ask("DELETE", machine)[0], 503)
        self.assertEqual(self.get(machine)["host_status"], "unreachable")
        self.fly.clock.advance(10)
        self.assertEqual(self.get(machine)["host_status"], "ok")
        self.fly.unreachable(machine, 5)
        self.assertEqual(self.get(machine)["host_status"], "unreachable")

    def test_late_events(self):
        self.fly.clock.speed = 0
        self.fly.fault("create", "late_events", seconds=20)
        machine = self.create(job_config(["true"]))
        view = self.reach(machine, "stopped")
        self.assertEqual([event["type"] for event in view["events"]], ["launch"])
        self.fly.clock.advance(20)
        self.assertEqual([event["type"] for event in self.get(machine)["events"]],
                         ["exit", "start", "launch"])

    def test_no_exit_event(self):
        self.fly.fault("create", "no_exit_event")
        view = self.run_once(shell("exit 3"))
        self.assertEqual([event["type"] for event in view["events"]], ["start", "launch"])
        self.assertEqual(self.fly.machine(view["id"]).runs[0]["code"], 3)

    def test_destroyed_without_exit(self):
        self.fly.fault("create", "destroyed_without_exit")
        view = self.reach(self.create(job_config(["false"])), "destroyed")
        self.assertEqual([event["type"] for event in view["events"]],
                         ["destroy", "start", "launch"])

    def test_exit_without_request(self):
        self.fly.fault("create", "exit_without_request")
        event = self.run_once(["true"])["events"][0]
        self.assertEqual(event["type"], "exit")
        self.assertNotIn("request", event)

    def test_a_machine_that_is_there_already(self):
        machine = self.create(job_config(shell("echo up; exec sleep 1000")))
        self.reach(machine, "started")
        self.fly.fault("get", "no_exit_event")
        self.get(machine)
        self.ask("POST", f"{machine}/stop")
        self.assertEqual(self.reach(machine, "stopped")["events"][0]["type"], "start")

    def test_stuck(self):
        self.fly.fault("create", "stuck", state="starting")
        machine = self.create(job_config(["true"]))
        self.assertEqual(self.reach(machine, "starting")["events"][0]["type"], "launch")
        self.fly.clock.advance(3600)
        self.assertEqual(self.get(machine)["state"], "starting")
        self.assertEqual(self.ask("DELETE", machine)[0], 412)
        self.assertEqual(self.ask("DELETE", f"{machine}?force=true")[0], 200)
        self.reach(machine, "destroyed")

    def test_start_failed(self):
        self.fly.fault("create", "start_failed")
        view = self.reach(self.create(job_config(["true"])), "failed")
        self.assertEqual([event["type"] for event in view["events"]], ["launch"])
        self.fly.fault("create", "start_failed", state="launch_failed")
        view = self.reach(self.create(job_config(["true"])), "destroyed")
        self.assertEqual([event["type"] for event in view["events"]], ["destroy", "launch"])


class ByLot(unittest.TestCase):
    def drawn(self, seed, rate=0.5, kinds=None):
        with Fly() as fly:
            fly.limits.enabled = False
            fly.clock.speed = 1000
            fly.random_faults(seed, rate, kinds)
            for number in range(200):
                connection = http.client.HTTPConnection(fly.url[len("http://"):], timeout=60)
                try:
                    if number % 2:
                        connection.request("GET", MACHINES, headers={
                            "Authorization": f"Bearer {fly.token}"})
                    else:
                        connection.request("POST", MACHINES, json.dumps(TRUE), {
                            "Authorization": f"Bearer {fly.token}",
                            "Content-Type": "application/json"})
                    connection.getresponse().read()
                except (http.client.HTTPException, OSError):
                    pass
                finally:
                    connection.close()
            return [(entry["action"], entry["kind"], entry["how"]) for entry in fly.drawn]

    def test_a_seed_gives_the_same_again(self):
        once = self.drawn(1)
        self.assertGreater(len(once), 60)
        self.assertGreater(len({kind for _, kind, _ in once}), 12)
        self.assertEqual(once, self.drawn(1))
        self.assertNotEqual(once, self.drawn(2))

    def test_kinds(self):
        self.assertEqual({kind for _, kind, _ in self.drawn(3, 1, ["cut", "hidden"])},
                         {"cut", "hidden"})
        self.assertEqual(self.drawn(3, 0), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
