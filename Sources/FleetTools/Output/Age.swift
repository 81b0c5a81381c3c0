import FleetAPI

/// A length of time in one unit: `42s`, `7m`, `3h`, `12d`. A negative one, of clocks that differ, is `0s`.
func age(_ duration: Duration) -> String {
    let seconds = max(0, duration.components.seconds)
    return switch seconds {
    case ..<120: "\(seconds)s"
    case ..<7_200: "\(seconds / 60)m"
    case ..<172_800: "\(seconds / 3_600)h"
    default: "\(seconds / 86_400)d"
    }
}

/// How long ago a moment was, or `-` where it is not known.
func age(_ moment: Timestamp?, asOf now: Timestamp) -> String {
    moment.map { age(now - $0) } ?? "-"
}

/// How long something took: with a tenth below ten seconds.
func span(_ duration: Duration) -> String {
    let tenths = max(0, duration.nanoseconds / 100_000_000)
    return tenths < 100 ? "\(tenths / 10).\(tenths % 10)s" : age(duration)
}

/// The text with each RFC 3339 time of the day of `now` cut down to its clock: `10:00:09.125`.
func shortTimes(_ text: String, asOf now: Timestamp) -> String {
    let day = Array(now.description.utf8.prefix(11))
    let bytes = Array(text.utf8)
    var short: [UInt8] = []
    var index = 0
    while index < bytes.count {
        guard bytes[index...].starts(with: day), let end = bytes[index...].prefix(32).firstIndex(of: UInt8(ascii: "Z")),
            Timestamp(String(decoding: bytes[index...end], as: UTF8.self)) != nil
        else {
            short.append(bytes[index])
            index += 1
            continue
        }
        short += bytes[(index + day.count)..<end].prefix(12)
        index = end + 1
    }
    return String(decoding: short, as: UTF8.self)
}

/// The one absolute time of an answer, to the second: ages in it are measured against this.
func clock(_ now: Timestamp) -> String { Timestamp(seconds: now.seconds).description }
