#include "bursar/broker/models/model_catalogue.h"

#include <utility>

#include "bursar/broker/net/http_client.h"
#include "bursar/broker/pipeline/raw_json.h"

namespace bursar::broker {

std::vector<std::string> read_offered(std::string_view body) {
  std::vector<std::string> out;
  each_element(raw_member(body, "data"), [&](std::string_view element) {
    std::string id = raw_string(raw_member(element, "id"));
    if (!id.empty() && id.size() <= kMaxModelName) out.push_back(std::move(id));
    return out.size() < kMaxOffered;
  });
  return out;
}

void ModelCatalogue::list(const ModelTable& table, Reactor& reactor,
                          std::function<void(std::vector<OfferedModel>)> done) {
  struct Gathering {
    std::vector<OfferedModel> offered;
    std::size_t missing;
    std::function<void(std::vector<OfferedModel>)> done;
  };
  if (table.endpoints.empty()) return done({});
  auto all = std::make_shared<Gathering>(Gathering{{}, table.endpoints.size(), std::move(done)});
  for (const auto& endpoint : table.endpoints) {
    // Answers may come on the reactor of whoever asked first; gathering happens on ours.
    ids_of(endpoint, reactor, [all, name = endpoint->config.name, &reactor](Ids ids) {
      auto take = [all, name, ids = std::move(ids)] {
        if (ids) {
          for (const std::string& id : *ids) all->offered.push_back({name, id});
        }
        if (--all->missing == 0) all->done(std::move(all->offered));
      };
      if (reactor.on_this_thread()) return take();
      reactor.post(std::move(take));
    });
  }
}

void ModelCatalogue::ids_of(const std::shared_ptr<const ModelEndpoint>& endpoint, Reactor& reactor,
                            std::function<void(Ids)> done) {
  const std::string& name = endpoint->config.name;
  Ids known;
  {
    const std::scoped_lock lock(mutex_);
    Entry& entry = entries_[name];
    const bool fresh = entry.ids && clock_.now() - entry.at < kKept;
    if (!fresh && entry.asking && entry.waiting.size() < kWaiting) return entry.waiting.push_back(std::move(done));
    if (fresh || entry.asking) {
      known = entry.ids;
    } else {
      entry.asking = true;
      entry.waiting.push_back(std::move(done));
    }
  }
  if (done) return done(std::move(known));
  ClientRequest request{.target = endpoint->target("models"),
                        .headers = {{"accept", "application/json"}},
                        .timeout = std::chrono::seconds{5},
                        .body_bytes = 4 << 20};
  for (const auto& [key, value] : endpoint->config.headers) request.headers.emplace_back(key, value);
  endpoint->client->fetch(reactor, std::move(request), [self = shared_from_this(), name](Result<HttpAnswer> answer) {
    const bool good = answer && answer->status == 200;
    self->answered(name, good ? read_offered(answer->body) : std::vector<std::string>{}, good);
  });
}

void ModelCatalogue::answered(const std::string& upstream, std::vector<std::string> ids, bool good) {
  std::vector<std::function<void(Ids)>> waiting;
  Ids known;
  {
    const std::scoped_lock lock(mutex_);
    Entry& entry = entries_[upstream];
    if (good || !entry.ids) entry.ids = std::make_shared<const std::vector<std::string>>(std::move(ids));
    entry.at = clock_.now();
    entry.asking = false;
    waiting.swap(entry.waiting);
    known = entry.ids;
  }
  for (const auto& done : waiting) done(known);
}

}  // namespace bursar::broker
