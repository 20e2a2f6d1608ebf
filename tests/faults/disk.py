"""Disks of a test's own: small ones, full ones, read-only ones."""
import errno
import os
import subprocess
import sys

from harness import Stamped, wait_for

# Root in name only: what the owner may not do is not done. Also where the tests run as
# root, and in a user namespace.
WITHOUT_POWER = ("setpriv", "--securebits", "+noroot", "--inh-caps=-all", "--bounding-set=-all")


def enter_namespace():
    """Runs this program again where it may mount: mounts are its own and go with it."""
    if os.environ.get("BELFRY_MAY_MOUNT"):
        return
    for options in (["-m"], ["-r", "-m"]):
        command = ["unshare", *options, "--propagation", "private"]
        if subprocess.run([*command, "mount", "-t", "tmpfs", "none", "/mnt"],
                          stderr=subprocess.DEVNULL, check=False).returncode == 0:
            os.environ["BELFRY_MAY_MOUNT"] = "yes"
            os.execvp("unshare", [*command, sys.executable, *sys.argv])
    raise SystemExit("neither root nor a user namespace may mount here: no disk can be filled")


class Kept(Stamped):
    """Also with jobs that are only triggered: they have no instants."""

    def read_stamps(self):
        try:
            with open(self.stamps, encoding="ascii") as file:
                return [tuple(line.rstrip("\n").split(" ")) for line in file]
        except FileNotFoundError:
            return []

    def wrong_occurrences(self, name):
        schedule = next(row["schedule"] for row in self.jobs if row["name"] == name)
        return super().wrong_occurrences(name) if schedule == "* * * * * *" else []

    def trigger_many(self, name, count):
        """Faster than by the command."""
        for _ in range(count):
            status, text = self.http("POST", f"/api/v1/jobs/{name}/trigger")
            if status not in (200, 201, 202):
                raise AssertionError(f"trigger {name}: {status} {text}")


class OnSmallDisk(Kept):
    """Its state directory is a disk of its own; stamps and schedules.json are elsewhere."""

    def __init__(self, jobs=None, size="3m", **top):
        super().__init__(jobs, **top)
        os.mkdir(self.state, 0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "none",
                        self.state], check=True)

    def __exit__(self, kind, value, traceback):
        self.kill()
        self.end_runner()
        # A process that was just killed may hold it for a moment.
        wait_for(lambda: subprocess.run(["umount", self.state], stderr=subprocess.DEVNULL,
                                        check=False).returncode == 0, "the disk to be let go")
        super().__exit__(kind, value, traceback)

    def fill(self, leave=0):
        """Takes all room but so many bytes."""
        with open(os.path.join(self.state, "filler"), "ab", buffering=0) as file:
            while True:
                try:
                    if file.write(bytes(4096)) < 4096:
                        break
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    break
            if leave:
                file.truncate(max(0, file.tell() - leave))

    def free(self):
        os.remove(os.path.join(self.state, "filler"))
