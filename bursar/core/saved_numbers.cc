#include "bursar/core/saved_numbers.h"

#include <boost/json/array.hpp>
#include <cmath>
#include <limits>
#include <optional>

namespace bursar {
namespace {

std::optional<double> finite(const boost::json::value& v) {
  std::optional<double> x;
  if (v.is_double()) x = v.get_double();
  if (v.is_int64()) x = static_cast<double>(v.get_int64());
  if (v.is_uint64()) x = static_cast<double>(v.get_uint64());
  return x && std::isfinite(*x) ? x : std::nullopt;
}

}  // namespace

boost::json::array saved_numbers(std::span<const double> numbers) {
  boost::json::array out;
  out.reserve(numbers.size());
  for (const double x : numbers) out.emplace_back(x);
  return out;
}

void SavedNumbers::complain(std::string_view key, std::string_view what) {
  if (wrong_.empty()) wrong_ = "saved state: " + std::string(key) + " must be " + std::string(what);
}

std::vector<double> SavedNumbers::numbers(std::string_view key, std::size_t count) {
  std::vector<double> out(count, 0.0);
  const auto* v = saved_.if_contains(key);
  if (v == nullptr || !v->is_array() || v->get_array().size() != count) {
    complain(key, std::to_string(count) + " numbers");
    return out;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto x = finite(v->get_array()[i]);
    if (!x) complain(key, std::to_string(count) + " numbers");
    out[i] = x.value_or(0);
  }
  return out;
}

double SavedNumbers::signed_number(std::string_view key) {
  const auto* v = saved_.if_contains(key);
  const auto x = v == nullptr ? std::nullopt : finite(*v);
  if (!x) complain(key, "a number");
  return x.value_or(0);
}

double SavedNumbers::number(std::string_view key) {
  const double x = signed_number(key);
  if (x < 0) complain(key, "at least 0");
  return std::max(x, 0.0);
}

std::uint64_t SavedNumbers::count(std::string_view key) {
  const auto* v = saved_.if_contains(key);
  if (v != nullptr && v->is_uint64()) return v->get_uint64();
  if (v != nullptr && v->is_int64() && v->get_int64() >= 0) return static_cast<std::uint64_t>(v->get_int64());
  complain(key, "a whole number of at least 0");
  return 0;
}

bool SavedNumbers::flag(std::string_view key) {
  const auto* v = saved_.if_contains(key);
  if (v != nullptr && v->is_bool()) return v->get_bool();
  complain(key, "true or false");
  return false;
}

Result<void> SavedNumbers::check() const {
  if (wrong_.empty()) return {};
  return fail(ErrorCode::kCorrupt, wrong_);
}

}  // namespace bursar
