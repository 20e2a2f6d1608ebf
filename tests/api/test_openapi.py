#!/usr/bin/python3
"""api/openapi.yaml, the table of routes, the words of the model and the commands tell of one
API. (That the manual has every route is looked at in tests/structure.)"""
import json
import os
import re
import subprocess
import sys
import unittest

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests/daemon"))
from harness import BELFRY, Belfry  # noqa: E402


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


DOCUMENT = yaml.safe_load(read("api/openapi.yaml"))


def operations():
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                parameters = item.get("parameters", []) + operation.get("parameters", [])
                yield method.upper(), path, operation, [follow(row) for row in parameters]


def follow(node):
    while "$ref" in node:
        found = DOCUMENT
        for name in node["$ref"][2:].split("/"):
            found = found[name]
        node = found
    return node


def c_strings(text):
    """The value of adjacent C literals."""
    return "".join(json.loads(f'"{piece}"') for piece in re.findall(r'"((?:[^"\\]|\\.)*)"', text))


def routes():
    """(method, path) to (summary, scope) of the table in C."""
    text = read("src/api/routes.c")
    table = text[text.index("routes[] = {"):text.index("enum { ROUTE_COUNT")]
    found = {}
    for row in re.findall(r"\{\s*(\"(?:GET|POST|DELETE)\".*?)\},\n\t?(?=\{|\})", table, re.S):
        method, path, rest = re.match(r'"(\w+)",\s*"([^"]+)",\s*(.*)', row, re.S).groups()
        summary = c_strings(re.match(r'((?:"(?:[^"\\]|\\.)*"\s*)+)', rest)[1])
        scope = re.search(r"\.scope = SCOPE_(\w+)", rest)
        is_open = ".is_open = true" in rest
        found[method, path] = summary, None if is_open else scope[1].lower() if scope else "view"
    return found


def enums():
    """NAME to its words, of words.h; an empty word is no word."""
    text = read("src/model/words.h")
    return {name: [word for word in re.findall(r'X\(\w+,\s*"([^"]*)"\)', body) if word]
            for name, body in re.findall(r"#define (\w+)\(X\)(.*?)\n\n", text, re.S)}


def commands():
    return {row["name"] for row in json.loads(subprocess.run(
        [BELFRY, "help", "--json"], stdout=subprocess.PIPE, check=True).stdout)}


def shape(path):
    """/api/v1/jobs/{job}/plan as a pattern without names."""
    return re.sub(r"\{\w+\}", "{}", path)


class OneApi(unittest.TestCase):
    def test_every_route_is_written_down_and_nothing_else(self):
        table = routes()
        written = {(method, path): operation for method, path, operation, _ in operations()}
        self.assertGreater(len(table), 30)
        self.assertEqual(sorted(table), sorted(written))
        for key, operation in written.items():
            with self.subTest(operation=key):
                security = operation.get("security", DOCUMENT["security"])
                scope = security[0]["token"][0] if security else None
                self.assertEqual(table[key], (operation["summary"], scope))

    def test_operation_ids_and_references(self):
        ids = [operation["operationId"] for *_, operation, _ in operations()]
        self.assertEqual(len(ids), len(set(ids)))
        text = read("api/openapi.yaml")
        for ref in set(re.findall(r'\$ref: "([^"]+)"', text)):
            self.assertTrue(follow({"$ref": ref}), ref)
        used = set(re.findall(r'components/\w+/(\w+)"', text))
        for kind in ("parameters", "requestBodies", "responses", "schemas"):
            for name in DOCUMENT["components"][kind]:
                if name != "LogLine":  # a line of a text
                    self.assertIn(name, used, f"{kind} {name} is used nowhere")

    def test_words_are_the_model_s(self):
        schemas = DOCUMENT["components"]["schemas"]
        of_model = {"OUTCOMES": "Outcome", "TRIGGERS": "Trigger", "RUN_STATES": "RunState",
                    "OCCURRENCE_STATES": "OccurrenceState", "REASONS": "Reason",
                    "EXECUTORS": "ExecutorKind", "STREAMS": "Stream", "SCOPES": "Scope",
                    "ABSENCES": "Absence", "OVERLAPS": "Overlap", "CATCHUPS": "Catchup",
                    "PLAN_KINDS": "PlanKind"}
        words = enums()
        self.assertEqual(set(of_model), set(words))
        for name, schema in of_model.items():
            self.assertEqual(words[name], schemas[schema]["enum"], name)
        self.assertEqual(words["OUTCOMES"], list(schemas["Counts"]["properties"]))
        self.assertEqual(words["PLAN_KINDS"],
                         list(schemas["Plan"]["properties"]["counts"]["properties"]))

    def test_parameters_are_those_that_the_server_takes(self):
        """The server names them when it is asked for one that is none."""
        with Belfry([{"name": "a", "schedule": "@yearly", "command": "true"}]) as b:
            b.start()
            run = b.trigger("a")
            for method, path, operation, parameters in operations():
                real = path.replace("{job}", "a").replace("{number}", "1")
                real = real.replace("{id}", run if "/runs/" in path else "00000000")
                body = method == "POST" and "requestBody" in operation
                status, text = b.http(method, real + "?no_such_parameter_at_all=1",
                                      {"Content-Type": "application/json"} if body else None)
                with self.subTest(operation=operation["operationId"]):
                    self.assertEqual(400, status, text)
                    detail = json.loads(text)["detail"]
                    named = re.search(r"there are (.*)$", detail)
                    names = named[1].split(", ") if named else []
                    self.assertTrue(named or "takes no parameters" in detail, detail)
                    self.assertEqual(sorted(names), sorted(row["name"] for row in parameters
                                                           if row["in"] == "query"))

    def test_what_is_served_is_what_is_written(self):
        with Belfry([]) as b:
            b.start()
            served = json.loads(b.http("GET", "/openapi.json")[1])
            version = served["info"].pop("version")
            self.assertEqual(version, json.loads(b.http("GET", "/health")[1])["version"])
            written = {**DOCUMENT, "info": {**DOCUMENT["info"]}}
            del written["info"]["version"]
            self.assertEqual(written, served)

    def test_commands_ask_for_what_is_there(self):
        known = {shape(path) for path in DOCUMENT["paths"]}
        asked = set()
        folder = os.path.join(ROOT, "src/cli")
        for name in sorted(os.listdir(folder)):
            if not name.endswith(".c"):
                continue
            for literal in re.findall(r'"(/(?:api|health|ready|metrics)[^"]*)"', read(
                    os.path.join(folder, name))):
                path = re.sub(r"%\w+", "{}", literal.split("?")[0])
                if path.startswith("/api/v1/apps/"):  # Fly's
                    continue
                asked.add(path)
                is_known = any(row == path or (path.endswith("/") and row.startswith(path + "{}"))
                               for row in known)
                self.assertTrue(is_known, f"{name} asks for {literal}")
        self.assertGreater(len(asked), 10)

    def test_each_operation_names_a_command_that_is_there(self):
        names = commands()
        self.assertGreater(len(names), 20)
        for *_, operation, _ in operations():
            if "x-belfry-cli" in operation:
                self.assertIn(operation["x-belfry-cli"], names, operation["operationId"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
