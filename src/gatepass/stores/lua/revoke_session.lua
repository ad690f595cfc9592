-- Ends a session and logs it, also one that does not exist: its access tokens may still be valid.
-- KEYS: 3 session, 4 its mark. ARGV: 3 sid, 4 hash of sec or empty, 5 eight bytes that name this
-- call in every attempt, then the reason's fields.
local session, id, sec_hash, call = KEYS[3], ARGV[3], ARGV[4], ARGV[5]
local row = find(session)
if sec_hash ~= '' and (not row or row.sec_hash ~= sec_hash) then
  return {'wrong secret'}
end
if not row then
  local keep = retention(0)
  if is_marked(KEYS[4]) then
    touch()
  else
    mark(KEYS[4], keep)
    append('s', id, keep)
  end
  return {'unknown'}
end
if row.revoked then
  touch()
  return {row.call == call and 'revoked' or 'already'}
end
redis.call('HSET', session, 'm', string.sub(row.packed, 1, 18) .. call)
finish(session, id, rest(6), retention(0))
return {'revoked'}
