/* native_apply.c - carrying out one step; see native_apply.h. */
#include "native_apply.h"

#include <string.h>

#include "http_target.h"
#include "instant.h"
#include "str.h"

enum {
	LEASE_S = 30,
	LEASE_PAUSE_MS = 1500, /* between two tries for a lease of an apply that was cut short */
	LEASE_TRIES = 30,
	LOOKS = 3, /* for a Machine that may have been made */
	LOOK_PAUSE_MS = 1500,
	CREATES = 2,
	UPDATES = 3,
};
static const char lease_words[] = "belfry fly apply";

static bool fail(struct native_step *step, const char *why)
{
	step->failure = why;
	return false;
}

/* ---- making one ---- */

static bool is_known(const struct native_plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->question.machine_count; i++)
		if (strcmp(plan->question.machines[i].is.id, id) == 0)
			return true;
	return false;
}

/* The Machine of the job that is there by now and was not before; NULL: there is none. */
static const char *find_made(struct native_api *api, const struct native_plan *plan,
			     const struct native_step *step)
{
	const char *found = NULL;
	struct buf rest = {0};

	buf_text(&rest, "?metadata." FLY_META_NATIVE "=");
	http_escape(&rest, step->job);
	for (int look = 0; !found && look < LOOKS; look++) {
		struct native_answer answer;

		native_wait_ms(look ? LOOK_PAUSE_MS : 0);
		native_ask(api,
			   &(struct native_request){.method = "GET",
						    .rest = buf_string(&rest),
						    .limit = FLY_LIMIT_LIST},
			   &answer);
		size_t count;
		struct native_machine *machines =
			native_machines_read(answer.json, api->arena, &count);
		for (size_t i = 0; i < count; i++)
			if (strcmp(machines[i].is.native, step->job) == 0 &&
			    !is_known(plan, machines[i].is.id))
				found = machines[i].is.id;
		native_answer_drop(&answer);
	}
	buf_finish(&rest);
	return found;
}

static json_t *body_of(const struct native_step *step, const char *region)
{
	json_t *body = json_object();

	json_object_set_new(body, "name", json_string(step->wanted->name));
	if (region)
		fly_config_text(body, "region", region);
	json_object_set_new(body, "skip_launch", json_true());
	json_object_set(body, "config", step->wanted->config);
	return body;
}

static bool is_name_taken(const struct native_answer *answer)
{
	return answer->status >= 400 && answer->status < 500 &&
	       (str_equal(answer->code, "name_taken") || strstr(answer->why, "already exists"));
}

static bool is_no_room(const struct native_answer *answer)
{
	return str_equal(answer->code, "insufficient_capacity") ||
	       strstr(answer->why, "insufficient resources") || strstr(answer->why, "capacity");
}

enum made { MADE, MADE_NONE, MADE_NO_ROOM };

static enum made create_in(struct native_api *api, const struct native_plan *plan,
			   struct native_step *step, const char *region)
{
	json_t *body = body_of(step, region);
	enum made made = MADE_NONE;
	bool goes_on = true;

	for (int i = 0; goes_on && i < CREATES; i++) {
		struct native_answer answer;
		const char *id;

		native_ask(api,
			   &(struct native_request){.method = "POST",
						    .rest = "",
						    .body = body,
						    .limit = FLY_LIMIT_CREATE,
						    .is_once = true},
			   &answer);
		id = json_string_value(json_object_get(answer.json, "id"));
		step->made = answer.is_ok && id ? arena_text(api->arena, id) : NULL;
		goes_on = !step->made && (answer.is_lost || answer.is_ok);
		if (goes_on || is_name_taken(&answer))
			step->made = find_made(api, plan, step);
		if (!step->made) {
			fail(step, answer.why);
			made = is_no_room(&answer) ? MADE_NO_ROOM : MADE_NONE;
		}
		native_answer_drop(&answer);
		if (step->made)
			break;
	}
	json_decref(body);
	return step->made ? MADE : made;
}

static bool create(struct native_api *api, const struct native_plan *plan, struct native_step *step)
{
	const struct fly_spec *spec = &step->wanted->spec;
	enum made made = create_in(api, plan, step, spec->region_count ? spec->regions[0] : NULL);

	for (size_t i = 1; made == MADE_NO_ROOM && i < spec->region_count; i++)
		made = create_in(api, plan, step, spec->regions[i]);
	if (made == MADE)
		step->failure = NULL;
	return made == MADE;
}

/* ---- a lease ---- */

static bool ask_machine(struct native_api *api, const struct native_step *step, const char *method,
			const char *rest, const char *nonce, const json_t *body,
			struct native_answer *answer)
{
	struct buf path = {0};

	buf_char(&path, '/');
	http_escape(&path, step->machine->is.id);
	buf_text(&path, rest);
	bool ok = native_ask(api,
			     &(struct native_request){.method = method,
						      .rest = buf_string(&path),
						      .body = body,
						      .nonce = nonce,
						      .is_once = strcmp(method, "POST") == 0},
			     answer);
	buf_finish(&path);
	return ok;
}

/* Who holds it; *is_ours where it is one of an apply, which may have been cut short. */
static const char *holder_of(struct native_api *api, const struct native_step *step, bool *is_ours)
{
	struct native_answer answer;
	const char *text = NULL;

	*is_ours = false;
	ask_machine(api, step, "GET", "/lease", NULL, NULL, &answer);
	const json_t *data = json_object_get(answer.json, "data");
	const char *owner = json_string_value(json_object_get(data, "owner"));
	const char *words = json_string_value(json_object_get(data, "description"));
	json_int_t until = json_integer_value(json_object_get(data, "expires_at"));

	if (answer.is_ok) {
		char at[UTC_TEXT_MAX];

		*is_ours = str_equal(words, lease_words);
		text = arena_format(api->arena,
				    "%s holds a lease of Machine %s until %s%s%s%s; apply again "
				    "then",
				    owner ? owner : "somebody", step->machine->is.id,
				    until > 0 ? utc_format((struct utc){until * 1000}, at)
					      : "it is released",
				    words && *words ? " (" : "", words ? words : "",
				    words && *words ? ")" : "");
	} else if (answer.status == 404) {
		*is_ours = true; /* it is released by now */
	}
	native_answer_drop(&answer);
	return text;
}

enum leased { LEASED, LEASED_NOT, LEASED_GONE };

static enum leased take_lease(struct native_api *api, struct native_step *step, const char **nonce)
{
	json_t *body = json_pack("{s:i, s:s}", "ttl", LEASE_S, "description", lease_words);
	enum leased leased = LEASED_NOT;
	bool goes_on = true;

	for (int i = 0; goes_on && i < LEASE_TRIES; i++) {
		struct native_answer answer;
		const char *text;

		native_wait_ms(i ? LEASE_PAUSE_MS : 0);
		ask_machine(api, step, "POST", "/lease", NULL, body, &answer);
		text = json_string_value(
			json_object_get(json_object_get(answer.json, "data"), "nonce"));
		goes_on = answer.is_lost; /* it may be ours, and then it ends by itself */
		if (answer.is_ok && text) {
			*nonce = arena_text(api->arena, text);
			leased = LEASED;
		} else if (answer.status == 404) {
			leased = LEASED_GONE;
		} else if (answer.status == 409) {
			const char *holder = holder_of(api, step, &goes_on);

			fail(step, holder ? holder : answer.why);
		} else {
			fail(step, answer.why);
		}
		native_answer_drop(&answer);
	}
	json_decref(body);
	return leased;
}

static void release(struct native_api *api, const struct native_step *step, const char *nonce)
{
	struct native_answer answer;

	/* Where it fails the lease ends by itself. */
	ask_machine(api, step, "DELETE", "/lease", nonce, NULL, &answer);
	native_answer_drop(&answer);
}

/* ---- changing one ---- */

static bool is_at_rest(const char *state)
{
	static const char *const rest[] = {"created", "stopped", "suspended", "failed", NULL};

	for (const char *const *word = rest; *word; word++)
		if (strcmp(state, *word) == 0)
			return true;
	return false;
}

enum look { LOOK_FINE, LOOK_BAD, LOOK_GONE };

/* As it is now, under the lease: somebody may have changed it since the plan. */
static enum look look_at(struct native_api *api, struct native_step *step, const char *nonce,
			 struct fly_machine *now)
{
	struct native_answer answer;
	enum look look = LOOK_BAD;

	ask_machine(api, step, "GET", "", nonce, NULL, &answer);
	if (answer.status == 404)
		look = LOOK_GONE;
	else if (!answer.is_ok || !fly_machine_read(answer.json, api->arena, now))
		fail(step, answer.is_ok ? "Fly's answer is no Machine" : answer.why);
	else if (fly_machine_phase(now) == FLY_PHASE_GONE || strcmp(now->state, "destroyed") == 0 ||
		 strcmp(now->state, "destroying") == 0)
		look = LOOK_GONE;
	else if (!str_equal(now->native, step->job))
		fail(step, "somebody has changed the Machine meanwhile: it is the job's no "
			   "longer");
	else
		look = LOOK_FINE;
	native_answer_drop(&answer);
	return look;
}

static const char *busy(struct native_api *api, const struct native_step *step, const char *state)
{
	return arena_format(api->arena,
			    "Machine %s is %s: the job runs now, and the change would end it; "
			    "apply again when it is over",
			    step->machine->is.id, state);
}

static bool update(struct native_api *api, struct native_step *step, const char *nonce)
{
	for (int i = 0; i < UPDATES; i++) {
		struct native_answer answer;
		struct fly_machine now;
		enum look look = look_at(api, step, nonce, &now);

		if (look == LOOK_GONE)
			return fail(step, "the Machine is gone meanwhile; apply again");
		if (look == LOOK_BAD)
			return false;
		if (str_equal(now.hash, step->wanted->hash))
			return true;
		if (!is_at_rest(now.state))
			return fail(step, busy(api, step, now.state));
		json_t *body =
			json_pack("{s:b, s:O}", "skip_launch", 1, "config", step->wanted->config);
		if (now.instance_id)
			json_object_set_new(body, "current_version", json_string(now.instance_id));
		ask_machine(api, step, "POST", "", nonce, body, &answer);
		json_decref(body);
		bool is_over = answer.is_ok || !answer.is_lost;
		bool is_ok = answer.is_ok;
		fail(step, is_ok ? NULL : answer.why);
		native_answer_drop(&answer);
		if (is_over)
			return is_ok;
	}
	return false;
}

static bool destroy(struct native_api *api, struct native_step *step, const char *nonce,
		    bool *is_gone)
{
	struct native_answer answer;
	struct fly_machine now;
	enum look look = look_at(api, step, nonce, &now);

	*is_gone = look == LOOK_GONE;
	if (look != LOOK_FINE)
		return *is_gone;
	if (!is_at_rest(now.state))
		return fail(step, busy(api, step, now.state));
	ask_machine(api, step, "DELETE", "?force=true", nonce, NULL, &answer);
	*is_gone = answer.is_ok || answer.status == 404;
	if (!*is_gone)
		fail(step, answer.why);
	native_answer_drop(&answer);
	return *is_gone;
}

static bool change(struct native_api *api, struct native_step *step)
{
	const char *nonce = NULL;
	bool is_gone = false, ok;

	switch (take_lease(api, step, &nonce)) {
	case LEASED: break;
	case LEASED_NOT: return false;
	case LEASED_GONE:
		return step->action == NATIVE_DESTROY ||
		       fail(step, "the Machine is gone meanwhile; apply again");
	}
	ok = step->action == NATIVE_UPDATE ? update(api, step, nonce)
					   : destroy(api, step, nonce, &is_gone);
	if (!is_gone)
		release(api, step, nonce);
	return ok;
}

bool native_step_apply(struct native_api *api, const struct native_plan *plan,
		       struct native_step *step)
{
	if (step->action == NATIVE_CREATE)
		step->is_done = create(api, plan, step);
	else
		step->is_done = change(api, step);
	if (step->is_done)
		step->failure = NULL;
	return step->is_done;
}
