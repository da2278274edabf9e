// The part of model_beliefs.h that a file keeps.
#include <algorithm>
#include <boost/json/array.hpp>

#include "bursar/core/saved_numbers.h"
#include "bursar/plan/model_beliefs.h"
#include "bursar/plan/saved_rows.h"

namespace bursar::plan {
namespace {

constexpr std::size_t kGatedNumbers = kAttemptNumbers + 5;

double flag(bool value) { return value ? 1 : 0; }

NumberRows gated_rows(const std::deque<ModelBeliefs::Gated>& gated) {
  NumberRows out;
  for (const auto& [row, outcome] : gated) {
    std::vector<double>& numbers = out.emplace_back(numbers_of(row.attempt));
    numbers.insert(numbers.end(), {flag(row.fixed), flag(outcome.base_correct), flag(outcome.verified_correct),
                                   outcome.score, static_cast<double>(outcome.verification_tokens)});
  }
  return out;
}

Result<ModelBeliefs::Gated> gated_of(const std::vector<double>& n) {
  const auto attempt = attempt_of_numbers(n);
  if (!attempt) return tl::unexpected(attempt.error());
  if (!(n[11] >= 0 && n[11] <= 1) || !(n[12] >= 0 && n[12] <= 1e15)) return corrupt_belief("gated: a row out of range");
  return ModelBeliefs::Gated{.row = {.attempt = *attempt, .fixed = n[8] != 0},
                             .outcome = {.base_correct = n[9] != 0,
                                         .verified_correct = n[10] != 0,
                                         .score = n[11],
                                         .verification_tokens = static_cast<std::int64_t>(n[12])}};
}

bool is_count(double x) { return x >= 0 && x <= 1e15 && x == static_cast<double>(static_cast<std::uint64_t>(x)); }

}  // namespace

boost::json::object ModelBeliefs::save() const {
  boost::json::object success;
  for (const auto& [name, posterior] : success_)
    success[name] = saved_numbers(std::vector{posterior.a(), posterior.b()});
  NumberRows latencies, solved, runs, teams, finals;
  for (const CensoredValue& v : latencies_) latencies.push_back({v.value, flag(v.censored)});
  for (const SolveRecord& r : solved_)
    solved.push_back({static_cast<double>(r.level), static_cast<double>(r.tokens), flag(r.correct)});
  for (const AgentRun& r : runs_) runs.push_back({r.tokens, flag(r.correct)});
  for (const Team& t : teams_) teams.push_back({flag(t.right[0]), flag(t.right[1]), flag(t.right[2])});
  for (const Rates& r : finals_)
    finals.push_back({static_cast<double>(r.seen), static_cast<double>(r.gained), static_cast<double>(r.harmed)});
  boost::json::array pools;
  for (const Pool& pool : pools_)
    pools.push_back(boost::json::object{{"question", pool.question}, {"answers", saved_digests(pool.answers)}});
  return {{"success", std::move(success)},
          {"lengths", saved_numbers(std::vector{static_cast<double>(lengths_.count), lengths_.mean, lengths_.squares})},
          {"latencies", saved_rows(latencies)},
          {"pools", std::move(pools)},
          {"gated", saved_rows(gated_rows(gated_))},
          {"solved", saved_rows(solved)},
          {"runs", saved_rows(runs)},
          {"teams", saved_rows(teams)},
          {"finals", saved_rows(finals)},
          {"fresh", saved_digests({fresh_.begin(), fresh_.end()})},
          {"snapshot", snapshot_}};
}

namespace {

Result<std::map<std::string, BetaPosterior, std::less<>>> success_at(const boost::json::object& saved,
                                                                     std::size_t most) {
  std::map<std::string, BetaPosterior, std::less<>> out;
  const auto* value = saved.if_contains("success");
  if (value == nullptr || !value->is_object() || value->get_object().size() > most)
    return corrupt_belief("success must be an object of at most " + std::to_string(most) + " strategies");
  for (const auto& [name, numbers] : value->get_object()) {
    const boost::json::object wrapped{{"success", numbers}};
    SavedNumbers from(wrapped);
    const auto ab = from.numbers("success", 2);
    auto posterior = BetaPosterior::create(ab[0], ab[1]);
    if (!from.check() || !posterior || ab[0] < 1 || ab[1] < 1)
      return corrupt_belief("success of " + std::string(name) + " must be two numbers from 1");
    out.emplace(std::string(name), *posterior);
  }
  return out;
}

}  // namespace

Result<ModelBeliefs> ModelBeliefs::restore(const boost::json::object& saved) {
  ModelBeliefs out;
  auto success = success_at(saved, kMostStrategies);
  SavedNumbers numbers(saved);
  const auto lengths = numbers.numbers("lengths", 3);
  const auto latencies = rows_at(saved, "latencies", 2, kMostLatencies);
  const auto gated = rows_at(saved, "gated", kGatedNumbers, kMostRows);
  const auto solved = rows_at(saved, "solved", 3, kMostRows), runs = rows_at(saved, "runs", 2, kMostRows);
  const auto teams = rows_at(saved, "teams", 3, kMostTeams), finals = rows_at(saved, "finals", 3, out.finals_.size());
  const auto fresh = digests_at(saved, "fresh", kFits);
  if (!success) return tl::unexpected(success.error());
  if (auto ok = numbers.check(); !ok) return tl::unexpected(ok.error());
  for (const auto* rows : {&latencies, &gated, &solved, &runs, &teams, &finals}) {
    if (!*rows) return tl::unexpected(rows->error());
  }
  if (!fresh) return tl::unexpected(fresh.error());
  if (fresh->size() != kFits || finals->size() != out.finals_.size())
    return corrupt_belief("fresh and finals have other lengths than this version writes");
  out.success_ = std::move(*success);
  if (!is_count(lengths[0]) || lengths[2] < 0) return corrupt_belief("lengths must be a count, a mean and a sum");
  out.lengths_ = {static_cast<std::uint64_t>(lengths[0]), lengths[1], lengths[2]};
  for (const auto& r : *latencies) {
    if (r[0] < 0) return corrupt_belief("latencies must be at least 0");
    out.latencies_.push_back({r[0], r[1] != 0});
  }
  for (const auto& r : *gated) {
    auto row = gated_of(r);
    if (!row) return tl::unexpected(row.error());
    out.gated_.push_back(*row);
  }
  for (const auto& r : *solved) {
    if (!is_count(r[0]) || r[0] < 1 || r[0] > 5 || !is_count(r[1])) return corrupt_belief("solved: a row out of range");
    out.solved_.push_back({static_cast<int>(r[0]), static_cast<std::int64_t>(r[1]), r[2] != 0});
  }
  for (const auto& r : *runs) {
    if (!(r[0] > 0)) return corrupt_belief("runs: tokens must be above 0");
    out.runs_.push_back({r[0], r[1] != 0});
  }
  for (const auto& r : *teams) out.teams_.push_back({{r[0] != 0, r[1] != 0, r[2] != 0}});
  for (std::size_t k = 0; k < finals->size(); ++k) {
    const auto& r = (*finals)[k];
    if (!is_count(r[0]) || !is_count(r[1]) || !is_count(r[2]) || r[1] + r[2] > r[0])
      return corrupt_belief("finals: counts that contradict each other");
    out.finals_.at(k) = {static_cast<std::uint64_t>(r[0]), static_cast<std::uint64_t>(r[1]),
                         static_cast<std::uint64_t>(r[2])};
  }
  std::ranges::copy(*fresh, out.fresh_.begin());
  if (auto ok = out.restore_pools(saved); !ok) return tl::unexpected(ok.error());
  const auto* snapshot = saved.if_contains("snapshot");
  if (snapshot == nullptr || !snapshot->is_object()) return corrupt_belief("snapshot must be an object");
  out.snapshot_ = snapshot->get_object();
  return out;
}

Result<void> ModelBeliefs::restore_pools(const boost::json::object& saved) {
  const auto* pools = saved.if_contains("pools");
  if (pools == nullptr || !pools->is_array() || pools->get_array().size() > kMostPools)
    return corrupt_belief("pools must be an array of at most " + std::to_string(kMostPools));
  for (const boost::json::value& pool : pools->get_array()) {
    if (!pool.is_object()) return corrupt_belief("pools must hold objects");
    auto answers = digests_at(pool.get_object(), "answers", kMostPool);
    SavedNumbers from(pool.get_object());
    const std::uint64_t question = from.count("question");
    if (!answers) return tl::unexpected(answers.error());
    if (auto ok = from.check(); !ok) return ok;
    pools_.push_back({.question = question, .answers = std::move(*answers)});
  }
  return {};
}

}  // namespace bursar::plan
