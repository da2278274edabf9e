#include "bursar/core/json.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <cmath>

namespace bursar {
namespace {

namespace json = boost::json;
using ErrorCodeOfBoost = boost::json::error_code;

// Builds the value, reads doubles exactly, and counts members as they were written: an object that holds fewer had a
// key twice.
class Builder {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  Builder() { stack_.reset(); }
  json::value release() { return stack_.release(); }
  std::size_t members_written() const { return members_written_; }
  bool overflowed() const { return overflowed_; }

  bool on_document_begin(ErrorCodeOfBoost&) { return true; }
  bool on_document_end(ErrorCodeOfBoost&) { return true; }
  bool on_object_begin(ErrorCodeOfBoost&) { return true; }
  bool on_object_end(std::size_t n, ErrorCodeOfBoost&) {
    members_written_ += n;
    stack_.push_object(n);
    return true;
  }
  bool on_array_begin(ErrorCodeOfBoost&) { return true; }
  bool on_array_end(std::size_t n, ErrorCodeOfBoost&) {
    stack_.push_array(n);
    return true;
  }
  bool on_key_part(json::string_view s, std::size_t, ErrorCodeOfBoost&) { return push_chars(s); }
  bool on_key(json::string_view s, std::size_t, ErrorCodeOfBoost&) {
    stack_.push_key(s);
    return true;
  }
  bool on_string_part(json::string_view s, std::size_t, ErrorCodeOfBoost&) { return push_chars(s); }
  bool on_string(json::string_view s, std::size_t, ErrorCodeOfBoost&) {
    stack_.push_string(s);
    return true;
  }
  bool on_number_part(json::string_view s, ErrorCodeOfBoost&) {
    number_.append(s.data(), s.size());
    return true;
  }
  bool on_int64(std::int64_t i, json::string_view, ErrorCodeOfBoost&) {
    number_.clear();
    stack_.push_int64(i);
    return true;
  }
  bool on_uint64(std::uint64_t u, json::string_view, ErrorCodeOfBoost&) {
    number_.clear();
    stack_.push_uint64(u);
    return true;
  }
  bool on_double(double rough, json::string_view s, ErrorCodeOfBoost&) {
    number_.append(s.data(), s.size());
    double exact = rough;
    std::from_chars(number_.data(), number_.data() + number_.size(), exact);  // out of range leaves `rough`
    number_.clear();
    overflowed_ = overflowed_ || !std::isfinite(exact);
    stack_.push_double(exact);
    return true;
  }
  bool on_bool(bool b, ErrorCodeOfBoost&) {
    stack_.push_bool(b);
    return true;
  }
  bool on_null(ErrorCodeOfBoost&) {
    stack_.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, ErrorCodeOfBoost&) { return true; }
  bool on_comment(json::string_view, ErrorCodeOfBoost&) { return true; }

 private:
  bool push_chars(json::string_view s) {
    stack_.push_chars(s);
    return true;
  }

  json::value_stack stack_;
  std::string number_;
  std::size_t members_written_ = 0;
  bool overflowed_ = false;
};

std::size_t members_of(const json::value& value) {
  std::size_t count = 0;
  if (const auto* object = value.if_object()) {
    count = object->size();
    for (const auto& member : *object) count += members_of(member.value());
  } else if (const auto* array = value.if_array()) {
    for (const auto& element : *array) count += members_of(element);
  }
  return count;
}

std::string_view kind_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return "null";
    case json::kind::bool_: return "a boolean";
    case json::kind::int64:
    case json::kind::uint64: return "an integer";
    case json::kind::double_: return "a number";
    case json::kind::string: return "a string";
    case json::kind::array: return "an array";
    case json::kind::object: return "an object";
  }
  return "unknown";
}

std::string print(double x) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, x).ptr};
}

// Length of the UTF-8 sequence at the start of `text`, 0 where there is none (overlong, surrogate, cut off, too large).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned char second = byte(1);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
  if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
  return length;
}

// Keys come from outside; what an error shows of them is short and printable.
std::string shown(std::string_view key) {
  constexpr std::size_t kShown = 64;
  std::string out;
  for (const char c : key.substr(0, kShown)) out += c >= ' ' && c <= '~' ? c : '?';
  return key.size() > kShown ? out + "…" : out;
}

}  // namespace

Result<json::value> parse_json(std::string_view text, JsonLimits limits) {
  if (text.size() > limits.max_bytes) {
    return invalid_argument("JSON of " + std::to_string(text.size()) + " bytes is over the limit of " +
                            std::to_string(limits.max_bytes));
  }
  json::parse_options options;
  options.max_depth = limits.max_depth;
  json::basic_parser<Builder> parser(options);
  ErrorCodeOfBoost error;
  const std::size_t consumed = parser.write_some(false, text.data(), text.size(), error);
  if (error) {
    return invalid_argument("JSON is wrong at byte " + std::to_string(consumed) + ": " + error.message());
  }
  const auto rest = text.substr(consumed);
  if (!parser.done() || rest.find_first_not_of(" \t\r\n") != std::string_view::npos) {
    return invalid_argument("JSON is wrong at byte " + std::to_string(consumed) + ": one whole value is expected");
  }
  if (parser.handler().overflowed()) return invalid_argument("JSON holds a number too large for a double");
  const std::size_t written = parser.handler().members_written();
  json::value value = parser.handler().release();
  if (members_of(value) != written) return invalid_argument("JSON holds an object with the same key twice");
  return value;
}

tl::unexpected<Error> JsonView::wrong(std::string_view what) const {
  return invalid_argument(path_ + ": " + std::string(what));
}

Result<std::optional<JsonView>> JsonView::find(std::string_view key) const {
  const auto* object = value_->if_object();
  if (!object) return wrong("must be an object, is " + std::string(kind_of(*value_)));
  const auto* member = object->if_contains({key.data(), key.size()});
  if (!member) return std::nullopt;
  return JsonView(*member, path_.empty() ? shown(key) : path_ + "." + shown(key));
}

Result<JsonView> JsonView::at(std::string_view key) const {
  auto found = find(key);
  if (!found) return tl::unexpected(std::move(found.error()));
  if (!*found) return wrong("lacks the key \"" + shown(key) + "\"");
  return std::move(**found);
}

Result<void> JsonView::only(std::initializer_list<std::string_view> keys) const {
  const auto* object = value_->if_object();
  if (!object) return wrong("must be an object, is " + std::string(kind_of(*value_)));
  for (const auto& member : *object) {
    const std::string_view key(member.key().data(), member.key().size());
    if (std::ranges::find(keys, key) == keys.end()) return wrong("has the unknown key \"" + shown(key) + "\"");
  }
  return {};
}

Result<std::size_t> JsonView::array_size(std::size_t at_most) const {
  const auto* array = value_->if_array();
  if (!array) return wrong("must be an array, is " + std::string(kind_of(*value_)));
  if (array->size() > at_most) {
    return wrong("has " + std::to_string(array->size()) + " elements, more than " + std::to_string(at_most));
  }
  return array->size();
}

Result<JsonView> JsonView::element(std::size_t index) const {
  auto size = array_size();
  if (!size) return tl::unexpected(std::move(size.error()));
  if (index >= *size) return wrong("has no element " + std::to_string(index));
  return JsonView(value_->get_array()[index], path_ + "[" + std::to_string(index) + "]");
}

Result<std::int64_t> JsonView::as_int(std::int64_t low, std::int64_t high) const {
  const auto* i = value_->if_int64();
  if (i && *i >= low && *i <= high) return *i;
  std::string is = std::string(kind_of(*value_));
  if (i) is = std::to_string(*i);
  if (const auto* u = value_->if_uint64()) is = std::to_string(*u);
  return wrong("must be an integer from " + std::to_string(low) + " to " + std::to_string(high) + ", is " + is);
}

Result<double> JsonView::as_double(double low, double high) const {
  if (!value_->is_number()) return wrong("must be a number, is " + std::string(kind_of(*value_)));
  const auto x = value_->to_number<double>();
  if (x >= low && x <= high) return x;
  return wrong("must be a number from " + print(low) + " to " + print(high) + ", is " + print(x));
}

Result<bool> JsonView::as_bool() const {
  if (const auto* b = value_->if_bool()) return *b;
  return wrong("must be true or false, is " + std::string(kind_of(*value_)));
}

Result<std::string_view> JsonView::as_string(std::size_t max_bytes) const {
  const auto* s = value_->if_string();
  if (!s) return wrong("must be a string, is " + std::string(kind_of(*value_)));
  if (s->size() > max_bytes) {
    return wrong("is a string of " + std::to_string(s->size()) + " bytes, more than " + std::to_string(max_bytes));
  }
  return std::string_view(s->data(), s->size());
}

Result<std::int64_t> JsonView::int_at(std::string_view key, std::int64_t low, std::int64_t high) const {
  return at(key).and_then([&](const JsonView& view) { return view.as_int(low, high); });
}

Result<double> JsonView::double_at(std::string_view key, double low, double high) const {
  return at(key).and_then([&](const JsonView& view) { return view.as_double(low, high); });
}

Result<bool> JsonView::bool_at(std::string_view key) const {
  return at(key).and_then([](const JsonView& view) { return view.as_bool(); });
}

Result<std::string_view> JsonView::string_at(std::string_view key, std::size_t max_bytes) const {
  return at(key).and_then([&](const JsonView& view) { return view.as_string(max_bytes); });
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto is_plain = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; };
  out += '"';
  while (!text.empty()) {
    const auto plain = static_cast<std::size_t>(std::ranges::find_if_not(text, is_plain) - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const std::size_t length = sequence_length(text);
    const char c = text[0];
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (length > 1) {
      out += text.substr(0, length);
    } else if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (c == '\n' || c == '\r' || c == '\t') {
      (out += '\\') += c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
    } else if (static_cast<unsigned char>(c) < ' ') {
      ((out += "\\u00") += kHex[static_cast<unsigned char>(c) >> 4]) += kHex[c & 15];
    } else {
      out += c;
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  out += '"';
}

std::string json_string(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_json_string(out, text);
  return out;
}

std::string to_json(const json::value& value) { return json::serialize(value); }

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace bursar
