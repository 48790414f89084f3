from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from distill.settings.loader import MOST_SEED, Refused, setting

_MOST_WEIGHTS = 10**10  # 40 GB


@dataclass(frozen=True)
class ScratchSettings:
    """Sizes of an untrained T5, Llama or BERT, for `student.name: scratch`."""

    architecture: Literal["encoder_decoder", "decoder_only", "encoder"]
    vocabulary: int = setting(least=512, most=1_000_000)
    d_model: int = setting(least=8, most=65_536)
    d_ff: int = setting(least=8, most=262_144)
    heads: int = setting(least=1, most=1024)
    encoder_layers: int = setting(least=1, most=1000)
    decoder_layers: int = setting(least=1, most=1000)
    dropout: float = setting(least=0, most=0.9)

    def __post_init__(self) -> None:
        if self.d_model % self.heads:
            raise Refused(
                "heads",
                f"is {self.heads} and student.scratch.d_model is {self.d_model}, which it must divide: change either",
            )
        layers = self.encoder_layers + self.decoder_layers
        weights = self.d_model * (self.vocabulary + layers * (4 * self.d_model + 2 * self.d_ff))
        if weights > _MOST_WEIGHTS:
            raise Refused(
                "d_model",
                f"is {self.d_model}, which with d_ff, vocabulary and layers makes some {weights:.0e} weights; allowed:"
                f" {_MOST_WEIGHTS:.0e} from scratch",
            )


@dataclass(frozen=True)
class EncoderSettings:
    """What an encoder gets on top: a decoder for rationales, and how sharply it tells choices apart."""

    decoder_layers: int = setting(least=1, most=1000)
    decoder_heads: int = setting(least=1, most=1024)
    decoder_width: int | None = setting(least=8, most=65_536)
    temperature: float = setting(above=0, most=1000)

    def __post_init__(self) -> None:
        if self.decoder_width is not None and self.decoder_width % self.decoder_heads:
            raise Refused(
                "decoder_heads",
                f"is {self.decoder_heads} and student.encoder.decoder_width is {self.decoder_width}, which it must "
                "divide: change either",
            )


@dataclass(frozen=True)
class LoraSettings:
    """Low-rank adapters on a pretrained decoder-only student."""

    rank: int = setting(least=0, most=65_536)
    alpha: float = setting(above=0, most=1_000_000)
    dropout: float = setting(least=0, most=0.9)
    targets: tuple[str, ...]


@dataclass(frozen=True)
class StudentSettings:
    """The small model."""

    name: str
    revision: str | None
    scratch: ScratchSettings
    encoder: EncoderSettings
    lora: LoraSettings
    max_input_tokens: int = setting(least=8, most=1_000_000)
    max_rationale_tokens: int = setting(least=8, most=1_000_000)
    seed: int = setting(least=0, most=MOST_SEED)

    def __post_init__(self) -> None:
        if self.name != "scratch" and self.revision is None and not _is_folder(self.name):
            raise Refused(
                "revision",
                f"is empty and student.name is {self.name!r}, which is no local folder: set this to the commit hash "
                "that the hub id is pinned to, or student.name to scratch or to a folder that is there",
            )
        if self.name == "scratch" and self.lora.rank:
            raise Refused(
                "lora.rank",
                f"is {self.lora.rank} and student.name is scratch, and adapters need pretrained weights: set this to "
                "0, or student.name to a pretrained model",
            )


def _is_folder(name: str) -> bool:
    try:
        return bool(name.strip()) and Path(os.path.expanduser(name)).is_dir()
    except OSError:  # a name of too many characters, say
        return False
