#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <ostream>

#include "bursar/agree/axioms.h"
#include "bursar/agree/format/wishes_csv.h"
#include "bursar/agree/independent_markets.h"
#include "bursar/agree/misreport.h"
#include "bursar/agree/number_text.h"
#include "bursar/agree/split_ballot.h"
#include "bursar/cli/agree/agree_command.h"
#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

using namespace agree;

constexpr std::size_t kMostBytes = std::size_t{1} << 30, kShown = 20, kSearched = 200;
constexpr std::string_view kMarkets = "independent-markets";

Result<Wishes> read_wishes(const SplitWords& words) {
  const auto text = read_text_file(words.file, kMostBytes);
  if (!text) return tl::unexpected(text.error());
  return read_wishes_csv(allocate::from_text(*text), {words.low, words.high}).map_error([&](Error e) {
    return with_context(words.file, std::move(e));
  });
}

// The mechanism's name: what was said, or what the number of lines asks for.
Result<std::string> mechanism_of(const SplitWords& words, const Wishes& wishes) {
  const bool many = wishes.points.empty();
  if (words.mechanism.empty()) return std::string(many ? kMarkets : name_of(SplitRule::kUniformPhantom));
  if (words.mechanism == kMarkets) {
    if (wishes.shares.size() == wishes.parties.size()) {
      return invalid_argument("independent-markets needs a column for every line, and the file has one");
    }
    return words.mechanism;
  }
  if (const auto rule = rule_named(words.mechanism); !rule) {
    return invalid_argument(rule.error().message + " and " + std::string(kMarkets));
  }
  if (many) return invalid_argument(words.mechanism + " is for two lines; three and more take independent-markets");
  return words.mechanism;
}

struct Outcome {
  std::string mechanism;
  std::vector<double> shares;  // [lines]; empty on an interval other than [0, 1]
  double point = 0;            // of the first line, where there are two
};

bool is_shares(const Wishes& w) { return w.points.empty() || (w.interval.low == 0 && w.interval.high == 1); }

Result<Outcome> decide_by(const std::string& mechanism, const Wishes& wishes) {
  Outcome out{.mechanism = mechanism};
  if (mechanism == kMarkets) {
    auto shares = independent_markets(wishes.proposals());
    if (!shares) return tl::unexpected(shares.error());
    out.shares = std::move(*shares);
    out.point = out.shares[0];
    return out;
  }
  const auto y = rule_named(mechanism).and_then([&](SplitRule rule) { return decide(rule, wishes.profile()); });
  if (!y) return tl::unexpected(y.error());
  out.point = *y;
  if (is_shares(wishes)) out.shares = {*y, 1 - *y};
  return out;
}

Result<std::vector<LineBudget>> budgets_of(const SplitWords& words, const Wishes& wishes, const Outcome& outcome) {
  SplitBallot ballot{.lines = wishes.lines};
  if (!words.total.empty()) {
    const auto total = parse_amounts(words.total);
    if (!total) return tl::unexpected(with_context("--total", total.error()));
    if (outcome.shares.empty()) return invalid_argument("--total needs wishes that are shares from 0 to 1");
    ballot.total = *total;
  }
  if (outcome.shares.empty()) return std::vector<LineBudget>{};
  return split_total(ballot, outcome.shares);
}

// Why each party has what it has; with several lines, how far it is from its proposal.
Result<std::vector<std::string>> reasons(const Wishes& wishes, const Outcome& outcome) {
  std::vector<std::string> out;
  if (!wishes.points.empty()) {
    const auto answers = explain(wishes.profile(), outcome.point, wishes.parties);
    if (!answers) return tl::unexpected(answers.error());
    for (const PartyAnswer& answer : *answers) out.push_back(answer.text);
    return out;
  }
  for (std::size_t i = 0; i < wishes.parties.size(); ++i) {
    double away = 0;
    for (std::size_t j = 0; j < wishes.lines.size(); ++j)
      away += std::abs(wishes.shares[i * wishes.lines.size() + j] - outcome.shares[j]);
    out.push_back(wishes.parties[i] + " is " + to_short(away) + " away from its proposal, over all lines");
  }
  return out;
}

boost::json::object document(const Wishes& wishes, const Outcome& outcome, const std::vector<LineBudget>& budgets,
                             const std::vector<std::string>& why) {
  const std::size_t width = wishes.shares.size() / wishes.parties.size();
  boost::json::array ballots, lines;
  for (std::size_t i = 0; i < wishes.parties.size(); ++i) {
    boost::json::array shares;
    for (std::size_t j = 0; j < width; ++j) shares.emplace_back(wishes.shares[i * width + j]);
    boost::json::object ballot{{"party", wishes.parties[i]}, {"wishes", std::move(shares)}, {"reason", why[i]}};
    if (!wishes.weights.empty()) ballot["weight"] = wishes.weights[i];
    ballots.emplace_back(std::move(ballot));
  }
  for (const LineBudget& line : budgets) {
    boost::json::object amounts;
    for (const Amount& a : line.amounts.items()) amounts[std::string(a.resource.name())] = a.units;
    lines.emplace_back(boost::json::object{{"line", line.line}, {"share", line.share}, {"units", std::move(amounts)}});
  }
  return {{"mechanism", outcome.mechanism},
          {"outcome", outcome.point},
          {"lines", std::move(lines)},
          {"ballots", std::move(ballots)}};
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size() + 2, width), ' ');
  return text;
}

// Axioms of a point; true where all hold.
Result<bool> print_axioms(const Wishes& wishes, double point, std::ostream& out) {
  const auto report = check_axioms(wishes.profile(), point);
  if (!report) return tl::unexpected(report.error());
  for (const AxiomFinding& finding : report->findings)
    out << to_text(finding, wishes.profile(), point, wishes.parties) << '\n';
  return report->all_hold();
}

// Lies of at most kSearched parties, evenly taken; true where none pays.
Result<bool> print_lie(const Wishes& wishes, const std::string& mechanism, std::ostream& out) {
  if (wishes.parties.size() > kSearched) {
    out << "strategyproofness: not searched among more than " << kSearched << " parties\n";
    return true;
  }
  if (mechanism == kMarkets) {
    const auto lie = find_lie(wishes.proposals(), 40, RandomStream(1));
    if (!lie) return tl::unexpected(lie.error());
    if (!*lie) {
      out << "strategyproofness: no lie pays among those tried\n";
      return true;
    }
    out << "strategyproofness: broken; " << wishes.parties[(*lie)->party] << " comes " << to_short((*lie)->gain)
        << " nearer by a lie\n";
    return false;
  }
  const auto rule = rule_named(mechanism);
  if (!rule) return tl::unexpected(rule.error());
  const auto lie = find_lie(rule_of(*rule), wishes.profile());
  if (!lie) return tl::unexpected(lie.error());
  if (!*lie) {
    out << "strategyproofness: no lie pays among those tried\n";
    return true;
  }
  const Lie& found = **lie;
  out << "strategyproofness: broken; " << wishes.parties[found.party] << " wants "
      << to_short(wishes.points[found.party]) << " and comes " << to_short(found.gain) << " nearer by saying "
      << to_short(found.report) << ": " << to_short(found.honest) << " becomes " << to_short(found.outcome) << '\n';
  return false;
}

}  // namespace

Result<bool> split_wishes(const SplitWords& words, std::ostream& out) {
  const auto wishes = read_wishes(words);
  if (!wishes) return tl::unexpected(wishes.error());
  const auto mechanism = mechanism_of(words, *wishes);
  if (!mechanism) return tl::unexpected(mechanism.error());
  const auto outcome = decide_by(*mechanism, *wishes);
  if (!outcome) return tl::unexpected(outcome.error());
  const auto budgets = budgets_of(words, *wishes, *outcome);
  if (!budgets) return tl::unexpected(budgets.error());
  const auto why = reasons(*wishes, *outcome);
  if (!why) return tl::unexpected(why.error());
  if (words.json) {
    out << to_json(document(*wishes, *outcome, *budgets, *why)) << '\n';
    return true;
  }
  out << *mechanism << " of " << wishes->parties.size() << (wishes->parties.size() == 1 ? " party" : " parties")
      << '\n';
  if (budgets->empty()) out << padded(wishes->lines[0], 16) << to_short(outcome->point) << '\n';
  for (const LineBudget& line : *budgets) {
    out << padded(line.line, 16) << padded(to_short(line.share), 12)
        << (line.amounts.empty() ? "" : to_string(line.amounts)) << '\n';
  }
  out << '\n';
  for (std::size_t i = 0; i < std::min(why->size(), kShown); ++i) out << (*why)[i] << '\n';
  if (why->size() > kShown) out << "and " << why->size() - kShown << " more; --json has them all\n";
  return true;
}

Result<bool> check_wishes(const SplitWords& words, std::ostream& out) {
  const auto wishes = read_wishes(words);
  if (!wishes) return tl::unexpected(wishes.error());
  if (!words.outcome.empty()) {
    if (wishes->points.empty())
      return invalid_argument("--outcome is a share of the first of two lines; there are more");
    if (!words.mechanism.empty()) return invalid_argument("give --outcome or --mechanism, not both");
    double point = 0;
    const auto [end, error] = std::from_chars(words.outcome.data(), words.outcome.data() + words.outcome.size(), point);
    if (error != std::errc{} || end != words.outcome.data() + words.outcome.size())
      return invalid_argument("--outcome is '" + words.outcome + "'; it must be a number");
    return print_axioms(*wishes, point, out);
  }
  const auto mechanism = mechanism_of(words, *wishes);
  if (!mechanism) return tl::unexpected(mechanism.error());
  const auto outcome = decide_by(*mechanism, *wishes);
  if (!outcome) return tl::unexpected(outcome.error());
  out << *mechanism << ": " << wishes->lines[0] << " gets " << to_short(outcome->point) << '\n';
  const auto fair = wishes->points.empty() ? Result<bool>(true) : print_axioms(*wishes, outcome->point, out);
  if (!fair) return fair;
  const auto honest = print_lie(*wishes, *mechanism, out);
  if (!honest) return honest;
  return *fair && *honest;
}

}  // namespace bursar::cli
