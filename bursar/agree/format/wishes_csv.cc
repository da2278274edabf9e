#include "bursar/agree/format/wishes_csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "bursar/agree/number_text.h"
#include "bursar/allocate/format/csv_rows.h"
#include "bursar/allocate/format/names.h"

namespace bursar::agree {
namespace {

constexpr std::size_t kMostParties = std::size_t{1} << 24, kMostNumbers = std::size_t{1} << 26, kMostLines = 1024;
constexpr std::size_t kMostNameBytes = 4096, kShownBytes = 80;
constexpr double kRowTolerance = 1e-9;

class WishesReader {
 public:
  WishesReader(allocate::ByteSource source, Interval interval) : rows_(std::move(source)) {
    wishes_.interval = interval;
  }

  Result<Wishes> read() {
    if (auto ok = head(); !ok) return tl::unexpected(ok.error());
    auto more = rows_.next();
    for (; more && *more; more = rows_.next()) {
      if (auto ok = row(); !ok) return tl::unexpected(ok.error());
    }
    if (!more) return tl::unexpected(more.error());
    if (names_.size() == 0) return invalid_argument("there is no party below the head of the table");
    for (std::uint32_t i = 0; i < names_.size(); ++i) wishes_.parties.push_back(names_.name(i));
    if (wishes_.lines.size() == 1) wishes_.lines.emplace_back(wishes_.lines[0] == "rest" ? "the rest" : "rest");
    return std::move(wishes_);
  }

 private:
  [[nodiscard]] tl::unexpected<Error> wrong(const std::string& what) const {
    return invalid_argument("line " + std::to_string(rows_.line()) + what);
  }
  [[nodiscard]] tl::unexpected<Error> wrong_at(std::size_t column, const std::string& what) const {
    return wrong(", column '" + columns_[column] + "': is '" +
                 std::string(rows_.fields()[column].substr(0, kShownBytes)) + "'; " + what);
  }

  Result<void> head() {
    const auto any = rows_.next();
    if (!any) return tl::unexpected(any.error());
    if (!*any) return invalid_argument("the table is empty; its head names 'party' and the budget lines");
    if (rows_.fields().size() > kMostLines + 2) return wrong(": more than 1024 budget lines");
    for (const std::string_view field : rows_.fields()) {
      const std::string name(field);
      if (name.empty() || name.size() > kMostNameBytes)
        return wrong(": column " + std::to_string(columns_.size() + 1) + " has no name, or one above 4096 bytes");
      if (std::ranges::find(columns_, name) != columns_.end())
        return wrong(": the column '" + name.substr(0, kShownBytes) + "' stands twice");
      if (name == "party")
        party_ = columns_.size();
      else if (name == "weight")
        weight_ = columns_.size();
      else
        wishes_.lines.push_back(name);
      columns_.push_back(name);
    }
    if (!party_) return wrong(": there is no column 'party'");
    if (wishes_.lines.empty()) return wrong(": there is no budget line; give a column for each beside 'party'");
    return {};
  }

  Result<double> number(std::size_t column) const {
    const std::string_view text = rows_.fields()[column];
    double x = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(x))
      return wrong_at(column, "it must be a number");
    return x;
  }

  Result<void> row() {
    const auto fields = rows_.fields();
    if (fields.size() != columns_.size())
      return wrong(": has " + std::to_string(fields.size()) + " fields, and the head names " +
                   std::to_string(columns_.size()));
    if (fields[*party_].empty() || fields[*party_].size() > kMostNameBytes)
      return wrong_at(*party_, "a party needs a name of at most 4096 bytes");
    if (!names_.add(fields[*party_])) return wrong_at(*party_, "that party stands twice");
    if (names_.size() > kMostParties || wishes_.shares.size() + wishes_.lines.size() > kMostNumbers)
      return wrong(": more than 2^24 parties or 2^26 numbers");
    if (weight_) {
      const auto weight = number(*weight_);
      if (!weight) return tl::unexpected(weight.error());
      if (!(*weight > 0 && *weight <= 1e12)) return wrong_at(*weight_, "it must be above 0 and at most 1e12");
      wishes_.weights.push_back(*weight);
    }
    return shares();
  }

  Result<void> shares() {
    const bool point = wishes_.lines.size() == 1;
    const Interval range = point ? wishes_.interval : Interval{};
    double sum = 0;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (c == party_ || c == weight_) continue;
      const auto x = number(c);
      if (!x) return tl::unexpected(x.error());
      if (!(*x >= range.low && *x <= range.high))
        return wrong_at(c, "it must be from " + to_text(range.low) + " to " + to_text(range.high));
      sum += *x;
      if (wishes_.lines.size() <= 2 && wishes_.points.size() < names_.size()) wishes_.points.push_back(*x);
      wishes_.shares.push_back(*x);
    }
    if (point || std::abs(sum - 1) <= kRowTolerance) return {};
    return wrong(": the shares sum to " + to_text(sum) + " instead of 1");
  }

  allocate::CsvRows rows_;
  allocate::NameTable names_;
  Wishes wishes_;
  std::vector<std::string> columns_;
  std::optional<std::size_t> party_, weight_;
};

}  // namespace

Result<Wishes> read_wishes_csv(allocate::ByteSource source, Interval interval) {
  if (!std::isfinite(interval.low) || !std::isfinite(interval.high) || !(interval.low < interval.high))
    return invalid_argument("the interval from " + to_text(interval.low) + " to " + to_text(interval.high) +
                            " is empty or not finite");
  auto wishes = WishesReader(std::move(source), interval).read();
  if (wishes && !wishes->points.empty() && wishes->shares.size() == 2 * wishes->points.size()) wishes->interval = {};
  return wishes;
}

}  // namespace bursar::agree
