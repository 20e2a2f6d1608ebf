/* report.c - what a job has done; see report.h. */
#include "report.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *word, *log, *one, *many;
	bool failed;
} whats[REPORT_WHAT_COUNT] = {
	[REPORT_SENT] = {"sent", "sent", "mail sent", "mails sent", false},
	[REPORT_WOULD_SEND] = {"would_send", "would send", "mail would be sent",
			       "mails would be sent", false},
	[REPORT_BOUNCED] = {"bounced", "address bounces", "address bounced", "addresses bounced",
			    true},
	[REPORT_REFUSED] = {"refused", "mail refused", "mail refused", "mails refused", true},
	[REPORT_PUT_OFF] = {"put_off", "put off by the mail server", "mail put off",
			    "mails put off", true},
	[REPORT_UNKNOWN] = {"unknown", "perhaps sent, will not be sent again", "mail perhaps sent",
			    "mails perhaps sent", true},
};

void report_init(struct report *report, const char *job, bool dry_run)
{
	*report = (struct report){.job = job, .dry_run = dry_run, .mails = json_array()};
}

void report_finish(struct report *report)
{
	json_decref(report->mails);
	*report = (struct report){0};
}

void report_add(struct report *report, enum report_what what, const struct letter *letter,
		const char *message_id, const char *detail)
{
	report->counts[what]++;
	json_array_append_new(report->mails, json_pack("{s:s, s:s, s:s, s:s}", "state",
						       whats[what].word, "kind", letter->kind, "to",
						       letter->to, "subject", letter->subject));
	if (whats[what].failed)
		log_warn(whats[what].log, "{s:s, s:s, s:s, s:s}", "kind", letter->kind, "to",
			 letter->to, "message_id", message_id, "detail", detail);
	else
		log_info(whats[what].log, "{s:s, s:s, s:s, s:s}", "kind", letter->kind, "to",
			 letter->to, "subject", letter->subject, "message_id", message_id);
}

void report_add_unknown(struct report *report, int count)
{
	if (count == 0)
		return;
	report->counts[REPORT_UNKNOWN] += count;
	log_warn("a run has died while mails were on their way; see state 'unknown' in table mails",
		 "{s:i}", "mails", count);
}

static int count_mails(const struct report *report, bool only_failed)
{
	int count = 0;
	for (int what = 0; what < REPORT_WHAT_COUNT; what++)
		if (!only_failed || whats[what].failed)
			count += report->counts[what];
	return count;
}

int report_processed(const struct report *report)
{
	return count_mails(report, false);
}

int report_failed(const struct report *report)
{
	return count_mails(report, true);
}

/* "2 addresses bounced, 1 mail put off"; what went well only if nothing failed. */
static void report_message(const struct report *report, char *text, size_t size)
{
	bool failed = report_failed(report) > 0;
	size_t used = 0;
	text[0] = '\0';
	for (int what = 0; what < REPORT_WHAT_COUNT; what++) {
		int count = report->counts[what];
		if (count == 0 || whats[what].failed != failed || used >= size)
			continue;
		used += (size_t)snprintf(text + used, size - used, "%s%d %s", used > 0 ? ", " : "",
					 count, count == 1 ? whats[what].one : whats[what].many);
	}
	if (used == 0)
		snprintf(text, size, "nothing to send");
}

json_t *report_result(const struct report *report)
{
	char message[256];
	report_message(report, message, sizeof(message));
	return json_pack("{s:s, s:i, s:i, s:s}", "event", "result", "processed",
			 report_processed(report), "failed", report_failed(report), "message",
			 message);
}

json_t *report_json(const struct report *report)
{
	char message[256];
	report_message(report, message, sizeof(message));
	return json_pack("{s:s, s:b, s:s, s:i, s:i, s:s, s:O}", "job", report->job, "dry_run",
			 report->dry_run, "outcome",
			 report_failed(report) > 0 ? "partial" : "succeeded", "processed",
			 report_processed(report), "failed", report_failed(report), "message",
			 message, "mails", report->mails);
}
