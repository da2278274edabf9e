// How identity and OAuth ask other servers for JSON: key sets, metadata, registrations, tokens. One function, so that
// tests bring their own and everything else stays without input and output.
//
//   const Fetch fetch = make_fetch(reactors);
//   fetch({.url = "https://id.example.com/keys"}, [](Result<FetchReply> reply) { … });
//
// The real one stands on net/: addresses are checked (no loopback, private or link-local address behind a name unless
// private_network says so, no rebinding), certificates too, redirections are not followed, sizes and times are bounded.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bursar/broker/config/identity_config.h"
#include "bursar/core/clock.h"
#include "bursar/core/result.h"

namespace bursar::broker {

class Reactors;

struct FetchRequest {
  std::string url;
  bool private_network = false;
  TlsClientConfig tls = {};
  std::string form = {};           // not empty: POST of application/x-www-form-urlencoded, else GET
  std::string authorization = {};  // value of that header; empty for none
  std::string json = {};           // instead of form: POST of application/json
  std::vector<std::pair<std::string, std::string>> headers = {};  // further ones; an Accept goes before ours
  bool learned = false, loopback = false;                         // as in EndpointOptions
  std::size_t bytes_max = 512 << 10;
  Duration timeout = std::chrono::seconds{5};
};

struct FetchReply {
  int status = 0;
  std::string body;
  std::string challenge = {};  // WWW-Authenticate; several joined by ", "
};

using FetchDone = std::function<void(Result<FetchReply>)>;
// Never waits; `done` runs once, on any thread, perhaps before the function returns.
using Fetch = std::function<void(FetchRequest request, FetchDone done)>;

// The reactors must outlive every call.
[[nodiscard]] Fetch make_fetch(Reactors& reactors);

// name=value joined by '&', each encoded as a form wants it.
[[nodiscard]] std::string form_encoded(std::initializer_list<std::pair<std::string_view, std::string_view>> fields);

}  // namespace bursar::broker
