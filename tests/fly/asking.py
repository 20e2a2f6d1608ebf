"""What the stand-in's own tests ask it with."""
import http.client
import json
import os
import sys
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from common import DEADLINE_S, is_alive, shell, wait_for  # noqa: E402
from standin import Fly  # noqa: E402

__all__ = ["Asking", "Fly", "answered", "is_alive", "job_config", "shell", "unittest", "wait_for"]

MACHINES = "/v1/apps/jobs/machines"


def job_config(command, **more):
    """As a client sends it that wants one run."""
    return {"image": "registry.fly.io/jobs:v1", "init": {"exec": command},
            "restart": {"policy": "no"}, **more}


class Asking(unittest.TestCase):
    """A stand-in without rate limits, and a connection to it that stays open."""

    def setUp(self):
        self.fly = Fly()
        self.fly.limits.enabled = False
        self.addCleanup(self.fly.close)
        self.connection = http.client.HTTPConnection(
            urllib.parse.urlsplit(self.fly.url).netloc, timeout=DEADLINE_S)
        self.addCleanup(self.connection.close)

    def tearDown(self):
        self.fly.check(self)

    def send(self, method, path, body=None, headers=None, token=True):
        """The status, the body as it came, and the headers."""
        if not path.startswith("/"):
            path = f"{MACHINES}/{path}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        headers = {**({"Authorization": f"Bearer {self.fly.token}"} if token else {}),
                   **({} if body is None else {"Content-Type": "application/json"}),
                   **(headers or {})}
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            return answer.status, answer.read(), answer.headers
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise

    def ask(self, method, path, body=None, headers=None, token=True):
        """The status, and what the body says."""
        status, text, _ = self.send(method, path, body, headers, token)
        return status, json.loads(text) if text else None

    def create(self, config, **more):
        status, machine = self.ask("POST", MACHINES, {"config": config, **more})
        self.assertEqual(status, 200, machine)
        return machine["id"]

    def get(self, machine):
        status, view = self.ask("GET", machine)
        self.assertEqual(status, 200, view)
        return view

    def reach(self, machine, state):
        """The Machine's JSON once it is in the state."""
        self.fly.until(lambda: self.fly.machine(machine).state == state,
                       f"{machine} to be {state}")
        return self.get(machine)

    def run_once(self, command, **more):
        return self.reach(self.create(job_config(command, **more)), "stopped")

    def exit_of(self, view):
        return next(event for event in view["events"]
                    if event["type"] == "exit")["request"]["exit_event"]

    def list(self, query=""):
        status, machines = self.ask("GET", MACHINES + query)
        self.assertEqual(status, 200, machines)
        return [machine["id"] for machine in machines]


def answered(answer):
    """Of what ask() gives: status, and the word for programs."""
    return answer[0], (answer[1] or {}).get("status")
