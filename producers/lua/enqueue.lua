-- Stores pushes of one app in one stream of a lane, and rings the bell.
--
-- KEYS  1 push:{app}:           the prefix that all keys below start with
-- ARGV  1 lane  2 kind  3 lane class  4 limit (pending pushes of the app)  5 bucket  6 first slot
--       7 life of outcomes in seconds  8 number of pushes, then for each push
--       push_id, life in ms, target, body, content digest ('' without an idempotency key), flags: s sensitive, t with a
--       time to live
-- keys  profile, lane:<lane>:<kind>, again/later of the lanes (read), slots:<bucket>, idem:<push_id>, counts, bell:<class>
-- answers  {'ok', one character per push: s stored, d duplicate of the same content, c conflict of contents, the refs of
--          duplicates…}
--          {'unknown'}  no worker has registered the app
--          {'full', pending}  the limit is reached, or Redis is near its memory limit (-1); nothing was stored
--
-- Atomic, because the id check, the entry, the count and the bell must agree: a receipt means all four. A repeat of the
-- same request finds its slots taken and answers as the first time did, so a lost answer costs nothing.

local p = KEYS[1]
local lane, kind, class = ARGV[1], ARGV[2], ARGV[3]
local limit, bucket, first = tonumber(ARGV[4]), p .. 'slots:' .. ARGV[5], tonumber(ARGV[6])
local life, n = tonumber(ARGV[7]), tonumber(ARGV[8])
local STORED, DUPLICATE, CONFLICT = '\1', '\254', '\253'

if redis.call('EXISTS', p .. 'profile') == 0 then
  return {'unknown'}
end

-- A slot that is taken says that an earlier request with the same push id arrived, and how it was answered.
local answers, states, fresh = {}, {}, 0
local before = redis.call('GETRANGE', bucket, first * 16, (first + n) * 16 - 1)
for i = 1, n do
  local state = string.sub(before, i * 16 - 15, i * 16)
  local mark = string.sub(state, 1, 1)
  if mark == '' or mark == '\0' then
    fresh = fresh + 1
  else
    states[i] = state
    answers[i] = mark == DUPLICATE and 'd' or mark == CONFLICT and 'c' or 's'
  end
end

local pending = 0
for _, l in ipairs({'urgent', 'transactional'}) do
  for _, k in ipairs({'regid', 'alias', 'single', 'group', 'validate'}) do
    local stream = l .. ':' .. k
    pending = pending + redis.call('XLEN', p .. 'lane:' .. stream) + redis.call('XLEN', p .. 'again:' .. stream)
      + redis.call('ZCARD', p .. 'later:' .. stream)
  end
end
if fresh > 0 and pending + fresh > limit then
  return {'full', pending}
end
if fresh > 0 and redis.call('EXISTS', p .. 'full') == 1 then
  return {'full', -1}
end

local seen, new = {}, {}
local blank = string.rep('\0', 15)
for i = 1, n do
  local at = 3 + i * 6
  local push_id, digest = ARGV[at], ARGV[at + 4]
  if not answers[i] then
    local known = digest ~= '' and (seen[push_id] or redis.call('GET', p .. 'idem:' .. push_id))
    if not known then
      answers[i], states[i] = 's', STORED .. blank
      new[#new + 1] = i
      if digest ~= '' then
        seen[push_id] = digest .. ARGV[5] .. 'xxx'
      end
    elseif string.sub(known, 1, -16) == digest then
      answers[i], states[i] = 'd', DUPLICATE .. blank
    else
      answers[i], states[i] = 'c', CONFLICT .. blank
    end
  end
end

-- The first write is one that Redis refuses when its memory is full: after it nothing is refused half-way.
if fresh > 0 then
  redis.call('SETRANGE', bucket, first * 16, table.concat(states))
end
redis.call('EXPIRE', bucket, life)

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local names = '0123456789abcdefghjkmnpqrstvwxyz'
local function name_of(index)
  local out = ''
  for _ = 1, 3 do
    local digit = index % 32
    out = string.sub(names, digit + 1, digit + 1) .. out
    index = (index - digit) / 32
  end
  return out
end

local stream = p .. 'lane:' .. lane .. ':' .. kind
for _, i in ipairs(new) do
  local at = 3 + i * 6
  local push_id, digest = ARGV[at], ARGV[at + 4]
  local flags = ARGV[at + 5]
  local version = string.find(flags, 's', 1, true) and '2' or '1'
  local header = version .. string.format('%011x', now + tonumber(ARGV[at + 1])) .. push_id .. ARGV[at + 2]
  local queued_at = string.find(flags, 't', 1, true) and now or 0
  local ref = ARGV[5] .. name_of(first + i - 1)
  if digest ~= '' then
    redis.call('SET', p .. 'idem:' .. push_id, digest .. ref, 'EX', life)
  end
  if digest == '' and queued_at == 0 then
    redis.call('XADD', stream, '*', 'h', header, 'b', ARGV[at + 3])
  else
    redis.call('XADD', stream, '*', 'h', header, 'b', ARGV[at + 3], 'r',
      ref .. '0000000000000000' .. string.format('%011x', queued_at))
  end
end

if #new > 0 then
  redis.call('HINCRBY', p .. 'counts', 'enqueued', #new)
  if redis.call('EXISTS', p .. 'bell:' .. class) == 0 then
    redis.call('RPUSH', p .. 'bell:' .. class, '1')
  end
end

local refs = {}
for i = 1, n do
  if answers[i] == 'd' then
    local record = redis.call('GET', p .. 'idem:' .. ARGV[3 + i * 6])
    refs[#refs + 1] = record and string.sub(record, -15) or ''
  end
end
return {'ok', table.concat(answers), unpack(refs)}
