-- Ends those of these sessions that were there before everybody's epoch was raised.
-- ARGV: 3 how many fields the reason has, these fields, then session ids.
local count, why, ended = tonumber(ARGV[3]), {}, 0
for n = 4, 3 + count do
  why[#why + 1] = ARGV[n]
end
local keep, everybody = retention(0), held('all')
for n = 4 + count, #ARGV do
  local key = BASE .. 's:' .. ARGV[n]
  local is_whole, row = find_whole(key)
  if not is_whole then
    finish_damaged(ARGV[n], keep)
  elseif row and not row.revoked and row.epoch < everybody then
    if is_live(row) then ended = ended + 1 end
    finish(key, ARGV[n], why, keep)
  end
end
return ended
