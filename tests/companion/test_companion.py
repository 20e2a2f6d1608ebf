#!/usr/bin/python3
"""The images of deploy/fly, really built and really run, and fly.toml held against them."""
import http.server
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import tomllib
import unittest

from engine import BASE, PATH, Engine, run

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from common import job, shell, wait_for  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
BELFRY = os.path.join(os.environ["BELFRY_BUILD"], "belfry")
FLY = os.path.join(ROOT, "deploy/fly")
TOKEN = "a-token-of-the-test-and-nobody-else"
RESIDENT_MAX_KB = 20 * 1000
BELFRY_UID = 7420
SECONDS = {"s": 1, "m": 60}

with open(os.path.join(FLY, "fly.toml"), "rb") as toml:
    fly = tomllib.load(toml)


def seconds(text):
    return int(text[:-1]) * SECONDS[text[-1]]


def option(name):
    words = shlex.split(fly["processes"]["app"])
    return words[words.index(name) + 1]


def process(pid):
    """Fields of /proc/PID/status, each as its words."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return {name: value.split() for name, value in (line.split(":", 1) for line in file)}


class Companion:
    """The companion as Fly runs it: a volume of root's, fly.toml's options, a secret."""

    def __init__(self, engine, folder):
        self.engine = engine
        self.folder = folder
        self.volume = os.path.join(folder, "volume")
        self.name = None
        os.mkdir(self.volume, 0o755)
        # As a file system has it that is new.
        os.mkdir(os.path.join(self.volume, "lost+found"), 0o700)

    def run(self, *more):
        self.name = self.engine.docker(
            "run", "--detach", "--network=none", "--env", f"BELFRY_TOKEN={TOKEN}",
            "--volume", f"{self.volume}:{fly['mounts']['destination']}", "--health-interval=1s",
            *more, "belfry", *shlex.split(fly["processes"]["app"])).strip()
        return self.wait_healthy()

    def wait_healthy(self):
        def healthy():
            state = self.engine.inspect(self.name, ".State")
            if not state["Running"]:
                raise AssertionError(f"the container ended: {self.logs()}")
            return state["Health"]["Status"] == "healthy"
        wait_for(healthy, "the container to be healthy")
        return self

    def restart(self):
        self.engine.docker("start", self.name)
        return self.wait_healthy()

    def remove(self):
        self.engine.docker("rm", "--force", self.name)

    def logs(self):
        return self.engine.docker("logs", self.name, merged=True)

    def pid(self):
        return self.engine.inspect(self.name, ".State.Pid")

    def ask(self, *words):
        """A team's own belfry, from outside, at the port that Fly's proxy goes to."""
        text = run("nsenter", "--target", str(self.pid()), "--net", BELFRY, *words, "--json",
                   env={**os.environ, "BELFRY_TOKEN": TOKEN, "BELFRY_SERVER":
                        f"http://127.0.0.1:{fly['http_service']['internal_port']}"})
        return json.loads(text)

    def finished(self, name, count):
        def enough():
            runs = self.ask("runs", "--job", name)
            return runs if [row["state"] for row in runs].count("finished") == count else None
        return wait_for(enough, f"{count} finished runs of {name}")

    def check(self, check):
        """What Fly's check gets: status and body. It brings no token."""
        text = run("nsenter", "--target", str(self.pid()), "--net", "curl", "--silent",
                   "--max-time", str(seconds(check["timeout"])), "--request", check["method"],
                   "--write-out", "\n%{http_code}",
                   f"http://127.0.0.1:{fly['http_service']['internal_port']}{check['path']}")
        body, status = text.rsplit("\n", 1)
        return int(status), json.loads(body)


class CompanionTest(unittest.TestCase):
    engine = None

    @classmethod
    def setUpClass(cls):
        cls.engine.make_base()
        cls.engine.build(os.path.join(FLY, "Dockerfile"), ROOT, "belfry")
        cls.engine.build(os.path.join(FLY, "job.Dockerfile"), FLY, "jobs")

    def setUp(self):
        folder = tempfile.mkdtemp(dir=self.engine.scratch)
        self.companion = Companion(self.engine, folder)
        self.addCleanup(self.engine.remove_containers)

    def write(self, jobs):
        path = os.path.join(self.companion.folder, "schedules.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"jobs": jobs}, file)
        os.chmod(path, 0o600)  # how Fly writes it is not said anywhere
        return path

    def sh(self, image, text):
        return self.engine.docker("run", "--rm", "--network=none", "--entrypoint", "sh", image,
                                  "-c", text).split()

    # ---- managed: schedules come with `belfry apply` ----

    def test_managed(self):
        companion = self.companion.run()
        path = self.write([job("hello", shell("id -u; pwd")), job("tick", "true", "* * * * *")])
        companion.ask("apply", "--yes", path)
        first = companion.ask("trigger", "hello")["id"]
        companion.finished("hello", 1)
        text = self.engine.docker("exec", companion.name, "belfry", "logs", first)
        self.assertEqual([str(BELFRY_UID), "/data"], text.split())
        self.check_process(companion)
        for check in fly["http_service"]["checks"]:
            status, body = companion.check(check)
            self.assertEqual((200, "ok", 2), (status, body["status"], body["jobs"]))

        # Killed, it comes back as it was, from the volume.
        self.engine.docker("kill", companion.name)
        self.assertEqual(128 + signal.SIGKILL,
                         self.engine.inspect(companion.name, ".State.ExitCode"))
        companion.restart()
        self.assertEqual([first], [row["id"] for row in companion.finished("hello", 1)])
        self.assertEqual([1], [row["number"] for row in companion.ask("revisions")])
        second = companion.ask("trigger", "hello")["id"]
        self.assertEqual([second, first], [row["id"] for row in companion.finished("hello", 2)])

        # A deploy is another container on the same volume; now with a file.
        companion.remove()
        path = self.write([job("hello", "true"), job("goodbye", "true")])
        companion.run("--volume", f"{path}:/etc/belfry/schedules.json")
        self.assertEqual([second, first], [row["id"] for row in companion.finished("hello", 2)])
        self.assertEqual({"hello", "goodbye"}, {row["name"] for row in companion.ask("list")})
        self.assertEqual([2, 1], [row["number"] for row in companion.ask("revisions")])

    def check_process(self, companion):
        """belfry and its runner: small, and nothing of root is left to them."""
        total_kb = 0
        top = self.engine.docker("top", companion.name, "-o", "pid,comm").split("\n")[1:]
        pids = {line.split()[1]: int(line.split()[0]) for line in top if line}
        self.assertEqual({"belfry", "belfry-runner"}, set(pids))
        for name, pid in pids.items():
            fields = process(pid)
            resident_kb = int(fields["VmRSS"][0])
            print(f"{name}: {resident_kb} kB resident", file=sys.stderr)
            total_kb += resident_kb
            self.assertEqual([str(BELFRY_UID)] * 4, fields["Uid"], name)
            self.assertEqual([str(BELFRY_UID)] * 4, fields["Gid"], name)
            self.assertEqual([str(BELFRY_UID)], fields["Groups"], name)
            self.assertEqual(["1"], fields["NoNewPrivs"], name)
            for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                self.assertEqual(0, int(fields[kind][0], 16), f"{name} {kind}")
        self.assertLess(total_kb, RESIDENT_MAX_KB)

    # ---- a file: schedules come with `fly deploy` ----

    def test_file(self):
        path = self.write([job("short", shell("echo begun; sleep 1; echo done"))])
        companion = self.companion.run("--volume", f"{path}:/etc/belfry/schedules.json")
        run_id = companion.ask("trigger", "short")["id"]
        wait_for(lambda: [row for row in companion.ask("runs") if row["state"] == "running"],
                 "the run to begin")
        # What Fly sends on a deploy, and how long it waits: the job has time to end.
        self.engine.docker("kill", "--signal", fly["kill_signal"], companion.name)
        self.engine.docker("wait", companion.name, deadline_s=fly["kill_timeout"])
        self.assertEqual(0, self.engine.inspect(companion.name, ".State.ExitCode"))
        companion.restart()
        rows = companion.finished("short", 1)
        self.assertEqual([(run_id, "succeeded")], [(row["id"], row["outcome"]) for row in rows])

    def test_no_token(self):
        result = subprocess.run(["docker", "run", "--rm", "--network=none", "belfry"],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env=self.engine.environment(), check=False)
        self.assertEqual(2, result.returncode, result.stdout)
        self.assertIn("fly secrets set BELFRY_TOKEN", result.stdout)

    def test_other_user(self):
        """Where the platform chose a user, nothing of root's is tried."""
        os.chown(self.companion.volume, 1234, 1234)
        self.companion.run("--user", "1234:1234")
        self.assertEqual(["1234"] * 4, process(self.companion.pid())["Uid"])

    # ---- what is in the images ----

    def test_contents(self):
        self.assertEqual(["belfry", "belfry-runner", "belfry-start"],
                         self.sh("belfry", "ls /usr/local/bin"))
        self.assertEqual([], self.sh("belfry", "command -v cc gcc ld as make meson ninja python3 "
                                               "curl git; true"))
        self.assertEqual([], self.sh("belfry", "find /data /var/lib/apt/lists -mindepth 1"))
        # Of all that the build stage has there, nothing but run-time libraries may be new.
        self.assertEqual([], self.sh("belfry", "dpkg-query -W -f '${Package}\\n' | grep -e '-dev$' "
                                               "-e ^gcc-[0-9]*$; true"))
        self.assertEqual([], self.sh("jobs", "command -v belfry cc gcc python3; true"))
        self.assertEqual(["check-pages"], self.sh("jobs", "ls /usr/local/bin"))

    def test_job_image(self):
        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if self.path == "/there" else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        in_job = ("run", "--rm", "--network=host", "--env", "no_proxy=127.0.0.1")
        text = self.engine.docker(*in_job, "jobs", "check-pages", f"{base}/there",
                                  f"{base}/gone", merged=True)
        self.assertIn(f"{base}/gone does not answer\n", text)
        self.assertIn('{"event":"result","processed":2,"failed":1}\n', text)
        text = self.engine.docker(*in_job, "--env", "BELFRY_DRY_RUN=1", "jobs", "check-pages",
                                  f"{base}/gone")
        self.assertIn(f"would ask for {base}/gone", text)
        self.assertNotEqual(["0"], self.engine.docker("run", "--rm", "--network=none", "jobs",
                                                      "id", "-u").split())

    # ---- fly.toml, and the guide ----

    def test_fly_toml(self):
        config = self.engine.inspect("belfry", ".Config")
        service = fly["http_service"]
        self.assertEqual([f"{service['internal_port']}/tcp"], list(config["ExposedPorts"]))
        self.assertIn(f"BELFRY_STATE={fly['mounts']['destination']}", config["Env"])
        (check,) = service["checks"]
        self.assertEqual(("GET", "/health", "30s", "15s", "5s"),
                         tuple(check[key] for key in ("method", "path", "grace_period",
                                                      "interval", "timeout")))
        health = config["Healthcheck"]
        for key, ours in (("grace_period", "StartPeriod"), ("interval", "Interval"),
                          ("timeout", "Timeout")):
            self.assertEqual(seconds(check[key]) * 10**9, health[ours], key)
        # A Machine that Fly stops when nobody asks rings nothing.
        self.assertFalse(service["auto_stop_machines"])
        self.assertEqual("SIGTERM", fly["kill_signal"])
        self.assertLess(seconds(option("--stop-timeout")), fly["kill_timeout"])
        # flyctl takes the path from the folder of fly.toml.
        self.assertTrue(os.path.exists(os.path.join(FLY, fly["build"]["dockerfile"])))

    def test_files_section(self):
        """The lines about [[files]] are right once their comment signs are off."""
        with open(os.path.join(FLY, "fly.toml"), encoding="utf-8") as file:
            text = re.sub(r"^# (\[\[files\]\]|  )", r"\1", file.read(), flags=re.M)
        (entry,) = tomllib.loads(text)["files"]
        with open(os.path.join(FLY, "belfry-start"), encoding="utf-8") as file:
            self.assertIn(f"schedules={entry['guest_path']}\n", file.read())

    def test_guide(self):
        with open(os.path.join(FLY, "README.md"), encoding="utf-8") as file:
            guide = file.read()
        self.assertEqual(["1", "2", "3", "4", "5"], re.findall(r"^(\d)\. \*\*", guide, re.M))
        self.assertIn(f"fly apps create {fly['app']}\n", guide)
        self.assertIn(f"fly volumes create {fly['mounts']['source']} --app {fly['app']} "
                      f"--region {fly['primary_region']} ", guide)
        (example,) = re.findall(r"^```json\n(.*?)^```", guide, re.M | re.S)
        path = self.write([json.loads(example)])
        run(BELFRY, "check", path)
        for name in ("Dockerfile", "job.Dockerfile"):
            with open(os.path.join(FLY, name), encoding="utf-8") as file:
                self.assertEqual({BASE}, set(re.findall(r"^FROM (\S+)", file.read(), re.M)))


if __name__ == "__main__":
    # Told to end, it takes its engine along: unittest goes on after all exceptions but this,
    # and does not clean up after this.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ["PATH"] = PATH
    with Engine(os.environ["COMPANION_FOLDER"]) as CompanionTest.engine:
        unittest.main()
