#!/usr/bin/python3
"""Who may ask the real daemon what: tokens, scopes, TLS, proxies, the audit log."""
import http.client
import json
import os
import re
import ssl
import subprocess
import unittest

from harness import BELFRY, Belfry, job, wait_for

SCOPES = ["view", "operate", "admin"]
ROUTES_C = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src/api/routes.c")


class Access(Belfry):
    """A managed daemon that is asked with tokens."""

    def __init__(self):
        super().__init__([])
        self.token = None

    def source(self):
        return ("--managed",)

    def run_command(self, *arguments, check=None, token=None):
        token = token or self.token
        return super().run_command(*arguments, *(["--token", token] if token else []), check=check)

    def create(self, scope, *options):
        return self.run_command("token", "create", "--scope", scope, *options,
                                check=0).stdout.strip()

    def apply(self, jobs, **more):
        path = self.path("new.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"jobs": jobs}, file)
        return self.run_command("apply", "--yes", path, **more)

    def request(self, method, path, token=None, body=None, headers=None):
        """(status, headers, body)"""
        host, port = self.url.rsplit("/", 1)[1].rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        send = dict(headers or {})
        if token:
            send["Authorization"] = f"Bearer {token}"
        if body is not None:
            send["Content-Type"] = "application/json"
        connection.request(method, path, body=body, headers=send)
        answer = connection.getresponse()
        # A stream of events has no end.
        is_endless = answer.headers["Content-Type"] == "text/event-stream"
        text = "" if is_endless else answer.read().decode()
        connection.close()
        return answer.status, answer.headers, text


def routes():
    """(method, pattern, scope or None where it is open) of the one table."""
    with open(ROUTES_C, encoding="utf-8") as file:
        text = file.read()
    table = text[text.index("routes[] = {"):text.index("enum { ROUTE_COUNT")]
    for row in re.findall(r"\{\s*\"(?:GET|POST|DELETE)\".*?\},", table, re.S):
        method, pattern = re.match(r"\{\s*\"(\w+)\",\s*\"([^\"]+)\"", row).groups()
        scope = re.search(r"\.scope = SCOPE_(\w+)", row)
        is_open = ".is_open = true" in row
        yield method, pattern, None if is_open else scope[1].lower() if scope else "view"


class Tokens(unittest.TestCase):
    def test_every_route_and_scope(self):
        with Access() as b:
            b.start()
            b.apply([job("a", "true")])
            admin = b.create("admin")
            b.token = admin
            tokens = {"view": b.create("view"), "operate": b.create("operate"), "admin": admin}
            table = list(routes())
            self.assertGreater(len(table), 15)
            before = b.ask("revisions"), len(b.ask("token", "list"))
            for method, pattern, needed in table:
                # Nothing of that name is there, so that who may does no harm.
                path = re.sub(r"\{\w+\}", "none", pattern)
                body = "{}" if method == "POST" else None
                with self.subTest(route=f"{method} {pattern}"):
                    status, headers, _ = b.request(method, path, None, body)
                    if needed is None:
                        self.assertNotIn(status, (401, 403))
                        continue
                    self.assertEqual(401, status)
                    self.assertIn("Bearer", headers["WWW-Authenticate"])
                    for scope, token in tokens.items():
                        status = b.request(method, path, token, body)[0]
                        if SCOPES.index(scope) < SCOPES.index(needed):
                            self.assertEqual(403, status, scope)
                        else:
                            self.assertNotIn(status, (401, 403), scope)
            self.assertEqual(before, (b.ask("revisions"), len(b.ask("token", "list"))))

    def test_the_first_token_closes_the_door(self):
        with Access() as b:
            b.start()
            self.assertEqual(0, b.run_command("list").returncode)
            token = b.create("admin", "--name", "ada")
            self.assertRegex(token, r"^bft_[0-9a-z]{8}_[0-9a-f]{64}$")
            refused = b.run_command("list", check=1)
            self.assertIn("a token is needed", refused.stderr)
            self.assertIn("BELFRY_TOKEN", refused.stderr)
            self.assertEqual(0, b.run_command("list", token=token).returncode)
            self.assertEqual(1, b.run_command("list", token=token[:-1] + "x").returncode)
            self.assertEqual(200, b.request("GET", "/health")[0])
            rows = b.sql("SELECT hash, name FROM token")
            self.assertEqual((32, "ada"), (len(rows[0][0]), rows[0][1]))
            with open(os.path.join(b.state, "belfry.db"), "rb") as file:
                self.assertNotIn(token.rsplit("_", 1)[1].encode(), file.read())

    def test_revoked_and_expired_ones_are_none(self):
        with Access() as b:
            b.start()
            b.token = b.create("admin")
            gone, brief = b.create("view"), b.create("view", "--expires", "1s")
            self.assertEqual(0, b.run_command("list", token=gone).returncode)
            b.run_command("token", "revoke", gone.split("_")[1], check=0)
            self.assertIn("no such token", b.run_command("list", token=gone, check=1).stderr)
            wait_for(lambda: "expired" in b.run_command("list", token=brief).stderr,
                     "the token to expire")
            b.kill()
            b.start()  # it stays so
            self.assertEqual(1, b.run_command("list", token=gone).returncode)
            self.assertEqual(0, b.run_command("list").returncode)
            shown = {row["id"]: row for row in b.ask("token", "list")}
            self.assertIsNotNone(shown[gone.split("_")[1]]["revoked_at"])
            self.assertNotIn("hash", json.dumps(list(shown.values())))

    def test_who_makes_many_is_still_known_afterwards(self):
        """The list of tokens moves as it grows, while one of them asks for more."""
        with Access() as b:
            b.start()
            b.token = b.create("admin", "--name", "ada")
            for _ in range(40):
                b.create("view")
            self.assertEqual({"ada"}, {e["who"] for e in b.ask("audit", "--limit", "40")})

    def test_a_token_for_some_jobs(self):
        with Access() as b:
            b.start()
            b.apply([job("send-a", "true"), job("other", "true")])
            b.token = b.create("admin")
            run = b.trigger("other")
            token = b.create("operate", "--job", "send-*")
            self.assertEqual(0, b.run_command("trigger", "send-a", token=token).returncode)
            for words in (["trigger", "other"], ["cancel", run], ["list"], ["runs"],
                          ["logs", run], ["export"]):
                refused = b.run_command(*words, token=token, check=1)
                self.assertIn("send-*", refused.stderr, words)
            self.assertEqual(0, b.run_command("runs", "--job", "send-a", token=token).returncode)
            self.assertEqual(403, b.request("GET", "/api/v1/runs/0000000000000", token)[0])

    def test_one_token_setups(self):
        with Access() as b:
            b.start(env={"BELFRY_TOKEN": "one-for-all", "CRON_SECRET": "ring"})
            self.assertEqual(401, b.request("GET", "/api/v1/jobs")[0])
            self.assertEqual(200, b.request("GET", "/api/v1/jobs", "one-for-all")[0])
            self.assertEqual(200, b.request("GET", "/api/v1/tokens", "one-for-all")[0])
            self.assertEqual(200, b.request("GET", "/api/v1/jobs", "ring")[0])
            self.assertEqual(403, b.request("GET", "/api/v1/tokens", "ring")[0])

    def test_who_guesses_is_made_to_wait_and_nobody_else(self):
        with Access() as b:
            b.start()
            b.token = b.create("admin")
            statuses = [b.request("GET", "/api/v1/jobs", f"guess-{i}")[0] for i in range(15)]
            self.assertEqual([401] * 10 + [429] * 5, statuses)
            headers = b.request("GET", "/api/v1/jobs", "guess")[1]
            self.assertLessEqual(1, int(headers["Retry-After"]))
            self.assertEqual(200, b.request("GET", "/api/v1/jobs", b.token)[0])
            self.assertEqual(10, len(b.said("no such token", "warn")))

    def test_headers_that_are_no_token(self):
        with Access() as b:
            b.start()
            b.token = b.create("admin")
            for header in ("", "Bearer", "Bearer ", "Basic " + b.token, b.token,
                           "Bearer " + b.token + "x", "Bearer " + "x" * 5000):
                status = b.request("GET", "/api/v1/jobs", headers={"Authorization": header})[0]
                self.assertIn(status, (401, 429), header[:40])
            for header in ("bearer " + b.token, "Bearer   " + b.token):
                self.assertEqual(200, b.request("GET", "/api/v1/jobs",
                                                headers={"Authorization": header})[0])


class Exposed(unittest.TestCase):
    def test_beyond_this_machine_only_with_a_token(self):
        with Access() as b:
            b.start("--listen", "0.0.0.0:0", wait=False)
            self.assertEqual(2, b.process.wait(60))
            b.thread.join(5)
            self.assertTrue(b.said("without any token", "error"), b.log)
            b.kill()
            b.start("--listen", "0.0.0.0:0", env={"BELFRY_TOKEN": "t"})
            b.url = b.url.replace("0.0.0.0", "127.0.0.1")
            self.assertEqual(401, b.request("GET", "/api/v1/jobs")[0])
            # Its names out there belfry does not know.
            self.assertEqual(200, b.request("GET", "/api/v1/jobs", "t",
                                            headers={"Host": "cron.example.org"})[0])

    def test_the_last_token_stays_while_it_is_exposed(self):
        with Access() as b:
            b.start()
            b.token = b.create("admin")
            b.stop()
            b.start("--listen", "0.0.0.0:0")
            b.url = b.url.replace("0.0.0.0", "127.0.0.1")
            refused = b.run_command("token", "revoke", b.token.split("_")[1], check=1)
            self.assertIn("last token", refused.stderr)
            b.create("view")
            b.run_command("token", "revoke", b.token.split("_")[1], check=0)

    def test_address_behind_a_trusted_proxy(self):
        with Access() as b:
            b.start("--trusted-proxy", "127.0.0.0/8, 10.0.0.0/8")
            b.apply([job("a", "true")])
            for forwarded, address in (("203.0.113.7", "203.0.113.7"),
                                       ("1.2.3.4, 203.0.113.8, 10.1.2.3", "203.0.113.8"),
                                       ("junk, 203.0.113.9", "203.0.113.9"), ("junk", "127.0.0.1"),
                                       ("2001:db8::1", "[2001:db8::1]")):
                b.request("POST", "/api/v1/jobs/none/trigger",
                          headers={"X-Forwarded-For": forwarded, "Host": "cron.example.org",
                                   "Origin": "https://cron.example.org"})
                b.request("POST", "/api/v1/runs/0000000000000/cancel",
                          headers={"X-Forwarded-For": forwarded})
                self.assertEqual(address, b.ask("audit", "--limit", "1")[0]["address"], forwarded)

    def test_nobody_else_is_believed(self):
        with Access() as b:
            b.start()
            b.request("POST", "/api/v1/jobs/none/trigger", headers={"X-Forwarded-For": "8.8.8.8"})
            self.assertEqual("127.0.0.1", b.ask("audit")[0]["address"])
            self.assertEqual(403, b.request("GET", "/health", headers={"Host": "evil.example"})[0])


class Audit(unittest.TestCase):
    def test_each_change_has_its_line(self):
        with Access() as b:
            b.start()
            b.apply([job("a", ["sleep", "600"])])
            b.token = b.create("admin", "--name", "ada")
            run = b.trigger("a")
            b.run_command("cancel", run, check=0)
            b.wait_run(run)
            self.assertEqual(1, b.run_command("trigger", "none").returncode)
            entries = b.ask("audit")[::-1]
            self.assertEqual([("apply", "local", "revision 1", 200),
                              ("token create", "local", b.token.split("_")[1] + " (ada)", 201),
                              ("trigger", "ada", "a", 202), ("cancel", "ada", run, 202),
                              ("trigger", "ada", "none", 404)],
                             [(e["action"], e["who"], e["target"], e["status"]) for e in entries])
            b.kill()
            b.start()
            b.trigger("a")
            self.assertEqual(list(range(6, 0, -1)), [e["number"] for e in b.ask("audit")])
            self.assertIn("token create", b.run_command("audit", check=0).stdout)


class Tls(unittest.TestCase):
    def make_pair(self, b, name="cert"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", b.path("key.new"), "-out", b.path("cert.new")],
                       check=True, stderr=subprocess.DEVNULL)
        os.rename(b.path("key.new"), b.path("key.pem"))
        os.rename(b.path("cert.new"), b.path("cert.pem"))

    @staticmethod
    def served(b):
        """The common name of the certificate that is shown."""
        port = int(b.url.rsplit(":", 1)[1])
        pem = ssl.get_server_certificate(("127.0.0.1", port))
        text = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=pem, text=True,
                              check=True, stdout=subprocess.PIPE).stdout
        return text.strip().rsplit(" ", 1)[1]

    def start(self, b):
        b.start("--tls-cert", b.path("cert.pem"), "--tls-key", b.path("key.pem"), wait=False)
        b.url = wait_for(lambda: [event["msg"].split()[-1] for event in b.said("listening on")],
                         "belfry to listen")[0]

    def test_the_pair_is_read_anew_when_it_changes(self):
        with Access() as b:
            self.make_pair(b, "one")
            self.start(b)
            self.assertTrue(b.url.startswith("https://"))
            self.assertEqual("one", self.served(b))
            listed = subprocess.run([BELFRY, "list", "--json", "--server", b.url, "--cacert",
                                     b.path("cert.pem")], stdout=subprocess.PIPE, check=True)
            self.assertEqual(b"[]", listed.stdout.strip())
            unknown = subprocess.run([BELFRY, "list", "--server", b.url], check=False,
                                     capture_output=True, text=True)
            self.assertEqual(1, unknown.returncode)
            self.assertIn("certificate", unknown.stderr)
            self.make_pair(b, "two")
            wait_for(lambda: self.served(b) == "two", "the new certificate")
            with open(b.path("cert.pem"), "w", encoding="utf-8") as file:
                file.write("no certificate")
            b.wait_said("those before stay in use", "error")
            self.assertEqual("two", self.served(b))

    def test_what_is_no_pair_is_refused_at_the_start(self):
        with Access() as b:
            self.make_pair(b)
            os.rename(b.path("cert.pem"), b.path("old.pem"))
            self.make_pair(b)
            os.rename(b.path("old.pem"), b.path("cert.pem"))
            b.start("--tls-cert", b.path("cert.pem"), "--tls-key", b.path("key.pem"), wait=False)
            self.assertEqual(1, b.process.wait(60))
            b.thread.join(5)
            self.assertTrue(b.said("--tls-cert and --tls-key"), b.log)


if __name__ == "__main__":
    unittest.main(verbosity=2)
