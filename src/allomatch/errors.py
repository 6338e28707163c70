"""Errors: one base class with a stable code, and children that are also the builtin a user would catch.

The codes are those of the compiled core (``ErrorCode``, docs/errors.md): 1xx argument, 2xx nomenclature and typing, 3xx file
format, 4xx input and output, 5xx resources. Every message names the value, the place and the remedy.
"""

from __future__ import annotations

from allomatch._core import ERROR_CODES

__all__ = [
    "AllomatchError",
    "ArgumentError",
    "FileAccessError",
    "FileExistsAlreadyError",
    "FileFormatError",
    "FileMissingError",
    "FilePermissionError",
    "ReleaseNotFoundError",
    "ResourceError",
    "TypingError",
]


class AllomatchError(Exception):
    """Base of all errors that allomatch raises on purpose.

    Attributes:
        code: The stable number of the kind of error (docs/errors.md).
    """

    code: int

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        """Let errors cross processes: a pool pickles them."""
        return type(self), (self.code, str(self))


class ArgumentError(AllomatchError, ValueError):
    """An argument or a table that cannot be used (1xx)."""


class TypingError(AllomatchError, ValueError):
    """A typing, an HLA name or a release file that cannot be read (2xx)."""


class ReleaseNotFoundError(TypingError, LookupError):
    """A nomenclature release that is not installed (210)."""


class FileFormatError(AllomatchError, ValueError):
    """A file that is not a registry, or a damaged one (3xx)."""


class FileAccessError(AllomatchError, OSError):
    """A file that cannot be opened, read or written (4xx)."""


class FileMissingError(FileAccessError, FileNotFoundError):
    """A file that does not exist (400)."""


class FilePermissionError(FileAccessError, PermissionError):
    """A file or folder that may not be used (401)."""


class FileExistsAlreadyError(FileAccessError, FileExistsError):
    """A file that exists, or that another process is writing (403)."""


class ResourceError(AllomatchError, RuntimeError):
    """More rows or values than a file can hold, or an interruption (5xx)."""


def code_of(name: str) -> int:
    """Return the number of an error code by its name in the core.

    Args:
        name: For example ``"UnknownName"``.

    Example:
        >>> code_of("UnknownName")
        202
    """
    return ERROR_CODES[name]


def problem(name: str, message: str) -> AllomatchError:
    """Make the exception of a kind by its name; what the package's own code raises.

    Args:
        name: For example ``"FileNotFound"``.
        message: The text of the error: value, place, remedy.

    Example:
        >>> isinstance(problem("FileNotFound", "no file x"), FileNotFoundError)
        True
    """
    return from_code(code_of(name), message)


def from_code(code: int, message: str) -> AllomatchError:
    """Make the exception that belongs to a code; called by the compiled core.

    Args:
        code: A number of ``ErrorCode``.
        message: The text of the error.

    Example:
        >>> type(from_code(202, "unknown name")).__name__
        'TypingError'
    """
    special: dict[int, type[AllomatchError]] = {
        code_of("ReleaseNotFound"): ReleaseNotFoundError,
        code_of("FileNotFound"): FileMissingError,
        code_of("PermissionDenied"): FilePermissionError,
        code_of("AlreadyExists"): FileExistsAlreadyError,
    }
    by_hundred: dict[int, type[AllomatchError]] = {
        1: ArgumentError,
        2: TypingError,
        3: FileFormatError,
        4: FileAccessError,
        5: ResourceError,
    }
    return special.get(code, by_hundred.get(code // 100, AllomatchError))(code, message)
