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
// A call's clock stands still while a question of its server waits for the agent, for kAnswerTime in all.
//
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

struct InputRound;

class SessionHub {
 public:
  static constexpr std::chrono::minutes kAnswerTime{10};
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
    Ticket wire = 0;                              // its id on the wire: the ticket, until rename()
    std::shared_ptr<InputRound> round = nullptr;  // of a modern server that asked for input; see input_round.h
    // Questions that wait for the agent, since when, how long they still may, and what was left of the deadlines then.
    int questions = 0;
    TimePoint asked_at = {};
    std::chrono::steady_clock::duration answer_time = kAnswerTime, left = {}, left_last = {};
  };
  // Who was asked, and for which call (0: for none).
  struct Asked {
    MemberId member;
    Ticket ticket;
  };
  struct Answer {
    Message message;
    Ticket ticket;
  };

  explicit SessionHub(MessageLimits limits) : limits_(limits) {}

  void join(MemberId member, std::shared_ptr<UpstreamEvents> events);  // ids are the owner's, never 0
  std::vector<Ticket> leave(MemberId member);                          // its calls that still run
  [[nodiscard]] std::size_t members() const { return members_.size(); }
  [[nodiscard]] std::vector<std::shared_ptr<UpstreamEvents>> all_events() const;

  // A request without a deadline gets kDeadlineDefault. The params are rewritten in place.
  Call& start(Ticket ticket, Call call, TimePoint now);
  // The call of a ticket or of the id that it has on the wire.
  [[nodiscard]] Call* find(Ticket ticket);
  [[nodiscard]] Ticket ticket_of(std::string_view raw_id) const;  // 0 where no call has this id
  void rename(Ticket ticket, Ticket wire);                        // the call's next id on the wire
  [[nodiscard]] std::size_t in_flight() const { return calls_.size(); }
  [[nodiscard]] std::vector<Ticket> tickets() const;
  void finish(Ticket ticket, UpstreamReply reply);  // calls done; nothing where the ticket is no longer known

  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::vector<Ticket> due(TimePoint now) const;

  // Takes a message of the server, which came on the stream of call `stream` (0: on none). Returns what the server must
  // be sent at once: the answer to a ping, or a refusal. Call it with the time for deadlines that progress extends.
  [[nodiscard]] std::optional<std::string> receive(Message message, Ticket stream, TimePoint now);
  // Passes on what the server asks for a call (0: for none). Returns what the server must be sent where nobody can be
  // asked.
  [[nodiscard]] std::optional<std::string> ask(Message message, Ticket ticket, TimePoint now);
  // The response if that member was asked, and has not answered yet, what it answers; else nothing.
  [[nodiscard]] std::optional<Answer> answer(MemberId member, std::string response, TimePoint now);
  // Forgets what the server asked; for a server that was started anew.
  void forget_questions(TimePoint now);

  static constexpr std::chrono::seconds kDeadlineDefault{300};

 private:
  static constexpr std::size_t kAskedMax = 256;

  void response(const Message& message);
  void progress(const Message& message, TimePoint now);
  void server_cancelled(Message message, TimePoint now);
  void notification(Message message, Ticket stream);
  [[nodiscard]] std::optional<std::string> question(Message message, Ticket stream, TimePoint now);
  void stop_clock(Ticket ticket, TimePoint now);
  void start_clock(Ticket ticket, TimePoint now);
  void arm(Ticket ticket, Call& call, TimePoint deadline);
  [[nodiscard]] Call* call_for(Ticket stream);

  MessageLimits limits_;
  std::map<MemberId, std::shared_ptr<UpstreamEvents>> members_;
  std::unordered_map<Ticket, Call> calls_;
  std::set<std::pair<TimePoint, Ticket>> deadlines_;
  std::unordered_map<Ticket, Ticket> renamed_;       // id on the wire -> ticket, where they differ
  std::map<std::string, Asked, std::less<>> asked_;  // by the raw id of the server's request
};

}  // namespace bursar::broker
