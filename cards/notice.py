"""What the bot says about itself when something of its own is in a bad way."""

from collections.abc import Sequence
from datetime import datetime

from bot.auditreport import Alarm
from bot.turn import Look, Shown
from cards import button, parts
from cards.text import Safe, count, escape, plain, say, told


def conversation_lost_card(look: Look, name: str, at: datetime) -> Shown:
    """Say that nothing is posted in a conversation any more because Teams does not let the bot write there."""
    where = name or plain(look, "notice.other-conversation")
    body = [
        parts.heading(
            say(look, "notice.conversation-lost"),
            say(look, "notice.conversation-lost.text", name=where, at=at),
            tone="warning",
        )
    ]
    return parts.shown(body, plain(look, "notice.conversation-lost.summary", name=where))


def alarms_card(look: Look, alarms: Sequence[Alarm], total: int, at: datetime, tenant: str) -> Shown:
    """Say what the auditor found and must not put right by itself."""
    number = count(look, "notice.alarms.count", total)
    body = [
        parts.heading(say(look, "notice.alarms"), escape(number), tone="attention"),
        *parts.rows(look, alarms, lambda alarm: parts.line(alarm_line(look, alarm)), total=total),
        parts.line(say(look, "notice.alarms.next")),
        parts.note(say(look, "part.as-of", at=at)),
    ]
    history = button.run(plain(look, "notice.alarms.history"), "actions history")
    page = parts.link(plain(look, "history.portal"), parts.portal(parts.HISTORY_PAGE, tenant))
    return parts.shown(body, number, parts.bar([history], page))


def alarm_line(look: Look, alarm: Alarm) -> Safe:
    """One alarm in a sentence; of a kind that a newer version knows, that there is one."""
    unknown = plain(look, "word.unknown")
    named = {name: value or unknown for name, value in alarm.model_dump(exclude={"kind"}).items()}
    return told(look, f"auditor.alarm.{alarm.kind}", named, "auditor.alarm.other")
