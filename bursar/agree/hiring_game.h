// Hiring agents for information: who may exert which effort at what cost, what they then see, and what it is good for.
//
//   HiringGame game{.agents = {{.costs = {0, .05}, .signals = 2}, {.costs = {0, .05}, .signals = 2}},
//                   .prior = {.5, .5}, .joint = law, .utility = {1, 0, 0, 1}, .pay_cap = 1};
//   if (auto ok = check(game); !ok) return ok;
//   first_best(game)->value;   // what the principal had if efforts were observed and paid at cost
//
// A round: the principal tells each agent an effort; agents choose efforts b unseen, see signals s, report; the
// principal takes an action a worth u(a, theta); the state theta shows, and payments in [0, pay_cap] are made.
// Profiles of efforts and of signals are numbered with the last agent's digit running fastest. What an agent sees must
// not depend on the others' efforts; signals may be correlated, given theta too.
//
// Everything here is exponential in the number of agents: three agents with three efforts each is what a linear program
// over it can bear in seconds. Source: systems/info-acquisition.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::agree {

// Tuples (d_0, …, d_{n-1}) with d_i < sizes_i, numbered from 0.
class ProfileSpace {
 public:
  ProfileSpace() = default;
  explicit ProfileSpace(std::vector<std::size_t> sizes);  // the product must fit; shape_of and check see to it
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t agents() const { return sizes_.size(); }
  [[nodiscard]] std::size_t size_of(std::size_t agent) const { return sizes_[agent]; }
  [[nodiscard]] std::size_t digit(std::size_t index, std::size_t agent) const {
    return index / stride_[agent] % sizes_[agent];
  }
  [[nodiscard]] std::size_t with(std::size_t index, std::size_t agent, std::size_t digit_there) const {
    return index + digit_there * stride_[agent] - digit(index, agent) * stride_[agent];
  }
  [[nodiscard]] std::size_t index(std::span<const std::size_t> digits) const;
  [[nodiscard]] std::vector<std::size_t> digits(std::size_t index) const;

 private:
  std::vector<std::size_t> sizes_, stride_;
  std::size_t size_ = 1;
};

struct HiringShape {
  ProfileSpace efforts, signals;
  std::size_t states = 0;
  [[nodiscard]] std::size_t agents() const { return efforts.agents(); }
  [[nodiscard]] std::size_t cells() const { return efforts.size() * signals.size() * states; }
  [[nodiscard]] std::size_t cell(std::size_t b, std::size_t s, std::size_t theta) const {
    return (b * signals.size() + s) * states + theta;
  }
};
inline constexpr std::size_t kMostHiringCells = 200'000;  // agents x profiles of efforts x profiles of signals x states
inline constexpr std::size_t kMostHiringAgents = 16;
// Errors: kInvalidArgument for no agent, an agent without effort or signal, no state, and past the limits above.
[[nodiscard]] Result<HiringShape> shape_of(std::vector<std::size_t> efforts, std::vector<std::size_t> signals,
                                           std::size_t states);

struct AgentSpec {
  std::vector<double> costs;  // [efforts], >= 0, the least of them 0
  std::size_t signals = 0;    // how many different ones the agent may see
};

struct HiringGame {
  std::vector<AgentSpec> agents;
  std::vector<double> prior;    // [states]
  std::vector<double> joint;    // [profiles of efforts x profiles of signals x states]; each profile's sums to 1
  std::vector<double> utility;  // [actions x states]
  double pay_cap = 0;           // per agent and round, > 0
  [[nodiscard]] std::size_t actions() const { return prior.empty() ? 0 : utility.size() / prior.size(); }
};
[[nodiscard]] Result<HiringShape> shape_of(const HiringGame& game);

// Errors: kInvalidArgument for arrays that do not fit, a number that is not finite or above 1e12 in magnitude, a
// negative probability or cost, a law that does not sum to 1 or whose states are not the prior's, an agent whose own
// law depends on others' efforts (each by more than `tolerance`), no effort of cost 0, a cap <= 0. O(cells x agents).
[[nodiscard]] Result<HiringShape> check(const HiringGame& game, double tolerance = 1e-6);

// P(s_i, theta | b_i), [signals of the agent x states], with the others at their first efforts.
[[nodiscard]] std::vector<double> own_law(const HiringGame& game, const HiringShape& shape, std::size_t agent,
                                          std::size_t effort);

// The action that is best on every report, and what that is worth: U(b) = sum_s max_a sum_theta P(s, theta | b) u(a,
// theta). Ties go to the first action. O(cells x actions).
struct BestActions {
  std::vector<std::uint32_t> act;  // [profiles of efforts x profiles of signals]
  std::vector<double> worth;       // [profiles of efforts]
};
[[nodiscard]] BestActions best_actions(const HiringShape& shape, std::span<const double> joint,
                                       std::span<const double> utility);

struct FirstBest {
  std::size_t efforts = 0;  // profile
  double value = 0;         // U(b) less the sum of costs
};
[[nodiscard]] Result<FirstBest> first_best(const HiringGame& game);

}  // namespace bursar::agree
