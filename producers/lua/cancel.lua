-- Cancels one pending push: at once where it waits for a retry and was never sent, else when its turn comes.
--
-- KEYS  1 push:{app}:
-- ARGV  1 push_id  2 bucket of its outcome slot  3 first byte of the slot  4 life of outcomes, s  5 marks kept
-- keys  slots:<bucket>, later and body of the fixed lanes, cancelled, counts
-- answers  {'is', first byte of the slot}   it has an outcome already, or nothing is known of it (0)
--          {'cancelled'}  it never left
--          {'marked'}     its turn will not send it; in flight just now, it may still be
--          {'full'}       too many marks wait for their turn; nothing was done
--
-- Atomic, because a retry must not come due between the look and the removal. A repeat finds the outcome or the mark.
-- The first write is a deletion, so that a full Redis still takes a cancellation.

local p = KEYS[1]
local push_id, bucket, first = ARGV[1], p .. 'slots:' .. ARGV[2], tonumber(ARGV[3])
local life = tonumber(ARGV[4])
local LANES = {'urgent', 'transactional'}
local KINDS = {'regid', 'alias', 'single', 'group', 'validate'}
local CANCELLED = '\5'

local state = redis.call('GETRANGE', bucket, first, first)
if state ~= '\1' then
  return {'is', state == '' and 0 or string.byte(state)}
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', p .. 'cancelled', '-inf', now - life * 1000)

local function moment()
  local seconds, bytes = tonumber(time[1]), ''
  for _ = 1, 4 do
    bytes = bytes .. string.char(seconds % 256)
    seconds = math.floor(seconds / 256)
  end
  return bytes
end

-- Removes the push from the retries of a stream, if it waits there and was never sent; answers its attempts.
local function take_out(name)
  local packed = redis.call('ZSCORE', p .. 'later:' .. name, push_id) and redis.call('HGET', p .. 'body:' .. name, push_id)
  if not packed then
    return
  end
  local trail = 9 + tonumber(string.sub(packed, 1, 4))
  if string.sub(packed, trail + 19, trail + 19) == '0' then
    redis.call('ZREM', p .. 'later:' .. name, push_id)
    redis.call('HDEL', p .. 'body:' .. name, push_id)
    return tonumber(string.sub(packed, trail + 15, trail + 16))
  end
end

for _, lane in ipairs(LANES) do
  for _, kind in ipairs(KINDS) do
    local attempts = take_out(lane .. ':' .. kind)
    if attempts then
      redis.call('ZREM', p .. 'cancelled', push_id)
      redis.call('SETRANGE', bucket, first, CANCELLED .. string.char(attempts) .. string.rep('\0', 10) .. moment())
      redis.call('EXPIRE', bucket, life)
      redis.call('HINCRBY', p .. 'counts', 'cancelled', 1)
      return {'cancelled'}
    end
  end
end

if not redis.call('ZSCORE', p .. 'cancelled', push_id) then
  if redis.call('ZCARD', p .. 'cancelled') >= tonumber(ARGV[5]) then
    return {'full'}
  end
  redis.call('ZADD', p .. 'cancelled', now, push_id)
end
return {'marked'}
