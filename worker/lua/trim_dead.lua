-- Purges the oldest dead letters, and counts them as purged.
--
-- KEYS  1 push:{app}:
-- ARGV  1 stream id: what is older goes  2 letters per run
-- keys  dead, counts
-- answers  how many went
--
-- Atomic, because a letter that left the stream must be counted in the same moment. A second run finds nothing to do.

local old = redis.call('XRANGE', p .. 'dead', '-', '(' .. ARGV[1], 'COUNT', ARGV[2])
if #old == 0 then
  return 0
end
local gone = redis.call('XTRIM', p .. 'dead', 'MINID', after(old[#old][1]))
redis.call('HINCRBY', p .. 'counts', 'purged', gone)
return gone
