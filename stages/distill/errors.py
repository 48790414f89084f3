"""What a person can mend, and a disk that takes no more."""

import errno
import re

_DISK_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
# The same in the words of torch, safetensors and tokenizers, which raise errors of their own.
_DISK_WORDS = re.compile(
    r"PytorchStreamWriter failed writing|unexpected pos \d+ vs"
    r"|(?:No space left|File too large|Disk quota|Read-only file).{0,40}os error"
)
_KEPT = "make room, then run again; what was paid is in the response store"


class UserError(ValueError):
    """A mistake in settings, data or circumstances. The message says what, where, and what to do; a
    stage prints it without a traceback and stops."""


class DataError(UserError):
    """A data file that cannot be used; the message has file, line, field and what to do."""


def disk_fault(error: BaseException) -> str | None:
    """In one line that a disk takes no more, where that is why something failed; None where it is not."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, OSError) and link.errno in _DISK_FAULTS:
            return f"{link.filename or 'a file'}: cannot be written ({link.strerror}): {_KEPT}"
        if words := _DISK_WORDS.search(str(link)):
            return f"a file cannot be written ({words[0]}; is the disk full?): {_KEPT}"
        link = link.__cause__ or link.__context__
    return None
