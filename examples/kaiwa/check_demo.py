#!/usr/bin/python3
"""Holds the mails a server has kept against what kaiwa's database says of them.

    check_demo.py MAIL_FOLDER DATABASE [--allow-doubt]

To be run while no job runs. Prints one JSON object,
    {"ok": true, "delivered": 295, "jobs": {"send-reminders": {"delivered": 98,
     "bounced": 2, …}, …}, "problems": []}
and exits 0 if nobody got a mail twice and every mail is where it should be, else 1.
With --allow-doubt a mail that a killed run has left as `sending` or `unknown`
is no problem, delivered (once) or not.
"""
import argparse
import collections
import email
import email.policy
import json
import os
import sqlite3
import sys

JOBS = {
    "reminder": "send-reminders",
    "welcome": "send-founder-emails",
    "founder-summary": "send-founder-emails",
    "digest": "send-weekly-digest",
}
DOUBTFUL = ("sending", "unknown")


def read_mails(folder):
    """Message-ID -> addresses it was delivered to, one for each file."""
    mails = collections.defaultdict(list)
    new = os.path.join(folder, "new")
    for name in sorted(os.listdir(new)):
        with open(os.path.join(new, name), "rb") as file:
            mail = email.message_from_binary_file(file, policy=email.policy.default)
        mails[str(mail["Message-ID"] or name).strip().strip("<>")].append(mail["Delivered-To"])
    return mails


def read_rows(path):
    # Not mode=ro: a reader that may not write leaves the -wal and -shm files behind.
    with sqlite3.connect(f"file:{path}?mode=rw", uri=True) as database:
        database.row_factory = sqlite3.Row
        rows = database.execute("SELECT * FROM mails ORDER BY id").fetchall()
        bounces = {row[0] for row in database.execute("SELECT address FROM bounces")}
    database.close()
    return rows, bounces


def find_problems(mails, rows, bounces, allow_doubt):
    by_id = {row["message_id"]: row for row in rows}
    letters = collections.Counter((row["kind"], row["person"], row["key"]) for row in rows)
    for letter, count in letters.items():
        if count > 1:
            yield f"{letter} is {count} times in the database"
    for message_id, addresses in mails.items():
        row = by_id.get(message_id)
        if len(addresses) > 1:
            yield f"<{message_id}> was delivered {len(addresses)} times"
        if row is None:
            yield f"<{message_id}> was delivered, but the database does not know it"
        elif row["state"] not in ("sent", *DOUBTFUL):
            yield f"<{message_id}> was delivered, but is {row['state']}"
        elif row["address"] != addresses[0]:
            yield f"<{message_id}> went to {addresses[0]}, not to {row['address']}"
        for address in addresses:
            if address in bounces:
                yield f"<{message_id}> was delivered to {address}, which bounces"
    for row in rows:
        if row["state"] == "sent" and row["message_id"] not in mails:
            yield f"<{row['message_id']}> is sent, but was not delivered"
        if row["state"] in DOUBTFUL and not allow_doubt:
            yield f"<{row['message_id']}> is {row['state']}"


def count_by_job(mails, rows):
    jobs = {job: collections.Counter(delivered=0, bounced=0) for job in JOBS.values()}
    for row in rows:
        jobs[JOBS[row["kind"]]][row["state"]] += 1
        jobs[JOBS[row["kind"]]]["delivered"] += len(mails.get(row["message_id"], ()))
    return jobs


def main():
    parser = argparse.ArgumentParser(description="Checks delivered mails against the database.")
    parser.add_argument("folder")
    parser.add_argument("database")
    parser.add_argument("--allow-doubt", action="store_true")
    options = parser.parse_args()
    try:
        mails = read_mails(options.folder)
        rows, bounces = read_rows(options.database)
    except (OSError, sqlite3.Error) as error:
        print(json.dumps({"ok": False, "problems": [f"cannot check: {error}"]}))
        return 1
    problems = list(find_problems(mails, rows, bounces, options.allow_doubt))
    print(json.dumps({
        "ok": not problems,
        "delivered": sum(len(addresses) for addresses in mails.values()),
        "jobs": count_by_job(mails, rows),
        "problems": problems,
    }))
    return 0 if not problems else 1


if __name__ == "__main__":
    sys.exit(main())
