#include "bursar/cli/schedule/curves.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <cstdio>
#include <memory>

#include "bursar/core/json.h"
#include "bursar/schedule/profile/budget_curriculum.h"
#include "bursar/schedule/profile/schedule.h"

namespace bursar::cli {
namespace {

constexpr std::int64_t kTextRows = 21, kMostRows = 10'000'000;

struct Change {
  std::int64_t done = 0, total = 0;
};

Result<Change> read_change(const std::string& word) {
  Change out;
  const char* const end = word.data() + word.size();
  const auto done = std::from_chars(word.data(), end, out.done);
  if (done.ec == std::errc{} && done.ptr != end && *done.ptr == ':') {
    const auto total = std::from_chars(done.ptr + 1, end, out.total);
    if (total.ec == std::errc{} && total.ptr == end) return out;
  }
  return invalid_argument("--budget: must be STEPS_DONE:NEW_TOTAL, such as 600:2000, is '" + word + "'");
}

Result<schedule::Schedule> make_rates(const CurveWords& words, const std::string& profile) {
  const bool bent = words.phi && profile == "uba";
  auto sampling = words.at.empty() ? schedule::Sampling::every(words.every) : schedule::Sampling::at(words.at);
  if (!sampling) return tl::unexpected(sampling.error());
  auto rates =
      (bent ? schedule::Profile::uba(*words.phi) : schedule::parse_profile(profile)).and_then([&](schedule::Profile p) {
        return schedule::Schedule::restarts({.profile = std::move(p),
                                             .sampling = *sampling,
                                             .steps = words.steps,
                                             .peak = words.peak,
                                             .floor = words.floor,
                                             .warmup = words.warmup,
                                             .warmup_from = words.warmup_from},
                                            {.count = words.restarts, .growth = words.growth, .decay = words.decay});
      });
  for (const std::string& word : words.budgets) {
    const auto change = read_change(word);
    if (!change) return tl::unexpected(change.error());
    if (rates) {
      rates = rates->with_budget(change->done, change->total).map_error([&](Error e) {
        return with_context("--budget " + word, std::move(e));
      });
    }
  }
  return rates;
}

Result<std::vector<double>> values_of(const Curve& curve, const std::vector<std::int64_t>& steps) {
  std::vector<double> out;
  out.reserve(steps.size());
  for (const std::int64_t t : steps) {
    const auto x = curve.at(t);
    if (!x) return tl::unexpected(with_context(curve.name, x.error()));
    out.push_back(*x);
  }
  return out;
}

// [curves][steps]
Result<std::vector<std::vector<double>>> all_values(const Curves& curves, const std::vector<std::int64_t>& steps) {
  std::vector<std::vector<double>> out;
  for (const Curve& curve : curves.curves) {
    auto values = values_of(curve, steps);
    if (!values) return tl::unexpected(values.error());
    out.push_back(std::move(*values));
  }
  return out;
}

Result<std::vector<std::int64_t>> listed_steps(const Curves& curves, std::int64_t rows) {
  if (rows == 0 && curves.total > kMostRows) {
    return invalid_argument("--rows: " + std::to_string(curves.total) +
                            " steps are too many to print; give --rows up to " + std::to_string(kMostRows));
  }
  return chosen_steps(curves.total, rows == 0 ? curves.total : rows);
}

std::string exact_text(double x) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, x).ptr};
}

std::string csv_field(const std::string& name) {
  return name.find_first_of(",\"") == std::string::npos ? name : '"' + name + '"';
}

}  // namespace

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size() + 2), ' ');
  return text;
}

std::string number_text(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", x);
  return text;
}

Result<Curves> make_curves(const CurveWords& words) {
  if (words.profiles.empty() && words.curricula.empty()) {
    return invalid_argument("give --profile or --curriculum; `bursar schedule profiles` lists them");
  }
  if (words.phi && std::ranges::find(words.profiles, "uba") == words.profiles.end()) {
    return invalid_argument("--phi: is for --profile uba, which is not among the profiles");
  }
  if (!words.curricula.empty() && (!words.budgets.empty() || words.restarts > 1)) {
    return invalid_argument("--curriculum: takes no --budget and no --restarts; they are for profiles");
  }
  if (words.every != 1 && !words.at.empty()) return invalid_argument("--every and --at exclude each other");
  if (words.rows < 0 || words.rows > kMostRows) {
    return invalid_argument("--rows: must be from 1 to " + std::to_string(kMostRows) + ", is " +
                            std::to_string(words.rows));
  }
  Curves out{.curves = {}, .total = words.steps, .warnings = {}};
  for (const std::string& profile : words.profiles) {
    auto made = make_rates(words, profile);
    if (!made) return tl::unexpected(made.error());
    const auto rates = std::make_shared<const schedule::Schedule>(std::move(*made));
    out.total = rates->total();
    const std::string name = words.phi && profile == "uba" ? "uba:phi=" + exact_text(*words.phi) : profile;
    out.curves.push_back({.name = name, .at = [rates](std::int64_t t) { return rates->at(t); }});
  }
  for (const std::string& curriculum : words.curricula) {
    auto made = schedule::parse_curriculum(curriculum, words.steps);
    if (!made) return tl::unexpected(made.error());
    if (made->grows()) out.warnings.push_back(curriculum + " grows: its last budget is above its first");
    const auto budget = std::make_shared<const schedule::BudgetCurriculum>(std::move(*made));
    out.curves.push_back({.name = curriculum, .at = [budget](std::int64_t t) { return budget->at(t); }, .rate = false});
  }
  return out;
}

std::vector<std::int64_t> chosen_steps(std::int64_t total, std::int64_t rows) {
  rows = std::clamp<std::int64_t>(rows, 1, total);
  std::vector<std::int64_t> out;
  // Round steps for round totals: 0, 500, 1000, … and then the last.
  for (std::int64_t k = 0; k + 1 < rows; ++k) {
    out.push_back(
        static_cast<std::int64_t>(static_cast<double>(k) * static_cast<double>(total) / static_cast<double>(rows - 1)));
  }
  out.push_back(rows == 1 ? 0 : total - 1);
  return out;
}

Result<std::string> curves_text(const Curves& curves, std::int64_t rows) {
  const auto steps = chosen_steps(curves.total, rows == 0 ? kTextRows : rows);
  const auto values = all_values(curves, steps);
  if (!values) return tl::unexpected(values.error());
  std::string out = padded("step", 12) + padded("share", 10);
  for (const Curve& curve : curves.curves) out += padded(curve.name, 14);
  const auto end_line = [&] {
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  };
  end_line();
  for (std::size_t r = 0; r < steps.size(); ++r) {
    const double share = static_cast<double>(steps[r]) / static_cast<double>(curves.total);
    char text[16];
    std::snprintf(text, sizeof text, "%.4f", share);
    out += padded(std::to_string(steps[r]), 12) + padded(text, 10);
    for (std::size_t c = 0; c < curves.curves.size(); ++c) {
      out += padded(number_text((*values)[c][r]), std::max<std::size_t>(14, curves.curves[c].name.size() + 2));
    }
    end_line();
  }
  return out + std::to_string(curves.total) + " steps\n";
}

Result<std::string> curves_csv(const Curves& curves, std::int64_t rows) {
  const auto steps = listed_steps(curves, rows);
  if (!steps) return tl::unexpected(steps.error());
  const auto values = all_values(curves, *steps);
  if (!values) return tl::unexpected(values.error());
  std::string out = "step";
  for (const Curve& curve : curves.curves) out += ',' + csv_field(curve.name);
  for (std::size_t r = 0; r < steps->size(); ++r) {
    out += '\n' + std::to_string((*steps)[r]);
    for (const auto& column : *values) out += ',' + exact_text(column[r]);
  }
  return out + '\n';
}

Result<std::string> curves_json(const Curves& curves, std::int64_t rows) {
  const auto steps = listed_steps(curves, rows);
  if (!steps) return tl::unexpected(steps.error());
  const auto values = all_values(curves, *steps);
  if (!values) return tl::unexpected(values.error());
  boost::json::array listed(steps->begin(), steps->end()), series;
  for (std::size_t c = 0; c < curves.curves.size(); ++c) {
    const Curve& curve = curves.curves[c];
    series.push_back(boost::json::object{{"name", curve.name},
                                         {"kind", curve.rate ? "profile" : "curriculum"},
                                         {"values", boost::json::array((*values)[c].begin(), (*values)[c].end())}});
  }
  return to_json(boost::json::object{{"format", "bursar-schedule/1"},
                                     {"total", curves.total},
                                     {"steps", std::move(listed)},
                                     {"series", std::move(series)}}) +
         '\n';
}

}  // namespace bursar::cli
