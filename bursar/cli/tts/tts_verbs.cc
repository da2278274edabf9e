#include "bursar/cli/tts/tts_verbs.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>
#include <cmath>
#include <iomanip>
#include <ostream>

#include "bursar/cli/plan/workflow_input.h"
#include "bursar/cli/tts/script.h"
#include "bursar/cli/tts/search_file.h"
#include "bursar/core/json.h"
#include "bursar/plan/config_search/prompt_proposer.h"
#include "bursar/plan/config_search/subtask_json.h"

namespace bursar::cli {
namespace {

namespace json = boost::json;
using plan::ConfigSearch;
using plan::Configuration;
using plan::Score;

constexpr int kMostFailures = 3;  // one after the other
constexpr std::size_t kShown = 10;

Result<plan::Pipeline> read_pipeline(const std::string& path) {
  const auto text = read_whole(path);
  if (!text) return tl::unexpected(text.error());
  const std::size_t first = text->find_first_not_of(" \t\r\n");
  const auto named = [&](Error error) { return tl::unexpected(with_context(path, std::move(error))); };
  if (first != std::string::npos && (*text)[first] == '{') {
    auto pipeline = plan::parse_pipeline(*text);
    return pipeline ? std::move(pipeline) : named(pipeline.error());
  }
  const auto document = json_of_yaml(*text, path);
  if (!document) return tl::unexpected(document.error());  // names the file itself
  auto pipeline = plan::pipeline_of(JsonView(*document));
  return pipeline ? std::move(pipeline) : named(pipeline.error());
}

// Names come from files, and errors may hold what a script printed: what would steer a terminal becomes '?'.
std::string plain(std::string text) {
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }, '?');
  return text;
}

std::string last_line(std::string_view text) {
  const std::size_t end = text.find_last_not_of(" \t\r\n");
  if (end == std::string_view::npos) return {};
  text = text.substr(0, end + 1);
  const std::size_t begin = text.rfind('\n');
  return std::string(begin == std::string_view::npos ? text : text.substr(begin + 1));
}

Result<Score> score_of(std::string_view said, std::int64_t examples) {
  const std::string line = last_line(said);
  Score out{.examples = examples};
  if (line.empty()) return invalid_argument("printed nothing; its last line must be a score from 0 to 1");
  const auto document = parse_json(line, {.max_bytes = kMostScriptOutput, .max_depth = 4});
  if (!document) return invalid_argument("its last line is no score: " + line.substr(0, 80));
  const JsonView view(*document, "its last line");
  if (!document->is_object()) {
    const auto value = view.as_double(0, 1);
    if (!value) return tl::unexpected(value.error());
    out.value = *value;
    return out;
  }
  const auto value = view.double_at("score", 0, 1);
  if (!value) return tl::unexpected(value.error());
  out.value = *value;
  const auto count = view.find("examples"), stages = view.find("stages");
  if (!count || !stages) return tl::unexpected(!count ? count.error() : stages.error());
  if (*count) {
    const auto number = (*count)->as_int(1);
    if (!number) return tl::unexpected(number.error());
    out.examples = *number;
  }
  if (!*stages) return out;
  const auto size = (*stages)->array_size(plan::ConfigSpace::kMostStages);
  if (!size) return tl::unexpected(size.error());
  for (std::size_t i = 0; i < *size; ++i) {
    const auto one = (*stages)->element(i).and_then([](const JsonView& v) { return v.as_double(0, 1); });
    if (!one) return tl::unexpected(one.error());
    out.stages.push_back(*one);
  }
  return out;
}

std::chrono::milliseconds timeout_of(const SearchSetup& setup) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(setup.timeout_s * 1000));
}

class Runner {
 public:
  Runner(SearchFile& file, TtsOutput output) : file_(file), output_(output) {}

  // Runs until there are trials enough, then measures the leaders again.
  Result<void> run() {
    while (std::ssize(file_.search().trials()) - file_.measured_again() < file_.setup().trials) {
      const auto batch = next_batch();
      if (!batch) return tl::unexpected(batch.error());
      if (batch->empty()) {
        output_.err << "bursar tts: every configuration has been tried\n";
        break;
      }
      for (const Configuration& one : *batch) {
        if (auto ok = measure(one, false); !ok) return ok;
      }
    }
    while (file_.measured_again() < file_.setup().again) {
      const auto nth = static_cast<std::size_t>(file_.measured_again());
      if (leaders_.empty()) leaders_ = file_.search().leaders(static_cast<std::size_t>(file_.setup().again));
      if (nth >= leaders_.size()) break;
      if (auto ok = measure(leaders_[nth], true); !ok) return ok;
    }
    return {};
  }

 private:
  // What a run before left open comes first.
  Result<std::vector<Configuration>> next_batch() {
    ConfigSearch& search = file_.search();
    const std::int64_t left = file_.setup().trials - (std::ssize(search.trials()) - file_.measured_again());
    std::vector<Configuration> out = search.open();
    if (out.empty() && !file_.setup().ask.empty() && !search.trials().empty()) {
      auto asked = ask(static_cast<std::size_t>(std::min(left, file_.setup().batch)));
      if (!asked) return asked;
      out = *std::move(asked);
    }
    if (out.empty()) {
      auto proposed = search.propose(static_cast<std::size_t>(std::min(left, file_.setup().batch)));
      if (!proposed) return proposed;
      out = *std::move(proposed);
      if (auto ok = file_.save(); !ok) return tl::unexpected(ok.error());
    }
    if (std::ssize(out) > left) out.resize(static_cast<std::size_t>(left));
    return out;
  }

  Result<std::vector<Configuration>> ask(std::size_t count) {
    plan::PromptProposer proposer(file_.search(), count);
    while (proposer.next()) {
      const auto said = run_script(file_.setup().ask, *proposer.next(), timeout_of(file_.setup()));
      if (!said) return tl::unexpected(said.error());
      proposer.report(*said);
    }
    for (const std::string& why : proposer.refused()) output_.err << "bursar tts: left out: " << plain(why) << '\n';
    return proposer.proposals();
  }

  Result<void> measure(const Configuration& one, bool again) {
    ConfigSearch& search = file_.search();
    const std::string input = to_json(to_json_object(search.space(), one)) + "\n",
                      text = plain(to_text(search.space(), one));
    auto score = run_script(file_.setup().run, input, timeout_of(file_.setup())).and_then([&](const std::string& said) {
      return score_of(said, file_.setup().examples).map_error([&](Error e) {
        return with_context(file_.setup().run, std::move(e));
      });
    });
    if (score) {
      if (auto ok = search.report(one, *score); !ok) score = tl::unexpected(ok.error());
    }
    if (again) file_.count_measured_again();
    if (!score) {
      (void)search.give_up(one);  // one that was measured before is not open
      output_.err << "bursar tts: " << text << ": " << plain(score.error().message) << '\n';
      ++failures_;
    } else {
      failures_ = 0;
      output_.out << std::setw(4) << search.trials().size() << (again ? " again  " : "  ") << std::fixed
                  << std::setprecision(4) << score->value << "  cost " << std::setprecision(1)
                  << search.space().cost(one) << "  " << text << std::defaultfloat << std::endl;
    }
    if (auto ok = file_.save(); !ok) return ok;
    if (failures_ == kMostFailures)
      return tl::unexpected(with_context("three trials failed, one after the other", score.error()));
    return {};
  }

  SearchFile& file_;
  TtsOutput output_;
  std::vector<Configuration> leaders_;
  int failures_ = 0;
};

json::object document(ConfigSearch& search, const plan::Recommendation& best) {
  json::array why, trials;
  for (const plan::Guideline& g : best.why)
    why.push_back({{"stage", g.stage}, {"text", g.text}, {"probability", g.probability}});
  for (const plan::Trial& trial : search.trials()) {
    json::object one = to_json_object(search.space(), trial.configuration);
    one["score"] = trial.score.value;
    one["examples"] = trial.score.examples;
    one["cost"] = trial.cost;
    trials.push_back(std::move(one));
  }
  return {{"recommended", to_json_object(search.space(), best.configuration)},
          {"predicted", best.predicted},
          {"interval", json::array{best.low, best.high}},
          {"cost", best.cost},
          {"budget", search.space().budget()},
          {"unit", name_of(search.space().options().unit)},
          {"why", std::move(why)},
          {"trials", std::move(trials)}};
}

void print(ConfigSearch& search, const plan::Recommendation& best, std::ostream& out) {
  const plan::ConfigSpace& space = search.space();
  out << "recommended: " << plain(to_text(space, best.configuration)) << "\n"
      << std::fixed << std::setprecision(3) << "predicted score " << best.predicted << " [" << best.low << ", "
      << best.high << "], cost " << std::setprecision(1) << best.cost << " of " << space.budget() << " "
      << name_of(space.options().unit) << ", " << search.trials().size() << " trials\n"
      << std::setprecision(2);
  for (const plan::Guideline& g : best.why) out << "- " << plain(g.text) << " (probability " << g.probability << ")\n";
  out << "leaders, by what is believed of them\n" << std::setprecision(3);
  for (const Configuration& one : search.leaders(kShown))
    out << "  " << std::min(1.0, std::exp(search.belief().of(one).mean)) << "  " << plain(to_text(space, one)) << "\n";
  out << std::defaultfloat;
}

Result<void> explain(SearchFile& file, const ExplainWords& words, std::ostream& out) {
  const auto best = file.search().best();
  if (!best) return tl::unexpected(best.error());
  if (!words.output.empty()) {
    plan::Pipeline winner = file.setup().pipeline;
    for (std::size_t i = 0; i < winner.stages.size(); ++i) winner.stages[i].choice = best->configuration[i];
    if (auto ok = write_whole(words.output, to_json(to_json_object(winner)) + "\n"); !ok) return ok;
  }
  if (words.json)
    out << to_json(document(file.search(), *best)) << "\n";
  else
    print(file.search(), *best, out);
  return {};
}

}  // namespace

Result<void> tts_search(const SearchWords& words, TtsOutput output) {
  for (const auto& [name, value, least] :
       {std::tuple{"--trials", words.trials, 1}, std::tuple{"--batch", words.batch, 1},
        std::tuple{"--examples", words.examples, 1}, std::tuple{"--again", words.again, 0}}) {
    if (value < least || value > 100'000)
      return invalid_argument(std::string(name) + " is " + std::to_string(value) + "; it must be from " +
                              std::to_string(least) + " to 100000");
  }
  if (!(words.timeout_s > 0 && words.timeout_s <= 1e7)) return invalid_argument("--timeout must be above 0 seconds");
  if (words.run.empty()) return invalid_argument("--run must name a command that measures a configuration");
  auto pipeline = read_pipeline(words.pipeline);
  if (!pipeline) return tl::unexpected(pipeline.error());
  auto file = SearchFile::create(words.state.empty() ? words.pipeline + ".search.json" : words.state,
                                 {.pipeline = *std::move(pipeline),
                                  .run = words.run,
                                  .ask = words.ask,
                                  .trials = words.trials,
                                  .batch = std::min<std::int64_t>(words.batch, ConfigSearch::kMostBatch),
                                  .examples = words.examples,
                                  .again = words.again,
                                  .timeout_s = words.timeout_s,
                                  .seed = words.seed});
  if (!file) return tl::unexpected(file.error());
  if (auto ok = Runner(*file, output).run(); !ok) return ok;
  return explain(*file, {}, output.out);
}

Result<void> tts_resume(const ResumeWords& words, TtsOutput output) {
  auto file = SearchFile::open(words.state);
  if (!file) return tl::unexpected(file.error());
  if (words.trials < 0 || words.trials > 100'000) return invalid_argument("--trials must be from 1 to 100000");
  if (words.trials > 0) file->setup().trials = words.trials;
  if (!words.run.empty()) file->setup().run = words.run;
  if (auto ok = Runner(*file, output).run(); !ok) return ok;
  return explain(*file, {}, output.out);
}

Result<void> tts_explain(const ExplainWords& words, TtsOutput output) {
  auto file = SearchFile::open(words.state);
  if (!file) return tl::unexpected(file.error());
  return explain(*file, words, output.out);
}

}  // namespace bursar::cli
