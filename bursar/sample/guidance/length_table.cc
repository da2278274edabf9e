#include "bursar/sample/guidance/length_table.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <set>

#include "bursar/core/json.h"

namespace bursar::sample {
namespace {

namespace json = boost::json;
using Lengths = std::vector<double>;

Result<void> check(const std::vector<std::string>& classes) {
  if (classes.empty()) return invalid_argument("classes: there are none");
  if (std::set<std::string>(classes.begin(), classes.end()).size() != classes.size())
    return invalid_argument("classes: two have the same name");
  return {};
}

// A law where there are samples enough and it fits them.
std::optional<LengthCell> cell_of(const Lengths& lengths, const LengthTableOptions& options) {
  if (lengths.size() < options.min_samples) return std::nullopt;
  const auto law = fit_length_law(lengths);
  if (!law) return std::nullopt;
  const double distance = length_law_distance(*law, lengths);
  if (distance > options.max_distance) return std::nullopt;
  return LengthCell{.law = *law, .samples = lengths.size(), .distance = distance};
}

json::object object_of(const LengthCell& cell, const std::string& name) {
  return {{"class", name},
          {"shape", cell.law.shape},
          {"rate", cell.law.rate},
          {"samples", cell.samples},
          {"distance", cell.distance}};
}

struct SavedCell {
  std::optional<std::size_t> state;
  std::size_t kind = 0;
  LengthCell cell;
};

Result<SavedCell> cell_of(const JsonView& view, const std::vector<std::string>& classes) {
  if (auto ok = view.only({"state", "class", "shape", "rate", "samples", "distance"}); !ok)
    return tl::unexpected(ok.error());
  SavedCell out;
  const auto state = view.find("state");
  if (!state) return tl::unexpected(state.error());
  if (*state) {
    const auto number = (*state)->as_int(0, std::int64_t{1} << 40);
    if (!number) return tl::unexpected(number.error());
    out.state = static_cast<std::size_t>(*number);
  }
  const auto name = view.string_at("class");
  if (!name) return tl::unexpected(name.error());
  const auto kind = std::ranges::find(classes, *name);
  if (kind == classes.end()) return view.wrong("class \"" + std::string(*name) + "\" is not in the list of classes");
  out.kind = static_cast<std::size_t>(kind - classes.begin());
  const auto shape = view.double_at("shape", 1e-12, 1e12), rate = view.double_at("rate", 1e-12, 1e12);
  const auto distance = view.double_at("distance", 0, 1);
  const auto samples = view.int_at("samples", 1);
  if (!shape) return tl::unexpected(shape.error());
  if (!rate) return tl::unexpected(rate.error());
  if (!distance) return tl::unexpected(distance.error());
  if (!samples) return tl::unexpected(samples.error());
  out.cell = {.law = {*shape, *rate}, .samples = static_cast<std::size_t>(*samples), .distance = *distance};
  return out;
}

Result<std::vector<std::string>> classes_of(const JsonView& root) {
  const auto list = root.at("classes");
  if (!list) return tl::unexpected(list.error());
  const auto size = list->array_size(LengthTable::kMostCells);
  if (!size) return tl::unexpected(size.error());
  std::vector<std::string> out;
  for (std::size_t i = 0; i < *size; ++i) {
    const auto name = list->element(i).and_then([](const JsonView& one) { return one.as_string(256); });
    if (!name) return tl::unexpected(name.error());
    out.emplace_back(*name);
  }
  if (auto ok = check(out); !ok) return tl::unexpected(ok.error());
  return out;
}

}  // namespace

void LengthTable::name_classes(std::vector<std::string> classes) {
  classes_ = std::move(classes);
  kind_of_line_.clear();
  for (const std::string_view name : line_classes())
    kind_of_line_.push_back(static_cast<std::size_t>(std::ranges::find(classes_, name) - classes_.begin()));
}

Result<LengthTable> LengthTable::fit(std::vector<std::string> classes, std::span<const LengthSample> samples,
                                     const LengthTableOptions& options) {
  if (auto ok = check(classes); !ok) return tl::unexpected(ok.error());
  if (options.min_samples < 2) return invalid_argument("min_samples must be at least 2");
  if (!(options.max_distance > 0) || options.max_distance > 1)
    return invalid_argument("max_distance must be above 0 and at most 1");
  std::map<std::pair<std::size_t, std::size_t>, Lengths> by_cell;
  std::map<std::size_t, Lengths> by_class;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const LengthSample& sample = samples[i];
    if (sample.kind >= classes.size())
      return invalid_argument("sample " + std::to_string(i) + ": kind is " + std::to_string(sample.kind) +
                              "; there are " + std::to_string(classes.size()) + " classes");
    if (!(sample.length > 0) || sample.length > 1e15)
      return invalid_argument("sample " + std::to_string(i) + ": length must be a number of tokens above 0");
    by_cell[{sample.state, sample.kind}].push_back(sample.length);
    if (by_cell.size() > kMostCells)
      return fail(ErrorCode::kExhausted, "there are more than " + std::to_string(kMostCells) + " cells");
    by_class[sample.kind].push_back(sample.length);
  }
  LengthTable out;
  out.name_classes(std::move(classes));
  for (const auto& [place, lengths] : by_cell) {
    if (const auto cell = cell_of(lengths, options)) out.cells_.emplace(place, *cell);
  }
  for (const auto& [kind, lengths] : by_class) {
    if (!options.of_classes) break;
    if (const auto cell = cell_of(lengths, options)) out.of_classes_.emplace(kind, *cell);
  }
  if (out.cells_.empty() && out.of_classes_.empty())
    return invalid_argument("no class has " + std::to_string(options.min_samples) +
                            " samples and a law that fits them; give more traces, or raise max_distance");
  return out;
}

std::optional<LengthLaw> LengthTable::law(std::size_t state, std::size_t kind) const {
  if (const auto cell = cells_.find({state, kind}); cell != cells_.end()) return cell->second.law;
  if (const auto cell = of_classes_.find(kind); cell != of_classes_.end()) return cell->second.law;
  return std::nullopt;
}

std::vector<std::optional<LengthLaw>> LengthTable::predict(const LineContext& context,
                                                           std::span<const std::string_view> candidates) const {
  std::vector<std::optional<LengthLaw>> out;
  for (const std::string_view text : candidates) {
    const std::size_t kind = line_class_of(text);
    auto found = law(step_bucket(context.line), kind_of_line_[kind]);
    out.push_back(found || kind != 0 ? found : kEndsNow);
  }
  return out;
}

json::object LengthTable::save() const {
  json::array names(classes_.begin(), classes_.end()), cells;
  for (const auto& [kind, cell] : of_classes_) cells.push_back(object_of(cell, classes_[kind]));
  for (const auto& [place, cell] : cells_) {
    json::object one = object_of(cell, classes_[place.second]);
    one["state"] = place.first;
    cells.push_back(std::move(one));
  }
  return {{"bursar-length-model", 1}, {"classes", std::move(names)}, {"cells", std::move(cells)}};
}

Result<LengthTable> LengthTable::restore(const json::object& saved) {
  const auto corrupt = [](const Error& error) { return fail(ErrorCode::kCorrupt, error.message); };
  const json::value whole(saved);
  const JsonView root(whole, "length model");
  if (const auto version = root.int_at("bursar-length-model", 1, 1); !version) return corrupt(version.error());
  auto classes = classes_of(root);
  if (!classes) return corrupt(classes.error());
  LengthTable out;
  out.name_classes(*std::move(classes));
  const auto list = root.at("cells");
  if (!list) return corrupt(list.error());
  const auto size = list->array_size(2 * kMostCells);
  if (!size) return corrupt(size.error());
  for (std::size_t i = 0; i < *size; ++i) {
    const auto one = list->element(i).and_then([&](const JsonView& v) { return cell_of(v, out.classes_); });
    if (!one) return corrupt(one.error());
    const bool is_new = one->state ? out.cells_.try_emplace({*one->state, one->kind}, one->cell).second
                                   : out.of_classes_.try_emplace(one->kind, one->cell).second;
    if (!is_new) return fail(ErrorCode::kCorrupt, "length model.cells[" + std::to_string(i) + "] stands there twice");
  }
  return out;
}

std::vector<std::string> class_names() { return {line_classes().begin(), line_classes().end()}; }

Result<void> append_samples(std::span<const TraceLine> lines, std::vector<LengthSample>& to,
                            std::string_view end_mark) {
  if (lines.empty()) return invalid_argument("the trace has no lines");
  double left = 1;  // the end mark
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].tokens < 1)
      return invalid_argument("line " + std::to_string(i) + " has " + std::to_string(lines[i].tokens) +
                              " tokens; a line has at least its newline");
    left += static_cast<double>(lines[i].tokens);
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    to.push_back({step_bucket(i), line_class_of(lines[i].text, end_mark), left});
    left -= static_cast<double>(lines[i].tokens);
  }
  to.push_back({step_bucket(lines.size()), line_class_of(end_mark, end_mark), left});
  return {};
}

}  // namespace bursar::sample
