#!/usr/bin/python3
"""kaiwa from outside: three jobs, by command and by HTTP, a real SMTP server.

Run by meson; by hand: KAIWA_BIN=build/release/examples/kaiwa \
KAIWA_SOURCE=examples/kaiwa tests/kaiwa/test_kaiwa.py
"""
import json
import os
import signal
import socket
import stat
import subprocess

import harness
from harness import JOBS, SECRET, KaiwaTest, wait_until

# job -> letters, of them to an address that bounces; 120 users, two reminders each.
WORK = {
    "send-reminders": (240, 4),
    "send-founder-emails": (121, 2),
    "send-weekly-digest": (120, 2),
}


class JobsByCommand(KaiwaTest):
    def test_each_job_sends_once_and_reports_bounces_as_partial(self):
        delivered = 0
        for name, (processed, bounced) in WORK.items():
            with self.subTest(name):
                self.assert_result(self.job(name), processed, bounced,
                                   f"{bounced} addresses bounced")
                delivered += processed - bounced
                self.assertEqual(self.mail_count(), delivered)
                self.assert_result(self.job(name), 0, 0, "nothing to send")
                self.assertEqual(self.mail_count(), delivered)
        jobs = self.check()["jobs"]
        for name, (processed, bounced) in WORK.items():
            self.assertEqual((jobs[name]["delivered"], jobs[name]["bounced"]),
                             (processed - bounced, bounced))

    def test_result_line_is_the_one_belfry_reads(self):
        last = self.job("send-weekly-digest").out.splitlines()[-1]
        self.assertEqual(last, '{"event":"result","processed":120,"failed":2,'
                               '"message":"2 addresses bounced"}')

    def test_log_lines_are_structured(self):
        lines = self.job("send-weekly-digest").lines[:-1]
        self.assertEqual(len(lines), 1 + 120)
        for line in lines:
            self.assertTrue(line["msg"])
            self.assertIn(line["level"], ("info", "warn"))
        self.assertEqual(sum(line["level"] == "warn" for line in lines), 2)

    def test_dry_run_lists_all_and_changes_nothing(self):
        before = self.dump()
        for name, (processed, _) in WORK.items():
            for args, env in ((["--dryRun"], {}), ([], {"BELFRY_DRY_RUN": "1"})):
                with self.subTest(name, args=args):
                    done = self.job(name, *args, **env)
                    self.assert_result(done, processed, 0,
                                       f"{processed} mails would be sent")
                    listed = [line for line in done.lines if line.get("msg") == "would send"]
                    self.assertEqual(len({line["message_id"] for line in listed}), processed)
        self.assertEqual(self.mail_count(), 0)
        self.assertEqual(self.dump(), before)

    def test_dry_run_is_not_fooled_by_belfrys_zero(self):
        self.assert_result(self.job("send-weekly-digest", BELFRY_DRY_RUN="0"), 120, 2,
                           "2 addresses bounced")

    def test_usage(self):
        for args in ([], ["send-nothing"]):
            self.assert_error(self.job(*args), "send-reminders, send-founder-emails", code=2)
        for args in (["send-reminders", "--wet"], ["send-reminders", "send-reminders"]):
            self.assertEqual(self.job(*args).code, 2)
        self.assertEqual(self.mail_count(), 0)


class Bounces(KaiwaTest):
    def test_bounced_address_is_counted_for_each_letter_but_mailed_no_more(self):
        first = self.job("send-weekly-digest")
        details = [line["detail"] for line in first.lines if line.get("level") == "warn"]
        self.assertEqual(details, ["550 5.1.1 no such user"] * 2)
        second = self.job("send-reminders")
        details = [line["detail"] for line in second.lines if line.get("level") == "warn"]
        self.assertEqual(details, ["has bounced before"] * 4)
        self.assert_result(second, 240, 4, "4 addresses bounced")

    def test_new_address_is_mailed_again(self):
        self.job("send-weekly-digest")
        self.sql("UPDATE users SET email = 'new@example.org' WHERE email LIKE 'bounce.30@%'")
        self.assert_result(self.job("send-reminders"), 240, 2, "2 addresses bounced")

    def test_put_off_address_is_tried_again(self):
        self.sql("UPDATE users SET email = 'later@example.org' WHERE id = 1")
        self.assert_result(self.job("send-weekly-digest"), 120, 3,
                           "2 addresses bounced, 1 mail put off")
        self.sql("UPDATE users SET email = 'now@example.org' WHERE id = 1")
        self.assert_result(self.job("send-weekly-digest"), 1, 0, "1 mail sent")
        self.check()

    def test_server_that_refuses_us_is_a_failure_and_strikes_nobody_off(self):
        self.sql("UPDATE users SET email = 'relay.' || id || '@example.org'")
        self.assert_error(self.job("send-weekly-digest"), "put off all 120 mails.*relaying denied")
        self.assertEqual(self.sql("SELECT count(*) FROM bounces"), [(0,)])
        self.sql("UPDATE users SET email = 'fine.' || id || '@example.org'")
        self.assert_result(self.job("send-weekly-digest"), 120, 0, "120 mails sent")

    def test_founders_summary_survives_a_wrong_founder(self):
        done = self.job("send-founder-emails", FOUNDER_EMAIL="bounce.me@kaiwa.example")
        self.assert_result(done, 121, 3, "3 addresses bounced")
        self.assert_result(self.job("send-founder-emails"), 1, 0, "1 mail sent")


class Founders(KaiwaTest):
    def summaries(self):
        return [(str(mail["To"]), str(mail["Subject"])) for mail in self.mails()
                if "sign-up" in str(mail["Subject"])]

    def test_each_founder_hears_of_each_sign_up_once(self):
        both = {"FOUNDER_EMAIL": "ann@kaiwa.example, ben@kaiwa.example"}
        self.assert_result(self.job("send-founder-emails", **both), 122, 2, "2 addresses bounced")
        self.sql("INSERT INTO users VALUES (500, 'New One', 'new.one@example.org', 0)")
        self.assert_result(self.job("send-founder-emails", **both), 3, 0, "3 mails sent")
        self.assertEqual(self.summaries(), [
            ("ann@kaiwa.example", "120 new sign-ups"), ("ben@kaiwa.example", "120 new sign-ups"),
            ("ann@kaiwa.example", "1 new sign-up"), ("ben@kaiwa.example", "1 new sign-up")])
        self.check()

    def test_welcome_is_from_the_founder(self):
        self.job("send-founder-emails")
        welcomes = [mail for mail in self.mails() if "Welcome" in str(mail["Subject"])]
        self.assertEqual({(str(mail["From"]), str(mail["Sender"])) for mail in welcomes},
                         {("founder@kaiwa.example", "hello@kaiwa.example")})


class Crashes(KaiwaTest):
    def test_killed_between_the_servers_yes_and_the_mark(self):
        """The worst moment: the server keeps the 50th mail, and the job never hears of it."""
        self.stop_sink()
        self.start_sink("--hang-at", "50")
        job = self.start_job("send-reminders")
        wait_until(lambda: self.mail_count() == 50, "50 mails")
        wait_until(lambda: self.sql("SELECT count(*) FROM mails WHERE state = 'sent'") == [(49,)],
                   "49 marks")
        job.kill()
        self.assertEqual(self.end_job(job).code, -signal.SIGKILL)
        self.stop_sink()
        self.start_sink()
        rest = self.job("send-reminders")
        self.assertEqual(rest.code, 0, rest.err)
        self.assertEqual(self.mail_count(), 236)
        self.check("--allow-doubt")
        # Once nobody can be at it any more, the doubt is told, once.
        self.sql("UPDATE mails SET at = at - 1000 WHERE state = 'sending'")
        self.assert_result(self.job("send-reminders"), 1, 1, "1 mail perhaps sent")
        self.assert_result(self.job("send-reminders"), 0, 0, "nothing to send")
        self.assertEqual(self.mail_count(), 236)

    def test_killed_again_and_again_nobody_gets_two(self):
        self.stop_sink()
        self.start_sink("--delay", "0.01")
        for goal in (20, 60, 100):
            job = self.start_job("send-reminders")
            wait_until(lambda goal=goal: self.mail_count() >= goal, f"{goal} mails")
            job.kill()
            self.assertEqual(self.end_job(job).code, -signal.SIGKILL)
        self.assertEqual(self.job("send-reminders").code, 0)
        self.check("--allow-doubt")
        doubtful = self.sql("SELECT count(*) FROM mails WHERE state = 'sending'")[0][0]
        self.assertLessEqual(doubtful, 3)
        self.assertGreaterEqual(self.mail_count(), 236 - doubtful)
        self.assertEqual(self.sql("SELECT count(*) FROM mails"), [(240,)])

    def test_two_runs_at_once_share_the_work(self):
        self.stop_sink()
        self.start_sink("--delay", "0.005")
        runs = [self.end_job(job) for job in [self.start_job("send-reminders") for _ in range(2)]]
        self.assertEqual([run.code for run in runs], [0, 0])
        sent = [line["message_id"] for run in runs for line in run.lines
                if line.get("msg") == "sent"]
        self.assertEqual((len(sent), len(set(sent))), (236, 236))
        self.check()

    def test_sigterm_ends_after_the_mail_in_hand(self):
        self.stop_sink()
        self.start_sink("--delay", "0.01")
        job = self.start_job("send-reminders")
        wait_until(lambda: self.mail_count() >= 30, "30 mails")
        job.terminate()
        self.assert_error(self.end_job(job), r"stopped by a signal after \d+ of 240 mails")
        self.check()
        self.assertEqual(self.job("send-reminders").code, 0)
        self.assertEqual(self.mail_count(), 236)
        self.check()

    def test_mail_server_that_goes_away_in_the_midst(self):
        self.stop_sink()
        self.start_sink("--delay", "0.01")
        job = self.start_job("send-reminders")
        wait_until(lambda: self.mail_count() >= 30, "30 mails")
        self.sink.process.kill()
        self.sink.process.communicate(timeout=harness.DEADLINE_S)
        self.sink = None
        self.assert_error(self.end_job(job), "mail server .* does not take mail")
        self.start_sink()
        self.assertEqual(self.job("send-reminders").code, 0)
        self.check("--allow-doubt")
        lost = self.sql("SELECT count(*) FROM mails WHERE state = 'unknown'")[0][0]
        self.assertLessEqual(lost, 1)


class Failures(KaiwaTest):
    def test_missing_setting(self):
        for name in ("KAIWA_DB", "SMTP_URL", "MAIL_FROM", "FOUNDER_EMAIL"):
            for value in (None, ""):
                for args in ([], ["--dryRun"]):
                    with self.subTest(name, value=value, args=args):
                        done = self.job("send-founder-emails", *args, **{name: value})
                        self.assert_error(done, name)
        self.assertEqual(self.mail_count(), 0)

    def test_wrong_setting(self):
        for name, value in (("MAIL_FROM", "hello"), ("MAIL_FROM", "a@b.c\r\nBcc: x@y.z"),
                            ("SMTP_URL", "http://127.0.0.1"), ("SMTP_URL", "smtp://"),
                            ("FOUNDER_EMAIL", "ann@kaiwa.example,")):
            with self.subTest(name, value=value):
                self.assert_error(self.job("send-founder-emails", **{name: value}), name)
        self.assertEqual(self.mail_count(), 0)

    def test_password_is_never_shown(self):
        url = self.sink.url.replace("smtp://", "smtp://joe:hunter2@")
        done = self.job("send-reminders", SMTP_URL=url)
        # The sink has no TLS, and a password does not travel without.
        self.assert_error(done, "does not take mail")
        self.assertNotIn("hunter2", done.out + done.err)
        self.assertEqual(self.mail_count(), 0)

    def test_no_mail_server(self):
        self.stop_sink()
        with socket.socket() as taken: # bound, but nobody listens
            taken.bind(("127.0.0.1", 0))
            url = f"smtp://127.0.0.1:{taken.getsockname()[1]}"
            for name in JOBS:
                self.assert_error(self.job(name, SMTP_URL=url), "mail server 127.0.0.1:")
        self.assertEqual(self.sql("SELECT count(*) FROM mails"), [(0,)])

    def test_bad_database(self):
        def path(name, content=None):
            whole = os.path.join(self.folder, name)
            if content is not None:
                with open(whole, "wb") as file:
                    file.write(content)
            return whole
        for bad, cause in ((path("missing.db"), "unable to open"),
                           (path("empty.db", b""), "not a database of this kaiwa"),
                           (path("noise.db", os.urandom(8192)), "not a database"),
                           (self.folder, "unable to open")):
            with self.subTest(bad):
                self.assert_error(self.job("send-reminders", KAIWA_DB=bad), cause)
        self.assertFalse(os.path.exists(path("missing.db")))

    def test_failed_write_is_told_and_sends_nothing_more(self):
        self.sql("CREATE TRIGGER broken BEFORE INSERT ON mails WHEN new.person = '7'"
                 " BEGIN SELECT raise(FAIL, 'the disk is on fire'); END")
        self.assert_error(self.job("send-weekly-digest"), "the disk is on fire")
        self.assertEqual(self.mail_count(), 6)
        self.sql("DROP TRIGGER broken")
        self.assertEqual(self.job("send-weekly-digest").code, 0)
        self.assertEqual(self.mail_count(), 118)
        self.check()


class Text(KaiwaTest):
    users, bounces = 1, 0

    def one_reminder(self, name, text):
        self.sql("UPDATE users SET name = ?", name)
        self.sql("DELETE FROM reminders WHERE id > 1")
        self.sql("UPDATE reminders SET text = ?", text)
        self.assert_result(self.job("send-reminders"), 1, 0, "1 mail sent")
        return self.mails()[0]

    def test_subject_and_body_of_any_language(self):
        text = "日本語の会話を練習する、" * 9 + "naïve = façade? _x_"
        mail = self.one_reminder("Zoë", text)
        self.assertEqual(str(mail["Subject"]), f"Reminder: {text}")
        self.assertIn(f"    {text}\n", mail.get_content().replace("\r\n", "\n"))
        raw = mail.as_bytes()
        self.assertLessEqual(max(map(len, raw.splitlines())), 78)

    def test_nobody_writes_headers_into_a_mail(self):
        mail = self.one_reminder("Eve\r\nX-Evil: yes", "tea\r\nBcc: victim@example.org\n\n.\nQUIT")
        self.assertIsNone(mail["Bcc"])
        self.assertIsNone(mail["X-Evil"])
        self.assertEqual(len(self.mails()), 1)
        self.assertEqual(str(mail["Subject"]),
                         "Reminder: tea  Bcc: victim@example.org  . QUIT")

    def test_text_that_is_no_utf8(self):
        mail = self.one_reminder("ok", "x")
        self.assertEqual(str(mail["Subject"]), "Reminder: x")
        self.sql("INSERT INTO reminders VALUES (9, 1, CAST(x'61ff62c3' AS TEXT), 0)")
        self.assert_result(self.job("send-reminders"), 1, 0, "1 mail sent")
        self.assertEqual(str(self.mails()[1]["Subject"]), "Reminder: a?b?")

    def test_address_that_is_none_counts_as_bounced(self):
        for address in ("", "nobody", "@", "a b@example.org", "ü@example.org",
                        "x@y>\r\nRCPT TO:<z@example.org"):
            with self.subTest(address):
                self.sql("UPDATE users SET email = ?", address)
                self.sql("DELETE FROM mails")
                self.assert_result(self.job("send-weekly-digest"), 1, 1, "1 address bounced")
        self.assertEqual(self.mail_count(), 0)


class Web(KaiwaTest):
    def test_each_job_sends_once(self):
        self.start_web()
        for method, (name, (processed, bounced)) in zip(("POST", "GET", "POST"), WORK.items()):
            with self.subTest(name):
                status, report = self.http(method, f"/api/cron/{name}",
                                           body="ignored" * 9999 if method == "POST" else None)
                self.assertEqual(status, 200)
                self.assertEqual(len(report.pop("mails")), processed)
                self.assertEqual(report, {
                    "job": name, "dry_run": False, "outcome": "partial", "processed": processed,
                    "failed": bounced, "message": f"{bounced} addresses bounced"})
                status, report = self.http(method, f"/api/cron/{name}?dryRun=false")
                self.assertEqual((status, report["outcome"], report["processed"]),
                                 (200, "succeeded", 0))
        self.check()

    def test_dry_run(self):
        self.start_web()
        before = self.dump()
        for name, (processed, _) in WORK.items():
            for method in ("GET", "POST"):
                status, report = self.http(method, f"/api/cron/{name}?dryRun=true")
                self.assertEqual((status, report["dry_run"], report["processed"]),
                                 (200, True, processed))
                self.assertEqual({mail["state"] for mail in report["mails"]}, {"would_send"})
        self.assertEqual((self.mail_count(), self.dump()), (0, before))

    def test_misspelt_dry_run_sends_nothing(self):
        self.start_web()
        for query in ("dryrun=true", "dryRun=yes", "dryRun", "dryRun=true&x=1", "dryRun="):
            with self.subTest(query):
                self.assertEqual(self.http("POST", f"/api/cron/send-reminders?{query}")[0], 400)
        self.assertEqual(self.mail_count(), 0)

    def test_only_with_the_secret(self):
        self.start_web()
        wrong = (None, "", "Bearer", "Bearer ", f"Bearer {SECRET[:-1]}", f"Bearer {SECRET}x",
                 f"Bearer {SECRET}{SECRET}", f"Bearer {'x' * len(SECRET)}", f"Basic {SECRET}",
                 SECRET, f"Bearer {SECRET.upper()}")
        for name in (*JOBS, "no-such-job"):
            for authorization in wrong:
                with self.subTest(name, authorization=authorization):
                    status, _ = self.http("POST", f"/api/cron/{name}", authorization)
                    self.assertEqual(status, 401)
        self.assertEqual(self.mail_count(), 0)
        self.assertEqual(self.http("GET", "/api/cron/send-reminders?dryRun=true",
                                   f"bearer {SECRET}")[0], 200)

    def test_routes(self):
        self.start_web()
        for method, path, status in (
                ("GET", "/", 404), ("GET", "/api/cron/", 404), ("GET", "/api/cron/nothing", 404),
                ("POST", "/health", 405), ("PUT", "/api/cron/send-reminders", 405),
                ("DELETE", "/api/cron/send-reminders", 405), ("GET", "/health/", 404)):
            with self.subTest(f"{method} {path}"):
                self.assertEqual(self.http(method, path)[0], status)
        self.assertEqual(self.mail_count(), 0)

    def test_health_follows_the_database(self):
        self.start_web()
        away = self.db_path + ".away"
        self.assertEqual(self.http("GET", "/health", None), (200, {"status": "ok", "users": 120}))
        os.rename(self.db_path, away)
        status, body = self.http("GET", "/health", None)
        self.assertEqual((status, body["status"]), (503, "unavailable"))
        self.assertTrue(body["cause"] and body["remedy"])
        with open(self.db_path, "wb") as file:
            file.write(os.urandom(8192))
        self.assertEqual(self.http("GET", "/health", None)[0], 503)
        os.rename(away, self.db_path)
        self.assertEqual(self.http("GET", "/health", None)[0], 200)

    def test_health_answers_while_a_job_runs(self):
        self.stop_sink()
        self.start_sink("--hang-at", "1")
        self.start_web()
        job = self.start_request("/api/cron/send-reminders")
        wait_until(lambda: self.mail_count() == 1, "a mail")
        self.assertEqual(self.http("GET", "/health", None)[0], 200)
        self.stop_sink() # lets the job go on, and fail
        with job:
            self.assertIn(b"500 Internal Server Error", job.recv(4096))
        self.assertRegex(json.loads(self.stop_web())["cause"], "does not take mail")

    def start_request(self, path):
        connection = socket.create_connection(("127.0.0.1", self.port), harness.DEADLINE_S)
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: kaiwa\r\nContent-Length: 0\r\n"
                           f"Authorization: Bearer {SECRET}\r\n\r\n".encode())
        return connection

    def test_job_that_fails_says_why(self):
        self.stop_sink()
        self.start_web()
        status, body = self.http("POST", "/api/cron/send-reminders")
        self.assertEqual((status, body["outcome"]), (500, "failed"))
        self.assertRegex(body["message"], "mail server .* does not take mail")
        self.assertTrue(body["remedy"])
        error = json.loads(self.stop_web())
        self.assertEqual((error["level"], error["name"]), ("error", "send-reminders"))

    def test_stops_cleanly_in_the_midst_of_a_job(self):
        self.stop_sink()
        self.start_sink("--delay", "0.01")
        self.start_web()
        with self.start_request("/api/cron/send-reminders"):
            wait_until(lambda: self.mail_count() >= 20, "20 mails")
            self.assertRegex(json.loads(self.stop_web())["cause"], "stopped by a signal")
        self.check()
        self.assertEqual(self.job("send-reminders").code, 0)
        self.assertEqual(self.mail_count(), 236)
        self.check()

    def test_stops_on_sigint(self):
        self.start_web()
        self.assertEqual(self.stop_web(signal.SIGINT), "")

    def web_fails(self, *args, code=1, **changes):
        done = subprocess.run([self.program("kaiwa-web"), *args], capture_output=True, text=True,
                              timeout=harness.DEADLINE_S, env=self.environment(**changes))
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr

    def test_does_not_start_without_its_settings(self):
        for name in ("CRON_SECRET", "KAIWA_DB"):
            for value in (None, ""):
                error = json.loads(self.web_fails("--listen", "127.0.0.1:0", **{name: value}))
                self.assertEqual(error["level"], "error")
                self.assertIn(name, error["cause"])
                self.assertIn(name, error["remedy"])

    def test_does_not_start_where_it_cannot_listen(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            where = f"127.0.0.1:{taken.getsockname()[1]}"
            self.assertIn("Address already in use", self.web_fails("--listen", where))
        for where in ("3000", "127.0.0.1:", ":3000", "127.0.0.1:99999", "no such host:1", "[]:1"):
            with self.subTest(where):
                error = json.loads(self.web_fails("--listen", where))
                self.assertIn("--listen", error["remedy"])
        self.web_fails("--port", "1", code=2)


class Database(KaiwaTest):
    def init(self, *args):
        return subprocess.run([self.program("kaiwa-db"), "init", *args], capture_output=True,
                              text=True, timeout=harness.DEADLINE_S)

    def test_never_overwrites(self):
        before = self.dump()
        done = self.init(self.db_path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("File exists", json.loads(done.stderr)["cause"])
        self.assertEqual(self.dump(), before)
        self.assertEqual(sorted(os.listdir(self.folder)), ["kaiwa.db", "mail"])

    def test_usage(self):
        path = os.path.join(self.folder, "new.db")
        for args in ((), (path, "--users"), (path, "--users", "0"), (path, "--users", "1e3"),
                     (path, "--users", "2", "--bounces", "3"), (path, "--bounces", "-1"),
                     (path, "--spread", "99999999999999999999"), (path, "--what", "1")):
            with self.subTest(args):
                self.assertEqual(self.init(*args).returncode, 2)
        self.assertEqual(self.init("/no/such/folder/x.db").returncode, 1)
        self.assertFalse(os.path.exists(path))

    def test_as_many_bounces_as_asked(self):
        for users, bounces in ((1, 0), (1, 1), (7, 3), (50, 50), (1000, 13)):
            path = os.path.join(self.folder, f"{users}-{bounces}.db")
            self.assertEqual(self.init(path, "--users", str(users), "--bounces",
                                       str(bounces)).returncode, 0)
            self.db_path = path
            self.assertEqual(self.sql("SELECT count(*), sum(email LIKE 'bounce%') FROM users"),
                             [(users, bounces)])

    def test_data_falls_due_over_time(self):
        self.db_path = os.path.join(self.folder, "spread.db")
        self.assertEqual(self.init(self.db_path, "--spread", "1000").returncode, 0)
        made = int(os.stat(self.db_path)[stat.ST_MTIME])
        for table, column, least in (("users", "signed_up_at", 20), ("reminders", "due_at", 100),
                                     ("activity", "at", 20)):
            past, coming = self.sql(f"SELECT sum({column} <= ?1), sum({column} > ?1) FROM {table}",
                                    made)[0]
            self.assertGreaterEqual(past, 100, table)
            self.assertGreaterEqual(coming, least - 2, table)


class Schedules(KaiwaTest):
    def test_files_name_the_three_jobs_and_what_they_need(self):
        for name in ("schedules.json", "schedules.demo.json"):
            with open(os.path.join(harness.SOURCE, name), encoding="utf-8") as file:
                jobs = json.load(file)["jobs"]
            self.assertEqual([job["name"] for job in jobs], list(JOBS))
            values = {**self.environment(), "KAIWA_BIN": harness.BIN}
            for job in jobs:
                with self.subTest(name, job=job["name"]):
                    env = {key: expand(value, values) for key, value in job["env"].items()}
                    done = subprocess.run(["/usr/bin/env", *job["command"], *job["dry_run"]],
                                          env=env, capture_output=True, text=True)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertIn("would be sent", done.stdout.splitlines()[-1])


def expand(text, values):
    for key, value in values.items():
        text = text.replace("${" + key + "}", value)
    return text


if __name__ == "__main__":
    harness.main()
