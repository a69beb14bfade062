"""Small Lua scripts of the store on Redis, each of which reads and writes in one step. A leaf."""

LEASE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

# KEYS: bucket. ARGV: now (ms), a name for this one, patience and what is forgotten ahead (ms), then count and
# milliseconds of each window. Scores are the moments of their places, booked ones ahead of now.
TAKE = """
local now, patience, longest = tonumber(ARGV[1]), tonumber(ARGV[3]), 0
for n = 5, #ARGV, 2 do longest = math.max(longest, tonumber(ARGV[n + 1])) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - longest)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. (now + ARGV[4]), '+inf')
local function from_the_end(n)
  return tonumber(redis.call('ZREVRANGE', KEYS[1], n - 1, n - 1, 'WITHSCORES')[2])
end
local at = now
if patience > 0 then at = math.max(at, from_the_end(1) or now) end
for n = 5, #ARGV, 2 do
  local blocking = from_the_end(tonumber(ARGV[n]))
  if blocking then at = math.max(at, blocking + tonumber(ARGV[n + 1])) end
end
if at - now <= patience then
  redis.call('ZADD', KEYS[1], at, ARGV[2])
  redis.call('PEXPIRE', KEYS[1], longest + ARGV[4])
end
return at - now
"""


# KEYS: turn, note, record, then values. ARGV: milliseconds of the claim, the note's text and milliseconds.
BEGIN = """
local fresh = redis.call('SET', KEYS[1], '', 'NX', 'PX', ARGV[1])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
local found = {fresh and 1 or 0, redis.call('GET', KEYS[1]), redis.call('HMGET', KEYS[3], 'rev', 'state', 'data')}
for n = 4, #KEYS do found[n] = redis.call('GET', KEYS[n]) end
return found
"""

# KEYS: turn, which is empty while it is worked on. ARGV: milliseconds.
HOLD = "if redis.call('GET', KEYS[1]) == '' then return redis.call('PEXPIRE', KEYS[1], ARGV[1]) end return 0"

# KEYS: value. ARGV: the expected eTag (empty: any), the new eTag, the JSON text, milliseconds to live (0: for good).
PUT = """
local stored = redis.call('HGET', KEYS[1], 'etag')
if ARGV[1] ~= '' and stored and stored ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'etag', ARGV[2], 'value', ARGV[3])
if ARGV[4] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[4]) else redis.call('PERSIST', KEYS[1]) end
return 1
"""
