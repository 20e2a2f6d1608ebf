#!/usr/bin/python3
"""Writes openapi.yaml as the C text that the server serves: JSON, in the order of the file."""
import json
import sys

import yaml

HEAD = """/* openapi_text.c - api/openapi.yaml as JSON; made by api/embed.py. */
#include "openapi_text.h"

const char openapi_text[] =
"""


def main(source, version, target):
    with open(source, encoding="utf-8") as file:
        document = yaml.safe_load(file)
    document["info"]["version"] = version
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=True)
    # A C compiler has to take literals of 4,095 characters only when they are joined of pieces.
    pieces = [text[at:at + 90] for at in range(0, len(text), 90)]
    with open(target, "w", encoding="ascii") as file:
        file.write(HEAD)
        # A JSON text of ASCII, quoted once more, is a C literal.
        file.write("\n".join("\t" + json.dumps(piece) for piece in pieces) + ";\n")
        file.write("const size_t openapi_text_length = sizeof(openapi_text) - 1;\n")


main(*sys.argv[1:])
