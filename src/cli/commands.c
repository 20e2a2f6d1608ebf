/* commands.c - all commands, in the order of the help page. */
#include <string.h>

#include "verbs.h"

const struct command *const commands[] = {
	&command_serve,       &command_check,    &command_plan,
	&command_apply,       &command_rollback, &command_revisions,
	&command_export,      &command_list,     &command_status,
	&command_runs,        &command_logs,     &command_run,
	&command_trigger,     &command_cancel,   &command_pause,
	&command_resume,      &command_test,     &command_verify,
	&command_next,        &command_explain,  &command_forecast,
	&command_import,      &command_keys,     &command_schema,
	&command_fly,         &command_token,    &command_audit,
	&command_doctor,      &command_version,  &command_help,
	&command_completions, &command_complete, NULL,
};

const struct command *command_find(const char *name)
{
	for (const struct command *const *command = commands; *command; command++)
		if (strcmp((*command)->name, name) == 0)
			return *command;
	return NULL;
}
