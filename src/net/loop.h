/*
 * loop.h - the one event loop, over libuv: descriptors, timers, signals, files.
 *
 * Call backs run on the loop's thread, one at a time. After each round of
 * events, before the loop sleeps, the turn call back runs once: that is where
 * belfry decides and acts.
 */
#ifndef BELFRY_LOOP_H
#define BELFRY_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "instant.h"

struct loop;

typedef void loop_turn_fn(void *context);

struct loop *loop_create(struct err *err);
/* Everything that was created on the loop must have been destroyed before. */
void loop_destroy(struct loop *loop);
/* turn may be NULL. */
void loop_on_turn(struct loop *loop, loop_turn_fn *turn, void *context);
/* Runs until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* A descriptor that stays the caller's. Destroy the watch before closing it. */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };
struct loop_fd;
typedef void loop_fd_fn(void *context, unsigned ready);
struct loop_fd *loop_fd_create(struct loop *loop, int fd, unsigned interest, loop_fd_fn *fn,
			       void *context, struct err *err);
void loop_fd_interest(struct loop_fd *watch, unsigned interest); /* 0 pauses */
void loop_fd_destroy(struct loop_fd *watch);

/* A one-shot timer on the monotonic clock. Starting it again moves it. */
struct loop_timer;
typedef void loop_timer_fn(void *context);
struct loop_timer *loop_timer_create(struct loop *loop, loop_timer_fn *fn, void *context);
void loop_timer_start(struct loop_timer *timer, int64_t in_ms); /* < 0 means 0 */
void loop_timer_stop(struct loop_timer *timer);
void loop_timer_destroy(struct loop_timer *timer);

/* A one-shot timer at a civil instant; also fires when the clock is set, since
 * then everything has to be thought over (timerfd_create(2),
 * TFD_TIMER_CANCEL_ON_SET). One timerfd; UTC_NEVER still notices a set clock. */
struct loop_alarm;
struct loop_alarm *loop_alarm_create(struct loop *loop, loop_timer_fn *fn, void *context,
				     struct err *err);
bool loop_alarm_set(struct loop_alarm *alarm, struct utc at, struct err *err);
void loop_alarm_destroy(struct loop_alarm *alarm);

struct loop_signal;
typedef void loop_signal_fn(void *context, int signal);
struct loop_signal *loop_signal_create(struct loop *loop, int number, loop_signal_fn *fn,
				       void *context);
void loop_signal_destroy(struct loop_signal *signal);

/* Tells of any change to the file at path, its replacement by rename included:
 * the directory is watched, as editors and Kubernetes swap files and links in it, and
 * that of every link the path leads through. */
struct loop_file;
typedef void loop_file_fn(void *context);
struct loop_file *loop_file_create(struct loop *loop, const char *path, loop_file_fn *fn,
				   void *context, struct err *err);
void loop_file_destroy(struct loop_file *file);

/* Tells of anything that changes in a folder, and of the folder's own end or move.
 * One change may be told several times. */
struct loop_folder;
struct loop_folder *loop_folder_create(struct loop *loop, const char *path, loop_file_fn *fn,
				       void *context, struct err *err);
void loop_folder_destroy(struct loop_folder *folder);

#endif
