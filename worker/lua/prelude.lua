-- Shared by the scripts of the worker: put before each of them when it is loaded. Defines the clock, the stream ids, the
-- outcome slots and the quota.
--
-- Quota: a sliding window log says what was granted in the last second + guard (never more than the rate), and GCRA
-- pacing spreads the grants in slices, so that one lane's burst does not shut the others out for a second.
-- `window` holds 'time:units' per grant, oldest first; `quota` holds sum (of the window), tat (pacing clock), clock (last
-- time seen), rate and stepped (effective rate after throttling, and when it last changed).

local p = KEYS[1]

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 100) / 10
end

local function whole(number)
  return string.format('%.0f', number)
end

local function split(text)
  local parts = {}
  for part in string.gmatch(text, '[^|]+') do
    parts[#parts + 1] = part
  end
  return parts
end

-- The id just after `id` (a stream id of Redis, ms-seq).
local function after(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return ms .. '-' .. whole(tonumber(seq) + 1)
end

local function precedes(a, b)
  local ams, aseq = string.match(a, '^(%d+)-(%d+)$')
  local bms, bseq = string.match(b, '^(%d+)-(%d+)$')
  ams, bms = tonumber(ams), tonumber(bms)
  if ams ~= bms then
    return ams < bms
  end
  return tonumber(aseq) < tonumber(bseq)
end

local NAMES = '0123456789abcdefghjkmnpqrstvwxyz'

local function index_of(ref)
  local index = 0
  for i = 13, 15 do
    index = index * 32 + string.find(NAMES, string.sub(ref, i, i), 1, true) - 1
  end
  return index
end

-- Writes the outcomes of pushes that were never sent, {ref, state} each, consecutive slots of a bucket as one.
local function write_outcomes(drops, now, life)
  local seconds = math.floor(now / 1000)
  local time = ''
  for _ = 1, 4 do
    time = time .. string.char(seconds % 256)
    seconds = math.floor(seconds / 256)
  end
  local tail = string.rep('\0', 11) .. time
  local name, first, slots = nil, 0, {}
  local function write()
    if name then
      redis.call('SETRANGE', p .. 'slots:' .. name, first * 16, table.concat(slots))
      redis.call('EXPIRE', p .. 'slots:' .. name, life)
    end
  end
  for _, drop in ipairs(drops) do
    local bucket, index = string.sub(drop[1], 1, 12), index_of(drop[1])
    if bucket ~= name or index ~= first + #slots then
      write()
      name, first, slots = bucket, index, {}
    end
    slots[#slots + 1] = string.char(drop[2]) .. tail
  end
  write()
end

local quota = {}

-- Reads the state of the quota. `rate` is the configured one; after throttling the effective rate is lower and climbs
-- back by a fiftieth of the configured rate a second.
function quota.open(now, rate, guard)
  local seen = redis.call('HMGET', p .. 'quota', 'sum', 'tat', 'clock', 'rate', 'stepped')
  quota.now, quota.window = now, 1000 + guard
  quota.sum, quota.tat = tonumber(seen[1] or 0), tonumber(seen[2] or 0)
  local last = tonumber(seen[3] or 0)
  quota.rate, quota.configured = rate, rate
  if seen[4] then
    local climbed = tonumber(seen[4]) + rate * 0.02 * math.max(0, now - tonumber(seen[5])) / 1000
    quota.rate = math.min(rate, climbed)
    if climbed >= rate then
      redis.call('HDEL', p .. 'quota', 'rate', 'stepped')
    end
  end
  if now < last - 1 then
    -- The clock of the server went back: all that the window holds counts as granted just now.
    redis.call('DEL', p .. 'window')
    if quota.sum > 0 then
      redis.call('RPUSH', p .. 'window', now .. ':' .. quota.sum)
    end
    quota.tat = now
  end
  local head = redis.call('LINDEX', p .. 'window', 0)
  while head do
    local at, units = string.match(head, '^([%d.]+):(-?[%d.]+)$')
    if tonumber(at) > now - quota.window then
      break
    end
    redis.call('LPOP', p .. 'window')
    quota.sum = quota.sum - tonumber(units)
    head = redis.call('LINDEX', p .. 'window', 0)
  end
  if not head then
    quota.sum = 0
  end
  quota.close()
end

-- Units at hand. Paced grants also keep to GCRA with a tolerance of two slices (so that a slice that wakes late loses
-- nothing); urgent ones only to the window.
function quota.at_hand(paced, slice)
  local free = math.floor(quota.rate - quota.sum)
  if not paced then
    return free
  end
  local step = quota.window / quota.rate
  local tat = math.max(quota.tat, quota.now)
  return math.min(free, math.floor((quota.now + 2 * slice * step - tat) / step + 0.001))
end

-- Milliseconds until `units` are at hand.
function quota.wait(units, paced, slice)
  local free = quota.rate - quota.sum
  local wait = 1
  local index = 0
  while free < units do
    local grant = redis.call('LINDEX', p .. 'window', index)
    if not grant then
      break
    end
    local at, size = string.match(grant, '^([%d.]+):(-?[%d.]+)$')
    free = free + tonumber(size)
    wait = tonumber(at) + quota.window - quota.now
    index = index + 1
  end
  if paced then
    local step = quota.window / quota.rate
    local tat = math.max(quota.tat, quota.now)
    wait = math.max(wait, tat + (units - 2 * slice) * step - quota.now)
  end
  return math.max(1, math.ceil(wait))
end

function quota.take(units)
  if units <= 0 then
    return
  end
  quota.sum = quota.sum + units
  quota.tat = math.max(quota.tat, quota.now) + units * quota.window / quota.rate
  local last = redis.call('LINDEX', p .. 'window', -1)
  local at, size
  if last then
    at, size = string.match(last, '^([%d.]+):(-?[%d.]+)$')
  end
  if at and quota.now - tonumber(at) < 2 then
    redis.call('LSET', p .. 'window', -1, at .. ':' .. (tonumber(size) + units))
  else
    redis.call('RPUSH', p .. 'window', quota.now .. ':' .. units)
  end
end

-- Gives back units that were granted at `at` and not used.
function quota.give_back(units, at)
  if units <= 0 then
    return
  end
  for index = -1, -32, -1 do
    local grant = redis.call('LINDEX', p .. 'window', index)
    if not grant then
      return
    end
    local time, size = string.match(grant, '^([%d.]+):(-?[%d.]+)$')
    if math.abs(tonumber(time) - at) < 2.05 and tonumber(size) >= units then
      redis.call('LSET', p .. 'window', index, time .. ':' .. (tonumber(size) - units))
      quota.sum = quota.sum - units
      quota.tat = quota.tat - units * quota.window / quota.rate
      return
    end
  end
end

-- Dates units that were granted at `at` by when the API can have counted them, `counted`, if that is later.
function quota.redate(units, at, counted)
  if units <= 0 or counted <= at then
    return
  end
  for index = -1, -64, -1 do
    local grant = redis.call('LINDEX', p .. 'window', index)
    if not grant then
      break
    end
    local time, size = string.match(grant, '^([%d.]+):(-?[%d.]+)$')
    if math.abs(tonumber(time) - at) < 2.05 and tonumber(size) >= units then
      redis.call('LSET', p .. 'window', index, time .. ':' .. (tonumber(size) - units))
      quota.sum = quota.sum - units
      break
    end
  end
  redis.call('RPUSH', p .. 'window', math.min(counted, quota.now) .. ':' .. units)
  quota.sum = quota.sum + units
end

-- One step down per second at the most, to nine tenths of the effective rate and never below a twentieth.
function quota.step_down()
  local stepped = tonumber(redis.call('HGET', p .. 'quota', 'stepped') or 0)
  if quota.now - stepped < 1000 then
    return
  end
  quota.rate = math.max(quota.configured / 20, quota.rate * 0.9)
  redis.call('HSET', p .. 'quota', 'rate', quota.rate, 'stepped', quota.now)
end

function quota.close()
  redis.call('HSET', p .. 'quota', 'sum', quota.sum, 'tat', quota.tat, 'clock', quota.now)
end

local KINDS = {'regid', 'alias', 'single', 'group', 'validate'}
-- Kinds whose calls carry many targets; of the others each call carries one push.
local IS_BATCH = {regid = true, alias = true}

local function class_of(lane)
  if lane == 'urgent' then
    return 'urgent'
  end
  return lane == 'transactional' and 'push' or 'bulk'
end

local function ring(class)
  if redis.call('EXISTS', p .. 'bell:' .. class) == 0 then
    redis.call('RPUSH', p .. 'bell:' .. class, '1')
  end
end

-- Removes from a stream what lies behind both its cursor and its lowest live lease.
local function trim(stream)
  local cursor = redis.call('HGET', p .. 'state', stream .. '|cursor')
  if not cursor then
    return
  end
  local floor = after(cursor)
  local leases = redis.call('HVALS', p .. 'leases')
  for _, record in ipairs(leases) do
    local part = split(record)
    if part[1] == stream and precedes(part[2], floor) then
      floor = part[2]
    end
  end
  local gone = redis.call('XTRIM', p .. stream, 'MINID', floor)
  if gone > 0 then
    redis.call('HINCRBY', p .. 'state', stream .. '|passed', -gone)
  end
end

-- Whether any of the lanes (comma separated) has queued entries or due retries.
local function has_work(lanes, now)
  for lane in string.gmatch(lanes, '[^,]+') do
    for _, kind in ipairs(KINDS) do
      local name = lane .. ':' .. kind
      if redis.call('ZCOUNT', p .. 'later:' .. name, '-inf', now) > 0 then
        return true
      end
      for _, side in ipairs({'again:', 'lane:'}) do
        local length = redis.call('XLEN', p .. side .. name)
        if length > 0 and length > tonumber(redis.call('HGET', p .. 'state', side .. name .. '|passed') or 0) then
          return true
        end
      end
    end
  end
  return false
end
