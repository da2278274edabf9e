#include "bursar/plan/strategies/search_log.h"

#include <algorithm>
#include <numeric>

namespace bursar::plan {
namespace {

constexpr std::int64_t kInstructions = 160, kBytesAToken = 4;

std::int64_t calls_of(const Job& job) {
  return std::min(job.integer("calls"), job.purse().left(kCalls).value_or(job.integer("calls")));
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n*";
  const std::size_t from = text.find_first_not_of(kBlanks);
  return from == std::string_view::npos ? "" : text.substr(from, text.find_last_not_of(kBlanks) - from + 1);
}

}  // namespace

SearchLog::SearchLog(const Job& job)
    : tool_(job.setup().tools.front()),
      argument_(job.text("query_argument")),
      context_(static_cast<std::size_t>(job.integer("context"))),
      tracker_({{tool_, calls_of(job)}}) {}

std::int64_t SearchLog::left(const Purse& purse) const {
  if (refused_) return 0;
  const std::int64_t own = budget() - used();
  return std::min(own, purse.left(kCalls).value_or(own));
}

bool SearchLog::tried(std::string_view query) const { return std::ranges::find(queries_, query) != queries_.end(); }

Action SearchLog::ask(const std::string& query) const {
  boost::json::object arguments;
  arguments[argument_] = query;
  return {.purpose = "search", .ask = ToolAsk{.tool = tool_, .arguments = std::move(arguments)}};
}

SearchLog::Taken SearchLog::take(std::string query, const Observation& seen) {
  queries_.push_back(query);
  if (seen.end == ActionEnd::kRefused) {
    refused_ = true;
    return {};
  }
  (void)tracker_.use(tool_);  // no more than left() are asked
  if (!seen.ok()) return {};
  std::string text(cut_text(trimmed(seen.text), context_));
  if (text.empty()) return {};
  const auto known = std::ranges::find(pieces_, text, &Piece::text);
  const auto at = static_cast<std::size_t>(known - pieces_.begin());
  if (known != pieces_.end()) return {.piece = at};
  pieces_.push_back({.query = std::move(query), .text = std::move(text)});
  return {.piece = at, .fresh = true};
}

void SearchLog::add_evidence(std::vector<Section>& sections, std::size_t from) const {
  std::vector<std::size_t> all(pieces_.size() - std::min(from, pieces_.size()));
  std::iota(all.begin(), all.end(), from);
  add_evidence(sections, all);
}

void SearchLog::add_evidence(std::vector<Section>& sections, std::span<const std::size_t> pieces) const {
  std::size_t first = pieces.size(), bytes = 0;
  while (first > 0 && bytes + pieces_[pieces[first - 1]].text.size() <= context_) {
    bytes += pieces_[pieces[--first]].text.size();
  }
  for (const std::size_t piece : pieces.subspan(first)) sections.emplace_back("evidence", pieces_[piece].text);
}

AnswerReserve::AnswerReserve(const Job& job)
    : step_(job.integer("step_tokens")),
      answer_(job.integer("answer_tokens")),
      prompt_(kInstructions + static_cast<std::int64_t>(job.setup().question.size()) / kBytesAToken) {}

void AnswerReserve::saw(const Observation& seen) {
  if (seen.ok()) prompt_ = std::max(prompt_, seen.prompt_tokens);
}

void AnswerReserve::grew(std::string_view evidence) {
  prompt_ += static_cast<std::int64_t>(evidence.size()) / kBytesAToken + 16;
}

std::int64_t AnswerReserve::room(std::optional<std::int64_t> tokens_left) const {
  if (!tokens_left) return step_;
  return std::clamp<std::int64_t>(*tokens_left - 2 * prompt_ - answer_, 0, step_);  // its own prompt, and the answer's
}

std::vector<std::string> queries_in(std::string_view reply) {
  std::vector<std::string> out;
  while (!reply.empty()) {
    const std::size_t end = reply.find('\n');
    const std::string query(labelled(reply.substr(0, end), "Search"));
    if (!query.empty() && std::ranges::find(out, query) == out.end()) out.push_back(query);
    reply.remove_prefix(end == std::string_view::npos ? reply.size() : end + 1);
  }
  return out;
}

std::string listed(std::span<const std::string> lines) {
  std::string out;
  for (const std::string& line : lines) out.append(out.empty() ? "- " : "\n- ").append(line);
  return out;
}

std::string_view cut_text(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  return text.substr(0, bytes);
}

}  // namespace bursar::plan
