/*
 * check.c - whether this machine could carry an order out; see check.h.
 *
 * Looked at as belfry itself, so a program that only the job's user may not run is
 * found out by the run.
 */
#include "check.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "order.h"

static bool is_program(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return false;
	if (!S_ISREG(status.st_mode)) {
		errno = S_ISDIR(status.st_mode) ? EISDIR : EACCES;
		return false;
	}
	return access(path, X_OK) == 0;
}

static bool check_cwd(const struct start_order *order, struct err *err)
{
	struct stat status;

	if (stat(order->cwd, &status) != 0)
		return err_errno(err, errno, "cwd %s", order->cwd_shown);
	if (!S_ISDIR(status.st_mode))
		return err_set(err, "cwd %s is not a folder", order->cwd_shown);
	return access(order->cwd, X_OK) == 0 || err_errno(err, errno, "cwd %s", order->cwd_shown);
}

/* As execvp(3) will: an empty piece of PATH is the working directory. */
static bool find_program(const struct start_order *order, const char *path, bool hides_path,
			 struct err *err)
{
	const char *name = order->argv[0], *cwd = order->cwd;
	char file[PATH_MAX];
	bool is_forbidden = false;

	for (const char *at = path; at;) {
		size_t length = strcspn(at, ":");

		if (length == 0 || *at != '/')
			snprintf(file, sizeof(file), "%s/%.*s/%s", cwd, (int)length, at, name);
		else
			snprintf(file, sizeof(file), "%.*s/%s", (int)length, at, name);
		if (is_program(file))
			return true;
		is_forbidden |= errno == EACCES;
		at = at[length] ? at + length + 1 : NULL;
	}
	if (is_forbidden)
		return err_set(err, "program %s is in PATH but may not be executed",
			       order->program_shown);
	return err_set(err, "program %s is not in PATH (%s)", order->program_shown,
		       hides_path ? "hidden" : path);
}

bool check_order(const struct start_order *order, bool hides_path, struct err *err)
{
	const char *name = order->argv[0], *path = order_variable(order->env, "PATH");
	char file[PATH_MAX];

	if (!check_cwd(order, err))
		return false;
	if (!*name)
		return err_set(err, "the program's name is empty");
	if (!strchr(name, '/'))
		return find_program(order, path ? path : "/bin:/usr/bin", hides_path, err);
	if (*name == '/')
		snprintf(file, sizeof(file), "%s", name);
	else
		snprintf(file, sizeof(file), "%s/%s", order->cwd, name);
	return is_program(file) || err_errno(err, errno, "program %s", order->program_shown);
}
