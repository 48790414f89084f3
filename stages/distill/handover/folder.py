"""The files of the folder that is handed over: the student's own, by link where that can be, and what is
written anew.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

from distill.errors import DataError
from distill.handover.generation import generation_config
from distill.rows.files import read_object, write_json

# What `save_pretrained` and the student's own code write. Anything else, a pickle first of all, is not handed on.
SUFFIXES = (".safetensors", ".json", ".jinja", ".txt", ".model")
PLAN, GENERATION, TOKENIZER, PROVENANCE = (
    "student.json",
    "generation_config.json",
    "tokenizer_config.json",
    "provenance.json",
)


def hand_over(student: Path, folder: Path) -> dict[str, Any]:
    """Fills the empty or missing `folder` with the student's files, and returns its plan (student.json).

    Weights are the same files; generation settings and the tokenizer's limit are written anew, so that plain use
    gives what the student's own predictions give. Raises DataError where `student` holds anything but a student.
    """
    plan = read_object(student / PLAN)
    files = sorted(path for path in student.rglob("*") if not path.is_dir())
    strange = [str(path.relative_to(student)) for path in files if path.suffix not in SUFFIXES]
    if strange:
        raise DataError(
            f"{student}: has {', '.join(strange)}; a folder to hand over holds {', '.join(SUFFIXES)} files alone: train"
            " the student anew"
        )
    for path in files:
        place = folder / path.relative_to(student)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".safetensors":
            same_file(path, place)
        else:
            shutil.copyfile(path, place)
    if (student / GENERATION).exists():
        write_json(folder / GENERATION, generation_config(student, plan))
    if plan["kind"] != "decoder_only":
        # A decoder-only prompt ends with the mark, which must not be cut off.
        write_json(
            folder / TOKENIZER, read_object(student / TOKENIZER) | {"model_max_length": plan["max_input_tokens"]}
        )
    return plan


def chats(folder: Path) -> bool:
    """Whether the folder's tokenizer has a chat template."""
    return (folder / "chat_template.jinja").exists() or bool(read_object(folder / TOKENIZER).get("chat_template"))


def size(folder: Path) -> int:
    """Bytes of the folder's weights."""
    return sum(path.stat().st_size for path in folder.rglob("*.safetensors"))


def same_file(source: Path, place: Path) -> None:
    """`place` becomes a hard link to the file `source`, or a copy where the file system links no further.

    Nothing here writes into a file that is there, and DVC deletes an out before it is made anew: so neither of two
    linked files, nor DVC's cache where `source` is itself a link into it, changes with the other.
    """
    try:
        os.link(source.resolve(), place)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES, errno.ENOSYS):
            raise
        shutil.copyfile(source, place)
