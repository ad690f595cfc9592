-- Ends some of the sessions that an actor opened: how many were live, and how many are left.
-- KEYS: 3 index of the actor.
-- ARGV: 3 eight bytes that name this call, 4 how many at most, then the reason's fields.
local index, call, keep, why, ended = KEYS[3], ARGV[3], retention(0), rest(5), 0
local before = redis.call('HMGET', META, 'q', 'n')
if before[1] == call then
  touch()
  return {tonumber(before[2]), redis.call('ZCARD', index)}
end
for _, id in ipairs(redis.call('ZRANGE', index, 0, tonumber(ARGV[4]) - 1)) do
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
if redis.call('EXISTS', META) == 1 then
  redis.call('HSET', META, 'q', call, 'n', ended)
end
return {ended, redis.call('ZCARD', index)}
