"""The file of a model that this machine runs: where it is, and whether it is the one that the answers are stored by."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from distill import paths
from distill.teacher.exchange import TeacherError

_SETTING = "runtime.local.file"
_HUB = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)/(?P<file>[^@]+)@(?P<commit>[0-9a-f]{40})")
_PART = re.compile(r"-\d{5}-of-(?!00001)\d{5}\.gguf")
_MAGIC = b"GGUF"


def model_file(name: str | None, sha256: str) -> Path:
    """The GGUF file that `name` stands for: a path, from the clone in a temporary run of DVC too, or
    OWNER/NAME/FILE@COMMIT of the Hugging Face hub.

    Raises TeacherError where there is none, as gguf_sha256 does, and where its SHA-256 is another one.
    """
    if name is None:
        raise TeacherError(
            f"{_SETTING}: is null, and answers are missing in the store: set it to the path of the model's GGUF file"
        )
    hub, path = _HUB.fullmatch(name), Path(os.environ.get("DVC_ROOT") or ".") / paths.source(name)
    if hub and not path.exists():
        path = _from_hub(**hub.groupdict())
    digest = gguf_sha256(path)
    if digest != sha256:
        raise TeacherError(
            f"{_SETTING}: {path} has the SHA-256 {digest}, and teacher.local.sha256 is {sha256}: if the file is whole "
            "and the model that you mean, set teacher.local.sha256 to its hash"
        )
    return path


def gguf_sha256(path: Path) -> str:
    """The SHA-256 of a GGUF file. Raises TeacherError where it cannot be read, is no such file, or one of several that
    make a model."""
    if _PART.search(path.name):
        raise TeacherError(
            f"{_SETTING}: {path} is one part of several, whose hash says nothing of the others: join them, as with "
            "llama.cpp's `llama-gguf-split --merge`"
        )
    try:
        with open(path, "rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise TeacherError(f"{_SETTING}: {path} is no GGUF file: name the model's .gguf file")
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise TeacherError(
            f"{_SETTING}: {path}: no such file; allowed: a path, or OWNER/NAME/FILE@COMMIT of the Hugging Face hub, "
            "the commit with all of its 40 digits"
        ) from error
    except OSError as error:
        raise TeacherError(f"{_SETTING}: {path} cannot be read ({error.strerror})") from error


def _from_hub(repository: str, file: str, commit: str) -> Path:
    """The file in the hub's cache, fetched where it is not there yet."""
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(repository, file, revision=commit))
    except (OSError, ValueError) as error:  # the hub's own errors are among these
        reason = str(error).strip().partition("\n")[0]
        raise TeacherError(f"{_SETTING}: {repository}/{file} at {commit} cannot be fetched ({reason})") from error
