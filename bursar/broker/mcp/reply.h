// The answer to one POST: plain JSON, or an event stream as soon as something has to be said before the answer.
//
//   auto reply = std::make_shared<Reply>(exchange, options, make_stream);
//   reply->related(progress);     // switches to an event stream
//   reply->answer(response);      // its last event; or the whole JSON body, where nothing came before it
//
// Belongs to its session's reactor. When the client goes away the stream stays in the session, so that the client can
// come back for it with Last-Event-ID; a plain JSON answer has no name to come back for, and is dropped.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "bursar/broker/mcp/event_stream.h"

namespace bursar::broker {

class Reply {
 public:
  struct Options {
    HttpHeaders headers;
    bool prime = false;
  };
  Reply(std::shared_ptr<Exchange> exchange, Options options, std::function<std::shared_ptr<EventStream>()> make_stream)
      : exchange_(std::move(exchange)), options_(std::move(options)), make_stream_(std::move(make_stream)) {}

  void header(std::string name, std::string value) { options_.headers.emplace_back(std::move(name), std::move(value)); }
  void related(std::string_view message);
  void answer(std::string message, int status = 200);
  void accepted();  // 202: a notification or a response
  void abandon();   // no answer comes (the request was cancelled): ends the HTTP answer
  void open();      // makes it an event stream now, so that a long call survives a lost connection
  void client_gone();

  [[nodiscard]] bool answered() const { return answered_; }
  [[nodiscard]] bool streaming() const { return stream_ != nullptr; }
  [[nodiscard]] std::chrono::steady_clock::time_point since() const { return since_; }

 private:
  std::shared_ptr<Exchange> exchange_;
  Options options_;
  std::function<std::shared_ptr<EventStream>()> make_stream_;
  std::shared_ptr<EventStream> stream_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  bool answered_ = false, gone_ = false;
};

// The head of every event stream.
[[nodiscard]] HttpResponse event_stream_head(const HttpHeaders& headers);

}  // namespace bursar::broker
