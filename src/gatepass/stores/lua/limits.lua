-- Counts an attempt in all buckets or in none, as sessions/limits.py says, or gives one back.
-- Returns 0, or how long the attempt waits.
-- KEYS: 3 and on, the tally of each bucket: when its window began, the count of the window before,
-- and that of its own. ARGV: 3 'take' or 'give back', then limit, window and cost of each bucket.
local takes = ARGV[3] == 'take'

local function faded(previous, most, window)
  if previous == 0 then
    return 0
  end
  return window - 1 - math.floor(((most + 1) * window - 1) / previous)
end

local tallies, wait = {}, 0
for n = 3, #KEYS do
  local at = 4 + (n - 3) * 3
  local window, cost = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local most = tonumber(ARGV[at]) - cost
  local start, previous, current = now, 0, 0
  local packed = redis.call('GET', KEYS[n])
  if packed then
    if #packed ~= 18 then
      error('a limit is damaged')
    end
    local began, before, own = struct.unpack('<I6I6I6', packed)
    if began <= now and now < began + window then
      start, previous, current = began, before, own
    elseif began <= now and now < began + 2 * window then
      start, previous = began + window, own
    end
  end
  if takes then
    local passes = start
    if current > most then
      passes = start + window + math.max(faded(current, most, window), 0)
    else
      passes = start + faded(previous, most - current, window)
    end
    wait = math.max(wait, passes - now)
    current = current + cost
  else
    previous = math.max(previous - math.max(cost - current, 0), 0)
    current = math.max(current - cost, 0)
  end
  if takes or packed then
    tallies[KEYS[n]] = {start, previous, current, start + 2 * window - now}
  end
end

if wait > 0 then
  return wait
end
for key, tally in pairs(tallies) do
  redis.call('SET', key, struct.pack('<I6I6I6', unpack(tally, 1, 3)), 'PX', int(tally[4]))
end
return 0
