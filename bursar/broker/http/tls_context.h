// HTTPS on the side of the agents: what a server's context is made of. Inside the HTTP server only.
//
//   auto context = make_server_context(config.listen.tls);     // reads the files; again for a reload
//
// TLS 1.2 and 1.3, forward secrecy and authenticated ciphers only, no renegotiation, no compression; ALPN http/1.1, so
// that a client which offers something else only is told so. With client_ca a client must show a certificate that it
// signed, and sessions are not resumed past it.
#pragma once

#include <memory>
#include <string>

#include "bursar/broker/config/identity_config.h"
#include "bursar/core/result.h"

namespace boost::asio::ssl {
class context;
}

namespace bursar::broker {

// Null without a certificate: plain HTTP. Errors: kInvalidArgument naming the field and the file.
[[nodiscard]] Result<std::shared_ptr<boost::asio::ssl::context>> make_server_context(const TlsServerConfig& config);

// SHA-256, in hex, of the first certificate of a PEM file; empty where there is none.
[[nodiscard]] std::string certificate_fingerprint(const std::string& pem_file);

}  // namespace bursar::broker
