#include "bursar/agree/cost_search.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <string>

namespace bursar::agree {
namespace {

constexpr std::size_t kMostEfforts = 1 << 16;

// Which efforts the switches connect with effort 0.
std::vector<bool> connected(std::span<const CostSearch::Switch> switches, std::size_t efforts) {
  std::vector<bool> reached(efforts);
  reached[0] = true;
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& s : switches) {
      if (reached[s.below] == reached[s.above]) continue;
      reached[s.below] = reached[s.above] = grew = true;
    }
  }
  return reached;
}

}  // namespace

CostSearch::CostSearch(std::size_t efforts, int steps) : efforts_(efforts), steps_(steps) { next_segment(); }

CostSearch::Query CostSearch::query() const {
  const Span& top = open_.back();
  return {.from = 0, .to = to_, .weight = (top.low + top.high) / 2, .below = top.below, .above = top.above};
}

void CostSearch::next_segment() {
  const auto reached = connected(switches_, efforts_);
  const auto missing = std::ranges::find(reached, false);
  open_.clear();
  if (missing == reached.end()) return;
  to_ = static_cast<std::size_t>(missing - reached.begin());
  before_ = switches_.size();
  open_.push_back({.below = 0, .above = to_});
}

Result<void> CostSearch::answer(std::size_t effort) {
  const Span top = open_.back();
  const double middle = (top.low + top.high) / 2;
  open_.pop_back();
  if (effort != top.above) open_.push_back({middle, top.high, effort, top.above, top.depth + 1});
  if (effort != top.below) open_.push_back({top.low, middle, top.below, effort, top.depth + 1});
  if (open_.size() + switches_.size() - before_ > efforts_ - 1) {
    return fail(
        ErrorCode::kInfeasible,
        "unidentifiable: between the rules of efforts 0 and " + std::to_string(to_) +
            " the effort changes more often than there are efforts; signals do not tell them apart well enough");
  }
  return settle();
}

// Intervals that are narrow enough become switches.
Result<void> CostSearch::settle() {
  while (!open_.empty() && open_.back().depth >= steps_) {
    const Span top = open_.back();
    open_.pop_back();
    if (top.low == 0 || top.high == 1) {
      return fail(ErrorCode::kInfeasible, "unidentifiable: between the rules of efforts 0 and " + std::to_string(to_) +
                                              " effort " + std::to_string(top.low == 0 ? top.above : top.below) +
                                              " is seen up to the very end; is the rule of effort " +
                                              std::to_string(top.low == 0 ? top.below : top.above) + " strict?");
    }
    switches_.push_back(
        {.from = 0, .to = to_, .weight = (top.low + top.high) / 2, .below = top.below, .above = top.above});
  }
  if (open_.empty()) next_segment();
  return {};
}

boost::json::value CostSearch::save() const {
  boost::json::array open, switches;
  for (const Span& s : open_) open.push_back(boost::json::array{s.low, s.high, s.below, s.above, s.depth});
  for (const Switch& s : switches_) switches.push_back(boost::json::array{s.from, s.to, s.weight, s.below, s.above});
  return boost::json::object{
      {"to", to_}, {"before", before_}, {"open", std::move(open)}, {"switches", std::move(switches)}};
}

Result<CostSearch> CostSearch::load(const JsonView& saved, std::size_t efforts, int steps) {
  CostSearch out(efforts, steps);
  const auto below_efforts = static_cast<std::int64_t>(std::min(efforts, kMostEfforts)) - 1;
  out.open_.clear();
  // Five numbers a row, of which some are whole.
  const auto rows = [&](std::string_view key, auto take) -> Result<void> {
    const auto list = saved.at(key);
    if (!list) return tl::unexpected(list.error());
    const auto size = list->array_size(efforts * efforts);
    if (!size) return tl::unexpected(size.error());
    for (std::size_t k = 0; k < *size; ++k) {
      const auto row = list->element(k);
      if (!row) return tl::unexpected(row.error());
      const auto five = row->array_size(5);
      if (!five) return tl::unexpected(five.error());
      if (*five != 5) return row->wrong("must hold five numbers");
      if (auto ok = take(*row); !ok) return ok;
    }
    return {};
  };
  const auto whole = [&](const JsonView& row, std::size_t k, std::int64_t most) {
    return row.element(k).and_then([&](const JsonView& v) { return v.as_int(0, most); });
  };
  const auto part = [&](const JsonView& row, std::size_t k) {
    return row.element(k).and_then([&](const JsonView& v) { return v.as_double(0, 1); });
  };
  const auto to = saved.int_at("to", 0, below_efforts), before = saved.int_at("before", 0, below_efforts);
  if (!to || !before) return tl::unexpected((!to ? to : before).error());
  out.to_ = static_cast<std::size_t>(*to), out.before_ = static_cast<std::size_t>(*before);
  auto ok = rows("open", [&](const JsonView& row) -> Result<void> {
    const auto low = part(row, 0), high = part(row, 1);
    const auto below = whole(row, 2, below_efforts), above = whole(row, 3, below_efforts), depth = whole(row, 4, steps);
    if (!low || !high) return tl::unexpected((!low ? low : high).error());
    if (!below || !above || !depth) return tl::unexpected((!below ? below : !above ? above : depth).error());
    if (!(*low < *high)) return row.wrong("is no interval");
    out.open_.push_back(
        {*low, *high, static_cast<std::size_t>(*below), static_cast<std::size_t>(*above), static_cast<int>(*depth)});
    return {};
  });
  if (!ok) return tl::unexpected(ok.error());
  ok = rows("switches", [&](const JsonView& row) -> Result<void> {
    const auto weight = part(row, 2);
    const auto from = whole(row, 0, below_efforts), target = whole(row, 1, below_efforts),
               below = whole(row, 3, below_efforts), above = whole(row, 4, below_efforts);
    if (!weight) return tl::unexpected(weight.error());
    for (const auto* x : {&from, &target, &below, &above}) {
      if (!*x) return tl::unexpected(x->error());
    }
    out.switches_.push_back({static_cast<std::size_t>(*from), static_cast<std::size_t>(*target), *weight,
                             static_cast<std::size_t>(*below), static_cast<std::size_t>(*above)});
    return {};
  });
  if (!ok) return tl::unexpected(ok.error());
  if (out.before_ > out.switches_.size()) return saved.wrong("counts more switches than there are");
  return out;
}

Result<std::vector<double>> costs_of(std::span<const CostSearch::Switch> switches, std::size_t efforts,
                                     std::span<const double> pay) {
  std::vector<std::optional<double>> cost(efforts);
  cost[0] = 0;
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& s : switches) {
      if (cost[s.below].has_value() == cost[s.above].has_value()) continue;
      const auto gap = [&](std::size_t rule) { return pay[rule * efforts + s.above] - pay[rule * efforts + s.below]; };
      const double more = s.weight * gap(s.to) + (1 - s.weight) * gap(s.from);  // c(above) - c(below)
      if (cost[s.below])
        cost[s.above] = *cost[s.below] + more;
      else
        cost[s.below] = *cost[s.above] - more;
      grew = true;
    }
  }
  std::vector<double> out;
  for (std::size_t e = 0; e < efforts; ++e) {
    if (!cost[e])
      return fail(ErrorCode::kInfeasible,
                  "unidentifiable: nothing connects effort " + std::to_string(e) + " with the others");
    out.push_back(*cost[e]);
  }
  const double least = std::ranges::min(out);
  for (double& c : out) c -= least;
  return out;
}

}  // namespace bursar::agree
