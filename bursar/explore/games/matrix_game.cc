#include "bursar/explore/games/matrix_game.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "bursar/explore/adversarial/hedge.h"
#include "bursar/explore/games/mixed_strategy.h"

namespace bursar::explore {
namespace {

Result<void> check(const MatrixGame& game) {
  if (game.rows == 0 || game.columns == 0 || game.payoff.size() / game.rows != game.columns ||
      game.payoff.size() % game.rows != 0) {
    return invalid_argument("payoff: has " + std::to_string(game.payoff.size()) + " numbers; must be rows x columns, " +
                            std::to_string(game.rows) + " x " + std::to_string(game.columns));
  }
  for (std::size_t k = 0; k < game.payoff.size(); ++k) {
    if (!std::isfinite(game.payoff[k])) {
      return invalid_argument("payoff: row " + std::to_string(k / game.columns) + ", column " +
                              std::to_string(k % game.columns) + " must be a finite number");
    }
  }
  return {};
}

std::vector<double> row_payoffs(const MatrixGame& game, std::span<const double> column) {  // M q
  std::vector<double> out(game.rows, 0.0);
  for (std::size_t i = 0; i < game.rows; ++i) {
    for (std::size_t j = 0; j < game.columns; ++j) out[i] += game.payoff[i * game.columns + j] * column[j];
  }
  return out;
}

std::vector<double> column_payoffs(const MatrixGame& game, std::span<const double> row) {  // p M
  std::vector<double> out(game.columns, 0.0);
  for (std::size_t i = 0; i < game.rows; ++i) {
    for (std::size_t j = 0; j < game.columns; ++j) out[j] += row[i] * game.payoff[i * game.columns + j];
  }
  return out;
}

std::vector<double> pure(std::size_t actions, std::size_t action) {
  std::vector<double> out(actions, 0.0);
  out[action] = 1;
  return out;
}

std::size_t place_of_least(std::span<const double> numbers) {
  return static_cast<std::size_t>(std::ranges::min_element(numbers) - numbers.begin());
}

}  // namespace

Result<double> duality_gap(const MatrixGame& game, std::span<const double> row, std::span<const double> column) {
  if (auto ok = check(game); !ok) return tl::unexpected(ok.error());
  if (row.size() != game.rows || column.size() != game.columns) {
    return invalid_argument("strategies: have " + std::to_string(row.size()) + " and " + std::to_string(column.size()) +
                            " entries for a game of " + std::to_string(game.rows) + " x " +
                            std::to_string(game.columns));
  }
  return std::ranges::max(row_payoffs(game, column)) - std::ranges::min(column_payoffs(game, row));
}

Result<Play> no_regret_play(const MatrixGame& game, const PlayOptions& options) {
  if (auto ok = check(game); !ok) return tl::unexpected(ok.error());
  if (options.rounds == 0) return invalid_argument("rounds: must be at least 1");
  auto row = MixedStrategy::create(game.rows, options.rounds, options.row_rate, options.row_start);
  if (!row) return tl::unexpected(with_context("row", row.error()));
  auto column = MixedStrategy::create(game.columns, options.rounds, options.column_rate, options.column_start);
  if (!column) return tl::unexpected(with_context("column", column.error()));
  const auto [low, high] = std::ranges::minmax(game.payoff);
  const double width = high > low ? high - low : 1;
  const RandomStream root(options.seed);

  Play out{.row = std::vector<double>(game.rows, 0.0), .column = std::vector<double>(game.columns, 0.0)};
  std::vector<double> cost;
  for (std::uint64_t t = 0; t < options.rounds; ++t) {
    std::vector<double> p = row->strategy(), q = column->strategy();
    if (options.sampled) {
      RandomStream random = root.split(t);
      p = pure(game.rows, index_at(p, 1, random.uniform01()));
      if (options.column == Opponent::kHedge) q = pure(game.columns, index_at(q, 1, random.uniform01()));
    }
    const std::vector<double> paid = column_payoffs(game, p);
    // The best response answers what the row player is about to do, strategy or action.
    if (options.column == Opponent::kBestResponse) q = pure(game.columns, place_of_least(paid));
    const std::vector<double> earned = row_payoffs(game, q);
    for (std::size_t i = 0; i < game.rows; ++i) out.row[i] += p[i], out.value += p[i] * earned[i];
    for (std::size_t j = 0; j < game.columns; ++j) out.column[j] += q[j];
    cost.assign(earned.begin(), earned.end());
    for (double& c : cost) c = std::clamp((high - c) / width, 0.0, 1.0);
    if (auto ok = row->learn(cost); !ok) return tl::unexpected(ok.error());
    cost.assign(paid.begin(), paid.end());
    for (double& c : cost) c = std::clamp((c - low) / width, 0.0, 1.0);
    if (auto ok = column->learn(cost); !ok) return tl::unexpected(ok.error());
  }
  const auto rounds = static_cast<double>(options.rounds);
  for (double& p : out.row) p /= rounds;
  for (double& q : out.column) q /= rounds;
  out.value /= rounds;
  out.low = std::ranges::min(column_payoffs(game, out.row));
  out.high = std::ranges::max(row_payoffs(game, out.column));
  out.gap = out.high - out.low;
  out.row_regret = (out.high - out.value) * rounds;
  out.column_regret = (out.value - out.low) * rounds;
  return out;
}

}  // namespace bursar::explore
