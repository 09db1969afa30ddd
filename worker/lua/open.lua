-- Opens a slot for one push.deliver slice, if fewer than allowed are open.
--
-- KEYS  1 push:{app}:
-- ARGV  1 class  2 slot token  3 open slots allowed  4 life of a slot, ms
-- keys  open:<class>
-- answers  1 opened, 0 all slots are in use
--
-- Atomic, because counting and opening must not interleave between workers. Opening a slot twice is one opening.

local name = p .. 'open:' .. ARGV[1]
local now = clock()
redis.call('ZREMRANGEBYSCORE', name, '-inf', now)
if not redis.call('ZSCORE', name, ARGV[2]) and redis.call('ZCARD', name) >= tonumber(ARGV[3]) then
  return 0
end
redis.call('ZADD', name, now + tonumber(ARGV[4]), ARGV[2])
return 1
