-- Rings for what no slice looks after: queued entries, due retries and dead leases. Every worker may ask, one a tick does.
--
-- KEYS  1 push:{app}:
-- ARGV  1 tick ms, then per class: class, lanes (comma separated)
-- keys  swept, deadlines, leases, lane/again/later of the lanes, state, bell:<class>
-- answers  how many classes were rung; -1 when this tick is taken
--
-- Atomic, because the claim of the tick and the bells belong together. Ringing twice is one ring.

-- A deletion first: a Redis without free memory refuses a script whose first write could need some.
redis.call('ZREMRANGEBYSCORE', p .. 'deadlines', '-inf', '-inf')
if not redis.call('SET', p .. 'swept', '1', 'NX', 'PX', ARGV[1]) then
  return -1
end
local now = clock()
local rung = {}
for _, token in ipairs(redis.call('ZRANGEBYSCORE', p .. 'deadlines', '-inf', now, 'LIMIT', 0, 64)) do
  local text = redis.call('HGET', p .. 'leases', token)
  if text then
    rung[class_of(string.match(split(text)[1], ':(.+):'))] = true
  end
end
local count = 0
for index = 2, #ARGV, 2 do
  if rung[ARGV[index]] or has_work(ARGV[index + 1], now) then
    ring(ARGV[index])
    count = count + 1
  end
end
return count
