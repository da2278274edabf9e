// Reads JSON as RFC 8259 has it, to the letter and in one pass, and tells where things stand; builds nothing. For
// sources of the broker that read what an outsider wrote.
//
//   JsonScanner scan(text, 64);
//   scan.space();
//   bool good = scan.object(1, true, [&](std::string_view key) { return scan.value(2, false); }) && scan.at_end();
//   if (!good) report(scan.code(), scan.problem());
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bursar::broker {

inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;

namespace json_text {

inline constexpr std::size_t kDepthMax =
    1024;  // the scanner recurses; past this a limit of the configuration has no effect
inline constexpr std::size_t kScratchKept = 4096;

inline bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Index of the first byte at or after `from` that ends a plain run inside a string: quote, backslash or control
// character. Eight bytes a step (the classic zero-byte test, here for three conditions at once).
inline std::size_t plain_run_end(std::string_view text, std::size_t from) {
  constexpr std::uint64_t kOnes = 0x0101010101010101ULL, kHighs = 0x8080808080808080ULL;
  const auto has_zero = [](std::uint64_t v) { return (v - kOnes) & ~v & kHighs; };
  while (from + 8 <= text.size()) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + from, 8);
    const std::uint64_t control = (word - kOnes * 0x20) & ~word & kHighs;
    const std::uint64_t hit = control | has_zero(word ^ (kOnes * '"')) | has_zero(word ^ (kOnes * '\\'));
    if (hit != 0) break;
    from += 8;
  }
  for (; from < text.size(); ++from) {
    const auto c = static_cast<unsigned char>(text[from]);
    if (c < 0x20 || c == '"' || c == '\\') break;
  }
  return from;
}

inline void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// Four hexadecimal digits that the scanner has checked.
inline std::uint32_t hex4(std::string_view digits) {
  std::uint32_t value = 0;
  for (char c : digits.substr(0, 4)) {
    const auto digit = static_cast<std::uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    value = value << 4 | digit;
  }
  return value;
}

// The text of a string's inside that the scanner has accepted; absent where an escape names half a surrogate pair,
// which has no UTF-8 form.
inline std::optional<std::string> unescape(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      out += raw[i];
      continue;
    }
    switch (raw[++i]) {
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case 't': out += '\t'; break;
      case 'u': {
        std::uint32_t code = hex4(raw.substr(i + 1));
        i += 4;
        if (code >= 0xDC00 && code < 0xE000) return std::nullopt;
        if (code >= 0xD800 && code < 0xDC00) {
          if (raw.substr(i + 1, 2) != "\\u") return std::nullopt;
          const std::uint32_t low = hex4(raw.substr(i + 3));
          if (low < 0xDC00 || low >= 0xE000) return std::nullopt;
          code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
          i += 6;
        }
        append_utf8(out, code);
        break;
      }
      default: out += raw[i];  // quote, backslash, slash
    }
  }
  return out;
}
}  // namespace json_text

// RFC 8259 to the letter, one pass. Each function stands at its value's first byte and ends behind its last; the first
// refusal is kept. `unique` says that duplicate members are refused in this object, or from here on down.
class JsonScanner {
 public:
  JsonScanner(std::string_view text, std::size_t depth_max)
      : text_(text), depth_max_(std::min(depth_max, json_text::kDepthMax)) {
    keys().clear();
  }
  ~JsonScanner() {
    if (keys().capacity() <= json_text::kScratchKept) return;
    keys().clear();
    keys().shrink_to_fit();
  }
  JsonScanner(const JsonScanner&) = delete;
  JsonScanner& operator=(const JsonScanner&) = delete;

  [[nodiscard]] std::size_t position() const { return at_; }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  [[nodiscard]] std::string_view since(std::size_t begin) const { return text_.substr(begin, at_ - begin); }
  [[nodiscard]] int code() const { return code_; }
  [[nodiscard]] const std::string& problem() const { return problem_; }

  void space() {
    while (at_ < text_.size() && json_text::is_space(text_[at_])) ++at_;
  }
  bool at_end() {
    space();
    return at_ == text_.size();
  }

  bool refuse(int code, std::string problem) {
    if (code_ == 0) {
      code_ = code;
      problem_ = std::move(problem);
    }
    return false;
  }
  bool malformed(std::string_view expected) {
    const std::string found = at_ < text_.size() ? "at byte " + std::to_string(at_) : "where the text ends";
    return refuse(kParseError, std::string(expected) + " expected " + found);
  }

  bool string() {
    if (peek() != '"') return malformed("a string");
    ++at_;
    escaped_ = false;
    for (;;) {
      at_ = json_text::plain_run_end(text_, at_);
      if (at_ == text_.size()) return malformed("the end of a string");
      if (text_[at_] == '"') return ++at_, true;
      if (text_[at_] != '\\') return malformed("an escape instead of a control character");
      escaped_ = true;
      if (!escape()) return false;
    }
  }

  // A string and what it says.
  bool string(std::string& out) {
    const std::size_t begin = at_;
    if (!string()) return false;
    const std::string_view raw = text_.substr(begin + 1, at_ - begin - 2);
    if (!escaped_) return out.assign(raw), true;
    auto plain = json_text::unescape(raw);
    if (!plain) return refuse(kParseError, "half a surrogate pair at byte " + std::to_string(begin));
    out = std::move(*plain);
    return true;
  }

  bool value(std::size_t depth, bool unique) {
    switch (peek()) {
      case '{':
        if (!unique) return plain_object(depth);
        return object(depth, true, [&](std::string_view) { return value(depth + 1, true); });
      case '[': return array(depth, unique);
      case '"': return string();
      case 't': return literal("true");
      case 'f': return literal("false");
      case 'n': return literal("null");
      default: return number();
    }
  }

  // member(key) must scan the value it stands at.
  template <class Member>
  bool object(std::size_t depth, bool unique, Member member) {
    if (!open(depth, '{')) return false;
    const std::size_t first = keys().size();
    if (peek() == '}') return ++at_, true;
    for (;;) {
      std::string_view key;
      if (!this->key(key)) return false;
      if (unique) keys().push_back(key);
      if (!colon() || !member(key)) return false;
      if (const int more = next('}'); more <= 0) return more == 0 && (!unique || distinct(first));
    }
  }

 private:
  // Keys of the objects that are open, kept over calls so that a scan allocates nothing.
  static std::vector<std::string_view>& keys() {
    thread_local std::vector<std::string_view> keys;
    return keys;
  }

  bool open(std::size_t depth, char bracket) {
    if (peek() != bracket) return malformed(bracket == '{' ? "an object" : "an array");
    if (depth > depth_max_)
      return refuse(kInvalidRequest, "nested deeper than " + std::to_string(depth_max_) + " levels");
    ++at_;
    space();
    return true;
  }

  bool plain_object(std::size_t depth) {
    if (!open(depth, '{')) return false;
    if (peek() == '}') return ++at_, true;
    for (;;) {
      if (!string() || !colon() || !value(depth + 1, false)) return false;
      if (const int more = next('}'); more <= 0) return more == 0;
    }
  }

  bool array(std::size_t depth, bool unique) {
    if (!open(depth, '[')) return false;
    if (peek() == ']') return ++at_, true;
    for (;;) {
      if (!value(depth + 1, unique)) return false;
      if (const int more = next(']'); more <= 0) return more == 0;
    }
  }

  // Behind a value: 1 after a comma, 0 after the closing bracket, -1 for anything else.
  int next(char closing) {
    space();
    if (peek() == ',') {
      ++at_;
      space();
      return 1;
    }
    if (peek() == closing) return ++at_, 0;
    malformed(closing == '}' ? "a comma or }" : "a comma or ]");
    return -1;
  }

  bool colon() {
    space();
    if (peek() != ':') return malformed("a colon");
    ++at_;
    space();
    return true;
  }

  bool key(std::string_view& out) {
    const std::size_t begin = at_;
    if (!string()) return false;
    out = text_.substr(begin + 1, at_ - begin - 2);
    if (!escaped_) return true;
    auto plain = json_text::unescape(out);
    if (!plain) return refuse(kParseError, "half a surrogate pair at byte " + std::to_string(begin));
    out = unescaped_.emplace_back(std::move(*plain));
    return true;
  }

  bool escape() {
    ++at_;
    const char c = peek();
    if (c == 'u') {
      for (int i = 0; i < 4; ++i) {
        ++at_;
        const char d = peek();
        if (!json_text::is_digit(d) && !((d | 0x20) >= 'a' && (d | 0x20) <= 'f'))
          return malformed("four hexadecimal digits");
      }
    } else if (c == '\0' || std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) {
      return malformed("a known escape");
    }
    ++at_;
    return true;
  }

  bool literal(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return malformed("a value");
    at_ += word.size();
    return true;
  }

  bool digits() {
    if (!json_text::is_digit(peek())) return malformed("a value");
    while (json_text::is_digit(peek())) ++at_;
    return true;
  }

  bool number() {
    if (peek() == '-') ++at_;
    if (peek() == '0') {
      ++at_;
    } else if (!digits()) {
      return false;
    }
    if (peek() == '.' && (++at_, !digits())) return false;
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      return digits();
    }
    return true;
  }

  bool distinct(std::size_t first) {
    auto& all = keys();
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    const auto before = [](std::string_view a, std::string_view b) {
      return a.size() != b.size() ? a.size() < b.size() : a < b;
    };
    std::sort(begin, all.end(), before);
    const auto twice = std::adjacent_find(begin, all.end());
    if (twice != all.end())
      return refuse(kInvalidRequest, "duplicate member \"" + std::string(twice->substr(0, 64)) + "\"");
    all.resize(first);
    return true;
  }

  std::string_view text_;
  std::size_t depth_max_;
  std::size_t at_ = 0;
  bool escaped_ = false;  // of the string scanned last
  int code_ = 0;
  std::string problem_;
  std::list<std::string> unescaped_;
};

}  // namespace bursar::broker
