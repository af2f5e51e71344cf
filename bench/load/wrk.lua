-- What wrk sends, as the bench asks through the environment; what it says at the end is one line of JSON.
-- Drawing: every request has a key of its own, one of the clerks' tokens and a drawer by chance. Reading: paths by chance.
-- Posting: one body, to paths by chance.

local function lines_of(path)
  local lines = {}
  for line in io.lines(path) do lines[#lines + 1] = line end
  return lines
end

local tokens = lines_of(os.getenv("BENCH_TOKENS"))
local paths = os.getenv("BENCH_PATHS") and lines_of(os.getenv("BENCH_PATHS"))
local sequence = tonumber(os.getenv("BENCH_SEQUENCE"))
local is_mixed = os.getenv("BENCH_MIXED") == "1"

local form = '{"amount":"%d.%02d","description":"Safety gloves","user_id":%d,"request_id":"%08x-%04x-4%03x-8000-%012x"}'
local amount_first, amount_last = 12, 17
local drawer_first, drawer_last = 101, 999
local unknown_drawer = 999999999
-- A request that is repeated was sent this many requests ago, so that its answer has long been given.
local repeat_after, remembered = 2048, 4096
local refused_share, repeated_share = 0.01, 0.05

local random, format = math.random, string.format
local sent, past = 0, {}
local heads = {}

local function head_of(method, path, token, length)
  local head = method .. " " .. path .. " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n"
  if token ~= "" then head = head .. "Authorization: Bearer " .. token .. "\r\n" end
  if length then head = head .. "Content-Type: application/json\r\nContent-Length: " .. length .. "\r\n" end
  return head .. "\r\n"
end

local function body_of(drawer)
  sent = sent + 1
  return format(form, random(100, 899), random(0, 99), drawer, random(0, 4294967295), sequence % 65536, sequence / 65536 % 4096, sent)
end

-- The heads of all clerks for a body of this length.
local function heads_for(length)
  if not heads[length] then
    heads[length] = {}
    for place, token in ipairs(tokens) do heads[length][place] = head_of("POST", "/api/v1/vales", token, length) end
  end
  return heads[length]
end

local function draw()
  local body = body_of(random(drawer_first, drawer_last))
  local all = heads_for(#body)
  return all[random(#all)] .. body
end

local function draw_mixed()
  local chance, old = random(), past[(sent - repeat_after) % remembered]
  local body
  if chance < refused_share / 2 then
    body = body_of(unknown_drawer)
  elseif chance < refused_share and old then
    body = old:sub(1, amount_first - 1) .. "999.99" .. old:sub(amount_last + 1)
  elseif chance < refused_share + repeated_share and old then
    body = old
  else
    body = body_of(random(drawer_first, drawer_last))
    past[sent % remembered] = body
  end
  local all = heads_for(#body)
  return all[random(#all)] .. body
end

local is_forwarded = os.getenv("BENCH_FORWARDED") == "1"

local fixed = os.getenv("BENCH_BODY")

local function post()
  return head_of("POST", paths[random(#paths)], tokens[random(#tokens)], #fixed) .. fixed
end

local function read()
  local head = head_of("GET", paths[random(#paths)], tokens[random(#tokens)])
  if not is_forwarded then return head end
  local address = format("X-Forwarded-For: 10.0.%d.%d\r\n\r\n", random(0, 79), random(1, 254))
  return head:sub(1, -3) .. address
end

function init()
  math.randomseed(os.time() + (sequence or 0))
  request = fixed and post or paths and read or is_mixed and draw_mixed or draw
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(format(
    '\nBENCH {"completed":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"maxUs":%d,"notOk":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
