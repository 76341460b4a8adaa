"""How Redis keeps the open sockets of all processes, and the scripts that change it.

For each room there is `<room>`, the processes by the end of their lease, and for each process `<room>:<process>`, its
sockets by how long they have been idle, with `:about` (whose they are) and `:closing` (which an administrator closes).
"""

COUNTED = "nitro:sockets"  # chats, of which there may be MAX_SESSIONS
BESIDE = "nitro:sockets:beside"  # all others
ROOMS = (COUNTED, BESIDE)
BUSY_SCORE = 5e12  # scores from here on belong to sockets in which something is going on

# Scores are the time (ms) since when a socket is idle, and far in the future while an answer is followed in it.
# Returns {1} for room, {2, process, socket} for room that this one made, {0} where every socket is busy.
OPEN = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[4], ARGV[1])
local total, idle, place, whose = 0, math.huge, nil, nil
for _, owner in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    local key = KEYS[1] .. ':' .. owner
    if tonumber(redis.call('ZSCORE', KEYS[1], owner)) < now then
        redis.call('ZREM', KEYS[1], owner)
        redis.call('DEL', key)
    else
        total = total + redis.call('ZCARD', key)
        local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
        if first[1] and tonumber(first[2]) < idle then
            idle, place, whose = tonumber(first[2]), first[1], owner
        end
    end
end
local answer = {1}
if total >= tonumber(ARGV[3]) then
    if not place or idle > now + 1e12 then return {0} end
    redis.call('ZREM', KEYS[1] .. ':' .. whose, place)
    answer = {2, whose, place}
end
redis.call('ZADD', KEYS[1] .. ':' .. ARGV[1], now, ARGV[2])
return answer
"""
# Renews a process's lease and how long its sockets are idle (-1: busy); returns whether Redis had forgotten the
# process, which sockets somebody else has closed for a newcomer, and which an administrator has closed.
# Where Redis has forgotten the process, all of its sockets are put down anew, and always those that it never heard of.
# Sockets that the process does not have any more, because Redis was away when they left, give their places back; one
# that has just been opened may not be in the list yet, so only those that were not told of for a lease are taken.
BEAT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local key = KEYS[1] .. ':' .. ARGV[1]
local forgotten = not redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', key .. ':about', ARGV[2])
local closed, forced = {}, redis.call('SMEMBERS', key .. ':closing')
redis.call('DEL', key .. ':closing')
local told = {}
for place = 3, #ARGV, 3 do
    told[ARGV[place]] = true
    local idle = tonumber(ARGV[place + 1])
    local score = idle < 0 and now + 1e13 or now - idle
    if forgotten or ARGV[place + 2] == '0' or redis.call('ZSCORE', key, ARGV[place]) then
        redis.call('ZADD', key, score, ARGV[place])
    else
        closed[#closed + 1] = ARGV[place]
    end
end
local kept = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
for place = 1, #kept, 2 do
    local since = tonumber(kept[place + 1])
    if since > 5e12 then since = since - 1e13 end
    if not told[kept[place]] and since < now - ARGV[2] then
        redis.call('ZREM', key, kept[place])
        redis.call('HDEL', key .. ':about', kept[place])
    end
end
return {forgotten and 1 or 0, closed, forced}
"""
DESCRIBE = """
redis.call('HSET', KEYS[1] .. ':about', unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1] .. ':about', ARGV[1])
"""
FORGET = """
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[1] .. ':about', ARGV[1])
"""
# An administrator's word: whoever holds the socket hears it at its next beat, should the news get lost. Returns whether
# there is such a socket.
CLOSE = """
for _, room in ipairs(KEYS) do
    local key = room .. ':' .. ARGV[1]
    if redis.call('ZSCORE', key, ARGV[2]) then
        redis.call('SADD', key .. ':closing', ARGV[2])
        redis.call('EXPIRE', key .. ':closing', ARGV[3])
        return 1
    end
end
return 0
"""
