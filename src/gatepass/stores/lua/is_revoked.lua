-- Whether a session or a token may no longer be honoured.
-- KEYS: then the session, its mark, and the token's mark, as far as they are asked for.
-- ARGV: 3 whether a session is asked for.
local first = 3
if ARGV[3] == '1' then
  local found = redis.call('HMGET', KEYS[3], 'm', 'r')
  if not found[1] or found[2] or is_marked(KEYS[4]) then
    return 1
  end
  first = 5
end
return KEYS[first] and is_marked(KEYS[first]) and 1 or 0
