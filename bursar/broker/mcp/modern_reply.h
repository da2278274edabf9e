// The answer to one POST of the modern era: plain JSON, or an event stream as soon as something has to be said before
// the answer. Streams have no event ids: a connection that is lost is a call that is cancelled.
//
//   auto reply = std::make_shared<ModernReply>(exchange, "7");
//   reply->on_gone([call] { call->stop(Cause::kCancelled); });
//   reply->related(progress);                      // becomes an event stream
//   reply->result(R"({"resultType":"complete"})");  // the last event; or the whole body, where nothing came before
//
// Belongs to one reactor at a time; nothing happens after the answer.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "bursar/broker/http/server.h"

namespace bursar::broker {

class ModernReply {
 public:
  ModernReply(std::shared_ptr<Exchange> exchange, std::string_view id) : exchange_(std::move(exchange)), id_(id) {}

  [[nodiscard]] const std::string& id() const { return id_; }  // of the request, raw
  [[nodiscard]] Reactor& reactor() { return exchange_->reactor(); }
  [[nodiscard]] bool answered() const { return answered_; }
  [[nodiscard]] std::chrono::steady_clock::time_point since() const { return since_; }

  void header(std::string name, std::string value) { headers_.emplace_back(std::move(name), std::move(value)); }
  void open();  // makes it an event stream now: heartbeats keep a long call's connection
  void related(std::string_view message);
  void result(std::string_view result);
  void error(int status, std::string_view error);  // raw JSON-RPC error object; the status only where nothing was said
  void error(int status, int code, std::string_view message, std::string_view data = {});
  void on_gone(std::function<void()> gone);  // the client went away before the answer

 private:
  void answer(int status, std::string message);

  std::shared_ptr<Exchange> exchange_;
  std::string id_;
  HttpHeaders headers_;  // of an answer that is no stream
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  bool streaming_ = false, answered_ = false;
};

}  // namespace bursar::broker
