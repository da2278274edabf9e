#include "reproduce/quota_server.h"

#include "bursar/broker/upstream/fake_http_server.h"
#include "bursar/core/json.h"

namespace bursar::reproduce {
namespace {

constexpr std::string_view kTools =
    R"([{"name":"open_project","inputSchema":{"type":"object","properties":{"secret":{"type":"string"}}}},)"
    R"({"name":"list_limits","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}},)"
    R"({"name":"raise_limits","inputSchema":{"type":"object"}}])";

std::string text_result(std::string_view text) {
  return R"({"content":[{"type":"text","text":)" + json_string(text) + "}]}";
}

}  // namespace

struct QuotaServer::State {
  mutable std::mutex mutex;
  std::map<std::string, std::string> secrets;  // by session
  std::unique_ptr<broker::testing::FakeHttpServer> server;

  void handle(const broker::testing::FakeRequest& request, broker::testing::FakeResponse& response);
  // The result of a call, as JSON; empty for a method that is not known.
  std::string result_of(const JsonView& message, const std::string& method, std::string& session);
};

std::string QuotaServer::State::result_of(const JsonView& message, const std::string& method, std::string& session) {
  if (method == "initialize") {
    const std::scoped_lock lock(mutex);
    session = "s" + std::to_string(secrets.size() + 1);
    secrets[session] = "";
    return R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"quota","version":"1"}})";
  }
  if (method == "ping") return "{}";
  if (method == "tools/list") return R"({"tools":)" + std::string(kTools) + "}";
  if (method != "tools/call") return {};
  const auto params = message.at("params");
  const auto tool = params.and_then([](const JsonView& p) { return p.string_at("name"); });
  const std::scoped_lock lock(mutex);
  if (tool && *tool == "open_project") {
    const auto secret = params->at("arguments").and_then([](const JsonView& a) { return a.string_at("secret"); });
    secrets[session] = secret ? std::string(*secret) : "";
    return text_result("opened");
  }
  return text_result("limits of " + secrets[session]);
}

void QuotaServer::State::handle(const broker::testing::FakeRequest& request, broker::testing::FakeResponse& response) {
  if (request.verb != "POST") return response.full(request.verb == "DELETE" ? 200 : 405, "", "");
  const auto document = parse_json(request.body);
  if (!document) return response.full(400, "", "");
  const JsonView message(*document);
  const auto method = message.string_at("method");
  const auto id = message.find("id");
  if (!method || !id || !*id) return response.raw("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n");
  std::string session = request.header("mcp-session-id");
  const std::string result = result_of(message, std::string(*method), session);
  const std::string body =
      R"({"jsonrpc":"2.0","id":)" + to_json((**id).value()) +
      (result.empty() ? R"(,"error":{"code":-32601,"message":"unknown method"}})" : R"(,"result":)" + result + "}");
  // Names in lower case, as the client of the measurement reads them.
  response.raw("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n" +
               (*method == "initialize" ? "mcp-session-id: " + session + "\r\n" : "") +
               "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}

QuotaServer::QuotaServer() : state_(std::make_unique<State>()) {
  state_->server = std::make_unique<broker::testing::FakeHttpServer>(
      [state = state_.get()](const auto& request, auto& response) { state->handle(request, response); });
}

QuotaServer::~QuotaServer() = default;

std::string QuotaServer::url() const { return state_->server->url(); }

std::size_t QuotaServer::sessions() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->secrets.size();
}

bool QuotaServer::seen(std::string_view text) const {
  for (const auto& request : state_->server->seen()) {
    if (request.body.find(text) != std::string::npos) return true;
    for (const auto& [name, value] : request.headers) {
      if (value.find(text) != std::string::npos) return true;
    }
  }
  return false;
}

}  // namespace bursar::reproduce
