"""A request as a Java program of one file."""

from .literals import java as literal
from .request import HEADERS, Request

_PIECE = 10_000
"""Characters of one constant. A class file holds constants of at most 65,535 bytes, and 6 bytes are the most for one
character here; constants that are joined with + count as one."""

_PROGRAM = """\
// Java 11 or newer: java Main.java. Reads {key} and {secret} from the environment.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Base64;

public class Main {{
    public static void main(String[] arguments) throws Exception {{
        String credentials = {prefix}System.getenv("{key}") + ":" + System.getenv("{secret}");
        HttpRequest request = HttpRequest.newBuilder(URI.create({url}))
{headers}
            .header("Authorization", "Basic " + Base64.getEncoder().encodeToString(credentials.getBytes()))
            .method({method}, HttpRequest.BodyPublishers.{body})
            .build();
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.statusCode() + " " + answer.body());
    }}
}}
"""


def render(request: Request, base_url: str) -> str:
    """The program, for a file named Main.java."""
    login, text = request.login, request.text
    return _PROGRAM.format(
        key=login.key_variable,
        secret=login.secret_variable,
        prefix=f'"{login.prefix}" + ' if login.prefix else "",
        url=literal(base_url + request.path),
        method=literal(request.method),
        headers="\n".join(f"            .header({literal(name)}, {literal(value)})" for name, value in HEADERS.items()),
        body="noBody()" if text is None else f"ofString({_constant(text)})",
    )


def _constant(text: str) -> str:
    if len(text) <= _PIECE:
        return literal(text)
    pieces = (literal(text[start : start + _PIECE]) for start in range(0, len(text), _PIECE))
    return f'String.join("", {", ".join(pieces)})'
