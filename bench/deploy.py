"""./dev bench deploy: what a deploy costs beside reading its file, and the API under load
beside nginx, each in the same run."""
import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time

import many
from served import Belfry, aim, note, ratios

ROUNDS = 5
CHANGED = 100
SIZES = (10000, 100000)
PLAN_TIMES, APPLY_S = 2, 1
RUNS = 1000000
LIST_MS, LIGHT_TIMES = 5, 0.7
SECONDS = 4


# ---- plan and apply ----

def files(folder, count):
    """The same jobs twice, CHANGED of them otherwise."""
    before, after = (os.path.join(folder, name) for name in ("before.json", "after.json"))
    many.write_whole(before, count)
    with open(before, encoding="utf-8") as file:
        jobs = json.load(file)["jobs"]
    for i in range(CHANGED):
        jobs[i * count // CHANGED]["timeout"] = "7m"
    many.write(after, jobs)
    return before, after


def send(belfry, path, file):
    """Seconds that the server took for the file, and its answer."""
    with open(file, "rb") as opened:
        body = opened.read()
    host = belfry.url.split("//")[1]
    connection = http.client.HTTPConnection(host, timeout=120)
    start = time.monotonic()
    connection.request("POST", path, body=body, headers={"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    took = time.monotonic() - start
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"bench: {path} was answered with {answer.status}: {text[:300]}")
    return took, json.loads(text)


def timed(*command, codes=(0,)):
    start = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    took = time.monotonic() - start
    if done.returncode not in codes:
        raise SystemExit(f"bench: {command[1]} ended with {done.returncode}: {done.stderr[-300:]}")
    return took


def deploy_round(build, belfry, before, after):
    program = os.path.join(build, "belfry")
    took = {"check": timed(program, "check", after)}
    took["plan"], plan = send(belfry, "/api/v1/plan", after)
    took["command"] = timed(program, "plan", after, "--server", belfry.url)
    took["apply"], applied = send(belfry, "/api/v1/apply", after)
    for counts in (plan["counts"], applied["plan"]["counts"]):
        if counts["update"] != CHANGED or sum(counts.values()) != counts["unchanged"] + CHANGED:
            raise SystemExit(f"bench: that is not the plan that was to be measured: {counts}")
    took["back"], _ = send(belfry, "/api/v1/apply", before)
    return took


def bench_size(build, count):
    with tempfile.TemporaryDirectory(prefix="belfry-bench-") as folder:
        before, after = files(folder, count)
        belfry = Belfry(build, None)
        try:
            send(belfry, "/api/v1/apply", before)
            rounds = []
            for i in range(ROUNDS):
                note(f"deploy: {count} jobs, round {i + 1} of {ROUNDS}")
                rounds.append(deploy_round(build, belfry, before, after))
            note("")
        finally:
            belfry.stop()
        size = os.path.getsize(after)

    def median(what):
        return statistics.median(one[what] for one in rounds)

    print(f"{count:,} jobs in {size / 1e6:.1f} MB, {CHANGED} of them changed (medians of {ROUNDS})")
    print(f"  read and validate (belfry check)    {median('check'):7.3f} s")
    for label, what in (("plan, by the server", "plan"), ("plan, the whole command", "command")):
        beside = [one[what] / one["check"] for one in rounds]
        print(f"  {label:35} {median(what):7.3f} s   x check {ratios(beside)}   "
              f"{aim(statistics.median(beside), PLAN_TIMES)}")
    told = f"   {aim(median('apply'), APPLY_S)}" if count == max(SIZES) else ""
    print(f"  apply, durable                      {median('apply'):7.3f} s{told}")


# ---- the API under load ----

FILL = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count})
INSERT INTO run (id, job, executor, trigger, scheduled_at, epoch, revision, dry_run, claimed_at,
                 state, outcome, attempt, started_at, finished_at, exit_code, signal,
                 output_bytes, cpu_ms, max_rss_kib)
SELECT (({first} + i * 60) << 20), 'job-' || (i % 100), 'process', 'schedule', {first} + i * 60, 0,
       1, 0, {first} + i * 60, 'finished', iif(i % 97, 'succeeded', 'failed'), 1,
       {first} + i * 60 + 2, {first} + i * 60 + 40, iif(i % 97, 0, 1), 0, 120, 3, 4000
FROM n
"""


def wrk(url, connections):
    """Requests a second, and the 99th percentile in ms."""
    text = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", url],
                          check=True, stdout=subprocess.PIPE, text=True).stdout
    if re.search(r"Non-2xx|Socket errors", text):
        raise SystemExit(f"bench: {url}: {text}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", text).groups()
    return rate, float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]


class Nginx:
    """One worker that answers at once with a text of that length."""

    def __init__(self, length):
        self.folder = tempfile.mkdtemp(prefix="belfry-bench-")
        self.socket_path = os.path.join(self.folder, "port")
        self.port = self.free_port()
        config = os.path.join(self.folder, "nginx.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"""
daemon off; master_process off; worker_processes 1; pid {self.folder}/pid;
error_log {self.folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; default_type application/json;
  server {{ listen 127.0.0.1:{self.port}; location / {{ return 200 "{'x' * length}"; }} }}
}}
""")
        self.process = subprocess.Popen(["nginx", "-p", self.folder, "-c", config],
                                        stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{self.port}/"
        self.wait()

    @staticmethod
    def free_port():
        import socket
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    def wait(self):
        while True:
            if self.process.poll() is not None:
                raise SystemExit("bench: nginx did not start")
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/")
                connection.getresponse().read()
                connection.close()
                return
            except OSError:
                time.sleep(0.02)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


def fill(belfry):
    first = int(time.time() * 1000) - RUNS * 60 - 60000
    belfry.execute(FILL.format(count=RUNS, first=first))
    if belfry.sql("SELECT count(*) FROM run")[0][0] != RUNS:
        raise SystemExit("bench: the runs are not there")
    return belfry.sql("SELECT max(id) FROM run")[0][0]


def run_id(number):
    digits = "0123456789abcdefghjkmnpqrstvwxyz"
    return "".join(digits[number >> 5 * i & 31] for i in range(12, -1, -1))


def ask(url):
    host, path = url[len("http://"):].split("/", 1)
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request("GET", "/" + path)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"bench: {url}: {answer.status}")
    return text


def bench_api(build):
    jobs = [{"name": f"job-{i}", "schedule": "0 0 1 1 *", "command": ["true"],
             "keep": {"runs": RUNS}} for i in range(100)]
    belfry = Belfry(build, jobs)
    nginx = None
    try:
        note(f"deploy: writing {RUNS:,} runs")
        newest = run_id(fill(belfry))
        listed = f"{belfry.url}/api/v1/runs?limit=100"
        if len(json.loads(ask(listed))["runs"]) != 100:
            raise SystemExit("bench: that is no list of 100 runs")
        lists, light = [], {"health": [], "one run": []}
        health, one = f"{belfry.url}/health", f"{belfry.url}/api/v1/runs/{newest}"
        nginx = Nginx(len(ask(health)))
        for i in range(ROUNDS):
            note(f"deploy: the API, round {i + 1} of {ROUNDS}")
            lists.append(wrk(listed, 8))
            limit = wrk(nginx.url, 64)[0]
            light["health"].append((wrk(health, 64)[0], limit))
            light["one run"].append((wrk(one, 64)[0], limit))
        note("")
    finally:
        belfry.stop()
        if nginx:
            nginx.stop()
    p99 = statistics.median(ms for _, ms in lists)
    print(f"the API, wrk with one thread (medians of {ROUNDS} rounds of {SECONDS} s)")
    print(f"  100 of {RUNS:,} runs, 8 connections   "
          f"{statistics.median(rate for rate, _ in lists):7.0f}/s   p99 {p99:6.2f} ms   "
          f"{aim(p99, LIST_MS)}")
    print(f"  nginx return 200, 64 connections      "
          f"{statistics.median(limit for _, limit in light['health']):7.0f}/s")
    for what, rows in light.items():
        beside = [rate / limit for rate, limit in rows]
        print(f"  {what:8} the same way                {statistics.median(r for r, _ in rows):7.0f}/s"
              f"   x nginx {ratios(beside)}   "
              f"{aim(statistics.median(beside), LIGHT_TIMES, most=False)}")


def bench_deploy(build, _peers):
    for count in SIZES:
        bench_size(build, count)
    bench_api(build)
