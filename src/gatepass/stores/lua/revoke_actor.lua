-- Ends some of the sessions that an actor opened: how many were live, and how many are left.
-- KEYS: 3 index of the actor. ARGV: 3 eight bytes that name this call, 4 how many at most, then the
-- reason's fields.
local index, call, last = KEYS[3], ARGV[3], tonumber(ARGV[4]) - 1
local before = redis.call('HMGET', META, 'q', 'n')
if before[1] == call then
  touch()
  return {tonumber(before[2]), redis.call('ZCARD', index)}
end
local ended = finish_each(redis.call('ZRANGE', index, 0, last), rest(5), retention(0))
redis.call('ZREMRANGEBYRANK', index, 0, last)
-- A partition that was never written to stays empty.
if redis.call('EXISTS', META) == 1 then
  redis.call('HSET', META, 'q', call, 'n', ended)
end
return {ended, redis.call('ZCARD', index)}
