#include "bursar/cli/sample/sample_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>
#include <sstream>

namespace bursar::cli {
namespace {

enum Exit : int { kDone = 0, kWrong = 1, kUsage = 2, kUnavailable = 3 };

constexpr const char* kHelp =
    R"(Repeated draws from a model: votes, which answers to submit, and where the next draw goes.

  bursar sample select answers.jsonl --rule bom --k 3
  bursar sample allocate pool.jsonl --mean 16
  bursar sample fit pool.jsonl --mean 16 --output plan.json
  bursar sample run stream.jsonl --plan plan.json
  bursar sample rollouts candidates.jsonl --n 64 --policy dora
  bursar sample beliefs beliefs.json
  bursar sample fit-lengths traces.jsonl --output laws.json
  bursar sample guide candidates.jsonl --laws laws.json --thinking-budget 500

Files are JSON lines: {"id","answers":[…],"rewards":[…],"weights":[…],"gold"}, and for rollouts
{"text","score","embedding":[…]}; what is not needed may be missing. Traces of thinking are {"thinking","tokens":[…]}
or {"lines":[{"text","tokens"}]}, candidates {"tokens","line","candidates":[{"token","p"}]}. docs/sample.md has more.
)";

struct Words {
  SelectWords select;
  AllocateWords allocate;
  StreamWords stream;
  RolloutWords rollouts;
  BeliefsWords beliefs;
  LengthWords lengths;
  GuideWords guide;
};

void describe_guidance(CLI::App& app, Words& words) {
  CLI::App& lengths = *app.add_subcommand("fit-lengths", "Learns from traces how much thinking is left at a line");
  lengths.add_option("traces", words.lengths.file, "JSON lines of whole traces; - is standard input")->required();
  lengths.add_option("-o,--output", words.lengths.output, "Write the laws here");
  lengths.add_option("--min-samples", words.lengths.min_samples, "Of a law (30)");
  lengths.add_option("--max-distance", words.lengths.max_distance,
                     "Kolmogorov-Smirnov; a law that is further from its samples is dropped (0.15)");
  lengths.add_flag("--json", words.lengths.json, "Print the laws as JSON");
  CLI::App& guide = *app.add_subcommand("guide", "Weights the tokens a line could begin with by what still fits");
  guide.add_option("candidates", words.guide.file, "JSON lines; - is standard input (-)");
  guide.add_option("--laws", words.guide.laws, "What fit-lengths wrote")->required();
  guide.add_option("--thinking-budget", words.guide.budget, "Tokens of the whole thinking")->required();
  guide.add_flag("--published", words.guide.published, "With the mask and the fallback of the published code");
}

void describe(CLI::App& app, Words& words) {
  CLI::App& select = *app.add_subcommand("select", "Which k of the answers seen to submit");
  select.add_option("answers", words.select.file, "JSON lines; - is standard input")->required();
  select.add_option("--rule", words.select.rule, "bom (best of the frequent), best-of-n, soft-best-of-n, majority");
  select.add_option("--k", words.select.k, "Answers to submit (1)");
  select.add_option("--threshold", words.select.threshold,
                    "bom: least frequency; auto (default), validated, or a number");
  select.add_option("--reward", words.select.reward, "Of several traces of an answer: mean, max, heaviest");
  select.add_option("--temperature", words.select.temperature, "soft-best-of-n: of the softmax (1)");
  select.add_option("--seed", words.select.seed, "soft-best-of-n: of its draws (1)");
  CLI::App& allocate = *app.add_subcommand("allocate", "Replays a batch: the next sample goes where the vote is open");
  allocate.add_option("pool", words.allocate.file, "JSON lines of recorded answers, in the order of drawing")
      ->required();
  allocate.add_option("--mean", words.allocate.mean, "Samples a question, on average (16)");
  allocate.add_option("--options", words.allocate.options, "Distinct answers that count, of each question (32)");
  allocate.add_option("--warm-up", words.allocate.warm_up, "Samples of every question first (1)");
  CLI::App& fit = *app.add_subcommand("fit", "Learns how many samples a question of a stream may draw");
  fit.add_option("pool", words.stream.file, "JSON lines of training questions, 30 or so, with 64 samples each")
      ->required();
  fit.add_option("--mean", words.stream.mean, "Samples a question, on average (16)");
  fit.add_option("--warm-up", words.stream.warm_up, "First answers that are looked at (4)");
  fit.add_option("--most", words.stream.most, "Of one question (64)");
  fit.add_flag("--open", words.stream.open, "Open answers: unanimous or not is all that counts");
  fit.add_option("-o,--output", words.stream.output, "Write the plan here");
  CLI::App& run = *app.add_subcommand("run", "Replays a stream under a plan");
  run.add_option("stream", words.stream.file, "JSON lines of recorded answers")->required();
  run.add_option("--plan", words.stream.plan, "What fit wrote")->required();
  CLI::App& rollouts = *app.add_subcommand("rollouts", "Splits rollouts over the live candidates of a search");
  rollouts.add_option("candidates", words.rollouts.file, "JSON lines; without embeddings, hashed n-grams")->required();
  rollouts.add_option("--n", words.rollouts.n, "Rollouts (64)");
  rollouts.add_option("--policy", words.rollouts.policy, "dora, rebase, uniform, beam, dvts, direction-bayes");
  rollouts.add_option("--width", words.rollouts.width, "beam and dvts: rollouts of one candidate (4)");
  rollouts.add_option("--quality-temperature", words.rollouts.quality_temperature, "Of the scores' softmax (.1)");
  rollouts
      .add_option("--similarity-temperature", words.rollouts.similarity_temperature,
                  "Of the similarities' softmax; 0 (default): fitted to the candidates")
      ->check(CLI::NonNegativeNumber);
  rollouts.add_option("--mode", words.rollouts.mode, "dora: two-stage (default), formula");
  rollouts.add_option("--rounding", words.rollouts.rounding, "cumulative (default), largest-remainder, cyclic");
  rollouts.add_flag("--json", words.rollouts.json, "Print JSON lines");
  CLI::App& beliefs = *app.add_subcommand("beliefs", "What a gateway has learned of its models and strategies");
  beliefs.add_option("file", words.beliefs.file, "The file in which it keeps them")->required();
  beliefs.add_flag("--json", words.beliefs.json, "Print JSON lines");
  for (auto [command, exact, json] : {std::tuple{&select, &words.select.exact, &words.select.json},
                                      std::tuple{&allocate, &words.allocate.exact, &words.allocate.json},
                                      std::tuple{&fit, &words.stream.exact, &words.stream.json},
                                      std::tuple{&run, &words.stream.exact, &words.stream.json}}) {
    command->add_flag("--exact", *exact, "Compare answers as they are written, not as numbers");
    command->add_flag("--json", *json, "Print JSON lines");
  }
}

// Names and texts come from files: what would steer a terminal becomes '?'.
std::string without_controls(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t'; }, '?');
  return text;
}

Result<void> run_verb(const CLI::App& app, const Words& words, std::ostream& out) {
  if (app.got_subcommand("select")) return select_answers(words.select, out);
  if (app.got_subcommand("allocate")) return allocate_samples(words.allocate, out);
  if (app.got_subcommand("fit")) return fit_stream(words.stream, out);
  if (app.got_subcommand("run")) return run_stream(words.stream, out);
  if (app.got_subcommand("beliefs")) return show_beliefs(words.beliefs, out);
  if (app.got_subcommand("rollouts")) return rollouts_of(words.rollouts, out);
  if (app.got_subcommand("fit-lengths")) return fit_lengths(words.lengths, out);
  return guide_candidates(words.guide, out);
}

int run_parsed(std::vector<std::string> words, SampleOutput output) {
  CLI::App app(kHelp, "bursar sample");
  app.set_version_flag("--version", std::string("bursar-sample ") + BURSAR_VERSION);
  app.require_subcommand(1);
  Words read;
  describe(app, read);
  describe_guidance(app, read);
  try {
    std::ranges::reverse(words);  // as CLI11 takes them
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      (void)app.exit(error, output.out, output.err);
      return kDone;
    }
    output.err << "bursar sample: " << error.what() << "; `bursar sample --help` shows what there is\n";
    return kUsage;
  }
  std::ostringstream text;
  const auto well = run_verb(app, read, text);
  if (!well) {
    std::string message = without_controls(well.error().message);
    std::ranges::replace(message, '\n', '?');
    output.err << "bursar sample: " << message << '\n';
    return well.error().code == ErrorCode::kUnavailable ? kUnavailable : kWrong;
  }
  output.out << without_controls(std::move(text).str());
  output.out.flush();
  return output.out ? kDone : kUnavailable;
}

}  // namespace

int run_sample(std::vector<std::string> words, SampleOutput output) {
  try {
    return run_parsed(std::move(words), output);
  } catch (const std::bad_alloc&) {
    output.err << "bursar sample: what is asked for does not fit into memory\n";
    return kUnavailable;
  } catch (const std::exception& error) {
    output.err << "bursar sample: " << error.what() << " (a bug of ours; please report it)\n";
    return kWrong;
  }
}

}  // namespace bursar::cli
