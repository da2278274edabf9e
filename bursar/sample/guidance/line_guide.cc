#include "bursar/sample/guidance/line_guide.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "bursar/core/json.h"
#include "bursar/core/random.h"

namespace bursar::sample {
namespace {

namespace json = boost::json;

constexpr std::int64_t kMostTokens = std::int64_t{1} << 40;
constexpr std::size_t kMostLines = std::size_t{1} << 20, kMostText = std::size_t{64} << 20;
constexpr double kRounding = .01;  // of a logprob above 0

Result<void> check(const LineGuideOptions& o) {
  const auto within = [](const char* name, std::int64_t value, std::int64_t most) -> Result<void> {
    if (value >= 1 && value <= most) return {};
    return invalid_argument(std::string(name) + " is " + std::to_string(value) + "; it must be from 1 to " +
                            std::to_string(most));
  };
  if (auto ok = within("budget", o.budget, kMostTokens); !ok) return ok;
  if (auto ok = within("longest_line", o.longest_line, kMostTokens); !ok) return ok;
  if (o.most_lines < 1 || o.most_lines > kMostLines)
    return invalid_argument("most_lines is " + std::to_string(o.most_lines) + "; it must be from 1 to " +
                            std::to_string(kMostLines));
  if (o.end_mark.empty() || o.end_mark.contains('\n'))
    return invalid_argument("end_mark must be a text without newlines, such as </think>");
  return {};
}

Result<std::vector<double>> shares_of(std::span<const LineCandidate> candidates) {
  if (candidates.empty()) return invalid_argument("there are no candidates; ask for the likeliest tokens (logprobs)");
  std::vector<double> out;
  for (const LineCandidate& candidate : candidates) {
    if (candidate.token.empty()) return invalid_argument("candidate " + std::to_string(out.size()) + " has no text");
    if (!(candidate.logprob <= kRounding))
      return invalid_argument("candidate " + std::to_string(out.size()) + ": logprob must be at most 0");
    out.push_back(std::exp(candidate.logprob));
  }
  const double sum = std::accumulate(out.begin(), out.end(), 0.0);
  if (!(sum > 0)) return invalid_argument("no candidate has a probability above 0");
  for (double& p : out) p /= sum;
  return out;
}

}  // namespace

std::string_view name_of(ThinkingEnd end) {
  switch (end) {
    case ThinkingEnd::kOwn: return "own";
    case ThinkingEnd::kCut: return "cut";
    case ThinkingEnd::kTooManyLines: return "too many lines";
    case ThinkingEnd::kNotYet: break;
  }
  return "not yet";
}

Result<LineGuide> LineGuide::make(LineGuideOptions options, std::shared_ptr<const LengthPredictor> laws) {
  if (auto ok = check(options); !ok) return tl::unexpected(ok.error());
  if (laws == nullptr) return invalid_argument("there is no predictor of lengths");
  return LineGuide(std::move(options), std::move(laws));
}

LineAsk LineGuide::next() const {
  if (end_ != ThinkingEnd::kNotYet) return {};
  if (!within_line_) return {LineAskKind::kCandidates, 1};
  return {LineAskKind::kLine, options_.cap ? std::min(remaining(), options_.longest_line) : options_.longest_line};
}

// The candidate that is taken; everything but its text in `record`.
Result<std::size_t> LineGuide::choose(std::span<const LineCandidate> candidates, LineRecord& record) const {
  auto shares = shares_of(candidates);
  if (!shares) return tl::unexpected(shares.error());
  std::vector<std::string_view> texts;
  for (const LineCandidate& candidate : candidates) texts.push_back(candidate.token);
  std::string_view last = std::string_view(text_).substr(0, line_begins_ == 0 ? 0 : line_begins_ - 1);
  if (const std::size_t before = last.rfind('\n'); before != std::string_view::npos) last.remove_prefix(before + 1);
  auto laws = laws_->predict({.line = line_, .tokens = spent_, .budget = options_.budget, .last_line = last}, texts);
  if (laws.size() != texts.size())
    return invalid_argument("the predictor gave " + std::to_string(laws.size()) + " laws for " +
                            std::to_string(texts.size()) + " candidates");
  for (std::size_t v = 0; v < texts.size(); ++v) {
    if (texts[v].contains(options_.end_mark)) laws[v] = kEndsNow;
  }
  std::vector<double> guided = *shares;
  const auto done = reweight(laws, remaining(), guided, options_.guide);
  if (!done) return tl::unexpected(done.error());
  std::size_t chosen = static_cast<std::size_t>(std::ranges::max_element(guided) - guided.begin());
  if (!options_.greedy) {
    double u = RandomStream(options_.seed).split("line guide").split(drawn_).uniform01();
    for (std::size_t v = 0; v < guided.size(); ++v) {
      if (guided[v] > 0) chosen = v;  // the last of them, should rounding leave some of u
      if ((u -= guided[v]) < 0) break;
    }
  }
  record = {.line = line_,
            .remaining = remaining(),
            .token = candidates[chosen].token,
            .before = (*shares)[chosen],
            .after = guided[chosen],
            .finish = done->finish[chosen],
            .without_law = done->without_law,
            .fell_back = done->fell_back};
  return chosen;
}

void LineGuide::end_line() {
  within_line_ = false;
  line_begins_ = text_.size();
  if (++line_ >= options_.most_lines && end_ == ThinkingEnd::kNotYet) end_by(ThinkingEnd::kTooManyLines);
}

void LineGuide::end_by(ThinkingEnd end) {
  if (end != ThinkingEnd::kOwn || !text_.ends_with(options_.end_mark)) {
    if (!text_.empty() && text_.back() != '\n') text_.push_back('\n');
    text_ += options_.end_mark;
  }
  within_line_ = false;
  end_ = end;
}

// Adds text of the model, and ends where the end mark stands.
void LineGuide::append(std::string_view text) {
  const std::size_t searched = text_.size() - std::min(text_.size(), options_.end_mark.size() - 1);
  text_ += text;
  const std::size_t mark = text_.find(options_.end_mark, searched);
  if (mark == std::string::npos) return;
  text_.resize(mark + options_.end_mark.size());
  end_by(ThinkingEnd::kOwn);
}

Result<std::string> LineGuide::report_candidates(std::span<const LineCandidate> candidates) {
  if (next().kind != LineAskKind::kCandidates) return invalid_argument("candidates were not asked for");
  LineRecord record;
  const auto chosen = choose(candidates, record);
  if (!chosen) return tl::unexpected(chosen.error());
  const std::string& token = candidates[*chosen].token;
  ++drawn_;
  ++spent_;
  records_.push_back(std::move(record));
  within_line_ = true;
  append(token);
  if (end_ != ThinkingEnd::kNotYet) return token;
  if (token.contains('\n')) end_line();
  if (options_.cap && remaining() == 0 && end_ == ThinkingEnd::kNotYet) end_by(ThinkingEnd::kCut);
  return token;
}

Result<void> LineGuide::report_line(const LineText& line) {
  if (next().kind != LineAskKind::kLine) return invalid_argument("a line was not asked for");
  if (line.tokens < 0 || line.tokens > kMostTokens)
    return invalid_argument("tokens is " + std::to_string(line.tokens) + "; it must be at least 0");
  if (line.stop == LineStop::kNewline && line.text.contains('\n'))
    return invalid_argument("text: has a newline in it; ask with stop = \"\\n\"");
  if (line.stop == LineStop::kLength && line.tokens == 0)
    return invalid_argument("tokens is 0 where the line stopped at its length; it would never end");
  if (text_.size() + line.text.size() > kMostText)
    return fail(ErrorCode::kExhausted, "the thinking is longer than 64 MiB");
  spent_ += line.tokens;
  append(line.text);
  if (end_ != ThinkingEnd::kNotYet) return {};
  if (line.stop == LineStop::kEnd) end_by(ThinkingEnd::kOwn);
  if (line.stop == LineStop::kNewline) {
    text_.push_back('\n');
    end_line();
  }
  if (options_.cap && remaining() == 0 && end_ == ThinkingEnd::kNotYet) end_by(ThinkingEnd::kCut);
  return {};
}

json::object LineGuide::save() const {
  return {{"controller", "line-guide"},
          {"budget", options_.budget},
          {"cap", options_.cap},
          {"end_mark", options_.end_mark},
          {"longest_line", options_.longest_line},
          {"most_lines", options_.most_lines},
          {"min_rate", options_.guide.min_rate},
          {"min_shape", options_.guide.min_shape},
          {"min_mode_tokens", options_.guide.min_mode_tokens},
          {"only_known", options_.guide.only_known},
          {"favourite", options_.guide.fallback == GuideFallback::kFavourite},
          {"greedy", options_.greedy},
          {"seed", std::to_string(options_.seed)},
          {"text", text_},
          {"spent", spent_},
          {"line", line_},
          {"drawn", drawn_},
          {"line_begins", line_begins_},
          {"within_line", within_line_},
          {"end", static_cast<std::int64_t>(end_)}};
}

Result<LineGuide> LineGuide::restore(const json::object& saved, std::shared_ptr<const LengthPredictor> laws) {
  const json::value whole(saved);
  const JsonView root(whole, "line guide");
  Error wrong;
  const auto take = [&](auto& to, auto got) {
    if (got)
      to = static_cast<std::remove_reference_t<decltype(to)>>(*got);
    else if (wrong.message.empty())
      wrong = got.error();
  };
  LineGuideOptions o;
  std::string seed;
  take(o.budget, root.int_at("budget", 1, kMostTokens));
  take(o.cap, root.bool_at("cap"));
  take(o.end_mark, root.string_at("end_mark", 4096));
  take(o.longest_line, root.int_at("longest_line", 1, kMostTokens));
  take(o.most_lines, root.int_at("most_lines", 1, kMostLines));
  take(o.guide.min_rate, root.double_at("min_rate", 0, 1e300));
  take(o.guide.min_shape, root.double_at("min_shape", 0, 1e300));
  take(o.guide.min_mode_tokens, root.double_at("min_mode_tokens", 0, 1e300));
  take(o.guide.only_known, root.bool_at("only_known"));
  bool favourite = false;
  take(favourite, root.bool_at("favourite"));
  o.guide.fallback = favourite ? GuideFallback::kFavourite : GuideFallback::kFastestFinish;
  take(o.greedy, root.bool_at("greedy"));
  take(seed, root.string_at("seed", 20));
  if (!seed.empty() && seed.find_first_not_of("0123456789") == std::string::npos)
    o.seed = std::strtoull(seed.c_str(), nullptr, 10);
  else if (wrong.message.empty())
    wrong.message = "line guide.seed: must be a whole number";
  LineGuide out(std::move(o), std::move(laws));
  std::int64_t end = 0;
  take(out.text_, root.string_at("text", kMostText + 4096));
  take(out.spent_, root.int_at("spent", 0, INT64_MAX));
  take(out.line_, root.int_at("line", 0, kMostLines));
  take(out.drawn_, root.int_at("drawn", 0, INT64_MAX));
  take(out.line_begins_, root.int_at("line_begins", 0, static_cast<std::int64_t>(out.text_.size())));
  take(out.within_line_, root.bool_at("within_line"));
  take(end, root.int_at("end", 0, static_cast<std::int64_t>(ThinkingEnd::kTooManyLines)));
  if (!wrong.message.empty()) return fail(ErrorCode::kCorrupt, wrong.message);
  out.end_ = static_cast<ThinkingEnd>(end);
  if (out.laws_ == nullptr) return invalid_argument("there is no predictor of lengths");
  if (auto ok = check(out.options_); !ok) return fail(ErrorCode::kCorrupt, "line guide: " + ok.error().message);
  return out;
}

}  // namespace bursar::sample
