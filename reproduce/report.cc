#include "reproduce/report.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace bursar::reproduce {
namespace {

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

// "0.612 [0.60, 0.62] (0.614)": ours, its interval where several seeds give one, the sheet's.
std::string cell_text(const Cell& cell) {
  std::string out = to_short(cell.ours.mean);
  if (cell.ours.seeds > 1) out += " [" + to_short(cell.ours.low) + ", " + to_short(cell.ours.high) + "]";
  if (cell.sheet) out += " (" + to_short(*cell.sheet) + ")";
  return out;
}

void append_table(std::string& out, const Table& table) {
  std::vector<std::vector<std::string>> lines{{table.text.x_label}};
  for (const std::string& column : table.columns) lines.front().push_back(column);
  for (const Row& row : table.rows) {
    lines.push_back({row.arm});
    for (const Cell& cell : row.cells) lines.back().push_back(cell_text(cell));
  }
  std::vector<std::size_t> widths(table.columns.size() + 1, 0);
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  if (table.text.kind == TableKind::kCounter)
    out += "\nWhere it does not hold: ";
  else
    out += "\n";
  out += table.text.title + "; " + table.text.quantity + "\n";
  for (const auto& line : lines) {
    std::string text = " ";
    for (std::size_t i = 0; i < line.size(); ++i) text += " " + padded(line[i], widths[i] + 1);
    out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  }
  if (!table.text.note.empty()) out += "  " + table.text.note + "\n";
}

boost::json::value number(double x) { return std::isfinite(x) ? boost::json::value(x) : boost::json::value(nullptr); }

boost::json::object cell_json(const Cell& cell) {
  return {{"sheet", cell.sheet ? number(*cell.sheet) : boost::json::value(nullptr)},
          {"mean", number(cell.ours.mean)},
          {"low", number(cell.ours.low)},
          {"high", number(cell.ours.high)},
          {"seeds", cell.ours.seeds}};
}

boost::json::object table_json(const Table& table) {
  boost::json::array columns, rows;
  for (const std::string& column : table.columns) columns.emplace_back(column);
  for (const Row& row : table.rows) {
    boost::json::array cells;
    for (const Cell& cell : row.cells) cells.emplace_back(cell_json(cell));
    rows.emplace_back(boost::json::object{{"arm", row.arm}, {"cells", std::move(cells)}});
  }
  return {{"title", table.text.title},     {"kind", name_of(table.text.kind)}, {"quantity", table.text.quantity},
          {"x_label", table.text.x_label}, {"columns", std::move(columns)},    {"rows", std::move(rows)},
          {"note", table.text.note}};
}

boost::json::array strings_json(const std::vector<std::string>& strings) {
  boost::json::array out;
  for (const std::string& s : strings) out.emplace_back(s);
  return out;
}

}  // namespace

std::string_view name_of(TableKind kind) {
  switch (kind) {
    case TableKind::kClaim: return "claim";
    case TableKind::kCounter: return "counter";
    case TableKind::kDetail: return "detail";
  }
  return "unknown";
}

std::string to_short(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", number == 0 ? 0.0 : number);  // no "-0"
  return text;
}

Grid::Grid(std::vector<std::string> arms, std::vector<std::string> columns)
    : arms_(std::move(arms)), columns_(std::move(columns)), samples_(arms_.size() * columns_.size()) {}

void Grid::add(std::size_t arm, std::size_t column, double value) {
  samples_.at(arm * columns_.size() + column).push_back(value);
}

const std::vector<double>& Grid::samples(std::size_t arm, std::size_t column) const {
  return samples_.at(arm * columns_.size() + column);
}

double Grid::mean(std::size_t arm, std::size_t column) const {
  const auto& x = samples(arm, column);
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

Table Grid::table(TableText text, const std::vector<std::vector<double>>& sheet) const {
  Table out{.text = std::move(text), .columns = columns_, .rows = {}};
  for (std::size_t arm = 0; arm < arms_.size(); ++arm) {
    Row row{.arm = arms_[arm], .cells = {}};
    for (std::size_t column = 0; column < columns_.size(); ++column) {
      Cell cell{.sheet = std::nullopt, .ours = bootstrap_interval(samples(arm, column))};
      if (arm < sheet.size() && column < sheet[arm].size() && !std::isnan(sheet[arm][column])) {
        cell.sheet = sheet[arm][column];
      }
      row.cells.push_back(cell);
    }
    out.rows.push_back(std::move(row));
  }
  return out;
}

Bar at_least(std::string name, double value, std::string unit, double limit) {
  return {.name = std::move(name), .value = value, .unit = std::move(unit), .needs_at_least = true, .limit = limit};
}

Bar at_most(std::string name, double value, std::string unit, double limit) {
  return {.name = std::move(name), .value = value, .unit = std::move(unit), .needs_at_least = false, .limit = limit};
}

std::string to_text(const Bar& bar) {
  return "bar " + bar.name + ": " + to_short(bar.value) + " " + bar.unit + " (needs " +
         (bar.needs_at_least ? ">= " : "<= ") + to_short(bar.limit) + ") " + (bar.ok() ? "ok" : "short");
}

bool holds(const Report& report) {
  return !report.bars.empty() && std::ranges::all_of(report.bars, [](const Bar& bar) { return bar.ok(); });
}

std::string to_text(const Report& report) {
  std::string out = report.slug + ": simulated: " + report.simulated + "\n";
  out += "claim: " + report.claim + "\n";
  out += "seeds: " + std::to_string(report.seeds) + ", the first " + std::to_string(report.seed) +
         (report.quick ? ", quick" : "") + "; cells are ours [95% interval over seeds] (the sheet's figure)\n";
  for (const Table& table : report.tables) append_table(out, table);
  if (!report.notes.empty()) out += "\n";
  for (const std::string& note : report.notes) out += "note: " + note + "\n";
  for (const std::string& part : report.not_run) out += "not run: " + part + "\n";
  out += std::string("\nverdict: ") + (holds(report) ? "holds" : "short") + "\n";
  for (const Bar& bar : report.bars) out += to_text(bar) + "\n";
  return out;
}

boost::json::value to_json_value(const Report& report) {
  boost::json::array tables, bars;
  for (const Table& table : report.tables) tables.emplace_back(table_json(table));
  for (const Bar& bar : report.bars) {
    bars.emplace_back(boost::json::object{{"name", bar.name},
                                          {"value", number(bar.value)},
                                          {"unit", bar.unit},
                                          {"needs", bar.needs_at_least ? ">=" : "<="},
                                          {"limit", number(bar.limit)},
                                          {"ok", bar.ok()}});
  }
  return boost::json::object{{"format", "bursar-reproduce/1"},
                             {"simulated", report.simulated},
                             {"slug", report.slug},
                             {"claim", report.claim},
                             {"seed", report.seed},
                             {"seeds", report.seeds},
                             {"quick", report.quick},
                             {"verdict", holds(report) ? "holds" : "short"},
                             {"tables", std::move(tables)},
                             {"notes", strings_json(report.notes)},
                             {"not_run", strings_json(report.not_run)},
                             {"bars", std::move(bars)}};
}

}  // namespace bursar::reproduce
