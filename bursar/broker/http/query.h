// The parts of a request's target.
//
//   query_value("/v1/receipts?under=acme%2Fada&limit=5", "limit");   // "5"
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bursar::broker {

// "%41" -> "A"; what is no escape stays as it is.
[[nodiscard]] std::string percent_decoded(std::string_view text);
// The first parameter of that name, decoded; absent where there is none.
[[nodiscard]] std::optional<std::string> find_query_value(std::string_view target, std::string_view name);
[[nodiscard]] inline std::string query_value(std::string_view target, std::string_view name) {
  return find_query_value(target, name).value_or("");
}

}  // namespace bursar::broker
