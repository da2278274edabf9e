#include "bursar/plan/workflow/task_templates.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace bursar::plan {
namespace {

struct Column {
  std::string_view name;
  double TaskTemplate::* member;
  double low, high;
};
constexpr double kMost = 1e12;
constexpr std::array kColumns{Column{"success_prob", &TaskTemplate::success, 0, 1},
                              Column{"lat_mean", &TaskTemplate::latency_mean_s, 1e-9, kMost},
                              Column{"lat_std", &TaskTemplate::latency_deviation_s, 0, kMost},
                              Column{"cost_mean", &TaskTemplate::tokens, 0, kMost}};

std::vector<std::string_view> cells_of(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::vector<std::string_view> out;
  for (;;) {
    const std::size_t comma = line.find(',');
    out.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return out;
    line.remove_prefix(comma + 1);
  }
}

std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

}  // namespace

Result<std::vector<TaskTemplate>> read_task_templates(std::string_view csv) {
  const std::vector<std::string_view> head = cells_of(next_line(csv));
  std::array<std::size_t, kColumns.size()> place{};
  for (std::size_t c = 0; c < kColumns.size(); ++c) {
    const auto found = std::ranges::find(head, kColumns[c].name);
    if (found == head.end()) return invalid_argument("line 1: there is no column " + std::string(kColumns[c].name));
    place[c] = static_cast<std::size_t>(found - head.begin());
  }
  std::vector<TaskTemplate> out;
  for (std::size_t number = 2; !csv.empty(); ++number) {
    const std::string_view line = next_line(csv);
    if (line.empty() || line == "\r") continue;
    const std::vector<std::string_view> cells = cells_of(line);
    TaskTemplate& row = out.emplace_back();
    for (std::size_t c = 0; c < kColumns.size(); ++c) {
      const Column& column = kColumns[c];
      const std::string_view cell = place[c] < cells.size() ? cells[place[c]] : std::string_view();
      double& value = row.*column.member;
      const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
      const bool read = error == std::errc{} && end == cell.data() + cell.size();
      if (!read || !(value >= column.low && value <= column.high)) {
        return invalid_argument("line " + std::to_string(number) + ": " + std::string(column.name) + " is \"" +
                                std::string(cell.substr(0, 40)) + "\", and must be a number from " +
                                std::to_string(column.low) + " to " + std::to_string(column.high));
      }
    }
  }
  if (out.empty()) return invalid_argument("there is no row below the columns' names");
  return out;
}

Option option_of(const TaskTemplate& measured, std::string model, double usd_per_token) {
  return {.model = std::move(model),
          .p = measured.success,
          .latency = {.mean_ms = 1000 * measured.latency_mean_s,
                      .cv = measured.latency_deviation_s / measured.latency_mean_s},
          .cost = {.usd = usd_per_token * measured.tokens, .tokens = measured.tokens}};
}

}  // namespace bursar::plan
