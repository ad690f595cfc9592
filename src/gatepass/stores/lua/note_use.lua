-- Sets when a key was last used, unless it is over. KEYS: 3 session.
local row = find(KEYS[3])
if row and is_live(row) and row.sec_hash == KEY_SEC_HASH then
  redis.call('HSET', KEYS[3], 'm', struct.pack('<I6I6I6', 0, now, row.idle_ends) .. row.call)
end
return 0
