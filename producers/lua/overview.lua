-- Reads what one look at an app shows: its gate, how much waits, and the running sums.
--
-- KEYS  1 push:{app}:
-- keys  gate, lane/again/later of the fixed lanes, dead, asked, cancelled, counts (all only read)
-- answers  {now, pending at the most, dead letters, letters to be asked for, marks of cancelled pushes, gate: paused,
--          credentials, throttled ('' each when not), then field and value of every running sum}
--
-- Atomic, because a push moves between these places. Writes nothing.

local p = KEYS[1]
local time = redis.call('TIME')
local pending = 0
for _, lane in ipairs({'urgent', 'transactional'}) do
  for _, kind in ipairs({'regid', 'alias', 'single', 'group', 'validate'}) do
    local name = lane .. ':' .. kind
    pending = pending + redis.call('XLEN', p .. 'lane:' .. name) + redis.call('XLEN', p .. 'again:' .. name)
      + redis.call('ZCARD', p .. 'later:' .. name)
  end
end
local gate = redis.call('HMGET', p .. 'gate', 'paused', 'credentials', 'throttled')
local answer = {
  string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), pending, redis.call('XLEN', p .. 'dead'),
  redis.call('XLEN', p .. 'asked'), redis.call('ZCARD', p .. 'cancelled'), gate[1] or '', gate[2] or '', gate[3] or '',
}
for _, part in ipairs(redis.call('HGETALL', p .. 'counts')) do
  answer[#answer + 1] = part
end
return answer
