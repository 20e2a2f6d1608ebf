#!/usr/bin/python3
"""No function of ours has the name of one in a library: the program's would take its
place, inside the library too.

    clashes.py PROGRAM…
"""
import subprocess
import sys


def defined(path, *options):
    text = subprocess.run(["nm", "--defined-only", "-g", *options, path], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    rows = [line.split() for line in text.splitlines()]
    return {row[2].split("@")[0] for row in rows if len(row) == 3 and row[1] in "TW"}


def libraries(path):
    text = subprocess.run(["ldd", path], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [line.split()[2] for line in text.splitlines() if "=> /" in line]


def main():
    problems = checked = 0
    for program in sys.argv[1:]:
        ours = defined(program)
        for library in libraries(program):
            theirs = defined(library, "-D")
            checked += len(theirs)
            # Those that every program has.
            for name in sorted(ours & theirs - {"_init", "_fini"}):
                problems += 1
                print(f"{program}: {name} is also a function of {library}")
    print(f"{checked} names of libraries checked, {problems} taken")
    return 1 if problems or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
