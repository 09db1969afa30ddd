-- Closes the gate of an app until a person opens it again.
--
-- KEYS  1 push:{app}:
-- ARGV  1 who
-- keys  gate
-- answers  1 paused, 0 it was paused before, and stays so under the first name
--
-- Atomic, because the first pause wins. The first write is a deletion, so that a full Redis can still be paused.

local p = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HDEL', p .. 'gate', '')
return redis.call('HSETNX', p .. 'gate', 'paused', string.format('%.0f', now) .. '|' .. ARGV[1])
