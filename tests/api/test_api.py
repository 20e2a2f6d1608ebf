#!/usr/bin/python3
"""Every route, good and bad, on the real server: see served.c for the other end."""
import gzip
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from common import DEADLINE_S, wait_for  # noqa: E402

SERVED = os.environ["API_SERVED"]
RUN_KEYS = {"id", "job", "executor", "trigger", "scheduled_at", "planned_at", "lateness_ms", "claimed_at",
            "started_at", "finished_at", "duration_ms", "state", "outcome", "exit_code", "signal",
            "attempt", "revision", "dry_run", "processed", "failed", "message", "image", "output_bytes",
            "cpu_ms", "max_rss_kib"}
JOB_KEYS = {"name", "description", "tags", "schedule", "explain", "timezone", "enabled",
            "executor", "command", "has_dry_run", "timeout_ms", "grace_ms", "overlap", "catchup",
            "catchup_window_ms", "retry", "deadline_ms", "priority", "group", "group_limit", "was",
            "paused", "next", "running", "last", "last_success_at",
            "consecutive_failures", "counts", "skipped", "missed"}


def no_duplicates(pairs):
    assert len({key for key, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


def read_json(body):
    return json.loads(body, object_pairs_hook=no_duplicates)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return read_json(self.body)


class ApiCase(unittest.TestCase):
    def setUp(self):
        self.served = subprocess.Popen([SERVED], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       text=True)
        self.host, port = self.served.stdout.readline().strip().rsplit(":", 1)
        self.port = int(port)

    def tearDown(self):
        self.served.stdin.close()
        code = self.served.wait(DEADLINE_S)
        self.served.stdout.close()
        self.assertEqual(0, code)

    def tell(self, line):
        self.served.stdin.write(line + "\n")
        self.served.stdin.flush()
        answer = self.served.stdout.readline().strip()
        self.assertTrue(answer, f"no answer to {line}")
        return answer

    def log(self, run, stream, data):
        self.tell(f"log {run} {stream} {data.hex()}")

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=DEADLINE_S)

    def ask(self, method, target, body=None, headers=None):
        connection = self.connect()
        try:
            connection.request(method, target, body, headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, target):
        answer = self.ask("GET", target)
        self.assertEqual(200, answer.status, answer.body)
        self.assertEqual("application/json", answer.headers["Content-Type"])
        return answer.json

    def post(self, target, body=None):
        headers = {} if body is None else {"Content-Type": "application/json"}
        return self.ask("POST", target, body, headers)

    def problem(self, answer, status, *said):
        self.assertEqual(status, answer.status, answer.body)
        self.assertEqual("application/problem+json", answer.headers["Content-Type"])
        self.assertEqual(status, answer.json["status"])
        self.assertNotEqual("Internal Server Error", answer.json["title"])
        for text in said:
            self.assertIn(text, answer.json["detail"])


class Guards(ApiCase):
    def test_host_header(self):
        good = ["127.0.0.1", f"127.0.0.1:{self.port}", "localhost", "LOCALHOST:1", "[::1]:7420",
                "x.localhost"]
        bad = ["example.org", "example.org:7420", "127.0.0.1.example.org", "localhost.example.org",
               "notlocalhost", "192.168.0.1", "[::2]", ""]
        for host in good:
            self.assertEqual(200, self.ask("GET", "/health", None, {"Host": host}).status, host)
        for host in bad:
            self.problem(self.ask("GET", "/health", None, {"Host": host}), 403, "loopback")

    def test_origin_header(self):
        own = f"http://127.0.0.1:{self.port}"
        self.assertEqual(200, self.ask("GET", "/health", None, {"Origin": own}).status)
        for origin in ["http://example.org", "null", f"https://127.0.0.1:{self.port}",
                       "http://127.0.0.1:1", own + ".example.org", "http://"]:
            answer = self.ask("POST", "/api/v1/jobs/send-reminders/trigger", None,
                              {"Origin": origin})
            self.problem(answer, 403, "origin")
        self.assertEqual([], self.get("/api/v1/runs")["runs"])

    def test_content_type_of_a_body(self):
        target = "/api/v1/jobs/send-reminders/trigger"
        for kind in [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx"]:
            headers = {"Content-Type": kind} if kind else {}
            self.problem(self.ask("POST", target, "{}", headers), 415, "application/json")
        answer = self.ask("POST", target, "{}", {"Content-Type": "Application/JSON; charset=utf-8"})
        self.assertEqual(202, answer.status, answer.body)

    def test_headers_that_keep_browsers_careful(self):
        answer = self.ask("GET", "/health")
        self.assertEqual("nosniff", answer.headers["X-Content-Type-Options"])
        self.assertEqual("no-cache, private", answer.headers["Cache-Control"])


class Reads(ApiCase):
    def test_what_a_client_has_is_not_sent_again(self):
        first = self.ask("GET", "/api/v1/runs")
        tag = first.headers["ETag"]
        self.assertRegex(tag, r'^W/"[0-9a-f]{16}"$')
        for known in [tag, tag[2:], f'"x", {tag}', "*"]:
            again = self.ask("GET", "/api/v1/runs", None, {"If-None-Match": known})
            self.assertEqual((304, b"", tag), (again.status, again.body, again.headers["ETag"]))
        other = self.ask("GET", "/api/v1/runs", None, {"If-None-Match": 'W/"0123456789abcdef"'})
        self.assertEqual((200, first.body), (other.status, other.body))
        self.ask("POST", "/api/v1/jobs/send-reminders/trigger", None)
        changed = self.ask("GET", "/api/v1/runs", None, {"If-None-Match": tag})
        self.assertEqual(200, changed.status)
        self.assertNotEqual(tag, changed.headers["ETag"])

    def test_gzip_for_those_who_take_it(self):
        for _ in range(8):  # so that the list is worth it
            self.ask("POST", "/api/v1/jobs/send-reminders/trigger", '{"dry_run": true}',
                     {"Content-Type": "application/json"})
        for target in ["/api/v1/runs", "/api/v1/jobs"]:  # whole, and a stream
            plain = self.ask("GET", target)
            self.assertIsNone(plain.headers["Content-Encoding"])
            self.assertIn("Accept-Encoding", plain.headers["Vary"])
            for taken in ["gzip", "br, GZIP;q=0.5", "deflate,gzip"]:
                packed = self.ask("GET", target, None, {"Accept-Encoding": taken})
                self.assertEqual("gzip", packed.headers["Content-Encoding"], taken)
                self.assertEqual(plain.body, gzip.decompress(packed.body))
                self.assertLess(len(packed.body), len(plain.body))
            for not_taken in ["br", "gzip;q=0", "xgzip", ""]:
                answer = self.ask("GET", target, None, {"Accept-Encoding": not_taken})
                self.assertEqual(plain.body, answer.body, not_taken)


class Routes(ApiCase):
    def test_what_is_not_there(self):
        for target in ["/", "/api", "/api/v1", "/api/v2/jobs", "/health/x", "/api/v1/jobs/a/b",
                       "/api//v1/jobs", "/api/v1/runs/a/log/b", "/api/v1/runs//log"]:
            self.problem(self.ask("GET", target), 404, "nothing at")

    def test_methods(self):
        for target, allow in {"/health": "GET, HEAD", "/api/v1/runs": "GET, HEAD",
                              "/api/v1/jobs/a/trigger": "POST",
                              "/api/v1/runs/a/cancel": "POST"}.items():
            for method in {"GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}:
                if method in allow:
                    continue
                answer = self.ask(method, target)
                self.problem(answer, 405, allow)
                self.assertEqual(allow, answer.headers["Allow"])

    def test_head_has_no_body(self):
        run = self.tell("claim send-reminders")
        for target in ["/health", "/api/v1/jobs", f"/api/v1/runs/{run}/log?follow=true"]:
            answer = self.ask("HEAD", target)
            self.assertEqual((200, b""), (answer.status, answer.body), target)

    def test_broken_targets(self):
        for target in ["/api/v1/jobs/%", "/api/v1/jobs/%zz", "/api/v1/jobs/%00",
                       "/api/v1/runs?a=%f", "/" + "a/" * 20, "/health?" + "a&" * 40]:
            self.problem(self.ask("GET", target), 400)

    def test_unknown_parameters_everywhere(self):
        run = self.tell("claim send-reminders")
        for target in ["/health", "/api/v1/jobs", "/api/v1/jobs/send-reminders", "/api/v1/runs",
                       f"/api/v1/runs/{run}", f"/api/v1/runs/{run}/log", "/api/v1/occurrences",
                       "/api/v1/revisions", "/api/v1/downtimes", "/api/v1/status", "/metrics"]:
            self.problem(self.ask("GET", target + "?nonsense=1"), 400, "nonsense")
        for target in ["/api/v1/jobs/send-reminders/trigger", f"/api/v1/runs/{run}/cancel"]:
            self.problem(self.ask("POST", target + "?nonsense=1"), 400, "nonsense")


class Health(ApiCase):
    def test_three_states(self):
        good = self.get("/health")
        self.assertEqual(("ok", "0.0-test", 3, 0, "2026-03-29T01:00:00Z"),
                         (good["status"], good["version"], good["jobs"], good["running"],
                          good["time"]))
        self.tell("config-error line 3")
        degraded = self.get("/health")
        self.assertEqual("degraded", degraded["status"])
        self.assertEqual({"status": "refused", "message": "line"}, degraded["config"])
        self.tell("store-error full")
        answer = self.ask("GET", "/health")
        self.assertEqual(503, answer.status)
        self.assertEqual("failing", answer.json["status"])
        self.assertEqual({"status": "failing", "message": "full"}, answer.json["store"])

    def test_ready(self):
        self.assertEqual({"ready": True, "message": None}, self.get("/ready"))
        self.tell("config-error line")  # an older revision does its work
        self.assertTrue(self.get("/ready")["ready"])
        self.tell("store-error full")
        answer = self.ask("GET", "/ready")
        self.assertEqual((503, {"ready": False, "message": "full"}), (answer.status, answer.json))


class Jobs(ApiCase):
    def test_list_is_in_the_files_order(self):
        jobs = self.get("/api/v1/jobs")["jobs"]
        self.assertEqual(["send-reminders", "weekly digest/é", "job-2"],
                         [job["name"] for job in jobs])
        for job in jobs:
            self.assertEqual(JOB_KEYS, set(job))
        self.assertEqual("2026-03-29T01:00:00Z", jobs[0]["next"])
        self.assertIsNone(jobs[1]["next"])
        self.assertEqual(["send", "--to", "${ADDRESS}"], jobs[0]["command"])

    def test_a_list_of_many(self):
        """Longer than one step of the stream; each job once, in order."""
        for count in [0, 1, 32, 33, 1000]:
            self.tell(f"jobs {count}")
            jobs = self.get("/api/v1/jobs")["jobs"]
            self.assertEqual(count, len(jobs))
            self.assertEqual([f"job-{i}" for i in range(2, count)],
                             [job["name"] for job in jobs[2:]])

    def test_a_list_whose_jobs_change_meanwhile(self):
        """The file is read anew while a slow client reads: still whole JSON."""
        self.tell("jobs 12000")  # more than the sockets' buffers hold
        connection = self.connect()
        connection.connect()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.request("GET", "/api/v1/jobs")
        response = connection.getresponse()
        begun = response.read(1000)
        self.tell("jobs 5")
        jobs = read_json(begun + response.read())["jobs"]
        connection.close()
        self.assertGreaterEqual(len(jobs), 5)
        self.assertLess(len(jobs), 12000)

    def test_one(self):
        self.assertEqual("weekly digest/é",
                         self.get("/api/v1/jobs/weekly%20digest%2F%C3%A9")["name"])
        self.problem(self.ask("GET", "/api/v1/jobs/send-reminder"), 404,
                     'did you mean "send-reminders"?')
        answer = self.ask("GET", "/api/v1/jobs/zzzzzzzzz")
        self.problem(answer, 404, "zzzzzzzzz")
        self.assertNotIn("did you mean", answer.json["detail"])

    def test_history_of_one(self):
        first = self.tell("claim send-reminders")
        self.tell(f"start {first}")
        self.assertEqual([first], self.get("/api/v1/jobs/send-reminders")["running"])
        self.assertEqual([first], self.get("/api/v1/jobs")["jobs"][0]["running"])
        self.tell(f"end {first} succeeded 0")
        second = self.tell("claim send-reminders")
        self.tell(f"start {second}")
        self.tell(f"end {second} failed 3")
        job = self.get("/api/v1/jobs/send-reminders")
        self.assertEqual([], job["running"])
        self.assertEqual((second, "failed", 3),
                         (job["last"]["id"], job["last"]["outcome"], job["last"]["exit_code"]))
        self.assertEqual(RUN_KEYS, set(job["last"]))
        self.assertEqual(1, job["consecutive_failures"])
        self.assertEqual({"succeeded": 1, "partial": 0, "failed": 1, "timed_out": 0,
                          "canceled": 0, "unknown": 0}, job["counts"])
        self.assertIsNotNone(job["last_success_at"])
        self.tell("missed send-reminders 7")
        self.assertEqual(7, self.get("/api/v1/jobs/send-reminders")["missed"])


class Trigger(ApiCase):
    target = "/api/v1/jobs/send-reminders/trigger"

    def test_the_run_is_there_right_after(self):
        answer = self.post(self.target)
        self.assertEqual(202, answer.status, answer.body)
        run = answer.json
        self.assertEqual(RUN_KEYS, set(run))
        self.assertEqual(("send-reminders", "manual", False, None),
                         (run["job"], run["trigger"], run["dry_run"], run["outcome"]))
        self.assertEqual(run["id"], self.get(f"/api/v1/runs/{run['id']}")["id"])

    def test_a_claim_on_the_way_is_found_too(self):
        self.tell("hold yes")
        run = self.post(self.target).json["id"]
        self.assertEqual("claimed", self.get(f"/api/v1/runs/{run}")["state"])

    def test_dry_run(self):
        self.assertTrue(self.post(self.target, '{"dry_run": true}').json["dry_run"])
        self.assertFalse(self.post("/api/v1/jobs/job-2/trigger", '{"dry_run": false}')
                         .json["dry_run"])

    def test_bad_bodies(self):
        for body, said in {"{": "no JSON", "[]": "object", "null": "no JSON", '"x"': "no JSON",
                           '{"dry_run": 1}': "true or false", '{"dryRun": true}': "dryRun",
                           '{"dry_run": true, "dry_run": true}': "no JSON",
                           "\0": "no JSON", "[" * 100000: "no JSON"}.items():
            self.problem(self.post(self.target, body), 400, said)
        self.assertEqual([], self.get("/api/v1/runs")["runs"])

    def test_refusals(self):
        self.assertEqual(202, self.post(self.target).status)
        self.problem(self.post(self.target), 409, "is running already")
        self.problem(self.post("/api/v1/jobs/send-remnders/trigger"), 404,
                     'did you mean "send-reminders"?')
        self.tell("store-error full")
        self.problem(self.post("/api/v1/jobs/job-2/trigger"), 503, "full")


class Runs(ApiCase):
    def make(self, count, job="send-reminders"):
        ids = []
        for i in range(count):
            ids.append(self.tell(f"claim {job}"))
            self.tell(f"start {ids[-1]}")
            self.tell(f"end {ids[-1]} {'failed' if i % 2 else 'succeeded'} {i % 2}")
        return ids

    def ids(self, query=""):
        return [run["id"] for run in self.get("/api/v1/runs" + query)["runs"]]

    def test_filters(self):
        done = self.make(4)
        other = self.make(1, "job-2")[0]
        open_run = self.tell("claim job-2")
        self.assertEqual([open_run, other] + done[::-1], self.ids())
        self.assertEqual(done[::-1], self.ids("?job=send-reminders"))
        self.assertEqual([], self.ids("?job=no-such-job"))
        self.assertEqual([done[3], done[1]], self.ids("?outcome=failed"))
        self.assertEqual([open_run], self.ids("?state=open"))
        self.assertEqual([other] + done[::-1], self.ids("?state=finished"))
        self.assertEqual([other, done[3]], self.ids("?state=finished&limit=2"))
        self.assertEqual(6, len(self.ids("?trigger=manual")))
        self.assertEqual([], self.ids("?trigger=schedule"))
        self.assertEqual([open_run, other], self.ids(f"?after={done[3]}"))
        self.assertEqual([done[0]], self.ids(f"?before={done[1]}"))

    def test_pages_meet(self):
        made = self.make(7)
        for state in ["", "&state=finished"]:
            seen, cursor, pages = [], None, 0
            while True:
                page = self.get("/api/v1/runs?limit=3" + state +
                                (f"&before={cursor}" if cursor else ""))
                seen += [run["id"] for run in page["runs"]]
                cursor = page["next"]
                pages += 1
                if not cursor:
                    break
            self.assertEqual((made[::-1], 3), (seen, pages))
        self.assertIsNone(self.get("/api/v1/runs?limit=7")["next"])

    def test_limits(self):
        self.make(51)
        self.assertEqual(50, len(self.ids()))
        self.assertEqual(51, len(self.ids("?limit=1000")))
        self.problem(self.ask("GET", "/api/v1/runs?limit=1001"), 400, "from 1 to 1000")

    def test_one_with_its_attempts(self):
        run = self.make(1)[0]
        found = self.get(f"/api/v1/runs/{run}")
        self.assertEqual(RUN_KEYS | {"attempts"}, set(found))
        self.assertEqual(("finished", "succeeded", 0, 1000),
                         (found["state"], found["outcome"], found["exit_code"],
                          found["duration_ms"]))
        self.assertEqual([{"number": 1, "outcome": "succeeded",
                           "started_at": found["started_at"],
                           "finished_at": found["finished_at"], "exit_code": 0, "signal": None,
                           "message": None}], found["attempts"])

    def test_those_that_are_not_there(self):
        for run in ["0000000000001", "nonsense", "06NK2V0D80200", "06nk2v0d8020", "%C3%A9"]:
            self.problem(self.ask("GET", f"/api/v1/runs/{run}"), 404)
            self.problem(self.ask("GET", f"/api/v1/runs/{run}/log"), 404)
            self.problem(self.post(f"/api/v1/runs/{run}/cancel"), 404)

    def test_cancel(self):
        run = self.tell("claim send-reminders")
        answer = self.post(f"/api/v1/runs/{run}/cancel")
        self.assertEqual((202, run, "canceled"),
                         (answer.status, answer.json["id"], answer.json["outcome"]))
        self.problem(self.post(f"/api/v1/runs/{run}/cancel"), 409, "ended already")


class Pauses(ApiCase):
    def setUp(self):
        super().setUp()
        self.path = "/api/v1/jobs/send-reminders"

    def pause(self, body=None):
        return self.post(self.path + "/pause", json.dumps(body) if body else None)

    def test_pause_and_resume(self):
        self.assertIsNone(self.get(self.path)["paused"])
        answer = self.pause({"until": "2099-12-01T08:00:00+01:00", "reason": "mail moves",
                             "by": "eva@desk"})
        self.assertEqual((200, JOB_KEYS | {"lateness", "downtime"}), (answer.status, set(answer.json)))
        paused = answer.json["paused"]
        self.assertEqual({"since": paused["since"], "until": "2099-12-01T07:00:00Z",
                          "reason": "mail moves", "by": "eva@desk"}, paused)
        self.assertEqual(paused, self.get(self.path)["paused"])
        answer = self.post(self.path + "/resume", json.dumps({"by": "max@desk"}))
        self.assertEqual((200, None), (answer.status, answer.json["paused"]))
        self.assertEqual(200, self.post(self.path + "/resume").status)

    def test_nothing_has_to_be_said(self):
        paused = self.pause().json["paused"]
        self.assertEqual((None, None, None), (paused["until"], paused["reason"], paused["by"]))

    def test_for_counts_by_the_server_s_clock(self):
        self.assertRegex(self.pause({"for": "2h"}).json["paused"]["until"], "^20..-..-..T..:")

    def test_what_is_wrong(self):
        for body, words in [("[]", "must be an object"), ("{", "no JSON"),
                            ('{"for": 5}', "for must be a text"), ('{"for": "0s"}', "a duration"),
                            ('{"for": "soon"}', "a duration"), ('{"until": "now"}', "an instant"),
                            ('{"for": "1h", "until": "2099-01-01T00:00:00Z"}', "keep one"),
                            ('{"reason": ""}', "one line"), ('{"reason": "a\\nb"}', "one line"),
                            ('{"by": "' + "x" * 201 + '"}', "at most 100"),
                            ('{"why": "x"}', "unknown member"),
                            ('{"for": "1h", "for": "2h"}', "no JSON")]:
            self.problem(self.post(self.path + "/pause", body), 400, words)
        self.problem(self.post(self.path + "/resume", '{"for": "1h"}'), 400,
                     "there is by")
        self.problem(self.post("/api/v1/jobs/send-remindrs/pause"), 404, "did you mean")
        self.problem(self.post("/api/v1/jobs/nobody/resume"), 404)
        self.problem(self.post(self.path + "/pause?x=1"), 400)
        self.problem(self.ask("GET", self.path + "/pause"), 405)
        self.assertIsNone(self.get(self.path)["paused"])

    def test_past_ends_are_refused_by_the_engine(self):
        self.pause()
        self.problem(self.pause({"until": "1999-01-01T00:00:00Z"}), 409, "in the future")

    def test_a_store_that_takes_no_records(self):
        self.tell("store-error disk-full")
        self.problem(self.pause(), 503, "disk-full")
        self.problem(self.post(self.path + "/resume"), 503, "disk-full")
        self.assertIsNone(self.get(self.path)["paused"])


class Logs(ApiCase):
    def setUp(self):
        super().setUp()
        self.run_id = self.tell("claim send-reminders")
        self.tell(f"start {self.run_id}")

    def text(self, query=""):
        answer = self.ask("GET", f"/api/v1/runs/{self.run_id}/log{query}")
        self.assertEqual(200, answer.status, answer.body)
        return answer.body

    def lines(self, query=""):
        return [read_json(line) for line in
                self.text("?format=jsonl" + query).decode().splitlines()]

    def test_bytes_as_they_were(self):
        self.assertEqual(b"", self.text())
        self.log(self.run_id, "stdout", b"out\n")
        self.log(self.run_id, "stderr", b"err\0\xff\n")
        self.log(self.run_id, "belfry", b"note\n")
        self.assertEqual(b"out\nerr\0\xff\nnote\n", self.text())
        self.assertEqual(b"out\n", self.text("?stream=stdout"))
        self.assertEqual(b"err\0\xff\n", self.text("?stream=stderr&format=text"))
        self.assertEqual(b"note\n", self.text("?stream=belfry&follow=false"))

    def test_lines(self):
        self.log(self.run_id, "stdout", b"a\nb")
        self.log(self.run_id, "stderr", b"\xff\n")
        self.log(self.run_id, "stdout", b"c\xc3")
        self.log(self.run_id, "stdout", b"\xa9\n")
        lines = self.lines()
        self.assertEqual([("stdout", "a\n"), ("stdout", "b"), ("stderr", "\ufffd\n"),
                          ("stdout", "c"), ("stdout", "é\n")],
                         [(line["stream"], line["text"]) for line in lines])
        self.assertEqual({"time", "stream", "attempt", "text"}, set(lines[0]))
        self.assertEqual(1, lines[0]["attempt"])
        self.assertEqual(["\ufffd\n"], [line["text"] for line in self.lines("&stream=stderr")])

    def test_more_than_a_page(self):
        chunk = b"".join(b"%05d\n" % i for i in range(5000))
        for _ in range(8):
            self.log(self.run_id, "stdout", chunk)
        self.assertEqual(chunk * 8, self.text())
        self.assertEqual(5000 * 8, len(self.lines()))

    def follow(self, query=""):
        connection = self.connect()
        connection.request("GET", f"/api/v1/runs/{self.run_id}/log?follow=true{query}")
        self.addCleanup(connection.close)
        return connection.getresponse()

    def test_follow_to_the_end(self):
        self.log(self.run_id, "stdout", b"before\n")
        response = self.follow()
        self.assertEqual(b"before\n", response.readline())
        for i in range(20):
            self.log(self.run_id, "stdout", b"line %d\n" % i)
            self.assertEqual(b"line %d\n" % i, response.readline())
        self.tell(f"end {self.run_id} succeeded 0")
        self.assertEqual(b"", response.read())

    def test_who_follows_makes_no_room(self):
        """However many connect: it is being answered."""
        response = self.follow()
        held = [socket.create_connection((self.host, self.port), DEADLINE_S) for _ in range(300)]
        wait_for(lambda: self.ask("GET", "/health").status == 200, "room for one more")
        self.log(self.run_id, "stdout", b"still here\n")
        self.assertEqual(b"still here\n", response.readline())
        for connection in held:
            connection.close()
        self.tell(f"end {self.run_id} succeeded 0")
        self.assertEqual(b"", response.read())

    def test_follow_of_one_that_ended(self):
        self.log(self.run_id, "stdout", b"all\n")
        self.tell(f"end {self.run_id} succeeded 0")
        self.assertEqual(b"all\n", self.follow().read())

    def test_follow_of_one_stream(self):
        response = self.follow("&stream=stderr&format=jsonl")
        self.log(self.run_id, "stdout", b"not this\n")
        self.log(self.run_id, "stderr", b"this\n")
        self.assertEqual("this\n", read_json(response.readline())["text"])
        self.tell(f"end {self.run_id} failed 1")
        self.assertEqual(b"", response.read())

    def test_follow_begins_before_the_claim_is_durable(self):
        self.tell("hold yes")
        self.run_id = self.tell("claim job-2")
        response = self.follow()
        canceled = self.ask("GET", f"/api/v1/runs/{self.run_id}")
        self.assertEqual("claimed", canceled.json["state"])
        self.assertEqual(200, response.status)

    def test_canceled_while_followed(self):
        """The stream is woken from within the answer to another request."""
        self.log(self.run_id, "stdout", b"begun\n")
        response = self.follow()
        self.assertEqual(b"begun\n", response.readline())
        self.assertEqual(202, self.post(f"/api/v1/runs/{self.run_id}/cancel").status)
        self.assertEqual(b"", response.read())

    def test_many_follow(self):
        """Each follower gets all, those of another run nothing of it."""
        other = self.tell("claim job-2")
        responses = [self.follow() for _ in range(20)]
        mine, self.run_id = self.run_id, other
        others = [self.follow() for _ in range(5)]
        self.log(mine, "stdout", b"for all\n")
        self.tell(f"end {mine} succeeded 0")
        for response in responses:
            self.assertEqual(b"for all\n", response.read())
        self.tell(f"end {other} succeeded 0")
        for response in others:
            self.assertEqual(b"", response.read())

    def test_too_many_streams(self):
        held = [self.follow() for _ in range(64)]
        self.assertEqual({200}, {response.status for response in held})
        self.assertEqual(503, self.follow().status)
        self.assertEqual(200, self.ask("GET", "/health").status)

    def test_a_follower_that_hangs_up(self):
        """Its place is free again: 64 come and go, 64 more are served."""
        for _ in range(3):
            held = []
            for _ in range(60):
                connection = self.connect()
                connection.request("GET", f"/api/v1/runs/{self.run_id}/log?follow=true")
                held.append((connection, connection.getresponse()))
            for connection, response in held:
                self.assertEqual(200, response.status)
                response.close()
                connection.close()
            wait_for(lambda: self.follow_status() == 200, "room for one more stream")

    def follow_status(self):
        connection = self.connect()
        connection.request("GET", f"/api/v1/runs/{self.run_id}/log?follow=true")
        response = connection.getresponse()
        status = response.status
        response.close()
        connection.close()
        return status

    def test_a_follower_that_does_not_read(self):
        """It costs nobody else anything, and gets all once it reads."""
        response = self.follow()
        chunk = b"x" * 99999 + b"\n"
        for _ in range(60):
            self.log(self.run_id, "stdout", chunk)
        self.assertEqual(200, self.ask("GET", "/health").status)
        self.tell(f"end {self.run_id} succeeded 0")
        self.assertEqual(chunk * 60, response.read())

    def test_end_while_followed(self):
        """The server goes away with streams open: the client sees that it is not all."""
        self.log(self.run_id, "stdout", b"begun\n")
        response = self.follow()
        self.assertEqual(b"begun\n", response.readline())
        self.served.stdin.close()
        with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
            response.read()


class Lists(ApiCase):
    def test_occurrences(self):
        self.tell("missed send-reminders 3")
        self.tell("missed job-2 1")
        rows = self.get("/api/v1/occurrences")["occurrences"]
        self.assertEqual(["job-2", "send-reminders"], [row["job"] for row in rows])
        self.assertEqual({"job": "send-reminders", "scheduled_at": "2026-03-29T01:00:00Z",
                          "last_at": "2026-03-29T01:00:00.500Z", "count": 3, "state": "missed",
                          "reason": "down", "run": None,
                          "recorded_at": "2026-03-29T01:00:01Z"}, rows[1])
        only = lambda query: [row["job"] for row in
                              self.get("/api/v1/occurrences?" + query)["occurrences"]]
        self.assertEqual(["job-2"], only("job=job-2"))
        self.assertEqual([], only("state=skipped"))
        self.assertEqual(["job-2"], only("state=missed&limit=1"))
        self.assertEqual(["job-2"], only("from=2026-03-29T01:00:01Z"))
        self.assertEqual(["send-reminders"], only("to=2026-03-29T01:00:01Z"))
        self.problem(self.ask("GET", "/api/v1/occurrences?state=gone"), 400, "skipped")

    def test_downtimes(self):
        self.assertEqual([], self.get("/api/v1/downtimes")["downtimes"])
        self.assertIsNone(self.get("/api/v1/status")["downtime"])
        self.tell("missed send-reminders 3")
        self.tell("missed gone 2")
        self.tell("downtime 5")
        self.tell("downtime 9")
        rows = self.get("/api/v1/downtimes")["downtimes"]
        self.assertEqual([9000, 5000], [row["duration_ms"] for row in rows])
        self.assertEqual({"kind": "down", "since": "2026-03-29T01:00:00Z",
                          "until": "2026-03-29T01:00:05Z", "is_exact": True, "duration_ms": 5000,
                          "occurrences": 1, "caught_up": 0, "skipped": 1, "missed": 0,
                          "too_old": 0, "superseded": 0, "not_wanted": 0, "window_ms": None},
                         rows[1])
        self.assertEqual(rows[0], self.get("/api/v1/status")["downtime"])
        self.assertEqual(rows[:1], self.get("/api/v1/downtimes?limit=1")["downtimes"])
        # A job's part is what its occurrences say.
        part = self.get("/api/v1/downtimes?job=send-reminders&limit=1")["downtimes"][0]
        self.assertEqual((3, 3, 0), (part["occurrences"], part["missed"], part["skipped"]))
        self.assertEqual(part, self.get("/api/v1/jobs/send-reminders")["downtime"])
        self.assertEqual([2, 2], [row["missed"] for row in
                                  self.get("/api/v1/downtimes?job=gone")["downtimes"]])
        self.problem(self.ask("GET", "/api/v1/downtimes?job="), 400, "job is empty")

    def test_status(self):
        status = self.get("/api/v1/status")
        self.assertEqual({"started_at", "lateness", "downtime", "health"}, set(status))
        self.assertEqual({"runs": 0, "p50_ms": None, "p99_ms": None, "max_ms": None},
                         status["lateness"])
        self.assertEqual("ok", status["health"]["status"])
        self.tell("store-error full")
        self.assertEqual("failing", self.get("/api/v1/status")["health"]["status"])

    def test_summary(self):
        for job, ends in (("send-reminders", ["succeeded", "failed", "failed"]),
                          ("job-2", ["failed", "partial", "canceled"]), ("gone", ["failed"])):
            for end in ends:
                run = self.tell(f"claim {job}")
                self.tell(f"start {run}")
                self.tell(f"end {run} {end} {int(end == 'failed')}")
                last = run if job == "send-reminders" else last
        self.tell("claim job-2")
        self.tell("missed send-reminders 3")
        window = "?from=2026-03-29T00:00:00Z&to=2026-03-30T00:00:00Z"
        summary = self.get("/api/v1/summary" + window)
        self.assertEqual({"all": 3, "enabled": 3, "paused": 0, "running": 1}, summary["jobs"])
        self.assertEqual({"open": 1, "finished": {"succeeded": 1, "partial": 1, "failed": 4,
                                                  "timed_out": 0, "canceled": 1, "unknown": 0}},
                         summary["runs"])
        self.assertEqual({"skipped": 0, "missed": 3}, summary["occurrences"])
        # A job that did its work since, and one that is not in the file, do not fail.
        self.assertEqual([{"job": "send-reminders", "failures": 2, "last": last}],
                         summary["failing"])
        self.assertEqual(summary["from"], summary["counted_from"])
        empty = self.get("/api/v1/summary?from=2026-03-30T00:00:00Z&to=2026-03-31T00:00:00Z")
        self.assertEqual((0, []), (sum(empty["runs"]["finished"].values()), empty["failing"]))
        self.problem(self.ask("GET", "/api/v1/summary?from=2027-01-01T00:00:00Z&to=2026-01-01T00:00:00Z"),
                     400, "from is not before to")

    def test_metrics(self):
        older, newer = ("text/plain; version=0.0.4; charset=utf-8",
                        "application/openmetrics-text; version=1.0.0; charset=utf-8")
        om = "application/openmetrics-text"
        for accept, kind in ((None, older), ("*/*", older), ("text/plain", older), (om, newer),
                             (om + ";version=1.0.0", newer), (f"text/plain;q=0.5, {om};q=0.6", newer),
                             (f"{om};q=0.5,text/plain;version=0.0.4;q=0.6", older),
                             (f"{om.upper()} ; q=0.001 , */*;q=0.9", newer), (om + ";q=0", older),
                             (om + "x", older), (",,;q=1,", older), (om + ";q=", newer),
                             (f"text/plain; q=0.5, {om}; charset=utf-8; q=0.5", newer)):
            answer = self.ask("GET", "/metrics", None, {"Accept": accept} if accept else {})
            self.assertEqual((200, kind), (answer.status, answer.headers["Content-Type"]), accept)
            self.assertEqual(f"begin {int(kind == newer)}\nend\n".encode(), answer.body)

    def test_revisions(self):
        self.assertEqual([], self.get("/api/v1/revisions")["revisions"])
        self.tell('revise [{"job":"a","change":"create"}]')
        self.tell("revise []")
        rows = self.get("/api/v1/revisions")["revisions"]
        self.assertEqual([3, 2], [row["number"] for row in rows])
        self.assertEqual({"number": 2, "applied_at": "2026-03-29T01:00:00Z", "hash": "00ff",
                          "author": "tester@here", "source": "schedules.json", "message": None,
                          "changes": [{"job": "a", "change": "create"}]}, rows[1])
        self.assertEqual(1, len(self.get("/api/v1/revisions?limit=1")["revisions"]))


class Limits(ApiCase):
    def raw(self, data):
        """What the server says to these bytes, until it closes."""
        with socket.create_connection((self.host, self.port), DEADLINE_S) as connection:
            connection.sendall(data)
            said = b""
            while piece := connection.recv(65536):
                said += piece
            return said

    def test_a_body_that_is_too_long(self):
        target = "/api/v1/jobs/send-reminders/trigger"
        self.problem(self.post(target, " " * ((1 << 20) + 1)), 413)
        self.problem(self.post(target, " " * (1 << 20)), 400, "no JSON")

    def test_headers_that_are_too_long(self):
        said = self.raw(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 60000 +
                        b"\r\nConnection: close\r\n\r\n")
        self.assertIn(b" 431 ", said.split(b"\r\n")[0])

    def test_many_requests_on_one_connection(self):
        connection = self.connect()
        for _ in range(200):
            connection.request("GET", "/health")
            self.assertEqual(200, Answer(connection.getresponse()).status)
        connection.close()

    def test_requests_at_once(self):
        statuses = []

        def work():
            for _ in range(20):
                statuses.append(self.ask("GET", "/api/v1/jobs").status)

        threads = [threading.Thread(target=work) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE_S)
        self.assertEqual([200] * 320, statuses)

    def test_too_many_connections(self):
        """With 128 the oldest that ask nothing make room for the next."""
        held = [socket.create_connection((self.host, self.port), DEADLINE_S) for _ in range(300)]
        # Until those are gone, what comes in between is told 503.
        wait_for(lambda: self.ask("GET", "/health").status == 200, "room for one more")
        self.assertEqual(b"", held[0].recv(1))
        held[-1].setblocking(False)
        self.assertRaises(BlockingIOError, held[-1].recv, 1)
        for connection in held:
            connection.close()
        self.assertEqual(200, self.ask("GET", "/health").status)

    def test_nonsense(self):
        rows = {b"\0" * 100 + b"\r\n\r\n": b"", b"GET\r\n\r\n": b"",
                b"GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n": b"HTTP/1.1 505 ",
                b"GET http://localhost/health HTTP/1.1\r\nHost: localhost\r\n"
                b"Connection: close\r\n\r\n": b"HTTP/1.1 400 ",
                b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n":
                b"HTTP/1.1 400 "}
        for data, answer in rows.items():
            with socket.create_connection((self.host, self.port), DEADLINE_S) as connection:
                connection.sendall(data)
                self.assertEqual(answer, connection.recv(len(answer)) if answer else b"")
        self.assertEqual(200, self.ask("GET", "/health").status)


if __name__ == "__main__":
    unittest.main(verbosity=2)
