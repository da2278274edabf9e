// Reads "NAME:key=value,key=value" into the numbers of a profile or a curriculum; inside this room.
//
//   const auto words = parse_words("profile", "uba:phi=.25");
//   WordParameters read(*words);
//   const double phi = read.number("phi", .5);
//   if (auto ok = read.done(); !ok) …                  // what was wrong, or a key that nobody asked for
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/policy.h"

namespace bursar::schedule {

// What a policy's words are, with errors that speak of `what`.
[[nodiscard]] Result<PolicyWords> parse_words(std::string_view what, std::string_view words);

// Every reader gives the preset where the key is missing or wrong, and the first thing that was wrong is remembered.
class WordParameters {
 public:
  explicit WordParameters(const PolicyWords& words) : words_(words) {}

  double number(std::string_view key, double preset);
  double number(std::string_view key);  // must be given
  std::int64_t whole(std::string_view key, std::int64_t preset);
  std::vector<double> numbers(std::string_view key, std::vector<double> preset);  // at most 1,024
  std::string text(std::string_view key, std::string preset);
  [[nodiscard]] bool has(std::string_view key) const { return words_.parameters.contains(key); }
  [[nodiscard]] Result<void> done() const;

 private:
  void fail_with(const Error& error);

  const PolicyWords& words_;
  std::vector<std::string_view> known_;
  std::optional<Error> wrong_;
};

}  // namespace bursar::schedule
