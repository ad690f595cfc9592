-- The subject's epoch, with that of everybody, and when either was raised last. An epoch that is
-- higher than that of the time was raised by an older release, and counts as raised now.
-- KEYS: 3 epoch.
local function raised(count, at, of)
  if count > tonumber(of or 0) then
    return now
  end
  return tonumber(at or 0)
end

local own = redis.call('HMGET', KEYS[3], 'e', 't', 'te')
local everybody = redis.call('HMGET', META, 'all', 'all_at', 'all_te')
local count, total = tonumber(own[1] or 0), tonumber(everybody[1] or 0)
local own_at, all_at = raised(count, own[2], own[3]), raised(total, everybody[2], everybody[3])
return {int(count + total), int(math.max(own_at, all_at))}
