#include "bursar/allocate/success_history.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <numeric>

#include "bursar/allocate/solve.h"
#include "bursar/core/json.h"

namespace bursar::allocate {
namespace {

constexpr double kLargestCount = 1e15;

}  // namespace

Result<void> SuccessHistory::record(std::string_view id, std::span<const double> rewards) {
  for (const double r : rewards) {
    if (!(r >= 0 && r <= 1)) {
      return invalid_argument("a reward of prompt \"" + std::string(id) + "\" is " + to_text(r) +
                              "; it must lie in [0, 1]");
    }
  }
  if (rewards.empty()) return {};
  auto found = prompts_.find(id);
  if (found == prompts_.end()) {
    if (prompts_.size() >= options_.max_prompts) {
      return fail(ErrorCode::kExhausted, "the history holds max_prompts = " + std::to_string(options_.max_prompts) +
                                             " prompts already; \"" + std::string(id) + "\" was not recorded");
    }
    found = prompts_.emplace(std::string(id), Prompt{}).first;
  }
  Prompt& p = found->second;
  const double keep = 1 - 1 / static_cast<double>(options_.window);
  for (const double r : rewards) p.weight = keep * p.weight + 1, p.sum = keep * p.sum + r;
  p.seen += std::ssize(rewards);
  p.visit_count = std::ssize(rewards);
  p.visit_sum = std::accumulate(rewards.begin(), rewards.end(), 0.0);
  const auto window = static_cast<std::ptrdiff_t>(std::min<std::size_t>(options_.window, PTRDIFF_MAX));
  p.recent.insert(p.recent.end(), rewards.end() - std::min(std::ssize(rewards), window), rewards.end());
  if (std::ssize(p.recent) > window) p.recent.erase(p.recent.begin(), p.recent.end() - window);
  return {};
}

std::optional<double> SuccessHistory::estimate(std::string_view id) const {
  const auto found = prompts_.find(id);
  if (found == prompts_.end()) return std::nullopt;
  const Prompt& p = found->second;
  switch (options_.estimate) {
    case SuccessEstimate::kForgetting: return std::clamp(p.sum / p.weight, 0.0, 1.0);
    case SuccessEstimate::kBeta: return (p.sum + 1) / (p.weight + 2);
    case SuccessEstimate::kRobustEpoch: break;
  }
  if (p.visit_count >= static_cast<std::int64_t>(options_.window)) {
    return p.visit_sum / static_cast<double>(p.visit_count);
  }
  return std::accumulate(p.recent.begin(), p.recent.end(), 0.0) / static_cast<double>(p.recent.size());
}

std::int64_t SuccessHistory::seen(std::string_view id) const {
  const auto found = prompts_.find(id);
  return found == prompts_.end() ? 0 : found->second.seen;
}

RolloutItem SuccessHistory::item(std::string_view id) const {
  return {.id = std::string(id), .p_hat = estimate(id), .seen = seen(id)};
}

std::string save_history(const SuccessHistory& history) {
  std::string out;
  for (const auto& [id, p] : history.prompts_) {
    boost::json::array recent(p.recent.begin(), p.recent.end());
    out += to_json(boost::json::object{{"id", id},
                                       {"seen", p.seen},
                                       {"visit_count", p.visit_count},
                                       {"visit_sum", p.visit_sum},
                                       {"weight", p.weight},
                                       {"sum", p.sum},
                                       {"recent", std::move(recent)}}) +
           "\n";
  }
  return out;
}

namespace {

struct Line {
  std::string id;
  std::int64_t seen = 0, visit_count = 0;
  double visit_sum = 0, weight = 0, sum = 0;
  std::vector<double> recent;
};

Result<Line> parse_line(std::string_view text, std::size_t window) {
  const auto document = parse_json(text);
  if (!document) return tl::unexpected(document.error());
  const JsonView root(*document);
  Line line;
  if (auto ok = root.only({"id", "seen", "visit_count", "visit_sum", "weight", "sum", "recent"}); !ok) {
    return tl::unexpected(ok.error());
  }
  const auto id = root.string_at("id", 4096);
  const auto seen = root.int_at("seen", 1, INT64_MAX);
  const auto visit_count = root.int_at("visit_count", 1, INT64_MAX);
  const auto visit_sum = root.double_at("visit_sum", 0, kLargestCount);
  const auto weight = root.double_at("weight", std::numeric_limits<double>::min(), kLargestCount);
  const auto sum = root.double_at("sum", 0, kLargestCount);
  if (!id) return tl::unexpected(id.error());
  for (const auto* number : {&seen, &visit_count}) {
    if (!*number) return tl::unexpected(number->error());
  }
  for (const auto* number : {&visit_sum, &weight, &sum}) {
    if (!*number) return tl::unexpected(number->error());
  }
  if (*visit_sum > static_cast<double>(*visit_count)) return root.wrong("visit_sum exceeds visit_count");
  if (*visit_count > *seen) return root.wrong("visit_count exceeds seen");
  line = {.id = std::string(*id),
          .seen = *seen,
          .visit_count = *visit_count,
          .visit_sum = *visit_sum,
          .weight = *weight,
          .sum = *sum,
          .recent = {}};
  const auto recent = root.at("recent");
  if (!recent) return tl::unexpected(recent.error());
  const auto count = recent->array_size(window);
  if (!count) return tl::unexpected(count.error());
  if (*count == 0) return recent->wrong("must hold at least one reward");
  for (std::size_t i = 0; i < *count; ++i) {
    const auto reward = recent->element(i).and_then([](const JsonView& v) { return v.as_double(0, 1); });
    if (!reward) return tl::unexpected(reward.error());
    line.recent.push_back(*reward);
  }
  return line;
}

}  // namespace

Result<SuccessHistory> load_history(std::string_view lines, HistoryOptions options) {
  if (options.window == 0) return invalid_argument("window is 0; it must be at least 1");
  SuccessHistory history(options);
  for (std::size_t number = 1; !lines.empty(); ++number) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view text = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto where = [&] { return "line " + std::to_string(number); };
    auto line = parse_line(text, options.window);
    if (!line) return tl::unexpected(with_context(where(), line.error()));
    if (history.prompts_.size() >= options.max_prompts) {
      return fail(ErrorCode::kExhausted, where() + ": more than max_prompts = " + std::to_string(options.max_prompts));
    }
    const auto [_, is_new] =
        history.prompts_.try_emplace(line->id, SuccessHistory::Prompt{.seen = line->seen,
                                                                      .visit_count = line->visit_count,
                                                                      .visit_sum = line->visit_sum,
                                                                      .weight = line->weight,
                                                                      .sum = line->sum,
                                                                      .recent = std::move(line->recent)});
    if (!is_new) return invalid_argument(where() + ": prompt \"" + line->id + "\" stands there twice");
  }
  return history;
}

}  // namespace bursar::allocate
