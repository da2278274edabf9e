#include "bursar/plan/saved_rows.h"

#include <string>

#include "bursar/core/saved_numbers.h"

namespace bursar::plan {
namespace {

Result<const boost::json::array*> array_at(const boost::json::object& saved, std::string_view key, std::size_t most) {
  const auto* value = saved.if_contains(key);
  if (value == nullptr || !value->is_array() || value->get_array().size() > most)
    return corrupt_belief(std::string(key) + " must be an array of at most " + std::to_string(most));
  return &value->get_array();
}

}  // namespace

tl::unexpected<Error> corrupt_belief(std::string_view what) {
  return fail(ErrorCode::kCorrupt, "beliefs: " + std::string(what));
}

boost::json::array saved_rows(const NumberRows& rows) {
  boost::json::array out;
  out.reserve(rows.size());
  for (const std::vector<double>& row : rows) out.push_back(saved_numbers(row));
  return out;
}

Result<NumberRows> rows_at(const boost::json::object& saved, std::string_view key, std::size_t width,
                           std::size_t most) {
  const auto listed = array_at(saved, key, most);
  if (!listed) return tl::unexpected(listed.error());
  NumberRows out;
  for (const boost::json::value& row : **listed) {
    const boost::json::object wrapped{{"row", row}};
    SavedNumbers from(wrapped);
    out.push_back(from.numbers("row", width));
    if (!from.check())
      return corrupt_belief(std::string(key) + " must hold rows of " + std::to_string(width) + " numbers");
  }
  return out;
}

boost::json::array saved_digests(const std::vector<std::uint64_t>& digests) {
  boost::json::array out;
  for (const std::uint64_t digest : digests) out.emplace_back(digest);
  return out;
}

Result<std::vector<std::uint64_t>> digests_at(const boost::json::object& saved, std::string_view key,
                                              std::size_t most) {
  const auto listed = array_at(saved, key, most);
  if (!listed) return tl::unexpected(listed.error());
  std::vector<std::uint64_t> out;
  for (const boost::json::value& digest : **listed) {
    if (!digest.is_uint64() && !(digest.is_int64() && digest.get_int64() >= 0))
      return corrupt_belief(std::string(key) + " must hold whole numbers");
    out.push_back(digest.to_number<std::uint64_t>());
  }
  return out;
}

std::vector<double> numbers_of(const Attempt& a) {
  return {a.difficulty,
          a.verification_need,
          a.constraint_density,
          a.ambiguity,
          a.retrieval_need,
          static_cast<double>(a.base_tokens),
          a.finalizer_used ? 1.0 : 0.0,
          a.done == DoneReason::kLength ? 1.0 : 0.0};
}

Result<Attempt> attempt_of_numbers(const std::vector<double>& n) {
  if (n.size() < kAttemptNumbers || !(n[5] >= 0 && n[5] <= 1e15)) return corrupt_belief("an attempt is no attempt");
  Attempt out{.difficulty = n[0],
              .verification_need = n[1],
              .constraint_density = n[2],
              .ambiguity = n[3],
              .retrieval_need = n[4],
              .base_tokens = static_cast<std::int64_t>(n[5]),
              .finalizer_used = n[6] != 0,
              .done = n[7] != 0 ? DoneReason::kLength : DoneReason::kStop};
  if (const auto ok = LinearGate::features(out); !ok) return corrupt_belief(ok.error().message);
  return out;
}

}  // namespace bursar::plan
