/*
 * progress.h - a line on the terminal that says what is going on, and gets out of
 * the way of everything else that is written there.
 *
 * On standard error, and only where that is a terminal.
 */
#ifndef BELFRY_PROGRESS_H
#define BELFRY_PROGRESS_H

#include "terminal.h"

struct progress {
	bool is_on;
	bool is_shown;
	bool is_mid_line; /* the output's last line is not ended: no room for ours */
};

void progress_init(struct progress *progress);
void progress_show(struct progress *progress, const char *text);
void progress_hide(struct progress *progress);
/* Writes output, with the line out of its way; what nobody reads any more is dropped. */
void progress_write(struct progress *progress, enum output output, const char *data, size_t length);
/* Begins a line of its own if the output's last one is not ended. */
void progress_end_line(struct progress *progress);
/* Before a remark on Ctrl-C: what the terminal echoed of it gets no text behind it. */
void progress_break(struct progress *progress);

#endif
