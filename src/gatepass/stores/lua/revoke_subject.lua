-- Raises the subject's epoch and ends its sessions.
-- KEYS: 3 epoch, then the index of its sessions, and that of its keys unless they stay. ARGV: 3 eight
-- bytes that name this call, 4 the session that stays or empty, then the reason's fields.
local epoch, call, keep = KEYS[3], ARGV[3], ARGV[4]
local before = redis.call('HMGET', epoch, 'q', 'n', 't')
local raised = tonumber(before[3] or 0)
if before[1] == call then
  touch()
  return {tonumber(before[2]), 0}
end
local ended = 0
for n = 4, #KEYS do
  local others = {}
  for _, id in ipairs(redis.call('ZRANGE', KEYS[n], 0, -1)) do
    if id ~= keep then
      others[#others + 1] = id
    end
  end
  ended = ended + finish_each(others, rest(5), retention(0))
  for _, id in ipairs(others) do
    redis.call('ZREM', KEYS[n], id)
  end
end
local count = redis.call('HINCRBY', epoch, 'e', 1)
redis.call('HSET', epoch, 'q', call, 'n', ended, 't', int(math.max(now, raised)), 'te', int(count))
return {ended, 0}
