-- Raises the partition's epoch of everybody: logins under way fail from now on. Raising it by 0
-- reads it, and is a write that WAIT covers.
-- KEYS: 3 a key that never exists: a cluster member that moves the partition away rejects it.
-- ARGV: 3 by how much.
local count = redis.call('HINCRBY', META, 'all', ARGV[3])
if ARGV[3] ~= '0' then
  redis.call('HSET', META, 'all_at', int(math.max(now, held('all_at'))), 'all_te', int(count))
end
return count
