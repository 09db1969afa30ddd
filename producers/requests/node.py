"""A request as a JavaScript program for Node, which brings fetch since version 18."""

from .literals import javascript as literal
from .request import HEADERS, Request

_PROGRAM = """\
// Node 18 or newer. Reads {key} and {secret} from the environment.
const {{ {key}, {secret} }} = process.env;
const credentials = Buffer.from(`{prefix}${{{key}}}:${{{secret}}}`).toString('base64');

fetch({url}, {{
  method: {method},
  headers: {{
{headers}
    'Authorization': `Basic ${{credentials}}`,
  }},{body}
}}).then(async (answer) => console.log(answer.status, await answer.text()));
"""


def render(request: Request, base_url: str) -> str:
    """The program; good as a script, as a module and on stdin."""
    login, text = request.login, request.text
    return _PROGRAM.format(
        key=login.key_variable,
        secret=login.secret_variable,
        prefix=login.prefix,
        url=literal(base_url + request.path),
        method=literal(request.method),
        headers="\n".join(f"    {literal(name)}: {literal(value)}," for name, value in HEADERS.items()),
        body="" if text is None else f"\n  body: {literal(text)},",
    )
