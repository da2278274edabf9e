// Tables, times and bars, as the commands print them.
//
//   Table table({"name", "account"});  table.add({"ada", "acme/ada"});  table.print(out);
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/amount.h"
#include "bursar/core/clock.h"
#include "bursar/core/result.h"

namespace bursar::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> head) : rows_{std::move(head)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }  // as many cells as the head
  void print(std::ostream& out) const;  // columns are as wide as their longest cell; control characters become '?'

 private:
  std::vector<std::vector<std::string>> rows_;
};

[[nodiscard]] std::string time_text(WallTime time);                        // "2026-11-25 01:13:39Z"
[[nodiscard]] std::string time_text(const std::optional<WallTime>& time);  // "-" where absent

// "2026-11-25", "2026-11-25T01:13:39Z", or a duration before `now` such as "2 h".
[[nodiscard]] Result<WallTime> parse_time(std::string_view text, WallTime now);

// Smallest units as a decimal number of the printed unit, exactly: 12500000 usd -> "12.5".
[[nodiscard]] std::string number_text(Resource resource, std::int64_t units);

// "█████░░░" of `width` characters: full blocks for what is spent, shaded ones for what is held.
[[nodiscard]] std::string bar(std::int64_t spent, std::int64_t held, std::int64_t limit, std::size_t width);

[[nodiscard]] std::size_t display_width(std::string_view utf8);

}  // namespace bursar::cli
