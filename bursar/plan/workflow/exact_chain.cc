#include "bursar/plan/workflow/exact_chain.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace bursar::plan {

ExactChain::ExactChain(std::vector<std::vector<ChainOption>> tasks, std::vector<int> samples)
    : tasks_(std::move(tasks)), samples_(std::move(samples)) {}

std::size_t ExactChain::at(const ChainState& state, int budget, int time) const {
  const auto columns = static_cast<std::size_t>(time) + 1, rows = static_cast<std::size_t>(budget) + 1;
  return (state.task * rows + static_cast<std::size_t>(state.budget)) * columns + static_cast<std::size_t>(state.time);
}

double ExactChain::after(const ChainState& state, PortfolioRule action, const Table& table, int budget,
                         int time) const {
  const ChainOption& option = tasks_[state.task][action.model];
  const int left = state.budget - action.samples * option.cost, until = state.time - option.time;
  if (left < 0 || until < 0) return 0;
  const double q = 1 - std::pow(1 - option.p, action.samples);
  return q * table[at({state.task + 1, left, until}, budget, time)] +
         (1 - q) * table[at({state.task, left, until}, budget, time)];
}

// Times are at least 1, so what follows a state has less time: filled from the least.
ExactChain::Table ExactChain::solve(int budget, int time,
                                    const std::function<double(const ChainState&, const Table&)>& of) const {
  Table table(at({tasks_.size(), budget, time}, budget, time) + 1, 0);
  for (int d = 0; d <= time; ++d) {
    for (int b = 0; b <= budget; ++b) {
      table[at({tasks_.size(), b, d}, budget, time)] = 1;
      for (std::size_t i = tasks_.size(); i-- > 0;) table[at({i, b, d}, budget, time)] = of({i, b, d}, table);
    }
  }
  return table;
}

std::vector<PortfolioRule> ExactChain::actions() const {
  std::vector<PortfolioRule> out;
  for (const int k : samples_) {
    for (std::size_t m = 0; m < tasks_.front().size(); ++m) out.push_back({.model = m, .samples = k});
  }
  return out;
}

double ExactChain::optimum(int budget, int time) const {
  const auto all = actions();
  const Table table = solve(budget, time, [&](const ChainState& state, const Table& so_far) {
    double best = 0;
    for (const PortfolioRule& action : all) best = std::max(best, after(state, action, so_far, budget, time));
    return best;
  });
  return table[at({0, budget, time}, budget, time)];
}

double ExactChain::rollout(int budget, int time) const {
  const auto all = actions();
  std::vector<Table> rules;
  for (const PortfolioRule& rule : all)
    rules.push_back(solve(budget, time, [&](const ChainState& state, const Table& so_far) {
      return after(state, rule, so_far, budget, time);
    }));
  const auto best_pair = [&](const ChainState& state) {
    PortfolioRule best = all.front();
    double most = -1;
    for (const PortfolioRule& action : all) {
      for (const Table& rule : rules) {
        const double q = after(state, action, rule, budget, time);
        if (q > most) best = action;
        most = std::max(most, q);
      }
    }
    return std::vector{Choice{.action = best}};
  };
  return value(budget, time, best_pair);
}

double ExactChain::value(int budget, int time, const Policy& policy) const {
  const Table table = solve(budget, time, [&](const ChainState& state, const Table& so_far) {
    double out = 0;
    for (const Choice& choice : policy(state)) out += choice.share * after(state, choice.action, so_far, budget, time);
    return out;
  });
  return table[at({0, budget, time}, budget, time)];
}

Result<Workflow> ExactChain::workflow() const {
  std::vector<Subtask> out;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    Subtask task{.id = "task-" + std::to_string(i)};
    if (i > 0) task.parents.push_back(i - 1);
    for (std::size_t m = 0; m < tasks_[i].size(); ++m)
      task.options.push_back({.model = "model-" + std::to_string(m),
                              .p = tasks_[i][m].p,
                              .latency = {.mean_ms = static_cast<double>(tasks_[i][m].time)},
                              .cost = {.usd = static_cast<double>(tasks_[i][m].cost)}});
    out.push_back(std::move(task));
  }
  return Workflow::make(std::move(out));
}

}  // namespace bursar::plan
