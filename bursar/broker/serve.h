// The whole gateway in one object, and the program `bursar serve` around it.
//
//   auto gateway = Gateway::start({.config = config});        // a test: port 0, no file
//   post((*gateway)->url() + "/mcp", …);
//   (*gateway)->stop(1s);
//
//   return serve({.config_path = "bursar.yaml"});             // until SIGTERM or SIGINT; SIGHUP reads the file again
//
// start() opens the ledger, the audit trail and the keys in config.database, starts the reactors and listens; upstreams
// start on their own, so that one that is down holds up nothing. A changed configuration file is taken over without a
// restart: accounts, prices, policy, limits of calls; upstreams whose part changed are started anew, the others are not
// touched. What it may not be is refused, and the running configuration stays.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "bursar/broker/admin/status.h"
#include "bursar/broker/config/config.h"
#include "bursar/core/result.h"

namespace bursar::broker {

struct ServeOptions {
  Config config = {};            // used where there is no config_path
  std::string config_path = {};  // read at the start, and again when it changes
  bool watch = true;             // look once a second whether the file changed
  Environment environment = process_environment();
};

class Gateway {
 public:
  // Errors: those of the configuration, the ledger, the audit trail, the keys, and of listening; each says what to do.
  [[nodiscard]] static Result<std::unique_ptr<Gateway>> start(ServeOptions options);
  ~Gateway();  // stop()

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string url() const;  // "http://127.0.0.1:8484"
  [[nodiscard]] GatewayStatus status() const;

  // Reads the configuration file again, whether it changed or not. Errors: why it was refused.
  Result<void> reload();

  // Accepts nothing more, waits for running calls for up to `drain` (absent: limits.drain), ends what is left, settles
  // and writes everything down. No child process is left. Idempotent; hurry() from another thread ends the waiting.
  void stop(std::optional<Duration> drain = std::nullopt);
  void hurry();

 private:
  class State;
  explicit Gateway(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Blocks until SIGTERM or SIGINT; a second one ends the waiting for running calls. Prints one line with the URL.
[[nodiscard]] Result<void> serve(ServeOptions options);

}  // namespace bursar::broker
