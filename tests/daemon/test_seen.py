#!/usr/bin/python3
"""What people and Prometheus see: downtime, lateness, /metrics, from the real binary."""
import json
import os
import re
import signal
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timezone

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from harness import Belfry, job, shell, wait_for

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0, text/plain; q=0.5"}


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def pass_until(moment):
    """The outage itself: time has to go by."""
    wait_for(lambda: time.time() >= moment, "time to pass")


def downtimes(b, query=""):
    return json.loads(b.http("GET", "/api/v1/downtimes" + query)[1])["downtimes"]


def told(b):
    """The data of the log's lines about downtime."""
    return [event["downtime"] for event in list(b.log) if "downtime" in event]


def samples(text, parse=parse_text):
    """{(name, labels): value} of a text."""
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in parse(text) for sample in family.samples}


class Downtime(unittest.TestCase):
    def test_first_start_has_none(self):
        with Belfry([job("a", ["true"])]) as b:
            b.start()
            self.assertEqual(([], []), (told(b), downtimes(b)))
            self.assertIsNone(b.ask("status")["downtime"])
            self.assertIn("none in the last 7 days", b.run_command("status", check=0).stdout)

    def test_killed_with_what_became_of_each(self):
        window = {"catchup": "all", "catchup_window": "2s", "overlap": "allow"}
        with Belfry([job("windowed", ["true"], "@every 1s", **window),
                     job("unwanted", ["true"], "@every 1s", catchup="none"),
                     job("quiet", ["true"])]) as b:
            b.start()
            b.finished("unwanted")
            b.kill()
            killed_at = time.time()
            pass_until(killed_at + 5)
            b.start()
            wait_for(lambda: told(b), "a line about the downtime")
            found = told(b)[0]
            self.assertEqual(("down", False), (found["kind"], found["is_exact"]))
            # The last sign of life: a run each second.
            self.assertTrue(killed_at - 3 < instant(found["since"]) <= killed_at, found)
            self.assertGreaterEqual(found["missed"], 6)
            self.assertGreaterEqual(found["caught_up"], 1)
            self.assertEqual(found["missed"], found["too_old"] + found["not_wanted"])
            self.assertEqual(2000, found["window_ms"])
            line = b.said("down ")[0]
            self.assertEqual("warn", line["level"])
            self.assertIn("last sign of life", line["msg"])
            self.assertIn(f"{found['too_old']} older than 2s window, {found['not_wanted']} "
                          "catchup none", line["msg"])
            self.assertEqual(1, len(told(b)))
            # Log, list, status and the parts of the jobs agree, and with the occurrences.
            wait_for(lambda: downtimes(b), "the record")
            self.assertEqual([found], downtimes(b))
            self.assertEqual(found, b.ask("status")["downtime"])
            self.assertIn(line["msg"], b.run_command("status", check=0).stdout)
            parts = {name: downtimes(b, f"?job={name}")[0]
                     for name in ("windowed", "unwanted", "quiet")}
            for key in ("occurrences", "caught_up", "missed", "too_old", "not_wanted"):
                self.assertEqual(found[key], sum(part[key] for part in parts.values()), key)
            self.assertEqual(0, parts["quiet"]["occurrences"])
            self.assertEqual(found["not_wanted"], parts["unwanted"]["missed"])
            self.assertEqual(parts["windowed"], b.ask("status", "windowed")["downtime"])
            self.assertIn("last downtime", b.run_command("status", "windowed", check=0).stdout)
            self.assertNotIn("last downtime", b.run_command("status", "quiet", check=0).stdout)
            rows = b.sql("SELECT count(*) FROM run WHERE trigger = 'catchup'")
            self.assertEqual(found["caught_up"], rows[0][0])
            metrics = samples(b.http("GET", "/metrics")[1])
            self.assertEqual(found["duration_ms"] / 1000,
                             metrics["belfry_downtime_seconds", (("kind", "down"),)])
            self.assertEqual(parts["windowed"]["missed"], metrics[
                "belfry_occurrences_missed_total", (("job", "windowed"), ("reason", "down"))])

    def test_stopped_is_known_exactly(self):
        with Belfry([job("a", ["true"])]) as b:
            b.start()
            before = time.time()
            self.assertEqual(0, b.stop())
            after = time.time()
            pass_until(after + 0.1)
            b.start()
            wait_for(lambda: downtimes(b), "the record")
            found = downtimes(b)[0]
            self.assertEqual(("down", True, 0),
                             (found["kind"], found["is_exact"], found["occurrences"]))
            self.assertTrue(before - 0.01 <= instant(found["since"]) <= after, found)
            self.assertGreaterEqual(found["duration_ms"], 100)
            line = b.said("down ")[0]
            self.assertEqual("info", line["level"])
            self.assertTrue(line["msg"].endswith("): nothing was due"), line)
            # Killed the next time: the exact end of the life before is not taken for it.
            b.kill()
            b.start()
            wait_for(lambda: len(downtimes(b)) == 2, "the second record")
            self.assertEqual([False, True], [row["is_exact"] for row in downtimes(b)])

    def test_what_fell_due_while_stopping_waits_is_the_next_life_s(self):
        with Belfry([job("long", shell("sleep 600")),
                     job("often", ["true"], "@every 1s", catchup="none")]) as b:
            b.start("--stop", "kill", "--stop-timeout", "3s")
            run = b.trigger("long")
            wait_for(lambda: [row for row in b.runs() if row["id"] == run][0]["state"] ==
                     "running", "it to run")
            b.stop()
            ended = time.time()
            b.start()
            wait_for(lambda: downtimes(b), "the record")
            found = downtimes(b)[0]
            self.assertTrue(found["is_exact"])
            self.assertLessEqual(instant(found["since"]), ended - 2.9)
            self.assertGreaterEqual(found["not_wanted"], 2)


    def test_stalled(self):
        with Belfry([job("often", ["true"], "@every 1s", overlap="allow")]) as b:
            b.start()
            b.finished("often")
            stopped_at = time.time()
            b.process.send_signal(signal.SIGSTOP)
            pass_until(stopped_at + 13)  # 10 s and more after what was due within 1 s
            b.process.send_signal(signal.SIGCONT)
            wait_for(lambda: told(b), "a line about it")
            found = told(b)[0]
            self.assertEqual(("stalled", True, 0),
                             (found["kind"], found["is_exact"], found["missed"]))
            self.assertGreaterEqual(found["caught_up"], 10)
            self.assertTrue(stopped_at - 1 < instant(found["since"]) < stopped_at + 2, found)
            self.assertEqual([found], wait_for(lambda: downtimes(b), "the record"))
            metrics = samples(b.http("GET", "/metrics")[1])
            self.assertEqual(found["duration_ms"] / 1000,
                             metrics["belfry_downtime_seconds", (("kind", "stalled"),)])
            self.assertGreaterEqual(metrics["belfry_loop_stall_seconds_sum", ()], 10)


class Lateness(unittest.TestCase):
    def test_jitter_is_no_lateness(self):
        with Belfry([job("jittered", ["true"], "@every 1s", jitter="900ms")]) as b:
            b.start()
            runs = b.finished("jittered", 4)
            moved = 0
            for run in runs:
                planned, due = instant(run["planned_at"]), instant(run["scheduled_at"])
                moved += planned > due
                self.assertAlmostEqual(run["lateness_ms"] / 1000,
                                       instant(run["started_at"]) - planned, places=5)
            self.assertGreaterEqual(moved, 1)
            one, whole = b.ask("status", "jittered")["lateness"], b.ask("status")["lateness"]
            late = [run["lateness_ms"] for run in b.finished("jittered", whole["runs"])]
            self.assertGreaterEqual(one["runs"], 4)
            self.assertLessEqual(one["p50_ms"], one["p99_ms"])
            self.assertLessEqual(one["p99_ms"], one["max_ms"])
            self.assertLessEqual(min(late), whole["p50_ms"])
            text = b.run_command("status", "jittered", check=0).stdout
            self.assertRegex(text, r"lateness +p50 \S+, p99 \S+, most \S+, of the latest \d+")

    def test_what_nobody_planned_has_none(self):
        with Belfry([job("by-hand", ["true"])]) as b:
            b.start()
            run = b.wait_run(b.trigger("by-hand"))
            self.assertEqual((None, None), (run["planned_at"], run["lateness_ms"]))
            self.assertEqual({"runs": 0, "p50_ms": None, "p99_ms": None, "max_ms": None},
                             b.ask("status")["lateness"])
            self.assertNotIn("lateness", b.run_command("status", "by-hand", check=0).stdout)


class Prometheus:
    """A real one that scrapes a belfry each second."""

    def __init__(self, b, token):
        target = b.url.split("//")[1]
        with open(b.path("prometheus.yml"), "w", encoding="utf-8") as file:
            json.dump({"global": {"scrape_interval": "1s"}, "scrape_configs": [
                {"job_name": "belfry", "authorization": {"credentials": token},
                 "static_configs": [{"targets": [target]}]}]}, file)
        self.process = subprocess.Popen(
            ["prometheus", "--config.file", b.path("prometheus.yml"), "--storage.tsdb.path",
             b.path("tsdb"), "--web.listen-address", "127.0.0.1:0"],
            stderr=subprocess.PIPE, text=True, cwd=b.folder)
        self.url = None
        for line in self.process.stderr:
            found = re.search(r'msg="Listening on" address=(\S+)', line)
            if found:
                self.url = f"http://{found[1]}"
                break
        self.reader = threading.Thread(target=self.process.stderr.read, daemon=True)
        self.reader.start()
        wait_for(self.is_ready, "Prometheus to be ready")

    def is_ready(self):
        try:
            urllib.request.urlopen(self.url + "/-/ready", timeout=60).close()
        except urllib.error.HTTPError as error:
            error.close()
            return False
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stderr.close()

    def ask(self, query):
        """{labels: value} of an instant query; not the scrape's own labels."""
        url = f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            rows = json.load(answer)["data"]["result"]
        return {tuple(sorted((name, value) for name, value in row["metric"].items()
                             if name not in ("__name__", "instance", "job"))):
                float(row["value"][1]) for row in rows}


class Scraped(unittest.TestCase):
    def test_a_real_prometheus_takes_all_of_it(self):
        with Belfry([job("fails", "false"), job("works", "true", "@every 1s")]) as b:
            b.start(env={"BELFRY_TOKEN": "one"})
            for _ in range(3):
                b.http("POST", "/api/cron/fails", {"Authorization": "Bearer one"})
                wait_for(lambda: json.loads(b.http(
                    "GET", "/api/v1/runs?job=fails&state=open",
                    {"Authorization": "Bearer one"})[1])["runs"] == [], "the run to end")
            with Prometheus(b, "one") as prometheus:
                # A job's name comes as exported_job: "job" is the scrape's own.
                failures = wait_for(lambda: prometheus.ask("belfry_consecutive_failures == 3"),
                                    "Prometheus to have it")
                self.assertEqual([(("exported_job", "fails"),)], list(failures))
                self.assertEqual({(): 1}, prometheus.ask('up{job="belfry"}'))
                wait_for(lambda: prometheus.ask('increase(belfry_runs_total{outcome="succeeded"}[1m])'),
                         "two scrapes")
                revision = list(prometheus.ask("belfry_revision_info"))[0]
                self.assertEqual(64, len(dict(revision)["hash"]))
                age = prometheus.ask("time() - belfry_revision_applied_timestamp_seconds")
                self.assertTrue(0 < age[()] < 120, age)
                self.assertTrue(prometheus.ask(
                    "histogram_quantile(0.9, belfry_run_lateness_seconds_bucket)"))


class Metrics(unittest.TestCase):
    def check(self, text):
        """promtool has nothing to say to it."""
        result = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        self.assertEqual((0, ""), (result.returncode, result.stdout))

    def test_names_are_those_of_the_manual(self):
        with open(os.path.join(ROOT, "docs/operating.md"), encoding="utf-8") as file:
            rows = re.findall(r"^\| `(belfry_\w+)` \|([^|]*)\| [^|]+ \|$", file.read(), re.M)
        with Belfry([job("a", ["true"], "@every 1s"), job("b", ["false"])]) as b:
            b.start()
            b.finished("a")
            text = b.http("GET", "/metrics")[1]
        told_names = re.findall(r"^# TYPE (\S+) ", text, re.M)
        self.assertEqual([name for name, _ in rows], told_names)
        labels = {name: set(re.findall(r"`(\w+)`", cell)) for name, cell in rows}
        for family in parse_text(text):
            for sample in family.samples:
                name = re.sub("_(bucket|sum|count)$", "", sample.name)
                self.assertEqual(labels[name], set(sample.labels) - {"le"}, sample)
        self.assertEqual(set(told_names), set(re.findall(r"^# HELP (\S+) \S", text, re.M)))

    def test_two_formats(self):
        with Belfry([job('odd "name" \\ é', ["true"], "@every 1s")]) as b:
            b.start()
            b.finished('odd "name" \\ é')
            for headers, kind in (
                    ({}, "text/plain; version=0.0.4; charset=utf-8"),
                    ({"Accept": "*/*"}, "text/plain; version=0.0.4; charset=utf-8"),
                    ({"Accept": "text/plain, application/openmetrics-text;q=0.3"},
                     "text/plain; version=0.0.4; charset=utf-8"),
                    ({"Accept": "application/openmetrics-text; q=0"},
                     "text/plain; version=0.0.4; charset=utf-8"),
                    (OPENMETRICS,
                     "application/openmetrics-text; version=1.0.0; charset=utf-8")):
                answer = self.fetch(b, headers)
                self.assertEqual(kind, answer[0], headers)
                self.check(answer[1]) if kind.startswith("text") else None
            older, newer = self.fetch(b, {})[1], self.fetch(b, OPENMETRICS)[1]
            self.assertTrue(newer.endswith("\n# EOF\n"))
            self.assertNotIn("# EOF", older)
            key = ("belfry_runs_total", (("job", 'odd "name" \\ é'), ("outcome", "succeeded"),
                                         ("trigger", "schedule")))
            self.assertGreaterEqual(samples(older)[key], 1)
            self.assertGreaterEqual(samples(newer, parse_openmetrics)[key], 1)
            names = {family.name for family in parse_openmetrics(newer)}
            self.assertTrue({"belfry_build", "belfry_runs", "belfry_run_lateness_seconds"} <= names)

    @staticmethod
    def fetch(b, headers):
        import urllib.request
        request = urllib.request.Request(b.url + "/metrics", headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.headers["Content-Type"], answer.read().decode()

    def test_they_say_what_the_history_says(self):
        jobs = [job("good", ["true"], "@every 1s"), job("bad", ["false"], "@every 1s"),
                job("dry", ["true"], dry_run=[]), job("hand", ["false"]),
                job("long", shell("sleep 600"), "@every 1s")]
        with Belfry(jobs) as b:
            b.start()
            first = samples(b.http("GET", "/metrics")[1])
            self.assertIn(("belfry_consecutive_failures", (("job", "bad"),)), first)
            b.wait_run(b.trigger("hand"))
            b.wait_run(b.trigger("dry", "--dry-run"))
            b.finished("bad", 3)
            b.finished("good", 3)
            wait_for(lambda: b.sql("SELECT count(*) FROM occurrence WHERE state = 'skipped'")[0][0],
                     "a skip")
            b.write([row | {"enabled": False} for row in jobs])
            b.wait_said("revision 2 in force")
            b.run_command("cancel", "long", check=0)
            wait_for(lambda: not b.sql("SELECT 1 FROM run WHERE finished_at IS NULL"), "quiet")
            now = samples(b.http("GET", "/metrics")[1])
            rows = b.sql("SELECT job, outcome, trigger, count(*) FROM run WHERE dry_run = 0 "
                         "GROUP BY job, outcome, trigger")
            counted = {key[1]: value for key, value in now.items() if key[0] == "belfry_runs_total"}
            self.assertEqual({(("job", name), ("outcome", outcome), ("trigger", trigger)): count
                              for name, outcome, trigger, count in rows}, counted)
            self.assertEqual(4, len(counted))
            skipped = b.sql("SELECT sum(count) FROM occurrence WHERE state = 'skipped'")[0][0]
            self.assertEqual(skipped, now["belfry_occurrences_skipped_total",
                                          (("job", "long"), ("reason", "overlap"))])
            bad = b.sql("SELECT count(*) FROM run WHERE job = 'bad'")[0][0]
            self.assertEqual(bad, now["belfry_consecutive_failures", (("job", "bad"),)])
            good = b.sql("SELECT max(finished_at), count(*) FROM run WHERE job = 'good'")[0]
            self.assertAlmostEqual(good[0] / 1000, now["belfry_last_success_timestamp_seconds",
                                                       (("job", "good"),)], places=2)
            self.assertEqual(good[1], now["belfry_run_lateness_seconds_count", (("job", "good"),)])
            self.assertEqual(good[1], now["belfry_run_duration_seconds_count", (("job", "good"),)])
            self.assertNotIn(("belfry_run_lateness_seconds_count", (("job", "hand"),)), now)
            self.assertEqual(2, int(dict(next(key for key in now
                                              if key[0] == "belfry_revision_info")[1])["number"]))
            self.assertGreater(now["belfry_store_commit_seconds_count", ()], 5)
            self.assertGreater(now["belfry_store_commit_seconds_sum", ()], 0)
            self.assertGreater(now["belfry_loop_stall_seconds_count", ()], 3)
            # Another life: counters begin anew, what the store knows goes on.
            b.stop()
            b.start()
            again = samples(b.http("GET", "/metrics")[1])
            self.assertFalse([key for key in again if key[0] == "belfry_runs_total"])
            self.assertEqual(bad, again["belfry_consecutive_failures", (("job", "bad"),)])
            self.assertAlmostEqual(datetime.now(timezone.utc).timestamp(),
                                   again["belfry_start_time_seconds", ()], delta=120)

    def test_series_are_bounded(self):
        with Belfry([job(f"job-{n:04}", ["true"]) for n in range(1100)]) as b:
            b.start()
            b.wait_run(b.trigger("job-1099"))
            b.wait_run(b.trigger("job-0003"))
            text = b.http("GET", "/metrics")[1]
            now = samples(text)
            self.check(text)
            self.assertEqual(1100, now["belfry_jobs", ()])
            # Those that ran before anybody asked are among the thousand.
            named = {dict(key[1])["job"] for key in now if key[0] == "belfry_consecutive_failures"}
            self.assertEqual(1000, len(named))
            b.wait_run(b.trigger("job-1098"))
            later = samples(b.http("GET", "/metrics")[1])
            ended = {dict(key[1])["job"]: value for key, value in later.items()
                     if key[0] == "belfry_runs_total"}
            self.assertEqual({"job-1099": 1, "job-0003": 1, "(other)": 1}, ended)

    def test_a_scrape_needs_no_parameters(self):
        with Belfry([]) as b:
            b.start()
            self.assertEqual(400, b.http("GET", "/metrics?a=1")[0])
            self.assertEqual(405, b.http("POST", "/metrics")[0])
            self.check(b.http("GET", "/metrics")[1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
