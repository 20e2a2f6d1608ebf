/* progress.c - a line that says what is going on; see progress.h. */
#include "progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "str.h"

enum { USUAL_WIDTH = 80 };

void progress_init(struct progress *progress)
{
	const char *term = getenv("TERM");
	bool is_dumb = str_empty(term) || strcmp(term, "dumb") == 0;

	*progress = (struct progress){.is_on = terminal_is(OUTPUT_STDERR) && !is_dumb};
}

static size_t width(void)
{
	struct winsize size = {0};

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2)
		return USUAL_WIDTH;
	return size.ws_col;
}

void progress_show(struct progress *progress, const char *text)
{
	struct buf line = {0};

	if (!progress->is_on || progress->is_mid_line)
		return;
	buf_text(&line, "\r\033[K");
	terminal_add_cut(&line, OUTPUT_STDERR, STYLE_DIM, text, width() - 1);
	terminal_write(OUTPUT_STDERR, line.data, line.length);
	buf_finish(&line);
	progress->is_shown = true;
}

void progress_hide(struct progress *progress)
{
	static const char clear[] = "\r\033[K";

	if (progress->is_shown)
		terminal_write(OUTPUT_STDERR, clear, sizeof(clear) - 1);
	progress->is_shown = false;
}

void progress_write(struct progress *progress, enum output output, const char *data, size_t length)
{
	if (length == 0)
		return;
	if (terminal_is(output)) {
		progress_hide(progress);
		progress->is_mid_line = data[length - 1] != '\n';
	}
	terminal_write(output, data, length);
}

void progress_break(struct progress *progress)
{
	bool has_line = progress->is_shown; /* which is wiped, the echo included */

	progress_hide(progress);
	if (!has_line && terminal_is(OUTPUT_STDERR))
		terminal_write(OUTPUT_STDERR, "\n", 1);
	progress->is_mid_line = false;
}

void progress_end_line(struct progress *progress)
{
	progress_hide(progress);
	if (progress->is_mid_line && terminal_is(OUTPUT_STDERR))
		terminal_write(OUTPUT_STDERR, "\n", 1);
	progress->is_mid_line = false;
}
