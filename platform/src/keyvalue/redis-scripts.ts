import { createHash } from 'node:crypto';
import { fenceMemoryMs } from './memory-locks.ts';

export interface RedisScript {
  readonly text: string;
  readonly sha1: string;
}

/** `now` in microseconds by the server's clock; clients' clocks differ and step. */
const serverTime = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
`;

/**
 * Every write says until when somebody waits for it. What lay in a socket while the server was paused or too busy is
 * then not done at all: it was already decided without the server, and doing it late would count twice, take a lock
 * for nobody, or put back a value that has changed since.
 */
const refuseLate = `
if now > tonumber(ARGV[1]) then return {0, now} end
local key = KEYS[1]
`;

/**
 * A write as one atomic script. Its reply is `{1, now, …}`, or `{0, now}` when it came too late and did nothing.
 * @param readTime what sets `now`; a property test holds the time still with another one
 */
export function writeScript(body: string, readTime: string = serverTime): RedisScript {
  const text = readTime + refuseLate + body;
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}

const setBody = `
redis.call('SET', key, ARGV[2], 'PX', ARGV[3])
return {1, now}
`;

const setIfAbsentBody = `
local isSet = redis.call('SET', key, ARGV[2], 'PX', ARGV[3], 'NX')
return {1, now, isSet and 1 or 0}
`;

const deleteBody = `return {1, now, redis.call('DEL', key)}`;

/** The newest attempt of a sliding log; a list that is empty is gone. */
const giveBackBody = `return {1, now, redis.call('RPOP', key) and 1 or 0}`;

const publishBody = `return {1, now, redis.call('PUBLISH', key, ARGV[2])}`;

/**
 * The sliding log of \`SlidingLogs\` as a list of microseconds, oldest first. ARGV: deadline, limit, window, cost,
 * countRefused. Reply: allowed, remaining, microseconds until a retry and until the oldest attempt leaves.
 * The expiry is set with each entry, and again where it is missing, so that no key stays for ever.
 */
export const takeBody = `
local limit, window, cost = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local function entry(index)
  return tonumber(redis.call('LINDEX', key, index))
end
local function push(count)
  for _ = 1, count do redis.call('RPUSH', key, string.format('%.0f', now)) end
end

local length = redis.call('LLEN', key)
while length > 0 and entry(0) <= now - window do
  redis.call('LPOP', key)
  length = length - 1
end
if length > limit then
  redis.call('LTRIM', key, -limit, -1)
  length = limit
end
local ahead = 0
while ahead < length and entry(-1 - ahead) > now do ahead = ahead + 1 end
for _ = 1, ahead do redis.call('RPOP', key) end
push(ahead)

local needed = math.max(cost, 1)
local isAllowed = length + needed <= limit
if cost > 0 and (isAllowed or ARGV[5] == '1') then
  push(cost)
  length = length + cost
  if length > limit then
    redis.call('LTRIM', key, -limit, -1)
    length = limit
  end
  redis.call('PEXPIRE', key, math.ceil(window / 1000))
elseif length > 0 and (ahead > 0 or redis.call('PTTL', key) < 0) then
  redis.call('PEXPIRE', key, math.ceil(window / 1000))
end

local retry, reset = 0, 0
if length > 0 then reset = entry(0) + window - now end
if not isAllowed then retry = entry(length + needed - limit - 1) + window - now end
return {1, now, isAllowed and 1 or 0, limit - length, retry, reset}
`;

/** ARGV: deadline, token, ttlMs. A hash of owner, until (microseconds) and fence; see \`MemoryLocks\`. */
const acquireBody = `
local held = redis.call('HMGET', key, 'owner', 'until', 'fence')
if held[1] and held[1] ~= '' and tonumber(held[2]) > now then return {1, now, 0} end
local fence = math.max(now, (tonumber(held[3]) or 0) + 1)
redis.call('HSET', key, 'owner', ARGV[2], 'fence', string.format('%.0f', fence),
  'until', string.format('%.0f', now + ARGV[3] * 1000))
redis.call('PEXPIRE', key, ARGV[3] + ${fenceMemoryMs})
return {1, now, fence}
`;

const requireOwner = `
local held = redis.call('HMGET', key, 'owner', 'until')
if held[1] ~= ARGV[2] or tonumber(held[2]) <= now then return {1, now, 0} end
`;

const renewBody = `${requireOwner}
redis.call('HSET', key, 'until', string.format('%.0f', now + ARGV[3] * 1000))
redis.call('PEXPIRE', key, ARGV[3] + ${fenceMemoryMs})
return {1, now, 1}
`;

const releaseBody = `${requireOwner}
redis.call('HSET', key, 'owner', '', 'until', '0')
redis.call('PEXPIRE', key, ${fenceMemoryMs})
return {1, now, 1}
`;

export const redisScripts = {
  set: writeScript(setBody),
  setIfAbsent: writeScript(setIfAbsentBody),
  delete: writeScript(deleteBody),
  giveBack: writeScript(giveBackBody),
  publish: writeScript(publishBody),
  take: writeScript(takeBody),
  acquire: writeScript(acquireBody),
  renew: writeScript(renewBody),
  release: writeScript(releaseBody),
};
