// Walks the members of a JSON object without parsing what is inside them, for text that was validated already.
//
//   for (MemberCursor at(params); at.next();) if (at.key() == "name") use(at.value());
//
// The text must be valid JSON (a part of a Message): the cursor skips, it does not check. On other text it ends early
// and stays inside the view. O(bytes), no allocation except for keys with escapes.
#pragma once

#include <string>
#include <string_view>

namespace bursar::broker {

class MemberCursor {
 public:
  explicit MemberCursor(std::string_view object);  // anything but an object has no members
  bool next();
  [[nodiscard]] std::string_view key() const { return key_; }      // unescaped; valid until next()
  [[nodiscard]] std::string_view raw() const { return raw_; }      // "key": value, as it stands
  [[nodiscard]] std::string_view value() const { return value_; }  // raw JSON

 private:
  std::string_view text_, key_, raw_, value_;
  std::size_t at_ = 0;
  std::string unescaped_;
};

// The raw value of a member, empty where absent; the first of equal keys.
[[nodiscard]] std::string_view raw_member(std::string_view object, std::string_view key);

// The text of a raw JSON string, or `fallback` where it is none.
[[nodiscard]] std::string raw_string(std::string_view raw, std::string_view fallback = {});

// The object with one more (or another) member of its _meta; everything else as it stands, in one pass. `value` is raw
// JSON.
[[nodiscard]] std::string with_meta(std::string_view object, std::string_view key, std::string_view value);

// At most `bytes` bytes, cut between two code points.
[[nodiscard]] std::string_view utf8_prefix(std::string_view text, std::size_t bytes);

}  // namespace bursar::broker
