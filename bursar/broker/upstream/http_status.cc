#include "bursar/broker/upstream/http_status.h"

#include <algorithm>
#include <string>

#include "bursar/broker/net/header_text.h"
#include "bursar/broker/net/retry_after.h"

namespace bursar::broker {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

std::string rpc_error(std::string_view body) {
  auto message = Message::parse(std::string(body));
  return message && message->kind() == MessageKind::kError ? std::string(message->error()) : std::string();
}

bool request_was_wrong(int status) {
  return status == 400 || status == 404 || status == 405 || status == 409 || status == 422;
}

Cause cause_of(int status) {
  switch (status) {
    case 400:
    case 422: return Cause::kBadRequest;
    case 401: return Cause::kUnauthorised;
    case 403: return Cause::kForbidden;
    case 408: return Cause::kTimeout;
    case 413: return Cause::kTooLarge;
    case 429: return Cause::kRateLimited;
    case 500: return Cause::kUpstreamBug;
    case 502:
    case 503:
    case 504: return Cause::kBadGateway;
    default: return Cause::kUpstreamProtocol;
  }
}

}  // namespace

bool is_media_type(std::string_view header, std::string_view type) {
  std::string_view essence = header.substr(0, header.find(';'));
  while (essence.ends_with(' ')) essence.remove_suffix(1);
  return same_ignoring_case(essence, type);
}

bool valid_session_id(std::string_view id) {
  const bool visible = std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < 0x7F; });
  return visible && !id.empty() && id.size() <= 1024;
}

bool says_session_is_gone(int status, std::string_view body) {
  if (status == 404) return true;
  if (status != 400) return false;
  std::string text = rpc_error(body);
  std::transform(text.begin(), text.end(), text.begin(), lower);
  return text.find("session") != std::string::npos;
}

UpstreamReply reply_of_refusal(int status, std::string_view retry_after, std::string_view body, WallTime now) {
  UpstreamReply reply{.http_status = status, .sent = true};
  reply.detail = "answered HTTP " + std::to_string(status);
  if (status >= 300 && status < 400) reply.detail += "; redirections are not followed, configure the final url";
  reply.retry_after = parse_retry_after(retry_after, now);
  if (request_was_wrong(status)) reply.error = rpc_error(body);
  if (reply.error.empty()) reply.failure = cause_of(status);
  return reply;
}

}  // namespace bursar::broker
