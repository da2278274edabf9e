#include "bursar/broker/identity/subject_token.h"

#include <openssl/crypto.h>

namespace bursar::broker {

void wipe(std::string& text) {
  text.resize(text.capacity());
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace bursar::broker
