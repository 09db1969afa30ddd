"""A request as a Go program, laid out as gofmt does."""

from .literals import go as literal
from .request import HEADERS, Request

_PROGRAM = """\
// go run main.go. Reads {key} and {secret} from the environment.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"{strings}
)

func main() {{
	request, err := http.NewRequest({method}, {url}, {body})
	check(err)
{headers}
	request.SetBasicAuth({prefix}os.Getenv("{key}"), os.Getenv("{secret}"))
	answer, err := http.DefaultClient.Do(request)
	check(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	check(err)
	fmt.Println(answer.StatusCode, string(text))
}}

func check(err error) {{
	if err != nil {{
		panic(err)
	}}
}}
"""


def render(request: Request, base_url: str) -> str:
    """The program."""
    login, text = request.login, request.text
    return _PROGRAM.format(
        key=login.key_variable,
        secret=login.secret_variable,
        prefix=f'"{login.prefix}"+' if login.prefix else "",
        # Go refuses to compile an import that is not used.
        strings="" if text is None else '\n\t"strings"',
        url=_quoted(base_url + request.path),
        method=_quoted(request.method),
        headers="\n".join(f"\trequest.Header.Set({_quoted(n)}, {_quoted(value)})" for n, value in HEADERS.items()),
        body="nil" if text is None else f"strings.NewReader({literal(text)})",
    )


def _quoted(plain: str) -> str:
    """A literal for text that needs no escapes: methods, URLs and headers."""
    return f'"{plain}"'
