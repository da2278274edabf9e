// The paths from a source to a sink of a graph without cycles, drawn by the product of the weights of their edges
// without listing them: the number of paths may be astronomical.
//
//   auto paths = DagPaths::create({.nodes = 4, .edges = {{0, 1}, {1, 3}, {0, 2}, {2, 3}}, .source = 0, .sink = 3});
//   ActionWeights weights;
//   (*paths)->weigh({{0, 0, -1, -1}}, weights);           // marginal {.88, .88, .12, .12}
//   Action path = (*paths)->draw(weights, random);        // edges in their order from the source
//
// Backward sums B(v) = sum over edges e = (v, w) of w(e) B(w), B(sink) = 1, kept as logarithms; an edge leaves v with
// probability w(e) B(w) / B(v), and the forward sums of these are the marginals. Several edges between two nodes are
// different atoms. weigh and best O(nodes + edges), draw O(path). systems/bandits, 18.
#pragma once

#include <utility>

#include "bursar/explore/combinatorial/action_space.h"

namespace bursar::explore {

struct Edge {
  std::uint32_t from = 0, to = 0;
};

struct DagSpec {
  std::size_t nodes = 0;
  std::vector<Edge> edges;  // an edge's place is its atom
  std::uint32_t source = 0, sink = 0;
};

class DagPaths final : public ActionSpace {
 public:
  // Errors: kInvalidArgument for a node that does not exist, a cycle, source = sink, and where no path leads to the
  // sink. Edges that lie on no path are allowed and never drawn.
  [[nodiscard]] static Result<std::unique_ptr<DagPaths>> create(DagSpec spec);

  [[nodiscard]] const DagSpec& spec() const { return spec_; }
  [[nodiscard]] std::size_t atoms() const override { return spec_.edges.size(); }
  [[nodiscard]] std::size_t longest() const override { return longest_; }
  [[nodiscard]] double log_actions() const override { return log_paths_; }
  void weigh(std::span<const double> log_weights, ActionWeights& out) const override;  // table: P(edge | its from)
  [[nodiscard]] Action draw(const ActionWeights& weights, RandomStream& random) const override;
  [[nodiscard]] Action best(std::span<const double> costs) const override;
  [[nodiscard]] bool contains(std::span<const std::uint32_t> action) const override;
  [[nodiscard]] std::span<const std::uint32_t> useful() const override { return useful_; }
  [[nodiscard]] Action covering(std::uint32_t atom) const override;  // the one with fewest edges

 private:
  explicit DagPaths(DagSpec spec) : spec_(std::move(spec)) {}
  [[nodiscard]] Result<void> sort_nodes();
  [[nodiscard]] Result<void> find_useful();
  // ln B of each node; -infinity where the sink is out of reach.
  void backward(std::span<const double> log_weights, std::vector<double>& log_sums) const;
  // The least cost from each node to the sink, or (reversed) from the source; and the edge to take first.
  struct Shortest {
    std::vector<double> cost;
    std::vector<std::uint32_t> edge;
  };
  [[nodiscard]] Shortest shortest(std::span<const double> costs, bool from_source) const;
  [[nodiscard]] std::span<const std::uint32_t> leaving(std::uint32_t node) const;

  DagSpec spec_;
  std::vector<std::uint32_t> order_;        // nodes, sources first
  std::vector<std::uint32_t> first_, out_;  // edges by the node they leave: out_[first_[v] … first_[v + 1])
  std::vector<std::uint32_t> useful_;
  std::size_t longest_ = 0;
  double log_paths_ = 0;
};

}  // namespace bursar::explore
