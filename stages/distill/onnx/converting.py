"""A folder of transformers 5 as transformers 4.57 reads it, which is the newest that optimum exports from."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from distill.errors import DataError
from distill.rows.files import read_object, write_json

TOKENIZER, CONFIG = "tokenizer_config.json", "config.json"


def converted(folder: Path, place: Path) -> Path:
    """Writes the folder's files to `place`, with tokenizer and configuration in the older form; weights are links.

    Raises DataError where the configuration says something that the older form cannot.
    """
    place.mkdir(parents=True)
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix == ".safetensors":
            (place / path.name).symlink_to(path.resolve())
        elif path.is_file():
            shutil.copyfile(path, place / path.name)
    config = read_object(folder / CONFIG)
    write_json(place / CONFIG, older_config(config))
    write_json(
        place / TOKENIZER,
        older_tokenizer(read_object(folder / TOKENIZER), read_object(folder / "tokenizer.json"), config),
    )
    return place


def older_config(config: dict[str, Any]) -> dict[str, Any]:
    """`rope_parameters` split into `rope_theta` and `rope_scaling`: read as they stand, a model's own theta would be
    passed over in silence, and its answers change. Raises DataError where layers have rotations of their own."""
    made = dict(config)
    rope = made.pop("rope_parameters", None)
    if rope is None:
        return made
    if any(isinstance(value, dict) for value in rope.values()):
        raise DataError(
            f"{CONFIG}: rope_parameters differ by kind of layer ({', '.join(rope)}), which transformers 4.57 cannot"
            " read: no ONNX export"
        )
    made["rope_theta"] = rope.get("rope_theta", 10_000.0)
    scaling = {name: value for name, value in rope.items() if name != "rope_theta"}
    made["rope_scaling"] = None if scaling.get("rope_type", "default") == "default" else scaling
    return made


def older_tokenizer(tokenizer: dict[str, Any], file: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """The class that reads `tokenizer.json`, here `file`, and the older names of special tokens and inputs.

    That class puts its own `add_prefix_space` over the file's, so the file's is repeated.
    """
    made = {
        name: value
        for name, value in tokenizer.items()
        if name not in ("backend", "tokenizer_class", "extra_special_tokens")
    }
    extra = tokenizer.get("extra_special_tokens")
    if isinstance(extra, list):
        made["additional_special_tokens"] = extra
    elif isinstance(extra, dict):
        made["extra_special_tokens"] = extra
    spaced = (file.get("pre_tokenizer") or {}).get("add_prefix_space")
    if spaced is not None:
        made["add_prefix_space"] = spaced
    made["tokenizer_class"] = "PreTrainedTokenizerFast"
    # One text at a time has one type; only models with a table of types are told.
    types = ["token_type_ids"] if config.get("type_vocab_size", 0) > 1 else []
    made["model_input_names"] = ["input_ids", *types, "attention_mask"]
    return made
