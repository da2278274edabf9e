#include "bursar/explore/bandit.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <string>

#include "bursar/core/json.h"
#include "bursar/core/saved_numbers.h"

namespace bursar::explore {
namespace {

constexpr std::size_t kFirstSlots = 16;

bool finite(std::span<const double> numbers) {
  return std::ranges::all_of(numbers, [](double x) { return std::isfinite(x); });
}

std::string text(double x) { return to_json(boost::json::value(x)); }

boost::json::object saved_pick(DecisionId id, const Pick& pick) {
  boost::json::object out{{"id", id}, {"arm", *pick.arm}, {"propensity", pick.propensity}};
  if (pick.by_chance) out["by_chance"] = true;
  if (!pick.set.empty()) out["set"] = boost::json::array(pick.set.begin(), pick.set.end());
  if (!pick.memo.empty()) out["memo"] = saved_numbers(pick.memo);
  return out;
}

std::size_t size_of(const boost::json::object& saved, std::string_view key) {
  const auto* list = saved.if_contains(key);
  return list != nullptr && list->is_array() ? list->get_array().size() : 0;
}

Result<Pick> loaded_pick(const boost::json::object& saved) {
  SavedNumbers from(saved);
  Pick out;
  const std::uint64_t arm = from.count("arm");
  out.propensity = from.number("propensity");
  out.by_chance = saved.contains("by_chance");
  if (saved.contains("set")) {
    for (const double atom : from.numbers("set", size_of(saved, "set"))) out.set.push_back(static_cast<Arm>(atom));
  }
  if (saved.contains("memo")) out.memo = from.numbers("memo", size_of(saved, "memo"));
  if (auto ok = from.check(); !ok) return tl::unexpected(ok.error());
  if (arm > UINT32_MAX) return fail(ErrorCode::kCorrupt, "saved state: arm " + std::to_string(arm) + " cannot be");
  out.arm = static_cast<Arm>(arm);
  return out;
}

}  // namespace

Bandit::Bandit(BanditOptions options, std::unique_ptr<Learner> learner)
    : options_(options), learner_(std::move(learner)), slots_(kFirstSlots) {}

Result<Bandit> Bandit::make(BanditOptions options, std::unique_ptr<Learner> learner) {
  const auto& [low, high] = options.range;
  if (!std::isfinite(low) || !std::isfinite(high) || !(low < high) || !std::isfinite(high - low)) {
    return invalid_argument("range of rewards: must be two numbers, the lower first, is " + text(low) + " to " +
                            text(high));
  }
  if (options.max_open == 0) return invalid_argument("max_open: must be at least 1");
  return Bandit(options, std::move(learner));
}

Result<Choice> Bandit::choose(const Question& question) {
  if (!question.closed.empty() && question.closed.size() != learner_->arms()) {
    return invalid_argument("closed: has " + std::to_string(question.closed.size()) + " entries for " +
                            std::to_string(learner_->arms()) + " arms");
  }
  if (!finite(question.context)) return invalid_argument("context: must be finite numbers");
  if (!finite(question.costs)) return invalid_argument("costs: must be finite numbers");
  RandomStream random = RandomStream(options_.seed).split(chosen_);
  auto pick = learner_->pick(question, random);
  if (!pick) return tl::unexpected(pick.error());
  Choice out{
      .id = chosen_, .arm = pick->arm, .propensity = pick->propensity, .by_chance = pick->by_chance, .set = pick->set};
  ++chosen_;
  if (pick->arm) keep(out.id, std::move(*pick));
  return out;
}

void Bandit::keep(DecisionId id, Pick pick) {
  while (slots_[id % slots_.size()].used && slots_.size() < options_.max_open) grow();
  Slot& slot = slots_[id % slots_.size()];
  if (slot.used) {
    learner_->forget(slot.pick);
    --open_count_;
  }
  slot = {.used = true, .id = id, .pick = std::move(pick)};
  ++open_count_;
}

// Doubles the ring; ids that differed modulo n differ modulo 2n, so every open choice keeps a slot of its own.
void Bandit::grow() {
  std::vector<Slot> larger(2 * slots_.size());
  for (Slot& slot : slots_) {
    if (slot.used) larger[slot.id % larger.size()] = std::move(slot);
  }
  slots_.swap(larger);
}

Result<Bandit::Slot*> Bandit::slot_of(DecisionId id) {
  Slot& slot = slots_[id % slots_.size()];
  if (slot.used && slot.id == id) return &slot;
  if (id >= chosen_) return fail(ErrorCode::kNotFound, "choice " + std::to_string(id) + " was never made");
  return fail(ErrorCode::kAlreadyExists, "choice " + std::to_string(id) +
                                             " is not open: it named no arm, its feedback came before, or it was "
                                             "forgotten");
}

Result<void> Bandit::check(const Feedback& feedback) const {
  const auto inside = [&](double x) { return x >= options_.range.low && x <= options_.range.high; };
  const std::string range =
      "from " + text(options_.range.low) + " to " + text(options_.range.high) + ", the declared range";
  if (!inside(feedback.reward)) {
    return invalid_argument("reward: must be " + range + ", is " +
                            (std::isfinite(feedback.reward) ? text(feedback.reward) : "not a finite number"));
  }
  if (!std::ranges::all_of(feedback.each, inside)) return invalid_argument("each: rewards must be " + range);
  if (!finite(feedback.spent) || std::ranges::any_of(feedback.spent, [](double x) { return x < 0; })) {
    return invalid_argument("spent: must be finite numbers of at least 0");
  }
  return {};
}

Result<void> Bandit::learn(DecisionId id, const Feedback& feedback) {
  const auto slot = slot_of(id);
  if (!slot) return tl::unexpected(slot.error());
  if (auto ok = check(feedback); !ok) return ok;
  const auto scale = [&](double x) { return (x - options_.range.low) / (options_.range.high - options_.range.low); };
  scaled_.assign(feedback.each.begin(), feedback.each.end());
  for (double& x : scaled_) x = scale(x);
  RandomStream random = RandomStream(options_.seed).split(id).split("learn");
  auto ok = learner_->update((*slot)->pick,
                             {.reward = scale(feedback.reward), .spent = feedback.spent, .each = scaled_}, random);
  if (!ok) return ok;
  (*slot)->used = false;
  --open_count_;
  return {};
}

Result<void> Bandit::forget(DecisionId id) {
  const auto slot = slot_of(id);
  if (!slot) return tl::unexpected(slot.error());
  learner_->forget((*slot)->pick);
  (*slot)->used = false;
  --open_count_;
  return {};
}

std::vector<Belief> Bandit::intervals() const {
  std::vector<Belief> out = learner_->beliefs();
  const double width = options_.range.high - options_.range.low;
  for (Belief& b : out) {
    b.mean = options_.range.low + width * b.mean;
    b.low = options_.range.low + width * b.low;
    b.high = options_.range.low + width * b.high;
  }
  return out;
}

std::optional<double> Bandit::regret_bound(double rounds) const {
  const auto bound = learner_->regret_bound(rounds);
  if (!bound) return bound;
  return *bound * (options_.range.high - options_.range.low);
}

boost::json::object Bandit::save() const {
  std::vector<const Slot*> open;
  for (const Slot& slot : slots_) {
    if (slot.used) open.push_back(&slot);
  }
  std::ranges::sort(open, {}, [](const Slot* slot) { return slot->id; });
  boost::json::array list;
  for (const Slot* slot : open) list.push_back(saved_pick(slot->id, slot->pick));
  return {{"chosen", chosen_}, {"open", std::move(list)}, {"learner", learner_->save()}};
}

Result<void> Bandit::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  const std::uint64_t chosen = from.count("chosen");
  if (auto ok = from.check(); !ok) return ok;
  const auto* learner = saved.if_contains("learner");
  const auto* open = saved.if_contains("open");
  if (learner == nullptr || !learner->is_object() || open == nullptr || !open->is_array()) {
    return fail(ErrorCode::kCorrupt, "saved state: needs the object learner and the list open");
  }
  if (auto ok = learner_->load(learner->get_object()); !ok) return ok;
  for (const auto& entry : open->get_array()) {
    if (!entry.is_object()) return fail(ErrorCode::kCorrupt, "saved state: open must hold objects");
    SavedNumbers one(entry.get_object());
    const std::uint64_t id = one.count("id");
    if (auto ok = one.check(); !ok) return ok;
    auto pick = loaded_pick(entry.get_object());
    if (!pick) return tl::unexpected(pick.error());
    if (id >= chosen || *pick->arm >= learner_->arms() || slot_of(id)) {
      return fail(ErrorCode::kCorrupt, "saved state: open choice " + std::to_string(id) + " cannot be");
    }
    keep(id, std::move(*pick));
  }
  chosen_ = chosen;
  return {};
}

}  // namespace bursar::explore
