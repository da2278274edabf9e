#include "bursar/broker/oauth/vault.h"

#include <boost/json/object.hpp>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include "bursar/core/json.h"

namespace bursar::broker::oauth {
namespace {

namespace json = boost::json;

constexpr std::string_view kKind = "oauth";
constexpr std::size_t kMaxText = 16 << 10;

std::string binding(const Party& party) { return pack({party.name, party.url}); }

void put_time(json::object& to, std::string_view key, const std::optional<WallTime>& time) {
  if (time) to[key] = unix_us(*time);
}

std::string text_at(const JsonView& root, std::string_view key) {
  return std::string(root.string_at(key, kMaxText).value_or(""));
}

std::optional<WallTime> time_at(const JsonView& root, std::string_view key) {
  const auto us = root.int_at(key);
  return us ? std::optional(wall_from_unix_us(*us)) : std::nullopt;
}

Scopes scopes_at(const JsonView& root, std::string_view key) { return split_scopes(text_at(root, key)); }

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(file) == 0;
}

}  // namespace

std::string vault_folder(const std::string& database) { return database + ".oauth"; }

std::string text_of(const SignedIn& s) {
  json::object client{{"issuer", s.client.issuer},
                      {"id", s.client.id},
                      {"secret", s.client.secret},
                      {"auth", static_cast<int>(s.client.auth)},
                      {"redirect_uri", s.client.redirect_uri},
                      {"registered", s.client.registered}};
  put_time(client, "secret_ends", s.client.secret_ends);
  json::object out{{"client", std::move(client)},           {"resource", s.resource},
                   {"token_endpoint", s.token_endpoint},    {"asked", join_scopes(s.asked)},
                   {"access_token", s.grant.access_token},  {"refresh_token", s.grant.refresh_token},
                   {"granted", join_scopes(s.grant.scopes)}};
  put_time(out, "expires", s.grant.expires);
  put_time(out, "since", s.since);
  return to_json(out);
}

std::optional<SignedIn> parse_signed_in(std::string_view text) {
  const auto document = parse_json(text, {.max_bytes = 128 << 10, .max_depth = 8});
  if (!document) return std::nullopt;
  const JsonView root(*document);
  const auto client = root.at("client");
  if (!client) return std::nullopt;
  SignedIn out;
  out.client = {.issuer = text_at(*client, "issuer"),
                .id = text_at(*client, "id"),
                .secret = text_at(*client, "secret"),
                .auth = static_cast<TokenAuth>(
                    client->int_at("auth", 1, static_cast<int>(TokenAuth::kPrivateKeyJwt)).value_or(1)),
                .redirect_uri = text_at(*client, "redirect_uri"),
                .registered = client->bool_at("registered").value_or(false),
                .secret_ends = time_at(*client, "secret_ends")};
  out.resource = text_at(root, "resource");
  out.token_endpoint = text_at(root, "token_endpoint");
  out.asked = scopes_at(root, "asked");
  out.grant = {.access_token = text_at(root, "access_token"),
               .refresh_token = text_at(root, "refresh_token"),
               .expires = time_at(root, "expires"),
               .scopes = scopes_at(root, "granted")};
  out.since = time_at(root, "since").value_or(WallTime{});
  if (out.client.issuer.empty() || out.token_endpoint.empty()) return std::nullopt;
  return out;
}

Result<void> Vault::keep(const Party& party, const SignedIn& signed_in) const {
  const std::string sealed = handles_.seal(kKind, binding(party), text_of(signed_in));
  if (sealed.empty()) return fail(ErrorCode::kUnavailable, "the operating system gives no random bytes", true);
  const std::string path = file_of(party), fresh = path + ".new";
  // Made for their owner only from the start: there is no moment in which others could open them.
  if (::mkdir(folder_.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return fail(ErrorCode::kUnavailable, folder_ + " cannot be made; check the folder's permissions");
  }
  ::unlink(fresh.c_str());
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  const bool written = file >= 0 && write_all(file, sealed);
  if (file >= 0) ::close(file);
  if (!written || ::rename(fresh.c_str(), path.c_str()) != 0) {
    return fail(ErrorCode::kUnavailable, path + " cannot be written; check the folder's permissions");
  }
  return {};
}

Result<void> Vault::forget(const Party& party) const {
  if (::unlink(file_of(party).c_str()) != 0 && errno != ENOENT) {
    return fail(ErrorCode::kUnavailable, file_of(party) + " cannot be removed; remove it by hand");
  }
  return {};
}

std::optional<SignedIn> Vault::read(const Party& party) const {
  std::ifstream file(file_of(party), std::ios::binary);
  if (!file) return std::nullopt;
  std::string sealed(Handles::kMaxHandle + 1, '\0');
  file.read(sealed.data(), static_cast<std::streamsize>(sealed.size()));
  sealed.resize(static_cast<std::size_t>(file.gcount()));
  const auto text = handles_.open(kKind, binding(party), sealed);
  return text ? parse_signed_in(*text) : std::nullopt;
}

}  // namespace bursar::broker::oauth
