/*
 * log.h - belfry's own log: one event a line on standard error.
 *
 * JSON when not a terminal: {"time":…,"level":"error","job":…,"run":…,"msg":…}.
 * Only the daemon and the programs' main files write it; libraries below answer
 * with struct err instead.
 */
#ifndef BELFRY_LOG_H
#define BELFRY_LOG_H

#include <stdbool.h>

#include "instant.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* What an event is about; NULL members are left out. Borrowed for the call. */
struct log_about {
	const char *job;
	const char *run;
	const char *key, *json; /* one more member of the JSON form, which the text lacks */
};
#define LOG_ABOUT_NOTHING ((struct log_about){0})

/* Takes effect for the whole process. clock tells the time of each event. */
void log_setup(enum log_level least, bool json, struct utc (*clock)(void));
/* What the text form may use: none of it where this was not called. */
void log_style(bool is_terminal, bool has_colour);
/* On a terminal, after keys that it echoes (^C): what comes next begins a line. */
void log_fresh_line(void);
bool log_level_from_word(const char *word, enum log_level *level);
void log_event(enum log_level level, struct log_about about, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_debug(...) log_event(LOG_DEBUG, LOG_ABOUT_NOTHING, __VA_ARGS__)
#define log_info(...)  log_event(LOG_INFO, LOG_ABOUT_NOTHING, __VA_ARGS__)
#define log_warn(...)  log_event(LOG_WARN, LOG_ABOUT_NOTHING, __VA_ARGS__)
#define log_error(...) log_event(LOG_ERROR, LOG_ABOUT_NOTHING, __VA_ARGS__)

#endif
