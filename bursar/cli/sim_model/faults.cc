#include "bursar/cli/sim_model/faults.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "bursar/core/random.h"

namespace bursar::cli {
namespace {

constexpr std::size_t kMostSeen = 1 << 20;  // requests that are remembered; past it, counting begins anew

constexpr auto kNames = std::to_array<std::pair<std::string_view, Fault>>(
    {{"drop", Fault::kDrop}, {"half", Fault::kHalf}, {"stall", Fault::kStall}, {"slow", Fault::kSlow}});

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<FaultDraw> fault_of(std::string_view name) {
  for (const auto& [known, fault] : kNames) {
    if (known == name) return FaultDraw{fault};
  }
  if (const auto status = number<int>(name); status && *status >= 400 && *status <= 599)
    return FaultDraw{Fault::kStatus, *status};
  return std::nullopt;
}

}  // namespace

Result<Faults> Faults::parse(std::string_view text, std::uint64_t seed) {
  Faults faults;
  faults.seed_ = seed;
  double sum = 0;
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    const std::size_t equals = entry.find('=');
    const auto fault = fault_of(entry.substr(0, equals));
    const auto probability = equals == std::string_view::npos ? std::nullopt : number<double>(entry.substr(equals + 1));
    if (!fault || !probability || !(*probability >= 0 && *probability <= 1)) {
      return invalid_argument("--faults: \"" + std::string(entry) +
                              "\" is no fault; write drop, half, stall, slow or a status from 400 to 599, and a "
                              "probability, such as drop=.02,500=.03");
    }
    sum += *probability;
    faults.rules_.push_back({*fault, *probability});
  }
  if (sum > 1 + 1e-9) return invalid_argument("--faults: the probabilities add up to " + std::to_string(sum));
  return faults;
}

FaultDraw Faults::draw(std::string_view body) {
  if (rules_.empty()) return {};
  if (seen_.size() >= kMostSeen) seen_.clear();
  const RandomStream of_body = RandomStream(seed_).split("fault").split(body);
  RandomStream own = of_body.split(seen_[RandomStream(of_body)()]++);
  double u = own.uniform01();
  for (const Rule& rule : rules_) {
    if ((u -= rule.probability) < 0) return rule.draw;
  }
  return {};
}

}  // namespace bursar::cli
