// The server behind the gateways in `scripts/bench gateway`: answers at once and does as little as a server can, so
// that what is measured is the way to it. Speaks just enough MCP (2025-11-25) and chat completions; prints {"port":N}.
//
// It is no example of a server: it believes every byte it is sent.
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::string_view kChat =
    R"({"id":"chatcmpl-1","object":"chat.completion","created":1764000000,"model":"bench","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"The answer is forty-two."},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":24,"completion_tokens":8,"total_tokens":32}})";

// The raw text of a member's value, by its name alone; good enough for requests of our own making.
std::string_view member(std::string_view json, std::string_view name) {
  const std::string key = '"' + std::string(name) + "\":";
  const std::size_t at = json.find(key);
  if (at == std::string_view::npos) return {};
  json.remove_prefix(at + key.size());
  if (json.starts_with('"')) return json.substr(0, json.find('"', 1) + 1);
  return json.substr(0, json.find_first_of(",}"));
}

std::string mcp_result(std::string_view method) {
  if (method == "\"initialize\"") {
    return R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bench","version":"1"}})";
  }
  if (method == "\"tools/list\"") {
    return R"({"tools":[{"name":"echo","description":"says it again","inputSchema":{"type":"object","properties":)"
           R"({"text":{"type":"string"}},"required":["text"]},"annotations":{"readOnlyHint":true}}]})";
  }
  return R"({"content":[{"type":"text","text":"forty-two"}]})";
}

std::string answer_to(std::string_view head, std::string_view body) {
  std::string json;
  const char* status = "200 OK";
  if (head.find("/chat/completions") != std::string_view::npos) {
    json = kChat;
  } else if (!head.starts_with("POST")) {
    status = "405 Method Not Allowed";
  } else if (const std::string_view method = member(body, "method"); method == "\"server/discover\"") {
    status = "400 Bad Request";
    json = R"({"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no session"}})";
  } else if (const std::string_view id = member(body, "id"); id.empty()) {
    status = "202 Accepted";
  } else {
    json = R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"result":)" + mcp_result(method) + "}";
  }
  const bool session = body.find("\"initialize\"") != std::string_view::npos;
  return std::string("HTTP/1.1 ") + status + "\r\nContent-Type: application/json\r\n" +
         (session ? "Mcp-Session-Id: s1\r\n" : "") + "Content-Length: " + std::to_string(json.size()) + "\r\n\r\n" +
         json;
}

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(tcp::socket socket) : socket_(std::move(socket)) { socket_.set_option(tcp::no_delay(true)); }

  void read() {
    socket_.async_read_some(asio::buffer(piece_),
                            [self = shared_from_this()](boost::system::error_code error, std::size_t n) {
                              if (error) return;
                              self->input_.append(self->piece_.data(), n);
                              self->answer();
                            });
  }

 private:
  void answer() {
    const std::size_t end = input_.find("\r\n\r\n");
    if (end == std::string::npos) return read();
    const std::string_view head = std::string_view(input_).substr(0, end);
    const std::size_t size = content_length(head);
    if (input_.size() < end + 4 + size) return read();
    output_ = answer_to(head, std::string_view(input_).substr(end + 4, size));
    input_.erase(0, end + 4 + size);
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                        if (!error) self->answer();
                      });
  }

  static std::size_t content_length(std::string_view head) {
    for (const std::string_view name : {"\r\nContent-Length: ", "\r\ncontent-length: "}) {
      const std::size_t at = head.find(name);
      if (at == std::string_view::npos) continue;
      std::size_t size = 0;
      std::from_chars(head.data() + at + name.size(), head.data() + head.size(), size);
      return size;
    }
    return 0;
  }

  tcp::socket socket_;
  std::array<char, 16384> piece_{};
  std::string input_, output_;
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](boost::system::error_code error, tcp::socket socket) {
    if (!error) std::make_shared<Connection>(std::move(socket))->read();
    accept(acceptor);
  });
}

}  // namespace

int main(int argc, char** argv) {
  asio::io_context context(1);
  const auto port = static_cast<asio::ip::port_type>(argc > 1 ? std::atoi(argv[1]) : 0);
  tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), port});
  std::printf("{\"port\":%d}\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  accept(acceptor);
  context.run();
}
