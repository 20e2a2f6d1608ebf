#!/usr/bin/python3
"""Pure folders may use no clock, no I/O, no randomness, no environment.

    purity.py SOURCE_ROOT LIBRARY…

Each library is a static archive of one folder. Every symbol that its objects
leave undefined must be defined in a folder that it may use, or be on the list
of libc functions below, all of which only compute. Objects that are the impure
half of their folder on purpose are named in IMPURE.
"""
import os
import re
import subprocess
import sys

# Functions that only compute (or allocate), by what they are for.
ALLOWED = set("""
    memcpy memmove memset memcmp memchr memmem strlen strnlen strcmp strncmp strcasecmp
    strncasecmp strcasestr strchr strrchr strstr strspn strcspn strpbrk strcpy strcat strncpy stpcpy
    strtol strtoll strtoul strtoull strtod qsort bsearch abort
    snprintf vsnprintf __snprintf_chk __vsnprintf_chk __memcpy_chk __memmove_chk __memset_chk
    __strcpy_chk __strcat_chk __strncpy_chk __stpcpy_chk
    __isoc99_sscanf __ctype_b_loc __ctype_tolower_loc __ctype_toupper_loc tolower toupper
    free __popcountdi2 __assert_fail __stack_chk_fail _GLOBAL_OFFSET_TABLE_ __errno_location
    yaml_parser_initialize yaml_parser_delete yaml_parser_load yaml_parser_set_input_string
    yaml_document_get_node yaml_document_get_root_node yaml_document_delete
    crypto_hash_sha256 crypto_hash_sha256_init crypto_hash_sha256_update
    crypto_hash_sha256_final sodium_bin2hex
""".split())
# Base is mostly pure; these of it are not.
FORBIDDEN = re.compile(r"^log_")
# What answers "when next?" allocates nothing: the objects behind next and previous.
NO_ALLOCATION = {"schedule": {"next.c.o", "month.c.o", "moment.c.o", "reading.c.o", "shift.c.o",
                              "draw.c.o", "every.c.o"}}
ALLOCATES = re.compile(r"^(malloc|calloc|realloc|free|strdup|mem_|arena_|buf_)")
# The half of config/ that reads files; of import/ what reads folders and databases, and
# writes history.
IMPURE = {"config": {"read_file.c.o"},
          "import": {"units_read.c.o", "state_db.c.o", "history.c.o"}}


def symbols(path, undefined):
    """(object, symbol) of an archive."""
    option = "--undefined-only" if undefined else "--defined-only"
    text = subprocess.run(["nm", "-A", "-g", option, path], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    for line in text.splitlines():
        place, name = line.rsplit(" ", 1)
        yield os.path.basename(place.split(":")[1]), name


def main():
    ours = set()
    pure = {}
    for path in sys.argv[1:]:
        folder = os.path.basename(path)[len("lib"):-len(".a")]
        ours |= {name for _, name in symbols(path, undefined=False)}
        pure[folder] = path
    problems = checked = 0
    for folder in ("schedule", "engine", "model", "config", "import"):
        for file, name in symbols(pure[folder], undefined=True):
            if any(file.endswith(impure) for impure in IMPURE.get(folder, ())):
                continue
            checked += 1
            name = name.split("@")[0]
            if file in NO_ALLOCATION.get(folder, ()) and ALLOCATES.match(name):
                problems += 1
                print(f"src/{folder}: {file} uses {name}, but may not allocate")
            if FORBIDDEN.match(name) or (name not in ours and name not in ALLOWED):
                problems += 1
                print(f"src/{folder}: {file} uses {name}, which is not on the list of pure "
                      "functions (tests/structure/purity.py)")
    print(f"{checked} uses checked, {problems} not allowed")
    return 1 if problems or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
