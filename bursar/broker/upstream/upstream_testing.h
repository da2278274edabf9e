// What the tests of upstreams share: a running pool of reactors, and futures for answers and events. Tests only.
#pragma once

#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bursar/broker/upstream/upstream_factory.h"

namespace bursar::broker::testing {

// Collects texts and waits for them.
class Log {
 public:
  void add(std::string text) {
    const std::scoped_lock lock(mutex_);
    texts_.push_back(std::move(text));
    grown_.notify_all();
  }
  [[nodiscard]] std::vector<std::string> all() const {
    const std::scoped_lock lock(mutex_);
    return texts_;
  }
  // The first text that contains `part`, waited for; empty after ten seconds.
  [[nodiscard]] std::string wait_for(std::string_view part) const {
    std::unique_lock lock(mutex_);
    std::string found;
    grown_.wait_for(lock, std::chrono::seconds{10}, [&] {
      for (const auto& text : texts_) {
        if (text.find(part) != std::string::npos) found = text;
      }
      return !found.empty();
    });
    return found;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable grown_;
  std::vector<std::string> texts_;
};

struct Events final : UpstreamEvents {
  Log notifications, requests, closed;
  void on_notification(Message m) override { notifications.add(std::string(m.text())); }
  void on_request(Message m) override { requests.add(std::string(m.text())); }
  void on_closed(std::string reason) override { closed.add("closed: " + reason); }
};

struct Pending {
  Ticket ticket = 0;
  std::shared_ptr<Log> sunk = std::make_shared<Log>();
  std::future<UpstreamReply> reply;
  UpstreamReply get() {
    if (reply.wait_for(std::chrono::seconds{15}) != std::future_status::ready) return {.detail = "no answer came"};
    return reply.get();
  }
};

inline Pending send(UpstreamSession& session, UpstreamRequest request) {
  Pending pending;
  auto promise = std::make_shared<std::promise<UpstreamReply>>();
  pending.reply = promise->get_future();
  pending.ticket = session.request(
      std::move(request), [sunk = pending.sunk](const Message& m) { sunk->add(std::string(m.text())); },
      [promise](UpstreamReply reply) { promise->set_value(std::move(reply)); });
  return pending;
}

inline Pending call(UpstreamSession& session, const std::string& tool, Duration deadline = std::chrono::seconds{10}) {
  return send(session, {.method = "tools/call", .params = R"({"name":")" + tool + "\"}", .deadline = deadline});
}

class Running {
 public:
  explicit Running(unsigned reactors = 1) : pool(reactors) { pool.start(); }
  // Ends only when everything that the upstream had open is gone.
  ~Running() {
    pool.finish();
    pool.join();
  }
  Reactors pool;
};

}  // namespace bursar::broker::testing
