#include "bursar/broker/identity/claims.h"

#include <algorithm>
#include <cmath>

#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxList = 512;
constexpr std::size_t kMaxSubject = 256;
constexpr double kMaxSeconds = 253'402'300'799.0;  // the year 9999

bool clean(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// A claim of the registered ones that is there and of the wrong type makes the token malformed.
Result<std::string> text_of(const boost::json::object& all, std::string_view name) {
  const auto* value = all.if_contains(name);
  if (value == nullptr) return std::string();
  if (!value->is_string()) return invalid_argument(std::string(name) + " must be a text");
  return std::string(value->get_string());
}

Result<std::optional<WallTime>> time_of(const boost::json::object& all, std::string_view name) {
  const auto* value = all.if_contains(name);
  if (value == nullptr) return std::optional<WallTime>();
  double seconds = -1;
  if (value->is_int64()) seconds = static_cast<double>(value->get_int64());
  if (value->is_uint64()) seconds = static_cast<double>(value->get_uint64());
  if (value->is_double()) seconds = value->get_double();
  if (!(seconds >= 0 && seconds <= kMaxSeconds)) {
    return invalid_argument(std::string(name) + " must be seconds since 1970");
  }
  return std::optional(wall_from_unix_us(static_cast<std::int64_t>(seconds * 1e6)));
}

// Texts of a list, or of one text; split at spaces where it says so (`scope`).
Result<std::vector<std::string>> list_of(const boost::json::object& all, std::string_view name, bool split) {
  std::vector<std::string> out;
  const auto* value = all.if_contains(name);
  if (value == nullptr) return out;
  const std::string wrong = std::string(name) + " must be a text or a list of at most 512 texts";
  const auto add = [&](std::string_view text) {
    if (!clean(text) || text.empty() || out.size() >= kMaxList) return false;
    out.emplace_back(text);
    return true;
  };
  if (value->is_string()) {
    std::string_view text = value->get_string();
    if (!split) return add(text) ? Result<std::vector<std::string>>(out) : invalid_argument(wrong);
    while (!text.empty()) {
      const std::string_view word = text.substr(0, text.find(' '));
      if (!word.empty() && !add(word)) return invalid_argument(wrong);
      text.remove_prefix(std::min(text.size(), word.size() + 1));
    }
    return out;
  }
  if (!value->is_array()) return invalid_argument(wrong);
  for (const auto& item : value->get_array()) {
    if (!item.is_string() || !add(item.get_string())) return invalid_argument(wrong);
  }
  return out;
}

TokenRefusal refused(TokenFault fault, std::string why) { return {.fault = fault, .why = std::move(why)}; }

}  // namespace

Result<Claims> Claims::parse(std::string_view payload) {
  auto document = parse_json(payload, {.max_bytes = 16 << 10, .max_depth = 16});
  if (!document || !document->is_object()) return invalid_argument("the token's claims are no JSON object");
  Claims out;
  out.all_ = std::move(document->get_object());
  const auto wrong = [](const Error& error) { return invalid_argument("the token's " + error.message); };

  auto issuer = text_of(out.all_, "iss");
  auto subject = text_of(out.all_, "sub");
  for (const auto* text : {&issuer, &subject}) {
    if (!*text) return wrong(text->error());
  }
  out.issuer_ = std::move(*issuer);
  out.subject_ = std::move(*subject);
  const auto expires = time_of(out.all_, "exp");
  const auto not_before = time_of(out.all_, "nbf");
  const auto issued = time_of(out.all_, "iat");
  for (const auto* time : {&expires, &not_before, &issued}) {
    if (!*time) return wrong(time->error());
  }
  if (!*expires) return invalid_argument("the token has no exp");
  out.expires_ = **expires;
  out.not_before_ = *not_before;
  out.issued_ = *issued;
  auto audiences = list_of(out.all_, "aud", false);
  auto scopes = list_of(out.all_, out.all_.contains("scope") ? "scope" : "scp", true);
  for (const auto* list : {&audiences, &scopes}) {
    if (!*list) return wrong(list->error());
  }
  out.audiences_ = std::move(*audiences);
  out.scopes_ = std::move(*scopes);
  return out;
}

const boost::json::value* Claims::find(std::string_view name) const {
  if (const auto* value = all_.if_contains(name)) return value;
  const boost::json::object* at = &all_;
  for (;;) {
    const std::size_t dot = name.find('.');
    const auto* value = at->if_contains(name.substr(0, dot));
    if (dot == std::string_view::npos || value == nullptr) return value;
    if (!value->is_object()) return nullptr;
    at = &value->get_object();
    name.remove_prefix(dot + 1);
  }
}

std::optional<std::string> Claims::text(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return std::string(value->get_string());
  if (value->is_int64()) return std::to_string(value->get_int64());
  if (value->is_uint64()) return std::to_string(value->get_uint64());
  return std::nullopt;
}

std::vector<std::string> Claims::texts(std::string_view name) const {
  std::vector<std::string> out;
  if (auto one = text(name)) {
    out.push_back(std::move(*one));
    return out;
  }
  const auto* value = find(name);
  if (value == nullptr || !value->is_array()) return out;
  for (const auto& item : value->get_array()) {
    if (item.is_string()) out.emplace_back(item.get_string());
  }
  return out;
}

std::optional<TokenRefusal> check(const Claims& claims, const IssuerConfig& issuer, std::string_view resource,
                                  WallTime now) {
  if (claims.issuer() != issuer.issuer) {
    return refused(TokenFault::kUnknownIssuer, "The token's issuer is none that is accepted here.");
  }
  if (now >= claims.expires_ + issuer.clock_skew) {
    return refused(TokenFault::kExpired, "The token has expired; get another one.");
  }
  if ((claims.not_before_ && now + issuer.clock_skew < *claims.not_before_) ||
      (claims.issued_ && now + issuer.clock_skew < *claims.issued_)) {
    return refused(TokenFault::kNotYetValid, "The token is not valid yet; compare the issuer's clock with ours.");
  }
  const auto meant = [&](std::string_view audience) {
    if (issuer.audiences.empty()) return audience == resource;
    return std::ranges::find(issuer.audiences, audience) != issuer.audiences.end();
  };
  if (std::ranges::none_of(claims.audiences_, meant)) {
    return refused(TokenFault::kAudience, "The token is meant for another audience; ask for one with the resource " +
                                              (issuer.audiences.empty() ? std::string(resource) : issuer.audiences[0]) +
                                              ".");
  }
  if (claims.subject_.empty() || claims.subject_.size() > kMaxSubject || !clean(claims.subject_)) {
    return refused(TokenFault::kSubject, "The token needs a sub of 1 to 256 printable bytes.");
  }
  return std::nullopt;
}

}  // namespace bursar::broker
