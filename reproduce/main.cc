// bursar-reproduce: runs what the published systems claim, beside their baselines. Exit status 0: every claim asked for
// holds, 1: one is short, 2: the command line or the machine did not allow a run.
#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <unistd.h>

#include "bursar/core/json.h"
#include "reproduce/plot.h"
#include "reproduce/report.h"
#include "reproduce/system.h"

namespace bursar::reproduce {
namespace {

constexpr int kHolds = 0, kShort = 1, kUsage = 2;

struct Arguments {
  std::string slug, plot;
  bool all = false, list = false, table = false, json = false, markdown = false;
  RunOptions run;
};

int usage(std::string_view what) {
  std::cerr << "bursar-reproduce: " << what << "\n";
  return kUsage;
}

void list_live() {
  for (const System& s : systems()) {
    if (status_of(s) == SystemStatus::kLive) std::cout << s.slug << "\t" << s.shows << "\n";
  }
}

Result<Report> run(const System& system, const RunOptions& options) {
  auto report = system.reproduce(options);
  if (!report) return tl::unexpected(with_context(system.slug, report.error()));
  report->slug = system.slug;
  return report;
}

int reproduce_one(const Arguments& args) {
  const System* system = find_system(args.slug);
  if (system == nullptr) return usage("no system is named \"" + args.slug + "\"; --systems lists them");
  if (status_of(*system) != SystemStatus::kLive) {
    return usage(args.slug + " is planned and has no reproduction yet; --list shows those that have");
  }
  const auto report = run(*system, args.run);
  if (!report) return usage(report.error().message);
  if (!args.plot.empty()) {
    std::ofstream file(args.plot);
    file << to_svg(*report);
    if (!file.flush()) return usage("cannot write the plot to " + args.plot);
  }
  std::cout << (args.json ? to_json(to_json_value(*report)) + "\n" : to_text(*report));
  return holds(*report) ? kHolds : kShort;
}

int reproduce_all(const Arguments& args) {
  boost::json::array documents;
  std::string bars;
  int status = kHolds;
  if (!args.json) std::printf("%-20s %-8s %6s %6s  %s\n", "system", "verdict", "bars", "s", "claim");
  for (const System& system : systems()) {
    if (status_of(system) != SystemStatus::kLive) continue;
    const auto start = std::chrono::steady_clock::now();
    const auto report = run(system, args.run);
    if (!report) return usage(report.error().message);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    if (!holds(*report)) status = kShort;
    if (args.json) {
      documents.emplace_back(to_json_value(*report));
      continue;
    }
    std::size_t ok = 0;
    for (Bar bar : report->bars) {
      ok += bar.ok() ? 1 : 0;
      bar.name = report->slug + "/" + bar.name;
      bars += to_text(bar) + "\n";
    }
    const std::string counted = std::to_string(ok) + "/" + std::to_string(report->bars.size());
    std::printf("%-20s %-8s %6s %6.1f  %s\n", report->slug.c_str(), holds(*report) ? "holds" : "short", counted.c_str(),
                took.count(), report->claim.c_str());
    for (const std::string& part : report->not_run) std::printf("%-20s not run: %s\n", "", part.c_str());
    std::fflush(stdout);
  }
  std::cout << (args.json ? to_json(documents) + "\n" : "\n" + bars);
  return status;
}

// The folder of this very program, where `bursar` stands beside it.
std::string own_folder() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::string() : self.parent_path().string();
}

int dispatch(const Arguments& args) {
  if (args.table) {
    std::cout << (args.json ? to_json(systems_json()) + "\n" : args.markdown ? systems_markdown() : systems_text());
    return kHolds;
  }
  if (args.list) return list_live(), kHolds;
  if (args.all && !args.plot.empty()) return usage("--plot draws one system; name it instead of --all");
  if (args.all) return reproduce_all(args);
  if (args.slug.empty()) return usage("name a system, or use --all, --list or --systems; --help says more");
  return reproduce_one(args);
}

}  // namespace
}  // namespace bursar::reproduce

int main(int argc, char** argv) {
  using namespace bursar::reproduce;
  Arguments args;
  CLI::App app("Runs what a published system claims, beside its baselines and its sheet's figures.",
               "bursar-reproduce");
  app.add_option("system", args.slug, "the system's slug, as --list shows it");
  app.add_flag("--quick", args.run.quick, "seconds instead of minutes: fewer seeds and smaller tables");
  app.add_flag("--json", args.json, "one JSON document instead of text");
  app.add_option("--plot", args.plot, "write a plot to this file (SVG)");
  app.add_option("--seed", args.run.seed, "the first seed")->capture_default_str();
  app.add_option("--seeds", args.run.seeds, "how many seeds; 0 takes the system's own number")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_flag("--all", args.all, "every live system, one table");
  app.add_flag("--list", args.list, "the live systems");
  app.add_flag("--systems", args.table, "the table of all systems");
  app.add_flag("--markdown", args.markdown, "with --systems: as docs/systems.md");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return kUsage;
  }
  args.run.programs = own_folder();
  if (isatty(STDERR_FILENO) != 0) {
    args.run.progress = [](std::string_view part) { std::cerr << "… " << part << "\n"; };
  }
  return dispatch(args);
}
