// What a reproduction says: the claim, every figure of its sheet beside ours, and one bar a promise.
//
//   Grid value({"atba", "own p95"}, {"0.9", "1.3"});                   // arms x conditions
//   for (each seed) value.add(0, 1, measured);                         // one number a seed
//   Report report{.slug = "mcp-production", .simulated = "…", .claim = "…"};
//   report.tables.push_back(value.table({.title = "H2", .quantity = "value of a turn", .x_label = "c"}, sheet));
//   report.bars.push_back(at_least("h2_lead", value.mean(0, 1) - value.mean(1, 1), "value", .10));
//   print(to_text(report)), exit(holds(report) ? 0 : 1);
//
// Limits of bars are written beside the code that measures, before it is run; a bar that is not a number is short. A
// report without bars promises nothing and does not hold. The JSON form is described in reproduce/README.md; keys are
// only ever added to it.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reproduce/bootstrap.h"

namespace bursar::reproduce {

enum class TableKind : std::uint8_t {
  kClaim,    // where the claim is meant to hold
  kCounter,  // where it does not, or what it does not say
  kDetail,   // what else one wants to know
};
[[nodiscard]] std::string_view name_of(TableKind kind);  // "claim", "counter", "detail"

struct Cell {
  std::optional<double> sheet;  // the figure of the paper or of its prototype, where there is one
  Interval ours;
};

struct Row {
  std::string arm;
  std::vector<Cell> cells;  // [columns]
};

struct TableText {
  std::string title, quantity;  // quantity: what a cell is, with its unit
  std::string x_label;          // what the columns are
  TableKind kind = TableKind::kClaim;
  std::string note;      // one sentence, or empty
  bool plotted = false;  // a panel of --plot
};

struct Table {
  TableText text;
  std::vector<std::string> columns;
  std::vector<Row> rows;  // our arm first, then the baselines
};

// One number a seed for every arm and condition.
class Grid {
 public:
  Grid(std::vector<std::string> arms, std::vector<std::string> columns);
  void add(std::size_t arm, std::size_t column, double value);
  [[nodiscard]] double mean(std::size_t arm, std::size_t column) const;
  [[nodiscard]] const std::vector<double>& samples(std::size_t arm, std::size_t column) const;
  [[nodiscard]] std::size_t arms() const { return arms_.size(); }
  [[nodiscard]] std::size_t columns() const { return columns_.size(); }

  // `sheet` is [arms][columns], shorter where it says nothing; NaN where it says nothing in between.
  [[nodiscard]] Table table(TableText text, const std::vector<std::vector<double>>& sheet = {}) const;

 private:
  std::vector<std::string> arms_, columns_;
  std::vector<std::vector<double>> samples_;  // [arms x columns]
};

struct Bar {
  std::string name;
  double value = 0;
  std::string unit;
  bool needs_at_least = true;  // value >= limit; otherwise value <= limit
  double limit = 0;

  [[nodiscard]] bool ok() const { return needs_at_least ? value >= limit : value <= limit; }
};
[[nodiscard]] Bar at_least(std::string name, double value, std::string unit, double limit);
[[nodiscard]] Bar at_most(std::string name, double value, std::string unit, double limit);
// "bar h2_lead: 0.132 value (needs >= 0.1) ok"
[[nodiscard]] std::string to_text(const Bar& bar);

struct Report {
  std::string slug;
  std::string simulated;  // the first line: what stands in for the real thing
  std::string claim;
  std::vector<Table> tables;
  std::vector<std::string> notes;    // the honest part: what was left out, where the claim fails
  std::vector<std::string> not_run;  // parts of the sheet that this run did not show, and why
  std::vector<Bar> bars;
  std::uint64_t seed = 0;
  std::size_t seeds = 0;
  bool quick = false;
};

[[nodiscard]] bool holds(const Report& report);
[[nodiscard]] std::string to_text(const Report& report);  // ends with one line a bar
[[nodiscard]] boost::json::value to_json_value(const Report& report);

// Four significant digits, without a zero before the point's value being lost: "0.6123", "131.1", "5e-13".
[[nodiscard]] std::string to_short(double number);

}  // namespace bursar::reproduce
