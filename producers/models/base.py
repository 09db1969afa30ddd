"""What all vendor objects share: frozen, exact API names, unknown fields passed through, one kind of error."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from ..errors import InvalidPush
from .json_values import JsonAny

REPLACED_REASONS = {"missing": "is required", "extra_forbidden": "is not a known field; check the spelling"}


class VendorModel(BaseModel):
    """An object of the EngageLab API.

    Fields may be given by their Python name or by their API name; they are written under the API name.
    Fields that the API reference does not list pass through unchanged, so a misspelt name does too.
    None means absent, at every field. Dicts given to a model are copied; do not change a model's own dicts.

    Raises:
        InvalidPush: a field breaks a rule; `field` is its dotted path in the API.
    """

    model_config = ConfigDict(
        extra="allow",
        frozen=True,
        validate_by_name=True,
        validate_by_alias=True,
        # A pydantic error would otherwise print what it was given: bodies and ids.
        hide_input_in_errors=True,
    )
    __pydantic_extra__: dict[str, JsonAny] = Field(init=False)

    api_path: ClassVar[str] = ""

    def __init__(self, /, **data: Any) -> None:
        try:
            self.__pydantic_validator__.validate_python(data, self_instance=self)
        except ValidationError as error:
            raise invalid_push(error, self.api_path) from None

    # Without this mark pydantic would call __init__ for nested objects as well: slower, and the
    # path of an error would begin at the nested object. RootModel does the same.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def read(cls, value: Self | dict[str, Any]) -> Self:
        """The value itself when it is already such a model, else a model made from a dict.

        Raises:
            InvalidPush: the value breaks a rule.
        """
        if isinstance(value, cls):
            return value
        try:
            model: Self = cls.__pydantic_validator__.validate_python(value)
        except ValidationError as error:
            raise invalid_push(error, cls.api_path) from None
        return model


def invalid_push(error: ValidationError, at: str) -> InvalidPush:
    """The one translation of pydantic errors: the first finding, under the path `at`."""
    findings = error.errors(include_url=False, include_input=False)
    first = findings[0]
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return InvalidPush(_field(first, at), _reason(first) + more)


def _field(finding: ErrorDetails, at: str) -> str:
    below = finding.get("ctx", {}).get("path", [])
    return ".".join(str(part) for part in (*([at] if at else []), *finding["loc"], *below))


def _reason(finding: ErrorDetails) -> str:
    return REPLACED_REASONS.get(finding["type"]) or finding["msg"].replace("Input should be", "must be")
