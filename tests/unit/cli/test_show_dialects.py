"""Every dialect writes every body so that it reads back the same; Java and Go exactly as in the golden files."""

import ast
import json
import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.contract import Kind
from producers.encoding import encode_content
from producers.requests import Dialect, Request, batch_request, literals, render

GOLDEN = Path(__file__).parents[2] / "golden" / "requests"
TEXTS = json.loads((GOLDEN / "texts.json").read_text())
BASE_URL = "https://pushapi-sgp.engagelab.com"
CID = "1m84j0ybw3v6apk8qwfew000"

PARCEL = encode_content(notification={"alert": "It's `here`", "android": {"alert": "Hi"}}, platform="android")
REQUESTS = {
    "send": batch_request(Kind.ALIAS, [PARCEL.item("user_42", CID)]),
    "texts": Request("POST", "/v4/push", json.dumps(TEXTS, ensure_ascii=False).encode()),
    "group": Request("POST", "/v4/grouppush", b'{"to":"all"}', "group"),
    "recall": Request("DELETE", "/v4/push/withdraw/1828256757"),
}
SUFFIXES = {Dialect.JAVA: "java", Dialect.GO: "go"}

without_nul = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("dialect", SUFFIXES)
def test_java_and_go_equal_the_golden_files(dialect, name):
    golden = (GOLDEN / f"{name}.{SUFFIXES[dialect]}").read_text(encoding="utf-8")
    assert render(REQUESTS[name], dialect, BASE_URL) == golden


@given(without_nul)
def test_python_reads_back_what_was_written(text):
    assert ast.literal_eval(literals.python(text)) == text


@given(without_nul)
def test_a_shell_reads_back_what_was_written(text):
    assert shlex.split(literals.shell(text)) == [text]


@given(without_nul)
def test_javascript_reads_back_what_was_written(text):
    literal = literals.javascript(text)
    assert (literal[0], literal[-1]) == ("'", "'")
    assert not re.search(r"(?<!\\)(?:\\\\)*'", literal[1:-1])
    # Without the escaped single quote the escapes are those of JSON.
    as_json = re.sub(r"\\(.)|\"", lambda m: {"\\'": "'", '"': '\\"'}.get(m[0], m[0]), literal[1:-1], flags=re.DOTALL)
    assert json.loads(f'"{as_json}"') == text


@given(without_nul)
def test_java_reads_back_what_was_written(text):
    literal = literals.java(text)
    assert literal.isascii()
    assert json.loads(literal) == text


@given(without_nul)
def test_go_reads_back_what_was_written(text):
    literal = literals.go(text)
    if literal[0] == "`":
        assert literal == f"`{text}`"
        assert not set("`\r\ufeff\n") & set(text)
    else:
        assert ast.literal_eval(literal) == text


@pytest.mark.parametrize("text", ["x" * 200_000, "\U0001f600" * 50_000])
def test_long_bodies_stay_within_the_limits_of_curl_and_java(text):
    request = Request("POST", "/v4/push", text.encode())
    assert render(request, Dialect.CURL, BASE_URL).startswith(f"printf '%s' '{text}' | curl ")
    program = render(request, Dialect.JAVA, BASE_URL)
    constants = [json.loads(constant) for constant in re.findall(r'"(?:[^"\\]|\\.)*"', program)]
    assert max(len(constant.encode("utf-16-be", "surrogatepass")) // 2 * 3 for constant in constants) <= 65_535
    assert text in "".join(constants)


@pytest.mark.parametrize("dialect", Dialect)
def test_a_request_without_a_body_sends_none(dialect):
    program = render(REQUESTS["recall"], dialect, BASE_URL)
    assert "DELETE" in program
    assert not re.search(r"data|body:|strings|ofString\(\"", program)


@pytest.mark.parametrize("dialect", Dialect)
def test_groups_have_credentials_of_their_own(dialect):
    program = render(REQUESTS["group"], dialect, BASE_URL)
    assert {"GROUP_KEY", "GROUP_SECRET"} <= set(re.findall(r"\w+", program))
    assert "group-" in program
    assert "MASTER_SECRET" not in program


@pytest.mark.parametrize(
    ("method", "path", "body", "named"),
    [
        ("post", "/v4/push", b"{}", "method"),
        ("", "/v4/push", b"{}", "method"),
        ("POST", "v4/push", b"{}", "path"),
        ("GET", "/v4/tags/a b", None, "path"),
        ("GET", "/v4/tags/{a}", None, "path"),
        ("GET", "/v4/tags/%", None, "path"),
        ("GET", "/v4/tags/\u00e9", None, "path"),
        ("POST", "/v4/push", b"s3cret\0", "body"),
        ("POST", "/v4/push", b"s3cret\xff", "body"),
    ],
)
def test_what_cannot_be_written_is_refused(method, path, body, named):
    with pytest.raises(ValueError, match=f"^{named}: ") as refusal:
        Request(method, path, body)
    assert "s3cret" not in str(refusal.value)


def test_the_body_is_not_part_of_what_is_logged():
    assert "user_42" not in repr(REQUESTS["send"])
