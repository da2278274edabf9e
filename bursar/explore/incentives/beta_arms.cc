#include "bursar/explore/incentives/beta_arms.h"

#include <cmath>
#include <string>
#include <tuple>

#include "bursar/core/beta_posterior.h"
#include "bursar/explore/learner_checks.h"

namespace bursar::explore {

Result<BetaArms> BetaArms::create(std::vector<BetaPrior> priors) {
  if (auto ok = check_arms(priors.size()); !ok) return tl::unexpected(ok.error());
  for (std::size_t a = 0; a < priors.size(); ++a) {
    const auto [alpha, beta] = priors[a];
    if (alpha > 0 && beta > 0 && alpha <= 1e9 && beta <= 1e9) continue;
    return invalid_argument("prior of arm " + std::to_string(a) + ": must be two positive numbers up to 1e9, has " +
                            std::to_string(alpha) + " and " + std::to_string(beta));
  }
  return BetaArms(std::move(priors));
}

void BetaArms::learn(std::size_t arm, double reward) {
  now_[arm].a += reward;
  now_[arm].b += 1 - reward;
  ++pulls_[arm];
}

std::optional<Arm> BetaArms::best(const Question& question) const {
  std::optional<Arm> out;
  for (std::size_t a = 0; a < now_.size(); ++a) {
    if (question.open(a) && (!out || mean(a) > mean(*out))) out = static_cast<Arm>(a);
  }
  return out;
}

std::vector<Belief> BetaArms::beliefs() const {
  std::vector<Belief> out;
  out.reserve(now_.size());
  for (std::size_t a = 0; a < now_.size(); ++a) {
    Belief b{.mean = mean(a), .low = 0, .high = 1, .pulls = pulls_[a]};
    if (const auto posterior = BetaPosterior::create(now_[a].a, now_[a].b)) {
      std::tie(b.low, b.high) = posterior->interval(.95);
    }
    out.push_back(b);
  }
  return out;
}

void BetaArms::save(boost::json::object& out) const {
  std::vector<double> alpha, beta;
  alpha.reserve(now_.size());
  beta.reserve(now_.size());
  for (const BetaPrior& p : now_) alpha.push_back(p.a), beta.push_back(p.b);
  out["successes"] = saved_numbers(alpha);
  out["failures"] = saved_numbers(beta);
  out["pulls"] = saved_numbers(pulls_);
}

void BetaArms::load(SavedNumbers& from) {
  const auto alpha = from.numbers("successes", arms()), beta = from.numbers("failures", arms());
  pulls_ = from.numbers("pulls", arms());
  for (std::size_t a = 0; a < arms(); ++a) now_[a] = {.a = alpha[a], .b = beta[a]};
}

}  // namespace bursar::explore
