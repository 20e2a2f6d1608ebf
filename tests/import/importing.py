"""belfry import, and what is asked of belfry about its results."""
import json
import os
import subprocess
import tempfile

BELFRY = os.path.join(os.environ["BELFRY_BUILD"], "belfry")
HERE = os.path.dirname(os.path.abspath(__file__))


def belfry(*words, stdin="", folder=HERE, env=None):
    """The finished command, whatever became of it; paths are as in this folder."""
    clean = {key: value for key, value in os.environ.items()
             if not key.startswith("BELFRY_") and key != "TZ"}
    return subprocess.run([BELFRY, *words], env={**clean, "LC_ALL": "C.UTF-8", **(env or {})},
                          input=stdin, cwd=folder, text=True, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def jobs(text):
    """Name -> job, the defaults filled in."""
    config = json.loads(text)
    return {job["name"]: {"timezone": config.get("timezone", "UTC"), **config.get("defaults", {}),
                          **job} for job in config["jobs"]}


def imported(text, *words, name="crontab"):
    """The jobs of a text that is imported from a file of that name; it must be fine."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
        result = belfry("import", "--tz", "UTC", *words, name, folder=folder)
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return jobs(result.stdout)


def all_next_fires(questions):
    """For each (expression, zone, start, count) instants as belfry has them."""
    lines = "".join(json.dumps({"expr": expression, "tz": zone, "from": start, "n": count,
                                "name": "job"}) + "\n"
                    for expression, zone, start, count in questions)
    answer = belfry("next", "--batch", stdin=lines)
    return [json.loads(line).get("next") for line in answer.stdout.splitlines()]


def next_fires(expression, zone, start, count=5):
    return all_next_fires([(expression, zone, start, count)])[0]
