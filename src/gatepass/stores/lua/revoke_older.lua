-- Ends those of the given sessions that were issued before the epoch of everybody was raised.
-- ARGV: 3 number of the reason's fields, these fields, then session ids.
local count, why = tonumber(ARGV[3]), {}
for n = 4, 3 + count do
  why[#why + 1] = ARGV[n]
end
return finish_each(rest(4 + count), why, retention(0), held('all'))
