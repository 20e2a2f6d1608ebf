"""What the documents say of a request's form; every word here is a deviation, and fails the
test that did not expect it."""
import json
import re

from values import signal_number

REGIONS = ("ams arn bom cdg dfw ewr fra gru iad jnb lax lhr nrt ord sin sjc syd yyz").split()
SIGNALS = "SIGHUP SIGINT SIGQUIT SIGKILL SIGUSR1 SIGUSR2 SIGTERM".split()
WAIT_STATES = ("started", "stopped", "suspended", "destroyed")
DURATION = re.compile(r"(\d+(\.\d+)?(ms|s|m|h))+")
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")


def is_text(value):
    return isinstance(value, str)


def is_flag(value):
    return isinstance(value, bool)


def is_whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def is_object(value):
    return isinstance(value, dict)


def is_list(value):
    return isinstance(value, list)


def is_texts(value):
    return is_list(value) and all(map(is_text, value))


def is_objects(value):
    return is_list(value) and all(map(is_object, value))


def is_text_map(value):
    return is_object(value) and all(map(is_text, value.values()))


def is_duration(value):
    return (is_text(value) and DURATION.fullmatch(value) is not None) or is_whole(value)


def is_memory(value):
    return is_whole(value) and value > 0 and value % 256 == 0


def one_of(*words):
    return lambda value: value in words


# Of a config's keys those the documents tell of; what is not here is kept as it is.
CONFIG = {
    "image": is_text, "auto_destroy": is_flag, "checks": is_object, "dns": is_object,
    "env": is_text_map, "files": is_objects, "metadata": is_text_map, "metrics": is_object,
    "mounts": is_objects, "services": is_objects, "size": is_text, "standbys": is_texts,
    "statics": is_objects, "schedule": one_of("hourly", "daily", "weekly", "monthly"),
    "containers": is_objects, "volumes": is_objects, "disable_machine_autostart": is_flag,
    "guest": {"cpu_kind": is_text, "gpu_kind": is_text, "host_dedication_id": is_text,
              "cpus": is_whole, "gpus": is_whole, "memory_mb": is_memory,
              "kernel_args": is_texts,
              "persist_rootfs": one_of("", "never", "restart", "always")},
    "init": {"exec": is_texts, "entrypoint": is_texts, "cmd": is_texts,
             "kernel_args": is_texts, "tty": is_flag, "swap_size_mb": is_whole},
    "restart": {"policy": one_of("", "no", "on-failure", "always"), "max_retries": is_whole},
    "stop_config": {"signal": one_of(*SIGNALS), "timeout": is_duration},
    "processes": [{"entrypoint": is_texts, "cmd": is_texts, "exec": is_texts,
                   "env": is_text_map, "env_from": is_objects, "user": is_text,
                   "ignore_app_secrets": is_flag, "secrets": is_list}],
}
CREATE = {"config": is_object, "region": is_text, "name": is_text, "lease_ttl": is_whole,
          "skip_launch": is_flag, "skip_service_registration": is_flag, "lsvd": is_flag,
          "skip_secrets": is_flag, "min_secrets_version": is_whole}
BODIES = {
    "create": CREATE,
    "update": {**CREATE, "current_version": is_text},
    "start": {},
    "suspend": {},
    "cordon": {},
    "uncordon": {},
    "stop": {"signal": lambda value: value in SIGNALS or is_whole(value),
             "timeout": lambda value: is_text(value) and bool(DURATION.fullmatch(value)),
             "id": is_text},
    "signal": {"signal": lambda value: value in SIGNALS or is_whole(value)},
    "lease_create": {"ttl": is_whole, "description": is_text},
    "metadata_set": {"value": is_text},
    "app_create": {"app_name": is_text, "org_slug": is_text, "network": is_text,
                   "enable_subdomains": is_flag},
    "graphql": {"query": is_text, "variables": is_object, "operationName": is_text},
}
NEEDED = {"create": ["config"], "update": ["config"], "signal": ["signal"],
          "metadata_set": ["value"], "app_create": ["app_name", "org_slug"],
          "graphql": ["query"]}
MAY_BE_EMPTY = ("start", "suspend", "cordon", "uncordon", "stop", "lease_create")
FLAG = ("true", "false")
QUERIES = {
    "list": {"include_deleted": FLAG, "region": REGIONS},
    "delete": {"force": FLAG, "kill": FLAG},
    "app_delete": {"force": FLAG},
    "app_list": {"org_slug": None},
    "lease_create": {"ttl": "number"},
    "wait": {"state": WAIT_STATES, "timeout": "number", "instance_id": None, "version": None,
             "from_event_id": None},
    "ps": {"sort_by": None, "order": ("asc", "desc")},
    "logs": {"instance": None, "region": REGIONS, "next_token": "number"},
}


class Found(list):
    """Pairs of a text and the status it is answered with, or None where it is passed over."""

    def say(self, text, status=400):
        self.append((text, status))

    def answer(self):
        """The first that is not passed over, as (status, text)."""
        return next(((status, text) for text, status in self if status), None)


def check(request):
    """What is wrong with a request whose action is known; fills in request.json."""
    found = Found()
    if not request.headers.get("authorization"):
        found.say("no Authorization header", 401)
    if not request.headers.get("host"):
        found.say("no Host header")
    if request.app is not None and not NAME.fullmatch(request.app):
        found.say(f"an app's name is letters, digits and dashes: {request.app!r}", 404)
    check_query(request, found)
    check_body(request, found)
    return found


def check_query(request, found):
    known = QUERIES.get(request.action, {})
    for key, values in request.query.items():
        if request.action == "list" and key.startswith("metadata.") and key != "metadata.":
            continue
        if key not in known:
            found.say(f"no such query parameter: {key}", None)
            continue
        if len(values) > 1 and (request.action, key) != ("wait", "state"):
            found.say(f"query parameter {key} more than once")
        for value in values:
            words = known[key]
            if words == "number":
                if value and not value.isdecimal():
                    found.say(f"query parameter {key} is no number: {value!r}")
            elif words and value not in words:
                found.say(f"query parameter {key} cannot be {value!r}")
    if request.action == "wait":
        seconds = request.one("timeout", "60")
        if seconds.isdecimal() and not 1 <= int(seconds) <= 60:
            found.say(f"a wait's timeout is 1 to 60 seconds, not {seconds}")
        if "stopped" in request.query.get("state", []) and not (
                request.one("instance_id") or request.one("version")):
            found.say("instance_id is required to wait for stopped")
    if request.action == "app_list" and not request.one("org_slug"):
        found.say("org_slug is required")


def no_duplicates(pairs):
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"key {key!r} twice in an object")
    return dict(pairs)


def check_body(request, found):
    if request.action not in BODIES:
        if request.body:
            found.say(f"a body on {request.method} {request.action}", None)
        return
    if not request.body:
        if request.action not in MAY_BE_EMPTY:
            found.say("no body")
        return
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        found.say(f"Content-Type is no application/json: {kind!r}", None)
    try:
        request.json = json.loads(request.body, object_pairs_hook=no_duplicates)
    except ValueError as error:
        found.say(f"the body is no JSON: {error}")
        return
    if not is_object(request.json):
        found.say("the body is no object")
        request.json = {}
        return
    check_keys(request.json, BODIES[request.action], "", found, is_closed=True)
    for key in NEEDED.get(request.action, []):
        if request.json.get(key) is None:
            found.say(f"no {key}")
    check_values(request, found)


def check_values(request, found):
    body = request.json
    if request.action in ("create", "update") and is_object(body.get("config")):
        if not body["config"].get("image"):
            found.say("no config.image")
        check_keys(body["config"], CONFIG, "config.", found)
        if body["config"].get("guest") and body["config"].get("size"):
            found.say("config.guest and config.size exclude each other")
    name = body.get("name")
    if is_text(name) and name and not NAME.fullmatch(name):
        found.say(f"a name is letters, digits and dashes: {name!r}")
    region = body.get("region")
    if is_text(region) and region and region not in REGIONS:
        found.say(f"no such region: {region!r}")
    for key in ("ttl", "lease_ttl"):
        if is_whole(body.get(key)) and body[key] < 0:
            found.say(f"{key} is negative")
    if request.action in ("stop", "signal") and is_whole(body.get("signal")) and \
       signal_number(body["signal"]) is None:
        found.say(f"no such signal: {body['signal']}")


def check_keys(value, known, where, found, is_closed=False):
    """null is as good as no key: Fly answers with it, and a client may send it back."""
    for key, item in value.items():
        rule = known.get(key)
        if rule is None:
            if is_closed:
                found.say(f"no such key: {where}{key}")
        elif item is None:
            continue
        elif is_object(rule):
            if is_object(item):
                check_keys(item, rule, f"{where}{key}.", found)
            else:
                found.say(f"{where}{key} is of the wrong type")
        elif is_list(rule):
            if not is_objects(item):
                found.say(f"{where}{key} is of the wrong type")
                continue
            for number, element in enumerate(item):
                check_keys(element, rule[0], f"{where}{key}[{number}].", found)
        elif not rule(item):
            found.say(f"{where}{key} cannot be {json.dumps(item)[:80]}")
