#!/usr/bin/python3
"""What programs watch the real daemon by: events, the timeline, ranges of logs, curl's
short form."""
import datetime
import http.client
import json
import signal
import socket
import unittest

from harness import Belfry, job, shell, wait_for


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Events:
    """GET /api/v1/events, event by event."""

    def __init__(self, belfry, last=None):
        host, port = belfry.url.rsplit("/", 1)[1].rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=60)
        self.connection.request("GET", "/api/v1/events",
                                headers={"Last-Event-ID": last} if last else {})
        self.answer = self.connection.getresponse()
        self.last = last
        self.first = self.next_block()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def next_block(self):
        """The fields of the next block that is no comment."""
        fields = {}
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if line:
                name, _, value = line.partition(":")
                if name:
                    fields[name] = value.strip()
            elif fields:
                self.last = fields.get("id", self.last)
                return fields

    def next(self):
        block = self.next_block()
        return block["event"], json.loads(block["data"])

    def until(self, name, condition):
        """All up to the first event of that name that meets the condition."""
        seen = []
        while not seen or seen[-1][0] != name or not condition(seen[-1][1]):
            seen.append(self.next())
        return seen


class Drain(unittest.TestCase):
    """SIGTERM, and who has asked before gets all of the answer."""

    def test_a_slow_reader_and_a_stream(self):
        text = "x" * 99 + "\n"
        with Belfry([job("chatty", shell(f"yes {text.strip()} | head -n 60000")),
                     job("long", ["sleep", "600"])]) as b:
            b.start()
            run = b.wait_run(b.trigger("chatty"))["id"]
            host, port = b.url.rsplit("/", 1)[1].rsplit(":", 1)
            slow = socket.create_connection((host, int(port)), timeout=60)
            slow.sendall(f"GET /api/v1/runs/{run}/log HTTP/1.1\r\nHost: localhost\r\n"
                         "Connection: close\r\n\r\n".encode())
            got = slow.recv(1000)
            following = http.client.HTTPConnection(host, int(port), timeout=60)
            following.request("GET", f"/api/v1/runs/{b.trigger('long')}/log?follow=true")
            log = following.getresponse()
            with Events(b) as events:
                b.process.send_signal(signal.SIGTERM)
                wait_for(lambda: refused(host, int(port)), "belfry to take no more connections")
                self.assertIsNone(b.process.poll())  # it owes somebody something
                while piece := slow.recv(65536):
                    got += piece
                # What waits for more is cut, so that nobody takes it for all.
                for stream in (events.answer, log):
                    with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
                        stream.read()
            self.assertTrue(got.endswith(b"\r\n0\r\n\r\n"))
            self.assertGreaterEqual(got.count(b"x" * 99), 60000 - 400)  # but where chunks part
            following.close()
            slow.close()
            self.assertEqual(0, b.process.wait(60))

    def test_nobody_holds_it_up_for_ever(self):
        with Belfry([job("chatty", shell("yes | head -c 7000000"))]) as b:
            b.start()
            run = b.wait_run(b.trigger("chatty"))["id"]
            host, port = b.url.rsplit("/", 1)[1].rsplit(":", 1)
            with socket.create_connection((host, int(port)), timeout=60) as deaf:
                deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                deaf.sendall(f"GET /api/v1/runs/{run}/log HTTP/1.1\r\nHost: localhost\r\n\r\n"
                             .encode())
                deaf.recv(1000)
                self.assertEqual(0, b.stop())


def refused(host, port):
    try:
        socket.create_connection((host, port), timeout=60).close()
    except ConnectionRefusedError:
        return True
    return False


class WatchEvents(unittest.TestCase):
    def test_a_run_from_claim_to_end(self):
        with Belfry([job("a", "true")]) as b:
            b.start()
            with Events(b) as events:
                self.assertEqual("text/event-stream", events.answer.headers["Content-Type"])
                run = b.trigger("a")
                seen = events.until("run", lambda data: data["state"] == "finished")
                states = [data["state"] for name, data in seen if data["id"] == run]
                self.assertEqual(len(states), len(set(states)), states)  # no news twice
                self.assertEqual("succeeded", seen[-1][1]["outcome"])

    def test_who_comes_back_misses_nothing(self):
        with Belfry([job("a", "true")]) as b:
            b.start()
            with Events(b) as events:
                last = events.last
            runs = [b.wait_run(b.trigger("a"))["id"] for _ in range(3)]
            with Events(b, last) as events:
                self.assertNotIn("event", events.first)
                seen = events.until("run", lambda data: data["id"] == runs[-1]
                                    and data["state"] == "finished")
            ended = {data["id"] for _, data in seen if data["state"] == "finished"}
            self.assertLessEqual(set(runs), ended)

    def test_who_was_away_too_long_is_told_to_begin_anew(self):
        with Belfry([job("a", "true")]) as b:
            b.start()
            with Events(b) as events:
                last = events.last
            for strange in ("nonsense", "0-1", last + "0", last.split("-")[0] + "-99", "-"):
                with Events(b, strange) as events:
                    self.assertEqual("reset", events.first["event"], strange)
            b.stop()
            b.start()
            with Events(b, last) as events:
                self.assertEqual("reset", events.first["event"])

    def test_revisions(self):
        with Belfry([job("a", "true")]) as b:
            b.start()
            with Events(b) as events:
                b.write([job("b", "true")])
                self.assertEqual(("revision", {"number": 2}), events.next())

    def test_watchers_do_not_hold_up_the_end(self):
        with Belfry([job("a", "true")]) as b:
            b.start()
            with Events(b):
                self.assertEqual(0, b.stop())


class WatchTimeline(unittest.TestCase):
    def test_what_was_and_what_comes(self):
        jobs = [job("tick", "true", "* * * * *"), job("off", "true", "* * * * *", enabled=False),
                job("hour", "true", "0 * * * *", timezone="Asia/Kolkata")]
        with Belfry(jobs) as b:
            b.start()
            run = b.trigger("tick")
            b.wait_run(run)
            usual = json.loads(b.http("GET", "/api/v1/timeline")[1])
            self.assertTrue(usual["has_more_fires"])  # 50 of 61
            self.assertEqual(50, len(usual["fires"]))
            body = json.loads(b.http("GET", "/api/v1/timeline?limit=100")[1])
            self.assertFalse(body["has_more_fires"])
            self.assertEqual([run], [row["id"] for row in body["runs"]])
            now, to = instant(body["now"]), instant(body["to"])
            fires = [(fire["job"], instant(fire["at"])) for fire in body["fires"]]
            self.assertEqual(sorted(fires, key=lambda fire: (fire[1], fire[0])), fires)
            self.assertEqual({"tick", "hour"}, {name for name, _ in fires})
            self.assertTrue(all(now < at < to for _, at in fires))
            self.assertTrue(all(at.minute == 30 for name, at in fires if name == "hour"))
            minutes = [at for name, at in fires if name == "tick"]
            self.assertEqual({datetime.timedelta(minutes=1)},
                             {b - a for a, b in zip(minutes, minutes[1:])})

    def test_a_window_of_its_own(self):
        with Belfry([job("tick", "true", "* * * * *"), job("other", "true", "* * * * *")]) as b:
            b.start()
            path = ("/api/v1/timeline?from=2100-01-01T00:00:00Z&to=2100-01-01T00:03:00Z"
                    "&job=tick&limit=1000")
            body = json.loads(b.http("GET", path)[1])
            self.assertEqual([{"job": "tick", "at": f"2100-01-01T00:0{i}:00Z"} for i in range(3)],
                             body["fires"])
            self.assertEqual(([], False, False), (body["runs"], body["has_more_runs"],
                                                  body["has_more_fires"]))
            for query in ("from=2100-01-02T00:00:00Z&to=2100-01-01T00:00:00Z", "from=x", "until=x",
                          "limit=0"):
                self.assertEqual(400, b.http("GET", "/api/v1/timeline?" + query)[0], query)

    def test_runs_by_time(self):
        with Belfry([job("a", "true")]) as b:
            b.start()
            ids = []
            for _ in range(3):
                ids.append(b.trigger("a"))
                b.wait_run(ids[-1])
            claimed = {row["id"]: row["claimed_at"] for row in b.runs()}

            def between(query):
                rows = json.loads(b.http("GET", "/api/v1/runs?" + query)[1])["runs"]
                return [row["id"] for row in rows]

            middle = claimed[ids[1]]
            self.assertEqual([ids[2], ids[1]], between("from=" + middle))
            self.assertEqual([ids[0]], between("to=" + middle))
            self.assertEqual([], between(f"from={middle}&to={middle}"))
            self.assertEqual([ids[1]], between(f"from={middle}&to={claimed[ids[2]]}"))
            self.assertEqual([ids[1]], between(f"from={middle}&before={ids[2]}"))


class Ranges(unittest.TestCase):
    def test_a_piece_of_a_log(self):
        with Belfry([job("a", shell("printf 0123456789; printf abcdef >&2"))]) as b:
            b.start()
            run = b.trigger("a")
            b.wait_run(run)
            path = f"/api/v1/runs/{run}/log?stream=stdout"
            for header, status, body in (("bytes=0-3", 206, "0123"), ("bytes=7-", 206, "789"),
                                         ("bytes=-2", 206, "89"), ("bytes=8-99", 206, "89"),
                                         ("bytes=-99", 206, "0123456789"),
                                         ("bytes=5-4", 416, None), ("bytes=10-", 416, None),
                                         ("bytes=-0", 416, None), ("bytes=0-1,3-4", 200, None),
                                         ("lines=0-3", 200, None), ("bytes=-", 200, None)):
                got = b.http("GET", path, {"Range": header})
                self.assertEqual(status, got[0], header)
                if status == 206:
                    self.assertEqual(body, got[1], header)
                if status == 200:
                    self.assertEqual("0123456789", got[1], header)


class Cron(unittest.TestCase):
    def test_get_rehearses_and_post_starts(self):
        with Belfry([job("a", "true", dry_run=[])]) as b:
            b.start()
            status, body = b.http("GET", "/api/cron/a?dryRun=true")
            self.assertEqual((202, True), (status, json.loads(body)["dry_run"]))
            self.assertEqual(405, b.http("GET", "/api/cron/a")[0])
            self.assertEqual(405, b.http("GET", "/api/cron/a?dryRun=false")[0])
            status, body = b.http("POST", "/api/cron/a")
            self.assertEqual((202, False), (status, json.loads(body)["dry_run"]))
            b.wait_run(json.loads(body)["id"])
            self.assertEqual(202, b.http("POST", "/api/cron/a?dryRun=true")[0])
            self.assertEqual(404, b.http("POST", "/api/cron/none")[0])
            self.assertEqual(400, b.http("POST", "/api/cron/a?dry_run=true")[0])

    def test_a_page_of_another_site_starts_nothing(self):
        with Belfry([job("a", "true")]) as b:
            b.start()
            for site in ("cross-site", "same-site"):
                self.assertEqual(403, b.http("GET", "/api/cron/a?dryRun=true",
                                             {"Sec-Fetch-Site": site})[0])
            for site in ("none", "same-origin"):
                self.assertEqual(202, b.http("GET", "/api/cron/a?dryRun=true",
                                             {"Sec-Fetch-Site": site})[0])
            wait_for(lambda: len(b.runs()) == 2, "two runs")


if __name__ == "__main__":
    unittest.main(verbosity=2)
