from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from distill.settings.loader import Refused, setting


@dataclass(frozen=True)
class ScratchSettings:
    """Sizes of an untrained T5, Llama or BERT, for `student.name: scratch`."""

    architecture: Literal["encoder_decoder", "decoder_only", "encoder"]
    vocabulary: int = setting(least=512)
    d_model: int = setting(least=8)
    d_ff: int = setting(least=8)
    heads: int = setting(least=1)
    encoder_layers: int = setting(least=1)
    decoder_layers: int = setting(least=1)
    dropout: float = setting(least=0, most=0.9)

    def __post_init__(self) -> None:
        if self.d_model % self.heads:
            raise Refused(
                "heads",
                f"is {self.heads} and student.scratch.d_model is {self.d_model}, which it must divide: change either",
            )


@dataclass(frozen=True)
class EncoderSettings:
    """What an encoder gets on top: a decoder for rationales, and how sharply it tells choices apart."""

    decoder_layers: int = setting(least=1)
    decoder_heads: int = setting(least=1)
    decoder_width: int | None = setting(least=8)
    temperature: float = setting(above=0)

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

    rank: int = setting(least=0)
    alpha: float = setting(above=0)
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
    max_input_tokens: int = setting(least=8)
    max_rationale_tokens: int = setting(least=8)
    seed: int = setting(least=0)

    def __post_init__(self) -> None:
        if self.name != "scratch" and self.revision is None and not Path(self.name).expanduser().is_dir():
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
