#include "bursar/cli/schedule/schedule_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "bursar/cli/schedule/curves.h"
#include "bursar/core/json.h"
#include "bursar/schedule/profile/budget_curriculum.h"
#include "bursar/schedule/profile/phi_advice.h"
#include "bursar/schedule/profile/profile.h"

namespace bursar::cli {
namespace {

enum Exit : int { kDone = 0, kWrong = 1, kUsage = 2, kUnavailable = 3 };

constexpr const char* kHelp =
    R"(Numbers that follow a budget of steps: learning rates, and budgets of tokens.

  bursar schedule print --profile rex --profile uba:phi=.25 --steps 10000 --peak .1
  bursar schedule plot --profile rex --profile linear --steps 10000 --peak .1 --output rates.svg
  bursar schedule phi --kappa 1000 --steps 300 --noise .01
  bursar schedule budget --from 256 --to 87 --drops 3 --steps 600

docs/schedule.md says which profile for what.
)";

struct BudgetWords {
  schedule::BudgetDrops drops;
  std::string shape = "exponential";
};

struct Words {
  CurveWords curves;
  schedule::PhiQuestion phi;
  BudgetWords budget;
  std::string output = "-";
  bool csv = false, json = false;
};

void describe_curves(CLI::App& command, CurveWords& words) {
  command.add_option("-p,--profile", words.profiles, "NAME or NAME:key=value,…; may be given several times")
      ->allow_extra_args(false);
  command
      .add_option("-c,--curriculum", words.curricula,
                  "exponential:from=256,to=87,drops=3, linear:…, constant:…, decay:…")
      ->allow_extra_args(false);
  command.add_option("-n,--steps", words.steps, "Steps of the whole budget, warm-up included")->required();
  command.add_option("--peak", words.peak, "Largest rate (1)");
  command.add_option("--floor", words.floor, "Rate at the end of the profile (0)");
  command.add_option("--warmup", words.warmup, "Steps of a linear rise before the profile (0)");
  command.add_option("--warmup-from", words.warmup_from, "Rate before the first step of the rise (0)");
  command.add_option("--phi", words.phi, "phi of --profile uba (0.5)");
  command.add_option("--every", words.every, "Read the profile every so many steps only");
  command.add_option("--at", words.at, "Read the profile at these shares only, such as .5,.75")->delimiter(',');
  command.add_option("--restarts", words.restarts, "Phases in all, one after the other (1)");
  command.add_option("--growth", words.growth, "Length of a phase over that of the last (1)");
  command.add_option("--decay", words.decay, "Peak of a phase over that of the last (1)");
  command.add_option("--budget", words.budgets, "DONE:TOTAL, after DONE steps the budget becomes TOTAL steps")
      ->allow_extra_args(false);
}

// Names come from the command line: what would steer a terminal becomes '?'.
std::string without_controls(std::string text) {
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\n'; }, '?');
  return text;
}

Result<std::string> print_curves(const Words& words, ScheduleOutput output) {
  const auto curves = make_curves(words.curves);
  if (!curves) return tl::unexpected(curves.error());
  for (const std::string& warning : curves->warnings)
    output.err << "bursar schedule: " << without_controls(warning) << '\n';
  if (words.json) return curves_json(*curves, words.curves.rows);
  if (words.csv) return curves_csv(*curves, words.curves.rows);
  return curves_text(*curves, words.curves.rows);
}

Result<std::string> plot_curves(const Words& words, ScheduleOutput output) {
  auto svg = make_curves(words.curves).and_then([](const Curves& curves) { return curves_svg(curves); });
  if (!svg || words.output == "-") return svg;
  std::ofstream file(words.output, std::ios::binary);
  file << *svg;
  file.close();
  if (!file) {
    return fail(ErrorCode::kUnavailable, words.output + ": cannot be written: " + std::strerror(errno));
  }
  output.err << "bursar schedule: wrote " << without_controls(words.output) << '\n';
  return std::string();
}

Result<std::string> advise(const Words& words) {
  const auto advice = schedule::advise_phi(words.phi);
  if (!advice) return tl::unexpected(advice.error());
  const auto cosine = std::ranges::find(advice->loss_by_phi, 2, &schedule::PhiLoss::phi);
  boost::json::array rows;
  std::string out = "phi " + number_text(advice->phi) + " for " + std::to_string(words.phi.total) +
                    " steps, condition number " + number_text(words.phi.kappa) + ", noise " +
                    number_text(words.phi.noise) + "\n\n" + padded("phi", 8) + padded("loss", 14) +
                    padded("of cosine's", 14) + "best peak x largest curvature\n";
  for (const schedule::PhiLoss& one : advice->loss_by_phi) {
    rows.push_back(boost::json::object{{"phi", one.phi}, {"loss", one.loss}, {"peak", one.peak}});
    out += padded(number_text(one.phi), 8) + padded(number_text(one.loss), 14) +
           padded(number_text(one.loss / cosine->loss), 14) + number_text(one.peak) + '\n';
  }
  if (!words.json) return out;
  return to_json(
             boost::json::object{{"format", "bursar-phi/1"}, {"phi", advice->phi}, {"loss_by_phi", std::move(rows)}}) +
         '\n';
}

Result<std::string> print_budget(const Words& words, ScheduleOutput output) {
  const BudgetWords& b = words.budget;
  const auto made = b.shape == "linear" ? schedule::BudgetCurriculum::linear(b.drops)
                                        : schedule::BudgetCurriculum::exponential(b.drops);
  if (!made) return tl::unexpected(made.error());
  if (made->grows()) output.err << "bursar schedule: the budget grows: --to is above --from\n";
  const auto changes = made->changes();
  if (!changes) return tl::unexpected(changes.error());
  boost::json::array rows;
  std::string out = words.csv ? "step,budget,exact\n" : padded("from step", 12) + padded("budget", 10) + "exact\n";
  for (const schedule::BudgetChange& change : *changes) {
    const auto tokens = made->tokens_at(change.step);
    if (!tokens) return tl::unexpected(tokens.error());
    const std::string step = std::to_string(change.step), whole = std::to_string(*tokens);
    rows.push_back(boost::json::object{{"step", change.step}, {"budget", *tokens}, {"exact", change.budget}});
    out += words.csv ? step + ',' + whole + ',' + number_text(change.budget)
                     : padded(step, 12) + padded(whole, 10) + number_text(change.budget);
    out += '\n';
  }
  if (!words.json) return out;
  return to_json(boost::json::object{
             {"format", "bursar-budget/1"}, {"steps", made->steps()}, {"changes", std::move(rows)}}) +
         '\n';
}

std::string list_profiles() {
  std::string out = padded("profile", 14) + padded("parameters", 34) + "what\n";
  for (const schedule::ProfileEntry& entry : schedule::profiles()) {
    out += padded(std::string(entry.name), 14) + padded(std::string(entry.parameters), 34) + std::string(entry.about) +
           '\n';
  }
  return out + "\nEach takes mobius=PHI too: below 2 it stays high longer, above 2 it falls earlier.\n";
}

int complain(ScheduleOutput output, const Error& error) {
  std::string text = without_controls(error.message);
  std::ranges::replace(text, '\n', '?');
  output.err << "bursar schedule: " << text << '\n';
  return error.code == ErrorCode::kUnavailable ? kUnavailable : kWrong;
}

int run_parsed(std::vector<std::string> words, ScheduleOutput output) {
  CLI::App app(kHelp, "bursar schedule");
  app.set_version_flag("--version", std::string("bursar-schedule ") + BURSAR_VERSION);
  app.require_subcommand(1);
  Words read;
  CLI::App* print = app.add_subcommand("print", "Print rates by step")->alias("lr");
  CLI::App* plot = app.add_subcommand("plot", "Draw rates by step as an SVG");
  CLI::App* phi = app.add_subcommand("phi", "Advise the phi of the profile uba");
  CLI::App* budget = app.add_subcommand("budget", "Print a curriculum of token budgets");
  app.add_subcommand("profiles", "List the profiles");
  describe_curves(*print, read.curves);
  describe_curves(*plot, read.curves);
  print->add_option("--rows", read.curves.rows, "Print so many evenly spaced steps (text: 21, otherwise all)");
  plot->add_option("-o,--output", read.output, "The SVG; - is standard output");
  phi->add_option("--kappa", read.phi.kappa, "Condition number: largest over smallest curvature")->required();
  phi->add_option("-n,--steps", read.phi.total, "Steps of the budget")->required();
  phi->add_option("--noise", read.phi.noise, "Variance of the gradients' noise over curvature (0.01)");
  budget->add_option("--from", read.budget.drops.from, "First budget")->required();
  budget->add_option("--to", read.budget.drops.to, "Last budget")->required();
  budget->add_option("--drops", read.budget.drops.drops, "Changes of the budget (3)");
  budget->add_option("-n,--steps", read.budget.drops.steps, "Steps of the run")->required();
  budget->add_option("--shape", read.budget.shape, "exponential or linear")
      ->check(CLI::IsMember({"exponential", "linear"}));
  for (CLI::App* verb : {print, budget}) verb->add_flag("--csv", read.csv, "Print CSV");
  for (CLI::App* verb : {print, phi, budget}) verb->add_flag("--json", read.json, "Print one JSON document");
  try {
    std::ranges::reverse(words);  // as CLI11 takes them
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      (void)app.exit(error, output.out, output.err);
      return kDone;
    }
    output.err << "bursar schedule: " << error.what() << "; `bursar schedule --help` shows what there is\n";
    return kUsage;
  }
  const auto text = print->parsed()    ? print_curves(read, output)
                    : plot->parsed()   ? plot_curves(read, output)
                    : phi->parsed()    ? advise(read)
                    : budget->parsed() ? print_budget(read, output)
                                       : Result<std::string>(list_profiles());
  if (!text) return complain(output, text.error());
  output.out << without_controls(*text);
  output.out.flush();
  return output.out ? kDone : kUnavailable;
}

}  // namespace

int run_schedule(std::vector<std::string> words, ScheduleOutput output) {
  try {
    return run_parsed(std::move(words), output);
  } catch (const std::bad_alloc&) {
    output.err << "bursar schedule: what is asked for does not fit into memory\n";
    return kUnavailable;
  } catch (const std::exception& error) {
    output.err << "bursar schedule: " << error.what() << " (a bug of ours; please report it)\n";
    return kWrong;
  }
}

}  // namespace bursar::cli
