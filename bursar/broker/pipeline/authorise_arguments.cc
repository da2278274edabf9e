#include "bursar/broker/pipeline/authorise_arguments.h"

#include <algorithm>

#include "bursar/broker/pipeline/raw_json.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxValue = 4096;

// "%2e", "%2F", "%5c", "%00", "%25": what decodes to '.', '/', '\', NUL, or to another '%'.
bool hides_something(std::string_view after_percent) {
  if (after_percent.size() < 2) return false;
  const char high = after_percent[0];
  const char low = static_cast<char>(after_percent[1] | 0x20);
  return (high == '2' && (low == 'e' || low == 'f' || after_percent[1] == '5')) || (high == '5' && low == 'c') ||
         (high == '0' && after_percent[1] == '0');
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

bool has_percent_encoding(std::string_view value) {
  for (std::size_t at = value.find('%'); at != std::string_view::npos; at = value.find('%', at + 1)) {
    if (at + 2 < value.size() && is_hex(value[at + 1]) && is_hex(value[at + 2])) return true;
  }
  return false;
}

bool segments_are_plain(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  for (;;) {
    const std::size_t end = path.find('/');
    const std::string_view segment = path.substr(0, end);
    if (segment.empty() || segment == "." || segment == "..") return false;
    if (end == std::string_view::npos) return true;
    path.remove_prefix(end + 1);
  }
}

bool bytes_are_plain(std::string_view value) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\') return false;
    if (c == '%' && hides_something(value.substr(i + 1))) return false;
  }
  return true;
}

bool is_plain_host(std::string_view host) {
  return !host.empty() && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == ':' || c == '[' || c == ']';
  });
}

// "https://host/path" as "host/path" where the scheme is the one wanted.
bool strip_scheme(std::string_view& value, std::string_view scheme) {
  if (!value.starts_with(scheme)) return false;
  value.remove_prefix(scheme.size());
  return is_plain_host(value.substr(0, value.find('/')));
}

// '*' never leaves its segment, so after a mismatch the last one may only grow up to the next '/', and then the last
// '**' grows instead: nothing before that can help.
bool glob_fits(std::string_view pattern, std::string_view text) {
  constexpr std::size_t kNone = std::string_view::npos;
  std::size_t p = 0, t = 0;
  std::size_t star = kNone, star_at = 0, far = kNone, far_at = 0;
  while (t < text.size() || p < pattern.size()) {
    if (pattern.substr(p).starts_with("**")) {
      far = p += 2;
      far_at = t;
      star = kNone;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_at = t;
    } else if (t < text.size() && p < pattern.size() &&
               (pattern[p] == text[t] || (pattern[p] == '?' && text[t] != '/'))) {
      ++p;
      ++t;
    } else if (star != kNone && star_at < text.size() && text[star_at] != '/') {
      p = star;
      t = ++star_at;
    } else if (far != kNone && far_at < text.size()) {
      p = far;
      t = ++far_at;
      star = kNone;
    } else {
      return false;
    }
  }
  return true;
}

std::string_view scheme_of(std::string_view pattern) {
  const std::size_t at = pattern.find("://");
  return at == std::string_view::npos ? std::string_view() : pattern.substr(0, at + 3);
}

}  // namespace

bool is_plain_path(std::string_view value) {
  return value.size() <= kMaxValue && bytes_are_plain(value) && segments_are_plain(value);
}

bool path_fits(std::string_view pattern, std::string_view value) {
  if (const std::string_view scheme = scheme_of(pattern); !scheme.empty()) {
    if (!strip_scheme(value, scheme)) return false;
    pattern.remove_prefix(scheme.size());
  }
  return is_plain_path(value) && glob_fits(pattern, value);
}

bool arguments_fit(const PolicyRule& rule, std::string_view arguments) {
  return std::ranges::all_of(rule.arguments, [&](const auto& wanted) {
    const std::string_view raw = raw_member(arguments, wanted.first);
    if (raw.empty()) return false;
    const bool deny = rule.effect == Effect::kDeny;
    if (!raw.starts_with('"')) return deny;
    const std::string value = raw_string(raw);
    if (deny && (!is_plain_path(value) || has_percent_encoding(value))) return true;
    return path_fits(wanted.second, value);
  });
}

std::string_view wrong_with_path_pattern(Effect effect, std::string_view pattern) {
  if (pattern.empty()) return "must not be empty; ** fits any plain value";
  if (effect == Effect::kDeny && !scheme_of(pattern).empty()) {
    return "a deny rule cannot name URLs, for one can be written in many ways; allow those that are meant instead";
  }
  pattern.remove_prefix(scheme_of(pattern).size());
  if (!is_plain_path(pattern)) {
    return "fits nothing: it has an empty, . or .. segment, a backslash, or a percent-encoded one of these";
  }
  return {};
}

}  // namespace bursar::broker
