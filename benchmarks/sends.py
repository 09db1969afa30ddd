"""The sends of all figures: the item of each is 300 bytes as it goes to the API."""

from collections.abc import Iterator
from functools import cache

from producers import Notification, Send
from producers.encoding import encode_content, encode_request

ITEM_BYTES = 300
_TITLE = "Your order is on its way"


def registration_ids(count: int, first: int = 0) -> Iterator[str]:
    """Devices that the sandbox knows, each once."""
    return (f"rid-{number:012d}" for number in range(first, first + count))


def notification(number: int = 0) -> Notification:
    """A notification as an application would build it for one device."""
    text = f"Order {number:010d} ".ljust(_text_bytes(), "x")
    return Notification.model_validate({"android": {"title": _TITLE, "alert": text}})


def models(count: int, first: int = 0) -> Iterator[Send]:
    """Sends with a content of their own each, made on the way as an application does."""
    for number, target in enumerate(registration_ids(count, first), first):
        yield Send(registration_id=target, notification=notification(number))


def batch_item(target: str, cid: str) -> bytes:
    """One item of a batch call."""
    return encode_content(notification=notification()).item(target, cid)


def single_push(target: str, cid: str) -> bytes:
    """The same push as a request of its own, POST /v4/push."""
    to = {"registration_id": [target]}
    return encode_request(to=to, notification=notification()).request(cid, "naive")


@cache
def _text_bytes() -> int:
    bare = encode_content(notification={"android": {"title": _TITLE, "alert": "x"}})
    return ITEM_BYTES - len(bare.item(next(registration_ids(1)), "x" * 24)) + 1
