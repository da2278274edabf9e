#include "bursar/admit/log/jsonl_log.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <simdjson.h>

#include "bursar/admit/log/text_lines.h"

namespace bursar::admit {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t kMostResources = 256;

class JsonlLog final : public LogReader {
 public:
  JsonlLog(allocate::ByteSource source, LogOptions options)
      : options_(std::move(options)),
        lines_(std::move(source), options_.max_row_bytes),
        resources_(options_.resources) {}

  Result<void> begin();
  Result<bool> next(LoggedRequest& request) override;
  std::span<const std::string> resources() const override { return resources_; }

 private:
  // Keys of an object that were seen: each may stand once.
  struct Once {
    std::vector<std::string_view> seen;
    bool again(std::string_view key) {
      if (std::ranges::find(seen, key) != seen.end()) return true;
      seen.push_back(key);
      return false;
    }
  };

  Result<bool> read();
  Result<void> take(const object& line);
  Result<void> take_member(std::string_view key, const element& value);
  Result<void> take_options(const element& value);
  Result<void> take_option(const object& option, std::size_t index);
  Result<void> amounts(const element& value, const std::string& place, std::vector<double>& to);
  Result<void> find_resources(const element& cost);
  Result<double> number(const element& value, const std::string& place, bool any_sign = false) const;
  bool ignored(std::string_view key) const { return std::ranges::find(options_.ignore, key) != options_.ignore.end(); }
  [[nodiscard]] tl::unexpected<Error> wrong(const std::string& place, const std::string& what) const {
    return invalid_argument("line " + std::to_string(lines_.line()) + ", " + place + ": " + what);
  }

  LogOptions options_;
  TextLines lines_;
  std::vector<std::string> resources_;
  simdjson::dom::parser parser_;
  bool waiting_ = false;  // the first request was read when the log was opened
  bool ended_ = false, auction_ = false, has_value_ = false, has_price_ = false, some_hold_ = false,
       some_actual_ = false, some_actual_reward_ = false;
  double time_s_ = 0, price_ = 0;
  std::uint64_t requests_ = 0;
  std::vector<char> buffer_;
  std::vector<double> rewards_, costs_, holds_, actuals_, actual_rewards_, context_;
};

Result<double> JsonlLog::number(const element& value, const std::string& place, bool any_sign) const {
  double x = 0;
  if (value.get(x) != simdjson::SUCCESS || !std::isfinite(x) || (!any_sign && x < 0)) {
    std::string text = simdjson::minify(value);
    return wrong(place,
                 std::string("must be a number") + (any_sign ? "" : " of at least 0") + ", is " + text.substr(0, 80));
  }
  return x;
}

Result<void> JsonlLog::find_resources(const element& cost) {
  object named;
  if (cost.get(named) != simdjson::SUCCESS) {
    resources_.emplace_back();
    return {};
  }
  for (const auto member : named) {
    if (resources_.size() == kMostResources)
      return wrong("cost", "names more than " + std::to_string(kMostResources) + " resources");
    resources_.emplace_back(member.key);
  }
  if (resources_.empty()) return wrong("cost", "names no resource");
  return {};
}

// One number a resource at the end of `to`.
Result<void> JsonlLog::amounts(const element& value, const std::string& place, std::vector<double>& to) {
  const std::size_t from = to.size();
  to.resize(from + resources_.size(), 0.0);
  object named;
  if (value.get(named) != simdjson::SUCCESS) {
    if (resources_.size() != 1) return wrong(place, "must be an object of resources, since there are several");
    auto x = number(value, place);
    if (!x) return tl::unexpected(x.error());
    to[from] = *x;
    return {};
  }
  Once once;
  for (const auto member : named) {
    const auto found = std::ranges::find(resources_, member.key);
    const std::string at = place + "." + std::string(member.key.substr(0, 80));
    if (found == resources_.end()) return wrong(at, "there is no such resource");
    if (once.again(member.key)) return wrong(at, "stands twice");
    auto x = number(member.value, at);
    if (!x) return tl::unexpected(x.error());
    to[from + static_cast<std::size_t>(found - resources_.begin())] = *x;
  }
  return {};
}

Result<void> JsonlLog::take_option(const object& option, std::size_t index) {
  const std::string place = "options[" + std::to_string(index) + "]";
  const std::size_t m = resources_.size();
  bool reward = false, cost = false, hold = false, actual = false, actual_reward = false;
  Once once;
  for (const auto member : option) {
    const std::string at = place + "." + std::string(member.key.substr(0, 80));
    if (once.again(member.key)) return wrong(at, "stands twice");
    Result<void> ok;
    if (member.key == "reward" || member.key == "actual_reward") {
      auto x = number(member.value, at, member.key != "reward");
      if (!x) return tl::unexpected(x.error());
      (member.key == "reward" ? reward : actual_reward) = true;
      (member.key == "reward" ? rewards_ : actual_rewards_).push_back(*x);
    } else if (member.key == "cost") {
      cost = true;
      ok = amounts(member.value, at, costs_);
    } else if (member.key == "hold") {
      hold = some_hold_ = true;
      ok = amounts(member.value, at, holds_);
    } else if (member.key == "actual") {
      actual = some_actual_ = true;
      ok = amounts(member.value, at, actuals_);
    } else if (member.key != "name" && !ignored(member.key)) {
      return wrong(at, "is not known; known are name, reward, cost, hold, actual, actual_reward");
    }
    if (!ok) return ok;
  }
  if (!reward || !cost) return wrong(place, "needs reward and cost");
  const auto own_cost = std::vector<double>(costs_.end() - static_cast<std::ptrdiff_t>(m), costs_.end());
  if (!hold) holds_.insert(holds_.end(), own_cost.begin(), own_cost.end());
  if (!actual) actuals_.insert(actuals_.end(), own_cost.begin(), own_cost.end());
  if (!actual_reward) actual_rewards_.push_back(rewards_.back());
  some_actual_reward_ |= actual_reward;
  return {};
}

Result<void> JsonlLog::take_options(const element& value) {
  simdjson::dom::array list;
  if (value.get(list) != simdjson::SUCCESS) return wrong("options", "must be a list");
  std::size_t index = 0;
  for (const element one : list) {
    object option;
    if (one.get(option) != simdjson::SUCCESS)
      return wrong("options[" + std::to_string(index) + "]", "must be an object");
    if (index == options_.max_options) return wrong("options", "are more than " + std::to_string(options_.max_options));
    if (resources_.empty()) {
      element cost;
      if (option["cost"].get(cost) != simdjson::SUCCESS) return wrong("options[0]", "needs cost");
      if (auto ok = find_resources(cost); !ok) return ok;
    }
    if (auto ok = take_option(option, index++); !ok) return ok;
  }
  if (index == 0) return wrong("options", "is empty");
  return {};
}

Result<void> JsonlLog::take_member(std::string_view key, const element& value) {
  const std::string place(key.substr(0, 80));
  if (key == "options") return take_options(value);
  if (key == "context") {
    simdjson::dom::array list;
    if (value.get(list) != simdjson::SUCCESS) return wrong(place, "must be a list of numbers");
    for (const element one : list) {
      auto x = number(one, place, true);
      if (!x) return tl::unexpected(x.error());
      context_.push_back(*x);
    }
    return {};
  }
  if (key == "id" || ignored(key)) return {};
  if (key != "time_s" && key != "value" && key != "price" && key != "actual_reward") {
    return wrong(place, "is not known; known are id, time_s, options, context, value, price, actual_reward");
  }
  auto x = number(value, place, key == "actual_reward");
  if (!x) return tl::unexpected(x.error());
  if (key == "time_s") {
    if (*x < time_s_) return wrong(place, "falls; the lines must be in the order of time");
    time_s_ = *x;
  } else if (key == "value") {
    has_value_ = true;
    rewards_.push_back(*x);
  } else if (key == "price") {
    has_price_ = true;
    price_ = *x;
  } else {
    some_actual_reward_ = true;
    actual_rewards_.push_back(*x);
  }
  return {};
}

Result<void> JsonlLog::take(const object& line) {
  for (auto* numbers : {&rewards_, &costs_, &holds_, &actuals_, &actual_rewards_, &context_}) numbers->clear();
  has_value_ = has_price_ = some_hold_ = some_actual_ = some_actual_reward_ = false;
  Once once;
  for (const auto member : line) {
    if (once.again(member.key)) return wrong(std::string(member.key.substr(0, 80)), "stands twice");
    if (auto ok = take_member(member.key, member.value); !ok) return ok;
  }
  const bool auction = has_value_ || has_price_;
  if (auction && (!has_value_ || !has_price_ || rewards_.size() != 1 || !costs_.empty())) {
    return wrong("value", "an auction has value and price, and no options");
  }
  if (!auction && costs_.empty()) return wrong("options", "are missing");
  if (!auction && actual_rewards_.size() != rewards_.size()) return wrong("actual_reward", "belongs into an option");
  if (requests_ > 0 && auction != auction_) return wrong("value", "a log holds auctions or options, not both");
  if (auction && resources_.empty()) resources_.emplace_back();
  auction_ = auction;
  return {};
}

// The next request into the members; false at the end.
Result<bool> JsonlLog::read() {
  while (true) {
    auto more = lines_.next();
    if (!more || !*more) return more;
    const std::string_view text = lines_.text();
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (buffer_.size() < text.size() + simdjson::SIMDJSON_PADDING)
      buffer_.resize(2 * text.size() + simdjson::SIMDJSON_PADDING);
    std::memcpy(buffer_.data(), text.data(), text.size());
    element root;
    if (const auto error = parser_.parse(buffer_.data(), text.size(), false).get(root)) {
      return wrong("JSON", simdjson::error_message(error));
    }
    object line;
    if (root.get(line) != simdjson::SUCCESS) return wrong("JSON", "must be an object");
    if (auto ok = take(line); !ok) return tl::unexpected(ok.error());
    ++requests_;
    return true;
  }
}

Result<void> JsonlLog::begin() {
  auto first = read();
  if (!first) return tl::unexpected(first.error());
  if (!*first) return invalid_argument("line 1: the log has no request");
  waiting_ = true;
  return {};
}

Result<bool> JsonlLog::next(LoggedRequest& request) {
  if (!waiting_) {
    auto more = read();
    if (!more || !*more) return more;
  }
  waiting_ = false;
  request = {.line = lines_.line(),
             .time_s = time_s_,
             .rewards = rewards_,
             .costs = costs_,
             .context = context_,
             .price = price_};
  if (some_hold_) request.holds = holds_;
  if (some_actual_) request.actual_costs = actuals_;
  if (some_actual_reward_) request.actual_rewards = actual_rewards_;
  return true;
}

}  // namespace

Result<std::unique_ptr<LogReader>> open_jsonl_log(allocate::ByteSource source, const LogOptions& options) {
  auto log = std::make_unique<JsonlLog>(std::move(source), options);
  if (auto ok = log->begin(); !ok) return tl::unexpected(ok.error());
  return log;
}

}  // namespace bursar::admit
