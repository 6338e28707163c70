"""Text from outside, made safe for a page: nothing of it can become markup, or drive what shows it."""

from __future__ import annotations

from html import escape

__all__ = ["shown"]


def shown(value: object) -> str:
    r"""Return a text escaped for HTML and SVG, between tags or in a quoted attribute; None becomes empty.

    Control and other unprintable characters, which a page may not hold or which turn its direction, become their codes.

    Example:
        >>> shown("<b>"), shown("a\x00")
        ('&lt;b&gt;', 'a\\x00')
    """
    text = "" if value is None else str(value)
    plain = "".join(
        each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode() for each in text
    )
    return escape(plain, quote=True)
