"""A belfry server as the API's contract has it, in this process, for the verbs that ask.

What the real one does is covered by tests/daemon; here are answers that a real
one gives seldom, and a look at what it was asked.
"""
import http.server
import json
import os
import subprocess
import threading
import urllib.parse

BELFRY = os.path.join(os.environ["BELFRY_BUILD"], "belfry")


def belfry(*words, env=None, binary=False, stdin=None):
    """The finished command, whatever became of it."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("BELFRY_")}
    return subprocess.run([BELFRY, *words], env={**clean, "LC_ALL": "C.UTF-8", **(env or {})},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                          text=not binary, stdin=stdin or subprocess.DEVNULL)


def run_row(number, **more):
    return {"id": f"0{number:012d}", "job": "send", "executor": "process",
            "trigger": "schedule", "scheduled_at": "2026-11-23T09:00:00Z", "lateness_ms": 3,
            "claimed_at": "2026-11-23T09:00:00.001Z", "started_at": "2026-11-23T09:00:00.003Z",
            "finished_at": "2026-11-23T09:00:04.103Z", "duration_ms": 4100,
            "state": "finished", "outcome": "succeeded", "exit_code": 0, "signal": None,
            "attempt": 1, "revision": 1, "dry_run": False, "processed": None, "failed": None,
            "message": None, "image": None, "output_bytes": 0, "cpu_ms": 1, "max_rss_kib": 1, **more}


def job_row(name, schedule="0 9 * * *", **more):
    return {"name": name, "description": "", "tags": [], "schedule": schedule,
            "explain": "at 09:00 every day", "timezone": "Europe/Paris", "enabled": True,
            "executor": "process", "command": ["true"], "has_dry_run": True, "timeout_ms": 300000,
            "grace_ms": 10000, "overlap": "forbid", "catchup": "once",
            "catchup_window_ms": 3600000,
            "retry": {"attempts": 3, "backoff_ms": 10000, "max_backoff_ms": 600000,
                      "on": ["failed"]},
            "deadline_ms": 0, "priority": 0, "group": None, "group_limit": None, "was": [],
            "paused": None, "next": "2026-11-24T08:00:00Z", "running": [], "last": None,
            "last_success_at": None, "consecutive_failures": 0, "counts": {}, "skipped": 0,
            "missed": 0, **more}


def occurrence(at, state, reason, **more):
    at = f"2026-11-23T{at}:00Z"
    return {"job": "send", "scheduled_at": at, "last_at": at, "count": 1, "state": state,
            "reason": reason, "run": None, "recorded_at": at, **more}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def problem(self, status, title, **more):
        self.answer(status, {"title": title, "status": status, **more},
                    "application/problem+json")

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        parts = [urllib.parse.unquote(part) for part in url.path.split("/")[1:]]
        fake = self.server.fake
        if parts == ["health"] and fake.health and not fake.raw:
            self.answer(200, fake.health)
            return
        fake.asked.append((self.command, self.path, body, self.headers.get("Authorization")))
        if fake.raw:
            self.answer(*fake.raw)
        elif parts[:2] == ["api", "v1"]:
            self.route(fake, parts[2:], query, body)
        else:
            self.problem(404, "Not Found")

    do_GET = do_POST = handle_any

    def route(self, fake, parts, query, body):
        key = (self.command, parts[0], *parts[2:])
        name = parts[1] if len(parts) > 1 else None
        found = [row for row in fake.jobs if row["name"] == name]
        runs = [row for row in fake.runs if row["id"] == name]
        if key == ("GET", "jobs") and name is None:
            self.answer(200, {"jobs": fake.jobs})
        elif parts[0] == "jobs" and not found:
            self.problem(404, "Not Found", detail=f'there is no job "{name}"')
        elif key == ("GET", "jobs"):
            self.answer(200, found[0])
        elif key == ("POST", "jobs", "trigger"):
            self.trigger(fake, found[0], body)
        elif key == ("POST", "jobs", "pause"):
            wish = json.loads(body)
            self.answer(200, {**found[0], "paused": {"since": "2026-11-23T09:00:00Z",
                                                     "until": wish.get("until"),
                                                     "reason": wish.get("reason"),
                                                     "by": wish["by"]}})
        elif key == ("POST", "jobs", "resume"):
            self.answer(200, found[0])
        elif key == ("GET", "occurrences"):
            rows = [row for row in fake.occurrences
                    if row["job"] == query["job"] and row["state"] == query["state"]]
            self.answer(200, {"occurrences": rows[:int(query["limit"])]})
        elif key == ("GET", "runs") and name is None:
            self.page(fake, query)
        elif parts[0] == "runs" and not runs:
            self.problem(404, "Not Found", detail=f'there is no run "{name}"')
        elif key == ("GET", "runs"):
            self.answer(200, {**runs[0], "attempts": []})
        elif key == ("POST", "runs", "cancel"):
            self.answer(202, runs[0])
        elif key == ("GET", "runs", "log"):
            self.log(fake, query)
        else:
            self.problem(405, "Method Not Allowed")

    def trigger(self, fake, job, body):
        if job["running"]:
            self.problem(409, "Conflict", detail=f"{job['name']} is running already")
            return
        dry_run = bool(body) and json.loads(body).get("dry_run", False)
        self.answer(202, {**fake.runs[0], "dry_run": dry_run})

    def page(self, fake, query):
        limit = int(query["limit"])
        assert 1 <= limit <= 1000
        rows = [row for row in fake.runs
                if query.get("job", row["job"]) == row["job"]
                and query.get("outcome", row["outcome"]) == row["outcome"]
                and query.get("state") in (None, "finished" if row["outcome"] else "open")
                and ("before" not in query or row["id"] < query["before"])]
        page = rows[:limit]
        self.answer(200, {"runs": page, "next": page[-1]["id"] if rows[limit:] else None})

    def log(self, fake, query):
        rows = [(stream, data) for stream, data in fake.log
                if query.get("stream", stream) == stream]
        if query["format"] == "text":
            self.answer(200, b"".join(data for _, data in rows), "text/plain")
            return
        lines = [json.dumps({"time": "2026-11-23T09:00:00Z", "stream": stream, "attempt": 1,
                             "text": data.decode(errors="replace")}) + "\n"
                 for stream, data in rows]
        self.answer(200, "".join(lines).encode(), "application/jsonl")


class Fake:
    def __init__(self, jobs=(), runs=(), log=(), raw=None, occurrences=(), health=None):
        self.jobs, self.runs, self.log, self.raw = list(jobs), list(runs), list(log), raw
        self.occurrences = list(occurrences)
        self.health = health or {"status": "ok", "revision": 1,
                                 "config": {"status": "ok", "message": None}}
        self.asked = []

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.fake = self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def run(self, *words, **more):
        return belfry(*words, "--server", self.url, **more)
