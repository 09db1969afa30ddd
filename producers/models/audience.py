"""Who receives a push request: the `to` of POST /v4/push."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from .base import VendorModel
from .json_values import refusal
from .targets import name_fault, registration_id_fault

MOST_ALIASES = 1000
"""Grade A."""


def _names(fault: Callable[[object], str], most: int | None = None) -> Any:
    def checked(values: Any) -> Any:
        if values is None:
            return None
        if not isinstance(values, list | tuple):
            raise refusal("must be a list of strings")
        # The vendor takes an empty list as absent, which would send to more people than was meant.
        if not values:
            raise refusal("must not be empty; leave it out instead")
        if most is not None and len(values) > most:
            raise refusal(f"has {len(values)} entries; at most {most}")
        for index, value in enumerate(values):
            if reason := fault(value):
                raise refusal(reason, [str(index)])
        return list(values)

    return PlainValidator(checked)


Names = Annotated[list[str] | None, _names(name_fault)]
Aliases = Annotated[list[str] | None, _names(name_fault, MOST_ALIASES)]
RegistrationIds = Annotated[list[str] | None, _names(registration_id_fault)]


def _not_blank(value: str | None) -> str | None:
    if value is not None and not value.strip():
        raise refusal("must not be empty")
    return value


class Segment(VendorModel):
    """A user segment made in the console (grade A)."""

    api_path: ClassVar[str] = "to.seg"

    id: Annotated[str, AfterValidator(_not_blank)]


class Audience(VendorModel):
    """The receivers of one push request; several keys narrow each other (AND).

    `registration_id`, `alias` and `tag` match any of their entries, `tag_and` all, `tag_not` none
    (grade A; at most 1,000 aliases). Empty lists are refused, although the vendor takes them as absent.
    At least one of the keys below is needed, so that a misspelt key alone is not sent.

    Raises:
        InvalidPush: field `to`, `to.alias.3` and so on.
    """

    api_path: ClassVar[str] = "to"

    registration_id: RegistrationIds = None
    alias: Aliases = None
    tag: Names = None
    tag_and: Names = None
    tag_not: Names = None
    seg: Segment | None = None
    live_activity_id: Annotated[str | None, AfterValidator(_not_blank), Field(max_length=1000)] = None

    @model_validator(mode="after")
    def _needs_a_key(self) -> Self:
        if not self.keys():
            raise refusal(f"empty target: give one of {', '.join(type(self).model_fields)}, or 'all'")
        return self

    def keys(self) -> set[str]:
        """Names of the keys in use, of those that the reference lists."""
        return {name for name in type(self).model_fields if getattr(self, name) is not None}


To = Literal["all"] | Audience
