/// Which agents have a value, found by the value's hash: the caller compares the value itself.
struct MultiIndex: Sendable {
    private enum Bucket: Sendable {
        case one(Int32)
        case many([Int32])
    }

    private var buckets: [Int: Bucket] = [:]

    /// The positions of the agents filed under this hash, in no order.
    func positions(_ hash: Int) -> [Int] {
        switch buckets[hash] {
        case .one(let position): [Int(position)]
        case .many(let positions): positions.map { Int($0) }
        case nil: []
        }
    }

    mutating func insert(_ hash: Int, _ position: Int) {
        switch buckets[hash] {
        case nil: buckets[hash] = .one(Int32(position))
        case .one(let other): buckets[hash] = .many([other, Int32(position)])
        case .many(let others): buckets[hash] = .many(others + [Int32(position)])
        }
    }

    mutating func remove(_ hash: Int, _ position: Int) {
        let rest = positions(hash).filter { $0 != position }.map { Int32($0) }
        buckets[hash] =
            switch rest.count {
            case 0: nil
            case 1: .one(rest[0])
            default: .many(rest)
            }
    }
}
