#include "bursar/cli/bid/training.h"

#include <boost/json/object.hpp>
#include <fstream>

#include "bursar/admit/auction/auction_policy.h"
#include "bursar/admit/auction/bid_log_file.h"
#include "bursar/admit/auction/bid_net.h"
#include "bursar/admit/auction/bid_replay.h"
#include "bursar/admit/auction/bidder.h"

namespace bursar::cli {
namespace {

using boost::json::object;

constexpr std::size_t kLargestFacts = 64 << 20;

bool begins_as_json(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  char first = 0;
  return (file >> first) && first == '{';
}

Result<admit::CampaignFacts> read_facts(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kLargestFacts + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  auto facts = admit::parse_campaign(text);
  if (!facts) return tl::unexpected(with_context(path, facts.error()));
  return facts;
}

tl::unexpected<Error> needs_log(const Training& training, std::string_view what) {
  return invalid_argument(std::string(what) + " is tuned on training auctions, and " + training.path +
                          " holds only their summary; give --train the log, or the number itself");
}

// What lin and dmd leave open is tuned on the training auctions.
Result<void> tune(const Training& training, const std::string& name, const Play& play, object& parameters) {
  const int highest = static_cast<int>(training.facts.price_counts.size()) - 1;
  if (name == "lin" && !parameters.contains("b0")) {
    if (training.auctions.empty()) return needs_log(training, "b0 of lin");
    const auto fit = admit::tune_linear(training.auctions, play.episode, training.facts.click_rate(), highest);
    if (!fit) return tl::unexpected(fit.error());
    parameters["b0"] = fit->b0;
  }
  if (name == "dmd" && !training.auctions.empty() && !parameters.contains("eta") && !parameters.contains("price")) {
    const auto fit = admit::tune_paced(training.auctions, play.episode, training.facts.click_rate(), highest);
    if (!fit) return tl::unexpected(fit.error());
    parameters["eta"] = fit->eta;
    parameters["price"] = fit->price;
  }
  return {};
}

Result<std::unique_ptr<admit::BidRule>> rule_of_net(const std::string& path, const object& given) {
  auto net = admit::BidNet::load(path);
  if (!net) return tl::unexpected(net.error());
  std::string name = "map_d";
  if (const auto* scale = given.if_contains("scale"); scale != nullptr && scale->is_string()) {
    name = std::string(scale->get_string());
  }
  const auto scale = admit::scale_named(name);
  if (!scale) return tl::unexpected(scale.error());
  return std::make_unique<admit::Bidder>(std::make_shared<const admit::BidNet>(*std::move(net)), *scale);
}

}  // namespace

Result<Training> read_training(const std::string& path, int highest_price) {
  Training training{.path = path};
  if (begins_as_json(path)) {
    auto facts = read_facts(path);
    if (!facts) return tl::unexpected(facts.error());
    training.facts = *std::move(facts);
    return training;
  }
  auto auctions = admit::read_all_auctions(path);
  if (!auctions) return tl::unexpected(auctions.error());
  training.auctions = *std::move(auctions);
  auto facts = admit::CampaignFacts::of(training.auctions, highest_price);
  if (!facts) return tl::unexpected(with_context(path, facts.error()));
  training.facts = *std::move(facts);
  return training;
}

Result<std::unique_ptr<admit::BidRule>> rule_for(const Training& training, const std::string& words, const Play& play) {
  const auto parsed = parse_policy_words(words);
  if (!parsed) return tl::unexpected(parsed.error());
  const auto entry = policy_named(admit::auction_policies(), parsed->name);
  if (!entry) return tl::unexpected(entry.error());
  if (!play.net.empty() && parsed->name == "rlb") return rule_of_net(play.net, parsed->parameters);
  object known = admit::campaign_parameters(training.facts);
  if (!play.spread) known.erase("thetas");
  if (play.spread && training.facts.thetas.empty()) {
    return invalid_argument(training.path + " has no predictions (theta_train); --theta distribution needs them");
  }
  known["highest_price"] = training.facts.price_counts.size() - 1;
  object parameters = parsed->parameters;
  for (const PolicyParameter& parameter : (*entry)->parameters) {
    const auto* value = known.if_contains(parameter.name);
    if (value != nullptr && !parameters.contains(parameter.name)) parameters[parameter.name] = *value;
  }
  if (auto ok = tune(training, parsed->name, play, parameters); !ok) return tl::unexpected(ok.error());
  parameters["episode"] = play.episode.auctions;
  parameters["episode_budget"] = play.episode.budget;
  auto complete = complete_parameters(**entry, parameters);
  if (!complete) return tl::unexpected(complete.error());
  return admit::make_bid_rule(parsed->name, {.budget = {static_cast<double>(play.episode.budget)},
                                             .horizon = static_cast<std::uint64_t>(play.episode.auctions),
                                             .parameters = *std::move(complete)});
}

}  // namespace bursar::cli
