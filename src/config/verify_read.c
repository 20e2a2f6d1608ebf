/* verify_read.c - a job that asks whether an app is up: what of the job means something
 * else then, and the words that belfry's own program is given. */
#include <string.h>

#include "loader.h"
#include "str.h"

enum { WORDS_MAX = 12 };

struct words {
	struct loader *l;
	const char *items[WORDS_MAX];
	size_t count;
};

static void add(struct words *words, const char *text)
{
	words->items[words->count++] = intern_text(&words->l->texts, words->l->arena, text);
}

static void add_options(struct words *words, const struct verify_spec *verify)
{
	struct arena *scratch = &words->l->scratch;
	char within[DURATION_TEXT_MAX];

	if (verify->fly)
		add(words, arena_format(scratch, "--fly=%s", verify->fly));
	if (verify->expect_status < 100)
		add(words, arena_format(scratch, "--expect-status=%dxx", verify->expect_status));
	else if (verify->expect_status != VERIFY_STATUS_USUAL)
		add(words, arena_format(scratch, "--expect-status=%d", verify->expect_status));
	if (verify->expect_text)
		add(words, arena_format(scratch, "--expect-text=%s", verify->expect_text));
	if (verify->within_ms)
		add(words, arena_format(scratch, "--within=%s",
					str_duration_format(verify->within_ms, within)));
}

static struct text_list settle(const struct words *words)
{
	const char **copy = arena_array(words->l->arena, const char *, words->count + 1);

	memcpy(copy, words->items, words->count * sizeof(*copy));
	return (struct text_list){copy, words->count};
}

/* What is run tells its line as the run's message, too, and nothing of a URL that came
 * from the environment. */
static void make_argv(struct loader *l, struct draft *d, const struct verify_spec *verify)
{
	struct words run = {.l = l}, shown = {.l = l};

	add(&shown, "belfry");
	add(&shown, "verify");
	run = shown;
	add(&run, "--result");
	if (verify->url && strcmp(verify->url, verify->url_shown) != 0)
		add(&run, arena_format(&l->scratch, "--as=%s", verify->url_shown));
	add_options(&run, verify);
	add_options(&shown, verify);
	if (verify->url) {
		add(&run, "--");
		add(&run, verify->url);
		add(&shown, verify->url_shown);
	}
	d->job.argv = settle(&run);
	d->job.argv_shown = settle(&shown);
}

static void warn_of_others(struct loader *l, const struct draft *d)
{
	char timeout[DURATION_TEXT_MAX];

	if (is_own(d, KEY_SHELL))
		tell_key(l, d, KEY_SHELL, SEVERITY_WARNING,
			 "\"shell\" means nothing to \"verify\", only to a command; remove it");
	if (is_own(d, KEY_DRY_RUN))
		tell_key(l, d, KEY_DRY_RUN, SEVERITY_WARNING,
			 "\"verify\" changes nothing and is the same in a dry run; remove "
			 "\"dry_run\"");
	if (d->job.timeout_ms > 0 && d->verify.within_ms >= d->job.timeout_ms)
		tell_key(l, d, KEY_VERIFY_WITHIN, SEVERITY_WARNING,
			 "the job's timeout (%s) ends it before this is over, and nobody says then "
			 "what was wrong; make that longer, or this shorter",
			 str_duration_format(d->job.timeout_ms, timeout));
}

/* False: nothing is asked, which has been told. */
static bool check_asked(struct loader *l, struct draft *d)
{
	static const enum key of_answers[] = {KEY_VERIFY_STATUS, KEY_VERIFY_TEXT};

	if (is_written(d, KEY_VERIFY_URL)) /* what is wrong with it has been told */
		return d->verify.url && d->verify.url_shown;
	if (!d->verify.fly) /* as has that */
		return false;
	for (size_t i = 0; i < sizeof(of_answers) / sizeof(of_answers[0]); i++)
		if (is_written(d, of_answers[i]))
			tell_key(l, d, of_answers[i], SEVERITY_WARNING,
				 "\"%s\" means nothing without \"url\"; give that, too, or remove "
				 "this",
				 keys[of_answers[i]].name);
	return true;
}

void verify_read(struct loader *l, struct draft *d)
{
	static const char *const nothing[] = {NULL};

	warn_of_others(l, d);
	d->job.process.shell = NULL;
	d->job.dry_run = (struct text_list){nothing, 0};
	if (!is_written(d, KEY_VERIFY_STATUS))
		d->verify.expect_status = VERIFY_STATUS_USUAL;
	if (!check_asked(l, d))
		return;
	struct verify_spec *verify = arena_new(l->arena, struct verify_spec);
	*verify = d->verify;
	d->job.verify = verify;
	make_argv(l, d, verify);
}
