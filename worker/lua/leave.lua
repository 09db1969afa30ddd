-- Closes a slice's slot, and rings again where its class still has work.
--
-- KEYS  1 push:{app}:
-- ARGV  1 class  2 slot token  3 lanes of the class, comma separated
-- keys  open:<class>, state, lane/again/later of the lanes, bell:<class>
-- answers  1 rang, 0 nothing waits
--
-- Atomic, because work that arrives between the look and the leaving would otherwise wait for the next sweep.

local class, slot = ARGV[1], ARGV[2]
redis.call('ZREM', p .. 'open:' .. class, slot)
local waiter = redis.call('HGET', p .. 'state', 'waiter|' .. class)
if waiter and split(waiter)[1] == slot then
  redis.call('HDEL', p .. 'state', 'waiter|' .. class)
end
if has_work(ARGV[3], clock()) then
  ring(class)
  return 1
end
return 0
