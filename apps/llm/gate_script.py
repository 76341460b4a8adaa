"""The line before a model as Redis keeps it: one script. A process tells what it has and hears where it stands.

Four keys for each gate: the tickets inside, the tickets that wait, the processes with the ends of their leases, and the
rounds of the people. A ticket is `milliseconds:process:number:person`, so that sorted by name is sorted by arrival.
"""

from __future__ import annotations

# KEYS: inside, line, processes, rounds. ARGV: process, limit, milliseconds of a lease, channel, then for each ticket of
# the process its name and "1" where it is inside already. Returns the place of each, 0 for inside. What a process does
# not name any more is gone; so is what belongs to processes whose lease has ended. The order is that of gate.Gate.
SCRIPT = """
local inside, line, processes, rounds = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local me, limit, lease, channel = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

redis.call('ZADD', processes, now + lease, me)
redis.call('ZREMRANGEBYSCORE', processes, '-inf', now)
local alive, mine = {}, {}
for _, process in ipairs(redis.call('ZRANGE', processes, 0, -1)) do alive[process] = true end
for n = 5, #ARGV, 2 do mine[ARGV[n]] = ARGV[n + 1] end

local held, inside_now, changed = {}, {}, false
local count = 0
for _, ticket in ipairs(redis.call('SMEMBERS', inside)) do
  local process, who = ticket:match('^%d+:([^:]*):%d+:(.*)$')
  if alive[process] and (process ~= me or mine[ticket]) then
    inside_now[ticket] = true
    held[who] = (held[who] or 0) + 1
    count = count + 1
  else
    redis.call('SREM', inside, ticket)
    changed = true
  end
end

local waiting, ahead = {}, {}
local function wait(ticket, who)
  ahead[who] = (ahead[who] or 0) + 1
  waiting[#waiting + 1] = {name = ticket, who = who, nth = ahead[who] - 1}
end
local function come_in(ticket, who)
  redis.call('SADD', inside, ticket)
  inside_now[ticket] = true
  held[who] = (held[who] or 0) + 1
  count = count + 1
end
local known = {}
for _, ticket in ipairs(redis.call('ZRANGE', line, 0, -1)) do
  local process, who = ticket:match('^%d+:([^:]*):%d+:(.*)$')
  if alive[process] and (process ~= me or mine[ticket] == '0') and not inside_now[ticket] then
    known[ticket] = true
    wait(ticket, who)
  else
    redis.call('ZREM', line, ticket)
    changed = true
  end
end

local round = tonumber(redis.call('HGET', rounds, 'now') or '0')
local turn = {}
local function turn_of(who)
  if not turn[who] then turn[who] = tonumber(redis.call('HGET', rounds, 'of:' .. who) or '0') end
  return turn[who]
end
for n = 5, #ARGV, 2 do
  local ticket = ARGV[n]
  if not inside_now[ticket] and not known[ticket] then
    local who = ticket:match('^%d+:[^:]*:%d+:(.*)$')
    if not ahead[who] then
      turn[who] = math.max(round, turn_of(who))
      redis.call('HSET', rounds, 'of:' .. who, turn[who])
    end
    if mine[ticket] == '1' then
      come_in(ticket, who)
    else
      redis.call('ZADD', line, 0, ticket)
      wait(ticket, who)
    end
  end
end

for _, ticket in ipairs(waiting) do
  ticket.busy = (held[ticket.who] or 0) + ticket.nth
  ticket.turn = turn_of(ticket.who) + ticket.nth
end
table.sort(waiting, function(a, b)
  if a.busy ~= b.busy then return a.busy < b.busy end
  if a.turn ~= b.turn then return a.turn < b.turn end
  return a.name < b.name
end)

local share = limit
if redis.call('HLEN', rounds) > 2 then share = math.floor((limit + 1) / 2) end
local places, place = {}, 0
for _, ticket in ipairs(waiting) do
  if count < limit and (held[ticket.who] or 0) < share then
    redis.call('ZREM', line, ticket.name)
    come_in(ticket.name, ticket.who)
    round = math.max(round, turn_of(ticket.who))
    turn[ticket.who] = turn_of(ticket.who) + 1
    redis.call('HSET', rounds, 'now', round, 'of:' .. ticket.who, turn[ticket.who])
    changed = true
  else
    place = place + 1
    places[ticket.name] = place
  end
end
if redis.call('HLEN', rounds) > 2000 and place == 0 then redis.call('DEL', rounds) end

redis.call('PEXPIRE', inside, 60000)
redis.call('PEXPIRE', line, 60000)
redis.call('PEXPIRE', processes, 60000)
redis.call('PEXPIRE', rounds, 600000)
if changed and place > 0 then redis.call('PUBLISH', channel, me) end

local answer = {}
for n = 5, #ARGV, 2 do answer[#answer + 1] = places[ARGV[n]] or 0 end
return answer
"""
