"""What belfry-runner itself takes for the runs it holds: for ./dev bench memory."""
import os
import time
import urllib.request

# Its promise: so much at rest, and so much more for each run.
REST_KIB, RUN_KIB = 1024, 16
QUIET, CHATTY = 300, 20


def own_kib(pid):
    """What no other process shares."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        rows = dict(line.split(":", 1) for line in file if ":" in line)
    return sum(int(rows[name].split()[0]) for name in ("Private_Clean", "Private_Dirty"))


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def find(state):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"belfry-runner") and state.encode() in words:
            return int(pid)
    raise SystemExit("bench: there is no belfry-runner")


def trigger(url, job, count):
    for _ in range(count):
        request = urllib.request.Request(f"{url}/api/v1/jobs/{job}/trigger", method="POST")
        urllib.request.urlopen(request, timeout=60).close()


def jobs():
    """Quiet ones, and such as have printed more than is kept."""
    return [{"name": "quiet", "schedule": "0 0 1 1 *", "command": ["sleep", "600"],
             "overlap": "allow"},
            {"name": "chatty", "schedule": "0 0 1 1 *", "overlap": "allow",
             "command": ["sh", "-c", "yes | head -c 20000000; exec sleep 600"]}]


def row(words, runs, kib):
    limit = REST_KIB + RUN_KIB * runs
    print(f"  {words:32} {kib:8d} KiB   {kib / limit:5.2f} of the {limit} KiB it may have")


def settled(pid, count):
    """Once so many runs are there, and nothing is printed any more."""
    while len(children(pid)) < count:
        time.sleep(0.05)
    last = -1
    while (now := own_kib(pid)) != last:
        last = now
        time.sleep(1)
    return now


def bench(state, url):
    pid = find(state)
    print("memory of belfry-runner, shared pages left out")
    row("at rest", 0, own_kib(pid))
    trigger(url, "quiet", QUIET)
    row(f"{QUIET} runs", QUIET, settled(pid, QUIET))
    trigger(url, "chatty", CHATTY)
    row(f"and {CHATTY} that print 20 MB", QUIET + CHATTY, settled(pid, QUIET + CHATTY))
    for child in children(pid):
        os.kill(child, 9)
