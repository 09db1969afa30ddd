"""What operators ask of Redis beside sending: the app it is about, and what is known when there is no answer."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from . import keys
from .connection import DeadlineRedis, Refused, Unanswered
from .errors import BrokerUnavailable, UnknownApp
from .profiles import Profile, Profiles


class CommandUnanswered(BrokerUnavailable):
    """Redis did not carry out a command, or did not say so. Repeating the command is safe in every case.

    `maybe_stored` is None when it would have changed nothing, and else whether it may have been carried out.
    """

    def __str__(self) -> str:
        if self.maybe_stored:
            return (
                "Redis did not answer; the command may have been carried out, wholly or in part: repeating it is safe"
            )
        return "Redis did not answer; nothing was changed: repeat the command"


@contextmanager
def reading() -> Iterator[None]:
    """Around what changes nothing. Raises `CommandUnanswered`."""
    try:
        yield
    except (Unanswered, Refused) as error:
        raise CommandUnanswered([], maybe_stored=None) from error


@contextmanager
def changing(push_ids: Sequence[str] = ()) -> Iterator[None]:
    """Around one step that changes something. Raises `CommandUnanswered`."""
    try:
        yield
    except Unanswered as error:
        raise CommandUnanswered(push_ids, error.maybe_done) from error
    except Refused as error:
        raise CommandUnanswered(push_ids, maybe_stored=False) from error


@contextmanager
def changing_many() -> Iterator[None]:
    """Around many steps, of which some may be done when one fails. Raises `CommandUnanswered`."""
    try:
        yield
    except CommandUnanswered as error:
        raise CommandUnanswered([], maybe_stored=True) from error.__cause__
    except (Unanswered, Refused) as error:
        raise CommandUnanswered([], maybe_stored=True) from error


def known_apps(redis: DeadlineRedis) -> list[str]:
    """The names of all registered apps. Raises `CommandUnanswered`."""
    with reading():
        return Profiles(redis).known()


def find_app(redis: DeadlineRedis, app: str) -> Profile:
    """What the workers say of `app`. Raises `UnknownApp` or `CommandUnanswered`."""
    with reading():
        profiles = Profiles(redis)
        if keys.APP_NAME.fullmatch(app) is None:
            raise UnknownApp(app, known=profiles.known())
        return profiles.get(app)
