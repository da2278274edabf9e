#include "bursar/plan/value_tree.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <string>

namespace bursar::plan {
namespace {

namespace json = boost::json;

constexpr double kMostExponent = 200;

Result<void> check(const ValueTreeSetup& setup) {
  const ValueTreeOptions& o = setup.options;
  if (!(setup.calls >= 0) || !(setup.tokens >= 0) || !std::isfinite(setup.calls) || !std::isfinite(setup.tokens))
    return invalid_argument("calls and tokens must be finite and at least 0");
  if (!(o.hops >= 1)) return invalid_argument("hops is " + std::to_string(o.hops) + "; it must be at least 1");
  if (!(o.root_value > 0 && o.root_value <= 1)) return invalid_argument("root_value must be in (0, 1]");
  if (!(o.least_value > 0 && o.least_value <= o.root_value))
    return invalid_argument("least_value must be in (0, root_value]");
  if (!(o.penalty > 0 && o.penalty <= 1)) return invalid_argument("penalty must be in (0, 1]");
  if (!(o.answer_tokens >= 0)) return invalid_argument("answer_tokens must be at least 0");
  return {};
}

}  // namespace

std::vector<double> selection_shares(std::span<const double> values, double remaining) {
  std::vector<double> out;
  if (values.empty()) return out;
  const double exponent = std::min(kMostExponent, 1 / std::max(remaining, 1e-300));
  const double most = *std::ranges::max_element(values);
  double sum = 0;
  for (const double v : values) sum += out.emplace_back(std::exp((std::log(v) - std::log(most)) * exponent));
  for (double& share : out) share /= sum;
  return out;
}

Result<double> steps_bound(double p, int progress, double error) {
  if (!(p > 0 && p <= 1)) return invalid_argument("p must be in (0, 1]");
  if (progress < 1) return invalid_argument("progress must be at least 1");
  if (!(error > 0 && error < 1)) return invalid_argument("error must be in (0, 1)");
  const double l = std::log(1 / error), k = progress;
  return std::ceil((k + std::sqrt(2 * k * l) + 2 * l) / p);
}

Result<ValueTreeSearch> ValueTreeSearch::make(const ValueTreeSetup& setup) {
  if (auto ok = check(setup); !ok) return tl::unexpected(ok.error());
  return ValueTreeSearch(setup);
}

ValueTreeSearch::ValueTreeSearch(const ValueTreeSetup& setup)
    : setup_(setup), random_(RandomStream(setup.seed).split("value-tree")) {
  nodes_.push_back({.value = setup.options.root_value});
}

double ValueTreeSearch::remaining() const {
  const auto left = [](double budget, double spent) {
    return budget > 0 ? std::clamp(1 - spent / budget, 0.0, 1.0) : 0;
  };
  return std::min(left(setup_.calls, calls_), left(setup_.tokens, tokens_));
}

std::optional<NodeId> ValueTreeSearch::best(bool finished) const {
  std::optional<NodeId> out;
  for (NodeId i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].finished == finished && (!out || nodes_[i].value > nodes_[*out].value)) out = i;
  }
  return out;
}

TreeAction ValueTreeSearch::draw() {
  std::vector<NodeId> open;
  std::vector<double> values;
  for (NodeId i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].finished || nodes_[i].closed) continue;
    open.push_back(i);
    values.push_back(nodes_[i].value);
  }
  const auto finished = best(true);
  const double left = remaining();
  const bool stop = finished && nodes_[*finished].value >= setup_.options.stop_value;
  const bool broke = left <= 0 || setup_.tokens - tokens_ <= setup_.options.answer_tokens;
  if (stop || broke || open.empty()) {
    if (finished) return {.kind = TreeAction::Kind::kAnswer, .node = *finished, .remaining = left};
    return {.kind = TreeAction::Kind::kForce, .node = *best(false), .remaining = left};
  }
  using Exponent = ValueTreeOptions::Exponent;
  const double r = setup_.options.exponent == Exponent::kOne      ? 1
                   : setup_.options.exponent == Exponent::kGreedy ? 1e-9
                                                                  : left;
  const std::vector<double> shares = selection_shares(values, r);
  double u = random_.uniform01();
  std::size_t k = 0;
  while (k + 1 < shares.size() && u >= shares[k]) u -= shares[k++];
  return {.kind = TreeAction::Kind::kExpand, .node = open[k], .probability = shares[k], .remaining = left};
}

TreeAction ValueTreeSearch::next() {
  if (!open_) open_ = draw();
  return *open_;
}

Result<std::optional<NodeId>> ValueTreeSearch::report(const StepReport& step) {
  if (!open_ || open_->kind != TreeAction::Kind::kExpand)
    return invalid_argument("no step was asked for; next() says what to do");
  if (!std::isfinite(step.gain))
    return invalid_argument("the gain of a step from node " + std::to_string(open_->node) + " is not finite");
  if (!(step.calls >= 0) || !(step.tokens >= 0) || !std::isfinite(step.calls) || !std::isfinite(step.tokens))
    return invalid_argument("the costs of a step must be finite and at least 0");
  const ValueTreeOptions& o = setup_.options;
  const TreeAction taken = *std::exchange(open_, std::nullopt);
  calls_ += step.calls;
  tokens_ += step.tokens;
  drawn_.push_back({taken.node, taken.probability, taken.remaining, step.gain, step.calls, step.tokens});
  nodes_[taken.node].closed |= step.exhausted;
  const Node parent = nodes_[taken.node];
  if (step.gain <= (o.absolute_critic ? 0 : o.least_gain / o.hops)) {
    nodes_[taken.node].value = std::max(o.least_value, o.penalty * parent.value);
    return std::optional<NodeId>();
  }
  const double value = o.absolute_critic ? step.gain : parent.value + step.gain;
  nodes_.push_back({.parent = taken.node,
                    .value = std::clamp(value, o.least_value, 1.0),
                    .depth = parent.depth + 1,
                    .finished = step.finished});
  return std::optional<NodeId>(nodes_.size() - 1);
}

json::object ValueTreeSearch::trace() const {
  json::array nodes, steps;
  for (const Node& node : nodes_)
    nodes.push_back(
        {{"parent", node.parent}, {"value", node.value}, {"depth", node.depth}, {"finished", node.finished}});
  for (const Drawn& d : drawn_)
    steps.push_back({{"node", d.node},
                     {"probability", d.probability},
                     {"remaining", d.remaining},
                     {"gain", d.gain},
                     {"calls", d.calls},
                     {"tokens", d.tokens}});
  return {{"nodes", std::move(nodes)}, {"steps", std::move(steps)}, {"calls", calls_}, {"tokens", tokens_}};
}

}  // namespace bursar::plan
