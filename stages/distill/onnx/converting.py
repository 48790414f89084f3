"""A folder of transformers 5 in the form that transformers 4.57 reads, the newest that optimum exports from."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from distill.errors import DataError
from distill.rows.files import read_object, write_json

TOKENIZER_FILE, _CONFIG_FILE = "tokenizer_config.json", "config.json"


def older_folder(folder: Path, place: Path) -> Path:
    """Writes the folder's files to `place`, with tokenizer and configuration in the older form; weights are links.

    Raises DataError where the older form cannot express the configuration.
    """
    place.mkdir(parents=True)
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix == ".safetensors":
            (place / path.name).symlink_to(path.resolve())
        elif path.is_file():
            shutil.copyfile(path, place / path.name)
    config = read_object(folder / _CONFIG_FILE)
    write_json(place / _CONFIG_FILE, older_config(config))
    write_json(
        place / TOKENIZER_FILE,
        older_tokenizer(read_object(folder / TOKENIZER_FILE), read_object(folder / "tokenizer.json"), config),
    )
    return place


def older_config(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with `rope_parameters` split into `rope_theta` and `rope_scaling`.

    transformers 4 would pass over the model's own theta in silence, and its answers would change. Raises DataError
    where layers have rotations of their own.
    """
    older = dict(config)
    rope = older.pop("rope_parameters", None)
    if rope is None:
        return older
    if any(isinstance(value, dict) for value in rope.values()):
        raise DataError(
            f"{_CONFIG_FILE}: rope_parameters differ by kind of layer ({', '.join(rope)}), which"
            " transformers 4.57 cannot read: there is no ONNX export"
        )
    older["rope_theta"] = rope.get("rope_theta", 10_000.0)
    scaling = {name: value for name, value in rope.items() if name != "rope_theta"}
    older["rope_scaling"] = None if scaling.get("rope_type", "default") == "default" else scaling
    return older


def older_tokenizer(tokenizer: dict[str, Any], file: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """The class that reads `tokenizer.json`, here `file`, and the older names of special tokens and inputs.

    That class puts its own `add_prefix_space` over the file's, so the file's is repeated.
    """
    older = {
        name: value
        for name, value in tokenizer.items()
        if name not in ("backend", "tokenizer_class", "extra_special_tokens")
    }
    extra = tokenizer.get("extra_special_tokens")
    if isinstance(extra, list):
        older["additional_special_tokens"] = extra
    elif isinstance(extra, dict):
        older["extra_special_tokens"] = extra
    spaced = (file.get("pre_tokenizer") or {}).get("add_prefix_space")
    if spaced is not None:
        older["add_prefix_space"] = spaced
    older["tokenizer_class"] = "PreTrainedTokenizerFast"
    # A text alone has one type; only models with a table of types read it.
    types = ["token_type_ids"] if config.get("type_vocab_size", 0) > 1 else []
    older["model_input_names"] = ["input_ids", *types, "attention_mask"]
    return older
