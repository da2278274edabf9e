// requestState, and results as the modern era wants them.
#include <algorithm>
#include <charconv>

#include "bursar/broker/mcp/modern_call.h"
#include "bursar/broker/mcp/modern_headers.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::string_view kStateHandle = "request state";
constexpr std::string_view kServerInfo = R"({"name":"bursar","title":"Bursar","version":"0.1.0"})";

std::int64_t now_ms(const McpServices& services) { return unix_us(services.calls.clock->now()) / 1000; }

std::string refusal_data(std::string_view reason) { return R"({"requestState":)" + json_string(reason) + "}"; }

}  // namespace

std::string state_binding(const Message& message, const Principal& principal, std::string_view server) {
  // A client may write its arguments another time with other white space.
  std::string arguments(message.method() == "completion/complete" ? raw_member(message.params(), "ref")
                                                                  : message.arguments());
  if (!arguments.empty()) {
    if (const auto parsed = parse_json(arguments)) arguments = to_json(*parsed);
  }
  return pack({principal.subject, principal.account, server, message.method(), message.name(), arguments});
}

std::string seal_state(const McpServices& services, std::string_view binding, const RequestState& state) {
  const std::int64_t ends =
      now_ms(services) + std::chrono::duration_cast<std::chrono::milliseconds>(services.state_lifetime).count();
  const bool parked = state.kind == RequestState::Kind::kParked;
  return services.handles.seal(
      kStateHandle, binding, pack({parked ? "parked" : "upstream", std::to_string(ends), state.upstream, state.value}));
}

Result<RequestState> open_state(const McpServices& services, std::string_view binding, std::string_view handle) {
  const auto content = services.handles.open(kStateHandle, binding, handle);
  const auto fields = content ? unpack(*content) : std::nullopt;
  if (!fields || fields->size() != 4) {
    Error error{.code = ErrorCode::kInvalidArgument,
                .message =
                    "requestState: it was not issued to this caller for this request; repeat the request as it "
                    "was, or begin anew without requestState",
                .payload = refusal_data("invalid")};
    return tl::unexpected(std::move(error));
  }
  std::int64_t ends = 0;
  const std::string& text = (*fields)[1];
  (void)std::from_chars(text.data(), text.data() + text.size(), ends);
  if (now_ms(services) >= ends) {
    Error error{.code = ErrorCode::kTimeout,
                .message = "requestState: its lifetime is over; begin anew without requestState",
                .payload = refusal_data("expired")};
    return tl::unexpected(std::move(error));
  }
  RequestState state{.upstream = (*fields)[2], .value = (*fields)[3]};
  if ((*fields)[0] == "upstream") state.kind = RequestState::Kind::kUpstream;
  return state;
}

bool same_for_all(const PolicyConfig& policy) {
  return std::all_of(policy.rules.begin(), policy.rules.end(), [](const PolicyRule& rule) {
    return rule.groups.empty() && rule.scopes.empty() &&
           std::find(rule.principals.begin(), rule.principals.end(), "*") != rule.principals.end();
  });
}

std::string modern_result(std::string_view method, std::string_view result, bool may_be_public) {
  std::string out(result);
  if (method == "resources/read" && raw_member(out, "resultType") != R"("input_required")") {
    if (raw_member(out, "ttlMs").empty()) out = with_member(out, "ttlMs", "0");
    if (!may_be_public || raw_member(out, "cacheScope") != R"("public")") {
      out = with_member(out, "cacheScope", R"("private")");
    }
  }
  if (raw_member(out, "resultType").empty()) out = with_member(out, "resultType", R"("complete")");
  if (raw_member(raw_member(out, "_meta"), kServerInfoKey).empty()) out = with_meta(out, kServerInfoKey, kServerInfo);
  return out;
}

}  // namespace bursar::broker
