-- Raises the subject's epoch and ends its sessions.
-- KEYS: 3 index, 4 epoch. ARGV: 3 eight bytes that name this call, then the reason's fields.
local index, epoch, call = KEYS[3], KEYS[4], ARGV[3]
local before = redis.call('HMGET', epoch, 'q', 'n')
if before[1] == call then
  touch()
  return tonumber(before[2])
end
local keep, why, ended = retention(0), rest(4), 0
for _, id in ipairs(redis.call('ZRANGE', index, 0, -1)) do
  local key = BASE .. 's:' .. id
  local is_whole, row = find_whole(key)
  if not is_whole then
    finish_damaged(id, keep)
  elseif row and not row.revoked then
    if is_live(row) then ended = ended + 1 end
    finish(key, id, why, keep)
  end
end
redis.call('DEL', index)
redis.call('HINCRBY', epoch, 'e', 1)
redis.call('HSET', epoch, 'q', call, 'n', ended)
return ended
