/*
 * forecast_show.c - a forecast for people: a map of hours and weekdays, the busiest
 * seconds, and what piles up on the hour.
 *
 * The map has shades on a terminal with colours (with numbers where it is wide
 * enough), blocks on one without, and numbers in a pipe.
 */
#include <string.h>

#include "civil.h"
#include "forecast.h"
#include "str.h"
#include "table.h"

enum { SHADES = 5, BLOCKS = 4, NAMES_SHOWN = 3, NUMBER_MAX = 32, DAY_WIDTH = 9, TOTAL_WIDTH = 8 };
enum { HOURS_A_LINE = 8, CELL_LEAST = 2, CELL_NUMBER = 5, CELL_MOST = 6 };
#define DAY_S INT64_C(86400)

static const char *const weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
				       "Friday", "Saturday", "Sunday"};

struct map {
	const struct forecast *forecast;
	struct buf *out;
	bool has_shades, has_numbers, has_colour;
	int cell, total; /* columns of each */
	uint64_t shades; /* besides none */
	uint64_t most;   /* in a cell */
};

/* ---- numbers ---- */

/* "1,234,567" */
static const char *grouped(uint64_t n, char text[NUMBER_MAX])
{
	char *at = text + NUMBER_MAX - 1;
	int digits = 0;

	*at = '\0';
	do {
		if (digits && digits % 3 == 0)
			*--at = ',';
		*--at = (char)('0' + n % 10);
		digits++;
	} while (n /= 10);
	return at;
}

/* At most four columns: "999", "1.2k", "123k", "12M"; cut. */
static void add_short(struct buf *out, uint64_t n, int width)
{
	static const char units[] = "kMGTPE";
	struct buf text = {0};
	uint64_t tenths = n / 100;
	int unit = 0;

	for (; tenths >= 10000; tenths /= 1000)
		unit++;
	if (n < 1000)
		buf_format(&text, "%d", (int)n);
	else if (tenths < 100)
		buf_format(&text, "%d.%d%c", (int)(tenths / 10), (int)(tenths % 10), units[unit]);
	else
		buf_format(&text, "%d%c", (int)(tenths / 10), units[unit]);
	buf_format(out, "%*s", width, buf_string(&text));
	buf_finish(&text);
}

/* ---- the map ---- */

/* 0 for none, else 1 to map->shades; the largest number has the last one. */
static uint64_t shade_of(const struct map *map, uint64_t count)
{
	return (count * map->shades + map->most - 1) / (map->most ? map->most : 1);
}

static void add_shade(const struct map *map, uint64_t shade, const char *text)
{
	static const int grounds[SHADES + 1] = {236, 22, 28, 34, 40, 46};
	static const char *const blocks[BLOCKS + 1] = {"·", "░", "▒", "▓", "█"};

	if (map->has_colour)
		buf_format(map->out, "\033[48;5;%d;38;5;%dm%s\033[0m", grounds[shade],
			   shade > 2 ? 16 : 250, text);
	else
		for (; *text; text++)
			buf_text(map->out, blocks[shade]);
}

static void add_number(const struct map *map, uint64_t count)
{
	char number[NUMBER_MAX];

	buf_format(map->out, "%*s", map->cell, count ? grouped(count, number) : ".");
}

static void add_cell(const struct map *map, uint64_t count)
{
	struct buf text = {0};

	if (!map->has_shades) {
		add_number(map, count);
		return;
	}
	if (map->has_numbers && map->has_colour && count)
		add_short(&text, count, map->cell - 1);
	buf_format(&text, "%*s", map->cell - (int)text.length, "");
	add_shade(map, shade_of(map, count), buf_string(&text));
	buf_finish(&text);
}

static void add_total(const struct map *map, uint64_t total)
{
	char number[NUMBER_MAX];

	if (map->has_shades && total >= 1000000)
		add_short(map->out, total, map->total);
	else
		buf_format(map->out, "%*s", map->total, grouped(total, number));
}

static void add_head(const struct map *map)
{
	/* Numbers on a shade have a blank behind them. */
	bool is_padded = map->has_shades && map->cell > CELL_LEAST;
	struct buf head = {0};

	buf_format(&head, "%-*s", DAY_WIDTH, "");
	for (int hour = 0; hour < FORECAST_HOURS; hour++)
		buf_format(&head, "%*s%02d%s", map->cell - 2 - is_padded, "", hour,
			   is_padded ? " " : "");
	buf_format(&head, "%*s", map->total, "TOTAL");
	terminal_add(map->out, OUTPUT_STDOUT, STYLE_BOLD, buf_string(&head));
	buf_char(map->out, '\n');
	buf_finish(&head);
}

static uint64_t hour_total(const struct forecast *forecast, int hour)
{
	uint64_t sum = 0;

	for (int weekday = 0; weekday < FORECAST_WEEKDAYS; weekday++)
		sum += forecast->by_hour[weekday][hour];
	return sum;
}

static void add_days(const struct map *map)
{
	for (int weekday = 0; weekday < FORECAST_WEEKDAYS; weekday++) {
		uint64_t sum = 0;

		buf_format(map->out, "%-*s", DAY_WIDTH, weekdays[weekday]);
		for (int hour = 0; hour < FORECAST_HOURS; hour++) {
			sum += map->forecast->by_hour[weekday][hour];
			add_cell(map, map->forecast->by_hour[weekday][hour]);
		}
		add_total(map, sum);
		buf_char(map->out, '\n');
	}
}

static void add_hour_totals(const struct map *map)
{
	buf_format(map->out, "%-*s", DAY_WIDTH, "TOTAL");
	for (int hour = 0; hour < FORECAST_HOURS; hour++) {
		uint64_t total = hour_total(map->forecast, hour);

		if (!map->has_shades) {
			add_number(map, total);
			continue;
		}
		add_short(map->out, total, map->cell - 1);
		buf_char(map->out, ' ');
	}
	add_total(map, map->forecast->total);
	buf_char(map->out, '\n');
}

/* Where cells are too narrow for numbers: "00 1.2k  01 ...", in lines of their own. */
static void add_hour_list(const struct map *map)
{
	for (int hour = 0; hour < FORECAST_HOURS; hour++) {
		buf_format(map->out, hour % HOURS_A_LINE ? "  %02d " : "%02d ", hour);
		add_short(map->out, hour_total(map->forecast, hour), 4);
		if (hour % HOURS_A_LINE == HOURS_A_LINE - 1)
			buf_char(map->out, '\n');
	}
}

static void add_legend(const struct map *map)
{
	char number[NUMBER_MAX];

	if (!map->has_shades || map->most == 0)
		return;
	buf_text(map->out, "starts  ");
	add_shade(map, 0, "  ");
	buf_text(map->out, " none");
	for (uint64_t shade = 1, first = 1; shade <= map->shades; shade++) {
		uint64_t last = shade * map->most / map->shades;

		if (last < first)
			continue;
		buf_text(map->out, "  ");
		add_shade(map, shade, "  ");
		buf_format(map->out, " %s", grouped(first, number));
		if (last > first)
			buf_format(map->out, "-%s", grouped(last, number));
		first = last + 1;
	}
	buf_char(map->out, '\n');
}

static int width_of(uint64_t n)
{
	char number[NUMBER_MAX];

	return (int)strlen(grouped(n, number));
}

static void measure(struct map *map)
{
	uint64_t most_total = 0;

	for (int hour = 0; hour < FORECAST_HOURS; hour++) {
		for (int weekday = 0; weekday < FORECAST_WEEKDAYS; weekday++)
			if (map->forecast->by_hour[weekday][hour] > map->most)
				map->most = map->forecast->by_hour[weekday][hour];
		if (hour_total(map->forecast, hour) > most_total)
			most_total = hour_total(map->forecast, hour);
	}
	if (!map->has_shades) {
		int width = width_of(most_total) + 1;
		map->cell = width > 3 ? width : 3;
		map->total = width_of(map->forecast->total) + 2;
		map->total = map->total > TOTAL_WIDTH ? map->total : TOTAL_WIDTH;
		map->has_numbers = true;
		return;
	}
	int room = ((int)terminal_width() - DAY_WIDTH - TOTAL_WIDTH) / FORECAST_HOURS;
	map->cell = room < CELL_LEAST ? CELL_LEAST : room > CELL_MOST ? CELL_MOST : room;
	map->has_numbers = map->cell >= CELL_NUMBER;
	map->total = TOTAL_WIDTH;
}

static void add_map(const struct forecast *forecast, struct buf *out)
{
	struct map map = {.forecast = forecast,
			  .out = out,
			  .has_shades = terminal_is(OUTPUT_STDOUT),
			  .has_colour = terminal_has_colour(OUTPUT_STDOUT)};

	map.shades = map.has_colour ? SHADES : BLOCKS;
	measure(&map);
	add_head(&map);
	add_days(&map);
	if (map.has_numbers)
		add_hour_totals(&map);
	else
		add_hour_list(&map);
	add_legend(&map);
}

/* ---- by the clock ---- */

/* "Thu 2026-11-26 09:00:00 CET" */
static void add_clock(struct buf *out, const struct zone *zone, int64_t utc_s, bool has_second)
{
	int64_t local_s = utc_s + zone_offset(zone, utc_s);
	int64_t day = local_s / DAY_S - (local_s % DAY_S < 0), second = local_s - day * DAY_S;
	struct civil_date date = civil_from_days(day);

	buf_format(out, "%.3s %04d-%02d-%02d %02d:%02d", weekdays[(civil_weekday(day) + 6) % 7],
		   date.year, date.month, date.day, (int)(second / 3600), (int)(second / 60 % 60));
	if (has_second)
		buf_format(out, ":%02d", (int)(second % 60));
	buf_format(out, " %s", zone_abbreviation(zone, utc_s));
}

/* "a, b, c and 4 more" */
static void add_names(struct buf *out, const char *const *names, size_t count, size_t of)
{
	for (size_t i = 0; i < count; i++)
		buf_format(out, "%s%s", i ? ", " : "", names[i]);
	if (of > count)
		buf_format(out, " and %zu more", of - count);
}

static void add_title(const struct forecast_answer *answer, struct buf *out)
{
	const struct forecast_question *q = &answer->question;
	char starts[NUMBER_MAX], jobs[NUMBER_MAX];
	struct buf line = {0};

	buf_format(&line, "%s: %s start%s of %s job%s in %s", answer->file,
		   grouped(answer->forecast.total, starts), answer->forecast.total == 1 ? "" : "s",
		   grouped(q->job_count, jobs), q->job_count == 1 ? "" : "s",
		   answer->is_coming_week ? "the coming week" : "this window");
	terminal_add(out, OUTPUT_STDOUT, STYLE_BOLD, buf_string(&line));
	buf_text(out, "\nfrom ");
	add_clock(out, q->zone, q->from_s, q->from_s % 60 != 0);
	buf_text(out, " to ");
	add_clock(out, q->zone, q->to_s, q->to_s % 60 != 0);
	buf_format(out, ", by the clock of %s\n", zone_name(q->zone));
	if (answer->disabled_count)
		buf_format(out, "left out: %zu disabled\n", answer->disabled_count);
	if (answer->reboot_count)
		buf_format(out, "left out: %zu of @reboot, which has no fixed instant\n",
			   answer->reboot_count);
	buf_finish(&line);
}

static void add_busiest(const struct forecast_answer *answer, struct buf *out)
{
	static const struct table_column columns[] = {{.title = "BUSIEST SECONDS"},
						      {.title = "JOBS", .is_right = true},
						      {.title = "WHICH", .wraps = true}};
	struct table table;

	table_init(&table, columns, 3);
	for (size_t i = 0; i < answer->forecast.busiest_count; i++) {
		struct forecast_second second = answer->forecast.busiest[i];
		const char *names[NAMES_SHOWN];
		size_t count = forecast_names(&answer->question, second.at_s, names, NAMES_SHOWN);
		struct buf clock = {0}, which = {0};

		add_clock(&clock, answer->question.zone, second.at_s, true);
		add_names(&which, names, count, second.count);
		table_add(&table, STYLE_PLAIN, buf_string(&clock));
		table_format(&table, STYLE_PLAIN, "%u", second.count);
		table_add(&table, STYLE_DIM, buf_string(&which));
		buf_finish(&clock);
		buf_finish(&which);
	}
	if (table_rows(&table)) {
		buf_char(out, '\n');
		table_write(&table, out);
	}
	table_finish(&table);
}

/* ---- pile-ups ---- */

static void add_with_h(const struct pile_up *pile, struct buf *out)
{
	for (size_t i = 0; i < pile->respelling_count && i < NAMES_SHOWN; i++)
		buf_format(out, "%s%s for %s (%zu job%s)", i ? ", " : "  write ",
			   pile->respellings[i].to, pile->respellings[i].from,
			   pile->respellings[i].job_count,
			   pile->respellings[i].job_count == 1 ? "" : "s");
	if (pile->respelling_count > NAMES_SHOWN)
		buf_format(out, " and so on (%zu more)", pile->respelling_count - NAMES_SHOWN);
	if (pile->respelling_count)
		buf_format(out, ": then at most %u start in one second of that hour\n",
			   pile->peak_with_h);
}

static void add_pile_up(const struct pile_up *pile, const struct zone *zone, struct buf *out)
{
	size_t shown = pile->at.count < PILE_UP_NAMES_MAX ? pile->at.count : PILE_UP_NAMES_MAX;
	char jitter[DURATION_TEXT_MAX];
	struct buf line = {0};

	add_clock(&line, zone, pile->at.at_s, true);
	buf_format(&line, ": %u jobs start at once: ", pile->at.count);
	add_names(&line, pile->names, shown, pile->at.count);
	terminal_add(out, OUTPUT_STDOUT, STYLE_WARN, buf_string(&line));
	buf_char(out, '\n');
	buf_finish(&line);
	add_with_h(pile, out);
	if (pile->jitter_ms)
		buf_format(out, "  %s \"jitter\": \"%s\": then at most %u\n",
			   pile->respelt ? "or add" : "add",
			   str_duration_format(pile->jitter_ms, jitter), pile->peak_with_jitter);
}

static void add_pile_ups(const struct forecast_answer *answer, struct buf *out)
{
	const struct forecast *forecast = &answer->forecast;
	char some[NUMBER_MAX], all[NUMBER_MAX];

	if (answer->pile_up_count == 0)
		return;
	buf_format(out, "\nPile-ups at :00. %s of %s starts are at minute 0, second 0.\n",
		   grouped(forecast->on_the_hour, some), grouped(forecast->total, all));
	for (size_t i = 0; i < answer->pile_up_count; i++)
		add_pile_up(&answer->pile_ups[i], answer->question.zone, out);
}

void forecast_show(const struct forecast_answer *answer, struct buf *out)
{
	add_title(answer, out);
	if (answer->forecast.total == 0) {
		buf_text(out, "Nothing starts.\n");
		return;
	}
	buf_char(out, '\n');
	add_map(&answer->forecast, out);
	add_busiest(answer, out);
	add_pile_ups(answer, out);
}
