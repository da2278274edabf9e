#include "bursar/broker/mcp/handles.h"

#include <memory>
#include <openssl/evp.h>

#include "bursar/broker/audit/digest.h"
#include "bursar/broker/mcp/base64.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kSalt = 16, kTag = 16;
// The key is used once, so the nonce says nothing.
constexpr std::array<unsigned char, 12> kNonce{};

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string associated(std::string_view kind, std::string_view binding) { return pack({kind, binding}); }

}  // namespace

Handles::Handles(std::string_view secret) : secret_(secret) {}

std::array<std::uint8_t, 32> Handles::key_of(std::string_view kind, std::string_view salt) const {
  return hmac_sha256(secret_, pack({"bursar handle 1", kind, salt}));
}

std::string Handles::seal(std::string_view kind, std::string_view binding, std::string_view content) const {
  std::string out = random_bytes(kSalt);
  if (out.size() != kSalt) return {};
  const auto key = key_of(kind, out);
  const std::string extra = associated(kind, binding);
  const Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  std::string sealed(content.size(), '\0');
  std::string tag(kTag, '\0');
  int length = 0;
  const bool done =
      cipher && EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), kNonce.data()) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &length, bytes(extra), static_cast<int>(extra.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), bytes(sealed), &length, bytes(content), static_cast<int>(content.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), bytes(tag), &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTag, tag.data()) == 1;
  return done ? base64url(out + sealed + tag) : std::string();
}

std::optional<std::string> Handles::open(std::string_view kind, std::string_view binding,
                                         std::string_view handle) const {
  if (handle.size() > kMaxHandle) return std::nullopt;
  const auto raw = decode_base64(handle, Base64::kUrl);
  if (!raw || raw->size() < kSalt + kTag) return std::nullopt;
  const std::string_view text(*raw);
  const std::string_view sealed = text.substr(kSalt, text.size() - kSalt - kTag);
  const auto key = key_of(kind, text.substr(0, kSalt));
  std::string tag(text.substr(text.size() - kTag));
  const std::string extra = associated(kind, binding);
  const Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  std::string content(sealed.size(), '\0');
  std::array<unsigned char, kTag> rest{};
  int length = 0;
  const bool done =
      cipher && EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), kNonce.data()) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &length, bytes(extra), static_cast<int>(extra.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), bytes(content), &length, bytes(sealed), static_cast<int>(sealed.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), rest.data(), &length) == 1;
  if (!done) return std::nullopt;
  return content;
}

std::string pack(std::initializer_list<std::string_view> fields) {
  std::string out;
  for (const std::string_view field : fields) {
    const auto size = static_cast<std::uint32_t>(field.size());
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(size >> shift & 0xFF);
    out += field;
  }
  return out;
}

std::optional<std::vector<std::string>> unpack(std::string_view packed) {
  std::vector<std::string> out;
  while (!packed.empty()) {
    if (packed.size() < 4) return std::nullopt;
    std::uint32_t size = 0;
    for (int i = 3; i >= 0; --i) size = size << 8 | static_cast<unsigned char>(packed[static_cast<std::size_t>(i)]);
    packed.remove_prefix(4);
    if (size > packed.size()) return std::nullopt;
    out.emplace_back(packed.substr(0, size));
    packed.remove_prefix(size);
  }
  return out;
}

}  // namespace bursar::broker
