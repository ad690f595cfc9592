-- This file comes before every operation, and constants of Python before it.
-- KEYS: 1 the partition's meta hash, 2 its log.
-- ARGV: 1 the beginning of all keys of the partition, 2 the clock in milliseconds, or empty: then
-- the server's clock counts.
-- A session is a hash. m: generation, birth of the generation, idle end, then 8 bytes that name the
-- call that wrote it. f: creation, end, auth_time, epoch of everybody, hash of sec. r: when it was
-- revoked. h: recent generations. Texts are cut in pieces: u subject, c client, d device, j claims,
-- w why it was revoked.
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

-- How long the log is kept, given one more access lifetime; it never becomes shorter.
local function retention(access_life)
  local longest = held('life')
  if access_life > longest then
    longest = access_life
    redis.call('HSET', META, 'life', int(longest))
  end
  return longest + SKEW_MS
end

-- A write that changes nothing. WAIT covers the last write of its own connection and all before
-- it; a repeated call that found its work done has none on this connection yet.
local function touch()
  redis.call('HSET', META, 'at', int(held('at')))
end

-- Adds to the log. The ids never go back, even if the clock does: readers resume after the last id
-- that they saw. Entries stay for LOG_MS at least, so that a clock that is ahead for a moment trims
-- none that matters.
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

local function is_live(row)
  return not row.revoked and now < row.idle_ends and now < row.ends
end

-- Ends a session and logs it; `why` has the fields of the reason.
local function finish(key, id, why, keep)
  redis.call('HSET', key, 'r', int(now), unpack(why))
  redis.call('HDEL', key, 'h')
  append('s', id, keep)
end

-- A mark holds the moment until which a session or token counts as revoked. Its key lives as
-- long, but only the moment obeys the store's clock.
local function is_marked(key)
  return tonumber(redis.call('GET', key) or 0) > now
end

local function mark(key, keep)
  keep = math.max(keep, LOG_MS)
  redis.call('SET', key, int(now + keep), 'PX', int(keep))
end

-- Ends sessions; with `below`, only those of a lower epoch of everybody. Returns how many of them
-- were live.
local function finish_each(ids, why, keep, below)
  local ended = 0
  for _, id in ipairs(ids) do
    local key = BASE .. 's:' .. id
    local is_whole, row = pcall(find, key)
    if not is_whole then
      -- A row that is moving to another cluster member fails every command, and is not damaged:
      -- EXISTS ends the script then. A damaged row is ended by a mark, and keeps no other from it.
      redis.call('EXISTS', key)
      mark(BASE .. 'x:s:' .. id, keep)
      append('s', id, keep)
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
