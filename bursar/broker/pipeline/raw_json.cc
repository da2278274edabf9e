#include "bursar/broker/pipeline/raw_json.h"

#include <boost/json/value.hpp>

#include "bursar/broker/mcp/json_scanner.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

std::size_t skip_space(std::string_view text, std::size_t at) {
  while (at < text.size() && is_space(text[at])) ++at;
  return at;
}

// `at` stands on the opening quote; the answer is just past the closing one, or the end.
std::size_t skip_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    at = json_text::plain_run_end(text, at);
    if (at < text.size() && text[at] == '"') return at + 1;
    if (at < text.size() && text[at] == '\\') ++at;
  }
  return text.size();
}

std::size_t skip_value(std::string_view text, std::size_t at) {
  if (at >= text.size()) return at;
  if (text[at] == '"') return skip_string(text, at);
  if (text[at] != '{' && text[at] != '[') {
    while (at < text.size() && text[at] != ',' && text[at] != '}' && text[at] != ']' && !is_space(text[at])) ++at;
    return at;
  }
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return at;
  }
  return at;
}

}  // namespace

MemberCursor::MemberCursor(std::string_view object) : text_(object) {
  at_ = skip_space(text_, 0);
  if (at_ >= text_.size() || text_[at_] != '{') {
    at_ = text_.size();
    return;
  }
  ++at_;
}

bool MemberCursor::next() {
  at_ = skip_space(text_, at_);
  if (at_ < text_.size() && text_[at_] == ',') at_ = skip_space(text_, at_ + 1);
  if (at_ >= text_.size() || text_[at_] != '"') return false;
  const std::size_t begin = at_;
  at_ = skip_string(text_, at_);
  const std::string_view quoted = text_.substr(begin, at_ - begin);
  if (quoted.find('\\') == std::string_view::npos) {
    key_ = quoted.size() >= 2 ? quoted.substr(1, quoted.size() - 2) : std::string_view{};
  } else {
    unescaped_ = raw_string(quoted);
    key_ = unescaped_;
  }
  at_ = skip_space(text_, at_);
  if (at_ >= text_.size() || text_[at_] != ':') return false;
  const std::size_t value = skip_space(text_, at_ + 1);
  at_ = skip_value(text_, value);
  value_ = text_.substr(value, at_ - value);
  raw_ = text_.substr(begin, at_ - begin);
  return true;
}

std::string_view raw_member(std::string_view object, std::string_view key) {
  for (MemberCursor at(object); at.next();) {
    if (at.key() == key) return at.value();
  }
  return {};
}

std::string raw_string(std::string_view raw, std::string_view fallback) {
  if (raw.size() < 2 || raw.front() != '"') return std::string(fallback);
  if (raw.find('\\') == std::string_view::npos) return std::string(raw.substr(1, raw.size() - 2));
  const auto parsed = parse_json(raw);
  if (!parsed || !parsed->is_string()) return std::string(fallback);
  return std::string(parsed->get_string());
}

std::string with_meta(std::string_view object, std::string_view key, std::string_view value) {
  const auto add = [&](std::string& out) {
    if (out.back() != '{') out += ',';
    append_json_string(out, key);
    out += ':';
    out += value;
  };
  std::string out;
  out.reserve(object.size() + key.size() + value.size() + 32);
  out = "{";
  bool found = false;
  for (MemberCursor at(object); at.next();) {
    if (out.size() > 1) out += ',';
    if (at.key() != "_meta" || found) {
      out += at.raw();
      continue;
    }
    found = true;
    out += R"("_meta":{)";
    for (MemberCursor inner(at.value()); inner.next();) {
      if (inner.key() == key) continue;
      if (out.back() != '{') out += ',';
      out += inner.raw();
    }
    add(out);
    out += '}';
  }
  if (!found) {
    if (out.size() > 1) out += ',';
    out += R"("_meta":{)";
    add(out);
    out += '}';
  }
  return out + "}";
}

std::string_view utf8_prefix(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

}  // namespace bursar::broker
