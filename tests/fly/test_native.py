#!/usr/bin/python3
"""`belfry fly plan` and `apply` on the stand-in for Fly: native Machines, made, changed, and
destroyed; killed at every request; and what goes wrong on Fly's side."""
import json
import os
import subprocess
import tempfile
import unittest
import urllib.request

from on_fly import APP, Fly, OnFly, fly_job  # before harness, whose folder it knows
from common import DEADLINE_S, main
from harness import BELFRY, wait_for
from machines import GONE

IMAGE = "registry.fly.io/kaiwa:one"
NEVER_S = 1e9


def native(name, command="true", schedule="@daily", fly=None, **more):
    return fly_job(name, command, schedule=schedule, fly={"native": True, **(fly or {})}, **more)


class NativeCase(unittest.TestCase):
    def setUp(self):
        self.fly = Fly(apps=(APP, "other"))
        self.addCleanup(self.fly.__exit__, None, None, None)
        # Leases end sooner; the rate limits have a test of their own.
        self.fly.clock.speed = 20
        self.fly.limits.enabled = False
        folder = tempfile.TemporaryDirectory(prefix="belfry-test-")
        self.addCleanup(folder.cleanup)
        self.file = os.path.join(folder.name, "schedules.json")

    def write(self, *jobs):
        with open(self.file, "w", encoding="utf-8") as file:
            json.dump({"jobs": jobs}, file)

    def begin(self, word, *options, env=None):
        return subprocess.Popen(
            [BELFRY, "fly", word, self.file, *options], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "FLY_API_TOKEN": self.fly.token, "FLY_FLAPS_BASE_URL": self.fly.url,
                 "FLY_API_BASE_URL": self.fly.url, "TZ": "UTC", **(env or {})})

    def command(self, word, *options, code=0, **more):
        """What it printed on both."""
        process = self.begin(word, *options, **more)
        out, err = process.communicate(timeout=DEADLINE_S * 3)
        self.assertEqual(code, process.returncode, out + err)
        return out + err

    def apply(self, *options, code=0):
        return self.command("apply", "--app", APP, "--yes", *options, code=code)

    def ask(self, word, *options, code=0):
        return json.loads(self.command(word, "--app", APP, "--json", *options, code=code))

    def of(self, name):
        return [machine for machine in self.fly.machines(APP)
                if machine.state not in GONE and (machine.config.get("metadata") or {}).get("belfry_native") == name]

    def one(self, name):
        machines = self.of(name)
        self.assertEqual(1, len(machines), name)
        return machines[0]

    def add(self, app=APP, name=None, metadata=None, image=IMAGE, **config):
        """A Machine that belfry did not make."""
        body = {"config": {"image": image, "metadata": metadata or {}, **config},
                "skip_launch": True, **({"name": name} if name else {})}
        request = urllib.request.Request(
            f"{self.fly.url}/v1/apps/{app}/machines", json.dumps(body).encode(), method="POST",
            headers={"Authorization": f"Bearer {self.fly.token}",
                     "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return self.fly.machine(json.load(answer)["id"])

    def changes(self):
        """The requests that change something."""
        return [request for request in self.fly.requests if request.method != "GET"]


class Applies(NativeCase):
    def test_twice_is_no_change(self):
        self.write(native("digest", ["send", "digest"], "@weekly", {"region": "cdg"},
                          env={"WHO": "all"}), native("tidy", schedule="@every 1h"))
        self.assertIn("created digest", self.apply())
        machine = self.one("digest")
        self.assertEqual(("cdg", "weekly", ["send", "digest"], {"WHO": "all"}, "no", False),
                         (machine.region, machine.config["schedule"],
                          machine.config["init"]["cmd"], machine.config["env"],
                          machine.config["restart"]["policy"], machine.config["auto_destroy"]))
        self.assertEqual("hourly", self.one("tidy").config["schedule"])
        before = len(self.changes())
        self.assertIn("no changes", self.apply())
        self.assertEqual(before, len(self.changes()))
        self.assertEqual([], [machine.runs for machine in self.fly.machines() if machine.runs])
        self.fly.fire_schedule(machine.id)
        self.fly.until(lambda: machine.state == "stopped", "the scheduled run to end")
        self.assertIn("no changes", self.apply())

    def test_what_fly_fills_in_is_no_change(self):
        self.write(native("digest"))
        self.apply()
        machine = self.one("digest")
        machine.config = {**machine.config, "guest": {"cpus": 1, "memory_mb": 256},
                          "init": {**machine.config["init"], "tty": False}}
        self.assertIn("no changes", self.apply())

    def test_a_changed_job_keeps_its_machine(self):
        self.write(native("digest", env={"A": "secret-1", "B": "2"}))
        self.apply()
        machine = self.one("digest")
        self.write(native("digest", schedule="@hourly", env={"A": "secret-2"}))
        text = self.command("plan", "--app", APP)
        self.assertIn('config.schedule: "daily" -> "hourly"', text)
        self.assertIn("config.env.A\n", text)
        self.assertIn("config.env.B\n", text)
        self.assertNotIn("secret", text)
        text = self.apply()
        self.assertIn("updated digest", text)
        self.assertEqual(machine.id, self.one("digest").id)
        self.assertEqual(("hourly", {"A": "secret-2"}),
                         (machine.config["schedule"], machine.config["env"]))
        self.assertIsNone(machine.held_lease())
        self.assertEqual([], machine.runs)
        self.assertIn("no changes", self.apply())

    def test_a_removed_job_is_told_and_pruned(self):
        self.write(native("digest"), native("tidy"))
        self.apply()
        self.write(native("digest"), native("tidy", enabled=False))
        text = self.apply()
        self.assertIn("its job is disabled; --prune destroys it", text)
        self.assertIn("no changes", text)
        self.write(native("digest"))
        self.assertIn("the file has no such job", self.apply())
        self.one("tidy")
        self.assertIn("destroyed tidy", self.apply("--prune"))
        self.assertEqual([], self.of("tidy"))
        self.one("digest")
        self.assertIn("no changes", self.apply("--prune"))

    def test_machines_of_others_are_never_touched(self):
        others = [self.add(), self.add(metadata={"fly_process_group": "web"}, schedule="daily"),
                  self.add(metadata={"belfry_home": "x", "belfry_run": "06nk2v0d80200"}),
                  self.add("other", metadata={"belfry_native": "digest"})]
        before = [(machine.instance_id, machine.state) for machine in others]
        self.write()
        self.apply("--prune")
        self.write(native("digest"))
        self.apply("--prune")
        self.apply("--prune")
        self.assertEqual(before, [(machine.instance_id, machine.state) for machine in others])

    def test_a_second_machine_of_a_job_goes(self):
        self.write(native("digest"))
        self.apply()
        right = self.one("digest")
        self.add(name="one-more", metadata=right.config["metadata"])
        self.assertIn("its job has another one", self.apply())
        self.one("digest")
        self.assertIn("no changes", self.apply())

    def test_two_at_once_come_to_one_machine(self):
        for unique in (True, False):
            self.fly.names_are_unique = unique
            self.write(native(f"digest-{unique}"))
            both = [self.begin("apply", "--app", APP, "--yes") for _ in range(2)]
            for process in both:
                out, err = process.communicate(timeout=DEADLINE_S)
                self.assertEqual(0, process.returncode, out + err)
            self.apply()
            self.one(f"digest-{unique}")
            self.assertIn("no changes", self.apply())

    def test_another_region_is_another_machine(self):
        self.write(native("digest", fly={"region": "cdg"}))
        self.apply()
        first = self.one("digest")
        self.write(native("digest", fly={"region": "ams, fra"}))
        self.apply()
        self.assertEqual("ams", self.one("digest").region)
        self.assertNotEqual(first.id, self.one("digest").id)
        self.assertIn("no changes", self.apply())

    def test_the_current_image_is_the_apps(self):
        self.add(metadata={"fly_process_group": "web"}, image="registry.fly.io/kaiwa:live")
        self.write(native("digest", image="current"))
        self.apply()
        self.assertIn("kaiwa:live", self.one("digest").config["image"])
        with self.fly.clock.changed:
            self.fly.machines(APP)[0].destroy(True)
        wait_for(lambda: len(self.fly.machines(APP)) == 1, "the app's Machine to be gone")
        self.fly.release(APP, "registry.fly.io/kaiwa:next")
        self.apply()
        self.assertEqual("registry.fly.io/kaiwa:next", self.one("digest").config["image"])

    def test_many_keep_to_the_rate_limits(self):
        self.fly.clock.speed = 1
        self.fly.limits.enabled = True
        self.write(*[native(f"job-{i}") for i in range(5)])
        self.apply()
        self.assertEqual(0, self.fly.throttled())
        self.assertEqual(5, len(self.fly.machines(APP)))


class Tells(NativeCase):
    def test_a_plan_changes_nothing_and_has_its_exit_codes(self):
        self.write(native("digest"))
        answer = self.ask("plan", "--detailed-exitcode", code=3)
        self.assertEqual([("create", "digest", "daily")], [
            (step["action"], step["job"], step["schedule"]) for step in answer["steps"]])
        self.assertEqual([], self.changes())
        answer = self.ask("apply", "--yes")
        self.assertEqual([(True, None)],
                         [(step["done"], step["failure"]) for step in answer["steps"]])
        self.assertEqual(self.one("digest").id, answer["steps"][0]["machine"])
        self.ask("plan", "--detailed-exitcode")
        self.command("plan", "--app", "none", "--detailed-exitcode", code=2)
        self.command("plan", "--app", "none", code=1)
        self.assertIn("FLY_API_TOKEN", self.command("plan", "--app", APP, code=1,
                                                    env={"FLY_API_TOKEN": ""}))

    def test_nobody_can_be_asked_without_yes(self):
        self.write(native("digest"))
        self.assertIn("--yes", self.command("apply", "--app", APP, code=2))
        self.assertEqual([], self.changes())

    def test_the_app_of_the_jobs_is_the_usual_one(self):
        self.write(native("digest"))
        self.assertIn(f"app {APP}", self.command("plan"))
        self.write(native("digest"), native("tidy", fly={"app": "other"}))
        self.assertIn("several apps", self.command("plan", code=2))
        self.assertIn("1 to create", self.command("plan", "--app", "other"))
        self.write()
        self.command("plan", code=2)

    def test_what_fly_cannot_express_is_refused(self):
        refused = ["0 10 * * mon", "0 * * * *", "@every 2h", "@midnight", "@yearly",
                   "CRON_TZ=Europe/Paris @daily", {"every": "day", "time": "09:00"},
                   {"every": "week", "weekday": "monday", "time": "10:00"}]
        for schedule in refused:
            self.write(native("digest", schedule=schedule))
            text = self.command("plan", "--app", APP, code=2)
            self.assertIn("jobs[0].fly.native", text, schedule)
            self.assertIn('remove "native", then belfry keeps the clock', text, schedule)
        for key in ({"end": "2100-01-01"}, {"start": "2020-01-01"}, {"except": ["12-25"]}):
            self.write(native("digest", **key))
            self.assertIn("would be started all the same", self.command("plan", code=2))
        self.assertEqual([], self.fly.requests)
        for schedule in ("@hourly", "@DAILY", "@weekly", "@monthly", "@every 24h", "@every 7d",
                         {"every": "1h"}):
            self.write(native("digest", schedule=schedule))
            self.command("plan", "--app", APP)

    def test_check_tells_what_native_means(self):
        self.write(native("digest", timeout="5m", retry={"attempts": 2}))
        text = subprocess.run([BELFRY, "check", self.file], stdout=subprocess.PIPE, text=True,
                              check=True, timeout=DEADLINE_S).stdout
        for words in ("time and weekday cannot be chosen", '"timeout" means nothing',
                      "max_retries"):
            self.assertIn(words, text)

    def test_the_daemon_leaves_it_to_fly(self):
        with OnFly(self.fly, [native("digest", schedule="@every 1h"),
                              fly_job("ours", "true", schedule="@every 1h")]) as b:
            b.start()
            jobs = {job["name"]: job for job in b.ask("list")}
            self.assertEqual((False, True), (jobs["digest"]["enabled"], jobs["ours"]["enabled"]))
            self.assertEqual("succeeded", b.wait_run(b.trigger("digest"))["outcome"])


class Fails(NativeCase):
    def setUp(self):
        super().setUp()
        self.write(native("digest"))

    def change(self):
        """A Machine that is to be updated."""
        self.apply()
        self.write(native("digest", schedule="@hourly"))
        return self.one("digest")

    def test_a_create_whose_answer_is_lost_is_found(self):
        for number, kind in enumerate(("cut_after", "status_after", "truncated", "empty",
                                       "not_json")):
            self.write(native(f"job-{number}"))
            how = {"happens": True} if kind == "not_json" else {}
            self.fly.fault("create", kind, **how)
            self.assertIn(f"created job-{number}", self.apply())
            self.one(f"job-{number}")
            self.fly.faults.scripted.clear()
        self.assertEqual(5, len(self.fly.created))

    def test_a_create_that_did_not_happen_is_made_once_more(self):
        for number, kind in enumerate(("cut", "status")):
            self.write(native(f"job-{number}"))
            self.fly.fault("create", kind)
            self.apply()
            self.one(f"job-{number}")

    def test_no_room_is_told_and_the_next_region_is_tried(self):
        fault = self.fly.fault("create", "capacity", times=None)
        self.assertIn("insufficient resources", self.apply(code=1))
        self.assertEqual([], self.fly.machines())
        fault.times = fault.hits + 1
        self.write(native("digest", fly={"region": "cdg, ams"}), native("tidy"))
        self.apply()
        self.assertEqual("ams", self.one("digest").region)

    def test_one_that_fails_hinders_no_other(self):
        self.write(native("digest"), native("tidy"))
        self.fly.fault("create", "capacity")
        self.assertIn("created tidy", self.apply(code=1))
        self.apply()
        self.one("digest")

    def test_too_many_waits_as_long_as_fly_says(self):
        self.fly.fault("create", "status", code=429, retry_after=1, times=2)
        self.apply()
        self.one("digest")
        self.assertEqual([429, 429, 200], [entry["status"] for entry in self.fly.created])

    def test_a_request_that_fails_is_asked_again(self):
        for action in ("list", "lease_create", "get", "update", "lease_release"):
            for kind in ("status", "cut_after", "not_json"):
                with self.subTest(action=action, kind=kind):
                    self.write(native("digest", env={"WHICH": action + kind}))
                    fault = self.fly.fault({"action": action}, kind)
                    self.apply()
                    self.assertEqual(action + kind, self.one("digest").config["env"]["WHICH"])
                    self.assertLessEqual(fault.hits, 1)
                    self.fly.faults.scripted.clear()
        self.assertIn("no changes", self.apply())

    def test_a_lease_of_somebody_else_is_told(self):
        machine = self.change()
        body = json.dumps({"ttl": 100000, "description": "a deploy"}).encode()
        request = urllib.request.Request(
            f"{self.fly.url}/v1/apps/{APP}/machines/{machine.id}/lease", body, method="POST",
            headers={"Authorization": f"Bearer {self.fly.token}",
                     "Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=60).close()
        text = self.apply(code=1)
        self.assertIn("holds a lease of Machine " + machine.id, text)
        self.assertIn("(a deploy)", text)
        self.assertEqual("daily", machine.config["schedule"])
        machine.lease = None
        self.apply()
        self.assertEqual("hourly", machine.config["schedule"])

    def test_a_job_that_runs_is_not_ended(self):
        self.write(native("digest", ["sleep", "600"]))
        self.apply()
        machine = self.one("digest")
        self.fly.fire_schedule(machine.id)
        self.fly.until(self.fly.live, "the scheduled run")
        self.write(native("digest", schedule="@hourly"))
        self.assertIn("the job runs now", self.apply(code=1))
        self.write()
        self.assertIn("the job runs now", self.apply("--prune", code=1))
        self.assertEqual("started", machine.state)
        self.assertIsNone(machine.held_lease())
        with self.fly.clock.changed:
            machine.stop(9)
        self.fly.until(lambda: machine.state == "stopped", "the run to end")
        self.apply("--prune")
        self.assertEqual([], self.fly.machines())

    def test_a_name_that_another_has_is_told(self):
        self.apply()
        taken = self.one("digest")
        taken.config = {"image": IMAGE}
        self.assertIn("already exists", self.apply(code=1))


class Killed(NativeCase):
    """One apply with a step of each kind, killed at its nth request, before it is carried out
    or when it was: the next ones finish it."""

    def begin_state(self):
        self.write(native("changed"), native("gone"), native("same"))
        self.apply()
        self.add(name="one-more", metadata=self.one("same").config["metadata"])
        self.write(native("changed", schedule="@hourly"), native("same"), native("new"))
        self.fly.requests.clear()

    def is_right(self):
        self.assertEqual("hourly", self.one("changed").config["schedule"])
        self.one("new")
        self.one("same")
        self.assertEqual([], self.of("gone"))
        self.assertEqual([], [machine.runs for machine in self.fly.machines() if machine.runs])

    def killed_at(self, nth, before):
        fly = self.fly
        self.begin_state()
        fault = fly.fault({"action": "*", "nth": nth}, "slow", seconds=NEVER_S, before=before)
        process = self.begin("apply", "--app", APP, "--yes", "--prune")
        # Where it is carried out, it is never answered.
        wait_for(lambda: fault.hits and (before or fly.requests[nth - 1].status), "the request")
        process.kill()
        process.communicate(timeout=DEADLINE_S)
        self.assertEqual(1, fault.hits)
        fly.faults.scripted.clear()
        first = self.apply("--prune")
        self.is_right()
        self.assertIn("no changes", self.apply("--prune"), first)

    def test_unharmed_it_makes_as_many_requests_as_are_tested(self):
        self.begin_state()
        self.apply("--prune")
        self.is_right()
        self.assertEqual(REQUESTS, [request.action for request in self.fly.requests])


REQUESTS = ["list", "lease_create", "get", "update", "lease_release", "create",
            "lease_create", "get", "delete", "lease_create", "get", "delete"]
for number, action in enumerate(REQUESTS, 1):
    for early in (True, False):
        def test(self, number=number, early=early):
            self.killed_at(number, early)
        setattr(Killed, f"test_at_{number:02}_{action}_{'before' if early else 'after'}", test)


class Storms(NativeCase):
    """Three requests of ten meet a fault by lot: whatever comes of that, it ends well."""

    def storm(self, seed):
        self.write(native("changed"), native("gone"), native("same", fly={"region": "cdg, ams"}))
        self.apply()
        self.write(native("changed", schedule="@hourly"),
                   native("same", fly={"region": "cdg, ams"}), native("new"), native("newer"))
        self.fly.random_faults(seed, 0.3, FAULTS)
        for _ in range(2):
            process = self.begin("apply", "--app", APP, "--yes", "--prune")
            text = process.communicate(timeout=DEADLINE_S * 3)
            self.assertIn(process.returncode, (0, 1), text)
        self.fly.random_faults(0, 0)
        self.fly.clock.advance(60)  # what was hidden is seen, leases that were lost are over
        self.apply("--prune")
        self.assertIn("no changes", self.apply("--prune"), self.fly.drawn)
        for name in ("changed", "same", "new", "newer"):
            self.one(name)
        self.assertEqual([], self.of("gone"))
        self.assertEqual([], [machine.runs for machine in self.fly.machines() if machine.runs])


FAULTS = ("status", "status_after", "cut", "cut_after", "truncated", "not_json", "empty",
          "capacity", "not_found", "hidden", "unreachable")
for seed in range(1, 9):
    setattr(Storms, f"test_seed_{seed}", lambda self, seed=seed: self.storm(seed))

if __name__ == "__main__":
    main(parallel=6)
