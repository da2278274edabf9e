#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <ostream>

#include "bursar/agree/format/game_json.h"
#include "bursar/agree/hiring_mechanism.h"
#include "bursar/agree/number_text.h"
#include "bursar/cli/agree/agree_command.h"
#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

using namespace agree;

constexpr std::size_t kMostBytes = std::size_t{4} << 20;
constexpr double kPaid = 1e-9;

struct Answer {
  Mechanism best;
  FixedMechanism plain;
  double first_best = 0, gain = 0;
};

Result<Answer> solve(const StatedGame& stated, const HireWords& words) {
  auto best = optimal_mechanism(stated.game, {.ic_margin = words.margin, .own_share = words.own_share});
  if (!best) return tl::unexpected(best.error());
  auto plain = best_uncorrelated(stated.game);
  if (!plain) return tl::unexpected(plain.error());
  const auto first = first_best(stated.game);
  if (!first) return tl::unexpected(first.error());
  const double gain = max_deviation_gain(stated.game, *best);
  return Answer{.best = std::move(*best), .plain = std::move(*plain), .first_best = first->value, .gain = gain};
}

std::string efforts_text(const StatedGame& stated, const HiringShape& shape, std::size_t b) {
  std::string out;
  for (std::size_t i = 0; i < shape.agents(); ++i)
    out += (i == 0 ? "" : ", ") + stated.agents[i] + " " + stated.efforts[i][shape.efforts.digit(b, i)];
  return out;
}

std::string reports_text(const StatedGame& stated, const HiringShape& shape, std::size_t s) {
  std::string out;
  for (std::size_t i = 0; i < shape.agents(); ++i)
    out += (i == 0 ? "" : ", ") + stated.agents[i] + " says " + stated.signals[i][shape.signals.digit(s, i)];
  return out;
}

// What each agent gets on these reports, by state where the state matters.
std::string pay_text(const StatedGame& stated, const Mechanism& m, std::size_t b, std::size_t s) {
  std::string out;
  for (std::size_t i = 0; i < m.shape.agents(); ++i) {
    const auto pay = [&](std::size_t theta) { return m.pay[i][m.shape.cell(b, s, theta)]; };
    bool same = true;
    for (std::size_t theta = 1; theta < m.shape.states; ++theta) same &= std::abs(pay(theta) - pay(0)) <= kPaid;
    for (std::size_t theta = 0; theta < (same ? 1 : m.shape.states); ++theta) {
      if (pay(theta) <= kPaid) continue;
      out += "; pay " + stated.agents[i] + " " + to_short(pay(theta)) + (same ? "" : " if " + stated.states[theta]);
    }
  }
  return out;
}

void print_text(const StatedGame& stated, const Answer& answer, std::ostream& out) {
  const HiringShape& shape = answer.best.shape;
  out << "value " << to_short(answer.best.value) << " per round after expected pay of "
      << to_short(answer.best.expected_pay) << "; one fixed profile: " << to_short(answer.plain.value) << " ("
      << efforts_text(stated, shape, answer.plain.efforts) << "); if efforts were seen: " << to_short(answer.first_best)
      << '\n'
      << "reserve " << to_short(stated.game.pay_cap)
      << " usd per agent and round; most that a deviation gains: " << to_short(answer.gain <= kPaid ? 0 : answer.gain)
      << '\n';
  for (std::size_t b = 0; b < shape.efforts.size(); ++b) {
    if (answer.best.mu[b] == 0) continue;
    out << "\nwith chance " << to_short(answer.best.mu[b]) << ": " << efforts_text(stated, shape, b) << '\n';
    for (std::size_t s = 0; s < shape.signals.size(); ++s) {
      bool happens = false;
      for (std::size_t theta = 0; theta < shape.states; ++theta)
        happens |= stated.game.joint[shape.cell(b, s, theta)] > 0;
      if (!happens) continue;
      out << "  " << reports_text(stated, shape, s) << ": "
          << stated.actions[answer.best.act[b * shape.signals.size() + s]] << pay_text(stated, answer.best, b, s)
          << '\n';
    }
  }
}

boost::json::object document(const StatedGame& stated, const Answer& answer) {
  const HiringShape& shape = answer.best.shape;
  boost::json::array profiles;
  for (std::size_t b = 0; b < shape.efforts.size(); ++b) {
    if (answer.best.mu[b] == 0) continue;
    boost::json::array efforts, actions, pay;
    for (std::size_t i = 0; i < shape.agents(); ++i) {
      efforts.emplace_back(stated.efforts[i][shape.efforts.digit(b, i)]);
      boost::json::array own;
      for (std::size_t k = 0; k < shape.signals.size() * shape.states; ++k)
        own.emplace_back(answer.best.pay[i][shape.cell(b, 0, 0) + k]);
      pay.emplace_back(std::move(own));
    }
    for (std::size_t s = 0; s < shape.signals.size(); ++s)
      actions.emplace_back(stated.actions[answer.best.act[b * shape.signals.size() + s]]);
    profiles.emplace_back(boost::json::object{{"chance", answer.best.mu[b]},
                                              {"efforts", std::move(efforts)},
                                              {"actions", std::move(actions)},
                                              {"pay", std::move(pay)}});
  }
  return {{"value", answer.best.value},
          {"expected_pay", answer.best.expected_pay},
          {"uncorrelated_value", answer.plain.value},
          {"first_best", answer.first_best},
          {"max_deviation_gain", answer.gain},
          {"profiles", std::move(profiles)}};
}

}  // namespace

Result<bool> hire_agents(const HireWords& words, std::ostream& out) {
  const auto text = read_text_file(words.file, kMostBytes);
  if (!text) return tl::unexpected(text.error());
  const auto stated = read_game_json(*text);
  if (!stated) return tl::unexpected(with_context(words.file, stated.error()));
  const auto answer = solve(*stated, words);
  if (!answer) return tl::unexpected(answer.error());
  if (words.json)
    out << to_json(document(*stated, *answer)) << '\n';
  else
    print_text(*stated, *answer, out);
  return true;
}

}  // namespace bursar::cli
