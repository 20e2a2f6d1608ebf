/*
 * verbs.h - the rows of all commands, each in the file of its name; commands.c puts
 * them in order.
 */
#ifndef BELFRY_VERBS_H
#define BELFRY_VERBS_H

#include "command.h"

extern const struct command command_serve, command_check, command_list, command_status,
	command_runs, command_logs, command_run, command_trigger, command_cancel, command_pause,
	command_resume, command_test, command_next, command_explain, command_forecast,
	command_import, command_keys, command_schema, command_plan, command_apply, command_rollback,
	command_revisions, command_export, command_token, command_audit, command_doctor,
	command_verify, command_fly, command_version, command_help, command_completions,
	command_complete;

#endif
