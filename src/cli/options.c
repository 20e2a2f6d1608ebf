/* options.c - the options that many commands take; see command.h. */
#include "command.h"

const struct option_row options_of_all[] = {
	{.name = "json", .summary = "answer in JSON, for programs"},
	{.name = "help", .letter = 'h', .summary = "this page"},
	{0},
};

const struct option_row options_of_asking[] = {
	{.name = "server",
	 .value = "URL",
	 .summary = "the belfry to ask ($BELFRY_SERVER; http://127.0.0.1:7420)"},
	{.name = "token", .value = "TOKEN", .summary = "its access token ($BELFRY_TOKEN)"},
	{.name = "cacert",
	 .value = "FILE",
	 .summary = "PEM file of who vouches for its certificate ($BELFRY_CACERT)",
	 .complete = COMPLETE_FILE},
	{0},
};
