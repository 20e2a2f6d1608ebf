#!/usr/bin/python3
"""doctor: each fault is found, with what to do."""
import http.server
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import threading
import unittest

from offline import BELFRY, BUILD, Folder, job


class Doctor(unittest.TestCase):
    def setUp(self):
        self.folder = Folder(job("send", "true", "0 9 * * *"))
        self.addCleanup(shutil.rmtree, self.folder.path)
        self.state = self.folder.file("state")

    def ask(self, *words, env=None, code=None):
        """The findings by name; several of one name are a list in order."""
        result = self.folder.belfry("doctor", "--state", self.state, "--listen", "127.0.0.1:0",
                                    *words, "--json", env=env)
        rows = json.loads(result.stdout)
        worst = any(row["result"] == "error" for row in rows)
        self.assertEqual(1 if worst else 0, result.returncode)
        if code is not None:
            self.assertEqual(code, result.returncode, rows)
        return {row["check"]: row for row in rows}

    def found(self, check, result, text, *words, **more):
        row = self.ask(*words, **more)[check]
        self.assertEqual(result, row["result"], row)
        self.assertIn(text, row["found"])
        self.assertEqual(result in ("warning", "error"), row["remedy"] is not None, row)

    def test_a_sound_machine(self):
        rows = self.ask(code=0)
        self.assertEqual({"schedules.json", "state directory", "database", "runner", "port",
                          "clock", "clock in step", "zone data", "open files",
                          "control groups", "disk space"}, set(rows) - {"disk inodes"})
        for name in ("schedules.json", "state directory", "database", "runner", "port", "clock",
                     "zone data"):
            self.assertEqual("ok", rows[name]["result"], rows[name])

    def test_text(self):
        os.mkdir(self.state, 0o700)
        os.chmod(self.state, 0o777)
        result = self.folder.belfry("doctor", "--state", self.state, "--listen", "127.0.0.1:0")
        self.assertEqual(1, result.returncode)
        self.assertIn(f"error    state directory  {self.state} (mode 0777) may be written to by "
                      "other users\n                        > chmod 700 it", result.stdout)

    def test_state_directory(self):
        os.mkdir(self.state, 0o700)
        self.found("state directory", "ok", "mode 0700")
        os.chmod(self.state, 0o755)
        self.found("state directory", "warning", "may be read by other users")
        os.chmod(self.state, 0o770)
        self.found("state directory", "error", "may be written to by other users")
        os.rmdir(self.state)
        with open(self.state, "w", encoding="utf-8"):
            pass
        self.found("state directory", "error", "is no directory")

    def test_database(self):
        os.mkdir(self.state, 0o700)
        path = os.path.join(self.state, "belfry.db")
        database = sqlite3.connect(path)
        database.execute("CREATE TABLE t (x)")
        database.executemany("INSERT INTO t VALUES (?)", [("x" * 1000,)] * 100)
        database.commit()
        database.close()
        self.found("database", "ok", "KiB")
        with open(path, "r+b") as file:
            file.seek(0)
            file.write(b"nonsense" * 20)
        self.found("database", "error", "not a database")

    def test_port_taken_by_somebody_else(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            address = f"127.0.0.1:{listener.getsockname()[1]}"

            def hang_up():
                try:
                    while True:
                        listener.accept()[0].close()
                except OSError:
                    pass
            thread = threading.Thread(target=hang_up, daemon=True)
            thread.start()
            self.found("port", "error", f"{address} is taken by another program",
                       "--listen", address)
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)

    def test_port_taken_by_belfry(self):
        class Health(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps({"status": "ok", "running": 0, "store": {"status": "ok"}})
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            address = f"127.0.0.1:{server.server_address[1]}"
            self.found("port", "ok", f"belfry answers at {address}", "--listen", address)
            server.shutdown()

    def test_address(self):
        self.found("port", "error", "is not loopback", "--listen", "0.0.0.0:7420")
        self.found("port", "error", "--listen", "--listen", "nonsense")

    def test_zones(self):
        empty = self.folder.file("zones")
        os.mkdir(empty)
        self.found("zone data", "error", f"no zones in {empty}", env={"TZDIR": empty})
        self.found("zone data", "error", "no zones in", env={"TZDIR": "/no/such"})
        for name in ("Paris", "Berlin"):
            shutil.copy("/usr/share/zoneinfo/Europe/Paris", os.path.join(empty, name))
        self.found("zone data", "ok", "2 zones", env={"TZDIR": empty})
        with open(os.path.join(empty, "Berlin"), "r+b") as file:
            file.truncate(60)
        self.found("zone data", "warning", "1 of 2 zones", env={"TZDIR": empty})
        self.assertIn("Berlin", self.ask(env={"TZDIR": empty})["zone data"]["found"])

    def test_schedules(self):
        self.folder.write("schedules.json", '{"jobs": [{"name": "a"}, {}]}')
        self.found("schedules.json", "error", "errors")
        self.folder.write("schedules.json", json.dumps({"jobs": [job("a", "true", "* 3 * * *")]}))
        self.found("schedules.json", "warning", "1 warning")
        os.remove(self.folder.file("schedules.json"))
        self.found("schedules.json", "warning", "schedules.json")
        self.found("schedules.json", "error", "schedules.json", "--config", "schedules.json")

    def test_runner(self):
        """A belfry alone, then beside a runner of another version, then beside none that runs."""
        alone = self.folder.file("bin")
        os.mkdir(alone)
        shutil.copy(BELFRY, alone)

        def ask():
            result = subprocess.run([os.path.join(alone, "belfry"), "doctor", "--json", "--state",
                                     self.state, "--listen", "127.0.0.1:0"],
                                    cwd=self.folder.work, env={**os.environ, "PATH": "/usr/bin"},
                                    stdout=subprocess.PIPE, check=False, timeout=60)
            return {row["check"]: row for row in json.loads(result.stdout)}["runner"]
        self.assertEqual("error", ask()["result"])
        self.assertIn("no executable belfry-runner", ask()["found"])
        runner = os.path.join(alone, "belfry-runner")
        with open(runner, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho belfry-runner 0.0.1\n")
        self.assertIn("no executable belfry-runner", ask()["found"])
        os.chmod(runner, 0o755)
        self.assertEqual("error", ask()["result"])
        self.assertIn('it says "belfry-runner 0.0.1"', ask()["found"])
        shutil.copy(os.path.join(BUILD, "belfry-runner"), runner)
        self.assertEqual("ok", ask()["result"])

    def test_open_files(self):
        result = subprocess.run(["sh", "-c", 'ulimit -n 100; exec "$@"', "sh", BELFRY, "doctor",
                                 "--json", "--state", self.state, "--listen", "127.0.0.1:0"],
                                cwd=self.folder.work, stdout=subprocess.PIPE, check=False,
                                timeout=60)
        row = {row["check"]: row for row in json.loads(result.stdout)}["open files"]
        self.assertEqual("warning", row["result"])
        self.assertIn("only 100 may be open", row["found"])


if __name__ == "__main__":
    unittest.main()
