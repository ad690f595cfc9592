-- Logs one token, once. KEYS: 3 its mark. ARGV: 3 jti, 4 lifetime.
local keep = retention(tonumber(ARGV[4]))
if not is_marked(KEYS[3]) then
  append('t', ARGV[3], keep)
end
mark(KEYS[3], keep)
return 1
