#include "bursar/broker/upstream/modern_side.h"

#include <algorithm>
#include <array>

#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/upstream/modern.h"

namespace bursar::broker {
namespace {

constexpr std::string_view kNotFound = R"({"code":-32601,"message":"Method not found"})";

std::string invalid(std::string_view what) {
  return R"({"code":-32602,"message":"Invalid params: )" + std::string(what) + "\"}";
}

bool says(std::string_view capabilities, std::string_view part, std::string_view flag) {
  return raw_member(raw_member(capabilities, part), flag) == "true";
}

}  // namespace

void ModernSide::join(MemberId member, std::string capabilities, std::string client_info) {
  members_[member] = {.capabilities = std::move(capabilities), .client_info = std::move(client_info)};
}

bool ModernSide::leave(MemberId member) {
  const auto found = members_.find(member);
  if (found == members_.end()) return false;
  const bool watched = !found->second.watched.empty();
  members_.erase(found);
  return watched;
}

std::string ModernSide::params(const SessionHub::Call& call) const {
  const auto found = members_.find(call.member);
  if (found == members_.end()) return modern_params(call.request.params, {});
  const Member& of = found->second;
  return modern_params(call.request.params,
                       {.capabilities = of.capabilities, .client_info = of.client_info, .log_level = of.level});
}

ModernSide::Local ModernSide::handle(MemberId id, const UpstreamRequest& request, UpstreamReply& reply) {
  const std::string_view method = request.method;
  if (method == "ping") {
    reply.result = "{}";
    return Local::kDone;
  }
  const bool on = method == "resources/subscribe";
  if (!on && method != "resources/unsubscribe" && method != "logging/setLevel") return Local::kNo;
  Member& member = members_[id];
  if (method != "logging/setLevel") return watch(member, raw_member(request.params, "uri"), on, reply);
  constexpr std::array<std::string_view, 8> kLevels{R"("debug")", R"("info")",     R"("notice")", R"("warning")",
                                                    R"("error")", R"("critical")", R"("alert")",  R"("emergency")"};
  const std::string_view level = raw_member(request.params, "level");
  if (raw_member(server_, "logging").empty()) {
    reply.error = kNotFound;
  } else if (std::find(kLevels.begin(), kLevels.end(), level) == kLevels.end()) {
    reply.error = invalid("level is none of debug, info, notice, warning, error, critical, alert, emergency");
  } else {
    member.level = level;
    reply.result = "{}";
  }
  return Local::kDone;
}

ModernSide::Local ModernSide::watch(Member& member, std::string_view uri, bool on, UpstreamReply& reply) const {
  if (!says(server_, "resources", "subscribe")) {
    reply.error = kNotFound;
  } else if (!uri.starts_with('"') || uri.size() > 8192) {
    reply.error = invalid("uri is missing or too long");
  } else if (on && member.watched.size() >= kWatchedMax) {
    reply.error = invalid("too many resources are watched");
  } else {
    reply.result = "{}";
    const bool changed = on ? member.watched.emplace(uri).second : member.watched.erase(std::string(uri)) > 0;
    return changed ? Local::kWatched : Local::kDone;
  }
  return Local::kDone;
}

std::string ModernSide::listen_params() const {
  std::string filter = "{";
  const auto add = [&](std::string_view key, std::string_view value) {
    if (filter.size() > 1) filter += ',';
    filter.append("\"").append(key).append("\":").append(value);
  };
  if (says(server_, "tools", "listChanged")) add("toolsListChanged", "true");
  if (says(server_, "prompts", "listChanged")) add("promptsListChanged", "true");
  if (says(server_, "resources", "listChanged")) add("resourcesListChanged", "true");
  std::set<std::string_view> uris;
  for (const auto& [id, member] : members_) uris.insert(member.watched.begin(), member.watched.end());
  std::string list = "[";
  for (const std::string_view uri : uris) {
    if (list.size() > 1) list += ',';
    list += uri;
  }
  if (!uris.empty()) add("resourceSubscriptions", list += ']');
  if (filter.size() == 1) return {};
  return "{\"notifications\":" + filter + "}}";
}

}  // namespace bursar::broker
