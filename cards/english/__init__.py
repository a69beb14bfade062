"""The catalogue: every text that people see, in English, a module for each group of cards.

`{name}` is filled in and escaped. Texts may use Markdown (`**bold**`) only where they are said with `say`. Sentences
are short, polite and concrete, and say what to do next. A key is `<group>.<what>`; words of a service are lower case
without spaces (`status.inprogress`). A test finds keys that are missing, unused, told twice or wrongly filled.
"""

from cards.english import (
    audit,
    center,
    devices,
    digest,
    errors,
    evidence,
    incidents,
    indicators,
    live,
    people,
    policy,
    requests,
    scores,
    story,
    upkeep,
    words,
)

PARTS = (
    audit.TEXTS,
    center.TEXTS,
    devices.TEXTS,
    digest.TEXTS,
    errors.TEXTS,
    evidence.TEXTS,
    incidents.TEXTS,
    indicators.TEXTS,
    live.TEXTS,
    people.TEXTS,
    policy.TEXTS,
    requests.TEXTS,
    scores.TEXTS,
    story.TEXTS,
    upkeep.TEXTS,
    words.TEXTS,
)
TEXTS: dict[str, str] = {key: text for part in PARTS for key, text in part.items()}
