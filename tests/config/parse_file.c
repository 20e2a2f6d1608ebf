/* parse_file.c - what the parser says of files, one JSON line for each, for the tests
 * in Python:  parse_file FILE…
 *
 * {"file":…,"ok":…,"jobs":…,"findings":[{"severity":…,"line":…,…}]}
 * "--schema" writes the JSON Schema instead. The clock stands at NOW, and the
 * environment has only what stub_environment says, so that the answers never change. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "world.h"
#include "zoneinfo.h"

static void write_finding(struct buf *out, const struct finding *f)
{
	buf_json_open(out, NULL, '{');
	buf_json_text(out, "severity", f->severity == SEVERITY_ERROR ? "error" : "warning");
	buf_json_int(out, "line", f->line);
	buf_json_int(out, "column", f->column);
	buf_json_int(out, "length", f->length);
	buf_json_text(out, "path", f->path);
	buf_json_text(out, "job", f->job);
	buf_json_text(out, "message", f->message);
	buf_json_text(out, "excerpt", f->excerpt);
	buf_json_int(out, "excerpt_column", f->excerpt_column);
	buf_json_close(out, '}');
}

static void write_answer(struct buf *out, const char *path, const struct config *config,
			 const struct findings *findings)
{
	buf_json_open(out, NULL, '{');
	buf_json_text(out, "file", path);
	buf_json_bool(out, "ok", config != NULL);
	buf_json_int(out, "jobs", config ? (int64_t)config->job_count : 0);
	buf_json_int(out, "suppressed", (int64_t)findings->suppressed);
	buf_json_open(out, "findings", '[');
	for (size_t i = 0; i < findings->count; i++)
		write_finding(out, &findings->items[i]);
	buf_json_close(out, ']');
	buf_json_close(out, '}');
}

static void answer(const char *path, const struct config_world *world)
{
	struct buf out = {0};
	char *text = NULL;
	size_t length = 0;
	struct err err = {{0}};

	if (config_read(path, &text, &length, &err)) {
		struct arena arena = {0};
		struct findings findings = {.arena = &arena};
		struct config *config = config_parse(text, length, world, &findings);
		write_answer(&out, path, config, &findings);
		config_destroy(config);
		arena_finish(&arena);
	} else {
		buf_json_open(&out, NULL, '{');
		buf_json_text(&out, "file", path);
		buf_json_bool(&out, "ok", false);
		buf_json_text(&out, "error", err.text);
		buf_json_close(&out, '}');
	}
	puts(buf_string(&out));
	free(text);
	buf_finish(&out);
}

int main(int argc, char **argv)
{
	struct zoneinfo *zones = zoneinfo_create(NULL);
	struct config_world world = stub_world(zoneinfo_source(zones));

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--schema") == 0) {
			struct buf schema = {0};
			config_write_schema(&schema);
			puts(buf_string(&schema));
			buf_finish(&schema);
		} else {
			answer(argv[i], &world);
		}
	}
	zoneinfo_destroy(zones);
	return 0;
}
