// The part of bursar.yaml about model endpoints: where they are, what they cost, and which is asked for which model.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bursar/broker/config/identity_config.h"
#include "bursar/core/amount.h"
#include "bursar/core/clock.h"

namespace bursar::broker {

struct ModelUpstreamConfig {
  std::string name;                            // [a-z0-9_-]{1,32}
  std::string url;                             // base, such as "https://api.openai.com/v1"
  std::map<std::string, std::string> headers;  // own credentials; may hold secrets: never printed
  TlsClientConfig tls;
  bool private_network = false;
  std::size_t max_concurrent = 256;
  Duration timeout = std::chrono::minutes{10};        // of a whole call
  Duration stall_timeout = std::chrono::seconds{60};  // between two pieces of a stream, and before the first
};

// What agents may ask for, and who answers: the first target that can, then the next.
struct ModelRouteConfig {
  std::string model;                 // glob on the name that the agent asks for
  std::vector<std::string> targets;  // "openai/gpt-4o": upstream and the model's name there; "openai" keeps the name
  std::string policy;                // of `policies`: chooses which target leads, or lets the call wait
  std::vector<double> values;        // of each target, in the policy's unit of reward; with a policy only
  unsigned retries = 1;              // further attempts, over all targets
  Duration hedge_after{0};           // a second attempt beside the first after this; 0: never
  std::uint64_t max_output_tokens =
      4096;  // reserved where the agent names no limit, and then also asked of the upstream
};

// Prices of a million tokens; the first rule that fits. A model without a price is refused where usd is limited.
struct ModelPriceConfig {
  std::string upstream = "*", model = "*";  // globs; the model's name at the upstream
  Amounts input, cached_input, output;      // a million tokens of each; cached_input: by default that of input
  Amounts call;                             // a call, whatever its size
};

struct ModelsConfig {
  std::vector<ModelUpstreamConfig> upstreams;
  std::vector<ModelRouteConfig> routes;  // none: every upstream's own names, as "upstream/name"
  std::vector<ModelPriceConfig> prices;
  std::string price_file;  // further prices, a YAML file {date: 2026-11-01, prices: [...]}; those above go first
};

}  // namespace bursar::broker
