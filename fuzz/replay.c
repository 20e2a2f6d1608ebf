/* replay.c - runs a fuzz target over the files of its corpus:  replay-NAME FOLDER… */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

static int replay(const char *path)
{
	FILE *stream = fopen(path, "rbe");
	long size = -1;

	if (stream && fseek(stream, 0, SEEK_END) == 0)
		size = ftell(stream);
	if (size < 0) {
		fprintf(stderr, "replay: cannot read %s\n", path);
		return 1;
	}
	/* Exactly as large as the input, so that a sanitizer sees a read beyond it. */
	unsigned char *data = malloc((size_t)size ? (size_t)size : 1);
	rewind(stream);
	if (!data || fread(data, 1, (size_t)size, stream) != (size_t)size) {
		fprintf(stderr, "replay: cannot read %s\n", path);
		exit(1);
	}
	fclose(stream);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return 0;
}

static int replay_folder(const char *folder, int *files)
{
	char path[1024];
	int failed = 0;
	DIR *dir = opendir(folder);

	if (!dir) {
		fprintf(stderr, "replay: cannot open %s\n", folder);
		return 1;
	}
	for (const struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		failed += replay(path);
		(*files)++;
	}
	closedir(dir);
	return failed;
}

int main(int argc, char **argv)
{
	int files = 0, failed = 0;

	for (int i = 1; i < argc; i++)
		failed += replay_folder(argv[i], &files);
	printf("%d files replayed\n", files);
	return failed || !files;
}
