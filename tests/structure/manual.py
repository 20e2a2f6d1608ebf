#!/usr/bin/python3
"""The manual has a line for every command, option, key and route, and for no other;
belfry-schedule(3) declares each function as the library's header does.

    manual.py BELFRY SOURCE_ROOT

Commands and options are those that the program itself tells, keys those of the one
table that parses schedules.json, routes the rows of src/api/routes.c.
"""
import json
import os
import re
import subprocess
import sys

# Before a list of the manual a section begins so.
HEAD = re.compile(r"^(#{1,2}) (.+)$")
OPTION = re.compile(r"^(?:\*-(?P<letter>.)\*, )?\*--(?P<name>[a-z-]+)\*(?: _(?P<value>[^_]+)_)?$")
KEY = re.compile(r"^\*([$a-z_.]+)\*$")
ROUTE = re.compile(r"^\*([A-Z]+ /\S*)\*$")


def read_page(path):
    """{(heading, subheading or None): lines that begin an entry of a list}"""
    sections, head, sub = {}, None, None
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    for line, following in zip(lines, lines[1:] + [""]):
        found = HEAD.match(line)
        if found:
            head, sub = (found[2], None) if found[1] == "#" else (head, found[2])
            sections[head, sub] = []
        elif head and following.startswith("\t"):
            sections[head, sub].append(line)
    return sections


def compare(what, ours, written):
    """One problem for each that is on one side only."""
    for one in sorted(ours - written):
        yield f"{what} {one} has no line"
    for one in sorted(written - ours):
        yield f"{what} {one} has a line, but there is no such thing"


def spell(option):
    letter = f"*-{option['letter']}*, " if "letter" in option else ""
    value = f" _{option['value']}_" if "value" in option else ""
    return f"{letter}*--{option['name']}*{value}"


def check_commands(commands, page):
    """Each has its section with its own options; what all take is told once."""
    common = {spell(option) for command in commands if command["name"] == "list"
              for option in command["options"]}
    visible = [command for command in commands if not command["hidden"]]
    yield from compare("command", {command["name"] for command in visible},
                       {sub for head, sub in page if head == "COMMANDS" and sub})
    written = {line for line in page["OPTIONS", None] if OPTION.match(line)}
    yield from compare("option", common, written)
    for command in visible:
        ours = {spell(option) for option in command["options"]} - common
        written = {line for line in page.get(("COMMANDS", command["name"]), [])
                   if OPTION.match(line)}
        yield from compare(f"option of {command['name']}", ours, written)


def check_keys(keys, page):
    paths = {key["path"] for key in keys}
    top = {path for path in paths if not path.startswith("jobs[].")}
    of_jobs = {path[len("jobs[]."):] for path in paths - top}
    for heading, ours in (("THE FILE", top), ("JOBS", of_jobs)):
        written = {KEY.match(line)[1] for (head, _), lines in page.items() if head == heading
                   for line in lines if KEY.match(line)}
        yield from compare("key", ours, written)


def check_routes(source, page):
    with open(os.path.join(source, "src/api/routes.c"), encoding="utf-8") as file:
        routes = {" ".join(row) for row in
                  re.findall(r'^\t\{"([A-Z]+)", "(/[^"]*)",', file.read(), re.M)}
    written = {ROUTE.match(line)[1] for line in page["HTTP", None] if ROUTE.match(line)}
    if not routes:
        yield "no routes were found in src/api/routes.c"
    yield from compare("route", routes, written)


def declarations(text):
    """The functions that a text declares, in one spelling."""
    return {re.sub(r"\s+", " ", found).replace("( ", "(").replace("* ", "*")
            for found in re.findall(r"^[a-z_][a-z0-9_ ]*[ *\n]belfry_[a-z_]+\([^;]*\);", text, re.M)}


def check_library(source):
    with open(os.path.join(source, "src/libschedule/include/belfry/schedule.h"),
              encoding="utf-8") as file:
        header = declarations(re.sub(r"^BELFRY_API ", "", file.read(), flags=re.M))
    with open(os.path.join(source, "man/belfry-schedule.3.scd"), encoding="utf-8") as file:
        page = declarations(file.read().split("# DESCRIPTION")[0])
    if not header:
        yield "no functions were found in belfry/schedule.h"
    yield from compare("function", header, page)


def ask(belfry, *words):
    return json.loads(subprocess.run([belfry, *words, "--json"], check=True,
                                     stdout=subprocess.PIPE, text=True).stdout)


def main():
    belfry, source = sys.argv[1:]
    pages = {name: read_page(os.path.join(source, "man", name + ".scd"))
             for name in ("belfry.1", "belfry-schedules.5")}
    commands, keys = ask(belfry, "help"), ask(belfry, "keys")
    problems = [f"man/belfry.1.scd: {problem}"
                for problem in (*check_commands(commands, pages["belfry.1"]),
                                *check_routes(source, pages["belfry.1"]))]
    problems += [f"man/belfry-schedules.5.scd: {problem}"
                 for problem in check_keys(keys, pages["belfry-schedules.5"])]
    problems += [f"man/belfry-schedule.3.scd: {problem}" for problem in check_library(source)]
    print("\n".join(problems))
    print(f"{len(commands)} commands, {len(keys)} keys checked, {len(problems)} problems")
    return 1 if problems or not commands or not keys else 0


if __name__ == "__main__":
    sys.exit(main())
