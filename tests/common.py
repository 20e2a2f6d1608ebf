"""What Python tests of every folder stand on."""
import time

DEADLINE_S = 60


def wait_for(condition, what, deadline_s=DEADLINE_S):
    """Polls until condition() is truthy; there is no other way to wait in a test."""
    end = time.monotonic() + deadline_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline_s} s in vain for {what}")
        time.sleep(0.01)


def job(name, command, schedule="0 0 1 1 *", **more):
    return {"name": name, "schedule": schedule, "command": command, **more}


def shell(text):
    return ["sh", "-c", text]
