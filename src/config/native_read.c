/*
 * native_read.c - "fly.native": Fly's own schedule starts the job, and what that can mean.
 *
 * Fly knows hourly, daily, weekly and monthly, counted from when the Machine was made (docs:
 * machines/api, config.schedule). Only a schedule that claims no more than that may be
 * native; the others are refused with what to write.
 */
#include <string.h>
#include <strings.h>

#include "loader.h"
#include "str.h"

#define HOUR_MS INT64_C(3600000)

/* A calendar form of a day, week or month needs a time; one of a period does not. */
static const struct {
	const char *macro;
	int64_t period_ms; /* as @every; 0: no fixed one */
	const char *native;
} natives[] = {
	{"@hourly", HOUR_MS, "hourly"},
	{"@daily", 24 * HOUR_MS, "daily"},
	{"@weekly", 7 * 24 * HOUR_MS, "weekly"},
	{"@monthly", 0, "monthly"},
};
enum { NATIVES = sizeof(natives) / sizeof(natives[0]) };

static const char *of_period(const char *text, size_t length)
{
	int64_t ms;

	if (!str_duration(text, length, &ms))
		return NULL;
	for (size_t i = 0; i < NATIVES; i++)
		if (natives[i].period_ms && natives[i].period_ms == ms)
			return natives[i].native;
	return NULL;
}

static const char *of_text(const char *text)
{
	static const char every[] = "@every";
	size_t length;

	text += strspn(text, " \t");
	length = strlen(text);
	while (length > 0 && strchr(" \t", text[length - 1]))
		length--;
	for (size_t i = 0; i < NATIVES; i++)
		if (strlen(natives[i].macro) == length &&
		    strncasecmp(text, natives[i].macro, length) == 0)
			return natives[i].native;
	if (length < sizeof(every) || strncasecmp(text, every, sizeof(every) - 1) != 0)
		return NULL;
	size_t lead = sizeof(every) - 1 + strspn(text + sizeof(every) - 1, " \t");
	return of_period(text + lead, length - lead);
}

static const char *of_form(const struct calendar_form *form)
{
	if (!form->every || form->at || form->month_count || form->day_count ||
	    form->weekday_count || form->time_count || form->minute_count)
		return NULL;
	return of_period(form->every, strlen(form->every));
}

/* What Fly's schedule cannot leave out. */
static bool check_bounds(struct loader *l, const struct draft *d)
{
	static const enum key bounds[] = {KEY_START, KEY_END, KEY_EXCEPT};
	bool ok = true;

	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		if (is_written(d, bounds[i]))
			ok = tell_key(l, d, KEY_FLY_NATIVE, SEVERITY_ERROR,
				      "Fly's own schedule has no \"%s\": the Machine would be "
				      "started all the same; remove \"native\", then belfry keeps "
				      "it, or remove \"%s\"",
				      keys[bounds[i]].name, keys[bounds[i]].name);
	return ok;
}

static void warn_of_keys(struct loader *l, const struct draft *d)
{
	static const enum key idle[] = {
		KEY_TIMEZONE, KEY_JITTER,   KEY_TIMEOUT,    KEY_COMMAND_TIMEOUT, KEY_GRACE,
		KEY_DEADLINE, KEY_PRIORITY, KEY_GROUP,      KEY_GROUP_LIMIT,     KEY_OVERLAP,
		KEY_CATCHUP,  KEY_KEEP,     KEY_EXIT_CODES, KEY_CATCHUP_WINDOW,  KEY_DRY_RUN,
		KEY_ENV_FILE, KEY_ALERT,
	};

	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++)
		if (is_own(d, idle[i]))
			tell_key(l, d, idle[i], SEVERITY_WARNING,
				 "\"%s\" means nothing where Fly starts the job itself "
				 "(fly.native); remove it, or \"native\"",
				 keys[idle[i]].name);
	if (is_own(d, KEY_RETRY))
		tell_key(l, d, KEY_RETRY, SEVERITY_WARNING,
			 "\"retry\" means nothing where Fly starts the job itself (fly.native); "
			 "write \"restart\": {\"policy\": \"on-failure\", \"max_retries\": …} in "
			 "fly.config, or remove \"native\"");
}

static void refuse(struct loader *l, const struct draft *d)
{
	struct buf when = {0};

	schedule_explain(d->job.schedule, &when);
	tell_key(
		l, d, KEY_FLY_NATIVE, SEVERITY_ERROR,
		"Fly's own schedule cannot express this one: it knows hourly, daily, weekly and "
		"monthly, counted from when the Machine was made, and has no setting for a time, a "
		"weekday or a date; remove \"native\", then belfry keeps the clock (\"%s\", %s), "
		"or "
		"write \"@hourly\", \"@daily\", \"@weekly\" or \"@monthly\"",
		buf_string(&when), d->job.timezone);
	buf_finish(&when);
}

void native_read(struct loader *l, struct draft *d)
{
	if (!d->is_native || !d->job.schedule || d->job.executor != EXECUTOR_FLY)
		return;
	struct visit visit = visit_key(l, d, KEY_SCHEDULE);
	bool is_form = json_peek(&l->json) == JSON_OBJECT;
	visit_leave(l, visit);
	const char *native = is_form ? of_form(&d->calendar) : of_text(d->job.schedule_text);

	if (!native) {
		refuse(l, d);
		return;
	}
	if (!check_bounds(l, d))
		return;
	tell_key(l, d, KEY_FLY_NATIVE, SEVERITY_WARNING,
		 "Fly starts it %s, counted from when `belfry fly apply` makes its Machine; time "
		 "and weekday cannot be chosen, as Fly's schedule has no setting for them; without "
		 "\"native\" belfry keeps the clock, as in \"0 10 * * mon\" and \"timezone\": "
		 "\"Europe/Paris\"",
		 native);
	warn_of_keys(l, d);
	d->job.remote.native = native;
	d->job.remote.native_enabled = d->job.enabled;
	d->job.enabled = false;
}
