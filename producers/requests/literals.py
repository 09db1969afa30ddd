"""Text as a string literal, so that the language reads back exactly the same characters.

What a reader could not see, or a terminal would act on, is escaped where the language has escapes.
"""

from collections.abc import Callable

_SHORT = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def shell(text: str) -> str:
    """For POSIX shells: nothing has a meaning between single quotes but the quote itself. Has no escapes."""
    return "'" + text.replace("'", "'\\''") + "'"


def python(text: str) -> str:
    """For Python 3."""
    return repr(text)


def javascript(text: str) -> str:
    """For JavaScript; single quotes, so that neither the quotes of JSON nor `${` mean anything."""
    return _escaped(text, "'", str.isprintable, _utf16_escapes)


def java(text: str) -> str:
    """For Java; in ASCII, because before Java 18 the source is read in the encoding of the machine."""
    return _escaped(text, '"', lambda character: " " <= character <= "~", _utf16_escapes)


def go(text: str) -> str:
    """For Go; raw where the text allows it."""
    if text.isprintable() and "`" not in text:
        return f"`{text}`"
    return _escaped(text, '"', str.isprintable, _code_point_escape)


def _escaped(text: str, quote: str, is_shown: Callable[[str], bool], escape: Callable[[str], str]) -> str:
    short = _SHORT | {quote: "\\" + quote}
    return quote + "".join([short.get(c) or (c if is_shown(c) else escape(c)) for c in text]) + quote


def _utf16_escapes(character: str) -> str:
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def _code_point_escape(character: str) -> str:
    return f"\\U{ord(character):08x}"
