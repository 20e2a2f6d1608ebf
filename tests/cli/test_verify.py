#!/usr/bin/python3
"""belfry verify: each thing that may be wrong with an app is told apart, in one line."""
import contextlib
import http.server
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

from offline import BELFRY, Folder, wait_for

# No proxy may answer instead.
ENV = {name: "" for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY")}


class App(http.server.ThreadingHTTPServer):
    """Answers 200, or as `statuses` has it for the path; /slow not at all."""
    daemon_threads = True

    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), Handler)
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.asked = []
        self.statuses = {}
        self.ended = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def __exit__(self, *_):
        self.ended.set()
        self.shutdown()
        self.server_close()

    def url(self, path="/", host="127.0.0.1", scheme="http"):
        return f"{scheme}://{host}:{self.server_port}{path}"

    def handle_error(self, request, client_address):
        """A client that has seen enough goes away."""


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        path = self.path.split("?")[0]
        if path == "/slow":
            self.server.ended.wait()
            return
        status = self.server.statuses.get(path, 200)
        if callable(status):
            status = status()
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", "https://elsewhere.example/login")
        body = b"" if status in (204, 304) else b"x" * 70000 + b"all is well\n"
        if path == "/short":
            self.send_header("Content-Length", str(len(body) + 1))
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def raw(answer):
    """A port that takes the request and answers with those bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection = server.accept()[0]
                    with connection, contextlib.suppress(ConnectionError):
                        connection.recv(65536)
                        connection.sendall(answer)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def closed_port():
    """A port that is taken and where nobody listens."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken, taken.getsockname()[1]


class Verify(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(Folder())

    def verify(self, *words, env=None):
        return self.folder.belfry("verify", *words, env={**ENV, **(env or {})})

    def check(self, code, line, *words):
        """Of people's line and of the object: they are the same."""
        result = self.verify(*words)
        self.assertEqual((code, ""), (result.returncode, result.stderr), result.stdout)
        self.assertRegex(result.stdout, rf"^{line} \([^()]+\)\n$")
        result = self.verify(*words, "--json")
        self.assertEqual((code, ""), (result.returncode, result.stderr))
        answer = json.loads(result.stdout)
        self.assertEqual(code == 0, answer["up"])
        self.assertEqual(code == 0, answer["verdict"] == "up")
        self.assertRegex(answer["message"], rf"^{line} \([^()]+\)$")
        self.assertEqual(["url", "up", "verdict", "status", "location", "tries", "elapsed_ms",
                          "message"], list(answer))
        return answer


class Answers(Verify):
    def setUp(self):
        super().setUp()
        self.app = self.enterContext(App())
        self.app.statuses.update({"/503": 503, "/204": 204, "/moved": 301, "/nothing": 404,
                                  "/login": 401, "/bad": 500, "/odd": 418})

    def test_up(self):
        url = self.app.url("/health?deep=1")
        answer = self.check(0, rf"up: {url.replace('?', '[?]')} answers 200", url)
        self.assertEqual(("up", 200, None, 1, url),
                         tuple(answer[key] for key in ("verdict", "status", "location", "tries",
                                                       "url")))
        self.assertEqual(["/health?deep=1"] * 2, self.app.asked)

    def test_statuses(self):
        rows = [("/503", "the app is not ready, or what stands before it does not reach it"),
                ("/nothing", "there is no such page: is the path right[?]"),
                ("/login", "it wants a login: ask for a page that is open to all"),
                ("/bad", "the app fails: see its log"),
                ("/odd", "is that the page to ask for[?]")]
        for path, remedy in rows:
            with self.subTest(path):
                url, status = self.app.url(path), self.app.statuses[path]
                answer = self.check(1, f"not up: {url} answers {status}, and not 200; {remedy}",
                                    url)
                self.assertEqual(("wrong_status", status), (answer["verdict"], answer["status"]))

    def test_what_is_expected(self):
        rows = [("/204", "204", 0), ("/204", "2xx", 0), ("/503", "5XX", 0), ("/503", "503", 0),
                ("/", "204", 1), ("/", "3xx", 1), ("/moved", "301", 0), ("/moved", "3xx", 0)]
        for path, expected, code in rows:
            with self.subTest(path, expected=expected):
                result = self.verify(self.app.url(path), "--expect-status", expected)
                self.assertEqual(code, result.returncode, result.stdout)
                if code:
                    self.assertIn(f"answers 200, and not {expected};", result.stdout)

    def test_a_redirect_is_told_and_not_followed(self):
        url = self.app.url("/moved")
        answer = self.check(1, f"not up: {url} answers 301, and not 200: it leads to "
                               "https://elsewhere.example/login; ask for that, or expect 301", url)
        self.assertEqual(("redirected", "https://elsewhere.example/login"),
                         (answer["verdict"], answer["location"]))

    def test_a_text(self):
        url = self.app.url()
        self.check(0, f'up: {url} answers 200 with "xall is well"', url, "--expect-text",
                   "xall is well")
        answer = self.check(1, f'not up: {url} answers 200 without "all is lost"; is it another '
                               "page, or another app[?]", url, "--expect-text", "all is lost")
        self.assertEqual("text_missing", answer["verdict"])
        answer = self.check(0, f'up: {self.app.url("/503")} answers 503 with "is well"',
                            self.app.url("/503"), "--expect-text", "is well", "--expect-status",
                            "503")

    def test_until_it_is_up(self):
        """Nobody knows how many tries it takes: it is ready when it has been asked thrice."""
        self.app.statuses["/"] = lambda: 200 if len(self.app.asked) > 3 else 503
        result = self.verify(self.app.url(), "--within", "60s", "--json")
        answer = json.loads(result.stdout)
        self.assertEqual((0, True, 4, 200), (result.returncode, answer["up"], answer["tries"],
                                             answer["status"]))
        self.assertRegex(answer["message"], r"answers 200 \(4 tries in [\d.]+m?s\)|\(4 tries in")

    def test_until_the_time_is_over(self):
        begun = time.monotonic()
        result = self.verify(self.app.url("/503"), "--within", "2s", "--json")
        answer = json.loads(result.stdout)
        self.assertEqual((1, "wrong_status"), (result.returncode, answer["verdict"]))
        self.assertGreater(answer["tries"], 1)
        self.assertGreater(time.monotonic() - begun, 1)

    def test_a_short_last_try_hides_nothing(self):
        """It answers 503 once and is stuck from then on: that it was is what counts."""
        self.app.statuses["/"] = lambda: self.app.ended.wait() and 200 \
            if len(self.app.asked) > 1 else 503
        result = self.verify(self.app.url(), "--within", "2s")
        self.assertIn("answers 503, and not 200", result.stdout)

    def test_no_answer_in_time(self):
        url = self.app.url("/slow")
        place = url.split("/")[2]
        answer = self.check(1, f"not up: {place} takes the connection and does not answer in time; "
                               "the app is stuck, or too busy, or waits for something itself: see "
                               "its log", url, "--within", "1s")
        self.assertEqual(("timed_out", None), (answer["verdict"], answer["status"]))

    def test_an_answer_that_breaks_off(self):
        url = self.app.url("/short")
        place = url.split("/")[2]
        answer = self.check(1, f"not up: {place} broke off while it answered .200.; the app died "
                               "of it, or is stopping, or wants https://: see its log", url,
                            "--expect-text", "nowhere in it")
        self.assertEqual("broke_off", answer["verdict"])

    def test_names_and_passwords_are_sent_and_not_told(self):
        url = self.app.url("/", host="me:secret@127.0.0.1")
        for words in ([], ["--json"]):
            result = self.verify(url, *words)
            self.assertEqual(0, result.returncode)
            self.assertNotIn("secret", result.stdout)

    def test_a_url_that_is_a_secret(self):
        for path in ("/?key=geheim", "/moved?key=geheim", "/503?key=geheim", "/slow?key=geheim"):
            for words in ([], ["--json"]):
                result = self.verify(self.app.url(path), "--as", "the shop", "--within", "150ms",
                                     *words)
                self.assertIn("the shop", result.stdout)
                for secret in ("geheim", str(self.app.server_port), "elsewhere."):
                    self.assertNotIn(secret, result.stdout)

    def test_what_is_not_secret_is_told(self):
        """As a job's URL that has a part from the environment."""
        taken, port = closed_port()
        with taken:
            for name, said in (("http://127.0.0.1:${PORT}/", "nobody listens on 127.0.0.1:${PORT}; "
                                "is the app started, and does it listen on port ${PORT}?"),
                               ("http://${HOST}/x", "nobody listens on ${HOST}; the app is not"),
                               ("${URL}/x", "nobody listens on ${URL}/x; the app is not"),
                               ("http://app:3000/${X}", "have it listen on 0.0.0.0:3000 (")):
                result = self.verify(f"http://127.0.0.1:{port}/", "--as", name)
                self.assertIn(said, result.stdout)
                self.assertNotIn(str(port), result.stdout)

    def test_the_result_line_of_a_job(self):
        result = self.verify(self.app.url("/503"), "--result")
        line, event = result.stdout.splitlines()
        self.assertEqual({"event": "result", "message": line}, json.loads(event))

    def test_at_a_terminal(self):
        self.app.statuses["/"] = lambda: 200 if len(self.app.asked) > 2 else 503
        terminal = self.folder.terminal("verify", self.app.url(), "--within", "60s", env=ENV,
                                        columns=200)
        terminal.expect("answers 503; ")
        self.assertEqual(0, terminal.end())
        lines = [line for line in terminal.lines() if line]
        self.assertEqual(1, len(lines), lines)
        self.assertRegex(lines[0], r"^up: .* answers 200 \(3 tries in ")

    def test_ctrl_c_ends_it(self):
        self.app.statuses["/"] = 503
        with subprocess.Popen([BELFRY, "verify", self.app.url(), "--within", "1h"],
                              env={**os.environ, **ENV}, stdout=subprocess.PIPE) as process:
            wait_for(lambda: len(self.app.asked) > 1, "two tries")
            process.send_signal(signal.SIGINT)
            self.assertEqual(b"", process.stdout.read())
            self.assertEqual(-signal.SIGINT, process.wait(60))


class Jobs(Verify):
    """The same as a job of schedules.json, carried out here."""

    def setUp(self):
        super().setUp()
        self.app = self.enterContext(App())
        self.env = {**ENV, "KEY": "geheim", "DOWN": "down"}
        self.jobs({"up": {"url": self.app.url("/health"), "expect_text": "is well"},
                   "down": {"url": self.app.url("/down"), "expect_status": "3xx",
                            "within": "1s"},
                   "secret": {"url": self.app.url("/${DOWN}?key=${KEY}")}})
        self.app.statuses["/down"] = 503

    def jobs(self, verifies):
        self.folder.write("schedules.json", json.dumps({"jobs": [
            {"name": name, "schedule": "@hourly", "verify": verify}
            for name, verify in verifies.items()]}))

    def belfry(self, *words):
        return self.folder.belfry(*words, env=self.env)

    def test_check(self):
        result = self.belfry("check", "--strict")
        self.assertEqual((0, "schedules.json: 3 jobs, no errors, no warnings\n"),
                         (result.returncode, result.stdout))

    def test_run(self):
        for words in ([], ["--dry-run"]):
            result = self.belfry("run", "up", *words)
            line = result.stdout.splitlines()[0]
            self.assertEqual(0, result.returncode)
            self.assertRegex(line, r"^up: .*/health answers 200 with \"is well\" \(")
            self.assertRegex(result.stderr, rf"^succeeded in [\d.]+s: {re.escape(line)}\n$")
            result = self.belfry("run", "down", *words)
            line = result.stdout.splitlines()[0]
            self.assertEqual(1, result.returncode)
            self.assertRegex(line, r"^not up: .*/down answers 503, and not 3xx; ")
            self.assertIn(f"failed: exit code 1: {line}, after ", result.stderr)

    def test_test_carries_it_out(self):
        result = self.belfry("test", "--json")
        self.assertEqual(1, result.returncode)
        self.assertEqual({"up": "succeeded", "down": "failed", "secret": "failed"},
                         {row["job"]: row["outcome"] for row in json.loads(result.stdout)})

    def test_what_came_from_the_environment_is_not_told(self):
        result = self.belfry("run", "secret")
        self.assertIn("/${DOWN}?key=${KEY} answers 503", result.stdout)
        self.assertIn("/down?key=geheim", self.app.asked)
        self.assertNotIn("geheim", result.stdout + result.stderr)

    def test_a_strange_address_from_the_environment_is_no_option(self):
        self.jobs({"odd": {"url": "${URL}"}})
        self.env["URL"] = "--help"
        result = self.belfry("run", "odd")
        self.assertEqual(1, result.returncode)
        self.assertIn("${URL} is no address with http:// or https://", result.stderr)
        self.assertIn("failed: exit code 2", result.stderr)

    def test_wherever_belfry_is(self):
        """It is found by its own path, not by PATH, and from any folder."""
        self.env["PATH"] = "/nowhere"
        self.assertEqual(0, self.belfry("run", "up").returncode)


class NoAnswers(Verify):
    def test_nobody_listens(self):
        taken, port = closed_port()
        with taken:
            answer = self.check(1, f"not up: nobody listens on 127.0.0.1:{port}; is the app "
                                   f"started, and does it listen on port {port}[?]",
                                f"http://127.0.0.1:{port}/health")
            self.assertEqual(("refused", None), (answer["verdict"], answer["status"]))
            result = self.verify(f"http://127.0.0.1:{port}", "--as", "the shop")
            self.assertIn("nobody listens on the shop; the app is not started, or listens on "
                          "another port, or on 127.0.0.1 alone: have it listen on 0.0.0.0 (",
                          result.stdout)

    def test_it_comes_up_meanwhile(self):
        taken, port = closed_port()
        with taken:
            terminal = self.folder.terminal("verify", f"http://127.0.0.1:{port}", "--within",
                                            "60s", env=ENV, columns=200)
            terminal.expect("refused; ")
            taken.listen()
            with taken.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                self.assertEqual(0, terminal.end())
            self.assertIn("tries in ", terminal.lines()[0])

    def test_no_such_name(self):
        answer = self.check(1, "not up: the name no-such-host.invalid is not found; is it spelt "
                               "right, and known to the DNS already[?]",
                            "http://no-such-host.invalid:8080/")
        self.assertEqual("name_not_found", answer["verdict"])

    def test_no_http(self):
        with raw(b"220 mail.example ESMTP ready\r\n") as url:
            place = url.split("/")[2]
            answer = self.check(1, f"not up: {place} answers, but not in HTTP; is that the app's "
                                   "port, and http:// right[?]", url)
            self.assertEqual("no_http", answer["verdict"])

    def test_closed_without_an_answer(self):
        with raw(b"") as url:
            place = url.split("/")[2]
            answer = self.check(1, f"not up: {place} closed the connection without an answer; the "
                                   "app died of it, or is stopping, or wants https://: see its log",
                                url)
            self.assertEqual("broke_off", answer["verdict"])

    def test_an_answer_without_end_takes_no_memory(self):
        with raw(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (4 << 20)) as url:
            self.assertEqual(0, self.verify(url).returncode)
            answer = json.loads(self.verify(url, "--expect-text", "y", "--json").stdout)
            self.assertEqual("text_missing", answer["verdict"])


class Tls(Verify):
    def certificate(self, name):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
                        "-keyout", "key.pem", "-out", "cert.pem"], cwd=self.folder.work,
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder.file("cert.pem"), self.folder.file("key.pem"))
        return context

    def test_nobody_vouches_for_it(self):
        with App(self.certificate("localhost")) as app:
            url = app.url(host="localhost", scheme="https")
            place = url.split("/")[2]
            answer = self.check(1, f"not up: the certificate of {place} is not valid .*self-signed "
                                   "certificate.*; renew it, have it name this host, or say with "
                                   "--cacert who vouches for it", url)
            self.assertEqual("bad_certificate", answer["verdict"])
            self.check(0, f"up: {url} answers 200", url, "--cacert", self.folder.file("cert.pem"))

    def test_another_name(self):
        with App(self.certificate("app.example")) as app:
            result = self.verify(app.url(host="localhost", scheme="https"), "--json", "--cacert",
                                 self.folder.file("cert.pem"))
            answer = json.loads(result.stdout)
            self.assertEqual((1, "bad_certificate"), (result.returncode, answer["verdict"]))
            self.assertIn("localhost", answer["message"])

    def test_no_tls(self):
        with App() as app:
            url = app.url(scheme="https")
            place = url.split("/")[2]
            answer = self.check(1, f"not up: {place} does not speak TLS .*; is that the app's port, "
                                   "and https:// right[?]", url)
            self.assertEqual("no_tls", answer["verdict"])

    def test_tls_and_not_asked_for(self):
        with App(self.certificate("localhost")) as app:
            answer = json.loads(self.verify(app.url(), "--json").stdout)
            self.assertIn(answer["verdict"], ("broke_off", "no_http"))
            self.assertIn("https://" if answer["verdict"] == "broke_off" else "http:// right",
                          answer["message"])


class Usage(Verify):
    def test_wrong_usage(self):
        rows = [([], "needs a URL: belfry verify URL"),
                (["localhost:3000"], "'localhost:3000' is no address with http:// or https://; is "
                                     "it http://localhost:3000?"),
                (["ftp://x"], "'ftp://x' is no address with http:// or https://"),
                (["http:///x"], "'http:///x' is no address"),
                (["http://x:99999/"], "http://x:99999/ is no address that could be asked"),
                (["http://x", "--expect-status", "2x"], "--expect-status takes a status such as "
                                                        "204, or a class such as 2xx, not '2x'"),
                (["http://x", "--expect-status", "600"], "not '600'"),
                (["http://x", "--expect-status", "099"], "not '099'"),
                (["http://x", "--within", "soon"], "--within takes a duration"),
                (["secret", "--as", "shop"], "shop is no address")]
        for words, said in rows:
            with self.subTest(words):
                result = self.verify(*words)
                self.assertEqual((2, ""), (result.returncode, result.stdout))
                self.assertIn(said, result.stderr)


if __name__ == "__main__":
    unittest.main()
