/* forecast_json.c - a forecast for programs. */
#include "forecast.h"
#include "str.h"

enum { NAMES_MAX = 10 };

static void add_names(const struct forecast_question *question, int64_t second, struct buf *out)
{
	const char *names[NAMES_MAX];
	size_t count = forecast_names(question, second, names, NAMES_MAX);

	buf_json_open(out, "names", '[');
	for (size_t i = 0; i < count; i++)
		buf_json_text(out, NULL, names[i]);
	buf_json_close(out, ']');
}

static void add_second(const struct forecast_answer *answer, struct forecast_second second,
		       struct buf *out)
{
	buf_json_time(out, "at", (struct utc){second.at_s * 1000});
	buf_json_int(out, "jobs", second.count);
	add_names(&answer->question, second.at_s, out);
}

static void add_matrix(const struct forecast *forecast, struct buf *out)
{
	buf_json_open(out, "by_weekday_hour", '[');
	for (int weekday = 0; weekday < FORECAST_WEEKDAYS; weekday++) {
		buf_json_open(out, NULL, '[');
		for (int hour = 0; hour < FORECAST_HOURS; hour++)
			buf_json_int(out, NULL, (int64_t)forecast->by_hour[weekday][hour]);
		buf_json_close(out, ']');
	}
	buf_json_close(out, ']');
}

static void add_sums(const struct forecast *forecast, struct buf *out)
{
	buf_json_open(out, "by_weekday", '[');
	for (int weekday = 0; weekday < FORECAST_WEEKDAYS; weekday++) {
		uint64_t sum = 0;
		for (int hour = 0; hour < FORECAST_HOURS; hour++)
			sum += forecast->by_hour[weekday][hour];
		buf_json_int(out, NULL, (int64_t)sum);
	}
	buf_json_close(out, ']');
	buf_json_open(out, "by_hour", '[');
	for (int hour = 0; hour < FORECAST_HOURS; hour++) {
		uint64_t sum = 0;
		for (int weekday = 0; weekday < FORECAST_WEEKDAYS; weekday++)
			sum += forecast->by_hour[weekday][hour];
		buf_json_int(out, NULL, (int64_t)sum);
	}
	buf_json_close(out, ']');
}

static void add_with_h(const struct pile_up *pile, struct buf *out)
{
	if (!pile->respelt) {
		buf_json_null(out, "with_h");
		return;
	}
	buf_json_open(out, "with_h", '{');
	buf_json_int(out, "peak", pile->peak_with_h);
	buf_json_open(out, "changes", '[');
	for (size_t i = 0; i < pile->respelling_count; i++) {
		buf_json_open(out, NULL, '{');
		buf_json_text(out, "from", pile->respellings[i].from);
		buf_json_text(out, "to", pile->respellings[i].to);
		buf_json_int(out, "jobs", (int64_t)pile->respellings[i].job_count);
		buf_json_close(out, '}');
	}
	buf_json_close(out, ']');
	buf_json_close(out, '}');
}

static void add_with_jitter(const struct pile_up *pile, struct buf *out)
{
	char text[DURATION_TEXT_MAX];

	if (!pile->jitter_ms) {
		buf_json_null(out, "with_jitter");
		return;
	}
	buf_json_open(out, "with_jitter", '{');
	buf_json_text(out, "jitter", str_duration_format(pile->jitter_ms, text));
	buf_json_int(out, "peak", pile->peak_with_jitter);
	buf_json_close(out, '}');
}

static void add_pile_ups(const struct forecast_answer *answer, struct buf *out)
{
	buf_json_open(out, "pile_ups", '[');
	for (size_t i = 0; i < answer->pile_up_count; i++) {
		buf_json_open(out, NULL, '{');
		add_second(answer, answer->pile_ups[i].at, out);
		add_with_h(&answer->pile_ups[i], out);
		add_with_jitter(&answer->pile_ups[i], out);
		buf_json_close(out, '}');
	}
	buf_json_close(out, ']');
}

void forecast_json(const struct forecast_answer *answer, struct buf *out)
{
	const struct forecast_question *question = &answer->question;
	const struct forecast *forecast = &answer->forecast;

	buf_json_open(out, NULL, '{');
	buf_json_text(out, "file", answer->file);
	buf_json_time(out, "from", (struct utc){question->from_s * 1000});
	buf_json_time(out, "to", (struct utc){question->to_s * 1000});
	buf_json_text(out, "timezone", zone_name(question->zone));
	buf_json_int(out, "jobs", (int64_t)question->job_count);
	buf_json_int(out, "jobs_disabled", (int64_t)answer->disabled_count);
	buf_json_int(out, "jobs_at_reboot", (int64_t)answer->reboot_count);
	buf_json_int(out, "starts", (int64_t)forecast->total);
	add_matrix(forecast, out);
	add_sums(forecast, out);
	buf_json_open(out, "busiest", '[');
	for (size_t i = 0; i < forecast->busiest_count; i++) {
		buf_json_open(out, NULL, '{');
		add_second(answer, forecast->busiest[i], out);
		buf_json_close(out, '}');
	}
	buf_json_close(out, ']');
	buf_json_int(out, "on_the_hour", (int64_t)forecast->on_the_hour);
	add_pile_ups(answer, out);
	buf_json_close(out, '}');
	buf_char(out, '\n');
}
