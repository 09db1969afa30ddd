-- Takes the quota of a lease again, because its call starts later than the grant allows for.
--
-- KEYS  1 push:{app}:
-- ARGV  1 lease token  2 units per second  3 quota guard ms  4 units per slice
-- keys  leases, quota, window
-- answers  {'granted', granted at}; {'wait', ms}: ask again then; {'gone'}: the lease has another holder
--
-- Atomic, because the old units go back in the step that takes the new ones.

local text = redis.call('HGET', p .. 'leases', ARGV[1])
if not text then
  return {'gone'}
end
local part = split(text)
local units, now = tonumber(part[4]), clock()
redis.call('ZREMRANGEBYSCORE', p .. 'deadlines', '-inf', '-inf')
quota.open(now, tonumber(ARGV[2]), tonumber(ARGV[3]))
quota.give_back(units, tonumber(part[7]))
local wait = quota.at_hand(false, 0) < units and quota.wait(units, false, 0)
if wait then
  part[7] = '0'
else
  quota.take(units)
  part[7] = tostring(now)
end
quota.close()
redis.call('HSET', p .. 'leases', ARGV[1], table.concat(part, '|'))
if wait then
  return {'wait', wait}
end
return {'granted', tostring(now)}
