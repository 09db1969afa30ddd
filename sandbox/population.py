"""Who exists in the sandbox: a rule instead of a table, so that millions of devices cost nothing.

registration id   `ridios…` iOS device, `ridhmos…` HarmonyOS device, any other `rid…` Android device, rest unknown
alias             `alias…` or `user…` belongs to one device, whose registration id is `rid-<alias>`;
                  `aliasios…`, `userios…` to the iOS device `ridios-<alias>`, `…hmos…` likewise; rest unknown
tag, segment, live activity   known unless the name starts with `unknown`
"""

ANDROID, IOS, HMOS = 1, 2, 4
EVERY_PLATFORM = ANDROID | IOS | HMOS
PLATFORM_BITS = {"android": ANDROID, "ios": IOS, "hmos": HMOS, "all": EVERY_PLATFORM}

_ALIAS_PREFIXES = ("alias", "user")


def platform_of(registration_id: str) -> int:
    """The platform bit of a device; 0 when no such device exists."""
    if not registration_id.startswith("rid"):
        return 0
    if registration_id.startswith("ios", 3):
        return IOS
    return HMOS if registration_id.startswith("hmos", 3) else ANDROID


def device_of_alias(alias: str) -> str | None:
    """The registration id of the one device that carries the alias; None for an unknown alias."""
    for prefix in _ALIAS_PREFIXES:
        if alias.startswith(prefix):
            if alias.startswith("ios", len(prefix)):
                return f"ridios-{alias}"
            return f"ridhmos-{alias}" if alias.startswith("hmos", len(prefix)) else f"rid-{alias}"
    return None


def audience_exists(name: str) -> bool:
    """Whether a tag, a segment or a live activity has anybody in it."""
    return bool(name) and not name.startswith("unknown")
