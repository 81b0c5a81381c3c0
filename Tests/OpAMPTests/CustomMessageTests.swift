import FoundationEssentials
import JSON
import OpAMP
import SwiftProtobuf
import Testing

@Suite struct CustomMessageTests {
    private static let id = "0199c0de00007abc8001020304050607"

    @Test func `a ChatOps request has exactly these bytes`() throws {
        let message = CustomRequest.chatOps(tag: "reload", attributes: ["b": 2, "a": 1], commandID: Self.id).message
        #expect(message.capability == "org.mp3monster.opamp_provider.chatopcommand")
        #expect(message.type == "request")
        let text = """
            {"action":"chatopcommand","attributes":"{\\"a\\":1,\\"b\\":2}","classifier":"custom",\
            "command_id":"\(Self.id)","operation":"chatopcommand","tag":"reload"}
            """
        #expect(String(decoding: message.data, as: UTF8.self) == text)
    }

    @Test func `the other project's bytes are read`() throws {
        let theirs =
            #"{"action": "chatopcommand", "attributes": "{\"a\":1}", "classifier": "custom", "#
            + #""operation": "chatopcommand", "tag": "reload"}"#
        let message = CustomMessage.with {
            $0.capability = "request:" + CustomCapability.chatOps
            $0.type = "request"
            $0.data = Data(theirs.utf8)
        }
        #expect(try CustomRequest(message) == .chatOps(tag: "reload", attributes: ["a": 1], commandID: nil))
    }

    @Test(arguments: [
        CustomRequest.chatOps(tag: "a/ü", commandID: nil), .shutdown(commandID: id), .null(commandID: nil),
        .null(dummyValue: "\"", commandID: id), CustomRequest(capability: "com.example.x", type: "y", fields: [:]),
    ])
    func `a request is the same after sending`(request: CustomRequest) throws {
        #expect(try CustomRequest(request.message) == request)
    }

    @Test func `message types are the shared ones`() {
        #expect(CustomRequest.shutdown(commandID: nil).message.type == "Shutdown Agent")
        #expect(CustomRequest.null(commandID: nil).message.type == "Null Command")
        #expect(CustomRequest.shutdown(commandID: nil).action == "shutdownagent")
    }

    @Test func `members that are no strings are kept as text, no data is no member`() throws {
        var message = CustomRequest.null(commandID: nil).message
        message.data = Data(#"{"tag":5,"attributes":{"b":1,"a":[true]}}"#.utf8)
        #expect(try CustomRequest(message).fields == ["tag": "5", "attributes": #"{"a":[true],"b":1}"#])
        message.data = Data()
        #expect(try CustomRequest(message).fields.isEmpty)
    }

    @Test(arguments: ["[]", "{", "\"x\"", "{\"a\":1,\"a\":2}", "\u{0}"])
    func `data that is no object is refused`(data: String) {
        var message = CustomRequest.null(commandID: nil).message
        message.data = Data(data.utf8)
        #expect(throws: OpAMPError.self) { try CustomRequest(message) }
        message.type = "failure"
        #expect(throws: OpAMPError.self) { try CustomReply(message) }
    }

    @Test func `a reply has exactly these bytes and is the same after sending`() throws {
        var reply = CustomReply(capability: CustomCapability.chatOps, succeeded: false)
        reply.action = "chatopcommand"
        reply.commandID = Self.id
        reply.httpCode = 500
        reply.errorMessage = "no"
        reply.body = "b"
        reply.isTruncated = true
        #expect(reply.message.type == "failure")
        let text = """
            {"action":"chatopcommand","body":"b","command_id":"\(Self.id)","err_msg":"no","http_code":"500",\
            "truncated":"true"}
            """
        #expect(String(decoding: reply.message.data, as: UTF8.self) == text)
        #expect(try CustomReply(reply.message) == reply)
    }

    @Test func `the other project's failure is read, another type is no reply`() throws {
        var message = CustomMessage.with {
            $0.capability = CustomCapability.chatOps
            $0.type = "failure"
            $0.data = Data(#"{"err_msg": "gone", "http_code": "500"}"#.utf8)
        }
        let reply = try CustomReply(message)
        #expect(reply.httpCode == 500 && reply.errorMessage == "gone" && reply.action == nil)
        message.type = "request"
        #expect(throws: OpAMPError.self) { try CustomReply(message) }
    }

    @Test func `the prefix of some agents is cut off`() {
        #expect(CustomCapability.bare("request:a.b") == "a.b")
        #expect(CustomCapability.bare("a.b") == "a.b")
    }
}
