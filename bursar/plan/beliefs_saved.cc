// The part of beliefs.h that a file keeps.
#include <boost/json/array.hpp>

#include "bursar/core/saved_numbers.h"
#include "bursar/plan/beliefs.h"
#include "bursar/plan/saved_rows.h"

namespace bursar::plan {
namespace {

constexpr std::size_t kMostDraws = 64, kKinds = 8;

Result<std::string> text_at(const boost::json::object& saved, std::string_view key) {
  const auto* value = saved.if_contains(key);
  if (value == nullptr || !value->is_string()) return corrupt_belief(std::string(key) + " must be a text");
  return std::string(value->get_string());
}

}  // namespace

boost::json::object Beliefs::saved_job(const Waiting& job) {
  std::vector<std::uint64_t> draws;
  for (const Draw& draw : job.draws) {
    draws.push_back(draw.answer);
    draws.push_back(static_cast<std::uint64_t>(draw.max_tokens));
  }
  boost::json::object out{{"id", job.id},
                          {"strategy", job.strategy},
                          {"model", job.model},
                          {"answer", job.answer},
                          {"draws", saved_digests(draws)}};
  if (job.verified) {
    std::vector<double> numbers = numbers_of(job.verified->attempt);
    numbers.push_back(static_cast<double>(job.verified->tokens));
    numbers.push_back(job.verified->score);
    out["verified"] = saved_rows({numbers});
    out["base"] = job.verified->base;
  }
  if (job.pair)
    out["pair"] = saved_digests({static_cast<std::uint64_t>(job.pair->kind), job.pair->base, job.pair->refined});
  if (job.solved)
    out["solved"] =
        saved_digests({static_cast<std::uint64_t>(job.solved->level), static_cast<std::uint64_t>(job.solved->tokens)});
  return out;
}

Result<Beliefs::Waiting> Beliefs::restored_job(const boost::json::value& saved) {
  if (!saved.is_object()) return corrupt_belief("waiting must hold objects");
  const boost::json::object& from = saved.get_object();
  auto id = text_at(from, "id"), strategy = text_at(from, "strategy"), model = text_at(from, "model");
  for (const auto* text : {&id, &strategy, &model}) {
    if (!*text) return tl::unexpected(text->error());
  }
  SavedNumbers numbers(from);
  Waiting out{.id = std::move(*id),
              .strategy = std::move(*strategy),
              .model = std::move(*model),
              .answer = numbers.count("answer"),
              .draws = {}};
  const auto draws = digests_at(from, "draws", 2 * kMostDraws);
  if (!draws) return tl::unexpected(draws.error());
  if (draws->size() % 2 != 0) return corrupt_belief("draws must be pairs");
  for (std::size_t i = 0; i < draws->size(); i += 2) {
    if ((*draws)[i + 1] < 1 || (*draws)[i + 1] > 1'000'000'000) return corrupt_belief("draws: tokens out of range");
    out.draws.push_back({(*draws)[i], static_cast<std::int64_t>((*draws)[i + 1])});
  }
  if (from.contains("verified")) {
    const auto rows = rows_at(from, "verified", kAttemptNumbers + 2, 1);
    if (!rows || rows->empty()) return corrupt_belief("verified must be one row");
    const auto attempt = attempt_of_numbers(rows->front());
    const double tokens = rows->front()[kAttemptNumbers], score = rows->front()[kAttemptNumbers + 1];
    if (!attempt) return tl::unexpected(attempt.error());
    if (!(tokens >= 0 && tokens <= 1e15) || !(score >= 0 && score <= 1))
      return corrupt_belief("verified: out of range");
    out.verified = Verified{.attempt = *attempt,
                            .base = numbers.count("base"),
                            .tokens = static_cast<std::int64_t>(tokens),
                            .score = score};
  }
  if (from.contains("pair")) {
    const auto pair = digests_at(from, "pair", 3);
    if (!pair || pair->size() != 3 || (*pair)[0] >= kKinds)
      return corrupt_belief("pair must be a kind and two answers");
    out.pair = FinalPair{static_cast<Disagreement>((*pair)[0]), (*pair)[1], (*pair)[2]};
  }
  if (from.contains("solved")) {
    const auto solved = digests_at(from, "solved", 2);
    if (!solved || solved->size() != 2 || (*solved)[0] < 1 || (*solved)[0] > 5 || (*solved)[1] > 1'000'000'000'000)
      return corrupt_belief("solved must be a level and its tokens");
    out.solved =
        SolveRecord{.level = static_cast<int>((*solved)[0]), .tokens = static_cast<std::int64_t>((*solved)[1])};
  }
  if (auto ok = numbers.check(); !ok) return tl::unexpected(ok.error());
  return out;
}

boost::json::object Beliefs::save() const {
  boost::json::object models;
  for (const auto& [model, beliefs] : models_) models[model] = beliefs.save();
  boost::json::array waiting;
  for (const Waiting& job : waiting_) waiting.push_back(saved_job(job));
  return {{"beliefs", 1}, {"models", std::move(models)}, {"waiting", std::move(waiting)}};
}

Result<Beliefs> Beliefs::restore(const boost::json::object& saved) {
  const auto* version = saved.if_contains("beliefs");
  if (version == nullptr || !version->is_number() || version->to_number<double>() != 1)
    return corrupt_belief("a file of beliefs begins with {\"beliefs\": 1, …}");
  const auto *models = saved.if_contains("models"), *waiting = saved.if_contains("waiting");
  if (models == nullptr || !models->is_object() || models->get_object().size() > kMostModels)
    return corrupt_belief("models must be an object of at most " + std::to_string(kMostModels));
  if (waiting == nullptr || !waiting->is_array() || waiting->get_array().size() > kMostWaiting)
    return corrupt_belief("waiting must be an array of at most " + std::to_string(kMostWaiting));
  Beliefs out;
  for (const auto& [model, of] : models->get_object()) {
    if (!of.is_object()) return corrupt_belief("models must hold objects");
    auto restored = ModelBeliefs::restore(of.get_object());
    if (!restored) return tl::unexpected(with_context("model " + std::string(model), restored.error()));
    out.models_.emplace(std::string(model), std::move(*restored));
  }
  for (const boost::json::value& job : waiting->get_array()) {
    auto restored = restored_job(job);
    if (!restored) return tl::unexpected(restored.error());
    if (!out.models_.contains(restored->model)) return corrupt_belief("waiting: a job of a model that is not there");
    out.waiting_.push_back(std::move(*restored));
  }
  return out;
}

}  // namespace bursar::plan
