"""Keeps credentials and full targets out of every text that may reach a log line, an error or a page."""

import re
from collections.abc import Iterable, Sequence

from producers.errors import shortened

MAX_MESSAGE = 200
"""Characters of a fault's message."""

_MAX_INPUT = 4096
_MAX_DISTINCT = 8
_SHORT = 6
_MARK = "\0"
_HIDDEN = "***"
_WITHHELD = "(message withheld)"


class Scrubber:
    """Cleans the vendor's texts of one answer: bounded, one line, without secrets and without the known targets.

    Cost: one pass over all targets for each distinct text; beyond a handful of distinct texts they are withheld, so
    that an answer of 500 differing messages stays cheap.
    """

    __slots__ = ("_scanned", "_secrets", "_targets")

    def __init__(self, secrets: Iterable[str], targets: Sequence[str] = ()) -> None:
        self._secrets = tuple(secret for secret in secrets if secret)
        self._targets = targets
        self._scanned: dict[tuple[str, bool], str] = {}

    def clean(self, text: str, own: str = "") -> str:
        """Clean one text.

        Args:
            text: what the vendor or the network stack said.
            own: the target that the text is about, if it is about one: it is replaced first.
        """
        line = _one_line(text[:_MAX_INPUT])
        bare = _replace(line, own, _MARK) if own else line
        was_cut = len(text) > _MAX_INPUT
        known = self._scanned.get((bare, was_cut))
        if known is None:
            known = self._scan(bare) if len(self._scanned) < _MAX_DISTINCT else _WITHHELD
            # The cut may have gone through a target: what is left of it is at the very end.
            known = known[: -self._longest(own)] if was_cut else known
            self._scanned[bare, was_cut] = known
        return known.replace(_MARK, shortened(own))[:MAX_MESSAGE]

    def _scan(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        # Longest first: a target that begins another one must not leave the other's end readable.
        for target in sorted((t for t in self._targets if t and t in text), key=len, reverse=True):
            text = _replace(text, target, shortened(target))
        return text

    def _longest(self, own: str) -> int:
        return max(map(len, (own, *self._targets, *self._secrets)))


def _one_line(text: str) -> str:
    """Control characters would forge log lines, lone surrogates cannot be written at all."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def _replace(text: str, target: str, by: str) -> str:
    """Replace a target; a very short one only as a whole word, or every word of the message would lose letters."""
    if len(target) > _SHORT:
        return text.replace(target, by)
    return re.sub(rf"(?<!\w){re.escape(target)}(?!\w)", lambda _: by, text)
