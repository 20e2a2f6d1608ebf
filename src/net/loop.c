/*
 * loop.c - libuv behind loop.h; nobody else sees it.
 *
 * libuv closes handles in its next round, so every watch is freed by its close
 * call back, and loop_destroy runs the rounds that are still owed.
 */
#include "loop.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include "mem.h"
#include "path_folders.h"

struct loop {
	uv_loop_t uv;
	uv_prepare_t prepare; /* runs last before the poll: the turn */
	loop_turn_fn *turn;
	void *context;
};

static void must(int status)
{
	/* These calls fail for wrong arguments only, which would be our own fault. */
	assert(status == 0);
}

static void free_data(uv_handle_t *handle)
{
	free(handle->data);
}

static void close_handle(void *handle)
{
	uv_close(handle, free_data);
}

/* ---- the loop itself ---- */

static void on_prepare(uv_prepare_t *prepare)
{
	struct loop *loop = prepare->data;

	if (loop->turn)
		loop->turn(loop->context);
}

/* libuv gives up without a word where it cannot have its first pipe. */
static bool has_room(struct err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_errno(err, errno, "cannot make an event loop");
	close(ends[0]);
	close(ends[1]);
	return true;
}

struct loop *loop_create(struct err *err)
{
	if (!has_room(err))
		return NULL;
	struct loop *loop = mem_alloc(sizeof(*loop));
	int status = uv_loop_init(&loop->uv);

	if (status != 0) {
		err_set(err, "cannot make an event loop: %s", uv_strerror(status));
		free(loop);
		return NULL;
	}
	must(uv_prepare_init(&loop->uv, &loop->prepare));
	loop->prepare.data = loop;
	must(uv_prepare_start(&loop->prepare, on_prepare));
	return loop;
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	uv_close((uv_handle_t *)&loop->prepare, NULL);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	must(uv_loop_close(&loop->uv));
	free(loop);
}

void loop_on_turn(struct loop *loop, loop_turn_fn *turn, void *context)
{
	loop->turn = turn;
	loop->context = context;
}

void loop_run(struct loop *loop)
{
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
	uv_stop(&loop->uv);
}

/* ---- descriptors ---- */

struct loop_fd {
	uv_poll_t uv;
	loop_fd_fn *fn;
	void *context;
	unsigned interest;
};

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct loop_fd *watch = poll->data;
	unsigned ready = 0;

	if (status < 0) {
		/* libuv has stopped the watch; the owner's next read or write tells why. */
		loop_fd_interest(watch, watch->interest);
		ready = watch->interest;
	}
	if (events & UV_READABLE)
		ready |= LOOP_READ;
	if (events & UV_WRITABLE)
		ready |= LOOP_WRITE;
	watch->fn(watch->context, ready);
}

struct loop_fd *loop_fd_create(struct loop *loop, int fd, unsigned interest, loop_fd_fn *fn,
			       void *context, struct err *err)
{
	struct loop_fd *watch = mem_alloc(sizeof(*watch));
	int status = uv_poll_init(&loop->uv, &watch->uv, fd);

	if (status != 0) {
		err_set(err, "cannot watch a descriptor: %s", uv_strerror(status));
		free(watch);
		return NULL;
	}
	watch->uv.data = watch;
	watch->fn = fn;
	watch->context = context;
	loop_fd_interest(watch, interest);
	return watch;
}

void loop_fd_interest(struct loop_fd *watch, unsigned interest)
{
	int events = (interest & LOOP_READ ? UV_READABLE : 0) |
		     (interest & LOOP_WRITE ? UV_WRITABLE : 0);

	watch->interest = interest;
	must(events ? uv_poll_start(&watch->uv, events, on_poll) : uv_poll_stop(&watch->uv));
}

void loop_fd_destroy(struct loop_fd *watch)
{
	if (watch)
		close_handle(&watch->uv);
}

/* ---- timers ---- */

struct loop_timer {
	uv_timer_t uv;
	loop_timer_fn *fn;
	void *context;
};

static void on_timer(uv_timer_t *uv)
{
	struct loop_timer *timer = uv->data;

	timer->fn(timer->context);
}

struct loop_timer *loop_timer_create(struct loop *loop, loop_timer_fn *fn, void *context)
{
	struct loop_timer *timer = mem_alloc(sizeof(*timer));

	must(uv_timer_init(&loop->uv, &timer->uv));
	timer->uv.data = timer;
	timer->fn = fn;
	timer->context = context;
	return timer;
}

void loop_timer_start(struct loop_timer *timer, int64_t in_ms)
{
	/* The loop's clock stands still during a round, which may have been long. */
	uv_update_time(timer->uv.loop);
	must(uv_timer_start(&timer->uv, on_timer, in_ms < 0 ? 0 : (uint64_t)in_ms, 0));
}

void loop_timer_stop(struct loop_timer *timer)
{
	must(uv_timer_stop(&timer->uv));
}

void loop_timer_destroy(struct loop_timer *timer)
{
	if (timer)
		close_handle(&timer->uv);
}

/* ---- the alarm ---- */

struct loop_alarm {
	struct loop_fd *watch;
	int fd;
	loop_timer_fn *fn;
	void *context;
};

static void on_alarm(void *context, unsigned ready)
{
	struct loop_alarm *alarm = context;
	uint64_t count;
	ssize_t n = read(alarm->fd, &count, sizeof(count));

	(void)ready;
	if (n == sizeof(count) || errno == ECANCELED) /* fired, or the clock was set */
		alarm->fn(alarm->context);
}

struct loop_alarm *loop_alarm_create(struct loop *loop, loop_timer_fn *fn, void *context,
				     struct err *err)
{
	struct loop_alarm *alarm = mem_alloc(sizeof(*alarm));

	alarm->fn = fn;
	alarm->context = context;
	alarm->fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (alarm->fd < 0) {
		err_errno(err, errno, "cannot make a timer");
		free(alarm);
		return NULL;
	}
	alarm->watch = loop_fd_create(loop, alarm->fd, LOOP_READ, on_alarm, alarm, err);
	if (!alarm->watch) {
		close(alarm->fd);
		free(alarm);
		return NULL;
	}
	return alarm;
}

static int set_timer(int fd, int64_t ms)
{
	/* A zero would disarm. */
	struct itimerspec spec = {
		.it_value = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 + 1}};

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, NULL);
}

bool loop_alarm_set(struct loop_alarm *alarm, struct utc at, struct err *err)
{
	const int64_t latest_ms = INT64_C(253402300799) * 1000; /* the end of the year 9999 */
	int64_t ms = at.ms < 0 ? 0 : at.ms;

	if (set_timer(alarm->fd, ms < latest_ms ? ms : latest_ms) == 0)
		return true;
	/* The clock was set a moment ago and this call has swallowed the news: pass it
	 * on by firing at once. */
	if (errno == ECANCELED && (set_timer(alarm->fd, 0) == 0 || errno == ECANCELED))
		return true;
	return err_errno(err, errno, "cannot set a timer");
}

void loop_alarm_destroy(struct loop_alarm *alarm)
{
	if (!alarm)
		return;
	loop_fd_destroy(alarm->watch);
	close(alarm->fd);
	free(alarm);
}

/* ---- signals ---- */

struct loop_signal {
	uv_signal_t uv;
	loop_signal_fn *fn;
	void *context;
};

static void on_signal(uv_signal_t *uv, int number)
{
	struct loop_signal *signal = uv->data;

	signal->fn(signal->context, number);
}

struct loop_signal *loop_signal_create(struct loop *loop, int number, loop_signal_fn *fn,
				       void *context)
{
	struct loop_signal *signal = mem_alloc(sizeof(*signal));

	must(uv_signal_init(&loop->uv, &signal->uv));
	signal->uv.data = signal;
	signal->fn = fn;
	signal->context = context;
	must(uv_signal_start(&signal->uv, on_signal, number));
	return signal;
}

void loop_signal_destroy(struct loop_signal *signal)
{
	if (signal)
		close_handle(&signal->uv);
}

/* ---- files ---- */

struct folder_watch {
	uv_fs_event_t uv;
	char path[PATH_MAX];
	bool is_wanted;
	bool is_gone; /* the folder was removed or moved; what has its path now is another */
	struct folder_watch *next;
};

struct loop_file {
	struct loop *loop;
	char *path;
	struct stat last; /* zeroed while there is no file */
	struct folder_watch *watches;
	loop_file_fn *fn;
	void *context;
};

static struct stat look(const char *path)
{
	struct stat now;

	return stat(path, &now) == 0 ? now : (struct stat){0};
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void free_watch(uv_handle_t *handle)
{
	free((struct folder_watch *)handle); /* the handle is its first member */
}

static void on_change(uv_fs_event_t *uv, const char *name, int events, int status);

static int watch_folder(struct loop_file *file, const char *path)
{
	struct folder_watch *watch = mem_alloc(sizeof(*watch));

	must(uv_fs_event_init(&file->loop->uv, &watch->uv));
	watch->uv.data = file;
	watch->is_wanted = true;
	strcpy(watch->path, path);
	int status = uv_fs_event_start(&watch->uv, on_change, path, 0);
	if (status != 0) {
		uv_close((uv_handle_t *)&watch->uv, free_watch);
		return status;
	}
	watch->next = file->watches;
	file->watches = watch;
	return 0;
}

static void drop_unwanted(struct loop_file *file)
{
	struct folder_watch **place = &file->watches, *watch;

	while ((watch = *place)) {
		if (watch->is_wanted) {
			place = &watch->next;
			continue;
		}
		*place = watch->next;
		uv_close((uv_handle_t *)&watch->uv, free_watch);
	}
}

static struct folder_watch *find_watch(const struct loop_file *file, const char *path)
{
	struct folder_watch *watch = file->watches;

	while (watch && (watch->is_gone || strcmp(watch->path, path) != 0))
		watch = watch->next;
	return watch;
}

/* As far as they are there; the status of the last one, where the file is. */
static int watch_found(struct loop_file *file, struct path_folders *folders)
{
	int status = UV_ENOENT;

	path_folders_find(file->path, folders);
	for (struct folder_watch *watch = file->watches; watch; watch = watch->next)
		watch->is_wanted = false;
	for (size_t i = 0; i < folders->count; i++) {
		struct folder_watch *watch = find_watch(file, folders->items[i]);

		if (watch)
			watch->is_wanted = true;
		status = watch ? 0 : watch_folder(file, folders->items[i]);
	}
	return status;
}

/* Watches the folders that the path leads through now, and no others. */
static int watch_folders(struct loop_file *file)
{
	enum { TRIES = 3 }; /* one may go between being found and being watched */
	struct path_folders *folders = mem_alloc(sizeof(*folders));
	int status = UV_ENOENT;

	for (int i = 0; i < TRIES && status == UV_ENOENT; i++)
		status = watch_found(file, folders);
	drop_unwanted(file);
	free(folders);
	return status;
}

/* Of a folder's own end inotify tells under the folder's own name, and libuv as of a
 * renaming. Something of that name in the folder is taken for it, too, and does no harm. */
static bool is_of_itself(const struct folder_watch *watch, const char *name, int events)
{
	const char *slash = strrchr(watch->path, '/');

	return (events & UV_RENAME) && name && strcmp(name, slash ? slash + 1 : watch->path) == 0;
}

/* Something happened in a folder: was it to what the path leads to? Names do not tell,
 * as the path may lead through links. Looked at after the new folders are watched, so
 * that no change falls between. */
static void on_change(uv_fs_event_t *uv, const char *name, int events, int status)
{
	struct folder_watch *watch = (struct folder_watch *)uv; /* its first member */
	struct loop_file *file = uv->data;

	(void)status;
	if (is_of_itself(watch, name, events))
		watch->is_gone = true;
	watch_folders(file);
	struct stat now = look(file->path);
	if (is_same(&now, &file->last))
		return;
	file->last = now;
	file->fn(file->context);
}

static bool has_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = mem_copy_text(slash ? path : ".");

	if (slash)
		folder[slash == path ? 1 : slash - path] = '\0';
	bool is_there = access(folder, F_OK) == 0;
	free(folder);
	return is_there;
}

struct loop_file *loop_file_create(struct loop *loop, const char *path, loop_file_fn *fn,
				   void *context, struct err *err)
{
	struct loop_file *file = mem_alloc(sizeof(*file));

	file->loop = loop;
	file->path = mem_copy_text(path);
	file->fn = fn;
	file->context = context;
	int status = has_folder(path) ? watch_folders(file) : UV_ENOENT;
	file->last = look(path);
	if (status != 0) {
		err_set(err, "cannot watch the folder of %s: %s", path, uv_strerror(status));
		loop_file_destroy(file);
		return NULL;
	}
	return file;
}

void loop_file_destroy(struct loop_file *file)
{
	if (!file)
		return;
	for (struct folder_watch *watch = file->watches; watch; watch = watch->next)
		watch->is_wanted = false;
	drop_unwanted(file);
	free(file->path);
	free(file);
}

/* ---- folders ---- */

struct loop_folder {
	uv_fs_event_t uv;
	loop_file_fn *fn;
	void *context;
};

static void on_folder(uv_fs_event_t *uv, const char *name, int events, int status)
{
	struct loop_folder *folder = uv->data;

	(void)name;
	(void)events;
	(void)status;
	folder->fn(folder->context);
}

struct loop_folder *loop_folder_create(struct loop *loop, const char *path, loop_file_fn *fn,
				       void *context, struct err *err)
{
	struct loop_folder *folder = mem_alloc(sizeof(*folder));

	must(uv_fs_event_init(&loop->uv, &folder->uv));
	folder->uv.data = folder;
	folder->fn = fn;
	folder->context = context;
	int status = uv_fs_event_start(&folder->uv, on_folder, path, 0);
	if (status != 0) {
		err_set(err, "cannot watch %s: %s", path, uv_strerror(status));
		loop_folder_destroy(folder);
		return NULL;
	}
	return folder;
}

void loop_folder_destroy(struct loop_folder *folder)
{
	if (folder)
		close_handle(&folder->uv);
}
