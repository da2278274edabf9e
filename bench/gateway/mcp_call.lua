-- A tools/call a request, in the session that the runner opened (MCP_SESSION).
local session = os.getenv("MCP_SESSION")
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json, text/event-stream"
wrk.headers["MCP-Protocol-Version"] = "2025-11-25"
wrk.headers["Authorization"] = "Bearer " .. (os.getenv("BENCH_KEY") or "none")
if session and session ~= "" then wrk.headers["Mcp-Session-Id"] = session end
local count = 0
function request()
  count = count + 1
  return wrk.format(nil, nil, nil, '{"jsonrpc":"2.0","id":' .. count .. ',"method":"tools/call","params":{"name":"echo","arguments":{"text":"forty-two"}}}')
end
