#include "bursar/broker/strategies/workflow_door.h"

#include <re2/re2.h>

#include "bursar/broker/models/model_answer.h"
#include "bursar/broker/pipeline/call_id.h"
#include "bursar/broker/strategies/let_in.h"
#include "bursar/broker/strategies/strategy_reply.h"
#include "bursar/core/json.h"
#include "bursar/plan/job/journal.h"
#include "bursar/plan/workflow/workflow_controller.h"

namespace bursar::broker {
namespace {

using boost::json::object;

constexpr std::size_t kShortText = 200;
constexpr std::size_t kMostJournal = 100'000;  // entries
constexpr std::int64_t kRegexMemory = 1 << 20;

struct WorkflowRequest {
  std::unique_ptr<plan::WorkflowController> controller;
  plan::JobLimits limits;
  boost::json::array journal;
  bool stream = false, explain = false;
};

// One for each subtask that has one, compiled once.
class AnswerRegexes {
 public:
  static Result<AnswerRegexes> make(const plan::WorkflowFile& file) {
    AnswerRegexes out;
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kRegexMemory);
    for (std::size_t node = 0; node < file.texts.size(); ++node) {
      const std::string& text = file.texts[node].check.regex;
      if (text.empty() || out.compiled_.contains(text)) continue;
      auto regex = std::make_shared<const RE2>(text, options);
      if (!regex->ok()) {
        return invalid_argument("workflow.subtasks[" + std::to_string(node) + "].check.regex: " + regex->error());
      }
      out.compiled_.emplace(text, std::move(regex));
    }
    return out;
  }
  bool operator()(const plan::AnswerCheck& check, const std::string& answer) const {
    return RE2::PartialMatch(answer, *compiled_.at(check.regex));
  }

 private:
  std::map<std::string, std::shared_ptr<const RE2>> compiled_;
};

Result<void> read_budget(std::string_view text, plan::WorkflowSetup& setup, plan::JobLimits& limits) {
  auto amounts = parse_amounts(text);
  if (!amounts) return tl::unexpected(with_context("budget", amounts.error()));
  for (const Amount& amount : amounts->items()) {
    if (amount.units < 0) return invalid_argument("budget: must not be negative, is " + to_string(amount));
    if (amount.resource == kMs) {
      limits.time = std::min(*limits.time, Duration{amount.units});
      continue;
    }
    if (auto set = limits.purse.set(amount.resource, amount.units); !set) return set;
    const bool planned = amount.resource == kUsd || amount.resource == kTokens;
    if (planned) (void)setup.limits.budget.set(amount.resource, amount.units);
  }
  return {};
}

Result<WorkflowRequest> read_request(std::string_view body, const StrategyConfig& config, std::size_t bytes) {
  auto document = parse_json(body, {.max_bytes = bytes});
  if (!document) return tl::unexpected(document.error());
  const JsonView root(*document, "");
  if (!document->is_object()) return invalid_argument("body: must be a JSON object");
  if (auto ok = root.only({"workflow", "budget", "seed", "explain", "stream", "journal"}); !ok) {
    return tl::unexpected(ok.error());
  }
  const object& given = document->get_object();
  WorkflowRequest out;
  out.limits = {.time = config.time, .parallel = config.parallel, .actions = config.calls};
  auto workflow = root.at("workflow");
  if (!workflow) return tl::unexpected(workflow.error());
  auto file = plan::read_workflow(*workflow);
  if (!file) return tl::unexpected(file.error());
  auto regexes = AnswerRegexes::make(*file);
  if (!regexes) return tl::unexpected(regexes.error());
  plan::WorkflowSetup setup{.passes = std::move(*regexes),
                            .max_tokens = static_cast<std::int64_t>(config.max_output_tokens)};
  if (given.contains("budget")) {
    auto text = root.string_at("budget", 256);
    if (!text) return tl::unexpected(text.error());
    if (auto ok = read_budget(*text, setup, out.limits); !ok) return tl::unexpected(ok.error());
  }
  if (given.contains("seed")) {
    auto seed = root.int_at("seed");
    if (!seed) return tl::unexpected(seed.error());
    setup.planner.seed = static_cast<std::uint64_t>(*seed);
  }
  for (const auto& [name, where] : {std::pair{"explain", &out.explain}, {"stream", &out.stream}}) {
    if (!given.contains(name)) continue;
    auto flag = root.bool_at(name);
    if (!flag) return tl::unexpected(flag.error());
    *where = *flag;
  }
  if (given.contains("journal")) {
    auto entries = root.at("journal").and_then([](const JsonView& v) { return v.array_size(kMostJournal); });
    if (!entries) return tl::unexpected(entries.error());
    out.journal = given.at("journal").as_array();
  }
  setup.limits.deadline_ms = static_cast<double>(out.limits.time->count()) / 1000;
  auto controller = plan::WorkflowController::make(std::move(*file), std::move(setup));
  if (!controller) return tl::unexpected(controller.error());
  out.controller = std::move(*controller);
  return out;
}

// Writes what happens to the caller.
class WorkflowReply {
 public:
  WorkflowReply(std::shared_ptr<Exchange> exchange, const WorkflowRequest& asked)
      : exchange_(std::move(exchange)),
        controller_(asked.controller.get()),
        stream_(asked.stream),
        explain_(asked.explain),
        sent_(asked.journal.size()) {}

  void progress(const LiveJob& job) {
    if (!stream_ || gone_) return;
    const boost::json::array& journal = job.executor().journal();
    if (sent_ < journal.size() && !std::exchange(opened_, true)) open(job);
    for (; sent_ < journal.size(); ++sent_) exchange_->write("data: " + bursar::to_json(journal[sent_]) + "\n\n");
  }
  void end(const LiveJob& job) {
    if (gone_) return;
    const plan::JobResult& result = job.executor().result();
    const bool nothing = !result.answer && result.launched == 0;
    if (!stream_ && nothing) return exchange_->answer(no_answer(job));
    const std::string text = bursar::to_json(result_of(job));
    if (!stream_) return exchange_->answer({.status = 200, .headers = budget_headers(job.note()), .body = text});
    progress(job);
    if (!std::exchange(opened_, true)) open(job);  // of a run that had come to its end before
    exchange_->write("data: {\"result\":" + text + "}\n\ndata: [DONE]\n\n");
    exchange_->finish();
  }
  void gone() { gone_ = true; }

 private:
  void open(const LiveJob& job) {
    BudgetNote about = job.note();
    about.reserved = true;
    exchange_->stream({.status = 200, .content_type = "text/event-stream", .headers = budget_headers(about)}, ": \n\n");
  }
  [[nodiscard]] object result_of(const LiveJob& job) const {
    const plan::JobResult& result = job.executor().result();
    object answers;
    for (std::size_t node = 0; node < controller_->answers().size(); ++node) {
      const std::string& text = controller_->answers()[node];
      if (!text.empty()) answers[controller_->file().workflow[node].id] = text;
    }
    object out{{"id", job.outer().id},           {"complete", controller_->complete()},
               {"ended", name_of(result.end)},   {"answers", std::move(answers)},
               {"cost", cost_text(result.cost)}, {"calls", result.launched},
               {"refused", result.refused},      {"failed", result.failed}};
    if (!result.why.empty()) out["why"] = result.why;
    if (explain_) out["trace"] = plan::shortened(job.executor().journal(), kShortText);
    return out;
  }

  std::shared_ptr<Exchange> exchange_;
  const plan::WorkflowController* controller_;  // the job's
  bool stream_, explain_, opened_ = false, gone_ = false;
  std::size_t sent_;  // entries of the journal that the caller has
};

}  // namespace

void WorkflowDoor::handle(HttpRequest request, const std::shared_ptr<Exchange>& exchange) {
  auto principal = let_in(dependencies_.authenticate, request, "POST", *exchange);
  if (principal) run(std::move(request), std::move(*principal), exchange);
}

void WorkflowDoor::run(HttpRequest request, Principal principal, const std::shared_ptr<Exchange>& exchange) {
  const auto config = dependencies_.config();
  auto asked = read_request(request.body, config->strategies, config->limits.body_bytes);
  if (!asked) return exchange->answer(plain_refusal(400, "invalid_request", asked.error().message));
  request.body.clear();
  const auto& services = dependencies_.services;
  LiveJob::Outer outer{.id = call_id(services->clock->now(), dependencies_.instance, next_.fetch_add(1), 'w'),
                       .principal = std::move(principal),
                       .request = std::move(request),
                       .audit_body = config->audit.arguments,
                       .sample = config->telemetry.sample};
  auto reply = std::make_shared<WorkflowReply>(exchange, *asked);
  auto job = std::make_shared<LiveJob>(
      services, std::move(outer), LiveJob::Plan{.controller = std::move(asked->controller), .limits = asked->limits},
      exchange->reactor(),
      LiveJob::Hooks{.progress = [reply](LiveJob& now) { reply->progress(now); },
                     .ended =
                         [reply, jobs = dependencies_.jobs](LiveJob& ended) {
                           jobs->erase(ended);
                           reply->end(ended);
                         }});
  exchange->on_closed([reply, weak = std::weak_ptr(job)] {
    reply->gone();
    if (const auto left = weak.lock()) left->stop_now();
  });
  dependencies_.jobs->add(job);
  if (asked->journal.empty()) return job->begin();
  if (auto resumed = job->resume(asked->journal); !resumed) {
    dependencies_.jobs->erase(*job);
    reply->gone();
    exchange->answer(plain_refusal(400, "invalid_request", resumed.error().message, "journal"));
  }
}

}  // namespace bursar::broker
