-- The subject's epoch, with that of everybody. KEYS: 3 epoch.
return int(tonumber(redis.call('HGET', KEYS[3], 'e') or 0) + held('all'))
