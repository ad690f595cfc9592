-- Raises the partition's epoch of everybody; from now on log-ins under way lose.
return redis.call('HINCRBY', META, 'all', 1)
