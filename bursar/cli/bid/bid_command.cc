#include "bursar/cli/bid/bid_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <cstdio>
#include <ostream>

#include "bursar/admit/auction/auction_policy.h"
#include "bursar/admit/auction/bid_log_file.h"
#include "bursar/admit/auction/bid_net.h"
#include "bursar/admit/auction/bid_replay.h"
#include "bursar/admit/policy_file.h"
#include "bursar/cli/bid/training.h"
#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

using admit::Auction;
using admit::BidReplay;
using admit::BidTable;
using admit::Episode;

enum Exit : int { kDone = 0, kWrong = 1, kUsage = 2, kUnavailable = 3 };

constexpr const char* kHelp =
    R"(Bids in auctions that are paid at the second price, so that a budget lasts and buys the most clicks.

  bursar bid fit train.log.gz -o campaign.json
  bursar bid replay test.log.gz --train campaign.json --c0 1/32 --episode 1000 --policy rlb --policy lin:b0=48
  bursar bid fit campaign.json --policy rlb.json && bursar replay test.log.gz --policy @rlb.json --budget 309133

Logs are lines of `click price theta`: 0 or 1, the market price in whole units, the predicted chance of a click.
Policies: rlb (value table), ssmdp (the same without predictions), lin, mcpc, dmd (paced).
)";

struct Words {
  std::string log, train, output, table, net, policy, share = "1/32", theta = "average";
  std::vector<std::string> policies;
  int episode = 1000, budget = 0, highest_price = 300;
  double value_of_click = 0, gamma = 1;
  bool json = false;
};

std::string fixed(double x, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, x);
  return text;
}

// "1/32" or ".03125".
Result<double> share_of(const std::string& text) {
  const auto number = [](std::string_view part, double& value) {
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    return error == std::errc{} && end == part.data() + part.size();
  };
  const std::size_t slash = text.find('/');
  double top = 0, bottom = 1;
  const bool ok = number(std::string_view(text).substr(0, slash), top) &&
                  (slash == std::string::npos || number(std::string_view(text).substr(slash + 1), bottom));
  if (!ok || !(top > 0 && bottom > 0)) return invalid_argument("--c0 is '" + text + "'; it must be as 1/32 or 0.03125");
  return top / bottom;
}

Result<Episode> episode_for(const Words& words, const Training& training) {
  if (words.budget > 0) return Episode{.auctions = words.episode, .budget = words.budget};
  const auto share = share_of(words.share);
  if (!share) return tl::unexpected(share.error());
  const auto budget = training.facts.budget_of_episode(*share, words.episode);
  if (!budget) return tl::unexpected(budget.error());
  return Episode{.auctions = words.episode, .budget = *budget};
}

Result<BidTable> table_for(const Words& words, const Training& training, const Episode& episode) {
  const auto prices = admit::PriceModel::from_histogram(training.facts.price_counts);
  if (!prices) return tl::unexpected(prices.error());
  const auto theta = words.theta == "distribution" ? admit::ThetaModel::distribution(training.facts.thetas)
                                                   : admit::ThetaModel::average(training.facts.click_rate());
  if (!theta) return tl::unexpected(theta.error());
  admit::BidTableOptions options{.horizon = episode.auctions, .budget = episode.budget};
  options.objective.gamma = words.gamma;
  if (words.value_of_click > 0) options.objective = {words.value_of_click, 1, words.gamma};
  return BidTable::solve(*prices, *theta, options);
}

// The table's rule with everything that it was fitted on, for `bursar replay --policy @FILE` and the service.
std::string policy_text(const Words& words, const Training& training, const Episode& episode) {
  boost::json::object parameters = admit::campaign_parameters(training.facts);
  parameters.erase("cost_per_click");
  if (words.theta != "distribution") parameters.erase("thetas");
  parameters["episode"] = episode.auctions;
  parameters["episode_budget"] = episode.budget;
  parameters["gamma"] = words.gamma;
  if (words.value_of_click > 0) {
    parameters["v1"] = words.value_of_click;
    parameters["v0"] = 1;
  }
  return admit::policy_file_text({.words = {"rlb", std::move(parameters)}, .about = "bursar bid fit " + training.path});
}

Result<void> fit(const Words& words, BidOutput output) {
  const auto training = read_training(words.log, words.highest_price);
  if (!training) return tl::unexpected(training.error());
  const auto episode = episode_for(words, *training);
  if (!episode) return tl::unexpected(episode.error());
  // A net learns a table of twice the budget, so that richer states of long episodes are inside.
  const Episode solved{episode->auctions, words.net.empty() ? episode->budget : 2 * episode->budget};
  const auto table = table_for(words, *training, solved);
  if (!table) return tl::unexpected(table.error());
  const admit::CampaignFacts& facts = training->facts;
  output.out << "auctions      " << facts.auctions << "\nmean price    " << fixed(facts.mean_price(), 2)
             << "\nclick rate    " << fixed(facts.click_rate(), 6) << "\nepisode       " << episode->auctions
             << " auctions, a budget of " << episode->budget << "\nexpects       "
             << fixed(table->value(episode->auctions, episode->budget), 4)
             << (words.value_of_click > 0 ? " of profit" : " clicks") << " an episode\nprice of money "
             << fixed(1e3 * table->marginal(episode->auctions, std::max(0, episode->budget - 1)), 6)
             << " for a thousand units\n";
  if (!words.output.empty()) {
    const std::string json = admit::campaign_json(facts);
    if (auto ok = admit::write_beside(words.output, [&](std::ostream& file) { file << json << '\n'; }); !ok) return ok;
  }
  if (!words.policy.empty()) {
    const std::string text = policy_text(words, *training, *episode);
    if (auto ok = admit::write_beside(words.policy, [&](std::ostream& file) { file << text << '\n'; }); !ok) return ok;
  }
  if (!words.table.empty()) {
    if (auto ok = table->corner(episode->auctions, episode->budget).save(words.table); !ok) return ok;
  }
  if (words.net.empty()) return {};
  const auto net = admit::BidNet::fit(*table);
  if (!net) return tl::unexpected(net.error());
  output.out << "net           " << fixed(net->rmse(), 4) << " of an auction's value off (root mean square)\n";
  return net->save(words.net);
}

struct Ran {
  std::string name;
  std::unique_ptr<admit::BidRule> rule;
  BidReplay replay;
};

// All rules see every auction of one pass over the log; the bound needs one episode at a time.
Result<double> replay_all(const std::string& log, const Episode& episode, std::vector<Ran>& runs) {
  std::vector<Auction> present;
  double bound = 0;
  auto ok = admit::read_auctions(log, [&](const Auction& auction) -> Result<void> {
    for (Ran& run : runs) {
      if (auto step = run.replay.step(auction); !step) return tl::unexpected(with_context(run.name, step.error()));
    }
    present.push_back(auction);
    if (present.size() == static_cast<std::size_t>(episode.auctions)) {
      bound += admit::hindsight_bound(present, episode);
      present.clear();
    }
    return {};
  });
  if (!ok) return tl::unexpected(ok.error());
  return bound + admit::hindsight_bound(present, episode);
}

void print_json(const Episode& episode, double bound, const std::vector<Ran>& runs, std::ostream& out) {
  boost::json::array rows;
  for (const Ran& run : runs) {
    const admit::BidScore& s = run.replay.score();
    rows.push_back({{"policy", run.name},
                    {"auctions", s.auctions},
                    {"episodes", s.episodes},
                    {"wins", s.wins},
                    {"clicks", s.clicks},
                    {"expected_clicks", s.expected_clicks},
                    {"spend", s.spend},
                    {"clipped_prices", s.clipped}});
  }
  out << to_json(boost::json::object{{"format", "bursar-bid-replay/1"},
                                     {"episode", episode.auctions},
                                     {"budget", episode.budget},
                                     {"bound_of_expected_clicks", bound},
                                     {"policies", std::move(rows)}})
      << '\n';
}

void print_table(const Episode& episode, double bound, const std::vector<Ran>& runs, BidOutput output) {
  std::size_t width = 6;
  for (const Ran& run : runs) width = std::max(width, run.name.size());
  char line[160];
  std::snprintf(line, sizeof line, "  %10s %8s %10s %12s %8s\n", "wins", "clicks", "expected", "spend", "of budget");
  output.out << "episodes of " << episode.auctions << " auctions, a budget of " << episode.budget << " each\n\n"
             << std::string("policy").append(width - 6, ' ') << line;
  for (const Ran& run : runs) {
    const admit::BidScore& s = run.replay.score();
    const double all =
        static_cast<double>(episode.budget) * static_cast<double>(std::max<std::uint64_t>(1, s.episodes));
    std::snprintf(line, sizeof line, "  %10llu %8llu %10.1f %12llu %7.1f %%\n", static_cast<unsigned long long>(s.wins),
                  static_cast<unsigned long long>(s.clicks), s.expected_clicks,
                  static_cast<unsigned long long>(s.spend), all > 0 ? 100 * static_cast<double>(s.spend) / all : 0);
    output.out << run.name << std::string(width - run.name.size(), ' ') << line;
    if (s.clipped > 0 && &run == &runs.front()) {
      output.err << "bursar bid: note: " << s.clipped << " prices were above " << run.rule->highest_price()
                 << " and counted as that\n";
    }
  }
  std::snprintf(line, sizeof line, "  %10s %8s %10.1f\n", "", "", bound);
  output.out << std::string("bound").append(width - 5, ' ') << line;
}

Result<void> replay(const Words& words, BidOutput output) {
  const auto training = read_training(words.train, words.highest_price);
  if (!training) return tl::unexpected(training.error());
  const auto episode = episode_for(words, *training);
  if (!episode) return tl::unexpected(episode.error());
  std::vector<Ran> runs;
  for (const std::string& policy : words.policies) {
    auto rule = rule_for(*training, policy, {*episode, words.theta == "distribution", words.net});
    if (!rule) return tl::unexpected(with_context("--policy " + policy, rule.error()));
    admit::BidRule& same = **rule;
    runs.push_back({policy, *std::move(rule), BidReplay(same, *episode)});
  }
  const auto bound = replay_all(words.log, *episode, runs);
  if (!bound) return tl::unexpected(bound.error());
  if (words.json) {
    print_json(*episode, *bound, runs, output.out);
  } else {
    print_table(*episode, *bound, runs, output);
  }
  return {};
}

void add_common(CLI::App& command, Words& words) {
  command.add_option("--c0", words.share, "Budget of an episode as a share of its auctions' mean price (1/32)");
  command.add_option("--budget", words.budget, "Budget of an episode in units of price, instead of --c0")
      ->check(CLI::PositiveNumber);
  command.add_option("--episode", words.episode, "Auctions of an episode (1000)")->check(CLI::Range(1, 1 << 30));
  command.add_option("--theta", words.theta, "Value later auctions by the average prediction, or their distribution")
      ->check(CLI::IsMember({"average", "distribution"}));
  command.add_option("--highest-price", words.highest_price, "No bid is above it (300)")->check(CLI::Range(1, 1 << 20));
}

int complain(BidOutput output, const Error& error) {
  std::string text = error.message;
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < ' '; }, '?');
  output.err << "bursar bid: " << text << '\n';
  return error.code == ErrorCode::kUnavailable ? kUnavailable : kWrong;
}

CLI::App* describe(CLI::App& app, Words& words) {
  app.require_subcommand(1);
  auto* fit_command = app.add_subcommand("fit", "Learn a campaign from its training log");
  fit_command->add_option("log", words.log, "Training log, or facts in JSON")->required();
  fit_command->add_option("-o,--output", words.output, "Write the campaign's facts here (JSON)");
  fit_command->add_option("--policy", words.policy, "Write the rule here, for `bursar replay --policy @FILE`");
  fit_command->add_option("--table", words.table, "Write the value table here (binary)");
  fit_command->add_option("--net", words.net, "Fit a value net for long episodes, and write it here");
  fit_command->add_option("--value-of-click", words.value_of_click, "Go for profit: a click is worth this much money")
      ->check(CLI::PositiveNumber);
  fit_command->add_option("--gamma", words.gamma, "Discount of each later auction (1)")->check(CLI::Range(1e-9, 1.0));
  add_common(*fit_command, words);
  auto* replay_command = app.add_subcommand("replay", "Replay a log under one rule or several");
  replay_command->add_option("log", words.log, "Log to replay")->required();
  replay_command->add_option("--train", words.train, "Training log, or facts of `bursar bid fit`")->required();
  replay_command
      ->add_option("--policy", words.policies, "rlb, ssmdp, lin, mcpc or dmd, with :key=value,... ; repeat it")
      ->required()
      ->allow_extra_args(false);
  replay_command->add_option("--net", words.net, "Let rlb bid by this value net, under scale map_d");
  replay_command->add_flag("--json", words.json, "Print one JSON document");
  add_common(*replay_command, words);
  return fit_command;
}

}  // namespace

int run_bid(std::vector<std::string> words, BidOutput output) {
  CLI::App app(kHelp, "bursar bid");
  app.set_version_flag("--version", std::string("bursar-bid ") + BURSAR_VERSION);
  Words read_words;
  const CLI::App* fit_command = describe(app, read_words);
  try {
    std::ranges::reverse(words);  // as CLI11 takes them
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      (void)app.exit(error, output.out, output.err);
      return kDone;
    }
    output.err << "bursar bid: " << error.what() << "; `bursar bid --help` shows what there is\n";
    return kUsage;
  }
  try {
    const auto ok = fit_command->parsed() ? fit(read_words, output) : replay(read_words, output);
    if (!ok) return complain(output, ok.error());
    output.out.flush();
    return output.out ? kDone : kUnavailable;
  } catch (const std::bad_alloc&) {
    output.err << "bursar bid: this does not fit into memory\n";
    return kUnavailable;
  } catch (const std::exception& error) {
    output.err << "bursar bid: " << error.what() << " (a bug of ours; please report it)\n";
    return kWrong;
  }
}

}  // namespace bursar::cli
