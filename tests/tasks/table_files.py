"""A table of messages for a help desk, and the files that it is written to."""

from __future__ import annotations

import csv
import json

WORDS = [
    "amber",
    "brook",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "haven",
    "inlet",
    "jetty",
    "knoll",
    "ledge",
    "marsh",
    "north",
    "ocean",
    "pearl",
    "quartz",
    "ridge",
    "slope",
    "thorn",
]


def text(i):
    """Texts that are unlike one another."""
    return (
        " ".join(WORDS[(i * 7 + k * (i // 20 + 3)) % 20] + chr(97 + (i * k) % 26) for k in range(8))
        + f" {chr(97 + i % 26)}{i // 26}"
    )


def rows(count=100, labelled=60):
    return [{"message": text(i), "desk": ("post" if i % 3 else "till") if i < labelled else ""} for i in range(count)]


def csv_file(path, found, delimiter=","):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(found[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(found)
    return path


def jsonl_file(path, found):
    path.write_text("".join(json.dumps(row) + "\n" for row in found))
    return path
