#!/usr/bin/python3
"""Deliberate bugs, one patch each: the simulator has to catch every one.

usage: run.py [--seeds COUNT] [NAME…]

Each patch is put on a copy of the tree, the simulator is built there, and seeds are
lived until one breaks a promise. The first line of a patch says which promise.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATCHES = ROOT / "tests" / "mutants"


def run(*words, cwd=None, timeout=None):
    return subprocess.run(words, cwd=cwd, timeout=timeout, text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def must(*words, cwd=None):
    done = run(*words, cwd=cwd)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))} failed:\n{done.stdout}")


def copy_tree(to):
    files = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in filter(None, files.stdout.split("\0")):
        source = ROOT / name
        if source.is_file():
            target = to / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def live(tree, seeds, lived):
    """Which seed caught it, counted from 1, and by what; None where none did."""
    done = run(tree / "build/sim/belfry-sim", "--bare", "--seeds", str(seeds), cwd=tree,
               timeout=lived)
    found = re.search(r"seed (\d+) breaks a promise at step \d+, \d+ s: (.*)", done.stdout)
    if found:
        return int(found[1]), found[2]
    if done.returncode < 0:
        return 0, f"ended by signal {-done.returncode}"
    return None


def try_mutant(tree, patch, seeds):
    must("patch", "--quiet", "-p1", "-i", patch, cwd=tree)
    try:
        # Their warnings are not what they are about.
        must("ninja", "-C", "build", "--quiet", "sim/belfry-sim", cwd=tree)
        begun = time.monotonic()
        caught = live(tree, seeds, 900)
        return caught, time.monotonic() - begun
    finally:
        must("patch", "--quiet", "-R", "-p1", "-i", patch, cwd=tree)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20000)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    patches = sorted(PATCHES.glob("*.patch"))
    if options.names:
        patches = [PATCHES / f"{name}.patch" for name in options.names]
    missed = 0
    with tempfile.TemporaryDirectory(prefix="belfry-mutants-") as folder:
        tree = pathlib.Path(folder)
        copy_tree(tree)
        must("meson", "setup", "build", "-Dbuildtype=release", "-Dwerror=false", cwd=tree)
        for patch in patches:
            caught, took = try_mutant(tree, patch, options.seeds)
            if caught:
                print(f"{patch.stem:26} caught by seed {caught[0]:>5} in {took:4.1f} s: "
                      f"{caught[1]}", flush=True)
            else:
                missed += 1
                promise = patch.read_text(encoding="utf-8").splitlines()[0]
                print(f"{patch.stem:26} NOT CAUGHT by {options.seeds} seeds. {promise}",
                      flush=True)
    print(f"{len(patches) - missed} of {len(patches)} mutants caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
