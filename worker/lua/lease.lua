-- Hands out the next range of one stream, or says how long to wait.
--
-- KEYS  1 push:{app}:
-- ARGV  1 lanes in order of urgency, comma separated  2 class of this slice  3 its open slot  4 token for the lease
--       5 lease ms  6 entries per call  7 linger ms  8 units per second  9 quota guard ms  10 units per slice
--       11 life of an open slot, ms  12 life of outcomes, s  13 fingerprint of this holder's credentials
-- keys  gate, leases, deadlines, state, lane/again/later/body of the lanes, quota, window, open:<class>, slots:<bucket>,
--       counts, cancelled, bell:<class>
-- answers  {'lease', stream, first_attempt_at, take-overs, units, granted at, header, body, trail, header, …}
--          {'wait', ms}      come back then: no other slice will
--          {'covered'}       another slice comes back in time; this one has left
--          {'empty'}         nothing to do; this slice has left
--          {'closed', why, ms}   the gate is closed; this slice has left
--          {'again'}         only expired entries were found, and dropped: ask at once
--
-- Atomic, because the quota, the cursor and the lease record must move together: two slices never get one entry, and no
-- unit is granted twice. The first write is a deletion, so that a full Redis does not stop delivery.
--
-- A backlog of expired entries must not hold up what is behind it, and dropping it takes longer than one script may. So
-- a call drops some hundreds, and passes by the rest: the field `<stream>|ahead` of the state then holds whose turn it
-- is, the end of the passed range, and a second cursor from which leases go on. The first cursor works the passed range
-- off, in turn with the second where it meets entries that live; at its end the second takes its place. `passed` counts
-- what either has handed out or dropped.

local lanes, is_mine = {}, {}
for lane in string.gmatch(ARGV[1], '[^,]+') do
  lanes[#lanes + 1] = lane
  is_mine[lane] = true
end
local class, slot, token = ARGV[2], ARGV[3], ARGV[4]
local lease_ms, most, linger = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local slice, life = tonumber(ARGV[10]), tonumber(ARGV[12])
local DUPLICATES_KEPT = 8
local DROPPED_AT_ONCE = 500
-- Take-overs of an entry that ended a holder while it was alone in its lease.
local SUSPECT = 5.5

local now = clock()
redis.call('ZREMRANGEBYSCORE', p .. 'open:' .. class, '-inf', now)
redis.call('ZADD', p .. 'open:' .. class, now + tonumber(ARGV[11]), slot)

-- Who asks waits no longer; a waiter that gets work is off with its call, and covers nobody.
local waiter = redis.call('HGET', p .. 'state', 'waiter|' .. class)
if waiter and split(waiter)[1] == slot then
  redis.call('HDEL', p .. 'state', 'waiter|' .. class)
  waiter = nil
end

local function leave(...)
  redis.call('ZREM', p .. 'open:' .. class, slot)
  return {...}
end

local gate = redis.call('HMGET', p .. 'gate', 'paused', 'credentials', 'throttled')
if gate[1] then
  return leave('closed', 'paused', 0)
end
-- Refused credentials close the gate for who uses the same ones, until a probe opens it.
if gate[2] and split(gate[2])[2] == ARGV[13] then
  return leave('closed', 'credentials', math.max(0, math.ceil(tonumber(split(gate[2])[1]) - now)))
end

-- Entries that were overdue or already cancelled when the range was first leased are not part of it. What is not of the
-- form that `read_entry` takes never is: it must become a dead letter, not an outcome.
local TRAIL = '^...............%d%d%d%d[01]' .. string.rep('[0-9a-f]', 22) .. '$'
local has_cancelled = redis.call('EXISTS', p .. 'cancelled') == 1

local function fields_of(entry)
  local fields = {h = '', b = '', r = ''}
  for i = 1, #entry[2], 2 do
    fields[entry[2][i]] = entry[2][i + 1]
  end
  return fields.h, fields.b, fields.r
end

local function ref_of(header, body, trail)
  local ref = trail ~= '' and string.sub(trail, 1, 15) or string.sub(header, 22, 36)
  local is_derived = string.sub(header, 13, 13) == 'k'
  if #header > 36 and body ~= '' and #ref == 15 and (string.match(trail, TRAIL) or trail == '' and not is_derived)
      and string.match(ref, '^[0-9a-hjkmnp-tv-z]+$') and string.match(ref, '[0-3]..$') then
    return ref
  end
end

local EXPIRED, CANCELLED = 4, 5

-- The outcome that an entry has come to by `at`, and its slot; nothing for what is to be sent, or is malformed.
local function fate_of(header, body, trail, expires, at)
  if not string.match(header, '^[12]%x%x%x%x%x%x%x%x%x%x%x') then
    return
  end
  local cancelled = has_cancelled and redis.call('ZSCORE', p .. 'cancelled', string.sub(header, 13, 36))
  local state = cancelled and tonumber(cancelled) <= at and CANCELLED or expires and expires <= at and EXPIRED
  local ref = state and ref_of(header, body, trail)
  if ref then
    return state, ref
  end
end

local function live_of(entries, at)
  local live, dropped = {}, {}
  for _, entry in ipairs(entries) do
    local fields = entry[2]
    local header, body, trail = fields[2], fields[4], ''
    if #fields ~= 4 or fields[1] ~= 'h' or fields[3] ~= 'b' then
      header, body, trail = fields_of(entry)
    end
    local expires = tonumber(string.sub(header, 2, 12), 16)
    if expires and expires > at and not has_cancelled then
      live[#live + 1] = {entry[1], header, body, trail}
    else
      local state, ref = fate_of(header, body, trail, expires, at)
      if not state then
        live[#live + 1] = {entry[1], header, body, trail}
      elseif string.sub(trail, 20, 20) ~= '1' then
        dropped[#dropped + 1] = {ref, state}
      else
        -- It may have been sent: what was cancelled since is not worth another try, and the holder must see that.
        local gone = state == CANCELLED and string.sub(header, 1, 1) .. '00000000000' .. string.sub(header, 13)
        live[#live + 1] = {entry[1], gone or header, body, trail}
      end
    end
  end
  return live, dropped
end

local function answer(stream, live, first_at, takeovers)
  local out = {'lease', stream, whole(math.floor(first_at)), tostring(takeovers), #live, tostring(now)}
  for _, entry in ipairs(live) do
    out[#out + 1] = entry[2]
    out[#out + 1] = entry[3]
    out[#out + 1] = entry[4]
  end
  return out
end

local function record(name, stream, first, last, count, first_at, takeovers, deadline)
  redis.call('HSET', p .. 'leases', name,
    table.concat({stream, first, last, count, whole(math.floor(first_at)), takeovers, tostring(now)}, '|'))
  redis.call('ZADD', p .. 'deadlines', deadline, name)
end

local function wait_for(ms)
  if waiter then
    local back = tonumber(split(waiter)[2])
    if back > now - 50 and back <= now + ms + 1 then
      return leave('covered')
    end
  end
  redis.call('HSET', p .. 'state', 'waiter|' .. class, slot .. '|' .. whole(now + ms))
  return {'wait', ms}
end

if gate[3] and tonumber(gate[3]) > now then
  return wait_for(math.ceil(tonumber(gate[3]) - now))
end
quota.open(now, tonumber(ARGV[8]), tonumber(ARGV[9]))

-- A repeat of a request that was answered already gets the same answer.
local own = redis.call('HGET', p .. 'leases', token)
if own then
  local part = split(own)
  local live = live_of(redis.call('XRANGE', p .. part[1], part[2], part[3]), tonumber(part[5]))
  return answer(part[1], live, tonumber(part[5]), tonumber(part[6]))
end

-- 1. Leases whose holder is gone, as they were; a range that kills its holders is taken apart.
local dead = redis.call('ZRANGEBYSCORE', p .. 'deadlines', '-inf', now, 'LIMIT', 0, 16)

-- Whether an entry that already ended a holder alone is with another one just now. Such entries go one at a time: those
-- that were merely in the process that died must not be in it again.
local function is_suspect_out()
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', p .. 'deadlines', '(' .. tostring(now), '+inf')) do
    local text = redis.call('HGET', p .. 'leases', name)
    if text and tonumber(split(text)[6]) >= SUSPECT then
      return true
    end
  end
end

for _, old in ipairs(dead) do
  local text = redis.call('HGET', p .. 'leases', old)
  local part = text and split(text)
  if not part then
    redis.call('ZREM', p .. 'deadlines', old)
  elseif is_mine[string.match(part[1], ':(.+):')] and not (tonumber(part[6]) + 1 >= SUSPECT and is_suspect_out()) then
    local first_at, takeovers = tonumber(part[5]), tonumber(part[6]) + 1
    local live = live_of(redis.call('XRANGE', p .. part[1], part[2], part[3]), first_at)
    local keep = #live
    if takeovers >= 4 then
      keep = 1
    elseif takeovers >= 3 and takeovers < 3.5 then
      keep = math.ceil(#live / 2)
    end
    if keep > quota.at_hand(false, slice) and not (quota.sum == 0 and keep > quota.rate) then
      return wait_for(quota.wait(keep, false, slice))
    end
    redis.call('HDEL', p .. 'leases', old)
    redis.call('ZREM', p .. 'deadlines', old)
    if #live > 0 then
      local mine = {}
      for i = 1, keep do
        mine[i] = live[i]
      end
      if keep < #live then
        record(token .. '+', part[1], live[keep + 1][1], part[3], #live - keep, first_at,
          takeovers >= 4 and 3.9 or 2.5, now)
        takeovers = takeovers >= 4 and 5 or 3
        ring(class)
      end
      quota.take(keep)
      quota.close()
      local last = keep < #live and mine[keep][1] or part[3]
      record(token, part[1], part[2], last, keep, first_at, takeovers, now + lease_ms)
      return answer(part[1], mine, first_at, takeovers)
    end
  end
end

-- 2. Retries that came due go back into a stream, so that every lease is a range.
local function bring_back(name)
  local due = redis.call('ZRANGEBYSCORE', p .. 'later:' .. name, '-inf', now, 'LIMIT', 0, most)
  for _, push_id in ipairs(due) do
    local packed = redis.call('HGET', p .. 'body:' .. name, push_id)
    redis.call('ZREM', p .. 'later:' .. name, push_id)
    if packed then
      local h, r = tonumber(string.sub(packed, 1, 4)), tonumber(string.sub(packed, 5, 8))
      redis.call('XADD', p .. 'again:' .. name, '*', 'h', string.sub(packed, 9, 8 + h), 'b',
        string.sub(packed, 9 + h + r), 'r', string.sub(packed, 9 + h, 8 + h + r))
      redis.call('HDEL', p .. 'body:' .. name, push_id)
    end
  end
end

-- 3. The streams with work, most urgent lane first, within a lane the one served longest ago.
local wait = nil
local chosen, more, lingering = nil, nil, nil
for _, lane in ipairs(lanes) do
  local candidates = {}
  for _, kind in ipairs(KINDS) do
    bring_back(lane .. ':' .. kind)
    for _, side in ipairs({'again:', 'lane:'}) do
      local stream = side .. lane .. ':' .. kind
      local length = redis.call('XLEN', p .. stream)
      if length > 0 then
        local state = redis.call('HMGET', p .. 'state', stream .. '|cursor', stream .. '|passed', stream .. '|called')
        local queued = length - tonumber(state[2] or 0)
        if queued > 0 then
          candidates[#candidates + 1] = {stream = stream, lane = lane, kind = kind, queued = queued,
            cursor = state[1], called = tonumber(state[3] or 0)}
        end
      end
    end
  end
  table.sort(candidates, function(a, b)
    return a.called < b.called
  end)
  for _, candidate in ipairs(candidates) do
    local idle_in = candidate.called + linger - now
    if not IS_BATCH[candidate.kind] or candidate.queued >= most or idle_in <= 0 or idle_in > linger then
      if chosen then
        more = more or class_of(lane)
      else
        chosen = candidate
      end
    else
      wait = math.min(wait or idle_in, idle_in)
      lingering = lingering or class_of(lane)
    end
  end
  if chosen then
    break
  end
end

if not chosen then
  if wait then
    return wait_for(math.max(1, math.ceil(wait)))
  end
  return leave('empty')
end

-- 4. One range of the chosen stream, as large as the quota at hand allows; what expired before it is dropped.
local paced = chosen.lane ~= 'urgent'
local want = math.min(chosen.queued, IS_BATCH[chosen.kind] and most or 1)
local hand = quota.at_hand(paced, slice)
want = math.min(want, paced and slice or math.max(1, hand))

-- Reads on behind `from`, as far as `to`, until half of `want` is found or the budget is spent. What comes before the
-- first entry that is to be sent stands in `before`, because it goes in any case.
local function gather(from, to, budget)
  local found = {live = {}, dropped = {}, read = 0, before = {dropped = {}, read = 0}}
  while budget > 0 and #found.live * 2 < want do
    local asked = want - #found.live
    local entries = redis.call('XRANGE', p .. chosen.stream, from and '(' .. from or '-', to, 'COUNT', asked)
    if #entries == 0 then
      break
    end
    local live, dropped = live_of(entries, now)
    for _, entry in ipairs(live) do
      found.live[#found.live + 1] = entry
    end
    local piece = #found.live > 0 and found or found.before
    for _, drop in ipairs(dropped) do
      piece.dropped[#piece.dropped + 1] = drop
    end
    from = entries[#entries][1]
    piece.read, piece.last = piece.read + #entries, from
    -- A read costs about as much as an entry.
    budget = budget - #entries - 1
    if #entries < asked then
      break
    end
  end
  return found, budget
end

-- The id from which on entries are alive: halves the time between `from`, where they are not, and the youngest; nothing
-- if that is not alive either. Where lives differ some are passed by, and found when the passed range is worked off.
local function end_of_expired(from)
  local youngest = redis.call('XREVRANGE', p .. chosen.stream, '+', '-', 'COUNT', 1)[1]
  local function is_expired_at(ms)
    local entry = redis.call('XRANGE', p .. chosen.stream, whole(ms) .. '-0', '+', 'COUNT', 1)[1]
    local expires = entry and tonumber(string.sub(fields_of(entry), 2, 12), 16)
    return expires and expires <= now
  end
  local low, high = tonumber(string.match(from, '^%d+')), tonumber(string.match(youngest[1], '^%d+'))
  if low >= high or is_expired_at(high) then
    return
  end
  while high - low > 1 do
    local middle = math.floor((low + high) / 2)
    if is_expired_at(middle) then
      low = middle
    else
      high = middle
    end
  end
  return whole(high - 1) .. '-18446744073709551615'
end

-- `ahead` is turn|end of what was passed by|second cursor.
local ahead = redis.call('HGET', p .. 'state', chosen.stream .. '|ahead')
ahead = ahead and split(ahead)
local behind, budget = gather(chosen.cursor, ahead and ahead[2] or '+', DROPPED_AT_ONCE)
if not ahead and #behind.before.dropped + #behind.dropped > #behind.live then
  local passed_by = end_of_expired(behind.last or behind.before.last)
  ahead = passed_by and {'front', passed_by}
end
local part, front = behind, nil
if ahead and (#behind.live == 0 or ahead[1] == 'front') then
  front = gather(ahead[3] or ahead[2], '+', math.max(want, budget))
  part = #front.live > 0 and front or behind
end
local live = part.live

-- A target that comes twice waits for the next call (answers are keyed by target); many of them end the range here.
if IS_BATCH[chosen.kind] and #part.dropped == 0 then
  local seen, repeats = {}, 0
  for index, entry in ipairs(live) do
    local target = string.sub(entry[2], 37)
    if seen[target] then
      repeats = repeats + 1
      if repeats > DUPLICATES_KEPT then
        for surplus = #live, index, -1 do
          live[surplus] = nil
        end
        part.last, part.read = live[index - 1][1], index - 1
        break
      end
    end
    seen[target] = true
  end
end

local read = 0
local function pass(piece)
  if piece.read > 0 then
    read = read + piece.read
    redis.call('HINCRBY', p .. 'state', chosen.stream .. '|passed', piece.read)
    write_outcomes(piece.dropped, now, life)
    local sums = {}
    for _, drop in ipairs(piece.dropped) do
      local word = drop[2] == EXPIRED and 'expired' or 'cancelled'
      sums[word] = (sums[word] or 0) + 1
    end
    for word, sum in pairs(sums) do
      redis.call('HINCRBY', p .. 'counts', word, sum)
    end
  end
  return piece.last
end

local cursor, second = pass(behind.before), front and pass(front.before)
local is_leased = #live > 0 and #live <= math.max(0, hand)
if is_leased and part == front then
  second = pass(front)
elseif is_leased then
  cursor = pass(behind)
end
if ahead then
  second, cursor = second or ahead[3], cursor or chosen.cursor
  local left = redis.call('XRANGE', p .. chosen.stream, cursor and '(' .. cursor or '-', ahead[2], 'COUNT', 1)
  if #left > 0 then
    local turn = is_leased and (part == front and 'back' or 'front') or ahead[1]
    redis.call('HSET', p .. 'state', chosen.stream .. '|ahead', table.concat({turn, ahead[2], second}, '|'))
  else
    redis.call('HDEL', p .. 'state', chosen.stream .. '|ahead')
    cursor = second or cursor
  end
end
if cursor then
  redis.call('HSET', p .. 'state', chosen.stream .. '|cursor', cursor)
end
if not is_leased then
  if read > 0 then
    trim(chosen.stream)
  elseif #live > 0 then
    return wait_for(quota.wait(#live, paced, slice))
  else
    -- The stream holds less than the state says: an old state met new data. Start over from what is there.
    redis.call('HSET', p .. 'state', chosen.stream .. '|passed', redis.call('XLEN', p .. chosen.stream))
  end
  return {'again'}
end

redis.call('HSET', p .. 'state', chosen.stream .. '|called', tostring(now))
quota.take(#live)
quota.close()
record(token, chosen.stream, live[1][1], part.last, #live, now, 0, now + lease_ms)
if chosen.queued > read then
  more = more or class_of(chosen.lane)
end
-- This slice is off with its call: what lingers, and its own lane behind a more urgent one, need another.
if more then
  ring(more)
end
if lingering then
  ring(lingering)
end
if class_of(chosen.lane) ~= class and has_work(ARGV[1], now) then
  ring(class)
end
return answer(chosen.stream, live, now, 0)
