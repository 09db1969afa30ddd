"""Registration ids and aliases: what passes, what does not, and how little of it an error shows."""

import pytest

from producers.encoding import check_alias, check_registration_id
from producers.errors import InvalidPush


@pytest.mark.parametrize("alias", ["a", "Bob_42", "王小明", "x" * 40, "王" * 13, "𠮷", "_"])
def test_aliases_of_the_documented_characters_pass(alias):
    assert check_alias(alias) == alias


@pytest.mark.parametrize(
    "alias", ["", " ", "a b", "a-b", "a@b.c", "é", "x" * 41, "王" * 14, "a\n", "\ud800", "\uff41", None, 5, b"a", ["a"]]
)
def test_other_aliases_are_refused(alias):
    with pytest.raises(InvalidPush) as caught:
        check_alias(alias)
    assert caught.value.field == "alias"


@pytest.mark.parametrize("value", ["r", "1a0018970a8d1d2c3b4", "x" * 128, "rid-ü", 'r"\\'])
def test_registration_ids_of_a_sane_form_pass(value):
    assert check_registration_id(value) == value


@pytest.mark.parametrize("value", ["", " ", "a b", "a\x00", "a\n", "a\x7f", "a\u2028b", "x" * 129, "\udc00", None, 7])
def test_other_registration_ids_are_refused(value):
    with pytest.raises(InvalidPush) as caught:
        check_registration_id(value)
    assert caught.value.field == "registration_id"


@pytest.mark.parametrize(
    ("check", "value"), [(check_alias, "customer@example.org"), (check_registration_id, "x" * 129)]
)
def test_an_error_shows_six_characters_of_the_value(check, value):
    with pytest.raises(InvalidPush) as caught:
        check(value)
    assert value[:6] + "…" in str(caught.value)
    assert value[:7] not in str(caught.value)


def test_an_error_shows_no_control_characters():
    with pytest.raises(InvalidPush) as caught:
        check_alias("\x1b[31mred and more")
    assert str(caught.value).isprintable()
