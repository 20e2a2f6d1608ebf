"""What goes wrong, by script or by lot.

A fault is a function (fly, request, effect, ...) that answers in the place of effect(), which
does what was asked and answers it: it decides whether that happens, and what is seen of it."""
import inspect
import random

from answers import Answer, error

FOREVER = float("inf")


def status(fly, request, effect, code=500, retry_after=None, text="an error of the script"):
    """Nothing happens."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Answer(code, {"error": text}, headers)


def status_after(fly, request, effect, code=502, text="bad gateway"):
    """It happens, and is answered as if it had not."""
    effect()
    return Answer(code, {"error": text})


def cut(fly, request, effect):
    """The connection ends and nothing happens."""
    return Answer(0, b"", is_cut=True)


def cut_after(fly, request, effect):
    """The connection ends when it has happened."""
    effect()
    return Answer(0, b"", is_cut=True)


def slow(fly, request, effect, seconds=5, before=False):
    """It happens, and is answered later; with `before` it happens later."""
    if before:
        fly.clock.wait(lambda: False, fly.clock.now() + seconds)
        return effect()
    answer = effect()
    answer.delay_s = seconds
    return answer


def stalled(fly, request, effect, seconds=5):
    """Half of the answer comes later."""
    answer = effect()
    answer.stall_s = seconds
    return answer


def truncated(fly, request, effect, happens=True):
    """Half of the body, and the connection ends."""
    answer = effect() if happens else Answer(200, {"id": "never", "state": "created"})
    answer.is_truncated = True
    return answer


def not_json(fly, request, effect, code=502, happens=False,
             body="<html><body><h1>502 Bad Gateway</h1></body></html>"):
    if happens:
        effect()
    return Answer(code, body.encode(), {"Content-Type": "text/html"})


def empty(fly, request, effect, code=200, happens=True):
    if happens:
        effect()
    return Answer(code, b"")


def capacity(fly, request, effect, code=422):
    return error(code, "insufficient resources available to fulfill request",
                 status="insufficient_capacity")


def wait_timeout(fly, request, effect):
    """408 at once, as if all of the time had gone by."""
    return error(408, "deadline_exceeded: machine failed to reach desired state")


def not_found(fly, request, effect):
    """404 although it is there."""
    return error(404, "machine not found")


def unreachable(fly, request, effect, seconds=0):
    """For so long, or in this answer alone, nobody knows how the Machine's host is."""
    with fly.clock.changed:
        for machine in fly.all_machines(request.app):
            if request.machine in (None, machine.id):
                machine.unreachable_until = fly.clock.now() + seconds
    request.is_unreachable = True
    return effect()


def hidden(fly, request, effect, seconds=10):
    """The Machine that is created is in no list for so long; it can be got by its id."""
    request.hidden_s = seconds
    return effect()


def _mark(fly, request, effect, name, value):
    """A fault of the Machine that is created, or of the one the request is for."""
    request.quirks[name] = value
    machine = fly.machine(request.machine)
    if machine:
        machine.quirks[name] = value
    return effect()


def late_events(fly, request, effect, seconds=30):
    """All events of the Machine but its launch are seen so much later."""
    return _mark(fly, request, effect, "late_events", seconds)


def stuck(fly, request, effect, state="starting"):
    """The Machine never gets farther."""
    return _mark(fly, request, effect, "stuck", state)


def start_failed(fly, request, effect, state="failed"):
    """The Machine never starts: failed, or launch_failed."""
    return _mark(fly, request, effect, "start_failed", state)


def no_exit_event(fly, request, effect):
    """The Machine stops, and nothing says how it ended."""
    return _mark(fly, request, effect, "no_exit_event", True)


def destroyed_without_exit(fly, request, effect):
    """When it ends it is destroyed, and nothing says how it ended."""
    return _mark(fly, request, effect, "destroyed_without_exit", True)


def exit_without_request(fly, request, effect):
    """There is an exit event, and it says nothing."""
    return _mark(fly, request, effect, "exit_without_request", True)


KINDS = {function.__name__: function for function in (
    status, status_after, cut, cut_after, slow, stalled, truncated, not_json, empty, capacity,
    wait_timeout, not_found, unreachable, hidden, late_events, stuck, start_failed,
    no_exit_event, destroyed_without_exit, exit_without_request)}

# What is drawn by lot, for which actions: None is all of them.
DRAWN = [
    ("status", None, {"code": 500}), ("status", None, {"code": 502}),
    ("status", None, {"code": 503}), ("status", None, {"code": 429, "retry_after": 1}),
    ("status", None, {"code": 429}), ("status_after", None, {"code": 502}),
    ("status_after", None, {"code": 504}), ("cut", None, {}), ("cut_after", None, {}),
    ("slow", None, {"seconds": 2}), ("slow", None, {"seconds": 2, "before": True}),
    ("stalled", None, {"seconds": 2}), ("truncated", None, {}), ("not_json", None, {}),
    ("not_json", None, {"code": 200, "happens": True}), ("empty", None, {}),
    ("capacity", ("create", "start", "update"), {"code": 422}),
    ("capacity", ("create", "start", "update"), {"code": 412}),
    ("capacity", ("create", "start", "update"), {"code": 409}),
    ("wait_timeout", ("wait",), {}), ("not_found", ("get", "wait"), {}),
    ("unreachable", ("get", "list"), {}), ("unreachable", ("get", "list"), {"seconds": 5}),
    ("hidden", ("create",), {"seconds": 5}), ("late_events", ("create",), {"seconds": 5}),
    ("stuck", ("create",), {}), ("start_failed", ("create",), {"state": "failed"}),
    ("start_failed", ("create",), {"state": "launch_failed"}),
    ("no_exit_event", ("create",), {}), ("destroyed_without_exit", ("create",), {}),
    ("exit_without_request", ("create",), {}),
]


class Fault:
    """Of the requests that `match`, from the nth on, so many `times` in a row.

    `match` is an action's name or "*", a function of the request, or a dictionary of what a
    request has to have: action, method, app, machine, path, and nth (1 is the first)."""

    def __init__(self, match, kind, times, how):
        if kind not in KINDS:
            raise ValueError(f"no such fault: {kind}")
        inspect.signature(KINDS[kind]).bind(None, None, None, **how)  # fails here, not later
        if not callable(match):
            match = {"action": match} if isinstance(match, str) else dict(match)
            unknown = set(match) - {"action", "method", "app", "machine", "path", "nth"}
            if unknown:
                raise ValueError(f"a request has no {', '.join(sorted(unknown))}")
        self.nth = 1 if callable(match) else match.pop("nth", 1)
        self.match = match
        self.kind = kind
        self.times = FOREVER if times is None else times
        self.how = how
        self.seen = 0
        self.hits = 0  # how often it has struck

    def strikes(self, request):
        if callable(self.match):
            is_match = self.match(request)
        else:
            is_match = all(value == "*" or getattr(request, key) == value
                           for key, value in self.match.items())
        if not is_match or self.hits >= self.times:
            return False
        self.seen += 1
        if self.seen < self.nth:
            return False
        self.hits += 1
        return True


class Faults:
    def __init__(self, fly):
        self.fly = fly
        self.scripted = []
        self.drawn = []  # what the lot did, a dictionary for each request it struck
        self._lot = None

    def add(self, match, kind, times=1, **how):
        fault = Fault(match, kind, times, how)
        with self.fly.clock.changed:
            self.scripted.append(fault)
        return fault

    def draw(self, seed, rate, kinds=None):
        self._lot = (random.Random(seed), rate, kinds) if rate else None

    def around(self, request, effect):
        """effect, with all faults that strike this request around it, the first outermost."""
        with self.fly.clock.changed:
            struck = [(fault.kind, fault.how) for fault in self.scripted
                      if fault.strikes(request)]
            if not struck and self._lot:
                struck = self._draw(request)
        request.faults = [kind for kind, _ in struck]
        for kind, how in reversed(struck):
            effect = self._wrap(KINDS[kind], request, effect, how)
        return effect

    def _wrap(self, function, request, effect, how):
        return lambda: function(self.fly, request, effect, **how)

    def _draw(self, request):
        lot, rate, kinds = self._lot
        if lot.random() >= rate:
            return []
        kind, _, how = lot.choice([row for row in DRAWN
                                   if (row[1] is None or request.action in row[1])
                                   and (kinds is None or row[0] in kinds)] or [(None,) * 3])
        if kind is None:
            return []
        self.drawn.append({"method": request.method, "path": request.path,
                           "action": request.action, "kind": kind, "how": how})
        return [(kind, how)]
