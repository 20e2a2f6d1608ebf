/*
 * version.c - `belfry version`: which belfry this is, and what it stands on.
 */
#include <curl/curl.h>
#include <jansson.h>
#include <microhttpd.h>
#include <sodium.h>
#include <sqlite3.h>
#include <uv.h>

#include "say.h"
#include "verbs.h"
#include "version.h"
#include "zone_data.h"

struct library {
	const char *name, *version;
};

enum { LIBRARY_COUNT = 6 };

/* As they are loaded now, not as they were compiled against. */
static void list_libraries(struct library libraries[LIBRARY_COUNT])
{
	libraries[0] = (struct library){"libuv", uv_version_string()};
	libraries[1] = (struct library){"libcurl", curl_version_info(CURLVERSION_NOW)->version};
	libraries[2] = (struct library){"libmicrohttpd", MHD_get_version()};
	libraries[3] = (struct library){"jansson", jansson_version_str()};
	libraries[4] = (struct library){"sqlite", sqlite3_libversion()};
	libraries[5] = (struct library){"libsodium", sodium_version_string()};
}

static void add_json(struct buf *out, const struct library *libraries, const char *tzdata)
{
	buf_json_open(out, NULL, '{');
	buf_json_text(out, "version", version_text);
	buf_json_int(out, "runner_protocol", version_protocol);
	buf_json_text(out, "tzdata", tzdata);
	buf_json_open(out, "libraries", '{');
	for (size_t i = 0; i < LIBRARY_COUNT; i++)
		buf_json_text(out, libraries[i].name, libraries[i].version);
	buf_json_close(out, '}');
	buf_json_close(out, '}');
	buf_char(out, '\n');
}

static void add_text(struct buf *out, const struct library *libraries, const char *tzdata)
{
	buf_format(out, "belfry %s\n", version_text);
	buf_format(out, "runner protocol %d, tzdata %s\n", version_protocol,
		   tzdata ? tzdata : "unknown");
	for (size_t i = 0; i < LIBRARY_COUNT; i++)
		buf_format(out, "%s%s %s", i ? ", " : "", libraries[i].name, libraries[i].version);
	buf_char(out, '\n');
}

static int run(const struct args *args)
{
	struct library libraries[LIBRARY_COUNT];
	char tzdata[ZONE_DATA_VERSION_MAX];
	const char *known = zone_data_version(NULL, tzdata);
	struct buf out = {0};

	list_libraries(libraries);
	if (args_has(args, "json"))
		add_json(&out, libraries, known);
	else
		add_text(&out, libraries, known);
	return args_has(args, "json") ? say_print(args, &out) : say_text(args, &out);
}

const struct command command_version = {
	.name = "version",
	.operands = "",
	.summary = "which belfry this is, and what it stands on",
	.examples = "  belfry version --json",
	.run = run,
};
