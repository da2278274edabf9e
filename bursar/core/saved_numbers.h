// Numbers of a saved state, to JSON and back to the bit; what does not fit is kCorrupt and named.
//
//   SavedNumbers from(saved);
//   auto prices = from.numbers("prices", 4);
//   if (auto ok = from.check(); !ok) return ok;   // "saved state: prices must be 4 numbers"
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"

namespace bursar {

[[nodiscard]] boost::json::array saved_numbers(std::span<const double> numbers);

// Getters give zeros for what is missing or wrong, and check() the first complaint.
class SavedNumbers {
 public:
  explicit SavedNumbers(const boost::json::object& saved) : saved_(saved) {}

  [[nodiscard]] std::vector<double> numbers(std::string_view key, std::size_t count);  // finite, any sign
  [[nodiscard]] double number(std::string_view key);                                   // finite, >= 0
  [[nodiscard]] double signed_number(std::string_view key);                            // finite
  [[nodiscard]] std::uint64_t count(std::string_view key);
  [[nodiscard]] bool flag(std::string_view key);
  [[nodiscard]] Result<void> check() const;

 private:
  void complain(std::string_view key, std::string_view what);
  const boost::json::object& saved_;
  std::string wrong_;
};

}  // namespace bursar
