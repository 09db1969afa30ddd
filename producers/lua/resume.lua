-- Opens the gate that a person closed, and lets refused credentials be probed at once.
--
-- KEYS  1 push:{app}:
-- ARGV  lane classes to ring for
-- keys  gate, bell:<class>
-- answers  1 it was paused or its credentials were refused, 0 neither
--
-- Atomic, because a probe that succeeds meanwhile must not be undone by an older mark. Resuming twice is resuming once.

local p = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local changed = redis.call('HDEL', p .. 'gate', 'paused')
local refused = redis.call('HGET', p .. 'gate', 'credentials')
if refused then
  redis.call('HSET', p .. 'gate', 'credentials', string.format('%.0f', now) .. (string.match(refused, '|.*$') or ''))
  changed = 1
end
if changed == 1 then
  for _, class in ipairs(ARGV) do
    if redis.call('EXISTS', p .. 'bell:' .. class) == 0 then
      redis.call('RPUSH', p .. 'bell:' .. class, '1')
    end
  end
end
return changed
