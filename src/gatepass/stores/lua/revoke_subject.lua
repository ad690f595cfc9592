-- Raises the subject's epoch and ends its sessions.
-- KEYS: 3 index, 4 epoch. ARGV: 3 eight bytes that name this call, then the reason's fields.
local index, epoch, call = KEYS[3], KEYS[4], ARGV[3]
local before = redis.call('HMGET', epoch, 'q', 'n')
if before[1] == call then
  touch()
  return {tonumber(before[2]), 0}
end
local ended = finish_each(redis.call('ZRANGE', index, 0, -1), rest(4), retention(0))
redis.call('DEL', index)
redis.call('HINCRBY', epoch, 'e', 1)
redis.call('HSET', epoch, 'q', call, 'n', ended)
return {ended, 0}
