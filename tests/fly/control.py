"""The stand-in as a program: POST /_test/NAME, a JSON object in, {"result": ...} out."""
import json

from answers import Answer, error

METHODS = ("app", "add_token", "secret", "release", "image_command", "image_missing",
           "random_faults", "throttled", "log_text", "fire_schedule", "oom",
           "lose", "unreachable", "set_check", "listen", "refuse", "expect_deviation", "check")
VALUES = ("drawn", "created", "deviations")
SETTINGS = ("region", "launch_delay_s", "restart_delay_s", "destroy_delay_s", "launch_failed_s",
            "destroyed_visible_s", "names_are_unique", "name_taken_status",
            "foreign_app_status", "retry_after", "lease_conflict_code", "signals",
            "exit_events_in", "exited_at", "signals_as", "omit_zeros", "platform_lines")


class Control:
    def __init__(self, fly):
        self.fly = fly

    def __call__(self, request):
        name = request.path[len("/_test/"):]
        try:
            arguments = json.loads(request.body or b"{}")
            return Answer(200, {"result": self._call(name, arguments)})
        except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as problem:
            return error(400, f"{name}: {type(problem).__name__}: {problem}")

    def _call(self, name, arguments):
        fly = self.fly
        if name in METHODS:
            return getattr(fly, name)(**arguments)
        if name in VALUES:
            return getattr(fly, name)
        if name == "duplicates":
            return [[*key, ids] for key, ids in fly.duplicates(**arguments).items()]
        if name == "fault":
            fly.fault(**arguments)
            return None
        if name == "advance":
            fly.clock.advance(**arguments)
            return fly.clock.now()
        if name == "speed":
            fly.clock.speed = arguments["speed"]
            return fly.clock.now()
        if name == "set":
            for key, value in arguments.items():
                if key not in SETTINGS:
                    raise ValueError(f"no such setting: {key}")
                setattr(fly, key, value)
            return None
        if name == "limits":
            fly.limits.enabled = arguments["enabled"]
            return None
        if name == "machines":
            with fly.clock.changed:
                return [{**machine.view(), "app": machine.app, "runs": machine.runs}
                        for machine in fly.machines(**arguments)]
        if name == "live":
            return [machine.id for machine in fly.live()]
        if name == "requests":
            return [{"method": request.method, "path": request.path, "query": request.query,
                     "action": request.action, "status": request.status,
                     "faults": request.faults} for request in fly.requests]
        raise ValueError("no such control")
