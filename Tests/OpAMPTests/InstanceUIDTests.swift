import OpAMP
import TestSupport
import Testing

@Suite struct InstanceUIDTests {
    private static let uid = InstanceUID(high: 0x0199_c0de_0000_7abc, low: 0x8001_0203_0405_0607)

    @Test(arguments: [
        "0199c0de00007abc8001020304050607", "0199C0DE00007ABC8001020304050607",
        "0199c0de-0000-7abc-8001-020304050607", "0199C0DE-0000-7abc-8001-020304050607",
    ])
    func `32 hex digits in either case, dashes or not, are one uid`(text: String) {
        #expect(InstanceUID(text) == Self.uid)
    }

    @Test(arguments: [
        "", "0199c0de", "0199c0de00007abc800102030405060", "0199c0de00007abc80010203040506070",
        "0199c0de00007abc800102030405060g", "+199c0de00007abc8001020304050607", "0199c0de-00007abc80010203040506-07ab",
        "0199c0de00007abc-8001020304050607", "------------------------------------",
    ])
    func `anything else is none`(text: String) {
        #expect(InstanceUID(text) == nil)
    }

    @Test func `text and bytes come back as they went in`() {
        #expect(Self.uid.description == "0199c0de00007abc8001020304050607")
        #expect(InstanceUID(high: 0, low: 1).description == "00000000000000000000000000000001")
        #expect(Self.uid.bytes.prefix(4) == [0x01, 0x99, 0xc0, 0xde])
        #expect(InstanceUID(bytes: Self.uid.bytes) == Self.uid)
        #expect(InstanceUID(bytes: Self.uid.data) == Self.uid)
        #expect(InstanceUID(bytes: Self.uid.bytes.dropLast()) == nil)
        #expect(InstanceUID(bytes: Self.uid.bytes + [0]) == nil)
    }

    @Test func `a made uid holds its time, version and variant, and sorts by time`() {
        var random = SeededRandom()
        let first = InstanceUID.version7(unixMilliseconds: 0x0123_4567_89ab, using: &random)
        let second = InstanceUID.version7(unixMilliseconds: 0x0123_4567_89ac, using: &random)
        #expect(first.description.hasPrefix("0123456789ab7"))
        #expect(first.low >> 62 == 0b10)
        #expect(first < second)
    }
}

@Test func `a ULID is read as the 128 bits it stands for`() {
    #expect(InstanceUID(ulid: "00000000000000000000000000".utf8) == InstanceUID(high: 0, low: 0))
    #expect(InstanceUID(ulid: "7ZZZZZZZZZZZZZZZZZZZZZZZZZ".utf8) == InstanceUID(high: .max, low: .max))
    #expect(InstanceUID(ulid: "01arz3ndektsv4rrffq69g5fav".utf8)?.description == "01563e3ab5d3d6764c61efb99302bd5b")
    for wrong in ["8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "0000000000000000000000000U", "0000000000000000000000000\u{10}", "0"] {
        #expect(InstanceUID(ulid: wrong.utf8) == nil, "\(wrong)")
    }
}
