-- Logs one token for as long as it could pass; once.
-- KEYS: 3 its mark. ARGV: 3 jti, 4 how long it lives.
local keep = retention(tonumber(ARGV[4]))
if not is_marked(KEYS[3]) then
  append('t', ARGV[3], keep)
end
mark(KEYS[3], keep)
return 1
