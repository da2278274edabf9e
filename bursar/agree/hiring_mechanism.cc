#include "bursar/agree/hiring_mechanism.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "bursar/agree/number_text.h"
#include "bursar/allocate/linear_program.h"

namespace bursar::agree {
namespace {

using allocate::LinearProgram;
constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr double kNoChance = 1e-15;  // of a cell of a law
constexpr double kNoDraw = 1e-9;     // of an effort profile: the rounding of the simplex method
constexpr double kTie = 1e-9;
constexpr double kMostEntries = 3e6;

// A linear program that is written row by row; the solver wants columns.
class Rows {
 public:
  explicit Rows(std::size_t columns) : entries_(columns) {
    program_.objective.assign(columns, 0);
    program_.upper.assign(columns, kInfinite);
  }
  std::size_t row(double lower, double upper) {
    program_.row_lower.push_back(lower);
    program_.row_upper.push_back(upper);
    return program_.row_upper.size() - 1;
  }
  void add(std::size_t row, std::size_t column, double value) {
    if (value != 0) entries_[column].push_back({static_cast<int>(row), value});
  }
  double& objective(std::size_t column) { return program_.objective[column]; }
  double& upper(std::size_t column) { return program_.upper[column]; }

  [[nodiscard]] Result<allocate::LinearSolution> solve(int max_iterations) {
    program_.start.assign(1, 0);
    for (auto& column : entries_) {
      std::ranges::sort(column, {}, &Entry::row);
      for (std::size_t k = 0; k < column.size(); ++k) {
        // A row may have named a column twice.
        if (k > 0 && column[k].row == column[k - 1].row) {
          program_.element.back() += column[k].value;
          continue;
        }
        program_.row.push_back(column[k].row);
        program_.element.push_back(column[k].value);
      }
      program_.start.push_back(static_cast<int>(program_.row.size()));
    }
    return allocate::maximise(program_, max_iterations);
  }

 private:
  struct Entry {
    int row;
    double value;
  };
  LinearProgram program_;
  std::vector<std::vector<Entry>> entries_;
};

// Algorithm A. Columns: mu, then y agent by agent, then z, then (with own_share) the part of y that hangs on the own
// report alone.
class MechanismProgram {
 public:
  MechanismProgram(const HiringGame& game, const HiringShape& shape, const MechanismOptions& options)
      : game_(game), shape_(shape), options_(options), best_(best_actions(shape, game.joint, game.utility)) {
    std::size_t columns = shape.efforts.size() + shape.agents() * shape.cells();
    for (std::size_t i = 0; i < shape.agents(); ++i) {
      z_.push_back(columns);
      columns += efforts(i) * efforts(i) * signals(i);
    }
    for (std::size_t i = 0; i < shape.agents() && options.own_share > 0; ++i) {
      own_.push_back(columns);
      columns += shape.efforts.size() * signals(i) * shape.states;
    }
    columns_ = columns;
  }

  [[nodiscard]] Result<Mechanism> solve() {
    Rows rows(columns_);
    const std::size_t draw = rows.row(1, 1);
    for (std::size_t b = 0; b < shape_.efforts.size(); ++b) {
      rows.objective(b) = best_.worth[b];
      rows.upper(b) = 1;
      rows.add(draw, b, 1);
    }
    for (std::size_t i = 0; i < shape_.agents(); ++i) {
      cap(rows, i);
      for (std::size_t told = 0; told < efforts(i); ++told) {
        for (std::size_t other = 0; other < efforts(i); ++other) {
          obey(rows, i, told, other);
          report(rows, i, told, other);
        }
      }
      if (!own_.empty()) share(rows, i);
    }
    auto solved = rows.solve(options_.max_iterations);
    if (!solved) return tl::unexpected(with_context("the optimal mechanism", solved.error()));
    return recover(solved->x);
  }

 private:
  [[nodiscard]] std::size_t efforts(std::size_t i) const { return shape_.efforts.size_of(i); }
  [[nodiscard]] std::size_t signals(std::size_t i) const { return shape_.signals.size_of(i); }
  [[nodiscard]] std::size_t y(std::size_t i, std::size_t cell) const {
    return shape_.efforts.size() + i * shape_.cells() + cell;
  }
  [[nodiscard]] std::size_t z(std::size_t i, std::size_t told, std::size_t other, std::size_t signal) const {
    return z_[i] + (told * efforts(i) + other) * signals(i) + signal;
  }
  [[nodiscard]] std::size_t own(std::size_t i, std::size_t b, std::size_t signal, std::size_t theta) const {
    return own_[i] + (b * signals(i) + signal) * shape_.states + theta;
  }
  template <class F>
  void each_cell(std::size_t b, F f) const {
    for (std::size_t s = 0; s < shape_.signals.size(); ++s) {
      for (std::size_t theta = 0; theta < shape_.states; ++theta) f(s, theta, shape_.cell(b, s, theta));
    }
  }

  // What is never paid to those who obey can only reward those who do not: such a y stays 0. It may have to be more
  // where pay hangs on the own report alone, whatever the others say.
  [[nodiscard]] bool stays_zero(std::size_t cell) const { return own_.empty() && game_.joint[cell] <= kNoChance; }
  void cap(Rows& rows, std::size_t i) const {
    for (std::size_t b = 0; b < shape_.efforts.size(); ++b) {
      each_cell(b, [&](std::size_t, std::size_t, std::size_t cell) {
        const double p = game_.joint[cell];
        rows.objective(y(i, cell)) = -p;
        if (stays_zero(cell)) {
          rows.upper(y(i, cell)) = 0;
          return;
        }
        const std::size_t row = rows.row(-kInfinite, 0);
        rows.add(row, y(i, cell), 1);
        rows.add(row, b, -game_.pay_cap);
      });
    }
  }

  void obey(Rows& rows, std::size_t i, std::size_t told, std::size_t other) const {
    const auto& cost = game_.agents[i].costs;
    const std::size_t row = rows.row(0, kInfinite);
    for (std::size_t b = 0; b < shape_.efforts.size(); ++b) {
      if (shape_.efforts.digit(b, i) != told) continue;
      rows.add(row, b, cost[other] - cost[told] - (other == told ? 0 : options_.ic_margin));
      each_cell(b, [&](std::size_t, std::size_t, std::size_t cell) { rows.add(row, y(i, cell), game_.joint[cell]); });
    }
    for (std::size_t signal = 0; signal < signals(i); ++signal) rows.add(row, z(i, told, other, signal), -1);
  }

  void report(Rows& rows, std::size_t i, std::size_t told, std::size_t other) const {
    for (std::size_t signal = 0; signal < signals(i); ++signal) {
      for (std::size_t said = 0; said < signals(i); ++said) {
        const std::size_t row = rows.row(0, kInfinite);
        rows.add(row, z(i, told, other, signal), 1);
        for (std::size_t b = 0; b < shape_.efforts.size(); ++b) {
          if (shape_.efforts.digit(b, i) != told) continue;
          const std::size_t chosen = shape_.efforts.with(b, i, other);
          each_cell(chosen, [&](std::size_t s, std::size_t theta, std::size_t cell) {
            if (shape_.signals.digit(s, i) != signal || game_.joint[cell] <= kNoChance) return;
            rows.add(row, y(i, shape_.cell(b, shape_.signals.with(s, i, said), theta)), -game_.joint[cell]);
          });
        }
      }
    }
  }

  // y >= w, which hangs on (b, s_i, theta) alone, and w carries own_share of the expected pay.
  void share(Rows& rows, std::size_t i) const {
    const std::size_t total = rows.row(0, kInfinite);
    for (std::size_t b = 0; b < shape_.efforts.size(); ++b) {
      each_cell(b, [&](std::size_t s, std::size_t theta, std::size_t cell) {
        const double p = game_.joint[cell];
        const std::size_t w = own(i, b, shape_.signals.digit(s, i), theta), row = rows.row(0, kInfinite);
        rows.add(row, y(i, cell), 1);
        rows.add(row, w, -1);
        rows.add(total, w, p);
        rows.add(total, y(i, cell), -p * options_.own_share);
      });
    }
  }

  [[nodiscard]] Mechanism recover(const std::vector<double>& x) const {
    const std::size_t profiles = shape_.efforts.size();
    Mechanism out{.shape = shape_,
                  .mu{x.begin(), x.begin() + static_cast<std::ptrdiff_t>(profiles)},
                  .pay = std::vector(shape_.agents(), std::vector<double>(shape_.cells())),
                  .act = best_.act};
    double sum = 0;
    for (double& m : out.mu) sum += m = m < kNoDraw ? 0 : m;
    for (double& m : out.mu) m /= sum;
    for (std::size_t b = 0; b < profiles; ++b) {
      if (out.mu[b] == 0) continue;
      out.value += out.mu[b] * best_.worth[b];
      each_cell(b, [&](std::size_t, std::size_t, std::size_t cell) {
        for (std::size_t i = 0; i < shape_.agents(); ++i) {
          const double gamma = std::clamp(x[y(i, cell)] / (out.mu[b] * sum), 0.0, game_.pay_cap);
          out.pay[i][cell] = gamma;
          out.expected_pay += out.mu[b] * game_.joint[cell] * gamma;
        }
      });
    }
    out.value -= out.expected_pay;
    return out;
  }

  const HiringGame& game_;
  const HiringShape& shape_;
  const MechanismOptions& options_;
  const BestActions best_;
  std::vector<std::size_t> z_, own_;
  std::size_t columns_ = 0;
};

// The cheapest pay by own report and theta that makes `effort` and the truth a best response of one agent.
Result<std::vector<double>> cheapest_rule(const HiringGame& game, const HiringShape& shape, std::size_t agent,
                                          std::size_t effort) {
  const std::size_t signals = shape.signals.size_of(agent), states = shape.states;
  const auto& cost = game.agents[agent].costs;
  const std::size_t cells = signals * states;
  Rows rows(cells + cost.size() * signals);
  const auto z = [&](std::size_t other, std::size_t signal) { return cells + other * signals + signal; };
  const std::vector<double> law = own_law(game, shape, agent, effort);
  for (std::size_t k = 0; k < cells; ++k) {
    rows.objective(k) = -law[k];
    rows.upper(k) = law[k] <= kNoChance ? 0 : game.pay_cap;
  }
  for (std::size_t other = 0; other < cost.size(); ++other) {
    const std::vector<double> there = own_law(game, shape, agent, other);
    const std::size_t obey = rows.row(cost[effort] - cost[other], kInfinite);
    for (std::size_t k = 0; k < cells; ++k) rows.add(obey, k, law[k]);
    for (std::size_t signal = 0; signal < signals; ++signal) {
      rows.add(obey, z(other, signal), -1);
      for (std::size_t said = 0; said < signals; ++said) {
        const std::size_t row = rows.row(0, kInfinite);
        rows.add(row, z(other, signal), 1);
        for (std::size_t theta = 0; theta < states; ++theta)
          rows.add(row, said * states + theta, -there[signal * states + theta]);
      }
    }
  }
  auto solved = rows.solve(0);
  if (!solved) return tl::unexpected(solved.error());
  solved->x.resize(cells);
  for (double& x : solved->x) x = std::clamp(x, 0.0, game.pay_cap);
  return std::move(solved->x);
}

// worth[other][signal][said]: expected pay of an agent who was told `told`, together with the chance of being told so.
std::vector<double> worth_of_reports(const HiringGame& game, const Mechanism& m, std::size_t agent, std::size_t told) {
  const HiringShape& shape = m.shape;
  const std::size_t efforts = shape.efforts.size_of(agent), signals = shape.signals.size_of(agent);
  std::vector<double> worth(efforts * signals * signals);
  for (std::size_t b = 0; b < shape.efforts.size(); ++b) {
    if (shape.efforts.digit(b, agent) != told || m.mu[b] == 0) continue;
    for (std::size_t other = 0; other < efforts; ++other) {
      const std::size_t chosen = shape.efforts.with(b, agent, other);
      for (std::size_t s = 0; s < shape.signals.size(); ++s) {
        const std::size_t row = (other * signals + shape.signals.digit(s, agent)) * signals;
        for (std::size_t theta = 0; theta < shape.states; ++theta) {
          const double p = m.mu[b] * game.joint[shape.cell(chosen, s, theta)];
          if (p == 0) continue;
          for (std::size_t said = 0; said < signals; ++said)
            worth[row + said] += p * m.pay[agent][shape.cell(b, shape.signals.with(s, agent, said), theta)];
        }
      }
    }
  }
  return worth;
}

double chance_of(const Mechanism& m, std::size_t agent, std::size_t told) {
  double sum = 0;
  for (std::size_t b = 0; b < m.mu.size(); ++b) sum += m.shape.efforts.digit(b, agent) == told ? m.mu[b] : 0;
  return sum;
}

Response respond(const HiringGame& game, const Mechanism& m, std::size_t agent, std::size_t told, double tie) {
  const std::size_t signals = m.shape.signals.size_of(agent);
  const auto& cost = game.agents[agent].costs;
  const std::vector<double> worth = worth_of_reports(game, m, agent, told);
  const double chance = chance_of(m, agent, told);
  double obeying = -chance * cost[told];
  Response out{.effort = told, .report = std::vector<std::size_t>(signals)};
  for (std::size_t signal = 0; signal < signals; ++signal) {
    out.report[signal] = signal;
    obeying += worth[(told * signals + signal) * signals + signal];
  }
  for (std::size_t other = 0; other < cost.size(); ++other) {
    double sum = -chance * cost[other];
    std::vector<std::size_t> said(signals);
    for (std::size_t signal = 0; signal < signals; ++signal) {
      const double* row = worth.data() + (other * signals + signal) * signals;
      std::size_t best = signal;
      for (std::size_t k = 0; k < signals; ++k) best = row[k] > row[best] + tie ? k : best;
      said[signal] = best;
      sum += row[best];
    }
    if (sum - obeying <= std::max(out.gain, tie)) continue;
    out = {.effort = other, .report = std::move(said), .gain = sum - obeying};
  }
  return out;
}

// An agent's every report after every deviation is an entry: what a small game of one agent with many efforts and
// signals has by the billion.
Result<void> check_entries(const HiringShape& shape) {
  double entries = 0;
  for (std::size_t i = 0; i < shape.agents(); ++i)
    entries +=
        static_cast<double>(shape.efforts.size_of(i) * shape.signals.size_of(i)) * static_cast<double>(shape.cells());
  if (entries <= kMostEntries) return {};
  return invalid_argument("the game is too large: its linear program has about " + to_short(entries) +
                          " entries, and at most " + to_short(kMostEntries) + " are taken");
}

}  // namespace

Result<Mechanism> optimal_mechanism(const HiringGame& game, const MechanismOptions& options) {
  const auto shape = check(game, options.tolerance);
  if (!shape) return tl::unexpected(shape.error());
  if (auto ok = check_entries(*shape); !ok) return tl::unexpected(ok.error());
  if (!std::isfinite(options.ic_margin) || !(options.own_share >= 0 && options.own_share <= 1)) {
    return invalid_argument("ic_margin is " + to_text(options.ic_margin) + " and own_share " +
                            to_text(options.own_share) + "; a finite margin and a share from 0 to 1 are needed");
  }
  return MechanismProgram(game, *shape, options).solve();
}

Result<FixedMechanism> best_uncorrelated(const HiringGame& game) {
  const auto shape = check(game);
  if (!shape) return tl::unexpected(shape.error());
  if (auto ok = check_entries(*shape); !ok) return tl::unexpected(ok.error());
  std::vector<std::vector<std::vector<double>>> rule(shape->agents());
  std::vector<std::vector<double>> pay(shape->agents());
  for (std::size_t i = 0; i < shape->agents(); ++i) {
    for (std::size_t effort = 0; effort < shape->efforts.size_of(i); ++effort) {
      auto cheapest = cheapest_rule(game, *shape, i, effort);
      if (!cheapest && cheapest.error().code != ErrorCode::kInfeasible) return tl::unexpected(cheapest.error());
      rule[i].push_back(cheapest ? std::move(*cheapest) : std::vector<double>{});
      const std::vector<double> law = own_law(game, *shape, i, effort);
      double sum = rule[i].back().empty() ? kInfinite : 0;
      for (std::size_t k = 0; k < rule[i].back().size(); ++k) sum += law[k] * rule[i].back()[k];
      pay[i].push_back(sum);
    }
  }
  const BestActions best = best_actions(*shape, game.joint, game.utility);
  FixedMechanism out{.value = -kInfinite};
  for (std::size_t b = 0; b < shape->efforts.size(); ++b) {
    double sum = 0;
    for (std::size_t i = 0; i < shape->agents(); ++i) sum += pay[i][shape->efforts.digit(b, i)];
    if (best.worth[b] - sum <= out.value) continue;
    out.efforts = b;
    out.value = best.worth[b] - sum;
    out.expected_pay = sum;
  }
  if (out.value == -kInfinite) return fail(ErrorCode::kInfeasible, "no profile of efforts can be paid for");
  for (std::size_t i = 0; i < shape->agents(); ++i) out.pay.push_back(rule[i][shape->efforts.digit(out.efforts, i)]);
  const auto first = best.act.begin() + static_cast<std::ptrdiff_t>(out.efforts * shape->signals.size());
  out.act.assign(first, first + static_cast<std::ptrdiff_t>(shape->signals.size()));
  return out;
}

Mechanism as_mechanism(const HiringGame& game, const FixedMechanism& fixed) {
  const HiringShape shape = shape_of(game).value();
  Mechanism out{.shape = shape,
                .mu = std::vector<double>(shape.efforts.size()),
                .pay = std::vector(shape.agents(), std::vector<double>(shape.cells())),
                .act = best_actions(shape, game.joint, game.utility).act,
                .value = fixed.value,
                .expected_pay = fixed.expected_pay};
  out.mu[fixed.efforts] = 1;
  for (std::size_t s = 0; s < shape.signals.size(); ++s) {
    out.act[fixed.efforts * shape.signals.size() + s] = fixed.act[s];
    for (std::size_t theta = 0; theta < shape.states; ++theta) {
      for (std::size_t i = 0; i < shape.agents(); ++i)
        out.pay[i][shape.cell(fixed.efforts, s, theta)] =
            fixed.pay[i][shape.signals.digit(s, i) * shape.states + theta];
    }
  }
  return out;
}

Response best_response(const HiringGame& game, const Mechanism& mechanism, std::size_t agent, std::size_t told) {
  return respond(game, mechanism, agent, told, kTie);
}

double max_deviation_gain(const HiringGame& game, const Mechanism& mechanism) {
  double most = 0;
  for (std::size_t i = 0; i < mechanism.shape.agents(); ++i) {
    for (std::size_t told = 0; told < mechanism.shape.efforts.size_of(i); ++told)
      most = std::max(most, respond(game, mechanism, i, told, 0).gain);
  }
  return most;
}

}  // namespace bursar::agree
