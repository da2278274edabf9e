// The OpenAI-compatible endpoints: who asks, for what, and a driver for each call.
//
//   ModelsDoor door({.services = …, .authenticate = …, .instance = "a1b2c3d4"});
//   auto table = door.prepare(config);                  // reads what a reload needs; errors leave everything as it was
//   door.adopt(std::move(*table), config);
//   if (ModelsDoor::is_mine(request.path)) door.handle(std::move(request), std::move(exchange));
//   door.tick();                                        // once a second: has the price file changed?
//   door.close(Cause::kShutdown);                       // ends what still runs
//
//   POST /v1/chat/completions (plain, stream: true), /v1/completions, /v1/embeddings
//   GET  /v1/models, /v1/models/<name>
// x-bursar-turn names the agent's turn, as _meta["dev.bursar/turn"] does for tools, so that one purse pays for both.
// docs/models.md says what is reserved and settled, and how refusals look.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bursar/broker/admin/status.h"
#include "bursar/broker/http/server.h"
#include "bursar/broker/models/model_catalogue.h"
#include "bursar/broker/models/model_run.h"
#include "bursar/core/published.h"

namespace bursar::broker {

class ModelDriver;

// Chat requests for models that no upstream has, once they were read and their Idempotency-Key was claimed.
struct OwnModels {
  std::function<bool(std::string_view model)> takes;
  std::function<void(ModelCall call, HttpRequest request, const std::shared_ptr<Exchange>&)> start;
  std::function<std::vector<std::string>()> names;
};

class ModelsDoor {
 public:
  struct Dependencies {
    ModelServices services;
    std::function<Authentication(const HttpRequest&)> authenticate;
    std::string instance;  // makes call ids unique over processes
  };
  explicit ModelsDoor(Dependencies dependencies);
  ~ModelsDoor();

  [[nodiscard]] static bool is_mine(std::string_view path);
  [[nodiscard]] Result<std::shared_ptr<const ModelTable>> prepare(const Config& config) const;
  void adopt(std::shared_ptr<const ModelTable> table, const Config& config);
  void adopt_own(OwnModels own) { own_ = std::move(own); }  // before the first request
  void handle(HttpRequest request, const std::shared_ptr<Exchange>& exchange);

  // A call of the gateway's own, on the exchange's reactor; `ended` runs when it was settled.
  std::shared_ptr<ModelDriver> start(ModelCall call, std::shared_ptr<Exchange> exchange,
                                     std::function<void(ModelDriver&)> ended);
  // The most that one attempt can cost at any upstream that the name reaches, time aside. Errors: kNotFound.
  [[nodiscard]] Result<Amounts> bound(const std::string& model, std::uint64_t prompt_max,
                                      std::uint64_t output_max) const;

  void tick();
  void drain() { draining_.store(true); }
  void close(Cause cause);  // calls are settled on their reactors, soon
  [[nodiscard]] std::size_t running() const;
  [[nodiscard]] std::vector<ModelHealth> health() const;
  [[nodiscard]] std::string price_date() const { return table_.load()->prices.date(); }

 private:
  struct Running;
  void seen(const std::string& upstream, std::string_view error);
  void call(ModelApi api, HttpRequest request, Principal principal, const std::shared_ptr<Exchange>& exchange);
  void list(const HttpRequest& request, Principal principal, const std::shared_ptr<Exchange>& exchange);

  Dependencies dependencies_;
  OwnModels own_;
  Published<const ModelTable> table_;
  Published<const Config> config_;
  std::shared_ptr<ModelCatalogue> catalogue_;
  std::shared_ptr<Running> running_;
  std::atomic<std::uint64_t> next_call_{1};
  std::atomic<bool> draining_{false};
  mutable std::mutex errors_mutex_;
  std::map<std::string, std::string, std::less<>> errors_;  // of each upstream's last call; names of the configuration
  std::int64_t price_file_mark_ = 0;                        // the ticking thread's
};

}  // namespace bursar::broker
