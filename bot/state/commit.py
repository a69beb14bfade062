"""The one Lua script that makes a commit on Redis: it compares revisions, states and the audit head, then writes."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.state.store import Change, Sealed, Trim

# KEYS: due index, audit stream, audit head, checkpoint, then for each change: record, index of its kind.
# ARGV: a JSON list of changes and the sealed audit entries; see commit_arguments.
COMMIT = """
local changes = cjson.decode(ARGV[1])
local sealed = cjson.decode(ARGV[2])
for n, change in ipairs(changes) do
  local key = KEYS[3 + 2 * n]
  local rev = tonumber(redis.call('HGET', key, 'rev') or '0')
  if rev ~= change.rev then return 'revision ' .. change.id end
  if change.was ~= '' and rev > 0 and redis.call('HGET', key, 'state') ~= change.was then
    return 'state ' .. change.id
  end
end
if sealed.entries and (redis.call('GET', KEYS[3]) or '') ~= sealed.head then return 'head' end
if sealed.trim and (redis.call('GET', KEYS[4]) or '') ~= sealed.trim.before then return 'checkpoint' end
if sealed.trim then
  redis.call('XTRIM', KEYS[2], 'MINID', '=', sealed.trim.first)
  redis.call('SET', KEYS[4], sealed.trim.checkpoint)
end
for n, change in ipairs(changes) do
  local key, index = KEYS[3 + 2 * n], KEYS[4 + 2 * n]
  local member = change.kind .. ':' .. change.id
  if change.data == '' then
    redis.call('DEL', key)
    redis.call('ZREM', index, change.id)
  else
    redis.call('HSET', key, 'rev', change.rev + 1, 'state', change.state, 'data', change.data)
    local newest = redis.call('ZREVRANGE', index, 0, 0, 'WITHSCORES')
    redis.call('ZADD', index, (tonumber(newest[2]) or 0) + 1, change.id)
    redis.call('ZREMRANGEBYRANK', index, 0, -10001)
    if change.keep > 0 then redis.call('PEXPIRE', key, change.keep) else redis.call('PERSIST', key) end
  end
  if change.due > 0 then redis.call('ZADD', KEYS[1], change.due, member)
  else redis.call('ZREM', KEYS[1], member) end
end
if sealed.entries then
  for _, entry in ipairs(sealed.entries) do
    redis.call('XADD', KEYS[2], '*', 'entry', entry[1], 'hash', entry[2])
    redis.call('SET', KEYS[3], entry[2])
  end
end
return 'ok'
"""


# KEYS: audit head, audit stream, checkpoint.
STANDING = """
return {redis.call('GET', KEYS[1]) or '', redis.call('XLEN', KEYS[2]), redis.call('GET', KEYS[3]) or ''}
"""


def milliseconds(moment: datetime) -> int:
    """A moment as Redis keeps it here, in milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def _argument(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "id": change.id,
        "rev": change.rev,
        "was": change.was,
        "state": change.state,
        "data": "" if change.data is None else json.dumps(change.data),
        "due": milliseconds(change.due) if change.due and change.data is not None else 0,
        "keep": int((change.keep or 0) * 1000),
    }


def _trimming(trim: Trim) -> dict[str, str]:
    """A trim for the script: `first` is the least position that stays."""
    moment, _, number = trim.last.partition("-")
    first = f"{moment}-{int(number) + 1}"
    return {"first": first, "before": trim.before, "checkpoint": trim.checkpoint}


def commit_arguments(changes: Sequence[Change], sealed: Sealed | None) -> list[str]:
    """ARGV of the script."""
    entries: dict[str, Any] = {"head": sealed.head, "entries": list(sealed.entries)} if sealed else {}
    if sealed and sealed.trim:
        entries["trim"] = _trimming(sealed.trim)
    return [json.dumps([_argument(change) for change in changes]), json.dumps(entries)]
