// JSON documents that are read cold (configuration, state, admin), with limits and errors that name the place.
//
//   Result<boost::json::value> document = parse_json(text, {.max_bytes = 1 << 20});
//   JsonView root(*document);
//   Result<std::int64_t> port = root.at("listen").and_then([](JsonView v) { return v.at("port"); })
//                                   .and_then([](JsonView v) { return v.as_int(1, 65535); });
//   // error: "$.listen.port: must be an integer from 1 to 65535, is 70000"
//
// For requests on the hot path use simdjson. Numbers with a fraction are read exactly (what serialize() wrote comes
// back bit by bit), which Boost.JSON 1.81 alone does not promise.
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "bursar/core/result.h"

namespace bursar {

struct JsonLimits {
  std::size_t max_bytes = 4 << 20;
  std::size_t max_depth = 64;
};

// One strict JSON value (RFC 8259) in UTF-8. Errors: kInvalidArgument for anything else, for a key that stands twice in
// one object, a number that overflows a double, and past a limit. O(text).
[[nodiscard]] Result<boost::json::value> parse_json(std::string_view text, JsonLimits limits = {});

// A value within a document and its place ("$.tools[3].name"; from an empty path "tools[3].name"). Refers to the
// document: use it while that lives.
class JsonView {
 public:
  explicit JsonView(const boost::json::value& value, std::string path = "$") : value_(&value), path_(std::move(path)) {}

  [[nodiscard]] const boost::json::value& value() const { return *value_; }
  [[nodiscard]] const std::string& path() const { return path_; }

  // Members of an object. find: absent where the key is missing; only: refuses keys that are not listed.
  [[nodiscard]] Result<JsonView> at(std::string_view key) const;
  [[nodiscard]] Result<std::optional<JsonView>> find(std::string_view key) const;
  [[nodiscard]] Result<void> only(std::initializer_list<std::string_view> keys) const;

  // Elements of an array.
  [[nodiscard]] Result<std::size_t> array_size(std::size_t at_most = SIZE_MAX) const;
  [[nodiscard]] Result<JsonView> element(std::size_t index) const;

  [[nodiscard]] Result<std::int64_t> as_int(std::int64_t low = INT64_MIN, std::int64_t high = INT64_MAX) const;
  [[nodiscard]] Result<double> as_double(double low, double high) const;  // integers count too
  [[nodiscard]] Result<bool> as_bool() const;
  [[nodiscard]] Result<std::string_view> as_string(std::size_t max_bytes = SIZE_MAX) const;

  // Shorthands for at(key) and then as_…: the everyday case.
  [[nodiscard]] Result<std::int64_t> int_at(std::string_view key, std::int64_t low = INT64_MIN,
                                            std::int64_t high = INT64_MAX) const;
  [[nodiscard]] Result<double> double_at(std::string_view key, double low, double high) const;
  [[nodiscard]] Result<bool> bool_at(std::string_view key) const;
  [[nodiscard]] Result<std::string_view> string_at(std::string_view key, std::size_t max_bytes = SIZE_MAX) const;

  // An error at this place: "$.listen.port: <what>".
  [[nodiscard]] tl::unexpected<Error> wrong(std::string_view what) const;

 private:
  const boost::json::value* value_;
  std::string path_;
};

// Appends `text` as a JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD, so the result is always
// valid.
void append_json_string(std::string& out, std::string_view text);
[[nodiscard]] std::string json_string(std::string_view text);

// Compact text of a value; parse_json(to_json(v)) == v where every double is finite.
[[nodiscard]] std::string to_json(const boost::json::value& value);

[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace bursar
