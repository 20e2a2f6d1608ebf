/*
 * jobs.c - the three jobs: decide first (collect.h), then send letter by letter
 * and keep the book (ledger.h).
 */
#include "jobs.h"
#include "collect.h"
#include "ledger.h"
#include "mail.h"
#include "text.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const struct job {
	const char *name;
	collect_fn *collect;
	const char *kinds[2];
} jobs[] = {
	{"send-reminders", collect_reminders, {"reminder"}},
	{"send-founder-emails", collect_founder_emails, {"welcome", "founder-summary"}},
	{"send-weekly-digest", collect_weekly_digest, {"digest"}},
};

const char jobs_names[] = "send-reminders, send-founder-emails, send-weekly-digest";

static atomic_bool stopping;

void jobs_stop(void)
{
	stopping = true;
}

static const struct job *job_named(const char *name)
{
	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++)
		if (strcmp(jobs[i].name, name) == 0)
			return &jobs[i];
	return NULL;
}

const char *jobs_find(const char *name)
{
	const struct job *job = job_named(name);
	return job == NULL ? NULL : job->name;
}

/* One run's tools. */
struct sending {
	struct db *db;
	struct mailer *mailer;
	const struct settings *settings;
	struct report *report;
	const struct letter *letter; /* in hand */
	char *message_id;
};

/* The same for the same letter, in every run: "digest.2026-W48.17@kaiwa.example".
 * A founder's address has its @ turned into =, for there can be only one. */
static char *make_message_id(const struct letter *letter, const char *mail_from)
{
	char *id = text_format("%s.%s.%s", letter->kind, letter->key, letter->person);
	for (char *at = id; (at = strchr(at, '@')) != NULL;)
		*at = '=';
	char *whole = text_format("%s%s", id, strchr(mail_from, '@'));
	free(id);
	return whole;
}

static bool claim(void *context)
{
	struct sending *sending = context;
	return ledger_claim(sending->db, sending->letter, sending->message_id, time(NULL));
}

/* Writes down how it ended. */
static void settle(struct sending *sending, enum mail_end end)
{
	struct db *db = sending->db;
	const struct letter *letter = sending->letter;
	const char *id = sending->message_id;
	const char *reply = mailer_reply(sending->mailer);
	time_t now = time(NULL);

	switch (end) {
	case MAIL_SENT:
		ledger_settle(db, id, "sent", "", now);
		report_add(sending->report, REPORT_SENT, letter, id, "");
		break;
	case MAIL_BOUNCED:
		/* A founder's address is a setting: once it is right the summary must go. */
		if (strcmp(letter->kind, "founder-summary") != 0)
			ledger_bounce(db, letter, id, reply, now);
		report_add(sending->report, REPORT_BOUNCED, letter, id, reply);
		break;
	case MAIL_REFUSED:
		ledger_give_up(db, letter, id, "refused", reply, now);
		ledger_settle(db, id, "refused", reply, now);
		report_add(sending->report, REPORT_REFUSED, letter, id, reply);
		break;
	case MAIL_PUT_OFF:
		ledger_unclaim(db, id);
		report_add(sending->report, REPORT_PUT_OFF, letter, id, reply);
		break;
	case MAIL_UNKNOWN:
		ledger_settle(db, id, "unknown", "no answer from the mail server", now);
		report_add(sending->report, REPORT_UNKNOWN, letter, id, "no answer");
		break;
	case MAIL_DOWN: ledger_unclaim(db, id); break;
	case MAIL_HELD: break; /* another run sends it, or the database has failed */
	}
}

static bool send_letter(struct sending *sending, struct problem *problem)
{
	const struct letter *letter = sending->letter;
	struct report *report = sending->report;
	const char *id = sending->message_id;

	if (ledger_has_bounced(sending->db, letter->to)) {
		if (!report->dry_run)
			ledger_give_up(sending->db, letter, id, "bounced", "has bounced before",
				       time(NULL));
		report_add(report, REPORT_BOUNCED, letter, id, "has bounced before");
		return db_check(sending->db, problem);
	}
	if (report->dry_run) {
		report_add(report, REPORT_WOULD_SEND, letter, id, "");
		return db_check(sending->db, problem);
	}
	struct mail mail = {
		.from = letter->from != NULL ? letter->from : sending->settings->mail_from,
		.sender = sending->settings->mail_from,
		.to = letter->to,
		.subject = letter->subject,
		.body = letter->body,
		.message_id = id,
		.date = time(NULL),
	};
	enum mail_end end = mailer_send(sending->mailer, &mail, claim, sending, problem);
	settle(sending, end);
	return end != MAIL_DOWN && db_check(sending->db, problem);
}

static bool send_all(struct sending *sending, const struct letters *letters,
		     struct problem *problem)
{
	for (size_t i = 0; i < letters->count; i++) {
		if (stopping)
			return problem_set(
				problem, "run the job again: it goes on where it stopped",
				"stopped by a signal after %zu of %zu mails", i, letters->count);
		sending->letter = &letters->items[i];
		sending->message_id =
			make_message_id(sending->letter, sending->settings->mail_from);
		bool ok = send_letter(sending, problem);
		free(sending->message_id);
		if (!ok)
			return false;
	}
	const int *counts = sending->report->counts;
	/* Not a few lost, but none taken: "relaying denied" must not look like partial. */
	if (counts[REPORT_PUT_OFF] > 0 && counts[REPORT_SENT] == 0)
		return problem_set(problem, "see what the mail server says; then run the job again",
				   "the mail server put off all %d mails: %s",
				   counts[REPORT_PUT_OFF], mailer_reply(sending->mailer));
	return true;
}

static bool run_with(struct sending *sending, const struct job *job, struct problem *problem)
{
	struct letters letters = {0};
	if (!sending->report->dry_run)
		for (size_t i = 0; i < 2 && job->kinds[i] != NULL; i++)
			report_add_unknown(
				sending->report,
				ledger_find_doubtful(sending->db, job->kinds[i], time(NULL)));
	bool ok = job->collect(sending->db, sending->settings, time(NULL), &letters, problem) &&
		  send_all(sending, &letters, problem);
	letters_finish(&letters);
	return ok;
}

bool jobs_run(struct report *report, struct problem *problem)
{
	struct settings settings;
	struct db db;
	if (!settings_load(&settings, problem))
		return false;
	struct mailer *mailer = mailer_create(settings.smtp_url, problem);
	if (mailer == NULL)
		return false;
	if (!db_open(&db, settings.db_path, problem)) {
		mailer_destroy(mailer);
		return false;
	}
	struct sending sending = {
		.db = &db, .mailer = mailer, .settings = &settings, .report = report};
	bool ok = run_with(&sending, job_named(report->job), problem);
	db_close(&db);
	mailer_destroy(mailer);
	return ok;
}
