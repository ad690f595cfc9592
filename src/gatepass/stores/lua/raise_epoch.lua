-- Raises the partition's epoch of everybody; from now on log-ins under way lose.
-- KEYS: 3 a key that is never there: a member of a cluster that moves the partition refuses it.
return redis.call('HINCRBY', META, 'all', 1)
