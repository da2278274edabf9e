// What the agent sessions that share one child or one upstream session have in common: which call a message belongs to,
// who may answer what the server asks, and until when a call may run. Sans-I/O; one thread.
//
//   SessionHub hub(limits);
//   hub.join(member, events);
//   std::string text = hub.start(ticket, {.member = member, .request = request, .sink = sink, .done = done}, now);
//   … send text …
//   for (auto& reply : hub.receive(std::move(message))) send(reply);
//   for (Ticket t : hub.due(now)) …
//
// The id and the progress token of a request on the wire are its ticket, so that calls of many agents never collide.
// Whose a server's own request is: of the call on whose stream it came; else of the only call in flight; else of the
// only member; else it is refused, because answering it for the wrong agent would leak one agent's model or files to
// another.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bursar/broker/upstream/upstream.h"

namespace bursar::broker {

class SessionHub {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using MemberId = std::uint64_t;

  struct Call {
    MemberId member = 0;
    UpstreamRequest request;
    RequestSink sink;
    RequestDone done;
    std::string token;  // the agent's progress token, raw; empty where it asked for no progress
    bool sent = false;
    TimePoint deadline, deadline_last;
  };

  explicit SessionHub(MessageLimits limits) : limits_(limits) {}

  void join(MemberId member, std::shared_ptr<UpstreamEvents> events);  // ids are the owner's, never 0
  std::vector<Ticket> leave(MemberId member);                          // its calls that still run
  [[nodiscard]] std::size_t members() const { return members_.size(); }
  [[nodiscard]] std::vector<std::shared_ptr<UpstreamEvents>> all_events() const;

  // A request without a deadline gets kDeadlineDefault. The params are rewritten in place.
  Call& start(Ticket ticket, Call call, TimePoint now);
  [[nodiscard]] static std::string wire_text(Ticket ticket, const Call& call);
  [[nodiscard]] Call* find(Ticket ticket);
  [[nodiscard]] std::size_t in_flight() const { return calls_.size(); }
  [[nodiscard]] std::vector<Ticket> tickets() const;
  void finish(Ticket ticket, UpstreamReply reply);  // calls done; nothing where the ticket is no longer known

  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::vector<Ticket> due(TimePoint now) const;

  // Takes a message of the server, which came on the stream of call `stream` (0: on none). Returns what the server must
  // be sent at once: the answer to a ping, or a refusal. Call it with the time for deadlines that progress extends.
  [[nodiscard]] std::optional<std::string> receive(Message message, Ticket stream, TimePoint now);
  // The text if that member was asked, and has not answered yet, what this response answers; else nothing.
  [[nodiscard]] std::optional<std::string> answer(MemberId member, std::string response);
  // Forgets what the server asked; for a server that was started anew.
  void forget_questions() { asked_.clear(); }

  static constexpr std::chrono::seconds kDeadlineDefault{300};

 private:
  static constexpr std::size_t kAskedMax = 256;

  void response(const Message& message);
  void progress(const Message& message, TimePoint now);
  void server_cancelled(Message message);
  void notification(Message message, Ticket stream);
  [[nodiscard]] std::optional<std::string> question(Message message, Ticket stream);
  [[nodiscard]] Call* call_for(Ticket stream);

  MessageLimits limits_;
  std::map<MemberId, std::shared_ptr<UpstreamEvents>> members_;
  std::unordered_map<Ticket, Call> calls_;
  std::set<std::pair<TimePoint, Ticket>> deadlines_;
  std::map<std::string, MemberId, std::less<>> asked_;  // raw id of the server's request -> who was asked
};

}  // namespace bursar::broker
