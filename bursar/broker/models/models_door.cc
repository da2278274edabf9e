#include "bursar/broker/models/models_door.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>

#include "bursar/broker/models/model_driver.h"
#include "bursar/broker/models/model_once.h"
#include "bursar/broker/pipeline/call_id.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/pipeline/stage_support.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/broker/upstream/http_status.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::string_view kModels = "/v1/models";

std::optional<ModelApi> api_of(std::string_view path) {
  if (path == "/v1/chat/completions") return ModelApi::kChat;
  if (path == "/v1/completions") return ModelApi::kCompletions;
  if (path == "/v1/embeddings") return ModelApi::kEmbeddings;
  return std::nullopt;
}

HttpResponse wrong_method(std::string_view allowed) {
  HttpResponse response = plain_refusal(405, "method_not_allowed", "This endpoint does not know that method.");
  response.headers.emplace_back("allow", allowed);
  return response;
}

// What authenticate() says was written for MCP; its message is what counts here.
HttpResponse not_let_in(const HttpRefusal& refusal) {
  const std::string message = raw_string(raw_member(raw_member(refusal.body, "error"), "message"), "Not allowed.");
  HttpResponse response =
      plain_refusal(refusal.status, refusal.status == 401 ? "invalid_api_key" : "forbidden", message);
  if (!refusal.www_authenticate.empty()) response.headers.emplace_back("www-authenticate", refusal.www_authenticate);
  return response;
}

// "max_tokens: must be …" is about max_tokens.
std::string_view member_of(std::string_view message) {
  const std::size_t colon = message.find(": ");
  const bool names = colon != std::string_view::npos && message.substr(0, colon).find(' ') == std::string_view::npos;
  return names ? message.substr(0, colon) : std::string_view{};
}

// Percent-decodes; model names have slashes.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* const end = text.data() + std::min(i + 3, text.size());
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(text.data() + i + 1, end, value, 16).ptr == end) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string model_object(std::string_view name, std::string_view owner) {
  return R"({"id":)" + json_string(name) + R"(,"object":"model","created":0,"owned_by":)" + json_string(owner) + "}";
}

std::int64_t mark_of(const std::string& path) {
  if (path.empty()) return 0;
  std::error_code error;
  const auto changed = std::filesystem::last_write_time(path, error);
  return error ? -1 : changed.time_since_epoch().count();
}

}  // namespace

// Shared with the drivers, which may outlive the door.
struct ModelsDoor::Running {
  mutable std::mutex mutex;
  std::unordered_map<const ModelDriver*, std::weak_ptr<ModelDriver>> drivers;
};

ModelsDoor::ModelsDoor(Dependencies dependencies)
    : dependencies_(std::move(dependencies)),
      table_(std::make_shared<const ModelTable>()),
      config_(std::make_shared<const Config>()),
      catalogue_(std::make_shared<ModelCatalogue>(*dependencies_.services.clock)),
      running_(std::make_shared<Running>()) {
  dependencies_.services.seen = [this](const std::string& upstream, std::string_view error) { seen(upstream, error); };
}

ModelsDoor::~ModelsDoor() = default;

bool ModelsDoor::is_mine(std::string_view path) {
  return api_of(path) || path == kModels || path.starts_with("/v1/models/");
}

Result<std::shared_ptr<const ModelTable>> ModelsDoor::prepare(const Config& config) const {
  return ModelTable::make(config.models, table_.load().get());
}

void ModelsDoor::adopt(std::shared_ptr<const ModelTable> table, const Config& config) {
  table_.store(std::move(table));
  config_.store(std::make_shared<const Config>(config));
}

void ModelsDoor::tick() {
  const auto config = config_.load();
  const std::int64_t mark = mark_of(config->models.price_file);
  if (mark == price_file_mark_) return;
  const bool first = std::exchange(price_file_mark_, mark) == 0;
  if (first) return;  // it was read when the configuration was
  auto table = prepare(*config);
  if (!table) return log(LogLevel::kError, "prices_refused", {{"reason", table.error().message}});
  log(LogLevel::kInfo, "prices_loaded", {{"date", (*table)->prices.date()}});
  table_.store(std::move(*table));
}

std::size_t ModelsDoor::running() const {
  const std::scoped_lock lock(running_->mutex);
  return running_->drivers.size();
}

void ModelsDoor::close(Cause cause) {
  std::vector<std::shared_ptr<ModelDriver>> drivers;
  {
    const std::scoped_lock lock(running_->mutex);
    for (const auto& [key, weak] : running_->drivers) {
      if (auto driver = weak.lock()) drivers.push_back(std::move(driver));
    }
  }
  for (const auto& driver : drivers) driver->stop(cause);
}

void ModelsDoor::seen(const std::string& upstream, std::string_view error) {
  const std::scoped_lock lock(errors_mutex_);
  std::string& last = errors_[upstream];
  if (last != error) last = error;
}

std::vector<ModelHealth> ModelsDoor::health() const {
  PipelineShared& shared = dependencies_.services.pipeline->shared();
  const WallTime now = dependencies_.services.clock->now();
  const auto table = table_.load();
  std::vector<ModelHealth> out;
  const std::scoped_lock lock(errors_mutex_);
  for (const auto& endpoint : table->endpoints) {
    const std::string& name = endpoint->config.name;
    const auto error = errors_.find(name);
    out.push_back({.name = name,
                   .circuit_open = shared.breakers.state(name, now) != CircuitState::kClosed,
                   .in_flight = shared.in_flight.in_flight("u:" + name),
                   .last_error = error == errors_.end() ? "" : error->second});
  }
  return out;
}

void ModelsDoor::handle(HttpRequest request, const std::shared_ptr<Exchange>& exchange) {
  Authentication who = dependencies_.authenticate(request);
  if (const auto* refusal = std::get_if<HttpRefusal>(&who)) return exchange->answer(not_let_in(*refusal));
  auto& principal = std::get<Principal>(who);
  const auto api = api_of(request.path);
  if (!api) {
    if (request.method != "GET" && request.method != "HEAD") return exchange->answer(wrong_method("GET"));
    return list(request, std::move(principal), exchange);
  }
  if (request.method != "POST") return exchange->answer(wrong_method("POST"));
  if (!is_media_type(request.header("content-type"), "application/json")) {
    return exchange->answer(plain_refusal(415, "unsupported_media_type", "Content-Type must be application/json."));
  }
  if (draining_.load(std::memory_order_relaxed)) {
    HttpResponse response = plain_refusal(503, "draining", "The gateway is shutting down.");
    response.headers.back().second = "true";  // another replica, or the next process, may answer
    return exchange->answer(std::move(response));
  }
  call(*api, std::move(request), std::move(principal), exchange);
}

void ModelsDoor::call(ModelApi api, HttpRequest request, Principal principal,
                      const std::shared_ptr<Exchange>& exchange) {
  const auto config = config_.load();
  auto asked =
      read_model_request(api, request.body, {.bytes = config->limits.body_bytes, .depth = config->limits.json_depth});
  if (!asked) {
    const std::string& message = asked.error().message;
    return exchange->answer(plain_refusal(400, "invalid_request", message, member_of(message)));
  }
  const WallTime now = dependencies_.services.clock->now();
  Once once = begin_once(dependencies_.services.pipeline->shared().idempotency, principal, request, now);
  if (once.instead) return exchange->answer(std::move(*once.instead));
  ModelCall call{.id = call_id(now, dependencies_.instance, next_call_.fetch_add(1), 'm'),
                 .arrived = now,
                 .principal = std::move(principal),
                 .api = api,
                 .request = std::move(*asked),
                 .body = std::move(request.body),
                 .turn = std::string(request.header("x-bursar-turn")),
                 .traceparent = std::string(request.header("traceparent")),
                 .audit_body = config->audit.arguments,
                 .sample = config->telemetry.sample,
                 .once = std::move(once.claim)};
  if (api == ModelApi::kChat && own_.takes && own_.takes(call.request.model)) {
    request.body = std::move(call.body);
    return own_.start(std::move(call), std::move(request), exchange);
  }
  (void)start(std::move(call), exchange, nullptr);
}

std::shared_ptr<ModelDriver> ModelsDoor::start(ModelCall call, std::shared_ptr<Exchange> exchange,
                                               std::function<void(ModelDriver&)> ended) {
  auto driver = ModelDriver::start(dependencies_.services, table_.load(), std::move(call), std::move(exchange),
                                   [running = running_, ended = std::move(ended)](ModelDriver& done) {
                                     if (ended) ended(done);
                                     const std::scoped_lock lock(running->mutex);
                                     running->drivers.erase(&done);
                                   });
  if (driver->finished()) return driver;
  const std::scoped_lock lock(running_->mutex);
  running_->drivers.emplace(driver.get(), driver);
  return driver;
}

Result<Amounts> ModelsDoor::bound(const std::string& model, std::uint64_t prompt_max, std::uint64_t output_max) const {
  const auto table = table_.load();
  const auto route = table->routes.find(model);
  if (!route) return fail(ErrorCode::kNotFound, "model: there is none named '" + model + "' here");
  Amounts most;
  for (const ModelTarget& target : route->targets) {
    const Amounts one = worst_case(table->prices.find(target.upstream, target.model), prompt_max, output_max);
    for (const Amount& amount : one.items()) {
      if (auto set = most.set(amount.resource, std::max(most[amount.resource], amount.units)); !set) {
        return tl::unexpected(set.error());
      }
    }
  }
  return most;
}

void ModelsDoor::list(const HttpRequest& request, Principal principal, const std::shared_ptr<Exchange>& exchange) {
  const std::string wanted =
      request.path.size() > kModels.size() ? decoded(request.path.substr(kModels.size() + 1)) : "";
  auto table = table_.load();
  const ModelTable& asked = *table;
  auto done = [this, table = std::move(table), who = std::move(principal), wanted,
               exchange](const std::vector<OfferedModel>& offered) {
    const auto may = [&](const ModelTarget& target, std::string_view name) {
      return dependencies_.services.pipeline->visible(who, target.upstream, target.model, name);
    };
    std::set<std::string, std::less<>> seen;
    std::string all, one;
    const auto add = [&](const std::string& name, std::string_view owner) {
      if (!seen.insert(name).second) return;
      const std::string object = model_object(name, owner);
      all += (all.empty() ? "" : ",") + object;
      if (name == wanted) one = object;
    };
    if (own_.names) {
      for (const std::string& name : own_.names()) add(name, "bursar");
    }
    for (const std::string& name : table->routes.named()) {
      const auto route = table->routes.find(name);
      if (!route) continue;
      for (const ModelTarget& target : route->targets) {
        if (may(target, name)) add(name, target.upstream);
      }
    }
    for (const auto& [upstream, model] : offered) {
      for (const std::string& name : table->routes.names_of(upstream, model)) {
        if (may({upstream, model}, name)) add(name, upstream);
      }
    }
    if (wanted.empty()) return exchange->answer({.body = R"({"object":"list","data":[)" + all + "]}"});
    if (!one.empty()) return exchange->answer({.body = one});
    exchange->answer(plain_refusal(404, "model_not_found", "There is no such model here.", "model"));
  };
  catalogue_->list(asked, exchange->reactor(), std::move(done));
}

}  // namespace bursar::broker
