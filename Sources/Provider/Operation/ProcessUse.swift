// The compiler finds `stat` in the one or the other, by what is compiled in one go.
import CoreFoundation
import Glibc

/// What this process uses of the machine, as Linux tells it; zeros where it does not.
struct ProcessUse: Sendable {
    private(set) var cpuSeconds = 0.0
    private(set) var residentBytes = 0
    private(set) var virtualBytes = 0
    private(set) var openFiles = 0
    private(set) var openFileLimit = 0

    static func now() -> ProcessUse {
        var use = ProcessUse()
        var time = timespec()
        if clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 {
            use.cpuSeconds = Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let pages = firstLine(of: "/proc/self/statm").split(separator: " ").compactMap { Int($0) }
        if pages.count > 1 {
            let size = sysconf(Int32(_SC_PAGESIZE))
            (use.virtualBytes, use.residentBytes) = (pages[0] * size, pages[1] * size)
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            use.openFileLimit = Int(clamping: limit.rlim_cur)
        }
        use.openFiles = countOpenFiles()
        return use
    }

    /// Newer kernels tell the number at once; a hundred thousand entries take long to count.
    private static func countOpenFiles() -> Int {
        var facts = stat()
        if stat("/proc/self/fd", &facts) == 0, facts.st_size > 0 { return Int(facts.st_size) }
        guard let directory = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while let entry = readdir(directory) {
            if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 }
        }
        // But the one for counting.
        return max(0, count - 1)
    }

    private static func firstLine(of path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 512)
        let count = read(file, &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, count)).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
