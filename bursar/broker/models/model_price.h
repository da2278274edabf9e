// What tokens cost, in whole smallest units: never a float, always rounded up, never wrapped.
//
//   auto prices = ModelPrices::make(config.models);                  // reads price_file too
//   const ModelPriceConfig* price = prices->find("openai", "gpt-4o"); // null: nobody said
//   auto worst = cost_of(price, {.prompt = 1200, .completion = 4096});
//
//   cost[r] = ceil( (input[r] (prompt - cached) + cached_input[r] cached + output[r] completion) / 10^6 ) + call[r]
//
// Beside what the price names, a call costs its tokens (prompt + completion) and one call, unless `call` says how many
// calls; milliseconds are added by who measures them. cost_of() grows with prompt and completion, and worst_case()
// takes the dearer of input and cached input, so what is settled for usage within its bounds is never above it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/config/model_config.h"
#include "bursar/core/amount.h"
#include "bursar/core/result.h"

namespace bursar::broker {

struct TokenUsage {
  std::uint64_t prompt = 0;  // cached ones included
  std::uint64_t cached = 0;  // at most prompt
  std::uint64_t completion = 0;
  bool operator==(const TokenUsage&) const = default;
};

// No count or amount above this is believed or needed; also the ledger's own bound.
inline constexpr std::int64_t kMostUnits = std::int64_t{1} << 50;

// `price` may be null: tokens and calls only. What would pass kMostUnits counts as that much.
[[nodiscard]] Amounts cost_of(const ModelPriceConfig* price, const TokenUsage& usage);
[[nodiscard]] Amounts worst_case(const ModelPriceConfig* price, std::uint64_t prompt_max, std::uint64_t completion_max);
// Whether it says what tokens or calls cost in that resource.
[[nodiscard]] bool names(const ModelPriceConfig& price, Resource resource);

struct PriceFile {
  std::string date;  // "2026-11-01"
  std::vector<ModelPriceConfig> prices;
};
// Errors: kNotFound, kInvalidArgument: "prices.yaml:3:5: prices[0].imput: unknown field; …".
[[nodiscard]] Result<PriceFile> read_price_file(const std::string& path);
[[nodiscard]] Result<PriceFile> parse_price_file(std::string_view yaml, std::string_view file_name);

class ModelPrices {
 public:
  ModelPrices() = default;
  // The errors of read_price_file.
  [[nodiscard]] static Result<ModelPrices> make(const ModelsConfig& config);
  // The first rule that fits, those of the configuration before those of the file; null where none does.
  [[nodiscard]] const ModelPriceConfig* find(std::string_view upstream, std::string_view model) const;
  [[nodiscard]] const std::string& date() const { return date_; }  // of the price file; empty without one

 private:
  std::vector<ModelPriceConfig> rules_;
  std::string date_;
};

}  // namespace bursar::broker
