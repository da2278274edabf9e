// Tables of numbers in a saved state, to JSON and back to the bit; what does not fit is kCorrupt and named.
//
//   saved["runs"] = saved_rows({{512, 1}, {1024, 0}});
//   auto rows = rows_at(saved, "runs", /*width=*/2, /*most=*/2000);
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"
#include "bursar/plan/recovery_gate.h"

namespace bursar::plan {

using NumberRows = std::vector<std::vector<double>>;

[[nodiscard]] boost::json::array saved_rows(const NumberRows& rows);
[[nodiscard]] Result<NumberRows> rows_at(const boost::json::object& saved, std::string_view key, std::size_t width,
                                         std::size_t most);

[[nodiscard]] boost::json::array saved_digests(const std::vector<std::uint64_t>& digests);
[[nodiscard]] Result<std::vector<std::uint64_t>> digests_at(const boost::json::object& saved, std::string_view key,
                                                            std::size_t most);

// The eight numbers of an attempt. Errors: kCorrupt for scores that a gate would refuse.
inline constexpr std::size_t kAttemptNumbers = 8;
[[nodiscard]] std::vector<double> numbers_of(const Attempt& attempt);
[[nodiscard]] Result<Attempt> attempt_of_numbers(const std::vector<double>& numbers);

[[nodiscard]] tl::unexpected<Error> corrupt_belief(std::string_view what);

}  // namespace bursar::plan
