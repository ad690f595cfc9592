-- Inserts a session, and ends the oldest above the limit.
-- KEYS: 3 session, 4 index of the subject's sessions or keys, 5 epoch of the subject, 6 index of the
-- actor if any; of a key, which has none, the opaque token.
-- ARGV: 3 sid, 4 whether this call was made before, 5 epoch or empty, 6 sessions at most,
-- 7 refresh, 8 session and 9 access lifetime, 10 hash of sec, 11 auth_time, then fields.
local session, index, epoch = KEYS[3], KEYS[4], KEYS[5]
local id, again, expected, most = ARGV[3], ARGV[4] == '1', ARGV[5], tonumber(ARGV[6])
local sec_hash = ARGV[10]
local own = tonumber(redis.call('HGET', epoch, 'e') or 0)
local everybody = held('all')

-- A repeated call finds its own row. If that was revoked meanwhile, the login fails as one that
-- began before the epoch was raised.
local row = find(session)
if row and again and row.sec_hash == sec_hash and not row.revoked then
  touch()
  return {'issued', int(row.created)}
end
if (row and again and row.sec_hash == sec_hash)
    or (expected ~= '' and tonumber(expected) ~= own + everybody) then
  return {'epoch'}
end
if row then
  return {'in use'}
end

local keep = retention(tonumber(ARGV[9]))
local live, idle = 0, 0
for _, other in ipairs(redis.call('ZREVRANGE', index, 0, -1)) do
  local key = BASE .. 's:' .. other
  local older = find(key)
  if not older or older.revoked or now >= older.ends then
    redis.call('ZREM', index, other)
  else
    if is_live(older) then live = live + 1 else idle = idle + 1 end
    if live > most - 1 and is_live(older) or idle > MAX_IDLE and not is_live(older) then
      finish(key, other, {'w', 'max_sessions'}, keep)
      redis.call('ZREM', index, other)
    end
  end
end

local ends = now + tonumber(ARGV[8])
local idle_ends = math.min(now + tonumber(ARGV[7]), ends)
redis.call('HSET', session,
  'm', struct.pack('<I6I6I6', 0, now, idle_ends) .. string.rep('\0', 8),
  'f', struct.pack('<I6I6I6I4', now, ends, tonumber(ARGV[11]), everybody) .. sec_hash,
  unpack(rest(12)))
redis.call('PEXPIRE', session, int(ends - now + keep))

local function list(key, score)
  redis.call('ZADD', key, int(score), id)
  if redis.call('PTTL', key) < ends - now + keep then
    redis.call('PEXPIRE', key, int(ends - now + keep))
  end
end

list(index, now)
if sec_hash == KEY_SEC_HASH then
  redis.call('HSET', KEYS[6], 't', id, 's', id, 'i', int(now), 'e', int(ends), 'x', int(ends + keep))
  redis.call('PEXPIRE', KEYS[6], int(ends - now + keep))
elseif KEYS[6] then
  redis.call('ZREMRANGEBYSCORE', KEYS[6], '-inf', int(now - math.max(keep, LOG_MS)))
  list(KEYS[6], ends)
end
return {'issued', int(now)}
