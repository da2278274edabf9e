// bursar sample fit-lengths, guide: what is left of the thinking, and which lines still fit.
#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <fstream>
#include <iomanip>
#include <ostream>

#include "bursar/cli/sample/sample_command.h"
#include "bursar/cli/sample/sample_files.h"
#include "bursar/core/json.h"
#include "bursar/sample/guidance/budget_guide.h"
#include "bursar/sample/guidance/length_table.h"

namespace bursar::cli {
namespace {

namespace json = boost::json;
using sample::LengthTable;

constexpr std::int64_t kMostTokens = std::int64_t{1} << 40;
constexpr std::size_t kBytesOfToken = 4;  // where a trace says nothing of its tokens

Result<LengthTable> read_laws(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kUnavailable, path + ": cannot be opened");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto document = parse_json(text, {.max_bytes = 64 << 20, .max_depth = 8});
  if (!document) return tl::unexpected(with_context(path, document.error()));
  if (!document->is_object())
    return invalid_argument(path + ": is no length model; `bursar sample fit-lengths --output` writes one");
  auto table = LengthTable::restore(document->get_object());
  if (!table) return tl::unexpected(with_context(path, table.error()));
  return table;
}

std::vector<sample::TraceLine> lines_of(std::string_view text) {
  std::vector<sample::TraceLine> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    out.push_back({std::string(line.substr(0, 64)), static_cast<std::int64_t>(end / kBytesOfToken + 1)});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

struct ReadTrace {
  std::vector<sample::TraceLine> lines;
  bool whole = true, estimated = false;
};

// {"thinking": text, "tokens": [of each line]?} or {"lines": [{"text", "tokens"}]}, and "whole": false where it was
// cut.
Result<ReadTrace> trace_of(const JsonView& view) {
  ReadTrace out;
  const auto whole = view.find("whole");
  if (!whole) return tl::unexpected(whole.error());
  if (*whole) {
    const auto is_whole = (*whole)->as_bool();
    if (!is_whole) return tl::unexpected(is_whole.error());
    out.whole = *is_whole;
  }
  const auto lines = view.find("lines"), tokens = view.find("tokens");
  if (!lines || !tokens) return tl::unexpected(!lines ? lines.error() : tokens.error());
  if (*lines) {
    const auto size = (*lines)->array_size();
    if (!size) return tl::unexpected(size.error());
    for (std::size_t i = 0; i < *size; ++i) {
      const auto one = (*lines)->element(i);
      const auto text = one->string_at("text");
      const auto count = one->int_at("tokens", 1, kMostTokens);
      if (!text || !count) return tl::unexpected(!text ? text.error() : count.error());
      out.lines.push_back({std::string(text->substr(0, 64)), *count});
    }
    return out;
  }
  const auto text = view.string_at("thinking");
  if (!text) return tl::unexpected(text.error());
  out.lines = lines_of(*text);
  out.estimated = !*tokens;
  if (out.estimated) return out;
  const auto size = (*tokens)->array_size();
  if (!size) return tl::unexpected(size.error());
  if (*size != out.lines.size())
    return (*tokens)->wrong("has " + std::to_string(*size) + " entries, and there are " +
                            std::to_string(out.lines.size()) + " lines");
  for (std::size_t i = 0; i < *size; ++i) {
    const auto count = (*tokens)->element(i).and_then([](const JsonView& v) { return v.as_int(1, kMostTokens); });
    if (!count) return tl::unexpected(count.error());
    out.lines[i].tokens = *count;
  }
  return out;
}

std::string fixed(double x, int digits) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(digits) << x;
  return out.str();
}

void print_cell(const std::string& name, const std::string& lines, const sample::LengthCell& cell, std::ostream& out) {
  out << std::left << std::setw(16) << name << std::setw(12) << lines << std::setw(10) << cell.samples << std::setw(10)
      << fixed(cell.law.shape, 2) << std::setw(9) << fixed(cell.law.rate, 2) << std::setw(10)
      << fixed(cell.law.mode_tokens(), 0) << fixed(cell.distance, 3) << "\n";
}

std::string lines_text(std::size_t bucket) {
  if (bucket < 2) return std::to_string(bucket);
  const std::size_t first = std::size_t{1} << (bucket - 1);
  if (bucket + 1 == sample::kStepBuckets) return std::to_string(first) + " …";
  return std::to_string(first) + " … " + std::to_string(2 * first - 1);
}

void print_table(const LengthTable& table, std::ostream& out) {
  out << "line begins     after       samples   shape     rate     mode      distance\n";
  for (const auto& [kind, cell] : table.of_classes()) print_cell(table.classes()[kind], "any", cell, out);
  for (const auto& [place, cell] : table.cells())
    print_cell(table.classes()[place.second], lines_text(place.first), cell, out);
}

struct Candidates {
  sample::LineContext context;
  std::vector<std::string> texts;
  std::vector<double> probs;
};

// {"candidates": [{"token", "p" | "logprob"}], "tokens": so far, "line": lines before}.
Result<Candidates> candidates_of(const JsonView& view) {
  Candidates out;
  const auto tokens = view.int_at("tokens", 0, kMostTokens), line = view.int_at("line", 0, kMostTokens);
  if (!tokens || !line) return tl::unexpected(!tokens ? tokens.error() : line.error());
  out.context.tokens = *tokens;
  out.context.line = static_cast<std::size_t>(*line);
  const auto list = view.at("candidates");
  if (!list) return tl::unexpected(list.error());
  const auto size = list->array_size(1 << 20);
  if (!size) return tl::unexpected(size.error());
  for (std::size_t i = 0; i < *size; ++i) {
    const auto one = list->element(i);
    const auto token = one->string_at("token");
    if (!token) return tl::unexpected(token.error());
    const auto logprob = one->find("logprob");
    if (!logprob) return tl::unexpected(logprob.error());
    const auto p = *logprob ? (*logprob)->as_double(-1e300, .01).map([](double x) { return std::exp(x); })
                            : one->double_at("p", 0, 1);
    if (!p) return tl::unexpected(p.error());
    out.texts.emplace_back(*token);
    out.probs.push_back(*p);
  }
  return out;
}

Result<void> guide_line(const Candidates& given, const LengthTable& table, const GuideWords& words, std::ostream& out) {
  const std::vector<std::string_view> texts(given.texts.begin(), given.texts.end());
  const std::int64_t left = std::max<std::int64_t>(0, words.budget - given.context.tokens);
  std::vector<double> probs = given.probs;
  const sample::GuideOptions options = words.published ? sample::published_guide() : sample::GuideOptions{};
  const auto guided = reweight(table.predict(given.context, texts), left, probs, options);
  if (!guided) return tl::unexpected(guided.error());
  json::array candidates;
  for (std::size_t v = 0; v < texts.size(); ++v) {
    candidates.push_back({{"token", texts[v]},
                          {"class", sample::line_classes()[sample::line_class_of(texts[v])]},
                          {"p", probs[v]},
                          {"finish", guided->finish[v]}});
  }
  out << to_json(json::object{{"remaining", left},
                              {"candidates", std::move(candidates)},
                              {"without_law", guided->without_law},
                              {"fell_back", guided->fell_back}})
      << "\n";
  return {};
}

}  // namespace

Result<void> fit_lengths(const LengthWords& words, std::ostream& out) {
  std::vector<sample::LengthSample> samples;
  std::size_t traces = 0, cut = 0, estimated = 0;
  auto ok = each_json_line(words.file, [&](const JsonView& view, std::size_t) -> Result<void> {
    const auto trace = trace_of(view);
    if (!trace) return tl::unexpected(trace.error());
    ++traces;
    cut += trace->whole ? 0 : 1;
    estimated += trace->estimated ? 1 : 0;
    return trace->whole ? append_samples(trace->lines, samples) : Result<void>{};
  });
  if (!ok) return ok;
  const auto table = LengthTable::fit(sample::class_names(), samples,
                                      {.min_samples = words.min_samples, .max_distance = words.max_distance});
  if (!table) return tl::unexpected(with_context(words.file, table.error()));
  const std::string text = to_json(table->save());
  if (!words.output.empty()) {
    std::ofstream file(words.output, std::ios::binary | std::ios::trunc);
    file << text << "\n";
    if (!file.flush()) return fail(ErrorCode::kUnavailable, words.output + ": cannot be written");
  }
  if (words.json) {
    out << text << "\n";
    return {};
  }
  out << traces << " traces, " << samples.size() << " line starts";
  if (cut > 0) out << "; " << cut << " were cut off and left out";
  if (estimated > 0) out << "; " << estimated << " without token counts: a token for " << kBytesOfToken << " bytes";
  out << "\n";
  print_table(*table, out);
  return {};
}

Result<void> guide_candidates(const GuideWords& words, std::ostream& out) {
  if (words.budget < 1) return invalid_argument("--thinking-budget must be at least 1 token");
  const auto table = read_laws(words.laws);
  if (!table) return tl::unexpected(table.error());
  return each_json_line(words.file, [&](const JsonView& view, std::size_t) -> Result<void> {
    const auto given = candidates_of(view);
    if (!given) return tl::unexpected(given.error());
    return guide_line(*given, *table, words, out);
  });
}

}  // namespace bursar::cli
