// Which models the upstreams offer, asked of them when somebody wants to know and kept for a minute.
//
//   catalogue.list(*table, reactor, [=](std::vector<OfferedModel> offered) { … });
//
// An upstream that does not answer within a few seconds is listed with what it offered before. Thread-safe; one
// question at a time for each upstream, and at most kWaiting who wait for it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/http/reactor.h"
#include "bursar/broker/models/model_table.h"
#include "bursar/core/clock.h"

namespace bursar::broker {

struct OfferedModel {
  std::string upstream, model;
};

// The ids in the body of an upstream's GET /models, at most kMaxOffered of them; empty where it is none.
inline constexpr std::size_t kMaxOffered = 10'000;
[[nodiscard]] std::vector<std::string> read_offered(std::string_view body);

class ModelCatalogue : public std::enable_shared_from_this<ModelCatalogue> {
 public:
  static constexpr Duration kKept = std::chrono::minutes{1};
  static constexpr std::size_t kWaiting = 1024;

  explicit ModelCatalogue(const Clock& clock) : clock_(clock) {}
  // `done` runs on the reactor, at once where everything is known.
  void list(const ModelTable& table, Reactor& reactor, std::function<void(std::vector<OfferedModel>)> done);

 private:
  using Ids = std::shared_ptr<const std::vector<std::string>>;
  struct Entry {
    WallTime at{};
    Ids ids;
    bool asking = false;
    std::vector<std::function<void(Ids)>> waiting;
  };
  void ids_of(const std::shared_ptr<const ModelEndpoint>& endpoint, Reactor& reactor, std::function<void(Ids)> done);
  void answered(const std::string& upstream, std::vector<std::string> ids, bool good);

  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;  // names come from the configuration
};

}  // namespace bursar::broker
