// What a peer keeps for the agents of a modern server, which itself remembers nothing of them: what they can do, the
// log level that they asked for, and the resources that they watch. Sans-I/O; one thread.
//
//   ModernSide side;
//   side.join(member, capabilities, client_info);
//   side.params(call);                              // a request's params with the envelope
//   switch (side.handle(member, request, reply)) …  // logging/setLevel, ping, resources/subscribe
//   side.listen_params();                           // of subscriptions/listen; empty: nothing to listen for
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "bursar/broker/upstream/session_hub.h"

namespace bursar::broker {

class ModernSide {
 public:
  using MemberId = SessionHub::MemberId;

  // What becomes of a request that the modern era may not have.
  enum class Local : std::uint8_t {
    kNo,       // it is for the server
    kDone,     // `reply` answers it
    kWatched,  // it changed what is listened for: `reply` answers it once that is in force
  };

  void server(std::string_view capabilities) { server_ = capabilities; }
  void join(MemberId member, std::string capabilities, std::string client_info);
  [[nodiscard]] bool leave(MemberId member);  // whether this changes what is listened for

  [[nodiscard]] std::string params(const SessionHub::Call& call) const;
  [[nodiscard]] Local handle(MemberId member, const UpstreamRequest& request, UpstreamReply& reply);

  // Raw params, without the envelope. The lists that the server announces changes of, and the resources that any
  // member watches.
  [[nodiscard]] std::string listen_params() const;

 private:
  static constexpr std::size_t kWatchedMax = 1024;  // by one member

  struct Member {
    std::string capabilities, client_info, level;
    std::set<std::string> watched;  // raw JSON strings
  };

  [[nodiscard]] Local watch(Member& member, std::string_view uri, bool on, UpstreamReply& reply) const;

  std::string server_;  // its capabilities
  std::map<MemberId, Member> members_;
};

}  // namespace bursar::broker
