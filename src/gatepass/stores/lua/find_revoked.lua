-- Which of many sessions and tokens are revoked: 1 or 0 for each.
-- KEYS: the sessions; then as many marks of theirs, and after them the marks of tokens.
-- ARGV: 3 how many sessions.
local count = tonumber(ARGV[3])
local answers = {}
for at = 3 + count, #KEYS do
  local one = at - 2 - count
  local row = one <= count and redis.call('HMGET', KEYS[2 + one], 'm', 'r')
  answers[one] = (row and (not row[1] or row[2]) or is_marked(KEYS[at])) and 1 or 0
end
return answers
