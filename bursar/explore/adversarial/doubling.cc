#include "bursar/explore/adversarial/doubling.h"

#include <algorithm>

#include "bursar/core/saved_numbers.h"

namespace bursar::explore {
namespace {

// Past 2^52 rounds no epoch ends.
constexpr std::uint64_t kMostRounds = std::uint64_t{1} << 52;

std::uint64_t rounds_of(std::uint64_t first, std::uint64_t epoch) {
  return epoch >= 52 ? kMostRounds : std::min(first, kMostRounds >> epoch) << epoch;
}

}  // namespace

Result<std::unique_ptr<Doubling>> Doubling::make(LearnerMaker make, const DoublingOptions& options) {
  if (options.first == 0) return invalid_argument("first: an epoch must have at least 1 round");
  auto inner = make(rounds_of(options.first, 0));
  if (!inner) return tl::unexpected(inner.error());
  return std::unique_ptr<Doubling>(new Doubling(std::move(make), options.first, std::move(*inner)));
}

Result<Pick> Doubling::pick(const Question& question, RandomStream& random) {
  if (picked_ < rounds_of(first_, epoch_)) {
    auto pick = inner_->pick(question, random);
    if (!pick) return pick;
    ++picked_;
    pick->memo.push_back(static_cast<double>(epoch_));
    return pick;
  }
  auto next = make_(rounds_of(first_, epoch_ + 1));
  if (!next) return tl::unexpected(next.error());
  auto pick = (*next)->pick(question, random);
  if (!pick) return pick;
  inner_ = std::move(*next);
  ++epoch_;
  picked_ = 1;
  pick->memo.push_back(static_cast<double>(epoch_));
  return pick;
}

std::optional<Pick> Doubling::inner_pick(const Pick& pick) const {
  if (pick.memo.empty() || pick.memo.back() != static_cast<double>(epoch_)) return std::nullopt;
  Pick out = pick;
  out.memo.pop_back();
  return out;
}

Result<void> Doubling::update(const Pick& pick, const Feedback& feedback, RandomStream& random) {
  const auto inner = inner_pick(pick);
  if (!inner) return {};
  return inner_->update(*inner, feedback, random);
}

void Doubling::forget(const Pick& pick) {
  if (const auto inner = inner_pick(pick)) inner_->forget(*inner);
}

std::optional<double> Doubling::regret_bound(double rounds) const {
  double sum = 0;
  for (std::uint64_t epoch = 0; rounds > 0; ++epoch) {
    const std::uint64_t length = rounds_of(first_, epoch);
    const auto inner = make_(length);
    if (!inner) return std::nullopt;
    // A bound at a fixed rate holds at every round before its horizon.
    const auto bound = (*inner)->regret_bound(std::min(rounds, static_cast<double>(length)));
    if (!bound) return std::nullopt;
    sum += *bound;
    rounds -= static_cast<double>(length);
  }
  return sum;
}

boost::json::object Doubling::save() const {
  return {{"epoch", epoch_}, {"picked", picked_}, {"inner", inner_->save()}};
}

Result<void> Doubling::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  const std::uint64_t epoch = from.count("epoch"), picked = from.count("picked");
  if (auto ok = from.check(); !ok) return ok;
  const auto* state = saved.if_contains("inner");
  if (state == nullptr || !state->is_object() || epoch > 52 || picked > rounds_of(first_, epoch)) {
    return fail(ErrorCode::kCorrupt, "saved state: epoch, picked and inner do not fit together");
  }
  auto inner = make_(rounds_of(first_, epoch));
  if (!inner) return tl::unexpected(inner.error());
  if (auto ok = (*inner)->load(state->get_object()); !ok) return ok;
  inner_ = std::move(*inner);
  epoch_ = epoch;
  picked_ = picked;
  return {};
}

}  // namespace bursar::explore
