"""What kaiwa's tests stand on: a folder with a database, a mail server, the web app."""
import email
import email.policy
import http.client
import json
import os
import select
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

BIN = os.environ["KAIWA_BIN"]
SOURCE = os.environ["KAIWA_SOURCE"]
SECRET = "correct horse battery staple"
DEADLINE_S = 60

JOBS = ("send-reminders", "send-founder-emails", "send-weekly-digest")


def wait_until(condition, what):
    """Polls; fails after the deadline."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {DEADLINE_S} s in vain for {what}")
        time.sleep(0.002)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def first_line(process):
    """The first line of a program's output, as JSON."""
    ready, _, _ = select.select([process.stdout], [], [], DEADLINE_S)
    assert ready, "the program says nothing"
    return json.loads(process.stdout.readline())


class Result:
    """How a kaiwa-job ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        self.lines = [json.loads(line) for line in out.splitlines()]

    @property
    def result(self):
        """The result line, which is the last one; None if there is none."""
        return self.lines[-1] if self.lines and "event" in self.lines[-1] else None

    @property
    def error(self):
        """The one line on stderr."""
        lines = self.err.splitlines()
        assert len(lines) == 1, f"not one line on stderr: {self.err}"
        return json.loads(lines[0])


class Sink:
    """The mail server; its folder outlives it."""

    def __init__(self, folder, *options):
        self.folder = folder
        self.process = subprocess.Popen(
            [os.path.join(SOURCE, "smtp-sink.py"), folder, "--port", "0", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.url = f"smtp://127.0.0.1:{first_line(self.process)['port']}"

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        _, err = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, err


class KaiwaTest(unittest.TestCase):
    users, bounces = 120, 2

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="kaiwa-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.mail_folder = os.path.join(self.folder, "mail")
        self.db_path = os.path.join(self.folder, "kaiwa.db")
        self.make_database()
        self.start_sink()

    def make_database(self):
        subprocess.run([self.program("kaiwa-db"), "init", self.db_path, "--users",
                        str(self.users), "--bounces", str(self.bounces)],
                       check=True, stdout=subprocess.DEVNULL)
        # Nothing is to fall due while a test runs, however slow: all of it has.
        past = int(time.time()) - 60
        self.sql("UPDATE users SET signed_up_at = min(signed_up_at, ?)", past)
        self.sql("UPDATE reminders SET due_at = min(due_at, ?)", past)
        self.sql("UPDATE activity SET at = min(at, ?)", past)

    def start_sink(self, *options):
        self.sink = Sink(self.mail_folder, *options)
        self.addCleanup(self.stop_sink)

    def stop_sink(self):
        """Stops the mail server, if there is one; it must end well."""
        sink, self.sink = self.sink, None
        if sink is not None:
            self.assertEqual(sink.stop(), (0, ""))

    def program(self, name):
        return os.path.join(BIN, name)

    def environment(self, **changes):
        """A clean one, as belfry's. A change to None takes the variable away."""
        env = {
            "PATH": "/usr/bin:/bin", "KAIWA_DB": self.db_path,
            "SMTP_URL": self.sink.url if self.sink else "smtp://127.0.0.1:1",
            "MAIL_FROM": "hello@kaiwa.example", "FOUNDER_EMAIL": "founder@kaiwa.example",
            "CRON_SECRET": SECRET, **changes,
        }
        env.update({name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS")
                    if name in os.environ})
        return {name: value for name, value in env.items() if value is not None}

    def start_job(self, *args, **changes):
        return subprocess.Popen([self.program("kaiwa-job"), *args], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=self.environment(**changes))

    def end_job(self, process):
        out, err = process.communicate(timeout=DEADLINE_S)
        return Result(process.returncode, out, err)

    def job(self, *args, **changes):
        return self.end_job(self.start_job(*args, **changes))

    def assert_result(self, result, processed, failed, message):
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertEqual(result.result, {"event": "result", "processed": processed,
                                         "failed": failed, "message": message})

    def assert_error(self, result, cause, code=1):
        """Failed, with one error line that says the cause and a remedy, and no result."""
        self.assertEqual(result.code, code, result.err)
        self.assertEqual(result.error["level"], "error")
        self.assertTrue(result.error["msg"])
        self.assertRegex(result.error["cause"], cause)
        self.assertTrue(result.error["remedy"])
        self.assertIsNone(result.result)

    def sql(self, text, *values):
        database = sqlite3.connect(self.db_path, timeout=DEADLINE_S)
        try:
            with database:
                return database.execute(text, values).fetchall()
        finally:
            database.close()

    def dump(self):
        database = sqlite3.connect(self.db_path)
        try:
            return "\n".join(database.iterdump())
        finally:
            database.close()

    def mail_count(self):
        return len(os.listdir(os.path.join(self.mail_folder, "new")))

    def mails(self):
        found = []
        new = os.path.join(self.mail_folder, "new")
        for name in sorted(os.listdir(new)):
            with open(os.path.join(new, name), "rb") as file:
                found.append(email.message_from_binary_file(file, policy=email.policy.default))
        return found

    def check(self, *options):
        """check_demo.py's verdict; it must have nothing to say."""
        done = subprocess.run([os.path.join(SOURCE, "check_demo.py"), self.mail_folder,
                               self.db_path, *options], stdout=subprocess.PIPE, text=True)
        verdict = json.loads(done.stdout)
        self.assertEqual((done.returncode, verdict["ok"], verdict["problems"]), (0, True, []))
        return verdict

    def start_web(self, **changes):
        # To files: a pipe that nobody reads would fill up and hold the server.
        log = os.path.join(self.folder, "web.log")
        with open(log, "wb") as out, open(log + ".err", "wb") as err:
            self.web = subprocess.Popen([self.program("kaiwa-web"), "--listen", "127.0.0.1:0"],
                                        stdout=out, stderr=err, env=self.environment(**changes))
        self.addCleanup(self.stop_web)
        wait_until(lambda: read(log).endswith("\n") or self.web.poll() is not None, "kaiwa-web")
        self.port = json.loads(read(log).splitlines()[0])["port"]

    def stop_web(self, number=signal.SIGTERM):
        """Ends kaiwa-web, if it runs, and returns what it wrote to stderr."""
        web, self.web = self.web, None
        if web is None:
            return ""
        web.send_signal(number)
        err_path = os.path.join(self.folder, "web.log.err")
        self.assertEqual(web.wait(DEADLINE_S), 0, read(err_path))
        return read(err_path)

    def http(self, method, path, authorization=f"Bearer {SECRET}", body=None):
        """Status and JSON body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        headers = {} if authorization is None else {"Authorization": authorization}
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


def main():
    unittest.main(module="__main__", verbosity=2 if "-v" in sys.argv else 1)
