-- Raises the subject's epoch and ends its sessions.
-- KEYS: 3 index, 4 epoch. ARGV: 3 eight bytes that name this call, 4 the session that stays or empty,
-- then the reason's fields.
local index, epoch, call, keep = KEYS[3], KEYS[4], ARGV[3], ARGV[4]
local before = redis.call('HMGET', epoch, 'q', 'n')
if before[1] == call then
  touch()
  return {tonumber(before[2]), 0}
end
local others = {}
for _, id in ipairs(redis.call('ZRANGE', index, 0, -1)) do
  if id ~= keep then
    others[#others + 1] = id
  end
end
local ended = finish_each(others, rest(5), retention(0))
for _, id in ipairs(others) do
  redis.call('ZREM', index, id)
end
redis.call('HINCRBY', epoch, 'e', 1)
redis.call('HSET', epoch, 'q', call, 'n', ended)
return {ended, 0}
