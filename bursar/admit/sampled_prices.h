// Prices from the linear program of the latest requests, solved now and then: what a static price is good for, renewed.
//
//   auto source = SampledPrices::make({.budget = {1e6, 40}, .horizon = 20'000}, {.sample = 1000});
//
// After `first` requests, and then at 2, 4, 8, … times as many (or every `every`), the dual of the latest `sample`
// requests is solved for what remains per request that remains; until the first, the initial prices hold. Choose it
// where a step of descent is hard to set and requests are few; descent is 1000 times cheaper and adapts at each
// request. Memory: the sample. Time: a linear program of `sample` requests a solve. Source: systems/dual-mirror-descent
// (the baseline "static price", with one solve).
#pragma once

#include <memory>
#include <vector>

#include "bursar/admit/price_source.h"
#include "bursar/admit/request_sample.h"

namespace bursar::admit {

struct SampledConfig {
  std::uint64_t first = 1;             // requests before the first solve, >= 1: until then nothing holds spending back
  std::uint64_t every = 0;             // requests between the later ones; 0: at doubled counts
  bool once = false;                   // the first solve is the last
  std::uint64_t sample = 1000;         // requests kept, 1 … 100,000
  std::vector<double> initial_prices;  // [resources]; empty: 0
};

class SampledPrices final : public PriceSource {
 public:
  // kInvalidArgument: horizon 0, counts of 0, arrays of another length.
  [[nodiscard]] static Result<std::unique_ptr<SampledPrices>> make(std::vector<double> budget, std::uint64_t horizon,
                                                                   SampledConfig config);

  void look(const Request& request) override;
  [[nodiscard]] std::span<const double> prices(const PriceQuestion& question) override;
  [[nodiscard]] std::span<const double> current() const override { return prices_; }
  void learn(const PriceLesson& /*lesson*/) override {}
  void correct(std::span<const double> /*difference*/) override {}
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

 private:
  SampledPrices(std::size_t resources, std::uint64_t horizon, SampledConfig config);
  void solve(std::span<const double> remaining, std::uint64_t decided);

  std::uint64_t horizon_;
  SampledConfig config_;
  RequestSample sample_;
  std::uint64_t seen_ = 0, next_solve_;
  std::vector<double> prices_;
};

}  // namespace bursar::admit
