-- Removes letters for good.
--
-- KEYS  1 push:{app}:
-- ARGV  1 dead or asked, then for each letter: letter id, bucket of its outcome slot ('' without one), first byte of the slot
-- keys  dead or asked, slots:<bucket>, counts
-- answers  how many went
--
-- Atomic, because a dead letter that left its stream must be counted as purged in the same moment. A letter that is gone
-- already is not counted again. Purging what was kept to be asked for changes no outcome: it stays unknown.

local p = KEYS[1]
local DEAD, PURGED = '\7', '\8'
local gone = 0
for at = 2, #ARGV, 3 do
  if redis.call('XDEL', p .. ARGV[1], ARGV[at]) == 1 then
    gone = gone + 1
    local bucket, first = p .. 'slots:' .. ARGV[at + 1], tonumber(ARGV[at + 2])
    if ARGV[1] == 'dead' and ARGV[at + 1] ~= '' and redis.call('GETRANGE', bucket, first, first) == DEAD then
      redis.call('SETRANGE', bucket, first, PURGED)
    end
  end
end
if ARGV[1] == 'dead' and gone > 0 then
  redis.call('HINCRBY', p .. 'counts', 'purged', gone)
end
return gone
