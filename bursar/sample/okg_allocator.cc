#include "bursar/sample/okg_allocator.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <limits>
#include <string>

namespace bursar::sample {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostQuestions = 1U << 24, kMostOptions = 64;

template <class T>
json::array numbers(const std::vector<T>& from) {
  return json::array(from.begin(), from.end());
}

// Reads `count` numbers; false where the array is of another length or holds something else.
template <class T>
bool read(const json::object& saved, std::string_view key, std::size_t count, std::vector<T>& to) {
  const json::value* value = saved.if_contains(key);
  if (value == nullptr || !value->is_array() || value->get_array().size() != count) return false;
  to.clear();
  for (const json::value& one : value->get_array()) {
    boost::system::error_code wrong;
    to.push_back(one.to_number<T>(wrong));
    if (wrong) return false;
  }
  return true;
}

}  // namespace

OkgAllocator::OkgAllocator(const OkgOptions& options)
    : options_(options),
      table_(options.step),
      alpha_(options.questions * options.options, 1.0),
      samples_(options.questions, 0),
      versions_(options.questions, 0),
      first_vote_(options.questions * options.options, 0),
      gains_(options.questions, 0),
      retired_(options.questions, false) {}

Result<OkgAllocator> OkgAllocator::make(const OkgOptions& options) {
  if (options.questions == 0 || options.questions > kMostQuestions)
    return invalid_argument("questions is " + std::to_string(options.questions) + "; it must be from 1 to 2^24");
  if (options.options < 2 || options.options > kMostOptions)
    return invalid_argument("options is " + std::to_string(options.options) + "; it must be from 2 to 64");
  if (!(options.step > 0) || !std::isfinite(options.step)) return invalid_argument("step must be finite and above 0");
  OkgAllocator out(options);
  for (std::size_t q = 0; q < options.questions; ++q) out.bid(q);
  return out;
}

// Below the warm-up a question outbids all that are above it, the least sampled first.
void OkgAllocator::bid(std::size_t question) {
  ++versions_[question];
  if (retired_[question]) return;
  gains_[question] = table_.gain(alpha(question));
  const double behind = static_cast<double>(options_.warm_up) - static_cast<double>(samples_[question]);
  bids_.push({behind > 0 ? 1 + behind : gains_[question], question, versions_[question]});
}

std::optional<std::size_t> OkgAllocator::next() {
  while (!bids_.empty()) {
    const Bid& best = bids_.top();
    if (best.version == versions_[best.question] && !retired_[best.question]) return best.question;
    bids_.pop();
  }
  return std::nullopt;
}

std::vector<std::size_t> OkgAllocator::next_batch(std::size_t most) {
  std::vector<Bid> taken;
  std::vector<std::size_t> out;
  while (out.size() < most) {
    const auto question = next();
    if (!question) break;
    out.push_back(*question);
    taken.push_back(bids_.top());
    bids_.pop();
  }
  for (const Bid& bid : taken) bids_.push(bid);
  return out;
}

Result<void> OkgAllocator::known(std::size_t question) const {
  if (question >= questions())
    return invalid_argument("question is " + std::to_string(question) + "; there are " + std::to_string(questions()));
  if (retired_[question]) return invalid_argument("question " + std::to_string(question) + " is retired");
  return {};
}

Result<void> OkgAllocator::observe(std::size_t question, std::size_t option, double weight) {
  if (auto ok = known(question); !ok) return ok;
  if (option >= options_.options)
    return invalid_argument("option is " + std::to_string(option) + "; there are " + std::to_string(options_.options));
  if (!(weight > 0) || !std::isfinite(weight)) return invalid_argument("weight must be finite and above 0");
  const std::size_t at = question * options_.options + option;
  alpha_[at] += weight;
  if (first_vote_[at] == 0) first_vote_[at] = ++votes_;
  ++samples_[question];
  bid(question);
  return {};
}

Result<void> OkgAllocator::observe_nothing(std::size_t question) {
  if (auto ok = known(question); !ok) return ok;
  ++samples_[question];
  bid(question);
  return {};
}

Result<void> OkgAllocator::retire(std::size_t question) {
  if (auto ok = known(question); !ok) return ok;
  retired_[question] = true;
  return {};
}

double OkgAllocator::certainty(std::size_t question) { return table_.certainty(alpha(question)); }

std::size_t OkgAllocator::leader(std::size_t question) const {
  const std::size_t base = question * options_.options;
  const auto when = [&](std::size_t option) {
    const std::uint64_t vote = first_vote_[base + option];
    return vote == 0 ? std::numeric_limits<std::uint64_t>::max() : vote;
  };
  std::size_t best = 0;
  for (std::size_t l = 1; l < options_.options; ++l) {
    const double now = alpha_[base + l], most = alpha_[base + best];
    if (now > most || (now == most && when(l) < when(best))) best = l;
  }
  return best;
}

json::object OkgAllocator::save() const {
  json::array retired;
  for (std::size_t q = 0; q < questions(); ++q) {
    if (retired_[q]) retired.emplace_back(q);
  }
  return {{"allocator", "okg"},           {"questions", questions()},
          {"options", options_.options},  {"warm_up", options_.warm_up},
          {"step", options_.step},        {"alpha", numbers(alpha_)},
          {"samples", numbers(samples_)}, {"first_vote", numbers(first_vote_)},
          {"retired", std::move(retired)}};
}

Result<OkgAllocator> OkgAllocator::restore(const json::object& saved) {
  const auto corrupt = [](std::string what) {
    return fail(ErrorCode::kCorrupt, "saved allocator: " + std::move(what));
  };
  const auto whole = [&](std::string_view key) -> std::size_t {
    const json::value* value = saved.if_contains(key);
    boost::system::error_code wrong;
    const auto number = value == nullptr ? std::size_t{0} : value->to_number<std::size_t>(wrong);
    return wrong ? 0 : number;
  };
  const json::value* step = saved.if_contains("step");
  if (step == nullptr || !step->is_number()) return corrupt("step is missing");
  auto made = make({.questions = whole("questions"),
                    .options = whole("options"),
                    .warm_up = whole("warm_up"),
                    .step = step->to_number<double>()});
  if (!made) return corrupt(made.error().message);
  OkgAllocator out = std::move(*made);
  const std::size_t cells = out.alpha_.size(), count = out.questions();
  std::vector<std::uint64_t> retired;
  const json::value* list = saved.if_contains("retired");
  if (list == nullptr || !list->is_array() || !read(saved, "retired", list->get_array().size(), retired))
    return corrupt("retired must be a list of questions");
  if (!read(saved, "alpha", cells, out.alpha_) || !read(saved, "samples", count, out.samples_) ||
      !read(saved, "first_vote", cells, out.first_vote_))
    return corrupt("alpha, samples and first_vote must have a number for each question and option");
  if (std::ranges::any_of(out.alpha_, [](double a) { return !(a >= 1) || !std::isfinite(a); }))
    return corrupt("alpha must be at least 1");
  for (const std::uint64_t q : retired) {
    if (q >= count) return corrupt("retired names a question that does not exist");
    out.retired_[q] = true;
  }
  out.votes_ = *std::ranges::max_element(out.first_vote_);
  out.bids_ = {};
  for (std::size_t q = 0; q < count; ++q) out.bid(q);
  return out;
}

}  // namespace bursar::sample
