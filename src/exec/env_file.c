/* env_file.c - files of NAME=value lines; see env_file.h. */
#include "env_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"

struct line {
	const char *at, *end;
	size_t number;
	struct err *err;
};

static bool wrong(const struct line *line, const char *what)
{
	return err_set(line->err, "line %zu: %s", line->number, what);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct line *line)
{
	while (line->at < line->end && is_blank(*line->at))
		line->at++;
}

static bool is_name_char(char c, bool is_first)
{
	return c == '_' || (is_first ? isalpha((unsigned char)c) : isalnum((unsigned char)c));
}

static const char *read_name(struct line *line, struct arena *arena)
{
	static const char word[] = "export";
	size_t length = sizeof(word) - 1;

	if ((size_t)(line->end - line->at) > length && memcmp(line->at, word, length) == 0 &&
	    is_blank(line->at[length])) {
		line->at += length;
		skip_blanks(line);
	}
	const char *first = line->at;
	while (line->at < line->end && is_name_char(*line->at, line->at == first))
		line->at++;
	const char *name = arena_copy(arena, first, (size_t)(line->at - first));
	skip_blanks(line);
	if (!*name || line->at == line->end || *line->at != '=') {
		wrong(line, "not NAME=value; names are letters, digits and _");
		return NULL;
	}
	line->at++;
	skip_blanks(line);
	return name;
}

/* After a closing quote only a comment may follow. */
static bool is_at_end(struct line *line)
{
	const char *before = line->at;

	skip_blanks(line);
	return line->at == line->end || (*line->at == '#' && line->at > before);
}

static char unescape(char c)
{
	switch (c) {
	case 'n': return '\n';
	case 't': return '\t';
	case 'r': return '\r';
	case '"':
	case '\\':
	case '$':
	case '`': return c;
	default: return '\0';
	}
}

static const char *read_quoted(struct line *line, struct arena *arena)
{
	char quote = *line->at++;
	char *value = arena_alloc(arena, (size_t)(line->end - line->at) + 1);
	size_t length = 0;

	for (; line->at < line->end && *line->at != quote; line->at++) {
		char c = *line->at;

		if (quote == '"' && c == '\\' && line->at + 1 < line->end &&
		    unescape(line->at[1]) != '\0')
			c = unescape(*++line->at);
		value[length++] = c;
	}
	if (line->at == line->end) {
		wrong(line, "the quote is not closed on this line");
		return NULL;
	}
	line->at++;
	if (!is_at_end(line)) {
		wrong(line, "something follows the closing quote");
		return NULL;
	}
	return value;
}

static const char *read_plain(struct line *line, struct arena *arena)
{
	const char *first = line->at, *last;

	for (; line->at < line->end; line->at++)
		if (*line->at == '#' && line->at > first && is_blank(line->at[-1]))
			break;
	last = line->at;
	while (last > first && is_blank(last[-1]))
		last--;
	return arena_copy(arena, first, (size_t)(last - first));
}

static bool read_line(struct line *line, struct arena *arena, env_file_fn *fn, void *context)
{
	if (memchr(line->at, '\0', (size_t)(line->end - line->at)))
		return wrong(line, "has a NUL byte");
	skip_blanks(line);
	if (line->at == line->end || *line->at == '#')
		return true;
	const char *name = read_name(line, arena);
	if (!name)
		return false;
	bool is_quoted = line->at < line->end && (*line->at == '"' || *line->at == '\'');
	const char *value = is_quoted ? read_quoted(line, arena) : read_plain(line, arena);
	if (!value)
		return false;
	fn(context, name, value);
	return true;
}

bool env_file_parse(const char *text, size_t length, struct arena *arena, env_file_fn *fn,
		    void *context, struct err *err)
{
	const char *end = text + length;
	struct line line = {.err = err};

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));

		line.at = text;
		line.end = newline ? newline : end;
		line.number++;
		text = newline ? newline + 1 : end;
		if (!read_line(&line, arena, fn, context))
			return false;
	}
	return true;
}

static bool read_whole(int fd, struct buf *buf, struct err *err)
{
	struct stat status;
	char data[8192];
	ssize_t n;

	if (fstat(fd, &status) != 0)
		return err_errno(err, errno, "cannot read");
	if (!S_ISREG(status.st_mode))
		return err_set(err, "is not a file");
	while ((n = read(fd, data, sizeof(data))) > 0 && buf->length <= ENV_FILE_MAX)
		buf_add(buf, data, (size_t)n);
	if (n < 0)
		return err_errno(err, errno, "cannot read");
	if (buf->length > ENV_FILE_MAX)
		return err_set(err, "is larger than 1 MiB");
	return true;
}

bool env_file_read(const char *path, const char *shown, struct arena *arena, env_file_fn *fn,
		   void *context, struct err *err)
{
	struct buf buf = {0};
	/* Not to wait for the other end of a FIFO. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return err_errno(err, errno, "env_file %s: cannot open", shown);
	bool is_done = read_whole(fd, &buf, err) &&
		       env_file_parse(buf_string(&buf), buf.length, arena, fn, context, err);
	close(fd);
	buf_finish(&buf);
	return is_done || err_wrap(err, "env_file %s", shown);
}
