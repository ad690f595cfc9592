-- Raises the partition's epoch of everybody; from now on logins under way fail. Raised by 0, it is
-- only read, with a write for WAIT to cover.
-- KEYS: 3 a key that never exists: a cluster member that moves the partition away rejects it.
-- ARGV: 3 by how much.
return redis.call('HINCRBY', META, 'all', ARGV[3])
