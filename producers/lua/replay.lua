-- Gives one letter another life: it leaves its stream and is due at once in the lane it came from.
--
-- KEYS  1 push:{app}:
-- ARGV  1 dead or asked  2 letter id  3 lane:kind  4 lane class  5 push_id  6 slot reference  7 its bucket
--       8 first byte of the slot  9 header before the expiry  10 header after it  11 body  12 attempts spent, 2 digits
--       13 first attempt, ms, when it keeps a cid under which it may have been sent; else 0  14 life of that cid, ms
--       15 life of the push, ms  16 life of outcomes, s  17 1 when the body has a time to live
-- keys  dead or asked, later and body of the lane, slots:<bucket>, idem:<push_id>, cancelled, counts, bell:<class>
-- answers  replayed
--          gone        the letter is not there (any more)
--          late        the life of its cid is over
--          pending     the push is already on its way
--          superseded  its idempotency key has been used for another push since
--
-- Atomic, because the push must be in exactly one place, and one of two persons gets to replay it. A repeat finds the
-- letter gone. Letters never change, so that what the caller read of this one still holds. The first write is a deletion.

local p = KEYS[1]
local letters, name, class, push_id, ref = p .. ARGV[1], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local bucket, first = p .. 'slots:' .. ARGV[7], tonumber(ARGV[8])
local first_at, life = tonumber(ARGV[13]), tonumber(ARGV[16])
local PENDING = '\1'

if #redis.call('XRANGE', letters, ARGV[2], ARGV[2]) == 0 then
  return 'gone'
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if first_at > 0 and now >= first_at + tonumber(ARGV[14]) then
  return 'late'
end
local is_derived = string.sub(push_id, 1, 1) == 'k'
local record = is_derived and redis.call('GET', p .. 'idem:' .. push_id)
if record and string.sub(record, -15) ~= ref then
  return 'superseded'
end
if redis.call('GETRANGE', bucket, first, first) == PENDING then
  return 'pending'
end

redis.call('XDEL', letters, ARGV[2])
-- Whoever replays a cancelled push wants it sent.
redis.call('ZREM', p .. 'cancelled', push_id)
if ARGV[1] == 'asked' then
  redis.call('HINCRBY', p .. 'counts', 'unknown', -1)
end
redis.call('SETRANGE', bucket, first, PENDING .. string.rep('\0', 15))
redis.call('EXPIRE', bucket, life)
if is_derived then
  -- Without its record the slot is found no more. Of a lost one the digest is unknown: it equals no content.
  redis.call('SET', p .. 'idem:' .. push_id, record or string.rep('0', 32) .. ref, 'EX', life)
end

local header = ARGV[9] .. string.format('%011x', now + tonumber(ARGV[15])) .. ARGV[10]
local trail = ref .. '00' .. ARGV[12] .. (first_at > 0 and '1' or '0')
  .. string.format('%011x%011x', first_at, ARGV[17] == '1' and now or 0)
redis.call('HSET', p .. 'body:' .. name, push_id, string.format('%04d%04d', #header, #trail) .. header .. trail .. ARGV[11])
redis.call('ZADD', p .. 'later:' .. name, now, push_id)
if redis.call('EXISTS', p .. 'bell:' .. class) == 0 then
  redis.call('RPUSH', p .. 'bell:' .. class, '1')
end
return 'replayed'
