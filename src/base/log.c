/* log.c - belfry's own log; see log.h. */
#include "log.h"

#include <string.h>
#include <unistd.h>

#include "buf.h"

static const char *const level_words[] = {
	[LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};

static struct {
	enum log_level least;
	bool json, is_terminal, has_colour;
	struct utc (*clock)(void);
	struct buf line; /* kept between events, so that a busy log does not allocate */
} logger = {.least = LOG_INFO, .json = true};

void log_setup(enum log_level least, bool json, struct utc (*clock)(void))
{
	logger.least = least;
	logger.json = json;
	logger.clock = clock;
}

void log_style(bool is_terminal, bool has_colour)
{
	logger.is_terminal = is_terminal;
	logger.has_colour = has_colour;
}

static void write_out(const char *data, size_t length)
{
	/* There is nowhere to tell of a log that cannot be written. */
	if (write(STDERR_FILENO, data, length) < 0)
		(void)0;
}

void log_fresh_line(void)
{
	if (logger.is_terminal && !logger.json)
		write_out("\n", 1);
}

bool log_level_from_word(const char *word, enum log_level *level)
{
	for (unsigned i = 0; i < sizeof(level_words) / sizeof(level_words[0]); i++) {
		if (strcmp(word, level_words[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static void write_json(struct buf *line, enum log_level level, struct log_about about,
		       const char *msg, const char *time)
{
	buf_json_open(line, NULL, '{');
	buf_json_text(line, "time", time);
	buf_json_text(line, "level", level_words[level]);
	if (about.job)
		buf_json_text(line, "job", about.job);
	if (about.run)
		buf_json_text(line, "run", about.run);
	buf_json_text(line, "msg", msg);
	if (about.key)
		buf_json_raw(line, about.key, about.json);
	buf_json_close(line, '}');
}

static void add_word(struct buf *line, const char *colour, const char *word, int width)
{
	const char *before = logger.has_colour ? colour : "", *after = *before ? "\033[0m" : "";

	buf_format(line, "%s%-*s%s ", before, width, word, after);
}

static void write_text(struct buf *line, enum log_level level, struct log_about about,
		       const char *msg, const char *time)
{
	static const char *const colour[] = {[LOG_DEBUG] = "\033[2m",
					     [LOG_INFO] = "",
					     [LOG_WARN] = "\033[33m",
					     [LOG_ERROR] = "\033[31m"};

	add_word(line, "\033[2m", time, 0);
	add_word(line, colour[level], level_words[level], 5);
	if (about.job)
		add_word(line, "\033[1m", about.job, 0);
	if (about.run)
		add_word(line, "\033[2m", about.run, 0);
	buf_text(line, msg);
}

void log_event(enum log_level level, struct log_about about, const char *format, ...)
{
	char time[UTC_TEXT_MAX] = "";
	struct buf msg = {0};
	va_list args;

	if (level < logger.least)
		return;
	if (logger.clock)
		utc_format_ms(logger.clock(), time);
	va_start(args, format);
	buf_vformat(&msg, format, args);
	va_end(args);
	buf_clear(&logger.line);
	if (logger.json)
		write_json(&logger.line, level, about, msg.data, time);
	else
		write_text(&logger.line, level, about, msg.data, time);
	buf_char(&logger.line, '\n');
	/* One write a line, so that lines of several processes do not mix. */
	write_out(logger.line.data, logger.line.length);
	buf_finish(&msg);
}
