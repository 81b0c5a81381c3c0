// The compiler finds `stat` in the one or the other, by what is compiled in one go.
import CoreFoundation
import FleetAPI
import Foundation
import Glibc

// The machine: directory, space, files, clock.
extension Doctor {
    private static let leastSpace = 64 << 20
    private static let goodSpace = 1 << 30
    /// Some time before this program.
    private static let release = Timestamp(seconds: 1_761_955_200)

    func examineDirectory() -> [Finding] {
        let check = "data directory"
        var facts = stat()
        guard stat(directory, &facts) == 0 else {
            let reason = String(cString: strerror(errno))
            let isMissing = errno == ENOENT
            return [
                Finding(
                    check, isMissing ? .warn : .fail, "\(directory): \(reason)",
                    isMissing
                        ? "a provider makes it when it first starts with --data-dir \(shellWord(directory))"
                        : "give the user of the provider access to it")
            ]
        }
        guard facts.st_mode & S_IFMT == S_IFDIR else {
            return [Finding(check, .fail, "\(directory) is no directory", "choose another with --data-dir")]
        }
        var findings = [examineMode(facts)]
        if facts.st_uid != geteuid() {
            findings.append(
                Finding(
                    "owner", .warn, "\(directory) belongs to user \(facts.st_uid), and this is user \(geteuid())",
                    "run the doctor as the user of the provider"))
        }
        if let space = examineSpace() { findings.append(space) }
        return findings
    }

    private func examineMode(_ facts: stat) -> Finding {
        let mode = String(facts.st_mode & 0o777, radix: 8)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        let open = names.sorted().filter { name in
            var file = stat()
            return lstat("\(directory)/\(name)", &file) == 0 && file.st_mode & S_IFMT == S_IFREG
                && file.st_mode & 0o077 != 0
        }
        let advice = "chmod -R go= \(shellWord(directory))"
        if facts.st_mode & 0o077 != 0 {
            let isWritable = facts.st_mode & 0o022 != 0
            return Finding(
                "data directory", isWritable ? .fail : .warn,
                "\(directory) has mode \(mode): others can \(isWritable ? "change" : "read") what is in it", advice)
        }
        guard open.isEmpty else {
            return Finding(
                "data directory", .warn, "others may read \(open.prefix(3).joined(separator: ", ")) in \(directory)",
                advice)
        }
        return Finding("data directory", .ok, "\(directory), mode \(mode)")
    }

    private func examineSpace() -> Finding? {
        var disk = statvfs()
        guard statvfs(directory, &disk) == 0 else { return nil }
        let free = Int(clamping: UInt64(disk.f_bavail) * UInt64(disk.f_frsize))
        let used = Int(DurableFile.size(of: StoreDirectory.databasePath(in: directory)) ?? 0)
        let text = "\(free >> 20) MiB free on the disk of \(directory), \(used >> 20) MiB in the database"
        let advice = "make room: without it nothing is accepted any more"
        if free < Self.leastSpace { return Finding("free space", .fail, text, advice) }
        return Finding(
            "free space", free < max(Self.goodSpace, used) ? .warn : .ok, text, free < Self.goodSpace ? advice : nil)
    }

    func examineOpenFiles(known: Int) -> Finding {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return Finding("open files", .warn, "the limit cannot be read")
        }
        let allowed = Int(clamping: limit.rlim_max)
        let expected = agents ?? known
        let needed = expected + expected / 50 + OpenConnections.reserve + 32
        let text = "\(allowed) may be open; \(expected) agents by WebSocket need \(needed)"
        let advice =
            "raise the hard limit to \(2 * needed) or more: LimitNOFILE= of a systemd unit, ulimit -Hn of a shell"
        if allowed < needed { return Finding("open files", .fail, text, advice) }
        return Finding(
            "open files", allowed < needed + needed / 2 ? .warn : .ok, text,
            allowed < needed + needed / 2 ? advice : nil)
    }

    /// Whether the clock can be right: this program was there, and nothing was stored in its future.
    func examineClock(_ stored: StoredFacts?) -> [Finding] {
        let slack = Duration.seconds(60)
        if let newest = stored?.newest, newest > now + slack {
            return [
                Finding(
                    "clock", .fail, "it is \(now) here, but the database holds what happened at \(newest)",
                    "set the clock right: times that are shown and how long history is kept depend on it")
            ]
        }
        guard now > Self.release else {
            return [Finding("clock", .fail, "it is \(now) here, which has long been over", "set the clock right")]
        }
        return [Finding("clock", .ok, "it is \(now)")]
    }
}
