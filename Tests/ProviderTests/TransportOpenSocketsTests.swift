import Provider
import Testing

@Test(.timeLimit(.minutes(5)))
func `waiting for the last socket ends with it, or with the task`() async {
    let none = OpenSockets()
    await none.untilNone()

    let sockets = OpenSockets()
    for _ in 1...2 { sockets.opened() }
    sockets.closed()
    await withTaskGroup(of: Void.self) { group in
        group.addTask { await sockets.untilNone() }
        sockets.closed()
    }

    let left = OpenSockets()
    left.opened()
    await withTaskGroup(of: Void.self) { group in
        group.addTask { await left.untilNone() }
        group.cancelAll()
    }
}
