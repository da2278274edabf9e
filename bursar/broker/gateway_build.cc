#include "bursar/broker/gateway_state.h"
#include "bursar/broker/http/tls_context.h"
#include "bursar/broker/instance_name.h"
#include "bursar/broker/mcp/session_handle.h"
#include "bursar/broker/net/http_client.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/pipeline/stage_support.h"
#include "bursar/broker/upstream/upstream_factory.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kWorkers = 2, kWaitingForWorkers = 256;

}  // namespace

void Gateway::State::build_pipeline() {
  identity_ = std::make_unique<Identity>(clock_, records_->ledger(), make_fetch(*reactors_));
  identity_->configure(*config());
  PipelineDeps deps;
  deps.clock = &clock_;
  deps.keys = &records_->keys();
  deps.tokens = &identity_->tokens();
  deps.latencies = &records_->latencies();
  deps.resolve = [this](const Call& call, std::string_view exposed) { return resolve(call, exposed); };
  deps.try_reserve = [this](const ledger::ReserveRequest& request) {
    ledger::Reservation reservation = records_->ledger().try_reserve(request);
    if (const auto* refusal = std::get_if<ledger::Refusal>(&reservation)) metrics_.refused(*refusal);
    return reservation;
  };
  deps.left = [this](std::string_view account) { return left_.of(account); };
  deps.audit = [this](const Call& call, WallTime now) { audited(call, now); };
  deps.denied = [this](const Ingress& ingress, const HttpRefusal& refusal) { records_->denied(ingress, refusal); };
  deps.audit_health = [this] { return records_->audit().health(); };
  pipeline_ = std::make_unique<Pipeline>(std::move(deps), pipeline_config(*config()));
}

void Gateway::State::build_services() {
  services_ = std::make_shared<McpServices>();
  services_->calls = {
      .pipeline = pipeline_.get(), .ledger = &records_->ledger(), .clock = &clock_, .metrics = &metrics_};
  services_->reactors = reactors_.get();
  services_->instance = instance_name();
  services_->upstreams = [this] { return upstreams_.load(); };
  sessions_ = std::make_unique<SessionTable>(services_);
  services_->catalogue = CatalogueKeeper::make(
      reactors_->at(0), pipeline_->contracts(), [this](const std::string& upstream, ListKind kind) {
        mcp_->list_changed(upstream, kind);  // it is there before the reactors run
      });
  mcp_ = std::make_unique<McpDoor>(services_, *sessions_);
  accounts_ = std::make_unique<oauth::Accounts>(oauth::Accounts::Dependencies{
      .clock = &clock_,
      .fetch = make_fetch(*reactors_),
      .redirect_uri =
          [this](const oauth::Party& p) { return oauth::redirect_uri_of(p, config()->identity.resource, url()); },
      .signed_in = [this](const std::string& name) { services_->catalogue->refresh(name, ListKind::kTools); }});
  models_ = std::make_unique<ModelsDoor>(ModelsDoor::Dependencies{
      .services = {.pipeline = pipeline_.get(),
                   .ledger = &records_->ledger(),
                   .clock = &clock_,
                   .metrics = &metrics_,
                   .audit = [this](const AuditEntry& entry) { records_->keep(entry); },
                   .trace = [this](std::vector<Span> spans) { traces_->add(std::move(spans)); },
                   .traces = [this] { return traces_->enabled(); },
                   .pace = [this](const PaceQuestion& question) { return decide_->pace(question); }},
      .authenticate = [this](const HttpRequest& request) { return pipeline_->authenticate(ingress_of(request)); },
      .instance = services_->instance});
}

std::optional<Target> Gateway::State::resolve(const Call& call, std::string_view exposed) const {
  std::string_view method = call.request.method();
  if (method == "completion/complete") {
    const std::string_view type = raw_member(raw_member(call.request.params(), "ref"), "type");
    method = type == R"("ref/prompt")" ? "prompts/get" : "resources/read";
  }
  return services_->catalogue->current()->resolve(call.ingress.server, method, exposed);
}

Result<std::shared_ptr<const UpstreamSet>> Gateway::State::build_upstreams(const Config& config) {
  const auto running = upstreams_.load();
  auto set = std::make_shared<UpstreamSet>();
  for (const UpstreamConfig& wanted : config.upstreams) {
    const UpstreamEntry* old = running ? running->find(wanted.name) : nullptr;
    if (old != nullptr && same_upstream(old->config, wanted)) {
      set->entries.push_back({wanted, old->upstream, identity_->authorize(wanted)});
      continue;
    }
    auto upstream = make_upstream(wanted, *reactors_, {}, accounts_->credential(wanted));
    if (!upstream) return tl::unexpected(with_context("upstreams", upstream.error()));
    set->entries.push_back({wanted, std::move(*upstream), identity_->authorize(wanted)});
  }
  return set;
}

Result<void> Gateway::State::open_strategies() {
  auto opened = Strategies::open(
      {.door = {.models = models_.get(),
                .mcp = mcp_.get(),
                .pipeline = pipeline_.get(),
                .services = services_,
                .clock = &clock_,
                .config = [this] { return config(); },
                .left = [this](std::string_view account) { return left_.of(account); }},
       .authenticate = [this](const HttpRequest& request) { return pipeline_->authenticate(ingress_of(request)); },
       .instance = services_->instance},
      *config());
  if (!opened) return tl::unexpected(opened.error());
  strategies_ = std::move(*opened);
  models_->adopt_own(strategies_->own_models());
  return {};
}

Result<void> Gateway::State::open_doors() {
  const auto current = config();
  api_ = std::make_unique<Api>(Api::Dependencies{.ledger = &records_->ledger(),
                                                 .keys = &records_->keys(),
                                                 .clock = &clock_,
                                                 .config = [this] { return config(); },
                                                 .status = [this] { return status(); },
                                                 .flush_audit = [this] { records_->flush_audit(); }});
  workers_ = std::make_unique<Workers>(kWorkers, kWaitingForWorkers);
  doors_ = std::make_unique<Doors>(Doors::Dependencies{
      .status = [this] { return status(); },
      .authenticate = [this](const HttpRequest& request) { return pipeline_->authenticate(ingress_of(request)); },
      .api = api_.get(),
      .workers = workers_.get(),
      .metrics = &metrics_});
  oauth_ = std::make_unique<oauth::OAuthDoor>(oauth::OAuthDoor::Dependencies{
      .authenticate = [this](const HttpRequest& request) { return pipeline_->authenticate(ingress_of(request)); },
      .accounts = accounts_.get(),
      .config = [this] { return config(); }});
  allocate_ = std::make_unique<AllocateDoor>(AllocateDoor::Dependencies{
      .authenticate = [this](const HttpRequest& request) { return pipeline_->authenticate(ingress_of(request)); }});
  auto decide = DecideDoor::open(
      {.authenticate = [this](const HttpRequest& request) { return pipeline_->authenticate(ingress_of(request)); },
       .ledger = &records_->ledger(),
       .clock = &clock_},
      *current);
  if (!decide) return tl::unexpected(decide.error());
  decide_ = std::move(*decide);
  auto server = HttpServer::listen(*reactors_, {.address = current->listen.address,
                                                .port = current->listen.port,
                                                .limits = current->limits,
                                                .handler =
                                                    [this](HttpRequest request, std::shared_ptr<Exchange> exchange) {
                                                      handle(std::move(request), std::move(exchange));
                                                    },
                                                .metrics = &metrics_,
                                                .tls = current->listen.tls});
  if (!server) return tl::unexpected(server.error());
  server_ = std::move(*server);
  return {};
}

}  // namespace bursar::broker
