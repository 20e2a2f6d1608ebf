#!/usr/bin/python3
"""A file that is written while it is read, files that are wrong, and clients that are:
nothing but a whole good file ever comes into force, and no job is late for any of it."""
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import threading
import time
import unittest

from harness import (BELFRY, IS_LONG, Belfry, Beside, drawing, job, main, rss_kib, wait_for)

VECTORS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "vectors")


# ---- F20 ----

class WrittenWhileRead(unittest.TestCase):
    def test_byte_by_byte_under_sighups(self):
        """Truncated and rewritten byte by byte without a pause; what is seen of it from
        outside is the old file or the new one, and nothing else."""
        rows = {name: [Beside.job()] + [job(f"{name}-{i}", ["true"]) for i in range(3)]
                for name in ("old", "new")}
        texts = {name: json.dumps({"jobs": jobs}) for name, jobs in rows.items()}
        sets = [sorted(row["name"] for row in jobs) for jobs in rows.values()]
        with Belfry([]) as b:
            b.write_raw(texts["old"])
            b.start()
            stop = threading.Event()
            writer = threading.Thread(target=self.rewrite, args=(b.config, texts, stop))
            with Beside(b) as beside:
                writer.start()
                seen, until = [], time.monotonic() + (20 if IS_LONG else 5)
                while time.monotonic() < until:
                    b.process.send_signal(signal.SIGHUP)
                    answer = json.loads(b.http("GET", "/api/v1/jobs")[1])
                    seen.append(sorted(row["name"] for row in answer["jobs"]))
                stop.set()
                writer.join()
            print(f"{self.rewritten} times rewritten, {len(seen)} looks", flush=True)
            self.assertEqual([], [names for names in seen if names not in sets])
            self.assertEqual([], beside.wrong())
            with open(b.config, "w", encoding="ascii") as file:
                file.write(texts["new"])
            wait_for(lambda: sorted(row["name"] for row in b.ask("list")) == sets[1],
                     "the new file")
            wait_for(lambda: json.loads(b.http("GET", "/health")[1])["config"]["status"] == "ok",
                     "all to be well")
            for (content,) in b.sql("SELECT content FROM revision"):
                self.assertIn(content.decode(), texts.values())

    def rewrite(self, path, texts, stop):
        self.rewritten = 0
        fd = os.open(path, os.O_WRONLY)
        while not stop.is_set():
            text = texts["new" if self.rewritten % 2 else "old"].encode()
            os.ftruncate(fd, 0)
            for i in range(len(text)):
                os.pwrite(fd, text[i:i + 1], i)
            self.rewritten += 1
        os.close(fd)

    def test_a_busy_neighbour_in_the_folder(self):
        """A log beside the file is written without a pause: the daemon has time for jobs."""
        with Belfry([Beside.job()]) as b:
            b.start()
            with Beside(b) as beside:
                with subprocess.Popen(["dd", "if=/dev/zero", f"of={b.path('log')}", "bs=1",
                                       "count=1000000000"], stderr=subprocess.DEVNULL) as busy:
                    time.sleep(10 if IS_LONG else 4)  # the fault itself
                    busy.kill()
            self.assertEqual([], beside.wrong())


# ---- F21 ----

def rows_of(name):
    with open(os.path.join(VECTORS, name), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def file_with(row, line):
    """A good file but for the row's text, in the line given."""
    good = json.dumps(job("good", ["true"]))
    bad = job("bad", ["true"], "PLACE" if row["kind"] == "expr" else "0 9 * * *")
    if row["kind"] == "tz":
        bad["timezone"] = "PLACE"
    key = "expr" if row["kind"] == "expr" else "tz"
    if key + "_hex" in row:
        text = b'"' + bytes.fromhex(row[key + "_hex"]) + b'"'
    else:
        text = json.dumps(row[key]).encode()
    head, tail = json.dumps(bad).encode().split(b'"PLACE"')
    return (b'{"jobs": [' + good.encode() + b"," + b"\n" * (line - 1) + head + text + tail
            + b"]}")


class WrongFiles(unittest.TestCase):
    def put(self, b, data):
        with open(b.config + ".new", "wb") as file:
            file.write(data)
        os.rename(b.config + ".new", b.config)

    def test_each_bad_schedule_in_an_otherwise_good_file(self):
        rows = rows_of("invalid.jsonl")
        if not IS_LONG:
            rows = drawing("bad schedules").sample(rows, 40)
        with Belfry([Beside.job()]) as b:
            b.start()
            with Beside(b) as beside:
                for number, row in enumerate(rows):
                    line = 10 + number
                    self.put(b, file_with(row, line))
                    b.process.send_signal(signal.SIGHUP)
                    # The place is of this row and of none before it.
                    health = wait_for(lambda at=f"{b.config}:{line}:": self.health_with(b, at),
                                      f"/health to name line {line} for {row}")
                    self.assertEqual(("degraded", "refused"),
                                     (health["status"], health["config"]["status"]), row)
            self.assertEqual([], beside.wrong())
            self.assertEqual(["beside"], [entry["name"] for entry in b.ask("list")])
            self.assertEqual([(1,)], b.sql("SELECT number FROM revision"))
            b.write([Beside.job(), job("mended", ["true"])])
            b.wait_said("revision 2 in force")
            self.assertEqual("ok", json.loads(b.http("GET", "/health")[1])["config"]["status"])

    def health_with(self, b, text):
        status, body = b.http("GET", "/health")
        self.assertEqual(200, status)
        health = json.loads(body)
        return health if text in (health["config"]["message"] or "") else None

    def test_a_start_with_a_bad_file_refuses_with_its_place(self):
        rows = drawing("bad files at the start").sample(rows_of("invalid.jsonl"),
                                                        60 if IS_LONG else 6)
        with Belfry([]) as b:
            for row in rows:
                self.put(b, file_with(row, 7))
                ended = subprocess.run(
                    [BELFRY, "serve", "--config", b.config, "--state", b.state, "--listen",
                     "127.0.0.1:0"], stderr=subprocess.PIPE, timeout=60)
                self.assertEqual(2, ended.returncode, row)
                self.assertIn(f"{b.config}:7:".encode(), ended.stderr, row)
                self.assertNotIn(b"listening on", ended.stderr)

    def test_running_jobs_are_not_touched(self):
        with Belfry([]) as b:
            go = b.path("go")
            b.write([job("long", ["sh", "-c", 'while [ ! -e "$0" ]; do sleep 0.1; done', go])])
            b.start()
            run = b.trigger("long")
            for text in (b"{", b"", b"\x00\xff", b"[" * 100000, b'{"jobs":[{}]}',
                         b'{"jobs":[],"jobs":[]}'):
                told = len(b.said("stays in force"))
                self.put(b, text)
                wait_for(lambda n=told: len(b.said("stays in force")) > n, f"{text[:20]} refused")
            with open(go, "w", encoding="ascii"):
                pass
            self.assertEqual("succeeded", b.wait_run(run)["outcome"])


# ---- F22 ----

def raise_own_limit(wanted):
    """The test's own descriptors; how many it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


class Abuse(unittest.TestCase):
    def setUp(self):
        self.b = Belfry([Beside.job(), job("never", ["true"])]).start()
        self.address = tuple(self.b.url.removeprefix("http://").split(":"))
        self.addCleanup(self.b.__exit__, None, None, None)

    def open(self):
        link = socket.create_connection(self.address, timeout=60)
        self.addCleanup(link.close)
        return link

    def talk(self, data, patience_s=5):
        """What comes back until the daemon hangs up or has nothing more to say."""
        with self.open() as link:
            link.settimeout(patience_s)
            answer = b""
            with contextlib.suppress(OSError):
                link.sendall(data)
            with contextlib.suppress(OSError):
                while piece := link.recv(65536):
                    answer += piece
            return answer

    def check_health(self):
        self.assertEqual(200, self.b.http("GET", "/health")[0])

    def test_a_thousand_slow_sockets(self):
        count = min(1000, raise_own_limit(1200) - 100)
        self.assertGreater(count, 500)
        with Beside(self.b) as beside:
            links = [self.open() for _ in range(count)]
            head = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: "
            for i in range(len(head) + (20 if IS_LONG else 3)):
                for link in links:
                    with contextlib.suppress(OSError):
                        link.send(head[i:i + 1] or b"x")
                time.sleep(0.1)  # slowly
            # They are still there: the oldest have to make room for who asks something.
            wait_for(self.is_served, "/health to be answered")
        self.assertEqual([], beside.wrong())
        for link in links:
            link.close()

    def is_served(self):
        with contextlib.suppress(OSError):
            return self.b.http("GET", "/health")[0] == 200
        return False

    def test_connections_that_end_in_the_middle_of_a_request(self):
        """Their end comes along with what they say; they do not stay for ever."""
        for _ in range(3):
            links = [self.open() for _ in range(400)]
            for link in links:
                link.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ")
                link.close()
        begun = time.monotonic()
        wait_for(self.is_served, "/health to be answered")
        self.assertLess(time.monotonic() - begun, 20)

    def test_long_bodies(self):
        before = rss_kib(self.b.process.pid)
        target = b"POST /api/v1/jobs/never/trigger HTTP/1.1\r\nHost: localhost\r\n" \
                 b"Content-Type: application/json\r\n"
        with Beside(self.b) as beside:
            answer = self.talk(target + b"Content-Length: 104857600\r\n\r\n" + b" " * 104857600)
            self.assertIn(b" 413 ", answer[:64])
            piece = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
            answer = self.talk(target + b"Transfer-Encoding: chunked\r\n\r\n" + piece * 100)
            self.assertNotIn(b" 200 ", answer[:64])
            answer = self.talk(target + b"X: " + b"y" * 1000000 + b"\r\n\r\n")
            self.assertNotIn(b" 200 ", answer[:64])
        self.assertEqual([], beside.wrong())
        self.assertLess(rss_kib(self.b.process.pid, peak=True) - before, 64 * 1024)
        self.check_health()
        self.assertEqual([], self.b.runs("--job", "never"))

    def test_deep_and_crooked_bodies(self):
        with Beside(self.b) as beside:
            for body in (b"[" * 1000000, b'{"a":' * 200000, b"{" * 1000, b"\x00" * 1000,
                         b'{"dry_run":' + b"9" * 100000 + b"}", b'{"dry_run":tru\x00e}',
                         b'"\xff\xfe"', b'{"dry_run":true,"dry_run":false}'):
                head = (b"POST /api/v1/jobs/never/trigger HTTP/1.1\r\nHost: localhost\r\n"
                        b"Connection: close\r\nContent-Type: application/json\r\n"
                        b"Content-Length: %d\r\n\r\n" % len(body))
                answer = self.talk(head + body)
                self.assertIn(b" 400 ", answer[:64], body[:40])
        self.assertEqual([], beside.wrong())
        self.assertEqual([], self.b.runs("--job", "never"))

    def test_paths_that_lead_out(self):
        secret = os.path.join(self.b.state, "lock")
        for path in (b"/api/v1/runs/%2e%2e%2f%2e%2e%2fetc%2fpasswd/log",
                     b"/%2e%2e/%2e%2e/etc/passwd", b"/../../../../etc/passwd", b"/api/v1/runs/..%2f..%2flock/log",
                     b"/api/v1/jobs/%2e%2e%2flock", b"/api/v1/jobs/a%00b", b"/a\x00b",
                     b"/%", b"/%zz", b"/" + b"a/" * 5000, b"/?" + b"a=b&" * 4000,
                     secret.encode(), b"//" + secret.encode(), b"http://localhost" +
                     secret.encode(), b"*", b"/%ff%fe", b"/" + b"%2e" * 3000):
            answer = self.talk(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n"
                               b"Connection: close\r\n\r\n")
            self.assertNotIn(b" 200 ", answer[:64], path[:60])
            self.assertNotIn(b"root:", answer, path[:60])
        self.check_health()

    def test_two_requests_in_one(self):
        """What two readers of the same bytes could take for one request or for two: the
        hidden one is never carried out."""
        hidden = (b"POST /api/v1/jobs/never/trigger HTTP/1.1\r\nHost: localhost\r\n"
                  b"Content-Length: 0\r\n\r\n")
        head = b"POST /api/v1/jobs/nobody/trigger HTTP/1.1\r\nHost: localhost\r\n" \
               b"Content-Type: application/json\r\n"
        size = b"%d" % len(b"0\r\n\r\n" + hidden)
        pairs = {
            "length and chunks": b"Content-Length: " + size + b"\r\nTransfer-Encoding: chunked\r\n",
            "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: " + size + b"\r\n",
            "short length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "two lengths": b"Content-Length: 5\r\nContent-Length: " + size + b"\r\n",
            "two lengths, turned": b"Content-Length: " + size + b"\r\nContent-Length: 5\r\n",
            "a list of lengths": b"Content-Length: 5, " + size + b"\r\n",
            "a length with a sign": b"Content-Length: +5\r\n",
            "a length in hex": b"Content-Length: 0x5\r\n",
            "a negative length": b"Content-Length: -1\r\n",
            "a huge length": b"Content-Length: 99999999999999999999999999\r\n",
            "unknown coding": b"Transfer-Encoding: xchunked\r\n",
            "two codings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            "a tab before the coding": b"Transfer-Encoding:\tchunked\r\nContent-Length: " + size
                                       + b"\r\n",
            "a space before the colon": b"Transfer-Encoding : chunked\r\nContent-Length: " + size
                                        + b"\r\n",
            "a folded line": b"X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: " + size
                             + b"\r\n",
            "a bare line feed": b"X: y\nTransfer-Encoding: chunked\r\nContent-Length: " + size
                                + b"\r\n",
        }
        for name, lines in pairs.items():
            self.talk(head + lines + b"\r\n0\r\n\r\n" + hidden, patience_s=0.5)
            self.assertEqual([], self.b.runs("--job", "never"), name)
        self.check_health()


if __name__ == "__main__":
    main()
