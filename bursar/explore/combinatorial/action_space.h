// Actions that are sets of atoms (a path of edges, a basket, a chain of tools), weighted by the product of the weights
// of their atoms: what learning over exponentially many actions needs to know of them.
//
//   auto space = DagPaths::create({.nodes = 4, .edges = {{0, 1}, {1, 3}, {0, 2}, {2, 3}}, .source = 0, .sink = 3});
//   ActionWeights weights;
//   (*space)->weigh(log_weights, weights);                 // weights.marginal[e] = P(the drawn action contains e)
//   Action path = (*space)->draw(weights, random);
//   Action shortest = (*space)->best(costs);
//
// Three spaces: ActionList (given one by one), DagPaths (dag_paths.h), and TopK (every set of k atoms). Atoms are
// numbered from 0. All const functions are thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/core/result.h"

namespace bursar::explore {

using Action = std::vector<std::uint32_t>;  // distinct atoms; a path in its order, otherwise ascending

// P(action) ~ exp(sum of the log weights of its atoms).
struct ActionWeights {
  std::vector<double> marginal;  // [atoms]: q(e); adds up to the expected size of an action
  std::vector<double> table;     // of the space, for draw()
};

inline constexpr std::size_t kMostAtoms = std::size_t{1} << 22;

class ActionSpace {
 public:
  ActionSpace() = default;
  ActionSpace(const ActionSpace&) = delete;
  ActionSpace& operator=(const ActionSpace&) = delete;
  virtual ~ActionSpace() = default;

  [[nodiscard]] virtual std::size_t atoms() const = 0;    // d
  [[nodiscard]] virtual std::size_t longest() const = 0;  // atoms of the largest action
  [[nodiscard]] virtual double log_actions() const = 0;   // ln of their number

  // log_weights [atoms], finite.
  virtual void weigh(std::span<const double> log_weights, ActionWeights& out) const = 0;
  [[nodiscard]] virtual Action draw(const ActionWeights& weights, RandomStream& random) const = 0;
  // The least sum of costs [atoms], finite, of any sign. Ties always go the same way.
  [[nodiscard]] virtual Action best(std::span<const double> costs) const = 0;
  [[nodiscard]] virtual bool contains(std::span<const std::uint32_t> action) const = 0;
  // The atoms that stand in some action, ascending; and an action that contains such an atom.
  [[nodiscard]] virtual std::span<const std::uint32_t> useful() const = 0;
  [[nodiscard]] virtual Action covering(std::uint32_t atom) const = 0;
};

[[nodiscard]] double total_of(std::span<const std::uint32_t> action, std::span<const double> per_atom);

// Errors of the makers: kInvalidArgument naming the place.
class ActionList final : public ActionSpace {
 public:
  // Each action a set of distinct atoms below `atoms`, not empty, none twice. weigh O(sum of sizes).
  [[nodiscard]] static Result<std::unique_ptr<ActionList>> create(std::size_t atoms, std::vector<Action> actions);

  [[nodiscard]] std::span<const Action> actions() const { return actions_; }
  [[nodiscard]] std::size_t atoms() const override { return atoms_; }
  [[nodiscard]] std::size_t longest() const override { return longest_; }
  [[nodiscard]] double log_actions() const override;
  void weigh(std::span<const double> log_weights, ActionWeights& out) const override;  // table: P of each action
  [[nodiscard]] Action draw(const ActionWeights& weights, RandomStream& random) const override;
  [[nodiscard]] Action best(std::span<const double> costs) const override;
  [[nodiscard]] bool contains(std::span<const std::uint32_t> action) const override;
  [[nodiscard]] std::span<const std::uint32_t> useful() const override { return useful_; }
  [[nodiscard]] Action covering(std::uint32_t atom) const override;

 private:
  ActionList(std::size_t atoms, std::vector<Action> actions);
  std::size_t atoms_, longest_ = 0;
  std::vector<Action> actions_;
  std::vector<std::uint32_t> useful_;
  std::vector<std::size_t> cover_;  // [atoms]: an action, or actions_.size()
};

// Every set of exactly k of d atoms; weigh and its memory O(d k), best O(d log d).
class TopK final : public ActionSpace {
 public:
  // 1 <= k <= atoms, atoms x k <= kMostTopKCells.
  [[nodiscard]] static Result<std::unique_ptr<TopK>> create(std::size_t atoms, std::size_t k);

  [[nodiscard]] std::size_t atoms() const override { return atoms_; }
  [[nodiscard]] std::size_t longest() const override { return k_; }
  [[nodiscard]] double log_actions() const override;
  void weigh(std::span<const double> log_weights, ActionWeights& out) const override;
  [[nodiscard]] Action draw(const ActionWeights& weights, RandomStream& random) const override;
  [[nodiscard]] Action best(std::span<const double> costs) const override;
  [[nodiscard]] bool contains(std::span<const std::uint32_t> action) const override;
  [[nodiscard]] std::span<const std::uint32_t> useful() const override { return useful_; }
  [[nodiscard]] Action covering(std::uint32_t atom) const override;

 private:
  TopK(std::size_t atoms, std::size_t k);
  std::size_t atoms_, k_;
  std::vector<std::uint32_t> useful_;
};
inline constexpr std::size_t kMostTopKCells = std::size_t{1} << 24;

}  // namespace bursar::explore
