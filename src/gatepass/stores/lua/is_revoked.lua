-- Whether a session or a token is revoked.
-- KEYS: the session and its mark, if asked for; then the token's mark, if asked for.
local token = KEYS[3]
if #KEYS > 3 then
  local found = redis.call('HMGET', KEYS[3], 'm', 'r')
  if not found[1] or found[2] or is_marked(KEYS[4]) then
    return 1
  end
  token = KEYS[5]
end
return token and is_marked(token) and 1 or 0
