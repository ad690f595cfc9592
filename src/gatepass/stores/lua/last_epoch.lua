-- The subject's epoch, with that of everybody, and when either was raised last. An epoch without a
-- time is of an older release, and counts as raised now. KEYS: 3 epoch.
local function raised(count, at)
  if count > 0 then
    return tonumber(at or now)
  end
  return 0
end

local own = redis.call('HMGET', KEYS[3], 'e', 't')
local everybody = redis.call('HMGET', META, 'all', 'all_at')
local count, total = tonumber(own[1] or 0), tonumber(everybody[1] or 0)
return {int(count + total), int(math.max(raised(count, own[2]), raised(total, everybody[2])))}
