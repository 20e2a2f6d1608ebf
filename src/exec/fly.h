/*
 * fly.h - what the Fly executor's files share, and nobody else sees.
 *
 * A run is one Machine, in steps: its app's image is looked up, the Machine is made and not
 * launched, it is launched, watched, its log read, its end told; once that is durable it is
 * destroyed. What is to be found again after a crash (which app, which Machine) is in a
 * small file a run, written before anything is asked of Fly.
 */
#ifndef BELFRY_FLY_H
#define BELFRY_FLY_H

#include "exec.h"
#include "fly_calls.h"
#include "fly_machine.h"
#include "fly_order.h"
#include "order.h"
#include "result_line.h"

enum fly_step {
	FLY_STEP_IMAGE,  /* the app's current image is looked up */
	FLY_STEP_CREATE, /* the Machine is being made */
	FLY_STEP_FIND,   /* whether it was made is not known */
	FLY_STEP_LAUNCH, /* it is there; it is being started */
	FLY_STEP_WATCH,  /* it runs, as far as is known */
	FLY_STEP_LOG,    /* it ended; what is left of its log is read */
	FLY_STEP_OVER,   /* its end is told; it waits to be forgotten */
};

struct fly;

/* A run in the executor's care: one Machine, and what was one before for earlier attempts. */
struct fly_ward {
	struct fly_ward *next;
	struct fly *fly;
	uint64_t run;
	int32_t attempt, priority;
	struct arena arena; /* of the attempt: spec, body */
	struct fly_spec spec;
	const char *body, *image; /* NULL: none yet, the config's own */
	char *ran_in;             /* the image that Fly resolved it to; owned */
	char *job_name;
	size_t region;       /* the one being tried, of spec.regions */
	char *app, *machine; /* owned; machine NULL: not known */
	int64_t timeout_ms, grace_ms;

	struct fly_call *call, *log_call; /* under way; NULL: none */
	struct loop_timer *timer, *log_timer;
	/* All of the monotonic clock. */
	int64_t since_ms;  /* when the step began */
	int64_t ends_ms;   /* when its timeout is over; 0: never, or not started */
	int64_t force_ms;  /* when it is forced */
	int64_t unseen_ms; /* since when Fly cannot tell of it; 0: it can */
	struct utc started_at;
	enum fly_step step;
	int looks;        /* in this step */
	int launches;     /* of the Machine, that were asked for */
	int replacements; /* of Machines that did not start */

	/* Its end, once it is known; told when the log is read. */
	struct fly_exit exit;
	struct result_line result;
	int64_t output_bytes;
	int64_t log_position; /* of the last line */
	int64_t say_position; /* of the last of belfry's own lines */
	char *log_token;      /* where the log goes on; NULL: at its beginning */
	struct buf log_marks; /* of the lines at log_last_at, so that none is taken twice */
	struct utc log_last_at;
	int log_quiet, log_failures;

	bool was_answered; /* the last launch */
	bool is_replacing;
	bool is_told_started, is_told_host, is_told_denied;
	bool is_stopping, is_forced; /* asked to stop; to go at once */
	bool has_timed_out;
	bool has_last_word; /* Fly told that it exited */
};

/* Something asked of Fly that is nobody's ward's: a Machine to be destroyed, or, machine NULL,
 * an app to be looked through. */
struct fly_errand {
	struct fly_errand *previous, *next;
	struct fly *fly;
	char *app, *machine;
	uint64_t record; /* that goes with the Machine; 0: none */
};

struct fly {
	struct executor executor;  /* first: the two are one */
	struct fly_errand errands; /* head of a list */
	struct loop *loop;
	struct exec_sink sink;
	struct fly_place place;
	struct fly_calls *calls;
	struct order_base base;
	int folder;    /* state directory's "fly"; -1 */
	char home[33]; /* which belfry this is, in metadata */
	struct fly_ward *wards;
	struct loop_timer *sweep;
	char **apps; /* that were seen, for the sweep */
	size_t app_count;
};

/* fly.c */
int64_t fly_now_ms(void);
struct fly_ward *fly_ward_find(const struct fly *fly, uint64_t run);
void fly_ward_remove(struct fly_ward *ward);
/* Belfry's own words in the run's log. */
void fly_say(struct fly_ward *ward, const char *text);
/* Answers, each once for an attempt. */
void fly_tell_started(struct fly_ward *ward, struct utc at);
void fly_tell_failed(struct fly_ward *ward, const char *why, bool is_passing);
void fly_tell_lost(struct fly_ward *ward, const char *why);
void fly_tell_exited(struct fly_ward *ward);

/* fly_life.c: what the steps have in common */
enum {
	FLY_HOST_MS = 600000, /* for Fly, or a host of its, to answer again, beyond the timeout */
	FLY_YOUNG_MS = 30000, /* a Machine that was just made may not be in every answer yet */
};
/* In the arena. */
const char *fly_machines_path(const struct fly_ward *ward, struct arena *arena, const char *rest);
const char *fly_machine_path(const struct fly_ward *ward, struct arena *arena, const char *rest);
void fly_send(struct fly_ward *ward, struct fly_request *request, http_answered_fn *answered);
void fly_step(struct fly_ward *ward, enum fly_step next);
/* Since the step began. */
bool fly_has_waited(const struct fly_ward *ward, int64_t ms);
bool fly_is_fine(const struct http_answer *answer);
/* "Fly answered …", for people, and the error's code, NULL where it has none. */
const char *fly_words(const struct http_answer *answer, struct arena *arena, const char **code);
void fly_say_denied(struct fly_ward *ward, const struct http_answer *answer);
/* It did not start, and what there is of it goes. */
void fly_fail(struct fly_ward *ward, const char *why, bool is_passing);
/* Asks Fly to destroy it; the ward need not live that long. is_last: with its record. */
void fly_destroy_machine(const struct fly_ward *ward, bool is_last);
void fly_on_timer(void *context);

/* fly_make.c */
void fly_begin(struct fly_ward *ward);
void fly_image_known(struct fly_ward *ward, const char *image);
void fly_image_unknown(struct fly_ward *ward, const char *why, bool is_passing);
/* Whether and which one was made is not known. */
void fly_find(struct fly_ward *ward);
void fly_search(struct fly_ward *ward);
void fly_launch(struct fly_ward *ward);
/* In place of a Machine that goes. */
void fly_make_next(struct fly_ward *ward);

/* fly_watch.c */
void fly_watch(struct fly_ward *ward);
void fly_look(struct fly_ward *ward);
void fly_ask_stop(struct fly_ward *ward);
/* The log has been read to its end. */
void fly_log_over(struct fly_ward *ward);

/* fly_errand.c */
/* Answered to `answered` with it, which then finishes it. */
void fly_errand_send(struct fly *fly, const char *app, const char *machine, uint64_t record,
		     const struct fly_request *request, http_answered_fn *answered);
void fly_errand_finish(struct fly_errand *errand);
/* Asks Fly to destroy a Machine; record: of the run that goes with it, 0: none. */
void fly_destroy_any(struct fly *fly, const char *app, const char *machine, uint64_t record);
bool fly_is_being_destroyed(const struct fly *fly, const char *machine);

/* fly_image.c */
void fly_look_up_image(struct fly_ward *ward);

/* fly_log.c */
void fly_log_begin(struct fly_ward *ward);
void fly_log_finish(struct fly_ward *ward); /* it ended: read what is left */
void fly_log_stop(struct fly_ward *ward);
void fly_on_log_timer(void *context);

/* fly_record.c: the small files */
bool fly_records_open(struct fly *fly, const char *state, struct err *err);
bool fly_record_write(const struct fly_ward *ward, struct err *err);
/* Fills in app, machine, attempt and the rest; false: there is none. */
bool fly_record_read(struct fly *fly, uint64_t run, struct fly_ward *ward);
void fly_record_remove(const struct fly *fly, uint64_t run);
/* Those without a ward: the run is over, and its Machine may be left. */
void fly_records_left(struct fly *fly, void (*fn)(struct fly *fly, uint64_t run));

/* fly_sweep.c */
void fly_know_app(struct fly *fly, const char *app);
void fly_on_sweep(void *context);

#endif
