/* written.c - one job as its file has it, and what else of the file it goes by. */
#include "loader.h"

/* Below a file's root; 0: it is not there. */
struct places {
	size_t jobs, defaults, zone;
};

static struct places find_places(struct json_reader *r)
{
	struct places places = {0};
	struct json_piece key;

	json_open(r);
	while (json_next_member(r, &key)) {
		json_peek(r);
		if (json_piece_equals(r, key, keys[KEY_JOBS].name))
			places.jobs = r->at;
		else if (json_piece_equals(r, key, keys[KEY_DEFAULTS].name))
			places.defaults = r->at;
		else if (json_piece_equals(r, key, keys[KEY_FILE_TIMEZONE].name))
			places.zone = r->at;
		json_skip(r);
	}
	return places;
}

/* The reader stands before a job, and behind it afterwards. */
static bool is_called(struct json_reader *r, const char *name)
{
	struct json_piece key, value;
	bool is_it = false;

	json_open(r);
	while (json_next_member(r, &key)) {
		bool is_name = json_piece_equals(r, key, keys[KEY_NAME].name);

		if (is_name && json_peek(r) == JSON_STRING) {
			json_take_string(r, &value);
			is_it |= json_piece_equals(r, value, name);
		} else {
			json_skip(r);
		}
	}
	return is_it;
}

/* In the list that comes next. */
static bool find_job(struct json_reader *r, const char *name, size_t *at)
{
	bool is_found = false;

	json_open(r);
	while (!is_found && json_next_item(r)) {
		bool is_job = json_peek(r) == JSON_OBJECT;

		*at = r->at;
		if (is_job)
			is_found = is_called(r, name);
		else
			json_skip(r);
	}
	return is_found;
}

static void add_value(struct json_reader *r, const char *key, size_t at, struct buf *out)
{
	struct buf json = {0};

	r->at = at;
	json_compact(r, &json);
	buf_json_raw(out, key, buf_string(&json));
	buf_finish(&json);
}

/* From the root on: an object with a list of jobs, or cron-manager's list, or one job. */
static bool write_job(struct json_reader *r, const char *name, struct buf *out)
{
	struct places places = {0};
	bool is_object = json_peek(r) == JSON_OBJECT;
	size_t start = r->at;

	if (is_object) {
		places = find_places(r);
		r->at = places.jobs ? places.jobs : start;
		if (!places.jobs) /* it is the job, and all in it its own */
			places = (struct places){0};
	}
	size_t at = r->at;
	bool is_found = json_peek(r) == JSON_ARRAY    ? find_job(r, name, &at)
			: json_peek(r) == JSON_OBJECT ? is_called(r, name)
						      : false;
	if (!is_found)
		return false;
	r->path.depth = 0; /* the list was left amid its items */
	add_value(r, "job", at, out);
	if (places.defaults)
		add_value(r, "defaults", places.defaults, out);
	if (places.zone)
		add_value(r, "timezone", places.zone, out);
	return true;
}

bool config_job_written(const char *text, size_t length, const char *name, struct buf *out)
{
	struct json_reader r;

	json_init(&r, text, length, CONFIG_DEPTH_MAX, NULL, NULL);
	bool is_found = write_job(&r, name, out);
	json_finish(&r);
	return is_found;
}
