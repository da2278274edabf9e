#include "bursar/admit/log/csv_log.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "bursar/allocate/format/csv_rows.h"

namespace bursar::admit {
namespace {

constexpr std::size_t kNone = SIZE_MAX;
constexpr std::size_t kMostShown = 80;  // bytes of a wrong value in a message

enum class Sign : std::uint8_t { kAny, kAmount };

class CsvLog final : public LogReader {
 public:
  CsvLog(allocate::ByteSource source, LogOptions options)
      : options_(std::move(options)), rows_(std::move(source), options_.max_row_bytes) {}

  Result<void> begin();
  Result<bool> next(LoggedRequest& request) override;
  std::span<const std::string> resources() const override { return resources_; }

 private:
  Result<void> name_columns(std::span<const std::string_view> fields);
  Result<void> place(std::string_view name, std::size_t column);
  Result<void> check_columns();
  Result<void> resource_column(std::vector<std::size_t>& columns, std::string_view kind, std::string_view name,
                               std::size_t column);
  Result<void> take_row();
  Result<void> take_auction();
  Result<double> number(std::size_t column, Sign sign) const;
  Result<void> numbers(const std::vector<std::size_t>& columns, Sign sign, std::vector<double>& to) const;
  [[nodiscard]] tl::unexpected<Error> wrong(std::size_t column, std::string_view what) const;
  void give(LoggedRequest& request) const;
  Result<bool> advance();

  LogOptions options_;
  allocate::CsvRows rows_;
  std::vector<std::string> names_;      // of the columns
  std::vector<std::string> resources_;  // in order
  std::size_t request_ = kNone, time_ = kNone, reward_ = kNone, value_ = kNone, price_ = kNone, actual_reward_ = kNone;
  std::vector<std::size_t> costs_, holds_, actuals_, context_columns_;  // column of each resource
  bool more_ = false;                                                   // a row is waiting

  // The request that is being read.
  std::uint64_t line_ = 0;
  std::string id_;
  double time_s_ = 0, price_paid_ = 0;
  std::vector<double> rewards_, cost_, hold_, actual_, actual_rewards_, context_;
};

tl::unexpected<Error> CsvLog::wrong(std::size_t column, std::string_view what) const {
  return invalid_argument("line " + std::to_string(rows_.line()) + ", column " + names_[column] + ": " +
                          std::string(what));
}

Result<double> CsvLog::number(std::size_t column, Sign sign) const {
  const std::string_view text = rows_.fields()[column];
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(x) ||
      (sign == Sign::kAmount && x < 0)) {
    return wrong(column, std::string("must be a number") + (sign == Sign::kAmount ? " of at least 0" : "") + ", is '" +
                             std::string(text.substr(0, kMostShown)) + "'");
  }
  return x;
}

Result<void> CsvLog::numbers(const std::vector<std::size_t>& columns, Sign sign, std::vector<double>& to) const {
  for (const std::size_t column : columns) {
    auto x = number(column, sign);
    if (!x) return tl::unexpected(x.error());
    to.push_back(*x);
  }
  return {};
}

// "cost", "cost.usd": the column of a resource.
Result<void> CsvLog::resource_column(std::vector<std::size_t>& columns, std::string_view kind, std::string_view name,
                                     std::size_t column) {
  const std::string resource(name.size() > kind.size() ? name.substr(kind.size() + 1) : std::string_view{});
  const auto found = std::ranges::find(resources_, resource);
  std::size_t at = static_cast<std::size_t>(found - resources_.begin());
  if (found == resources_.end()) {
    if (!options_.resources.empty() && resource.empty() && options_.resources.size() == 1) {
      at = 0;  // the lone resource, called by its name elsewhere
    } else if (!options_.resources.empty()) {
      return wrong(column, "the budget has no resource '" + resource + "'");
    } else {
      resources_.push_back(resource);
    }
  }
  columns.resize(std::max(columns.size(), at + 1), kNone);
  if (columns[at] != kNone) return wrong(column, "stands twice");
  columns[at] = column;
  return {};
}

Result<void> CsvLog::place(std::string_view name, std::size_t column) {
  const auto one = [&](std::size_t& to) -> Result<void> {
    if (to != kNone) return wrong(column, "stands twice");
    to = column;
    return {};
  };
  const auto is = [&](std::string_view kind) { return name == kind || name.starts_with(std::string(kind) + "."); };
  if (name == "request") return one(request_);
  if (name == "time_s") return one(time_);
  if (name == "reward") return one(reward_);
  if (name == "value") return one(value_);
  if (name == "price") return one(price_);
  if (name == "actual_reward") return one(actual_reward_);
  if (is("cost")) return resource_column(costs_, "cost", name, column);
  if (is("hold")) return resource_column(holds_, "hold", name, column);
  if (is("actual")) return resource_column(actuals_, "actual", name, column);
  if (name.starts_with("context.")) {
    context_columns_.push_back(column);
    return {};
  }
  if (name == "option" || std::ranges::find(options_.ignore, name) != options_.ignore.end()) return {};
  return wrong(column,
               "is not known; known are request, time_s, option, reward, cost.NAME, hold.NAME, actual.NAME, "
               "actual_reward, context.NAME, and for auctions value and price");
}

Result<void> CsvLog::name_columns(std::span<const std::string_view> fields) {
  resources_ = options_.resources;
  for (const std::string_view field : fields) names_.emplace_back(field);
  for (std::size_t c = 0; c < names_.size(); ++c) {
    if (auto ok = place(names_[c], c); !ok) return ok;
  }
  return check_columns();
}

Result<void> CsvLog::check_columns() {
  const auto header = [](const std::string& what) { return invalid_argument("line 1: " + what); };
  if (value_ != kNone || price_ != kNone) {
    if (value_ == kNone || price_ == kNone) return header("an auction needs both the columns value and price");
    if (reward_ != kNone || !costs_.empty() || !holds_.empty() || !actuals_.empty())
      return header("value and price make it an auction, which has no reward, cost, hold or actual");
    if (resources_.empty()) resources_.emplace_back();
    return {};
  }
  if (reward_ == kNone || costs_.empty()) {
    return header("needs the columns reward and cost.NAME for each resource, or value and price of auctions");
  }
  for (auto* columns : {&costs_, &holds_, &actuals_}) {
    if (columns != &costs_ && columns->empty()) continue;
    columns->resize(resources_.size(), kNone);
    const auto missing = std::ranges::find(*columns, kNone);
    if (missing == columns->end()) continue;
    const std::string kind = columns == &costs_ ? "cost" : columns == &holds_ ? "hold" : "actual";
    return header("has no column " + kind + "." + resources_[static_cast<std::size_t>(missing - columns->begin())]);
  }
  return {};
}

Result<void> CsvLog::begin() {
  auto more = rows_.next();
  if (!more) return tl::unexpected(more.error());
  if (!*more) return invalid_argument("line 1: the log has no header");
  if (auto ok = name_columns(rows_.fields()); !ok) return ok;
  auto ahead = advance();
  return ahead ? Result<void>{} : tl::unexpected(ahead.error());
}

Result<bool> CsvLog::advance() {
  auto more = rows_.next();
  if (!more) return more;
  more_ = *more;
  if (more_ && rows_.fields().size() != names_.size()) {
    return invalid_argument("line " + std::to_string(rows_.line()) + ": has " + std::to_string(rows_.fields().size()) +
                            " fields, the header has " + std::to_string(names_.size()));
  }
  return more_;
}

Result<void> CsvLog::take_row() {
  auto reward = number(reward_, Sign::kAmount);
  if (!reward) return tl::unexpected(reward.error());
  rewards_.push_back(*reward);
  if (auto ok = numbers(costs_, Sign::kAmount, cost_); !ok) return ok;
  if (auto ok = numbers(holds_, Sign::kAmount, hold_); !ok) return ok;
  if (auto ok = numbers(actuals_, Sign::kAmount, actual_); !ok) return ok;
  if (actual_reward_ == kNone) return {};
  auto actual = number(actual_reward_, Sign::kAny);
  if (!actual) return tl::unexpected(actual.error());
  actual_rewards_.push_back(*actual);
  return {};
}

Result<void> CsvLog::take_auction() {
  auto value = number(value_, Sign::kAmount), price = number(price_, Sign::kAmount);
  if (!value || !price) return tl::unexpected(value ? price.error() : value.error());
  rewards_.push_back(*value);
  price_paid_ = *price;
  if (actual_reward_ == kNone) return {};
  auto actual = number(actual_reward_, Sign::kAny);
  if (!actual) return tl::unexpected(actual.error());
  actual_rewards_.push_back(*actual);
  return {};
}

Result<bool> CsvLog::next(LoggedRequest& request) {
  if (!more_) return false;
  for (auto* numbers : {&rewards_, &cost_, &hold_, &actual_, &actual_rewards_, &context_}) numbers->clear();
  line_ = rows_.line();
  if (request_ != kNone) id_ = rows_.fields()[request_];
  if (time_ != kNone) {
    auto time = number(time_, Sign::kAmount);
    if (!time) return tl::unexpected(time.error());
    if (*time < time_s_) return wrong(time_, "falls; the rows must be in the order of time");
    time_s_ = *time;
  }
  if (auto ok = numbers(context_columns_, Sign::kAny, context_); !ok) return tl::unexpected(ok.error());
  do {
    if (auto ok = value_ == kNone ? take_row() : take_auction(); !ok) return tl::unexpected(ok.error());
    if (rewards_.size() > options_.max_options) {
      return invalid_argument("line " + std::to_string(rows_.line()) + ": request " + id_.substr(0, kMostShown) +
                              " has more than " + std::to_string(options_.max_options) + " options");
    }
    auto ahead = advance();
    if (!ahead) return tl::unexpected(ahead.error());
  } while (more_ && value_ == kNone && request_ != kNone && rows_.fields()[request_] == id_);
  give(request);
  return true;
}

void CsvLog::give(LoggedRequest& request) const {
  request = {.line = line_,
             .time_s = time_s_,
             .rewards = rewards_,
             .costs = cost_,
             .holds = hold_,
             .actual_costs = actual_,
             .actual_rewards = actual_rewards_,
             .context = context_,
             .price = price_paid_};
}

}  // namespace

Result<std::unique_ptr<LogReader>> open_csv_log(allocate::ByteSource source, const LogOptions& options) {
  auto log = std::make_unique<CsvLog>(std::move(source), options);
  if (auto ok = log->begin(); !ok) return tl::unexpected(ok.error());
  return log;
}

}  // namespace bursar::admit
