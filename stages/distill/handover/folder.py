"""The folder that is handed over: the student's own files, linked where that is possible, and what is written anew."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from distill.errors import DataError
from distill.handover.generation import GENERATION_FILE, generation_config
from distill.rows.files import read_object, write_json
from distill.student.plan import DECODER_ONLY, StudentPlan

# What `save_pretrained` and the student's own code write. Anything else, a pickle first of all, is not handed on.
HANDED_SUFFIXES = (".safetensors", ".json", ".jinja", ".txt", ".model")
PROVENANCE_FILE = "provenance.json"
_TOKENIZER_FILE = "tokenizer_config.json"


def hand_over(student: Path, folder: Path) -> StudentPlan:
    """Fills the empty or missing `folder` with the student's files, and returns the student's plan.

    Weights are the same files; generation settings and the tokenizer's limit are written anew, so that plain use
    gives what the student's own predictions give. Raises DataError where `student` holds anything but a student.
    """
    plan = StudentPlan.read(student)
    files = sorted(path for path in student.rglob("*") if not path.is_dir())
    foreign = [str(path.relative_to(student)) for path in files if path.suffix not in HANDED_SUFFIXES]
    if foreign:
        raise DataError(
            f"{student}: has {', '.join(foreign)}; a folder to hand over holds only files with the endings"
            f" {', '.join(HANDED_SUFFIXES)}: train the student anew"
        )
    for path in files:
        place = folder / path.relative_to(student)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".safetensors":
            link_or_copy(path, place)
        else:
            shutil.copyfile(path, place)
    if (student / GENERATION_FILE).exists():
        write_json(folder / GENERATION_FILE, generation_config(student, plan))
    if plan.kind != DECODER_ONLY:
        # A decoder-only prompt ends with the mark, which must not be cut off.
        tokenizer = read_object(student / _TOKENIZER_FILE)
        write_json(folder / _TOKENIZER_FILE, tokenizer | {"model_max_length": plan.max_input_tokens})
    return plan


def has_chat_template(folder: Path) -> bool:
    """Whether the folder's tokenizer has a chat template."""
    return (folder / "chat_template.jinja").exists() or bool(read_object(folder / _TOKENIZER_FILE).get("chat_template"))


def weights_size(folder: Path) -> int:
    """Bytes of the folder's weights."""
    return sum(path.stat().st_size for path in folder.rglob("*.safetensors"))


def link_or_copy(source: Path, place: Path) -> None:
    """`place` becomes a hard link to the file `source`, or a copy where the file system refuses the link.

    Nothing here writes into a file that exists, and DVC deletes an out before it is made anew. So neither of two linked
    files changes with the other, nor DVC's cache where `source` is itself a link into it.
    """
    try:
        os.link(source.resolve(), place)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES, errno.ENOSYS):
            raise
        shutil.copyfile(source, place)
