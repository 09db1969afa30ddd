"""Paths of the API, as in its pages; a name in braces is a parameter."""

from enum import StrEnum
from urllib.parse import quote


class Endpoint(StrEnum):
    """The push operations. Source: the API pages, grade A; batch paths as all SDKs use them (B)."""

    PUSH = "/v4/push"
    VALIDATE = "/v4/push/validate"
    WITHDRAW = "/v4/push/withdraw/{msg_id}"
    BATCH_REGID = "/v4/batch/push/regid"
    BATCH_ALIAS = "/v4/batch/push/alias"
    GROUP = "/v4/grouppush"

    def path(self, **parameters: str) -> str:
        """Fill in the parameters, percent-encoded. The member itself is what errors show."""
        return self.value.format(**{name: quote(value, safe="") for name, value in parameters.items()})
