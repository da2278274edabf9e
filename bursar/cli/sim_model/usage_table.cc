#include "bursar/cli/sim_model/usage_table.h"

#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

constexpr std::size_t kMostModels = 1000;  // further names are counted as "other"

void add(CallCount& to, const CallCount& more) {
  to.calls += more.calls;
  to.prompt_tokens += more.prompt_tokens;
  to.completion_tokens += more.completion_tokens;
}

std::string json_count(const CallCount& count) {
  return "{\"calls\":" + std::to_string(count.calls) + ",\"prompt_tokens\":" + std::to_string(count.prompt_tokens) +
         ",\"completion_tokens\":" + std::to_string(count.completion_tokens) + "}";
}

}  // namespace

void UsageTable::Call::end(bool whole) {
  if (std::exchange(over_, true)) return;
  Row& row = table_->row(model_);
  add(whole ? row.whole : row.broken, count_);
}

UsageTable::Row& UsageTable::row(std::string_view model) {
  if (const auto found = rows_.find(model); found != rows_.end()) return found->second;
  return rows_[rows_.size() < kMostModels ? std::string(model) : "other"];
}

void UsageTable::refused(std::string_view model) { ++row(model).refused; }

std::string UsageTable::json_of(const Row& row) {
  return "{\"whole\":" + json_count(row.whole) + ",\"broken\":" + json_count(row.broken) +
         ",\"refused\":{\"calls\":" + std::to_string(row.refused) + "}}";
}

std::string UsageTable::json() const {
  std::string out = "{\"simulated\":true,\"models\":{";
  Row total;
  for (const auto& [model, row] : rows_) {
    if (!out.ends_with('{')) out += ',';
    append_json_string(out, model);
    out += ":" + json_of(row);
    add(total.whole, row.whole);
    add(total.broken, row.broken);
    total.refused += row.refused;
  }
  return out + "},\"total\":" + json_of(total) + "}";
}

}  // namespace bursar::cli
