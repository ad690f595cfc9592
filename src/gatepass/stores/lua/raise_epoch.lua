-- Raises the partition's epoch of everybody: logins under way fail from now on. Raising it by 0
-- reads it, and is a write that WAIT covers.
-- KEYS: 3 a key that never exists: a cluster member that moves the partition away rejects it.
-- ARGV: 3 by how much.
return redis.call('HINCRBY', META, 'all', ARGV[3])
