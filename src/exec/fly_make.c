/*
 * fly_make.c - a Machine is made, found where that was not answered, and launched; see fly.h.
 */
#include <stdlib.h>
#include <string.h>

#include "fly.h"

enum {
	FIND_MS = 2000, /* between two looks for one whose making was not answered */
	FIND_LOOKS = 6,
};

static void create(struct fly_ward *ward);

/* In place of a Machine that goes: whoever comes after a crash is not to look for that. */
void fly_make_next(struct fly_ward *ward)
{
	struct err err;

	free(ward->machine);
	ward->machine = NULL;
	if (fly_record_write(ward, &err))
		create(ward);
	else
		fly_fail(ward, err.text, true);
}

/* ---- launching ---- */

static void next_region(struct fly_ward *ward, const char *why)
{
	struct arena arena = {0};
	const char *text;

	if (ward->region + 1 >= ward->spec.region_count) {
		text = arena_format(&arena, "Fly has no room for it%s%s: %s",
				    ward->spec.region_count ? " in " : "",
				    ward->spec.region_count ? ward->spec.regions[ward->region] : "",
				    why);
		fly_fail(ward, text, true);
		arena_finish(&arena);
		return;
	}
	text = arena_format(&arena, "no room in %s; trying %s", ward->spec.regions[ward->region],
			    ward->spec.regions[ward->region + 1]);
	fly_say(ward, text);
	arena_finish(&arena);
	if (ward->machine)
		fly_destroy_machine(ward, false);
	ward->region++;
	fly_make_next(ward);
}

static bool is_capacity(const struct http_answer *answer, const char *code, const char *text)
{
	bool is_refused = answer->status == 409 || answer->status == 412 || answer->status == 422;

	return (code && strcmp(code, "insufficient_capacity") == 0) ||
	       (is_refused && strstr(text, "insufficient") != NULL);
}

static void on_launched(void *context, const struct http_answer *answer)
{
	struct fly_ward *ward = context;
	struct arena arena = {0};
	const char *code, *text = fly_words(answer, &arena, &code);

	ward->call = NULL;
	ward->was_answered = answer->status != 0 || answer->is_unsent;
	if (fly_is_fine(answer) || answer->status == 0 || answer->status >= 500 ||
	    answer->status == 408)
		fly_watch(ward); /* whether it took effect is seen */
	else if (is_capacity(answer, code, text))
		next_region(ward, text);
	else if (answer->status == 404 || answer->status == 412 || answer->status == 409)
		fly_watch(ward); /* it may run already, or is not everywhere known yet */
	else
		fly_fail(ward, text, false);
	arena_finish(&arena);
}

/* A Machine that has not begun is started by nobody but us. */
void fly_launch(struct fly_ward *ward)
{
	struct arena arena = {0};

	if (ward->is_stopping) {
		fly_fail(ward, "it was ended before it started", false);
		return;
	}
	fly_step(ward, FLY_STEP_LAUNCH);
	ward->launches++;
	fly_send(ward,
		 &(struct fly_request){.method = "POST",
				       .path = fly_machine_path(ward, &arena, "/start"),
				       .is_once = true},
		 on_launched);
	arena_finish(&arena);
}

/* ---- making ---- */

static void take_machine(struct fly_ward *ward, const struct fly_machine *machine)
{
	struct arena arena = {0};
	struct err err;

	free(ward->machine);
	ward->machine = mem_copy_text(machine->id);
	fly_say(ward, arena_format(&arena, "Machine %s in %s, image %s", machine->id,
				   machine->region ? machine->region : "?",
				   machine->image ? machine->image : "?"));
	arena_finish(&arena);
	bool has_begun = machine->has_started || fly_machine_phase(machine) != FLY_PHASE_WAITING;
	/* Which one was launched has to be known to whoever comes after a crash. */
	bool is_noted = fly_record_write(ward, &err);
	if (has_begun)
		fly_watch(ward);
	else if (is_noted)
		fly_launch(ward);
	else
		fly_fail(ward, err.text, true);
}

static void refuse(struct fly_ward *ward, const struct http_answer *answer)
{
	struct arena arena = {0};
	const char *code, *text = fly_words(answer, &arena, &code);

	if (is_capacity(answer, code, text))
		next_region(ward, text);
	else if ((code && strcmp(code, "name_taken") == 0) ||
		 (answer->status == 409 && strstr(text, "name")))
		fly_find(ward); /* ours, of an answer that was lost */
	else if (answer->status == 401 || answer->status == 403)
		fly_fail(ward,
			 arena_format(&arena, "Fly does not take the token for app %s: %s",
				      ward->app, text),
			 false);
	else
		fly_fail(ward, text, false);
	arena_finish(&arena);
}

static void on_created(void *context, const struct http_answer *answer)
{
	struct fly_ward *ward = context;
	struct arena arena = {0};
	struct fly_machine *machines;
	size_t count = 0;

	ward->call = NULL;
	if (fly_is_fine(answer) &&
	    fly_machines_parse(answer->body, answer->length, &arena, &machines, &count) &&
	    count == 1)
		take_machine(ward, machines);
	else if (answer->status >= 400 && answer->status < 500 && answer->status != 408)
		refuse(ward, answer);
	else
		fly_find(ward); /* it may have been made */
	arena_finish(&arena);
}

/* The body was made before image and region were known. */
static char *body_of(const struct fly_ward *ward)
{
	json_t *body = json_loads(ward->body, 0, NULL);
	char *text;

	if (ward->spec.region_count)
		json_object_set_new(body, "region", json_string(ward->spec.regions[ward->region]));
	if (ward->region > 0 || ward->replacements > 0) {
		/* The one before may still hold the name. */
		const char *name = json_string_value(json_object_get(body, "name"));
		struct buf other = {0};

		buf_format(&other, "%s-%zu", name ? name : "belfry",
			   ward->region + (size_t)ward->replacements + 1);
		json_object_set_new(body, "name", json_string(buf_string(&other)));
		buf_finish(&other);
	}
	if (ward->image)
		json_object_set_new(json_object_get(body, "config"), "image",
				    json_string(ward->image));
	text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return text;
}

static void create(struct fly_ward *ward)
{
	struct arena arena = {0};
	char *body = body_of(ward);

	fly_step(ward, FLY_STEP_CREATE);
	if (ward->is_stopping)
		fly_tell_failed(ward, "it was ended before it started", false);
	else
		fly_send(ward,
			 &(struct fly_request){.method = "POST",
					       .path = fly_machines_path(ward, &arena, ""),
					       .body = body,
					       .limit = FLY_LIMIT_CREATE,
					       .is_once = true},
			 on_created);
	free(body);
	arena_finish(&arena);
}

void fly_begin(struct fly_ward *ward)
{
	fly_step(ward, FLY_STEP_IMAGE);
	if (fly_spec_is_current(&ward->spec))
		fly_look_up_image(ward);
	else
		create(ward);
}

void fly_image_known(struct fly_ward *ward, const char *image)
{
	ward->image = image;
	create(ward);
}

void fly_image_unknown(struct fly_ward *ward, const char *why, bool is_passing)
{
	fly_fail(ward, why, is_passing);
}

/* ---- finding ---- */

static const struct fly_machine *ours(const struct fly_ward *ward,
				      const struct fly_machine *machines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (machines[i].run == ward->run && machines[i].attempt == ward->attempt &&
		    machines[i].home && strcmp(machines[i].home, ward->fly->home) == 0 &&
		    fly_machine_phase(&machines[i]) != FLY_PHASE_GONE &&
		    !fly_is_being_destroyed(ward->fly, machines[i].id))
			return &machines[i];
	return NULL;
}

static void on_found(void *context, const struct http_answer *answer)
{
	struct fly_ward *ward = context;
	struct arena arena = {0};
	struct fly_machine *machines;
	const struct fly_machine *machine = NULL;
	size_t count = 0;
	bool is_told = fly_is_fine(answer) &&
		       fly_machines_parse(answer->body, answer->length, &arena, &machines, &count);

	ward->call = NULL;
	if (is_told)
		machine = ours(ward, machines, count);
	if (!is_told && (answer->status == 401 || answer->status == 403))
		fly_say_denied(ward, answer);
	if (machine)
		take_machine(ward, machine);
	else if (answer->status == 404)
		fly_tell_failed(ward, "Fly has no such app any more", false);
	else if (!is_told && (ward->is_stopping ? fly_has_waited(ward, FLY_YOUNG_MS)
						: fly_has_waited(ward, FLY_HOST_MS)))
		fly_tell_lost(ward, "Fly could not be asked whether it has a Machine for it");
	else if (is_told && ++ward->looks >= FIND_LOOKS)
		/* It was not launched, and nobody else would: a late one is swept. */
		fly_tell_failed(ward, "Fly did not answer, and has no Machine for it", true);
	else
		loop_timer_start(ward->timer, FIND_MS);
	arena_finish(&arena);
}

void fly_search(struct fly_ward *ward)
{
	char id[RUN_ID_TEXT_MAX];
	struct arena arena = {0};

	const char *rest =
		arena_format(&arena, "?metadata." FLY_META_RUN "=%s", run_id_format(ward->run, id));
	fly_send(ward,
		 &(struct fly_request){.method = "GET",
				       .path = fly_machines_path(ward, &arena, rest),
				       .limit = FLY_LIMIT_LIST},
		 on_found);
	arena_finish(&arena);
}

void fly_find(struct fly_ward *ward)
{
	fly_step(ward, FLY_STEP_FIND);
	if (ward->machine) /* of a record: it is known which one */
		fly_watch(ward);
	else
		fly_search(ward);
}
