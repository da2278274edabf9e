#include "bursar/allocate/format/csv_problem.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "bursar/allocate/format/csv_rows.h"
#include "bursar/allocate/format/names.h"
#include "bursar/allocate/format/option_table.h"
#include "bursar/core/json.h"

namespace bursar::allocate {
namespace {

constexpr std::uint64_t kRowsBetweenLooks = 1 << 14;
constexpr std::size_t kShownBytes = 80;  // of a value in a message
constexpr std::size_t kAbsent = SIZE_MAX;

std::string shown(std::string_view text) {
  std::string out(text.substr(0, kShownBytes));
  for (char& c : out) c = static_cast<unsigned char>(c) < ' ' ? '?' : c;
  return text.size() > kShownBytes ? out + "…" : out;
}

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(' ');
  return from == std::string_view::npos ? std::string_view{} : text.substr(from, text.find_last_not_of(' ') - from + 1);
}

struct Heading {
  std::vector<std::string> names;
  std::size_t item = kAbsent, option = kAbsent, value = kAbsent, group = kAbsent, minimum = kAbsent,
              forbidden = kAbsent;
  std::vector<std::size_t> costs;
  std::vector<std::string> resources;
  bool minimise = false;
  std::vector<std::string> ignored;

  [[nodiscard]] std::size_t find(std::string_view name) const {
    const auto at = std::ranges::find(names, name);
    return at == names.end() ? kAbsent : static_cast<std::size_t>(at - names.begin());
  }
};

std::string heading_text(const Heading& h) {
  std::string text;
  for (const std::string& name : h.names) text += (text.empty() ? "'" : ", '") + shown(name) + "'";
  const bool other = h.names.size() == 1 && h.names[0].find_first_of(";\t|") != std::string::npos;
  return other ? text + " (fields must be separated by commas)" : text;
}

Result<void> find_costs(const CsvColumns& columns, Heading& h) {
  for (const std::string& name : columns.costs) {
    const std::size_t at = h.find(name);
    if (at == kAbsent)
      return invalid_argument("line 1: there is no column '" + name + "' of costs; columns are " + heading_text(h));
    if (std::ranges::find(h.costs, at) != h.costs.end())
      return invalid_argument("the column '" + name + "' of costs is named twice");
    h.costs.push_back(at);
    h.resources.push_back(name);
  }
  if (!columns.costs.empty()) return {};
  constexpr std::string_view kPrefix = "cost.";
  for (std::size_t c = 0; c < h.names.size(); ++c) {
    if (h.names[c] != "cost" && (!h.names[c].starts_with(kPrefix) || h.names[c].size() == kPrefix.size())) continue;
    h.costs.push_back(c);
    h.resources.push_back(h.names[c] == "cost" ? "cost" : h.names[c].substr(kPrefix.size()));
  }
  if (h.costs.empty()) {
    return invalid_argument("line 1: there is no column 'cost' (or cost.usd, cost.hours, …); columns are " +
                            heading_text(h) + "; name yours");
  }
  for (std::size_t a = 0; a < h.resources.size(); ++a) {
    if (std::find(h.resources.begin(), h.resources.begin() + static_cast<std::ptrdiff_t>(a), h.resources[a]) !=
        h.resources.begin() + static_cast<std::ptrdiff_t>(a))
      return invalid_argument("line 1: two columns are the cost in '" + h.resources[a] + "'");
  }
  if (h.resources == std::vector<std::string>{"cost"}) h.resources.clear();
  return {};
}

Result<Heading> heading_of(std::span<const std::string_view> fields, const CsvColumns& columns) {
  Heading h;
  for (const std::string_view field : fields) {
    if (!is_utf8(field)) return invalid_argument("line 1: a column's name is no UTF-8; save the file as UTF-8");
    if (h.find(field) != kAbsent) return invalid_argument("line 1: two columns are named '" + shown(field) + "'");
    h.names.emplace_back(field);
  }
  struct Role {
    const std::string& given;
    std::string_view usual;
    std::size_t& at;
    bool needed;
  };
  const std::string by_value = columns.value.empty() && h.find("value") == kAbsent ? "loss" : "value";
  h.minimise = columns.value.empty() ? by_value == "loss" : columns.minimise;
  for (const Role& role :
       {Role{columns.item, "item", h.item, true}, Role{columns.option, "option", h.option, false},
        Role{columns.value, by_value, h.value, true}, Role{columns.group, "group", h.group, false},
        Role{columns.minimum, "minimum", h.minimum, false}, Role{columns.forbidden, "forbidden", h.forbidden, false}}) {
    role.at = h.find(role.given.empty() ? role.usual : std::string_view(role.given));
    if (role.at != kAbsent || (role.given.empty() && !role.needed)) continue;
    const std::string wanted =
        role.given.empty() ? (role.usual == "loss" ? "value' or 'loss" : std::string(role.usual)) : role.given;
    return invalid_argument("line 1: there is no column '" + wanted + "'; columns are " + heading_text(h) +
                            (role.given.empty() ? "; name yours" : ""));
  }
  if (auto ok = find_costs(columns, h); !ok) return tl::unexpected(ok.error());
  for (std::size_t c = 0; c < h.names.size(); ++c) {
    const bool used = c == h.item || c == h.option || c == h.value || c == h.group || c == h.minimum ||
                      c == h.forbidden || std::ranges::find(h.costs, c) != h.costs.end();
    if (!used) h.ignored.push_back(shown(h.names[c]));
  }
  return h;
}

class Table {
 public:
  Table(Heading heading, const ReadLimits& limits) : h_(std::move(heading)), limits_(limits), cost_(h_.costs.size()) {}

  void expect(std::uint64_t options) {
    value_.reserve(options);
    for (auto& column : cost_) column.reserve(options);
  }
  [[nodiscard]] std::uint64_t options() const { return value_.size(); }
  Result<void> add(const CsvRows& row);
  Result<StatedProblem> finish() &&;

 private:
  Result<double> number(const CsvRows& row, std::size_t column, Sign sign) const;
  Result<void> begin_item(const CsvRows& row, std::string_view name);
  Result<void> end_item();
  Result<void> add_option(const CsvRows& row);
  Result<std::uint32_t> group_of(const CsvRows& row);
  [[nodiscard]] tl::unexpected<Error> wrong(const CsvRows& row, std::size_t column, std::string_view what) const;

  Heading h_;
  const ReadLimits& limits_;
  NameTable items_, groups_;
  OptionTable table_;
  std::string item_;  // the current one
  std::uint64_t item_line_ = 0;
  std::vector<double> value_;
  std::vector<std::vector<double>> cost_;  // [resources][options]
  std::vector<std::uint8_t> forbidden_;
  std::vector<double> minimum_;
  std::vector<std::uint32_t> group_;
};

tl::unexpected<Error> Table::wrong(const CsvRows& row, std::size_t column, std::string_view what) const {
  return invalid_argument("line " + std::to_string(row.line()) + ", column '" + shown(h_.names[column]) +
                          "': " + std::string(what));
}

Result<double> Table::number(const CsvRows& row, std::size_t column, Sign sign) const {
  const std::string_view text = trimmed(row.fields()[column]);
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (text.empty() || end != text.data() + text.size() || error == std::errc::invalid_argument)
    return wrong(row, column, "is '" + shown(row.fields()[column]) + "'; it must be a number such as 12.5");
  if (error == std::errc::result_out_of_range) {
    // Too small a number is read as what it is nearest to; too large a one is refused.
    x = text.find_first_of("eE") != std::string_view::npos && text[text.find_first_of("eE") + 1] == '-' ? 0 : HUGE_VAL;
  }
  if (std::abs(x) <= kLargestNumber && (x >= 0 || sign == Sign::kAny)) return x;
  return wrong(row, column, std::string("'") + shown(text) + "' " + why_refused(x, sign));
}

Result<std::uint32_t> Table::group_of(const CsvRows& row) {
  const std::string_view name = row.fields()[h_.group];
  if (const auto known = groups_.find(name)) return *known;
  if (name.empty()) return wrong(row, h_.group, "is empty; every item needs a group where some have one");
  if (name.size() > limits_.max_name_bytes || !is_utf8(name))
    return wrong(row, h_.group, "'" + shown(name) + "' is too long or no UTF-8");
  (void)groups_.add(name);
  return groups_.size() - 1;
}

Result<void> Table::begin_item(const CsvRows& row, std::string_view name) {
  if (auto ok = end_item(); !ok) return ok;
  if (name.empty()) return wrong(row, h_.item, "is empty; every row names its item");
  if (name.size() > limits_.max_name_bytes)
    return wrong(row, h_.item,
                 "'" + shown(name) + "' is longer than " + std::to_string(limits_.max_name_bytes) + " bytes");
  if (!is_utf8(name)) return wrong(row, h_.item, "'" + shown(name) + "' is no UTF-8; save the file as UTF-8");
  if (items_.size() == UINT32_MAX) return fail(ErrorCode::kExhausted, "more than 4294967295 items");
  if (!items_.add(name)) {
    return wrong(row, h_.item, "'" + shown(name) + "' stood before; the rows of an item must stand together, once");
  }
  item_ = name;
  item_line_ = row.line();
  if (h_.minimum != kAbsent) {
    auto least = number(row, h_.minimum, Sign::kNotNegative);
    if (!least) return tl::unexpected(least.error());
    minimum_.push_back(*least);
  }
  if (h_.group != kAbsent) {
    auto group = group_of(row);
    if (!group) return tl::unexpected(group.error());
    group_.push_back(*group);
  }
  return {};
}

Result<void> Table::end_item() {
  if (table_.in_item() == 0) return {};
  if (const auto twice = table_.end_item()) {
    return invalid_argument("line " + std::to_string(item_line_) + ": the item '" + shown(item_) +
                            "' that begins here has the option '" + shown(*twice) + "' twice");
  }
  return {};
}

Result<void> Table::add_option(const CsvRows& row) {
  auto value = number(row, h_.value, Sign::kAny);
  if (!value) return tl::unexpected(value.error());
  for (std::size_t r = 0; r < h_.costs.size(); ++r) {
    auto cost = number(row, h_.costs[r], Sign::kNotNegative);
    if (!cost) return tl::unexpected(cost.error());
    cost_[r].push_back(*cost);
  }
  value_.push_back(*value);
  if (h_.option == kAbsent) {
    table_.add_numbered();
  } else {
    const std::string_view name = row.fields()[h_.option];
    if (name.empty() || name.size() > limits_.max_name_bytes || !is_utf8(name))
      return wrong(row, h_.option, "'" + shown(name) + "' is empty, too long or no UTF-8");
    table_.add(name);
  }
  if (h_.forbidden != kAbsent) {
    const std::string_view text = trimmed(row.fields()[h_.forbidden]);
    const bool yes = text == "1" || text == "true", no = text.empty() || text == "0" || text == "false";
    if (!yes && !no) return wrong(row, h_.forbidden, "is '" + shown(text) + "'; it must be 0 or 1");
    forbidden_.push_back(yes ? 1 : 0);
  }
  return {};
}

Result<void> Table::add(const CsvRows& row) {
  if (row.fields().size() != h_.names.size()) {
    return invalid_argument("line " + std::to_string(row.line()) + ": " + std::to_string(row.fields().size()) +
                            " fields, and the first row has " + std::to_string(h_.names.size()));
  }
  if (options() == limits_.max_options)
    return fail(ErrorCode::kExhausted, "more than " + std::to_string(limits_.max_options) + " options");
  const std::string_view name = row.fields()[h_.item];
  const bool begins = items_.size() == 0 || name != item_;
  if (begins) {
    if (auto ok = begin_item(row, name); !ok) return ok;
  } else {
    if (h_.minimum != kAbsent) {
      auto least = number(row, h_.minimum, Sign::kNotNegative);
      if (!least) return tl::unexpected(least.error());
      if (*least != minimum_.back())
        return wrong(row, h_.minimum,
                     "is " + to_text(*least) + ", and " + to_text(minimum_.back()) + " in the item's first row (line " +
                         std::to_string(item_line_) + ")");
    }
    if (h_.group != kAbsent && row.fields()[h_.group] != groups_.name(group_.back()))
      return wrong(row, h_.group,
                   "is '" + shown(row.fields()[h_.group]) + "', and '" + shown(groups_.name(group_.back())) +
                       "' in the item's first row (line " + std::to_string(item_line_) + ")");
  }
  return add_option(row);
}

Result<StatedProblem> Table::finish() && {
  if (auto ok = end_item(); !ok) return tl::unexpected(ok.error());
  if (items_.size() == 0) return invalid_argument("there are no items: nothing stands below the first row");
  StatedProblem stated;
  Problem& p = stated.problem;
  std::move(table_).finish(p);
  p.value = std::move(value_);
  p.minimise = h_.minimise;
  p.cost = std::move(cost_.front());
  if (cost_.size() > 1) p.cost.reserve(cost_.size() * p.value.size());
  for (std::size_t r = 1; r < cost_.size(); ++r) {
    p.cost.insert(p.cost.end(), cost_[r].begin(), cost_[r].end());
    cost_[r] = {};
  }
  p.resource_names = std::move(h_.resources);
  p.item_names = std::move(items_).take();
  p.forbidden = std::move(forbidden_);
  p.minimum = std::move(minimum_);
  p.group = std::move(group_);
  for (std::uint32_t g = 0; g < groups_.size(); ++g) p.groups.push_back({.name = groups_.name(g)});
  if (!h_.ignored.empty()) {
    std::string note = "columns left out of account: ";
    for (std::size_t c = 0; c < h_.ignored.size(); ++c) note += (c == 0 ? "" : ", ") + h_.ignored[c];
    stated.notes.push_back(std::move(note));
  }
  return stated;
}

}  // namespace

Result<StatedProblem> read_problem_csv(ByteSource source, const CsvColumns& columns, const ReadLimits& limits) {
  const std::optional<std::uint64_t> size = source.size;
  CsvRows rows(std::move(source));
  auto more = rows.next();
  if (!more) return tl::unexpected(more.error());
  if (!*more) return invalid_argument("there is no row; the first one names the columns");
  auto heading = heading_of(rows.fields(), columns);
  if (!heading) return tl::unexpected(heading.error());
  Table table(std::move(*heading), limits);
  std::uint64_t data_bytes = 0;
  while ((more = rows.next()) && *more) {
    if (auto ok = table.add(rows); !ok) return tl::unexpected(ok.error());
    for (const std::string_view field : rows.fields()) data_bytes += field.size() + 1;
    if (table.options() % kRowsBetweenLooks != 0) continue;
    if (limits.go_on && !limits.go_on(rows.bytes(), table.options()))
      return fail(ErrorCode::kCancelled, "the reading was ended at line " + std::to_string(rows.line()));
    // Growing by doubling would hold the table three times over: guess its length from the rows so far.
    if (table.options() == kRowsBetweenLooks && size && *size > data_bytes) {
      const double rows_in_all = static_cast<double>(*size) / static_cast<double>(data_bytes) * kRowsBetweenLooks;
      table.expect(std::min(limits.max_options, static_cast<std::uint64_t>(rows_in_all * 1.05)));
    }
  }
  if (!more) return tl::unexpected(more.error());
  return std::move(table).finish();
}

Result<std::vector<NamedAmount>> read_caps_csv(ByteSource source) {
  constexpr std::size_t kMostCaps = std::size_t{1} << 24;
  CsvRows rows(std::move(source));
  std::vector<NamedAmount> caps;
  bool heading = true;
  auto more = rows.next();
  for (; more && *more; more = rows.next()) {
    const auto fields = rows.fields();
    const std::string line = "line " + std::to_string(rows.line());
    if (heading) {
      if (fields.size() != 2 || fields[0] != "group" || fields[1] != "cap")
        return invalid_argument(line + ": the first row must be group,cap");
      heading = false;
      continue;
    }
    if (fields.size() != 2) return invalid_argument(line + ": " + std::to_string(fields.size()) + " fields, not 2");
    double cap = 0;
    const std::string_view text = trimmed(fields[1]);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cap);
    if (error != std::errc{} || end != text.data() + text.size() || !why_refused(cap, Sign::kNotNegative).empty())
      return invalid_argument(line + ", column 'cap': is '" + shown(fields[1]) +
                              "'; it must be a number of at least 0");
    if (caps.size() == kMostCaps) return fail(ErrorCode::kExhausted, line + ": more than 16777216 caps");
    caps.push_back({std::string(fields[0]), cap});
  }
  if (!more) return tl::unexpected(more.error());
  if (heading) return invalid_argument("there is no row; the first one must be group,cap");
  return caps;
}

}  // namespace bursar::allocate
