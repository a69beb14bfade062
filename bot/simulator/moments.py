"""Times as the services print them: ISO 8601 in UTC with up to seven digits of a second."""

import re
from datetime import UTC, datetime

_SHAPE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)
Ticks = tuple[datetime, int]


def last_digit(moment: datetime) -> int:
    """The seventh digit, which Python does not keep: made up from the rest, so that it is always the same."""
    return (moment.microsecond * 7 + moment.second) % 10 if moment.microsecond else 0


def ticks(moment: datetime) -> Ticks:
    """A moment to a ten-millionth of a second, for comparing."""
    return moment, last_digit(moment)


def show(moment: datetime) -> str:
    """As printed: seven digits with the closing zeros dropped, none at a whole second."""
    fraction = f"{moment.microsecond:06d}{last_digit(moment)}".rstrip("0")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{'.' + fraction if fraction else ''}Z"


def read(text: str) -> Ticks:
    """What a filter's date-time says. Raises ValueError where it is none."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    *numbers, fraction, zone = match.groups()
    year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
    digits = (fraction or "").ljust(7, "0")
    moment = datetime(year, month, day, hour, minute, second, int(digits[:6]), tzinfo=UTC)
    if zone and zone != "Z":
        moment -= datetime.strptime(zone, "%z").utcoffset() or UTC.utcoffset(None)
    return moment, int(digits[6])
