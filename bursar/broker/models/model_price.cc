#include "bursar/broker/models/model_price.h"

#include <algorithm>
#include <fstream>

#include "bursar/broker/config/loader.h"
#include "bursar/broker/pipeline/glob.h"
#include "bursar/core/wide.h"

namespace bursar::broker {

template <class V>
void describe(V& v, PriceFile& c) {
  v.text("date", c.date, "Day on which these prices were looked up.", Need::kRequired);
  v.objects("prices", c.prices, 10'000, "What tokens cost; the first rule that fits.");
}

namespace {

constexpr Wide kPerMillion = 1'000'000;

std::int64_t bounded(Wide units) { return static_cast<std::int64_t>(std::clamp<Wide>(units, 0, kMostUnits)); }
std::int64_t bounded(std::uint64_t count) {
  return static_cast<std::int64_t>(std::min(count, static_cast<std::uint64_t>(kMostUnits)));
}

void put(Amounts& amounts, Resource resource, std::int64_t units) {
  // More than Amounts::kCapacity resources cannot come from a configuration that was checked.
  (void)amounts.set(resource, units);
}

bool lists(const Amounts& amounts, Resource resource) {
  return std::ranges::any_of(amounts.items(), [&](const Amount& a) { return a.resource == resource; });
}

// `cached_price` chooses what a cached token costs.
Amounts priced(const ModelPriceConfig* price, const TokenUsage& usage,
               std::int64_t (*input)(std::int64_t, std::int64_t)) {
  Amounts out;
  put(out, kTokens, bounded(Wide{bounded(usage.prompt)} + bounded(usage.completion)));
  put(out, kCalls, 1);
  if (price == nullptr) return out;
  const Amounts& cached_input = price->cached_input.empty() ? price->input : price->cached_input;
  const std::int64_t cached = bounded(std::min(usage.cached, usage.prompt)), fresh = bounded(usage.prompt) - cached;
  for (const Amounts* part : {&price->input, &price->output, &cached_input, &price->call}) {
    for (const Amount& amount : part->items()) {
      const Resource r = amount.resource;
      if (r == kTokens || r == kMs) continue;  // counted as they are
      const Wide sum = Wide{input(price->input[r], cached_input[r])} * fresh + Wide{cached_input[r]} * cached +
                       Wide{price->output[r]} * bounded(usage.completion);
      const bool plain_calls = r == kCalls && !lists(price->call, kCalls);
      put(out, r, bounded((sum + kPerMillion - 1) / kPerMillion + (plain_calls ? 1 : price->call[r])));
    }
  }
  return out;
}

std::int64_t only_input(std::int64_t input, std::int64_t /*cached*/) { return input; }
std::int64_t dearer(std::int64_t input, std::int64_t cached) { return std::max(input, cached); }

}  // namespace

Amounts cost_of(const ModelPriceConfig* price, const TokenUsage& usage) { return priced(price, usage, only_input); }

Amounts worst_case(const ModelPriceConfig* price, std::uint64_t prompt_max, std::uint64_t completion_max) {
  return priced(price, {.prompt = prompt_max, .completion = completion_max}, dearer);
}

bool names(const ModelPriceConfig& price, Resource resource) {
  return lists(price.input, resource) || lists(price.output, resource) || lists(price.call, resource);
}

Result<PriceFile> parse_price_file(std::string_view yaml, std::string_view file_name) {
  auto root = parse_yaml(yaml, file_name);
  if (!root) return tl::unexpected(root.error());
  Problems problems(file_name);
  PriceFile out;
  if (root->kind != YamlNode::Kind::kMap) {
    problems.add(*root, "", "must be a map with a date and prices");
    return tl::unexpected(problems.to_error());
  }
  Loader loader(*root, "", problems);
  describe(loader, out);
  loader.finish();
  if (!problems.empty()) return tl::unexpected(problems.to_error());
  return out;
}

Result<PriceFile> read_price_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kNotFound, path + ": cannot be read; name another models.price_file");
  std::string text(kMaxYamlBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return fail(ErrorCode::kUnavailable, path + ": cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return parse_price_file(text, path);
}

Result<ModelPrices> ModelPrices::make(const ModelsConfig& config) {
  ModelPrices out;
  out.rules_ = config.prices;
  if (config.price_file.empty()) return out;
  auto file = read_price_file(config.price_file);
  if (!file) return tl::unexpected(file.error());
  out.date_ = std::move(file->date);
  out.rules_.insert(out.rules_.end(), file->prices.begin(), file->prices.end());
  return out;
}

const ModelPriceConfig* ModelPrices::find(std::string_view upstream, std::string_view model) const {
  for (const ModelPriceConfig& rule : rules_) {
    if (glob_match(rule.upstream, upstream) && glob_match(rule.model, model)) return &rule;
  }
  return nullptr;
}

}  // namespace bursar::broker
