-- Ends those of these sessions that were there before everybody's epoch was raised.
-- ARGV: 3 how many fields the reason has, these fields, then session ids.
local count, why = tonumber(ARGV[3]), {}
for n = 4, 3 + count do
  why[#why + 1] = ARGV[n]
end
return finish_each(rest(4 + count), why, retention(0), held('all'))
