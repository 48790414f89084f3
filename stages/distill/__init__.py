"""The library. What must hold from a script's first import on, before the heavy ones: it ends with its parent, and
Ctrl-C ends it without a traceback.
"""

import sys as _sys

from distill.parents import end_with_parent as _end_with_parent


def _show(kind: type[BaseException], error: BaseException, trace: object) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        _sys.__excepthook__(kind, error, trace)  # type: ignore[arg-type]


_sys.excepthook = _show
_end_with_parent()
