-- Finds an opaque token with its session; Python judges them. KEYS: 3 token.
local known = redis.call('HMGET', KEYS[3], 't', 's', 'i', 'e', 'x')
if not known[1] or now >= tonumber(known[5]) then
  return {int(now)}
end
local session = BASE .. 's:' .. known[2]
local row = find(session)
local is_logged = is_marked(BASE .. 'x:t:' .. known[1]) or is_marked(BASE .. 'x:s:' .. known[2])
return {int(now), known[1], known[2], known[3], known[4], is_logged and 1 or 0,
  row and redis.call('HGETALL', session) or {}}
