"""Files with many jobs, the same each time, for the benches."""
import json
import random

SCHEDULES = (
    (10, lambda dice: "* * * * *"), (15, lambda dice: "*/5 * * * *"), (10, lambda dice: "0 * * * *"),
    (12, lambda dice: f"{dice.randrange(60)} * * * *"), (3, lambda dice: "@every 15m"),
    (15, lambda dice: f"*/15 {dice.randrange(8)}-{dice.randrange(12, 20)} * * 1-5"),
    (30, lambda dice: f"{dice.randrange(60)} {dice.randrange(24)} * * *"),
    (5, lambda dice: f"0 {dice.randrange(24)} 1,15 * *"))
ZONES = ("UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Sydney")


def schedule(dice):
    return dice.choices([make for _, make in SCHEDULES],
                        [weight for weight, _ in SCHEDULES])[0](dice)


def whole_job(dice, number):
    """As a team writes it: about 320 bytes."""
    return {"name": f"team-{number % 97}-job-{number}",
            "description": f"Sends what is due to the people of account {number}, in small lots",
            "tags": ["mail", f"team-{number % 97}"], "schedule": schedule(dice),
            "timezone": dice.choice(ZONES),
            "command": ["node", "scripts/send.js", "--account", str(number)],
            "timeout": "5m", "retry": {"attempts": 3, "backoff": "10s"},
            "env": {"NODE_ENV": "production", "ACCOUNT": str(number)}}


def write_whole(path, count, other_job=None):
    """`other_job`: the number of one job that is another one."""
    dice = random.Random(20261125)
    jobs = [whole_job(dice, i) for i in range(count)]
    if other_job is not None:
        jobs[other_job]["timeout"] = "7m"
    write(path, jobs)


def write_small(path, count, first=0):
    """As short as can be: a name, a schedule, a command."""
    dice = random.Random(20261125 + first)
    write(path, [{"name": f"j{i}", "schedule": schedule(dice), "command": "a"}
                 for i in range(first, first + count)])


def write(path, jobs):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"jobs": jobs}, file, separators=(",", ":"))
