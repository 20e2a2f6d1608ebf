"""A real daemon whose Fly is the stand-in, for the tests beside this file and for faults."""
import collections
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "daemon")]
from harness import Belfry, wait_for  # noqa: E402
from standin import Fly  # noqa: E402

APP = "kaiwa"


class OnFly(Belfry):
    """A daemon whose Fly is the stand-in."""

    def __init__(self, fly, jobs, **top):
        super().__init__(jobs, **top)
        self.fly = fly

    @property
    def environment(self):
        return {**os.environ, "FLY_API_TOKEN": self.fly.token, "FLY_FLAPS_BASE_URL": self.fly.url,
                "FLY_API_BASE_URL": self.fly.url}

    def start(self, *options, env=None, **more):
        return super().start(*options, env={**self.environment, **(env or {})}, **more)

    def run_to_end(self, name, *options):
        return self.wait_run(self.trigger(name, *options))


def fly_job(name, command, image="registry.fly.io/kaiwa:one", schedule="0 0 1 1 *", fly=None,
            **more):
    of_image = {"image": image} if image else {}
    return {"name": name, "schedule": schedule, "command": command,
            "fly": {"app": APP, **of_image, **(fly or {})}, **more}


def ran_twice(fly):
    """(run, attempt) of what was started more than once, in one Machine or in several."""
    starts = collections.Counter()
    for machine in fly.all_machines():
        metadata = machine.config.get("metadata") or {}
        starts[metadata.get("belfry_run"), metadata.get("belfry_attempt")] += len(machine.runs)
    return [key for key, count in starts.items() if key[0] and count > 1]


class FlyCase(unittest.TestCase):
    def setUp(self):
        self.fly = Fly(apps=(APP,))
        self.addCleanup(self.fly.__exit__, None, None, None)

    def belfry(self, *jobs, **top):
        b = OnFly(self.fly, list(jobs), **top)
        self.addCleanup(b.__exit__, None, None, None)
        return b.start()

    def none_left(self):
        wait_for(lambda: not self.fly.machines(), "the Machines to be destroyed")
        self.assertEqual([], ran_twice(self.fly))
