-- The subject's live sessions, newest first. KEYS: 3 index.
local found = {}
for _, id in ipairs(redis.call('ZREVRANGE', KEYS[3], 0, -1)) do
  local key = BASE .. 's:' .. id
  local row = find(key)
  if row and is_live(row) then
    found[#found + 1] = {id, redis.call('HGETALL', key)}
  end
end
return found
