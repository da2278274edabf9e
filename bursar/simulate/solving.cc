#include "bursar/simulate/solving.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "bursar/simulate/world.h"

namespace bursar::simulate {
namespace {

// What <steps> tells: answers of sub-questions that decompose wrote, and the last answer of all.
struct Told {
  std::size_t parts = 0, right = 0;
  std::optional<std::string> last;
};

Told told_by(std::string_view steps, std::uint64_t seed) {
  constexpr std::string_view kAnswer = "Answer:", kMark = "[difficulty ";
  Told told;
  std::string part;  // the sub-question that waits for its answer
  while (!steps.empty()) {
    std::string_view line = steps.substr(0, steps.find('\n'));
    steps.remove_prefix(std::min(steps.size(), line.size() + 1));
    const std::size_t answer = line.rfind(kAnswer);
    const std::string_view before = line.substr(0, answer);
    if (const std::size_t at = before.find(kMark); at != std::string_view::npos) part = run_together(before.substr(at));
    if (answer == std::string_view::npos) continue;
    told.last = run_together(line.substr(answer + kAnswer.size()));
    if (part.empty()) continue;
    ++told.parts;
    if (same_answer(*told.last, simulated_truth(seed, part))) ++told.right;
    part.clear();
  }
  return told;
}

}  // namespace

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

double skill_on(const Question& question, const Profile& profile) {
  return logistic(profile.skill + 6 * (.5 - question.difficulty) + question.mood / 2);
}

double mean_reasoning(const Question& question, const Profile& profile) {
  return profile.verbosity * (40 + 160 * question.difficulty);
}

double chance(const Question& question, const Situation& situation) {
  const Prompt& prompt = situation.prompt;
  if (!question.chain.empty()) {
    const std::size_t links = links_told(question.chain, prompt.evidence + "\n" + prompt.steps);
    if (links == question.hops()) return .95;
    return .02 + .10 * static_cast<double>(links) / static_cast<double>(question.hops());
  }
  const double alone = skill_on(question, situation.profile);
  const Told told = told_by(prompt.steps, situation.seed);
  if (told.parts > 0) {
    // All parts right is worth 1.8 logits, none of them costs as much.
    const double share = static_cast<double>(told.right) / static_cast<double>(told.parts);
    return logistic(std::log(alone / (1 - alone)) + 3.6 * (share - .5));
  }
  if (told.last) return same_answer(*told.last, question.truth) ? .6 + .4 * alone : .5 * alone;
  return alone;
}

Candidates candidates_of(const Question& question, double p, double temperature) {
  // Of what is wrong, the popular answer gets a share that grows with the difficulty, the second a fifth.
  Candidates out{{question.truth, p}};
  const double popular = question.wrong.size() == 1 ? 1 : .35 + .4 * question.difficulty;
  const double second = question.wrong.size() == 2 ? 1 - popular : .2;
  for (std::size_t i = 0; i < question.wrong.size(); ++i) {
    const double rest = (1 - popular - second) / std::max<double>(1, static_cast<double>(question.wrong.size()) - 2);
    out.emplace_back(question.wrong[i], (1 - p) * (i == 0 ? popular : i == 1 ? second : rest));
  }
  const double power = 1 / std::clamp(temperature, .05, 2.);
  const double most = std::ranges::max(out, {}, &Candidates::value_type::second).second;
  double sum = 0;
  for (auto& [answer, weight] : out) sum += weight = std::pow(weight / most, power);
  for (auto& [answer, weight] : out) weight /= sum;
  return out;
}

const std::string& pick(const Candidates& candidates, RandomStream& draw) {
  double u = draw.uniform01();
  for (const auto& [answer, weight] : candidates) {
    if ((u -= weight) < 0) return answer;
  }
  return candidates.front().first;
}

}  // namespace bursar::simulate
