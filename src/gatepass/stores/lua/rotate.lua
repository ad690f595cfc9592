-- The rotation table of sessions/rotation.py, first match wins.
-- KEYS: 3 session. ARGV: 3 sid, 4 presented generation, 5 hash of sec, 6 leeway, 7 refresh and 8
-- access lifetime, 9 eight bytes that name this call in every attempt; then, if the claims are
-- replaced, 10 the number of their pieces, and their fields.
local session, id, call = KEYS[3], ARGV[3], ARGV[9]
local presented, leeway = tonumber(ARGV[4]), tonumber(ARGV[6])
local keep = retention(tonumber(ARGV[8]))
local row = find(session)

local function answer(kind)
  return {kind, redis.call('HGETALL', session)}
end

local function recent()
  local pairs_of, packed, at = {}, row.recent, 1
  while at <= #packed do
    local back, ago
    back, ago, at = struct.unpack('<Hi4', packed, at)
    pairs_of[#pairs_of + 1] = {row.generation - back, row.born - ago}
  end
  return pairs_of
end

local function near(at)
  return math.abs(now - at) <= leeway
end

local function is_recent()
  for _, pair in ipairs(leeway > 0 and recent() or {}) do
    if pair[1] == presented and near(pair[2]) then
      return true
    end
  end
  return false
end

local function pack_recent()
  local kept = {}
  for _, pair in ipairs(recent()) do
    if near(pair[2]) then
      kept[#kept + 1] = pair
    end
  end
  kept[#kept + 1] = {presented, now}
  local packed = ''
  for n = math.max(#kept - MAX_RECENT + 1, 1), #kept do
    packed = packed .. struct.pack('<Hi4', presented + 1 - kept[n][1], now - kept[n][2])
  end
  return packed
end

local function advance()
  local idle_ends = math.min(now + tonumber(ARGV[7]), row.ends)
  local packed = struct.pack('<I6I6I6', presented + 1, now, idle_ends) .. call
  if leeway > 0 then
    redis.call('HSET', session, 'm', packed, 'h', pack_recent())
  else
    redis.call('HSET', session, 'm', packed)
    redis.call('HDEL', session, 'h')
  end
  if ARGV[10] then
    redis.call('HSET', session, unpack(rest(11)))
    local piece = tonumber(ARGV[10])
    while redis.call('HDEL', session, 'j' .. piece) == 1 do
      piece = piece + 1
    end
  end
end

if not row or row.sec_hash ~= ARGV[5] then
  return {'unknown'}
end
if row.revoked then
  -- A rotation before the revocation may have left these bytes, so the reason has to be reuse.
  if row.call == call and redis.call('HGET', session, 'w') == 'reuse' then
    touch()
    return answer('reused')
  end
  return answer('revoked')
end
if presented > row.generation + MAX_AHEAD then
  return {'unknown'}
end
if now >= row.ends then
  return answer('expired')
end
if presented > row.generation then
  advance()
  return answer('ahead')
end
if now >= row.idle_ends then
  return answer('expired')
end
if presented == row.generation then
  advance()
  return answer('rotated')
end
-- A repeated call finds its own rotation.
if row.call == call and presented == row.generation - 1 then
  return answer('rotated')
end
if is_recent() then
  return answer('replayed')
end
redis.call('HSET', session, 'm', string.sub(row.packed, 1, 18) .. call)
finish(session, id, {'w', 'reuse'}, keep)
return answer('reused')
