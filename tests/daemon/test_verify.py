#!/usr/bin/python3
"""A job that verifies, under the real daemon: the app goes up and down, and is seen to."""
import http.server
import json
import threading
import unittest

from harness import Belfry, job, wait_for


class App(http.server.ThreadingHTTPServer):
    daemon_threads = True
    status = 503

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()


def verify(name, schedule, **members):
    return {"name": name, "schedule": schedule, "verify": members}


class Verify(unittest.TestCase):
    def wait_run(self, belfry, name, outcome, after=None):
        """The latest run of that outcome that is younger than another one."""
        def there():
            for run in belfry.runs("--job", name):
                if run["outcome"] == outcome and (after is None or run["id"] > after["id"]):
                    return run
            return None
        return wait_for(there, f"{name} to have {outcome}")

    def test_up_and_down(self):
        with App() as app, Belfry([verify("app", "@every 1s", url=app.url("/health"))]) as belfry:
            belfry.start()
            run = self.wait_run(belfry, "app", "failed")
            self.assertIn(f"exit code 1: not up: {app.url('/health')} answers 503, and not 200; ",
                          run["message"])
            self.assertEqual((1, "process"), (run["exit_code"], run["executor"]))
            self.assertGreater(belfry.ask("status", "app")["consecutive_failures"], 0)
            app.status = 200
            run = self.wait_run(belfry, "app", "succeeded", run)
            self.assertRegex(run["message"], rf"^up: {app.url('/health')} answers 200 \(")
            log = belfry.run_command("logs", run["id"], check=0).stdout
            self.assertEqual(run["message"], log.splitlines()[0])
            app.status = 500
            run = self.wait_run(belfry, "app", "failed", run)
            self.assertIn("answers 500", run["message"])
            # A restart makes no difference: belfry's own path is found anew.
            self.assertEqual(0, belfry.stop())
            belfry.start()
            app.status = 200
            self.wait_run(belfry, "app", "succeeded", run)

    def test_it_is_shown(self):
        url = "http://127.0.0.1:1/?key=${KEY}"
        jobs = [verify("app", "@yearly", url=url, expect_status="2xx", within="1s"),
                job("other", ["true"], "@yearly")]
        with Belfry(jobs) as belfry:
            belfry.start(env={"KEY": "geheim"})
            command = ["belfry", "verify", "--expect-status=2xx", "--within=1s", url]
            shown = belfry.ask("status", "app")
            self.assertEqual(("process", command, True),
                             (shown["executor"], shown["command"], shown["has_dry_run"]))
            status = belfry.run_command("status", "app", check=0).stdout
            self.assertRegex(status, r"(?m)^executor +process: belfry verify --expect-status=2xx "
                                     r"--within=1s http://127\.0\.0\.1:1/\?key=\$\{KEY\}$")
            exported = json.loads(belfry.run_command("export", check=0).stdout)
            self.assertEqual(jobs[0], exported["jobs"][0])
            self.assertIn("app", belfry.run_command("list", check=0).stdout)
            started = belfry.run_command("trigger", "app", "--dry-run", "--wait", "--json")
            self.assertEqual(1, started.returncode, started.stderr)
            self.assertNotIn("dry_run", started.stderr)
            run = self.wait_run(belfry, "app", "failed")
            self.assertIn("nobody listens on 127.0.0.1:1; ", run["message"])
            for answer in (status, belfry.run_command("logs", run["id"]).stdout,
                           json.dumps(run), json.dumps(shown)):
                self.assertNotIn("geheim", answer)

    def test_a_change_is_planned_by_value(self):
        with Belfry([verify("app", "@yearly", url="http://127.0.0.1:1", within="60s"),
                     job("late", ["true"], "@yearly")]) as belfry:
            belfry.start()
            changed = belfry.path("changed.json")
            with open(changed, "w", encoding="utf-8") as file:
                json.dump({"jobs": [verify("app", "@yearly", url="http://127.0.0.1:2", within="1m"),
                                    verify("late", "@yearly", url="http://127.0.0.1:3")]}, file)
            text = belfry.run_command("plan", changed, check=0).stdout
            self.assertEqual("~ app: update\n"
                             '    verify.url: "http://127.0.0.1:1" → "http://127.0.0.1:2"\n\n'
                             "~ late: update\n"
                             '    command: ["true"] → (none)\n'
                             '    verify.url: (none) → "http://127.0.0.1:3"\n\n'
                             "Plan: 2 to update; 0 unchanged (against revision 1)\n", text)


if __name__ == "__main__":
    unittest.main()
