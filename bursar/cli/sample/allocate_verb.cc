// bursar sample allocate, fit, run: who draws the next sample, on recorded pools.
#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <fstream>
#include <iomanip>
#include <ostream>

#include "bursar/cli/sample/sample_command.h"
#include "bursar/cli/sample/sample_files.h"
#include "bursar/core/json.h"
#include "bursar/sample/okg_allocator.h"
#include "bursar/sample/streaming_allocator.h"
#include "bursar/sample/vote.h"

namespace bursar::cli {
namespace {

namespace json = boost::json;
using sample::AnswerForm;

AnswerForm form_of(bool exact) { return exact ? AnswerForm::kExact : AnswerForm::kMath; }

// A recorded pool: the answer of each sample as an option, and what the whole pool says.
struct Pool {
  std::string id;
  std::vector<std::optional<std::size_t>> options;
  std::vector<std::string> names;
  std::string vote;  // of all samples
  std::optional<std::string> gold;
};

std::string vote_of(const std::vector<sample::Trace>& traces, std::size_t first, AnswerForm form) {
  const auto ballot = group_answers(std::span(traces).first(first), {.form = form});
  if (!ballot) return {};
  const auto vote = majority(*ballot);
  return vote ? ballot->groups[vote->group].key : std::string();
}

Result<std::vector<Pool>> read_pools(const std::string& file, std::size_t options, AnswerForm form) {
  const auto questions = read_questions(file);
  if (!questions) return tl::unexpected(questions.error());
  std::vector<Pool> out;
  for (const AnsweredQuestion& question : *questions) {
    sample::OptionTable table(options, form);
    Pool pool{.id = question.id, .vote = vote_of(question.traces, question.traces.size(), form)};
    for (const sample::Trace& trace : question.traces) pool.options.push_back(table.of(trace.answer));
    pool.names = table.names();
    if (question.gold) pool.gold = canonical_answer(*question.gold, form);
    out.push_back(std::move(pool));
  }
  return out;
}

// The leader after the first `count` samples of a pool.
std::string leader_after(const Pool& pool, std::size_t count) {
  std::vector<std::size_t> votes(pool.names.size(), 0);
  std::size_t best = pool.names.size();
  for (std::size_t i = 0; i < std::min(count, pool.options.size()); ++i) {
    if (pool.options[i]) ++votes[*pool.options[i]];
  }
  for (std::size_t o = 0; o < votes.size(); ++o) {
    if (votes[o] > 0 && (best == votes.size() || votes[o] > votes[best])) best = o;  // options are in order of sight
  }
  return best == votes.size() ? std::string() : pool.names[best];
}

struct Taken {
  std::size_t samples = 0, agree = 0, right = 0, known = 0;
};

Taken tally(const std::vector<Pool>& pools, std::span<const std::size_t> counts) {
  Taken out;
  for (std::size_t q = 0; q < pools.size(); ++q) {
    const std::string leader = leader_after(pools[q], counts[q]);
    out.samples += std::min(counts[q], pools[q].options.size());
    out.agree += leader == pools[q].vote ? 1 : 0;
    out.known += pools[q].gold ? 1 : 0;
    out.right += pools[q].gold && leader == *pools[q].gold ? 1 : 0;
  }
  return out;
}

void print(const char* name, const Taken& taken, std::size_t questions, std::ostream& out) {
  const auto n = static_cast<double>(questions);
  out << std::left << std::setw(10) << name << std::fixed << std::setprecision(2) << std::setw(10)
      << static_cast<double>(taken.samples) / n << std::setprecision(4) << std::setw(12)
      << static_cast<double>(taken.agree) / n;
  if (taken.known > 0) out << static_cast<double>(taken.right) / static_cast<double>(taken.known);
  out << "\n" << std::defaultfloat;
}

Result<std::vector<std::size_t>> run_okg(const std::vector<Pool>& pools, const AllocateWords& words) {
  auto okg = sample::OkgAllocator::make(
      {.questions = pools.size(), .options = std::max<std::size_t>(words.options, 2), .warm_up = words.warm_up});
  if (!okg) return tl::unexpected(okg.error());
  std::vector<std::size_t> counts(pools.size(), 0);
  const auto budget = static_cast<std::size_t>(std::floor(words.mean * static_cast<double>(pools.size())));
  for (std::size_t q = 0; q < pools.size(); ++q) {
    if (pools[q].options.empty()) (void)okg->retire(q);
  }
  for (std::size_t spent = 0; spent < budget; ++spent) {
    const auto q = okg->next();
    if (!q) break;
    const auto option = pools[*q].options[counts[*q]++];
    const auto ok = option ? okg->observe(*q, *option) : okg->observe_nothing(*q);
    if (!ok) return tl::unexpected(ok.error());
    if (counts[*q] == pools[*q].options.size()) (void)okg->retire(*q);
  }
  return counts;
}

Result<sample::StreamPlan> read_plan(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kUnavailable, path + ": cannot be opened");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto document = parse_json(text, {.max_bytes = 1 << 20, .max_depth = 8});
  if (!document) return tl::unexpected(with_context(path, document.error()));
  if (!document->is_object()) return invalid_argument(path + ": is no plan; `bursar sample fit --output` writes one");
  auto plan = sample::StreamPlan::restore(document->get_object());
  if (!plan) return tl::unexpected(with_context(path, plan.error()));
  return plan;
}

}  // namespace

Result<void> allocate_samples(const AllocateWords& words, std::ostream& out) {
  if (!(words.mean > 0)) return invalid_argument("--mean must be above 0");
  const auto pools = read_pools(words.file, words.options, form_of(words.exact));
  if (!pools) return tl::unexpected(pools.error());
  const auto counts = run_okg(*pools, words);
  if (!counts) return tl::unexpected(counts.error());
  if (words.json) {
    for (std::size_t q = 0; q < pools->size(); ++q)
      out << to_json(json::object{{"id", (*pools)[q].id},
                                  {"samples", (*counts)[q]},
                                  {"answer", leader_after((*pools)[q], (*counts)[q])}})
          << "\n";
    return {};
  }
  const Taken taken = tally(*pools, *counts);
  const std::size_t each = taken.samples / pools->size();
  std::vector<std::size_t> even(pools->size(), each);
  for (std::size_t q = 0; q < taken.samples - each * pools->size(); ++q) ++even[q];
  out << pools->size() << " questions; agreement with the vote of their whole pools\n"
      << "rule      samples   agreement   " << (taken.known > 0 ? "accuracy" : "") << "\n";
  print("okg", taken, pools->size(), out);
  print("uniform", tally(*pools, even), pools->size(), out);
  return {};
}

Result<void> fit_stream(const StreamWords& words, std::ostream& out) {
  const auto pools = read_pools(words.file, 64, form_of(words.exact));
  if (!pools) return tl::unexpected(pools.error());
  std::vector<std::vector<std::size_t>> training;
  for (const Pool& pool : *pools) {
    training.emplace_back();
    for (const auto& option : pool.options) {
      if (option) training.back().push_back(*option);
    }
  }
  const auto plan =
      sample::fit_stream_plan(training, {.mean_budget = words.mean,
                                         .warm_up = words.warm_up,
                                         .most = words.most,
                                         .kind = words.open ? sample::AnswerKind::kOpen : sample::AnswerKind::kChoice});
  if (!plan) return tl::unexpected(plan.error());
  const std::string text = to_json(plan->save());
  if (!words.output.empty()) {
    std::ofstream file(words.output, std::ios::binary | std::ios::trunc);
    file << text << "\n";
    if (!file.flush()) return fail(ErrorCode::kUnavailable, words.output + ": cannot be written");
  }
  if (words.json) {
    out << text << "\n";
    return {};
  }
  out << "first answers   share   samples\n" << std::fixed << std::setprecision(3);
  const auto patterns = plan->patterns();
  for (std::size_t t = 0; t < plan->buckets().size(); ++t) {
    std::string name = t == 0 ? "unanimous" : "divided";
    if (!patterns.empty()) {
      name.clear();
      for (const std::size_t part : patterns[t]) name.append(name.empty() ? "" : "+").append(std::to_string(part));
    }
    out << std::left << std::setw(16) << name << std::setw(8) << plan->buckets()[t].share << plan->plan().budget[t]
        << "\n";
  }
  out << "mean " << plan->plan().mean << " samples a question, expected agreement " << plan->plan().agreement << "\n";
  return {};
}

Result<void> run_stream(const StreamWords& words, std::ostream& out) {
  const auto plan = read_plan(words.plan);
  if (!plan) return tl::unexpected(plan.error());
  const auto pools = read_pools(words.file, 64, form_of(words.exact));
  if (!pools) return tl::unexpected(pools.error());
  std::vector<std::size_t> counts;
  const std::size_t warm_up = plan->options().warm_up;
  for (const Pool& pool : *pools) {
    std::vector<std::size_t> first;
    for (const auto& option : pool.options) {
      if (first.size() < warm_up && option) first.push_back(*option);
    }
    if (first.size() < warm_up)
      return invalid_argument("question " + pool.id + " has " + std::to_string(first.size()) +
                              " answers; the plan looks at " + std::to_string(warm_up));
    const auto target = plan->target(first);
    if (!target) return tl::unexpected(target.error());
    counts.push_back(static_cast<std::size_t>(*target));
    if (words.json)
      out << to_json(json::object{{"id", pool.id}, {"samples", *target}, {"answer", leader_after(pool, counts.back())}})
          << "\n";
  }
  if (words.json) return {};
  const Taken taken = tally(*pools, counts);
  out << pools->size() << " questions; agreement with the vote of their whole pools\n"
      << "rule      samples   agreement   " << (taken.known > 0 ? "accuracy" : "") << "\n";
  print("plan", taken, pools->size(), out);
  const auto even =
      static_cast<std::size_t>(std::llround(static_cast<double>(taken.samples) / static_cast<double>(pools->size())));
  print("uniform", tally(*pools, std::vector<std::size_t>(pools->size(), even)), pools->size(), out);
  return {};
}

}  // namespace bursar::cli
