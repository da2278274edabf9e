#include "bursar/explore/combinatorial/dag_paths.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace bursar::explore {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::uint32_t kNoEdge = std::numeric_limits<std::uint32_t>::max();

}  // namespace

Result<std::unique_ptr<DagPaths>> DagPaths::create(DagSpec spec) {
  if (spec.nodes < 2 || spec.nodes > kMostAtoms) {
    return invalid_argument("nodes: must be from 2 to " + std::to_string(kMostAtoms) + ", is " +
                            std::to_string(spec.nodes));
  }
  if (spec.edges.empty() || spec.edges.size() > kMostAtoms) {
    return invalid_argument("edges: must be from 1 to " + std::to_string(kMostAtoms) + ", are " +
                            std::to_string(spec.edges.size()));
  }
  const auto wrong_node = [&](const std::string& what, std::uint32_t node) {
    return invalid_argument(what + ": node " + std::to_string(node) + " must be below " + std::to_string(spec.nodes));
  };
  if (spec.source >= spec.nodes) return wrong_node("source", spec.source);
  if (spec.sink >= spec.nodes) return wrong_node("sink", spec.sink);
  if (spec.source == spec.sink)
    return invalid_argument("sink: must differ from the source, " + std::to_string(spec.sink));
  for (std::size_t e = 0; e < spec.edges.size(); ++e) {
    for (const std::uint32_t node : {spec.edges[e].from, spec.edges[e].to}) {
      if (node >= spec.nodes) return wrong_node("edge " + std::to_string(e), node);
    }
  }
  std::unique_ptr<DagPaths> out(new DagPaths(std::move(spec)));
  if (auto ok = out->sort_nodes(); !ok) return tl::unexpected(ok.error());
  if (auto ok = out->find_useful(); !ok) return tl::unexpected(ok.error());
  return out;
}

std::span<const std::uint32_t> DagPaths::leaving(std::uint32_t node) const {
  return std::span(out_).subspan(first_[node], first_[node + 1] - first_[node]);
}

Result<void> DagPaths::sort_nodes() {
  first_.assign(spec_.nodes + 1, 0);
  std::vector<std::uint32_t> entering(spec_.nodes, 0);
  for (const Edge& e : spec_.edges) ++first_[e.from + 1], ++entering[e.to];
  for (std::size_t v = 0; v < spec_.nodes; ++v) first_[v + 1] += first_[v];
  out_.resize(spec_.edges.size());
  std::vector<std::uint32_t> place(first_.begin(), first_.end() - 1);
  for (std::uint32_t e = 0; e < spec_.edges.size(); ++e) out_[place[spec_.edges[e].from]++] = e;

  for (std::uint32_t v = 0; v < spec_.nodes; ++v) {
    if (entering[v] == 0) order_.push_back(v);
  }
  for (std::size_t at = 0; at < order_.size(); ++at) {
    for (const std::uint32_t e : leaving(order_[at])) {
      if (--entering[spec_.edges[e].to] == 0) order_.push_back(spec_.edges[e].to);
    }
  }
  if (order_.size() == spec_.nodes) return {};
  const auto in_cycle = std::ranges::find_if(entering, [](std::uint32_t n) { return n > 0; }) - entering.begin();
  return invalid_argument("edges: node " + std::to_string(in_cycle) +
                          " lies on a cycle or behind one; paths are drawn from graphs without cycles");
}

Result<void> DagPaths::find_useful() {
  const std::vector<double> none(spec_.edges.size(), 0.0);
  std::vector<double> log_sums;
  backward(none, log_sums);
  log_paths_ = log_sums[spec_.source];
  if (log_paths_ == -kInfinity) {
    return invalid_argument("sink: no path leads from node " + std::to_string(spec_.source) + " to node " +
                            std::to_string(spec_.sink));
  }
  std::vector<std::size_t> farthest(spec_.nodes, 0);
  std::vector<bool> reached(spec_.nodes, false);
  reached[spec_.source] = true;
  for (const std::uint32_t v : order_) {
    if (!reached[v]) continue;
    for (const std::uint32_t e : leaving(v)) {
      const std::uint32_t to = spec_.edges[e].to;
      if (v == spec_.sink || log_sums[to] == -kInfinity) continue;
      reached[to] = true;
      farthest[to] = std::max(farthest[to], farthest[v] + 1);
      useful_.push_back(e);
    }
  }
  longest_ = farthest[spec_.sink];
  std::ranges::sort(useful_);
  return {};
}

void DagPaths::backward(std::span<const double> log_weights, std::vector<double>& log_sums) const {
  log_sums.assign(spec_.nodes, -kInfinity);
  log_sums[spec_.sink] = 0;
  for (auto at = order_.rbegin(); at != order_.rend(); ++at) {
    if (*at == spec_.sink) continue;
    double most = -kInfinity, sum = 0;
    for (const std::uint32_t e : leaving(*at)) most = std::max(most, log_weights[e] + log_sums[spec_.edges[e].to]);
    if (most == -kInfinity) continue;
    for (const std::uint32_t e : leaving(*at)) sum += std::exp(log_weights[e] + log_sums[spec_.edges[e].to] - most);
    log_sums[*at] = most + std::log(sum);
  }
}

void DagPaths::weigh(std::span<const double> log_weights, ActionWeights& out) const {
  std::vector<double> log_sums, forward(spec_.nodes, 0.0);
  backward(log_weights, log_sums);
  out.table.assign(spec_.edges.size(), 0.0);
  out.marginal.assign(spec_.edges.size(), 0.0);
  forward[spec_.source] = 1;
  for (const std::uint32_t v : order_) {
    if (v == spec_.sink || log_sums[v] == -kInfinity) continue;
    for (const std::uint32_t e : leaving(v)) {
      const std::uint32_t to = spec_.edges[e].to;
      out.table[e] = std::exp(log_weights[e] + log_sums[to] - log_sums[v]);
      out.marginal[e] = forward[v] * out.table[e];
      forward[to] += out.marginal[e];
    }
  }
}

Action DagPaths::draw(const ActionWeights& weights, RandomStream& random) const {
  Action out;
  for (std::uint32_t v = spec_.source; v != spec_.sink;) {
    double left = random.uniform01();
    std::uint32_t taken = kNoEdge;
    for (const std::uint32_t e : leaving(v)) {
      if (weights.table[e] <= 0) continue;
      taken = e;
      left -= weights.table[e];
      if (left < 0) break;
    }
    out.push_back(taken);
    v = spec_.edges[taken].to;
  }
  return out;
}

DagPaths::Shortest DagPaths::shortest(std::span<const double> costs, bool from_source) const {
  Shortest out{.cost = std::vector<double>(spec_.nodes, kInfinity),
               .edge = std::vector<std::uint32_t>(spec_.nodes, kNoEdge)};
  out.cost[from_source ? spec_.source : spec_.sink] = 0;
  const auto relax = [&](std::uint32_t node, std::uint32_t other, std::uint32_t e) {
    if (out.cost[other] + costs[e] >= out.cost[node]) return;
    out.cost[node] = out.cost[other] + costs[e];
    out.edge[node] = e;
  };
  if (from_source) {
    for (const std::uint32_t v : order_) {
      for (const std::uint32_t e : leaving(v)) relax(spec_.edges[e].to, v, e);
    }
  } else {
    for (auto v = order_.rbegin(); v != order_.rend(); ++v) {
      if (*v == spec_.sink) continue;
      for (const std::uint32_t e : leaving(*v)) relax(*v, spec_.edges[e].to, e);
    }
  }
  return out;
}

Action DagPaths::best(std::span<const double> costs) const {
  const Shortest to_sink = shortest(costs, false);
  Action out;
  for (std::uint32_t v = spec_.source; v != spec_.sink; v = spec_.edges[out.back()].to) out.push_back(to_sink.edge[v]);
  return out;
}

bool DagPaths::contains(std::span<const std::uint32_t> action) const {
  std::uint32_t at = spec_.source;
  for (const std::uint32_t e : action) {
    if (e >= spec_.edges.size() || spec_.edges[e].from != at || at == spec_.sink) return false;
    at = spec_.edges[e].to;
  }
  return at == spec_.sink;
}

Action DagPaths::covering(std::uint32_t atom) const {
  const std::vector<double> ones(spec_.edges.size(), 1.0);
  const Shortest before = shortest(ones, true), after = shortest(ones, false);
  Action out;
  for (std::uint32_t v = spec_.edges[atom].from; v != spec_.source; v = spec_.edges[out.back()].from) {
    out.push_back(before.edge[v]);
  }
  std::ranges::reverse(out);
  out.push_back(atom);
  for (std::uint32_t v = spec_.edges[atom].to; v != spec_.sink; v = spec_.edges[out.back()].to) {
    out.push_back(after.edge[v]);
  }
  return out;
}

}  // namespace bursar::explore
