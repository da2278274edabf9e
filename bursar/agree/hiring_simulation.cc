#include "bursar/agree/hiring_simulation.h"

#include <algorithm>

namespace bursar::agree {
namespace {

constexpr double kTie = 1e-9;

// Draws (signals, theta) of a profile of efforts.
class Nature {
 public:
  Nature(const HiringGame& game, const HiringShape& shape) : cells_(shape.signals.size() * shape.states) {
    double sum = 0;
    for (std::size_t k = 0; k < game.joint.size(); ++k) {
      if (k % cells_ == 0) sum = 0;
      upto_.push_back(sum += game.joint[k]);
    }
  }
  std::size_t draw(std::size_t b, RandomStream& random) const {
    const auto from = upto_.begin() + static_cast<std::ptrdiff_t>(b * cells_),
               to = from + static_cast<std::ptrdiff_t>(cells_);
    const auto found = std::upper_bound(from, to, random.uniform01() * *(to - 1));
    return static_cast<std::size_t>(std::min(found, to - 1) - from);
  }

 private:
  std::size_t cells_;
  std::vector<double> upto_;
};

// What everybody does about one offer.
struct Answers {
  std::size_t efforts = 0;  // profile
  std::vector<Response> of;
};

class Agents {
 public:
  Agents(const HiringGame& game, const HiringShape& shape) : game_(game), shape_(shape) {
    for (std::size_t i = 0; i < shape.agents(); ++i) {
      auto& laws = laws_.emplace_back();
      for (std::size_t e = 0; e < shape.efforts.size_of(i); ++e) laws.push_back(own_law(game, shape, i, e));
    }
  }
  [[nodiscard]] Answers answer(const Offer& offer) const {
    Answers out;
    std::vector<std::size_t> efforts;
    for (std::size_t i = 0; i < shape_.agents(); ++i) {
      out.of.push_back(
          best_response_to_rule(laws_[i], game_.agents[i].costs, offer.pay[i], shape_.states, offer.efforts[i]));
      efforts.push_back(out.of.back().effort);
    }
    out.efforts = shape_.efforts.index(efforts);
    return out;
  }

 private:
  const HiringGame& game_;
  const HiringShape& shape_;
  std::vector<std::vector<std::vector<double>>> laws_;  // [agents][efforts]
};

// Per round, while an offer without a mechanism stands.
double value_offered(const HiringGame& truth, const HiringShape& shape, const OnlineHiring& online,
                     const Answers& answers) {
  double value = 0;
  std::vector<std::size_t> reports(shape.agents());
  for (std::size_t s = 0; s < shape.signals.size(); ++s) {
    for (std::size_t i = 0; i < reports.size(); ++i) reports[i] = answers.of[i].report[shape.signals.digit(s, i)];
    for (std::size_t theta = 0; theta < shape.states; ++theta) {
      double kept = truth.utility[online.act(reports) * shape.states + theta];
      for (std::size_t i = 0; i < reports.size(); ++i) kept -= online.pay(i, reports, theta);
      value += truth.joint[shape.cell(answers.efforts, s, theta)] * kept;
    }
  }
  return value;
}

}  // namespace

Response best_response_to_rule(const std::vector<std::vector<double>>& law, std::span<const double> costs,
                               std::span<const double> pay, std::size_t states, std::size_t told) {
  const std::size_t signals = pay.size() / states;
  Response out{.effort = told, .report = std::vector<std::size_t>(signals)};
  double obeying = -costs[told];
  for (std::size_t s = 0; s < signals; ++s) out.report[s] = s;
  for (std::size_t k = 0; k < pay.size(); ++k) obeying += law[told][k] * pay[k];
  for (std::size_t e = 0; e < costs.size(); ++e) {
    double sum = -costs[e];
    std::vector<std::size_t> said(signals);
    for (std::size_t s = 0; s < signals; ++s) {
      const auto worth = [&](std::size_t report) {
        double x = 0;
        for (std::size_t theta = 0; theta < states; ++theta)
          x += law[e][s * states + theta] * pay[report * states + theta];
        return x;
      };
      said[s] = s;
      for (std::size_t k = 0; k < signals; ++k) said[s] = worth(k) > worth(said[s]) + kTie ? k : said[s];
      sum += worth(said[s]);
    }
    if (sum - obeying <= std::max(out.gain, kTie)) continue;
    out = {.effort = e, .report = std::move(said), .gain = sum - obeying};
  }
  return out;
}

double value_played(const HiringGame& truth, const Mechanism& m) {
  const HiringShape& shape = m.shape;
  std::vector<std::vector<Response>> answers(shape.agents());
  for (std::size_t i = 0; i < shape.agents(); ++i) {
    for (std::size_t told = 0; told < shape.efforts.size_of(i); ++told)
      answers[i].push_back(best_response(truth, m, i, told));
  }
  double value = 0;
  std::vector<std::size_t> efforts(shape.agents()), reports(shape.agents());
  for (std::size_t b = 0; b < shape.efforts.size(); ++b) {
    if (m.mu[b] == 0) continue;
    const auto answer = [&](std::size_t i) -> const Response& { return answers[i][shape.efforts.digit(b, i)]; };
    for (std::size_t i = 0; i < shape.agents(); ++i) efforts[i] = answer(i).effort;
    const std::size_t taken = shape.efforts.index(efforts);
    for (std::size_t s = 0; s < shape.signals.size(); ++s) {
      for (std::size_t i = 0; i < shape.agents(); ++i) reports[i] = answer(i).report[shape.signals.digit(s, i)];
      const std::size_t said = shape.signals.index(reports), act = m.act[b * shape.signals.size() + said];
      for (std::size_t theta = 0; theta < shape.states; ++theta) {
        double kept = truth.utility[act * shape.states + theta];
        for (const auto& pay : m.pay) kept -= pay[shape.cell(b, said, theta)];
        value += m.mu[b] * truth.joint[shape.cell(taken, s, theta)] * kept;
      }
    }
  }
  return value;
}

Result<HiringRun> simulate_hiring(const HiringGame& truth, double optimum, OnlineHiring online, RandomStream random) {
  const auto shape = check(truth);
  if (!shape) return tl::unexpected(shape.error());
  if (shape->cells() != online.shape().cells() || shape->agents() != online.shape().agents())
    return invalid_argument("the game has another shape than the one that is learned");
  const Nature nature(truth, *shape);
  const Agents agents(truth, *shape);
  const std::uint64_t horizon = online.spec().horizon;
  HiringRun run;
  Answers answers;
  std::uint64_t terms = 0;
  std::vector<std::size_t> reports(shape->agents());
  while (online.round() < horizon && online.mechanism() == nullptr && online.phase() != HiringPhase::kStuck) {
    const Offer& offer = online.next();
    if (offer.terms != terms) answers = agents.answer(offer);
    terms = offer.terms;
    const std::size_t drawn = nature.draw(answers.efforts, random), theta = drawn % shape->states;
    for (std::size_t i = 0; i < reports.size(); ++i)
      reports[i] = answers.of[i].report[shape->signals.digit(drawn / shape->states, i)];
    double kept = truth.utility[online.act(reports) * shape->states + theta];
    for (std::size_t i = 0; i < reports.size(); ++i) kept -= online.pay(i, reports, theta);
    run.regret += optimum - kept;
    if (auto ok = online.observe(reports, theta); !ok && ok.error().code != ErrorCode::kInfeasible)
      return tl::unexpected(ok.error());
  }
  if (online.phase() == HiringPhase::kStuck) {
    const double kept = value_offered(truth, *shape, online, agents.answer(online.next()));
    run.regret += static_cast<double>(horizon - online.round()) * (optimum - kept);
  }
  run.phase = online.phase();
  run.explored = online.round();
  run.costs = online.costs();
  if (const Mechanism* m = online.mechanism()) {
    run.commit_value = value_played(truth, *m);
    run.deviation_gain = max_deviation_gain(truth, *m);
    run.obeyed = run.deviation_gain <= kTie;
    run.regret += static_cast<double>(horizon - run.explored) * (optimum - run.commit_value);
  }
  return run;
}

}  // namespace bursar::agree
