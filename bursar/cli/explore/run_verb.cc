#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>
#include <cmath>
#include <istream>
#include <limits>
#include <ostream>

#include "bursar/cli/explore/bandit_file.h"
#include "bursar/cli/explore/explore_command.h"
#include "bursar/core/json.h"
#include "bursar/explore/bandit_policy.h"
#include "bursar/explore/policies.h"

namespace bursar::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostLine = 4 << 20, kMostNumbers = 1 << 20;

Result<PolicySetup> setup_of(const RunWords& words, json::object parameters) {
  PolicySetup out{.horizon = words.horizon, .parameters = std::move(parameters)};
  for (const std::string& text : words.budget) {
    const std::size_t equals = text.find('=');
    const char* const from = text.data() + (equals == std::string::npos ? 0 : equals + 1);
    double amount = 0;
    const auto [end, error] = std::from_chars(from, text.data() + text.size(), amount);
    if (equals == 0 || equals == std::string::npos || error != std::errc{} || end != text.data() + text.size()) {
      return invalid_argument("--budget: must be NAME=NUMBER, is \"" + text + "\"");
    }
    out.resource_names.push_back(text.substr(0, equals));
    out.budget.push_back(amount);
  }
  if (out.budget.empty()) out.budget = {std::numeric_limits<double>::max()};  // of nothing that is used
  return out;
}

Result<void> begin(const RunWords& words, BanditFile& file) {
  if (words.policy.empty()) {
    return invalid_argument(words.file + ": there is no such file; say --policy NAME:arms=N to make it");
  }
  auto parsed = parse_policy_words(words.policy);
  if (!parsed) return tl::unexpected(parsed.error());
  const auto entry = policy_named(explore::policies(), parsed->name);
  if (!entry) return tl::unexpected(entry.error());
  std::vector<std::string> names;
  for (std::size_t at = 0; !words.names.empty() && at <= words.names.size();) {
    const std::size_t comma = std::min(words.names.find(',', at), words.names.size());
    names.push_back(words.names.substr(at, comma - at));
    at = comma + 1;
  }
  if (!names.empty() && !parsed->parameters.contains("arms")) parsed->parameters["arms"] = names.size();
  auto setup = setup_of(words, std::move(parsed->parameters));
  if (!setup) return tl::unexpected(setup.error());
  auto policy = make_policy(**entry, std::move(*setup));
  if (!policy) return tl::unexpected(policy.error());
  const std::size_t arms = dynamic_cast<const explore::BanditPolicy&>(**policy).bandit().learner().arms();
  if (!names.empty() && names.size() != arms) {
    return invalid_argument("--names: has " + std::to_string(names.size()) + " names for " + std::to_string(arms) +
                            " arms");
  }
  file.begin(std::move(*policy), std::move(names));
  return file.save();
}

Result<std::vector<double>> numbers_at(const JsonView& object, std::string_view key) {
  std::vector<double> out;
  const auto list = object.find(key);
  if (!list) return tl::unexpected(list.error());
  if (!*list) return out;
  const auto size = (*list)->array_size(kMostNumbers);
  if (!size) return tl::unexpected(size.error());
  for (std::size_t i = 0; i < *size; ++i) {
    const auto x = (*list)->element(i).and_then([](const JsonView& v) { return v.as_double(-1e300, 1e300); });
    if (!x) return tl::unexpected(x.error());
    out.push_back(*x);
  }
  return out;
}

Result<json::object> choose(const JsonView& asked, const BanditFile& file) {
  if (auto ok = asked.only({"context", "costs", "holds"}); !ok) return tl::unexpected(ok.error());
  const auto context = numbers_at(asked, "context"), costs = numbers_at(asked, "costs"),
             holds = numbers_at(asked, "holds");
  for (const auto* part : {&context, &costs, &holds}) {
    if (!*part) return tl::unexpected(part->error());
  }
  const auto decision = file.policy()->decide({.costs = *costs, .holds = *holds, .context = *context});
  if (!decision) return tl::unexpected(decision.error());
  json::object out{{"id", decision->id}, {"arm", nullptr}};
  if (decision->option) {
    out["arm"] = *decision->option;
    if (!file.names().empty()) out["name"] = file.name(*decision->option);
  }
  out["reason"] = name_of(decision->reason);
  return out;
}

Result<json::object> learn(const JsonView& told, const BanditFile& file) {
  if (auto ok = told.only({"id", "reward", "cost", "refused"}); !ok) return tl::unexpected(ok.error());
  const auto id = told.int_at("id", 0);
  if (!id) return tl::unexpected(id.error());
  const auto cost = numbers_at(told, "cost");
  if (!cost) return tl::unexpected(cost.error());
  Outcome outcome{.costs = *cost};
  const auto reward = told.find("reward");
  if (!reward) return tl::unexpected(reward.error());
  if (*reward) {
    const auto x = (*reward)->as_double(-1e300, 1e300);
    if (!x) return tl::unexpected(x.error());
    outcome.reward = *x;
  }
  if (const auto refused = told.find("refused"); refused && *refused) {
    const auto flag = (*refused)->as_bool();
    if (!flag) return tl::unexpected(flag.error());
    outcome.refused = *flag;
  }
  if (auto ok = file.policy()->observe(static_cast<DecisionId>(*id), outcome); !ok) return tl::unexpected(ok.error());
  return json::object{{"id", *id}, {"learned", outcome.reward.has_value() && !outcome.refused}};
}

// Twice the same feedback is refused, so that a client may send it again after a crash.
Result<json::object> answer(const std::string& line, const BanditFile& file) {
  const auto document = parse_json(line, {.max_bytes = kMostLine});
  if (!document) return tl::unexpected(document.error());
  const JsonView root(*document);
  if (auto ok = root.only({"choose", "learn"}); !ok) return tl::unexpected(ok.error());
  const auto asked = root.find("choose"), told = root.find("learn");
  if (!asked || !told) return tl::unexpected(asked ? told.error() : asked.error());
  if (asked->has_value() == told->has_value()) return root.wrong("must have either choose or learn");
  return *asked ? choose(**asked, file) : learn(**told, file);
}

}  // namespace

Result<void> run_bandit(const RunWords& words, std::istream& in, std::ostream& out) {
  auto file = BanditFile::open(words.file, Access::kWrite);
  if (!file) return tl::unexpected(file.error());
  if (file->policy() == nullptr) {
    if (auto ok = begin(words, *file); !ok) return ok;
  } else if (!words.policy.empty() || !words.budget.empty() || words.horizon != 0 || !words.names.empty()) {
    return invalid_argument(words.file + ": exists; --policy, --budget, --horizon and --names are for a new file");
  }
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    auto said = answer(line, *file);
    if (said) {
      if (auto ok = file->save(); !ok) return ok;  // before it is told: nothing that was said is forgotten
      out << to_json(*said) << std::endl;
      continue;
    }
    out << to_json(json::object{{"error", {{"code", name_of(said.error().code)}, {"message", said.error().message}}}})
        << std::endl;
  }
  return {};
}

Result<void> report_bandit(const ReportWords& words, std::ostream& out) {
  const auto file = BanditFile::open(words.file, Access::kRead);
  if (!file) return tl::unexpected(file.error());
  if (file->policy() == nullptr) return fail(ErrorCode::kUnavailable, words.file + ": there is no such file");
  const auto& policy = dynamic_cast<const explore::BanditPolicy&>(*file->policy());
  const auto beliefs = policy.bandit().intervals();
  const auto saved = policy.save();
  if (words.json) {
    json::array arms;
    for (std::size_t a = 0; a < beliefs.size(); ++a) {
      const auto& b = beliefs[a];
      arms.push_back({{"arm", a},
                      {"name", file->name(a)},
                      {"pulls", b.pulls},
                      {"mean", b.mean},
                      {"low", b.low},
                      {"high", b.high}});
    }
    out << to_json(json::object{{"policy", saved.at("policy")},
                                {"parameters", saved.at("parameters")},
                                {"decided", policy.decided()},
                                {"open", policy.bandit().open()},
                                {"resources", saved.at("resources")},
                                {"remaining", saved.at("remaining")},
                                {"arms", std::move(arms)}})
        << '\n';
    return {};
  }
  out << std::string(saved.at("policy").get_string()) << ": " << policy.decided() << " choices, "
      << policy.bandit().open() << " without feedback\n";
  const auto& resources = saved.at("resources").get_array();
  for (std::size_t j = 0; j < resources.size(); ++j) {
    out << std::string(resources[j].get_string()) << ": " << policy.remaining()[j] << " left\n";
  }
  std::size_t best = 0;
  for (std::size_t a = 1; a < beliefs.size(); ++a) best = beliefs[a].mean > beliefs[best].mean ? a : best;
  bool clear = beliefs[best].pulls > 0;
  out << "arm  rewards  mean (bounds)\n";
  for (std::size_t a = 0; a < beliefs.size(); ++a) {
    const auto& b = beliefs[a];
    out << file->name(a) << "  " << b.pulls << "  " << b.mean << " (" << b.low << " to " << b.high << ")\n";
    clear = clear && (a == best || b.high < beliefs[best].low);
  }
  out << (clear ? "best: " : "leads, not yet clear: ") << file->name(best) << '\n';
  return {};
}

}  // namespace bursar::cli
