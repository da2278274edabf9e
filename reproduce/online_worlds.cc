#include "reproduce/online_worlds.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>
#include <numbers>

#include "bursar/admit/policies.h"
#include "bursar/core/json.h"

namespace bursar::reproduce {
namespace {

constexpr std::size_t kResources = 4, kOptions = 3;
constexpr double kRho[kResources] = {.15, .20, .25, .30};

// Level of the rewards over time, where the world has one.
class Level {
 public:
  Level(World world, std::size_t requests, RandomStream random) : world_(world), requests_(requests), random_(random) {}

  double next(std::size_t t) {
    const double x = static_cast<double>(t), whole = static_cast<double>(requests_);
    const auto wave = [&](double period) { return 1 + .6 * std::sin(2 * std::numbers::pi * x / period); };
    switch (world_) {
      case World::kShortPeriod: return wave(50);
      case World::kLongPeriod: return wave(whole / 4);
      case World::kErgodic:
        if (t == 0 || random_.bernoulli(.02))
          level_ = .4 + .6 * static_cast<double>(random_.uniform_int(std::uint64_t{3}));
        return level_;
      case World::kDrift: return .3 + 1.4 * x / whole;
      default: return 1;
    }
  }

 private:
  World world_;
  std::size_t requests_;
  RandomStream random_;
  double level_ = 1;
};

std::size_t corrupted_requests(World world, std::size_t requests) {
  if (world == World::kCorrupted2) return requests / 50;
  return world == World::kCorrupted10 ? requests / 10 : 0;
}

}  // namespace

Request Stream::at(std::size_t t) const {
  const std::size_t m = budget.size();
  return {.rewards = std::span(rewards).subspan(t * width, width),
          .costs = std::span(costs).subspan(t * width * m, width * m)};
}

Stream draw_stream(World world, std::size_t requests, RandomStream random) {
  Stream stream{.width = kOptions};
  for (const double rho : kRho) stream.budget.push_back(rho * static_cast<double>(requests));
  stream.rewards.reserve(requests * kOptions);
  stream.costs.reserve(requests * kOptions * kResources);
  Level level(world, requests, random.split("level"));
  RandomStream draw = random.split("requests"), bad = random.split("corrupted");
  const std::size_t from = requests / 3, to = from + corrupted_requests(world, requests);
  for (std::size_t t = 0; t < requests; ++t) {
    const double factor = level.next(t);
    for (std::size_t k = 0; k < kOptions; ++k) {
      double mean = 0;
      for (std::size_t j = 0; j < kResources; ++j) {
        const double size = draw.uniform01(), b = draw.bernoulli(.6) ? size : 0;
        stream.costs.push_back(t >= from && t < to ? 1 : b);
        mean += b / kResources;
      }
      const double u1 = draw.uniform01(), u2 = draw.uniform01();
      stream.rewards.push_back(t >= from && t < to ? bad.uniform(1, 1.1) : factor * (.5 * u1 + .5 * mean * u2));
    }
  }
  return stream;
}

Stream adversary(double rho, std::size_t blocks, std::size_t stop, std::size_t requests) {
  Stream stream{.width = 1, .budget = {rho * static_cast<double>(requests)}};
  for (std::size_t t = 0; t < requests; ++t) {
    const std::size_t block = t * blocks / requests;
    stream.rewards.push_back(block < stop ? std::pow(1.5, static_cast<double>(block) - static_cast<double>(blocks - 1))
                                          : 0);
    stream.costs.push_back(1);
  }
  return stream;
}

namespace {

Result<std::unique_ptr<Policy>> policy_for(const std::string& words, const Stream& stream) {
  auto parsed = parse_policy_words(words);
  if (!parsed) return tl::unexpected(parsed.error());
  auto entry = policy_named(admit::policies(), parsed->name);
  if (!entry) return tl::unexpected(entry.error());
  return make_policy(**entry, {.budget = stream.budget, .horizon = stream.size(), .parameters = parsed->parameters});
}

Result<void> check_spent(const std::string& words, const Stream& stream, std::span<const double> spent) {
  for (std::size_t j = 0; j < spent.size(); ++j) {
    if (spent[j] > stream.budget[j] * (1 + 1e-12)) return fail(ErrorCode::kInternal, words + " overspent a budget");
  }
  return {};
}

}  // namespace

Result<double> run_stream(const std::string& words, const Stream& stream, std::vector<double>* finish) {
  auto policy = policy_for(words, stream);
  if (!policy) return tl::unexpected(policy.error());
  std::vector<double> spent(stream.budget.size(), 0.0);
  double earned = 0;
  for (std::size_t t = 0; t < stream.size(); ++t) {
    const Request request = stream.at(t);
    auto d = (*policy)->decide(request);
    if (!d) return tl::unexpected(d.error());
    if (!d->option) continue;
    earned += request.rewards[*d->option];
    for (std::size_t j = 0; j < spent.size(); ++j) spent[j] += request.costs[*d->option * spent.size() + j];
    if (auto ok = (*policy)->observe(d->id, {}); !ok) return tl::unexpected(ok.error());
  }
  if (auto ok = check_spent(words, stream, spent); !ok) return tl::unexpected(ok.error());
  if (finish != nullptr) finish->assign((*policy)->prices().begin(), (*policy)->prices().end());
  return earned;
}

Result<double> run_estimated(const std::string& words, const Stream& stream, std::size_t delay, RandomStream random) {
  auto policy = policy_for(words, stream);
  if (!policy) return tl::unexpected(policy.error());
  const std::size_t m = stream.budget.size();
  std::vector<double> spent(m, 0.0);
  std::deque<std::pair<DecisionId, std::vector<double>>> late;
  double earned = 0;
  for (std::size_t t = 0; t < stream.size(); ++t) {
    Request request = stream.at(t);
    const auto real = request.costs;
    std::vector<double> guess(real.size()), most(real.size());
    for (std::size_t i = 0; i < real.size(); ++i) {
      guess[i] = real[i] / random.uniform(.5, 1.5);
      most[i] = 2 * guess[i];
    }
    request.costs = guess;
    request.holds = most;
    auto d = (*policy)->decide(request);
    if (!d) return tl::unexpected(d.error());
    if (d->option) {
      const auto cost = real.subspan(*d->option * m, m);
      earned += request.rewards[*d->option];
      for (std::size_t j = 0; j < m; ++j) spent[j] += cost[j];
      late.emplace_back(d->id, std::vector<double>(cost.begin(), cost.end()));
    }
    // An id is the count of requests before its own.
    while (delay != kNeverTold && !late.empty() && late.front().first + delay <= t) {
      if (auto ok = (*policy)->observe(late.front().first, {.costs = late.front().second}); !ok)
        return tl::unexpected(ok.error());
      late.pop_front();
    }
  }
  if (auto ok = check_spent(words, stream, spent); !ok) return tl::unexpected(ok.error());
  return earned;
}

namespace {

Result<admit::DualPrices> dual_of(const Stream& stream, std::size_t requests) {
  admit::RequestSample sample(stream.budget.size());
  for (std::size_t t = 0; t < requests; ++t) sample.add(stream.at(t));
  std::vector<double> budget = stream.budget;
  for (double& b : budget) b *= static_cast<double>(requests) / static_cast<double>(stream.size());
  return sample.dual(budget);
}

}  // namespace

Result<double> hindsight(const Stream& stream) {
  return dual_of(stream, stream.size()).map([](const admit::DualPrices& dual) { return dual.bound; });
}

Result<std::vector<double>> early_prices(const Stream& stream, double share) {
  const auto requests = static_cast<std::size_t>(share * static_cast<double>(stream.size()));
  return dual_of(stream, std::max<std::size_t>(requests, 1)).map([](const admit::DualPrices& dual) {
    return dual.prices;
  });
}

std::string static_policy(std::span<const double> prices) {
  std::string out = "static-prices:prices=[";
  for (std::size_t j = 0; j < prices.size(); ++j) out += (j == 0 ? "" : ";") + to_json(boost::json::value(prices[j]));
  return out + "]";
}

}  // namespace bursar::reproduce
