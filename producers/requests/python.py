"""A request as a Python program: the standard library alone."""

from .literals import python as literal
from .request import HEADERS, Request

_PROGRAM = """\
# Python 3. Reads {key} and {secret} from the environment.
import base64
import os
import urllib.error
import urllib.request

credentials = {prefix}os.environ["{key}"] + ":" + os.environ["{secret}"]
request = urllib.request.Request(
    {url},
    method={method},
    headers={{
{headers}
        'Authorization': "Basic " + base64.b64encode(credentials.encode()).decode(),
    }},{data}
)
try:
    with urllib.request.urlopen(request, timeout=30) as answer:
        print(answer.status, answer.read().decode())
except urllib.error.HTTPError as refusal:
    print(refusal.code, refusal.read().decode())
"""


def render(request: Request, base_url: str) -> str:
    """The program."""
    login, text = request.login, request.text
    return _PROGRAM.format(
        key=login.key_variable,
        secret=login.secret_variable,
        prefix=f'"{login.prefix}" + ' if login.prefix else "",
        url=literal(base_url + request.path),
        method=literal(request.method),
        headers="\n".join(f"        {literal(name)}: {literal(value)}," for name, value in HEADERS.items()),
        data="" if text is None else f"\n    data={literal(text)}.encode(),",
    )
