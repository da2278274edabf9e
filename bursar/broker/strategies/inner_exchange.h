// The way back of a request that the gateway makes of itself: it keeps what would have gone to an agent.
//
//   auto back = InnerExchange::make(reactor, [](const InnerAnswer& answer) { … });
//   mcp_door.handle(std::move(request), back);
//   back->close();                     // as if the agent had gone away; nothing is told any more
//
// Everything happens on the reactor's thread. An answer that is longer than kMost is none: 502.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "bursar/broker/http/server.h"

namespace bursar::broker {

struct InnerAnswer {
  HttpResponse response;  // of a stream: its head
  bool streamed = false;
  std::string body;  // of the response, or all that was streamed
};

class InnerExchange final : public Exchange {
 public:
  static constexpr std::size_t kMost = 32 << 20;
  using Done = std::function<void(InnerAnswer)>;

  InnerExchange(Reactor& reactor, Done done) : reactor_(reactor), done_(std::move(done)) {}

  Reactor& reactor() override { return reactor_; }
  void always(HttpHeaders /*headers*/) override {}
  void answer(HttpResponse response) override;
  void stream(HttpResponse head, std::string heartbeat) override;
  void write(std::string piece) override;
  void finish() override;
  void on_closed(std::function<void()> closed) override { closed_ = std::move(closed); }

  void close();

 private:
  void tell();

  Reactor& reactor_;
  Done done_;
  std::function<void()> closed_;
  InnerAnswer kept_;
  bool over_ = false;
};

}  // namespace bursar::broker
