// A connection to a gateway, plain or over TLS, for the few requests of the command line: blocking, with the socket's
// own timeouts.
//
//   auto channel = Channel::over(fd, {.host = "127.0.0.1", .tls = true, .certificate = "3f2a…"});
//   channel->send(request);  channel->receive(buffer);
//
// With `certificate` (the SHA-256 of the one that must answer, in hex) that very certificate is wanted, whatever its
// name and issuer: so it is with the gateway of the same user, which says in its file beside the database which it has.
// Without, it is checked against the system's authorities and the host's name.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "bursar/core/result.h"

namespace bursar::cli {

struct ChannelOptions {
  std::string host;
  bool tls = false;
  std::string certificate;
};

class Channel {
 public:
  // Takes the descriptor. Errors: kPermissionDenied for a certificate that is not the one that is meant, kUnavailable.
  [[nodiscard]] static Result<Channel> over(int fd, const ChannelOptions& options);
  Channel(Channel&&) noexcept;
  ~Channel();

  [[nodiscard]] bool send(std::string_view bytes);
  // How many bytes came; 0 at the end, negative where none came in time or the connection broke.
  [[nodiscard]] std::ptrdiff_t receive(char* to, std::size_t most);

 private:
  struct State;
  explicit Channel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace bursar::cli
