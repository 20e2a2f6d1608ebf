/* executor_read.c - what carries the job out: exactly one of the executors, its
 * command as words, and what belongs to others. */
#include <string.h>

#include "argv.h"
#include "loader.h"
#include "str.h"

enum { COMMAND_MAX = 1 << 20 };

/* ${…} in a command given as one text: each word is expanded after the splitting, so
 * that a value with blanks stays one word. */
static bool expand_words(struct loader *l, struct json_piece piece, const struct text_list *words,
			 const size_t *offsets, const char **out)
{
	bool is_secret = false, ok = true;

	for (size_t i = 0; i < words->count; i++) {
		out[i] = value_expand(l, piece, offsets[i], words->items[i], &is_secret);
		ok &= out[i] != NULL;
	}
	return ok;
}

static struct text_list settle(struct loader *l, const char *const *items, size_t count)
{
	const char **copy = arena_array(l->arena, const char *, count + 1);

	for (size_t i = 0; i < count; i++)
		copy[i] = intern_text(&l->texts, l->arena, items[i]);
	return (struct text_list){copy, count};
}

/* The words as they are run and as they are shown: shared where nothing came from
 * the environment. */
static void keep_words(struct loader *l, struct draft *d, const char *const *run,
		       const struct text_list *written)
{
	bool is_same = true;

	for (size_t i = 0; i < written->count; i++)
		is_same &= strcmp(run[i], written->items[i]) == 0;
	d->job.argv_shown = settle(l, written->items, written->count);
	d->job.argv = is_same ? d->job.argv_shown : settle(l, run, written->count);
}

static void tell_split(struct loader *l, struct json_piece piece, const char *text,
		       const struct argv_problem *problem)
{
	size_t begin = json_piece_offset(&l->json, piece, problem->at);
	size_t end = json_piece_offset(&l->json, piece, problem->at + problem->length);
	struct buf path = {0};

	json_path_write(&l->json.path, l->json.text, &path);
	struct about about = {.at = begin,
			      .length = end - begin,
			      .path = buf_string(&path),
			      .job = l->job_name,
			      .excerpt = text,
			      .excerpt_column = problem->at + 1};
	report_add(&l->report, SEVERITY_ERROR, &about, "%s", problem->message);
	buf_finish(&path);
}

static void warn_of_shell(struct loader *l, const struct draft *d)
{
	const char *sign = argv_shell_word(&d->job.argv_shown);

	if (sign)
		tell_key(l, d, KEY_COMMAND, SEVERITY_WARNING,
			 "%s is an ordinary argument here, as no shell runs this; write \"shell\": "
			 "\"/bin/sh\" if it is meant for one",
			 sign);
}

static void split_text(struct loader *l, struct draft *d, struct json_piece piece, const char *text)
{
	struct argv_problem problem;
	struct text_list words;
	const size_t *offsets;

	if (!argv_split(text, &l->scratch, &words, &offsets, &problem)) {
		tell_split(l, piece, text, &problem);
		return;
	}
	const char **run = arena_array(&l->scratch, const char *, words.count + 1);
	if (!expand_words(l, piece, &words, offsets, run))
		return;
	keep_words(l, d, run, &words);
}

static void read_text(struct loader *l, struct draft *d)
{
	struct json_piece piece;

	json_take_string(&l->json, &piece);
	if (piece.length > COMMAND_MAX) {
		loader_tell(l, SEVERITY_ERROR, piece.at - 1, piece.length + 2,
			    "%zu bytes are more than the system can start; at most %d",
			    piece.length, COMMAND_MAX);
		return;
	}
	const char *text = json_piece_text(&l->json, piece, &l->scratch, NULL);
	if (d->job.process.shell && d->job.executor == EXECUTOR_PROCESS &&
	    text[strspn(text, " \t\n")])
		keep_words(l, d, &text, &(struct text_list){&text, 1});
	else
		split_text(l, d, piece, text);
}

static bool item_is_text(struct loader *l)
{
	size_t at = l->json.at;
	enum json_kind kind = json_peek(&l->json);

	if (kind == JSON_STRING)
		return true;
	json_skip(&l->json);
	return loader_tell(l, SEVERITY_ERROR, at, l->json.at - at,
			   "a word of the command is a text in double quotes; this is %s",
			   json_kind_words(kind));
}

static size_t count_items(struct loader *l)
{
	size_t at = l->json.at, count = 0;

	json_open(&l->json);
	for (; json_next_item(&l->json); count++)
		json_skip(&l->json);
	l->json.at = at;
	return count;
}

static void read_list(struct loader *l, struct draft *d)
{
	bool has_shell = d->job.process.shell && d->job.executor == EXECUTOR_PROCESS;
	size_t most = count_items(l), count = 0;
	const char **run = arena_array(&l->scratch, const char *, most + 1);
	const char **written = arena_array(&l->scratch, const char *, most + 1);
	bool is_secret = false, ok = true;

	json_open(&l->json);
	while (json_next_item(&l->json)) {
		size_t at = l->json.at;

		if (!item_is_text(l)) {
			ok = false;
			continue;
		}
		written[count] = value_text(l, false, NULL);
		l->json.at = at;
		run[count] = value_text(l, !has_shell, &is_secret);
		ok &= run[count] != NULL;
		count++;
	}
	if (ok)
		keep_words(l, d, run, &(struct text_list){written, count});
}

static void read_command(struct loader *l, struct draft *d)
{
	size_t told = l->report.findings->errors;

	if (!is_written(d, KEY_COMMAND))
		return;
	struct visit visit = visit_key(l, d, KEY_COMMAND);
	enum json_kind kind = json_peek(&l->json);
	if (kind == JSON_STRING)
		read_text(l, d);
	else if (kind == JSON_ARRAY)
		read_list(l, d);
	bool is_right =
		(kind == JSON_STRING || kind == JSON_ARRAY) && l->report.findings->errors == told;
	visit_leave(l, visit);
	if (is_right && kind == JSON_STRING)
		warn_of_shell(l, d);
	if (is_right && d->job.executor == EXECUTOR_PROCESS &&
	    (!d->job.argv.count || !d->job.argv.items[0][0]))
		tell_key(l, d, KEY_COMMAND, SEVERITY_ERROR,
			 "an empty command; its first word is the program to run");
}

/* Which executor. */

static bool has_two(struct loader *l, const struct draft *d, enum key first, enum key second)
{
	if (!is_written(d, first) || !is_written(d, second))
		return false;
	enum key late = d->spots[first].at > d->spots[second].at ? first : second;
	enum key early = late == first ? second : first;
	tell_key(l, d, late, SEVERITY_ERROR,
		 "the job has \"%s\" already (line %u), and a job has exactly one executor; remove "
		 "one",
		 keys[early].name, json_line(&l->json, d->spots[early].key_at));
	return true;
}

static void check_aliases(struct loader *l, const struct draft *d)
{
	static const struct {
		enum key alias, meant;
	} aliases[] = {{KEY_APP_NAME, KEY_FLY_APP},
		       {KEY_REGION, KEY_FLY_REGION},
		       {KEY_CONFIG, KEY_FLY_CONFIG}};

	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		enum key alias = aliases[i].alias;
		const char *meant = keys[aliases[i].meant].path + strlen("jobs[].");

		if (!is_written(d, alias))
			continue;
		if (is_written(d, KEY_FLY))
			tell_key(l, d, alias, SEVERITY_ERROR,
				 "\"%s\" is cron-manager's word for %s; write it inside \"fly\"",
				 keys[alias].name, meant);
		else if (!is_written(d, KEY_APP_NAME))
			tell_key(l, d, alias, SEVERITY_ERROR,
				 "\"%s\" is cron-manager's word for %s and needs \"app_name\" "
				 "beside it",
				 keys[alias].name, meant);
	}
}

static enum key choose(struct loader *l, struct draft *d)
{
	enum key fly = is_written(d, KEY_FLY) ? KEY_FLY : KEY_APP_NAME;

	check_aliases(l, d);
	has_two(l, d, KEY_DOCKER, fly);
	has_two(l, d, KEY_DOCKER, KEY_HTTP);
	has_two(l, d, fly, KEY_HTTP);
	has_two(l, d, KEY_COMMAND, KEY_HTTP);
	has_two(l, d, KEY_DOCKER, KEY_VERIFY);
	has_two(l, d, fly, KEY_VERIFY);
	has_two(l, d, KEY_HTTP, KEY_VERIFY);
	has_two(l, d, KEY_COMMAND, KEY_VERIFY);
	if (is_written(d, KEY_DOCKER)) {
		d->job.executor = EXECUTOR_DOCKER;
		return KEY_DOCKER;
	}
	if (is_written(d, fly)) {
		d->job.executor = EXECUTOR_FLY;
		return fly;
	}
	d->job.executor = is_written(d, KEY_HTTP) ? EXECUTOR_HTTP : EXECUTOR_PROCESS;
	return is_written(d, KEY_HTTP)     ? KEY_HTTP
	       : is_written(d, KEY_VERIFY) ? KEY_VERIFY
					   : KEY_COMMAND;
}

static void warn_of_process_keys(struct loader *l, const struct draft *d)
{
	for (int i = KEY_NAME; i < KEY_COUNT; i++)
		if (keys[i].is_process_only && is_own(d, (enum key)i))
			tell_key(l, d, (enum key)i, SEVERITY_WARNING,
				 "\"%s\" means nothing to %s, only to a process; remove it",
				 keys[i].name, executor_kind_word(d->job.executor));
}

/* A value on its way to the executor. */
struct passage {
	struct loader *l;
	struct buf *out;
	uint64_t expanded; /* of what ${NAME} became, in whatever order it came */
};

static void pass_value(struct passage *p, enum key key);

static void pass_members(struct passage *p, enum key parent)
{
	struct json_reader *r = &p->l->json;
	bool is_map = keys[parent].kind == KIND_MAP, is_first = true;
	struct json_piece name;

	json_open(r);
	buf_char(p->out, '{');
	for (; json_next_member(r, &name); is_first = false) {
		size_t length;
		const char *text = json_piece_text(r, name, &p->l->scratch, &length);

		if (!is_first)
			buf_char(p->out, ',');
		buf_json_string(p->out, text, length);
		buf_char(p->out, ':');
		pass_value(p, is_map ? parent : key_find(parent, r, name));
	}
	buf_char(p->out, '}');
}

static void pass_items(struct passage *p, enum key key)
{
	bool is_first = true;

	json_open(&p->l->json);
	buf_char(p->out, '[');
	for (; json_next_item(&p->l->json); is_first = false) {
		if (!is_first)
			buf_char(p->out, ',');
		pass_value(p, key);
	}
	buf_char(p->out, ']');
}

/* What was written and what it became belong together: two values that change places are
 * not the same as before. */
static void pass_expanded(struct passage *p)
{
	size_t at = p->l->json.at;
	const char *written = value_text(p->l, false, NULL);

	p->l->json.at = at;
	const char *text = value_text(p->l, true, NULL);
	text = text ? text : "";
	uint64_t hash = str_hash(STR_HASH_INIT, written, strlen(written) + 1);
	p->expanded += str_hash(hash, text, strlen(text));
	buf_json_string(p->out, text, strlen(text));
}

/* As it is, but for ${NAME} where the key takes it; what is missing was told before. */
static void pass_value(struct passage *p, enum key key)
{
	struct json_reader *r = &p->l->json;
	bool is_expanded = key != KEY_NONE && keys[key].is_expanded;
	bool has_members =
		key != KEY_NONE && (keys[key].kind == KIND_OBJECT || keys[key].kind == KIND_MAP);

	switch (json_peek(r)) {
	case JSON_STRING:
		if (is_expanded && p->l->report.findings->errors == 0) {
			pass_expanded(p);
			return;
		}
		break;
	case JSON_OBJECT:
		if (has_members) {
			pass_members(p, key);
			return;
		}
		break;
	case JSON_ARRAY:
		if (is_expanded) {
			pass_items(p, key);
			return;
		}
		break;
	case JSON_NUMBER:
	case JSON_BOOL:
	case JSON_NULL:
	case JSON_NONE: break;
	}
	json_compact(r, p->out);
}

/* A member of the job as JSON, and into the hash: what was written, in whatever order, and
 * what it means. */
static void add_json(struct loader *l, struct draft *d, enum key key, struct buf *json)
{
	struct visit visit = visit_key(l, d, key);
	struct passage passage = {.l = l, .out = json};
	size_t at = l->json.at;
	uint64_t value = json_hash_value(&l->json);

	l->json.at = at;
	pass_value(&passage, key);
	d->around.remote = d->around.remote * 31 + hash_short(value + passage.expanded);
	visit_leave(l, visit);
}

/* cron-manager's form becomes what "fly" would hold. */
static void add_cron_manager(struct loader *l, struct draft *d, struct buf *json)
{
	static const struct {
		enum key key;
		const char *name;
	} members[] = {{KEY_APP_NAME, "app"}, {KEY_REGION, "region"}, {KEY_CONFIG, "config"}};

	buf_char(json, '{');
	buf_json_bool(json, "cron_manager", true); /* so that its Machines say so, too */
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		d->around.remote *= 31;
		if (!is_written(d, members[i].key))
			continue;
		buf_json_raw(json, members[i].name, "");
		add_json(l, d, members[i].key, json);
	}
	buf_char(json, '}');
}

static void keep_remote(struct loader *l, struct draft *d, enum key key)
{
	struct buf json = {0};

	if (key == KEY_APP_NAME)
		add_cron_manager(l, d, &json);
	else
		add_json(l, d, key, &json);
	d->job.remote.json = intern_text(&l->texts, l->arena, buf_string(&json));
	buf_finish(&json);
}

void executor_read(struct loader *l, struct draft *d)
{
	enum key key = choose(l, d);

	read_command(l, d);
	if (key == KEY_VERIFY) {
		verify_read(l, d);
	} else if (key != KEY_COMMAND) {
		warn_of_process_keys(l, d);
		keep_remote(l, d, key);
	} else if (!is_written(d, KEY_COMMAND)) {
		loader_tell(
			l, SEVERITY_ERROR, d->spots[KEY_JOBS].at, 1,
			"\"command\" is missing: what to run; or one of \"verify\", \"docker\", "
			"\"fly\" and \"http\"");
	}
}
