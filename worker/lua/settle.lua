-- Ends a lease: outcomes, counters, retries and dead letters in one step.
--
-- KEYS  1 push:{app}:
-- ARGV  1 lease token  2 life of outcomes, s  3 units per second  4 quota guard ms  5 units to give back
--       6 throttled: 0 no, 1 partly, 2 mostly  7 longest ms to close the gate when mostly  8 fingerprint of refused credentials, or ''
--       9 dead letters kept  10 when the API can have counted the call at the latest, ms of Redis; 0: there was none
--       11-14 how many counters, slot runs, retries and dead letters follow
--       counters: field, amount        slot runs: bucket, first byte, bytes
--       retries: delay ms, push_id, header, body, trail
--       dead letters: dead or asked, push_id, header, body, trail, reason, code
-- keys  leases, deadlines, state, the lease's stream, later and body of its lane, slots:<bucket>, counts, dead, asked, quota,
--       window, gate, bell:<class>
-- answers  1 settled; 0 the lease is not (or no longer) this holder's, and nothing was done
--
-- Atomic, because a push must be in exactly one place at any moment. The lease record is consumed first: a second settle,
-- or one of a holder that was declared dead, finds nothing and changes nothing. Bodies are never decoded.

local token, life = ARGV[1], tonumber(ARGV[2])
local text = redis.call('HGET', p .. 'leases', token)
if not text then
  return 0
end
local part = split(text)
local stream = part[1]
local side, lane, kind = string.match(stream, '^(%a+):(.+):(%a+)$')
redis.call('HDEL', p .. 'leases', token)
redis.call('ZREM', p .. 'deadlines', token)

local PROBE_MS, ASKED_KEPT = 60000, 10000
local now = clock()
local counters, runs, retries, letters = tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14])
local at = 15

for _ = 1, counters do
  redis.call('HINCRBY', p .. 'counts', ARGV[at], ARGV[at + 1])
  at = at + 2
end

for _ = 1, runs do
  local bucket = p .. 'slots:' .. ARGV[at]
  redis.call('SETRANGE', bucket, ARGV[at + 1], ARGV[at + 2])
  redis.call('EXPIRE', bucket, life)
  at = at + 3
end

local name = lane .. ':' .. kind
local due_now = false
for _ = 1, retries do
  local delay, push_id, header, body, trail = tonumber(ARGV[at]), ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  redis.call('HSET', p .. 'body:' .. name, push_id, string.format('%04d%04d', #header, #trail) .. header .. trail .. body)
  redis.call('ZADD', p .. 'later:' .. name, now + delay, push_id)
  due_now = due_now or delay <= 0
  at = at + 5
end

for _ = 1, letters do
  redis.call('XADD', p .. ARGV[at], '*', 'id', ARGV[at + 1], 'h', ARGV[at + 2], 'b', ARGV[at + 3], 'r', ARGV[at + 4],
    'reason', ARGV[at + 5], 'code', ARGV[at + 6], 'stream', stream)
  at = at + 7
end
if letters > 0 then
  redis.call('XTRIM', p .. 'asked', 'MAXLEN', ASKED_KEPT)
  local purged = redis.call('XTRIM', p .. 'dead', 'MAXLEN', ARGV[9])
  if purged > 0 then
    redis.call('HINCRBY', p .. 'counts', 'purged', purged)
  end
end

local unused, throttled = tonumber(ARGV[5]), tonumber(ARGV[6])
-- The guard covers what is late by less than it; 5 ms of it are kept for the way of the request itself.
local granted, counted = tonumber(part[7]), tonumber(ARGV[10]) - tonumber(ARGV[4]) + 5
if unused > 0 or throttled > 0 or counted > granted then
  quota.open(now, tonumber(ARGV[3]), tonumber(ARGV[4]))
  -- The record knows the last grant: a renewal may have moved it, or given it back already.
  quota.give_back(unused, granted)
  quota.redate(tonumber(part[4]) - unused, granted, counted)
  if throttled > 0 then
    quota.step_down()
  end
  quota.close()
end
if throttled == 2 then
  -- An eighth at first, twice as long each time in a row: a fixed window of the vendor may open again at any moment.
  local longest = tonumber(ARGV[7])
  local pause = math.min(longest, 2 * (tonumber(redis.call('HGET', p .. 'gate', 'pause')) or longest / 16))
  redis.call('HSET', p .. 'gate', 'throttled', whole(now + pause), 'pause', whole(pause))
elseif throttled == 0 then
  redis.call('HDEL', p .. 'gate', 'pause')
end
-- Whoever is refused last has the gate: a successor with a wrong secret too must not pass by that of its predecessor.
local closed = redis.call('HGET', p .. 'gate', 'credentials')
if ARGV[8] ~= '' and not (closed and split(closed)[2] == ARGV[8]) then
  redis.call('HSET', p .. 'gate', 'credentials', whole(now + PROBE_MS) .. '|' .. ARGV[8] .. '|' .. PROBE_MS)
end

trim(stream)
if due_now then
  ring(class_of(lane))
end
return 1
