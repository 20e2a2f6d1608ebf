#!/usr/bin/python3
"""The stand-in for Fly: requests that deviate from the documents fail the test."""
import socket
import urllib.parse

from asking import MACHINES, Asking, Fly, job_config, unittest

ID = "0123456789abcd"
CONFIG = job_config(["true"])

# method, path, body, the deviation, the status
REQUESTS = [
    ("GET", "/v1/nonsense", None, "no such endpoint", 404),
    ("PUT", MACHINES, {"config": CONFIG}, "no such endpoint", 405),
    ("POST", f"{ID}/exec", {"cmd": "x"}, "no such endpoint", 404),
    ("POST", f"{MACHINES}/", {"config": CONFIG}, "no such endpoint", 404),
    ("GET", MACHINES + "?state=started", None, "no such query parameter: state", 200),
    ("GET", MACHINES + "?include_deleted=yes", None, "include_deleted cannot be 'yes'", 400),
    ("GET", MACHINES + "?region=nowhere", None, "region cannot be 'nowhere'", 400),
    ("GET", MACHINES + "?region=ams&region=iad", None, "region more than once", 400),
    ("GET", MACHINES, b"{}", "a body on GET list", 200),
    ("DELETE", f"{ID}?force=1", None, "force cannot be '1'", 400),
    ("GET", f"{ID}/wait?timeout=61", None, "1 to 60 seconds, not 61", 400),
    ("GET", f"{ID}/wait?timeout=0", None, "1 to 60 seconds, not 0", 400),
    ("GET", f"{ID}/wait?timeout=5s", None, "timeout is no number", 400),
    ("GET", f"{ID}/wait?state=failed", None, "state cannot be 'failed'", 400),
    ("GET", f"{ID}/wait?state=stopped", None, "instance_id is required", 400),
    ("POST", MACHINES, b"", "no body", 400),
    ("POST", MACHINES, b"{", "the body is no JSON", 400),
    ("POST", MACHINES, b'{"config": {"image": "a", "image": "b"}}', "'image' twice", 400),
    ("POST", MACHINES, b"[]", "the body is no object", 400),
    ("POST", MACHINES, {}, "no config", 400),
    ("POST", MACHINES, {"config": {}}, "no config.image", 400),
    ("POST", MACHINES, {"config": "x"}, 'config cannot be "x"', 400),
    ("POST", MACHINES, {"config": CONFIG, "metadata": {}}, "no such key: metadata", 400),
    ("POST", MACHINES, {"config": CONFIG, "name": "a_b"}, "letters, digits and dashes", 400),
    ("POST", MACHINES, {"config": CONFIG, "name": 5}, "name cannot be 5", 400),
    ("POST", MACHINES, {"config": CONFIG, "region": "xyz"}, "no such region: 'xyz'", 400),
    ("POST", MACHINES, {"config": CONFIG, "skip_launch": "yes"}, "skip_launch cannot be", 400),
    ("POST", MACHINES, {"config": CONFIG, "lease_ttl": 1.5}, "lease_ttl cannot be 1.5", 400),
    ("POST", MACHINES, {"config": CONFIG, "lease_ttl": -1}, "lease_ttl is negative", 400),
    ("POST", ID, {"config": {}}, "no config.image", 400),
    ("POST", ID, {"skip_launch": True}, "no config", 400),
    ("POST", f"{ID}/start", {"x": 1}, "no such key: x", 400),
    ("POST", f"{ID}/stop", {"signal": "TERM"}, 'signal cannot be "TERM"', 400),
    ("POST", f"{ID}/stop", {"signal": 999}, "no such signal: 999", 400),
    ("POST", f"{ID}/stop", {"timeout": 10}, "timeout cannot be 10", 400),
    ("POST", f"{ID}/stop", {"timeout": "10"}, 'timeout cannot be "10"', 400),
    ("POST", f"{ID}/signal", {}, "no signal", 400),
    ("POST", f"{ID}/lease", {"ttl": "60"}, 'ttl cannot be "60"', 400),
    ("POST", f"{ID}/lease?ttl=a", None, "ttl is no number", 400),
    ("POST", f"{ID}/metadata/k", {"value": 5}, "value cannot be 5", 400),
    ("POST", f"{ID}/metadata/k", {}, "no value", 400),
    ("GET", "/api/v1/apps/jobs/logs?next_token=x", None, "next_token is no number", 400),
    ("GET", "/api/v1/apps/jobs/logs?start_time=1", None, "no such query parameter", 200),
    ("GET", "/v1/apps/a%20b/machines", None, "an app's name is letters", 404),
    ("GET", "/v1/apps", None, "org_slug is required", 400),
    ("POST", "/v1/apps", {"app_name": "x"}, "no org_slug", 400),
    ("POST", "/graphql", {"query": "{viewer{id}}"}, "asked for releases alone", 200),
]

CONFIGS = [
    ("metadata", {"run": 5}), ("metadata", []), ("env", {"A": 1}), ("auto_destroy", "true"),
    ("init", {"exec": "true"}), ("init", {"cmd": [1]}), ("init", []), ("init", {"tty": 1}),
    ("guest", {"cpus": "1"}), ("guest", {"memory_mb": 300}), ("guest", {"cpu_kind": 1}),
    ("guest", {"persist_rootfs": "yes"}), ("restart", {"policy": "never"}),
    ("restart", {"max_retries": "3"}), ("restart", "no"), ("schedule", "* * * * *"),
    ("stop_config", {"signal": "INT"}), ("stop_config", {"timeout": "5"}), ("mounts", {}),
    ("processes", {"cmd": []}), ("processes", [{"cmd": "x"}]), ("standbys", "x"),
    ("image", 5), ("files", ["x"]),
]


class Checks(Asking):
    def test_requests(self):
        for method, path, body, text, status in REQUESTS:
            with self.subTest(method=method, path=path, body=body):
                self.fly.deviations.clear()
                self.assertEqual(self.ask(method, path, body)[0], status)
                self.assertTrue(any(text in found for found in self.fly.deviations),
                                self.fly.deviations)
                with self.assertRaises(AssertionError):
                    self.fly.check()
        self.fly.deviations.clear()

    def test_configs(self):
        for key, value in CONFIGS:
            with self.subTest(key=key, value=value):
                self.fly.deviations.clear()
                self.assertEqual(self.ask("POST", MACHINES, {
                    "config": {**CONFIG, key: value}})[0], 400)
                self.assertIn(f"config.{key}", self.fly.deviations[0])
        self.fly.deviations.clear()
        self.ask("POST", MACHINES, {"config": {**CONFIG, "guest": {"cpus": 1}, "size": "x"}})
        self.assertIn("exclude each other", self.fly.deviations[0])
        self.fly.deviations.clear()

    def test_what_is_in_order(self):
        for more in [{"env": None, "guest": None, "metadata": None},
                     {"guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256}},
                     {"stop_config": {"signal": "SIGTERM", "timeout": "10s"}},
                     {"schedule": "daily", "dns": {}, "anything": {"else": 1}}]:
            self.create({**CONFIG, **more}, skip_secrets=False, min_secrets_version=None)

    def test_headers(self):
        self.assertEqual(self.ask("GET", MACHINES, token=False)[0], 401)
        self.assertIn("no Authorization header", self.fly.deviations.pop())
        self.assertEqual(self.ask("POST", MACHINES, {"config": CONFIG}, {
            "Content-Type": "text/plain"})[0], 200)
        self.assertIn("Content-Type is no application/json", self.fly.deviations.pop())

    def test_updates_of_what_cannot_change(self):
        machine = self.create(CONFIG, name="a", region="ams")
        for key, value in (("name", "b"), ("region", "iad")):
            self.assertEqual(self.ask("POST", machine, {"config": CONFIG, key: value})[0], 400)
            self.assertIn(f"{key} is immutable", self.fly.deviations.pop())
        self.assertEqual(self.ask("POST", machine, {"config": CONFIG, "name": "a"})[0], 200)

    def test_what_is_no_http(self):
        for text in (b"nonsense\r\n\r\n",
                     b"POST /v1/apps HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
                     b"GET /v1/apps/jobs HTTP/1.1\r\nAuthorization: Bearer x\r\n\r\n"):
            split = urllib.parse.urlsplit(self.fly.url)
            with socket.create_connection((split.hostname, split.port), timeout=60) as peer:
                peer.sendall(text)
                self.assertRegex(peer.recv(100), rb"^HTTP/1\.1 4")
            self.assertTrue(self.fly.deviations)
            self.fly.deviations.clear()

    def test_expected_deviations(self):
        self.fly.expect_deviation("no such query parameter")
        with self.assertRaisesRegex(AssertionError, "never seen"):
            self.fly.check()
        self.ask("GET", MACHINES + "?state=started")
        self.fly.check(self)
        self.ask("GET", f"{ID}/wait?timeout=99")
        with self.assertRaisesRegex(self.failureException, "1 to 60 seconds"):
            self.fly.check(self)
        self.fly.deviations.pop()

    def test_the_end_of_a_with_checks(self):
        with self.assertRaisesRegex(AssertionError, "forged"):
            with Fly() as fly:
                fly.deviations.append("forged")
        # Another failure is not hidden behind it.
        with self.assertRaises(ZeroDivisionError):
            with Fly() as fly:
                fly.deviations.append("forged")
                raise ZeroDivisionError


if __name__ == "__main__":
    unittest.main(verbosity=2)
