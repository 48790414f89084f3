"""A teacher that runs on this machine: a GGUF file, served by llama.cpp (`xllamacpp`) on loopback.

`with LocalModel(settings) as model:` reads no file. `model.client(say)` starts the server, in a process of its own that
ends with this one.
"""

from distill.teacher.local.model import LocalModel

__all__ = ["LocalModel"]
