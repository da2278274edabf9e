#include "bursar/broker/mcp/message.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace bursar::broker {
namespace {

namespace json = boost::json;

Message parsed(std::string text) {
  auto message = Message::parse(std::move(text));
  EXPECT_TRUE(message.has_value()) << message.error().message;
  return message ? *message : Message{};
}

// The code of the JSON-RPC error that a text is answered with; 0 where it is accepted.
int refusal(std::string text, const MessageLimits& limits = {}) {
  auto message = Message::parse(std::move(text), limits);
  if (message) return 0;
  return static_cast<int>(json::parse(message.error().payload).at("code").as_int64());
}

TEST(Message, KnowsThePartsOfACall) {
  const Message m = parsed(
      R"( {"jsonrpc" : "2.0", "id": "a-1", "method":"tools/call","params": {"name":"files.read","arguments":{"p":[1,2]}, "_meta":{"progressToken":7,"x":null}} } )");
  EXPECT_EQ(m.kind(), MessageKind::kRequest);
  EXPECT_EQ(m.id(), "\"a-1\"");
  EXPECT_EQ(m.method(), "tools/call");
  EXPECT_EQ(m.name(), "files.read");
  EXPECT_EQ(m.arguments(), R"({"p":[1,2]})");
  EXPECT_EQ(m.meta(), R"({"progressToken":7,"x":null})");
  EXPECT_EQ(m.progress_token(), "7");
  EXPECT_EQ(m.params().front(), '{');
  EXPECT_EQ(m.params().back(), '}');
}

TEST(Message, TellsTheFourKindsApart) {
  EXPECT_EQ(parsed(R"({"jsonrpc":"2.0","id":1,"method":"ping"})").kind(), MessageKind::kRequest);
  EXPECT_EQ(parsed(R"({"jsonrpc":"2.0","method":"notifications/initialized"})").kind(), MessageKind::kNotification);
  const Message result = parsed(R"({"result":{"a":1},"id":1,"jsonrpc":"2.0"})");
  EXPECT_EQ(result.kind(), MessageKind::kResult);
  EXPECT_EQ(result.result(), R"({"a":1})");
  const Message error = parsed(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}})");
  EXPECT_EQ(error.kind(), MessageKind::kError);
  EXPECT_EQ(error.error(), R"({"code":-32700,"message":"m"})");
  EXPECT_EQ(parsed(R"({"jsonrpc":"2.0","error":{}})").kind(), MessageKind::kError);
}

TEST(Message, UnescapesMethodAndNameAndKeys) {
  const Message m =
      parsed(R"({"jsonrpc":"2.0","id":1,"\u006dethod":"tools\/call","params":{"n\u0061me":"\u00e9\ud83d\ude00\n"}})");
  EXPECT_EQ(m.method(), "tools/call");
  EXPECT_EQ(m.name(), "é😀\n");
  EXPECT_EQ(parsed(R"({"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///a"}})").name(),
            "file:///a");
}

TEST(Message, TakesTheTokenOfAProgressNotificationFromItsParams) {
  const Message m =
      parsed(R"({"jsonrpc":"2.0","params":{"progressToken":"t","progress":1},"method":"notifications/progress"})");
  EXPECT_EQ(m.progress_token(), "\"t\"");
  EXPECT_EQ(parsed(R"({"jsonrpc":"2.0","params":{"progressToken":"t"},"method":"x"})").progress_token(), "");
}

TEST(Message, RefusesWhatIsNotJsonAsAParseError) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "}",
                           "{]",
                           "nul",
                           "{\"jsonrpc\"}",
                           "{\"jsonrpc\":}",
                           "{\"a\":1,}",
                           "{,}",
                           "{\"a\":01}",
                           "{\"a\":1.}",
                           "{\"a\":.5}",
                           "{\"a\":+1}",
                           "{\"a\":1e}",
                           "{\"a\":-}",
                           "{\"a\":tru}",
                           "{\"a\":\"\t\"}",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"\\u12g4\"}",
                           "{\"a\":\"\\",
                           "{\"a\":[1,]}",
                           "{\"a\":[1 2]}",
                           "{'a':1}",
                           "{\"a\":NaN}",
                           "{\"a\":\"b}",
                           "\xef\xbb\xbf{}",
                           "{\"a\":\"\xff\"}",
                           "{\"a\":\"\xed\xa0\x80\"}",
                           R"({"jsonrpc":"2.0","id":1,"method":"ping"}{)",
                           R"({"jsonrpc":"2.0","id":1,"method":"ping"} x)",
                           R"({"jsonrpc":"2.0","id":1,"method":"\ud800"})",
                           R"({"jsonrpc":"2.0","id":1,"method":"\ud800\u0041"})"}) {
    EXPECT_EQ(refusal(text), -32700) << text;
  }
}

TEST(Message, RefusesWhatIsNoMessageAsAnInvalidRequest) {
  for (const char* text :
       {"[]",
        "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]",
        "{}",
        "1",
        "\"a\"",
        "null",
        R"({"id":1,"method":"ping"})",
        R"({"jsonrpc":"1.0","id":1,"method":"ping"})",
        R"({"jsonrpc":2.0,"id":1,"method":"ping"})",
        R"({"jsonrpc":"2.0","id":null,"method":"ping"})",
        R"({"jsonrpc":"2.0","id":{},"method":"ping"})",
        R"({"jsonrpc":"2.0","id":[1],"method":"ping"})",
        R"({"jsonrpc":"2.0","id":true,"method":"ping"})",
        R"({"jsonrpc":"2.0","id":1,"method":7})",
        R"({"jsonrpc":"2.0","id":1,"params":{}})",
        R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[]})",
        R"({"jsonrpc":"2.0","id":1,"method":"ping","params":null})",
        R"({"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":3}})",
        R"({"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"progressToken":{}}}})",
        R"({"jsonrpc":"2.0","id":1,"result":{},"error":{}})",
        R"({"jsonrpc":"2.0","result":{}})",
        R"({"jsonrpc":"2.0","id":1,"result":1})",
        R"({"jsonrpc":"2.0","id":1,"error":"x"})",
        R"({"jsonrpc":"2.0","id":1,"method":"ping","result":{}})",
        R"({"jsonrpc":"2.0","id":1})",
        R"({"jsonrpc":"2.0","id":1,"id":1,"method":"ping"})",
        R"({"jsonrpc":"2.0","id":1,"method":"a","\u006dethod":"b"})",
        R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"name":"x","name":"y"}})",
        R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"arguments":{"deep":[{"k":1,"\u006b":2}]}}})",
        R"({"jsonrpc":"2.0","id":1,"result":{"isError":true,"isError":false}})"}) {
    EXPECT_EQ(refusal(text), -32600) << text;
  }
  EXPECT_EQ(refusal(R"({"jsonrpc":"2.0","id":")" + std::string(300, 'i') + R"(","method":"ping"})"), -32600);
}

TEST(Message, LeavesDeepDuplicatesOfAResultToItsReceiver) {
  EXPECT_EQ(refusal(R"({"jsonrpc":"2.0","id":1,"result":{"content":[{"a":1,"a":2}]}})"), 0);
}

TEST(Message, HoldsItsLimits) {
  const std::string ping = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";
  EXPECT_EQ(refusal(ping, {.bytes = ping.size()}), 0);
  EXPECT_EQ(refusal(ping, {.bytes = ping.size() - 1}), -32600);
  EXPECT_EQ(Message::parse(ping, {.bytes = 3}).error().code, ErrorCode::kExhausted);
  const auto nested = [](std::size_t levels) {  // params is level 2
    return R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"arguments":)" + std::string(levels, '[') +
           std::string(levels, ']') + "}}";
  };
  EXPECT_EQ(refusal(nested(62)), 0);
  EXPECT_EQ(refusal(nested(63)), -32600);
  EXPECT_EQ(refusal(std::string(1 << 20, '[')), -32600);
  EXPECT_EQ(refusal("{\"a\":" + std::string(1 << 20, '['), {.depth = 1 << 20}), -32600);
}

TEST(Message, WithReplacesAndAddsParts) {
  const Message call = parsed(R"({ "jsonrpc":"2.0", "params":{"a":1} ,"id":7,"method":"x"})");
  EXPECT_EQ(call.with({}), call.text());
  EXPECT_EQ(call.with({.id = "\"b\"", .params = "{}"}), R"({ "jsonrpc":"2.0", "params":{} ,"id":"b","method":"x"})");
  EXPECT_EQ(call.with({.method = "\"yy\""}), R"({ "jsonrpc":"2.0", "params":{"a":1} ,"id":7,"method":"yy"})");
  const Message note = parsed(R"({"jsonrpc":"2.0","method":"x"})");
  const Message both = parsed(note.with({.id = "1", .method = "\"z\"", .params = "{\"k\":2}"}));
  EXPECT_EQ(both.id(), "1");
  EXPECT_EQ(both.method(), "z");
  EXPECT_EQ(both.params(), "{\"k\":2}");
}

TEST(Message, BuildersEscapeWhatIsText) {
  EXPECT_EQ(parsed(make_request("5", "a\"b\\\n\x01", "{\"x\":1}")).method(), "a\"b\\\n\x01");
  EXPECT_EQ(make_notification("n", ""), R"({"jsonrpc":"2.0","method":"n"})");
  EXPECT_EQ(make_result("\"q\"", "{}"), R"({"jsonrpc":"2.0","id":"q","result":{}})");
  EXPECT_EQ(make_error("", -32600, "no"), R"({"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}})");
  EXPECT_EQ(make_error("1", 1003, "no \xff", "{}"),
            R"({"jsonrpc":"2.0","id":1,"error":{"code":1003,"message":"no ?","data":{}}})");
}

TEST(Member, IsFoundAddedReplacedAndRemovedInPlace) {
  EXPECT_EQ(member(R"( {"a": 1 , "b" : [2] })", "b"), "[2]");
  EXPECT_EQ(member(R"({"\u0061":1})", "a"), "1");
  EXPECT_EQ(member(R"({"a":1})", "b"), "");
  EXPECT_EQ(member("not json", "b"), "");
  EXPECT_EQ(with_member("", "a", "1"), R"({"a":1})");
  EXPECT_EQ(with_member("{ }", "a", "1"), R"({"a":1 })");
  EXPECT_EQ(with_member(R"({"b":2})", "a", "1"), R"({"a":1,"b":2})");
  EXPECT_EQ(with_member(R"({"b" : 2, "a" : 3})", "b", "{}"), R"({"b" : {}, "a" : 3})");
  EXPECT_EQ(with_member(R"({"b":2, "a":3})", "b", std::nullopt), R"({ "a":3})");
  EXPECT_EQ(with_member(R"({"b":2 , "a":3 })", "a", std::nullopt), R"({"b":2 })");
  EXPECT_EQ(with_member(R"({ "b":2 })", "b", std::nullopt), R"({ })");
  EXPECT_EQ(with_member(R"({"b":2})", "c", std::nullopt), R"({"b":2})");
  EXPECT_EQ(with_member("[1]", "c", "1"), "[1]");
}

json::value arbitrary_value(int depth) {
  switch (*rc::gen::inRange(0, depth > 0 ? 7 : 5)) {
    case 0: return nullptr;
    case 1: return *rc::gen::arbitrary<bool>();
    case 2: return *rc::gen::arbitrary<std::int64_t>();
    case 3: return json::string(*rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127)));
    case 4: return json::string("é\"\\😀");
    case 5: {
      json::array array;
      for (int n = *rc::gen::inRange(0, 4); n > 0; --n) array.push_back(arbitrary_value(depth - 1));
      return array;
    }
    default: {
      json::object object;
      for (int n = *rc::gen::inRange(0, 12); n > 0; --n) {
        object[*rc::gen::container<std::string>(rc::gen::inRange<char>('a', 'd'))] = arbitrary_value(depth - 1);
      }
      return object;
    }
  }
}

json::object arbitrary_object() {
  json::object object;
  for (int n = *rc::gen::inRange(0, 8); n > 0; --n) {
    object[*rc::gen::container<std::string>(rc::gen::inRange<char>('a', 'd'))] = arbitrary_value(3);
  }
  return object;
}

RC_GTEST_PROP(Message, RoundTripsWhateverParamsItCarries, ()) {
  const json::object params = arbitrary_object();
  const std::string raw = json::serialize(params);
  const Message m = parsed(make_request("9", "tools/call", raw));
  RC_ASSERT(m.params() == raw);
  RC_ASSERT(parsed(m.with({.id = "10", .params = raw})).params() == raw);
  const Message result = parsed(make_result("9", raw));
  RC_ASSERT(result.result() == raw);
}

RC_GTEST_PROP(Member, SplicingEqualsEditingTheDocument, ()) {
  json::object object = arbitrary_object();
  const std::string key = *rc::gen::container<std::string>(rc::gen::inRange<char>('a', 'd'));
  const std::string before = json::serialize(object);
  const std::string value = json::serialize(arbitrary_value(2));
  const auto* old = object.if_contains(key);
  RC_ASSERT(member(before, key) == (old != nullptr ? json::serialize(*old) : ""));
  const std::string set = with_member(before, key, value);
  const std::string removed = with_member(before, key, std::nullopt);
  object[key] = json::parse(value);
  RC_ASSERT(json::parse(set) == json::value(object));
  object.erase(key);
  RC_ASSERT(json::parse(removed) == json::value(object));
}

RC_GTEST_PROP(Message, JudgesMutatedTextsAsAReferenceParserDoes, ()) {
  std::string text = make_request("1", "m", json::serialize(arbitrary_object()));
  for (int n = *rc::gen::inRange(1, 4); n > 0; --n) {
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    text[at] = *rc::gen::elementOf(std::string("{}[]\",:\\0123456789.eE+-truefalsn \n\x01\x7f"));
  }
  json::error_code failed;
  json::parse(text, failed);
  // 1e02147483648 is JSON; only the reference has no number for it.
  if (failed == json::error::exponent_overflow) return;
  const int code = refusal(text);
  if (failed) RC_ASSERT(code != 0);
  if (!failed) RC_ASSERT(code != -32700);
}

}  // namespace
}  // namespace bursar::broker
