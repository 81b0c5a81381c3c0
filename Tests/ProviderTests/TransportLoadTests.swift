import Provider
import Testing

@Test func `bytes in flight are counted over all connections, and given back`() {
    let free = InFlightBytes.uncounted
    let inFlight = InFlightBytes(limit: 100)
    do {
        var first = InFlightBytes.Share(of: inFlight)
        var second = InFlightBytes.Share(of: inFlight)
        let took = [first.hold(free + 60), second.hold(free + 40)]
        #expect(took == [true, true])
        #expect(inFlight.bytes == 100)
        let isTooMuch = !second.hold(free + 41)
        #expect(isTooMuch)
        #expect(inFlight.bytes == 100)
        let shrank = first.hold(free + 59)
        let grew = second.hold(free + 41)
        #expect(shrank && grew)
        #expect(inFlight.bytes == 100)
    }
    #expect(inFlight.bytes == 0)
}

@Test func `a heartbeat is taken when large messages have used everything up`() {
    let inFlight = InFlightBytes(limit: 0)
    var heartbeat = InFlightBytes.Share(of: inFlight)
    let isTaken = heartbeat.hold(InFlightBytes.uncounted)
    let isLargerTaken = heartbeat.hold(InFlightBytes.uncounted + 1)
    #expect(isTaken)
    #expect(!isLargerTaken)
}

@Test(arguments: [(200, 32), (10_000, 198)])
func `connections near the limit of open files are turned away, and at the limit closed`(limit: Int, margin: Int) {
    let connections = OpenConnections(openFiles: limit)
    let usable = limit - OpenConnections.reserve
    for _ in 1...(usable - margin) { #expect(connections.opened() == .enough) }
    for _ in 1...(margin - margin / 4) { #expect(connections.opened() == .scarce) }
    #expect(connections.opened() == .none)
    for _ in 0...(margin - margin / 4) { connections.closed() }
    connections.closed()
    #expect(connections.opened() == .enough)
    #expect(connections.opened() == .scarce)
}
