-- Ends some of the sessions that an actor opened: how many were live, and how many are left.
-- KEYS: 3 index of the actor. ARGV: 3 how many at most, then the reason's fields.
local index, keep, why, ended = KEYS[3], retention(0), rest(4), 0
touch()
for _, id in ipairs(redis.call('ZRANGE', index, 0, tonumber(ARGV[3]) - 1)) do
  local key = BASE .. 's:' .. id
  local is_whole, row = find_whole(key)
  if not is_whole then
    finish_damaged(id, keep)
  elseif row and not row.revoked then
    if is_live(row) then ended = ended + 1 end
    finish(key, id, why, keep)
  end
  redis.call('ZREM', index, id)
end
return {ended, redis.call('ZCARD', index)}
