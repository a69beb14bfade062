"""The one Lua script that makes a commit on Redis: it compares revisions, states and the audit head, then writes."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.state.store import MOST_OF_TARGET, Change, Sealed, Trim, target_of

OPEN_DAYS = 400
"""An index by target ends that long after a record that is kept for good was written there."""

# Scores of an index grow by one with each write of its kind; the same scores stand in the indexes by target. `indexed`
# is the score up to which each record stands in one: a version that does not know these indexes leaves it behind, and
# who reads by target then catches up first.
_FIND_BY = f"""
local function find_by(by_target, score, id, keep)
  local left = redis.call('PTTL', by_target)
  redis.call('ZADD', by_target, score, id)
  redis.call('ZREMRANGEBYRANK', by_target, 0, -{1 + MOST_OF_TARGET})
  if keep <= 0 then keep = {OPEN_DAYS * 24 * 3600 * 1000} end
  redis.call('PEXPIRE', by_target, math.max(left, keep))
end
"""

# KEYS: due index, audit stream, audit head, checkpoint, then for each change: record, index of its kind, index of its
# target, `indexed`.
# ARGV: a JSON list of changes and the sealed audit entries; see commit_arguments.
COMMIT = (
    _FIND_BY
    + """
local changes = cjson.decode(ARGV[1])
local sealed = cjson.decode(ARGV[2])
for n, change in ipairs(changes) do
  local key = KEYS[1 + 4 * n]
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
  local key, index, by_target, indexed = KEYS[1 + 4 * n], KEYS[2 + 4 * n], KEYS[3 + 4 * n], KEYS[4 + 4 * n]
  local member = change.kind .. ':' .. change.id
  if change.data == '' then
    redis.call('DEL', key)
    redis.call('ZREM', index, change.id)
  else
    redis.call('HSET', key, 'rev', change.rev + 1, 'state', change.state, 'data', change.data)
    local newest = tonumber(redis.call('ZREVRANGE', index, 0, 0, 'WITHSCORES')[2]) or 0
    redis.call('ZADD', index, newest + 1, change.id)
    redis.call('ZREMRANGEBYRANK', index, 0, -10001)
    if change.target ~= '' then
      find_by(by_target, newest + 1, change.id, change.keep)
      if tonumber(redis.call('GET', indexed) or '0') >= newest then redis.call('SET', indexed, newest + 1) end
    end
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
)

# KEYS: index of a target, index of its kind, `indexed`. ARGV: how many. Says first whether it must be caught up.
BY_TARGET = """
local newest = tonumber(redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]) or 0
local behind = newest > tonumber(redis.call('GET', KEYS[3]) or '0')
return {behind and 1 or 0, behind and {} or redis.call('ZREVRANGE', KEYS[1], 0, ARGV[1] - 1)}
"""

# KEYS: index of a kind, `indexed`, then for each record: record, index of its target.
# ARGV: the score that is reached with them, then the records' names.
CATCH_UP = (
    _FIND_BY
    + """
for n = 2, #ARGV do
  local score, left = redis.call('ZSCORE', KEYS[1], ARGV[n]), redis.call('PTTL', KEYS[2 * n - 1])
  if score and left ~= -2 then find_by(KEYS[2 * n], score, ARGV[n], left) end
end
if tonumber(redis.call('GET', KEYS[2]) or '0') < tonumber(ARGV[1]) then redis.call('SET', KEYS[2], ARGV[1]) end
return 'ok'
"""
)


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
        "target": target_of(change.data),
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
