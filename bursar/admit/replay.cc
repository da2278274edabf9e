#include "bursar/admit/replay.h"

#include <algorithm>

namespace bursar::admit {
namespace {

constexpr std::uint64_t kNever = UINT64_MAX;

}  // namespace

Result<ReplayRun> ReplayRun::make(std::string label, PolicyWords words, PolicyTable table, ReplayOptions options) {
  auto entry = policy_named(table, words.name);
  if (!entry) return tl::unexpected(entry.error());
  const std::size_t m = options.budget.size();
  ReplayRun run(**entry, std::move(options));
  run.parameters_ = std::move(words.parameters);
  const bool has_goal = std::ranges::find((*entry)->parameters, std::string_view("goal"), &PolicyParameter::name) !=
                        (*entry)->parameters.end();
  if (has_goal && run.options_.goal == AuctionGoal::kValue && !run.parameters_.contains("goal"))
    run.parameters_["goal"] = "value";
  run.result_.label = std::move(label);
  run.result_.spent.assign(m, 0.0);
  run.result_.overspent.assign(m, 0.0);
  run.scratch_.assign(m, 0.0);
  if (auto ok = run.renew(); !ok) return tl::unexpected(ok.error());
  return run;
}

Result<void> ReplayRun::renew() {
  auto made = make_policy(*entry_, {.budget = options_.budget,
                                    .resource_names = options_.resource_names,
                                    .horizon = options_.episode > 0 ? options_.episode : options_.horizon,
                                    .parameters = parameters_});
  if (!made) return tl::unexpected(made.error());
  policy_ = std::move(*made);
  in_episode_ = 0;
  return {};
}

Result<void> ReplayRun::step(const LoggedRequest& request) {
  if (options_.episode > 0 && in_episode_ == options_.episode) {
    if (auto ok = tell_due(kNever); !ok) return ok;
    end_episode();
    if (auto ok = renew(); !ok) return ok;
  }
  if (auto ok = tell_due(result_.requests); !ok) return ok;
  auto decision = policy_->decide(request.request());
  if (!decision) {
    return tl::unexpected(with_context("line " + std::to_string(request.line), std::move(decision.error())));
  }
  result_.past_horizon += decision->past_horizon ? 1 : 0;
  if (decision->reason == DecisionReason::kBudget) {
    ++result_.short_of_budget;
    if (!result_.first_short) result_.first_short = result_.requests;
  }
  ++result_.requests;
  ++in_episode_;
  if (auto ok = request.auction() ? settle_auction(request, *decision) : settle_option(request, *decision); !ok) {
    return tl::unexpected(with_context("line " + std::to_string(request.line), ok.error()));
  }
  if ((result_.requests & (stride_ - 1)) == 0) note_point();
  return {};
}

Result<void> ReplayRun::settle_option(const LoggedRequest& request, const Decision& decision) {
  if (!decision.option) return {};
  const std::size_t m = scratch_.size(), k = *decision.option;
  const auto costs = (request.actual_costs.empty() ? request.costs : request.actual_costs).subspan(k * m, m);
  ++result_.taken;
  result_.reward += request.actual_rewards.empty() ? request.rewards[k] : request.actual_rewards[k];
  for (std::size_t j = 0; j < m; ++j) result_.spent[j] += costs[j];
  return tell(decision.id, request.actual_costs.empty() ? std::span<const double>{} : costs, false);
}

Result<void> ReplayRun::settle_auction(const LoggedRequest& request, const Decision& decision) {
  const bool won = decision.option && decision.bid >= request.price;
  const bool missed = !won && decision.wanted_bid >= request.price;
  if (won) {
    const double worth = request.actual_rewards.empty() ? request.rewards[0] : request.actual_rewards[0];
    ++result_.taken;
    result_.reward += worth - (options_.goal == AuctionGoal::kUtility ? request.price : 0);
    result_.spent[0] += request.price;
  }
  if (!decision.option && !decision.intended) return {};
  std::ranges::fill(scratch_, 0.0);
  scratch_[0] = won || missed ? request.price : 0;
  return tell(decision.id, scratch_, missed);
}

Result<void> ReplayRun::tell(DecisionId id, std::span<const double> costs, bool refused) {
  if (options_.delay == 0) return policy_->observe(id, {.costs = costs, .refused = refused});
  late_.push_back(
      {.due = result_.requests + options_.delay, .id = id, .refused = refused, .costs = {costs.begin(), costs.end()}});
  return {};
}

Result<void> ReplayRun::tell_due(std::uint64_t now) {
  while (!late_.empty() && (now == kNever || late_.front().due <= now)) {
    const Late& late = late_.front();
    if (auto ok = policy_->observe(late.id, {.costs = late.costs, .refused = late.refused}); !ok) return ok;
    late_.pop_front();
  }
  return {};
}

void ReplayRun::add_point() {
  const auto prices = policy_->prices();
  result_.points.push_back({result_.requests, result_.reward, result_.spent, {prices.begin(), prices.end()}});
}

void ReplayRun::note_point() {
  add_point();
  if (result_.points.size() < 2 * options_.points) return;
  // Every other one stays: those at multiples of the doubled stride.
  stride_ *= 2;
  std::erase_if(result_.points, [&](const ReplayPoint& point) { return point.requests % stride_ != 0; });
}

void ReplayRun::end_episode() {
  const auto remaining = policy_->remaining();
  for (std::size_t j = 0; j < remaining.size(); ++j) result_.overspent[j] += std::max(0.0, -remaining[j]);
}

Result<ReplayResult> ReplayRun::finish() {
  if (auto ok = tell_due(kNever); !ok) return tl::unexpected(ok.error());
  end_episode();
  const auto prices = policy_->prices();
  result_.prices.assign(prices.begin(), prices.end());
  if (result_.points.empty() || result_.points.back().requests != result_.requests) add_point();
  return std::move(result_);
}

Request in_hindsight(const LoggedRequest& request, AuctionGoal goal, std::size_t resources, std::vector<double>& room) {
  const auto rewards = request.actual_rewards.empty() ? request.rewards : request.actual_rewards;
  if (!request.auction()) {
    return {.rewards = rewards, .costs = request.actual_costs.empty() ? request.costs : request.actual_costs};
  }
  room.assign(resources + 1, 0.0);
  room[0] = rewards[0] - (goal == AuctionGoal::kUtility ? request.price : 0);
  room[1] = request.price;
  return {.rewards = std::span(room).first(1), .costs = std::span(room).subspan(1)};
}

ReservoirSample::ReservoirSample(std::size_t resources, AuctionGoal goal, std::size_t requests, std::size_t numbers)
    : resources_(resources), goal_(goal), most_(requests), most_numbers_(numbers), sample_(resources) {}

void ReservoirSample::add(const LoggedRequest& request) {
  ++seen_;
  if (seen_ > most_) {
    const std::uint64_t place = random_.uniform_int(seen_);
    if (place < most_) sample_.replace(place, in_hindsight(request, goal_, resources_, room_));
    return;
  }
  sample_.add(in_hindsight(request, goal_, resources_, room_));
  if (sample_.numbers() >= most_numbers_) most_ = sample_.size();
}

Result<DualPrices> ReservoirSample::prices(std::span<const double> budget) const {
  const double share = seen_ == 0 ? 1 : static_cast<double>(sample_.size()) / static_cast<double>(seen_);
  std::vector<double> own(budget.begin(), budget.end());
  for (double& b : own) b *= share;
  auto dual = sample_.dual(own);
  if (dual) dual->bound /= share;
  return dual;
}

}  // namespace bursar::admit
