#!/usr/bin/python3
"""Runs on Fly while everything goes wrong: every fault of the stand-in by lot, and the daemon
killed. Each run is accounted for, none runs twice, no Machine is left."""
import collections
import json
import os
import random
import sys
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "fly"))
from on_fly import OnFly  # noqa: E402
from harness import shell, wait_for  # noqa: E402
from faults import KINDS  # noqa: E402
from standin import Fly  # noqa: E402

IS_LONG = os.environ.get("BELFRY_FAULTS") == "long"
RUNS, KILLS, APPS = (500, 20, 25) if IS_LONG else (60, 5, 12)
RATE = 0.15
PATIENCE_S = 600
# A Machine that is stuck on its way is given five minutes, as Fly's documents have it.
DRAWN = None if IS_LONG else [kind for kind in KINDS if kind != "stuck"]
FINAL = {"succeeded", "failed", "unknown"}


class Chaos(unittest.TestCase):
    def test_every_fault_and_kills(self):
        seed = int(os.environ.get("BELFRY_SEED") or random.randrange(1 << 32))
        print(f"seed {seed}", file=sys.stderr)
        self.dice = random.Random(seed)
        apps = [f"app-{i}" for i in range(APPS)]
        with Fly(apps=apps) as fly, OnFly(fly, []) as b:
            stamps = b.path("stamps")
            b.write([{"name": f"job-{i}", "schedule": "0 0 1 1 *", "overlap": "allow",
                      "command": shell("echo $BELFRY_RUN_ID $BELFRY_ATTEMPT >>" + stamps),
                      "fly": {"app": app, "image": "registry.fly.io/it:one"}}
                     for i, app in enumerate(apps)])
            b.start()
            fly.random_faults(seed, RATE, DRAWN)
            triggered = self.trigger_and_kill(b)
            runs = self.wait_all(b, fly, triggered)
            self.judge(b, fly, runs, stamps, triggered)

    def trigger_and_kill(self, b):
        """The ids of runs whose triggers were answered."""
        kills = sorted(self.dice.sample(range(1, RUNS), KILLS))
        triggered = set()
        for i in range(RUNS):
            if kills and kills[0] == i:
                kills.pop(0)
                time.sleep(self.dice.random())  # the moment of the kill is what is drawn
                b.kill()
                b.start()
            done = b.run_command("trigger", f"job-{i % APPS}", "--json")
            if done.returncode == 0:
                triggered.add(json.loads(done.stdout)["id"])
        return triggered

    def wait_all(self, b, fly, triggered):
        def settled():
            runs = {run["id"]: run for run in b.runs()}
            return runs if all(run["state"] == "finished" for run in runs.values()) else None
        runs = wait_for(settled, "all runs to end", PATIENCE_S)
        # From here on all is well again, and what is left has to go.
        fly.random_faults(0, 0)
        b.kill()
        b.start()
        wait_for(lambda: not fly.machines(), "every Machine to be destroyed", PATIENCE_S)
        return runs

    def judge(self, b, fly, runs, stamps, triggered):
        with open(stamps, encoding="ascii") as file:
            ran = collections.Counter(tuple(line.split()) for line in file)
        outcomes = collections.Counter(run["outcome"] for run in runs.values())
        print(f"{len(runs)} runs, {dict(outcomes)}; {len(fly.drawn)} faults", file=sys.stderr)
        self.assertEqual(set(), triggered - set(runs))
        self.assertLessEqual(set(outcomes), FINAL)
        self.assertEqual([], [key for key, count in ran.items() if count > 1], "ran twice")
        for run in runs.values():
            if run["outcome"] == "succeeded":
                self.assertEqual(1, ran[run["id"], str(run["attempt"])], run)
        self.assertGreater(len(fly.drawn), RUNS * RATE)
        self.assertGreater(outcomes["succeeded"], len(runs) * 0.5, outcomes)


if __name__ == "__main__":
    unittest.main(verbosity=2)
