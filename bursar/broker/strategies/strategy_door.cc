#include "bursar/broker/strategies/strategy_door.h"

#include "bursar/broker/mcp/catalogue_keeper.h"
#include "bursar/broker/mcp/mcp_door.h"
#include "bursar/broker/models/model_answer.h"
#include "bursar/broker/models/model_driver.h"
#include "bursar/broker/models/models_door.h"
#include "bursar/broker/pipeline/admit.h"
#include "bursar/broker/strategies/strategy_reply.h"

namespace bursar::broker {
namespace {

// "bursar.budget: …" is about bursar; the client wants the member of its request.
std::string_view member_of(std::string_view message) {
  if (message.starts_with("parameters of ")) return "bursar";
  const std::size_t end = message.find_first_of(".:[");
  const bool names = end != std::string_view::npos && message.substr(0, end).find(' ') == std::string_view::npos;
  return names ? message.substr(0, end) : std::string_view{};
}

void learn(BeliefStore& beliefs, const LiveJob& job, const StrategyReply& reply) {
  plan::JobSetup setup = reply.asked().setup;
  setup.strategy = reply.asked().entry->name;
  auto record = plan::record_of(job.outer().id, setup, job.executor().journal(), job.executor().result().answer);
  if (record) beliefs.learn(*record, job.outer().principal.subject);
}

std::optional<Target> tool_of(const McpServices& services, std::string_view name) {
  return services.catalogue->current()->resolve("", "tools/call", name);
}

}  // namespace

StrategyDoor::StrategyDoor(Dependencies dependencies) : dependencies_(std::move(dependencies)) {
  auto services = std::make_shared<StrategyServices>();
  services->clock = dependencies_.clock;
  services->ask = [models = dependencies_.models](ModelCall call, std::shared_ptr<Exchange> back,
                                                  std::function<void(ModelDriver&)> ended) {
    return models->start(std::move(call), std::move(back), std::move(ended));
  };
  services->call_tool = [mcp = dependencies_.mcp](HttpRequest request, std::shared_ptr<Exchange> back) {
    mcp->handle(std::move(request), std::move(back));
  };
  services->bound = [models = dependencies_.models](const std::string& model, std::uint64_t prompt,
                                                    std::uint64_t output) {
    return models->bound(model, prompt, output);
  };
  services->tool_price = [tools = dependencies_.services,
                          pipeline = dependencies_.pipeline](std::string_view name) -> Result<Amounts> {
    const auto target = tool_of(*tools, name);
    if (target) return price_of(*pipeline->config(), *target, "tools/call").fixed;
    return fail(ErrorCode::kNotFound, "tools: the gateway has no tool named '" + std::string(name) +
                                          "'; tools/list of /mcp names those that there are");
  };
  services->tool_headers = [tools = dependencies_.services](std::string_view name) {
    const auto target = tool_of(*tools, name);
    return target ? header_params(target->input_schema) : std::vector<HeaderParam>{};
  };
  services->left = dependencies_.left;
  services_ = std::move(services);
}

StrategyDoor::~StrategyDoor() = default;

bool StrategyDoor::takes(std::string_view model) const {
  return model.starts_with(kStrategyPrefix) && !dependencies_.config()->strategies.model.empty();
}

std::vector<std::string> StrategyDoor::names() const {
  std::vector<std::string> out;
  const auto config = dependencies_.config();
  if (config->strategies.model.empty()) return out;
  for (const plan::StrategyEntry& entry : plan::strategies()) {
    if (entry.searches && config->strategies.tools.empty()) continue;
    if (entry.name == "pipeline") continue;  // needs one, or is named with it below
    out.push_back(std::string(kStrategyPrefix) + std::string(entry.name));
  }
  for (const std::string& pipeline : pipelines_.load()->names()) {
    out.push_back(std::string(kStrategyPrefix) + std::string(kPipelinePrefix) + pipeline);
  }
  return out;
}

void StrategyDoor::start(ModelCall call, HttpRequest request, const std::shared_ptr<Exchange>& exchange) {
  auto asked = read_strategy_request(request, dependencies_.config()->strategies, *pipelines_.load());
  const auto refuse = [&](const Error& error) {
    const bool unknown = error.code == ErrorCode::kNotFound;
    exchange->answer(plain_refusal(unknown ? 404 : 400, unknown ? "model_not_found" : "invalid_request", error.message,
                                   member_of(error.message)));
  };
  if (!asked) return refuse(asked.error());
  BeliefStore* const beliefs = dependencies_.beliefs;
  if (beliefs != nullptr) asked->setup.beliefs = beliefs->of(asked->setup.model);
  for (const std::string* model :
       {&asked->setup.model, &asked->setup.small_model, &asked->setup.judge_model, &asked->setup.embedding_model}) {
    if (model->empty()) continue;
    if (auto known = services_->bound(*model, 0, 0); !known) return refuse(with_context("bursar", known.error()));
  }
  auto controller = plan::make_job(*asked->entry, asked->setup);
  if (!controller) return refuse(controller.error());
  request.body.clear();
  LiveJob::Outer outer{.id = std::move(call.id),
                       .principal = std::move(call.principal),
                       .request = std::move(request),
                       .audit_body = call.audit_body,
                       .sample = call.sample};
  LiveJob::Plan plan{.controller = std::move(*controller), .limits = asked->limits, .own = std::move(asked->own)};
  auto reply = std::make_shared<StrategyReply>(exchange, std::move(*asked), std::move(call.once));
  auto job = std::make_shared<LiveJob>(services_, std::move(outer), std::move(plan), exchange->reactor(),
                                       LiveJob::Hooks{.progress = [reply](LiveJob& now) { reply->progress(now); },
                                                      .ended =
                                                          [reply, jobs = jobs_, beliefs](LiveJob& ended) {
                                                            jobs->erase(ended);
                                                            if (beliefs != nullptr) learn(*beliefs, ended, *reply);
                                                            reply->end(ended);
                                                          }});
  jobs_->add(job);
  exchange->on_closed([reply, weak = std::weak_ptr(job)] {
    reply->gone();
    if (const auto left = weak.lock()) left->stop_now();
  });
  job->begin();
}

}  // namespace bursar::broker
