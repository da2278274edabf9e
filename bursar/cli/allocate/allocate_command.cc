#include "bursar/cli/allocate/allocate_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <ostream>

#include "bursar/allocate/format/answer.h"
#include "bursar/cli/allocate/input_file.h"

namespace bursar::cli {
namespace {

using allocate::NamedAmount;
using allocate::StatedProblem;
using Clock = std::chrono::steady_clock;

enum Exit : int { kDone = 0, kWrong = 1, kUsage = 2, kUnavailable = 3, kInterrupted = 130 };

constexpr const char* kHelp =
    R"(Gives every item of a known problem one of its options, within a budget, and says how far from the best that can be.

  bursar allocate offers.csv --budget 1000 --output choices.csv
  bursar allocate layers.json --explain conv1
  bursar allocate value.npy --costs cost.npy --budget 1e9 --json

CSV: a row an option with the columns item, option, value (or loss), cost (or cost.usd, cost.hours, ...), and where
wanted group, minimum, forbidden. JSON: see docs/allocate.md. NPY: arrays [items, options] of values and of costs.
)";
constexpr std::size_t kShownChoices = 20;

volatile std::sig_atomic_t interrupted = 0;

// Ctrl-C ends the work with the best answer so far; a second one ends the program.
void on_interrupt(int) {
  interrupted = 1;
  std::signal(SIGINT, SIG_DFL);
}

struct Words {
  ProblemFile file;
  std::vector<std::string> budgets, caps, explain;
  std::string caps_file, output, method, sense, value_column, loss_column;
  double gap = -1, time_limit_s = 0;
  bool json = false, quiet = false;
};

// What the terminal shows while there is nothing else to see: one line, at most ten times a second.
class Progress {
 public:
  explicit Progress(AllocateOutput output, bool on) : err_(output.err), on_(on) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const std::function<std::string()>& text) {
    const auto now = Clock::now();
    if (!on_ || now - last_ < std::chrono::milliseconds{100}) return;
    last_ = now;
    drawn_ = true;
    err_ << "\r\x1b[K" << text() << std::flush;
  }
  void clear() {
    if (drawn_) err_ << "\r\x1b[K" << std::flush;
    drawn_ = false;
  }
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

 private:
  std::ostream& err_;
  bool on_ = false, drawn_ = false;
  Clock::time_point begin_ = Clock::now(), last_ = begin_;
};

std::string fixed(double x, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, x);
  return text;
}

// "usd=5", or "5".
Result<NamedAmount> named_amount(const std::string& flag, const std::string& text, bool needs_name) {
  const std::size_t equals = text.rfind('=');
  NamedAmount amount{.name = equals == std::string::npos ? "" : text.substr(0, equals)};
  const std::string_view number =
      equals == std::string::npos ? std::string_view(text) : std::string_view(text).substr(equals + 1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), amount.amount);
  if (error != std::errc{} || end != number.data() + number.size() || (needs_name && amount.name.empty())) {
    return invalid_argument(flag + " is '" + text + "'; it must be " +
                            (needs_name ? "NAME=NUMBER" : "NUMBER or NAME=NUMBER"));
  }
  return amount;
}

Result<std::vector<NamedAmount>> named_amounts(const std::string& flag, const std::vector<std::string>& texts,
                                               bool need_names) {
  std::vector<NamedAmount> amounts;
  for (const std::string& text : texts) {
    auto amount = named_amount(flag, text, need_names);
    if (!amount) return tl::unexpected(amount.error());
    amounts.push_back(std::move(*amount));
  }
  return amounts;
}

// What the command line says, understood before anything is read.
struct Asked {
  std::vector<NamedAmount> budget, caps;
  std::optional<allocate::Method> method;
  std::optional<allocate::ChoiceSense> sense;
};

Result<Asked> understand(const Words& words) {
  Asked asked;
  auto budget = named_amounts("--budget", words.budgets, false);
  if (!budget) return tl::unexpected(budget.error());
  asked.budget = std::move(*budget);
  auto caps = named_amounts("--cap", words.caps, true);
  if (!caps) return tl::unexpected(caps.error());
  asked.caps = std::move(*caps);
  if (!words.method.empty()) {
    auto method = allocate::method_named(words.method);
    if (!method) return tl::unexpected(with_context("--method", method.error()));
    asked.method = *method;
  }
  if (!words.sense.empty()) {
    auto sense = allocate::sense_named(words.sense);
    if (!sense) return tl::unexpected(with_context("--sense", sense.error()));
    asked.sense = *sense;
  }
  if (auto form = form_of(words.file.path, words.file.form); !form) return tl::unexpected(form.error());
  return asked;
}

Result<StatedProblem> read(const Words& words, Asked asked, Progress& progress) {
  auto stated = read_problem(words.file, [&](double share, std::uint64_t options) {
    progress.show([&] {
      return "reading " + (share < 0 ? "" : fixed(100 * share, 0) + " %, ") +
             fixed(static_cast<double>(options) / 1e6, 1) + " million options, " + fixed(progress.seconds(), 0) + " s";
    });
    return interrupted == 0;
  });
  if (!stated) return stated;
  if (!words.caps_file.empty()) {
    auto more = read_caps(words.caps_file);
    if (!more) return tl::unexpected(more.error());
    asked.caps.insert(asked.caps.begin(), more->begin(), more->end());
  }
  if (auto ok = set_caps(stated->problem, asked.caps); !ok) return tl::unexpected(ok.error());
  stated->options.method = asked.method.value_or(stated->options.method);
  stated->options.sense = asked.sense.value_or(stated->options.sense);
  if (words.gap >= 0) stated->options.relative_gap = words.gap;
  if (words.time_limit_s > 0) stated->time_limit_s = words.time_limit_s;
  return stated;
}

Result<allocate::Budget> budget_for(const std::vector<NamedAmount>& amounts, const StatedProblem& stated) {
  if (!amounts.empty()) return allocate::budget_of(stated.problem, amounts);
  if (stated.budget) return *stated.budget;
  return invalid_argument("there is no budget; give --budget NUMBER, or --budget NAME=NUMBER for each resource");
}

Result<std::vector<std::size_t>> items_to_explain(const Words& words, const StatedProblem& stated) {
  std::vector<std::size_t> items;
  std::vector<std::string> names = stated.explain;
  names.insert(names.end(), words.explain.begin(), words.explain.end());
  for (const std::string& name : names) {
    auto item = item_named(stated.problem, name);
    if (!item) return tl::unexpected(with_context("explain", item.error()));
    items.push_back(*item);
  }
  return items;
}

Result<allocate::Allocation> solve(const StatedProblem& stated, const allocate::Budget& budget, Progress& progress) {
  allocate::AllocateOptions options = stated.options;
  const auto begin = Clock::now();
  options.stop = [&] {
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    progress.show(
        [&] { return "solving " + std::to_string(stated.problem.items()) + " items, " + fixed(seconds, 0) + " s"; });
    return interrupted != 0 || (stated.time_limit_s && seconds > *stated.time_limit_s);
  };
  return allocate::allocate(stated.problem, budget, options);
}

Result<void> print(const Words& words, const StatedProblem& stated, const allocate::Budget& budget,
                   const allocate::Allocation& answer, const std::vector<std::size_t>& explain, AllocateOutput output) {
  const allocate::Problem& problem = stated.problem;
  if (!words.output.empty()) {
    auto ok =
        write_file(words.output, [&](const Writer& writer) { return write_choices_csv(problem, answer, writer); });
    if (!ok) return ok;
  }
  // Where the choices go to standard output, nothing else may.
  std::ostream& out = words.output == "-" ? output.err : output.out;
  if (words.json) {
    out << answer_json(problem, budget, answer, {.choices = words.output.empty(), .explain = explain}) << '\n';
    return {};
  }
  out << summary_text(problem, budget, answer);
  for (const std::size_t item : explain) {
    auto why = allocate::explain(problem, answer, item);
    if (!why) return tl::unexpected(why.error());
    out << '\n' << why->text << '\n';
  }
  if (!words.output.empty() || !explain.empty()) return {};
  if (problem.items() > kShownChoices) {
    out << "\n--output FILE writes the choices, --explain ITEM says why.\n";
    return {};
  }
  out << '\n';
  return write_choices_csv(problem, answer, [&](std::string_view piece) -> Result<void> {
    out << piece;
    return {};
  });
}

int complain(AllocateOutput output, const Error& error) {
  std::string text = error.message;
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < ' '; }, '?');
  output.err << "bursar allocate: " << text << '\n';
  if (error.code == ErrorCode::kCancelled) return kInterrupted;
  return error.code == ErrorCode::kUnavailable ? kUnavailable : kWrong;
}

int carry_out(const Words& words, AllocateOutput output) {
  auto asked = understand(words);
  if (!asked) return complain(output, asked.error()), kUsage;
  Progress progress(output, output.terminal && !words.quiet);
  auto stated = read(words, *asked, progress);
  progress.clear();
  if (!stated) return complain(output, stated.error());
  for (const std::string& note : stated->notes) output.err << "bursar allocate: note: " << note << '\n';
  auto budget = budget_for(asked->budget, *stated);
  if (!budget) return complain(output, budget.error());
  auto explain = items_to_explain(words, *stated);
  if (!explain) return complain(output, explain.error());
  auto answer = solve(*stated, *budget, progress);
  progress.clear();
  if (!answer) return complain(output, answer.error());
  if (auto ok = print(words, *stated, *budget, *answer, *explain, output); !ok) return complain(output, ok.error());
  output.out.flush();
  return output.out ? kDone : kUnavailable;
}

void describe(CLI::App& app, Words& words) {
  app.add_option("problem", words.file.path, "problem.csv, .json or .npy; - is standard input")->required();
  app.add_option("--format", words.file.form, "csv, json or npy, where the name does not tell");
  app.add_option("-b,--budget", words.budgets, "NUMBER, or NAME=NUMBER for each resource");
  app.add_option("--costs", words.file.costs, "NPY: a file of costs for each resource; CSV: a column for each");
  app.add_option("--item", words.file.columns.item, "CSV: the column of items");
  app.add_option("--option", words.file.columns.option, "CSV: the column of options");
  auto* value = app.add_option("--value", words.value_column, "CSV: the column of values");
  app.add_option("--loss", words.loss_column, "CSV: the column of losses, instead of values")->excludes(value);
  app.add_option("--group", words.file.columns.group, "CSV: the column of groups");
  app.add_option("--cap", words.caps, "GROUP=NUMBER: most that a group may cost");
  app.add_option("--caps", words.caps_file, "CSV file of group,cap");
  app.add_option("--method", words.method, "auto, program, core, lagrangian, resources, groups");
  app.add_option("--sense", words.sense, "at_most, exactly or largest_reachable");
  app.add_option("--gap", words.gap, "Relative gap to the bound that is good enough (1e-9)")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--time-limit", words.time_limit_s, "Seconds after which the best answer so far is taken")
      ->check(CLI::PositiveNumber);
  app.add_option("-o,--output", words.output, "Write the choices to this file (CSV); - is standard output");
  app.add_option("-e,--explain", words.explain, "Say why this item got what it got; may be repeated");
  app.add_flag("--json", words.json, "Print one JSON document");
  app.add_flag("-q,--quiet", words.quiet, "No progress");
  for (CLI::Option* option : app.get_options()) {
    if (option->get_expected_max() > 1) option->allow_extra_args(false);
  }
}

}  // namespace

int run_allocate(std::vector<std::string> words, AllocateOutput output) {
  CLI::App app(kHelp, "bursar allocate");
  app.set_version_flag("--version", std::string("bursar-allocate ") + BURSAR_VERSION);
  Words read_words;
  try {
    describe(app, read_words);
    std::ranges::reverse(words);  // as CLI11 takes them
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      (void)app.exit(error, output.out, output.err);
      return kDone;
    }
    output.err << "bursar allocate: " << error.what() << "; `bursar allocate --help` shows what there is\n";
    return kUsage;
  }
  try {
    read_words.file.columns.value = read_words.value_column.empty() ? read_words.loss_column : read_words.value_column;
    read_words.file.columns.minimise = !read_words.loss_column.empty();
    interrupted = 0;
    const auto before = std::signal(SIGINT, &on_interrupt);
    const int code = carry_out(read_words, output);
    std::signal(SIGINT, before);
    return code;
  } catch (const std::bad_alloc&) {
    output.err << "bursar allocate: the problem does not fit into memory\n";
    return kUnavailable;
  } catch (const std::exception& error) {
    output.err << "bursar allocate: " << error.what() << " (a bug of ours; please report it)\n";
    return kWrong;
  }
}

}  // namespace bursar::cli
