"""Other services that start jobs, for the benches: Debian's cron and robfig/cron (Go).

Debian's cron wants to be root, and reads /etc/crontab: it is taken from its package
without being installed, and runs in a mount namespace with an /etc, a spool and a /run of
its own, so that nothing of the machine is touched.
"""
import os
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

# $1 its files, $2 the crontab
IN_NAMESPACE = """
set -e
copy=$(mktemp -d)
mount -t tmpfs belfry-bench "$copy"
cp -a /etc/. "$copy"
rm -rf "$copy"/cron* "$copy"/default/cron
cp "$1"/etc/pam.d/cron "$copy"/pam.d/cron
cp "$2" "$copy"/crontab
chown root:root "$copy"/crontab
chmod 644 "$copy"/crontab
mount --move "$copy" /etc
rmdir "$copy"
mount -t tmpfs belfry-bench /var/spool
mkdir -p /var/spool/cron/crontabs
mount -t tmpfs belfry-bench /run
exec "$1"/usr/sbin/cron -f
"""


class Unavailable(Exception):
    """Why a service cannot be measured here."""


def run(*argv, **options):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          **options)
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(argv[:3])}: {done.stdout.strip()[-200:]}")
    return done.stdout


def made_once(folder, make):
    """make(new folder) once; a folder that is there is whole."""
    if not os.path.isdir(folder):
        new = folder + ".new"
        shutil.rmtree(new, ignore_errors=True)
        os.makedirs(new)
        make(new)
        os.rename(new, folder)
    return folder


def fetch_cron(folder):
    try:
        run("apt-get", "download", "cron", cwd=folder)
    except OSError as error:
        raise Unavailable(f"Debian's package cron: {error}") from error
    package = next(name for name in os.listdir(folder) if name.endswith(".deb"))
    run("dpkg-deb", "-x", os.path.join(folder, package), folder)


def build_robfig(folder):
    shutil.copytree(os.path.join(HERE, "peers"), folder, dirs_exist_ok=True)
    try:
        run("go", "build", "-o", "burst-go", "./burst", cwd=folder)
    except OSError as error:
        raise Unavailable(f"go: {error}") from error


class Service:
    """A process, and a folder that goes with it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="belfry-bench-")
        self.process = None

    def start(self, *argv):
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)


class DebianCron(Service):
    name = "Debian's cron"

    def __init__(self, peers, lines):
        """lines: (schedule of five fields, command)"""
        if os.geteuid() != 0:
            raise Unavailable("Debian's cron needs root")
        run("unshare", "-m", "true")
        files = made_once(os.path.join(peers, "cron"), fetch_cron)
        super().__init__()
        crontab = os.path.join(self.folder, "crontab")
        with open(crontab, "w", encoding="ascii") as file:
            file.writelines(f"{schedule} root {command}\n" for schedule, command in lines)
        self.start("unshare", "-m", "sh", "-c", IN_NAMESPACE, "cron", files, crontab)


class Robfig(Service):
    name = "robfig/cron v3"

    def __init__(self, peers, count, spec, *command):
        files = made_once(os.path.join(peers, "robfig"), build_robfig)
        super().__init__()
        self.start(os.path.join(files, "burst-go"), str(count), spec, *command)
