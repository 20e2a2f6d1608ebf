"""Every deliberate bug can still be put in: a patch that does not fit is caught by nobody."""
import glob
import os
import subprocess
import sys

ROOT = sys.argv[1]


def main():
    patches = sorted(glob.glob(os.path.join(ROOT, "tests/mutants/*.patch")))
    misfits = []
    for patch in patches:
        done = subprocess.run(["patch", "--dry-run", "--force", "-p1", "-i", patch], cwd=ROOT,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        # Somewhere near is good; with less around it than the patch has is not.
        if done.returncode or "fuzz" in done.stdout:
            misfits.append(f"{os.path.basename(patch)}:\n{done.stdout}")
    print(f"{len(patches)} patches", *misfits, sep="\n")
    return 1 if misfits or len(patches) < 15 else 0


if __name__ == "__main__":
    sys.exit(main())
