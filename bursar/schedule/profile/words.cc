#include "bursar/schedule/profile/words.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "bursar/core/json.h"

namespace bursar::schedule {
namespace {

constexpr std::string_view kPolicy = "policy";
constexpr double kMost = 1e300;
constexpr std::size_t kMostNumbers = 1024, kMostText = 64;

}  // namespace

Result<PolicyWords> parse_words(std::string_view what, std::string_view words) {
  return parse_policy_words(words).map_error([&](Error error) {
    if (error.message.starts_with(kPolicy)) error.message.replace(0, kPolicy.size(), what);
    return error;
  });
}

double WordParameters::number(std::string_view key, double preset) {
  known_.push_back(key);
  const auto* found = words_.parameters.if_contains(key);
  if (found == nullptr) return preset;
  const auto x = JsonView(*found, std::string(key)).as_double(-kMost, kMost);
  if (!x) fail_with(x.error());
  return x.value_or(preset);
}

double WordParameters::number(std::string_view key) {
  if (!has(key)) fail_with({.code = ErrorCode::kInvalidArgument, .message = "needs " + std::string(key) + "=NUMBER"});
  return number(key, 0);
}

std::int64_t WordParameters::whole(std::string_view key, std::int64_t preset) {
  known_.push_back(key);
  const auto* found = words_.parameters.if_contains(key);
  if (found == nullptr) return preset;
  const auto x = JsonView(*found, std::string(key)).as_int();
  if (!x) fail_with(x.error());
  return x.value_or(preset);
}

std::vector<double> WordParameters::numbers(std::string_view key, std::vector<double> preset) {
  known_.push_back(key);
  const auto* found = words_.parameters.if_contains(key);
  if (found == nullptr) return preset;
  const JsonView list(*found, std::string(key));
  const auto size = list.array_size(kMostNumbers);
  if (!size) return fail_with(size.error()), preset;
  std::vector<double> out;
  for (std::size_t i = 0; i < *size; ++i) {
    const auto x = list.element(i).and_then([](const JsonView& v) { return v.as_double(-kMost, kMost); });
    if (!x) return fail_with(x.error()), preset;
    out.push_back(*x);
  }
  return out;
}

std::string WordParameters::text(std::string_view key, std::string preset) {
  known_.push_back(key);
  const auto* found = words_.parameters.if_contains(key);
  if (found == nullptr) return preset;
  const auto x = JsonView(*found, std::string(key)).as_string(kMostText);
  if (!x) return fail_with(x.error()), preset;
  return std::string(*x);
}

Result<void> WordParameters::done() const {
  if (wrong_) return tl::unexpected(*wrong_);
  for (const auto& member : words_.parameters) {
    if (std::ranges::find(known_, std::string_view(member.key())) != known_.end()) continue;
    std::string all;
    for (const auto key : known_) all += (all.empty() ? "" : ", ") + std::string(key);
    return invalid_argument("has no parameter " + json_string(member.key()) + "; it has " + all);
  }
  return {};
}

void WordParameters::fail_with(const Error& error) {
  if (!wrong_) wrong_ = error;
}

}  // namespace bursar::schedule
