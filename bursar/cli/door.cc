#include <charconv>
#include <cstdlib>
#include <memory>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "bursar/broker/admin/address.h"
#include "bursar/cli/channel.h"
#include "bursar/cli/command.h"
#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

constexpr std::size_t kMaxAnswer = 64 << 20;
constexpr int kPatienceSeconds = 10;

struct Where {
  std::string host, port;
  bool tls = false;
};

Result<Where> where_of(std::string_view url) {
  const bool tls = url.starts_with("https://");
  if (!tls && !url.starts_with("http://")) {
    return invalid_argument("--url " + std::string(url.substr(0, 100)) + " must begin with http:// or https://");
  }
  std::string_view rest = url.substr(url.find("://") + 3);
  rest = rest.substr(0, rest.find('/'));
  const std::size_t bracket = rest.find(']');
  const std::size_t colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  std::string_view host = rest.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return invalid_argument("--url " + std::string(url.substr(0, 100)) + " names no host");
  const std::string port = colon == std::string_view::npos ? tls ? "443" : "80" : std::string(rest.substr(colon + 1));
  return Where{std::string(host), port, tls};
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] int take() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Result<Socket> connect_to(const Where& where, const std::string& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(where.host.c_str(), where.port.c_str(), &hints, &found) != 0) {
    return fail(ErrorCode::kUnavailable, url + ": there is no such host or port", true);
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    Socket socket(::socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol));
    const timeval patience{.tv_sec = kPatienceSeconds, .tv_usec = 0};
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (socket.fd() >= 0 && ::connect(socket.fd(), a->ai_addr, a->ai_addrlen) == 0) return socket;
  }
  return fail(ErrorCode::kUnavailable,
              "no gateway answers at " + url + "; start it with `bursar serve`, or name it with --url", true);
}

Result<std::string> exchange(Channel channel, std::string_view request, const std::string& url) {
  if (!channel.send(request)) return fail(ErrorCode::kUnavailable, url + ": the connection broke", true);
  std::string answer(64 << 10, '\0');
  std::size_t size = 0;
  for (;;) {
    if (size == answer.size()) answer.resize(answer.size() * 2);
    const std::ptrdiff_t got = channel.receive(answer.data() + size, answer.size() - size);
    if (got < 0) return fail(ErrorCode::kUnavailable, url + ": no answer within 10 s", true);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
    if (size > kMaxAnswer) return fail(ErrorCode::kUnavailable, url + ": the answer is longer than 64 MiB");
  }
  answer.resize(size);
  return answer;
}

// What a refusal's JSON says: {"error":{"code":…,"message":…}}; empty where it is something else.
std::string message_of(std::string_view body) {
  const auto document = parse_json(body);
  if (!document) return {};
  const auto error = JsonView(*document).at("error");
  if (!error) return {};
  const auto message = error->string_at("message", 2000);
  return message ? std::string(*message) : std::string();
}

}  // namespace

std::optional<AdminDoor> find_door(const std::string& url, const std::string& database) {
  const auto published = broker::published_address(database);
  const char* key = std::getenv("BURSAR_ADMIN_KEY");
  AdminDoor door;
  if (key != nullptr) door.secret = key;
  if (!url.empty()) {
    door.url = url;
    if (published && published->url == url) {
      if (door.secret.empty()) door.secret = published->secret;
      door.certificate = published->certificate;
    }
    return door;
  }
  if (!published) return std::nullopt;
  door.url = published->url;
  if (door.secret.empty()) door.secret = published->secret;
  door.certificate = published->certificate;
  return door;
}

Result<DoorAnswer> request(const AdminDoor& door, std::string_view method, std::string_view path, std::string_view body,
                           std::string_view headers) {
  const auto where = where_of(door.url);
  if (!where) return tl::unexpected(where.error());
  if (door.secret.find_first_of("\r\n") != std::string::npos)
    return invalid_argument("BURSAR_ADMIN_KEY holds a line break");
  auto socket = connect_to(*where, door.url);
  if (!socket) return tl::unexpected(socket.error());
  auto channel =
      Channel::over(socket->take(), {.host = where->host, .tls = where->tls, .certificate = door.certificate});
  if (!channel) return tl::unexpected(channel.error());
  std::string text;
  const bool v6 = where->host.find(':') != std::string::npos;
  text.append(method).append(" ").append(path).append(" HTTP/1.1\r\nHost: ");
  text.append(v6 ? '[' + where->host + ']' : where->host).append(":").append(where->port);
  text.append("\r\nConnection: close\r\n").append(headers);
  if (!door.secret.empty()) text.append("Authorization: Bearer ").append(door.secret).append("\r\n");
  if (!body.empty() || method != "GET")
    text.append("Content-Type: application/json\r\nContent-Length: ")
        .append(std::to_string(body.size()))
        .append("\r\n");
  text.append("\r\n").append(body);
  const auto answer = exchange(std::move(*channel), text, door.url);
  if (!answer) return tl::unexpected(answer.error());
  DoorAnswer out;
  const std::size_t end = answer->find("\r\n\r\n");
  if (!answer->starts_with("HTTP/1.1 ") || end == std::string::npos ||
      std::from_chars(answer->data() + 9, answer->data() + answer->size(), out.status).ec != std::errc{}) {
    return fail(ErrorCode::kUnavailable, door.url + " is no gateway: its answer is no HTTP/1.1");
  }
  out.head = answer->substr(0, end + 2);
  out.body = answer->substr(end + 4);
  return out;
}

Result<std::string> ask(const AdminDoor& door, std::string_view method, std::string_view path, std::string_view body) {
  auto answer = request(door, method, path, body, "Accept: application/json\r\n");
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status == 200 || answer->status == 201) return std::move(answer->body);
  if (answer->status == 401 || answer->status == 403) {
    return fail(ErrorCode::kPermissionDenied,
                door.url + " wants an admin key; set BURSAR_ADMIN_KEY to one (`bursar keys create … --admin`)");
  }
  const std::string message = message_of(answer->body);
  const ErrorCode code = answer->status == 404   ? ErrorCode::kNotFound
                         : answer->status >= 500 ? ErrorCode::kUnavailable
                                                 : ErrorCode::kInvalidArgument;
  return fail(code, message.empty() ? door.url + std::string(path) + " answered HTTP " + std::to_string(answer->status)
                                    : message);
}

}  // namespace bursar::cli
