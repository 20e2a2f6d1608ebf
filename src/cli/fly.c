/* fly.c - `belfry fly`: the Machines of native jobs, which Fly's own schedule starts. */
#include <stdlib.h>
#include <string.h>

#include "deploying.h"
#include "fly_current.h"
#include "jobs_file.h"
#include "native_apply.h"
#include "say.h"
#include "str.h"
#include "verbs.h"

/* What one call of the verb works with. */
struct work {
	const struct args *args;
	struct arena arena;
	struct jobs_file file;
	const char *app;
	struct native_api api;
	json_t *list; /* Fly's */
	struct native_wanted *wanted;
	size_t wanted_count;
	const char *release; /* the image of the app's release, once it was asked for */
	struct native_plan plan;
};

static const char *app_of(const struct job *job, struct arena *arena)
{
	json_t *fly = json_loads(job->remote.json, 0, NULL);
	const char *app = json_string_value(json_object_get(fly, "app"));

	app = app ? arena_text(arena, app) : NULL;
	json_decref(fly);
	return app;
}

/* --app, else the one that all native jobs are for. */
static int find_app(struct work *work)
{
	const struct config *config = work->file.config;
	struct err err;

	work->app = args_value(work->args, "app");
	for (size_t i = 0; !args_has(work->args, "app") && i < config->job_count; i++) {
		const char *app = config->jobs[i].remote.native
					  ? app_of(&config->jobs[i], &work->arena)
					  : NULL;

		if (app && work->app && strcmp(app, work->app) != 0) {
			err_set(&err,
				"the native jobs are for several apps, %s and %s among them; "
				"say --app APP",
				work->app, app);
			return say_usage(work->args, &err);
		}
		work->app = app ? app : work->app;
	}
	if (!str_empty(work->app))
		return CLI_OK;
	err_set(&err,
		"no job of %s is native (\"fly\": {\"native\": true}); with --app APP those "
		"of an app that are left are told",
		jobs_file_name(work->file.path));
	return say_usage(work->args, &err);
}

/* ---- what is there ---- */

static bool ask_machines(struct work *work, struct err *err)
{
	struct native_answer answer;

	if (!work->api.place.authorization)
		return err_set(err,
			       "FLY_API_TOKEN is not set: `fly tokens create deploy --app %s` "
			       "makes a token",
			       work->app);
	native_ask(&work->api,
		   &(struct native_request){.method = "GET", .rest = "", .limit = FLY_LIMIT_LIST},
		   &answer);
	if (answer.is_ok && json_is_array(answer.json)) {
		work->list = answer.json;
		return true;
	}
	err_set(err, "app %s: %s", work->app,
		answer.is_ok ? "Fly's answer is no list of Machines" : answer.why);
	native_answer_drop(&answer);
	return false;
}

/* ---- what should be ---- */

static const char *ask_release(struct work *work)
{
	struct native_answer answer;
	struct buf query = {0};
	int64_t version;

	if (work->release)
		return work->release;
	fly_release_query(work->app, &query);
	json_t *body = json_loads(buf_string(&query), 0, NULL);
	native_ask(&work->api,
		   &(struct native_request){
			   .method = "POST", .rest = "/graphql", .body = body, .is_of_api = true},
		   &answer);
	if (answer.is_ok) {
		char *text = json_dumps(answer.json, 0);

		work->release = fly_release_image(text, strlen(text), &work->arena, &version);
		free(text);
	}
	native_answer_drop(&answer);
	json_decref(body);
	buf_finish(&query);
	return work->release;
}

/* The app's own; NULL and err where it has none. */
static const char *current_image(struct work *work, const char *group, struct err *err)
{
	size_t most = json_array_size(work->list), count = 0;
	struct fly_machine *machines = arena_array(&work->arena, struct fly_machine, most + 1);

	for (size_t i = 0; i < most; i++)
		count += fly_machine_read(json_array_get(work->list, i), &work->arena,
					  &machines[count]);
	const struct fly_machine *best = fly_current(machines, count, group);
	const char *image = best ? best->image : ask_release(work);

	if (!image)
		err_set(err,
			"image \"current\": app %s has no Machine%s%s, and its release cannot be "
			"had; deploy it, or write the image",
			work->app, group ? " of group " : "", group ? group : "");
	return image;
}

static bool add_wanted(struct work *work, const struct job *job, struct err *err)
{
	struct native_wanted *wanted = &work->wanted[work->wanted_count];
	const char *image;
	struct buf notes = {0};

	if (!fly_spec_read(job, &work->arena, &wanted->spec, err))
		return err_wrap(err, "%s", job->name);
	image = wanted->spec.image;
	if (fly_spec_is_current(&wanted->spec) &&
	    !(image = current_image(work, wanted->spec.group, err)))
		return err_wrap(err, "%s", job->name);
	wanted->job = job;
	wanted->config = fly_native_config(job, image, wanted->hash, &notes);
	fly_native_name(job, &wanted->spec, wanted->name);
	for (char *line = notes.data, *end; line && *line; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		say_note("%s: %s", job->name, line);
	}
	buf_finish(&notes);
	work->wanted_count++;
	return true;
}

static bool make_plan(struct work *work, struct err *err)
{
	const struct config *config = work->file.config;
	size_t count;

	if (!native_api_open(&work->api, work->app, &work->arena, err) || !ask_machines(work, err))
		return false;
	work->wanted = arena_array(&work->arena, struct native_wanted, config->job_count + 1);
	for (size_t i = 0; i < config->job_count; i++) {
		const struct job *job = &config->jobs[i];

		if (!job->remote.native || !job->remote.native_enabled ||
		    !str_equal(app_of(job, &work->arena), work->app))
			continue;
		if (!add_wanted(work, job, err))
			return false;
	}
	struct native_machine *machines = native_machines_read(work->list, &work->arena, &count);
	native_plan_make(&work->plan,
			 &(struct native_question){.app = work->app,
						   .config = config,
						   .wanted = work->wanted,
						   .wanted_count = work->wanted_count,
						   .machines = machines,
						   .machine_count = count,
						   .prunes = args_has(work->args, "prune")},
			 &work->arena);
	return true;
}

/* ---- telling it ---- */

/* As plans of the server are shown. */
static int show(const struct work *work)
{
	struct buf text = {0};

	native_plan_text(&work->plan, &text);
	json_t *rendered = json_object(), *value = json_string(buf_string(&text));

	json_object_set_new(rendered, "rendered", value ? value : json_string(""));
	int code = deploying_show(work->args, rendered);
	json_decref(rendered);
	buf_finish(&text);
	return code;
}

static int plan(const struct work *work)
{
	bool is_empty = native_plan_is_empty(&work->plan);
	int code = args_has(work->args, "json")
			   ? say_json(work->args, native_plan_json(&work->plan, false))
			   : show(work);

	return code == CLI_OK && !is_empty && args_has(work->args, "detailed-exitcode")
		       ? CLI_CHANGES
		       : code;
}

/* ---- apply ---- */

static int tell_step(const struct work *work, const struct native_step *step)
{
	static const char *const done[NATIVE_ACTION_COUNT] = {[NATIVE_CREATE] = "created",
							      [NATIVE_UPDATE] = "updated",
							      [NATIVE_DESTROY] = "destroyed"};
	const char *machine = step->machine ? step->machine->is.id : step->made;
	struct buf out = {0};
	struct err err;

	if (!step->is_done) {
		err_set(&err, "%s: %s", step->job, step->failure);
		return say_failed(work->args, &err);
	}
	if (args_has(work->args, "json"))
		return CLI_OK;
	buf_format(&out, "%s %s: Machine %s\n", done[step->action], step->job, machine);
	return say_print(work->args, &out);
}

static int carry_out(struct work *work)
{
	int code = CLI_OK;

	for (size_t i = 0; i < work->plan.step_count; i++) {
		struct native_step *step = &work->plan.steps[i];

		if (step->action == NATIVE_KEEP || step->action == NATIVE_ORPHAN)
			continue;
		native_step_apply(&work->api, &work->plan, step);
		if (tell_step(work, step) != CLI_OK)
			code = CLI_FAILED;
	}
	return code;
}

static int apply(struct work *work)
{
	bool in_json = args_has(work->args, "json");
	int code = in_json ? CLI_OK : show(work);

	if (code == CLI_OK && !native_plan_is_empty(&work->plan)) {
		code = deploying_confirm(work->args, "Apply this?");
		if (code != CLI_OK)
			return code;
		code = carry_out(work);
	}
	if (in_json && say_json(work->args, native_plan_json(&work->plan, true)) != CLI_OK)
		code = CLI_FAILED;
	return code;
}

/* ---- the verb ---- */

static int with_file(struct work *work, bool is_apply)
{
	struct err err;
	int code = find_app(work);

	if (code != CLI_OK)
		return code;
	if (!make_plan(work, &err))
		return say_failed(work->args, &err);
	return is_apply ? apply(work) : plan(work);
}

static void finish(struct work *work)
{
	for (size_t i = 0; i < work->wanted_count; i++)
		json_decref(work->wanted[i].config);
	json_decref(work->list);
	native_api_close(&work->api);
	jobs_file_finish(&work->file);
	arena_finish(&work->arena);
}

static int run(const struct args *args)
{
	const char *word = args_operand(args, 0), *path = args_operand(args, 1);
	struct work work = {.args = args};
	bool is_apply = strcmp(word, "apply") == 0;
	struct err err;

	if (!is_apply && strcmp(word, "plan") != 0) {
		err_set(&err, "it takes \"plan\" or \"apply\", not '%s'", word);
		return say_usage(args, &err);
	}
	int code = jobs_file_open(&work.file, args, path ? path : JOBS_FILE_DEFAULT);
	if (code == CLI_OK)
		code = with_file(&work, is_apply);
	finish(&work);
	return !is_apply && code == CLI_FAILED && args_has(args, "detailed-exitcode") ? CLI_USAGE
										      : code;
}

static const char *const words[] = {"plan", "apply", NULL};

static const struct option_row options[] = {
	{.name = "app",
	 .value = "APP",
	 .summary = "the Fly app (that of the native jobs, where they have one)"},
	{.name = "prune", .summary = "destroy native Machines of jobs that are native no more"},
	{.name = "yes", .letter = 'y', .summary = "do not ask"},
	{.name = "detailed-exitcode",
	 .summary = "of plan: exit 0: no changes, 2: error, 3: changes"},
	{0},
};

const struct command command_fly = {
	.name = "fly",
	.operands = "plan | apply [FILE]",
	.operands_min = 1,
	.operands_max = 2,
	.complete = COMPLETE_WORDS,
	.operand_words = words,
	.summary = "Machines that Fly's own schedule starts, for jobs with fly.native",
	.description =
		"Makes the scheduled Machines of an app what FILE (schedules.json) says: one for\n"
		"each job with \"fly\": {\"native\": true}. `plan` shows what would change, "
		"`apply`\n"
		"shows it, asks, and does it; applied again it changes nothing, and one that was\n"
		"cut short is finished by the next. Machines are known by their metadata; those\n"
		"of others are not touched. No job is started or ended by it.\n"
		"\n"
		"FLY_API_TOKEN is the app's deploy token.",
	.examples = "  belfry fly plan --app kaiwa\n"
		    "  belfry fly apply --app kaiwa --yes\n"
		    "  belfry fly apply deploy/schedules.json --app kaiwa --prune",
	.options = options,
	.run = run,
};
