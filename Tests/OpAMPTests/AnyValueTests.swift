import FoundationEssentials
import OpAMP
import SwiftProtobuf
import Testing

@Suite struct AnyValueTests {
    @Test func `every kind of value has a short text`() {
        #expect(KeyValue("host.name", "web-17").value.text == "web-17")
        #expect(AnyValue.with { $0.boolValue = true }.text == "true")
        #expect(AnyValue.with { $0.intValue = -9_007_199_254_740_993 }.text == "-9007199254740993")
        #expect(AnyValue.with { $0.doubleValue = 0.5 }.text == "0.5")
        #expect(AnyValue.with { $0.bytesValue = Data([0, 0xab]) }.text == "00ab")
        #expect(AnyValue().text == "")
        let list = AnyValue.with { $0.arrayValue.values = [KeyValue("", "10.0.0.1").value, .with { $0.intValue = 2 }] }
        #expect(list.text == "[10.0.0.1, 2]")
        #expect(AnyValue.with { $0.kvlistValue.values = [KeyValue("a", "b")] }.text == "{a: b}")
    }
}
