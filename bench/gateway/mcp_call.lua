-- A tools/call a request; each thread is an agent, in one of the sessions that the runner opened (MCP_SESSIONS).
local sessions = {}
for session in string.gmatch(os.getenv("MCP_SESSIONS") or "", "[^,]+") do sessions[#sessions + 1] = session end

local agents = 0
function setup(thread)
  agents = agents + 1
  thread:set("agent", agents)
end

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json, text/event-stream"
wrk.headers["MCP-Protocol-Version"] = "2025-11-25"
wrk.headers["Authorization"] = "Bearer " .. (os.getenv("BENCH_KEY") or "none")

function init()
  if #sessions > 0 then wrk.headers["Mcp-Session-Id"] = sessions[(agent - 1) % #sessions + 1] end
end

local count = 0
function request()
  count = count + 1
  return wrk.format(nil, nil, nil, '{"jsonrpc":"2.0","id":' .. agent .. string.format("%09d", count) .. ',"method":"tools/call","params":{"name":"echo","arguments":{"text":"forty-two"}}}')
end
