#include "bursar/plan/workflow/workflow_run.h"

#include <algorithm>
#include <array>
#include <bit>
#include <boost/json/array.hpp>
#include <cmath>
#include <string>

#include "bursar/core/saved_numbers.h"

namespace bursar::plan {
namespace {

namespace json = boost::json;

constexpr NodeSet bit(std::size_t node) { return NodeSet{1} << node; }
constexpr double kMostUnits = 1e15;
constexpr int kMostSamples = 1 << 16;
constexpr std::array kCounted{kUsd, kTokens};

std::int64_t units_of(double amount, Resource resource) {
  return static_cast<std::int64_t>(std::min(std::ceil(amount * std::pow(10.0, resource.decimals())), kMostUnits));
}
double number_of(std::int64_t units, Resource resource) {
  return static_cast<double>(units) / std::pow(10.0, resource.decimals());
}

Result<void> only_counted(const Amounts& amounts, const char* what) {
  for (const Amount& amount : amounts.items()) {
    if (std::ranges::find(kCounted, amount.resource) == kCounted.end())
      return invalid_argument(std::string(what) + " names " + std::string(amount.resource.name()) +
                              "; a workflow counts usd and tokens (and its deadline)");
    if (amount.units < 0) return invalid_argument(std::string(what) + " must be at least 0");
  }
  return {};
}

json::object saved_amounts(const Amounts& amounts) {
  json::object out;
  for (const Amount& amount : amounts.items()) out[amount.resource.name()] = amount.units;
  return out;
}

Result<Amounts> amounts_of(const json::object& saved, std::string_view key) {
  const auto wrong = [&] { return fail(ErrorCode::kCorrupt, "saved run: " + std::string(key) + " is no amounts"); };
  const auto* found = saved.if_contains(key);
  if (found == nullptr || !found->is_object()) return wrong();
  Amounts out;
  for (const auto& [name, units] : found->get_object()) {
    const auto resource = Resource::find(name);
    if (!resource || !units.is_int64() || !out.set(*resource, units.get_int64())) return wrong();
  }
  if (!only_counted(out, "saved run")) return wrong();
  return out;
}

}  // namespace

Amounts sample_cap(const CostModel& cost, double reserve) {
  Amounts out;
  (void)out.set(kUsd, units_of(cost.usd * reserve, kUsd));
  (void)out.set(kTokens, units_of(cost.tokens * reserve, kTokens));
  return out;
}

Result<WorkflowRun> WorkflowRun::make(Workflow workflow, const RunLimits& limits) {
  if (auto ok = only_counted(limits.budget, "budget"); !ok) return tl::unexpected(ok.error());
  if (!(limits.deadline_ms > 0)) return invalid_argument("deadline_ms must be above 0");
  if (!(limits.reserve >= 1 && limits.reserve <= 1000)) return invalid_argument("reserve must be 1 … 1000");
  return WorkflowRun(std::move(workflow), limits);
}

WorkflowRun::WorkflowRun(Workflow workflow, const RunLimits& limits)
    : workflow_(std::move(workflow)), limits_(limits), failures_(workflow_.option_count(), 0) {}

Result<void> WorkflowRun::check_time(double now_ms) const {
  if (now_ms >= now_ms_ && std::isfinite(now_ms)) return {};
  return invalid_argument("now_ms is " + std::to_string(now_ms) + "; it was " + std::to_string(now_ms_) + " before");
}

Amounts WorkflowRun::held() const {
  Amounts out;
  for (const Batch& batch : batches_) {
    for (const Amount& cap : batch.cap.items()) {
      if (left(cap.resource)) (void)out.add({cap.resource, cap.units * batch.pending});
    }
  }
  return out;
}

std::optional<std::int64_t> WorkflowRun::left(Resource resource) const {
  const auto limits = limits_.budget.items();
  const auto found = std::ranges::find(limits, resource, &Amount::resource);
  if (found == limits.end()) return std::nullopt;
  std::int64_t out = found->units - spent_[resource];
  for (const Batch& batch : batches_) out -= batch.cap[resource] * batch.pending;
  return out;
}

Result<Amounts> WorkflowRun::started(const Start& start, double now_ms) {
  if (auto ok = check_time(now_ms); !ok) return tl::unexpected(ok.error());
  if (start.node >= workflow_.size() || start.option >= workflow_[start.node].options.size())
    return invalid_argument("no such subtask or option");
  const Subtask& task = workflow_[start.node];
  const std::string where = "subtask \"" + task.id + "\": ";
  if (start.samples < 1 || start.samples > kMostSamples) return invalid_argument(where + "1 … 65536 samples");
  if ((workflow_.dispatchable(state(now_ms)) & bit(start.node)) == 0 || pending(start.node) > 0)
    return invalid_argument(where + "cannot start: it is complete, running, or waits for a parent");
  if (now_ms >= limits_.deadline_ms) return fail(ErrorCode::kTimeout, where + "the deadline has passed");
  const Amounts cap = sample_cap(task.options[start.option].cost, limits_.reserve);
  for (const Amount& one : cap.items()) {
    const auto rest = left(one.resource);
    if (rest && one.units > 0 && (*rest < 0 || start.samples > *rest / one.units))
      return fail(ErrorCode::kExhausted, where + std::to_string(start.samples) + " samples may cost " +
                                             to_string(Amount{one.resource, one.units}) + " each, and " +
                                             to_string(Amount{one.resource, *rest}) + " is left");
  }
  Amounts held;  // what is not limited is not held
  for (const Amount& one : cap.items()) {
    if (left(one.resource)) (void)held.set(one.resource, one.units);
  }
  batches_.push_back({start.node, start.option, start.samples, false, now_ms, held});
  now_ms_ = now_ms;
  ++events_;
  return cap;
}

Result<WorkflowRun::Finished> WorkflowRun::finished(std::size_t node, const SampleReport& report, double now_ms) {
  if (auto ok = check_time(now_ms); !ok) return tl::unexpected(ok.error());
  if (auto ok = only_counted(report.cost, "cost"); !ok) return tl::unexpected(ok.error());
  const auto batch = std::ranges::find(batches_, node, &Batch::node);
  if (batch == batches_.end()) return invalid_argument("no sample of subtask " + std::to_string(node) + " is running");
  Amounts spent = spent_;
  if (auto ok = spent.add(report.cost); !ok) return tl::unexpected(ok.error());
  spent_ = spent;
  now_ms_ = now_ms;
  ++events_;
  --batch->pending;
  const bool was_complete = (completed_ & bit(node)) != 0;  // cancelled siblings report after that
  batch->succeeded |= report.success;
  if (!report.success && !was_complete) ++failures_[workflow_.option_at(node, batch->option)];
  Finished out;
  const bool first_success = limits_.cancel_on_success && report.success;
  out.batch_ended = !was_complete && (batch->pending == 0 || first_success);
  out.completed = out.batch_ended && batch->succeeded;
  if (out.completed) completed_ |= bit(node);
  if (batch->pending == 0) batches_.erase(batch);
  return out;
}

int WorkflowRun::pending(std::size_t node) const {
  const auto batch = std::ranges::find(batches_, node, &Batch::node);
  return batch == batches_.end() ? 0 : batch->pending;
}

RunState WorkflowRun::state(double now_ms) const {
  const auto rest = [&](Resource resource) {
    const auto units = left(resource);
    return units ? number_of(*units, resource) : RunState::kUnlimited;
  };
  RunState out{.completed = completed_,
               .usd = rest(kUsd),
               .tokens = rest(kTokens),
               .ms = limits_.deadline_ms - now_ms,
               .running = {},
               .failures = failures_,
               .events = events_};
  for (const Batch& batch : batches_) {
    if ((completed_ & bit(batch.node)) != 0) continue;
    out.running.push_back({.node = batch.node,
                           .option = batch.option,
                           .pending = batch.pending,
                           .succeeded = batch.succeeded,
                           .elapsed_ms = std::max(now_ms - batch.began_ms, 0.0)});
  }
  return out;
}

json::object WorkflowRun::save() const {
  json::array ids, completed, batches, failures;
  for (std::size_t v = 0; v < workflow_.size(); ++v) {
    ids.emplace_back(workflow_[v].id);
    if ((completed_ & bit(v)) != 0) completed.emplace_back(v);
  }
  for (const Batch& b : batches_)
    batches.push_back({{"node", b.node},
                       {"option", b.option},
                       {"pending", b.pending},
                       {"succeeded", b.succeeded},
                       {"began_ms", b.began_ms},
                       {"cap", saved_amounts(b.cap)}});
  for (const int f : failures_) failures.emplace_back(f);
  json::object out{{"subtasks", std::move(ids)},
                   {"budget", saved_amounts(limits_.budget)},
                   {"reserve", limits_.reserve},
                   {"cancel_on_success", limits_.cancel_on_success},
                   {"completed", std::move(completed)},
                   {"batches", std::move(batches)},
                   {"failures", std::move(failures)},
                   {"spent", saved_amounts(spent_)},
                   {"events", events_},
                   {"now_ms", now_ms_}};
  if (std::isfinite(limits_.deadline_ms)) out["deadline_ms"] = limits_.deadline_ms;
  return out;
}

Result<WorkflowRun> WorkflowRun::restore(Workflow workflow, const json::object& saved) {
  json::array ids;
  for (const Subtask& task : workflow.subtasks()) ids.emplace_back(task.id);
  const auto* named = saved.if_contains("subtasks");
  if (named == nullptr || *named != json::value(ids))
    return fail(ErrorCode::kCorrupt, "saved run: its subtasks are not those of the workflow");
  SavedNumbers from(saved);
  RunLimits limits{.reserve = from.number("reserve"), .cancel_on_success = from.flag("cancel_on_success")};
  if (saved.contains("deadline_ms")) limits.deadline_ms = from.number("deadline_ms");
  if (auto ok = from.check(); !ok) return tl::unexpected(ok.error());
  const auto budget = amounts_of(saved, "budget");
  if (!budget) return tl::unexpected(budget.error());
  limits.budget = *budget;
  auto run = make(std::move(workflow), limits);
  if (!run) return fail(ErrorCode::kCorrupt, "saved run: " + run.error().message);
  if (auto ok = run->load(saved); !ok) return tl::unexpected(ok.error());
  return run;
}

Result<void> WorkflowRun::load(const json::object& saved) {
  SavedNumbers from(saved);
  events_ = from.count("events");
  now_ms_ = from.number("now_ms");
  const std::vector<double> failures = from.numbers("failures", failures_.size());
  const auto* completed = saved.if_contains("completed");
  const std::size_t count = completed != nullptr && completed->is_array() ? completed->get_array().size() : SIZE_MAX;
  if (count > workflow_.size()) return fail(ErrorCode::kCorrupt, "saved run: completed is no list of subtasks");
  for (const double v : from.numbers("completed", count)) {
    if (!(v >= 0 && v < static_cast<double>(workflow_.size())))
      return fail(ErrorCode::kCorrupt, "saved run: completed names a subtask that does not exist");
    completed_ |= bit(static_cast<std::size_t>(v));
  }
  if (auto ok = from.check(); !ok) return ok;
  for (std::size_t i = 0; i < failures.size(); ++i) {
    if (!(failures[i] >= 0 && failures[i] <= 1e9)) return fail(ErrorCode::kCorrupt, "saved run: failures below 0");
    failures_[i] = static_cast<int>(failures[i]);
  }
  const auto spent = amounts_of(saved, "spent");
  if (!spent) return tl::unexpected(spent.error());
  spent_ = *spent;
  if (auto ok = load_batches(saved); !ok) return ok;
  if (auto ok = workflow_.check(state(now_ms_)); !ok)
    return fail(ErrorCode::kCorrupt, "saved run: " + ok.error().message);
  return {};
}

Result<void> WorkflowRun::load_batches(const json::object& saved) {
  const auto corrupt = [] { return fail(ErrorCode::kCorrupt, "saved run: batches are not what runs of it can be"); };
  const auto* found = saved.if_contains("batches");
  if (found == nullptr || !found->is_array() || found->get_array().size() > workflow_.size()) return corrupt();
  NodeSet seen = 0;
  for (const json::value& one : found->get_array()) {
    if (!one.is_object()) return corrupt();
    SavedNumbers from(one.get_object());
    const std::uint64_t node = from.count("node"), option = from.count("option"), pending = from.count("pending");
    Batch batch{
        .node = node, .option = option, .succeeded = from.flag("succeeded"), .began_ms = from.number("began_ms")};
    const auto cap = amounts_of(one.get_object(), "cap");
    if (!from.check() || !cap || node >= workflow_.size() || option >= workflow_[node].options.size() || pending < 1 ||
        pending > kMostSamples || (seen & bit(node)) != 0 || batch.began_ms > now_ms_)
      return corrupt();
    for (const Amount& most : cap->items()) {
      if (most.units > INT64_MAX / (kMostSamples * static_cast<std::int64_t>(Workflow::kMostSubtasks)))
        return corrupt();
    }
    batch.pending = static_cast<int>(pending);
    batch.cap = *cap;
    seen |= bit(node);
    batches_.push_back(std::move(batch));
  }
  return {};
}

}  // namespace bursar::plan
