#include "bursar/cli/experiment/experiment_verbs.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <limits>
#include <sys/random.h>

#include "bursar/cli/experiment/accountant_file.h"
#include "bursar/cli/experiment/experiment_file.h"
#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

namespace json = boost::json;
using explore::Experiment;
using explore::ExperimentDesign;
using explore::ExperimentMethod;

WallTime now() { return std::chrono::time_point_cast<WallTime::duration>(std::chrono::system_clock::now()); }

Result<std::uint64_t> secret_seed() {
  std::uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != static_cast<ssize_t>(sizeof seed))
    return fail(ErrorCode::kUnavailable, "the system gives no random numbers");
  return seed;
}

template <class T, std::size_t N>
Result<T> named(const std::string& text, const std::array<std::pair<const char*, T>, N>& table, const char* what) {
  std::string all;
  for (const auto& [name, value] : table) {
    if (text == name) return value;
    all += std::string(all.empty() ? "" : ", ") + name;
  }
  return invalid_argument(std::string(what) + ": '" + text + "' is none of " + all);
}

// Arms and their features: a column `arm`, and a number a further column.
Result<void> read_features(const std::string& path, std::istream& in, ExperimentDesign& design) {
  const auto table = read_table(path, in);
  if (!table) return tl::unexpected(table.error());
  const std::size_t names = table->find("arm");
  if (names == table->columns.size() || table->columns.size() < 2)
    return invalid_argument(path + ": needs a column `arm` and one a feature");
  if (!design.arms.empty()) return invalid_argument("--features: the file names the arms; leave --arm out");
  design.dimension = table->columns.size() - 1;
  for (std::size_t row = 0; row < table->rows(); ++row) {
    design.arms.push_back(table->at(row, names));
    for (std::size_t c = 0; c < table->columns.size(); ++c) {
      if (c == names) continue;
      const auto x = number_of(table->at(row, c), path + ": arm '" + design.arms.back() + "', " + table->columns[c]);
      if (!x) return tl::unexpected(x.error());
      design.features.push_back(*x);
    }
  }
  return {};
}

Result<void> read_prices(const NewWords& words, ExperimentDesign& design) {
  if (words.money.empty()) {
    return words.prices.empty() ? Result<void>{} : invalid_argument("--price: is given without --money");
  }
  const auto money = parse_amount(words.money);
  if (!money) return tl::unexpected(money.error());
  design.money = *money;
  design.prices.assign(design.arms.size(), -1);
  for (const std::string& text : words.prices) {
    const auto pair = split_pair(text, "--price");
    if (!pair) return tl::unexpected(pair.error());
    const auto amount = parse_amount(pair->second);
    if (!amount) return tl::unexpected(amount.error());
    if (amount->resource != money->resource)
      return invalid_argument("--price: '" + text + "' is in another unit than --money");
    const auto arm = std::ranges::find(design.arms, pair->first);
    if (arm == design.arms.end()) return invalid_argument("--price: there is no arm '" + pair->first + "'");
    design.prices[static_cast<std::size_t>(arm - design.arms.begin())] = amount->units;
  }
  const auto missing = std::ranges::find(design.prices, -1);
  if (missing == design.prices.end()) return {};
  return invalid_argument("--price: arm '" + design.arms[static_cast<std::size_t>(missing - design.prices.begin())] +
                          "' has none; with --money every arm needs one");
}

Result<ExperimentDesign> design_of(const NewWords& words, std::istream& in) {
  ExperimentDesign design{.arms = words.arms,
                          .samples = words.samples,
                          .delta = words.delta,
                          .tolerance = words.tolerance,
                          .low = words.low,
                          .high = words.high,
                          .clip = words.clip};
  const auto method =
      named(words.method,
            std::array{std::pair{"halving", ExperimentMethod::kHalving}, std::pair{"lucb", ExperimentMethod::kLucb},
                       std::pair{"elimination", ExperimentMethod::kElimination},
                       std::pair{"private", ExperimentMethod::kPrivate}},
            "--method");
  const auto schedule = named(words.schedule,
                              std::array{std::pair{"halving", explore::EliminationSchedule::kHalving},
                                         std::pair{"paper", explore::EliminationSchedule::kPaper}},
                              "--schedule");
  const auto noise = named(words.noise,
                           std::array{std::pair{"laplace", explore::PrivateNoise::kLaplace},
                                      std::pair{"gaussian", explore::PrivateNoise::kGaussian}},
                           "--noise");
  if (!method || !schedule || !noise)
    return tl::unexpected(!method ? method.error() : !schedule ? schedule.error() : noise.error());
  design.method = *method;
  design.schedule = *schedule;
  design.noise = {*noise, words.epsilon, words.noise_delta, words.user_weight};
  if (design.method != ExperimentMethod::kPrivate && (words.epsilon != 0 || !words.accountant.empty()))
    return invalid_argument("--epsilon: is of --method private alone");
  if (!words.features.empty()) {
    if (auto ok = read_features(words.features, in, design); !ok) return tl::unexpected(ok.error());
  }
  if (auto ok = read_prices(words, design); !ok) return tl::unexpected(ok.error());
  if (design.method == ExperimentMethod::kPrivate) {
    const auto seed = secret_seed();
    if (!seed) return tl::unexpected(seed.error());
    design.seed = *seed;
  }
  return design;
}

void print_notes(const ExperimentFile& file, ExperimentStreams streams) {
  for (const std::string& note : file.notes()) streams.err << "bursar experiment: note: " << note << '\n';
}

std::string privacy_text(explore::PrivacyLoss loss) {
  return "epsilon " + short_number(loss.epsilon) + (loss.delta > 0 ? ", delta " + short_number(loss.delta) : "");
}

// The epsilon that was set aside is spent before the reward that lets an answer out is on disk: a crash in between
// counts it as spent, never as left.
Result<void> commit_privacy(ExperimentFile& file, bool had_released) {
  if (!file.accountant() || had_released || file.experiment().privacy_spent().epsilon == 0) return {};
  auto account = AccountantFile::open(file.accountant()->file, std::nullopt);
  if (!account) return tl::unexpected(account.error());
  if (auto ok = account->accountant().commit(file.accountant()->hold); !ok)
    return ok.error().code == ErrorCode::kNotFound ? Result<void>{} : ok;  // a crash after it was spent
  return account->save();
}

std::string arm_name(ExperimentFile& file, std::size_t arm) { return file.experiment().design().arms[arm]; }

json::object decision_json(ExperimentFile& file, const explore::ExperimentDecision& d) {
  return {{"arm", arm_name(file, d.arm)}, {"finished", d.finished},  {"guaranteed", d.guaranteed}, {"error", d.error},
          {"tolerance", d.tolerance},     {"guarantee", d.guarantee}};
}

}  // namespace

Result<bool> experiment_new(const NewWords& words, ExperimentStreams streams) {
  auto design = design_of(words, streams.in);
  if (!design) return tl::unexpected(design.error());
  const auto tried = Experiment::make(*design);
  if (!tried) return tl::unexpected(tried.error());
  std::optional<AccountantHold> hold;
  if (!words.accountant.empty()) {
    const std::optional<explore::PrivacyLoss> limit =
        words.epsilon_limit > 0 ? std::optional(explore::PrivacyLoss{words.epsilon_limit, words.delta_limit})
                                : std::nullopt;
    auto account = AccountantFile::open(words.accountant, limit);
    if (!account) return tl::unexpected(account.error());
    const auto reserved =
        account->accountant().reserve(words.unit.empty() ? "everybody" : words.unit, tried->privacy_cost());
    if (!reserved) return tl::unexpected(with_context(words.accountant, reserved.error()));
    hold = AccountantHold{words.accountant, words.unit.empty() ? "everybody" : words.unit, *reserved};
    // Set aside before there is an experiment: a crash in between loses budget, and never doubles it.
    if (auto ok = account->save(); !ok) return tl::unexpected(ok.error());
    auto file = ExperimentFile::create(words.file, *design, hold, now());
    if (!file) {
      if (account->accountant().release(*reserved)) (void)account->save();
      return tl::unexpected(file.error());
    }
  } else if (auto file = ExperimentFile::create(words.file, *design, hold, now()); !file) {
    return tl::unexpected(file.error());
  }
  streams.out << words.file << ": " << design->arms.size() << " arms, method " << words.method;
  if (design->samples > 0) streams.out << ", " << design->samples << " samples";
  if (design->money) streams.out << ", " << to_string(*design->money);
  if (design->method == ExperimentMethod::kPrivate) {
    streams.out << ", " << privacy_text(tried->privacy_cost())
                << "\nThe file holds the rewards and the seed of the noise: keep it to yourself, and show `status`.";
  }
  streams.out << '\n';
  return true;
}

Result<bool> experiment_next(const FileWords& words, ExperimentStreams streams) {
  auto file = ExperimentFile::open(words.file, FileAccess::kRead);
  if (!file) return tl::unexpected(file.error());
  print_notes(*file, streams);
  Experiment& experiment = file->experiment();
  const auto method = experiment.design().method;
  const bool one = method == ExperimentMethod::kLucb || method == ExperimentMethod::kElimination;
  const bool decided = file->decision().has_value();
  const auto batch = decided ? std::vector<explore::Pull>{}
                             : experiment.next(words.count > 0 ? words.count
                                               : one           ? 1
                                                               : Experiment::kMostAtOnce);
  if (words.json) {
    json::array list;
    for (const explore::Pull& p : batch)
      list.push_back({{"arm", arm_name(*file, p.arm)}, {"count", static_cast<std::int64_t>(p.count)}});
    streams.out << to_json(json::object{{"next", std::move(list)}, {"finished", experiment.finished()}}) << '\n';
    return true;
  }
  for (const explore::Pull& p : batch) streams.out << arm_name(*file, p.arm) << ' ' << p.count << '\n';
  if (batch.empty()) {
    streams.err << (decided                 ? "it was decided; nothing more is asked for\n"
                    : experiment.finished() ? "it has ended; `bursar experiment decide` says what came out\n"
                                            : "the money does not pay another sample; `decide --now` ends it\n");
  }
  return true;
}

Result<bool> experiment_record(const RecordWords& words, ExperimentStreams streams) {
  auto file = ExperimentFile::open(words.file, FileAccess::kWrite);
  if (!file) return tl::unexpected(file.error());
  print_notes(*file, streams);
  if (file->decision()) {
    return invalid_argument("it was decided at " + file->decision()->at + "; rewards that come later are not counted");
  }
  struct Given {
    std::string arm, reward, id;
  };
  std::vector<Given> given;
  if (words.from.empty()) {
    given.push_back({words.arm, words.reward, words.id});
  } else {
    const auto table = read_table(words.from, streams.in);
    if (!table) return tl::unexpected(table.error());
    const std::size_t arm = table->find("arm"), reward = table->find("reward"), id = table->find("id");
    if (arm == table->columns.size() || reward == table->columns.size())
      return invalid_argument(words.from + ": needs the columns arm and reward, and may have id");
    for (std::size_t row = 0; row < table->rows(); ++row) {
      given.push_back(
          {table->at(row, arm), table->at(row, reward), id == table->columns.size() ? "" : table->at(row, id)});
    }
  }
  Experiment& experiment = file->experiment();
  const bool released = experiment.privacy_spent().epsilon > 0;
  std::vector<json::object> lines;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string place = words.from.empty() ? "" : words.from + ": row " + std::to_string(i + 1) + ": ";
    const auto wrong = [&](Error e) {
      e.message = place + e.message + (place.empty() ? "" : "; none of the rows was recorded");
      return tl::unexpected(std::move(e));
    };
    const auto arm = file->arm_named(given[i].arm);
    if (!arm) return wrong(arm.error());
    const auto reward = number_of(given[i].reward, "reward");
    if (!reward) return wrong(reward.error());
    const auto news = experiment.record(*arm, *reward, given[i].id);
    if (!news) return wrong(news.error());
    if (*news) lines.push_back(reward_line(given[i].arm, *reward, given[i].id, now()));
  }
  if (auto ok = commit_privacy(*file, released); !ok) return tl::unexpected(ok.error());
  if (!lines.empty()) {
    if (auto ok = file->append(lines); !ok) return tl::unexpected(ok.error());
  }
  streams.out << "recorded " << lines.size();
  if (lines.size() < given.size()) streams.out << ", and " << given.size() - lines.size() << " were recorded before";
  streams.out << "; " << experiment.samples() << " in all" << (experiment.finished() ? "; it has ended" : "") << '\n';
  return true;
}

namespace {

json::object status_json(ExperimentFile& file, const explore::ExperimentStatus& s) {
  json::array arms;
  for (std::size_t a = 0; a < s.arms.size(); ++a) {
    const auto& arm = s.arms[a];
    json::object row{
        {"arm", arm_name(file, a)}, {"count", static_cast<std::int64_t>(arm.count)}, {"active", arm.active}};
    if (arm.mean) row["mean"] = *arm.mean;
    if (arm.low < arm.high) row["interval"] = {arm.low, arm.high};
    arms.push_back(std::move(row));
  }
  json::object out{{"arms", std::move(arms)},
                   {"interval", s.interval},
                   {"samples", static_cast<std::int64_t>(s.samples)},
                   {"phase", static_cast<std::int64_t>(s.phase)},
                   {"phases", static_cast<std::int64_t>(s.phases)},
                   {"epsilon_spent", s.privacy.epsilon},
                   {"finished", s.finished}};
  if (const auto& money = file.experiment().design().money)
    out["money_spent"] = to_string(Amount{money->resource, s.money_spent});
  if (file.decision()) out["decided"] = file.decision()->arm;
  return out;
}

}  // namespace

Result<bool> experiment_status(const FileWords& words, ExperimentStreams streams) {
  auto file = ExperimentFile::open(words.file, FileAccess::kRead);
  if (!file) return tl::unexpected(file.error());
  print_notes(*file, streams);
  const auto status = file->experiment().status();
  const ExperimentDesign& design = file->experiment().design();
  if (words.json) {
    streams.out << to_json(status_json(*file, status)) << '\n';
    return true;
  }
  std::size_t width = 3;
  for (const std::string& name : design.arms) width = std::max(width, std::min<std::size_t>(name.size(), 40));
  streams.out << name_of(design.method) << ": " << status.samples << " samples";
  if (design.samples > 0)
    streams.out << " of " << (design.method == ExperimentMethod::kLucb ? "at most " : "") << design.samples;
  if (status.phases > 0)
    streams.out << ", phase " << std::min(status.phase + 1, status.phases) << " of " << status.phases;
  if (design.money)
    streams.out << ", " << to_string(Amount{design.money->resource, status.money_spent}) << " of "
                << to_string(*design.money);
  if (design.method == ExperimentMethod::kPrivate)
    streams.out << ", " << privacy_text(status.privacy) << " spent of " << short_number(design.noise.epsilon);
  streams.out << (file->decision()  ? ", decided"
                  : status.finished ? ", ended"
                                    : "")
              << "\n\n"
              << padded("arm", width) << "  count     mean    interval\n";
  const bool hides = design.method == ExperimentMethod::kPrivate;
  for (std::size_t a = 0; a < status.arms.size(); ++a) {
    const auto& arm = status.arms[a];
    streams.out << padded(design.arms[a], width) << "  " << padded(std::to_string(arm.count), 8) << "  "
                << padded(arm.mean ? short_number(*arm.mean) : "-", 6) << "  ";
    if (arm.low < arm.high) streams.out << short_number(arm.low) << " … " << short_number(arm.high);
    streams.out << (arm.active ? "" : "  out") << '\n';
  }
  streams.out << (hides ? "Means are as they were released, with noise; i" : "I") << "ntervals: " << status.interval
              << ".\n";
  return true;
}

Result<bool> experiment_decide(const FileWords& words, ExperimentStreams streams) {
  auto file = ExperimentFile::open(words.file, FileAccess::kWrite);
  if (!file) return tl::unexpected(file.error());
  print_notes(*file, streams);
  const auto decision = file->experiment().decide();
  // The file is well; it is too early.
  if (!decision) return invalid_argument(decision.error().message);
  const bool early = !decision->finished && !words.now && !file->decision();
  if (!early && !file->decision()) {
    const auto line = decision_line(arm_name(*file, decision->arm), decision->finished, now());
    if (auto ok = file->append({line}); !ok) return tl::unexpected(ok.error());
  }
  if (words.json) {
    streams.out << to_json(decision_json(*file, *decision)) << '\n';
    return !early;
  }
  streams.out << (early ? "not ended; so far " : "") << arm_name(*file, decision->arm)
              << "\nguarantee: " << decision->guarantee << '\n';
  if (early) streams.out << "`next` says what is still to be sampled; --now ends it here\n";
  return !early;
}

}  // namespace bursar::cli
