-- Reads both sides of the accounting equation of an app in one moment.
--
-- KEYS  1 push:{app}:
-- ARGV  lanes to look at
-- keys  lane/again/later of the lanes, state, leases, dead, counts (all only read)
-- answers  queued, leased, delayed, dead, then field and value of every running sum
--
-- Atomic, because a push moves between these places: read one after another they need not add up. Writes nothing.

local queued, delayed, leased = 0, 0, 0
for _, lane in ipairs(ARGV) do
  for _, kind in ipairs(KINDS) do
    local name = lane .. ':' .. kind
    for _, side in ipairs({'lane:', 'again:'}) do
      local passed = redis.call('HGET', p .. 'state', side .. name .. '|passed') or 0
      queued = queued + redis.call('XLEN', p .. side .. name) - tonumber(passed)
    end
    delayed = delayed + redis.call('ZCARD', p .. 'later:' .. name)
  end
end
for _, record in ipairs(redis.call('HVALS', p .. 'leases')) do
  leased = leased + tonumber(split(record)[4])
end
local answer = {queued, leased, delayed, redis.call('XLEN', p .. 'dead')}
for _, part in ipairs(redis.call('HGETALL', p .. 'counts')) do
  answer[#answer + 1] = part
end
return answer
