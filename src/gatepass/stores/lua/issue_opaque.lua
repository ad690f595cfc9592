-- Records an opaque token of a session that is not over.
-- KEYS: 3 token, 4 session. ARGV: 3 sid, 4 whether this call was made before, 5 jti, 6 lifetime.
local token, again = KEYS[3], ARGV[4] == '1'
local known = redis.call('HMGET', token, 't', 's', 'i', 'e', 'x')
local row = find(KEYS[4])
if known[1] and tonumber(known[5]) > now then
  if again and row and known[1] == ARGV[5] and known[2] == ARGV[3] then
    return {'issued', known[3], known[4], redis.call('HGETALL', KEYS[4])}
  end
  return {'in use'}
end
if not row or row.revoked or now >= row.ends then
  return {'over'}
end
local life = tonumber(ARGV[6])
local ends = math.min(now + life, row.ends)
local gone = ends + retention(life)
redis.call('HSET', token,
  't', ARGV[5], 's', ARGV[3], 'i', int(now), 'e', int(ends), 'x', int(gone))
redis.call('PEXPIRE', token, int(gone - now))
return {'issued', int(now), int(ends), redis.call('HGETALL', KEYS[4])}
