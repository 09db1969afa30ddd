"""The requests that push: what a worker makes of an enqueued push when it goes out alone."""

from collections.abc import Iterable

from ..contract import Kind
from ..models import Limits
from ..models.limits import DEFAULT_LIMITS
from ..profiles import Profile
from ..sends import Send
from .request import Request

_BATCH_PATHS = {Kind.REGID: "/v4/batch/push/regid", Kind.ALIAS: "/v4/batch/push/alias"}


def batch_request(kind: Kind, items: Iterable[bytes]) -> Request:
    """One batch call to registration ids or aliases; `items` are encoded as `Content.item` does."""
    return Request("POST", _BATCH_PATHS[kind], b'{"requests":[' + b",".join(items) + b"]}")


def request_of_send(send: Send, profile: Profile, push_id: str, limits: Limits = DEFAULT_LIMITS) -> Request:
    """The call for one send, a batch of one; `push_id` is its cid.

    Raises:
        InvalidPush: as for `Producer.send`.
    """
    kind, target = send.addressed()
    return batch_request(kind, [send.encode(profile, limits).item(target, push_id)])
