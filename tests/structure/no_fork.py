#!/usr/bin/python3
"""belfry never copies itself to start a process: no_fork.py PROGRAM.

fork(2) from a process with 100,000 jobs costs many times a start (its page tables are
copied). Jobs are forked by belfry-runner, which is small, and belfry starts that one
by posix_spawn(3), which shares memory until exec.
"""
import re
import subprocess
import sys

COPIES = re.compile(r"^(_?_?v?fork|_Fork|__libc_fork|clone3?|daemon|system|popen|forkpty|wordexp)$")


def main():
    text = subprocess.run(["nm", "--dynamic", "--undefined-only", sys.argv[1]], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    names = {line.split()[-1].split("@")[0] for line in text.splitlines()}
    copies = sorted(filter(COPIES.match, names))
    print(f"{len(names)} functions of libraries, {len(copies)} that copy the process", *copies)
    # Should nm show nothing at all, nothing was looked at.
    return bool(copies) or "posix_spawn" not in names


if __name__ == "__main__":
    sys.exit(main())
