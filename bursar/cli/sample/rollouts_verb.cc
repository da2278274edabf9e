// bursar sample rollouts: how many rollouts each live candidate of a search gets next.
#include <boost/json/object.hpp>
#include <iomanip>
#include <ostream>

#include "bursar/cli/sample/sample_command.h"
#include "bursar/cli/sample/sample_files.h"
#include "bursar/core/json.h"
#include "bursar/sample/hashed_ngrams.h"
#include "bursar/sample/rollout_split.h"

namespace bursar::cli {
namespace {

Result<sample::RolloutOptions> options_of(const RolloutWords& words) {
  const auto policy = sample::rollout_policy_named(words.policy);
  if (!policy) return tl::unexpected(with_context("--policy", policy.error()));
  sample::RolloutOptions out{.policy = *policy, .width = words.width, .quality_temperature = words.quality_temperature};
  if (words.mode == "formula")
    out.mode = allocate::DirectionMode::kFormula;
  else if (words.mode != "two-stage")
    return invalid_argument("--mode is \"" + words.mode + "\"; take two-stage or formula");
  if (words.rounding == "largest-remainder")
    out.rounding = allocate::DirectionRounding::kLargestRemainder;
  else if (words.rounding == "cyclic")
    out.rounding = allocate::DirectionRounding::kCyclic;
  else if (words.rounding != "cumulative")
    return invalid_argument("--rounding is \"" + words.rounding + "\"; take cumulative, largest-remainder or cyclic");
  return out;
}

}  // namespace

Result<void> rollouts_of(const RolloutWords& words, std::ostream& out) {
  auto options = options_of(words);
  if (!options) return tl::unexpected(options.error());
  auto read = read_candidates(words.file);
  if (!read) return tl::unexpected(read.error());
  std::vector<sample::RolloutCandidate> candidates;
  std::vector<std::span<const float>> embeddings;
  for (TextCandidate& candidate : *read) {
    if (candidate.embedding.empty()) candidate.embedding = sample::embed_ngrams(candidate.text);
    embeddings.emplace_back(candidate.embedding);
    candidates.push_back(
        {.score = candidate.score,
         .embedding = candidate.embedding,
         .group = candidates.size() / static_cast<std::size_t>(std::max<std::int64_t>(words.width, 1))});
  }
  options->similarity_temperature = words.similarity_temperature;
  if (words.similarity_temperature == 0) {
    const auto similarity = sample::similarity_matrix(embeddings);
    if (!similarity) return tl::unexpected(similarity.error());
    options->similarity_temperature = sample::calibrate_similarity(*similarity, candidates.size());
  }
  const auto counts = split_rollouts(candidates, words.n, *options);
  if (!counts) return tl::unexpected(counts.error());
  if (!words.json) out << "rollouts  score   text\n";
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (words.json) {
      out << to_json(boost::json::object{
                 {"text", (*read)[i].text}, {"score", (*read)[i].score}, {"rollouts", (*counts)[i]}})
          << "\n";
      continue;
    }
    out << std::left << std::setw(10) << (*counts)[i] << std::setw(8) << (*read)[i].score
        << (*read)[i].text.substr(0, 100) << "\n";
  }
  return {};
}

}  // namespace bursar::cli
