#!/usr/bin/python3
"""A stand-in for Fly.io: the Machines API, the log API and the releases of GraphQL.

A test holds a Fly and talks to it directly; as a program it is controlled by requests to
/_test/NAME, whose body has a method's arguments by name:

    standin.py --listen 127.0.0.1:0 [--app NAME]... [--token TOKEN]
"""
import argparse
import collections
import os
import re
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from api import Api  # noqa: E402
from clock import Clock  # noqa: E402
from control import Control  # noqa: E402
from faults import Faults  # noqa: E402
from limits import Limits  # noqa: E402
from logs import Logs  # noqa: E402
from server import Server  # noqa: E402
from tokens import Tokens  # noqa: E402
from values import rfc3339, ulid  # noqa: E402

DEADLINE_S = 60
TOKEN = "fm2_of_the_tests"


class Fly:
    """Attributes without an underscore are for tests, to set at any time."""

    def __init__(self, apps=("jobs",), listen=("127.0.0.1", 0), tls=None, is_program=False):
        """tls is a pair of files, certificate and key."""
        # ---- how it is, where the documents leave it open or times differ ----
        self.region = "iad"            # of Machines that ask for none
        self.launch_delay_s = 0        # from created to the start of the command
        self.restart_delay_s = 0.05    # from an exit to the restart by policy
        self.destroy_delay_s = 0       # from destroying to destroyed
        self.launch_failed_s = 0       # from launch_failed to destroyed
        self.destroyed_visible_s = 48 * 3600  # a destroyed Machine can be got for so long
        self.names_are_unique = True   # or else duplicates are accepted
        self.name_taken_status = 409   # or 422
        self.foreign_app_status = 403  # or 404: an app of another organization
        self.retry_after = True        # whether a 429 says when to come back
        self.lease_conflict_code = "lease_currently_held"  # or "invalid"
        self.signals = "both"          # "names" or "numbers": what stop and signal take
        self.exit_events_in = "exit_event"  # or "MonitorEvent", or "both"
        self.exited_at = "ms"          # or "rfc3339"
        self.signals_as = "both"       # "code": 128+n alone; "signal": guest_signal alone
        self.omit_zeros = False        # whether an exit event leaves out zeros and falses
        self.platform_lines = True     # whether Fly's own lines are among the logs
        # ---- its parts ----
        self.clock = Clock()
        self.limits = Limits(self.clock)
        self.logs = Logs(self.clock)
        self.tokens = Tokens()
        self.faults = Faults(self)
        # ---- what is there ----
        self.apps = {}
        self.secrets = {}
        self.releases = {}
        self.image_commands = {}
        self.missing_images = {}
        self._machines = {}
        # ---- what happened ----
        self.requests = []    # all of them, answers.Request
        self.created = []     # all requests to create a Machine: app, body, machine, status
        self.deviations = []  # texts
        self._expected = []
        self.is_closed = False
        self.token = TOKEN
        self.add_token(TOKEN)
        for name in apps:
            self.app(name)
        self._server = Server(listen, Api(self).handle, self.deviations.append, self.clock,
                              Control(self) if is_program else None, tls)
        self.url = self._server.url

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.close()
        if kind:
            print("\n".join([*map(repr, self.requests), *self.deviations]))
        else:
            self.check()

    def close(self):
        """Ends every Machine's process and every connection."""
        with self.clock.changed:
            if self.is_closed:
                return
            self.is_closed = True
            threads = [machine.end() for machine in self._machines.values()]
        for thread in filter(None, threads):
            thread.join()
        self.clock.close()
        self._server.close()

    # ---- the world ----

    def app(self, name, org="personal"):
        """Creates an app, and is it."""
        with self.clock.changed:
            self.apps[name] = {"id": ulid(self.clock.now()).lower()[-16:], "org": org}
            return self.apps[name]

    def add_token(self, text, org="personal", apps=None):
        """One of an organization, or of some apps of it."""
        self.tokens.add(text, org, apps)

    def secret(self, app, name, value):
        """What all Machines of the app have in their environment."""
        self.secrets.setdefault(app, {})[name] = value

    def release(self, app, image, version=1):
        """What GraphQL answers for the app's current release."""
        self.releases[app] = {"id": f"release-{version}", "imageRef": image, "version": version,
                              "status": "succeeded"}

    def image_command(self, image, argv):
        """What a Machine of the image runs that has no command of its own; else it is true."""
        self.image_commands[image] = list(argv)

    def image_missing(self, image, how="failed"):
        """Its pulls fail, and the Machine is "failed" or "launch_failed"; or "refused": it is
        not even created. None, and it is there again."""
        self.missing_images[image] = how

    def add_machine(self, machine):
        self._machines[machine.id] = machine

    # ---- what is wrong with it ----

    def fault(self, match, kind, times=1, **how):
        """See faults.Fault for `match` and faults.KINDS for the kinds; times=None is always.
        The Fault that is returned says how often it has struck: `hits`."""
        return self.faults.add(match, kind, times, **how)

    def random_faults(self, seed, rate, kinds=None):
        """One request of 1/rate meets a fault, of these kinds or of all; rate 0 ends that."""
        self.faults.draw(seed, rate, kinds)

    @property
    def drawn(self):
        """What random_faults did."""
        return self.faults.drawn

    # ---- what is there and what was ----

    def machine(self, machine_id):
        """None where there is none and never was."""
        return self._machines.get(machine_id)

    def all_machines(self, app=None):
        """Those that are destroyed, too; oldest first."""
        with self.clock.changed:
            return [machine for machine in self._machines.values()
                    if app in (None, machine.app)]

    def machines(self, app=None, include_destroyed=False):
        """What Fly sends a bill for: all that are not destroyed."""
        return [machine for machine in self.all_machines(app)
                if include_destroyed or machine.state != "destroyed"]

    def live(self):
        """Those whose command runs."""
        return [machine for machine in self.all_machines()
                if machine.runs and machine.runs[-1]["ended"] is None]

    def duplicates(self, keys=("belfry_run", "belfry_attempt")):
        """{(run, attempt): ids} of what was created more than once, by its metadata."""
        ids = collections.defaultdict(list)
        for entry in list(self.created):
            metadata = (entry["body"].get("config") or {}).get("metadata") or {} \
                if entry["machine"] else {}
            if all(key in metadata for key in keys):
                ids[tuple(metadata[key] for key in keys)].append(entry["machine"])
        return {key: found for key, found in ids.items() if len(found) > 1}

    def throttled(self):
        """How many requests were told 429 because of the documented limits."""
        return sum(self.limits.exceeded.values())

    def log_text(self, machine_id):
        """What a Machine's command printed, without the lines of Fly's own."""
        return self.logs.text(machine_id)

    def until(self, condition, what, deadline_s=DEADLINE_S):
        """Waits, in real time, until condition() is truthy, and is that; it is called, with
        the lock, whenever something changed."""
        end = time.monotonic() + deadline_s
        with self.clock.changed:
            while True:
                result = condition()
                if result:
                    return result
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"waited {deadline_s} s in vain for {what}")
                self.clock.changed.wait(left)

    # ---- what a test does to Machines ----

    def fire_schedule(self, machine_id):
        """What config.schedule would do in its time: starts the Machine. It never does so by
        itself."""
        with self.clock.changed:
            machine = self.machine(machine_id)
            if not machine.config.get("schedule"):
                raise ValueError(f"machine {machine_id} has no schedule")
            return machine.start()

    def oom(self, machine_id):
        """Out of memory: SIGKILL, and the exit event says so."""
        with self.clock.changed:
            self.machine(machine_id).oom()

    def lose(self, machine_id):
        """The Machine is destroyed with its host, and nothing says how it ended."""
        with self.clock.changed:
            self.machine(machine_id).lose()

    def unreachable(self, machine_id, seconds):
        """Its host cannot be reached for so long."""
        with self.clock.changed:
            self.machine(machine_id).unreachable_until = self.clock.now() + seconds

    def set_check(self, machine_id, name, status="passing", output=""):
        """A health check of it is so from now on: "passing", "warning" or "critical"; with
        None it has no such check."""
        with self.clock.changed:
            checks = self.machine(machine_id).checks
            checks.pop(name, None)
            if status:
                checks[name] = {"name": name, "status": status, "output": output,
                                "updated_at": rfc3339(int(self.clock.now() * 10 ** 9))}

    def listen(self, machine_id, command, address, proto="tcp"):
        """A process in it listens there from now on, as far as /ps tells."""
        with self.clock.changed:
            self.machine(machine_id).sockets.append((command, proto, address))

    def refuse(self, machine_id, port):
        """What Fly's proxy says in the log when nobody takes its connection."""
        machine = self.machine(machine_id)
        self.logs.add(machine.app, machine_id, machine.region, "[PC01] instance refused "
                      f"connection. is your app listening on 0.0.0.0:{port}? make sure it is not "
                      "only listening on 127.0.0.1 (hint: look at your startup logs, servers "
                      "often print the address they are listening on)", "proxy", "error",
                      is_platform=True)

    # ---- deviations ----

    def deviate(self, request, text):
        self.deviations.append(f"{request.method} {request.path}: {text}")

    def expect_deviation(self, pattern):
        """Those that the pattern is found in are no failure; that there is none, is one."""
        self._expected.append(pattern)

    def check(self, testcase=None):
        """Fails where a request deviated from the documents, unless that was expected."""
        wrong = [text for text in self.deviations
                 if not any(re.search(pattern, text) for pattern in self._expected)]
        wrong += [f"expected, but never seen: {pattern}" for pattern in self._expected
                  if not any(re.search(pattern, text) for text in self.deviations)]
        if wrong:
            fail = testcase.fail if testcase else _fail
            fail("requests deviate from the documents:\n" + "\n".join(wrong))


def _fail(text):
    raise AssertionError(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--app", action="append", default=[])
    parser.add_argument("--token", default=TOKEN)
    options = parser.parse_args()
    host, _, port = options.listen.rpartition(":")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    fly = Fly(options.app or ("jobs",), (host, int(port)), is_program=True)
    fly.add_token(options.token)
    print(f"listening on {fly.url}", flush=True)
    stop.wait()
    fly.close()
    for text in fly.deviations:
        print(text, file=sys.stderr)


if __name__ == "__main__":
    main()
