// What reading a problem's JSON needs at every value: where it stands, and whether it is what it should be. For
// json_problem.cc alone.
#pragma once

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "bursar/allocate/format/stated_problem.h"
#include "bursar/allocate/many_resources.h"
#include "bursar/core/result.h"

namespace bursar::allocate {

// Where a value stands, written out only for a message.
struct Place {
  const Place* above = nullptr;
  std::string_view key = {};
  std::size_t index = SIZE_MAX;

  [[nodiscard]] std::string text() const {
    if (above == nullptr) return "$";
    if (index != SIZE_MAX) return above->text() + "[" + std::to_string(index) + "]";
    return above->text() + "." + std::string(key);
  }
  [[nodiscard]] tl::unexpected<Error> wrong(const std::string& what) const {
    return invalid_argument(text() + ": " + what);
  }
};

inline std::string_view view(const boost::json::string& s) { return {s.data(), s.size()}; }
inline std::string_view view(boost::json::string_view s) { return {s.data(), s.size()}; }

inline Result<void> only(const boost::json::object& o, const Place& place,
                         std::initializer_list<std::string_view> keys) {
  for (const auto& member : o) {
    if (std::ranges::find(keys, view(member.key())) != keys.end()) continue;
    std::string known;
    for (const auto key : keys) known += (known.empty() ? "" : ", ") + std::string(key);
    return place.wrong("unknown key '" + std::string(view(member.key())).substr(0, 80) + "'; known are " + known);
  }
  return {};
}

inline Result<double> number(const boost::json::value& v, const Place& place, Sign sign) {
  if (!v.is_number()) return place.wrong("must be a number");
  const auto x = v.to_number<double>();
  if (const std::string why = why_refused(x, sign); !why.empty()) return place.wrong(why);
  return x;
}

inline Result<void> few_resources(std::size_t count, const Place& place) {
  if (count <= ResourceTable::kMostResources) return {};
  return place.wrong("names " + std::to_string(count) + " resources; at most " +
                     std::to_string(ResourceTable::kMostResources) + " are taken");
}

inline Result<bool> truth(const boost::json::value& v, const Place& place) {
  if (v.is_bool()) return v.get_bool();
  if (v.is_int64() && (v.get_int64() == 0 || v.get_int64() == 1)) return v.get_int64() == 1;
  return place.wrong("must be true or false");
}

}  // namespace bursar::allocate
