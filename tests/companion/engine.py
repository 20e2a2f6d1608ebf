"""A Docker engine of the test's own, and the base image that the Dockerfiles name, made with
debootstrap from the mirror that this machine's apt uses: no registry is asked.

Layers and base image stay in a folder of the build, so that the next run is quick."""
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from common import DEADLINE_S, is_alive, wait_for  # noqa: E402

BASE = "debian:bookworm-slim"
DEBIAN = "bookworm"
NEEDED = {"dockerd": "docker.io", "docker": "docker.io", "debootstrap": "debootstrap",
          "nsenter": "util-linux", "setpriv": "util-linux", "curl": "curl"}
# Debian's own, of the engine's version: others may lie earlier in PATH.
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
STOP_S = 30


def run(*words, deadline_s=DEADLINE_S, merged=False, **more):
    """What the command printed on standard output, or on both."""
    result = subprocess.run(words, stdout=subprocess.PIPE, text=True, timeout=deadline_s,
                            stderr=subprocess.STDOUT if merged else subprocess.PIPE, **more)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(words)} ended with {result.returncode}:\n"
                             f"{result.stdout}{result.stderr or ''}")
    return result.stdout


# ---- the apt of this machine ----

def apt_sources():
    """Lines of sources.list for Debian's own suites, wherever this machine gets them."""
    wanted = (DEBIAN, f"{DEBIAN}-updates", f"{DEBIAN}-security")
    found = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)",
                "Created-By: Packages").splitlines()
    lines = [f"deb {line}" for line in dict.fromkeys(found)
             if line.split()[1] in wanted and line.split()[2] == "main"]
    if not [line for line in lines if line.split()[2] == DEBIAN]:
        raise AssertionError(f"this machine's apt has no source of Debian's {DEBIAN}: {found}")
    return "".join(f"{line}\n" for line in lines)


def apt_settings():
    """How apt gets to its mirror, and what it thinks of its signatures' dates."""
    kept = re.compile(r"^Acquire::(https?::|Check-|Retries|ForceIPv)[^\"]* \"[^\"]+\";$")
    return "".join(f"{line}\n" for line in run("apt-config", "dump").splitlines()
                   if kept.match(line))


def proxy_settings():
    """Docker knows these build arguments by itself."""
    names = ("http_proxy", "https_proxy", "no_proxy")
    return [word for name in names for case in (name, name.upper()) if case in os.environ
            for word in ("--build-arg", f"{case}={os.environ[case]}")]


class Engine:
    """dockerd from entry to exit; nothing of it is left but what its folder keeps."""

    def __init__(self, folder):
        lacking = sorted({package for name, package in NEEDED.items()
                          if not shutil.which(name, path=PATH)})
        if lacking:
            raise AssertionError(f"missing Debian packages: {' '.join(lacking)}; ./dev test "
                                 "installs them")
        if os.geteuid() != 0:
            raise AssertionError("Docker's engine and debootstrap need root: run this as root")
        self.folder = folder
        self.process = None

    def __enter__(self):
        os.makedirs(self.folder, exist_ok=True)
        # Paths of sockets have to be short.
        self.scratch = tempfile.mkdtemp(prefix="belfry-docker-")
        self.socket = f"unix://{self.scratch}/docker.sock"
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, kind, value, traceback):
        self.end()

    def start(self):
        self.log = open(os.path.join(self.folder, "dockerd.log"), "wb")
        # Not the machine's own, which may say anything.
        config = os.path.join(self.scratch, "daemon.json")
        with open(config, "w", encoding="ascii") as file:
            file.write("{}")
        # It goes with the test, however that ends. Networks are the host's or none: no bridge,
        # and nothing of the machine's packet filter is touched.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "dockerd",
             "--data-root", os.path.join(self.folder, "data"),
             "--exec-root", os.path.join(self.scratch, "exec"),
             "--pidfile", os.path.join(self.scratch, "pid"), "--host", self.socket,
             "--config-file", config,
             "--bridge=none", "--iptables=false", "--ip6tables=false"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
            env=self.environment(), start_new_session=True)
        wait_for(self.answers, "dockerd to answer")
        self.remove_containers()  # of a run that was cut off

    def answers(self):
        if self.process.poll() is not None:
            with open(self.log.name, encoding="utf-8", errors="replace") as file:
                raise AssertionError("dockerd ended at once; does this machine let it mount, and "
                                     f"use control groups?\n{file.read()[-4000:]}")
        return subprocess.run(["docker", "version"], stdout=subprocess.DEVNULL, check=False,
                              stderr=subprocess.DEVNULL, env=self.environment()).returncode == 0

    def environment(self):
        return {**os.environ, "PATH": PATH, "DOCKER_HOST": self.socket, "DOCKER_BUILDKIT": "1",
                "DOCKER_CONFIG": self.scratch, "TMPDIR": self.scratch}

    def docker(self, *words, **more):
        return run("docker", *words, env=self.environment(), **more)

    def inspect(self, name, what):
        return json.loads(self.docker("inspect", "--format", f"{{{{json {what}}}}}", name))

    # ---- images ----

    def make_base(self):
        sources, settings = apt_sources(), apt_settings()
        key = hashlib.sha256((sources + settings).encode()).hexdigest()
        with contextlib.suppress(AssertionError):
            if self.inspect(BASE, ".Config.Labels") == {"belfry.base": key}:
                return
        root = os.path.join(self.folder, "base")
        shutil.rmtree(root, ignore_errors=True)
        # A mirror behind TLS cannot be asked without them.
        more = ["--include=ca-certificates"] if "https:" in sources else []
        mirror = next(line.split()[1] for line in sources.splitlines()
                      if line.split()[2] == DEBIAN)
        run("debootstrap", "--variant=minbase", *more, DEBIAN, root, mirror, deadline_s=300,
            env={**os.environ, "PATH": PATH})
        for name, text in (("sources.list", sources), ("apt.conf.d/90mirror", settings)):
            with open(os.path.join(root, "etc/apt", name), "w", encoding="ascii") as file:
                file.write(text)
        for folder in ("var/cache/apt/archives", "var/lib/apt/lists"):
            shutil.rmtree(os.path.join(root, folder))
        run("sh", "-c", 'tar -C "$0" -c . | docker import --change "$1" - "$2"', root,
            f"LABEL belfry.base={key}", BASE, env=self.environment())
        shutil.rmtree(root)

    def build(self, dockerfile, context, tag):
        self.docker("build", "--network=host", *proxy_settings(), "--file", dockerfile,
                    "--tag", tag, context, deadline_s=600)
        # What older sources left is not kept for ever.
        self.docker("image", "prune", "--force")
        self.docker("builder", "prune", "--force", "--keep-storage", "2GB")

    # ---- the end ----

    def remove_containers(self):
        names = self.docker("ps", "--all", "--quiet").split()
        if names:
            self.docker("rm", "--force", "--volumes", *names)

    def end(self):
        try:
            if self.process and self.process.poll() is None:
                with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
                    self.remove_containers()
                self.process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(STOP_S)
            self.kill_rest()
        finally:
            if self.process:
                self.process.wait()
                self.log.close()
            self.unmount_rest()
            shutil.rmtree(self.scratch)

    def pids(self):
        """What names our folder on its command line: dockerd, containerd, its shims."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if self.scratch.encode() in file.read() and is_alive(pid):
                        found.append(int(pid))
        return found

    def kill_rest(self):
        """Only where dockerd did not do it itself."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not self.pids(), "what dockerd left to be gone")

    def unmount_rest(self):
        with open("/proc/mounts", encoding="utf-8") as file:
            places = [line.split()[1] for line in file]
        for place in reversed(places):  # the innermost first
            if place.startswith((self.scratch + "/", self.folder + "/")):
                subprocess.run(["umount", "--lazy", place], check=False)
