-- Comes before every operation.
-- KEYS[1] and KEYS[2] are the partition's meta hash and its log; ARGV[1] is what all keys of the
-- partition begin with, ARGV[2] the store's clock in milliseconds, or empty: then the server's.
-- SKEW_MS, LOG_MS, MAX_RECENT, MAX_AHEAD and MAX_IDLE are put before this file.
-- A session is a hash: m and f are packed numbers, r and w when and why it was revoked, h its
-- recent generations; texts (u subject, c client, d device, j claims, w) are cut in pieces.
local META, LOG, BASE = KEYS[1], KEYS[2], ARGV[1]
local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function int(number)
  return string.format('%.0f', number)
end

local function held(name)
  return tonumber(redis.call('HGET', META, name) or 0)
end

-- How long the log is kept, after an access life was heard of; it never becomes shorter.
local function retention(access_life)
  local longest = held('life')
  if access_life > longest then
    longest = access_life
    redis.call('HSET', META, 'life', int(longest))
  end
  return longest + SKEW_MS
end

-- A write that changes nothing, so that a WAIT after it covers all writes before it.
local function touch()
  redis.call('HSET', META, 'at', int(held('at')))
end

-- Entries are in order even when the clock is not: an id never goes back. A clock that is ahead
-- for a moment trims none that matters.
local function append(kind, id, keep)
  keep = math.max(keep, LOG_MS)
  local at = held('at')
  if at == 0 then
    local time = redis.call('TIME')
    redis.call('HSET', META, 'id', time[1] .. '.' .. time[2])
  end
  at = math.max(at, now)
  redis.call('HSET', META, 'at', int(at))
  redis.call('XADD', LOG, 'MINID', '=', int(math.max(now - keep, 0)), int(at) .. '-*', kind, id)
  redis.call('PEXPIRE', LOG, int(keep))
end

local function find(key)
  local found = redis.call('HMGET', key, 'm', 'f', 'r', 'h')
  if not found[1] then
    return nil
  end
  if #found[1] ~= 26 or not found[2] or #found[2] ~= 54 then
    error('a session is damaged')
  end
  local row = {revoked = found[3], packed = found[1], recent = found[4] or ''}
  row.generation, row.born, row.idle_ends = struct.unpack('<I6I6I6', found[1])
  row.call = string.sub(found[1], 19)
  row.created, row.ends, row.auth_time, row.epoch = struct.unpack('<I6I6I6I4', found[2])
  row.sec_hash = string.sub(found[2], 23)
  return row
end

-- Whether the row is whole, and then the row. One that is being moved elsewhere is not broken:
-- asking once more fails for that reason, and ends the script.
local function find_whole(key)
  local is_whole, row = pcall(find, key)
  if not is_whole then
    redis.call('EXISTS', key)
  end
  return is_whole, row
end

local function is_live(row)
  return not row.revoked and now < row.idle_ends and now < row.ends
end

-- Ends a session and logs it; `why` are the fields that hold the reason.
local function finish(key, id, why, keep)
  redis.call('HSET', key, 'r', int(now), unpack(why))
  redis.call('HDEL', key, 'h')
  append('s', id, keep)
end

-- A mark outlives its token: it holds the moment from which nobody has to be told any more.
local function is_marked(key)
  return tonumber(redis.call('GET', key) or 0) > now
end

local function mark(key, keep)
  keep = math.max(keep, LOG_MS)
  redis.call('SET', key, int(now + keep), 'PX', int(keep))
end

-- Ends a session whose row somebody else has written to: whoever asks for it is told so, and
-- nobody who holds one broken row keeps the others from being ended.
local function finish_damaged(id, keep)
  mark(BASE .. 'x:s:' .. id, keep)
  append('s', id, keep)
end

-- Ends sessions that have not ended, of an epoch of everybody below the limit if one is given; how
-- many of them were live.
local function finish_each(ids, why, keep, below)
  local ended = 0
  for _, id in ipairs(ids) do
    local key = BASE .. 's:' .. id
    local is_whole, row = find_whole(key)
    if not is_whole then
      finish_damaged(id, keep)
    elseif row and not row.revoked and (not below or row.epoch < below) then
      if is_live(row) then ended = ended + 1 end
      finish(key, id, why, keep)
    end
  end
  return ended
end

local function rest(first)
  local fields = {}
  for n = first, #ARGV do
    fields[#fields + 1] = ARGV[n]
  end
  return fields
end
