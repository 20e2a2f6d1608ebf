/* main.c - the program belfry: hands its words on. */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>

#include "dispatch.h"
#include "mem.h"

int main(int argc, char **argv)
{
	size_t count = (size_t)argc;
	const char **words = mem_alloc((count + 1) * sizeof(words[0]));

	for (size_t i = 0; i < count; i++)
		words[i] = argv[i];
	/* Widths of characters only: numbers and messages stay as they are written. */
	setlocale(LC_CTYPE, "");
	/* A reader who went away (`| head`) is an error of write(), told by nobody. */
	signal(SIGPIPE, SIG_IGN);
	int code = dispatch(count, words);
	free(words);
	return code;
}
