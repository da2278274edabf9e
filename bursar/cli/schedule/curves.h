// The curves that the words of a command line ask for, and their texts; for this program alone.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::cli {

struct CurveWords {
  std::vector<std::string> profiles, curricula;  // as parse_profile() and parse_curriculum() read them
  std::int64_t steps = 0;
  double peak = 1, floor = 0;
  std::int64_t warmup = 0;
  double warmup_from = 0;
  std::optional<double> phi;         // of profiles that are just "uba"
  std::int64_t every = 1;            // steps between two readings
  std::vector<double> at;            // shares at which profiles are read; empty: every step
  std::int64_t restarts = 1;         // phases in all
  double growth = 1, decay = 1;      // from phase to phase
  std::vector<std::string> budgets;  // "600:2000": after 600 steps the total becomes 2,000
  std::int64_t rows = 0;             // 0: the form's own number
};

struct Curve {
  std::string name;
  std::function<Result<double>(std::int64_t)> at;
  bool rate = true;  // otherwise a budget
};

struct Curves {
  std::vector<Curve> curves;  // not empty
  std::int64_t total = 0;
  std::vector<std::string> warnings;
};

[[nodiscard]] Result<Curves> make_curves(const CurveWords& words);
// `rows` steps, evenly spaced, the first and the last among them; all where there are no more.
[[nodiscard]] std::vector<std::int64_t> chosen_steps(std::int64_t total, std::int64_t rows);

[[nodiscard]] Result<std::string> curves_text(const Curves& curves, std::int64_t rows);
[[nodiscard]] Result<std::string> curves_csv(const Curves& curves, std::int64_t rows);
[[nodiscard]] Result<std::string> curves_json(const Curves& curves, std::int64_t rows);
// A panel of rates and one of budgets, as far as there are any.
[[nodiscard]] Result<std::string> curves_svg(const Curves& curves);

[[nodiscard]] std::string padded(std::string text, std::size_t width);
[[nodiscard]] std::string number_text(double x);  // six significant digits

}  // namespace bursar::cli
